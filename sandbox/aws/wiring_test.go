package aws_test

import (
	"context"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secretstypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws"
	"github.com/entragate/entragate/sandbox/edge"
)

// ahead opens a cloud whose clock is ahead of the machine's by what the returned
// function says.
func ahead(t *testing.T) (cloud *aws.Cloud, url string, move func(time.Duration)) {
	t.Helper()
	var by atomic.Int64
	cloud, err := aws.New(aws.Options{
		Region: region, ClientNow: time.Now, Now: func() time.Time { return time.Now().Add(time.Duration(by.Load())) },
		CheckIssuer: func(context.Context, string) error { return nil },
		Endpoint:    func(string) string { return "" },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cloud.Close()) })
	server := httptest.NewServer(cloud)
	t.Cleanup(server.Close)
	return cloud, server.URL, func(d time.Duration) { by.Add(int64(d)) }
}

// allow gives the role r another policy.
func allow(t *testing.T, url, statements string) {
	t.Helper()
	_, err := iam.NewFromConfig(config(url)).PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: sdk.String("r"), PolicyName: sdk.String("more"), PolicyDocument: sdk.String(`{"Version":"2012-10-17","Statement":[` + statements + `]}`),
	})
	require.NoError(t, err)
}

func TestAlarmsSeeWhatFunctionsAndAPIsDo(t *testing.T) {
	t.Parallel()
	cloud, url, move := ahead(t)
	createFunction(t, url)
	ctx := t.Context()
	metrics, functions := cloudwatch.NewFromConfig(config(url)), lambda.NewFromConfig(config(url))
	put := func(name, namespace, metric string, dimensions map[string]string) {
		in := &cloudwatch.PutMetricAlarmInput{
			AlarmName: &name, Namespace: &namespace, MetricName: &metric, Statistic: cloudwatchtypes.StatisticSum, Period: sdk.Int32(60),
			EvaluationPeriods: sdk.Int32(1), Threshold: sdk.Float64(1), ComparisonOperator: cloudwatchtypes.ComparisonOperatorGreaterThanOrEqualToThreshold,
			TreatMissingData: sdk.String("notBreaching"),
		}
		for key, value := range dimensions {
			in.Dimensions = append(in.Dimensions, cloudwatchtypes.Dimension{Name: &key, Value: &value})
		}
		_, err := metrics.PutMetricAlarm(ctx, in)
		require.NoError(t, err)
	}
	ofF := map[string]string{"FunctionName": "f"}
	put("errors", "AWS/Lambda", "Errors", ofF)
	put("throttles", "AWS/Lambda", "Throttles", ofF)
	put("api", "AWS/ApiGateway", "5xx", map[string]string{"ApiId": "a"})
	put("stage", "AWS/ApiGateway", "4xx", map[string]string{"ApiId": "a", "Stage": "$default"})
	firing := func() (names []string) {
		move(2 * time.Minute)
		require.NoError(t, cloud.Tick())
		out, err := metrics.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{StateValue: cloudwatchtypes.StateValueAlarm})
		require.NoError(t, err)
		for _, each := range out.MetricAlarms {
			names = append(names, *each.AlarmName)
		}
		return names
	}
	invoke := func(payload string) {
		_, _ = functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: sdk.String("f"), Payload: []byte(payload)}) // it may be throttled
	}
	invoke(`{}`)
	cloud.Measure(edge.Measurement{APIID: "a", Stage: "$default", Status: 200})
	require.Empty(t, firing())
	invoke(`{"do":"fail"}`)
	require.Equal(t, []string{"errors"}, firing())
	_, err := functions.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: sdk.String("f"), ReservedConcurrentExecutions: sdk.Int32(0)})
	require.NoError(t, err)
	invoke(`{}`)
	require.Equal(t, []string{"throttles"}, firing())
	cloud.Measure(edge.Measurement{APIID: "a", Stage: "$default", Status: 503})
	require.Equal(t, []string{"api"}, firing())
	cloud.Measure(edge.Measurement{APIID: "a", Stage: "$default", Status: 404})
	require.Equal(t, []string{"stage"}, firing())
}

