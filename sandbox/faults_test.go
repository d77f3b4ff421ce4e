package sandbox_test

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secretstypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox"
	"github.com/entragate/entragate/sandbox/faults"
)

// setFaults sets the faults of a sandbox.
func setFaults(t *testing.T, s *sandbox.Sandbox, dir, rules string) {
	t.Helper()
	var reports []faults.Report
	require.Equal(t, http.StatusOK, control(t, s, dir, http.MethodPost, "/_sandbox/faults", rules, &reports))
}

func requireStruck(t *testing.T, s *sandbox.Sandbox, dir string, want ...int) {
	t.Helper()
	var reports []faults.Report
	require.Equal(t, http.StatusOK, control(t, s, dir, http.MethodGet, "/_sandbox/faults", "", &reports))
	require.Len(t, reports, len(want))
	for i, report := range reports {
		require.Equal(t, want[i], report.Struck, report)
	}
}

func TestFaultsOfBothClouds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, stop := serve(t, sandbox.Options{Dir: dir})
	env := environment(t, dir)
	signInNow := func() int { return signIn(t, dir, env["ARM_CLIENT_ID"], env["ARM_CLIENT_SECRET"]) }
	secrets := secretsmanager.NewFromConfig(awsConfig(t, dir), func(o *secretsmanager.Options) { o.Retryer = aws.NopRetryer{} })
	list := func() error {
		_, err := secrets.ListSecrets(t.Context(), &secretsmanager.ListSecretsInput{})
		return err
	}

	setFaults(t, s, dir, `[
		{"match":"/oauth2/v2.0/token","kind":"status","status":429,"retryAfter":5},
		{"match":"ListSecrets","kind":"status","status":429},
		{"match":"ListSecrets","kind":"status","status":500},
		{"match":"ListSecrets","kind":"refused"},
		{"match":"/","kind":"refused","skip":1000}
	]`)
	require.Equal(t, http.StatusTooManyRequests, signInNow())
	require.Equal(t, http.StatusOK, signInNow())
	var refused smithy.APIError
	require.ErrorAs(t, list(), &refused)
	require.Equal(t, "ThrottlingException", refused.ErrorCode())
	var failed *secretstypes.InternalServiceError
	require.ErrorAs(t, list(), &failed, "the SDK knows it by its name")
	require.ErrorContains(t, list(), "EOF")
	require.NoError(t, list())
	requireStruck(t, s, dir, 1, 1, 1, 1, 0)

	for body, want := range map[string]string{
		`[{"match":"x","kind":"slow"}]`:                        `rules[0]: kind: got "slow"`,
		`[{"match":"x","kind":"lost","after":1}]`:              `unknown field "after"`,
		`[{"match":"x","kind":"lost","method":"any"},{}]`:      "rules[1]: match: got none",
		`{"match":"x","kind":"lost"}`:                          "cannot unmarshal object",
		`null`:                                                 "got null, want a list of rules",
		`[{"match":"x","kind":"status","status":"throttled"}]`: "cannot unmarshal string",
	} {
		var answer struct{ Error string }
		require.Equal(t, http.StatusBadRequest, control(t, s, dir, http.MethodPost, "/_sandbox/faults", body, &answer), body)
		require.Contains(t, answer.Error, want)
	}
	requireStruck(t, s, dir, 1, 1, 1, 1, 0)

	stop()
	s, _ = serve(t, sandbox.Options{Dir: dir})
	requireStruck(t, s, dir)
}

func TestAFunctionIsKilledBetweenItsCalls(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := serve(t, sandbox.Options{Dir: dir})
	config, ctx := awsConfig(t, dir), t.Context()
	function, _ := deployFunction(t, config, `{"Effect":"Allow","Action":"secretsmanager:*","Resource":"*"}`, "secretsmanager.amazonaws.com")
	secrets := secretsmanager.NewFromConfig(config)
	secret, err := secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("s")})
	require.NoError(t, err)

	setFaults(t, s, dir, `[{"match":"PutSecretValue","kind":"kill"}]`)
	_, err = secrets.RotateSecret(ctx, &secretsmanager.RotateSecretInput{
		SecretId: secret.ARN, RotationLambdaARN: &function, RotationRules: &secretstypes.RotationRulesType{AutomaticallyAfterDays: aws.Int64(90)},
	})
	require.NoError(t, err)
	move(t, s, dir, "0s") // waits for what is under way
	requireStruck(t, s, dir, 1)
	described, err := secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: secret.ARN})
	require.NoError(t, err)
	require.Nil(t, described.LastRotatedDate, "the rotation failed")
	_, err = secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: secret.ARN, VersionStage: aws.String("AWSPENDING")})
	require.NoError(t, err, "after the value was stored")
	move(t, s, dir, "2m")
	_, err = secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: secret.ARN})
	require.NoError(t, err)
	described, err = secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: secret.ARN})
	require.NoError(t, err)
	require.NotNil(t, described.LastRotatedDate, "it was tried again")

	setFaults(t, s, dir, `[{"match":"GetCallerIdentity","kind":"kill"}]`)
	out, err := lambda.NewFromConfig(config).Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`{}`)})
	require.NoError(t, err)
	require.Equal(t, "Unhandled", aws.ToString(out.FunctionError))
	require.Contains(t, string(out.Payload), "Runtime exited with error: signal: killed")
	require.NotZero(t, call(t, config, `{}`).PID)
}
