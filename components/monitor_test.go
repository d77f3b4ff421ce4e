package components_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/accesslog"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/internal/recorder"
)

const (
	filterType       = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
	queryType        = "aws:cloudwatch/queryDefinition:QueryDefinition"
	dashboardType    = "aws:cloudwatch/dashboard:Dashboard"
	topicType        = "aws:sns/topic:Topic"
	topicPolicyType  = "aws:sns/topicPolicy:TopicPolicy"
	subscriptionType = "aws:sns/topicSubscription:TopicSubscription"

	alarmTopic = "arn:aws:sns:eu-west-1:123456789012:orders-alarms-1234567"
)

func ofType(r *recorder.Recorder, kind string) (found []recorder.Registration) {
	for _, registration := range r.Registrations() {
		if registration.Type == kind {
			found = append(found, registration)
		}
	}
	return found
}

// Rules: CloudWatch.16 and CKV_AWS_338 (retention), CKV_AWS_158 (key), and that
// the prefix keeps AWS's resource policy small.
func TestEveryLogIsKeptAndEncrypted(t *testing.T) {
	t.Parallel()
	r, err := protect(t, ordersArgs(t))
	require.NoError(t, err)
	key := "arn:aws:kms:eu-west-1:123456789012:key/" + recorder.GUID(keyType, "orders-monitoring")
	groups := ofType(r, logGroupType)
	require.Len(t, groups, 4, "the access log, and those of the authorizer, the rotator and a backend")
	for _, group := range groups {
		require.Equal(t, key, group.Inputs["kmsKeyId"], group.Name)
		if group.Name != "orders-reports" { // which has settings of its own
			require.Equal(t, 365.0, group.Inputs["retentionInDays"], group.Name)
		}
	}
	require.Equal(t, "/aws/vendedlogs/apis/orders-a1b2c3d4e5", r.Find(t, logGroupType, "orders").Inputs["name"])

	patterns := logGroupPatterns(t, r)
	for _, group := range groups {
		arn := "arn:aws:logs:eu-west-1:123456789012:log-group:" + group.Inputs["name"].(string)
		require.True(t, slices.ContainsFunc(patterns, func(p string) bool {
			return strings.HasPrefix(arn, strings.TrimSuffix(p, "*"))
		}), "the key's policy lets CloudWatch Logs use it for %s", arn)
	}
}

// logGroupPatterns are those of the key's policy.
func logGroupPatterns(t *testing.T, r *recorder.Recorder) (patterns []string) {
	t.Helper()
	for _, s := range statementsOf(t, r.Find(t, keyType, "orders-monitoring").Inputs["policy"]) {
		if s["Sid"] != "WriteLogs" {
			continue
		}
		condition := s["Condition"].(map[string]any)["ArnLike"].(map[string]any)
		for _, p := range condition["kms:EncryptionContext:aws:logs:arn"].([]any) {
			patterns = append(patterns, p.(string))
		}
	}
	return patterns
}

func TestRefusalsAreCountedByReason(t *testing.T) {
	t.Parallel()
	r, err := protect(t, ordersArgs(t))
	require.NoError(t, err)
	for _, f := range accesslog.Filters() {
		filter := r.Find(t, filterType, "orders-"+f.Metric).Inputs
		require.Equal(t, "/aws/vendedlogs/apis/orders-a1b2c3d4e5", filter["logGroupName"])
		require.Equal(t, f.Pattern, filter["pattern"])
		require.Equal(t, map[string]any{
			"namespace": "Entragate/orders-a1b2c3d4e5", "name": f.Metric, "value": "1", "defaultValue": "0", "unit": "Count",
		}, filter["metricTransformation"])
	}
	for _, f := range accesslog.FunctionFilters() {
		require.Equal(t, "/aws/lambda/entragate-test-orders-authorizer", r.Find(t, filterType, "orders-"+f.Metric).Inputs["logGroupName"])
	}
	require.Len(t, ofType(r, filterType), len(accesslog.Filters())+len(accesslog.FunctionFilters()))
	require.Len(t, ofType(r, queryType), len(accesslog.Queries()))
}

