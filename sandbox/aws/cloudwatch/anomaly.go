package cloudwatch

import (
	"errors"
	"maps"
	"math"
	"slices"
)

// The model of what is usual (a guess): the mean of the points before, more or
// less so many standard deviations. AWS's, which is not published, learns of up to
// two weeks, and knows hours, days and trends.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Anomaly_Detection.html
const (
	// learnMinutes is how long the points are looked at, or as many as
	// learnPeriods if that is longer.
	learnMinutes = 24 * 60
	learnPeriods = 48
	// leastPoints is how many points there must be for a band.
	leastPoints = 30
	// leastDeviation is that of points which do not differ, as a share of their
	// mean, or of 1 if that is larger. It is more than what adding up is off by.
	leastDeviation = 1e-6
)

// lookback is how many minutes a band needs before its point.
func (p *program) lookback() int64 { return max(learnMinutes, learnPeriods*p.minutes()) }

// norm is what is usual for a point, by those before.
type norm struct {
	mean, deviation float64
	negative        bool // one of them is below 0
	present, known  bool
}

// band implements [moment]. The lower edge is not below 0 if no point was: that of
// "a statistic that can't be negative" is not, and what can is not known here.
func (i instance) band(id string, width float64) (lower, upper float64, ok bool) {
	usual := memoOf(i.norms, id).at(i.start)
	if !usual.known {
		*usual = i.learn(id)
	}
	lower, upper = usual.mean-width*usual.deviation, usual.mean+width*usual.deviation
	if !usual.negative {
		lower = max(lower, 0)
	}
	return lower, upper, usual.present
}

// learn looks at the points before, from the first data on: what FILL puts in
// before them is no experience.
func (i instance) learn(id string) norm {
	usual := norm{known: true}
	var values []float64
	points := memoOf(i.points, id)
	earliest := i.start - i.lookback()
	for at := i.start - i.minutes(); at >= earliest && i.since < at+i.minutes(); at -= i.minutes() {
		point := points.at(at)
		if !point.known {
			i.at(at).of(id)
		}
		if point.present {
			values = append(values, point.value)
			usual.mean += point.value
			usual.negative = usual.negative || point.value < 0
		}
	}
	if len(values) < leastPoints {
		return usual
	}
	usual.present = true
	usual.mean /= float64(len(values))
	for _, value := range values {
		usual.deviation += (value - usual.mean) * (value - usual.mean)
	}
	usual.deviation = max(math.Sqrt(usual.deviation/float64(len(values))), leastDeviation*max(1, math.Abs(usual.mean)))
	return usual
}

// maxBandInputs is of how many metrics and expressions a band may be made.
const maxBandInputs = 10

// checkBands refuses bands that CloudWatch does not make, see
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html#using-anomaly-detection-on-metric-math.
// A band of what has a band itself is left out.
func (p *program) checkBands(parsed map[string]node) error {
	for _, id := range slices.Sorted(maps.Keys(parsed)) {
		made := bands(parsed[id])
		if len(made) > 1 {
			return badExpression(id, errors.New("it has more than one "+bandFunction))
		}
		for _, of := range made {
			inputs := map[string]bool{}
			p.collect(of, inputs)
			if len(inputs) > maxBandInputs {
				return badExpression(id, errors.New(bandFunction+" of more than 10 metrics or expressions"))
			}
			for input := range inputs {
				if parsed[input] == nil {
					continue
				}
				if has(parsed[input], func(n node) bool { return isCall(n, "METRICS") }) {
					return badExpression(id, errors.New(bandFunction+" of an expression with METRICS"))
				}
				if len(bands(parsed[input])) > 0 {
					return badExpression(id, errUnsupported)
				}
			}
		}
	}
	return nil
}

// bands are what the bands of an expression are of.
func bands(n node) (of []string) {
	has(n, func(n node) bool {
		if isCall(n, bandFunction) {
			id, _ := n.(call).arguments[0].(reference) // else it was refused
			of = append(of, string(id))
		}
		return false
	})
	return of
}

// collect adds a metric or expression and all that it refers to.
func (p *program) collect(id string, to map[string]bool) {
	if !to[id] {
		to[id] = true
		p.walk(id, func(next string) { p.collect(next, to) })
	}
}
