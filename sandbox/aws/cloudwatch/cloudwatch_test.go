package cloudwatch_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/require"
)

func TestAnAlarmIsDescribedAsItIs(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	in := errorsAlarm("rotation errors")
	in.AlarmDescription = aws.String("look at the log <first> & then")
	in.TreatMissingData = aws.String("notBreaching")
	in.Tags = []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}}
	in.Unit = types.StandardUnitCount
	b.put(in)
	got := b.alarm("rotation errors")
	require.Equal(t, "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:rotation errors", *got.AlarmArn)
	require.Equal(t, in.AlarmDescription, got.AlarmDescription)
	require.Equal(t, in.Dimensions, got.Dimensions)
	require.Equal(t, in.Period, got.Period)
	require.Equal(t, in.Threshold, got.Threshold)
	require.Equal(t, in.Unit, got.Unit)
	require.Equal(t, []string{topic}, got.AlarmActions)
	require.True(t, *got.ActionsEnabled)
	require.Nil(t, got.DatapointsToAlarm)
	require.Empty(t, got.ExtendedStatistic)
	require.Equal(t, types.StateValueInsufficientData, got.StateValue)
	require.Equal(t, "Unchecked: Initial alarm creation", *got.StateReason)
	require.Equal(t, start, got.AlarmConfigurationUpdatedTimestamp.UTC())

	_, err := b.TagResource(ctx, &sdk.TagResourceInput{ResourceARN: got.AlarmArn, Tags: []types.Tag{{Key: aws.String("b"), Value: aws.String("2")}}})
	require.NoError(t, err)
	_, err = b.UntagResource(ctx, &sdk.UntagResourceInput{ResourceARN: got.AlarmArn, TagKeys: []string{"a"}})
	require.NoError(t, err)
	in.Tags, in.Threshold = nil, aws.Float64(2.5)
	b.put(in)
	require.InDelta(t, 2.5, *b.alarm("rotation errors").Threshold, 0)
	tags, err := b.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceARN: got.AlarmArn})
	require.NoError(t, err)
	require.Equal(t, []types.Tag{{Key: aws.String("b"), Value: aws.String("2")}}, tags.Tags)
	require.Equal(t, *got.AlarmArn, b.service.TaggedResources()[0].ARN)

	forMetric, err := b.DescribeAlarmsForMetric(ctx, &sdk.DescribeAlarmsForMetricInput{Namespace: in.Namespace, MetricName: in.MetricName, Dimensions: in.Dimensions, Statistic: in.Statistic})
	require.NoError(t, err)
	require.Len(t, forMetric.MetricAlarms, 1)
	forMetric, err = b.DescribeAlarmsForMetric(ctx, &sdk.DescribeAlarmsForMetricInput{Namespace: in.Namespace, MetricName: in.MetricName})
	require.NoError(t, err)
	require.Empty(t, forMetric.MetricAlarms)

	_, err = b.DeleteAlarms(ctx, &sdk.DeleteAlarmsInput{AlarmNames: []string{"rotation errors", "absent"}})
	refused(t, err, "ResourceNotFound", "absent")
	_, err = b.DeleteAlarms(ctx, &sdk.DeleteAlarmsInput{AlarmNames: []string{"rotation errors"}})
	require.NoError(t, err)
	all, err := b.DescribeAlarms(ctx, &sdk.DescribeAlarmsInput{})
	require.NoError(t, err)
	require.Empty(t, all.MetricAlarms)
	_, err = b.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceARN: got.AlarmArn})
	refused(t, err, "ResourceNotFoundException", "Unknown resource")
}

func TestAlarmsAreFound(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	for _, name := range []string{"a1", "a2", "b1"} {
		b.put(errorsAlarm(name))
	}
	for name, test := range map[string]struct {
		in   *sdk.DescribeAlarmsInput
		want int
	}{
		"all":       {&sdk.DescribeAlarmsInput{}, 3},
		"prefix":    {&sdk.DescribeAlarmsInput{AlarmNamePrefix: aws.String("a")}, 2},
		"names":     {&sdk.DescribeAlarmsInput{AlarmNames: []string{"b1", "absent"}, AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm}}, 1},
		"state":     {&sdk.DescribeAlarmsInput{StateValue: types.StateValueOk}, 0},
		"action":    {&sdk.DescribeAlarmsInput{ActionPrefix: aws.String(topic[:20])}, 3},
		"composite": {&sdk.DescribeAlarmsInput{AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm}}, 0},
	} {
		out, err := b.DescribeAlarms(t.Context(), test.in)
		require.NoError(t, err, name)
		require.Len(t, out.MetricAlarms, test.want, name)
	}
	pages := sdk.NewDescribeAlarmsPaginator(b.Client, &sdk.DescribeAlarmsInput{MaxRecords: aws.Int32(2)})
	count := 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		count += len(page.MetricAlarms)
	}
	require.Equal(t, 3, count)
}

