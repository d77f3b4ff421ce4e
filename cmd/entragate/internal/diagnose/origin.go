package diagnose

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/entragate/entragate/access"
)

// Ids that Microsoft gives.
const (
	// personalTenant is the tid of personal Microsoft accounts.
	// https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
	personalTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"
	graphID        = "00000003-0000-0000-c000-000000000000"
)

// wellKnown are audiences that tokens of the wrong kind often have.
// https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
var wellKnown = map[string]string{
	"00000002-0000-0000-c000-000000000000": "Azure AD Graph",
	"https://graph.windows.net":            "Azure AD Graph",
	"797f4846-ba00-4fd7-ba43-dac1f8f63013": "Azure Resource Manager",
	"https://management.azure.com":         "Azure Resource Manager",
	"https://management.core.windows.net":  "Azure Resource Manager",
}

var guidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func isGUID(text string) bool { return guidForm.MatchString(text) }

// tenantID is as Entra writes it.
func (x *explainer) tenantID() string { return strings.ToLower(x.Tenant.ID) }

// resource says what the token is for, where that is not this API: a [Cause], or
// "".
func (x *explainer) resource() Cause {
	audiences := x.token.list("aud")
	is := func(name string) bool {
		return slices.ContainsFunc(audiences, func(aud string) bool { return strings.TrimSuffix(aud, "/") == name })
	}
	switch {
	case x.isIDToken():
		return CauseIDToken
	case is(graphID), is("https://graph.microsoft.com"), is(x.Tenant.GraphURL()):
		return CauseGraphToken
	case is(x.Audience):
		return ""
	case is("api://" + x.Audience):
		return CauseAudienceURI
	case len(audiences) == 0:
		return CauseNoAudience
	}
	return CauseOtherAPI
}

// isIDToken reports whether it is an ID token. Those of Entra have none of the
// claims that an access token has at least one of, and may have those that are
// for the client alone.
// https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
func (x *explainer) isIDToken() bool {
	if x.token.has("scp", "idtyp") {
		return false
	}
	return x.token.has("nonce", "at_hash", "c_hash") || x.token.has("tid", "ver") && !x.token.has("azp", "appid")
}

// origin says where the token is from, where that is not the stack's issuer: a
// [Cause], or "".
func (x *explainer) origin() Cause {
	iss := x.token.text("iss")
	if iss == x.Tenant.Issuer() {
		return ""
	}
	tenant := x.tokenTenant()
	u, err := url.Parse(iss)
	switch {
	case tenant == personalTenant:
		return CausePersonalAccount
	case err != nil || !x.isEntra(u.Host):
		return CauseOtherIssuer
	case tenant != "" && tenant != x.tenantID():
		return CauseOtherTenant
	case strings.HasPrefix(u.Host, "sts.") || x.token.text("ver") == "1.0":
		return CauseV1Token
	}
	return CauseOtherIssuer // such as that of another cloud, or one with a slash more
}

// tokenTenant is the tenant that iss names, else tid.
func (x *explainer) tokenTenant() string {
	if u, err := url.Parse(x.token.text("iss")); err == nil {
		first, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
		if id := strings.ToLower(first); isGUID(id) {
			return id
		}
	}
	return strings.ToLower(x.token.text("tid"))
}

// isEntra reports whether Entra issues tokens in the name of a host.
// https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
func (x *explainer) isEntra(host string) bool {
	own, err := url.Parse(x.Tenant.Authority())
	return err == nil && host == own.Host || slices.Contains([]string{
		"sts.windows.net", "sts.chinacloudapi.cn", "login.microsoftonline.com", "login.microsoftonline.us",
		"login.partner.microsoftonline.cn", "login.chinacloudapi.cn", "login.windows.net",
	}, host)
}

// audienceWords say what the token is for, by name where that is known.
func (x *explainer) audienceWords() string {
	audiences := x.token.list("aud")
	if len(audiences) == 0 {
		return "no aud"
	}
	words := x.token.tidyAll(audiences)
	for i := range words {
		aud := strings.TrimSuffix(audiences[min(i, len(audiences)-1)], "/")
		name := wellKnown[aud]
		if aud == graphID {
			name = "Microsoft Graph"
		}
		if client := x.clientName(aud); client != "" {
			name = "the client " + client
		}
		if name != "" {
			words[i] = fmt.Sprintf("%s (%s)", words[i], name)
		}
	}
	return strings.Join(words, ", ")
}

// clientName is what the stack calls a client id, or "".
func (x *explainer) clientName(id string) string {
	for _, name := range slices.Sorted(maps.Keys(x.Clients)) {
		if id != "" && strings.EqualFold(x.Clients[name], id) {
			return name
		}
	}
	return ""
}

// client is the client of the model that got the token, if it is one.
func (x *explainer) client() (access.Client, bool) {
	name := x.clientName(x.token.clientID())
	i := slices.IndexFunc(x.Model.Clients, func(c access.Client) bool { return name != "" && c.Name == name })
	if i < 0 {
		return access.Client{}, false
	}
	return x.Model.Clients[i], true
}

// clientWords say who got the token.
func (x *explainer) clientWords() string {
	id := x.token.clientID()
	name := x.clientName(id)
	client, known := x.client()
	switch {
	case x.token.claims == nil:
		return ""
	case known:
		return fmt.Sprintf("%s (%s)", name, client.Kind)
	case name != "":
		return name
	case id == "":
		return "a client that the token does not name"
	}
	return "a client that this stack does not know: " + x.token.tidy(id)
}
