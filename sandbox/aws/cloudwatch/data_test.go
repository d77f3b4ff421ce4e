package cloudwatch_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/require"
)

func value(v float64) types.MetricDatum {
	return types.MetricDatum{MetricName: aws.String("a"), Value: &v}
}

func TestDataArePutAndGot(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	at := func(d types.MetricDatum, minutes int) types.MetricDatum {
		d.Timestamp = aws.Time(start.Add(time.Duration(minutes) * time.Minute))
		return d
	}
	_, err := b.PutMetricData(ctx, &sdk.PutMetricDataInput{Namespace: aws.String("N"), MetricData: []types.MetricDatum{
		at(value(1), -10), at(value(3), -10), at(value(5), -7),
		at(types.MetricDatum{MetricName: aws.String("a"), Values: []float64{7, 9}, Counts: []float64{2, 1}}, -3),
		at(types.MetricDatum{MetricName: aws.String("a"), StatisticValues: &types.StatisticSet{SampleCount: aws.Float64(2), Sum: aws.Float64(10), Minimum: aws.Float64(4), Maximum: aws.Float64(6)}}, -3),
		at(types.MetricDatum{MetricName: aws.String("b"), Value: aws.Float64(100), Unit: types.StandardUnitCount, Dimensions: []types.Dimension{{Name: aws.String("y"), Value: aws.String("2")}, {Name: aws.String("x"), Value: aws.String("1")}}}, -3),
	}})
	require.NoError(t, err)

	got, err := b.GetMetricStatistics(ctx, &sdk.GetMetricStatisticsInput{
		Namespace: aws.String("N"), MetricName: aws.String("a"), StartTime: aws.Time(start.Add(-10 * time.Minute)), EndTime: &start, Period: aws.Int32(300),
		Statistics: []types.Statistic{types.StatisticSum, types.StatisticAverage, types.StatisticMaximum, types.StatisticMinimum, types.StatisticSampleCount}, ExtendedStatistics: []string{"p50"},
	})
	require.NoError(t, err)
	require.Len(t, got.Datapoints, 2)
	first := got.Datapoints[0]
	require.Equal(t, start.Add(-10*time.Minute), first.Timestamp.UTC())
	require.Equal(t, []float64{9, 3, 5, 1, 3}, []float64{*first.Sum, *first.Average, *first.Maximum, *first.Minimum, *first.SampleCount})
	require.Equal(t, map[string]float64{"p50": 3}, first.ExtendedStatistics)
	second := got.Datapoints[1]
	require.Equal(t, []float64{33, 6.6, 9, 4, 5}, []float64{*second.Sum, *second.Average, *second.Maximum, *second.Minimum, *second.SampleCount})

	sum := func(id, name string, dimensions ...types.Dimension) types.MetricDataQuery {
		return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: aws.String("N"), MetricName: &name, Dimensions: dimensions}, Period: aws.Int32(60), Stat: aws.String("Sum"),
		}}
	}
	data, err := b.GetMetricData(ctx, &sdk.GetMetricDataInput{
		StartTime: aws.Time(start.Add(-10 * time.Minute)), EndTime: &start, ScanBy: types.ScanByTimestampAscending,
		MetricDataQueries: []types.MetricDataQuery{sum("m1", "a"), func() types.MetricDataQuery {
			q := sum("m2", "b", types.Dimension{Name: aws.String("x"), Value: aws.String("1")}, types.Dimension{Name: aws.String("y"), Value: aws.String("2")})
			q.ReturnData = aws.Bool(false)
			return q
		}(), {Id: aws.String("e"), Expression: aws.String("100 * m1 / m2"), Label: aws.String("share")}},
	})
	require.NoError(t, err)
	require.Len(t, data.MetricDataResults, 2)
	require.Equal(t, []float64{4, 5, 33}, data.MetricDataResults[0].Values)
	require.Equal(t, start.Add(-7*time.Minute), data.MetricDataResults[0].Timestamps[1].UTC())
	require.Equal(t, []float64{33}, data.MetricDataResults[1].Values)
	require.Equal(t, "share", *data.MetricDataResults[1].Label)

	for name, test := range map[string]struct {
		in   *sdk.ListMetricsInput
		want int
	}{
		"all":       {&sdk.ListMetricsInput{}, 2},
		"namespace": {&sdk.ListMetricsInput{Namespace: aws.String("M")}, 0},
		"name":      {&sdk.ListMetricsInput{MetricName: aws.String("b")}, 1},
		"dimension": {&sdk.ListMetricsInput{Dimensions: []types.DimensionFilter{{Name: aws.String("y")}}}, 1},
		"its value": {&sdk.ListMetricsInput{Dimensions: []types.DimensionFilter{{Name: aws.String("y"), Value: aws.String("1")}}}, 0},
		"recent":    {&sdk.ListMetricsInput{RecentlyActive: types.RecentlyActivePt3h}, 2},
	} {
		list, err := b.ListMetrics(ctx, test.in)
		require.NoError(t, err, name)
		require.Len(t, list.Metrics, test.want, name)
	}
	b.move(4 * time.Hour)
	list, err := b.ListMetrics(ctx, &sdk.ListMetricsInput{RecentlyActive: types.RecentlyActivePt3h})
	require.NoError(t, err)
	require.Empty(t, list.Metrics)
}

func TestDataThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	at := func(d time.Duration) types.MetricDatum {
		datum := value(1)
		datum.Timestamp = aws.Time(start.Add(d))
		return datum
	}
	for name, test := range map[string]struct {
		namespace  string
		data       []types.MetricDatum
		code, want string
	}{
		"AWS's namespace": {"AWS/Lambda", []types.MetricDatum{value(1)}, "InvalidParameterValue", "AWS/"},
		"no data":         {"N", []types.MetricDatum{}, "MissingParameter", "MetricData"},
		"too many":        {"N", slices.Repeat([]types.MetricDatum{value(1)}, 1001), "InvalidParameterValue", "1000"},
		"no name":         {"N", []types.MetricDatum{{MetricName: aws.String(""), Value: aws.Float64(1)}}, "InvalidParameterValue", "MetricName"},
		"no value":        {"N", []types.MetricDatum{{MetricName: aws.String("a")}}, "InvalidParameterCombination", "MetricData.member.1.Value"},
		"two values":      {"N", []types.MetricDatum{{MetricName: aws.String("a"), Value: aws.Float64(1), Values: []float64{1}}}, "InvalidParameterCombination", "Value"},
		"no number":       {"N", []types.MetricDatum{value(math.NaN())}, "InvalidParameterValue", "NaN"},
		"infinity":        {"N", []types.MetricDatum{value(math.Inf(-1))}, "InvalidParameterValue", "-Infinity"},
		"counts":          {"N", []types.MetricDatum{{MetricName: aws.String("a"), Values: []float64{1, 2}, Counts: []float64{1}}}, "InvalidParameterValue", "same size"},
		"a negative one":  {"N", []types.MetricDatum{{MetricName: aws.String("a"), Values: []float64{1}, Counts: []float64{-1}}}, "InvalidParameterValue", "Counts"},
		"a set":           {"N", []types.MetricDatum{{MetricName: aws.String("a"), StatisticValues: &types.StatisticSet{SampleCount: aws.Float64(1), Sum: aws.Float64(1), Minimum: aws.Float64(2), Maximum: aws.Float64(1)}}}, "InvalidParameterValue", "StatisticValues"},
		"too old":         {"N", []types.MetricDatum{at(-14*24*time.Hour - time.Second)}, "InvalidParameterValue", "two weeks"},
		"in the future":   {"N", []types.MetricDatum{at(2*time.Hour + time.Second)}, "InvalidParameterValue", "two hours"},
		"a unit":          {"N", []types.MetricDatum{{MetricName: aws.String("a"), Value: aws.Float64(1), Unit: "Apples"}}, "ValidationError", "unit"},
	} {
		_, err := b.PutMetricData(ctx, &sdk.PutMetricDataInput{Namespace: &test.namespace, MetricData: test.data})
		require.Error(t, err, name)
		refused(t, err, test.code, test.want)
	}
	stats := func(change func(*sdk.GetMetricStatisticsInput)) error {
		in := &sdk.GetMetricStatisticsInput{
			Namespace: aws.String("N"), MetricName: aws.String("a"), StartTime: aws.Time(start.Add(-time.Hour)), EndTime: &start, Period: aws.Int32(60), Statistics: []types.Statistic{types.StatisticSum},
		}
		change(in)
		_, err := b.GetMetricStatistics(ctx, in)
		return err
	}
	refused(t, stats(func(in *sdk.GetMetricStatisticsInput) { in.StartTime = aws.Time(start.Add(-25 * time.Hour)) }), "InvalidParameterCombination", "You have requested up to 1500 datapoints, which exceeds the limit of 1,440.")
	refused(t, stats(func(in *sdk.GetMetricStatisticsInput) { in.StartTime = &start }), "InvalidParameterValue", "StartTime must be less than")
	refused(t, stats(func(in *sdk.GetMetricStatisticsInput) { in.Statistics = nil }), "MissingParameter", "Statistics")
	refused(t, stats(func(in *sdk.GetMetricStatisticsInput) { in.Period = aws.Int32(61) }), "InvalidParameterValue", "multiple of 60")
	refused(t, stats(func(in *sdk.GetMetricStatisticsInput) { in.ExtendedStatistics = []string{"median"} }), "InvalidParameterValue", "median")
	_, err := b.GetMetricData(ctx, &sdk.GetMetricDataInput{StartTime: aws.Time(start.Add(-time.Hour)), EndTime: &start, MetricDataQueries: []types.MetricDataQuery{{Id: aws.String("M")}}})
	refused(t, err, "ValidationError", "Id")
}

