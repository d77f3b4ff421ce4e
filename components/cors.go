package components

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigatewayv2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/access"
)

// CORS lets pages of other origins call the API from a browser.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
type CORS struct {
	// AllowOrigins are origins such as "https://portal.example.com", or "*",
	// at least one.
	AllowOrigins []string `json:"allowOrigins" pulumi:"allowOrigins"`
	// AllowMethods default to the methods of the routes.
	AllowMethods []string `json:"allowMethods,omitempty" pulumi:"allowMethods,optional"`
	// AllowHeaders default to authorization and content-type.
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

// configuration is nil where no other origin may call.
func (c *CORS) configuration(routes []access.Route) apigatewayv2.ApiCorsConfigurationPtrInput {
	if c == nil {
		return nil
	}
	methods := c.AllowMethods
	if len(methods) == 0 {
		methods = routeMethods(routes)
	}
	headers := c.AllowHeaders
	if len(headers) == 0 {
		headers = []string{"authorization", "content-type"}
	}
	maxAge := defaultCORSMaxAgeSeconds
	if c.MaxAgeSeconds != nil {
		maxAge = *c.MaxAgeSeconds
	}
	configuration := apigatewayv2.ApiCorsConfigurationArgs{
		AllowOrigins:     pulumi.ToStringArray(c.AllowOrigins),
		AllowMethods:     pulumi.ToStringArray(methods),
		AllowHeaders:     pulumi.ToStringArray(headers),
		AllowCredentials: pulumi.Bool(c.AllowCredentials),
		MaxAge:           pulumi.Int(maxAge),
	}
	if len(c.ExposeHeaders) > 0 {
		configuration.ExposeHeaders = pulumi.ToStringArray(c.ExposeHeaders)
	}
	return configuration
}

// routeMethods are the methods of the routes, sorted, or "*" where a route
// takes any.
func routeMethods(routes []access.Route) []string {
	var methods []string
	for _, r := range routes {
		method, _, found := strings.Cut(r.Key, " ")
		if !found || method == "ANY" {
			return []string{"*"}
		}
		methods = append(methods, method)
	}
	slices.Sort(methods)
	return slices.Compact(methods)
}

// preflightRoutes are open OPTIONS routes for what would otherwise send a
// browser's preflight request, which has no token, to the authorizer: $default
// and ANY routes take OPTIONS too. Where CORS is configured API Gateway answers
// a preflight request by itself, so the backend sees only other OPTIONS
// requests.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
func preflightRoutes(cors *CORS, routes []access.Route) []access.Route {
	if cors == nil {
		return nil
	}
	declared := map[string]bool{}
	for _, r := range routes {
		declared[r.Key] = true
	}
	var preflight []access.Route
	for _, r := range routes {
		if r.IsPublic() {
			continue
		}
		key := ""
		if r.Key == access.DefaultRoute {
			key = "OPTIONS /{proxy+}"
		} else if path, any := strings.CutPrefix(r.Key, "ANY "); any {
			key = "OPTIONS " + path
		}
		if key != "" && !declared[key] {
			declared[key] = true
			preflight = append(preflight, access.Route{
				Key: key, Backend: r.Backend, Public: "CORS preflight requests carry no token",
			})
		}
	}
	return preflight
}
