package cloudwatch

import (
	"cmp"
	"slices"
	"time"
)

// Limits of https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html
// and https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html.
const (
	maxDatapoints = 1440
	listPage      = 500
)

type getDataInput struct {
	MetricDataQueries []metricQuery
	StartTime         *instant
	EndTime           *instant
	ScanBy            string
	NextToken         string
	MaxDatapoints     *int
}

type dataResult struct {
	ID         string `json:"Id"`
	Label      string
	Timestamps []time.Time
	Values     []float64
	StatusCode string
}

type getDataOutput struct {
	MetricDataResults []dataResult
	Messages          []struct{ Code, Value string }
}

func (s *Service) getMetricData(r request) (any, error) {
	in, err := decode[getDataInput](r)
	if err != nil {
		return nil, err
	}
	if in.StartTime == nil || in.EndTime == nil || len(in.MetricDataQueries) == 0 {
		return nil, refusal("MissingRequiredParameterException", "The parameters MetricDataQueries, StartTime and EndTime are required.")
	}
	if in.NextToken != "" {
		return nil, refusal("InvalidNextToken", "The next token specified is invalid.")
	}
	if err := oneOf(cmp.Or(in.ScanBy, descending), "scanBy", []string{ascending, descending}); err != nil {
		return nil, err
	}
	p, err := compile(in.MetricDataQueries)
	if err != nil {
		return nil, err
	}
	first, last, err := span(in.StartTime, in.EndTime, p.period)
	if err != nil {
		return nil, err
	}
	e := p.evaluator(s.metrics, first, last+p.minutes())
	out := getDataOutput{MetricDataResults: []dataResult{}}
	for _, q := range in.MetricDataQueries {
		if !slices.Contains(p.returned, q.ID) {
			continue
		}
		label := q.ID
		if q.MetricStat != nil {
			label = *q.MetricStat.Metric.MetricName
		}
		if q.Label != nil {
			label = *q.Label
		}
		for _, n := range p.nodes(q.ID) {
			result := dataResult{ID: q.ID, Label: label, Timestamps: []time.Time{}, Values: []float64{}, StatusCode: "Complete"}
			for start := first; start < last; start += p.minutes() {
				if value, ok := n.value(e.at(start)); ok {
					result.Timestamps = append(result.Timestamps, time.Unix(start*60, 0).UTC())
					result.Values = append(result.Values, value)
				}
			}
			if in.ScanBy != ascending {
				slices.Reverse(result.Timestamps)
				slices.Reverse(result.Values)
			}
			out.MetricDataResults = append(out.MetricDataResults, result)
		}
	}
	return out, nil
}

// nodes are what an id returns: a series, or those of an array, which all have
// the id and (a guess) the label.
func (p *program) nodes(id string) []node {
	if of, isExpression := p.expressions[id]; isExpression {
		return of.nodes
	}
	return []node{reference(id)}
}

// maxPeriods is how many periods are looked at for one request.
const maxPeriods = 100_800

// span returns the minutes of a time range, from the start of its first period.
func span(start, end *instant, period int) (first, last int64, err error) {
	if !start.Before(end.Time) {
		return 0, 0, invalidValue("The parameter StartTime must be less than the parameter EndTime.")
	}
	minutes := int64(period / 60)
	first, last = minuteOf(start.Time), minuteOf(end.Add(time.Minute-1))
	first -= ((first % minutes) + minutes) % minutes
	if (last-first)/minutes > maxPeriods {
		return 0, 0, invalidValue("The time range has more than %d periods.", maxPeriods)
	}
	return first, last, nil
}

type getStatisticsInput struct {
	Namespace          string
	MetricName         string
	Dimensions         []Dimension
	StartTime          *instant
	EndTime            *instant
	Period             *int
	Statistics         []string
	ExtendedStatistics []string
	Unit               *string
}

type statisticsPoint struct {
	Timestamp          time.Time
	SampleCount        *float64
	Average            *float64
	Sum                *float64
	Minimum            *float64
	Maximum            *float64
	Unit               string
	ExtendedStatistics map[string]float64 `json:",omitempty"`
}

type getStatisticsOutput struct {
	Label      string
	Datapoints []statisticsPoint
}

func (in getStatisticsInput) check() error {
	if in.StartTime == nil || in.EndTime == nil || in.Period == nil {
		return refusal("MissingRequiredParameterException", "The parameters StartTime, EndTime and Period are required.")
	}
	if len(in.Statistics)+len(in.ExtendedStatistics) == 0 {
		return refusal("MissingRequiredParameterException", "At least one of the parameters Statistics and ExtendedStatistics must be specified.")
	}
	if err := checkSeries(in.Namespace, in.MetricName, in.Dimensions, in.Unit); err != nil {
		return err
	}
	for _, each := range in.Statistics {
		if err := oneOf(each, "statistics", statistics); err != nil {
			return err
		}
	}
	for _, each := range in.ExtendedStatistics {
		if err := checkStatistic(each, "ExtendedStatistics"); err != nil {
			return err
		}
	}
	if *in.Period < 60 || *in.Period%60 != 0 {
		return invalidValue("The parameter Period must be a multiple of 60, got %d.", *in.Period)
	}
	return nil
}

func (s *Service) getMetricStatistics(r request) (any, error) {
	in, err := decode[getStatisticsInput](r)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	first, last, err := span(in.StartTime, in.EndTime, *in.Period)
	if err != nil {
		return nil, err
	}
	minutes := int64(*in.Period / 60)
	if asked := (last - first + minutes - 1) / minutes; asked > maxDatapoints {
		return nil, invalidCombination("You have requested up to %d datapoints, which exceeds the limit of 1,440. You may reduce the datapoints requested by increasing Period, or decreasing the time range.", asked)
	}
	asked, unit := "", noUnit
	if in.Unit != nil {
		asked, unit = *in.Unit, *in.Unit
	}
	of := s.metrics.read(newID(in.Namespace, in.MetricName, in.Dimensions), asked, first, last+minutes, len(in.ExtendedStatistics) > 0)
	out := getStatisticsOutput{in.MetricName, []statisticsPoint{}}
	for start := first; start < last; start += minutes {
		whole := of.over(start, start+minutes, len(in.ExtendedStatistics) > 0)
		if whole.Count == 0 {
			continue
		}
		p := statisticsPoint{Timestamp: time.Unix(start*60, 0).UTC(), Unit: unit, ExtendedStatistics: map[string]float64{}}
		fields := map[string]**float64{
			"SampleCount": &p.SampleCount, "Average": &p.Average, "Sum": &p.Sum, "Minimum": &p.Minimum, "Maximum": &p.Maximum,
		}
		for _, each := range in.Statistics {
			value, _ := whole.statistic(each)
			*fields[each] = &value
		}
		for _, each := range in.ExtendedStatistics {
			if value, ok := whole.statistic(each); ok {
				p.ExtendedStatistics[each] = value
			}
		}
		out.Datapoints = append(out.Datapoints, p)
	}
	return out, nil
}