// TestManyDataAreCompressed by the client.
func TestManyDataAreCompressed(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	var data []types.MetricDatum
	for i := range 900 {
		data = append(data, types.MetricDatum{MetricName: aws.String(fmt.Sprintf("metric-%04d", i)), Value: aws.Float64(1)})
	}
	_, err := b.PutMetricData(t.Context(), &sdk.PutMetricDataInput{Namespace: aws.String("N"), MetricData: data})
	require.NoError(t, err)
	count := 0
	pages := sdk.NewListMetricsPaginator(b.Client, &sdk.ListMetricsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		count += len(page.Metrics)
	}
	require.Equal(t, 900, count)
}

func TestOldDataAreForgotten(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	for i := range 3000 {
		b.service.Record("N", "a", nil, 1, start.Add(time.Duration(i-3000)*time.Minute))
	}
	got, err := b.GetMetricStatistics(t.Context(), &sdk.GetMetricStatisticsInput{
		Namespace: aws.String("N"), MetricName: aws.String("a"), StartTime: aws.Time(start.Add(-4 * 24 * time.Hour)), EndTime: &start, Period: aws.Int32(86400), Statistics: []types.Statistic{types.StatisticSum},
	})
	require.NoError(t, err)
	total := 0.0
	for _, point := range got.Datapoints {
		total += *point.Sum
	}
	require.InDelta(t, 2880, total, 0)
}

func TestAnAlarmOnAShare(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	in := mathAlarm("share", stat("m1", "refused", 60), stat("m2", "all", 60), expression("e", "IF(m2 > 9, 100 * FILL(m1, 0) / m2, 0)"))
	in.TreatMissingData = aws.String("notBreaching")
	b.put(in)
	record := func(name string, n float64) { b.service.Record("N", name, nil, n, b.read()) }
	record("all", 5)
	record("refused", 5)
	b.move(time.Minute)
	require.Equal(t, types.StateValueOk, b.state("share"), "too few to tell")
	record("all", 100)
	record("refused", 10)
	b.move(time.Minute)
	require.Equal(t, types.StateValueOk, b.state("share"))
	record("all", 100)
	record("refused", 11)
	b.move(time.Minute)
	require.Equal(t, types.StateValueAlarm, b.state("share"))
	require.Contains(t, b.told[len(b.told)-1].message, `"Metrics":[{"Id":"m1"`)
	record("all", 100)
	b.move(time.Minute)
	require.Equal(t, types.StateValueOk, b.state("share"), "nothing was refused")
}
