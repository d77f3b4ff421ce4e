package components

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigatewayv2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/functions"
)

// BackendFunction is a Go program that is deployed as a Lambda function with the
// API, to be a backend.
type BackendFunction struct {
	// Name identifies the function in backends: the rules are those of
	// [access.Client.Name].
	Name string `json:"name" pulumi:"name"`
	// Package is the directory of a Go main package, such as "./cmd/orders", or
	// an import path within Entragate's module. It is built when the Pulumi
	// program runs.
	Package string `json:"package,omitempty" pulumi:"package,optional"`
	// Binary is the path of a prebuilt executable in place of a package.
	Binary string `json:"binary,omitempty" pulumi:"binary,optional"`
	// Environment are the function's variables: no place for secrets.
	Environment map[string]string `json:"environment,omitempty" pulumi:"environment,optional"`
	// Settings bound what the function may use. Its timeout is the backend's
	// unless they say otherwise.
	Settings FunctionSettings `json:"settings,omitzero" pulumi:"settings,optional"`
}

// newBackendFunctions deploys functions, and returns the ARNs of all that
// backends may refer to by name.
func (args *ProtectedApiArgs) newBackendFunctions(ctx *pulumi.Context, name string, logKey pulumi.StringInput, tags map[string]string,
	child pulumi.ResourceOption,
) (pulumi.StringMap, error) {
	arns := pulumi.StringMap{}
	maps.Copy(arns, args.FunctionARNs)
	for _, f := range args.Functions {
		function, err := NewFunction(ctx, name+"-"+f.Name, &FunctionArgs{
			Program:     functions.Program{Package: f.Package, Binary: f.Binary, Architecture: args.Architecture},
			Description: "Backend of " + args.DisplayName,
			Environment: pulumi.ToStringMap(f.Environment),
			LogKeyARN:   logKey,
			Settings:    args.functionSettings(f),
			Tags:        tags,
		}, child)
		if err != nil {
			return nil, err
		}
		arns[f.Name] = function.ARN
	}
	return arns, nil
}

// functionSettings lets a function run for as long as the gateway waits for it,
// and keeps its log as long as the access log.
func (args *ProtectedApiArgs) functionSettings(f BackendFunction) FunctionSettings {
	settings := f.Settings
	settings.LogRetentionDays = orDefault(settings.LogRetentionDays, args.AccessLog.retention())
	if settings.TimeoutSeconds == 0 {
		longest := 0
		for _, b := range args.Backends {
			if b.Function == f.Name {
				longest = max(longest, orDefault(b.TimeoutMillis, defaultTimeoutMillis))
			}
		}
		settings.TimeoutSeconds = (longest + 999) / 1000
	}
	return settings
}

// functionNames are what backends may refer to.
func (args *ProtectedApiArgs) functionNames() []string {
	names := slices.Sorted(maps.Keys(args.FunctionARNs))
	for _, f := range args.Functions {
		names = append(names, f.Name)
	}
	return names
}

// integration is where requests to a backend go.
type integration struct {
	*apigatewayv2.Integration
	// permission must be there before anybody calls; nil for an address.
	permission pulumi.Resource
}

// newIntegrations makes one integration for each backend, keyed by its name.
func newIntegrations(ctx *pulumi.Context, name string, args *GatewayArgs, api *apigatewayv2.Api,
	child pulumi.ResourceOption,
) (map[string]integration, error) {
	integrations := map[string]integration{}
	for _, backend := range args.Backends {
		made, err := newIntegration(ctx, name+"-"+backend.Name, backend, args.FunctionARNs, api, child)
		if err != nil {
			return nil, err
		}
		integrations[backend.Name] = made
	}
	return integrations, nil
}

