package components

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// monitorType is in every URN: changing it replaces everything below.
const monitorType = "entragate:index:Monitor"

// Monitor watches over an HTTP API: alarms on refused and failed calls, on
// latency and on the access log itself, and a dashboard.
type Monitor struct {
	pulumi.ResourceState

	// DashboardURL opens the dashboard in the console.
	DashboardURL pulumi.StringOutput `pulumi:"dashboardUrl"`

	// What nothing else here depends on, for the guard.
	last []pulumi.Resource
}

// MonitorArgs configures a [Monitor].
type MonitorArgs struct {
	// APIID is the HTTP API's id. Its only stage is $default.
	APIID pulumi.StringInput `pulumi:"apiId"`
	// LogGroupName and MetricNamespace are those of the [AccessLog].
	LogGroupName    pulumi.StringInput `pulumi:"logGroupName"`
	MetricNamespace pulumi.StringInput `pulumi:"metricNamespace"`
	// AuthorizerFunction and AuthorizerLogGroup are the names of the Lambda
	// authorizer of routes with roles and of its log group. Default: none.
	AuthorizerFunction pulumi.StringInput `pulumi:"authorizerFunction,optional"`
	AuthorizerLogGroup pulumi.StringInput `pulumi:"authorizerLogGroup,optional"`
	// RotatorFunction is the name of the function that rotates secrets, and
	// RotatorAlarm the ARN of the alarm on it. Default: none.
	RotatorFunction pulumi.StringInput `pulumi:"rotatorFunction,optional"`
	RotatorAlarm    pulumi.StringInput `pulumi:"rotatorAlarm,optional"`
	// Topic is the ARN of the SNS topic that alarms go to.
	Topic pulumi.StringInput `pulumi:"topic"`
	// Ready are what must be there before alarms are of use.
	Ready []pulumi.Resource
	// Thresholds are when alarms go off.
	Thresholds Thresholds `pulumi:"thresholds,optional"`
	// Tags are those of the alarms. Dashboards have none in AWS.
	Tags map[string]string `pulumi:"tags,optional"`
}

// Alarms configures who is told when something is wrong, and when.
type Alarms struct {
	// Topic is the ARN of the SNS topic that alarms go to. If it is encrypted, its
	// key must let cloudwatch.amazonaws.com use it. Default: one is made.
	Topic string `json:"topic,omitempty" pulumi:"topic,optional"`
	// KMSKey is the ARN of the customer-managed key of the topic that is made; the
	// same holds for it. Default: one is made.
	KMSKey string `json:"kmsKey,omitempty" pulumi:"kmsKey,optional"`
	// Subscriptions are who the topic that is made tells. Default: nobody.
	Subscriptions []Subscription `json:"subscriptions,omitempty" pulumi:"subscriptions,optional"`
	// Thresholds are when alarms go off.
	Thresholds Thresholds `json:"thresholds,omitzero" pulumi:"thresholds,optional"`
}

// Thresholds are when alarms go off. All counts are of five minutes.
type Thresholds struct {
	// RefusedPercent is how much of the traffic may be refused. Default: 20.
	RefusedPercent float64 `json:"refusedPercent,omitempty" pulumi:"refusedPercent,optional"`
	// RefusedRequests is how many requests there must be before a share of them
	// means anything. Default: 50.
	RefusedRequests int `json:"refusedRequests,omitempty" pulumi:"refusedRequests,optional"`
	// AnomalyWidth is how many standard deviations the share of refused requests
	// may be above what is usual. Default: 4.
	AnomalyWidth float64 `json:"anomalyWidth,omitempty" pulumi:"anomalyWidth,optional"`
	// WrongTokens is how many tokens may be of the wrong audience or issuer, and
	// how many of the wrong key or signature. Default: 10.
	WrongTokens int `json:"wrongTokens,omitempty" pulumi:"wrongTokens,optional"`
	// Throttled is how many requests may be throttled. Default: 10.
	Throttled int `json:"throttled,omitempty" pulumi:"throttled,optional"`
	// FailedPercent is how much of the traffic may fail with 500 or above, once it
	// is five requests. Default: 1.
	FailedPercent float64 `json:"failedPercent,omitempty" pulumi:"failedPercent,optional"`
	// LatencyMillis is how long backends may take for 99 of 100 requests, three
	// times in a row. Default: 3000.
	LatencyMillis int `json:"latencyMillis,omitempty" pulumi:"latencyMillis,optional"`
}

