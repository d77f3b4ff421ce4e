package cloudwatch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/cloudwatch"
)

// BenchmarkTick evaluates fifteen alarms such as a stack has, over a day or ninety
// of them, a day at a time as the sandbox's clock moves, with metrics that have
// values in each minute.
func BenchmarkTick(b *testing.B) {
	for _, days := range []int{1, 90} {
		b.Run(fmt.Sprintf("days=%d", days), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				now := start
				bench := &bench{}
				service, err := cloudwatch.New(cloudwatch.Options{
					Account: account, Region: "eu-west-1", Dir: b.TempDir(), Now: func() time.Time { return now }, Notify: bench.notify,
				})
				require.NoError(b, err)
				bench.service = service
				bench.serve(b)
				for i := range 5 {
					bench.create(b, burstAlarm(fmt.Sprintf("share%d", i), "IF(FILL(requests, 0) >= 20, 100*FILL(refused, 0)/requests, 0)"))
					slow := errorsAlarm(fmt.Sprintf("slow%d", i))
					slow.Namespace, slow.MetricName, slow.Dimensions = aws.String("N"), aws.String("Latency"), nil
					slow.Statistic, slow.ExtendedStatistic, slow.Period, slow.EvaluationPeriods = "", aws.String("p99"), aws.Int32(300), aws.Int32(3)
					bench.create(b, slow)
					odd := bandAlarm()
					odd.AlarmName, odd.EvaluationPeriods = aws.String(fmt.Sprintf("odd%d", i)), aws.Int32(3)
					odd.Metrics[0].MetricStat.Metric.MetricName = aws.String("Refused")
					bench.create(b, odd)
				}
				require.NoError(b, service.Tick())
				for range days {
					for minute := range 1440 {
						at := now.Add(time.Duration(minute) * time.Minute)
						for range 20 {
							service.Record("N", "Requests", nil, 1, at)
						}
						service.Record("N", "Refused", nil, float64(minute%3), at)
						for i := range 200 {
							service.Record("N", "Latency", nil, float64(20+(i*i+minute)%3000), at)
						}
					}
					now = now.Add(24 * time.Hour)
					b.StartTimer()
					require.NoError(b, service.Tick())
					b.StopTimer()
				}
				require.NoError(b, service.Close())
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N*days*15), "ms/alarm-day")
		})
	}
}
