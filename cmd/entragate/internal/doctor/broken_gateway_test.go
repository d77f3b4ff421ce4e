package doctor

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	gatewaytypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"
)

// keySetPath is where the sandbox's tenant publishes its keys.
func (d *deployed) keySetPath() string { return "/" + d.Tenant.ID + "/discovery/v2.0/keys" }

// padKeys makes the key set longer.
func padKeys(by int) func(*testing.T, *deployed) {
	return func(t *testing.T, d *deployed) {
		res, err := d.HTTP.Get(d.Tenant.Authority() + "/discovery/v2.0/keys")
		require.NoError(t, err)
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		d.wire.answer(d.keySetPath(), http.StatusOK, strings.TrimSpace(string(raw))+strings.Repeat(" ", by))
	}
}

// slowBy makes every answer of the tenant take so long.
func slowBy(each time.Duration) func(*testing.T, *deployed) {
	return func(_ *testing.T, d *deployed) {
		at := time.Now()
		d.elapsed = func() time.Time {
			at = at.Add(each)
			return at
		}
	}
}

var brokenDiscovery = map[string]broken{
	"the document names another issuer": {
		func(t *testing.T, d *deployed) {
			d.wire.answer("/"+d.Tenant.ID+"/v2.0/.well-known/openid-configuration", http.StatusOK, asJSON(t, object{
				"issuer": d.Tenant.Issuer() + "/", "jwks_uri": "https://x/keys", "id_token_signing_alg_values_supported": []string{"RS256"},
			}))
		},
		[]want{{SeverityError, CheckDiscovery, "openid-configuration", "byte for byte", "API Gateway answers 401"}},
	},
	"the keys are not there": {
		func(_ *testing.T, d *deployed) { d.wire.answer(d.keySetPath(), http.StatusBadGateway, "") },
		[]want{{SeverityError, CheckDiscovery, "openid-configuration", "want 200", "API Gateway answers 401"}},
	},
	"a large key set":          {padKeys(80_000), []want{{SeverityWarning, CheckDiscovery, "/keys", "API Gateway reads 150000", "which applications"}}},
	"a key set that is larger": {padKeys(150_000), []want{{SeverityError, CheckDiscovery, "openid-configuration", "more than 150000 bytes", "API Gateway answers 401"}}},
	"slow documents": {slowBy(time.Second), []want{
		{SeverityWarning, CheckDiscovery, "openid-configuration", "answered after 1000 ms", "region"},
		{SeverityWarning, CheckDiscovery, "/keys", "API Gateway waits 1500 ms", "region"},
	}},
	"documents slower than API Gateway waits": {slowBy(1501 * time.Millisecond), []want{
		{SeverityError, CheckDiscovery, "openid-configuration", "answered after 1501 ms", "region"},
		{SeverityError, CheckDiscovery, "/keys", "1501 ms", "region"},
	}},
	"only the first connection is slow": {func(_ *testing.T, d *deployed) {
		at, calls := time.Now(), 0
		d.elapsed = func() time.Time {
			if calls++; calls <= 4 {
				at = at.Add(time.Second)
			}
			return at
		}
	}, nil},
	"it was deployed for another tenant": {
		func(_ *testing.T, d *deployed) { d.Outputs.Issuer, d.Outputs.TenantID = "https://login/t/v2.0", "t" },
		[]want{
			{SeverityError, CheckDiscovery, "output issuer", `got "https://login/t/v2.0"`, "pulumi up"},
			{SeverityError, CheckDiscovery, "output tenantId", `got "t"`, "pulumi up"},
		},
	},
}

// change changes a route.
func change(key string, in apigatewayv2.UpdateRouteInput) func(*testing.T, *deployed) {
	return func(t *testing.T, d *deployed) {
		in.ApiId, in.RouteId = &d.Outputs.APIID, aws.String(d.routes[key])
		_, err := d.Clouds.Gateway.UpdateRoute(t.Context(), &in)
		require.NoError(t, err)
	}
}

// changeAuthorizer changes one of the authorizers.
func changeAuthorizer(which func(*deployed) string, in func(*deployed) *apigatewayv2.UpdateAuthorizerInput) func(*testing.T, *deployed) {
	return func(t *testing.T, d *deployed) {
		changed := in(d)
		changed.ApiId, changed.AuthorizerId = &d.Outputs.APIID, aws.String(which(d))
		_, err := d.Clouds.Gateway.UpdateAuthorizer(t.Context(), changed)
		require.NoError(t, err)
	}
}

