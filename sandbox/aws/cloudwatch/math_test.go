package cloudwatch

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// values are a [moment] in which some metrics have data. A band is one wide.
type values map[string]float64

func (v values) of(id string) (float64, bool) {
	value, ok := v[id]
	return value, ok
}

func (v values) band(id string, width float64) (lower, upper float64, ok bool) {
	value, ok := v[id]
	return value - width, value + width, ok
}

// resolved parses and resolves an expression on a, b, z and none.
func resolved(text string) (shape, error) {
	p := &program{stats: map[string]metricStat{"a": {}, "b": {}, "z": {}, "none": {}}}
	n, err := parseExpression(text)
	if err != nil {
		return shape{}, err
	}
	return p.resolve(n)
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	at := values{"a": 6, "b": 3, "z": 0}
	for text, want := range map[string]any{
		"a": 6.0, "a+b*2": 12.0, "(a+b)*2": 18.0, "a-b-1": 2.0, "-a": -6.0, "a/b/2": 1.0, "2.5e1*a": 150.0,
		"a > b": 1.0, "a <= b": 0.0, "a == 6": 1.0, "a != 6": 0.0, "a<b": 0.0, "a>=b": 1.0,
		// Missing values are 0 beside others, and a division by zero drops the point.
		"a/z": nil, "a/none": nil, "none/a": 0.0, "none": nil, "a+none": 6.0, "none-a": -6.0, "none+none": nil, "none+1": nil, "1-none": nil, "-none": nil,
		"none < a": 1.0, "a < none": 0.0, "none < 1": nil,
		"a > 5 AND b > 2": 1.0, "a > 5 && b > 3": 0.0, "a > 6 OR b > 2": 1.0, "a > 6 || b > 3": 0.0, "none > 0 || a > 0": 1.0, "none > 0 && a > 0": 0.0,
		"a > 0 OR b > 0 AND z > 0": 1.0, "(a > 0 OR b > 0) AND z > 0": 0.0, "none AND none": nil,
		"FILL(none, 7)": 7.0, "FILL(a, 7)": 6.0, "FILL(none, b)": 3.0, "FILL(none, none)": nil,
		"SUM([a, b, none])": 9.0, "SUM([none])": nil, "SUM([])": nil, "SUM(METRICS())": 9.0, `SUM(METRICS("a"))`: 6.0, `SUM([METRICS("a"), METRICS("b")])`: 9.0,
		`SUM(METRICS("x"))`: nil, "AVG([a,b])": 4.5, "AVG([a,b,none])": 3.0, "MIN([a,b])": 3.0, "MAX([a,b])": 6.0, "MIN([a,none])": 6.0, "MAX(METRICS()/b)": 2.0,
		"SUM(100/[a, b])": 100.0/6 + 100.0/3, "AVG([a,b]/b)": 1.5, "SUM(-[a, b])": -9.0, "SUM(FILL(METRICS(), 1))": 10.0, "MAX(ABS([-a, b]))": 6.0,
		"IF(a > 5, b, z)": 3.0, "IF(z, b, none)": nil, "IF(none, a, b)": nil, "IF(b > 0, 100*a/b, 0)": 200.0, "IF(a, none, 5)": 0.0, "IF(z, 1)": nil, "IF(a, 4)": 4.0,
		"IF(a > 9, 1, 0)": 0.0, "ABS(-b)": 3.0, "CEIL(a/4)": 2.0, "FLOOR(a/4)": 1.0,
		"FIRST(ANOMALY_DETECTION_BAND(a))": 8.0, "LAST(ANOMALY_DETECTION_BAND(a, 3))": 3.0, "IF(a > LAST(ANOMALY_DETECTION_BAND(a)), 1, 0)": 1.0,
		"100 * FILL(none, 0) / SUM([a, b])": 0.0,
	} {
		got, err := resolved(text)
		require.NoError(t, err, text)
		require.Equal(t, aSeries, got.kind, text)
		value, ok := got.nodes[0].value(at)
		if want == nil {
			require.False(t, ok, text)
			continue
		}
		require.True(t, ok, text)
		require.InDelta(t, want, value, 1e-9, text)
	}
	got, err := resolved("ANOMALY_DETECTION_BAND(a, 2)")
	require.NoError(t, err)
	require.Equal(t, shape{anArray, []node{edge{"a", 2, true}, edge{"a", 2, false}}, 2}, got)
}

func TestExpressionsThatAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "ends too early", "a +": "ends too early", "a b": "unexpected", "a = 2": "no operator", "a & b": "no operator", "a ! b": "no operator", "a && || b": "unexpected",
		"FILL(a)": "FILL takes 2 arguments, got 1", "IF(a)": "IF takes 2 or 3 arguments, got 1", "ANOMALY_DETECTION_BAND()": "1 or 2 arguments", "METRICS(a)": "unexpected",
		"METRICS(\"a\", b)": "unexpected", "ANOMALY_DETECTION_BAND(a+b)": "takes the id", "ANOMALY_DETECTION_BAND(a, b)": "above 0", "ANOMALY_DETECTION_BAND(a, 0)": "above 0",
		"ABS(2)": "takes a series", "FILL(2, 3)": "takes a series", "IF(1, 2, 3)": "at least one series", "IF([a], 2, 3)": "got an array", "FIRST([])": "not empty",
		strings.Repeat("a", 2049): "at most 2048", strings.Repeat("(", 60): "nests too deep", strings.Repeat("-", 60) + "a": "nests too deep",
		"SUM([" + strings.Repeat("METRICS(),", 126) + "a])": "more than 500 series",
		// What CloudWatch may well take.
		"SUM(a)": "sandbox", "SUM([a, 1])": "sandbox", "FILL(a, REPEAT)": "sandbox", "FILL(a, [b])": "sandbox", "RATE(a)": "sandbox", "[a] + [b]": "sandbox", "[a] > 1": "sandbox",
		"a ^ 2": "sandbox", "IF(1 > 0, a, b)": "sandbox", "FIRST(a)": "sandbox", "SELECT SUM(a) FROM N": "sandbox", "a AND AND": "sandbox",
		strings.Repeat("SUM(METRICS()*", 30) + "a" + strings.Repeat(")", 30): "sandbox", // four to the thirtieth parts
	} {
		_, err := resolved(text)
		require.ErrorContains(t, err, want, text)
	}
}

func queryOf(id, text string) metricQuery { return metricQuery{ID: id, Expression: &text} }

func statOf(id string, period int) metricQuery {
	q := metricQuery{ID: id, MetricStat: &metricStat{Period: &period, Stat: "Sum"}}
	q.MetricStat.Metric.Namespace, q.MetricStat.Metric.MetricName = &id, &id
	return q
}

func TestBandsThatAreRefused(t *testing.T) {
	t.Parallel()
	m := statOf("m", 60)
	many := []metricQuery{}
	for i := range 10 {
		many = append(many, statOf(fmt.Sprintf("m%d", i), 60))
	}
	for want, queries := range map[string][]metricQuery{
		"more than one":        {m, queryOf("e", "IF(m > LAST(ANOMALY_DETECTION_BAND(m)), FIRST(ANOMALY_DETECTION_BAND(m)))")},
		"with METRICS":         {m, queryOf("e", "SUM(METRICS())"), queryOf("f", "e"), queryOf("b", "ANOMALY_DETECTION_BAND(f)")},
		"more than 10":         append(many, queryOf("e", "SUM([m0,m1,m2,m3,m4,m5,m6,m7,m8,m9])"), queryOf("b", "ANOMALY_DETECTION_BAND(e)")),
		"the metric math of":   {m, queryOf("e", "LAST(ANOMALY_DETECTION_BAND(m))"), queryOf("b", "ANOMALY_DETECTION_BAND(e)")},
		"Undefined variable":   {m, queryOf("b", "ANOMALY_DETECTION_BAND(n)")},
		"metric math of 'e'":   {m, queryOf("b", "ANOMALY_DETECTION_BAND(m)"), queryOf("e", "b+m")},
		"refers to itself":     {m, queryOf("b", "m+LAST(ANOMALY_DETECTION_BAND(b))")},
		"got a number":         {m, queryOf("e", "1+1")},
		"different periods":    {m, statOf("n", 300)},
		"with different perio": {m, func() metricQuery { q, p := queryOf("e", "m"), 300; q.Period = &p; return q }()},
	} {
		_, err := compile(queries)
		require.ErrorContains(t, err, want)
	}
}

func TestWhatIsSharedIsComputedOnce(t *testing.T) {
	t.Parallel()
	queries := []metricQuery{statOf("e0", 60)}
	for i := range 60 { // two to the sixtieth, if not
		queries = append(queries, queryOf(fmt.Sprintf("e%d", i+1), "SUM(["+queries[i].ID+","+queries[i].ID+"])/2"))
	}
	p, err := compile(queries)
	require.NoError(t, err)
	m, err := openMetrics("")
	require.NoError(t, err)
	start := time.Unix(1772366400, 0)
	m.record(newID("e0", "e0", nil), noUnit, start, func(s *summary) { s.add(4, 1) })
	got, ok := p.evaluator(m, minuteOf(start), minuteOf(start)+1).at(minuteOf(start)).of(queries[60].ID)
	require.True(t, ok)
	require.InDelta(t, 4, got, 1e-9)
}
