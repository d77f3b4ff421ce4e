package components

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/functions"
)

// functionType is in every URN: changing it replaces everything below.
const functionType = "entragate:index:Function"

// Function is a Go program as an AWS Lambda function: its archive, a role that
// may do nothing but what the function needs, and a log group.
type Function struct {
	pulumi.ResourceState

	// ARN names the function, its unpublished version; Name is the last part of it.
	ARN  pulumi.StringOutput `pulumi:"arn"`
	Name pulumi.StringOutput `pulumi:"name"`
	// InvokeARN is what a Lambda authorizer of API Gateway calls it by.
	InvokeARN pulumi.StringOutput `pulumi:"invokeArn"`
	// LogGroupName is the CloudWatch log group of what the function writes.
	LogGroupName pulumi.StringOutput `pulumi:"logGroupName"`
	// RoleARN and RoleName are those of the role that the function runs with.
	RoleARN  pulumi.StringOutput `pulumi:"roleArn"`
	RoleName pulumi.StringOutput `pulumi:"roleName"`
}

// FunctionArgs configures a [Function].
type FunctionArgs struct {
	// Program is what runs. It is built when the Pulumi program runs, a preview
	// included, unless it is given built.
	Program functions.Program `pulumi:"program"`
	// Description is shown in the console.
	Description string `pulumi:"description,optional"`
	// Environment are the function's variables. They are readable by whoever may
	// read the function's configuration: no place for secrets.
	Environment pulumi.StringMap `pulumi:"environment,optional"`
	// Permissions are what the function may do beside writing its log: statements
	// of an IAM policy, which may hold outputs.
	Permissions []map[string]any
	// LogKeyARN is the KMS key that encrypts the function's log, whose policy lets
	// CloudWatch Logs use it. Default: AWS's own.
	LogKeyARN pulumi.StringInput `pulumi:"logKeyArn,optional"`
	// Settings bound what the function may use.
	Settings FunctionSettings `pulumi:"settings,optional"`
	// Tags are those of the function, its role and its log group.
	Tags map[string]string `pulumi:"tags,optional"`
}

// FunctionSettings bound what a function may use.
type FunctionSettings struct {
	// MemoryMB is 128 to 10240; processor time grows with it. Default: 256.
	MemoryMB int `json:"memoryMB,omitempty" pulumi:"memoryMB,optional"`
	// TimeoutSeconds is 1 to 900. Default: 5.
	TimeoutSeconds int `json:"timeoutSeconds,omitempty" pulumi:"timeoutSeconds,optional"`
	// ReservedConcurrency is how many calls may run at once, at least 1, taken
	// from what the account has for all functions. Default: what is left there.
	ReservedConcurrency *int `json:"reservedConcurrency,omitempty" pulumi:"reservedConcurrency,optional"`
	// Tracing sends traces to AWS X-Ray. Default: false.
	Tracing bool `json:"tracing,omitempty" pulumi:"tracing,optional"`
	// LogRetentionDays is one of the periods that CloudWatch Logs knows.
	// Default: 30.
	LogRetentionDays int `json:"logRetentionDays,omitempty" pulumi:"logRetentionDays,optional"`
}

const (
	defaultMemoryMB       = 256
	defaultTimeoutSeconds = 5
)

// RolePath is the path of the roles of functions, by which they can be found and
// a deployer be confined to them.
const RolePath = "/entragate/"

// NewFunction creates a function.
func NewFunction(ctx *pulumi.Context, name string, args *FunctionArgs, opts ...pulumi.ResourceOption) (*Function, error) {
	if err := args.validate(name); err != nil {
		return nil, fmt.Errorf("function %q: %w", name, err)
	}
	archive, err := args.Program.Archive(ctx.Context())
	if err != nil {
		return nil, fmt.Errorf("function %q: %w", name, err)
	}
	function := &Function{}
	if err := ctx.RegisterComponentResourceV2(functionType, name, args.inputs(), function, opts...); err != nil {
		return nil, err
	}
	child := pulumi.Parent(function)

	settings := &cloudwatch.LogGroupArgs{
		// A name that is known before the function is, so that the function never
		// writes to a group that Lambda made, which would keep everything for ever.
		Name:            pulumi.String(functionLogPrefix(ctx) + name),
		RetentionInDays: pulumi.Int(orDefault(args.Settings.LogRetentionDays, defaultLogRetentionDays)),
		Tags:            awsTags(args.Tags),
	}
	if args.LogKeyARN != nil {
		settings.KmsKeyId = args.LogKeyARN.ToStringOutput().ToStringPtrOutput()
	}
	logs, err := cloudwatch.NewLogGroup(ctx, name, settings, child)
	if err != nil {
		return nil, err
	}
	role, permissions, err := newFunctionRole(ctx, name, args, logs, child)
	if err != nil {
		return nil, err
	}
	fn, err := lambda.NewFunction(ctx, name, args.function(archive, role, logs), child, pulumi.DependsOn([]pulumi.Resource{permissions}))
	if err != nil {
		return nil, err
	}

	function.ARN, function.InvokeARN, function.LogGroupName = fn.Arn, fn.InvokeArn, logs.Name
	function.Name, function.RoleARN, function.RoleName = fn.Name, role.Arn, role.Name
	return function, ctx.RegisterResourceOutputs(function, pulumi.Map{
		"arn":          function.ARN,
		"name":         function.Name,
		"invokeArn":    function.InvokeARN,
		"logGroupName": function.LogGroupName,
		"roleArn":      function.RoleARN,
		"roleName":     function.RoleName,
	})
}

