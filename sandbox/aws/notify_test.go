package aws_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws"
)

const alarmsTopic = "arn:aws:sns:eu-west-1:000000000000:alarms"

// watched is a cloud with a topic, a subscriber and an alarm on errors.
type watched struct {
	t     *testing.T
	cloud *aws.Cloud
	url   string
	by    atomic.Int64
	got   chan map[string]string
	mails chan string
}

func watch(t *testing.T) *watched {
	t.Helper()
	w := &watched{t: t, got: make(chan map[string]string, 10), mails: make(chan string, 10)}
	server := httptest.NewUnstartedServer(nil)
	w.url = "http://" + server.Listener.Addr().String()
	var err error
	w.cloud, err = aws.New(aws.Options{
		Region: region, URL: w.url, ClientNow: time.Now, Now: func() time.Time { return time.Now().Add(time.Duration(w.by.Load())) },
		CheckIssuer: func(context.Context, string) error { return nil }, Endpoint: func(string) string { return "" },
		Mail: func(_, subject, _ string) { w.mails <- subject },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.cloud.Close()) })
	server.Config.Handler = w.cloud.Links()
	server.Start()
	t.Cleanup(server.Close)

	ctx := t.Context()
	_, err = w.topics().CreateTopic(ctx, &sns.CreateTopicInput{Name: sdk.String("alarms"), Tags: []snstypes.Tag{{Key: sdk.String("project"), Value: sdk.String("orders")}}})
	require.NoError(t, err)
	subscriber := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		var note map[string]string
		_ = json.Unmarshal(raw, &note)
		w.got <- note
	}))
	t.Cleanup(subscriber.Close)
	_, err = w.topics().Subscribe(ctx, &sns.SubscribeInput{TopicArn: sdk.String(alarmsTopic), Protocol: sdk.String("http"), Endpoint: &subscriber.URL})
	require.NoError(t, err)
	asked := <-w.got
	require.True(t, strings.HasPrefix(asked["SubscribeURL"], w.url+"/"))
	answer, err := http.Get(asked["SubscribeURL"])
	require.NoError(t, err)
	answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode)

	_, err = w.metrics().PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: sdk.String("errors"), Namespace: sdk.String("AWS/Lambda"), MetricName: sdk.String("Errors"), Statistic: cloudwatchtypes.StatisticSum,
		Period: sdk.Int32(60), EvaluationPeriods: sdk.Int32(1), Threshold: sdk.Float64(1), ComparisonOperator: cloudwatchtypes.ComparisonOperatorGreaterThanThreshold,
		AlarmActions: []string{alarmsTopic},
	})
	require.NoError(t, err)
	return w
}

func (w *watched) topics() *sns.Client         { return sns.NewFromConfig(config(w.url)) }
func (w *watched) metrics() *cloudwatch.Client { return cloudwatch.NewFromConfig(config(w.url)) }

// set sets an attribute of the topic.
func (w *watched) set(name, value string) {
	w.t.Helper()
	_, err := w.topics().SetTopicAttributes(w.t.Context(), &sns.SetTopicAttributesInput{TopicArn: sdk.String(alarmsTopic), AttributeName: &name, AttributeValue: &value})
	require.NoError(w.t, err)
}

// fire sets the alarm off and returns what its history says of the action.
func (w *watched) fire() string {
	w.t.Helper()
	for _, state := range []cloudwatchtypes.StateValue{cloudwatchtypes.StateValueOk, cloudwatchtypes.StateValueAlarm} {
		_, err := w.metrics().SetAlarmState(w.t.Context(), &cloudwatch.SetAlarmStateInput{AlarmName: sdk.String("errors"), StateValue: state, StateReason: sdk.String("tried")})
		require.NoError(w.t, err)
	}
	out, err := w.metrics().DescribeAlarmHistory(w.t.Context(), &cloudwatch.DescribeAlarmHistoryInput{
		AlarmName: sdk.String("errors"), HistoryItemType: cloudwatchtypes.HistoryItemTypeAction, MaxRecords: sdk.Int32(1),
	})
	require.NoError(w.t, err)
	require.Len(w.t, out.AlarmHistoryItems, 1)
	return *out.AlarmHistoryItems[0].HistorySummary
}

func TestAnAlarmTellsTheSubscribersOfItsTopic(t *testing.T) {
	t.Parallel()
	w := watch(t)
	require.Equal(t, "Successfully executed action "+alarmsTopic, w.fire())
	told := <-w.got
	require.Equal(t, `ALARM: "errors" in EU (Ireland)`, told["Subject"])
	var message struct{ AlarmName, NewStateValue, AlarmArn string }
	require.NoError(t, json.Unmarshal([]byte(told["Message"]), &message))
	require.Equal(t, "errors", message.AlarmName)
	require.Equal(t, "ALARM", message.NewStateValue)
	require.Equal(t, "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:errors", message.AlarmArn)

	_, err := w.topics().Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: sdk.String(alarmsTopic), Protocol: sdk.String("email"), Endpoint: sdk.String("ops@example.com")})
	require.NoError(t, err)
	require.Equal(t, "AWS Notification - Subscription Confirmation", <-w.mails)
}

