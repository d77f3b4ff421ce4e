package deployed

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/entragate/entragate/access"
)

// noValue stands for a role without a value: no token shows it, but who holds it is
// assigned, and gets one.
const noValue = "a role without a value"

// effective is the model that what was read amounts to: what Entra exposes, grants
// and assigns, and what the routes ask for. Who holds something and is not
// in the declared model becomes a client of it.
func (s *State) effective(declared access.Model) access.Model {
	m := access.Model{Backends: declared.Backends, Functions: declared.Functions, DecisionCacheSeconds: declared.DecisionCacheSeconds}
	state := func(enabled bool) access.State {
		if enabled {
			return access.StateActive
		}
		return access.StateRetired
	}
	for _, p := range s.API.Registration.API.Scopes {
		consent := access.ConsentAdmin
		if p.Type == "User" {
			consent = access.ConsentUser
		}
		m.Scopes = append(m.Scopes, access.Scope{Value: p.Value, Consent: consent, State: state(p.Enabled)})
	}
	for _, p := range s.API.Registration.Roles {
		if p.Value != "" && slices.Contains(p.Members, "Application") {
			m.Roles = append(m.Roles, access.Role{Value: p.Value, State: state(p.Enabled)})
		}
	}
	m.Roles = append(m.Roles, access.Role{Value: noValue})
	required := s.API.Principal.AssignmentRequired
	m.Assignment.Required = &required
	for _, a := range s.Assignments {
		switch a.PrincipalType {
		case "User":
			m.Assignment.Users = append(m.Assignment.Users, a.PrincipalID)
		case "Group":
			m.Assignment.Groups = append(m.Assignment.Groups, a.PrincipalID)
		}
	}
	m.Clients = s.effectiveClients(declared)
	m.Routes = s.effectiveRoutes(declared)
	return m
}

// effectiveClients are the declared ones, with what they hold, and then all others
// that hold something.
func (s *State) effectiveClients(declared access.Model) []access.Client {
	scopes, roles := s.granted(), s.assigned()
	var clients, others []access.Client
	for _, c := range declared.Clients {
		id := s.Clients[c.Name].Principal.ID
		held := access.Client{Name: c.Name, Kind: c.Kind}
		if c.Kind.IsDelegated() {
			held.Scopes = scopes[id]
			if len(roles[id]) > 0 { // it may sign in as itself too
				others = append(others, access.Client{Name: c.Name + " as itself", Kind: access.ClientDaemon, Roles: roles[id]})
			}
		} else {
			held.Roles = roles[id]
			if len(scopes[id]) > 0 {
				others = append(others, access.Client{Name: c.Name + " for users", Kind: access.ClientNative, Scopes: scopes[id]})
			}
		}
		delete(scopes, id)
		delete(roles, id)
		clients = append(clients, held)
	}
	for _, id := range sortedKeys(scopes) {
		others = append(others, access.Client{Name: s.NameOf(id), Kind: access.ClientNative, Scopes: scopes[id]})
	}
	for _, id := range sortedKeys(roles) {
		others = append(others, access.Client{Name: s.NameOf(id), Kind: access.ClientDaemon, Roles: roles[id]})
	}
	return append(clients, others...)
}

// granted are scopes by the service principals whose users have them, by an
// administrator's grant or since they need none.
func (s *State) granted() map[string][]string {
	held := map[string][]string{}
	for _, g := range s.Grants {
		if g.ForEverybody() {
			held[g.ClientID] = append(held[g.ClientID], g.Scopes()...)
		}
	}
	for _, pre := range s.API.Registration.API.PreAuthorized {
		id := s.principalOf(pre.AppID)
		for _, p := range s.API.Registration.API.Scopes {
			if slices.Contains(pre.ScopeIDs, p.ID) {
				held[id] = append(held[id], p.Value)
			}
		}
	}
	return held
}

// principalOf is the object id of an application's service principal, or its
// client id where that was not read.
func (s *State) principalOf(appID string) string {
	for _, app := range s.Clients {
		if app.HasPrincipal && app.Principal.AppID == appID {
			return app.Principal.ID
		}
	}
	for id, h := range s.Holders {
		if h.AppID == appID {
			return id
		}
	}
	return appID
}

// assigned are the values of roles by the service principals that hold them.
func (s *State) assigned() map[string][]string {
	held := map[string][]string{}
	for _, a := range s.Assignments {
		if a.ToApplication() {
			value := s.Role(a.RoleID).Value
			if value == "" {
				value = noValue
			}
			held[a.PrincipalID] = append(held[a.PrincipalID], value)
		}
	}
	return held
}

// effectiveRoutes are the declared ones that are there, in their order, and then
// the others.
func (s *State) effectiveRoutes(declared access.Model) []access.Route {
	var routes []access.Route
	policy := declared.Policy()
	known := map[string]bool{}
	add := func(key string) {
		known[key] = true
		found, ok := s.Gateway.Route(key)
		r := access.Route{Key: key}
		switch {
		case !ok:
		case isOpen(found):
			r.Public = "authorization type NONE"
		case found.AuthorizationType == types.AuthorizationTypeJwt:
			r.Scopes = found.AuthorizationScopes
		case found.AuthorizationType == types.AuthorizationTypeCustom:
			r.Scopes, r.Roles = policy.Routes[key].Scopes, policy.Routes[key].Roles
		}
		routes = append(routes, r)
	}
	for _, r := range declared.Routes {
		if !known[r.Key] {
			add(r.Key)
		}
	}
	for _, found := range s.Gateway.Routes {
		if key := aws.ToString(found.RouteKey); !known[key] {
			add(key)
		}
	}
	return routes
}

func isOpen(r types.Route) bool {
	return r.AuthorizationType == types.AuthorizationTypeNone || r.AuthorizationType == ""
}
