package cloudwatch_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/require"
)

// count records a value of a metric of N now.
func (b *bench) count(metric string, value float64) {
	b.service.Record("N", metric, nil, value, b.read())
}

// changes are the states that an alarm went through, the first one first.
func (b *bench) changes(name string) (summaries []string) {
	b.t.Helper()
	history, err := b.DescribeAlarmHistory(b.t.Context(), &sdk.DescribeAlarmHistoryInput{
		AlarmName: &name, HistoryItemType: types.HistoryItemTypeStateUpdate, ScanBy: types.ScanByTimestampAscending,
	})
	require.NoError(b.t, err)
	for _, item := range history.AlarmHistoryItems {
		summaries = append(summaries, *item.HistorySummary)
	}
	return summaries
}

func TestAnAlarmOnAnomalies(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.put(bandAlarm())
	for i := range 29 {
		b.count("a", float64(10+i%3))
		b.move(5 * time.Minute)
	}
	require.Equal(t, types.StateValueInsufficientData, b.state("band"), "28 points have come before")
	b.count("a", 11)
	b.move(5 * time.Minute)
	require.Equal(t, types.StateValueInsufficientData, b.state("band"), "29 points have come before")
	b.count("a", 11)
	b.move(5 * time.Minute)
	require.Equal(t, types.StateValueOk, b.state("band"))
	b.count("a", 12.5)
	b.move(5 * time.Minute)
	require.Equal(t, types.StateValueOk, b.state("band"), "within two standard deviations")
	b.count("a", 14)
	b.move(5 * time.Minute)
	got := b.alarm("band")
	require.Equal(t, types.StateValueAlarm, got.StateValue)
	require.Regexp(t, `^Thresholds Crossed: 1 out of the last 1 datapoints \[14\.0 \(01/03/26 14:36:00\)\] was greater than the upper thresholds \[12\.\d+\] \(minimum 1 datapoint for OK -> ALARM transition\)\.$`, *got.StateReason)
	require.Regexp(t, `"recentDatapoints":\[14\].*"recentUpperThresholds":\[12\.\d+\]`, *got.StateReasonData)
	require.NotContains(t, *got.StateReasonData, "recentLowerThresholds")
	require.Equal(t, start.Add(161*time.Minute), got.StateUpdatedTimestamp.UTC(), "once the minute was over")
	b.count("a", 3)
	b.move(5 * time.Minute)
	require.Equal(t, types.StateValueOk, b.state("band"), "too little is none of its business")
	require.Contains(t, *b.alarm("band").StateReason, "was not greater than the upper thresholds [")
	require.Equal(t, "ad1", *got.ThresholdMetricId)
	require.Nil(t, got.Threshold)
	require.Len(t, got.Metrics, 2)
	require.Equal(t, "ANOMALY_DETECTION_BAND(m1, 2)", *got.Metrics[1].Expression)
}

func TestEverySideOfABand(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	for name, operator := range map[string]types.ComparisonOperator{
		"above": types.ComparisonOperatorGreaterThanUpperThreshold, "below": types.ComparisonOperatorLessThanLowerThreshold,
		"beside": types.ComparisonOperatorLessThanLowerOrGreaterThanUpperThreshold,
	} {
		in := bandAlarm()
		in.AlarmName, in.ComparisonOperator = &name, operator
		b.put(in)
	}
	feed := func(values ...float64) {
		for _, value := range values {
			b.count("a", value)
			b.move(5 * time.Minute)
		}
	}
	firing := func() (names []string) {
		out, err := b.DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{StateValue: types.StateValueAlarm})
		require.NoError(t, err)
		for _, each := range out.MetricAlarms {
			names = append(names, *each.AlarmName)
		}
		return names
	}
	for range 40 {
		feed(100, 104)
	}
	require.Empty(t, firing())
	feed(90)
	require.Equal(t, []string{"below", "beside"}, firing())
	require.Regexp(t, `was less than the lower thresholds \[9\d\.\d+\] or greater than the upper thresholds \[10\d\.\d+\]`, *b.alarm("beside").StateReason)
	feed(102)
	require.Empty(t, firing())
	require.Contains(t, *b.alarm("beside").StateReason, "was not less than the lower thresholds [")
	require.Contains(t, *b.alarm("beside").StateReason, "or not greater than the upper thresholds [")
	feed(120)
	require.Equal(t, []string{"above", "beside"}, firing())
}