func TestRequestsAreMeasured(t *testing.T) {
	t.Parallel()
	cloud, url, _ := ahead(t)
	metrics := cloudwatch.NewFromConfig(config(url))
	cloud.Measure(edge.Measurement{
		APIID: "a", Stage: "prod", Method: "GET", Resource: "/orders/{id}", Status: 200, Took: 80 * time.Millisecond,
		Integrated: true, IntegrationTook: 60 * time.Millisecond, Bytes: 2000,
	})
	cloud.Measure(edge.Measurement{APIID: "a", Stage: "prod", Method: "GET", Resource: "/orders/{id}", Status: 401, Took: 4 * time.Millisecond, Bytes: 30})
	cloud.Measure(edge.Measurement{APIID: "a", Stage: "prod", Status: 404, Took: time.Millisecond, Bytes: 23})
	api := []string{"ApiId", "a"}
	stage := append(api, "Stage", "prod")
	route := append(stage, "Method", "GET", "Resource", "/orders/{id}")
	for _, test := range []struct {
		dimensions []string
		metric     string
		want       []float64 // sum, maximum and sample count
	}{
		{api, "Count", []float64{3, 1, 3}},
		{stage, "Count", []float64{3, 1, 3}},
		{route, "Count", []float64{2, 1, 2}},
		{route[2:], "Count", nil},
		{api, "4xx", []float64{2, 1, 3}},
		{route, "4xx", []float64{1, 1, 2}},
		{api, "5xx", []float64{0, 0, 3}},
		{stage, "Latency", []float64{85, 80, 3}},
		{route, "Latency", []float64{84, 80, 2}},
		{api, "IntegrationLatency", []float64{60, 60, 1}},
		{route, "IntegrationLatency", []float64{60, 60, 1}},
		{api, "DataProcessed", []float64{2053, 2000, 3}},
	} {
		in := &cloudwatch.GetMetricStatisticsInput{
			Namespace: sdk.String("AWS/ApiGateway"), MetricName: &test.metric, Period: sdk.Int32(86400),
			StartTime: sdk.Time(time.Now().Add(-time.Hour)), EndTime: sdk.Time(time.Now().Add(time.Hour)),
			Statistics: []cloudwatchtypes.Statistic{"Sum", "Maximum", "SampleCount"}, ExtendedStatistics: []string{"p99"},
		}
		for i := 0; i < len(test.dimensions); i += 2 {
			in.Dimensions = append(in.Dimensions, cloudwatchtypes.Dimension{Name: &test.dimensions[i], Value: &test.dimensions[i+1]})
		}
		got, err := metrics.GetMetricStatistics(t.Context(), in)
		require.NoError(t, err)
		if test.want == nil {
			require.Empty(t, got.Datapoints)
			continue
		}
		require.Len(t, got.Datapoints, 1, test.metric)
		point := got.Datapoints[0]
		require.Equal(t, test.want, []float64{*point.Sum, *point.Maximum, *point.SampleCount}, "%s %v", test.metric, test.dimensions)
		require.InDelta(t, test.want[1], point.ExtendedStatistics["p99"], 0)
	}
	list, err := metrics.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{Dimensions: []cloudwatchtypes.DimensionFilter{{Name: sdk.String("Resource")}}})
	require.NoError(t, err)
	require.Len(t, list.Metrics, 6)
}

func TestSecretsManagerInvokesOnlyFunctionsThatPermitIt(t *testing.T) {
	t.Parallel()
	_, url := open(t, "")
	createFunction(t, url)
	ctx := t.Context()
	secrets, functions := secretsmanager.NewFromConfig(config(url)), lambda.NewFromConfig(config(url))
	secret, err := secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: sdk.String("s")})
	require.NoError(t, err)
	rotate := func() error {
		_, err := secrets.RotateSecret(ctx, &secretsmanager.RotateSecretInput{
			SecretId: secret.ARN, RotationLambdaARN: sdk.String(functionARN), RotationRules: &secretstypes.RotationRulesType{AutomaticallyAfterDays: sdk.Int64(1)},
		})
		return err
	}
	permit := func(id, principal, source string) {
		_, err := functions.AddPermission(ctx, &lambda.AddPermissionInput{
			FunctionName: sdk.String("f"), StatementId: &id, Action: sdk.String("lambda:InvokeFunction"), Principal: &principal, SourceArn: &source,
		})
		require.NoError(t, err)
	}
	requireRefusal(t, rotate(), "AccessDeniedException", "Secrets Manager cannot invoke the specified Lambda function.")
	permit("another", "events.amazonaws.com", *secret.ARN)
	permit("elsewhere", "secretsmanager.amazonaws.com", *secret.ARN+"x")
	requireRefusal(t, rotate(), "AccessDeniedException", "Secrets Manager cannot invoke the specified Lambda function.")
	permit("this", "secretsmanager.amazonaws.com", *secret.ARN)
	require.NoError(t, rotate())
}