func (d *deployed) jwt() string    { return d.jwtAuthorizer }
func (d *deployed) lambda() string { return d.roleAuthorizer }

func audiences(of func(*deployed) []string) func(*testing.T, *deployed) {
	return changeAuthorizer((*deployed).jwt, func(d *deployed) *apigatewayv2.UpdateAuthorizerInput {
		return &apigatewayv2.UpdateAuthorizerInput{JwtConfiguration: &gatewaytypes.JWTConfiguration{Issuer: &d.Outputs.Issuer, Audience: of(d)}}
	})
}

var brokenGateway = map[string]broken{
	"the api is gone": {
		func(t *testing.T, d *deployed) {
			_, err := d.Clouds.Gateway.DeleteApi(t.Context(), &apigatewayv2.DeleteApiInput{ApiId: &d.Outputs.APIID})
			require.NoError(t, err)
		},
		[]want{
			{SeverityError, CheckGateway, "api ", "no such API in this account and region", "pulumi refresh"},
			{SeverityError, CheckThrottles, "stage $default", "no such stage", "pulumi up"},
			{SeverityError, CheckAccessLog, "stage $default", "no such stage", "pulumi up"},
		},
	},
	"its endpoint is off": {
		func(t *testing.T, d *deployed) {
			_, err := d.Clouds.Gateway.UpdateApi(t.Context(), &apigatewayv2.UpdateApiInput{ApiId: &d.Outputs.APIID, DisableExecuteApiEndpoint: aws.Bool(true)})
			require.NoError(t, err)
		},
		[]want{{SeverityError, CheckGateway, "api ", "its endpoint is turned off", "pulumi up"}},
	},
	"the authorizer trusts another tenant": {
		changeAuthorizer((*deployed).jwt, func(d *deployed) *apigatewayv2.UpdateAuthorizerInput {
			return &apigatewayv2.UpdateAuthorizerInput{JwtConfiguration: &gatewaytypes.JWTConfiguration{
				Issuer: aws.String(strings.Replace(d.Outputs.Issuer, d.Tenant.ID, d.otherTenant, 1)), Audience: []string{d.Outputs.Audience},
			}}
		}),
		[]want{{SeverityError, CheckGateway, "authorizer jwt", `issuer: got "https://`, "every token is refused"}},
	},
	"the audience is a uri": {
		audiences(func(d *deployed) []string { return []string{"api://" + d.Outputs.Audience} }),
		[]want{{SeverityError, CheckGateway, "authorizer jwt", `audience: got "api://`, "client id, not its URI"}},
	},
	"there is a second audience": {
		audiences(func(d *deployed) []string { return []string{d.Outputs.Audience, "another"} }),
		[]want{{SeverityError, CheckGateway, "authorizer jwt", "another", "nothing besides"}},
	},
	"tokens are looked for elsewhere": {
		changeAuthorizer((*deployed).jwt, func(*deployed) *apigatewayv2.UpdateAuthorizerInput {
			return &apigatewayv2.UpdateAuthorizerInput{IdentitySource: []string{"$request.querystring.token"}}
		}),
		[]want{{SeverityError, CheckGateway, "authorizer jwt", "identity source", "pulumi up"}},
	},
	"a route is open": {
		change("GET /orders/{id}", apigatewayv2.UpdateRouteInput{AuthorizationType: gatewaytypes.AuthorizationTypeNone, AuthorizationScopes: []string{}}),
		[]want{{SeverityError, CheckGateway, "route GET /orders/{id}", "open to everybody", "pulumi up"}},
	},
	"a route with roles is open": {
		change("GET /export", apigatewayv2.UpdateRouteInput{AuthorizationType: gatewaytypes.AuthorizationTypeNone}),
		[]want{{SeverityError, CheckGateway, "route GET /export", "open to everybody", "pulumi up"}},
	},
	"a route takes any token": {
		change("GET /orders/{id}", apigatewayv2.UpdateRouteInput{AuthorizationScopes: []string{}}),
		[]want{{SeverityError, CheckGateway, "route GET /orders/{id}", `scopes: got ""`, "any token for the API may call"}},
	},
	"a route wants another scope": {
		change("GET /orders/{id}", apigatewayv2.UpdateRouteInput{AuthorizationScopes: []string{"Orders.Write"}}),
		[]want{{SeverityError, CheckGateway, "route GET /orders/{id}", `got "Orders.Write", want "Orders.Old Orders.Read"`, "pulumi up"}},
	},
	"a route with roles has the other authorizer": {
		func(t *testing.T, d *deployed) {
			change("GET /export", apigatewayv2.UpdateRouteInput{AuthorizationType: gatewaytypes.AuthorizationTypeJwt, AuthorizerId: &d.jwtAuthorizer})(t, d)
		},
		[]want{{SeverityError, CheckGateway, "route GET /export", `authorization type: got "JWT", want "CUSTOM"`, "pulumi up"}},
	},
	"a public route wants a token": {
		func(t *testing.T, d *deployed) {
			change("GET /health", apigatewayv2.UpdateRouteInput{AuthorizationType: gatewaytypes.AuthorizationTypeJwt, AuthorizerId: &d.jwtAuthorizer})(t, d)
		},
		[]want{{SeverityError, CheckGateway, "route GET /health", `got "JWT", want "NONE"`, "pulumi up"}},
	},
	"a route is gone": {
		func(t *testing.T, d *deployed) {
			_, err := d.Clouds.Gateway.DeleteRoute(t.Context(), &apigatewayv2.DeleteRouteInput{ApiId: &d.Outputs.APIID, RouteId: aws.String(d.routes["GET /health"])})
			require.NoError(t, err)
		},
		[]want{{SeverityError, CheckGateway, "route GET /health", "no such route", "pulumi up"}},
	},
	"an open route that nobody declared": {
		func(t *testing.T, d *deployed) { d.route(t, "GET /debug", gatewaytypes.AuthorizationTypeNone, "") },
		[]want{{SeverityError, CheckGateway, "route GET /debug", "open to everybody", "declare who may call it"}},
	},
	"a route that nobody declared": {
		func(t *testing.T, d *deployed) {
			d.route(t, "GET /debug", gatewaytypes.AuthorizationTypeJwt, d.jwtAuthorizer)
		},
		[]want{{SeverityWarning, CheckGateway, "route GET /debug", "type is JWT", "declare who may call it"}},
	},
	"another policy is in force": {
		func(t *testing.T, d *deployed) {
			d.changeStage(t, apigatewayv2.UpdateStageInput{StageVariables: map[string]string{"policyHash": "old"}})
		},
		[]want{{SeverityError, CheckGateway, "stage $default", `got "old"`, "pulumi up"}},
	},
}