func TestATopicIsTold(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	in := errorsAlarm("errors")
	in.TreatMissingData = aws.String("notBreaching")
	b.put(in)
	b.move(time.Minute)
	require.Equal(t, types.StateValueOk, b.state("errors"))
	require.Equal(t, "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching].", *b.alarm("errors").StateReason)
	b.errors(1)
	b.move(30 * time.Second)
	require.Equal(t, types.StateValueOk, b.state("errors"), "the minute is not over")
	b.move(30 * time.Second)
	require.Equal(t, types.StateValueAlarm, b.state("errors"))
	b.move(2 * time.Minute)
	require.Equal(t, types.StateValueAlarm, b.state("errors"), "the points before the period still count, for lack of others")
	b.move(time.Minute)
	require.Equal(t, types.StateValueOk, b.state("errors"))

	require.Len(t, b.told, 3)
	require.Equal(t, told{topic, `ALARM: "errors" in EU (Ireland)`, b.told[1].message}, b.told[1])
	var message map[string]any
	require.NoError(t, json.Unmarshal([]byte(b.told[1].message), &message))
	require.Equal(t, map[string]any{
		"AlarmName": "errors", "AlarmDescription": nil, "AWSAccountId": account, "AlarmConfigurationUpdatedTimestamp": "2026-03-01T12:00:00.000+0000",
		"NewStateValue":   "ALARM",
		"NewStateReason":  "Threshold Crossed: 1 out of the last 1 datapoint [1.0 (01/03/26 12:01:00)] was greater than the threshold (0.0) (minimum 1 datapoint for OK -> ALARM transition).",
		"StateChangeTime": "2026-03-01T12:02:00.000+0000", "Region": "EU (Ireland)", "AlarmArn": "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:errors",
		"OldStateValue": "OK", "OKActions": []any{topic}, "AlarmActions": []any{topic}, "InsufficientDataActions": []any{topic},
		"Trigger": map[string]any{
			"MetricName": "Errors", "Namespace": "AWS/Lambda", "StatisticType": "Statistic", "Statistic": "SUM", "Unit": nil,
			"Dimensions": []any{map[string]any{"name": "FunctionName", "value": "rotate"}}, "Period": 60.0, "EvaluationPeriods": 1.0, "DatapointsToAlarm": 1.0,
			"ComparisonOperator": "GreaterThanThreshold", "Threshold": 0.0, "TreatMissingData": "notBreaching", "EvaluateLowSampleCountPercentile": "",
		},
	}, message)

	history, err := b.DescribeAlarmHistory(t.Context(), &sdk.DescribeAlarmHistoryInput{AlarmName: aws.String("errors")})
	require.NoError(t, err)
	var summaries []string
	for _, item := range history.AlarmHistoryItems {
		summaries = append(summaries, *item.HistorySummary)
	}
	require.Equal(t, []string{
		"Successfully executed action " + topic, "Alarm updated from ALARM to OK", "Successfully executed action " + topic, "Alarm updated from OK to ALARM",
		"Successfully executed action " + topic, "Alarm updated from INSUFFICIENT_DATA to OK", `Alarm "errors" created`,
	}, summaries)
	history, err = b.DescribeAlarmHistory(t.Context(), &sdk.DescribeAlarmHistoryInput{
		HistoryItemType: types.HistoryItemTypeStateUpdate, StartDate: aws.Time(start.Add(2 * time.Minute)), EndDate: aws.Time(start.Add(3 * time.Minute)), ScanBy: types.ScanByTimestampAscending,
	})
	require.NoError(t, err)
	require.Len(t, history.AlarmHistoryItems, 1)
	var data struct {
		OldState, NewState struct {
			StateValue, StateReason string
			StateReasonData         struct{ RecentDatapoints []float64 }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(*history.AlarmHistoryItems[0].HistoryData), &data))
	require.Equal(t, "OK", data.OldState.StateValue)
	require.Equal(t, "ALARM", data.NewState.StateValue)
	require.Equal(t, message["NewStateReason"], data.NewState.StateReason)
	require.Equal(t, []float64{1}, data.NewState.StateReasonData.RecentDatapoints)
}

func TestATopicThatRefusesIsRemembered(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.fail = errDenied
	in := errorsAlarm("errors")
	in.AlarmActions = []string{topic, "arn:aws:lambda:eu-west-1:000000000000:function:f"}
	b.put(in)
	b.errors(1)
	b.move(time.Minute)
	require.Equal(t, types.StateValueAlarm, b.state("errors"))
	history, err := b.DescribeAlarmHistory(t.Context(), &sdk.DescribeAlarmHistoryInput{HistoryItemType: types.HistoryItemTypeAction})
	require.NoError(t, err)
	require.Equal(t, "Failed to execute action arn:aws:lambda:eu-west-1:000000000000:function:f: the sandbox has only topics", *history.AlarmHistoryItems[0].HistorySummary)
	require.Equal(t, `Failed to execute action `+topic+`. Received error: "denied"`, *history.AlarmHistoryItems[1].HistorySummary)
}

