package sns_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/sns"
)

func TestATopicOutlivesAReopenWithAllThatWasSet(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sns.json")
	b := newBench(t, path)
	_, err := b.CreateTopic(t.Context(), &sdk.CreateTopicInput{
		Name: aws.String("alarms"), Tags: []types.Tag{{Key: aws.String("project"), Value: aws.String("orders")}},
	})
	require.NoError(t, err)
	set := map[string]string{
		"DisplayName": "Alarms", "KmsMasterKeyId": "alias/alarms", "SignatureVersion": "2", "TracingConfig": "Active",
		"HTTPSuccessFeedbackSampleRate": "0", "LambdaFailureFeedbackRoleArn": "arn:aws:iam::000000000000:role/r",
		"DeliveryPolicy": `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":2,"numRetries":5,"backoffFunction":"geometric"}}}`,
		"Policy":         policyOf(`{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"SNS:Publish","Resource":"` + topicARN + `"}`),
	}
	for name, value := range set {
		require.NoError(t, b.set(name, value), name)
	}
	b.joined("sqs", queue, nil)
	b.joined("email", "ops@example.com", nil)

	b = newBench(t, path)
	all := b.attributes()
	for name, value := range set {
		require.Equal(t, value, all[name], name)
	}
	require.Equal(t, topicARN, all["TopicArn"])
	require.Equal(t, account, all["Owner"])
	require.Equal(t, "1", all["SubscriptionsConfirmed"])
	require.Equal(t, "1", all["SubscriptionsPending"])
	require.Equal(t, "0", all["SubscriptionsDeleted"])
	require.Contains(t, all["EffectiveDeliveryPolicy"], `"numRetries":5`)
	require.Equal(t, "sns:topic", b.service.TaggedResources()[0].Type)
	require.Equal(t, map[string]string{"project": "orders"}, b.service.TaggedResources()[0].Tags)

	for name := range set {
		if name != "Policy" {
			require.NoError(t, b.set(name, ""), name)
			require.Empty(t, b.attributes()[name], name)
		}
	}
}

func TestWhatWasNeverSetIsNotThere(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	all := b.attributes()
	for _, name := range []string{"KmsMasterKeyId", "SignatureVersion", "TracingConfig", "DeliveryPolicy", "FifoTopic"} {
		require.NotContains(t, all, name)
	}
	require.Contains(t, all, "DisplayName")
	require.Contains(t, all["Policy"], `"AWS:SourceOwner":"000000000000"`)
	require.JSONEq(t, `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"},"disableSubscriptionOverrides":false}}`, all["EffectiveDeliveryPolicy"])
}

func TestATopicIsMadeOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	tags := []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}}
	in := &sdk.CreateTopicInput{Name: aws.String("alarms"), Attributes: map[string]string{"DisplayName": "x"}, Tags: tags}
	for range 2 {
		_, err := b.CreateTopic(ctx, in)
		require.NoError(t, err)
	}
	_, err := b.CreateTopic(ctx, &sdk.CreateTopicInput{Name: in.Name})
	require.NoError(t, err)
	_, err = b.CreateTopic(ctx, &sdk.CreateTopicInput{Name: in.Name, Attributes: map[string]string{"DisplayName": "y"}})
	refused(t, err, "InvalidParameter", "Invalid parameter: Attributes Reason: Topic already exists with different attributes")
	_, err = b.CreateTopic(ctx, &sdk.CreateTopicInput{Name: in.Name, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("2")}}})
	refused(t, err, "InvalidParameter", "Invalid parameter: Tags Reason: Topic already exists with different tags")
	listed, err := b.ListTopics(ctx, &sdk.ListTopicsInput{})
	require.NoError(t, err)
	require.Len(t, listed.Topics, 1)
}

