package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/entragate/entragate/access/policy"
)

// apiGateway is who calls the functions of authorizers.
const apiGateway = "apigateway.amazonaws.com"

// decidedBy are what decisions must be kept by while they are kept at all.
var decidedBy = []string{fromHeader, "$context.routeKey", "$stageVariables." + policy.HashVariable}

// lambdaAuthorizer looks at the authorizer of routes with roles, and at its
// function.
func (x *examination) lambdaAuthorizer(ctx context.Context, a types.Authorizer) {
	subject := authorizerSubject(a)
	x.want(subject, "cache, in seconds", fmt.Sprint(aws.ToInt32(a.AuthorizerResultTtlInSeconds)), fmt.Sprint(x.Model.CacheSeconds()), deploy)
	x.want(subject, "identity sources", sorted(a.IdentitySource), sorted(decidedBy),
		"without the route or the policy a yes is repeated where it was not meant: "+deploy)
	if !aws.ToBool(a.EnableSimpleResponses) || aws.ToString(a.AuthorizerPayloadFormatVersion) != "2.0" {
		x.fail(subject, "it does not take the function's answers: want simple responses and payload format 2.0", deploy)
	}
	function, ok := functionOf(aws.ToString(a.AuthorizerUri))
	if !ok {
		x.fail(subject, fmt.Sprintf("uri: got %q, want that of a function", aws.ToString(a.AuthorizerUri)), deploy)
		return
	}
	x.authorizerFunction(ctx, function)
	x.mayCall(ctx, function, aws.ToString(a.AuthorizerId))
}

// functionOf is the ARN of the function that an authorizer's URI names, such as
// "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/<arn>/invocations".
func functionOf(uri string) (string, bool) {
	_, rest, found := strings.Cut(uri, "/functions/")
	function, ends := strings.CutSuffix(rest, "/invocations")
	return function, found && ends && arn.IsARN(function)
}

// authorizerFunction looks at the function and at what it compares tokens with.
func (x *examination) authorizerFunction(ctx context.Context, function string) {
	subject := "function " + function
	configuration, err := x.Clouds.Lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &function})
	switch {
	case gone(err):
		x.fail(subject, "there is no such function: routes with roles answer 500", deploy)
		return
	case err != nil:
		x.unable(subject, err)
		return
	// Inactive is what Lambda makes of one that nobody called for weeks; it comes
	// back by being called.
	case configuration.State != lambdatypes.StateActive && configuration.State != lambdatypes.StateInactive:
		x.fail(subject, fmt.Sprintf("it is %s: %s", configuration.State, aws.ToString(configuration.StateReason)), deploy)
	case configuration.LastUpdateStatus == lambdatypes.LastUpdateStatusFailed:
		x.fail(subject, "its last update failed: "+aws.ToString(configuration.LastUpdateStatusReason), deploy)
	default:
		x.ok(subject, "is "+string(configuration.State))
	}
	var variables map[string]string
	if configuration.Environment != nil {
		variables = configuration.Environment.Variables
	}
	const refuses = "every token is refused with 403: " + deploy
	x.want(subject, "ISSUER", variables["ISSUER"], x.Tenant.Issuer(), refuses)
	x.want(subject, "AUDIENCE", variables["AUDIENCE"], x.Outputs.Audience, refuses)
	x.want(subject, "TENANT_ID", strings.ToLower(variables["TENANT_ID"]), strings.ToLower(x.Tenant.ID), refuses)
}

// mayCall looks whether the function lets API Gateway call it for the authorizer.
// The API is taken to be in the function's account.
func (x *examination) mayCall(ctx context.Context, function, authorizer string) {
	subject := "permission of " + function
	source := "any authorizer"
	named, err := arn.Parse(function)
	if err == nil {
		source = fmt.Sprintf("arn:%s:execute-api:%s:%s:%s/authorizers/%s", named.Partition, named.Region, named.AccountID, x.Outputs.APIID, authorizer)
	}
	policy, err := x.Clouds.Lambda.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: &function})
	if err != nil && !gone(err) {
		x.unable(subject, err)
		return
	}
	var document string
	if err == nil {
		document = aws.ToString(policy.Policy)
	}
	x.permits(subject, document, grant{
		service: apiGateway, actions: []string{"lambda:InvokeFunction"},
		context: map[string]string{"aws:SourceArn": source, "aws:SourceAccount": named.AccountID},
	}, "routes with roles answer 500 for "+source, deploy)
}

// policyInForce compares the policy that decisions are kept by with that of the
// model.
func (x *examination) policyInForce(ctx context.Context) {
	declared := x.Model.Policy()
	if len(declared.Routes) == 0 {
		return
	}
	if stage, ok := x.stage(ctx); ok {
		x.want("stage "+defaultStage, "hash of the policy of routes with roles", stage.StageVariables[policy.HashVariable], declared.Hash(),
			"the role authorizer decides by another policy than the configuration's: run `pulumi up`")
	}
}

// permits judges whether a policy grants something, and says so.
func (x *examination) permits(subject, document string, g grant, consequence, fix string) {
	v, err := judge(document, g)
	what := g.service + " may " + strings.Join(g.actions, ", ")
	switch {
	case err != nil:
		x.fail(subject, "its policy is no policy document: "+err.Error(), fix)
	case v.decision == granted:
		x.ok(subject, what)
	case v.decision == unsure:
		x.warn(subject, fmt.Sprintf("whether %s hangs on conditions that cannot be judged from here: %s",
			what, strings.Join(slices.Compact(slices.Sorted(slices.Values(v.conditions))), ", ")), "compare them with what AWS sends: "+fix)
	default:
		x.fail(subject, fmt.Sprintf("its policy does not say that %s: %s", what, consequence), fix)
	}
}