// withDefaults returns the thresholds with the defaults in place.
func (t Thresholds) withDefaults() Thresholds {
	t.RefusedPercent = orDefault(t.RefusedPercent, 20)
	t.RefusedRequests = orDefault(t.RefusedRequests, 50)
	t.AnomalyWidth = orDefault(t.AnomalyWidth, 4)
	t.WrongTokens = orDefault(t.WrongTokens, 10)
	t.Throttled = orDefault(t.Throttled, 10)
	t.FailedPercent = orDefault(t.FailedPercent, 1)
	t.LatencyMillis = orDefault(t.LatencyMillis, 3000)
	return t
}

// alarmPeriod is what alarms count over, in seconds.
const alarmPeriod = 300

// NewMonitor creates a monitor.
func NewMonitor(ctx *pulumi.Context, name string, args *MonitorArgs, opts ...pulumi.ResourceOption) (*Monitor, error) {
	var p problems
	p.thresholds("thresholds", args.Thresholds)
	p.tags(args.Tags)
	if err := p.err(); err != nil {
		return nil, fmt.Errorf("monitor %q: %w", name, err)
	}
	monitor := &Monitor{}
	if err := ctx.RegisterComponentResourceV2(monitorType, name, pulumi.Map{"apiId": args.APIID}, monitor, opts...); err != nil {
		return nil, err
	}
	child := pulumi.Parent(monitor)
	region := aws.GetRegionOutput(ctx, aws.GetRegionOutputArgs{}, child).Name()
	var arns pulumi.StringArray
	for _, a := range args.alarms() {
		alarm, err := args.newAlarm(ctx, name, a, region, child)
		if err != nil {
			return nil, err
		}
		monitor.last = append(monitor.last, alarm)
		arns = append(arns, alarm.Arn)
	}
	if args.RotatorAlarm != nil {
		arns = append(arns, args.RotatorAlarm)
	}
	dashboard, err := cloudwatch.NewDashboard(ctx, name, &cloudwatch.DashboardArgs{
		DashboardName: pulumi.Sprintf("%s-%s", name, args.APIID),
		DashboardBody: args.dashboard(region, arns),
	}, child)
	if err != nil {
		return nil, err
	}
	monitor.last = append(monitor.last, dashboard)
	monitor.DashboardURL = pulumi.All(region, dashboard.DashboardName).ApplyT(func(v []any) string {
		return dashboardLink(v[0].(string), v[1].(string))
	}).(pulumi.StringOutput)
	return monitor, ctx.RegisterResourceOutputs(monitor, pulumi.Map{"dashboardUrl": monitor.DashboardURL})
}

// newAlarm creates one of the alarms, which tells the topic of both its beginning
// and its end.
func (args *MonitorArgs) newAlarm(ctx *pulumi.Context, name string, a alarm, region pulumi.StringOutput, child pulumi.ResourceOption,
) (*cloudwatch.MetricAlarm, error) {
	group := args.LogGroupName
	if a.group != nil {
		group = a.group
	}
	description := pulumi.All(region, group).ApplyT(func(v []any) string {
		return a.first + "\n\n" + queryLink(v[0].(string), v[1].(string), a.query)
	}).(pulumi.StringOutput)
	actions := pulumi.Array{args.Topic}
	settings := &cloudwatch.MetricAlarmArgs{
		AlarmDescription:   description,
		ComparisonOperator: pulumi.String("GreaterThanOrEqualToThreshold"),
		EvaluationPeriods:  pulumi.Int(orDefault(a.periods, 1)),
		TreatMissingData:   pulumi.String("notBreaching"), // no traffic is not wrong
		AlarmActions:       actions,
		OkActions:          actions,
		MetricQueries:      args.metricQueries(a),
		Tags:               awsTags(args.Tags),
	}
	if a.band > 0 {
		settings.ComparisonOperator = pulumi.String("GreaterThanUpperThreshold")
		settings.ThresholdMetricId = pulumi.String("band")
	} else {
		settings.Threshold = pulumi.Float64(a.threshold)
	}
	return cloudwatch.NewMetricAlarm(ctx, name+"-"+a.name, settings, child, pulumi.DependsOn(args.Ready))
}