func TestTopicsThatCannotBe(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	long := strings.Repeat("a", 257)
	for name, test := range map[string]struct {
		in         sdk.CreateTopicInput
		code, text string
	}{
		"no name":           {sdk.CreateTopicInput{Name: aws.String("")}, "InvalidParameter", "Topic Name"},
		"a long name":       {sdk.CreateTopicInput{Name: &long}, "InvalidParameter", "Topic Name"},
		"another character": {sdk.CreateTopicInput{Name: aws.String("a b")}, "InvalidParameter", "Topic Name"},
		"FIFO":              {sdk.CreateTopicInput{Name: aws.String("a.fifo"), Attributes: map[string]string{"FifoTopic": "true"}}, "NotImplemented", "FIFO"},
		"not FIFO, set":     {sdk.CreateTopicInput{Name: aws.String("a"), Attributes: map[string]string{"FifoTopic": "false"}}, "InvalidParameter", "FifoTopic"},
		"unknown attribute": {sdk.CreateTopicInput{Name: aws.String("a"), Attributes: map[string]string{"Color": "red"}}, "InvalidParameter", "AttributeName"},
		"a reserved tag":    {sdk.CreateTopicInput{Name: aws.String("a"), Tags: []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("")}}}, "InvalidParameter", "reserved"},
		"a tag twice": {
			sdk.CreateTopicInput{Name: aws.String("a"), Tags: []types.Tag{{Key: aws.String("x"), Value: aws.String("1")}, {Key: aws.String("x"), Value: aws.String("2")}}},
			"InvalidParameter", "Duplicated keys",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.CreateTopic(t.Context(), &test.in)
			refused(t, err, test.code, test.text)
			listed, err := b.ListTopics(t.Context(), &sdk.ListTopicsInput{})
			require.NoError(t, err)
			require.Empty(t, listed.Topics)
		})
	}
}

