package components

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/accesslog"
)

// alarm is one of the alarms of a [Monitor].
type alarm struct {
	name string
	// first says what it means and what to do first.
	first string
	// query is linked beside it, over group, or the access log if that is nil.
	query string
	group pulumi.StringInput

	metrics    []metric
	expression string
	label      string
	threshold  float64 // reached, or above
	periods    int     // in a row; default 1
	band       float64 // width of the band of what is usual, in place of a threshold
}

// metric is one that alarms watch, and dashboards show.
type metric struct {
	id, name   string
	namespace  pulumi.StringInput
	dimensions pulumi.StringMap
	stat       string // default Sum
}

// Queries that alarms link to are short: an alarm's description has room for
// 1024 characters.
const (
	linkedRefusals = `fields @timestamp,requestId,routeKey,ip,status,authorizerError|` +
		`filter status like /^4/ and integrationStatus="-"|sort @timestamp desc`
	linkedFailures = `fields @timestamp,requestId,routeKey,status,integrationError,authorizerError|` +
		`filter status like /^5/|sort @timestamp desc`
	linkedSlowest = `stats count(*),pct(responseLatency,99) as p99,max(integrationLatency) by routeKey|sort p99 desc`
	linkedErrors  = `fields @timestamp,@message|sort @timestamp desc`
)

