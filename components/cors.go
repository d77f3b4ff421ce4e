package components

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigatewayv2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/access"
)

// CORS lets pages of other origins call the API from a browser. API Gateway
// answers their preflight requests, and adds the headers to every answer.
//
// Protected $default and ANY routes would take preflight requests to the
// authorizer: each gets a public OPTIONS route beside it. AWS does not say
// whether a preflight request reaches the backend there, so a backend of such
// routes should answer OPTIONS with success.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
type CORS struct {
	// AllowOrigins are origins such as "https://portal.example.com", or "*",
	// at least one.
	AllowOrigins []string `json:"allowOrigins" pulumi:"allowOrigins"`
	// AllowMethods default to the methods of the routes.
	AllowMethods []string `json:"allowMethods,omitempty" pulumi:"allowMethods,optional"`
	// AllowHeaders, authorization among them. Default: authorization and
	// content-type.
	AllowHeaders []string `json:"allowHeaders,omitempty" pulumi:"allowHeaders,optional"`
	// ExposeHeaders are what pages may read of a response. Default: the few
	// that every browser permits.
	ExposeHeaders []string `json:"exposeHeaders,omitempty" pulumi:"exposeHeaders,optional"`
	// AllowCredentials permits cookies, with named origins only. Access tokens
	// need none. Default: false.
	AllowCredentials bool `json:"allowCredentials,omitempty" pulumi:"allowCredentials,optional"`
	// MaxAgeSeconds is how long browsers keep an answer, -1 (not at all) to
	// 86400. Default: 600.
	MaxAgeSeconds *int `json:"maxAgeSeconds,omitempty" pulumi:"maxAgeSeconds,optional"`
}

const defaultCORSMaxAgeSeconds = 600

// Effective fills in the defaults for an API of those routes. Without CORS there
// is none.
func (c *CORS) Effective(routes []access.Route) *CORS {
	if c == nil {
		return nil
	}
	full := *c
	if len(full.AllowMethods) == 0 {
		full.AllowMethods = routeMethods(routes, full.AllowCredentials)
	}
	if len(full.AllowHeaders) == 0 {
		full.AllowHeaders = []string{"authorization", "content-type"}
	}
	if full.MaxAgeSeconds == nil {
		age := defaultCORSMaxAgeSeconds
		full.MaxAgeSeconds = &age
	}
	return &full
}

// configuration is nil where no other origin may call.
func (c *CORS) configuration(routes []access.Route) apigatewayv2.ApiCorsConfigurationPtrInput {
	if c == nil {
		return nil
	}
	c = c.Effective(routes)
	configuration := apigatewayv2.ApiCorsConfigurationArgs{
		AllowOrigins:     pulumi.ToStringArray(c.AllowOrigins),
		AllowMethods:     pulumi.ToStringArray(c.AllowMethods),
		AllowHeaders:     pulumi.ToStringArray(c.AllowHeaders),
		AllowCredentials: pulumi.Bool(c.AllowCredentials),
		MaxAge:           pulumi.Int(*c.MaxAgeSeconds),
	}
	if len(c.ExposeHeaders) > 0 {
		configuration.ExposeHeaders = pulumi.ToStringArray(c.ExposeHeaders)
	}
	return configuration
}

// routeMethods are the methods of the routes, sorted. Where a route takes any
// it is "*", or with credentials, when browsers take that literally, all that
// there are.
func routeMethods(routes []access.Route, credentials bool) []string {
	var methods []string
	for _, r := range routes {
		method, _, found := strings.Cut(r.Key, " ")
		if !found || method == "ANY" {
			if credentials {
				return slices.DeleteFunc(slices.Sorted(slices.Values(access.Methods)), func(m string) bool { return m == "ANY" })
			}
			return []string{"*"}
		}
		methods = append(methods, method)
	}
	slices.Sort(methods)
	return slices.Compact(methods)
}

// allRoutes are the routes that a gateway gets: the declared ones and, after
// them, those for preflight requests.
func allRoutes(cors *CORS, declared []access.Route) []access.Route {
	return slices.Concat(declared, preflightRoutes(cors, declared))
}

// preflightReason is why the routes of [preflightRoutes] are public.
const preflightReason = "preflight: browsers ask without a token"

// preflightRoutes are open OPTIONS routes for what would otherwise send a
// browser's preflight request, which has no token, to the authorizer: $default
// and ANY routes take OPTIONS too. An OPTIONS route that is declared, and a
// public ANY route, stay as they are.
//
// OPTIONS requests to these routes reach the backend without a token, so they
// are in the access matrix. There is no way around the backend: AWS says to
// attach an integration, and HTTP APIs have none that answers by itself (MOCK
// is for WebSocket APIs).
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
func preflightRoutes(cors *CORS, routes []access.Route) []access.Route {
	if cors == nil {
		return nil
	}
	taken := map[string]bool{} // by the paths that match the same requests
	for _, r := range routes {
		k, err := access.ParseRouteKey(r.Key)
		if err == nil && (k.Method == "OPTIONS" || k.Method == "ANY" && r.IsPublic()) {
			taken[pathShape(k)] = true
		}
	}
	var preflight []access.Route
	open := func(like access.Route, segments ...access.Segment) {
		k := access.RouteKey{Method: "OPTIONS", Segments: segments}
		if !taken[pathShape(k)] {
			taken[pathShape(k)] = true
			preflight = append(preflight, access.Route{Key: k.String(), Backend: like.Backend, Public: preflightReason})
		}
	}
	everything := access.Segment{Name: "proxy", Kind: access.Greedy}
	for _, r := range routes {
		k, err := access.ParseRouteKey(r.Key)
		if err == nil && k.Method == "ANY" && !r.IsPublic() {
			open(r, k.Segments...)
		}
		if len(k.Segments) == 1 && k.Segments[0].Kind == access.Greedy {
			everything = k.Segments[0] // API Gateway wants one name for a variable at one place
		}
	}
	for _, r := range routes {
		if r.Key == access.DefaultRoute && !r.IsPublic() {
			open(r, everything)
			open(r) // a greedy variable does not match "/"
		}
	}
	return preflight
}

// pathShape is the same for paths that match the same requests.
func pathShape(k access.RouteKey) string {
	shape := access.RouteKey{Method: "ANY", Segments: slices.Clone(k.Segments)}
	for i := range shape.Segments {
		if shape.Segments[i].Kind != access.Literal {
			shape.Segments[i].Name = ""
		}
	}
	return shape.String()
}
