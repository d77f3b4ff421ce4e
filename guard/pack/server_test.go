package main

import (
	"encoding/json"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/entragate/entragate/guard"
)

// Strategy: the server is asked as the engine asks it, with properties that the
// engine's own code encodes. That an engine gets along with it is shown in
// tests/guard_test.go.

const (
	route    = "aws:apigatewayv2/route:Route"
	secret   = "aws:secretsmanager/secret:Secret"
	rotation = "aws:secretsmanager/secretRotation:SecretRotation"
)

func encode(t *testing.T, properties resource.PropertyMap) *structpb.Struct {
	t.Helper()
	encoded, err := plugin.MarshalProperties(properties, plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true})
	require.NoError(t, err)
	return encoded
}

func analyze(t *testing.T, s *server, properties resource.PropertyMap) []*pulumirpc.AnalyzeDiagnostic {
	t.Helper()
	response, err := s.Analyze(t.Context(), &pulumirpc.AnalyzeRequest{
		Urn: "urn:open", Type: route, Name: "open", Properties: encode(t, properties),
	})
	require.NoError(t, err)
	return response.GetDiagnostics()
}

// configure gives the server a configuration as it is in the user's file, after
// the engine took the level out.
func configure(t *testing.T, s *server, id string, level pulumirpc.EnforcementLevel, properties string) error {
	t.Helper()
	var members map[string]any
	require.NoError(t, json.Unmarshal([]byte(properties), &members))
	given, err := structpb.NewStruct(members)
	require.NoError(t, err)
	_, err = s.Configure(t.Context(), &pulumirpc.ConfigureAnalyzerRequest{PolicyConfig: map[string]*pulumirpc.PolicyConfig{
		id: {EnforcementLevel: level, Properties: given},
	}})
	return err
}

func TestARouteThatIsOpen(t *testing.T) {
	t.Parallel()
	found := analyze(t, newServer(), resource.PropertyMap{
		"routeKey": resource.NewProperty("GET /a"), "authorizerId": resource.MakeComputed(resource.NewProperty("")),
	})
	require.Len(t, found, 1)
	require.Equal(t, "route-authorization", found[0].GetPolicyName())
	require.Equal(t, "urn:open", found[0].GetUrn())
	require.Equal(t, pulumirpc.EnforcementLevel_MANDATORY, found[0].GetEnforcementLevel())
	require.Equal(t, pulumirpc.PolicySeverity_POLICY_SEVERITY_HIGH, found[0].GetSeverity())
	require.Contains(t, found[0].GetMessage(), "anybody may call GET /a, authorizationType: not set; its authorizerId changes nothing")
	require.Contains(t, found[0].GetMessage(), "APIGateway.8")
}

func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	found := analyze(t, newServer(), resource.PropertyMap{
		"routeKey":          resource.MakeSecret(resource.NewProperty("GET /hush")),
		"authorizationType": resource.MakeSecret(resource.NewProperty("NONE")),
	})
	require.Len(t, found, 1)
	require.NotContains(t, found[0].String(), "hush")
}

func TestValuesArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	got, err := readProperties(encode(t, resource.PropertyMap{
		"null": resource.NewNullProperty(), "bool": resource.NewProperty(true), "number": resource.NewProperty(1.5),
		"text":    resource.NewProperty("x"),
		"list":    resource.NewProperty([]resource.PropertyValue{resource.MakeSecret(resource.NewProperty("s"))}),
		"members": resource.NewProperty(resource.PropertyMap{"unknown": resource.MakeComputed(resource.NewProperty(""))}),
	}))
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"null": nil, "bool": true, "number": 1.5, "text": "x",
		"list": []any{guard.Secret{Value: "s"}}, "members": map[string]any{"unknown": guard.Unknown{}},
	}, got)

	require.Equal(t, guard.Unknown{}, plain(resource.NewProperty(resource.Output{Secret: true})))
	require.Equal(t, guard.Secret{Value: "s"}, plain(resource.NewProperty(resource.Output{Element: resource.NewProperty("s"), Known: true, Secret: true})))
	require.Equal(t, "k", plain(resource.NewProperty(resource.Output{Element: resource.NewProperty("k"), Known: true})))
}

