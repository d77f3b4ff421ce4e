package components_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/functions"
	"github.com/entragate/entragate/internal/recorder"
)

const (
	functionType = "aws:lambda/function:Function"
	roleType     = "aws:iam/role:Role"
	policyType   = "aws:iam/rolePolicy:RolePolicy"
	logGroupType = "aws:cloudwatch/logGroup:LogGroup"
)

func newFunction(name string, args *components.FunctionArgs) (*recorder.Recorder, error) {
	return recorder.Run(func(ctx *pulumi.Context) error {
		_, err := components.NewFunction(ctx, name, args)
		return err
	})
}

func TestFunctionHasDefaults(t *testing.T) {
	t.Parallel()
	r, err := newFunction("report", &components.FunctionArgs{Program: functions.Program{Binary: recorder.Program(t)}})
	require.NoError(t, err)
	function := r.Find(t, functionType, "report").Inputs
	require.Equal(t, []any{"arm64"}, function["architectures"])
	require.Equal(t, 256.0, function["memorySize"])
	require.Equal(t, 5.0, function["timeout"])
	require.Equal(t, map[string]any{"mode": "PassThrough"}, function["tracingConfig"])
	require.NotContains(t, function, "environment")
	require.NotContains(t, function, "reservedConcurrentExecutions")
	require.Equal(t, 30.0, r.Find(t, logGroupType, "report").Inputs["retentionInDays"])
}

func TestFunctionTakesItsSettings(t *testing.T) {
	t.Parallel()
	r, err := newFunction("report", &components.FunctionArgs{
		Program:     functions.Program{Binary: recorder.Program(t), Files: map[string][]byte{"rules.json": []byte("{}\n")}},
		Environment: pulumi.StringMap{"MODE": pulumi.String("fast")},
		Settings: components.FunctionSettings{
			MemoryMB: 1024, TimeoutSeconds: 60, ReservedConcurrency: new(7), Tracing: true, LogRetentionDays: 365,
		},
	})
	require.NoError(t, err)
	function := r.Find(t, functionType, "report").Inputs
	require.Equal(t, 1024.0, function["memorySize"])
	require.Equal(t, 60.0, function["timeout"])
	require.Equal(t, 7.0, function["reservedConcurrentExecutions"])
	require.Equal(t, map[string]any{"mode": "Active"}, function["tracingConfig"])
	require.Equal(t, map[string]any{"variables": map[string]any{"MODE": "fast"}}, function["environment"])
	require.Equal(t, "{}\n", function["code"].(map[string]any)["rules.json"])
	require.Equal(t, 365.0, r.Find(t, logGroupType, "report").Inputs["retentionInDays"])
	require.Equal(t, map[string]any{"rules.json": "{}\n"}, r.Find(t, "entragate:index:Function", "report").Inputs["files"],
		"a preview shows them")
}

// statements are those of a function's role.
func statements(t *testing.T, r *recorder.Recorder, name string) (all []map[string]any) {
	t.Helper()
	var document struct{ Statement []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(r.Find(t, policyType, name).Inputs["policy"].(string)), &document))
	return document.Statement
}

