package orphans

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/cmd/entragate/internal/engine"
)

const (
	secretARN = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:web-a1b2c3"
	topicARN  = "arn:aws:sns:eu-west-1:000000000000:alarms"
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
		"an owner of the same application": {
			Object{Type: typeOwner, ID: "p", Parent: "a1"},
			engine.Resource{Type: typeOwner, ID: "/applications/a1/owners/p", Outputs: map[string]any{"applicationId": "/applications/a1"}},
			false,
		},
		"an owner of another application": {
			Object{Type: typeOwner, ID: "p", Parent: "a2"},
			engine.Resource{Type: typeOwner, ID: "/applications/a1/owners/p", Outputs: map[string]any{"applicationId": "/applications/a1"}},
			true,
		},
		"a permission, by its statement": {
			Object{Type: typePermission, ID: "s1", Parent: "f"}, engine.Resource{Type: typePermission, ID: "s1"}, false,
		},
		"a certificate, by the last part of its id": {
			Object{Type: typeCertificate, ID: "k1", Parent: "a1"}, engine.Resource{Type: typeCertificate, ID: "a1/certificate/k1"}, false,
		},
		"another certificate of the application": {
			Object{Type: typeCertificate, ID: "k2", Parent: "a1"}, engine.Resource{Type: typeCertificate, ID: "a1/certificate/k1"}, true,
		},
		"a federated credential, by the last part of its id": {
			Object{Type: typeFederation, ID: "f1", Parent: "a1"},
			engine.Resource{Type: typeFederation, ID: "a1/federatedIdentityCredential/f1"},
			false,
		},
		"a secret, whose id is its ARN": {
			Object{Type: typeSecret, ID: secretARN}, engine.Resource{Type: typeSecret, ID: secretARN}, false,
		},
		"the policy of a known secret": {
			Object{Type: typePolicy, ID: secretARN, Parent: secretARN}, engine.Resource{Type: typeSecret, ID: secretARN}, true,
		},
		"the rotation of a secret whose policy is known": {
			Object{Type: typeRotation, ID: secretARN, Parent: secretARN}, engine.Resource{Type: typePolicy, ID: secretARN}, true,
		},
		"a target, whose id in the state could be cut in two ways": {
			Object{Type: typeTarget, ID: "b-c", Parent: "a"},
			engine.Resource{Type: typeTarget, ID: "a-b-c", Outputs: map[string]any{"rule": "a", "targetId": "b-c"}},
			false,
		},
		"a target of another rule with the same id in the state": {
			Object{Type: typeTarget, ID: "c", Parent: "a-b"},
			engine.Resource{Type: typeTarget, ID: "a-b-c", Outputs: map[string]any{"rule": "a", "targetId": "b-c"}},
			true,
		},
		"a rule that a target is known of": {
			Object{Type: typeRule, ID: "a"},
			engine.Resource{Type: typeTarget, ID: "a-c", Outputs: map[string]any{"rule": "a", "targetId": "c"}},
			true,
		},
		"a filter of the same log group": {
			Object{Type: typeFilter, ID: "Expired", Parent: "/aws/lambda/f"},
			engine.Resource{Type: typeFilter, ID: "Expired", Outputs: map[string]any{"logGroupName": "/aws/lambda/f"}},
			false,
		},
		"a filter of the same name of another log group": {
			Object{Type: typeFilter, ID: "Expired", Parent: "/aws/vendedlogs/apis/x"},
			engine.Resource{Type: typeFilter, ID: "Expired", Outputs: map[string]any{"logGroupName": "/aws/lambda/f"}},
			true,
		},
		"a topic, whose id is its ARN": {
			Object{Type: typeTopic, ID: topicARN}, engine.Resource{Type: typeTopic, ID: topicARN}, false,
		},
		"the policy of a known topic": {
			Object{Type: typeTopicPolicy, ID: topicARN, Parent: topicARN}, engine.Resource{Type: typeTopic, ID: topicARN}, true,
		},
		"a subscription": {
			Object{Type: typeSubscription, ID: topicARN + ":1", Parent: topicARN},
			engine.Resource{Type: typeSubscription, ID: topicARN + ":1"},
			false,
		},
		"another subscription of the topic": {
			Object{Type: typeSubscription, ID: topicARN + ":2", Parent: topicARN},
			engine.Resource{Type: typeSubscription, ID: topicARN + ":1"},
			true,
		},
		"a saved query": {Object{Type: typeQuery, ID: "x", Parent: "g"}, engine.Resource{Type: typeQuery, ID: "x"}, false},
		"a dashboard":   {Object{Type: typeDashboard, ID: "x", Parent: "g"}, engine.Resource{Type: typeDashboard, ID: "x"}, false},
		"an alarm":      {Object{Type: typeAlarm, ID: "x"}, engine.Resource{Type: typeAlarm, ID: "x"}, false},
		"a key":         {Object{Type: typeKey, ID: "x"}, engine.Resource{Type: typeKey, ID: "x"}, false},
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
		{Type: typeKey, ID: "key"},
		{Type: typeLogGroup, ID: "log group"},
		{Type: typeFilter, ID: "filter"},
		{Type: typeQuery, ID: "query"},
		{Type: typeDashboard, ID: "dashboard"},
		{Type: typeTopic, ID: "topic"},
		{Type: typeTopicPolicy, ID: "topic policy"},
		{Type: typeSubscription, ID: "subscription"},
		{Type: typeAlarm, ID: "alarm"},
		{Type: typeSecret, ID: "secret"},
		{Type: typePolicy, ID: "secret policy"},
		{Type: typeRotation, ID: "rotation"},
		{Type: typeRule, ID: "rule"},
		{Type: typeTarget, ID: "target"},
		{Type: typeCertificate, ID: "certificate"},
		{Type: typeFederation, ID: "federation"},
		{Type: typeRoute, ID: "route"},
		{Type: typeIntegration, ID: "integration"},
		{Type: typeAssignment, ID: "assignment"},
	}, nil)
	require.Equal(t, []string{
		"assignment", "federation", "certificate", "principal", "application", "route", "integration", "authorizer", "api",
		"target", "rule", "rotation", "secret policy", "secret", "permission", "function", "policy", "role",
		"alarm", "subscription", "topic policy", "topic", "dashboard", "query", "filter", "log group", "key",
	}, ids(found))
}