// metricQueries are the metrics of an alarm, and the expression that it watches.
func (args *MonitorArgs) metricQueries(a alarm) cloudwatch.MetricAlarmMetricQueryArray {
	var queries cloudwatch.MetricAlarmMetricQueryArray
	for _, m := range a.metrics {
		metric := cloudwatch.MetricAlarmMetricQueryMetricArgs{
			Namespace:  m.namespace,
			MetricName: pulumi.String(m.name),
			Period:     pulumi.Int(alarmPeriod),
			Stat:       pulumi.String(orDefault(m.stat, "Sum")),
		}
		if len(m.dimensions) > 0 {
			metric.Dimensions = m.dimensions
		}
		queries = append(queries, cloudwatch.MetricAlarmMetricQueryArgs{Id: pulumi.String(m.id), Metric: metric})
	}
	queries = append(queries, cloudwatch.MetricAlarmMetricQueryArgs{
		Id: pulumi.String("watched"), Expression: pulumi.String(a.expression), Label: pulumi.String(a.label), ReturnData: pulumi.Bool(true),
	})
	if a.band > 0 {
		queries = append(queries, cloudwatch.MetricAlarmMetricQueryArgs{
			Id: pulumi.String("band"), Label: pulumi.String("usual"), ReturnData: pulumi.Bool(true),
			Expression: pulumi.String(fmt.Sprintf("ANOMALY_DETECTION_BAND(watched, %g)", a.band)),
		})
	}
	return queries
}

// alarms checks who is told, and when.
func (p *problems) alarms(a Alarms, allowLocalhost bool) {
	if a.Topic != "" && !topicARN.MatchString(a.Topic) {
		p.add("alarms.topic", "malformed ARN of a topic", a.Topic, `"arn:aws:sns:<region>:<account>:<name>"`)
	}
	if a.Topic != "" && a.KMSKey != "" {
		p.add("alarms.kmsKey", "a key is given for a topic that is not made here", a.KMSKey, "topic or kmsKey")
	}
	if a.Topic != "" && len(a.Subscriptions) > 0 {
		p.add("alarms.subscriptions", "subscriptions are given to a topic that is not made here", fmt.Sprint(len(a.Subscriptions)),
			"topic or subscriptions")
	}
	p.key("alarms.kmsKey", a.KMSKey)
	p.subscriptions("alarms.subscriptions", a.Subscriptions, allowLocalhost)
	p.thresholds("alarms.thresholds", a.Thresholds)
}

func (p *problems) thresholds(path string, t Thresholds) {
	percent := func(name string, value float64) {
		if value < 0 || value > 100 {
			p.add(path+"."+name, "share out of range", fmt.Sprint(value), "above 0, up to 100 percent")
		}
	}
	count := func(name string, value int) {
		if value < 0 {
			p.add(path+"."+name, "count out of range", fmt.Sprint(value), "at least 1")
		}
	}
	percent("refusedPercent", t.RefusedPercent)
	percent("failedPercent", t.FailedPercent)
	count("refusedRequests", t.RefusedRequests)
	count("wrongTokens", t.WrongTokens)
	count("throttled", t.Throttled)
	count("latencyMillis", t.LatencyMillis)
	if t.AnomalyWidth < 0 || t.AnomalyWidth > 100 {
		p.add(path+".anomalyWidth", "width out of range", fmt.Sprint(t.AnomalyWidth), "above 0, up to 100 standard deviations")
	}
}