// functionLogPrefix is that of the log groups of a stack's functions.
func functionLogPrefix(ctx *pulumi.Context) string {
	return "/aws/lambda/" + ctx.Project() + "-" + ctx.Stack() + "-"
}

// inputs are what a preview shows of the function, the files beside its program
// as text: inside the archive only their hash would show.
func (args *FunctionArgs) inputs() pulumi.Map {
	files := pulumi.StringMap{}
	for name, content := range args.Program.Files {
		files[name] = pulumi.String(content)
	}
	return pulumi.Map{"files": files}
}

// newFunctionRole makes the role that the function runs with. It may write to
// the function's own log group, which exists, so it need not create one; and
// send traces, where asked to, which X-Ray allows for all resources only.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
func newFunctionRole(ctx *pulumi.Context, name string, args *FunctionArgs, logs *cloudwatch.LogGroup,
	child pulumi.ResourceOption,
) (*iam.Role, *iam.RolePolicy, error) {
	role, err := iam.NewRole(ctx, name, &iam.RoleArgs{
		Path: pulumi.String(RolePath),
		AssumeRolePolicy: pulumi.JSONMarshal(policyDocument(map[string]any{
			"Effect":    "Allow",
			"Principal": map[string]any{"Service": "lambda.amazonaws.com"},
			"Action":    "sts:AssumeRole",
		})),
		Tags: awsTags(args.Tags),
	}, child)
	if err != nil {
		return nil, nil, err
	}
	statements := []map[string]any{{
		"Sid":      "WriteItsLog",
		"Effect":   "Allow",
		"Action":   []string{"logs:CreateLogStream", "logs:PutLogEvents"},
		"Resource": pulumi.Sprintf("%s:*", logs.Arn),
	}}
	if args.Settings.Tracing {
		statements = append(statements, map[string]any{
			"Sid":      "SendTraces",
			"Effect":   "Allow",
			"Action":   []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
			"Resource": "*",
		})
	}
	statements = append(statements, args.Permissions...)
	policy, err := iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{
		Role:   role.Name,
		Policy: pulumi.JSONMarshal(policyDocument(statements...)),
	}, child)
	return role, policy, err
}

// policyDocument is an IAM policy. Statements may hold outputs.
func policyDocument(statements ...map[string]any) map[string]any {
	return map[string]any{"Version": "2012-10-17", "Statement": statements}
}

func (args *FunctionArgs) function(archive string, role *iam.Role, logs *cloudwatch.LogGroup) *lambda.FunctionArgs {
	settings := args.Settings
	fn := &lambda.FunctionArgs{
		Architectures: pulumi.ToStringArray([]string{string(orDefault(args.Program.Architecture, functions.ARM64))}),
		Code:          pulumi.NewFileArchive(archive),
		Description:   pulumi.String(args.Description),
		Handler:       pulumi.String("bootstrap"),
		LoggingConfig: lambda.FunctionLoggingConfigArgs{LogFormat: pulumi.String("Text"), LogGroup: logs.Name},
		MemorySize:    pulumi.Int(orDefault(settings.MemoryMB, defaultMemoryMB)),
		Role:          role.Arn,
		Runtime:       pulumi.String("provided.al2023"),
		Timeout:       pulumi.Int(orDefault(settings.TimeoutSeconds, defaultTimeoutSeconds)),
		TracingConfig: lambda.FunctionTracingConfigArgs{Mode: pulumi.String("PassThrough")},
		Tags:          awsTags(args.Tags),
	}
	if len(args.Environment) > 0 {
		fn.Environment = lambda.FunctionEnvironmentArgs{Variables: args.Environment}
	}
	if settings.Tracing {
		fn.TracingConfig = lambda.FunctionTracingConfigArgs{Mode: pulumi.String("Active")}
	}
	if settings.ReservedConcurrency != nil {
		fn.ReservedConcurrentExecutions = pulumi.Int(*settings.ReservedConcurrency)
	}
	return fn
}

func (args *FunctionArgs) validate(name string) error {
	var p problems
	p.functionName("name", name)
	p.program("program", args.Program)
	p.functionSettings("settings", args.Settings, maxTimeoutSeconds)
	p.environment("environment", slices.Sorted(maps.Keys(args.Environment)))
	p.tags(args.Tags)
	return p.err()
}
