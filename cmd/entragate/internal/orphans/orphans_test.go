package orphans

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/cmd/entragate/internal/engine"
)

func ids(objects []Object) []string {
	found := []string{}
	for _, o := range objects {
		found = append(found, o.ID)
	}
	return found
}

func TestWhatTheStateKnowsIsNoOrphan(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		object Object
		known  engine.Resource
		orphan bool
	}{
		"an application, by the last part of its id": {
			Object{Type: typeApplication, ID: "a1"}, engine.Resource{Type: typeApplication, ID: "/applications/a1"}, false,
		},
		"an assignment, by the last part of its id": {
			Object{Type: typeAssignment, ID: "x"}, engine.Resource{Type: typeAssignment, ID: "r/appRoleAssignment/x"}, false,
		},
		"a service principal": {
			Object{Type: typePrincipal, ID: "p"}, engine.Resource{Type: typePrincipal, ID: "p"}, false,
		},
		"a log group, whose id has slashes": {
			Object{Type: typeLogGroup, ID: "/aws/vendedlogs/apis/x"}, engine.Resource{Type: typeLogGroup, ID: "/aws/vendedlogs/apis/x"}, false,
		},
		"a stage of the same API": {
			Object{Type: typeStage, ID: "$default", Parent: "api1"},
			engine.Resource{Type: typeStage, ID: "$default", Outputs: map[string]any{"apiId": "api1"}},
			false,
		},
		"a stage of the same name in another API": {
			Object{Type: typeStage, ID: "$default", Parent: "api2"},
			engine.Resource{Type: typeStage, ID: "$default", Outputs: map[string]any{"apiId": "api1"}},
			true,
		},
		"a policy of a role": {
			Object{Type: typeRolePolicy, ID: "policy", Parent: "role"}, engine.Resource{Type: typeRolePolicy, ID: "role:policy"}, false,
		},
		"a policy of the same name on another role": {
			Object{Type: typeRolePolicy, ID: "policy", Parent: "role2"}, engine.Resource{Type: typeRolePolicy, ID: "role:policy"}, true,
		},
		"a permission, by its statement": {
			Object{Type: typePermission, ID: "s1", Parent: "f"}, engine.Resource{Type: typePermission, ID: "s1"}, false,
		},
		"another object of the type": {
			Object{Type: typeRoute, ID: "r2"}, engine.Resource{Type: typeRoute, ID: "r1"}, true,
		},
		"the same id of another type": {
			Object{Type: typeRoute, ID: "x"}, engine.Resource{Type: typeIntegration, ID: "x"}, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.orphan, len(Find([]Object{tc.object}, []engine.Resource{tc.known})) == 1)
		})
	}
}

func TestOrphansComeInAnOrderInWhichTheyCanBeDeleted(t *testing.T) {
	t.Parallel()
	found := Find([]Object{
		{Type: typeApplication, ID: "application"},
		{Type: typePrincipal, ID: "principal"},
		{Type: typeAPI, ID: "api"},
		{Type: typeAuthorizer, ID: "authorizer"},
		{Type: typeRole, ID: "role"},
		{Type: typeFunction, ID: "function"},
		{Type: typeRolePolicy, ID: "policy"},
		{Type: typePermission, ID: "permission"},
		{Type: typeRoute, ID: "route"},
		{Type: typeIntegration, ID: "integration"},
		{Type: typeAssignment, ID: "assignment"},
	}, nil)
	require.Equal(t, []string{
		"assignment", "principal", "application", "route", "integration", "authorizer", "api",
		"permission", "function", "policy", "role",
	}, ids(found))
}

func TestWhatACloudHasNoMoreIsGone(t *testing.T) {
	t.Parallel()
	known := []engine.Resource{
		{URN: "app", Type: typeApplication, ID: "/applications/a1"},
		{URN: "other", Type: typeApplication, ID: "/applications/a2"},
		{URN: "uuid", Type: "random:index/randomUuid:RandomUuid", ID: "x"},
		{URN: "uri", Type: typeURI, Outputs: map[string]any{"applicationId": "/applications/a2", "identifierUri": "api://x"}},
	}
	there := []Object{{Type: typeApplication, ID: "a2"}, {Type: typeURI, ID: "api://x", Parent: "a2"}}
	require.Equal(t, []string{"app"}, Gone(there, known))
	require.Equal(t, []string{"app", "other", "uri"}, Gone(nil, known))
	require.Empty(t, Gone(there, nil))
}

func pending(kind apitype.OperationType, urn, resourceType string, inputs map[string]any) engine.Operation {
	return engine.Operation{Type: kind, Resource: engine.Resource{URN: resource.URN(urn), Type: resourceType, Inputs: inputs}}
}

func TestAnOrphanIsAdoptedByThePendingCreateThatMadeIt(t *testing.T) {
	t.Parallel()
	route := func(id, key string) Object {
		return Object{
			Type: typeRoute, ID: id, importID: "api1/" + id, distinct: map[string]string{"apiId": "api1", "routeKey": key},
		}
	}
	wanted := map[string]any{"apiId": "api1", "routeKey": "GET /orders"}
	for name, tc := range map[string]struct {
		orphans []Object
		pending []engine.Operation
		want    map[string]string
	}{
		"one create, one object": {
			[]Object{route("r1", "GET /orders")},
			[]engine.Operation{pending(apitype.OperationTypeCreating, "u1", typeRoute, wanted)},
			map[string]string{"u1": "api1/r1"},
		},
		"nothing was being created": {[]Object{route("r1", "GET /orders")}, nil, map[string]string{}},
		"an update was under way": {
			[]Object{route("r1", "GET /orders")},
			[]engine.Operation{pending(apitype.OperationTypeUpdating, "u1", typeRoute, wanted)},
			map[string]string{},
		},
		"another route was being created": {
			[]Object{route("r1", "GET /health")},
			[]engine.Operation{pending(apitype.OperationTypeCreating, "u1", typeRoute, wanted)},
			map[string]string{},
		},
		"two objects, and nobody knows which": {
			[]Object{route("r1", "GET /orders"), route("r2", "GET /orders")},
			[]engine.Operation{pending(apitype.OperationTypeCreating, "u1", typeRoute, wanted)},
			map[string]string{},
		},
		"an input that was not known yet": {
			[]Object{route("r1", "GET /orders")},
			[]engine.Operation{pending(apitype.OperationTypeCreating, "u1", typeRoute, map[string]any{"routeKey": "GET /orders"})},
			map[string]string{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, Adoptable(tc.orphans, tc.pending))
		})
	}
}
