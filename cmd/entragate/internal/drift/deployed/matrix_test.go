package deployed

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/policy"
)

const issuer = "https://login.example.com/t/v2.0"

var model = access.Model{
	Scopes:  []access.Scope{{Value: "Read"}},
	Roles:   []access.Role{{Value: "Export"}},
	Clients: []access.Client{{Name: "app", Kind: access.ClientSPA, Scopes: []string{"Read"}}, {Name: "job", Kind: access.ClientDaemon, Roles: []string{"Export"}}},
	Routes: []access.Route{
		{Key: "GET /open", Public: "everybody may"},
		{Key: "GET /read", Scopes: []string{"Read"}},
		{Key: "GET /export", Scopes: []string{"Read"}, Roles: []string{"Export"}},
	},
	Assignment: access.Assignment{Users: []string{"user"}},
}

// healthy is what was read of a stack that is as the model says.
func healthy() *State {
	version := 2
	principal := func(id string) Application {
		return Application{Registered: true, HasPrincipal: true, Principal: Principal{ID: id, AppID: id, Enabled: true}, Registration: Registration{AppID: id}}
	}
	s := &State{
		URL: "https://x", Audience: "api", API: principal("api"),
		Clients: map[string]Application{"app": principal("app"), "job": principal("job")},
		Grants:  []Grant{{ClientID: "app", ConsentType: "AllPrincipals", Scope: "Read"}},
		Assignments: []Assignment{
			{RoleID: "r", PrincipalID: "job", PrincipalType: "ServicePrincipal"}, {RoleID: "a", PrincipalID: "user", PrincipalType: "User"},
		},
		Holders: map[string]Holder{},
	}
	s.API.Principal.AssignmentRequired = true
	s.API.Registration.API.TokenVersion = &version
	s.API.Registration.API.Scopes = []Permission{{ID: "s", Value: "Read", Enabled: true, Type: "Admin"}}
	s.API.Registration.Roles = []Permission{{ID: "r", Value: "Export", Enabled: true, Members: []string{"Application"}}, {ID: "a", Enabled: true, Members: []string{"User"}}}
	const function = "arn:aws:lambda:eu-west-1:123456789012:function:roles"
	s.Gateway = Gateway{
		Found: true, Endpoint: "https://x", Functions: map[string]map[string]string{function: {"ISSUER": issuer, "AUDIENCE": "api"}},
		Authorizers: []types.Authorizer{
			{
				AuthorizerId: aws.String("jwt"), AuthorizerType: types.AuthorizerTypeJwt, IdentitySource: []string{fromHeader},
				JwtConfiguration: &types.JWTConfiguration{Issuer: aws.String(issuer), Audience: []string{"api"}},
			},
			{AuthorizerId: aws.String("roles"), AuthorizerType: types.AuthorizerTypeRequest, AuthorizerUri: aws.String("x/functions/" + function + "/invocations")},
		},
		Routes: []types.Route{
			{RouteKey: aws.String("GET /open"), AuthorizationType: types.AuthorizationTypeNone},
			{RouteKey: aws.String("GET /read"), AuthorizationType: types.AuthorizationTypeJwt, AuthorizerId: aws.String("jwt"), AuthorizationScopes: []string{"Read"}},
			{RouteKey: aws.String("GET /export"), AuthorizationType: types.AuthorizationTypeCustom, AuthorizerId: aws.String("roles")},
		},
		Stages: []types.Stage{{
			StageName: aws.String("$default"), AutoDeploy: aws.Bool(true), StageVariables: map[string]string{policy.HashVariable: model.Policy().Hash()},
			DefaultRouteSettings: &types.RouteSettings{ThrottlingRateLimit: aws.Float64(1), ThrottlingBurstLimit: aws.Int32(1)},
		}},
	}
	return s
}

func TestAHealthyStackImpliesItsMatrix(t *testing.T) {
	t.Parallel()
	implied := healthy().Implied(model, issuer)
	require.Empty(t, implied.Unknown)
	require.Equal(t, model.Matrix(), implied.Matrix)
}

func TestWhatIsNotKnownIsNotDecided(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change  func(*State)
		unknown map[string]string
	}{
		"a part that was not read": {
			func(s *State) { s.Unread = []Unread{{Part: PartGrants}} },
			map[string]string{"GET /open": "delegated grants could not be read", "GET /read": "delegated grants could not be read", "GET /export": "delegated grants could not be read"},
		},
		"a route that is not there": {
			func(s *State) { s.Gateway.Routes = s.Gateway.Routes[1:] },
			map[string]string{"GET /open": "the API has no such route, and its requests go to whichever other takes them"},
		},
		"an authorizer that is not there": {
			func(s *State) { s.Gateway.Authorizers = s.Gateway.Authorizers[1:] },
			map[string]string{"GET /read": "its JWT authorizer is not among those of the API"},
		},
		"another policy": {
			func(s *State) { s.Gateway.Stages[0].StageVariables = nil },
			map[string]string{"GET /export": "the policy in force is not the configuration's"},
		},
		"a function that is not there": {
			func(s *State) { s.Gateway.Functions = nil },
			map[string]string{"GET /export": "the function of its authorizer could not be read"},
		},
		"tokens elsewhere": {
			func(s *State) { s.Gateway.Authorizers[0].IdentitySource = []string{"$request.querystring.token"} },
			map[string]string{"GET /read": "its authorizer looks for tokens elsewhere: $request.querystring.token"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := healthy()
			tc.change(s)
			implied := s.Implied(model, issuer)
			require.Equal(t, tc.unknown, implied.Unknown)
			for route := range tc.unknown {
				require.Empty(t, implied.Matrix.Cells[route])
			}
		})
	}
}

func TestAnotherIssuerMayHaveSignedWhatIsRefusedElsewhere(t *testing.T) {
	t.Parallel()
	s := healthy()
	s.Gateway.Authorizers[0].JwtConfiguration.Issuer = aws.String("https://another.example.com")
	implied := s.Implied(model, issuer)
	d, known := implied.Matrix.At("GET /read", "app:user")
	require.True(t, known)
	require.Equal(t, 401, d.Status)
	for _, caller := range []string{"other-tenant", "v1-token", "graph-token"} {
		_, known := implied.Matrix.At("GET /read", caller)
		require.False(t, known, caller)
	}
}

func TestSignedRequestsAreNobodysTokens(t *testing.T) {
	t.Parallel()
	s := healthy()
	s.Gateway.Routes[1].AuthorizationType = types.AuthorizationTypeAwsIam
	s.Gateway.Functions["arn:aws:lambda:eu-west-1:123456789012:function:roles"]["AUDIENCE"] = "another"
	implied := s.Implied(model, issuer)
	for _, tc := range []struct {
		route, caller string
		status        int
	}{{"GET /read", "app:user", 403}, {"GET /read", "anonymous", 403}, {"GET /export", "job:app", 403}, {"GET /export", "anonymous", 401}} {
		d, known := implied.Matrix.At(tc.route, tc.caller)
		require.True(t, known)
		require.Equal(t, tc.status, d.Status, "%s as %s", tc.route, tc.caller)
	}
}
