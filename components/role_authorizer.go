package components

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigatewayv2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/policy"
	"github.com/entragate/entragate/functions"
)

// RoleAuthorizer configures the Lambda authorizer of routes with roles, which
// API Gateway's JWT authorizer does not read. Where no route has roles, there
// is none.
type RoleAuthorizer struct {
	// CacheSeconds is how long API Gateway repeats a decision for the same token
	// on the same route, 0 to 3600. An allowed call may outlive its token by that
	// time. A change of who may call what takes effect at once all the same.
	// Default: 60.
	CacheSeconds *int `json:"cacheSeconds,omitempty" pulumi:"cacheSeconds,optional"`
	// Binary is the path of a prebuilt functions/authorize/bootstrap. Default: it
	// is built from the module that this package is in, which takes Go.
	Binary string `json:"binary,omitempty" pulumi:"binary,optional"`
	// Settings bound what the function may use; its timeout is 10 seconds at
	// most. Its log is kept as long as the access log unless they say otherwise.
	Settings FunctionSettings `json:"settings,omitzero" pulumi:"settings,optional"`
}

// authorizePackage is the program of the Lambda authorizer.
const authorizePackage = "github.com/entragate/entragate/functions/authorize/bootstrap"

// authorizerSuffix follows the gateway's name in that of the authorizer.
const authorizerSuffix = "authorizer"

// lambdaAuthorizer is the Lambda authorizer of a gateway, with what must be there
// before anybody calls it.
type lambdaAuthorizer struct {
	id         pulumi.StringPtrInput
	permission pulumi.Resource
	function   *Function
}

// functionName and logGroupName are nil where there is no authorizer.
func (a *lambdaAuthorizer) functionName() pulumi.StringInput {
	if a == nil {
		return nil
	}
	return a.function.Name
}

func (a *lambdaAuthorizer) logGroupName() pulumi.StringInput {
	if a == nil {
		return nil
	}
	return a.function.LogGroupName
}

// newLambdaAuthorizer makes the authorizer of routes with roles, or returns nil
// where there are none.
func newLambdaAuthorizer(ctx *pulumi.Context, name string, args *GatewayArgs, api *apigatewayv2.Api,
	child pulumi.ResourceOption,
) (*lambdaAuthorizer, error) {
	if !slices.ContainsFunc(args.Routes, access.Route.HasRoles) {
		return nil, nil
	}
	name += "-" + authorizerSuffix
	function, err := NewFunction(ctx, name, args.authorizerFunction(), child)
	if err != nil {
		return nil, err
	}
	authorizer, err := apigatewayv2.NewAuthorizer(ctx, name, &apigatewayv2.AuthorizerArgs{
		ApiId:                          api.ID(),
		AuthorizerType:                 pulumi.String("REQUEST"),
		AuthorizerUri:                  function.InvokeARN,
		AuthorizerPayloadFormatVersion: pulumi.String("2.0"),
		EnableSimpleResponses:          pulumi.Bool(true),
		AuthorizerResultTtlInSeconds:   pulumi.Int(args.model().CacheSeconds()),
		// What decisions are kept by. Without the route, a yes would carry over to
		// every route; without the policy's hash, past a change of the policy.
		// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
		IdentitySources: pulumi.ToStringArray([]string{
			"$request.header.Authorization", "$context.routeKey", "$stageVariables." + policy.HashVariable,
		}),
	}, child)
	if err != nil {
		return nil, err
	}
	permission, err := lambda.NewPermission(ctx, name, &lambda.PermissionArgs{
		Action:    pulumi.String("lambda:InvokeFunction"),
		Function:  function.ARN,
		Principal: pulumi.String("apigateway.amazonaws.com"),
		SourceArn: pulumi.Sprintf("%s/authorizers/%s", api.ExecutionArn, authorizer.ID()), // nothing else may
	}, child)
	if err != nil {
		return nil, err
	}
	return &lambdaAuthorizer{id: authorizer.ID().ToStringPtrOutput(), permission: permission, function: function}, nil
}

// authorizerFunction is the function that decides, with its policy beside it.
func (args *GatewayArgs) authorizerFunction() *FunctionArgs {
	settings := args.Authorizer.Settings
	settings.LogRetentionDays = orDefault(settings.LogRetentionDays, args.LogRetentionDays)
	program := functions.Program{
		Package:      authorizePackage,
		Binary:       args.Authorizer.Binary,
		Architecture: args.Architecture,
		Files:        map[string][]byte{policy.FileName: args.model().Policy().JSON()},
	}
	if program.Binary != "" {
		program.Package = ""
	}
	return &FunctionArgs{
		Program:     program,
		Description: "Decides who may call the routes with roles",
		Environment: pulumi.StringMap{
			"ISSUER":    pulumi.String(args.Issuer),
			"AUDIENCE":  args.Audience,
			"TENANT_ID": pulumi.String(args.TenantID),
		},
		LogKeyARN: args.LogKeyARN,
		Settings:  settings,
		Tags:      args.Tags,
	}
}

// model is what the gateway knows of the access model.
func (args *GatewayArgs) model() access.Model {
	return access.Model{Backends: args.Backends, Routes: args.Routes, DecisionCacheSeconds: args.Authorizer.CacheSeconds}
}

// stageVariables are nil where no route has roles.
func (args *GatewayArgs) stageVariables() pulumi.StringMapInput {
	if p := args.model().Policy(); len(p.Routes) > 0 {
		return pulumi.StringMap{policy.HashVariable: pulumi.String(p.Hash())}
	}
	return nil
}

// authorizer checks the settings of the Lambda authorizer, the cache aside, which
// is in the access model.
func (p *problems) authorizer(a RoleAuthorizer, architecture functions.Architecture) {
	p.functionSettings("authorizer.settings", a.Settings, maxAuthorizerSeconds)
	if a.Binary != "" {
		p.program("authorizer", functions.Program{Binary: a.Binary, Architecture: architecture})
	}
}

func (p *problems) tenantID(args *GatewayArgs) {
	if args.TenantID == "" && slices.ContainsFunc(args.Routes, access.Route.HasRoles) {
		p.add("tenantId", "missing tenant", "", fmt.Sprintf("the GUID of the tenant that signs in as %s", args.Issuer))
	}
}
