package graph

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

const (
	maxRedirectURIs         = 256
	maxPersonalRedirectURIs = 100
	maxURI                  = 256
	maxIdentifierURI        = 255
	maxPersonalIdentifier   = 120
)

// checkIdentifierURIs applies the rules on Application ID URIs: the secure
// patterns for new ones of applications with v1 tokens, and uniqueness.
// https://learn.microsoft.com/entra/identity-platform/identifier-uri-restrictions
func (c *call) checkIdentifierURIs(a, old *directory.Application) error {
	limit := maxIdentifierURI
	if personal(a) {
		limit = maxPersonalIdentifier
	}
	version := a.API.RequestedAccessTokenVersion
	v2 := version != nil && *version == 2
	for i, uri := range a.IdentifierURIs {
		if uri == "" || len(uri) > limit || strings.HasSuffix(uri, "/") || strings.ContainsAny(uri, " \t\r\n*") {
			return invalidProperty("identifierUris", applicationResource)
		}
		if slices.Contains(a.IdentifierURIs[:i], uri) {
			return duplicateValue("identifierUris")
		}
		if !slices.Contains(old.IdentifierURIs, uri) || wentToV1(a, old) {
			if err := c.checkNewIdentifier(uri, a, v2); err != nil {
				return err
			}
		}
		if c.identifierTaken(uri, a) {
			return &Error{
				Status: http.StatusBadRequest, Code: "Request_BadRequest", Target: "identifierUris",
				Message: "Another object with the same value for property identifierUris already exists.",
			}
		}
	}
	return nil
}

// wentToV1: an application with v2 tokens cannot go back to v1 tokens with
// URIs that v1 applications may not have.
func wentToV1(a, old *directory.Application) bool {
	isV2 := func(a *directory.Application) bool {
		return a.API.RequestedAccessTokenVersion != nil && *a.API.RequestedAccessTokenVersion == 2
	}
	return isV2(old) && !isV2(a)
}

func (c *call) checkNewIdentifier(uri string, a *directory.Application, v2 bool) error {
	scheme, rest, found := strings.Cut(uri, "://")
	if found && scheme == "api" {
		host, _, _ := strings.Cut(rest, "/")
		if isGUID(host) && !strings.EqualFold(host, a.AppID) && !strings.EqualFold(host, c.state.Tenant.ID) {
			return invalidProperty("identifierUris", applicationResource)
		}
	}
	if v2 {
		return nil // exempt from the policies; seen also in https://github.com/MicrosoftDocs/azure-docs/pull/82762
	}
	if found && (scheme == "https" || scheme == "http") {
		u, err := url.Parse(uri)
		if err != nil || !c.verifiedDomain(u.Hostname()) {
			return &Error{
				Status: http.StatusBadRequest, Code: "HostNameNotOnVerifiedDomain", Target: "identifierUris",
				Message: "Values of identifierUris property must use a verified domain of the organization or its subdomain: '" + uri + "'",
			}
		}
		return nil
	}
	for segment := range strings.SplitSeq(rest, "/") {
		if strings.EqualFold(segment, a.AppID) || strings.EqualFold(segment, c.state.Tenant.ID) || c.verifiedDomain(segment) {
			return nil
		}
	}
	return &Error{
		Status: http.StatusBadRequest, Code: "Request_BadRequest", Target: "identifierUris",
		Message: "Failed to add identifier URI " + uri + ". All newly added URIs must contain a tenant verified domain, tenant ID, or app ID, as per the default tenant policy of your organization. See https://aka.ms/identifier-uri-addition-error for more information on this error.",
	}
}

// verifiedDomain tells whether a host is a verified domain or below one.
func (c *call) verifiedDomain(host string) bool {
	host = strings.ToLower(host)
	for _, d := range append([]string{c.state.Tenant.InitialDomain}, c.state.Tenant.VerifiedDomains...) {
		if d = strings.ToLower(d); d != "" && (host == d || strings.HasSuffix(host, "."+d)) {
			return true
		}
	}
	return false
}

func (c *call) identifierTaken(uri string, a *directory.Application) bool {
	for _, other := range c.state.Applications {
		if other.ID != a.ID && slices.ContainsFunc(other.IdentifierURIs, func(u string) bool { return strings.EqualFold(u, uri) }) {
			return true
		}
	}
	return false
}

// checkRedirectURIs applies the rules of each platform. That URIs are distinct
// across platforms, and the codes of the errors, are guesses.
// https://learn.microsoft.com/entra/identity-platform/reply-url
func checkRedirectURIs(a, _ *directory.Application) error {
	platforms := []struct {
		property string
		uris     []string
		valid    func(*url.URL) bool
	}{
		{"web.redirectUris", a.Web.RedirectURIs, validWebURI},
		{"spa.redirectUris", a.SPA.RedirectURIs, validWebURI},
		{"publicClient.redirectUris", a.PublicClient.RedirectURIs, validPublicURI},
	}
	var all []string
	for _, p := range platforms {
		for _, uri := range p.uris {
			u, err := url.Parse(uri)
			if err != nil || !validRedirectText(uri, personal(a)) || !p.valid(u) {
				return invalidProperty(p.property, applicationResource)
			}
			if slices.Contains(all, uri) {
				return &Error{ // code and message are guesses
					Status: http.StatusBadRequest, Code: "InvalidRedirectUri", Target: p.property,
					Message: "Redirect URIs must have distinct values.",
				}
			}
			all = append(all, uri)
		}
	}
	limit := maxRedirectURIs
	if personal(a) {
		limit = maxPersonalRedirectURIs
	}
	if len(all) > limit {
		return tooLarge("redirectUris")
	}
	return nil
}

// validRedirectText: no fragment, no wildcard or query for personal accounts,
// and none of the characters that are not supported.
func validRedirectText(uri string, personal bool) bool {
	return uri != "" && len(uri) <= maxURI && !strings.ContainsAny(uri, "!$'(),;# \t\r\n\\<>\"") &&
		(!personal || !strings.ContainsAny(uri, "*?"))
}

// validWebURI: https, or http on the loopback addresses that Graph accepts.
func validWebURI(u *url.URL) bool {
	host := u.Hostname()
	switch u.Scheme {
	case "https":
		return host != "" && host != "::1" && !strings.Contains(host, "**") && host != "*"
	case "http":
		return host == "localhost" || host == "127.0.0.1"
	case "ms-appx-web":
		return true
	}
	return false
}

// customScheme is a scheme that an installed application may claim.
var customScheme = regexp.MustCompile(`^[a-z][a-z0-9+.\-]*$`)

// validPublicURI also takes custom schemes and the out-of-band URN.
func validPublicURI(u *url.URL) bool {
	switch u.Scheme {
	case "http", "https":
		return validWebURI(u)
	case "javascript", "data", "file", "vbscript", "blob", "about":
		return false
	case "urn":
		return u.String() == "urn:ietf:wg:oauth:2.0:oob"
	}
	return customScheme.MatchString(u.Scheme) && (u.Host != "" || u.Opaque != "" || u.Path != "")
}
