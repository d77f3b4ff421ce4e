package cloudwatch

import (
	"errors"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Limits of https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html.
const (
	maxName         = 255
	maxDescription  = 1024
	maxActions      = 5
	maxAction       = 1024
	maxDimensions   = 30
	maxQueries      = 500
	maxAlarmMetrics = 10    // and as many expressions
	aDay            = 86400 // seconds
)

var (
	comparisons     = []string{"GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"}
	bandComparisons = []string{"LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold"}
	missingData     = []string{"breaching", "notBreaching", "ignore", "missing"}
	units           = []string{
		"Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Bits", "Kilobits", "Megabits",
		"Gigabits", "Terabits", "Percent", "Count", "Bytes/Second", "Kilobytes/Second", "Megabytes/Second", "Gigabytes/Second",
		"Terabytes/Second", "Bits/Second", "Kilobits/Second", "Megabits/Second", "Gigabits/Second", "Terabits/Second", "Count/Second", noUnit,
	}
	queryID   = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)
	actionARN = regexp.MustCompile(`^arn:[a-z0-9-]+:[a-z0-9-]+:[a-z0-9-]*:[a-z0-9]*:.+$`)
)

func oneOf(value, at string, values []string) error {
	if slices.Contains(values, value) {
		return nil
	}
	return constraint(value, at, "Member must satisfy enum value set: ["+strings.Join(values, ", ")+"]")
}

// check refuses what is no alarm.
func (d Definition) check() error {
	if n := utf8.RuneCountInString(d.AlarmName); n < 1 || n > maxName {
		return constraint(d.AlarmName, "alarmName", "Member must have length between 1 and 255")
	}
	if d.AlarmDescription != nil && utf8.RuneCountInString(*d.AlarmDescription) > maxDescription {
		return constraint("...", "alarmDescription", "Member must have length less than or equal to 1024")
	}
	for _, actions := range [][]string{d.OKActions, d.AlarmActions, d.InsufficientDataActions} {
		if len(actions) > maxActions {
			return constraint(len(actions), "actions", "Member must have length less than or equal to 5")
		}
		for _, action := range actions {
			if len(action) > maxAction || !actionARN.MatchString(action) {
				return invalid("Invalid arn syntax: %s", action)
			}
		}
	}
	if d.ComparisonOperator == "" {
		return constraint("null", "comparisonOperator", "Member must not be null")
	}
	if err := oneOf(d.ComparisonOperator, "comparisonOperator", slices.Concat(comparisons, bandComparisons)); err != nil {
		return err
	}
	if d.EvaluationPeriods == nil || *d.EvaluationPeriods < 1 {
		return constraint("...", "evaluationPeriods", "Member must have value greater than or equal to 1")
	}
	if m := d.DatapointsToAlarm; m != nil && (*m < 1 || *m > *d.EvaluationPeriods) {
		return invalid("DatapointsToAlarm must be between 1 and EvaluationPeriods, got %d", *m)
	}
	if d.TreatMissingData != nil {
		if err := oneOf(*d.TreatMissingData, "treatMissingData", missingData); err != nil {
			return err
		}
	}
	if low := d.EvaluateLowSampleCountPercentile; low != nil {
		if err := oneOf(*low, "evaluateLowSampleCountPercentile", []string{"evaluate", "ignore"}); err != nil {
			return err
		}
	}
	if len(d.Metrics) > 0 {
		return d.checkMetrics()
	}
	return d.checkMetric()
}

// checkMetric is for an alarm on one metric.
func (d Definition) checkMetric() error {
	switch {
	case d.MetricName == nil || d.Namespace == nil:
		return invalid("Either MetricName and Namespace or Metrics must be specified")
	case (d.Statistic == nil) == (d.ExtendedStatistic == nil):
		return invalid("Exactly one of Statistic or ExtendedStatistic must be specified")
	case d.ThresholdMetricID != nil || slices.Contains(bandComparisons, d.ComparisonOperator):
		return invalid("ThresholdMetricId and %s need Metrics with an anomaly detection band", d.ComparisonOperator)
	case d.Threshold == nil || math.IsNaN(float64(*d.Threshold)) || math.IsInf(float64(*d.Threshold), 0):
		return invalid("Threshold must be a number")
	case d.Period == nil:
		return invalid("Period must be specified")
	case d.EvaluateLowSampleCountPercentile != nil && d.ExtendedStatistic == nil:
		return invalid("EvaluateLowSampleCountPercentile needs a percentile")
	}
	if d.Statistic != nil {
		if err := oneOf(*d.Statistic, "statistic", statistics); err != nil {
			return err
		}
	} else if !percentile.MatchString(*d.ExtendedStatistic) {
		return checkStatistic(*d.ExtendedStatistic, "ExtendedStatistic")
	}
	if err := checkSeries(*d.Namespace, *d.MetricName, d.Dimensions, d.Unit); err != nil {
		return err
	}
	return d.checkPeriod(*d.Period)
}

