package cloudwatch

import (
	"cmp"
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
			require.Equal(t, want[i], d.breaches(datapoint{value: value}), "%s %v", operator, value)
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
	got, ok := twoMinutes(t).statistic("p50")
	require.True(t, ok)
	require.InDelta(t, 2, got, 0, "of two minutes")
	var many summary
	for i := range 10000 {
		many.add(float64(i)+0.5, 1)
	}
	require.Less(t, len(many.Values), 2500)
	require.True(t, slices.IsSortedFunc(many.Values, func(a, b seen) int { return cmp.Compare(a[0], b[0]) }))
	for name, want := range map[string]float64{"p1": 100, "p50": 5000, "p90": 9000, "p99": 9900, "p99.9": 9990} {
		got, ok := many.statistic(name)
		require.True(t, ok)
		require.InEpsilon(t, want, got, 0.005, name)
	}
	require.InDelta(t, 0, rounded(0), 0)
	require.False(t, math.IsNaN(rounded(5e-324)))
	require.False(t, math.IsInf(rounded(math.MaxFloat64), 0))
}

// twoMinutes are 1, 2 and 3, two of them in one minute.
func twoMinutes(t *testing.T) summary {
	t.Helper()
	var h history
	h.at(7).add(3, 1)
	h.at(5).add(2, 1)
	h.at(7).add(1, 1)
	h.at(9).add(9, 1)
	require.Equal(t, []int64{5, 7, 9}, []int64{h[0].at, h[1].at, h[2].at})
	return h.over(5, 9, true)
}

func TestFewSamples(t *testing.T) {
	t.Parallel()
	for name, enough := range map[string]float64{"p50": 20, "p90": 100, "p99": 1000, "p99.9": 10000, "p10": 100, "p0": 0, "p100": 0} {
		require.False(t, fewSamples(name, enough), name)
		if enough > 0 {
			require.True(t, fewSamples(name, enough-1), name)
		}
	}
}