func TestFunctionMayDoNothingButWriteItsLog(t *testing.T) {
	t.Parallel()
	args := &components.FunctionArgs{Program: functions.Program{Binary: recorder.Program(t)}}
	r, err := newFunction("report", args)
	require.NoError(t, err)
	require.Equal(t, []map[string]any{{
		"Sid": "WriteItsLog", "Effect": "Allow", "Action": []any{"logs:CreateLogStream", "logs:PutLogEvents"},
		"Resource": "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/entragate-test-report:*",
	}}, statements(t, r, "report"))

	args.Settings.Tracing = true
	r, err = newFunction("report", args)
	require.NoError(t, err)
	require.Len(t, statements(t, r, "report"), 2)
	require.Equal(t, []any{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, statements(t, r, "report")[1]["Action"])
}

func TestFunctionRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*components.FunctionArgs)
		want   string
	}{
		"nothing to run":       {func(a *components.FunctionArgs) { a.Program.Binary = "" }, "program: got neither a package nor a binary"},
		"two things to run":    {func(a *components.FunctionArgs) { a.Program.Package = "./x" }, "program: got both package"},
		"a missing binary":     {func(a *components.FunctionArgs) { a.Program.Binary = "nowhere/bootstrap" }, "program.binary: open nowhere/bootstrap"},
		"another machine":      {func(a *components.FunctionArgs) { a.Program.Architecture = functions.X8664 }, "want a Linux program for x86_64"},
		"an unknown machine":   {func(a *components.FunctionArgs) { a.Program.Architecture = "mips" }, `program.architecture: got "mips", want "arm64" or "x86_64"`},
		"little memory":        {func(a *components.FunctionArgs) { a.Settings.MemoryMB = 127 }, `settings.memoryMB: memory out of range: got "127", want 128 to 10240 megabytes`},
		"much memory":          {func(a *components.FunctionArgs) { a.Settings.MemoryMB = 10241 }, `settings.memoryMB: memory out of range`},
		"a negative timeout":   {func(a *components.FunctionArgs) { a.Settings.TimeoutSeconds = -1 }, `settings.timeoutSeconds: timeout out of range: got "-1", want 1 to 900 seconds`},
		"a long timeout":       {func(a *components.FunctionArgs) { a.Settings.TimeoutSeconds = 901 }, `settings.timeoutSeconds: timeout out of range`},
		"no concurrency":       {func(a *components.FunctionArgs) { a.Settings.ReservedConcurrency = new(0) }, `settings.reservedConcurrency: concurrency refuses every call: got "0", want at least 1`},
		"an odd retention":     {func(a *components.FunctionArgs) { a.Settings.LogRetentionDays = 31 }, `settings.logRetentionDays: period that CloudWatch Logs does not know: got "31"`},
		"a malformed name":     {func(a *components.FunctionArgs) { a.Environment = pulumi.StringMap{"1ST": pulumi.String("")} }, `environment["1ST"]: malformed name of a variable`},
		"a name of Lambda's":   {func(a *components.FunctionArgs) { a.Environment = pulumi.StringMap{"AWS_REGION": pulumi.String("")} }, `environment["AWS_REGION"]: variable that Lambda sets itself`},
		"a tag of Amazon's":    {func(a *components.FunctionArgs) { a.Tags = map[string]string{"aws:x": "y"} }, `tags["aws:x"]: key that AWS refuses`},
		"a file that hides it": {func(a *components.FunctionArgs) { a.Program.Files = map[string][]byte{"bootstrap": nil} }, `program: files["bootstrap"]: this is where the program is`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := &components.FunctionArgs{Program: functions.Program{Binary: recorder.Program(t)}}
			tt.change(args)
			r, err := newFunction("report", args)
			require.ErrorContains(t, err, `function "report": `)
			require.ErrorContains(t, err, tt.want)
			require.Empty(t, r.Registrations(), "nothing is registered")
		})
	}
	_, err := newFunction(strings.Repeat("n", 57), &components.FunctionArgs{Program: functions.Program{Binary: recorder.Program(t)}})
	require.ErrorContains(t, err, "name: name of the function is too long")
}

func roleArgs(t *testing.T, routes ...access.Route) *components.GatewayArgs {
	args := gatewayArgs(routes...)
	args.TenantID = tenantID
	args.Authorizer.Binary = recorder.Program(t)
	return args
}