// checkPeriod has AWS's text for the time that an alarm may look back.
func (d Definition) checkPeriod(period int) error {
	switch {
	case period == 10 || period == 20 || period == 30:
		return wire.NotImplemented("an alarm with a period below a minute")
	case period < 60 || period%60 != 0:
		return invalid("Period must be 10, 20, 30 or a multiple of 60, got %d", period)
	}
	span := period * *d.EvaluationPeriods
	if period < 3600 && span > aDay {
		return invalid("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400).")
	}
	if span > 7*aDay {
		return invalid("Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= 604800).")
	}
	return nil
}

// checkSeries refuses what is no metric.
func checkSeries(namespace, name string, dimensions []Dimension, unit *string) error {
	if n := len(namespace); n < 1 || n > maxName || strings.HasPrefix(namespace, ":") {
		return invalidValue("The value %q for parameter Namespace is invalid: want 1 to 255 characters that do not begin with a colon.", namespace)
	}
	if n := len(name); n < 1 || n > maxName {
		return invalidValue("The value %q for parameter MetricName is invalid: want 1 to 255 characters.", name)
	}
	if len(dimensions) > maxDimensions {
		return invalidValue("The collection Dimensions must not have a size greater than 30.")
	}
	seen := map[string]bool{}
	for _, d := range dimensions {
		if n := len(d.Name); n < 1 || n > maxName || strings.HasPrefix(d.Name, ":") {
			return invalidValue("The name %q of a dimension is invalid: want 1 to 255 characters that do not begin with a colon.", d.Name)
		}
		if n := len(d.Value); n < 1 || n > 1024 {
			return invalidValue("The value of dimension %s is invalid: want 1 to 1024 characters.", d.Name)
		}
		if seen[d.Name] {
			return invalidValue("The dimension %s is given twice.", d.Name)
		}
		seen[d.Name] = true
	}
	if unit != nil {
		return oneOf(*unit, "unit", units)
	}
	return nil
}

// checkMetrics is for an alarm on metrics and expressions.
func (d Definition) checkMetrics() error {
	for _, given := range []bool{
		d.MetricName != nil, d.Namespace != nil, len(d.Dimensions) > 0, d.Period != nil, d.Unit != nil,
		d.Statistic != nil, d.ExtendedStatistic != nil,
	} {
		if given {
			return invalid("Metrics cannot be specified together with MetricName, Namespace, Dimensions, Period, Unit, Statistic or ExtendedStatistic")
		}
	}
	if err := checkNumbers(d.Metrics); err != nil {
		return err
	}
	program, err := compile(d.Metrics)
	if err != nil {
		return err
	}
	for _, id := range program.returned {
		if program.expressions[id].kind == anArray && !slices.Contains(program.bands, id) {
			return badExpression(id, errors.New("that of an alarm must give a single time series"))
		}
	}
	if len(program.bands) > 0 || d.ThresholdMetricID != nil || slices.Contains(bandComparisons, d.ComparisonOperator) {
		return d.checkBand(program)
	}
	if d.Threshold == nil || math.IsNaN(float64(*d.Threshold)) || math.IsInf(float64(*d.Threshold), 0) {
		return invalid("Threshold must be a number")
	}
	if len(program.returned) != 1 {
		return invalid("Exactly one element of the metrics list should return data.")
	}
	return d.checkPeriod(program.period)
}

// checkNumbers has the limits of
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html,
// which makes twenty metrics and expressions of the two.
func checkNumbers(queries []metricQuery) error {
	metrics := 0
	for _, q := range queries {
		if q.MetricStat != nil {
			metrics++
		}
	}
	switch {
	case metrics > maxAlarmMetrics:
		return invalid("The metrics list of an alarm must not have more than 10 metrics, got %d.", metrics)
	case len(queries)-metrics > maxAlarmMetrics:
		return invalid("The metrics list of an alarm must not have more than 10 expressions, got %d.", len(queries)-metrics)
	}
	return nil
}

// checkBand is for an alarm on anomalies, see
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Anomaly_Detection_Alarm.html.
func (d Definition) checkBand(p *program) error {
	band := d.ThresholdMetricID
	switch {
	case band == nil || !slices.Contains(p.bands, *band):
		return invalid("ThresholdMetricId must be the id of an ANOMALY_DETECTION_BAND function")
	case d.Threshold != nil:
		return invalid("Threshold and ThresholdMetricId cannot both be specified")
	case !slices.Contains(bandComparisons, d.ComparisonOperator):
		return oneOf(d.ComparisonOperator, "comparisonOperator", bandComparisons)
	case len(p.returned) != 2 || !slices.Contains(p.returned, *band) || slices.Contains(p.bands, p.watched(*band)):
		return invalid("Exactly two elements of the metrics list should return data: the metric and its band.")
	}
	return d.checkPeriod(p.period)
}
