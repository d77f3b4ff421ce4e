package components_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/internal/recorder"
	"github.com/entragate/entragate/issuer"
)

// protect runs a program of one protected API.
func protect(t *testing.T, args *components.ProtectedApiArgs) (*recorder.Recorder, error) {
	t.Helper()
	if args.HTTPClient == nil {
		args.HTTPClient = recorder.Directory(t, args.Tenant.Issuer())
	}
	return recorder.Run(func(ctx *pulumi.Context) error {
		api, err := components.NewProtectedApi(ctx, "orders", args)
		if err != nil {
			return err
		}
		api.Export(ctx)
		return nil
	})
}

func TestProtectedApi(t *testing.T) {
	t.Parallel()
	r, err := protect(t, ordersArgs(t))
	require.NoError(t, err)
	r.Golden(t, "protected_api")
}

func TestProtectedApiTwiceInOneProgram(t *testing.T) {
	t.Parallel()
	first, second := ordersArgs(t), ordersArgs(t)
	second.DisplayName = "Returns"
	first.HTTPClient = recorder.Directory(t, first.Tenant.Issuer())
	second.HTTPClient = first.HTTPClient
	r, err := recorder.Run(func(ctx *pulumi.Context) error {
		if _, err := components.NewProtectedApi(ctx, "orders", first); err != nil {
			return err
		}
		_, err := components.NewProtectedApi(ctx, "returns", second)
		return err
	})
	require.NoError(t, err)
	require.Equal(t, 2, count(r, apiType))
}

// Entra assigns no disabled role, and puts no disabled scope into tokens.
func TestProtectedApiGrantsNothingRetired(t *testing.T) {
	t.Parallel()
	args := ordersArgs(t)
	args.Scopes[1].State = access.StateRetired // Orders.Read
	r, err := protect(t, args)
	require.NoError(t, err)
	require.Equal(t, []any{"Orders.Browse"}, r.Find(t, grantType, "orders-portal-api").Inputs["claimValues"])
	for _, registration := range r.Registrations() {
		require.NotEqual(t, "orders-export-Orders.Audit", registration.Name)
	}
	// Tokens that carry it already may still call.
	route := r.Find(t, routeType, "orders-GET /orders")
	require.Equal(t, []any{"Orders.Read", "Orders.Browse"}, route.Inputs["authorizationScopes"])
	require.Equal(t, []string{"Orders.Read", "Orders.Browse", "Orders.Old"}, args.Clients[0].Scopes, "the caller's list is left alone")
}

func TestProtectedApiMarksEverythingItCreates(t *testing.T) {
	t.Parallel()
	r, err := protect(t, ordersArgs(t))
	require.NoError(t, err)
	marked := map[string]bool{
		applicationType: true, "azuread:index/servicePrincipal:ServicePrincipal": true,
		apiType: true, stageType: true, logGroupType: true, functionType: true, roleType: true,
	}
	for _, registration := range r.Registrations() {
		switch tags := registration.Inputs["tags"].(type) {
		case []any:
			require.Subset(t, tags, []any{"entragate:project=entragate", "entragate:stack=test", "team=orders"})
		case map[string]any:
			require.Subset(t, tags, map[string]any{"entragate:project": "entragate", "entragate:stack": "test", "team": "orders"})
		default:
			require.False(t, marked[registration.Type], "%s %s", registration.Type, registration.Name)
		}
	}
}

func TestProtectedApiExportsWhoMayCall(t *testing.T) {
	t.Parallel()
	r, err := protect(t, ordersArgs(t))
	require.NoError(t, err)
	words, ok := r.Exports()["access"].(map[string]map[string]string)
	require.True(t, ok)
	require.Equal(t, ordersArgs(t).Model().Matrix().Words(), words)
	require.NotContains(t, r.Exports(), "administrator")
}

func TestProtectedApiWithExternalGrants(t *testing.T) {
	t.Parallel()
	args := ordersArgs(t)
	args.Grants = components.GrantsExternal
	args.Tenant.Cloud = issuer.CloudUSGovernment
	r, err := protect(t, args)
	require.NoError(t, err)
	require.Zero(t, count(r, grantType))
	require.Zero(t, count(r, assignmentType))
	commands, ok := r.Exports()["administrator"].([]string)
	require.True(t, ok)
	// A user and a group, two grants for portal and for backoffice, one for
	// desktop, which calls nothing, the daemon's role, and what the rotator needs.
	require.Len(t, commands, 2+2+2+1+1+1)
	for _, command := range commands {
		require.Contains(t, command, "https://graph.microsoft.us/v1.0/")
	}
}