// Rules: CloudWatch.15 and CLOUDWATCH_ALARM_ACTION_CHECK.
func TestEveryAlarmTellsTheTopicWhatToDo(t *testing.T) {
	t.Parallel()
	args := ordersArgs(t)
	args.Routes = append(args.Routes, access.Route{Key: "GET /" + strings.Repeat("x", 60), Backend: "orders", Roles: []string{"Orders.Export"}})
	r, err := protect(t, args)
	require.NoError(t, err)
	alarms := ofType(r, alarmType)
	require.Len(t, alarms, 12)
	for _, alarm := range alarms {
		in := alarm.Inputs
		require.Equal(t, []any{alarmTopic}, in["alarmActions"], alarm.Name)
		require.Equal(t, []any{alarmTopic}, in["okActions"], alarm.Name)
		require.NotEqual(t, false, in["actionsEnabled"], alarm.Name)
		require.Equal(t, "notBreaching", in["treatMissingData"], alarm.Name)
		description := in["alarmDescription"].(string)
		require.Less(t, len(description)+64, 1024, "%s: AWS takes no more, and names may be longer", alarm.Name)
		require.Regexp(t, regexp.MustCompile(`^.{40,}\n\nhttps://eu-west-1\.console\.aws\.amazon\.com/\S+$`), description, alarm.Name)
		if alarm.Parent == "entragate:index:Monitor::orders" {
			require.Contains(t, alarm.DependsOn, topicPolicyType+"::orders-alarms", "%s: before, the topic takes no alarms", alarm.Name)
		}
	}
}

// The metrics that alarms watch are those that filters make.
func TestAlarmsWatchWhatIsCounted(t *testing.T) {
	t.Parallel()
	r, err := protect(t, ordersArgs(t))
	require.NoError(t, err)
	counted := map[string]bool{}
	for _, filter := range ofType(r, filterType) {
		counted[filter.Inputs["metricTransformation"].(map[string]any)["name"].(string)] = true
	}
	watched := map[string]bool{}
	for _, alarm := range ofType(r, alarmType) {
		queries, _ := alarm.Inputs["metricQueries"].([]any)
		for _, q := range queries {
			metric, ok := q.(map[string]any)["metric"].(map[string]any)
			if ok && metric["namespace"] == "Entragate/orders-a1b2c3d4e5" {
				name := metric["metricName"].(string)
				require.True(t, counted[name], "%s watches %s", alarm.Name, name)
				watched[name] = true
			}
		}
	}
	for _, reason := range []accesslog.Reason{
		accesslog.Other, accesslog.IssuerUnavailable, accesslog.BadSignature, accesslog.WrongAudience, accesslog.WrongIssuer, accesslog.Throttled,
	} {
		require.True(t, watched[accesslog.MetricOf(reason)], reason)
	}
	require.True(t, watched["RoleOther"])
}

func TestMonitorWithoutRolesAndSecrets(t *testing.T) {
	t.Parallel()
	args := ordersArgs(t)
	args.Clients, args.Roles = args.Clients[:3], nil
	args.Routes = args.Routes[:4]
	args.Functions, args.Backends = nil, args.Backends[:2]
	args.AccessLog = components.AccessLogSettings{}
	r, err := protect(t, args)
	require.NoError(t, err)
	require.Len(t, ofType(r, filterType), len(accesslog.Filters()))
	require.Len(t, ofType(r, alarmType), 10)
	body := r.Find(t, dashboardType, "orders").Inputs["dashboardBody"].(string)
	require.NotContains(t, body, "AWS/Lambda")
	group := r.Find(t, logGroupType, "orders").Inputs
	require.NotContains(t, group, "kmsKeyId")
	require.Equal(t, 30.0, group["retentionInDays"])
	require.Empty(t, logGroupPatterns(t, r), "the key is for alarms only")
}

