package components_test

import (
	"fmt"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/internal/recorder"
)

const (
	applicationType = "azuread:index/application:Application"
	grantType       = "azuread:index/servicePrincipalDelegatedPermissionGrant:ServicePrincipalDelegatedPermissionGrant"
	assignmentType  = "azuread:index/appRoleAssignment:AppRoleAssignment"
)

func newClient(client access.Client, change func(*components.ClientApplicationArgs)) (*recorder.Recorder, error) {
	return recorder.Run(func(ctx *pulumi.Context) error {
		api, err := components.NewApiApplication(ctx, "orders", apiArgs())
		if err != nil {
			return err
		}
		args := &components.ClientApplicationArgs{API: api, Client: client, Owners: []string{deployer}}
		if change != nil {
			change(args)
		}
		c, err := components.NewClientApplication(ctx, "client", args)
		if err != nil {
			return err
		}
		ctx.Export("administrator", c.Administrator)
		return nil
	})
}

func TestClientApplicationPlatforms(t *testing.T) {
	t.Parallel()
	uris := func(uri string) map[string]any { return map[string]any{"redirectUris": []any{uri}} }
	tests := map[string]struct {
		client access.Client
		want   map[string]any // inputs; nil must be absent
	}{
		"single-page": {
			access.Client{DisplayName: "c", Kind: access.ClientSPA, RedirectURIs: []string{"https://a.example/"}},
			map[string]any{"singlePageApplication": uris("https://a.example/"), "web": nil, "publicClient": nil, "fallbackPublicClientEnabled": nil},
		},
		"web": {
			access.Client{DisplayName: "c", Kind: access.ClientWeb, RedirectURIs: []string{"https://a.example/"}},
			map[string]any{"web": uris("https://a.example/"), "singlePageApplication": nil, "publicClient": nil, "fallbackPublicClientEnabled": nil},
		},
		"native": {
			access.Client{DisplayName: "c", Kind: access.ClientNative, RedirectURIs: []string{"http://localhost"}},
			map[string]any{"publicClient": uris("http://localhost"), "fallbackPublicClientEnabled": true, "web": nil, "singlePageApplication": nil},
		},
		"daemon": {
			access.Client{DisplayName: "c", Kind: access.ClientDaemon},
			map[string]any{
				"web": nil, "singlePageApplication": nil, "publicClient": nil, "fallbackPublicClientEnabled": nil,
				"requiredResourceAccesses": nil,
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := newClient(test.client, nil)
			require.NoError(t, err)
			inputs := r.Find(t, applicationType, "client").Inputs
			for key, want := range test.want {
				require.Equal(t, want, inputs[key], key)
			}
			require.NotContains(t, inputs, "password")
		})
	}
}

func TestClientApplicationDaemonGetsItsRolesAndNoGrant(t *testing.T) {
	t.Parallel()
	r, err := newClient(access.Client{DisplayName: "c", Kind: access.ClientDaemon, Roles: []string{"Orders.Export"}}, nil)
	require.NoError(t, err)
	assignment := r.Find(t, assignmentType, "client-Orders.Export")
	require.Equal(t, recorder.GUID("random:index/randomUuid:RandomUuid", "orders-role-Orders.Export"), assignment.Inputs["appRoleId"])
	for _, registration := range r.Registrations() {
		require.NotEqual(t, grantType, registration.Type)
	}
}

func TestClientApplicationGrantsForEveryUser(t *testing.T) {
	t.Parallel()
	r, err := newClient(access.Client{
		DisplayName: "c", Kind: access.ClientNative, Scopes: []string{"Orders.Write", "Orders.Read"},
	}, nil)
	require.NoError(t, err)
	api := r.Find(t, grantType, "client-api")
	require.Equal(t, []any{"Orders.Read", "Orders.Write"}, api.Inputs["claimValues"])
	require.NotContains(t, api.Inputs, "userObjectId")
	signIn := r.Find(t, grantType, "client-sign-in")
	require.Equal(t, []any{"offline_access", "openid", "profile"}, signIn.Inputs["claimValues"])
	require.Equal(t, recorder.GraphServicePrincipal, signIn.Inputs["resourceServicePrincipalObjectId"])
}

