package logs_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/stretchr/testify/require"
)

// metrics are the values that were recorded.
type metrics struct {
	mu     sync.Mutex
	values []string
}

func (m *metrics) record(namespace, metric string, dimensions map[string]string, value float64, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	text := namespace + " " + metric
	for _, name := range slices.Sorted(maps.Keys(dimensions)) {
		text += " " + name + "=" + dimensions[name]
	}
	m.values = append(m.values, fmt.Sprintf("%s: %g at %s", text, value, at.UTC().Format("15:04:05.000")))
}

// take returns what was recorded since the last call.
func (m *metrics) take() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	values := m.values
	m.values = nil
	return values
}

// one is a transformation that counts, and zero one with 0 by default.
var (
	one  = types.MetricTransformation{MetricName: aws.String("M"), MetricNamespace: aws.String("N"), MetricValue: aws.String("1")}
	zero = types.MetricTransformation{MetricName: aws.String("M"), MetricNamespace: aws.String("N"), MetricValue: aws.String("1"), DefaultValue: aws.Float64(0)}
)

func (b *bench) put(group, name, pattern string, to ...types.MetricTransformation) error {
	_, err := b.PutMetricFilter(b.t.Context(), &cloudwatchlogs.PutMetricFilterInput{
		LogGroupName: &group, FilterName: &name, FilterPattern: &pattern, MetricTransformations: to,
	})
	return err
}

func (b *bench) filter(group, name, pattern string, to types.MetricTransformation) {
	b.t.Helper()
	require.NoError(b.t, b.put(group, name, pattern, to))
}

// with is one, changed.
func with(change func(*types.MetricTransformation)) types.MetricTransformation {
	to := one
	change(&to)
	return to
}

func TestAMetricFilterIsDescribedAsItIs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newBench(t, dir)
	ctx := t.Context()
	b.group("/g")
	b.group("/other")
	b.filter("/g", "plain", `{ $.status = "4*" }`, zero)
	full := with(func(to *types.MetricTransformation) {
		to.MetricName, to.MetricValue, to.Unit = aws.String("Latency"), aws.String("$.ms"), types.StandardUnitMilliseconds
		to.Dimensions = map[string]string{"Route": "$.route"}
	})
	b.filter("/g", "plan", `{ $.ms = * && $.route = * }`, full)
	b.filter("/other", "plain", "", one)

	b = newBench(t, dir) // what the provider does: by prefix, and then the exact name
	out, err := b.DescribeMetricFilters(ctx, &cloudwatchlogs.DescribeMetricFiltersInput{LogGroupName: aws.String("/g"), FilterNamePrefix: aws.String("pla")})
	require.NoError(t, err)
	require.Len(t, out.MetricFilters, 2)
	plain, plan := out.MetricFilters[0], out.MetricFilters[1]
	require.Equal(t, "plain", *plain.FilterName)
	require.Equal(t, "/g", *plain.LogGroupName)
	require.Equal(t, `{ $.status = "4*" }`, *plain.FilterPattern)
	require.Equal(t, start.UnixMilli(), *plain.CreationTime)
	want := zero
	want.Unit = types.StandardUnitNone
	require.Equal(t, []types.MetricTransformation{want}, plain.MetricTransformations)
	require.Equal(t, []types.MetricTransformation{full}, plan.MetricTransformations)

	b.clock.move(time.Hour)
	b.filter("/g", "plain", "changed", one)
	out, err = b.DescribeMetricFilters(ctx, &cloudwatchlogs.DescribeMetricFiltersInput{MetricName: aws.String("M"), MetricNamespace: aws.String("N"), FilterNamePrefix: aws.String("does not count")})
	require.NoError(t, err)
	require.Len(t, out.MetricFilters, 2)
	require.Equal(t, "changed", *out.MetricFilters[0].FilterPattern)
	require.Equal(t, start.UnixMilli(), *out.MetricFilters[0].CreationTime)
	require.Nil(t, out.MetricFilters[0].MetricTransformations[0].DefaultValue)
	require.Equal(t, "/other", *out.MetricFilters[1].LogGroupName)
	groups, err := b.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/g")})
	require.NoError(t, err)
	require.Equal(t, int32(2), *groups.LogGroups[0].MetricFilterCount)

	_, err = b.DeleteMetricFilter(ctx, &cloudwatchlogs.DeleteMetricFilterInput{LogGroupName: aws.String("/g"), FilterName: aws.String("plain")})
	require.NoError(t, err)
	_, err = b.DeleteMetricFilter(ctx, &cloudwatchlogs.DeleteMetricFilterInput{LogGroupName: aws.String("/g"), FilterName: aws.String("plain")})
	missing(t, err, "The specified metric filter does not exist.")
	_, err = b.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String("/other")})
	require.NoError(t, err)
	out, err = b.DescribeMetricFilters(ctx, &cloudwatchlogs.DescribeMetricFiltersInput{})
	require.NoError(t, err)
	require.Len(t, out.MetricFilters, 1, "gone with its group")
}

func TestMetricFiltersThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	b.group("/g")
	const fields = `{ $.ms = * && $.a = * && $.b = * && $.c = * && $.d = * }`
	for want, to := range map[string]types.MetricTransformation{
		"metricName":                    with(func(to *types.MetricTransformation) { to.MetricName = aws.String("a:b") }),
		"have length between 1 and 255": with(func(to *types.MetricTransformation) { to.MetricNamespace = aws.String(strings.Repeat("n", 256)) }),
		"metricNamespace":               with(func(to *types.MetricTransformation) { to.MetricNamespace = aws.String("") }),
		"does not begin with AWS/":      with(func(to *types.MetricTransformation) { to.MetricNamespace = aws.String("AWS/Logs") }),
		`got "one"`:                     with(func(to *types.MetricTransformation) { to.MetricValue = aws.String("one") }),
		`got "NaN"`:                     with(func(to *types.MetricTransformation) { to.MetricValue = aws.String("NaN") }),
		`got ""`:                        with(func(to *types.MetricTransformation) { to.MetricValue = aws.String("") }),
		`got "$.other"`:                 with(func(to *types.MetricTransformation) { to.MetricValue = aws.String("$.other") }),
		"got 101 characters":            with(func(to *types.MetricTransformation) { to.MetricValue = aws.String(strings.Repeat("1", 101)) }),
		"unit":                          with(func(to *types.MetricTransformation) { to.Unit = "Furlongs" }),
		"got 4, want at most 3": with(func(to *types.MetricTransformation) {
			to.Dimensions = map[string]string{"a": "$.a", "b": "$.b", "c": "$.c", "d": "$.d"}
		}),
		"dimension Route: got \"/orders\"": with(func(to *types.MetricTransformation) { to.Dimensions = map[string]string{"Route": "/orders"} }),
		"dimension Route: got \"$.other\"": with(func(to *types.MetricTransformation) { to.Dimensions = map[string]string{"Route": "$.other"} }),
		"got the name \":a\"":              with(func(to *types.MetricTransformation) { to.Dimensions = map[string]string{":a": "$.a"} }),
		"got the name \" \"":               with(func(to *types.MetricTransformation) { to.Dimensions = map[string]string{" ": "$.a"} }),
		"got the name \"é\"":               with(func(to *types.MetricTransformation) { to.Dimensions = map[string]string{"é": "$.a"} }),
		"dimensions and default value are mutually exclusive properties.": with(func(to *types.MetricTransformation) {
			to.Dimensions, to.DefaultValue = map[string]string{"a": "$.a"}, aws.Float64(0)
		}),
	} {
		invalid(t, b.put("/g", "f", fields, to), want)
	}
	invalid(t, b.put("/g", "f", "", one, one), "Member must have length 1, got 2")
	invalid(t, b.put("/g", "f", "", []types.MetricTransformation{}...), "Member must have length 1, got 0")
	invalid(t, b.put("/g", "a:b", "", one), "filterName")
	invalid(t, b.put("/g", "f", "{ $.a", one), "Invalid filter pattern")
	invalid(t, b.put("/g", "f", strings.Repeat("x", 1025), one), "got 1025 characters, want at most 1024")
	missing(t, b.put("/absent", "f", "", one), "log group")
	invalid(t, b.put("a b", "f", "", one), "logGroupName")

	for want, in := range map[string]*cloudwatchlogs.PutMetricFilterInput{
		"applyOnTransformedLogs":    {ApplyOnTransformedLogs: true},
		"emitSystemFieldDimensions": {EmitSystemFieldDimensions: []string{"@aws.region"}},
		"fieldSelectionCriteria":    {FieldSelectionCriteria: aws.String(`@aws.region = "x"`)},
	} {
		in.LogGroupName, in.FilterName, in.FilterPattern = aws.String("/g"), aws.String("f"), aws.String("")
		in.MetricTransformations = []types.MetricTransformation{one}
		_, err := b.PutMetricFilter(ctx, in)
		notImplemented(t, err, want)
	}
	_, err := b.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/cold"), LogGroupClass: types.LogGroupClassInfrequentAccess})
	require.NoError(t, err)
	var operation *types.InvalidOperationException
	require.ErrorAs(t, b.put("/cold", "f", "", one), &operation)

	_, err = b.DescribeMetricFilters(ctx, &cloudwatchlogs.DescribeMetricFiltersInput{MetricName: aws.String("M")})
	invalid(t, err, "metricName and metricNamespace")
	_, err = b.DescribeMetricFilters(ctx, &cloudwatchlogs.DescribeMetricFiltersInput{LogGroupName: aws.String("/absent")})
	missing(t, err, "log group")
	_, err = b.DescribeMetricFilters(ctx, &cloudwatchlogs.DescribeMetricFiltersInput{NextToken: aws.String("!")})
	invalid(t, err, "nextToken")
	_, err = b.DescribeMetricFilters(ctx, &cloudwatchlogs.DescribeMetricFiltersInput{Limit: aws.Int32(51)})
	invalid(t, err, "between 1 and 50")
	_, err = b.DeleteMetricFilter(ctx, &cloudwatchlogs.DeleteMetricFilterInput{LogGroupName: aws.String("/g"), FilterName: aws.String("*")})
	invalid(t, err, "filterName")
}

