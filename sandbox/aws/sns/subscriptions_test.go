package sns_test

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/stretchr/testify/require"
)

func TestSubscriptionsThatCannotBe(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	for name, test := range map[string]struct {
		protocol, endpoint string
		attributes         map[string]string
		code, text         string
	}{
		"unknown protocol":       {"fax", "1", nil, "InvalidParameter", "Amazon SNS does not support this protocol string: fax"},
		"https as http":          {"http", "https://localhost/", nil, "InvalidParameter", "Endpoint must match the specified protocol"},
		"http as https":          {"https", "http://localhost/", nil, "InvalidParameter", "Endpoint must match the specified protocol"},
		"no endpoint":            {"https", "", nil, "InvalidParameter", "Endpoint must match the specified protocol"},
		"no address":             {"email", "ops", nil, "InvalidParameter", "Email address"},
		"no address for JSON":    {"email-json", "ops@", nil, "InvalidParameter", "Email address"},
		"no number":              {"sms", "me", nil, "InvalidParameter", "Invalid SMS endpoint"},
		"no queue":               {"sqs", "https://sqs.eu-west-1.amazonaws.com/000000000000/q", nil, "InvalidParameter", "SQS endpoint ARN"},
		"a FIFO queue":           {"sqs", queue + ".fifo", nil, "InvalidParameter", "SQS endpoint ARN"},
		"no function":            {"lambda", queue, nil, "InvalidParameter", "Lambda endpoint ARN"},
		"no stream":              {"firehose", function, nil, "InvalidParameter", "Firehose endpoint ARN"},
		"a stream without role":  {"firehose", "arn:aws:firehose:eu-west-1:000000000000:deliverystream/d", nil, "InvalidParameter", "SubscriptionRoleArn"},
		"no device":              {"application", "x", nil, "InvalidParameter", "ApplicationEndpoint ARN"},
		"unknown attribute":      {"sqs", queue, map[string]string{"Color": "red"}, "InvalidParameter", "AttributeName"},
		"raw or not":             {"sqs", queue, map[string]string{"RawMessageDelivery": "maybe"}, "InvalidParameter", "RawMessageDelivery"},
		"a filter":               {"sqs", queue, map[string]string{"FilterPolicy": `{"a":["b"]}`}, "NotImplemented", "filter policy"},
		"a replay":               {"sqs", queue, map[string]string{"ReplayPolicy": `{}`}, "InvalidParameter", "FIFO"},
		"a bad letter queue":     {"sqs", queue, map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"q"}`}, "InvalidParameter", "deadLetterTargetArn is an invalid arn"},
		"delivery of a queue":    {"sqs", queue, map[string]string{"DeliveryPolicy": `{}`}, "InvalidParameter", "only HTTP"},
		"guaranteed delivery":    {"http", "http://localhost", map[string]string{"DeliveryPolicy": `{"guaranteed":true}`}, "NotImplemented", "guaranteed"},
		"a throttled delivery":   {"http", "http://localhost", map[string]string{"DeliveryPolicy": `{"throttlePolicy":{"maxReceivesPerSecond":1}}`}, "NotImplemented", "throttle"},
		"a topic's delivery":     {"http", "http://localhost", map[string]string{"DeliveryPolicy": `{"http":{}}`}, "InvalidParameter", "DeliveryPolicy"},
		"no role of the account": {"sqs", queue, map[string]string{"SubscriptionRoleArn": "r"}, "InvalidParameter", "SubscriptionRoleArn"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.join(test.protocol, test.endpoint, test.attributes)
			refused(t, err, test.code, test.text)
			require.Equal(t, "0", b.attributes()["SubscriptionsPending"])
			require.Equal(t, "0", b.attributes()["SubscriptionsConfirmed"])
		})
	}
}

func TestOfTheAccountsOwnThingsNobodyIsAsked(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	role := map[string]string{"SubscriptionRoleArn": "arn:aws:iam::000000000000:role/r"}
	for protocol, endpoint := range map[string]string{
		"sqs": queue, "lambda": function, "sms": "+31612345678",
		"firehose": "arn:aws:firehose:eu-west-1:000000000000:deliverystream/d", "application": "arn:aws:sns:eu-west-1:000000000000:endpoint/GCM/a/b",
	} {
		arn := b.joined(protocol, endpoint, role)
		require.True(t, strings.HasPrefix(arn, topicARN+":"))
		all := b.subscription(arn)
		require.Equal(t, "false", all["PendingConfirmation"], protocol)
		require.Equal(t, "true", all["ConfirmationWasAuthenticated"], protocol)
		require.Equal(t, endpoint, all["Endpoint"])
		require.Equal(t, topicARN, all["TopicArn"])
		require.Equal(t, account, all["Owner"])
		require.Equal(t, "false", all["RawMessageDelivery"])
		require.NotContains(t, all, "EffectiveDeliveryPolicy")
	}
}

func TestASubscriptionIsMadeOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	raw := map[string]string{"RawMessageDelivery": "true"}
	arn := b.joined("sqs", queue, raw)
	require.Equal(t, arn, b.joined("sqs", queue, raw))
	require.Equal(t, arn, b.joined("sqs", queue, nil))
	_, err := b.join("sqs", queue, map[string]string{"RawMessageDelivery": "false"})
	refused(t, err, "InvalidParameter", "Invalid parameter: Attributes Reason: Subscription already exists with different attributes")
	require.NotEqual(t, arn, b.joined("sqs", queue+"2", raw))
}

func TestAttributesOfASubscriptionAreReadBackAsSet(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sns.json")
	b := newBench(t, path)
	b.topic()
	arn := b.joined("http", "http://192.0.2.1/", nil)
	set := func(name string, value *string) error {
		_, err := b.SetSubscriptionAttributes(t.Context(), &sdk.SetSubscriptionAttributesInput{SubscriptionArn: &arn, AttributeName: &name, AttributeValue: value})
		return err
	}
	values := map[string]string{
		"RawMessageDelivery": "true", "RedrivePolicy": `{"deadLetterTargetArn":"` + queue + `"}`,
		"DeliveryPolicy": `{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":2,"numRetries":4},"requestPolicy":{"headerContentType":"application/json"}}`,
	}
	for name, value := range values {
		require.NoError(t, set(name, &value), name)
	}
	b = newBench(t, path)
	all := b.subscription(arn)
	for name, value := range values {
		require.Equal(t, value, all[name], name)
	}
	require.Contains(t, all["EffectiveDeliveryPolicy"], `"numRetries":4`)
	require.NoError(t, set("RedrivePolicy", nil), "what the provider sends to remove it")
	require.NoError(t, set("DeliveryPolicy", aws.String("")))
	require.NoError(t, set("FilterPolicy", aws.String("{}")), "what the provider sends to remove it")
	all = b.subscription(arn)
	require.NotContains(t, all, "RedrivePolicy")
	require.NotContains(t, all, "FilterPolicy")
	require.Contains(t, all["EffectiveDeliveryPolicy"], `"numRetries":3`)
	refused(t, set("Color", aws.String("red")), "InvalidParameter", "AttributeName")
}

func TestWhoWasNotAskedYetIsPending(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	ctx := t.Context()
	out, err := b.Subscribe(ctx, &sdk.SubscribeInput{TopicArn: aws.String(topicARN), Protocol: aws.String("email"), Endpoint: aws.String("ops@example.com")})
	require.NoError(t, err)
	require.Equal(t, "pending confirmation", *out.SubscriptionArn)
	arn := b.joined("email", "ops@example.com", nil)
	require.Equal(t, "true", b.subscription(arn)["PendingConfirmation"])
	require.Equal(t, "1", b.attributes()["SubscriptionsPending"], "the same one was asked for again")

	all, err := b.ListSubscriptions(ctx, &sdk.ListSubscriptionsInput{})
	require.NoError(t, err)
	require.Len(t, all.Subscriptions, 1)
	require.Equal(t, "PendingConfirmation", *all.Subscriptions[0].SubscriptionArn)
	byTopic, err := b.ListSubscriptionsByTopic(ctx, &sdk.ListSubscriptionsByTopicInput{TopicArn: aws.String(topicARN)})
	require.NoError(t, err)
	require.Equal(t, all.Subscriptions, byTopic.Subscriptions)

	_, err = b.Unsubscribe(ctx, &sdk.UnsubscribeInput{SubscriptionArn: &arn})
	refused(t, err, "InvalidParameter", "Cannot unsubscribe a subscription that is pending confirmation")
	_, err = b.Unsubscribe(ctx, &sdk.UnsubscribeInput{SubscriptionArn: aws.String("PendingConfirmation")})
	refused(t, err, "InvalidParameter", "An ARN must have at least 6 elements")

	b.say("nobody gets this")
	asked := next(t, b.mails)
	require.Equal(t, letter{"ops@example.com", "AWS Notification - Subscription Confirmation", asked.text}, asked)
	require.Equal(t, asked, next(t, b.mails))
	require.Empty(t, b.mails)

	b.move(48*time.Hour - time.Second)
	require.Equal(t, "1", b.attributes()["SubscriptionsPending"])
	b.move(time.Second)
	require.Equal(t, "0", b.attributes()["SubscriptionsPending"])
	_, err = b.GetSubscriptionAttributes(ctx, &sdk.GetSubscriptionAttributesInput{SubscriptionArn: &arn})
	refused(t, err, "NotFound", "Subscription does not exist")
	_, err = b.Unsubscribe(ctx, &sdk.UnsubscribeInput{SubscriptionArn: &arn})
	require.NoError(t, err)
	status, body := b.follow(asked.text[strings.Index(asked.text, "http://"):])
	require.Equal(t, 400, status)
	require.Contains(t, body, "<Code>InvalidParameter</Code>")
}

func TestALinkConfirmsAndEndsASubscription(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	arn := b.joined("email", "ops@example.com", nil)
	asked := next(t, b.mails).text
	link := asked[strings.Index(asked, "http://"):]
	require.True(t, strings.HasPrefix(link, b.url+"/?Action=ConfirmSubscription&TopicArn="))

	for _, wrong := range []string{link + "0", link[:strings.Index(link, "&Token")], strings.Replace(link, "alarms", "other", 1)} {
		status, body := b.follow(wrong)
		require.Contains(t, []int{400, 404}, status, body)
		require.Equal(t, "true", b.subscription(arn)["PendingConfirmation"])
	}
	status, body := b.follow(link + "&AuthenticateOnUnsubscribe=true")
	require.Equal(t, 403, status)
	require.Contains(t, body, "<Code>AuthorizationError</Code>")
	for range 2 {
		status, body = b.follow(link)
		require.Equal(t, 200, status)
		require.Contains(t, body, "<SubscriptionArn>"+arn+"</SubscriptionArn>")
	}
	require.Equal(t, "false", b.subscription(arn)["PendingConfirmation"])
	require.Equal(t, "false", b.subscription(arn)["ConfirmationWasAuthenticated"])
	b.move(100 * 24 * time.Hour)
	b.say("hello")
	require.Equal(t, letter{"ops@example.com", "AWS Notification Message", "hello"}, next(t, b.mails))

	status, _ = b.follow(b.url + "/?Action=Unsubscribe&SubscriptionArn=" + url.QueryEscape(arn))
	require.Equal(t, 200, status)
	require.Equal(t, "1", b.attributes()["SubscriptionsDeleted"])
	require.Equal(t, "0", b.attributes()["SubscriptionsConfirmed"])
}

func TestWhoConfirmedWithASignatureMayAskForOne(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	arn := b.joined("email", "ops@example.com", nil)
	asked := next(t, b.mails).text
	token := asked[strings.Index(asked, "Token=")+len("Token="):]
	_, err := b.ConfirmSubscription(t.Context(), &sdk.ConfirmSubscriptionInput{TopicArn: aws.String(topicARN), Token: aws.String("guessed")})
	refused(t, err, "InvalidParameter", "Invalid parameter: Token")
	out, err := b.ConfirmSubscription(t.Context(), &sdk.ConfirmSubscriptionInput{TopicArn: aws.String(topicARN), Token: &token, AuthenticateOnUnsubscribe: aws.String("true")})
	require.NoError(t, err)
	require.Equal(t, arn, *out.SubscriptionArn)
	require.Equal(t, "true", b.subscription(arn)["ConfirmationWasAuthenticated"])

	status, body := b.follow(b.url + "/?Action=Unsubscribe&SubscriptionArn=" + url.QueryEscape(arn))
	require.Equal(t, 403, status)
	require.Contains(t, body, "requires authentication")
	_, err = b.Unsubscribe(t.Context(), &sdk.UnsubscribeInput{SubscriptionArn: &arn})
	require.NoError(t, err)
	_, err = b.Unsubscribe(t.Context(), &sdk.UnsubscribeInput{SubscriptionArn: &arn})
	require.NoError(t, err, "what is gone is gone")
}

func TestLinksOpenNothingElse(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	for _, link := range []string{"/?Action=Publish", "/?Action=ListTopics", "/x?Action=Unsubscribe", "/?Action=Unsubscribe&X-Amz-Signature=x"} {
		// Here the rest is the service itself; in a cloud it refuses them.
		_, body := b.follow(b.url + link)
		require.NotContains(t, body, "ConfirmSubscription")
	}
	for _, link := range []string{"/SimpleNotificationService-x.pem", "/SimpleNotificationService-.pem"} {
		status, _ := b.follow(b.url + link)
		require.Equal(t, 404, status)
	}
}

func TestSubscriptionsThatAreNotThere(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	for _, arn := range []string{"x", topicARN, "arn:aws:sns:us-east-1:000000000000:alarms:00000000-0000-0000-0000-000000000000"} {
		_, err := b.GetSubscriptionAttributes(t.Context(), &sdk.GetSubscriptionAttributesInput{SubscriptionArn: &arn})
		refused(t, err, "InvalidParameter", "SubscriptionArn")
		_, err = b.Unsubscribe(t.Context(), &sdk.UnsubscribeInput{SubscriptionArn: &arn})
		refused(t, err, "InvalidParameter", "SubscriptionArn")
	}
	_, err := b.SetSubscriptionAttributes(t.Context(), &sdk.SetSubscriptionAttributesInput{SubscriptionArn: aws.String(absent), AttributeName: aws.String("RawMessageDelivery"), AttributeValue: aws.String("true")})
	refused(t, err, "NotFound", "Subscription does not exist")
}