// Entra assigns no disabled role and grants no disabled scope.
func TestClientApplicationLeavesOutWhatIsRetired(t *testing.T) {
	t.Parallel()
	r, err := newClient(access.Client{
		DisplayName: "c", Kind: access.ClientNative, Scopes: []string{"Orders.Old", "Orders.Read"},
	}, nil)
	require.NoError(t, err)
	require.Equal(t, []any{"Orders.Read"}, r.Find(t, grantType, "client-api").Inputs["claimValues"])
	old := recorder.GUID("random:index/randomUuid:RandomUuid", "orders-scope-Orders.Old")
	require.NotContains(t, fmt.Sprint(r.Find(t, applicationType, "client").Inputs["requiredResourceAccesses"]), old)

	r, err = newClient(access.Client{DisplayName: "c", Kind: access.ClientNative, Scopes: []string{"Orders.Old"}}, nil)
	require.NoError(t, err)
	require.Equal(t, 1, count(r, grantType), "that of the sign-in scopes")

	r, err = newClient(access.Client{DisplayName: "c", Kind: access.ClientDaemon, Roles: []string{"Orders.Audit"}}, nil)
	require.NoError(t, err)
	require.Zero(t, count(r, assignmentType))
}

func TestClientApplicationWithExternalGrants(t *testing.T) {
	t.Parallel()
	r, err := newClient(access.Client{DisplayName: "c", Kind: access.ClientNative, Scopes: []string{"Orders.Read"}},
		func(args *components.ClientApplicationArgs) { args.Grants = components.GrantsExternal })
	require.NoError(t, err)
	for _, registration := range r.Registrations() {
		require.NotEqual(t, grantType, registration.Type)
	}
	const principalType = "azuread:index/servicePrincipal:ServicePrincipal"
	command := func(resource, scope string) string {
		return `az rest --method POST --url 'https://graph.microsoft.com/v1.0/oauth2PermissionGrants' ` +
			`--headers Content-Type=application/json --body '{"clientId":"` + recorder.GUID(principalType, "client") +
			`","consentType":"AllPrincipals","resourceId":"` + resource + `","scope":"` + scope + `"}'`
	}
	require.Equal(t, []string{
		command(recorder.GUID(principalType, "orders"), "Orders.Read"),
		command(recorder.GraphServicePrincipal, "offline_access openid profile"),
	}, r.Exports()["administrator"])
}

func TestClientApplicationRefuses(t *testing.T) {
	t.Parallel()
	spa := access.Client{DisplayName: "c", Kind: access.ClientSPA, RedirectURIs: []string{"https://a.example/"}}
	tests := map[string]struct {
		client access.Client
		change func(*components.ClientApplicationArgs)
		want   string
	}{
		"no api": {
			spa, func(a *components.ClientApplicationArgs) { a.API = nil }, "api: missing api",
		},
		"no name": {
			access.Client{Kind: access.ClientDaemon}, nil, "client.displayName: missing name",
		},
		"no kind": {
			access.Client{DisplayName: "c"}, nil, "client.kind: missing kind",
		},
		"nobody to own it": {
			spa, func(a *components.ClientApplicationArgs) { a.Owners = nil }, "owners: no owner",
		},
		"a scope that the api does not have": {
			access.Client{DisplayName: "c", Kind: access.ClientNative, Scopes: []string{"Orders.Reed"}},
			nil,
			`client.scopes[0]: unknown scope: got "Orders.Reed", want "Orders.Read"`,
		},
		"a role that the api does not have": {
			access.Client{DisplayName: "c", Kind: access.ClientDaemon, Roles: []string{"Orders.Import"}},
			nil,
			"client.roles[0]: unknown role",
		},
		"localhost unless allowed": {
			access.Client{DisplayName: "c", Kind: access.ClientSPA, RedirectURIs: []string{"http://localhost:3000/"}},
			nil,
			"client.redirectUris[0]: localhost in a redirect URI",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := newClient(test.client, test.change)
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, `client application "client"`)
			for _, registration := range r.Registrations() {
				require.NotContains(t, registration.Name, "client")
			}
		})
	}
}