// TestWhatNeverWasIsAnAnomaly shows that a series which does not vary has a band
// all the same, and that the band of counts does not go below zero.
func TestWhatNeverWasIsAnAnomaly(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	in := bandAlarm()
	in.ComparisonOperator = types.ComparisonOperatorLessThanLowerOrGreaterThanUpperThreshold
	b.put(in)
	for range 40 {
		b.count("a", 0)
		b.move(5 * time.Minute)
	}
	require.Equal(t, types.StateValueOk, b.state("band"))
	b.count("a", 1)
	b.move(5 * time.Minute)
	require.Equal(t, types.StateValueAlarm, b.state("band"))
	require.Contains(t, *b.alarm("band").StateReason, "less than the lower thresholds [0.0] or greater than the upper thresholds [0.000002]")
}

// TestAnAnomalyAgainstTraffic has a band over metric math: the share of refusals.
func TestAnAnomalyAgainstTraffic(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	share := expression("share", "IF(all > 9, 100 * FILL(refused, 0) / all, 0)")
	in := mathAlarm("share", stat("refused", "refused", 60), stat("all", "all", 60), share, expression("band", "ANOMALY_DETECTION_BAND(share, 3)"))
	in.Threshold, in.ThresholdMetricId = nil, aws.String("band")
	in.ComparisonOperator, in.TreatMissingData = types.ComparisonOperatorGreaterThanUpperThreshold, aws.String("notBreaching")
	b.put(in)
	minute := func(all, refused float64) types.StateValue {
		b.count("all", all)
		if refused > 0 {
			b.count("refused", refused)
		}
		b.move(time.Minute)
		return b.state("share")
	}
	for i := range 60 {
		require.Equal(t, types.StateValueOk, minute(100+float64(i), float64(i%3)))
	}
	require.Equal(t, types.StateValueOk, minute(5000, 70), "many more, of much more traffic")
	require.Equal(t, types.StateValueAlarm, minute(100, 20))
	require.Equal(t, types.StateValueOk, minute(100, 1))
}

// TestABandIsLearnedAgain when nothing comes any more: what was usual is
// forgotten after a day, in one move of the clock.
func TestABandIsLearnedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	in := mathAlarm("quiet", stat("m", "a", 300), expression("filled", "FILL(m, 0)"), expression("band", "ANOMALY_DETECTION_BAND(filled)"))
	in.Threshold, in.ThresholdMetricId = nil, aws.String("band")
	in.ComparisonOperator = types.ComparisonOperatorLessThanLowerThreshold
	b.put(in)
	b.move(7 * 24 * time.Hour)
	require.Equal(t, types.StateValueInsufficientData, b.state("quiet"), "what FILL puts in before there are data does not count")
	for range 2 * 288 {
		b.count("a", 10)
		b.move(5 * time.Minute)
	}
	require.Equal(t, []string{"Alarm updated from INSUFFICIENT_DATA to OK"}, b.changes("quiet"))
	b.move(90 * 24 * time.Hour)
	require.Equal(t, []string{"Alarm updated from INSUFFICIENT_DATA to OK", "Alarm updated from OK to ALARM", "Alarm updated from ALARM to OK"}, b.changes("quiet"))
}

func TestABandIsGot(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	for i := range 60 {
		b.count("a", float64(4+2*(i%2)))
		b.move(time.Minute)
	}
	m := stat("m", "a", 60)
	got, err := b.GetMetricData(t.Context(), &sdk.GetMetricDataInput{
		StartTime: aws.Time(b.read().Add(-2 * time.Minute)), EndTime: aws.Time(b.read()), ScanBy: types.ScanByTimestampAscending,
		MetricDataQueries: []types.MetricDataQuery{m, expression("band", "ANOMALY_DETECTION_BAND(m, 3)"), expression("low", "LAST(ANOMALY_DETECTION_BAND(m))")},
	})
	require.NoError(t, err)
	require.Len(t, got.MetricDataResults, 3)
	for i, want := range map[int]struct {
		id    string
		value float64
	}{0: {"band", 8}, 1: {"band", 2}, 2: {"low", 3}} {
		require.Equal(t, want.id, *got.MetricDataResults[i].Id)
		require.Len(t, got.MetricDataResults[i].Values, 2)
		require.InDelta(t, want.value, got.MetricDataResults[i].Values[0], 0.1)
	}
}
