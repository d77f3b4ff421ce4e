package cloudwatch

import (
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

var (
	percentile = regexp.MustCompile(`^p(\d{1,2}(\.\d{0,10})?|100)$`)
	// otherStatistic is what AWS takes and the sandbox does not compute, see
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html.
	otherStatistic = regexp.MustCompile(
		`^((tm|wm|tc|ts)(\d{1,2}(\.\d{0,10})?|100)|IQM|(TM|WM|PR|TC|TS)\((\d+(\.\d+)?%?)?:(\d+(\.\d+)?%?)?\))$`)
)

var statistics = []string{"SampleCount", "Average", "Sum", "Minimum", "Maximum"}

// checkStatistic refuses what is no statistic; at is how the request names it.
func checkStatistic(name, at string) error {
	switch {
	case slices.Contains(statistics, name), percentile.MatchString(name):
		return nil
	case otherStatistic.MatchString(name):
		return wire.NotImplemented("the statistic " + name)
	}
	return invalidValue("The value %s for parameter %s is not supported.", name, at)
}

// window returns what the minutes from start up to end come to.
func window(minutes map[int64]summary, start, end int64) summary {
	var whole summary
	take := func(each summary) {
		whole.take(each)
		for value, count := range each.Values {
			whole.Values[value] += count
		}
	}
	whole.Values = map[float64]float64{}
	if end-start < int64(len(minutes)) {
		for minute := start; minute < end; minute++ {
			if each, ok := minutes[minute]; ok {
				take(each)
			}
		}
		return whole
	}
	for minute, each := range minutes {
		if minute >= start && minute < end {
			take(each)
		}
	}
	return whole
}

// statistic computes a statistic that [checkStatistic] takes. It reports whether
// there are data.
func (s summary) statistic(name string) (float64, bool) {
	if s.Count == 0 {
		return 0, false
	}
	switch name {
	case "SampleCount":
		return s.Count, true
	case "Average":
		return s.Sum / s.Count, true
	case "Sum":
		return s.Sum, true
	case "Minimum":
		return s.Min, true
	case "Maximum":
		return s.Max, true
	}
	return s.percentile(name)
}

// percentile is the smallest value that so many of the values do not exceed.
// How AWS interpolates is not documented.
func (s summary) percentile(name string) (float64, bool) {
	share, err := strconv.ParseFloat(name[1:], 64)
	if err != nil || len(s.Values) == 0 { // sets of statistics have no values
		return 0, false
	}
	total := 0.0
	for _, count := range s.Values {
		total += count
	}
	values := slices.Sorted(maps.Keys(s.Values))
	seen := 0.0
	for _, value := range values {
		seen += s.Values[value]
		if seen >= total*share/100 {
			return value, true
		}
	}
	return values[len(values)-1], true
}
