package components_test

import (
	"testing"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/internal/recorder"
	"github.com/entragate/entragate/issuer"
)

const (
	tenantID = recorder.Tenant
	deployer = recorder.Caller
	alice    = "aaaaaaaa-0000-4000-8000-000000000002"
	staff    = "aaaaaaaa-0000-4000-8000-000000000003"

	outboundIssuer = "https://11111111.tokens.sts.global.api.aws"
)

func scopes() []access.Scope {
	return []access.Scope{
		{Value: "Orders.Write", Title: "Change orders", Description: "Place and delete orders."},
		{Value: "Orders.Read", Title: "Read orders"},
		{Value: "Orders.Browse", Title: "Browse orders", Consent: access.ConsentUser},
		{Value: "Orders.Old", Title: "What used to be", State: access.StateRetired},
	}
}

func roles() []access.Role {
	return []access.Role{
		{Value: "Orders.Export", Title: "Export orders"},
		{Value: "Orders.Audit", Title: "Audit orders", State: access.StateRetired},
	}
}

func backends() []access.Backend {
	return []access.Backend{
		{Name: "orders", URL: "https://orders.example.com/v1/"},
		{Name: "files", URL: "https://files.example.com", TimeoutMillis: 5000},
		{Name: "reports", Function: "reports", TimeoutMillis: 9500},
		{Name: "archive", Function: "arn:aws:lambda:eu-west-1:123456789012:function:archive:live"},
	}
}

func routes() []access.Route {
	return []access.Route{
		{Key: "GET /health", Backend: "orders", Public: "monitoring has no token"},
		{Key: "GET /orders", Backend: "orders", Scopes: []string{"Orders.Read", "Orders.Browse"}},
		{Key: "DELETE /orders/{id}", Backend: "orders", Scopes: []string{"Orders.Write"}, Throttle: &access.Throttle{Rate: 2.5, Burst: 5}},
		{Key: "ANY /files/{proxy+}", Backend: "files", Scopes: []string{"Orders.Read", "Orders.Old"}},
		{Key: "GET /exports", Backend: "reports", Roles: []string{"Orders.Export"}},
		{Key: "GET /archive/{id}", Backend: "archive", Scopes: []string{"Orders.Read"}, Roles: []string{"Orders.Export", "Orders.Audit"}},
	}
}

// ordersArgs use every feature once.
func ordersArgs(t testing.TB) *components.ProtectedApiArgs {
	binary := recorder.Program(t)
	return &components.ProtectedApiArgs{
		Tenant:      issuer.Tenant{ID: tenantID},
		DisplayName: "Orders",
		Deployer:    deployer,
		Scopes:      scopes(),
		Roles:       roles(),
		Clients: []access.Client{
			{Name: "portal", Kind: access.ClientSPA, RedirectURIs: []string{"https://portal.example.com/signed-in"}, Scopes: []string{"Orders.Read", "Orders.Browse", "Orders.Old"}},
			{Name: "backoffice", Kind: access.ClientWeb, DisplayName: "Back office", RedirectURIs: []string{"https://backoffice.example.com/signin-oidc"}, Scopes: []string{"Orders.Write"}, Credential: &access.Credential{
				AWSRole: "arn:aws:iam::123456789012:role/backoffice",
			}},
			{Name: "desktop", Kind: access.ClientNative, RedirectURIs: []string{"http://localhost"}},
			{Name: "export", Kind: access.ClientDaemon, Roles: []string{"Orders.Export", "Orders.Audit"}, Credential: &access.Credential{
				Kind: access.CredentialSecret, Readers: []string{"arn:aws:iam::123456789012:role/export"},
			}},
		},
		Backends: backends(),
		Functions: []components.BackendFunction{{
			Name: "reports", Binary: binary, Environment: map[string]string{"FORMAT": "csv"},
			Settings: components.FunctionSettings{MemoryMB: 512, Tracing: true, LogRetentionDays: 7},
		}},
		Routes:     routes(),
		Authorizer: components.RoleAuthorizer{Binary: binary},
		Credentials: components.Credentials{
			OutboundIssuer: outboundIssuer, CreateKey: true, Binary: binary,
		},
		AccessLog: components.AccessLogSettings{RetentionDays: 365, CreateKey: true},
		Alarms: components.Alarms{Subscriptions: []components.Subscription{
			{Protocol: "email", Endpoint: "ops@example.com"}, {Protocol: "https", Endpoint: "https://events.example.com/key"},
		}},
		Assignment: access.Assignment{Users: []string{alice}, Groups: []string{staff}},
		CORS:       &components.CORS{AllowOrigins: []string{"https://portal.example.com"}},
		Protect:    true,
		Tags:       map[string]string{"team": "orders"},
	}
}