func newIntegration(ctx *pulumi.Context, name string, backend access.Backend, arns pulumi.StringMap, api *apigatewayv2.Api,
	child pulumi.ResourceOption,
) (made integration, err error) {
	settings := &apigatewayv2.IntegrationArgs{
		ApiId:               api.ID(),
		TimeoutMilliseconds: pulumi.Int(orDefault(backend.TimeoutMillis, defaultTimeoutMillis)),
	}
	if backend.Function == "" {
		settings.IntegrationType = pulumi.String("HTTP_PROXY")
		settings.IntegrationMethod = pulumi.String("ANY")
		settings.IntegrationUri = pulumi.String(backend.URL)
		// An HTTP proxy integration knows 1.0 only, the request is passed on as
		// it is: 2.0 is a form of Lambda events.
		settings.PayloadFormatVersion = pulumi.String("1.0")
		settings.RequestParameters = pulumi.StringMap{"overwrite:path": pulumi.String(backendPath(backend.URL))}
		made.Integration, err = apigatewayv2.NewIntegration(ctx, name, settings, child)
		return made, err
	}
	arn := arns[backend.Function]
	if backend.IsFunctionARN() {
		arn = pulumi.String(backend.Function)
	}
	settings.IntegrationType = pulumi.String("AWS_PROXY")
	settings.IntegrationMethod = pulumi.String("POST")
	settings.IntegrationUri = arn
	settings.PayloadFormatVersion = pulumi.String("2.0")
	if made.Integration, err = apigatewayv2.NewIntegration(ctx, name, settings, child); err != nil {
		return made, err
	}
	function, qualifier := splitFunctionARN(arn)
	made.permission, err = lambda.NewPermission(ctx, name, &lambda.PermissionArgs{
		Action:    pulumi.String("lambda:InvokeFunction"),
		Function:  function,
		Qualifier: qualifier,
		Principal: pulumi.String("apigateway.amazonaws.com"),
		SourceArn: pulumi.Sprintf("%s/$default/*", api.ExecutionArn), // this API's only stage
	}, child)
	return made, err
}

// splitFunctionARN splits an ARN into that of the function and the version or
// alias, which permissions name apart.
func splitFunctionARN(arn pulumi.StringInput) (function pulumi.StringOutput, qualifier pulumi.StringPtrOutput) {
	const parts = 7 // arn:aws:lambda:region:account:function:name
	split := func(arn string) (string, *string) {
		fields := strings.SplitN(arn, ":", parts+1)
		if len(fields) <= parts {
			return arn, nil
		}
		return strings.Join(fields[:parts], ":"), &fields[parts]
	}
	function = arn.ToStringOutput().ApplyT(func(arn string) string {
		function, _ := split(arn)
		return function
	}).(pulumi.StringOutput)
	qualifier = arn.ToStringOutput().ApplyT(func(arn string) *string {
		_, qualifier := split(arn)
		return qualifier
	}).(pulumi.StringPtrOutput)
	return function, qualifier
}

// defaultTimeoutMillis leaves the gateway a second of its 30 to answer.
const defaultTimeoutMillis = 29000

// backendPath maps the request's path, without the stage, below the path of the
// backend's URL.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html
func backendPath(backendURL string) string {
	u, err := url.Parse(backendURL)
	if err != nil {
		return "$request.path"
	}
	if base := strings.TrimRight(u.EscapedPath(), "/"); base != "" {
		return base + "${request.path}"
	}
	return "$request.path"
}

// backendOf is the name of the route's backend: the only one unless it says.
func backendOf(route access.Route, backends []access.Backend) string {
	if route.Backend == "" && len(backends) > 0 {
		return backends[0].Name
	}
	return route.Backend
}

// functions checks the functions that backends may refer to. Which do is in the
// access model.
func (p *problems) functions(component string, args *ProtectedApiArgs) {
	seen := map[string]string{
		authorizerSuffix: "that of the Lambda authorizer",
		RotatorName:      "that of the rotator", secretsSuffix: "that of the key of secrets",
	}
	for name := range args.FunctionARNs {
		seen[name] = fmt.Sprintf("functionArns[%q]", name)
	}
	for i, f := range args.Functions {
		path := fmt.Sprintf("functions[%d]", i)
		p.name(path+".name", f.Name)
		p.functionName(path+".name", component+"-"+f.Name)
		if first, twice := seen[f.Name]; twice {
			p.add(path+".name", "name is declared twice", f.Name, "another name than "+first)
		}
		seen[f.Name] = path + ".name"
		p.program(path, functions.Program{Package: f.Package, Binary: f.Binary, Architecture: args.Architecture})
		p.environment(path+".environment", slices.Sorted(maps.Keys(f.Environment)))
		p.environmentSize(path+".environment", f.Environment)
		p.functionSettings(path+".settings", f.Settings, maxTimeoutSeconds)
		if !slices.ContainsFunc(args.Backends, func(b access.Backend) bool { return b.Function == f.Name }) {
			p.add(path+".name", "function is no backend", f.Name, "a backend that refers to it, or its removal")
		}
	}
}
