package components_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/internal/recorder"
)

const (
	apiType        = "aws:apigatewayv2/api:Api"
	authorizerType = "aws:apigatewayv2/authorizer:Authorizer"
	routeType      = "aws:apigatewayv2/route:Route"
	stageType      = "aws:apigatewayv2/stage:Stage"
)

func newGateway(args *components.GatewayArgs) (*recorder.Recorder, error) {
	return recorder.Run(func(ctx *pulumi.Context) error {
		_, err := components.NewGateway(ctx, "orders", args)
		return err
	})
}

func gatewayArgs(routes ...access.Route) *components.GatewayArgs {
	return &components.GatewayArgs{
		Issuer:   "https://login.microsoftonline.com/" + tenantID + "/v2.0",
		Audience: pulumi.String("the-client-id"),
		Backends: []access.Backend{{Name: "orders", URL: "https://orders.example.com"}},
		Routes:   routes,
	}
}

func count(r *recorder.Recorder, kind string) int {
	n := 0
	for _, registration := range r.Registrations() {
		if registration.Type == kind {
			n++
		}
	}
	return n
}

func TestGatewayOfPublicRoutesHasNoAuthorizer(t *testing.T) {
	t.Parallel()
	r, err := newGateway(gatewayArgs(access.Route{Key: "GET /health", Public: "monitoring"}))
	require.NoError(t, err)
	require.Zero(t, count(r, authorizerType))
	route := r.Find(t, routeType, "orders-GET /health")
	require.Equal(t, "NONE", route.Inputs["authorizationType"])
	require.NotContains(t, route.Inputs, "authorizerId")
}

func TestGatewayHasOneAuthorizerForAllRoutes(t *testing.T) {
	t.Parallel()
	var all []access.Route
	for i := range 20 {
		all = append(all, access.Route{Key: fmt.Sprintf("GET /a%d", i), Scopes: []string{"A"}})
	}
	r, err := newGateway(gatewayArgs(all...))
	require.NoError(t, err)
	require.Equal(t, 1, count(r, authorizerType))
	for _, registration := range r.Registrations() {
		if registration.Type == routeType {
			require.Equal(t, "JWT", registration.Inputs["authorizationType"])
			require.Equal(t, []any{"A"}, registration.Inputs["authorizationScopes"])
			require.Contains(t, registration.DependsOn, authorizerType+"::orders", "destroying must delete the route first")
		}
	}
}

func TestGatewayAlwaysSetsBothLimits(t *testing.T) {
	t.Parallel()
	args := gatewayArgs(
		access.Route{Key: "GET /a", Scopes: []string{"A"}},
		access.Route{Key: "GET /b", Scopes: []string{"A"}, Throttle: &access.Throttle{Rate: 0.5, Burst: 1}},
	)
	r, err := newGateway(args)
	require.NoError(t, err)
	stage := r.Find(t, stageType, "orders")
	require.Equal(t, map[string]any{
		"detailedMetricsEnabled": true, "throttlingRateLimit": 500.0, "throttlingBurstLimit": 1000.0,
	}, stage.Inputs["defaultRouteSettings"])
	require.Equal(t, []any{map[string]any{
		"routeKey": "GET /b", "detailedMetricsEnabled": true, "throttlingRateLimit": 0.5, "throttlingBurstLimit": 1.0,
	}}, stage.Inputs["routeSettings"])
	require.Contains(t, stage.DependsOn, routeType+"::orders-GET /b", "API Gateway refuses settings of a route that is not there")
}

