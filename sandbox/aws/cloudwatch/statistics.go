package cloudwatch

import (
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

// over is what the minutes from start up to end come to. Its values are in order,
// and are there only for percentiles.
func (h history) over(start, end int64, values bool) summary {
	var whole summary
	minutes := h.between(start, end)
	for i := range minutes {
		whole.take(minutes[i].summary)
	}
	if values {
		runs := make([][]seen, len(minutes))
		for i := range minutes {
			runs[i] = minutes[i].Values
		}
		whole.Values = merged(runs)
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

// isPercentile reports whether a statistic that [checkStatistic] takes is one.
func isPercentile(name string) bool { return name[0] == 'p' }

// percentOf is how many of hundred values a percentile's is not below.
func percentOf(name string) float64 {
	percent, _ := strconv.ParseFloat(name[1:], 64) // its pattern says that it is a number
	return percent
}

// percentile is the smallest value that so many of the values do not exceed.
// How AWS interpolates is not documented.
func (s summary) percentile(name string) (float64, bool) {
	if len(s.Values) == 0 { // sets of statistics have no values
		return 0, false
	}
	total := 0.0
	for _, each := range s.Values {
		total += each[1]
	}
	before, wanted := 0.0, total*percentOf(name)/100
	for _, each := range s.Values {
		before += each[1]
		if before >= wanted {
			return each[0], true
		}
	}
	return s.Values[len(s.Values)-1][0], true
}

// fewSamples reports whether a percentile is of too few samples to mean
// something: fewer than 10/(1-percentile), or below the median 10/percentile. No
// sample is few (a guess), and for p0 and p100 any number is enough.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/percentiles-with-low-samples.html
func fewSamples(name string, samples float64) bool {
	percent := percentOf(name)
	return samples*min(percent, 100-percent) < 1000*(1-1e-9) && percent > 0 && percent < 100
}