func TestRolesAndTheServicesThatDecideForThemselves(t *testing.T) {
	t.Parallel()
	_, url := open(t, "")
	createFunction(t, url)
	ctx := t.Context()
	_, err := cloudwatchlogs.NewFromConfig(config(url)).CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: sdk.String("/g")})
	require.NoError(t, err)
	key, err := kms.NewFromConfig(config(url)).CreateKey(ctx, &kms.CreateKeyInput{})
	require.NoError(t, err)
	create := func(name string, keyID *string) *string {
		made, err := secretsmanager.NewFromConfig(config(url)).CreateSecret(ctx, &secretsmanager.CreateSecretInput{
			Name: &name, SecretString: sdk.String("hunter2"), KmsKeyId: keyID,
		})
		require.NoError(t, err)
		return made.ARN
	}
	plain, encrypted := create("plain", nil), create("encrypted", key.KeyMetadata.Arn)
	role := session(t, url)
	read := func(arn *string) error {
		_, err := secretsmanager.NewFromConfig(role).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: arn})
		return err
	}
	const denied = "User: arn:aws:sts::000000000000:assumed-role/r/f is not authorized to perform: "
	requireRefusal(t, read(plain), "AccessDeniedException", denied+"secretsmanager:GetSecretValue")
	allow(t, url, `{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*"}`)
	require.NoError(t, read(plain))
	requireRefusal(t, read(encrypted), "AccessDeniedException", "Access to KMS is not allowed")
	_, err = kms.NewFromConfig(role).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key.KeyMetadata.Arn})
	requireCode(t, err, "AccessDeniedException")
	allow(t, url, `{"Effect":"Allow","Action":["secretsmanager:GetSecretValue","kms:Decrypt"],"Resource":"*"}`)
	require.NoError(t, read(encrypted))
	_, err = kms.NewFromConfig(config(url)).DisableKey(ctx, &kms.DisableKeyInput{KeyId: key.KeyMetadata.Arn})
	require.NoError(t, err)
	require.Error(t, read(encrypted))

	rules := func() error {
		_, err := eventbridge.NewFromConfig(role).ListRules(ctx, &eventbridge.ListRulesInput{})
		return err
	}
	alarms := func() error {
		_, err := cloudwatch.NewFromConfig(role).DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{})
		return err
	}
	requireRefusal(t, rules(), "AccessDeniedException", denied+"events:ListRules")
	requireRefusal(t, alarms(), "AccessDeniedException", denied+"cloudwatch:DescribeAlarms")
	allow(t, url, `{"Effect":"Allow","Action":["events:ListRules","cloudwatch:DescribeAlarms"],"Resource":"*"}`)
	require.NoError(t, rules())
	require.NoError(t, alarms())

	_, err = sts.NewFromConfig(role).GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{Audience: []string{"a"}, SigningAlgorithm: sdk.String("RS256")})
	requireRefusal(t, err, "AccessDenied", denied+"sts:GetWebIdentityToken")
	allow(t, url, `{"Effect":"Allow","Action":"sts:GetWebIdentityToken","Resource":"*"}`)
	_, err = sts.NewFromConfig(role).GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{Audience: []string{"a"}, SigningAlgorithm: sdk.String("RS256")})
	requireCode(t, err, "OutboundWebIdentityFederationDisabledException") // this cloud has no issuer
}

