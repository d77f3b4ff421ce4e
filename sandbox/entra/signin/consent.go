package signin

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

// permission is a scope that a client asks consent for.
type permission struct {
	// resourceID is the object id of the API's service principal.
	resourceID string
	resource   string // its display name
	value      string
	// Name and Description are what the person reads.
	Name, Description string
	// admin tells that only an administrator may consent.
	admin bool
}

// consent is what a client may do for a user at a resource.
type consent struct {
	// granted are scope values of the resource.
	granted []string
	// missing are permissions that nobody consented to yet.
	missing []permission
}

// needs tells whether any missing permission takes an administrator.
func (c consent) needsAdmin() bool {
	return slices.ContainsFunc(c.missing, func(p permission) bool { return p.admin })
}

// consentFor compares what was asked for with what was granted. The scopes of
// OpenID Connect need consent as all others do.
func consentFor(st *directory.State, c client, q scopeRequest, resource *directory.ServicePrincipal, userID string) (consent, *Error) {
	var got consent
	for _, s := range grantedScopes(st, c, resource, userID) {
		got.granted = append(got.granted, s.Value)
	}
	if q.Default && len(got.granted) == 0 {
		listed, refusal := requiredScopes(st, c, q, resource)
		if refusal != nil {
			return consent{}, refusal
		}
		got.missing = listed
	}
	exposed := st.ScopesOf(resource)
	for _, value := range q.Values {
		i := slices.IndexFunc(exposed, func(s directory.PermissionScope) bool { return s.IsEnabled && strings.EqualFold(s.Value, value) })
		if i < 0 {
			return consent{}, refuse(650053, "The application '%s' asked for scope '%s' that doesn't exist on the resource '%s'. Contact the app vendor.", c.app.DisplayName, value, resource.AppID)
		}
		if !slices.Contains(got.granted, exposed[i].Value) {
			got.missing = append(got.missing, permissionOf(resource, exposed[i]))
		}
	}
	oidc, refusal := missingOIDC(st, c, q, userID)
	if refusal != nil {
		return consent{}, refusal
	}
	got.missing = append(got.missing, oidc...)
	return got, nil
}

// grantedScopes are the scopes of a resource that a client was granted, for all
// users or this one, or is pre-authorized for.
func grantedScopes(st *directory.State, c client, resource *directory.ServicePrincipal, userID string) []directory.PermissionScope {
	values := st.DelegatedScopes(c.sp, resource, userID)
	var preauthorized []string
	if api := st.ApplicationByAppID(resource.AppID); api != nil {
		for _, p := range api.API.PreAuthorizedApplications {
			if strings.EqualFold(p.AppID, c.app.AppID) {
				preauthorized = p.DelegatedPermissionIDs
			}
		}
	}
	var granted []directory.PermissionScope
	for _, s := range st.ScopesOf(resource) {
		if s.IsEnabled && (slices.Contains(values, s.Value) || slices.Contains(preauthorized, s.ID)) {
			granted = append(granted, s)
		}
	}
	return granted
}

// requiredScopes are what .default asks consent for when there is none yet: the
// permissions that the registration lists for the resource.
// https://learn.microsoft.com/entra/identity-platform/scopes-oidc#the-default-scope
func requiredScopes(st *directory.State, c client, q scopeRequest, resource *directory.ServicePrincipal) ([]permission, *Error) {
	var listed []permission
	for _, access := range c.app.RequiredResourceAccess {
		if !strings.EqualFold(access.ResourceAppID, resource.AppID) {
			continue
		}
		for _, wanted := range access.ResourceAccess {
			for _, s := range st.ScopesOf(resource) {
				if wanted.Type == "Scope" && wanted.ID == s.ID && s.IsEnabled {
					listed = append(listed, permissionOf(resource, s))
				}
			}
		}
	}
	if len(listed) == 0 {
		return nil, refuse(650057, "Invalid resource. The client has requested access to a resource which is not listed in the requested permissions in the client's application registration. Client app ID: %s(%s). Resource value from request: %s. Resource app ID: %s.", c.app.AppID, c.app.DisplayName, q.Resource, resource.AppID)
	}
	return listed, nil
}

// missingOIDC are the scopes of OpenID Connect that were asked for and that the
// client has no grant for on Microsoft Graph.
func missingOIDC(st *directory.State, c client, q scopeRequest, userID string) ([]permission, *Error) {
	if len(q.OIDC) == 0 {
		return nil, nil
	}
	graph, refusal := resourceOf(st, "")
	if refusal != nil {
		return nil, refusal
	}
	granted := st.DelegatedScopes(c.sp, graph, userID)
	var lacking []permission
	for _, value := range q.OIDC {
		if slices.Contains(granted, value) {
			continue
		}
		for _, s := range st.ScopesOf(graph) {
			if s.Value == value && s.IsEnabled {
				lacking = append(lacking, permissionOf(graph, s))
			}
		}
	}
	return lacking, nil
}

func permissionOf(resource *directory.ServicePrincipal, s directory.PermissionScope) permission {
	p := permission{
		resourceID: resource.ID, resource: resource.DisplayName, value: s.Value, admin: s.Type != "User",
		Name: s.UserConsentDisplayName, Description: s.UserConsentDescription,
	}
	if p.Name == "" {
		p.Name = s.AdminConsentDisplayName
	}
	if p.Description == "" {
		p.Description = s.AdminConsentDescription
	}
	return p
}

// grant records a user's consent: one grant for each resource, for this user only.
func grant(st *directory.State, clientID, userID string, permissions []permission) {
	for _, p := range permissions {
		g := principalGrant(st, clientID, p.resourceID, userID)
		if g == nil {
			id := grantID(clientID, p.resourceID, userID)
			g = &directory.Grant{ID: id, ClientID: clientID, ConsentType: "Principal", PrincipalID: &userID, ResourceID: p.resourceID}
			if st.Grants == nil {
				st.Grants = map[string]*directory.Grant{}
			}
			st.Grants[id] = g
		}
		if values := strings.Fields(g.Scope); !slices.Contains(values, p.value) {
			g.Scope = strings.Join(append(values, p.value), " ")
		}
	}
}

func principalGrant(st *directory.State, clientID, resourceID, userID string) *directory.Grant {
	for _, g := range st.Grants {
		ofUser := g.ConsentType == "Principal" && g.PrincipalID != nil && *g.PrincipalID == userID
		if ofUser && g.ClientID == clientID && g.ResourceID == resourceID {
			return g
		}
	}
	return nil
}

// grantID is an id in the form of Graph's, derived from what is granted.
func grantID(clientID, resourceID, userID string) string {
	sum := sha256.Sum256([]byte(clientID + "/" + resourceID + "/" + userID))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// notConsented refuses a token that nobody consented to.
func notConsented(c client) *Error {
	e := refuse(65001, "The user or administrator has not consented to use the application with ID '%s' named '%s'. Send an interactive authorization request for this user and resource.", c.app.AppID, c.app.DisplayName)
	e.Suberror = "consent_required"
	return e
}
