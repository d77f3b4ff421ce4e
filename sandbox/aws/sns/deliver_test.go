package sns_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/sns"
)

// confirmed subscribes an endpoint that confirms.
func (b *bench) confirmed(to string, notes <-chan got, attributes map[string]string) string {
	b.t.Helper()
	arn := b.joined("http", to, attributes)
	status, _ := b.follow(next(b.t, notes).SubscribeURL)
	require.Equal(b.t, http.StatusOK, status)
	return arn
}

// verify checks a signature as AWS documents it.
func (b *bench) verify(n note) {
	b.t.Helper()
	_, body := b.follow(n.SigningCertURL)
	block, _ := pem.Decode([]byte(body))
	require.NotNil(b.t, block, body)
	certificate, err := x509.ParseCertificate(block.Bytes)
	require.NoError(b.t, err)
	require.True(b.t, certificate.NotBefore.Before(time.Now()) && certificate.NotAfter.After(time.Now()))
	text := "Message\n" + n.Message + "\nMessageId\n" + n.MessageID
	if n.Type == "Notification" {
		if n.Subject != "" {
			text += "\nSubject\n" + n.Subject
		}
		text += "\nTimestamp\n" + n.Timestamp
	} else {
		text += "\nSubscribeURL\n" + n.SubscribeURL + "\nTimestamp\n" + n.Timestamp + "\nToken\n" + n.Token
	}
	text += "\nTopicArn\n" + n.TopicArn + "\nType\n" + n.Type + "\n"
	signature, err := base64.StdEncoding.DecodeString(n.Signature)
	require.NoError(b.t, err)
	hash, first, second := crypto.SHA1, sha1.Sum([]byte(text)), sha256.Sum256([]byte(text))
	digest := first[:]
	if n.SignatureVersion == "2" {
		hash, digest = crypto.SHA256, second[:]
	}
	require.NoError(b.t, rsa.VerifyPKCS1v15(certificate.PublicKey.(*rsa.PublicKey), hash, digest, signature))
}

func TestAnEndpointIsAskedAndThenTold(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	to, notes := endpoint(t, nil)
	arn := b.joined("http", to+"/hook?secret=hunter2", nil)
	asked := next(t, notes)
	require.Equal(t, "SubscriptionConfirmation", asked.Type)
	require.Equal(t, "SubscriptionConfirmation", asked.header.Get("x-amz-sns-message-type"))
	require.Equal(t, asked.MessageID, asked.header.Get("x-amz-sns-message-id"))
	require.Equal(t, topicARN, asked.header.Get("x-amz-sns-topic-arn"))
	require.Empty(t, asked.header.Get("x-amz-sns-subscription-arn"))
	require.Equal(t, "text/plain; charset=UTF-8", asked.header.Get("Content-Type"))
	require.Contains(t, asked.SubscribeURL, asked.Token)
	require.Equal(t, "2026-03-01T12:00:00.000Z", asked.Timestamp)
	b.verify(asked.note)
	b.say("too early")
	status, _ := b.follow(asked.SubscribeURL)
	require.Equal(t, http.StatusOK, status)

	out, err := b.Publish(t.Context(), &sdk.PublishInput{
		TopicArn: aws.String(topicARN), Subject: aws.String("ALARM: \"x\""), Message: aws.String("a <b> & \"c\"\nü"),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"kind": {DataType: aws.String("String"), StringValue: aws.String("x")},
			"raw":  {DataType: aws.String("Binary"), BinaryValue: []byte{1, 2}},
		},
	})
	require.NoError(t, err)
	told := next(t, notes)
	require.Equal(t, "Notification", told.Type)
	require.Equal(t, *out.MessageId, told.MessageID)
	require.Equal(t, "ALARM: \"x\"", told.Subject)
	require.Equal(t, "a <b> & \"c\"\nü", told.Message)
	require.Equal(t, "Notification", told.header.Get("x-amz-sns-message-type"))
	require.Equal(t, arn, told.header.Get("x-amz-sns-subscription-arn"))
	require.Equal(t, "1", told.SignatureVersion)
	require.Equal(t, "x", told.MessageAttributes["kind"].Value)
	require.Equal(t, "AQI=", told.MessageAttributes["raw"].Value)
	b.verify(told.note)
	require.NoError(t, b.set("SignatureVersion", "2"))
	b.say("without a subject")
	told = next(t, notes)
	require.Equal(t, "2", told.SignatureVersion)
	require.Empty(t, told.Subject)
	b.verify(told.note)

	status, _ = b.follow(told.UnsubscribeURL)
	require.Equal(t, http.StatusOK, status)
	b.say("nobody gets this")
	require.NoError(t, b.service.Close())
	require.Empty(t, notes)
	require.NotContains(t, b.logged(), "hunter2")
	require.NotContains(t, b.logged(), asked.Token)
}

func TestARawDeliveryIsTheMessageAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	to, notes := endpoint(t, nil)
	b.confirmed(to, notes, map[string]string{"RawMessageDelivery": "true", "DeliveryPolicy": `{"requestPolicy":{"headerContentType":"application/json"}}`})
	b.say(`{"a":1}`)
	told := next(t, notes)
	require.Equal(t, `{"a":1}`, told.body)
	require.Equal(t, "true", told.header.Get("x-amz-sns-rawdelivery"))
	require.Equal(t, "application/json", told.header.Get("Content-Type"))
}