func (d *deployed) changeStage(t *testing.T, in apigatewayv2.UpdateStageInput) {
	t.Helper()
	in.ApiId, in.StageName = &d.Outputs.APIID, aws.String("$default")
	_, err := d.Clouds.Gateway.UpdateStage(t.Context(), &in)
	require.NoError(t, err)
}

func (d *deployed) forbid(t *testing.T) {
	t.Helper()
	_, err := d.Clouds.Lambda.RemovePermission(t.Context(), &lambda.RemovePermissionInput{FunctionName: &d.function, StatementId: aws.String("allowed")})
	require.NoError(t, err)
}

var brokenAuthorizer = map[string]broken{
	"the function is gone": {
		func(t *testing.T, d *deployed) {
			_, err := d.Clouds.Lambda.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: &d.function})
			require.NoError(t, err)
		},
		[]want{
			{SeverityError, CheckGateway, "function arn:", "routes with roles answer 500", "pulumi up"},
			{SeverityError, CheckGateway, "permission of arn:", "does not say that apigateway.amazonaws.com may", "pulumi up"},
		},
	},
	"nobody may call it": {
		func(t *testing.T, d *deployed) { d.forbid(t) },
		[]want{{SeverityError, CheckGateway, "permission of arn:", "does not say that apigateway.amazonaws.com may lambda:InvokeFunction", "pulumi up"}},
	},
	"another authorizer may call it": {
		func(t *testing.T, d *deployed) {
			d.forbid(t)
			d.permit(t, "other", d.Outputs.APIID+"/authorizers/other")
		},
		[]want{{SeverityError, CheckGateway, "permission of arn:", "routes with roles answer 500", "pulumi up"}},
	},
	"any authorizer of the api may call it": {
		func(t *testing.T, d *deployed) {
			d.forbid(t)
			d.permit(t, "any", d.Outputs.APIID+"/*")
		},
		nil,
	},
	"it compares with something else": {
		func(t *testing.T, d *deployed) {
			_, err := d.Clouds.Lambda.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
				FunctionName: &d.function, Environment: &lambdatypes.Environment{Variables: map[string]string{"ISSUER": "https://i", "AUDIENCE": "a", "TENANT_ID": "t"}},
			})
			require.NoError(t, err)
		},
		[]want{
			{SeverityError, CheckGateway, "function arn:", `ISSUER: got "https://i"`, "403"},
			{SeverityError, CheckGateway, "function arn:", `AUDIENCE: got "a"`, "403"},
			{SeverityError, CheckGateway, "function arn:", `TENANT_ID: got "t"`, "403"},
		},
	},
	"it failed": {
		func(t *testing.T, d *deployed) {
			d.wire.answer("lambda:GetFunctionConfiguration", http.StatusOK, asJSON(t, object{
				"State": "Failed", "StateReason": "no room", "Environment": object{"Variables": object{
					"ISSUER": d.Outputs.Issuer, "AUDIENCE": d.Outputs.Audience, "TENANT_ID": d.Outputs.TenantID,
				}},
			}))
		},
		[]want{{SeverityError, CheckGateway, "function arn:", "Failed: no room", "pulumi up"}},
	},
	"decisions are kept for longer": {
		changeAuthorizer((*deployed).lambda, func(*deployed) *apigatewayv2.UpdateAuthorizerInput {
			return &apigatewayv2.UpdateAuthorizerInput{AuthorizerResultTtlInSeconds: aws.Int32(3600)}
		}),
		[]want{{SeverityError, CheckGateway, "authorizer roles", `got "3600", want "60"`, "pulumi up"}},
	},
	"decisions are kept for all routes": {
		changeAuthorizer((*deployed).lambda, func(*deployed) *apigatewayv2.UpdateAuthorizerInput {
			return &apigatewayv2.UpdateAuthorizerInput{IdentitySource: []string{"$request.header.Authorization"}}
		}),
		[]want{{SeverityError, CheckGateway, "authorizer roles", "identity sources", "repeated where it was not meant"}},
	},
	"its answers are not taken": {
		changeAuthorizer((*deployed).lambda, func(*deployed) *apigatewayv2.UpdateAuthorizerInput {
			return &apigatewayv2.UpdateAuthorizerInput{EnableSimpleResponses: aws.Bool(false)}
		}),
		[]want{{SeverityError, CheckGateway, "authorizer roles", "simple responses", "pulumi up"}},
	},
}

