package cloudwatch

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Limits of https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html.
const (
	maxData  = 1000
	oldest   = 14 * 24 * time.Hour
	youngest = 2 * time.Hour
)

type datum struct {
	MetricName        string
	Dimensions        []Dimension
	Timestamp         *instant
	Value             *number
	Values            []number
	Counts            []number
	StatisticValues   *statisticSet
	Unit              *string
	StorageResolution *int
}

type statisticSet struct{ SampleCount, Sum, Minimum, Maximum number }

type putDataInput struct {
	Namespace        string
	MetricData       []datum
	EntityMetricData []struct{ MetricData []datum }
}

func (s *Service) putMetricData(r request) (any, error) {
	in, err := decode[putDataInput](r)
	if err != nil {
		return nil, err
	}
	switch n := len(in.MetricData); {
	case len(in.EntityMetricData) > 0:
		return nil, wire.NotImplemented("PutMetricData with EntityMetricData")
	case n == 0:
		return nil, refusal("MissingRequiredParameterException", "The parameter MetricData is required.")
	case n > maxData:
		return nil, invalidValue("The collection MetricData must not have a size greater than 1000.")
	case len(in.Namespace) >= 4 && in.Namespace[:4] == "AWS/":
		return nil, invalidValue("The value AWS/ for parameter Namespace is invalid.")
	}
	for i, each := range in.MetricData {
		if err := s.checkDatum(in.Namespace, each, fmt.Sprintf("MetricData.member.%d", i+1)); err != nil {
			return nil, err
		}
	}
	for _, each := range in.MetricData {
		s.put(in.Namespace, each)
	}
	return nil, nil
}

func (s *Service) checkDatum(namespace string, d datum, at string) error {
	if err := checkSeries(namespace, d.MetricName, d.Dimensions, d.Unit); err != nil {
		return err
	}
	given := 0
	for _, is := range []bool{d.Value != nil, len(d.Values) > 0, d.StatisticValues != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return invalidCombination("At least one of the parameters %s.Value, %s.Values and %s.StatisticValues must be specified, and no two.", at, at, at)
	}
	numbers := slices.Concat(d.Values, d.Counts)
	if d.Value != nil {
		numbers = append(numbers, *d.Value)
	}
	if set := d.StatisticValues; set != nil {
		numbers = append(numbers, set.SampleCount, set.Sum, set.Minimum, set.Maximum)
		if set.SampleCount <= 0 || set.Minimum > set.Maximum {
			return invalidValue("The parameter %s.StatisticValues is invalid: want a positive SampleCount, and a Minimum that is not above the Maximum.", at)
		}
	}
	for _, n := range numbers {
		// Beyond 2^360 CloudWatch keeps nothing.
		if math.IsNaN(float64(n)) || math.Abs(float64(n)) > math.Ldexp(1, 360) {
			return invalidValue("The value %s for parameter %s.Value is invalid.", floatText(float64(n)), at)
		}
	}
	if len(d.Values) > 150 || len(d.Counts) > 0 && len(d.Counts) != len(d.Values) {
		return invalidValue("The parameters %s.Values and %s.Counts must have the same size, of at most 150.", at, at)
	}
	for _, count := range d.Counts {
		if count <= 0 {
			return invalidValue("The value %s for parameter %s.Counts is invalid.", floatText(float64(count)), at)
		}
	}
	if d.Timestamp != nil {
		now := s.Now()
		if d.Timestamp.Before(now.Add(-oldest)) || d.Timestamp.After(now.Add(youngest)) {
			return invalidValue("The parameter %s.Timestamp must be at most two weeks in the past and two hours in the future.", at)
		}
	}
	return nil
}

// put keeps a datum. One of a high resolution is kept by the minute as well.
func (s *Service) put(namespace string, d datum) {
	at, unit := s.Now(), noUnit
	if d.Timestamp != nil {
		at = d.Timestamp.Time
	}
	if d.Unit != nil {
		unit = *d.Unit
	}
	s.metrics.record(newID(namespace, d.MetricName, d.Dimensions), unit, at, func(minute *summary) {
		switch set := d.StatisticValues; {
		case set != nil:
			minute.take(summary{Sum: float64(set.Sum), Count: float64(set.SampleCount), Min: float64(set.Minimum), Max: float64(set.Maximum)})
		case d.Value != nil:
			minute.add(float64(*d.Value), 1)
		default:
			for i, value := range d.Values {
				count := number(1)
				if len(d.Counts) > 0 {
					count = d.Counts[i]
				}
				minute.add(float64(value), float64(count))
			}
		}
	})
}
