package access_test

import (
	"github.com/entragate/entragate/access"
)

const (
	aliceID = "a0000000-0000-4000-8000-000000000001"
	staffID = "b0000000-0000-4000-8000-000000000002"
)

// orders is a valid model with every kind of client and route. Tests change a
// copy of it.
func orders() access.Model {
	return access.Model{
		Scopes: []access.Scope{
			{Value: "Orders.Read", Title: "Read orders"},
			{Value: "Orders.Write", Title: "Change orders"},
			{Value: "Orders.Old", Title: "Read orders as before", State: access.StateRetired},
			{Value: "Profile.Read", Title: "Read your profile", Consent: access.ConsentUser},
		},
		Roles: []access.Role{
			{Value: "Orders.Export", Title: "Export orders"},
			{Value: "Orders.Import", Title: "Import orders", State: access.StateRetired},
		},
		Clients: []access.Client{
			{Name: "spa", Kind: access.ClientSPA, RedirectURIs: []string{"https://orders.example.com/"}, Scopes: []string{"Orders.Read"}},
			{Name: "web", Kind: access.ClientWeb, RedirectURIs: []string{"https://back.example.com/in"}, Scopes: []string{"Orders.Read", "Orders.Write"}},
			{Name: "cli", Kind: access.ClientNative, RedirectURIs: []string{"http://localhost"}, Scopes: []string{"Profile.Read", "Orders.Old"}},
			{Name: "export", Kind: access.ClientDaemon, Roles: []string{"Orders.Export"}},
		},
		Backends: []access.Backend{{Name: "orders", URL: "https://orders.internal.example.com"}},
		Routes: []access.Route{
			{Key: "GET /health", Public: "load balancers ask without a token"},
			{Key: "GET /orders/{id}", Scopes: []string{"Orders.Read", "Orders.Write"}},
			{Key: "POST /orders", Scopes: []string{"Orders.Write"}},
			{Key: "GET /old", Scopes: []string{"Orders.Old"}},
			{Key: "GET /me", Scopes: []string{"Profile.Read"}},
			{Key: "ANY /files/{proxy+}", Scopes: []string{"Orders.Read", "Orders.Old"}},
			{Key: "GET /exports", Roles: []string{"Orders.Export", "Orders.Import"}},
			{Key: "GET /report", Scopes: []string{"Orders.Read"}, Roles: []string{"Orders.Export"}},
			{Key: "POST /imports", Roles: []string{"Orders.Import"}},
		},
		Assignment: access.Assignment{Users: []string{aliceID}, Groups: []string{staffID}},
	}
}

// optional returns a model in which nobody must be assigned.
func optional() access.Model {
	m := orders()
	no := false
	m.Assignment = access.Assignment{Required: &no}
	return m
}
