package components_test

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/issuer"
)

// An API that a single-page application may read, and nobody else.
func ExampleNewProtectedApi() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		api, err := components.NewProtectedApi(ctx, "notes", &components.ProtectedApiArgs{
			Tenant:   issuer.Tenant{ID: "11111111-2222-4333-8444-555555555555"},
			Deployer: "aaaaaaaa-0000-4000-8000-000000000001",
			Scopes:   []access.Scope{{Value: "Notes.Read", Title: "Read notes"}},
			Clients: []access.Client{{
				Name: "portal", Kind: access.ClientSPA,
				RedirectURIs: []string{"https://portal.example.com/"},
				Scopes:       []string{"Notes.Read"},
			}},
			Backends: []access.Backend{{Name: "notes", URL: "https://notes.example.com"}},
			Routes: []access.Route{
				{Key: "GET /health", Public: "load balancers ask without a token"},
				{Key: "GET /notes", Scopes: []string{"Notes.Read"}},
			},
			Assignment: access.Assignment{Groups: []string{"aaaaaaaa-0000-4000-8000-000000000003"}},
		})
		if err != nil {
			return err
		}
		api.Export(ctx)
		return nil
	})
}

// A daemon and the API that it calls, without a gateway.
func ExampleNewClientApplication() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		owners := []string{"aaaaaaaa-0000-4000-8000-000000000001"}
		api, err := components.NewApiApplication(ctx, "notes", &components.ApiApplicationArgs{
			DisplayName: "Notes",
			Roles:       []access.Role{{Value: "Notes.Export", Title: "Export notes"}},
			Owners:      owners,
		})
		if err != nil {
			return err
		}
		_, err = components.NewClientApplication(ctx, "notes-export", &components.ClientApplicationArgs{
			API:    api,
			Client: access.Client{DisplayName: "Notes export", Kind: access.ClientDaemon, Roles: []string{"Notes.Export"}},
			Owners: owners,
		})
		return err
	})
}

// A gateway in front of what another program registered in Entra.
func ExampleNewGateway() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		tenant := issuer.Tenant{ID: "11111111-2222-4333-8444-555555555555"}
		gateway, err := components.NewGateway(ctx, "notes", &components.GatewayArgs{
			Issuer:   tenant.Issuer(),
			Audience: pulumi.String("22222222-2222-4333-8444-555555555555"),
			Backends: []access.Backend{{Name: "notes", URL: "https://notes.example.com"}},
			Routes:   []access.Route{{Key: "GET /notes", Scopes: []string{"Notes.Read"}}},
			Throttle: &access.Throttle{Rate: 100, Burst: 200},
		})
		if err != nil {
			return err
		}
		ctx.Export("url", gateway.URL)
		return nil
	})
}
