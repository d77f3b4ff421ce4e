package components

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/accesslog"
)

// accessLogType is in every URN: changing it replaces everything below.
const accessLogType = "entragate:index:AccessLog"

// AccessLog is the log of every request to an HTTP API, those that are refused
// first of all: a log group, metrics of refusals by reason, and saved queries.
type AccessLog struct {
	pulumi.ResourceState

	// GroupARN and GroupName are those of the CloudWatch log group.
	GroupARN  pulumi.StringOutput `pulumi:"groupArn"`
	GroupName pulumi.StringOutput `pulumi:"groupName"`
	// MetricNamespace is where the metrics are that [accesslog.Filters] and
	// [accesslog.FunctionFilters] name.
	MetricNamespace pulumi.StringOutput `pulumi:"metricNamespace"`

	// What nothing else here depends on, for the guard.
	last []pulumi.Resource
}

// AccessLogArgs configures an [AccessLog].
type AccessLogArgs struct {
	// APIID is the HTTP API's id.
	APIID pulumi.StringInput `pulumi:"apiId"`
	// AuthorizerLogGroup is the log group of the Lambda authorizer of routes with
	// roles, whose refusals are counted too. Default: none.
	AuthorizerLogGroup pulumi.StringInput `pulumi:"authorizerLogGroup,optional"`
	// RetentionDays is one of the periods that CloudWatch Logs knows. Default: 30.
	RetentionDays int `pulumi:"retentionDays,optional"`
	// KeyARN is the KMS key that encrypts the log, whose policy lets CloudWatch
	// Logs use it. Default: AWS's own.
	KeyARN pulumi.StringInput `pulumi:"keyArn,optional"`
	// Tags are those of the log group. Filters and queries have none in AWS.
	Tags map[string]string `pulumi:"tags,optional"`
}

// AccessLogSettings say how the access log, and the logs of functions unless
// they have settings of their own, are kept.
type AccessLogSettings struct {
	// RetentionDays is one of the periods that CloudWatch Logs knows. Default: 30.
	RetentionDays int `json:"retentionDays,omitempty" pulumi:"retentionDays,optional"`
	// KMSKey is the ARN of the customer-managed key that encrypts logs. Its policy
	// must let CloudWatch Logs use it. Default: AWS's own key.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
	KMSKey string `json:"kmsKey,omitempty" pulumi:"kmsKey,optional"`
	// CreateKey makes such a key. Default: false.
	CreateKey bool `json:"createKey,omitempty" pulumi:"createKey,optional"`
}

// logGroupPrefix is that of access logs. Under /aws/vendedlogs/ AWS writes one
// resource policy for all log groups; elsewhere each takes room in a policy of
// 5120 characters, until it is full.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
const logGroupPrefix = "/aws/vendedlogs/apis/"

// logRetentionDays are what CloudWatch Logs accepts.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
var logRetentionDays = []int{
	1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731,
	1096, 1827, 2192, 2557, 2922, 3288, 3653,
}

// defaultLogRetentionDays is what a gateway keeps unless told otherwise.
const defaultLogRetentionDays = 30

func (s AccessLogSettings) retention() int {
	return orDefault(s.RetentionDays, defaultLogRetentionDays)
}

// NewAccessLog creates an access log.
func NewAccessLog(ctx *pulumi.Context, name string, args *AccessLogArgs, opts ...pulumi.ResourceOption) (*AccessLog, error) {
	var p problems
	p.retention("retentionDays", args.RetentionDays)
	p.tags(args.Tags)
	if err := p.err(); err != nil {
		return nil, fmt.Errorf("access log %q: %w", name, err)
	}
	log := &AccessLog{}
	if err := ctx.RegisterComponentResourceV2(accessLogType, name, pulumi.Map{"apiId": args.APIID}, log, opts...); err != nil {
		return nil, err
	}
	child := pulumi.Parent(log)

	settings := &cloudwatch.LogGroupArgs{
		Name:            pulumi.Sprintf("%s%s-%s", logGroupPrefix, name, args.APIID),
		RetentionInDays: pulumi.Int(orDefault(args.RetentionDays, defaultLogRetentionDays)),
		Tags:            awsTags(args.Tags),
	}
	if args.KeyARN != nil {
		settings.KmsKeyId = args.KeyARN.ToStringOutput().ToStringPtrOutput()
	}
	group, err := cloudwatch.NewLogGroup(ctx, name, settings, child)
	if err != nil {
		return nil, err
	}
	log.GroupARN, log.GroupName = group.Arn, group.Name
	log.MetricNamespace = pulumi.Sprintf("Entragate/%s-%s", name, args.APIID)
	if err := log.count(ctx, name, group.Name, accesslog.Filters(), child); err != nil {
		return nil, err
	}
	if args.AuthorizerLogGroup != nil {
		if err := log.count(ctx, name, args.AuthorizerLogGroup, accesslog.FunctionFilters(), child); err != nil {
			return nil, err
		}
	}
	for _, query := range accesslog.Queries() {
		saved, err := cloudwatch.NewQueryDefinition(ctx, name+"-"+query.Name, &cloudwatch.QueryDefinitionArgs{
			Name:          pulumi.Sprintf("%s-%s/%s", name, args.APIID, query.Name),
			LogGroupNames: pulumi.StringArray{group.Name},
			QueryString:   pulumi.String(query.Text),
		}, child)
		if err != nil {
			return nil, err
		}
		log.last = append(log.last, saved)
	}
	return log, ctx.RegisterResourceOutputs(log, pulumi.Map{
		"groupArn":        log.GroupARN,
		"groupName":       log.GroupName,
		"metricNamespace": log.MetricNamespace,
	})
}

// count makes metrics of the lines of a log group. Minutes with lines of which
// none matches count 0, so that alarms tell quiet from unknown.
func (l *AccessLog) count(ctx *pulumi.Context, name string, group pulumi.StringInput, filters []accesslog.Filter,
	child pulumi.ResourceOption,
) error {
	for _, f := range filters {
		filter, err := cloudwatch.NewLogMetricFilter(ctx, name+"-"+f.Metric, &cloudwatch.LogMetricFilterArgs{
			Name:         pulumi.String(f.Metric),
			LogGroupName: group,
			Pattern:      pulumi.String(f.Pattern),
			MetricTransformation: cloudwatch.LogMetricFilterMetricTransformationArgs{
				Namespace:    l.MetricNamespace,
				Name:         pulumi.String(f.Metric),
				Value:        pulumi.String("1"),
				DefaultValue: pulumi.String("0"),
				Unit:         pulumi.String("Count"),
			},
		}, child)
		if err != nil {
			return err
		}
		l.last = append(l.last, filter)
	}
	return nil
}

// accessLog checks how logs are kept.
func (p *problems) accessLog(s AccessLogSettings) {
	p.retention("accessLog.retentionDays", s.RetentionDays)
	p.key("accessLog.kmsKey", s.KMSKey)
	if s.KMSKey != "" && s.CreateKey {
		p.add("accessLog.kmsKey", "a key is given and one is to be made", s.KMSKey, "one of them")
	}
}
