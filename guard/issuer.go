package guard

import (
	"net/url"
	"slices"
	"strings"
)

// The hosts where Entra signs in, of all its clouds, and those that are the issuer
// of its v1 tokens.
// https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
var (
	loginHosts = []string{
		"login.microsoftonline.com", "login.windows.net", "login.microsoft.com",
		"login.microsoftonline.us", "login.partner.microsoftonline.cn", "login.chinacloudapi.cn",
	}
	v1Hosts = []string{"sts.windows.net", "sts.chinacloudapi.cn", "sts.microsoftonline.us"}
)

// everybody are the authorities that are no tenant, the template that their
// metadata has for an issuer, and the tenant of all personal accounts.
// https://learn.microsoft.com/entra/identity-platform/v2-protocols#endpoints
var everybody = []string{"common", "organizations", "consumers", "{tenantid}", "9188040d-6c67-4c5b-b112-36a304b66dad"}

// isJWT reports whether an authorizer may be one that verifies tokens itself. A
// type that is not known yet, or not given, is told by the configuration.
func isJWT(r Resource) bool {
	kind := r.at("authorizerType")
	return kind.text() == "JWT" || kind.text() == "" && !r.at("jwtConfiguration").unset()
}

func jwtIssuer(r Resource) []string {
	issuer := r.at("jwtConfiguration", "issuer")
	if !isJWT(r) || !issuer.known {
		return nil
	}
	if issuer.unset() {
		return []string{"jwtConfiguration: issuer: not set"}
	}
	if problem := issuerProblem(issuer.text()); problem != "" {
		return []string{"jwtConfiguration: issuer: " + issuer.got() + ", " + problem}
	}
	return nil
}

// issuerProblem says what is wrong with an issuer. Of other issuers than Entra
// it wants only https.
func issuerProblem(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" {
		return "which is not a URL"
	}
	if u.Scheme != "https" {
		return "which is not https"
	}
	host := strings.ToLower(u.Hostname())
	segments := strings.Split(strings.Trim(u.Path, "/"), "/")
	tenant, version := strings.ToLower(segments[0]), segments[len(segments)-1]
	v2 := len(segments) == 2 && version == "v2.0"
	switch {
	case slices.Contains(v1Hosts, host):
		return "which is that of v1 tokens"
	case (v2 || slices.Contains(loginHosts, host)) && slices.Contains(everybody, tenant):
		return "which is not that of one tenant"
	case slices.Contains(loginHosts, host) && !v2:
		return "which is not that of v2.0 tokens"
	}
	return ""
}

func jwtAudience(r Resource) []string {
	audiences := r.at("jwtConfiguration", "audiences")
	if !isJWT(r) || !audiences.known {
		return nil
	}
	items := audiences.items()
	if len(items) == 0 {
		return []string{"jwtConfiguration: audiences: none: tokens for any API of the tenant would do, or none at all"}
	}
	var problems []string
	for _, audience := range items {
		if audience.known && strings.TrimSpace(audience.text()) == "" {
			problems = append(problems, "jwtConfiguration: audiences: "+audience.got())
		}
	}
	return problems
}
