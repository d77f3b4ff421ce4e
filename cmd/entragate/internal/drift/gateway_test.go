package drift

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"
)

func scopesOf(key string, scopes ...string) func(*testing.T, *stack) {
	return func(t *testing.T, d *stack) {
		d.changeRoute(t, key, apigatewayv2.UpdateRouteInput{AuthorizationScopes: scopes})
	}
}

var changedGateway = map[string]change{
	"a route takes another scope": {
		scopesOf("GET /orders", "Orders.Read", "Orders.Admin"),
		[]want{{Changed, Widening, "route GET /orders", "Orders.Admin, Orders.Read", "whoever has a token with Orders.Admin gain access by Orders.Admin"}},
		nil,
	},
	"a route takes a scope no more": {
		scopesOf("GET /orders/{id}", "Orders.Old"),
		[]want{{Changed, Breaking, "route GET /orders/{id}", "any of Orders.Old", "users of portal lose access"}},
		[]string{"GET /orders/{id}, portal:user: refused 403"},
	},
	"a route takes another scope in its place": {
		scopesOf("GET /orders", "Orders.Write"),
		[]want{{Changed, Widening, "route GET /orders", "any of Orders.Write", "users of portal lose access"}},
		[]string{"GET /orders, portal:user: refused 403"},
	},
	"a route takes any token": {
		func(t *testing.T, d *stack) {
			_, err := d.Clouds.Gateway.DeleteRoute(t.Context(), &apigatewayv2.DeleteRouteInput{ApiId: &d.APIID, RouteId: aws.String(d.routes["GET /orders"])})
			require.NoError(t, err)
			d.route(t, "GET /orders", types.AuthorizationTypeJwt, d.jwt)
		},
		[]want{{Changed, Widening, "route GET /orders", "JWT without a scope", "daemons and other clients too"}},
		[]string{"GET /orders, export:app: allowed"},
	},
	"a route is open": {
		func(t *testing.T, d *stack) {
			d.changeRoute(t, "GET /orders", apigatewayv2.UpdateRouteInput{
				AuthorizationType: types.AuthorizationTypeNone, AuthorizationScopes: []string{},
			})
		},
		[]want{{Changed, Widening, "route GET /orders", "authorization NONE", "everybody gains access, without a token"}},
		[]string{"GET /orders, anonymous: allowed", "GET /orders, other-tenant: allowed"},
	},
	"a public route wants a token": {
		func(t *testing.T, d *stack) {
			d.changeRoute(t, "GET /health", apigatewayv2.UpdateRouteInput{
				AuthorizationType: types.AuthorizationTypeJwt, AuthorizerId: &d.jwt, AuthorizationScopes: []string{"Orders.Read"},
			})
		},
		[]want{{Changed, Breaking, "route GET /health", "JWT", "refused with 401"}},
		[]string{"GET /health, anonymous: refused 401"},
	},
	"a route of daemons takes users": {
		func(t *testing.T, d *stack) {
			d.changeRoute(t, "GET /export", apigatewayv2.UpdateRouteInput{
				AuthorizationType: types.AuthorizationTypeJwt, AuthorizerId: &d.jwt, AuthorizationScopes: []string{"Orders.Read"},
			})
		},
		[]want{{Changed, Widening, "route GET /export", "JWT with any of Orders.Read", "users of portal can call it"}},
		[]string{"GET /export, portal:user: allowed by Orders.Read", "GET /export, export:app: refused 403"},
	},
	"a route is gone": {
		func(t *testing.T, d *stack) {
			_, err := d.Clouds.Gateway.DeleteRoute(t.Context(), &apigatewayv2.DeleteRouteInput{ApiId: &d.APIID, RouteId: aws.String(d.routes["GET /orders"])})
			require.NoError(t, err)
		},
		[]want{{Missing, Breaking, "route GET /orders", "", "nobody can call it"}},
		nil,
	},
	"an open route is added": {
		func(t *testing.T, d *stack) { d.route(t, "GET /debug", types.AuthorizationTypeNone, "") },
		[]want{{AddedOutside, Widening, "route GET /debug", "authorization NONE", "everybody can call it, without a token"}},
		[]string{"GET /debug, anonymous: allowed"},
	},
	"an authorizer takes another audience too": {
		func(t *testing.T, d *stack) {
			d.changeAuthorizer(t, d.jwt, apigatewayv2.UpdateAuthorizerInput{
				JwtConfiguration: &types.JWTConfiguration{Issuer: &d.Issuer, Audience: []string{d.Audience, "another"}},
			})
		},
		[]want{{Changed, Widening, "authorizer jwt", "another", "whoever holds a token for another gains access on GET /orders, GET /orders/{id}"}},
		nil,
	},
	"an authorizer takes ID tokens": {
		func(t *testing.T, d *stack) {
			d.changeAuthorizer(t, d.jwt, apigatewayv2.UpdateAuthorizerInput{
				JwtConfiguration: &types.JWTConfiguration{Issuer: &d.Issuer, Audience: []string{d.Audience, d.Clients["portal"]}},
			})
		},
		[]want{{Changed, Widening, "authorizer jwt", "audience", "gains access"}},
		[]string{"GET /orders, id-token: refused 403: an ID token has no scope"},
	},
	"an authorizer takes another audience only": {
		func(t *testing.T, d *stack) {
			d.changeAuthorizer(t, d.jwt, apigatewayv2.UpdateAuthorizerInput{
				JwtConfiguration: &types.JWTConfiguration{Issuer: &d.Issuer, Audience: []string{"api://" + d.Audience}},
			})
		},
		[]want{
			{Changed, Widening, "authorizer jwt", "api://", "gains access"},
			{Changed, Breaking, "authorizer jwt", "api://", "everybody with a token for the API is refused with 401"},
		},
		[]string{"GET /orders, portal:user: refused 401"},
	},
	"an authorizer nobody needs": {
		func(t *testing.T, d *stack) {
			_, err := d.Clouds.Gateway.CreateAuthorizer(t.Context(), &apigatewayv2.CreateAuthorizerInput{
				ApiId: &d.APIID, Name: aws.String("spare"), AuthorizerType: types.AuthorizerTypeJwt, IdentitySource: []string{"$request.header.Authorization"},
				JwtConfiguration: &types.JWTConfiguration{Issuer: &d.Issuer, Audience: []string{d.Audience}},
			})
			require.NoError(t, err)
		},
		[]want{{AddedOutside, Neutral, "authorizer spare", "JWT", "no route has it"}},
		nil,
	},
	"decisions are repeated for longer, whatever the route": {
		func(t *testing.T, d *stack) {
			d.changeAuthorizer(t, d.roles, apigatewayv2.UpdateAuthorizerInput{
				AuthorizerResultTtlInSeconds: aws.Int32(3600), IdentitySource: []string{"$request.header.Authorization"},
			})
		},
		[]want{
			{Changed, Widening, "authorizer roles", "3600 s", "on GET /export"},
			{Changed, Breaking, "authorizer roles", "tokens in $request.header.Authorization", "repeated where they were not meant"},
		},
		nil,
	},
	"the role authorizer wants another audience": {
		func(t *testing.T, d *stack) {
			_, err := d.Clouds.Lambda.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
				FunctionName: &d.function, Environment: &lambdatypes.Environment{Variables: map[string]string{"ISSUER": d.Issuer, "AUDIENCE": "another"}},
			})
			require.NoError(t, err)
		},
		[]want{{Changed, Widening, "function ", "AUDIENCE=another", "on GET /export"}},
		[]string{"GET /export, export:app: refused 403"},
	},
	"another policy is in force": {
		func(t *testing.T, d *stack) {
			d.changeStage(t, apigatewayv2.UpdateStageInput{StageVariables: map[string]string{"policyHash": "abc"}})
		},
		[]want{{Changed, Widening, "stage $default", "policy abc", "GET /export"}},
		nil,
	},
	"pages of every origin may call": {
		func(t *testing.T, d *stack) {
			d.changeAPI(t, apigatewayv2.UpdateApiInput{CorsConfiguration: &types.Cors{AllowOrigins: []string{"*"}, AllowMethods: []string{"*"}}})
		},
		[]want{{Changed, Widening, "CORS of the API", "origins *", "pages of every origin gain access"}},
		nil,
	},
	"no page may call": {
		func(t *testing.T, d *stack) {
			_, err := d.Clouds.Gateway.DeleteCorsConfiguration(t.Context(), &apigatewayv2.DeleteCorsConfigurationInput{ApiId: &d.APIID})
			require.NoError(t, err)
		},
		[]want{{Missing, Breaking, "CORS of the API", "", "pages of https://portal.example.com lose access"}},
		nil,
	},
	"pages may call that nobody declared": {
		func(_ *testing.T, d *stack) { d.CORS = nil },
		[]want{{AddedOutside, Widening, "CORS of the API", origin, "gain access"}},
		nil,
	},
	"the throttle is zero": {
		func(t *testing.T, d *stack) {
			d.changeStage(t, apigatewayv2.UpdateStageInput{DefaultRouteSettings: limits(0, 0)})
		},
		[]want{{Changed, Breaking, "stage $default", "0 requests a second, 0 at once", "nobody can call: every request is answered with 429"}},
		[]string{"GET /health, anonymous: refused 429", "GET /orders, portal:user: refused 429"},
	},
	"a route's throttle is looser, another is gone": {
		func(t *testing.T, d *stack) {
			d.changeStage(t, apigatewayv2.UpdateStageInput{RouteSettings: map[string]types.RouteSettings{
				"GET /orders/{id}": *limits(500, 10), "GET /orders": *limits(1, 1),
			}})
		},
		[]want{
			{Changed, Widening, "route GET /orders/{id}", "500 requests", "more often"},
			{Changed, Breaking, "route GET /orders", "1 requests", "answered with 429"},
		},
		nil,
	},
	"the endpoint is off": {
		func(t *testing.T, d *stack) {
			d.changeAPI(t, apigatewayv2.UpdateApiInput{DisableExecuteApiEndpoint: aws.Bool(true)})
		},
		[]want{{Changed, Breaking, "endpoint ", "turned off", "404"}},
		[]string{"GET /health, anonymous: refused 404"},
	},
	"the endpoint is on that was off": {
		func(_ *testing.T, d *stack) { d.EndpointOff = true },
		[]want{{Changed, Widening, "endpoint ", "it answers", "past whatever stands before"}},
		nil,
	},
	"another stage": {
		func(t *testing.T, d *stack) {
			_, err := d.Clouds.Gateway.CreateStage(t.Context(), &apigatewayv2.CreateStageInput{ApiId: &d.APIID, StageName: aws.String("test"), AutoDeploy: aws.Bool(true)})
			require.NoError(t, err)
		},
		[]want{{AddedOutside, Widening, "stage test", "/test", "can be called there too"}},
		nil,
	},
	"changes are not deployed": {
		func(t *testing.T, d *stack) {
			d.changeStage(t, apigatewayv2.UpdateStageInput{AutoDeploy: aws.Bool(false)})
		},
		[]want{{Changed, Neutral, "stage $default", "not deployed", "last deployment"}},
		nil,
	},
	"the API is gone": {
		func(t *testing.T, d *stack) {
			_, err := d.Clouds.Gateway.DeleteApi(t.Context(), &apigatewayv2.DeleteApiInput{ApiId: &d.APIID})
			require.NoError(t, err)
		},
		[]want{{Missing, Breaking, "API ", "", "nobody can call"}},
		[]string{"GET /health, anonymous: refused 404"},
	},
}
