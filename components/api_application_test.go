package components_test

import (
	"slices"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/internal/recorder"
)

func newAPI(args *components.ApiApplicationArgs) (*recorder.Recorder, error) {
	return recorder.Run(func(ctx *pulumi.Context) error {
		api, err := components.NewApiApplication(ctx, "orders", args)
		if err != nil {
			return err
		}
		ctx.Export("scopeUris", api.ScopeURIs)
		ctx.Export("scopeIds", api.ScopeIDs)
		ctx.Export("administrator", api.Administrator)
		return nil
	})
}

func apiArgs() *components.ApiApplicationArgs {
	return &components.ApiApplicationArgs{DisplayName: "Orders", Scopes: scopes(), Roles: roles(), Owners: []string{deployer}}
}

func TestApiApplicationOrderChangesNothing(t *testing.T) {
	t.Parallel()
	forward, err := newAPI(apiArgs())
	require.NoError(t, err)
	args := apiArgs()
	slices.Reverse(args.Scopes)
	slices.Reverse(args.Roles)
	backward, err := newAPI(args)
	require.NoError(t, err)
	require.Equal(t, forward.Registrations(), backward.Registrations())
}

func TestApiApplicationRenamingOneScopeLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	before, err := newAPI(apiArgs())
	require.NoError(t, err)
	args := apiArgs()
	args.Scopes[0].Value = "Orders.Change"
	after, err := newAPI(args)
	require.NoError(t, err)
	ids := func(r *recorder.Recorder) map[string]string {
		ids, ok := r.Exports()["scopeIds"].(map[string]string)
		require.True(t, ok)
		return ids
	}
	require.NotContains(t, ids(after), "Orders.Write")
	for _, value := range []string{"Orders.Read", "Orders.Browse", "Orders.Old"} {
		require.Equal(t, ids(before)[value], ids(after)[value])
	}
}

func TestApiApplicationProtectsWhatIsActiveOnly(t *testing.T) {
	t.Parallel()
	const uuid = "random:index/randomUuid:RandomUuid"
	args := apiArgs()
	args.Protect = true
	r, err := newAPI(args)
	require.NoError(t, err)
	require.True(t, r.Find(t, uuid, "orders-scope-Orders.Read").Protect)
	require.True(t, r.Find(t, uuid, "orders-role-Orders.Export").Protect)
	require.False(t, r.Find(t, uuid, "orders-scope-Orders.Old").Protect)
	require.False(t, r.Find(t, uuid, "orders-role-Orders.Audit").Protect)
	require.False(t, r.Find(t, uuid, "orders-assigned").Protect)

	r, err = newAPI(apiArgs())
	require.NoError(t, err)
	for _, registration := range r.Registrations() {
		require.False(t, registration.Protect, registration.Name)
	}
}

func TestApiApplicationOffersActiveScopesOnly(t *testing.T) {
	t.Parallel()
	r, err := newAPI(apiArgs())
	require.NoError(t, err)
	clientID := recorder.GUID("client", "orders")
	require.Equal(t, map[string]string{
		"Orders.Browse": "api://" + clientID + "/Orders.Browse",
		"Orders.Read":   "api://" + clientID + "/Orders.Read",
		"Orders.Write":  "api://" + clientID + "/Orders.Write",
	}, r.Exports()["scopeUris"])
}

func TestApiApplicationWithoutAssignment(t *testing.T) {
	t.Parallel()
	args := apiArgs()
	no := false
	args.Assignment.Required = &no
	r, err := newAPI(args)
	require.NoError(t, err)
	principal := r.Find(t, "azuread:index/servicePrincipal:ServicePrincipal", "orders")
	require.Equal(t, false, principal.Inputs["appRoleAssignmentRequired"])
	for _, registration := range r.Registrations() {
		require.NotEqual(t, "orders-assigned", registration.Name, "a role for nobody")
	}
}

func TestApiApplicationWithExternalGrantsAssignsNobody(t *testing.T) {
	t.Parallel()
	args := apiArgs()
	args.Grants = components.GrantsExternal
	args.GraphURL = "https://graph.microsoft.us"
	args.Assignment = access.Assignment{Groups: []string{staff}}
	r, err := newAPI(args)
	require.NoError(t, err)
	for _, registration := range r.Registrations() {
		require.NotContains(t, registration.Type, "appRoleAssignment")
	}
	principal := recorder.GUID("azuread:index/servicePrincipal:ServicePrincipal", "orders")
	role := recorder.GUID("random:index/randomUuid:RandomUuid", "orders-assigned")
	require.Equal(t, []string{
		`az rest --method POST --url 'https://graph.microsoft.us/v1.0/servicePrincipals/` + principal + `/appRoleAssignedTo' ` +
			`--headers Content-Type=application/json ` +
			`--body '{"principalId":"` + staff + `","resourceId":"` + principal + `","appRoleId":"` + role + `"}'`,
	}, r.Exports()["administrator"])
}

func TestApiApplicationRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*components.ApiApplicationArgs)
		want   string
	}{
		"no name": {
			func(a *components.ApiApplicationArgs) { a.DisplayName = "" }, "displayName: missing name",
		},
		"a name of two lines": {
			func(a *components.ApiApplicationArgs) { a.DisplayName = "a\nb" }, "displayName: name has control characters",
		},
		"nobody to own it": {
			func(a *components.ApiApplicationArgs) { a.Owners = nil }, "owners: no owner",
		},
		"an owner by name": {
			func(a *components.ApiApplicationArgs) { a.Owners = []string{"me"} }, `owners[0]: malformed object id: got "me"`,
		},
		"an owner twice": {
			func(a *components.ApiApplicationArgs) { a.Owners = []string{alice, alice} }, "owners[1]: owner is listed twice",
		},
		"a duplicate scope": {
			func(a *components.ApiApplicationArgs) { a.Scopes[1].Value = "Orders.Write" }, "scopes[1].value: value is declared twice",
		},
		"a role with the value of a scope": {
			func(a *components.ApiApplicationArgs) { a.Roles[0].Value = "Orders.Read" }, "roles[0].value: value is declared twice",
		},
		"a user by name": {
			func(a *components.ApiApplicationArgs) { a.Assignment.Users = []string{"alice"} }, "assignment.users[0]: malformed object id",
		},
		"unknown grants": {
			func(a *components.ApiApplicationArgs) { a.Grants = "mine" }, `grants: unknown value: got "mine"`,
		},
		"a tag of AWS's own": {
			func(a *components.ApiApplicationArgs) { a.Tags = map[string]string{"AWS:x": "y"} }, `tags["AWS:x"]: key that AWS refuses`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := apiArgs()
			test.change(args)
			r, err := newAPI(args)
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, `api application "orders"`)
			require.Empty(t, r.Registrations())
		})
	}
}