type denied struct{}

func (denied) Error() string { return "denied" }

var errDenied = denied{}

func TestActionsCanBeDisabled(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.put(errorsAlarm("errors"))
	_, err := b.DisableAlarmActions(t.Context(), &sdk.DisableAlarmActionsInput{AlarmNames: []string{"errors", "absent"}})
	require.NoError(t, err)
	b.errors(1)
	b.move(time.Minute)
	require.Equal(t, types.StateValueAlarm, b.state("errors"))
	require.Empty(t, b.told)
	_, err = b.EnableAlarmActions(t.Context(), &sdk.EnableAlarmActionsInput{AlarmNames: []string{"errors"}})
	require.NoError(t, err)
	b.move(10 * time.Minute)
	require.Equal(t, types.StateValueInsufficientData, b.state("errors"))
	require.Equal(t, "Insufficient Data: 1 datapoint was unknown.", *b.alarm("errors").StateReason)
	require.Len(t, b.told, 1)
}

func TestAStateThatIsSetHoldsUntilTheNextEvaluation(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	b.put(errorsAlarm("errors"))
	b.move(time.Minute)
	_, err := b.SetAlarmState(ctx, &sdk.SetAlarmStateInput{AlarmName: aws.String("errors"), StateValue: types.StateValueAlarm, StateReason: aws.String("a drill"), StateReasonData: aws.String(`{"a":1}`)})
	require.NoError(t, err)
	require.Equal(t, "a drill", *b.alarm("errors").StateReason)
	require.Equal(t, `{"a":1}`, *b.alarm("errors").StateReasonData)
	require.Len(t, b.told, 1)
	require.NoError(t, b.service.Tick())
	require.Equal(t, types.StateValueAlarm, b.state("errors"))
	b.move(time.Minute)
	require.Equal(t, types.StateValueInsufficientData, b.state("errors"))

	_, err = b.SetAlarmState(ctx, &sdk.SetAlarmStateInput{AlarmName: aws.String("absent"), StateValue: types.StateValueAlarm, StateReason: aws.String("r")})
	refused(t, err, "ResourceNotFound", "absent")
	_, err = b.SetAlarmState(ctx, &sdk.SetAlarmStateInput{AlarmName: aws.String("errors"), StateValue: "BAD", StateReason: aws.String("r")})
	refused(t, err, "ValidationError", "stateValue")
	_, err = b.SetAlarmState(ctx, &sdk.SetAlarmStateInput{AlarmName: aws.String("errors"), StateValue: types.StateValueOk, StateReason: aws.String("r"), StateReasonData: aws.String("{")})
	refused(t, err, "InvalidFormat", "JSON")
}

func TestAlarmsAndMetricsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newBench(t, dir)
	in := errorsAlarm("errors")
	in.Statistic, in.ExtendedStatistic = "", aws.String("p90")
	b.put(in)
	b.errors(3)
	b.move(time.Minute)
	require.Equal(t, types.StateValueAlarm, b.state("errors"))
	again := newBench(t, dir)
	require.Equal(t, b.alarm("errors"), again.alarm("errors"))
	again.move(time.Minute)
	require.Equal(t, types.StateValueAlarm, again.state("errors"))
	require.Empty(t, again.told, "nothing changed")
}

func TestNothingIsMissedWhenTheClockJumps(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	in := errorsAlarm("errors")
	in.TreatMissingData = aws.String("notBreaching")
	b.put(in)
	b.move(time.Minute)
	b.told = nil
	b.errors(1)
	b.service.Record("AWS/Lambda", "Errors", map[string]string{"FunctionName": "rotate"}, 1, b.read().Add(400*24*time.Hour))
	b.move(2 * 365 * 24 * time.Hour)
	require.Equal(t, types.StateValueOk, b.state("errors"))
	require.Len(t, b.told, 4, "it went off and cleared, twice")
	require.Contains(t, b.told[0].message, `"StateChangeTime":"2026-03-01T12:02:00.000+0000"`)
	require.Contains(t, b.told[1].message, `"StateChangeTime":"2026-03-01T12:05:00.000+0000"`)
	require.Contains(t, b.told[2].message, `"StateChangeTime":"2027-04-05T12:02:00.000+0000"`)
}

func TestMetricsOfTwoUnitsAndDimensionsAreApart(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	in := errorsAlarm("errors")
	b.put(in)
	b.service.Record("AWS/Lambda", "Errors", map[string]string{"FunctionName": "other"}, 1, b.read())
	b.service.Record("AWS/Lambda", "Errors", map[string]string{"FunctionName": "rotate", "Resource": "rotate"}, 1, b.read())
	b.service.Record("AWS/Lambda", "Errors", nil, 1, b.read())
	b.service.Record("AWS/Lambda", "Throttles", map[string]string{"FunctionName": "rotate"}, 1, b.read())
	b.move(time.Minute)
	require.Equal(t, types.StateValueInsufficientData, b.state("errors"))
}