var brokenStage = map[string]broken{
	"a throttle of zero": {
		func(t *testing.T, d *deployed) {
			d.changeStage(t, apigatewayv2.UpdateStageInput{DefaultRouteSettings: settings(0, 0)})
		},
		[]want{{SeverityError, CheckThrottles, "stage $default", "answered with 429", "above zero"}},
	},
	"a throttle of another size, and no metrics": {
		func(t *testing.T, d *deployed) {
			other := settings(7, 10)
			other.DetailedMetricsEnabled = aws.Bool(false)
			d.changeStage(t, apigatewayv2.UpdateStageInput{RouteSettings: map[string]gatewaytypes.RouteSettings{"GET /orders/{id}": *other}})
		},
		[]want{
			{SeverityWarning, CheckThrottles, "route GET /orders/{id}", "want 5 and 10", "pulumi up"},
			{SeverityWarning, CheckThrottles, "route GET /orders/{id}", "detailed metrics are off", "pulumi up"},
		},
	},
	"no throttle of its own": {
		func(t *testing.T, d *deployed) {
			_, err := d.Clouds.Gateway.DeleteRouteSettings(t.Context(), &apigatewayv2.DeleteRouteSettingsInput{
				ApiId: &d.Outputs.APIID, StageName: aws.String("$default"), RouteKey: aws.String("GET /orders/{id}"),
			})
			require.NoError(t, err)
		},
		[]want{{SeverityWarning, CheckThrottles, "route GET /orders/{id}", "no throttle of its own", "pulumi up"}},
	},
	"no access log": {
		func(t *testing.T, d *deployed) {
			_, err := d.Clouds.Gateway.DeleteAccessLogSettings(t.Context(), &apigatewayv2.DeleteAccessLogSettingsInput{
				ApiId: &d.Outputs.APIID, StageName: aws.String("$default"),
			})
			require.NoError(t, err)
		},
		[]want{{SeverityError, CheckAccessLog, "stage $default", "no access log", "pulumi up"}},
	},
	"another format": {
		func(t *testing.T, d *deployed) {
			d.changeStage(t, apigatewayv2.UpdateStageInput{AccessLogSettings: &gatewaytypes.AccessLogSettings{
				DestinationArn: aws.String("arn:aws:logs:eu-west-1:123456789012:log-group:" + d.Outputs.LogGroup), Format: aws.String(`{"path":"$context.requestId"}`),
			}})
		},
		[]want{{SeverityError, CheckAccessLog, "stage $default", `they part at "requestId\"}"`, "entragate logs"}},
	},
	"another log group": {
		func(_ *testing.T, d *deployed) { d.Outputs.LogGroup += "-gone" },
		[]want{
			{SeverityError, CheckAccessLog, "stage $default", "access log: got", "pulumi up"},
			{SeverityError, CheckAccessLog, "log group ", "does not exist", "pulumi up"},
		},
	},
	"lines are kept for ever": {
		func(_ *testing.T, d *deployed) {
			d.wire.answer("logs:DescribeLogGroups", http.StatusOK, fmt.Sprintf(`{"logGroups":[{"logGroupName":%q}]}`, d.Outputs.LogGroup))
		},
		[]want{{SeverityWarning, CheckAccessLog, "log group ", "for ever", "retention"}},
	},
}

