package signin

import (
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

// The scopes of OpenID Connect, which belong to Microsoft Graph.
var oidcScopes = []string{"openid", "profile", "email", "offline_access"}

// scopeRequest is a scope parameter taken apart.
// https://learn.microsoft.com/entra/identity-platform/scopes-oidc
type scopeRequest struct {
	// OIDC are the scopes of OpenID Connect that were asked for.
	OIDC []string
	// Resource is the API as the client names it. It is "" when only scopes
	// without a resource were asked for, which are Microsoft Graph's.
	Resource string
	// Values are the scopes of the resource, without ".default".
	Values []string
	// Default tells that <resource>/.default was asked for.
	Default bool
	// Asked are the scopes of the resource as the client wrote them.
	Asked []string
}

// has tells whether a scope of OpenID Connect was asked for.
func (q scopeRequest) has(oidc string) bool { return slices.Contains(q.OIDC, oidc) }

// names tells whether any scope of a resource was asked for.
func (q scopeRequest) names() bool { return len(q.Asked) > 0 }

// parseScope takes a scope parameter apart. Scopes of several resources are
// refused with the code that the endpoint has for that.
func parseScope(raw string, severalCode int) (scopeRequest, *Error) {
	var q scopeRequest
	for scope := range strings.FieldsSeq(raw) {
		if !scopeToken(scope) {
			return scopeRequest{}, invalidScope(raw)
		}
		if lower := strings.ToLower(scope); slices.Contains(oidcScopes, lower) {
			if !q.has(lower) {
				q.OIDC = append(q.OIDC, lower)
			}
			continue
		}
		resource, value := splitScope(scope)
		if value == "" || strings.HasSuffix(resource, "/") && !strings.Contains(strings.TrimRight(resource, "/"), "/") {
			return scopeRequest{}, invalidScope(raw)
		}
		if resource != "" && q.Resource != "" && resource != q.Resource || q.names() && isGraph(resource) != isGraph(q.Resource) {
			return scopeRequest{}, refuse(severalCode, "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope %s is not valid.", raw)
		}
		if resource != "" {
			q.Resource = resource
		}
		q.Asked = append(q.Asked, scope)
		if value == ".default" {
			q.Default = true
		} else if !slices.Contains(q.Values, value) {
			q.Values = append(q.Values, value)
		}
	}
	if q.Default && len(q.Values) > 0 {
		return scopeRequest{}, refuse(70011, "The provided value for the input parameter 'scope' is not valid. The scope %s is not valid. .default scope can't be combined with resource-specific scopes.", raw)
	}
	return q, nil
}

// splitScope parts a scope at its last slash. So the resource of
// "https://x//.default" is "https://x/".
func splitScope(scope string) (resource, value string) {
	i := strings.LastIndexByte(scope, '/')
	if i < 0 {
		return "", scope
	}
	return scope[:i], scope[i+1:]
}

// isGraph tells whether a resource name is Microsoft Graph's: what a scope
// without a resource means.
func isGraph(resource string) bool {
	return resource == "" || resource == directory.GraphAppID || strings.TrimSuffix(resource, "/") == "https://graph.microsoft.com"
}

// scopeToken tells whether s has only characters that RFC 6749 section 3.3
// allows in a scope.
func scopeToken(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < 0x21 || r > 0x7e || r == '"' || r == '\\' })
}

func invalidScope(raw string) *Error {
	return refuse(70011, "The provided value for the input parameter 'scope' is not valid. The scope %s is not valid.", raw)
}

// appOnlyResource is the resource of a client credentials request, whose scope
// must be <resource>/.default and nothing else. Scopes of OpenID Connect mean
// nothing here and are passed over: MSAL for Go always sends them.
func appOnlyResource(raw string) (string, *Error) {
	scopes := slices.DeleteFunc(strings.Fields(raw), func(s string) bool { return slices.Contains(oidcScopes, s) })
	switch {
	case strings.TrimSpace(raw) == "":
		return "", missing("scope")
	case len(scopes) != 1 || !scopeToken(scopes[0]):
		return "", invalidScope(raw)
	}
	resource, value := splitScope(scopes[0])
	if value != ".default" || resource == "" {
		return "", refuse(1002012, "The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).", scopes[0])
	}
	return resource, nil
}

// resourceOf finds the API that a request names.
func resourceOf(st *directory.State, name string) (*directory.ServicePrincipal, *Error) {
	if name == "" {
		name = directory.GraphAppID
	}
	p := st.Resource(name)
	if p == nil {
		return nil, refuse(500011, "The resource principal named %s was not found in the tenant named %s. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.", name, st.Tenant.DisplayName)
	}
	if !p.AccountEnabled {
		return nil, refuse(500014, "The service principal for resource '%s' is disabled. This indicate that a subscription within the tenant has lapsed, or that the administrator for this tenant has disabled the application, preventing tokens from being issued for it.", name)
	}
	return p, nil
}