func TestMessagesComeInTheirOrderThroughFailures(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	to, notes := endpoint(t, func(n int) int {
		if n > 1 && n%3 != 0 {
			return []int{http.StatusServiceUnavailable, http.StatusTooManyRequests}[n%2]
		}
		return http.StatusOK
	})
	b.confirmed(to, notes, nil)
	for i := range 20 {
		b.say(fmt.Sprint(i))
	}
	var tries []string
	for range 2 + 19*3 { // the first one is there at the second try, the others at the third
		tries = append(tries, next(t, notes).Message)
	}
	require.Equal(t, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19"}, slices.Compact(tries))
	require.Equal(t, 20*time.Second, b.waited()[38])
}

func TestHowOftenAnEndpointIsTried(t *testing.T) {
	t.Parallel()
	const s = time.Second
	phases := `{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":10,"numRetries":7,"numNoDelayRetries":1,"numMinDelayRetries":1,"numMaxDelayRetries":1,"backoffFunction":"exponential"}}`
	for name, test := range map[string]struct {
		status     int
		attributes map[string]string
		topic      []string
		delays     []time.Duration
	}{
		"an error of the server":  {status: 500, delays: []time.Duration{20 * s, 20 * s, 20 * s}},
		"too many requests":       {status: 429, delays: []time.Duration{20 * s, 20 * s, 20 * s}},
		"an error of the client":  {status: 404},
		"a redirect":              {status: 302},
		"phases":                  {status: 500, attributes: map[string]string{"DeliveryPolicy": phases}, delays: []time.Duration{0, s, s, 4 * s, 7 * s, 10 * s, 10 * s}},
		"no retries of the topic": {status: 500, topic: []string{"DeliveryPolicy", `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":0}}}`}},
		"the topic has its way": {
			status: 500, attributes: map[string]string{"DeliveryPolicy": phases},
			topic:  []string{"DeliveryPolicy", `{"http":{"disableSubscriptionOverrides":true,"defaultHealthyRetryPolicy":{"minDelayTarget":5,"maxDelayTarget":5,"numRetries":1}}}`},
			delays: []time.Duration{5 * s},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			b.topic(test.topic...)
			to, notes := endpoint(t, func(n int) int {
				if n == 1 {
					return 200
				}
				return test.status
			})
			b.confirmed(to, notes, test.attributes)
			b.say("m")
			for range len(test.delays) + 1 {
				require.Equal(t, "m", next(t, notes).Message)
			}
			b.say("n")
			require.Equal(t, "n", next(t, notes).Message, "the first was given up")
			require.Contains(t, b.logged(), fmt.Sprintf("the endpoint answered %d", test.status))
			for i, each := range test.delays {
				require.Equal(t, each, b.waited()[i], "%v", b.waited())
			}
		})
	}
}

func TestOnlyThisMachineIsCalled(t *testing.T) {
	t.Parallel()
	b := newBench(t, "", func(o *sns.Options) {
		o.Client = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			require.Fail(t, "called "+r.URL.Host)
			return nil, http.ErrServerClosed
		})}
	})
	b.topic()
	for _, to := range []string{"http://192.0.2.1/", "http://example.com/", "http://localhost.example.com/", "http://127.0.0.1.example.com", "http://[::ffff:192.0.2.1]/", "http://%zz"} {
		arn := b.joined("http", to, nil)
		require.Equal(t, "true", b.subscription(arn)["PendingConfirmation"])
	}
	require.Eventually(t, func() bool { return strings.Count(b.logged(), "not on loopback") == 6 }, 20*time.Second, time.Millisecond, b.logged())
}

// transport is an HTTP client without a network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestFailuresShowNoAddress(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	b.joined("http", "http://user:hunter2@127.0.0.1:1/hunter2", nil)
	require.Eventually(t, func() bool { return strings.Contains(b.logged(), "not delivered") }, 20*time.Second, time.Millisecond)
	require.NotContains(t, b.logged(), "hunter2")
	require.Len(t, b.waited(), 3)
}