func TestAttributesThatATopicCannotHave(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	before := b.attributes()
	retry := func(members string) string {
		return `{"http":{"defaultHealthyRetryPolicy":{` + members + `,"backoffFunction":"linear"}}}`
	}
	for name, test := range map[string]struct{ attribute, value, code, text string }{
		"unknown":                 {"Color", "red", "InvalidParameter", "AttributeName"},
		"computed":                {"Owner", account, "InvalidParameter", "AttributeName"},
		"only of FIFO":            {"ContentBasedDeduplication", "true", "InvalidParameter", "FIFO"},
		"a long display name":     {"DisplayName", strings.Repeat("a", 101), "InvalidParameter", "DisplayName"},
		"a third signature":       {"SignatureVersion", "3", "InvalidParameter", "SignatureVersion"},
		"another tracing":         {"TracingConfig", "on", "InvalidParameter", "TracingConfig"},
		"no key":                  {"KmsMasterKeyId", "my key", "InvalidParameter", "KmsMasterKeyId"},
		"too high a rate":         {"SQSSuccessFeedbackSampleRate", "101", "InvalidParameter", "SQSSuccessFeedbackSampleRate"},
		"no role":                 {"SQSSuccessFeedbackRoleArn", "r", "InvalidParameter", "SQSSuccessFeedbackRoleArn"},
		"delivery, no JSON":       {"DeliveryPolicy", "{", "InvalidParameter", "DeliveryPolicy"},
		"delivery, unknown":       {"DeliveryPolicy", `{"http":{"x":1}}`, "InvalidParameter", "DeliveryPolicy"},
		"delivery, two values":    {"DeliveryPolicy", `{} {}`, "InvalidParameter", "DeliveryPolicy"},
		"delivery, no delay":      {"DeliveryPolicy", retry(`"minDelayTarget":0,"maxDelayTarget":1,"numRetries":1`), "InvalidParameter", "minDelayTarget"},
		"delivery, wrong order":   {"DeliveryPolicy", retry(`"minDelayTarget":3,"maxDelayTarget":2,"numRetries":1`), "InvalidParameter", "minDelayTarget"},
		"delivery, retries":       {"DeliveryPolicy", retry(`"minDelayTarget":1,"maxDelayTarget":1,"numRetries":101`), "InvalidParameter", "numRetries"},
		"delivery, phases":        {"DeliveryPolicy", retry(`"minDelayTarget":1,"maxDelayTarget":1,"numRetries":2,"numNoDelayRetries":3`), "InvalidParameter", "numRetries"},
		"delivery, overflow":      {"DeliveryPolicy", retry(`"minDelayTarget":1,"maxDelayTarget":1,"numRetries":2,"numNoDelayRetries":9223372036854775807,"numMinDelayRetries":9223372036854775807`), "InvalidParameter", "numRetries"},
		"delivery, negative":      {"DeliveryPolicy", retry(`"minDelayTarget":1,"maxDelayTarget":1,"numRetries":2,"numNoDelayRetries":-1`), "InvalidParameter", "numRetries"},
		"delivery, over an hour":  {"DeliveryPolicy", retry(`"minDelayTarget":100,"maxDelayTarget":100,"numRetries":37`), "InvalidParameter", "3600"},
		"delivery, throttle":      {"DeliveryPolicy", `{"http":{"defaultThrottlePolicy":{"maxReceivesPerSecond":1}}}`, "NotImplemented", "throttle"},
		"delivery, content type":  {"DeliveryPolicy", `{"http":{"defaultRequestPolicy":{"headerContentType":"x"}}}`, "InvalidParameter", "headerContentType"},
		"delivery, no backoff":    {"DeliveryPolicy", `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":1,"backoffFunction":"x"}}}`, "InvalidParameter", "backoffFunction"},
		"policy, none":            {"Policy", "", "InvalidParameter", "Policy Error: null"},
		"policy, no JSON":         {"Policy", "{", "InvalidParameter", "Policy Error: null"},
		"policy, no principal":    {"Policy", policyOf(`{"Effect":"Allow","Action":"SNS:Publish","Resource":"*"}`), "InvalidParameter", "Policy Error: null"},
		"policy, no resource":     {"Policy", policyOf(`{"Effect":"Allow","Principal":"*","Action":"SNS:Publish"}`), "InvalidParameter", "Policy Error: null"},
		"policy, nobody":          {"Policy", policyOf(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:role/absent"},"Action":"SNS:Publish","Resource":"*"}`), "InvalidParameter", "PrincipalNotFound"},
		"policy, no such service": {"Policy", policyOf(`{"Effect":"Allow","Principal":{"Service":"cloudwatch"},"Action":"SNS:Publish","Resource":"*"}`), "InvalidParameter", "PrincipalNotFound"},
		"policy, other service":   {"Policy", policyOf(`{"Effect":"Allow","Principal":"*","Action":["SNS:Publish","sqs:SendMessage"],"Resource":"*"}`), "InvalidParameter", "Policy statement action out of service scope!"},
		"policy, other action":    {"Policy", policyOf(`{"Effect":"Allow","Principal":"*","Action":"sns:CreateTopic","Resource":"*"}`), "InvalidParameter", "out of service scope"},
		"policy, any action":      {"Policy", policyOf(`{"Effect":"Allow","Principal":"*","NotAction":"sns:*","Resource":"*"}`), "InvalidParameter", "out of service scope"},
		"policy, too long":        {"Policy", policyOf(`{"Sid":"` + strings.Repeat("a", 30720) + `","Effect":"Allow","Principal":"*","Action":"SNS:Publish","Resource":"*"}`), "InvalidParameter", "30720"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, b.set(test.attribute, test.value), test.code, test.text)
			require.Equal(t, before, b.attributes())
		})
	}
}

func TestTopicsThatAreNotThere(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	for name, test := range map[string]struct{ arn, code, text string }{
		"no ARN":         {"alarms", "InvalidParameter", "An ARN must have at least 6 elements, not 1"},
		"another region": {"arn:aws:sns:us-east-1:000000000000:alarms", "InvalidParameter", "TopicArn"},
		"a subscription": {absent, "InvalidParameter", "TopicArn"},
		"another owner":  {"arn:aws:sns:eu-west-1:111111111111:alarms", "NotFound", "Topic does not exist"},
		"another name":   {topicARN + "x", "NotFound", "Topic does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			_, err := b.GetTopicAttributes(ctx, &sdk.GetTopicAttributesInput{TopicArn: &test.arn})
			refused(t, err, test.code, test.text)
			_, err = b.Publish(ctx, &sdk.PublishInput{TopicArn: &test.arn, Message: aws.String("x")})
			refused(t, err, test.code, test.text)
			_, err = b.Subscribe(ctx, &sdk.SubscribeInput{TopicArn: &test.arn, Protocol: aws.String("sqs"), Endpoint: aws.String(queue)})
			refused(t, err, test.code, test.text)
			err = b.service.PublishAs(sns.Publisher{Service: "cloudwatch.amazonaws.com", SourceARN: alarmARN}, test.arn, "s", "m")
			require.ErrorContains(t, err, test.text)
		})
	}
}

