package components

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigatewayv2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/accesslog"
	"github.com/entragate/entragate/functions"
)

// gatewayType is in every URN: changing it replaces everything below.
const gatewayType = "entragate:index:Gateway"

// Gateway is an HTTP API of Amazon API Gateway: its JWT authorizer, the Lambda
// authorizer of routes with roles, a route for each declared one, its only
// stage, throttles and access log.
type Gateway struct {
	pulumi.ResourceState

	// URL is where the API answers, without a slash at the end.
	URL pulumi.StringOutput `pulumi:"url"`
	// APIID is the HTTP API's id.
	APIID pulumi.StringOutput `pulumi:"apiId"`
	// LogGroupName is the CloudWatch log group of the access log.
	LogGroupName pulumi.StringOutput `pulumi:"logGroupName"`
	// MetricNamespace is where the metrics of the access log are: see [AccessLog].
	MetricNamespace pulumi.StringOutput `pulumi:"metricNamespace"`
	// AuthorizerFunctionName and AuthorizerLogGroupName are those of the Lambda
	// authorizer; empty where no route has roles.
	AuthorizerFunctionName pulumi.StringOutput `pulumi:"authorizerFunctionName"`
	AuthorizerLogGroupName pulumi.StringOutput `pulumi:"authorizerLogGroupName"`

	// What nothing else here depends on, for the guard.
	last []pulumi.Resource
}

// GatewayArgs configures a [Gateway].
type GatewayArgs struct {
	// Issuer is what tokens name as iss, such as
	// "https://login.microsoftonline.com/<tenant id>/v2.0".
	Issuer string `pulumi:"issuer"`
	// Audience is what tokens name as aud: the API's client id.
	Audience pulumi.StringInput `pulumi:"audience"`
	// TenantID is the tid of the tokens: the tenant that the issuer is. It is
	// needed where a route has roles.
	TenantID string `pulumi:"tenantId,optional"`
	// Backends are where requests go.
	Backends []access.Backend `pulumi:"backends"`
	// FunctionARNs are those of Lambda functions, by the names that backends
	// refer to them by.
	FunctionARNs pulumi.StringMap `pulumi:"functionArns,optional"`
	// Routes say who may call what, each of them: scopes, roles, or a reason to
	// be public.
	Routes []access.Route `pulumi:"routes"`
	// Authorizer configures the Lambda authorizer of routes with roles.
	Authorizer RoleAuthorizer `pulumi:"authorizer,optional"`
	// Architecture is what the Lambda authorizer runs on. Default: arm64.
	Architecture functions.Architecture `pulumi:"architecture,optional"`
	// CORS lets browsers of other origins call. Default: none may.
	CORS *CORS `pulumi:"cors,optional"`
	// Throttle limits each route that has no throttle of its own. Default: 500
	// requests a second, 1000 at once.
	Throttle *access.Throttle `pulumi:"throttle,optional"`
	// LogRetentionDays is how long logs are kept: one of the periods that CloudWatch
	// Logs knows. Default: 30. There always is an access log.
	LogRetentionDays int `pulumi:"logRetentionDays,optional"`
	// LogKeyARN is the KMS key that encrypts logs, whose policy lets CloudWatch Logs
	// use it. Default: AWS's own.
	LogKeyARN pulumi.StringInput `pulumi:"logKeyArn,optional"`
	// AllowLocalhost permits localhost and loopback addresses as CORS origins,
	// with http too, for development. Default: false.
	AllowLocalhost bool `pulumi:"allowLocalhost,optional"`
	// Tags are those of the API, its stage and its log group.
	Tags map[string]string `pulumi:"tags,optional"`
}

// defaultThrottle is what each route gets unless told otherwise. A stage that
// names no limits refuses every request, see
// https://github.com/pulumi/pulumi-aws/issues/2363.
var defaultThrottle = access.Throttle{Rate: 500, Burst: 1000}