func TestFunctionsAreCalled(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	arn := b.joined("lambda", function, nil)
	require.NoError(t, b.alarm("fired"))
	made := next(t, b.calls)
	require.Equal(t, function, made.function)
	require.Equal(t, topicARN, made.source)
	var event struct {
		Records []struct {
			EventSource, EventVersion, EventSubscriptionArn string
			Sns                                             struct{ Type, TopicArn, Subject, Message, Timestamp, SigningCertURL, UnsubscribeURL string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(made.payload), &event))
	require.Len(t, event.Records, 1)
	require.Equal(t, "aws:sns", event.Records[0].EventSource)
	require.Equal(t, arn, event.Records[0].EventSubscriptionArn)
	require.Equal(t, "fired", event.Records[0].Sns.Message)
	require.Equal(t, "ALARM", event.Records[0].Sns.Subject)
	require.NotEmpty(t, event.Records[0].Sns.UnsubscribeURL)
}

func TestWhatTheSandboxDoesNotHaveIsLogged(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	b.joined("sqs", queue, nil)
	b.say("m")
	require.Eventually(t, func() bool { return strings.Contains(b.logged(), "the sandbox delivers nothing to sqs") }, 20*time.Second, time.Millisecond)
}

func TestProtocolsMayHaveTextsOfTheirOwn(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	to, notes := endpoint(t, nil)
	b.confirmed(to, notes, nil)
	b.joined("lambda", function, nil)
	_, err := b.Publish(t.Context(), &sdk.PublishInput{
		TopicArn: aws.String(topicARN), MessageStructure: aws.String("json"), Message: aws.String(`{"default":"all","http":"web"}`),
	})
	require.NoError(t, err)
	require.Equal(t, "web", next(t, notes).Message)
	require.Contains(t, next(t, b.calls).payload, `"Message": "all"`)
}

func TestMailForProgramsIsJSON(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	b.joined("email-json", "ops@example.com", nil)
	var asked note
	require.NoError(t, json.Unmarshal([]byte(next(t, b.mails).text), &asked))
	b.follow(asked.SubscribeURL)
	require.NoError(t, b.alarm("fired"))
	told := next(t, b.mails)
	require.Equal(t, "ALARM", told.subject)
	var n note
	require.NoError(t, json.Unmarshal([]byte(told.text), &n))
	require.Equal(t, "fired", n.Message)
	b.verify(n)
}

func TestMessagesThatCannotBe(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	text := func(kind, value string) map[string]types.MessageAttributeValue {
		return map[string]types.MessageAttributeValue{"a": {DataType: &kind, StringValue: &value}}
	}
	for name, test := range map[string]struct {
		in         sdk.PublishInput
		code, text string
	}{
		"empty":               {sdk.PublishInput{Message: aws.String("")}, "InvalidParameter", "Invalid parameter: Empty message"},
		"too long":            {sdk.PublishInput{Message: aws.String(strings.Repeat("a", 262145))}, "InvalidParameter", "Invalid parameter: Message too long"},
		"empty subject":       {sdk.PublishInput{Message: aws.String("m"), Subject: aws.String("")}, "InvalidParameter", "Subject"},
		"long subject":        {sdk.PublishInput{Message: aws.String("m"), Subject: aws.String(strings.Repeat("a", 101))}, "InvalidParameter", "Subject"},
		"subject of lines":    {sdk.PublishInput{Message: aws.String("m"), Subject: aws.String("a\nb")}, "InvalidParameter", "Subject"},
		"subject of a script": {sdk.PublishInput{Message: aws.String("m"), Subject: aws.String("ü")}, "InvalidParameter", "Subject"},
		"another structure":   {sdk.PublishInput{Message: aws.String("m"), MessageStructure: aws.String("xml")}, "InvalidParameter", "MessageStructure"},
		"no JSON":             {sdk.PublishInput{Message: aws.String("m"), MessageStructure: aws.String("json")}, "InvalidParameter", "JSON message body failed to parse"},
		"no default":          {sdk.PublishInput{Message: aws.String(`{"http":"m"}`), MessageStructure: aws.String("json")}, "InvalidParameter", "No default entry in JSON message body"},
		"attribute's type":    {sdk.PublishInput{Message: aws.String("m"), MessageAttributes: text("Text", "x")}, "InvalidParameter", "type"},
		"attribute's number":  {sdk.PublishInput{Message: aws.String("m"), MessageAttributes: text("Number", "x")}, "ParameterValueInvalid", "value"},
		"empty attribute":     {sdk.PublishInput{Message: aws.String("m"), MessageAttributes: text("String", "")}, "ParameterValueInvalid", "value"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.in.TopicArn = aws.String(topicARN)
			_, err := b.Publish(t.Context(), &test.in)
			refused(t, err, test.code, test.text)
		})
	}
}

func TestSubjectsOfAlarmsAreMadeToFit(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.topic()
	to, notes := endpoint(t, nil)
	b.confirmed(to, notes, nil)
	require.NoError(t, b.service.PublishAs(sns.Publisher{Service: "cloudwatch.amazonaws.com", SourceARN: alarmARN}, topicARN, "ALARM: ü"+strings.Repeat("x", 200), "m"))
	require.Equal(t, "ALARM: ?"+strings.Repeat("x", 92), next(t, notes).Subject)
	require.ErrorContains(t, b.service.PublishAs(sns.Publisher{}, topicARN, "s", ""), "Empty message")
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	waiting := make(chan struct{})
	b := newBench(t, "", func(o *sns.Options) {
		o.Wait = func(ctx context.Context, _ time.Duration) error {
			close(waiting)
			<-ctx.Done()
			return ctx.Err()
		}
	})
	b.topic()
	to, notes := endpoint(t, func(int) int { return 500 })
	b.joined("http", to, nil)
	next(t, notes)
	next(t, waiting)
	require.NoError(t, b.service.Close())
	b.say("dropped")
	require.Empty(t, notes)
	require.NotContains(t, b.logged(), "not delivered")
}