// alarms are those of the monitor.
func (args *MonitorArgs) alarms() []alarm {
	t := args.Thresholds.withDefaults()
	share := fmt.Sprintf("IF(FILL(requests, 0) >= %d, 100 * FILL(refused, 0) / requests, 0)", t.RefusedRequests)
	refusals := []metric{args.counted("requests", accesslog.MetricRequests), args.counted("refused", accesslog.MetricRefused)}
	unknown := args.refusals("other", accesslog.Other)
	all := []alarm{{
		name:    "refused",
		first:   fmt.Sprintf("%g%% of the calls or more are refused. See which reason it is in the query: one reason and one address is a caller's mistake; all callers at once is a change here or in Entra. `entragate logs --denied`, `entragate doctor`.", t.RefusedPercent),
		query:   linkedRefusals,
		metrics: refusals, expression: share, label: "refused, percent", threshold: t.RefusedPercent,
	}, {
		name:    "refused-anomaly",
		first:   "More of the calls are refused than is usual here. Compare with the last deployment and with the dashboard: what reason grew, on which route?",
		query:   linkedRefusals,
		metrics: refusals, expression: share, label: "refused, percent", band: t.AnomalyWidth, periods: 2,
	}, {
		name:    "refused-other",
		first:   "Calls are refused for a reason that no filter knows, or lines of the log cannot be read, so that the other counts are too low. Look at authorizerError and errorType: did AWS change a text?",
		query:   linkedRefusals,
		metrics: append(unknown, args.counted("lines", accesslog.MetricLines), args.counted("requests", accesslog.MetricRequests)),
		// A line that is no JSON is in no other count.
		expression: sum(unknown) + " + FILL(lines, 0) - FILL(requests, 0)",
		label:      "refused, reason unknown", threshold: 1,
	}, {
		name:    "issuer-unavailable",
		first:   "API Gateway cannot read the issuer's discovery document or keys, so that every call with a token is refused. `entragate doctor` fetches both within the gateway's limits. Is Entra up? https://status.azure.com",
		query:   linkedRefusals,
		metrics: []metric{args.counted("unavailable", accesslog.MetricOf(accesslog.IssuerUnavailable))},
		label:   "refused, issuer unavailable", threshold: 1,
	}, {
		name:    "bad-keys",
		first:   "Tokens are refused for their signature or key. All callers: Entra rolled its keys and the gateway keeps the old ones, for two hours at most. One address: forged tokens.",
		query:   linkedRefusals,
		metrics: args.refusals("keys", accesslog.BadSignature),
		label:   "refused, signature or key", threshold: float64(t.WrongTokens),
	}, {
		name:    "wrong-tokens",
		first:   "Tokens are for another API or from another tenant. After a deployment: compare issuer and audience, `entragate doctor`. Else a client asks for the wrong scope: `entragate explain --token`.",
		query:   linkedRefusals,
		metrics: append(args.refusals("audience", accesslog.WrongAudience), args.refusals("issuer", accesslog.WrongIssuer)...),
		label:   "refused, audience or issuer", threshold: float64(t.WrongTokens),
	}, {
		name:    "throttled",
		first:   "Calls are throttled. Who calls so often? If they may, raise the throttle of the route; a throttle of 0 refuses everything.",
		query:   linkedRefusals,
		metrics: []metric{args.counted("throttled", accesslog.MetricOf(accesslog.Throttled))},
		label:   "throttled", threshold: float64(t.Throttled),
	}, {
		name:       "failed",
		first:      fmt.Sprintf("%g%% of the calls or more fail with 500 or above. integrationError says whether the backend was reached; authorizerError is the role authorizer's.", t.FailedPercent),
		query:      linkedFailures,
		metrics:    []metric{args.ofAPI("calls", "Count", ""), args.ofAPI("failures", "5xx", "")},
		expression: "IF(FILL(failures, 0) >= 5, 100 * failures / calls, 0)",
		label:      "failed, percent", threshold: t.FailedPercent,
	}, {
		name:       "latency",
		first:      fmt.Sprintf("Backends take %d ms or more for one call in a hundred. Which route is it, and since which deployment of the backend?", t.LatencyMillis),
		query:      linkedSlowest,
		metrics:    []metric{args.ofAPI("latency", "IntegrationLatency", "p99")},
		expression: "FILL(latency, 0)",
		label:      "latency of backends, p99 in ms", threshold: float64(t.LatencyMillis), periods: 3,
	}, {
		name:       "log-silent",
		first:      "There are calls, but none arrives in the access log: refusals go unseen, and the other alarms here are blind. `entragate doctor` tests the delivery; see the stage's log settings and the log group's key.",
		query:      linkedErrors,
		metrics:    []metric{args.ofAPI("calls", "Count", ""), args.counted("lines", accesslog.MetricRequests)},
		expression: "IF(FILL(calls, 0) >= 10, IF(FILL(lines, 0) == 0, 1, 0), 0)",
		label:      "log is silent", threshold: 1, periods: 2,
	}}
	if args.AuthorizerFunction != nil {
		all = append(all, alarm{
			name:  "authorizer",
			first: "The role authorizer fails, so that calls of routes with roles get a 500. Its log says why: the issuer's keys, its memory, its time?",
			query: linkedErrors, group: args.AuthorizerLogGroup,
			metrics: []metric{{
				id: "errors", name: "Errors", namespace: pulumi.String("AWS/Lambda"),
				dimensions: pulumi.StringMap{"FunctionName": args.AuthorizerFunction},
			}},
			label: "errors of the role authorizer", threshold: 1,
		})
	}
	for i, a := range all {
		if a.expression == "" {
			all[i].expression = sum(a.metrics)
		}
	}
	return all
}

// counted is a metric of the access log.
func (args *MonitorArgs) counted(id, name string) metric {
	return metric{id: id, name: name, namespace: args.MetricNamespace}
}

// refusals are the counts of the refusals for a reason, those by the role
// authorizer too, where there is one.
func (args *MonitorArgs) refusals(id string, reason accesslog.Reason) []metric {
	counts := []metric{args.counted(id, accesslog.MetricOf(reason))}
	if args.AuthorizerFunction != nil {
		counts = append(counts, args.counted("role_"+id, accesslog.FunctionMetricOf(reason)))
	}
	return counts
}

// ofAPI is a metric of API Gateway.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
func (args *MonitorArgs) ofAPI(id, name, stat string) metric {
	return metric{
		id: id, name: name, stat: stat, namespace: pulumi.String("AWS/ApiGateway"),
		dimensions: pulumi.StringMap{"ApiId": args.APIID, "Stage": pulumi.String("$default")},
	}
}

// sum is the expression that adds metrics up, those without data aside.
func sum(metrics []metric) string {
	var terms []string
	for _, m := range metrics {
		terms = append(terms, "FILL("+m.id+", 0)")
	}
	return strings.Join(terms, " + ")
}
