package logs_test

import (
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/logs"
)

func (b *bench) deliver(at time.Duration, line string) {
	b.t.Helper()
	require.NoError(b.t, b.service.Deliver(prefix+"/g", "s", start.Add(at), line))
}

func TestEventsThatMatchCount(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.group("/g")
	b.deliver(0, `{"status":"403"}`)
	b.filter("/g", "refused", `{ $.status = "4*" }`, one)
	require.Empty(t, b.metrics.take(), "what came before does not count")
	b.deliver(time.Second, `{"status":"403"}`)
	b.deliver(2*time.Second, `{"status":"200"}`)
	b.deliver(3*time.Second, "not JSON")
	require.NoError(t, b.service.Append("/g", "s", false, []logs.Line{{At: start.Add(4 * time.Second), Text: `{"status":"401"}`}}))
	_, err := b.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("/g"), LogStreamName: aws.String("s"), LogEvents: []types.InputLogEvent{
		{Timestamp: aws.Int64(start.Add(-15 * 24 * time.Hour).UnixMilli()), Message: aws.String(`{"status":"404"}`)}, // too old
		{Timestamp: aws.Int64(start.Add(5 * time.Second).UnixMilli()), Message: aws.String(`{"status":"429"}`)},
	}})
	require.NoError(t, err)
	require.Equal(t, []string{"N M: 1 at 12:00:01.000", "N M: 1 at 12:00:04.000", "N M: 1 at 12:00:05.000"}, b.metrics.take())

	b.filter("/g", "refused", `{ $.status = "5*" }`, one)
	b.deliver(6*time.Second, `{"status":"403"}`)
	require.Empty(t, b.metrics.take(), "the filter was changed")
	_, err = b.DeleteMetricFilter(t.Context(), &cloudwatchlogs.DeleteMetricFilterInput{LogGroupName: aws.String("/g"), FilterName: aws.String("refused")})
	require.NoError(t, err)
	b.deliver(6*time.Second, `{"status":"500"}`)
	require.Empty(t, b.metrics.take(), "the filter was deleted")
	b.filter("/g", "all", "", one)
	_, err = b.DeleteLogGroup(t.Context(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String("/g")})
	require.NoError(t, err)
	b.group("/g")
	b.deliver(7*time.Second, "x")
	require.Empty(t, b.metrics.take(), "the group was deleted")
}

func TestValuesAndDimensionsAreFields(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.group("/g")
	b.filter("/g", "latency", `{ $.ms = * && $.route = * && $.caller.kind = * }`, with(func(to *types.MetricTransformation) {
		to.MetricValue, to.Dimensions = aws.String("$.ms"), map[string]string{"Route": "$.route", "Kind": "$.caller.kind"}
	}))
	for _, line := range []string{
		`{"ms":12.5,"route":"GET /a","caller":{"kind":true}}`,
		`{"ms":"7","route":"GET /b","caller":{"kind":3}}`,
		`{"ms":"-","route":"GET /a","caller":{"kind":"app"}}`,   // no number
		`{"ms":"Inf","route":"GET /a","caller":{"kind":"app"}}`, // nor that
		`{"ms":true,"route":"GET /a","caller":{"kind":"app"}}`,
		`{"ms":1,"route":"","caller":{"kind":"app"}}`, // no dimension
		`{"ms":1,"route":"GET /a","caller":{}}`,       // does not match
	} {
		b.deliver(0, line)
	}
	require.Equal(t, []string{"N M Kind=true Route=GET /a: 12.5 at 12:00:00.000", "N M Kind=3 Route=GET /b: 7 at 12:00:00.000"}, b.metrics.take())
}

func TestMinutesWithoutAMatchHaveTheDefaultValue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newBench(t, dir)
	b.group("/g")
	b.filter("/g", "f", "refused", zero)
	b.deliver(10*time.Second, "x")
	b.deliver(20*time.Second, "x")
	b.deliver(30*time.Second, "refused")
	b.deliver(40*time.Second, "x")
	b.deliver(time.Minute, "refused")
	b.deliver(time.Minute+time.Second, "x")
	require.Equal(t, []string{"N M: 0 at 12:00:00.000", "N M: 1 at 12:00:30.000", "N M: 1 at 12:01:00.000"}, b.metrics.take())

	lines := []logs.Line{{start.Add(2 * time.Minute), "x"}, {start.Add(2 * time.Minute), "refused"}, {start.Add(3 * time.Minute), "x"}}
	require.NoError(t, b.service.Append("/g", "s", false, lines))
	require.Equal(t, []string{"N M: 1 at 12:02:00.000", "N M: 0 at 12:03:00.000"}, b.metrics.take(), "a batch is looked at as a whole")

	b = newBench(t, dir)
	b.deliver(4*time.Minute, "refused")
	require.Equal(t, []string{"N M: 1 at 12:04:00.000"}, b.metrics.take(), "filters outlive a reopen")
	for i := range 2000 {
		b.deliver(time.Duration(i+5)*time.Minute, "x")
	}
	require.Len(t, b.metrics.take(), 2000)
}

func TestConcurrentEventsAllCount(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.group("/g")
	b.filter("/g", "a", "x", one)
	b.filter("/g", "b", "y", zero)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if err := b.service.Deliver(prefix+"/g", "s", start, "x"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.Len(t, b.metrics.take(), 161)
}