// NewGateway creates an HTTP API.
func NewGateway(ctx *pulumi.Context, name string, args *GatewayArgs, opts ...pulumi.ResourceOption) (*Gateway, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("gateway %q: %w", name, err)
	}
	gateway := &Gateway{}
	inputs := pulumi.Map{"issuer": pulumi.String(args.Issuer), "audience": args.Audience}
	if err := ctx.RegisterComponentResourceV2(gatewayType, name, inputs, gateway, opts...); err != nil {
		return nil, err
	}
	child := pulumi.Parent(gateway)

	api, err := apigatewayv2.NewApi(ctx, name, &apigatewayv2.ApiArgs{
		ProtocolType:      pulumi.String("HTTP"),
		CorsConfiguration: args.CORS.configuration(args.Routes),
		Tags:              awsTags(args.Tags),
	}, child)
	if err != nil {
		return nil, err
	}
	authorizerID, err := newAuthorizer(ctx, name, args, api, child)
	if err != nil {
		return nil, err
	}
	lambdaAuthorizer, err := newLambdaAuthorizer(ctx, name, args, api, child)
	if err != nil {
		return nil, err
	}
	integrations, err := newIntegrations(ctx, name, args, api, child)
	if err != nil {
		return nil, err
	}
	routes, err := newRoutes(ctx, name, args, api, authorizerID, lambdaAuthorizer, integrations, child)
	if err != nil {
		return nil, err
	}
	log, err := NewAccessLog(ctx, name, &AccessLogArgs{
		APIID:              api.ID(),
		AuthorizerLogGroup: lambdaAuthorizer.logGroupName(),
		RetentionDays:      args.LogRetentionDays,
		KeyARN:             args.LogKeyARN,
		Tags:               args.Tags,
	}, child)
	if err != nil {
		return nil, err
	}
	stage, err := newStage(ctx, name, args, api, log, routes, child)
	if err != nil {
		return nil, err
	}

	gateway.last = append(log.last, stage)
	for _, integration := range integrations {
		gateway.last = append(gateway.last, integration) // no route may use it
	}
	gateway.URL = api.ApiEndpoint
	gateway.APIID = api.ID().ToStringOutput()
	gateway.LogGroupName, gateway.MetricNamespace = log.GroupName, log.MetricNamespace
	gateway.AuthorizerFunctionName = orEmpty(lambdaAuthorizer.functionName())
	gateway.AuthorizerLogGroupName = orEmpty(lambdaAuthorizer.logGroupName())
	return gateway, ctx.RegisterResourceOutputs(gateway, pulumi.Map{
		"url":                    gateway.URL,
		"apiId":                  gateway.APIID,
		"logGroupName":           gateway.LogGroupName,
		"metricNamespace":        gateway.MetricNamespace,
		"authorizerFunctionName": gateway.AuthorizerFunctionName,
		"authorizerLogGroupName": gateway.AuthorizerLogGroupName,
	})
}

// newAuthorizer makes the JWT authorizer, or none if no route has it.
func newAuthorizer(ctx *pulumi.Context, name string, args *GatewayArgs, api *apigatewayv2.Api,
	child pulumi.ResourceOption,
) (pulumi.StringPtrInput, error) {
	if !slices.ContainsFunc(args.Routes, func(r access.Route) bool { return !r.IsPublic() && !r.HasRoles() }) {
		return nil, nil
	}
	authorizer, err := apigatewayv2.NewAuthorizer(ctx, name, &apigatewayv2.AuthorizerArgs{
		ApiId:           api.ID(),
		AuthorizerType:  pulumi.String("JWT"),
		IdentitySources: pulumi.ToStringArray([]string{"$request.header.Authorization"}),
		JwtConfiguration: apigatewayv2.AuthorizerJwtConfigurationArgs{
			Issuer:    pulumi.String(args.Issuer),
			Audiences: pulumi.StringArray{args.Audience},
		},
	}, child)
	if err != nil {
		return nil, err
	}
	return authorizer.ID().ToStringPtrOutput(), nil
}

