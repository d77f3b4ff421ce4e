package cloudwatch

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func alarmOf(points, toAlarm int, treat string) Definition {
	threshold := number(0)
	return Definition{
		EvaluationPeriods: &points, DatapointsToAlarm: &toAlarm, TreatMissingData: &treat, Threshold: &threshold,
		ComparisonOperator: "GreaterThanThreshold",
	}
}

// TestMissingData is the tables of
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html:
// 0 is fine, X is breaching, - is missing, the oldest first; "" retains the state.
func TestMissingData(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		points, toAlarm int
		data            string
		want            [4]string // missing, ignore, breaching, notBreaching
	}{
		"3 of 3, enough":           {3, 3, "0-X-X", [4]string{"OK", "OK", "OK", "OK"}},
		"3 of 3, one fine":         {3, 3, "0----", [4]string{"OK", "OK", "OK", "OK"}},
		"3 of 3, nothing":          {3, 3, "-----", [4]string{"INSUFFICIENT_DATA", "", "ALARM", "OK"}},
		"3 of 3, all breach":       {3, 3, "0XX-X", [4]string{"ALARM", "ALARM", "ALARM", "ALARM"}},
		"3 of 3, an old breach":    {3, 3, "--X--", [4]string{"ALARM", "", "ALARM", "OK"}},
		"2 of 3, enough":           {3, 2, "0-X-X", [4]string{"ALARM", "ALARM", "ALARM", "ALARM"}},
		"2 of 3, complete":         {3, 2, "00X0X", [4]string{"ALARM", "ALARM", "ALARM", "ALARM"}},
		"2 of 3, one to fill":      {3, 2, "0-X--", [4]string{"OK", "OK", "ALARM", "OK"}},
		"2 of 3, one fine":         {3, 2, "----0", [4]string{"OK", "OK", "ALARM", "OK"}},
		"2 of 3, an old breach":    {3, 2, "---X-", [4]string{"ALARM", "", "ALARM", "OK"}},
		"3 of 3, a late breach":    {3, 3, "----X", [4]string{"", "", "ALARM", "OK"}},
		"1 of 1, fine":             {1, 1, "XX0", [4]string{"OK", "OK", "OK", "OK"}},
		"1 of 1, breaching":        {1, 1, "00X", [4]string{"ALARM", "ALARM", "ALARM", "ALARM"}},
		"1 of 1, the one before":   {1, 1, "0X-", [4]string{"ALARM", "ALARM", "ALARM", "ALARM"}},
		"2 of 2, all fine, a hole": {2, 2, "0-0-", [4]string{"OK", "OK", "OK", "OK"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var points []datapoint
			for _, kind := range test.data {
				points = append(points, datapoint{present: kind != '-', value: map[rune]float64{'X': 1}[kind]})
			}
			slices.Reverse(points)
			for i, treat := range []string{"missing", "ignore", "breaching", "notBreaching"} {
				got := alarmOf(test.points, test.toAlarm, treat).judge(points)
				require.Equal(t, test.want[i], got.state, treat)
			}
		})
	}
}

func TestComparisons(t *testing.T) {
	t.Parallel()
	for operator, want := range map[string][3]bool{ // below, at and above the threshold
		"GreaterThanOrEqualToThreshold": {false, true, true},
		"GreaterThanThreshold":          {false, false, true},
		"LessThanThreshold":             {true, false, false},
		"LessThanOrEqualToThreshold":    {true, true, false},
	} {
		d := alarmOf(1, 1, "missing")
		d.ComparisonOperator = operator
		for i, value := range []float64{-1, 0, 1} {
			require.Equal(t, want[i], d.breaches(value), "%s %v", operator, value)
		}
	}
}

func TestStatistics(t *testing.T) {
	t.Parallel()
	var s summary
	for value := range 100 {
		s.add(float64(value+1), 1)
	}
	for name, want := range map[string]float64{
		"Sum": 5050, "Average": 50.5, "Minimum": 1, "Maximum": 100, "SampleCount": 100, "p50": 50, "p99": 99, "p99.5": 100, "p100": 100, "p0": 1,
	} {
		got, ok := s.statistic(name)
		require.True(t, ok)
		require.InDelta(t, want, got, 1e-9, name)
	}
	var none summary
	_, ok := none.statistic("Sum")
	require.False(t, ok)
	var many summary
	for i := range 10000 {
		many.add(float64(i)+0.5, 1)
	}
	require.Less(t, len(many.Values), 2500)
	got, ok := many.statistic("p90")
	require.True(t, ok)
	require.InEpsilon(t, 9000, got, 0.01)
	require.InDelta(t, 0, rounded(0), 0)
	require.False(t, math.IsNaN(rounded(5e-324)))
	require.False(t, math.IsInf(rounded(math.MaxFloat64), 0))
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	at := func(id string) (float64, bool) {
		value, ok := map[string]float64{"a": 6, "b": 3, "z": 0}[id]
		return value, ok
	}
	for text, want := range map[string]any{
		"a": 6.0, "a+b*2": 12.0, "(a+b)*2": 18.0, "a-b-1": 2.0, "-a": -6.0, "a/b/2": 1.0, "2.5e1": 25.0, "a > b": 1.0, "a <= b": 0.0, "a == 6": 1.0, "a != 6": 0.0,
		"a/z": nil, "none": nil, "a+none": nil, "FILL(none, 7)": 7.0, "FILL(a, 7)": 6.0, "FILL(none, b)": 3.0, "SUM([a, b, none])": 9.0, "SUM([none])": nil, "SUM([])": nil,
		"AVG([a,b])": 4.5, "MIN([a,b])": 3.0, "MAX([a,b])": 6.0, "IF(a > 5, b, z)": 3.0, "IF(z, b, none)": nil, "IF(none, a, b)": nil, "IF(b > 0, 100*a/b, 0)": 200.0,
		"ABS(-b)": 3.0, "CEIL(a/4)": 2.0, "FLOOR(a/4)": 1.0, "ANOMALY_DETECTION_BAND(a, 2)": nil, "100 * FILL(none, 0) / SUM([a, b])": 0.0,
	} {
		n, err := parseExpression(text)
		require.NoError(t, err, text)
		got, ok := n.value(at)
		if want == nil {
			require.False(t, ok, text)
			continue
		}
		require.True(t, ok, text)
		require.InDelta(t, want, got, 1e-9, text)
	}
}

func TestWhatIsSharedIsComputedOnce(t *testing.T) {
	t.Parallel()
	name, period := "n", 60
	first := metricQuery{ID: "e0", MetricStat: &metricStat{Period: &period, Stat: "Sum"}}
	first.MetricStat.Metric.Namespace, first.MetricStat.Metric.MetricName = &name, &name
	queries := []metricQuery{first}
	for i := range 60 { // two to the sixtieth, if not
		text := "SUM([" + queries[i].ID + "," + queries[i].ID + "])/2"
		queries = append(queries, metricQuery{ID: fmt.Sprintf("e%d", i+1), Expression: &text})
	}
	p, err := compile(queries)
	require.NoError(t, err)
	got, ok := p.value(data{"e0": {0: {Sum: 4, Count: 1}}}, queries[60].ID, 0, 1)
	require.True(t, ok)
	require.InDelta(t, 4, got, 1e-9)
}