func TestGatewayPassesThePathOn(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"https://a.example":         "$request.path",
		"https://a.example/":        "$request.path",
		"https://a.example/base":    "/base${request.path}",
		"https://a.example/b/c/":    "/b/c${request.path}",
		"https://a.example/a%2Fb":   "/a%2Fb${request.path}",
		"http://localhost:8080/api": "/api${request.path}",
	}
	for url, want := range tests {
		args := gatewayArgs(access.Route{Key: "GET /a", Public: "x"})
		args.Backends[0].URL = url
		r, err := newGateway(args)
		require.NoError(t, err)
		integration := r.Find(t, "aws:apigatewayv2/integration:Integration", "orders-orders")
		require.Equal(t, map[string]any{"overwrite:path": want}, integration.Inputs["requestParameters"], url)
		require.Equal(t, url, integration.Inputs["integrationUri"])
	}
}

// Browsers send preflight requests without a token, and $default and ANY routes
// would take them to the authorizer.
func TestGatewayOpensPreflightRoutes(t *testing.T) {
	t.Parallel()
	cors := &components.CORS{AllowOrigins: []string{"https://portal.example.com"}}
	protected := func(key string) access.Route { return access.Route{Key: key, Scopes: []string{"A"}} }
	public := func(key string) access.Route { return access.Route{Key: key, Public: "x"} }
	tests := map[string]struct {
		cors   *components.CORS
		routes []access.Route
		want   []string
	}{
		"$default":                       {cors, []access.Route{protected("$default")}, []string{"OPTIONS /{proxy+}", "OPTIONS /"}},
		"ANY":                            {cors, []access.Route{protected("ANY /a/{id}")}, []string{"OPTIONS /a/{id}"}},
		"both":                           {cors, []access.Route{protected("$default"), protected("ANY /{proxy+}")}, []string{"OPTIONS /{proxy+}", "OPTIONS /"}},
		"one that is declared already":   {cors, []access.Route{protected("ANY /a"), protected("OPTIONS /a")}, nil},
		"one that is declared as public": {cors, []access.Route{protected("ANY /a"), public("OPTIONS /a")}, nil},
		"a public one":                   {cors, []access.Route{public("$default"), public("ANY /a")}, nil},
		"methods that are named":         {cors, []access.Route{protected("GET /a")}, nil},
		"no CORS":                        {nil, []access.Route{protected("$default")}, nil},
		"a declared one with another variable": {
			cors, []access.Route{protected("$default"), protected("OPTIONS /{rest+}")}, []string{"OPTIONS /"},
		},
		"another name for the same variable": {
			cors, []access.Route{protected("$default"), protected("GET /{rest+}")}, []string{"OPTIONS /{rest+}", "OPTIONS /"},
		},
		"a public ANY route that takes them already": {
			cors, []access.Route{protected("$default"), public("ANY /{proxy+}")}, []string{"OPTIONS /"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := gatewayArgs(test.routes...)
			args.CORS = test.cors
			r, err := newGateway(args)
			require.NoError(t, err)
			require.Equal(t, len(test.routes)+len(test.want), count(r, routeType))
			for _, key := range test.want {
				require.Equal(t, "NONE", r.Find(t, routeType, "orders-"+key).Inputs["authorizationType"])
			}
			for _, route := range test.routes {
				if !route.IsPublic() {
					require.Equal(t, "JWT", r.Find(t, routeType, "orders-"+route.Key).Inputs["authorizationType"])
				}
			}
		})
	}
}

func TestGatewayCORSDefaults(t *testing.T) {
	t.Parallel()
	args := gatewayArgs(access.Route{Key: "POST /a", Scopes: []string{"A"}}, access.Route{Key: "GET /a", Scopes: []string{"A"}})
	args.CORS = &components.CORS{AllowOrigins: []string{"https://portal.example.com"}}
	r, err := newGateway(args)
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"allowOrigins": []any{"https://portal.example.com"}, "allowMethods": []any{"GET", "POST"},
		"allowHeaders": []any{"authorization", "content-type"}, "allowCredentials": false, "maxAge": 600.0,
	}, r.Find(t, apiType, "orders").Inputs["corsConfiguration"])

	// Browsers take a star literally where a page sends credentials.
	args.Routes = append(args.Routes, access.Route{Key: "ANY /b", Scopes: []string{"A"}})
	methods := func() any {
		r, err := newGateway(args)
		require.NoError(t, err)
		cors, ok := r.Find(t, apiType, "orders").Inputs["corsConfiguration"].(map[string]any)
		require.True(t, ok)
		return cors["allowMethods"]
	}
	require.Equal(t, []any{"*"}, methods())
	args.CORS.AllowCredentials = true
	require.Equal(t, []any{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}, methods())

	args.CORS = nil
	r, err = newGateway(args)
	require.NoError(t, err)
	require.NotContains(t, r.Find(t, apiType, "orders").Inputs, "corsConfiguration")
}

