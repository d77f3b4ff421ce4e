package cloudwatch_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/require"
)

// burstAlarm is on the share of refusals over five minutes, once there are twenty
// requests.
func burstAlarm(name, text string) *sdk.PutMetricAlarmInput {
	in := mathAlarm(name, stat("requests", "Requests", 300), stat("refused", "Refused", 300), expression("share", text))
	in.Threshold, in.TreatMissingData = aws.Float64(20), aws.String("notBreaching")
	in.OKActions = []string{topic}
	return in
}

func TestABurstOfRefusals(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"as it is":  "IF(requests >= 20, 100*refused/requests, 0)",
		"filled":    "IF(FILL(requests, 0) >= 20, 100*FILL(refused, 0)/requests, 0)",
		"with ANDs": "IF(requests >= 20 AND refused > 0, 100*refused/requests, 0)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			b.put(burstAlarm("burst", text))
			minute := func(requests, refused int) types.StateValue {
				for i := range requests {
					b.count("Requests", 1)
					if i < refused {
						b.count("Refused", 1)
					}
				}
				b.move(time.Minute)
				return b.state("burst")
			}
			require.Equal(t, types.StateValueOk, minute(0, 0), "no data")
			require.Equal(t, types.StateValueOk, minute(3, 3), "too few to tell")
			for i := range 10 {
				require.Equal(t, types.StateValueOk, minute(10, i%2))
			}
			require.Equal(t, types.StateValueAlarm, minute(30, 30))
			require.Equal(t, "ALARM: \"burst\" in EU (Ireland)", b.told[len(b.told)-1].subject)
			require.Contains(t, *b.alarm("burst").StateReason, "was greater than the threshold (20.0)")
			state := types.StateValueAlarm
			for i := 0; i < 5 && state != types.StateValueOk; i++ {
				state = minute(10, 1)
			}
			require.Equal(t, types.StateValueOk, state, "the burst is five minutes ago")
			require.Equal(t, "OK: \"burst\" in EU (Ireland)", b.told[len(b.told)-1].subject)
			require.Equal(t, []string{"Alarm updated from INSUFFICIENT_DATA to OK", "Alarm updated from OK to ALARM", "Alarm updated from ALARM to OK"}, b.changes("burst"))
		})
	}
}

// TestABurstBeforeSilence clears too, in one move of the clock: by what FILL puts
// in, or else by what missing data are treated as.
func TestABurstBeforeSilence(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.put(burstAlarm("filled", "IF(FILL(requests, 0) >= 20, 100*FILL(refused, 0)/requests, 0)"))
	b.put(burstAlarm("missing", "IF(requests >= 20, 100*refused/requests, 0)"))
	for range 25 {
		b.count("Requests", 1)
		b.count("Refused", 1)
	}
	b.move(time.Minute)
	require.Equal(t, types.StateValueAlarm, b.state("filled"))
	b.move(24 * time.Hour)
	want := []string{"Alarm updated from INSUFFICIENT_DATA to ALARM", "Alarm updated from ALARM to OK"}
	require.Equal(t, want, b.changes("filled"))
	require.Equal(t, want, b.changes("missing"))
	require.Equal(t, start.Add(6*time.Minute), b.alarm("filled").StateUpdatedTimestamp.UTC())
	require.Equal(t, start.Add(16*time.Minute), b.alarm("missing").StateUpdatedTimestamp.UTC(), "points before the period count in for what is missing")
}

func TestAnAlarmOnAPercentile(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	for name, low := range map[string]*string{"evaluated": nil, "ignored": aws.String("ignore")} {
		in := errorsAlarm(name)
		in.MetricName, in.Statistic, in.ExtendedStatistic, in.Threshold = aws.String("Duration"), "", aws.String("p90"), aws.Float64(500)
		in.EvaluateLowSampleCountPercentile = low
		b.put(in)
		require.Equal(t, low, b.alarm(name).EvaluateLowSampleCountPercentile)
	}
	minute := func(fast, slow int) (evaluated, ignored types.StateValue) {
		for i := range fast + slow {
			took := 100.0
			if i >= fast {
				took = 900
			}
			b.service.Record("AWS/Lambda", "Duration", map[string]string{"FunctionName": "rotate"}, took, b.read())
		}
		b.move(time.Minute)
		return b.state("evaluated"), b.state("ignored")
	}
	for i, test := range []struct {
		fast, slow         int
		evaluated, ignored types.StateValue
	}{
		{9, 1, types.StateValueOk, types.StateValueInsufficientData},
		{91, 9, types.StateValueOk, types.StateValueOk},
		{8, 2, types.StateValueAlarm, types.StateValueOk},
		{89, 11, types.StateValueAlarm, types.StateValueAlarm},
		{10, 0, types.StateValueOk, types.StateValueAlarm},
		{99, 1, types.StateValueOk, types.StateValueOk},
	} {
		evaluated, ignored := minute(test.fast, test.slow)
		require.Equal(t, test.evaluated, evaluated, i)
		require.Equal(t, test.ignored, ignored, i)
	}
}

// TestThePercentileOfAnExpression is ignored too if it is of few samples.
func TestThePercentileOfAnExpression(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	m := stat("m", "Latency", 300)
	m.MetricStat.Stat = aws.String("p99")
	in := mathAlarm("slow", m, expression("e", "m/1000"))
	in.Threshold, in.EvaluateLowSampleCountPercentile = aws.Float64(1), aws.String("ignore")
	b.put(in)
	for i := range 999 {
		b.count("Latency", float64(i*2))
	}
	b.move(time.Minute)
	require.Equal(t, types.StateValueInsufficientData, b.state("slow"))
	b.count("Latency", 5)
	b.move(time.Minute)
	require.Equal(t, types.StateValueAlarm, b.state("slow"), "by the thousandth")
}
