package cloudwatch

import "strings"

// regionNames are regions as notifications name them; those that are not known
// are named by their code.
var regionNames = map[string]string{
	"us-east-1": "US East (N. Virginia)", "us-east-2": "US East (Ohio)", "us-west-1": "US West (N. California)",
	"us-west-2":    "US West (Oregon)",
	"ca-central-1": "Canada (Central)", "eu-central-1": "EU (Frankfurt)", "eu-west-1": "EU (Ireland)", "eu-west-2": "EU (London)",
	"eu-west-3": "EU (Paris)", "eu-north-1": "EU (Stockholm)", "ap-northeast-1": "Asia Pacific (Tokyo)",
	"ap-southeast-1": "Asia Pacific (Singapore)", "ap-southeast-2": "Asia Pacific (Sydney)",
}

func (s *Service) regionName() string {
	if name := regionNames[s.Region]; name != "" {
		return name
	}
	return s.Region
}

// subject is that of e-mails.
func (s *Service) subject(a Alarm) string {
	return a.State + ": \"" + a.AlarmName + "\" in " + s.regionName()
}

// message is what a topic is told, see
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html.
// The members of Trigger are those of messages that were seen.
func (s *Service) message(a Alarm, before string) []byte {
	return encodeJSON(object{
		{"AlarmName", a.AlarmName},
		{"AlarmDescription", orNull(a.AlarmDescription)},
		{"AWSAccountId", s.Account},
		{"AlarmConfigurationUpdatedTimestamp", stamp(a.Configured)},
		{"NewStateValue", a.State},
		{"NewStateReason", a.Reason},
		{"StateChangeTime", stamp(a.Changed)},
		{"Region", s.regionName()},
		{"AlarmArn", s.AlarmARN(a.AlarmName)},
		{"OldStateValue", before},
		{"OKActions", texts(a.OKActions)},
		{"AlarmActions", texts(a.AlarmActions)},
		{"InsufficientDataActions", texts(a.InsufficientDataActions)},
		{"Trigger", a.trigger()},
	})
}

func (a Alarm) trigger() object {
	low := ""
	if a.EvaluateLowSampleCountPercentile != nil {
		low = *a.EvaluateLowSampleCountPercentile
	}
	common := object{
		{"EvaluationPeriods", int64(*a.EvaluationPeriods)},
		{"DatapointsToAlarm", int64(a.datapointsToAlarm())},
		{"ComparisonOperator", a.ComparisonOperator},
		{"Threshold", 0.0},
		{"TreatMissingData", a.treatMissing()},
		{"EvaluateLowSampleCountPercentile", low},
	}
	if a.Threshold != nil {
		common[3].value = float64(*a.Threshold)
	}
	if len(a.Metrics) > 0 {
		var metrics []any
		for _, each := range a.Metrics {
			metrics = append(metrics, each.shown())
		}
		return append(common, member{"Metrics", metrics})
	}
	kind, statistic := "ExtendedStatistic", a.ExtendedStatistic
	if a.Statistic != nil {
		upper := strings.ToUpper(*a.Statistic)
		kind, statistic = "Statistic", &upper
	}
	return append(common,
		member{"MetricName", *a.MetricName}, member{"Namespace", *a.Namespace}, member{"StatisticType", kind},
		member{"Statistic", *statistic}, member{"Unit", orNull(a.Unit)}, member{"Dimensions", shownDimensions(a.Dimensions)},
		member{"Period", int64(*a.Period)},
	)
}

func (q metricQuery) shown() object {
	members := object{{"Id", q.ID}, {"ReturnData", q.ReturnData == nil || *q.ReturnData}}
	if q.Label != nil {
		members = append(members, member{"Label", *q.Label})
	}
	if q.Expression != nil {
		return append(members, member{"Expression", *q.Expression})
	}
	stat := object{
		{"Metric", object{
			{"Namespace", *q.MetricStat.Metric.Namespace},
			{"MetricName", *q.MetricStat.Metric.MetricName},
			{"Dimensions", shownDimensions(q.MetricStat.Metric.Dimensions)},
		}},
		{"Period", int64(*q.MetricStat.Period)},
		{"Stat", q.MetricStat.Stat},
	}
	return append(members, member{"MetricStat", stat})
}

func shownDimensions(dimensions []Dimension) []any {
	shown := []any{}
	for _, d := range dimensions {
		shown = append(shown, object{{"name", d.Name}, {"value", d.Value}})
	}
	return shown
}

func texts(list []string) []any {
	shown := []any{}
	for _, each := range list {
		shown = append(shown, each)
	}
	return shown
}

func orNull(text *string) any {
	if text == nil {
		return nil
	}
	return *text
}