// Pulumi deletes what depends on others first: a guard on which nothing depends,
// and which depends on everything, stops a deletion before it begins.
func requireGuardGoesFirst(t *testing.T, r *recorder.Recorder) {
	t.Helper()
	const guard = "random:index/randomUuid:RandomUuid::orders-guard"
	dependsOn := map[string][]string{}
	for _, registration := range r.Registrations() {
		if strings.HasPrefix(registration.Type, "entragate:") {
			continue // a component is nothing to delete
		}
		dependsOn[registration.Type+"::"+registration.Name] = registration.DependsOn
		require.NotContains(t, registration.DependsOn, guard)
	}
	after, next := map[string]bool{}, []string{guard}
	for len(next) > 0 {
		urn := next[0]
		next = next[1:]
		if !after[urn] {
			after[urn] = true
			next = append(next, dependsOn[urn]...)
		}
	}
	for urn := range dependsOn {
		require.True(t, after[urn], "%s would be deleted before the guard", urn)
	}
}

func TestProtectedApiGuardGoesFirst(t *testing.T) {
	t.Parallel()
	args := ordersArgs(t)
	args.Backends = append(args.Backends, access.Backend{Name: "unused", URL: "https://unused.example.com"})
	r, err := protect(t, args)
	require.NoError(t, err)
	requireGuardGoesFirst(t, r)
	require.True(t, r.Find(t, "random:index/randomUuid:RandomUuid", "orders-guard").Protect)

	args = ordersArgs(t)
	args.Protect = false
	r, err = protect(t, args)
	require.NoError(t, err)
	require.False(t, r.Find(t, "random:index/randomUuid:RandomUuid", "orders-guard").Protect,
		"it stays in the program, so that it can be unprotected")
}

func TestProtectedApiOwners(t *testing.T) {
	t.Parallel()
	args := ordersArgs(t)
	args.Owners = []string{staff, deployer}
	r, err := protect(t, args)
	require.NoError(t, err)
	for _, name := range []string{"orders", "orders-portal", "orders-backoffice", "orders-rotator"} {
		require.Equal(t, []any{deployer, staff}, r.Find(t, applicationType, name).Inputs["owners"], name)
	}
	rotator := recorder.GUID("azuread:index/servicePrincipal:ServicePrincipal", "orders-rotator")
	require.Equal(t, []any{deployer, staff, rotator}, r.Find(t, applicationType, "orders-export").Inputs["owners"],
		"the rotator owns what it rotates, and nothing else")
}

func TestProtectedApiRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*testing.T, *components.ProtectedApiArgs)
		want   string
	}{
		"common as tenant": {
			func(_ *testing.T, a *components.ProtectedApiArgs) { a.Tenant.ID = "common" }, `tenantId: got "common"`,
		},
		"an unknown cloud": {
			func(_ *testing.T, a *components.ProtectedApiArgs) { a.Tenant.Cloud = "germany" }, `cloud: got "germany"`,
		},
		"a login host with a scheme": {
			func(_ *testing.T, a *components.ProtectedApiArgs) { a.Tenant.LoginHost = "https://a" }, `loginHost: got "https://a"`,
		},
		"no deployer": {
			func(_ *testing.T, a *components.ProtectedApiArgs) { a.Deployer = "" }, "deployer: malformed object id",
		},
		"a long name": {
			func(_ *testing.T, a *components.ProtectedApiArgs) { a.DisplayName = string(make([]rune, 121)) }, "displayName: name is too long",
		},
		"a client called as the API": {
			func(_ *testing.T, a *components.ProtectedApiArgs) { a.Clients[1].DisplayName = "ORDERS" },
			`clients[1].displayName: name is shown twice: got "ORDERS", want another name than the API's`,
		},
		"a client called as the API by default": {
			func(_ *testing.T, a *components.ProtectedApiArgs) {
				a.DisplayName, a.Clients[1].DisplayName = "", "Orders"
			},
			`clients[1].displayName: name is shown twice: got "Orders", want another name than the API's`,
		},
		"a client called as another by default": {
			func(_ *testing.T, a *components.ProtectedApiArgs) { a.Clients[2].DisplayName = "orders Portal" },
			`clients[2].displayName: name is shown twice: got "orders Portal", want another name than that of clients[0]`,
		},
		"a default as another client is called": {
			func(_ *testing.T, a *components.ProtectedApiArgs) { a.Clients[1].DisplayName = "Orders Desktop" },
			`clients[2].displayName: name is shown twice: got "Orders desktop", want another name than that of clients[1]`,
		},
		"a default of a client that is too long": {
			func(_ *testing.T, a *components.ProtectedApiArgs) { a.DisplayName = strings.Repeat("o", 113) + " " },
			`clients[0].displayName: name is too long: got "` + strings.Repeat("o", 100) + `…", want at most 120 characters`,
		},
		"a tag of the project": {
			func(_ *testing.T, a *components.ProtectedApiArgs) {
				a.Tags = map[string]string{"team": "orders", "entragate:project": "mine"}
			},
			`tags["entragate:project"]: key that Entragate sets itself, to find what it created: got "mine", want another key`,
		},
		"an empty tag of the stack": {
			func(_ *testing.T, a *components.ProtectedApiArgs) { a.Tags = map[string]string{"entragate:stack": ""} },
			`tags["entragate:stack"]: key that Entragate sets itself, to find what it created: want another key`,
		},
		"tags that leave no room for two": {
			func(_ *testing.T, a *components.ProtectedApiArgs) { a.Tags, a.Clients = tags(49), a.Clients[:3] },
			`tags: too many tags: got "49", want at most 48 beside entragate:project and entragate:stack`,
		},
		"tags that leave no room for those of a secret": {
			func(_ *testing.T, a *components.ProtectedApiArgs) { a.Tags = tags(45) },
			`tags: too many tags: got "45", want at most 44 beside entragate:project, entragate:stack, entragate:clientId, ` +
				`entragate:tenantId, entragate:authority and entragate:scope`,
		},
		"a tag by which the rotator knows whose a secret is": {
			func(_ *testing.T, a *components.ProtectedApiArgs) {
				a.Tags = map[string]string{"entragate:clientId": "mine"}
			},
			`tags["entragate:clientId"]: key that Entragate sets itself`,
		},
		"more tags than AWS takes": {
			func(_ *testing.T, a *components.ProtectedApiArgs) { a.Tags = tags(51) },
			`tags: too many tags: got "51", want at most 50`,
		},
		"an unknown scope on a route": {
			func(_ *testing.T, a *components.ProtectedApiArgs) { a.Routes[1].Scopes = []string{"Orders.Reed"} },
			`routes[1].scopes[0]: unknown scope: got "Orders.Reed", want "Orders.Read"`,
		},
		"localhost unless allowed": {
			func(_ *testing.T, a *components.ProtectedApiArgs) {
				a.Clients[0].RedirectURIs = []string{"http://localhost:5173/"}
			}, "clients[0].redirectUris[0]: localhost",
		},
		"a directory that names another issuer": {
			func(t *testing.T, a *components.ProtectedApiArgs) {
				a.HTTPClient = recorder.DirectoryNaming(t, a.Tenant.Issuer(), "https://login.microsoftonline.com/{tenantid}/v2.0")
			}, `got issuer "https://login.microsoftonline.com/{tenantid}/v2.0", want "https://login.microsoftonline.com/` + tenantID + `/v2.0"`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := ordersArgs(t)
			test.change(t, args)
			r, err := protect(t, args)
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, `protected api "orders"`)
			require.Empty(t, r.Registrations())
		})
	}
}