func TestLogGroupsNeedAKeyThatLogsMayUse(t *testing.T) {
	t.Parallel()
	_, url := open(t, "")
	ctx := t.Context()
	keys, logs := kms.NewFromConfig(config(url)), cloudwatchlogs.NewFromConfig(config(url))
	key, err := keys.CreateKey(ctx, &kms.CreateKeyInput{})
	require.NoError(t, err)
	group := func() error {
		_, err := logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: sdk.String("/g"), KmsKeyId: key.KeyMetadata.Arn})
		return err
	}
	requireRefusal(t, group(), "InvalidParameterException", "not allowed to be used with Arn 'arn:aws:logs:eu-west-1:000000000000:log-group:/g'")
	policy := func(groupARN string) {
		_, err := keys.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: key.KeyMetadata.Arn, Policy: sdk.String(`{"Version":"2012-10-17","Statement":[` +
			`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"kms:*","Resource":"*"},` +
			`{"Effect":"Allow","Principal":{"Service":"logs.eu-west-1.amazonaws.com"},"Action":["kms:Encrypt*","kms:Decrypt*","kms:GenerateDataKey*"],"Resource":"*",` +
			`"Condition":{"ArnEquals":{"kms:EncryptionContext:aws:logs:arn":"` + groupARN + `"}}}]}`)})
		require.NoError(t, err)
	}
	policy("arn:aws:logs:eu-west-1:000000000000:log-group:/other")
	requireRefusal(t, group(), "InvalidParameterException", "not allowed to be used")
	policy("arn:aws:logs:eu-west-1:000000000000:log-group:/g")
	require.NoError(t, group())
	absent := sdk.String("arn:aws:kms:eu-west-1:000000000000:key/0f1e2d3c-0000-0000-0000-000000000000")
	_, err = logs.AssociateKmsKey(ctx, &cloudwatchlogs.AssociateKmsKeyInput{LogGroupName: sdk.String("/g"), KmsKeyId: absent})
	requireRefusal(t, err, "InvalidParameterException", "does not exist or is not allowed")
}

func TestResourcesOfTheNewerServicesAreFoundByTagAndOutliveAReopen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, url := open(t, dir)
	ctx := t.Context()
	secret, err := secretsmanager.NewFromConfig(config(url)).CreateSecret(ctx, &secretsmanager.CreateSecretInput{
		Name: sdk.String("s"), SecretString: sdk.String("hunter2"), Tags: []secretstypes.Tag{{Key: sdk.String("project"), Value: sdk.String("orders")}},
	})
	require.NoError(t, err)
	key, err := kms.NewFromConfig(config(url)).CreateKey(ctx, &kms.CreateKeyInput{
		Tags: []kmstypes.Tag{{TagKey: sdk.String("project"), TagValue: sdk.String("orders")}},
	})
	require.NoError(t, err)
	rule, err := eventbridge.NewFromConfig(config(url)).PutRule(ctx, &eventbridge.PutRuleInput{
		Name: sdk.String("r"), ScheduleExpression: sdk.String("rate(1 day)"), Tags: []eventbridgetypes.Tag{{Key: sdk.String("project"), Value: sdk.String("orders")}},
	})
	require.NoError(t, err)
	_, err = cloudwatch.NewFromConfig(config(url)).PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: sdk.String("a"), Namespace: sdk.String("AWS/Lambda"), MetricName: sdk.String("Errors"), Statistic: cloudwatchtypes.StatisticSum,
		Period: sdk.Int32(60), EvaluationPeriods: sdk.Int32(1), Threshold: sdk.Float64(1), ComparisonOperator: cloudwatchtypes.ComparisonOperatorGreaterThanThreshold,
		Tags: []cloudwatchtypes.Tag{{Key: sdk.String("project"), Value: sdk.String("orders")}},
	})
	require.NoError(t, err)

	_, again := open(t, dir) // the first is still open, as after a kill
	var found []string
	for _, each := range findByTag(t, again, `{"TagFilters":[{"Key":"project","Values":["orders"]}]}`).ResourceTagMappingList {
		found = append(found, each.ResourceARN)
	}
	require.ElementsMatch(t, []string{*secret.ARN, *key.KeyMetadata.Arn, *rule.RuleArn, "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:a"}, found)
	value, err := secretsmanager.NewFromConfig(config(again)).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: secret.ARN})
	require.NoError(t, err)
	require.Equal(t, "hunter2", *value.SecretString)
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	cloud, _ := open(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- cloud.Run(ctx) }()
	cancel()
	require.NoError(t, <-done)
}