func TestGatewayRefuses(t *testing.T) {
	t.Parallel()
	hundreds := func(n int) (all []access.Route) {
		for i := range n {
			all = append(all, access.Route{Key: fmt.Sprintf("ANY /a%d", i), Scopes: []string{"A"}})
		}
		return all
	}
	cors := func(c components.CORS) func(*components.GatewayArgs) {
		return func(a *components.GatewayArgs) { a.CORS = &c }
	}
	age := 90000
	tests := map[string]struct {
		change func(*components.GatewayArgs)
		want   string
	}{
		"an issuer without https": {
			func(a *components.GatewayArgs) { a.Issuer = "http://login.example.com" }, "issuer: malformed issuer",
		},
		"no audience": {
			func(a *components.GatewayArgs) { a.Audience = nil }, "audience: missing audience",
		},
		"a route without a decision": {
			func(a *components.GatewayArgs) { a.Routes = []access.Route{{Key: "GET /a"}} }, "routes[0]: route says nothing",
		},
		"no backend": {
			func(a *components.GatewayArgs) { a.Backends = nil }, "routes[0].backend: no backend",
		},
		"301 routes": {
			func(a *components.GatewayArgs) { a.Routes = hundreds(301) }, "routes: too many routes",
		},
		"300 routes with those for preflight requests": {
			func(a *components.GatewayArgs) {
				a.Routes, a.CORS = hundreds(151), &components.CORS{AllowOrigins: []string{"https://a.example"}}
			}, `routes: too many routes with those for preflight requests: got "302", want at most 300`,
		},
		"throttle 0": {
			func(a *components.GatewayArgs) { a.Throttle = &access.Throttle{} }, "throttle.rate: throttle refuses every request",
		},
		"throttle below 0": {
			func(a *components.GatewayArgs) { a.Throttle = &access.Throttle{Rate: 1, Burst: -1} }, "throttle.burst: ",
		},
		"a retention that CloudWatch does not know": {
			func(a *components.GatewayArgs) { a.LogRetentionDays = 2 }, "logRetentionDays: ",
		},
		"CORS without an origin": {
			cors(components.CORS{}), "cors.allowOrigins: no origin",
		},
		"CORS * with credentials": {
			cors(components.CORS{AllowOrigins: []string{"*"}, AllowCredentials: true}), "cors.allowOrigins[0]: any origin with credentials",
		},
		"an origin with a path": {
			cors(components.CORS{AllowOrigins: []string{"https://a.example/"}}), "cors.allowOrigins[0]: malformed origin",
		},
		"an origin with a wildcard": {
			cors(components.CORS{AllowOrigins: []string{"https://*.example"}}), "cors.allowOrigins[0]: malformed origin",
		},
		"an origin without https": {
			cors(components.CORS{AllowOrigins: []string{"http://a.example"}}), "cors.allowOrigins[0]: origin that anyone",
		},
		"localhost unless allowed": {
			cors(components.CORS{AllowOrigins: []string{"http://localhost:5173"}}), "cors.allowOrigins[0]: localhost as an origin",
		},
		"localhost unless allowed, with https too": {
			cors(components.CORS{AllowOrigins: []string{"https://127.0.0.1:5173"}}), "cors.allowOrigins[0]: localhost as an origin",
		},
		"an origin of a scheme that is no web page's": {
			func(a *components.GatewayArgs) {
				a.CORS, a.AllowLocalhost = &components.CORS{AllowOrigins: []string{"ftp://localhost"}}, true
			}, "cors.allowOrigins[0]: localhost as an origin",
		},
		"CORS headers without the token's": {
			cors(components.CORS{AllowOrigins: []string{"*"}, AllowHeaders: []string{"*"}}),
			`cors.allowHeaders: browsers could send no token: got "*", want "authorization" among them`,
		},
		"CORS methods * with credentials": {
			cors(components.CORS{AllowOrigins: []string{"https://a.example"}, AllowMethods: []string{"*"}, AllowCredentials: true}),
			"cors.allowMethods[0]: browsers take it literally, with credentials",
		},
		"CORS headers * with credentials": {
			cors(components.CORS{AllowOrigins: []string{"https://a.example"}, AllowHeaders: []string{"Authorization", "*"}, AllowCredentials: true}),
			"cors.allowHeaders[1]: browsers take it literally, with credentials",
		},
		"a throttle without limit": {
			func(a *components.GatewayArgs) { a.Throttle = &access.Throttle{Rate: math.Inf(1), Burst: 1} },
			`throttle.rate: throttle is more than API Gateway can hold: got "+Inf", want at most 1000000000`,
		},
		"a throttle that is no number": {
			func(a *components.GatewayArgs) { a.Throttle = &access.Throttle{Rate: math.NaN(), Burst: 1} },
			`throttle.rate: throttle refuses every request: got "NaN"`,
		},
		"a rate beyond the bound": {
			func(a *components.GatewayArgs) { a.Throttle = &access.Throttle{Rate: 1e308, Burst: 1} },
			`throttle.rate: throttle is more than API Gateway can hold: got "1e+308", want at most 1000000000`,
		},
		"a burst beyond 32 bits": {
			func(a *components.GatewayArgs) { a.Throttle = &access.Throttle{Rate: 1, Burst: math.MaxInt32 + 1} },
			`throttle.burst: throttle is more than API Gateway can hold: got "2147483648", want at most 2147483647`,
		},
		"an unknown CORS method": {
			cors(components.CORS{AllowOrigins: []string{"*"}, AllowMethods: []string{"get"}}), "cors.allowMethods[0]: unknown method",
		},
		"a CORS header with a space": {
			cors(components.CORS{AllowOrigins: []string{"*"}, AllowHeaders: []string{"a b"}}), "cors.allowHeaders[0]: malformed header name",
		},
		"CORS answers kept too long": {
			cors(components.CORS{AllowOrigins: []string{"*"}, MaxAgeSeconds: &age}), "cors.maxAgeSeconds: out of range",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := gatewayArgs(access.Route{Key: "GET /a", Scopes: []string{"A"}})
			test.change(args)
			r, err := newGateway(args)
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, `gateway "orders"`)
			require.Empty(t, r.Registrations())
		})
	}
}

func TestGatewayAllowsLocalhostForDevelopment(t *testing.T) {
	t.Parallel()
	args := gatewayArgs(access.Route{Key: "GET /a", Scopes: []string{"A"}})
	args.AllowLocalhost = true
	args.CORS = &components.CORS{AllowOrigins: []string{"http://localhost:5173", "https://localhost", "http://127.0.0.1:80", "http://[::1]:3000"}}
	_, err := newGateway(args)
	require.NoError(t, err)
}

func TestGatewayAllowsAnyOriginWithoutCredentials(t *testing.T) {
	t.Parallel()
	args := gatewayArgs(access.Route{Key: "GET /a", Scopes: []string{"A"}})
	args.CORS = &components.CORS{AllowOrigins: []string{"*"}}
	_, err := newGateway(args)
	require.NoError(t, err)
}