func tags(n int) map[string]string {
	result := map[string]string{}
	for i := range n {
		result[fmt.Sprintf("tag%d", i)] = "a"
	}
	return result
}

func TestProtectedApiTakesAsManyTagsAsAWSLeaves(t *testing.T) {
	t.Parallel()
	args := ordersArgs(t)
	args.Tags = tags(44)
	r, err := protect(t, args)
	require.NoError(t, err)
	require.Len(t, r.Find(t, secretType, "orders-export").Inputs["tags"], 50)

	args.Tags, args.Clients = tags(48), args.Clients[:3] // none has a secret
	r, err = protect(t, args)
	require.NoError(t, err)
	require.Len(t, r.Find(t, apiType, "orders").Inputs["tags"], 50)
}

// A name that is wrong is one problem, not one for each client called after it.
func TestProtectedApiReportsAWrongNameOnce(t *testing.T) {
	t.Parallel()
	long := ordersArgs(t)
	long.DisplayName = strings.Repeat("o", 121)
	same := ordersArgs(t)
	same.Clients[2].DisplayName, same.Clients[3].DisplayName = "Tool", "tool"
	named := ordersArgs(t)
	named.Clients[2].Name = "portal"
	for want, args := range map[string]*components.ProtectedApiArgs{
		"displayName": long, "clients[3].displayName": same, "clients[2].name": named,
	} {
		var found access.Problems
		require.ErrorAs(t, args.Validate("orders"), &found)
		require.Len(t, found, 1)
		require.Equal(t, want, found[0].Path)
	}
}

// 120 characters are as many as Entra takes.
func TestProtectedApiTakesDefaultNamesOfFullLength(t *testing.T) {
	t.Parallel()
	args := ordersArgs(t)
	args.Clients = args.Clients[:1] // portal
	args.DisplayName = strings.Repeat("ö", 120-len(" portal"))
	require.NoError(t, args.Validate("orders"))
	args.DisplayName += "ö"
	var found access.Problems
	require.ErrorAs(t, args.Validate("orders"), &found)
	require.Equal(t, "clients[0].displayName", found[0].Path)
	require.Equal(t, args.DisplayName+" portal", found[0].Got)
}

func TestProtectedApiReportsEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	args := ordersArgs(t)
	args.Tenant.ID = "organizations"
	args.Deployer = "me"
	args.Grants = "none"
	args.Throttle = &access.Throttle{}
	args.Routes = append(args.Routes, access.Route{Key: "GET /forgotten", Backend: "orders"})
	var found access.Problems
	require.ErrorAs(t, args.Validate("orders"), &found)
	var paths []string
	for _, p := range found {
		paths = append(paths, p.Path)
	}
	require.Equal(t, []string{"tenantId", "deployer", "routes[6]", "grants", "throttle.rate", "throttle.burst"}, paths)
}
