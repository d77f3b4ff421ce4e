package aws_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws"
	"github.com/entragate/entragate/sandbox/edge"
)

const (
	lambdaTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	streamsOfG  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:aws:logs:eu-west-1:000000000000:log-group:/g:log-stream:*"}]}`
	functionARN = "arn:aws:lambda:eu-west-1:000000000000:function:f"
	authorizer  = "arn:aws:execute-api:eu-west-1:000000000000:api/authorizers/a"
)

// built is the test program of lambda, zipped.
var built = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "function-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "bootstrap"), "./lambda/testdata/function")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, err
	}
	binary, err := os.ReadFile(filepath.Join(dir, "bootstrap"))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	entry, err := w.CreateHeader(header)
	if err == nil {
		_, err = entry.Write(binary)
	}
	if err == nil {
		err = w.Close()
	}
	return out.Bytes(), err
})

func functionZip(t *testing.T) []byte {
	t.Helper()
	raw, err := built()
	require.NoError(t, err)
	return raw
}

func hostArchitecture() lambdatypes.Architecture {
	if runtime.GOARCH == "arm64" {
		return lambdatypes.ArchitectureArm64
	}
	return lambdatypes.ArchitectureX8664
}

func requireRefusal(t *testing.T, err error, code, text string) {
	t.Helper()
	requireCode(t, err, code)
	require.ErrorContains(t, err, text)
}

// createFunction makes the function f, with a role that may write to /g.
func createFunction(t *testing.T, url string) {
	t.Helper()
	roles := iam.NewFromConfig(config(url))
	role, err := roles.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: sdk.String("r"), AssumeRolePolicyDocument: sdk.String(lambdaTrust)})
	require.NoError(t, err)
	_, err = roles.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: sdk.String("r"), PolicyName: sdk.String("p"), PolicyDocument: sdk.String(streamsOfG)})
	require.NoError(t, err)
	_, err = lambda.NewFromConfig(config(url)).CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: sdk.String("f"), Role: role.Role.Arn, Runtime: lambdatypes.RuntimeProvidedal2023, Handler: sdk.String("bootstrap"),
		Architectures: []lambdatypes.Architecture{hostArchitecture()}, Code: &lambdatypes.FunctionCode{ZipFile: functionZip(t)},
		Tags: map[string]string{"project": "orders"},
	})
	require.NoError(t, err)
}

// session is what an SDK in the function f reads from its environment.
func session(t *testing.T, url string) sdk.Config {
	t.Helper()
	out, err := lambda.NewFromConfig(config(url)).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: sdk.String("f"), Payload: []byte(`{"do":"environment"}`)})
	require.NoError(t, err)
	var lines []string
	require.NoError(t, json.Unmarshal(out.Payload, &lines), string(out.Payload))
	env := map[string]string{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, "=")
		env[name] = value
	}
	c := config(url)
	c.Credentials = credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env["AWS_SESSION_TOKEN"])
	return c
}

func TestTheCredentialsOfAFunctionAreThoseOfItsRole(t *testing.T) {
	t.Parallel()
	_, url := open(t, "")
	createFunction(t, url)
	ctx := t.Context()
	for _, group := range []string{"/g", "/h"} {
		_, err := cloudwatchlogs.NewFromConfig(config(url)).CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group})
		require.NoError(t, err)
	}
	role := session(t, url)
	who, err := sts.NewFromConfig(role).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:sts::000000000000:assumed-role/r/f", *who.Arn)
	require.Regexp(t, `^AROA[A-Z0-9]{17}:f$`, *who.UserId)

	logs := cloudwatchlogs.NewFromConfig(role)
	stream := func(group string) error {
		_, err := logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: sdk.String("s")})
		return err
	}
	require.NoError(t, stream("/g"))
	const denied = "User: arn:aws:sts::000000000000:assumed-role/r/f is not authorized to perform: "
	requireRefusal(t, stream("/h"), "AccessDeniedException", denied+"logs:CreateLogStream on resource: arn:aws:logs:eu-west-1:000000000000:log-group:/h:log-stream:s because no identity-based policy allows the logs:CreateLogStream action")

	for name, test := range map[string]struct {
		call       func() error
		code, text string
	}{
		"another operation": {func() error {
			_, err := logs.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: sdk.String("/g")})
			return err
		}, "AccessDeniedException", denied + "logs:DeleteLogGroup on resource: arn:aws:logs:eu-west-1:000000000000:log-group:/g:log-stream:"},
		"an operation on no group": {func() error {
			_, err := logs.DescribeResourcePolicies(ctx, &cloudwatchlogs.DescribeResourcePoliciesInput{})
			return err
		}, "AccessDeniedException", denied + "logs:DescribeResourcePolicies"},
		"another operation of sts": {func() error {
			_, err := sts.NewFromConfig(role).GetSessionToken(ctx, &sts.GetSessionTokenInput{})
			return err
		}, "AccessDenied", denied + "sts:GetSessionToken"},
		"iam": {func() error {
			_, err := iam.NewFromConfig(role).ListRoles(ctx, &iam.ListRolesInput{})
			return err
		}, "AccessDenied", denied + "iam:*"},
		"lambda": {func() error {
			_, err := lambda.NewFromConfig(role).ListFunctions(ctx, &lambda.ListFunctionsInput{})
			return err
		}, "AccessDeniedException", denied + "lambda:*"},
		"API Gateway": {func() error {
			_, err := apigatewayv2.NewFromConfig(role).GetApis(ctx, &apigatewayv2.GetApisInput{})
			return err
		}, "AccessDeniedException", denied + "apigateway:*"},
	} {
		t.Run(name, func(t *testing.T) { requireRefusal(t, test.call(), test.code, test.text) })
	}
}