func TestDashboardShowsEveryReasonAndAlarm(t *testing.T) {
	t.Parallel()
	r, err := protect(t, ordersArgs(t))
	require.NoError(t, err)
	dashboard := r.Find(t, dashboardType, "orders").Inputs
	require.Equal(t, "orders-a1b2c3d4e5", dashboard["dashboardName"])
	var body struct {
		Widgets []struct {
			Type                string
			X, Y, Width, Height int
			Properties          struct {
				Alarms []string
				Region string
			}
		}
	}
	text := dashboard["dashboardBody"].(string)
	require.NoError(t, json.Unmarshal([]byte(text), &body))
	for _, w := range body.Widgets {
		require.LessOrEqual(t, w.X+w.Width, 24, "the grid has 24 columns")
		if w.Type == "alarm" {
			require.Len(t, w.Properties.Alarms, 12)
		} else {
			require.Equal(t, "eu-west-1", w.Properties.Region)
		}
	}
	for _, f := range append(accesslog.Filters()[3:], accesslog.FunctionFilters()...) {
		require.Contains(t, text, `"`+f.Metric+`"`)
	}
	require.Contains(t, text, "orders-rotator-1234567")
}

// Rules: SNS.1 and CKV_AWS_26 (key), CKV_AWS_385 (policy).
func TestTopicTakesTheAccountsAlarmsOnly(t *testing.T) {
	t.Parallel()
	r, err := protect(t, ordersArgs(t))
	require.NoError(t, err)
	key := "arn:aws:kms:eu-west-1:123456789012:key/" + recorder.GUID(keyType, "orders-monitoring")
	require.Equal(t, key, r.Find(t, topicType, "orders-alarms").Inputs["kmsMasterKeyId"])
	require.Contains(t, statementsOf(t, r.Find(t, keyType, "orders-monitoring").Inputs["policy"]), map[string]any{
		"Sid": "PublishAlarms", "Effect": "Allow", "Resource": "*", "Action": []any{"kms:Decrypt", "kms:GenerateDataKey*"},
		"Principal": map[string]any{"Service": "cloudwatch.amazonaws.com"},
	})
	require.Equal(t, []map[string]any{
		{
			"Sid": "AlarmsOfThisAccount", "Effect": "Allow", "Action": "sns:Publish", "Resource": alarmTopic,
			"Principal": map[string]any{"Service": "cloudwatch.amazonaws.com"},
			"Condition": map[string]any{
				"StringEquals": map[string]any{"aws:SourceAccount": "123456789012"},
				"ArnLike":      map[string]any{"aws:SourceArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:*"},
			},
		},
		{
			"Sid": "OnlyByTLS", "Effect": "Deny", "Action": "sns:Publish", "Resource": alarmTopic, "Principal": "*",
			"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
		},
	}, statementsOf(t, r.Find(t, topicPolicyType, "orders-alarms").Inputs["policy"]))
	subscriptions := ofType(r, subscriptionType)
	require.Len(t, subscriptions, 2)
	for _, s := range subscriptions {
		require.Contains(t, s.Inputs["endpoint"], "secret", "an endpoint may be as good as a password")
	}
}

func TestAlarmsGoToAGivenTopic(t *testing.T) {
	t.Parallel()
	const given = "arn:aws:sns:eu-west-1:123456789012:operations"
	args := ordersArgs(t)
	args.AccessLog.CreateKey = false
	args.Alarms = components.Alarms{Topic: given}
	r, err := protect(t, args)
	require.NoError(t, err)
	require.Zero(t, count(r, topicType)+count(r, topicPolicyType))
	for _, alarm := range ofType(r, alarmType) {
		require.Equal(t, []any{given}, alarm.Inputs["alarmActions"], alarm.Name)
	}
	require.Equal(t, 1, count(r, keyType), "that of the secrets")
}

func TestThresholdsAreTaken(t *testing.T) {
	t.Parallel()
	args := ordersArgs(t)
	args.Alarms.Thresholds = components.Thresholds{
		RefusedPercent: 1.5, RefusedRequests: 7, AnomalyWidth: 3, WrongTokens: 2, Throttled: 3, FailedPercent: 4, LatencyMillis: 250,
	}
	r, err := protect(t, args)
	require.NoError(t, err)
	for name, want := range map[string]float64{
		"refused": 1.5, "wrong-tokens": 2, "bad-keys": 2, "throttled": 3, "failed": 4, "latency": 250,
	} {
		require.Equal(t, want, r.Find(t, alarmType, "orders-"+name).Inputs["threshold"], name)
	}
	queries, err := json.Marshal(r.Find(t, alarmType, "orders-refused-anomaly").Inputs["metricQueries"])
	require.NoError(t, err)
	require.Contains(t, string(queries), "ANOMALY_DETECTION_BAND(watched, 3)")
	require.Contains(t, string(queries), "u003e= 7")
}

