package access_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
)

// quiet is a model that nothing can be said against.
func quiet() access.Model {
	m := orders()
	m.Scopes = append(m.Scopes[:2:2], m.Scopes[3])
	m.Roles = m.Roles[:1]
	m.Clients[2].Scopes = []string{"Profile.Read"}
	m.Routes = append(m.Routes[:3:3], m.Routes[4])
	m.Routes[1].Roles = []string{"Orders.Export"}
	return m
}

func TestQuietModelHasNoWarnings(t *testing.T) {
	t.Parallel()
	require.Empty(t, quiet().Warnings())
}

// TestWarnings changes a quiet model in one way, and expects these warnings.
func TestWarnings(t *testing.T) {
	t.Parallel()
	no := false
	for name, tt := range map[string]struct {
		change func(*access.Model)
		want   []string // beginnings
	}{
		"scope used nowhere": {
			func(m *access.Model) { m.Scopes = append(m.Scopes, access.Scope{Value: "Spare", Title: "x"}) },
			[]string{`scopes[3].value: scope is used nowhere: got "Spare"`},
		},
		"scope granted and on no route": {
			func(m *access.Model) {
				m.Scopes = append(m.Scopes, access.Scope{Value: "Spare", Title: "x"})
				m.Clients[0].Scopes = append(m.Clients[0].Scopes, "Spare")
			},
			[]string{`scopes[3].value: scope is on no route, so it opens nothing`},
		},
		"retired scope on no route, on its way out": {
			func(m *access.Model) {
				m.Scopes = append(m.Scopes, access.Scope{Value: "Spare", Title: "x", State: access.StateRetired})
			},
			nil,
		},
		"role used nowhere": {
			func(m *access.Model) { m.Roles = append(m.Roles, access.Role{Value: "Spare", Title: "x"}) },
			[]string{`roles[1].value: role is used nowhere: got "Spare"`},
		},
		"role held and on no route": {
			func(m *access.Model) { m.Routes[1].Roles = nil },
			[]string{`roles[0].value: role is on no route, so it opens nothing: got "Orders.Export", want a route that asks for it`},
		},
		"retired role on no route, on its way out": {
			func(m *access.Model) {
				m.Roles = append(m.Roles, access.Role{Value: "Spare", Title: "x", State: access.StateRetired})
			},
			nil,
		},
		"route for a role that nobody holds": {
			func(m *access.Model) {
				m.Roles = append(m.Roles, access.Role{Value: "Spare", Title: "x"})
				m.Routes = append(m.Routes, access.Route{Key: "GET /spare", Roles: []string{"Spare"}})
			},
			[]string{`routes[4].roles: no client may call the route: got "Spare", want a client that is granted one of its scopes or holds one of its roles`},
		},
		"retired scope still granted": {
			func(m *access.Model) {
				m.Scopes = append(m.Scopes, access.Scope{Value: "Spare", Title: "x", State: access.StateRetired})
				m.Clients[0].Scopes = append(m.Clients[0].Scopes, "Spare")
			},
			[]string{`clients[0].scopes[1]: retired scope is still granted: no new token carries it: got "Spare"`},
		},
		"retired role still held": {
			func(m *access.Model) { m.Roles[0].State = access.StateRetired },
			[]string{`clients[3].roles[0]: retired role is still held`},
		},
		"client granted nothing": {
			func(m *access.Model) { m.Clients[0].Scopes = nil },
			[]string{`clients[0].scopes: client is granted nothing, so its users get no token: got "spa"`},
		},
		"daemon without a role, assignment required": {
			func(m *access.Model) { m.Clients[3].Roles = nil },
			[]string{`clients[3].roles: daemon holds no role and assignment is required, so it gets no token`},
		},
		"daemon without a role, assignment not required": {
			func(m *access.Model) {
				m.Assignment = access.Assignment{Required: &no}
				m.Clients[3].Roles = nil
			},
			[]string{`clients[3].roles: daemon holds no role, so its token carries nothing`},
		},
		"backend used nowhere": {
			func(m *access.Model) {
				m.Backends = append(m.Backends, access.Backend{Name: "files", URL: "https://files.example.com"})
				for i := range m.Routes {
					m.Routes[i].Backend = "orders"
				}
			},
			[]string{`backends[1].name: backend is used nowhere: got "files"`},
		},
		"route that no client may call": {
			func(m *access.Model) { m.Clients[1].Scopes = []string{"Orders.Read"} },
			[]string{`routes[2].scopes: no client may call the route: got "Orders.Write"`},
		},
		"paths that cross": {
			func(m *access.Model) {
				m.Routes = append(m.Routes, access.Route{Key: "GET /{kind}/latest", Scopes: []string{"Orders.Write"}})
			},
			[]string{`routes[4].route: route and routes[1].route match common requests, and which one wins is not documented: got "GET /{kind}/latest"`},
		},
		"paths that cross, of ANY method": {
			func(m *access.Model) {
				m.Routes = append(m.Routes, access.Route{Key: "ANY /{kind}/latest", Public: "x"}, access.Route{Key: "OPTIONS /{kind}/latest", Public: "x"})
			},
			[]string{`routes[4].route: route and routes[1].route match common requests`},
		},
		"paths that cross, of one access": {
			func(m *access.Model) {
				m.Routes = append(m.Routes, access.Route{Key: "GET /{kind}/latest", Scopes: m.Routes[1].Scopes, Roles: m.Routes[1].Roles})
			},
			nil,
		},
		"paths that cross, of other methods": {
			func(m *access.Model) {
				m.Routes = append(m.Routes, access.Route{Key: "PUT /{kind}/latest", Scopes: []string{"Orders.Write"}})
			},
			nil,
		},
		"a more specific path": {
			func(m *access.Model) {
				m.Routes = append(m.Routes, access.Route{Key: "GET /orders/latest", Scopes: []string{"Orders.Write"}},
					access.Route{Key: "GET /{proxy+}", Scopes: []string{"Orders.Write"}})
			},
			nil,
		},
		"ANY takes preflight": {
			func(m *access.Model) { m.Routes[2].Key = "ANY /orders" },
			[]string{`routes[2].route: route takes the preflight requests of browsers, which carry no token: got "ANY /orders", want a public route "OPTIONS /orders" beside it`},
		},
		"$default takes preflight": {
			func(m *access.Model) { m.Routes[2].Key = "$default" },
			[]string{`routes[2].route: route takes the preflight requests of browsers, which carry no token: got "$default", want a public route "OPTIONS /{proxy+}" beside it`},
		},
		"protected OPTIONS takes preflight": {
			func(m *access.Model) { m.Routes[2].Key = "OPTIONS /orders" },
			[]string{`routes[2].route: route takes the preflight requests of browsers`},
		},
		"$default with preflight beside it": {
			func(m *access.Model) {
				m.Routes[2].Key = "$default"
				m.Routes = append(m.Routes, access.Route{Key: "OPTIONS /{any+}", Public: "preflight"})
			},
			nil,
		},
		"ANY with preflight of all paths only, which it beats": {
			func(m *access.Model) {
				m.Routes[2].Key = "ANY /orders"
				m.Routes = append(m.Routes, access.Route{Key: "OPTIONS /{any+}", Public: "preflight"})
			},
			[]string{`routes[2].route: route takes the preflight requests of browsers`},
		},
		"ANY without a browser": {
			func(m *access.Model) {
				m.Routes[2].Key = "ANY /orders"
				m.Clients = m.Clients[1:]
			},
			nil,
		},
		"nobody assigned": {
			func(m *access.Model) {
				m.Assignment = access.Assignment{}
				m.Clients, m.Roles, m.Routes[1].Roles = m.Clients[:3], nil, nil
			},
			[]string{`assignment: assignment is required and nobody is assigned, so nobody gets a token`},
		},
		"no user assigned": {
			func(m *access.Model) { m.Assignment = access.Assignment{} },
			[]string{`assignment: assignment is required and no user is assigned: nobody gets a token through spa`},
		},
		"only a daemon, and no user assigned": {
			func(m *access.Model) {
				m.Assignment = access.Assignment{}
				m.Scopes, m.Clients, m.Routes[1].Scopes, m.Routes = nil, m.Clients[3:], nil, m.Routes[:2]
			},
			nil,
		},
		"assigned, though not required": {
			func(m *access.Model) { m.Assignment.Required = &no },
			[]string{`assignment: users or groups are assigned and assignment is not required`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := quiet()
			tt.change(&m)
			require.NoError(t, m.Validate(access.ValidateOptions{}))
			got := m.Warnings()
			require.Len(t, got, len(tt.want), "%v", got)
			for i, want := range tt.want {
				require.True(t, strings.HasPrefix(got[i].Error(), want), "got  %s\nwant %s", got[i].Error(), want)
			}
		})
	}
}
