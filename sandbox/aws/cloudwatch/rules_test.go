package cloudwatch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

func stat(id, name string, period int32) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, ReturnData: aws.Bool(false), MetricStat: &types.MetricStat{
		Metric: &types.Metric{Namespace: aws.String("N"), MetricName: &name}, Period: &period, Stat: aws.String("Sum"),
	}}
}

func expression(id, text string) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, Expression: &text, ReturnData: aws.Bool(true)}
}

func mathAlarm(name string, queries ...types.MetricDataQuery) *sdk.PutMetricAlarmInput {
	return &sdk.PutMetricAlarmInput{
		AlarmName: &name, Metrics: queries, EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(10),
		ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, AlarmActions: []string{topic},
	}
}

func bandAlarm() *sdk.PutMetricAlarmInput {
	in := mathAlarm("band", stat("m1", "a", 300), expression("ad1", "ANOMALY_DETECTION_BAND(m1, 2)"))
	in.Metrics[0].ReturnData = aws.Bool(true)
	in.Threshold, in.ThresholdMetricId = nil, aws.String("ad1")
	in.ComparisonOperator = types.ComparisonOperatorGreaterThanUpperThreshold
	return in
}

func TestAlarmsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	for name, test := range map[string]struct {
		change func(*sdk.PutMetricAlarmInput)
		code   string
		want   string
	}{
		"no name":            {func(in *sdk.PutMetricAlarmInput) { in.AlarmName = aws.String("") }, "ValidationError", "alarmName"},
		"a long name":        {func(in *sdk.PutMetricAlarmInput) { in.AlarmName = aws.String(strings.Repeat("n", 256)) }, "ValidationError", "alarmName"},
		"a long description": {func(in *sdk.PutMetricAlarmInput) { in.AlarmDescription = aws.String(strings.Repeat("n", 1025)) }, "ValidationError", "1024"},
		"six actions": {func(in *sdk.PutMetricAlarmInput) {
			in.AlarmActions = []string{topic, topic, topic, topic, topic, topic}
		}, "ValidationError", "less than or equal to 5"},
		"an action that is no ARN": {func(in *sdk.PutMetricAlarmInput) { in.OKActions = []string{"topic"} }, "ValidationError", "Invalid arn syntax: topic"},
		"an operator":              {func(in *sdk.PutMetricAlarmInput) { in.ComparisonOperator = "Above" }, "ValidationError", "comparisonOperator"},
		"an operator of a band":    {func(in *sdk.PutMetricAlarmInput) { in.ComparisonOperator = "GreaterThanUpperThreshold" }, "ValidationError", "anomaly"},
		"no evaluation periods":    {func(in *sdk.PutMetricAlarmInput) { in.EvaluationPeriods = aws.Int32(0) }, "ValidationError", "evaluationPeriods"},
		"more than all points":     {func(in *sdk.PutMetricAlarmInput) { in.DatapointsToAlarm = aws.Int32(2) }, "ValidationError", "DatapointsToAlarm"},
		"missing data":             {func(in *sdk.PutMetricAlarmInput) { in.TreatMissingData = aws.String("good") }, "ValidationError", "treatMissingData"},
		"no metric":                {func(in *sdk.PutMetricAlarmInput) { in.MetricName = nil }, "ValidationError", "MetricName"},
		"no statistic":             {func(in *sdk.PutMetricAlarmInput) { in.Statistic = "" }, "ValidationError", "Statistic"},
		"two statistics":           {func(in *sdk.PutMetricAlarmInput) { in.ExtendedStatistic = aws.String("p99") }, "ValidationError", "Statistic"},
		"a percentile":             {func(in *sdk.PutMetricAlarmInput) { in.Statistic, in.ExtendedStatistic = "", aws.String("p101") }, "InvalidParameterValue", "p101"},
		"a trimmed mean":           {func(in *sdk.PutMetricAlarmInput) { in.Statistic, in.ExtendedStatistic = "", aws.String("tm99") }, "NotImplemented", "tm99"},
		"no threshold":             {func(in *sdk.PutMetricAlarmInput) { in.Threshold = nil }, "ValidationError", "Threshold"},
		"no period":                {func(in *sdk.PutMetricAlarmInput) { in.Period = nil }, "ValidationError", "Period"},
		"a period of 90":           {func(in *sdk.PutMetricAlarmInput) { in.Period = aws.Int32(90) }, "ValidationError", "multiple of 60"},
		"a period of 10":           {func(in *sdk.PutMetricAlarmInput) { in.Period = aws.Int32(10) }, "NotImplemented", "below a minute"},
		"more than a day":          {func(in *sdk.PutMetricAlarmInput) { in.Period, in.EvaluationPeriods = aws.Int32(300), aws.Int32(289) }, "ValidationError", "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400)."},
		"more than a week":         {func(in *sdk.PutMetricAlarmInput) { in.Period, in.EvaluationPeriods = aws.Int32(3600), aws.Int32(169) }, "ValidationError", "more than a week"},
		"a namespace":              {func(in *sdk.PutMetricAlarmInput) { in.Namespace = aws.String(":x") }, "InvalidParameterValue", "Namespace"},
		"a dimension twice":        {func(in *sdk.PutMetricAlarmInput) { in.Dimensions = append(in.Dimensions, in.Dimensions[0]) }, "InvalidParameterValue", "twice"},
		"a dimension without one":  {func(in *sdk.PutMetricAlarmInput) { in.Dimensions[0].Value = aws.String("") }, "InvalidParameterValue", "FunctionName"},
		"a unit":                   {func(in *sdk.PutMetricAlarmInput) { in.Unit = "Apples" }, "ValidationError", "unit"},
		"a tag": {func(in *sdk.PutMetricAlarmInput) {
			in.Tags = []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("")}}
		}, "InvalidParameterValue", "reserved"},
		"both": {func(in *sdk.PutMetricAlarmInput) { in.Metrics = mathAlarm("", stat("m1", "a", 60)).Metrics }, "ValidationError", "together"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := errorsAlarm("x")
			test.change(in)
			_, err := b.PutMetricAlarm(t.Context(), in)
			refused(t, err, test.code, test.want)
		})
	}
}

