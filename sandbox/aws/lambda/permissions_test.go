package lambda_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	lambdasdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/lambda"
)

const (
	apiGateway = "apigateway.amazonaws.com"
	source     = "arn:aws:execute-api:eu-west-1:123456789012:api1/authorizers/a1"
)

func arnOf(name string) string { return "arn:aws:lambda:eu-west-1:123456789012:function:" + name }

// permission is a request to let API Gateway invoke a function.
func permission(name, sourceARN string) *lambdasdk.AddPermissionInput {
	in := &lambdasdk.AddPermissionInput{
		FunctionName: &name, StatementId: sdk.String("s"), Action: sdk.String("lambda:InvokeFunction"), Principal: sdk.String(apiGateway),
	}
	if sourceARN != "" {
		in.SourceArn = &sourceARN
	}
	return in
}

func (w *world) allow(t *testing.T, name, sourceARN string) {
	t.Helper()
	_, err := w.AddPermission(t.Context(), permission(name, sourceARN))
	require.NoError(t, err)
}

func TestServicesNeedThePermissionOfTheFunction(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t)
	for name, test := range map[string]struct {
		change  func(*lambdasdk.AddPermissionInput) // nil adds none
		allowed bool
	}{
		"exact": {func(in *lambdasdk.AddPermissionInput) { in.SourceArn = sdk.String(source) }, true},
		"wildcard": {func(in *lambdasdk.AddPermissionInput) {
			in.SourceArn = sdk.String("arn:aws:execute-api:eu-west-1:123456789012:api1/*")
		}, true},
		"one-character": {func(in *lambdasdk.AddPermissionInput) {
			in.SourceArn = sdk.String("arn:aws:execute-api:eu-west-1:123456789012:api?/authorizers/a?")
		}, true},
		"no-source":    {func(*lambdasdk.AddPermissionInput) {}, true},
		"every-action": {func(in *lambdasdk.AddPermissionInput) { in.Action = sdk.String("lambda:*") }, true},
		"everybody":    {func(in *lambdasdk.AddPermissionInput) { in.Principal = sdk.String("*") }, true},
		"account":      {func(in *lambdasdk.AddPermissionInput) { in.SourceAccount = sdk.String("123456789012") }, true},
		"none":         {nil, false},
		"other-authorizer": {func(in *lambdasdk.AddPermissionInput) {
			in.SourceArn = sdk.String("arn:aws:execute-api:eu-west-1:123456789012:api1/authorizers/a2")
		}, false},
		"other-api": {func(in *lambdasdk.AddPermissionInput) {
			in.SourceArn = sdk.String("arn:aws:execute-api:eu-west-1:123456789012:api2/*")
		}, false},
		"wildcard-of-one-part": {func(in *lambdasdk.AddPermissionInput) {
			in.SourceArn = sdk.String("arn:aws:execute-api:eu-west-2:123456789012:*")
		}, false},
		"begins-alike": {func(in *lambdasdk.AddPermissionInput) {
			in.SourceArn = sdk.String("arn:aws:execute-api:eu-west-1:123456789012:api1/authorizers/a")
		}, false},
		"other-service":        {func(in *lambdasdk.AddPermissionInput) { in.Principal = sdk.String("events.amazonaws.com") }, false},
		"an-account-principal": {func(in *lambdasdk.AddPermissionInput) { in.Principal = sdk.String("123456789012") }, false},
		"other-action":         {func(in *lambdasdk.AddPermissionInput) { in.Action = sdk.String("lambda:GetFunction") }, false},
		"other-source-account": {func(in *lambdasdk.AddPermissionInput) { in.SourceAccount = sdk.String("999999999999") }, false},
		"organisation":         {func(in *lambdasdk.AddPermissionInput) { in.PrincipalOrgID = sdk.String("o-abcdefghij") }, false},
		"right-arn-wrong-owner": {func(in *lambdasdk.AddPermissionInput) {
			in.SourceArn, in.SourceAccount = sdk.String(source), sdk.String("999999999999")
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w.create(t, name)
			if test.change != nil {
				in := permission(name, "")
				test.change(in)
				_, err := w.AddPermission(t.Context(), in)
				require.NoError(t, err)
			}
			result, err := w.service.InvokeAs(t.Context(), apiGateway, source, arnOf(name), []byte(`{}`))
			if !test.allowed {
				require.ErrorIs(t, err, lambda.ErrNotPermitted)
				return
			}
			require.NoError(t, err)
			require.Empty(t, result.Failure)
		})
	}
	_, err := w.service.InvokeAs(t.Context(), apiGateway, source, arnOf("absent"), nil)
	require.ErrorIs(t, err, lambda.ErrNotPermitted)
	_, err = w.service.InvokeAs(t.Context(), apiGateway, source, "not an arn", nil)
	require.ErrorIs(t, err, lambda.ErrNotPermitted)
}

