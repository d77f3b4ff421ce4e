package review_test

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/entragate/entragate/access"
)

const (
	aliceID = "a0000000-0000-4000-8000-000000000001"
	bobID   = "a0000000-0000-4000-8000-000000000002"
	staffID = "b0000000-0000-4000-8000-000000000002"
)

func pick(r *rand.Rand, values []string, most int) []string {
	var out []string
	for _, i := range r.Perm(len(values)) {
		if len(out) < most && r.IntN(2) == 0 {
			out = append(out, values[i])
		}
	}
	return out
}

// randomModel returns a valid model. Its names are few, so that two models have
// much in common.
func randomModel(r *rand.Rand) access.Model {
	var m access.Model
	state := func() access.State {
		return []access.State{"", access.StateActive, access.StateRetired}[r.IntN(3)]
	}
	var scopes, roles []string
	for _, i := range r.Perm(7) {
		if r.IntN(2) == 0 {
			continue
		}
		scopes = append(scopes, fmt.Sprintf("Scope.%d", i))
		consent := []access.Consent{"", access.ConsentAdmin, access.ConsentUser}[r.IntN(3)]
		m.Scopes = append(m.Scopes, access.Scope{Value: fmt.Sprintf("Scope.%d", i), Title: "x", Consent: consent, State: state()})
	}
	for _, i := range r.Perm(3) {
		if r.IntN(2) == 0 {
			roles = append(roles, fmt.Sprintf("Role.%d", i))
			m.Roles = append(m.Roles, access.Role{Value: fmt.Sprintf("Role.%d", i), Title: "x", State: state()})
		}
	}
	for _, i := range r.Perm(5) {
		if r.IntN(2) == 0 {
			continue
		}
		c := access.Client{Name: fmt.Sprintf("c%d", i)}
		kinds := []access.ClientKind{access.ClientSPA, access.ClientWeb, access.ClientNative, access.ClientDaemon}
		if c.Kind = kinds[(i+r.IntN(5)/4)%4]; c.Kind == access.ClientDaemon {
			c.Roles = pick(r, roles, len(roles))
		} else {
			c.Scopes = pick(r, scopes, len(scopes))
			c.RedirectURIs = []string{"https://app.example.com/"}
		}
		m.Clients = append(m.Clients, c)
	}
	m.Backends = []access.Backend{{Name: "b", URL: "https://b.example.com"}}
	keys := []string{"GET /a", "GET /b", "POST /a", "GET /a/{id}", "GET /a/x", "ANY /a", "ANY /{proxy+}", "$default"}
	for _, i := range r.Perm(len(keys)) {
		if len(m.Routes) > 0 && r.IntN(2) == 0 {
			continue
		}
		route := access.Route{Key: keys[i], Scopes: pick(r, scopes, access.MaxScopesPerRoute)}
		if r.IntN(2) == 0 {
			route.Roles = pick(r, roles, len(roles))
		}
		if len(route.Scopes)+len(route.Roles) == 0 {
			route.Public = "because"
		}
		m.Routes = append(m.Routes, route)
	}
	required := r.IntN(2) == 0
	m.Assignment.Required = &required
	m.Assignment.Users = pick(r, []string{aliceID, bobID}, r.IntN(3))
	m.Assignment.Groups = pick(r, []string{staffID}, r.IntN(2))
	return m
}

// mutated returns the model with a few things changed, still valid.
func mutated(r *rand.Rand, m access.Model) access.Model {
	for {
		other := randomModel(r)
		made := m
		made.Routes, made.Clients = slices.Clone(m.Routes), slices.Clone(m.Clients)
		for range 1 + r.IntN(3) {
			switch r.IntN(6) {
			case 0:
				made.Scopes = other.Scopes
			case 1:
				made.Roles = other.Roles
			case 2:
				made.Clients = other.Clients
			case 3:
				made.Assignment = other.Assignment
			case 4:
				made.Routes = other.Routes
			default:
				i := r.IntN(len(made.Routes))
				made.Routes[i] = access.Route{Key: made.Routes[i].Key, Public: "opened"}
			}
		}
		if made.Validate(access.ValidateOptions{}) == nil {
			return made
		}
		if r.IntN(20) == 0 {
			return other
		}
	}
}
