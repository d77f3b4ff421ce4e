package cloudwatch

import "time"

// extraPoints is how many more points than the evaluation periods are looked at
// when data are missing. AWS says that there are more, not how many: its example
// has three and five
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html).
const extraPoints = 2

// datapoint is one period of an alarm.
type datapoint struct {
	start        time.Time
	value        float64
	lower, upper float64 // of its band, if the alarm has one
	present      bool
}

// verdict is what an evaluation comes to.
type verdict struct {
	state  string // "" keeps the one that is
	points []datapoint
	filled int // missing points that were treated as something
}

// judge decides the state of an alarm from its points, the latest first.
func (d Definition) judge(points []datapoint) verdict {
	needed, breachingNeeded := *d.EvaluationPeriods, d.datapointsToAlarm()
	real := make([]datapoint, 0, min(needed, len(points)))
	for _, each := range points {
		if each.present && len(real) < needed {
			real = append(real, each)
		}
	}
	breaching := 0
	for _, each := range real {
		if d.breaches(each) {
			breaching++
		}
	}
	out := verdict{points: real}
	switch {
	case breaching >= breachingNeeded:
		out.state = stateAlarm
		return out
	case len(real) == needed:
		out.state = stateOK
		return out
	}
	out.filled = needed - len(real)
	switch d.treatMissing() {
	case "breaching":
		out.state = stateOK
		if breaching+out.filled >= breachingNeeded {
			out.state = stateAlarm
		}
	case "notBreaching":
		out.state = stateOK
	case "ignore":
		if len(real) > breaching {
			out.state = stateOK
		}
	default:
		out.state = d.judgeMissing(points, real, breaching)
	}
	return out
}

// judgeMissing is for data that are missing and count as that: an alarm goes off
// when the oldest point that is there is old enough and all after it breach or
// are missing. That a single late breach keeps the state is a guess.
func (d Definition) judgeMissing(points, real []datapoint, breaching int) string {
	switch {
	case len(real) == 0:
		return stateInsufficient
	case len(real) > breaching:
		return stateOK
	}
	for age := min(*d.EvaluationPeriods, len(points)); age >= d.datapointsToAlarm(); age-- {
		if points[age-1].present {
			return stateAlarm
		}
	}
	return ""
}

func (d Definition) datapointsToAlarm() int {
	if d.DatapointsToAlarm != nil {
		return *d.DatapointsToAlarm
	}
	return *d.EvaluationPeriods
}

func (d Definition) treatMissing() string {
	if d.TreatMissingData != nil {
		return *d.TreatMissingData
	}
	return "missing"
}

// breaches reports whether a point is beyond the threshold or its band.
func (d Definition) breaches(p datapoint) bool {
	switch d.ComparisonOperator {
	case "GreaterThanUpperThreshold":
		return p.value > p.upper
	case "LessThanLowerThreshold":
		return p.value < p.lower
	case "LessThanLowerOrGreaterThanUpperThreshold":
		return p.value < p.lower || p.value > p.upper
	}
	threshold := float64(*d.Threshold)
	switch d.ComparisonOperator {
	case "GreaterThanOrEqualToThreshold":
		return p.value >= threshold
	case "GreaterThanThreshold":
		return p.value > threshold
	case "LessThanThreshold":
		return p.value < threshold
	}
	return p.value <= threshold
}
