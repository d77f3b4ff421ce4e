package components_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/components"
)

// browserArgs are those of an API that a browser calls through ANY and $default
// routes of two backends.
func browserArgs(t testing.TB) *components.ProtectedApiArgs {
	t.Helper()
	args := ordersArgs(t)
	args.Backends, args.Functions = args.Backends[:2], nil
	args.Scopes = args.Scopes[:3] // those that are not retired
	args.Clients[0].Scopes = []string{"Orders.Read", "Orders.Browse"}
	args.Roles = nil
	args.Clients = []access.Client{args.Clients[0], args.Clients[1]}
	args.Routes = []access.Route{
		{Key: "$default", Backend: "orders", Scopes: []string{"Orders.Write"}},
		{Key: "ANY /files/{proxy+}", Backend: "files", Scopes: []string{"Orders.Read", "Orders.Browse"}},
	}
	return args
}

// What is open without a token must be seen by everyone who asks the model:
// the exported matrix, the command line, the proof.
func TestModelHasTheOpenPreflightRoutes(t *testing.T) {
	t.Parallel()
	args := browserArgs(t)
	require.NoError(t, args.Validate("orders"))
	matrix := args.Model().Matrix()
	opened := []string{"OPTIONS /files/{proxy+}", "OPTIONS /{proxy+}", "OPTIONS /"}
	require.Equal(t, slices.Concat([]string{"$default", "ANY /files/{proxy+}"}, opened), matrix.Routes)
	for _, route := range opened {
		d, ok := matrix.At(route, "anonymous")
		require.True(t, ok)
		require.True(t, d.Allowed, route)
	}
	require.Len(t, args.Routes, 2, "the caller's list is left alone")

	r, err := protect(t, args)
	require.NoError(t, err)
	words, ok := r.Exports()["access"].(map[string]map[string]string)
	require.True(t, ok)
	require.Equal(t, matrix.Words(), words)
	require.Equal(t, len(matrix.Routes), count(r, routeType), "the matrix has a row for each route of the gateway")
	for _, route := range matrix.Routes {
		require.Equal(t, slices.Contains(opened, route), r.Find(t, routeType, "orders-"+route).Inputs["authorizationType"] == "NONE")
	}
	backend := func(route string) any { return r.Find(t, routeType, "orders-"+route).Inputs["target"] }
	require.Equal(t, backend("ANY /files/{proxy+}"), backend("OPTIONS /files/{proxy+}"))
	require.Equal(t, backend("$default"), backend("OPTIONS /{proxy+}"))
	require.NotEqual(t, backend("$default"), backend("OPTIONS /files/{proxy+}"))
}

func TestWarningsKnowOfPreflightRoutes(t *testing.T) {
	t.Parallel()
	args := browserArgs(t)
	require.Empty(t, args.Model().Warnings())

	closed := browserArgs(t)
	closed.Routes = append(closed.Routes, access.Route{Key: "OPTIONS /{proxy+}", Backend: "orders", Scopes: []string{"Orders.Write"}})
	require.Contains(t, closed.Model().Warnings().Error(), "routes[2].route: route takes the preflight requests of browsers",
		"a declared route wins, and is told what it does")

	without := browserArgs(t)
	without.CORS = nil
	require.Contains(t, without.Model().Warnings().Error(), "routes[0].route: route takes the preflight requests of browsers")
}

// Problems name what was written, not what was added to it.
func TestProblemsNameDeclaredRoutesOnly(t *testing.T) {
	t.Parallel()
	args := browserArgs(t)
	args.Routes = []access.Route{
		{Key: "ANY files", Backend: "files", Scopes: []string{"Orders.Read"}},
		{Key: "ANY /b", Backend: "nowhere", Scopes: []string{"Orders.Read"}},
	}
	var found access.Problems
	require.ErrorAs(t, args.Validate("orders"), &found)
	var paths []string
	for _, p := range found {
		paths = append(paths, p.Path)
	}
	require.Equal(t, []string{"routes[0].route", "routes[1].backend"}, paths)
}