func TestAStackIsJudgedByItsDependencies(t *testing.T) {
	t.Parallel()
	unknown := resource.MakeComputed(resource.NewProperty(""))
	of := func(urn, kind string, properties resource.PropertyMap, depends ...string) *pulumirpc.AnalyzerResource {
		return &pulumirpc.AnalyzerResource{
			Urn: urn, Type: kind, Name: urn, Properties: encode(t, properties),
			PropertyDependencies: map[string]*pulumirpc.AnalyzerPropertyDependencies{"secretId": {Urns: depends}},
		}
	}
	response, err := newServer().AnalyzeStack(t.Context(), &pulumirpc.AnalyzeStackRequest{Resources: []*pulumirpc.AnalyzerResource{
		of("kept", secret, resource.PropertyMap{"arn": unknown}),
		of("forgotten", secret, resource.PropertyMap{"arn": unknown}),
		of("rotation", rotation, resource.PropertyMap{"secretId": unknown}, "kept"),
		of("open", route, nil),
	}})
	require.NoError(t, err)
	require.Len(t, response.GetDiagnostics(), 1, "routes were judged one by one")
	require.Equal(t, "secret-rotation", response.GetDiagnostics()[0].GetPolicyName())
	require.Equal(t, "forgotten", response.GetDiagnostics()[0].GetUrn())
	require.Equal(t, pulumirpc.EnforcementLevel_ADVISORY, response.GetDiagnostics()[0].GetEnforcementLevel())
}

func TestWhatAConfigurationSays(t *testing.T) {
	t.Parallel()
	open := resource.PropertyMap{"routeKey": resource.NewProperty("GET /health")}
	s := newServer()
	const allow = `{"allow": [{"resource": "GET /health", "reason": "load balancers have no token"}]}`
	require.NoError(t, configure(t, s, "route-authorization", pulumirpc.EnforcementLevel_MANDATORY, allow))
	require.Empty(t, analyze(t, s, open))
	require.NoError(t, configure(t, s, "route-authorization", pulumirpc.EnforcementLevel_ADVISORY, `{}`))
	found := analyze(t, s, open)
	require.Len(t, found, 1)
	require.Equal(t, pulumirpc.EnforcementLevel_ADVISORY, found[0].GetEnforcementLevel())
	require.NoError(t, configure(t, s, "route-authorization", pulumirpc.EnforcementLevel_DISABLED, `{}`))
	require.Empty(t, analyze(t, s, open))
}

func TestConfigurationsAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ id, properties, want string }{
		"of a rule that does not exist":    {"route-authorisation", `{}`, "route-authorisation: no such rule, want one of route-authorization, "},
		"with a setting that is none":      {"route-authorization", `{"alow": []}`, `want allow, a list of resource and reason: json: unknown field "alow"`},
		"with a member that is none":       {"route-authorization", `{"allow": [{"resource": "GET /", "reason": "r", "until": "x"}]}`, `unknown field "until"`},
		"without a reason":                 {"route-authorization", `{"allow": [{"resource": "GET /", "reason": "r"}, {"resource": "GET /b"}]}`, `route-authorization: allow[1]: reason: got ""`},
		"for everything":                   {"jwt-issuer", `{"allow": [{"resource": "*", "reason": "r"}]}`, `jwt-issuer: allow[0]: resource: got "*"`},
		"with text in the place of a list": {"jwt-issuer", `{"allow": "GET /"}`, "want allow, a list"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer()
			require.ErrorContains(t, configure(t, s, test.id, pulumirpc.EnforcementLevel_DISABLED, test.properties), test.want)
			require.Len(t, analyze(t, s, nil), 1, "nothing of it is in force")
		})
	}
}

func TestTheRulesAreTold(t *testing.T) {
	t.Parallel()
	s := newServer()
	info, err := s.GetAnalyzerInfo(t.Context(), &emptypb.Empty{})
	require.NoError(t, err)
	require.True(t, info.GetSupportsConfig())
	require.Len(t, info.GetPolicies(), len(guard.Rules()))
	kinds := map[pulumirpc.PolicyType]int{}
	for _, policy := range info.GetPolicies() {
		kinds[policy.GetPolicyType()]++
		require.NotEqual(t, pulumirpc.PolicySeverity_POLICY_SEVERITY_UNSPECIFIED, policy.GetSeverity(), policy.GetName())
		require.NotNil(t, policy.GetConfigSchema().GetProperties().GetFields()["allow"], policy.GetName())
	}
	require.Equal(t, 1, kinds[pulumirpc.PolicyType_POLICY_TYPE_STACK])
	version, err := s.GetPluginInfo(t.Context(), &emptypb.Empty{})
	require.NoError(t, err)
	require.Equal(t, info.GetVersion(), version.GetVersion())
}

func TestItIsNotStartedByHand(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, serve(nil), "got no arguments, want the engine's address")
}
