package sns_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/sns"
)

const (
	account  = "000000000000"
	topicARN = "arn:aws:sns:eu-west-1:000000000000:alarms"
	alarmARN = "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:errors"
	function = "arn:aws:lambda:eu-west-1:000000000000:function:f"
	queue    = "arn:aws:sqs:eu-west-1:000000000000:q"
	absent   = topicARN + ":00000000-0000-0000-0000-000000000000"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// letter is a mail.
type letter struct{ to, subject, text string }

// call is a call of a function.
type call struct{ function, source, payload string }

// bench is SNS and a real client of it.
type bench struct {
	*sdk.Client
	t       *testing.T
	service *sns.Service
	url     string
	mails   chan letter
	calls   chan call

	mu     sync.Mutex
	now    time.Time
	caller sns.Caller
	delays []time.Duration
	keys   []string // that were asked for
	refuse error    // of the keys
	log    strings.Builder
}

func (b *bench) read() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) move(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// Write takes the log.
func (b *bench) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

func (b *bench) logged() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}

func (b *bench) as(caller sns.Caller) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.caller = caller
}

// wait passes no time.
func (b *bench) wait(_ context.Context, d time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.delays = append(b.delays, d)
	return nil
}

// waited are the times between tries.
func (b *bench) waited() []time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.delays)
}

func (b *bench) checkKey(keyID string, by sns.Publisher, topic string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys = append(b.keys, keyID+" "+by.Service+" "+topic)
	return b.refuse
}

// newBench opens SNS over a state file; options change it.
func newBench(t *testing.T, path string, options ...func(*sns.Options)) *bench {
	t.Helper()
	b := &bench{t: t, now: start, mails: make(chan letter, 100), calls: make(chan call, 100), caller: sns.Caller{ARN: "arn:aws:iam::000000000000:user/sandbox"}}
	server := httptest.NewUnstartedServer(nil)
	b.url = "http://" + server.Listener.Addr().String()
	o := sns.Options{
		Account: account, Region: "eu-west-1", Path: path, Now: b.read, Endpoint: b.url, Wait: b.wait, CheckKey: b.checkKey,
		Log: slog.New(slog.NewTextHandler(b, nil)),
		Caller: func(*http.Request) sns.Caller {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.caller
		},
		Exists: func(arn string) bool { return !strings.HasSuffix(arn, "/absent") },
		Invoke: func(_ context.Context, function, source string, payload []byte) error {
			b.calls <- call{function, source, string(payload)}
			return nil
		},
		Mail: func(to, subject, text string) { b.mails <- letter{to, subject, text} },
	}
	for _, each := range options {
		each(&o)
	}
	service, err := sns.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, service.Close()) })
	server.Config.Handler = service.Links(service)
	server.Start()
	t.Cleanup(server.Close)
	b.service = service
	b.Client = sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: &b.url, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
	})
	return b
}

// topic makes the topic with some attributes, which are pairs.
func (b *bench) topic(attributes ...string) {
	b.t.Helper()
	in := &sdk.CreateTopicInput{Name: aws.String("alarms"), Attributes: map[string]string{}}
	for i := 0; i < len(attributes); i += 2 {
		in.Attributes[attributes[i]] = attributes[i+1]
	}
	out, err := b.CreateTopic(b.t.Context(), in)
	require.NoError(b.t, err)
	require.Equal(b.t, topicARN, *out.TopicArn)
}

func (b *bench) set(name, value string) error {
	_, err := b.SetTopicAttributes(b.t.Context(), &sdk.SetTopicAttributesInput{TopicArn: aws.String(topicARN), AttributeName: &name, AttributeValue: &value})
	return err
}

func (b *bench) attributes() map[string]string {
	b.t.Helper()
	out, err := b.GetTopicAttributes(b.t.Context(), &sdk.GetTopicAttributesInput{TopicArn: aws.String(topicARN)})
	require.NoError(b.t, err)
	return out.Attributes
}

// join subscribes as the provider does and returns the ARN.
func (b *bench) join(protocol, endpoint string, attributes map[string]string) (string, error) {
	out, err := b.Subscribe(b.t.Context(), &sdk.SubscribeInput{
		TopicArn: aws.String(topicARN), Protocol: &protocol, Endpoint: &endpoint, Attributes: attributes, ReturnSubscriptionArn: true,
	})
	if err != nil {
		return "", err
	}
	return *out.SubscriptionArn, nil
}

func (b *bench) joined(protocol, endpoint string, attributes map[string]string) string {
	b.t.Helper()
	arn, err := b.join(protocol, endpoint, attributes)
	require.NoError(b.t, err)
	return arn
}

func (b *bench) subscription(arn string) map[string]string {
	b.t.Helper()
	out, err := b.GetSubscriptionAttributes(b.t.Context(), &sdk.GetSubscriptionAttributesInput{SubscriptionArn: &arn})
	require.NoError(b.t, err)
	return out.Attributes
}

func (b *bench) say(text string) {
	b.t.Helper()
	_, err := b.Publish(b.t.Context(), &sdk.PublishInput{TopicArn: aws.String(topicARN), Message: &text})
	require.NoError(b.t, err)
}

// alarm publishes as alarms do.
func (b *bench) alarm(text string) error {
	return b.service.PublishAs(sns.Publisher{Service: "cloudwatch.amazonaws.com", SourceARN: alarmARN}, topicARN, "ALARM", text)
}

// follow follows a link without a signature.
func (b *bench) follow(link string) (status int, body string) {
	b.t.Helper()
	answer, err := http.Get(link) //nolint:noctx // the server ends with the test
	require.NoError(b.t, err)
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	require.NoError(b.t, err)
	return answer.StatusCode, string(raw)
}

// got is what an endpoint got.
type got struct {
	header http.Header
	body   string
	note
}

// note is the body of a delivery.
type note struct {
	Type, MessageID, Token, TopicArn, Subject, Message, SubscribeURL, Timestamp string
	SignatureVersion, Signature, SigningCertURL, UnsubscribeURL                 string
	MessageAttributes                                                           map[string]struct{ Type, Value string }
}

// endpoint is an HTTP subscriber; answer tells what it answers to the n-th
// request, 200 if it is nil.
func endpoint(t *testing.T, answer func(n int) int) (url string, notes <-chan got) {
	t.Helper()
	received := make(chan got, 100)
	var mu sync.Mutex
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		each := got{header: r.Header, body: string(raw)}
		_ = json.Unmarshal(raw, &each.note) // it may be raw
		mu.Lock()
		n++
		status := http.StatusOK
		if answer != nil {
			status = answer(n)
		}
		mu.Unlock()
		if status == http.StatusFound {
			w.Header().Set("Location", "http://192.0.2.1/")
		}
		w.WriteHeader(status)
		received <- each
	}))
	t.Cleanup(server.Close)
	return server.URL, received
}

// next is the next of what is received.
func next[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case each := <-from:
		return each
	case <-time.After(20 * time.Second):
		require.FailNow(t, "nothing was received")
	}
	panic("unreachable")
}

func refused(t *testing.T, err error, code, text string) {
	t.Helper()
	var refusal smithy.APIError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, code, refusal.ErrorCode(), refusal.ErrorMessage())
	require.Contains(t, refusal.ErrorMessage(), text)
}
