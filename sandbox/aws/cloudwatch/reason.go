package cloudwatch

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// reason tells why, in AWS's words.
func (a *Alarm) reason(v verdict, before string) string {
	if v.state == stateInsufficient {
		return fmt.Sprintf("Insufficient Data: %s unknown.", counted(v.filled, "datapoint was", "datapoints were"))
	}
	var speaking []datapoint // for the state
	for _, each := range v.points {
		if a.breaches(each) == (v.state == stateAlarm) {
			speaking = append(speaking, each)
		}
	}
	if len(speaking) == 0 { // only what is missing does
		treated, received := "NonBreaching", ""
		if v.state == stateAlarm {
			treated = "Breaching"
		}
		if len(v.points) == 0 {
			received = "no datapoints were received for " + counted(v.filled, "period", "periods") + " and "
		}
		return fmt.Sprintf("Threshold Crossed: %s%s treated as [%s].", received,
			counted(v.filled, "missing datapoint was", "missing datapoints were"), treated)
	}
	is, needed := "was", a.datapointsToAlarm()
	if len(speaking) != 1 {
		is = "were"
	}
	if v.state == stateOK {
		is, needed = is+" not", *a.EvaluationPeriods-needed+1
	}
	shown := inBrackets(speaking, func(p datapoint) string {
		return fmt.Sprintf("%s (%s)", decimal(p.value), p.start.Format("02/01/06 15:04:05"))
	})
	crossed, last := "Threshold Crossed", counted(*a.EvaluationPeriods, "datapoint", "datapoints")
	if a.ThresholdMetricID != nil { // of messages that were seen
		crossed, last = "Thresholds Crossed", fmt.Sprintf("%d datapoints", *a.EvaluationPeriods)
	}
	return fmt.Sprintf("%s: %d out of the last %s %s %s %s (minimum %s for %s -> %s transition).", crossed, len(speaking), last, shown,
		is, a.comparison(speaking, v.state), counted(needed, "datapoint", "datapoints"), before, v.state)
}

// comparison is what points were, or were not, compared with the threshold or
// their bands.
func (a *Alarm) comparison(points []datapoint, state string) string {
	below := "less than the lower thresholds " + inBrackets(points, func(p datapoint) string { return decimal(p.lower) })
	above := "greater than the upper thresholds " + inBrackets(points, func(p datapoint) string { return decimal(p.upper) })
	switch a.ComparisonOperator {
	case "GreaterThanUpperThreshold":
		return above
	case "LessThanLowerThreshold":
		return below
	case "LessThanLowerOrGreaterThanUpperThreshold":
		if state == stateOK {
			above = "not " + above
		}
		return below + " or " + above
	}
	words := map[string]string{
		"GreaterThanOrEqualToThreshold": "greater than or equal to", "GreaterThanThreshold": "greater than",
		"LessThanThreshold": "less than", "LessThanOrEqualToThreshold": "less than or equal to",
	}[a.ComparisonOperator]
	return fmt.Sprintf("%s the threshold (%s)", words, decimal(float64(*a.Threshold)))
}

func inBrackets(points []datapoint, text func(datapoint) string) string {
	shown := make([]string, len(points))
	for i, each := range points {
		shown[i] = text(each)
	}
	return "[" + strings.Join(shown, ", ") + "]"
}

func counted(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}

// decimal has a point, as texts of AWS's have.
func decimal(f float64) string {
	text := floatText(f)
	if !strings.ContainsAny(text, ".NI") {
		text += ".0"
	}
	return text
}

// reasonData is the reason for programs.
func (a *Alarm) reasonData(v verdict, at time.Time) string {
	recent := func(of func(datapoint) float64) []any {
		values := []any{}
		for _, each := range slices.Backward(v.points) {
			values = append(values, of(each))
		}
		return values
	}
	members := object{
		{"version", "1.0"},
		{"queryDate", stamp(at)},
		{"recentDatapoints", recent(func(p datapoint) float64 { return p.value })},
	}
	if a.Statistic != nil {
		members = append(members, member{"statistic", *a.Statistic})
	}
	if a.Period != nil {
		members = append(members, member{"period", int64(*a.Period)})
	}
	if a.Threshold != nil {
		members = append(members, member{"threshold", float64(*a.Threshold)})
	}
	if strings.HasPrefix(a.ComparisonOperator, "LessThanLower") {
		members = append(members, member{"recentLowerThresholds", recent(func(p datapoint) float64 { return p.lower })})
	}
	if strings.HasSuffix(a.ComparisonOperator, "UpperThreshold") {
		members = append(members, member{"recentUpperThresholds", recent(func(p datapoint) float64 { return p.upper })})
	}
	return string(encodeJSON(members))
}