// many are eleven queries.
func many(made func(id string) types.MetricDataQuery) (queries []types.MetricDataQuery) {
	for i := range 11 {
		queries = append(queries, made(fmt.Sprintf("q%d", i)))
	}
	return queries
}

func TestMetricMathThatIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	m1, m2 := stat("m1", "a", 60), stat("m2", "b", 60)
	for name, test := range map[string]struct {
		in         *sdk.PutMetricAlarmInput
		code, want string
	}{
		"nothing is returned":   {mathAlarm("x", m1, m2), "ValidationError", "Exactly one element of the metrics list should return data."},
		"two are returned":      {mathAlarm("x", m1, expression("e1", "m1"), expression("e2", "m1")), "ValidationError", "Exactly one element of the metrics list should return data."},
		"an id":                 {mathAlarm("x", m1, expression("E", "m1")), "ValidationError", "Id"},
		"an id twice":           {mathAlarm("x", m1, m1, expression("e", "m1")), "ValidationError", "unique"},
		"an unknown id":         {mathAlarm("x", m1, expression("e", "m1+m3")), "ValidationError", "Undefined variable 'm3'"},
		"itself":                {mathAlarm("x", m1, expression("e", "m1+e")), "ValidationError", "refers to itself"},
		"in a circle":           {mathAlarm("x", m1, expression("e", "f"), func() types.MetricDataQuery { f := expression("f", "e"); f.ReturnData = aws.Bool(false); return f }()), "ValidationError", "refers to itself"},
		"no syntax":             {mathAlarm("x", m1, expression("e", "m1 +")), "ValidationError", "ends too early"},
		"a bracket":             {mathAlarm("x", m1, expression("e", "(m1")), "ValidationError", "ends too early"},
		"two values":            {mathAlarm("x", m1, expression("e", "m1 m1")), "ValidationError", "unexpected"},
		"no operator":           {mathAlarm("x", m1, expression("e", "m1 = 2")), "ValidationError", "no operator"},
		"too few arguments":     {mathAlarm("x", m1, expression("e", "FILL(m1)")), "ValidationError", "2 arguments"},
		"another function":      {mathAlarm("x", m1, expression("e", "RATE(m1)")), "NotImplemented", "metric math"},
		"the sum over time":     {mathAlarm("x", m1, expression("e", "SUM(m1)")), "NotImplemented", "metric math"},
		"repeat":                {mathAlarm("x", m1, expression("e", "FILL(m1, REPEAT)")), "NotImplemented", "metric math"},
		"all metrics":           {mathAlarm("x", m1, m2, expression("e", `METRICS()/2`)), "ValidationError", "single time series"},
		"a number":              {mathAlarm("x", m1, expression("e", `2*3`)), "ValidationError", "must give a time series"},
		"eleven metrics":        {mathAlarm("x", append(many(func(id string) types.MetricDataQuery { return stat(id, "a", 60) }), expression("e", "q1"))...), "ValidationError", "more than 10 metrics, got 11"},
		"eleven expressions":    {mathAlarm("x", append(many(func(id string) types.MetricDataQuery { return expression(id, "m1") }), m1)...), "ValidationError", "more than 10 expressions, got 11"},
		"insights":              {mathAlarm("x", m1, expression("e", `SELECT SUM(a) FROM N`)), "NotImplemented", "metric math"},
		"no metric":             {mathAlarm("x", expression("e", "1")), "ValidationError", "MetricStat"},
		"two periods":           {mathAlarm("x", m1, stat("m2", "b", 300), expression("e", "m1+m2")), "NotImplemented", "periods"},
		"a band without its id": {func() *sdk.PutMetricAlarmInput { in := bandAlarm(); in.ThresholdMetricId = aws.String("m1"); return in }(), "ValidationError", "ThresholdMetricId"},
		"a band of no metric": {func() *sdk.PutMetricAlarmInput {
			in := bandAlarm()
			in.Metrics[1].Expression = aws.String("ANOMALY_DETECTION_BAND(m2)")
			return in
		}(), "ValidationError", "Undefined variable 'm2'"},
		"two bands": {func() *sdk.PutMetricAlarmInput {
			in := bandAlarm()
			in.Metrics[0].ReturnData = aws.Bool(false)
			in.Metrics = append(in.Metrics, expression("ad2", "ANOMALY_DETECTION_BAND(m1, 3)"))
			return in
		}(), "ValidationError", "two elements"},
		"a band with a threshold": {func() *sdk.PutMetricAlarmInput { in := bandAlarm(); in.Threshold = aws.Float64(1); return in }(), "ValidationError", "both"},
		"a band with one operator": {func() *sdk.PutMetricAlarmInput {
			in := bandAlarm()
			in.ComparisonOperator = types.ComparisonOperatorGreaterThanThreshold
			return in
		}(), "ValidationError", "comparisonOperator"},
		"a band without its metric": {func() *sdk.PutMetricAlarmInput {
			in := bandAlarm()
			in.Metrics[0].ReturnData = aws.Bool(false)
			return in
		}(), "ValidationError", "two elements"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.PutMetricAlarm(t.Context(), test.in)
			refused(t, err, test.code, test.want)
		})
	}
}

func TestOperationsThatAreNotImplementedSaySo(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	_, err := b.PutCompositeAlarm(t.Context(), &sdk.PutCompositeAlarmInput{AlarmName: aws.String("c"), AlarmRule: aws.String("ALARM(a)")})
	refused(t, err, "NotImplemented", "PutCompositeAlarm")
	_, err = b.DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{ParentsOfAlarmName: aws.String("a")})
	refused(t, err, "NotImplemented", "composite")
	_, err = b.DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{AlarmNames: []string{"a"}, AlarmNamePrefix: aws.String("a")})
	refused(t, err, "InvalidParameterCombination", "AlarmNames")
	_, err = b.DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{NextToken: aws.String("!")})
	refused(t, err, "InvalidNextToken", "token")
}