func TestRotationsAreToldFromOthers(t *testing.T) {
	t.Parallel()
	rotations, others := Rotations([]Object{{Type: typeSecret, ID: "s"}, {Type: typeRotation, ID: "s"}, {Type: typePolicy, ID: "s"}})
	require.Equal(t, []Object{{Type: typeRotation, ID: "s"}}, rotations)
	require.Equal(t, []Object{{Type: typeSecret, ID: "s"}, {Type: typePolicy, ID: "s"}}, others)
}

func TestWhatACloudHasNoMoreIsGone(t *testing.T) {
	t.Parallel()
	known := []engine.Resource{
		{URN: "app", Type: typeApplication, ID: "/applications/a1"},
		{URN: "other", Type: typeApplication, ID: "/applications/a2"},
		{URN: "uuid", Type: "random:index/randomUuid:RandomUuid", ID: "x"},
		{URN: "secret", Type: typeSecret, ID: secretARN},
		{URN: "rotation", Type: typeRotation, ID: secretARN},
		{URN: "uri", Type: typeURI, Outputs: map[string]any{"applicationId": "/applications/a2", "identifierUri": "api://x"}},
	}
	there := []Object{
		{Type: typeApplication, ID: "a2"},
		{Type: typeURI, ID: "api://x", Parent: "a2"},
		{Type: typeSecret, ID: secretARN},
	}
	require.Equal(t, []string{"app", "rotation"}, Gone(there, known))
	require.Equal(t, []string{"app", "other", "secret", "rotation", "uri"}, Gone(nil, known))
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
		"one object, and nobody knows which create": {
			[]Object{route("r1", "GET /orders")},
			[]engine.Operation{
				pending(apitype.OperationTypeCreating, "u1", typeRoute, wanted),
				pending(apitype.OperationTypeCreating, "u2", typeRoute, wanted),
			},
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

func TestAnIDAloneDoesNotTellWhatWasAdopted(t *testing.T) {
	t.Parallel()
	adopted := map[string]string{"urn:pulumi:dev::shop::entragate:index:StoredCredential$" + typeSecret + "::web": secretARN}
	require.True(t, Object{Type: typeSecret, importID: secretARN}.AdoptedBy(adopted))
	require.False(t, Object{Type: typeRotation, importID: secretARN}.AdoptedBy(adopted))
	require.False(t, Object{Type: typeSecret, importID: secretARN + "x"}.AdoptedBy(adopted))
	require.False(t, Object{Type: typeSecret, importID: secretARN}.AdoptedBy(nil))
}

func TestWhatMeansThatSomethingIsGone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code, message string
		gone          bool
	}{
		"an API or a key":                  {"NotFoundException", "", true},
		"a role":                           {"NoSuchEntity", "", true},
		"an alarm":                         {"ResourceNotFound", "", true},
		"a topic":                          {"NotFound", "", true},
		"a dashboard":                      {"DashboardNotFoundError", "", true},
		"anything else":                    {"ResourceNotFoundException", "", true},
		"a secret that waits for its end":  {"InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.", true},
		"a key that waits for its end":     {"KMSInvalidStateException", "arn:aws:kms:x is pending deletion.", true},
		"a rotation that was never set up": {"InvalidRequestException", "isn't configured for rotation", false},
		"a key that is not to be deleted":  {"KMSInvalidStateException", "arn:aws:kms:x is not pending deletion.", false},
		"a refusal":                        {"AccessDeniedException", "marked for deletion", false},
		"too many":                         {"ThrottlingException", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := ignoreGone(fmt.Errorf("deleting: %w", &smithy.GenericAPIError{Code: tc.code, Message: tc.message}))
			require.Equal(t, tc.gone, err == nil)
		})
	}
	require.Error(t, ignoreGone(errors.New("NotFoundException")), "only a service can know")
	require.NoError(t, ignoreGone(nil))
}