// delivers turns the check of the delivery on.
func delivers(breaks func(*testing.T, *deployed)) func(*testing.T, *deployed) {
	return func(t *testing.T, d *deployed) {
		d.SkipDelivery = false
		breaks(t, d)
	}
}

var brokenDelivery = map[string]broken{
	"the line never arrives": {
		delivers(func(t *testing.T, d *deployed) {
			d.wire.answer("logs:FilterLogEvents", http.StatusOK, `{"events":[]}`)
			t.Cleanup(func() { require.Equal(t, 60, d.clock.waits) })
		}),
		[]want{{SeverityError, CheckDelivery, "log group ", "is not in the access log after 1m0s", "delivery.logs.amazonaws.com"}},
	},
	"the line arrives later, after a page with nothing": {
		delivers(func(_ *testing.T, d *deployed) {
			asked := 0
			d.wire.answers["logs:FilterLogEvents"] = func(*http.Request) (int, string) {
				if asked++; asked < 3 {
					return http.StatusOK, `{"events":[]}`
				}
				if asked == 3 {
					return http.StatusOK, `{"events":[],"nextToken":"more"}`
				}
				return http.StatusOK, `{"events":[{"message":"{}"}]}`
			}
		}),
		nil,
	},
	"the log group is gone": {
		delivers(func(_ *testing.T, d *deployed) {
			d.wire.answer("logs:FilterLogEvents", http.StatusBadRequest, `{"__type":"ResourceNotFoundException","message":"no"}`)
		}),
		[]want{{SeverityError, CheckDelivery, "log group ", "does not exist", "pulumi up"}},
	},
	"the route answers without a token": {
		delivers(change("GET /orders/{id}", apigatewayv2.UpdateRouteInput{AuthorizationType: gatewaytypes.AuthorizationTypeNone, AuthorizationScopes: []string{}})),
		[]want{
			{SeverityError, CheckGateway, "route GET /orders/{id}", "open to everybody", "pulumi up"},
			{SeverityError, CheckDelivery, "GET /orders/entragate-doctor without a token", "want 401", "other checks"},
		},
	},
	"calls are throttled": {
		delivers(func(_ *testing.T, d *deployed) {
			d.wire.answer("/orders/entragate-doctor", http.StatusTooManyRequests, "")
		}),
		[]want{
			{SeverityWarning, CheckDelivery, "GET /orders/entragate-doctor", "got 429", "throttles"},
			{SeverityError, CheckDelivery, "GET /orders/entragate-doctor", "names no request", "leads"},
		},
	},
	"nothing answers": {
		delivers(func(_ *testing.T, d *deployed) { d.Outputs.URL = "https://127.0.0.1:1" }),
		[]want{{SeverityError, CheckDelivery, "GET /orders/entragate-doctor", "refused", "url"}},
	},
}

func TestWaitingForTheLogEndsWithTheContext(t *testing.T) {
	t.Parallel()
	d := newWorld(t).deploy(t)
	d.wire.answer("logs:FilterLogEvents", http.StatusOK, `{"events":[]}`)
	d.Wait = func(context.Context, time.Duration) error { return context.DeadlineExceeded }
	requireFound(t, []want{{SeverityError, CheckDelivery, "log group", "could not be checked", "took too long"}}, d.Examine(t.Context()))
}
