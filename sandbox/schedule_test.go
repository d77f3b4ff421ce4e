package sandbox_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secretstypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox"
)

// built is the test function, zipped.
var built = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "function-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "bootstrap"), "./testdata/function")
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

// awsConfig is what an SDK reads from the environment file.
func awsConfig(t *testing.T, dir string) aws.Config {
	t.Helper()
	env := environment(t, dir)
	return aws.Config{
		Region: env["AWS_REGION"], BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL"]),
		Credentials: credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], ""),
	}
}

// deployFunction makes the function f, whose role has a policy with the
// statements, and lets services call it. It returns the ARNs of both.
func deployFunction(t *testing.T, config aws.Config, statements string, callers ...string) (function, role string) {
	t.Helper()
	archive, err := built()
	require.NoError(t, err)
	ctx := t.Context()
	roles, functions := iam.NewFromConfig(config), lambda.NewFromConfig(config)
	made, err := roles.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	require.NoError(t, err)
	_, err = roles.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName: aws.String("r"), PolicyName: aws.String("p"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[` + statements + `]}`),
	})
	require.NoError(t, err)
	architecture := lambdatypes.ArchitectureX8664
	if runtime.GOARCH == "arm64" {
		architecture = lambdatypes.ArchitectureArm64
	}
	created, err := functions.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String("f"), Role: made.Role.Arn, Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Architectures: []lambdatypes.Architecture{architecture}, Code: &lambdatypes.FunctionCode{ZipFile: archive}, Timeout: aws.Int32(30),
	})
	require.NoError(t, err)
	for _, caller := range callers {
		_, err = functions.AddPermission(ctx, &lambda.AddPermissionInput{
			FunctionName: aws.String("f"), StatementId: aws.String(caller[:4]), Action: aws.String("lambda:InvokeFunction"),
			Principal: aws.String(caller), SourceAccount: aws.String(sandbox.DefaultAccount),
		})
		require.NoError(t, err)
	}
	return *created.FunctionArn, *made.Role.Arn
}

// called is what the test function answers.
type called struct {
	ARN   string
	PID   int
	Token string
}

func call(t *testing.T, config aws.Config, event string) called {
	t.Helper()
	out, err := lambda.NewFromConfig(config).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(event)})
	require.NoError(t, err)
	require.Nil(t, out.FunctionError, string(out.Payload))
	var answer called
	require.NoError(t, json.Unmarshal(out.Payload, &answer))
	return answer
}

func TestAFunctionHasCredentialsWhateverTheClock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, stop := serve(t, sandbox.Options{Dir: dir})
	deployFunction(t, awsConfig(t, dir), `{"Effect":"Deny","Action":"*","Resource":"*"}`)
	first := call(t, awsConfig(t, dir), `{}`)
	require.Equal(t, "arn:aws:sts::"+sandbox.DefaultAccount+":assumed-role/r/f", first.ARN)
	require.Equal(t, first.PID, call(t, awsConfig(t, dir), `{}`).PID)
	for _, by := range []string{"4h", "17520h"} {
		move(t, s, dir, by)
		next := call(t, awsConfig(t, dir), `{}`)
		require.Equal(t, first.ARN, next.ARN)
		require.NotEqual(t, first.PID, next.PID, "its credentials have expired")
		first = next
	}
	stop()
	serve(t, sandbox.Options{Dir: dir})
	require.Equal(t, first.ARN, call(t, awsConfig(t, dir), `{}`).ARN)
}

func TestWhatIsDueIsDoneWhileTheClockMoves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := serve(t, sandbox.Options{Dir: dir})
	config, ctx := awsConfig(t, dir), t.Context()
	function, _ := deployFunction(t, config, `{"Effect":"Allow","Action":"secretsmanager:*","Resource":"*"}`,
		"secretsmanager.amazonaws.com", "events.amazonaws.com")
	secrets, rules, metrics := secretsmanager.NewFromConfig(config), eventbridge.NewFromConfig(config), cloudwatch.NewFromConfig(config)

	secret, err := secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("s"), Tags: []secretstypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	require.NoError(t, err)
	_, err = secrets.RotateSecret(ctx, &secretsmanager.RotateSecretInput{
		SecretId: secret.ARN, RotationLambdaARN: &function, RotationRules: &secretstypes.RotationRulesType{AutomaticallyAfterDays: aws.Int64(90)},
	})
	require.NoError(t, err)
	rule, err := rules.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("weekly"), ScheduleExpression: aws.String("rate(7 days)")})
	require.NoError(t, err)
	require.Contains(t, *rule.RuleArn, ":rule/weekly")
	_, err = rules.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("weekly"), Targets: []eventbridgetypes.Target{
		{Id: aws.String("f"), Arn: &function, Input: aws.String(`{"Step":"none"}`)},
	}})
	require.NoError(t, err)

	begun := time.Now()
	current := map[string]bool{}
	for range 8 {
		move(t, s, dir, "2160h")
		value, err := secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: secret.ARN})
		require.NoError(t, err)
		require.Equal(t, "value of "+*value.VersionId, *value.SecretString)
		current[*value.VersionId] = true
	}
	require.Len(t, current, 8, "each quarter has a value of its own")
	took := time.Since(begun)
	t.Logf("two years with their rotations took %s", took)

	described, err := secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: secret.ARN})
	require.NoError(t, err)
	require.WithinDuration(t, begun.Add(8*90*24*time.Hour), *described.LastRotatedDate, 25*time.Hour)

	now := begun.Add(8 * 90 * 24 * time.Hour)
	sum := func(namespace, metric string, dimension, value string) float64 {
		statistics, err := metrics.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
			Namespace: &namespace, MetricName: &metric, StartTime: aws.Time(begun.Add(-time.Hour)), EndTime: aws.Time(now.Add(time.Hour)),
			Period: aws.Int32(90 * 24 * 3600), Statistics: []cloudwatchtypes.Statistic{cloudwatchtypes.StatisticSum},
			Dimensions: []cloudwatchtypes.Dimension{{Name: &dimension, Value: &value}},
		})
		require.NoError(t, err)
		total := 0.0
		for _, each := range statistics.Datapoints {
			total += *each.Sum
		}
		return total
	}
	weeks := 8.0 * 90 / 7
	require.InDelta(t, weeks, sum("AWS/Events", "Invocations", "RuleName", "weekly"), 2)
	require.InDelta(t, weeks+4*9, sum("AWS/Lambda", "Invocations", "FunctionName", "f"), 6)
	require.Positive(t, sum("AWS/Lambda", "Duration", "FunctionName", "f"))
	require.Zero(t, sum("AWS/Lambda", "Errors", "FunctionName", "f"))
	require.Zero(t, sum("AWS/Events", "FailedInvocations", "RuleName", "weekly"))
}