func TestKeysWhosePolicyShutsTheCallerOutAreNotTheStacks(t *testing.T) {
	t.Parallel()
	for reason, dropped := range map[string]bool{
		"because no resource-based policy allows the kms:DescribeKey action":     true,
		"with an explicit deny in a resource-based policy":                       true,
		"because no identity-based policy allows the kms:DescribeKey action":     false,
		"because no service control policy allows the kms:DescribeKey action":    false,
		"because no permissions boundary allows the kms:ListResourceTags action": false,
	} {
		refused := &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "User: x is not authorized to perform: y on resource: z " + reason}
		require.Equal(t, dropped, ignoreClosed(refused) == nil, reason)
	}
	require.Error(t, ignoreClosed(&smithy.GenericAPIError{Code: "ThrottlingException"}))
}

func TestARotationIsUnderWayWhileAVersionIsOnlyPending(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		versions map[string][]string
		want     bool
	}{
		"none yet":                 {nil, false},
		"the first one":            {map[string][]string{"a": {"AWSPENDING"}}, true},
		"another one":              {map[string][]string{"a": {"AWSCURRENT"}, "b": {"AWSPENDING"}}, true},
		"ended, the label is left": {map[string][]string{"a": {"AWSPREVIOUS"}, "b": {"AWSCURRENT", "AWSPENDING"}}, false},
		"ended":                    {map[string][]string{"a": {"AWSPREVIOUS"}, "b": {"AWSCURRENT"}}, false},
	} {
		require.Equal(t, tc.want, rotating(tc.versions), name)
	}
}