func TestPermissionsAreOfOneQualifier(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t)
	w.create(t, "f", func(in *lambdasdk.CreateFunctionInput) { in.Publish = true })
	_, err := w.CreateAlias(t.Context(), &lambdasdk.CreateAliasInput{FunctionName: sdk.String("f"), Name: sdk.String("live"), FunctionVersion: sdk.String("1")})
	require.NoError(t, err)
	in := permission("f", "")
	in.Qualifier = sdk.String("live")
	added, err := w.AddPermission(t.Context(), in)
	require.NoError(t, err)
	require.JSONEq(t, `{"Sid":"s","Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"`+arnOf("f:live")+`"}`, *added.Statement)
	invoke := func(arn string) error {
		_, err := w.service.InvokeAs(t.Context(), apiGateway, source, arn, []byte(`{}`))
		return err
	}
	require.NoError(t, invoke(arnOf("f:live")))
	require.ErrorIs(t, invoke(arnOf("f:1")), lambda.ErrNotPermitted)
	require.ErrorIs(t, invoke(arnOf("f")), lambda.ErrNotPermitted)
	w.allow(t, "f", "")
	require.NoError(t, invoke(arnOf("f")))
	require.ErrorIs(t, invoke(arnOf("f:1")), lambda.ErrNotPermitted)

	_, err = w.RemovePermission(t.Context(), &lambdasdk.RemovePermissionInput{FunctionName: sdk.String("f"), Qualifier: sdk.String("live"), StatementId: sdk.String("s")})
	require.NoError(t, err)
	require.ErrorIs(t, invoke(arnOf("f:live")), lambda.ErrNotPermitted)
}

func TestPoliciesAreAsAWSPrintsThem(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t)
	w.create(t, "f")
	get := func() (*lambdasdk.GetPolicyOutput, error) {
		return w.GetPolicy(t.Context(), &lambdasdk.GetPolicyInput{FunctionName: sdk.String("f")})
	}
	_, err := get()
	requireCode(t, err, "ResourceNotFoundException", "The resource you requested does not exist.")
	in := permission("f", source)
	in.SourceAccount = sdk.String("123456789012")
	_, err = w.AddPermission(t.Context(), in)
	require.NoError(t, err)
	policy, err := get()
	require.NoError(t, err)
	require.JSONEq(t, `{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"s","Effect":"Allow",
		"Principal":{"Service":"apigateway.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"`+arnOf("f")+`",
		"Condition":{"StringEquals":{"AWS:SourceAccount":"123456789012"},"ArnLike":{"AWS:SourceArn":"`+source+`"}}}]}`, *policy.Policy)

	_, err = w.AddPermission(t.Context(), in)
	requireCode(t, err, "ResourceConflictException", "The statement id (s) provided already exists")
	remove := func(id, revision string) error {
		_, err := w.RemovePermission(t.Context(), &lambdasdk.RemovePermissionInput{FunctionName: sdk.String("f"), StatementId: &id, RevisionId: &revision})
		return err
	}
	requireCode(t, remove("other", *policy.RevisionId), "ResourceNotFoundException", "Statement other is not found")
	requireCode(t, remove("s", "stale"), "PreconditionFailedException", "The Revision Id provided does not match")
	require.NoError(t, remove("s", *policy.RevisionId))
	requireCode(t, remove("s", ""), "ResourceNotFoundException", "")
}

func TestPermissionsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t)
	w.create(t, "f")
	for name, test := range map[string]struct {
		change     func(*lambdasdk.AddPermissionInput)
		code, text string
	}{
		"no such function": {func(in *lambdasdk.AddPermissionInput) { in.FunctionName = sdk.String("g") }, "ResourceNotFoundException", "Function not found"},
		"no such alias":    {func(in *lambdasdk.AddPermissionInput) { in.Qualifier = sdk.String("live") }, "ResourceNotFoundException", "Cannot find alias"},
		"newest code":      {func(in *lambdasdk.AddPermissionInput) { in.Qualifier = sdk.String("$LATEST") }, "InvalidParameterValueException", "$LATEST"},
		"statement id":     {func(in *lambdasdk.AddPermissionInput) { in.StatementId = sdk.String("a b") }, "ValidationException", "statementId"},
		"action":           {func(in *lambdasdk.AddPermissionInput) { in.Action = sdk.String("s3:GetObject") }, "ValidationException", "action"},
		"principal":        {func(in *lambdasdk.AddPermissionInput) { in.Principal = sdk.String("apigateway") }, "InvalidParameterValueException", "The provided principal was invalid"},
		"source":           {func(in *lambdasdk.AddPermissionInput) { in.SourceArn = sdk.String("api1/*") }, "ValidationException", "sourceArn"},
		"source account":   {func(in *lambdasdk.AddPermissionInput) { in.SourceAccount = sdk.String("12") }, "ValidationException", "sourceAccount"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := permission("f", "")
			test.change(in)
			_, err := w.AddPermission(t.Context(), in)
			requireCode(t, err, test.code, test.text)
		})
	}
}
