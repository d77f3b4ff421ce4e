package cloudwatch_test

import (
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/cloudwatch"
)

const (
	account = "000000000000"
	topic   = "arn:aws:sns:eu-west-1:000000000000:alarms"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// told is what a topic was told.
type told struct{ topic, subject, message string }

// bench is CloudWatch and a real client of it.
type bench struct {
	*sdk.Client
	t       *testing.T
	service *cloudwatch.Service
	url     string

	mu   sync.Mutex
	now  time.Time
	told []told
	fail error // of the topic
}

func (b *bench) read() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

// move lets time pass and ticks.
func (b *bench) move(d time.Duration) {
	b.t.Helper()
	b.mu.Lock()
	b.now = b.now.Add(d)
	b.mu.Unlock()
	require.NoError(b.t, b.service.Tick())
}

func (b *bench) notify(topic, subject string, message []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told = append(b.told, told{topic, subject, string(message)})
	return b.fail
}

func newBench(t *testing.T, dir string) *bench {
	t.Helper()
	b := &bench{t: t, now: start}
	service, err := cloudwatch.New(cloudwatch.Options{Account: account, Region: "eu-west-1", Dir: dir, Now: b.read, Notify: b.notify})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, service.Close()) })
	b.service = service
	b.serve(t)
	return b
}

// serve makes the client.
func (b *bench) serve(t testing.TB) {
	server := httptest.NewServer(b.service)
	t.Cleanup(server.Close)
	b.url = server.URL
	b.Client = sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
	})
}

func refused(t *testing.T, err error, code, text string) {
	t.Helper()
	var refusal smithy.APIError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, code, refusal.ErrorCode(), refusal.ErrorMessage())
	require.Contains(t, refusal.ErrorMessage(), text)
}

// errorsAlarm is an alarm on the errors of a function.
func errorsAlarm(name string) *sdk.PutMetricAlarmInput {
	return &sdk.PutMetricAlarmInput{
		AlarmName: &name, Namespace: aws.String("AWS/Lambda"), MetricName: aws.String("Errors"), Statistic: types.StatisticSum,
		Dimensions: []types.Dimension{{Name: aws.String("FunctionName"), Value: aws.String("rotate")}},
		Period:     aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(0), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold,
		AlarmActions: []string{topic}, OKActions: []string{topic}, InsufficientDataActions: []string{topic},
	}
}

func (b *bench) put(in *sdk.PutMetricAlarmInput) {
	b.t.Helper()
	b.create(b.t, in)
}

func (b *bench) create(t testing.TB, in *sdk.PutMetricAlarmInput) {
	t.Helper()
	_, err := b.PutMetricAlarm(t.Context(), in)
	require.NoError(t, err)
}

// errors records errors of the function now.
func (b *bench) errors(count float64) {
	b.service.Record("AWS/Lambda", "Errors", map[string]string{"FunctionName": "rotate"}, count, b.read())
}

func (b *bench) alarm(name string) types.MetricAlarm {
	b.t.Helper()
	out, err := b.DescribeAlarms(b.t.Context(), &sdk.DescribeAlarmsInput{AlarmNames: []string{name}})
	require.NoError(b.t, err)
	require.Len(b.t, out.MetricAlarms, 1)
	return out.MetricAlarms[0]
}

func (b *bench) state(name string) types.StateValue {
	b.t.Helper()
	return b.alarm(name).StateValue
}
