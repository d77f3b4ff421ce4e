package accesslog

import (
	"fmt"
	"slices"
	"strings"
)

// Filter counts lines of a log in a metric: a metric filter of CloudWatch Logs.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
type Filter struct {
	// Metric is the name of the metric, and of the filter.
	Metric string
	// Pattern is what lines match that count, at most [MaxPatternBytes].
	Pattern string
	// Title is what a dashboard calls the metric.
	Title string
}

// MaxPatternBytes is how long the pattern of a filter may be.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html
const MaxPatternBytes = 1024

// The metrics beside those of the reasons.
const (
	MetricLines    = "Lines"      // lines, readable or not
	MetricRequests = "Requests"   // lines: calls, answered or not
	MetricRefused  = "AllRefused" // by the gateway, for whatever reason
	MetricOther    = "RefusedOther"
)

// refused is the condition of every refusal by the gateway.
const refused = `$.status = "4*" && $.integrationStatus = "-"`

// Filters count the lines, the calls, the refusals, and the refusals for each reason. A
// refusal counts for exactly one reason, [Other] if for none that is known.
func Filters() []Filter {
	filters := []Filter{
		{MetricLines, "", "lines"},
		{MetricRequests, `{ $.requestId = "*" }`, "requests"},
		{MetricRefused, "{ " + refused + " }", "refused"},
	}
	var earlier []string
	for _, r := range errorRules {
		conditions := []string{refused, oneOf(r.errors)}
		for _, text := range earlier {
			conditions = append(conditions, differs("authorizerError", text))
		}
		filters = append(filters, Filter{metricOf(r), "{ " + strings.Join(conditions, " && ") + " }", string(r.reason)})
		earlier = append(earlier, r.errors...)
	}
	for _, r := range plainRules {
		filters = append(filters, Filter{metricOf(r), "{ " + r.plain() + " }", string(r.reason)})
	}
	return append(filters, Filter{MetricOther, otherPattern(), string(Other)})
}

// metricOf is the metric of a rule.
func metricOf(r rule) string { return "Refused" + r.metric }

// MetricOf is the metric that counts the refusals for a reason.
func MetricOf(reason Reason) string {
	for _, r := range slices.Concat(errorRules, plainRules) {
		if r.reason == reason {
			return metricOf(r)
		}
	}
	return MetricOther
}

// plain is the condition of a rule without an error.
func (r rule) plain() string {
	conditions := []string{equals("status", r.status), `$.integrationStatus = "-"`, oneOf(r.errors)}
	if r.unrouted {
		conditions = append(conditions, equals("routeKey", unset))
	}
	return strings.Join(conditions, " && ")
}

// otherPattern is of refusals that match no rule. There is no "not" in patterns
// but that of a comparison.
func otherPattern() string {
	conditions := []string{refused}
	for _, r := range errorRules {
		for _, text := range r.errors {
			conditions = append(conditions, differs("authorizerError", text))
		}
	}
	for _, r := range plainRules {
		not := []string{differs("status", r.status), differs("authorizerError", unset)}
		if r.unrouted {
			not = append(not, differs("routeKey", unset))
		}
		conditions = append(conditions, "("+strings.Join(not, " || ")+")")
	}
	return "{ " + strings.Join(conditions, " && ") + " }"
}

// oneOf is the condition that the authorizer's error is one of several.
func oneOf(texts []string) string {
	var conditions []string
	for _, text := range texts {
		conditions = append(conditions, equals("authorizerError", text))
	}
	if len(conditions) == 1 {
		return conditions[0]
	}
	return "(" + strings.Join(conditions, " || ") + ")"
}

func equals(field, value string) string  { return fmt.Sprintf("$.%s = %q", field, value) }
func differs(field, value string) string { return fmt.Sprintf("$.%s != %q", field, value) }