func TestThePolicyOfTheTopicDecidesWhichAlarmsAreHeard(t *testing.T) {
	t.Parallel()
	w := watch(t)
	const denied = `Failed to execute action ` + alarmsTopic + `. Received error: "Resource: arn:aws:cloudwatch:eu-west-1:000000000000:alarm:errors is not authorized to perform: SNS:Publish on resource: ` + alarmsTopic + `"`
	policy := func(alarm string) {
		w.set("Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":"sns:Publish","Resource":"`+alarmsTopic+`",`+
			`"Condition":{"StringEquals":{"aws:SourceAccount":"000000000000"},"ArnLike":{"aws:SourceArn":"arn:aws:cloudwatch:eu-west-1:000000000000:alarm:`+alarm+`"}}},`+
			`{"Effect":"Deny","Principal":"*","Action":"sns:Publish","Resource":"`+alarmsTopic+`","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`)
	}
	policy("other-*")
	require.Equal(t, denied, w.fire())
	require.Empty(t, w.got)
	policy("*")
	require.Equal(t, "Successfully executed action "+alarmsTopic, w.fire())
	require.Contains(t, (<-w.got)["Subject"], "ALARM")
	_, err := w.topics().DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: sdk.String(alarmsTopic)})
	require.NoError(t, err)
	require.Contains(t, w.fire(), "Topic does not exist")
}

func TestAnAlarmIsHeardOnlyWithAKeyThatItMayUse(t *testing.T) {
	t.Parallel()
	w := watch(t)
	const refused = `Received error: "null (Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException; `
	w.set("KmsMasterKeyId", "alias/aws/sns")
	require.Contains(t, w.fire(), refused)

	keys := kms.NewFromConfig(config(w.url))
	key, err := keys.CreateKey(t.Context(), &kms.CreateKeyInput{})
	require.NoError(t, err)
	w.set("KmsMasterKeyId", *key.KeyMetadata.Arn)
	require.Contains(t, w.fire(), refused)
	policy := func(actions, condition string) {
		_, err := keys.PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: key.KeyMetadata.Arn, Policy: sdk.String(`{"Version":"2012-10-17","Statement":[` +
			`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"kms:*","Resource":"*"},` +
			`{"Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":` + actions + `,"Resource":"*","Condition":` + condition + `}]}`)})
		require.NoError(t, err)
	}
	policy(`"kms:GenerateDataKey*"`, `{}`)
	require.Contains(t, w.fire(), refused)
	policy(`"kms:Decrypt"`, `{}`)
	require.Contains(t, w.fire(), refused)
	policy(`["kms:Decrypt","kms:GenerateDataKey*"]`, `{"StringEquals":{"aws:SourceAccount":"111111111111"}}`)
	require.Contains(t, w.fire(), refused)
	require.Empty(t, w.got)
	policy(`["kms:Decrypt","kms:GenerateDataKey*"]`, `{"StringEquals":{"aws:SourceAccount":"000000000000"}}`)
	require.Equal(t, "Successfully executed action "+alarmsTopic, w.fire())
	require.Contains(t, (<-w.got)["Subject"], "ALARM")
	policy(`["kms:Decrypt","kms:GenerateDataKey*"]`, `{}`)
	require.Equal(t, "Successfully executed action "+alarmsTopic, w.fire())

	_, err = keys.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: key.KeyMetadata.Arn})
	require.NoError(t, err)
	require.Contains(t, w.fire(), "Error Code: DisabledException")
}

func TestATopicIsFoundByTagAndOnlyPermittedRolesPublish(t *testing.T) {
	t.Parallel()
	w := watch(t)
	found := findByTag(t, w.url, `{"TagFilters":[{"Key":"project"}],"ResourceTypeFilters":["sns"]}`).ResourceTagMappingList
	require.Len(t, found, 1)
	require.Equal(t, alarmsTopic, found[0].ResourceARN)

	createFunction(t, w.url)
	publish := func() error {
		_, err := sns.NewFromConfig(session(t, w.url)).Publish(t.Context(), &sns.PublishInput{TopicArn: sdk.String(alarmsTopic), Message: sdk.String("m")})
		return err
	}
	requireRefusal(t, publish(), "AuthorizationError", "User: arn:aws:sts::000000000000:assumed-role/r/f is not authorized to perform: SNS:Publish on resource: "+alarmsTopic)
	allow(t, w.url, `{"Effect":"Allow","Action":"sns:Publish","Resource":"`+alarmsTopic+`x"}`)
	requireRefusal(t, publish(), "AuthorizationError", "SNS:Publish")
	allow(t, w.url, `{"Effect":"Allow","Action":"sns:Publish","Resource":"`+alarmsTopic+`"}`)
	require.NoError(t, publish())
	require.Equal(t, "m", (<-w.got)["Message"])
	w.set("Policy", `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::000000000000:role/r"},"Action":"sns:Publish","Resource":"`+alarmsTopic+`"}}`)
	requireRefusal(t, publish(), "AuthorizationError", "with an explicit deny in a resource-based policy")
}

func TestTheRestOfTheCloudNeedsASignatureStill(t *testing.T) {
	t.Parallel()
	w := watch(t)
	for name, request := range map[string]func() (*http.Response, error){
		"another action by GET": func() (*http.Response, error) { return http.Get(w.url + "/?Action=ListTopics") },
		"a link by POST": func() (*http.Response, error) {
			return http.PostForm(w.url, url.Values{"Action": {"Unsubscribe"}, "SubscriptionArn": {"x"}})
		},
		"a link with a signature": func() (*http.Response, error) {
			return http.Get(w.url + "/?Action=Unsubscribe&SubscriptionArn=x&X-Amz-Signature=x")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, err := request()
			require.NoError(t, err)
			defer answer.Body.Close()
			require.Equal(t, http.StatusForbidden, answer.StatusCode)
		})
	}
	_, err := sns.NewFromConfig(func() sdk.Config { c := config(w.url); c.Region = "us-east-1"; return c }()).ListTopics(t.Context(), &sns.ListTopicsInput{})
	requireCode(t, err, "SignatureDoesNotMatch")
}