func TestRoutesWithRolesShareOneLambdaAuthorizer(t *testing.T) {
	t.Parallel()
	r, err := newGateway(roleArgs(t,
		access.Route{Key: "GET /a", Scopes: []string{"A"}},
		access.Route{Key: "GET /b", Roles: []string{"B"}},
		access.Route{Key: "GET /c", Scopes: []string{"A"}, Roles: []string{"B", "C"}},
		access.Route{Key: "GET /d", Public: "monitoring"},
	))
	require.NoError(t, err)
	require.Equal(t, 2, count(r, authorizerType))
	require.Equal(t, 1, count(r, functionType))
	require.Equal(t, "JWT", r.Find(t, authorizerType, "orders").Inputs["authorizerType"])

	for route, want := range map[string]struct{ kind, authorizer string }{
		"GET /a": {"JWT", "orders"}, "GET /b": {"CUSTOM", "orders-authorizer"}, "GET /c": {"CUSTOM", "orders-authorizer"}, "GET /d": {"NONE", ""},
	} {
		got := r.Find(t, routeType, "orders-"+route)
		require.Equal(t, want.kind, got.Inputs["authorizationType"], route)
		if want.authorizer != "" {
			require.Contains(t, got.DependsOn, authorizerType+"::"+want.authorizer)
		}
		if want.kind == "CUSTOM" {
			require.NotContains(t, got.Inputs, "authorizationScopes", "API Gateway refuses them there")
			require.Contains(t, got.DependsOn, "aws:lambda/permission:Permission::orders-authorizer", "else it would answer 500 for a while")
		}
	}
	code := r.Find(t, functionType, "orders-authorizer").Inputs["code"].(map[string]any)
	require.JSONEq(t, `{"routes": {"GET /b": {"roles": ["B"]}, "GET /c": {"scopes": ["A"], "roles": ["B", "C"]}}}`, code["policy.json"].(string))
}

func TestDecisionsAreKeptByRouteAndPolicy(t *testing.T) {
	t.Parallel()
	hash := func(routes ...access.Route) string {
		r, err := newGateway(roleArgs(t, routes...))
		require.NoError(t, err)
		stage := r.Find(t, stageType, "orders")
		require.Equal(t, []any{"$request.header.Authorization", "$context.routeKey", "$stageVariables.policyHash"},
			r.Find(t, authorizerType, "orders-authorizer").Inputs["identitySources"])
		for _, route := range routes {
			require.Contains(t, stage.DependsOn, routeType+"::orders-"+route.Key, "the stage changes after the function")
		}
		return stage.Inputs["stageVariables"].(map[string]any)["policyHash"].(string)
	}
	one := hash(access.Route{Key: "GET /a", Roles: []string{"A"}})
	require.Equal(t, one, hash(access.Route{Key: "GET /a", Roles: []string{"A"}}, access.Route{Key: "GET /b", Scopes: []string{"B"}}),
		"a route of the native authorizer is not in the policy")
	require.NotEqual(t, one, hash(access.Route{Key: "GET /a", Roles: []string{"A", "B"}}))
	require.NotEqual(t, one, hash(access.Route{Key: "GET /a", Scopes: []string{"S"}, Roles: []string{"A"}}))
}

func TestGatewayWithoutRolesHasNoFunction(t *testing.T) {
	t.Parallel()
	r, err := newGateway(gatewayArgs(access.Route{Key: "GET /a", Scopes: []string{"A"}}))
	require.NoError(t, err)
	require.Zero(t, count(r, functionType))
	require.NotContains(t, r.Find(t, stageType, "orders").Inputs, "stageVariables")
}

func TestGatewayOfRolesOnlyHasNoJWTAuthorizer(t *testing.T) {
	t.Parallel()
	r, err := newGateway(roleArgs(t, access.Route{Key: "GET /a", Roles: []string{"A"}}))
	require.NoError(t, err)
	require.Equal(t, 1, count(r, authorizerType))
	require.Equal(t, "REQUEST", r.Find(t, authorizerType, "orders-authorizer").Inputs["authorizerType"])
}

func TestDecisionsNeedNotBeKept(t *testing.T) {
	t.Parallel()
	args := roleArgs(t, access.Route{Key: "GET /a", Roles: []string{"A"}})
	args.Authorizer.CacheSeconds = new(0)
	r, err := newGateway(args)
	require.NoError(t, err)
	require.Equal(t, 0.0, r.Find(t, authorizerType, "orders-authorizer").Inputs["authorizerResultTtlInSeconds"])
}

func TestAuthorizerRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*components.GatewayArgs)
		want   string
	}{
		"decisions for too long": {func(a *components.GatewayArgs) { a.Authorizer.CacheSeconds = new(3601) }, `authorizer.cacheSeconds: time out of range: got "3601", want 0 to 3600 seconds`},
		"a timeout above API Gateway's": {
			func(a *components.GatewayArgs) { a.Authorizer.Settings.TimeoutSeconds = 11 },
			`authorizer.settings.timeoutSeconds: timeout out of range: got "11", want 1 to 10 seconds`,
		},
		"no concurrency":     {func(a *components.GatewayArgs) { a.Authorizer.Settings.ReservedConcurrency = new(0) }, "authorizer.settings.reservedConcurrency"},
		"a missing binary":   {func(a *components.GatewayArgs) { a.Authorizer.Binary = "nowhere/bootstrap" }, "authorizer.binary: open nowhere/bootstrap"},
		"no tenant":          {func(a *components.GatewayArgs) { a.TenantID = "" }, "tenantId: missing tenant"},
		"an unknown machine": {func(a *components.GatewayArgs) { a.Architecture = "mips" }, `architecture: unknown architecture: got "mips"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := roleArgs(t, access.Route{Key: "GET /a", Roles: []string{"A"}})
			tt.change(args)
			r, err := newGateway(args)
			require.ErrorContains(t, err, tt.want)
			require.Empty(t, r.Registrations())
		})
	}
}

func TestBackendFunctionsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*components.ProtectedApiArgs)
		want   string
	}{
		"a malformed name":  {func(a *components.ProtectedApiArgs) { a.Functions[0].Name = "Reports" }, `functions[0].name: malformed name: got "Reports"`},
		"no backend of its": {func(a *components.ProtectedApiArgs) { a.Functions[0].Name = "spare" }, `functions[0].name: function is no backend: got "spare"`},
		"a name twice":      {func(a *components.ProtectedApiArgs) { a.Functions = append(a.Functions, a.Functions[0]) }, `functions[1].name: name is declared twice: got "reports", want another name than functions[0].name`},
		"a name of an ARN": {func(a *components.ProtectedApiArgs) {
			a.FunctionARNs = pulumi.StringMap{"reports": pulumi.String("arn")}
		}, `functions[0].name: name is declared twice: got "reports", want another name than functionArns["reports"]`},
		"the authorizer's name": {func(a *components.ProtectedApiArgs) {
			a.Functions[0].Name, a.Backends[2].Function = "authorizer", "authorizer"
		}, `functions[0].name: name is declared twice: got "authorizer", want another name than that of the Lambda authorizer`},
		"nothing to run":          {func(a *components.ProtectedApiArgs) { a.Functions[0].Binary = "" }, "functions[0]: got neither a package nor a binary"},
		"a package nowhere":       {func(a *components.ProtectedApiArgs) { a.Functions[0].Binary, a.Functions[0].Package = "", "./nowhere" }, "functions[0].package: stat ./nowhere"},
		"too many variables":      {func(a *components.ProtectedApiArgs) { a.Functions[0].Environment["BIG"] = strings.Repeat("x", 4096) }, "functions[0].environment: environment is too large"},
		"an unknown function":     {func(a *components.ProtectedApiArgs) { a.Backends[2].Function = "report" }, `backends[2].function: unknown function: got "report", want "reports"`},
		"decisions kept too long": {func(a *components.ProtectedApiArgs) { a.Authorizer.CacheSeconds = new(-1) }, "authorizer.cacheSeconds: time out of range"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := ordersArgs(t)
			tt.change(args)
			require.ErrorContains(t, args.Validate("orders"), tt.want)
		})
	}
	args := ordersArgs(t)
	require.ErrorContains(t, args.Validate(strings.Repeat("n", 40)+"-"+strings.Repeat("n", 9)), "functions[0].name: name of the function is too long")
}

func TestBackendsReferToFunctionsOfTheProgram(t *testing.T) {
	t.Parallel()
	args := ordersArgs(t)
	args.Functions = nil
	args.FunctionARNs = pulumi.StringMap{"reports": pulumi.String("arn:aws:lambda:eu-west-1:123456789012:function:mine")}
	r, err := protect(t, args)
	require.NoError(t, err)
	require.Equal(t, "arn:aws:lambda:eu-west-1:123456789012:function:mine",
		r.Find(t, "aws:apigatewayv2/integration:Integration", "orders-reports").Inputs["integrationUri"])
	require.Equal(t, 2, count(r, functionType), "those of the authorizer and the rotator alone")
}