// newRoutes makes the declared routes, and those for preflight requests. The
// authorization type is always written: the provider's default is NONE, and
// it ignores an authorizer id beside it
// (https://github.com/pulumi/pulumi/issues/8302). No route comes before the
// permissions to call its functions, which would answer 500.
func newRoutes(ctx *pulumi.Context, name string, args *GatewayArgs, api *apigatewayv2.Api,
	authorizerID pulumi.StringPtrInput, roles *lambdaAuthorizer, integrations map[string]integration, child pulumi.ResourceOption,
) ([]pulumi.Resource, error) {
	var routes []pulumi.Resource
	for _, route := range allRoutes(args.CORS, args.Routes) {
		integration := integrations[backendOf(route, args.Backends)]
		settings := &apigatewayv2.RouteArgs{
			ApiId:             api.ID(),
			RouteKey:          pulumi.String(route.Key),
			Target:            pulumi.Sprintf("integrations/%s", integration.ID()),
			AuthorizationType: pulumi.String("NONE"),
		}
		var first []pulumi.Resource
		if integration.permission != nil {
			first = append(first, integration.permission)
		}
		switch {
		case route.HasRoles():
			settings.AuthorizationType = pulumi.String("CUSTOM")
			settings.AuthorizerId = roles.id
			first = append(first, roles.permission)
		case !route.IsPublic():
			settings.AuthorizationType = pulumi.String("JWT")
			settings.AuthorizerId = authorizerID
			settings.AuthorizationScopes = pulumi.ToStringArray(route.Scopes)
		}
		r, err := apigatewayv2.NewRoute(ctx, name+"-"+route.Key, settings, child, pulumi.DependsOn(first))
		if err != nil {
			return nil, err
		}
		routes = append(routes, r)
	}
	return routes, nil
}

// newStage makes the $default stage, after the routes that its settings name.
func newStage(ctx *pulumi.Context, name string, args *GatewayArgs, api *apigatewayv2.Api, log *AccessLog,
	routes []pulumi.Resource, child pulumi.ResourceOption,
) (*apigatewayv2.Stage, error) {
	throttle := args.throttle()
	var overrides apigatewayv2.StageRouteSettingArray
	for _, route := range args.Routes {
		if route.Throttle != nil {
			// A route's settings replace the stage's, so they repeat the metrics.
			overrides = append(overrides, apigatewayv2.StageRouteSettingArgs{
				RouteKey:               pulumi.String(route.Key),
				DetailedMetricsEnabled: pulumi.Bool(true),
				ThrottlingRateLimit:    pulumi.Float64(route.Throttle.Rate),
				ThrottlingBurstLimit:   pulumi.Int(route.Throttle.Burst),
			})
		}
	}
	return apigatewayv2.NewStage(ctx, name, &apigatewayv2.StageArgs{
		ApiId:      api.ID(),
		Name:       pulumi.String("$default"),
		AutoDeploy: pulumi.Bool(true),
		DefaultRouteSettings: apigatewayv2.StageDefaultRouteSettingsArgs{
			DetailedMetricsEnabled: pulumi.Bool(true),
			ThrottlingRateLimit:    pulumi.Float64(throttle.Rate),
			ThrottlingBurstLimit:   pulumi.Int(throttle.Burst),
		},
		RouteSettings: overrides,
		// It changes after the function does, on which the routes depend: decisions
		// under the old policy are kept under its old hash.
		StageVariables: args.stageVariables(),
		AccessLogSettings: apigatewayv2.StageAccessLogSettingsArgs{
			DestinationArn: log.GroupARN,
			Format:         pulumi.String(accesslog.Format),
		},
		Tags: awsTags(args.Tags),
	}, child, pulumi.DependsOn(routes))
}

func (args *GatewayArgs) throttle() access.Throttle {
	if args.Throttle == nil {
		return defaultThrottle
	}
	return *args.Throttle
}

// orEmpty is the output of an input that may be missing.
func orEmpty(input pulumi.StringInput) pulumi.StringOutput {
	if input == nil {
		return pulumi.String("").ToStringOutput()
	}
	return input.ToStringOutput()
}
