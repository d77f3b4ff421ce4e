package components

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/accesslog"
)

// dashboard is the body of the dashboard: what is wrong now, traffic, refusals by
// reason, latency, rotations, and the last refusals.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
func (args *MonitorArgs) dashboard(region pulumi.StringOutput, alarms pulumi.StringArray) pulumi.StringOutput {
	var widgets []any
	row := 0
	add := func(height int, cells ...map[string]any) {
		width := 24 / len(cells)
		for i, cell := range cells {
			cell["x"], cell["y"], cell["width"], cell["height"] = i*width, row, width, height
			widgets = append(widgets, cell)
		}
		row += height
	}
	graph := func(title string, stacked bool, period int, metrics ...any) map[string]any {
		return map[string]any{"type": "metric", "properties": map[string]any{
			"title": title, "region": region, "view": "timeSeries", "stacked": stacked, "period": period, "metrics": metrics,
		}}
	}
	table := func(title, name string) map[string]any {
		return map[string]any{"type": "log", "properties": map[string]any{
			"title": title, "region": region, "view": "table",
			"query": pulumi.Sprintf("SOURCE '%s' | %s", args.LogGroupName, queryText(name)),
		}}
	}

	add(3, map[string]any{"type": "alarm", "properties": map[string]any{"title": "Alarms", "alarms": alarms}})
	add(6,
		graph("Calls", false, 60,
			series(args.ofAPI("", "Count", ""), "calls"), series(args.ofAPI("", "4xx", ""), "4xx"), series(args.ofAPI("", "5xx", ""), "5xx")),
		graph("Refused, by reason", true, 60, args.refusalSeries(accesslog.Filters())...))
	second := []map[string]any{graph("Milliseconds", false, 60,
		series(args.ofAPI("", "Latency", "p50"), "p50"), series(args.ofAPI("", "Latency", "p99"), "p99"),
		series(args.ofAPI("", "IntegrationLatency", "p99"), "backend p99"))}
	if args.AuthorizerFunction != nil {
		second = append(second, graph("Refused by the role authorizer, by reason", true, 60, args.refusalSeries(accesslog.FunctionFilters())...))
	}
	if args.RotatorFunction != nil {
		ofRotator := func(name string) metric {
			return metric{name: name, namespace: pulumi.String("AWS/Lambda"), dimensions: pulumi.StringMap{"FunctionName": args.RotatorFunction}}
		}
		second = append(second, graph("Rotation of secrets", false, 86400,
			series(ofRotator("Invocations"), "runs"), series(ofRotator("Errors"), "errors")))
	}
	add(6, second...)
	add(8, table("Refused, by reason", accesslog.QueryDeniedByReason), table("Refused, by route", accesslog.QueryDeniedByRoute))
	add(8, table("Who called what", accesslog.QueryCallers), table("Slowest routes", accesslog.QuerySlowest))
	return pulumi.JSONMarshal(map[string]any{"widgets": widgets})
}

// refusalSeries are the counts of refusals for each reason.
func (args *MonitorArgs) refusalSeries(filters []accesslog.Filter) []any {
	var all []any
	for _, f := range filters {
		switch f.Metric {
		case accesslog.MetricLines, accesslog.MetricRequests, accesslog.MetricRefused: // of all reasons
		default:
			all = append(all, series(args.counted("", f.Metric), f.Title))
		}
	}
	return all
}

// series is a metric as a dashboard has it.
func series(m metric, label string) []any {
	line := []any{m.namespace, m.name}
	for _, key := range []string{"ApiId", "Stage", "FunctionName"} {
		if value, ok := m.dimensions[key]; ok {
			line = append(line, key, value)
		}
	}
	return append(line, map[string]any{"label": label, "stat": orDefault(m.stat, "Sum")})
}

// queryText is the text of a saved query, without the comment that it begins
// with: a widget's text has its source in front.
func queryText(name string) string {
	queries := accesslog.Queries()
	i := slices.IndexFunc(queries, func(q accesslog.Query) bool { return q.Name == name })
	_, text, _ := strings.Cut(queries[i].Text, "\n")
	return text
}