func TestSessionsThatAreRefused(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	cloud, err := aws.New(aws.Options{
		Region: region, Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
		CheckIssuer: func(context.Context, string) error { return nil },
		Endpoint:    func(string) string { return "" },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cloud.Close()) })
	server := httptest.NewServer(cloud)
	t.Cleanup(server.Close)
	createFunction(t, server.URL)
	role := session(t, server.URL)
	key, err := role.Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	with := func(id, secret, token string) error {
		c := role
		c.RetryMaxAttempts = 2 // to follow the clock
		c.Credentials = credentials.NewStaticCredentialsProvider(id, secret, token)
		_, err := sts.NewFromConfig(c).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		return err
	}
	require.NoError(t, with(key.AccessKeyID, key.SecretAccessKey, key.SessionToken))
	requireRefusal(t, with(key.AccessKeyID, "guessed", key.SessionToken), "SignatureDoesNotMatch", "")
	requireRefusal(t, with(key.AccessKeyID, key.SecretAccessKey, "guessed"), "InvalidClientTokenId", "")
	requireRefusal(t, with(key.AccessKeyID, key.SecretAccessKey, ""), "InvalidClientTokenId", "")
	requireRefusal(t, with("ASIAAAAAAAAAAAAAAAAA", key.SecretAccessKey, key.SessionToken), "InvalidClientTokenId", "")
	requireRefusal(t, with(aws.AccessKeyID, aws.SecretAccessKey, key.SessionToken), "InvalidClientTokenId", "")
	ahead.Store(int64(4 * time.Hour))
	requireRefusal(t, with(key.AccessKeyID, key.SecretAccessKey, key.SessionToken), "ExpiredToken", "The security token included in the request is expired")
	_, err = cloudwatchlogs.NewFromConfig(role).DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{}, func(o *cloudwatchlogs.Options) { o.RetryMaxAttempts = 2 })
	requireRefusal(t, err, "ExpiredTokenException", "")
}

func TestTheDataPlaneInvokesFunctions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cloud, url := open(t, dir)
	createFunction(t, url)
	ctx := t.Context()
	_, err := cloud.Invoke(ctx, functionARN, authorizer, []byte(`{}`))
	require.ErrorIs(t, err, edge.ErrNotPermitted)
	_, err = cloud.Invoke(ctx, functionARN+"x", authorizer, []byte(`{}`))
	require.ErrorIs(t, err, edge.ErrNotPermitted)
	_, err = lambda.NewFromConfig(config(url)).AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: sdk.String("f"), StatementId: sdk.String("s"), Action: sdk.String("lambda:InvokeFunction"),
		Principal: sdk.String("apigateway.amazonaws.com"), SourceArn: sdk.String(authorizer),
	})
	require.NoError(t, err)
	answer, err := cloud.Invoke(ctx, functionARN, authorizer, []byte(`{"text":"hello"}`))
	require.NoError(t, err)
	require.Contains(t, string(answer), `"text":"hello"`)
	_, err = cloud.Invoke(ctx, functionARN, authorizer+"b", []byte(`{}`))
	require.ErrorIs(t, err, edge.ErrNotPermitted)

	_, err = cloud.Invoke(ctx, functionARN, authorizer, []byte(`{"do":"fail","text":"no"}`))
	var failed *edge.FunctionError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "Unhandled", failed.Kind)
	require.JSONEq(t, `{"errorMessage":"no","errorType":"errorString"}`, string(failed.Payload))

	zero := int32(0)
	_, err = lambda.NewFromConfig(config(url)).PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: sdk.String("f"), ReservedConcurrentExecutions: &zero})
	require.NoError(t, err)
	_, err = cloud.Invoke(ctx, functionARN, authorizer, []byte(`{}`))
	require.ErrorContains(t, err, "TooManyRequestsException: Rate Exceeded.")
	require.NotErrorIs(t, err, edge.ErrNotPermitted)

	require.Contains(t, callTagging(t, url, `{"TagFilters":[{"Key":"project"}],"ResourceTypeFilters":["lambda:function"]}`), functionARN)
	_, err = lambda.NewFromConfig(config(url)).DeleteFunctionConcurrency(ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: sdk.String("f")})
	require.NoError(t, err)
	again, _ := open(t, dir) // the first is still open, as after a kill
	answer, err = again.Invoke(ctx, functionARN, authorizer, []byte(`{"text":"again"}`))
	require.NoError(t, err)
	require.Contains(t, string(answer), `"calls":1`)
}