func TestMonitoringSettingsAreRefused(t *testing.T) {
	t.Parallel()
	args := ordersArgs(t)
	args.AccessLog = components.AccessLogSettings{RetentionDays: 31, KMSKey: "alias/logs", CreateKey: true}
	args.Alarms = components.Alarms{
		Topic: "operations", KMSKey: "mine",
		Subscriptions: []components.Subscription{
			{Protocol: "email", Endpoint: "nobody"},
			{Protocol: "https", Endpoint: "http://events.example.com/secret"},
			{Protocol: "http", Endpoint: "http://127.0.0.1:1/"},
			{Protocol: "pager", Endpoint: "1"},
			{Protocol: "sms", Endpoint: "06 1234"},
			{Protocol: "sqs", Endpoint: "queue"},
			{Protocol: "lambda", Endpoint: "function"},
			{Protocol: "email", Endpoint: "nobody"},
		},
		Thresholds: components.Thresholds{RefusedPercent: 101, FailedPercent: -1, RefusedRequests: -1, AnomalyWidth: -1, Throttled: -1, WrongTokens: -1, LatencyMillis: -1},
	}
	err := args.Validate("orders")
	require.Equal(t, []string{
		"accessLog.retentionDays", "accessLog.kmsKey", "accessLog.kmsKey",
		"alarms.topic", "alarms.kmsKey", "alarms.subscriptions", "alarms.kmsKey",
		"alarms.subscriptions[0].endpoint", "alarms.subscriptions[1].endpoint", "alarms.subscriptions[2].protocol",
		"alarms.subscriptions[3].protocol", "alarms.subscriptions[4].endpoint", "alarms.subscriptions[5].endpoint",
		"alarms.subscriptions[6].endpoint", "alarms.subscriptions[7]", "alarms.subscriptions[7].endpoint",
		"alarms.thresholds.refusedPercent", "alarms.thresholds.failedPercent", "alarms.thresholds.refusedRequests",
		"alarms.thresholds.wrongTokens", "alarms.thresholds.throttled", "alarms.thresholds.latencyMillis", "alarms.thresholds.anomalyWidth",
	}, paths(t, err))
	require.NotContains(t, err.Error(), "secret", "an endpoint may be as good as a password")
}

func TestLoopbackSubscriberIsForDevelopment(t *testing.T) {
	t.Parallel()
	args := ordersArgs(t)
	args.AllowLocalhost = true
	args.Alarms.Subscriptions = []components.Subscription{{Protocol: "http", Endpoint: "http://127.0.0.1:8080/alarms"}}
	require.NoError(t, args.Validate("orders"))
	args.Alarms.Subscriptions[0].Endpoint = "http://events.example.com/"
	require.Equal(t, []string{"alarms.subscriptions[0].endpoint"}, paths(t, args.Validate("orders")))
}

func TestATopicWithoutAKeyIsRefused(t *testing.T) {
	t.Parallel()
	_, err := recorder.Run(func(ctx *pulumi.Context) error {
		_, err := components.NewAlarmTopic(ctx, "alarms", &components.AlarmTopicArgs{})
		return err
	})
	require.ErrorContains(t, err, `alarm topic "alarms": keyArn: missing key`)
}

// What a review compares is in the state for everybody to read who may read that.
func TestDeploymentHoldsNoProbes(t *testing.T) {
	t.Parallel()
	args := ordersArgs(t)
	args.Routes[1].Probe = &access.Probe{Path: "/orders", Body: "something private"}
	require.NoError(t, args.Validate("orders"))
	declared, err := json.Marshal(args.Deployment())
	require.NoError(t, err)
	require.NotContains(t, string(declared), "private")
	require.NotNil(t, args.Routes[1].Probe, "the arguments stay as they are")
}