func TestATopicGoesWithItsSubscriptions(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	arn := b.joined("sqs", queue, nil)
	for range 2 { // what is gone is deleted
		_, err := b.DeleteTopic(t.Context(), &sdk.DeleteTopicInput{TopicArn: aws.String(topicARN)})
		require.NoError(t, err)
	}
	_, err := b.GetSubscriptionAttributes(t.Context(), &sdk.GetSubscriptionAttributesInput{SubscriptionArn: &arn})
	refused(t, err, "NotFound", "Subscription does not exist")
	_, err = b.DeleteTopic(t.Context(), &sdk.DeleteTopicInput{TopicArn: aws.String("alarms")})
	refused(t, err, "InvalidParameter", "TopicArn")
}

func TestTags(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	ctx := t.Context()
	tag := func(key, value string) error {
		_, err := b.TagResource(ctx, &sdk.TagResourceInput{ResourceArn: aws.String(topicARN), Tags: []types.Tag{{Key: &key, Value: &value}}})
		return err
	}
	require.Empty(t, b.service.TaggedResources(), "a topic that never had a tag")
	require.NoError(t, tag("a", "1"))
	require.NoError(t, tag("b", "2"))
	require.NoError(t, tag("a", "3"))
	_, err := b.UntagResource(ctx, &sdk.UntagResourceInput{ResourceArn: aws.String(topicARN), TagKeys: []string{"b", "absent"}})
	require.NoError(t, err)
	out, err := b.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceArn: aws.String(topicARN)})
	require.NoError(t, err)
	require.Len(t, out.Tags, 1)
	require.Equal(t, "3", *out.Tags[0].Value)
	refused(t, tag("aws:x", ""), "InvalidParameter", "reserved")
	for i := range 49 {
		require.NoError(t, tag(fmt.Sprint(i), ""))
	}
	refused(t, tag("one more", ""), "TagLimitExceeded", "quota")
	_, err = b.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceArn: aws.String(topicARN + "x")})
	refused(t, err, "ResourceNotFound", "Resource does not exist")
}

func TestListsHavePages(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	for i := range 101 {
		_, err := b.CreateTopic(t.Context(), &sdk.CreateTopicInput{Name: aws.String(fmt.Sprint("t", i))})
		require.NoError(t, err)
	}
	pages := sdk.NewListTopicsPaginator(b.Client, &sdk.ListTopicsInput{})
	seen := map[string]bool{}
	for n := 1; pages.HasMorePages(); n++ {
		out, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		require.Len(t, out.Topics, map[int]int{1: 100, 2: 1}[n])
		for _, each := range out.Topics {
			seen[*each.TopicArn] = true
		}
	}
	require.Len(t, seen, 101)
	_, err := b.ListTopics(t.Context(), &sdk.ListTopicsInput{NextToken: aws.String("x")})
	refused(t, err, "InvalidParameter", "NextToken")
}

func TestOtherOperationsAreNotImplemented(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	_, err := b.ListPhoneNumbersOptedOut(t.Context(), &sdk.ListPhoneNumbersOptedOutInput{})
	refused(t, err, "NotImplemented", "SNS action ListPhoneNumbersOptedOut")
	_, err = b.Publish(t.Context(), &sdk.PublishInput{PhoneNumber: aws.String("+31612345678"), Message: aws.String("x")})
	refused(t, err, "NotImplemented", "text message")
}
