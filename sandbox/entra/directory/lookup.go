package directory

import (
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/store"
)

// Directory is one tenant, kept durable.
type Directory = store.Store[State]

// ApplicationByAppID finds a registration by its client id, or nil.
func (s *State) ApplicationByAppID(appID string) *Application {
	for _, a := range s.Applications {
		if strings.EqualFold(a.AppID, appID) {
			return a
		}
	}
	return nil
}

// ServicePrincipalByAppID finds the service principal of a client id, or nil.
func (s *State) ServicePrincipalByAppID(appID string) *ServicePrincipal {
	for _, p := range s.ServicePrincipals {
		if strings.EqualFold(p.AppID, appID) {
			return p
		}
	}
	return nil
}

// ScopesOf returns the delegated permissions that a resource exposes.
func (s *State) ScopesOf(p *ServicePrincipal) []PermissionScope {
	if a := s.ApplicationByAppID(p.AppID); a != nil {
		return a.API.OAuth2PermissionScopes
	}
	return p.OAuth2PermissionScopes
}

// RolesOf returns the app roles that a resource exposes.
func (s *State) RolesOf(p *ServicePrincipal) []AppRole {
	if a := s.ApplicationByAppID(p.AppID); a != nil {
		return a.AppRoles
	}
	return p.AppRoles
}

// Resource finds the API that a request names by client id, by identifier URI
// or, for Microsoft Graph, by service principal name. It is nil where no
// service principal stands for it, whatever registrations exist.
func (s *State) Resource(name string) *ServicePrincipal {
	for _, p := range s.ServicePrincipals {
		if strings.EqualFold(p.AppID, name) || slices.Contains(p.ServicePrincipalNames, name) {
			return p
		}
		if a := s.ApplicationByAppID(p.AppID); a != nil && slices.Contains(a.IdentifierURIs, name) {
			return p
		}
	}
	return nil
}

// DelegatedScopes are the scope values granted to a client for a resource,
// either for everyone or for this user, that the resource still has enabled.
func (s *State) DelegatedScopes(client, resource *ServicePrincipal, userID string) []string {
	var granted []string
	for _, g := range s.Grants {
		if g.ClientID != client.ID || g.ResourceID != resource.ID {
			continue
		}
		if g.ConsentType == "AllPrincipals" || g.PrincipalID != nil && *g.PrincipalID == userID {
			granted = append(granted, strings.Fields(g.Scope)...)
		}
	}
	var enabled []string
	for _, scope := range s.ScopesOf(resource) {
		if scope.IsEnabled && slices.Contains(granted, scope.Value) {
			enabled = append(enabled, scope.Value)
		}
	}
	return enabled
}

// AssignmentsTo are the assignments that a principal has on a resource: its
// own and, for a user, those of the groups it is a direct member of.
func (s *State) AssignmentsTo(resource *ServicePrincipal, principalID string) []*Assignment {
	var found []*Assignment
	for _, a := range s.Assignments {
		if a.ResourceID != resource.ID {
			continue
		}
		group := s.Groups[a.PrincipalID]
		if a.PrincipalID == principalID || group != nil && slices.Contains(group.MemberIDs, principalID) {
			found = append(found, a)
		}
	}
	slices.SortFunc(found, func(a, b *Assignment) int { return strings.Compare(a.ID, b.ID) })
	return found
}

// RoleValues are the values of the enabled app roles that a principal holds on
// a resource; roles without a value give none.
func (s *State) RoleValues(resource *ServicePrincipal, principalID string) []string {
	var values []string
	for _, a := range s.AssignmentsTo(resource, principalID) {
		for _, r := range s.RolesOf(resource) {
			if r.ID == a.AppRoleID && r.IsEnabled && r.Value != nil && *r.Value != "" && !slices.Contains(values, *r.Value) {
				values = append(values, *r.Value)
			}
		}
	}
	slices.Sort(values)
	return values
}

// UserByName finds a user by object id or user principal name, or nil.
func (s *State) UserByName(name string) *User {
	for _, u := range s.Users {
		if strings.EqualFold(u.UserPrincipalName, name) || strings.EqualFold(u.ID, name) {
			return u
		}
	}
	return nil
}