func TestAGroupHasAHundredFiltersAndFiveWithRegularExpressions(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.group("/g")
	for i := range 5 {
		b.filter("/g", fmt.Sprint("f", i), "%x%", one)
	}
	var exceeded *types.LimitExceededException
	require.ErrorAs(t, b.put("/g", "f5", "{ $.a = %x% }", one), &exceeded)
	b.filter("/g", "f0", "%y%", one)
	for i := range 100 {
		b.filter("/g", fmt.Sprint("f", i), "x", one)
	}
	require.ErrorAs(t, b.put("/g", "f100", "x", one), &exceeded)
	require.Contains(t, exceeded.ErrorMessage(), "Resource limit exceeded")
	b.filter("/g", "f99", "y", one)
	pages := cloudwatchlogs.NewDescribeMetricFiltersPaginator(b.Client, &cloudwatchlogs.DescribeMetricFiltersInput{LogGroupName: aws.String("/g"), Limit: aws.Int32(30)})
	names := map[string]bool{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.MetricFilters), 30)
		for _, f := range page.MetricFilters {
			names[*f.FilterName] = true
		}
	}
	require.Len(t, names, 100)
}

func TestAPatternIsTested(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	test := func(pattern string, messages ...string) (*cloudwatchlogs.TestMetricFilterOutput, error) {
		return b.TestMetricFilter(t.Context(), &cloudwatchlogs.TestMetricFilterInput{FilterPattern: &pattern, LogEventMessages: messages})
	}
	out, err := test(`{ $.status = "4*" && $.ms < 5 || $.absent = "x" }`, `{"status":"200","ms":1}`, "no JSON", `{"status":"403","ms":1.5}`)
	require.NoError(t, err)
	require.Equal(t, []types.MetricFilterMatchRecord{{
		EventNumber: 3, EventMessage: aws.String(`{"status":"403","ms":1.5}`), ExtractedValues: map[string]string{"$.status": "403", "$.ms": "1.5"},
	}}, out.Matches)
	out, err = test("x", "y")
	require.NoError(t, err)
	require.Empty(t, out.Matches)
	_, err = test("{", "y")
	invalid(t, err, "Invalid filter pattern")
	_, err = test("x", "")
	invalid(t, err, "logEventMessages")
	_, err = test("x", slices.Repeat([]string{"y"}, 51)...)
	invalid(t, err, "got 51, want 1 to 50")
}
