package cloudwatch

import (
	"context"
	"maps"
	"slices"
	"time"
)

// extraPoints is how many more points than the evaluation periods are looked at
// when data are missing. AWS says that there are more, not how many: its example
// has three and five
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html).
const extraPoints = 2

// datapoint is one period of an alarm.
type datapoint struct {
	start   time.Time
	value   float64
	present bool
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
	var real []datapoint
	for _, each := range points {
		if each.present && len(real) < needed {
			real = append(real, each)
		}
	}
	breaching := 0
	for _, each := range real {
		if d.breaches(each.value) {
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

func (d Definition) breaches(value float64) bool {
	if d.Threshold == nil { // of a band, which has no value
		return false
	}
	threshold := float64(*d.Threshold)
	switch d.ComparisonOperator {
	case "GreaterThanOrEqualToThreshold":
		return value >= threshold
	case "GreaterThanThreshold":
		return value > threshold
	case "LessThanThreshold":
		return value < threshold
	}
	return value <= threshold
}

// change is an alarm that goes to another state.
type change struct {
	alarm   string
	at      time.Time
	verdict verdict
}

// Tick evaluates every alarm for each minute since the last tick, and tells the
// topics of those that change. A period ends with a whole minute and slides, as
// AWS's does for most periods; the minute that is not over does not count. An
// alarm on anomalies never has data.
func (s *Service) Tick() error {
	s.ticking.Lock()
	defer s.ticking.Unlock()
	now := s.Now().Truncate(time.Minute)
	definitions, current := map[string]Definition{}, map[string]string{}
	s.state.View(func(all *State) {
		for name, alarm := range all.Alarms {
			definitions[name], current[name] = alarm.Definition, alarm.State
		}
	})
	var changes []change
	for _, name := range slices.Sorted(maps.Keys(definitions)) {
		found, err := s.evaluate(definitions[name], current[name], now)
		if err != nil {
			return err
		}
		changes = append(changes, found...)
	}
	slices.SortStableFunc(changes, func(a, b change) int { return a.at.Compare(b.at) })
	for _, each := range changes {
		if err := s.carryOut(each); err != nil {
			return err
		}
	}
	return s.metrics.save()
}

// Run ticks every minute of real time until the context ends or the state cannot
// be saved.
func (s *Service) Run(ctx context.Context) error {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := s.Tick(); err != nil {
				return err
			}
		}
	}
}

// step is how often an alarm is evaluated.
func step(period int) time.Duration {
	switch {
	case period >= aDay:
		return time.Hour
	case period >= 3600:
		return 5 * time.Minute
	}
	return time.Minute
}

// evaluate finds the changes of state of an alarm up to now.
func (s *Service) evaluate(d Definition, state string, now time.Time) ([]change, error) {
	p, err := d.program()
	if err != nil { // it was checked when it was put
		return nil, err
	}
	every := step(p.period)
	now = now.Truncate(every)
	s.mu.Lock()
	last, known := s.evaluated[d.AlarmName]
	s.evaluated[d.AlarmName] = now
	s.mu.Unlock()
	if !known {
		last = now.Add(-every)
	}
	of := p.read(s.metrics)
	present := presentMinutes(of)
	span := time.Duration(p.period*(*d.EvaluationPeriods+extraPoints)) * time.Second
	var changes []change
	for at := last.Add(every); !at.After(now); at = at.Add(every) {
		result := d.judge(d.pointsAt(p, of, at))
		if result.state != "" && result.state != state {
			state = result.state
			changes = append(changes, change{d.AlarmName, at, result})
		}
		// Nothing changes until there are data again.
		if from := minuteOf(at.Add(-span)); !anyIn(present, from, minuteOf(at)) {
			next, found := firstFrom(present, minuteOf(at))
			resume := now.Add(-every)
			if found {
				resume = time.Unix(next*60, 0).Truncate(every)
			}
			if resume.After(at) {
				at = resume
			}
		}
	}
	return changes, nil
}

// pointsAt returns the points of an alarm at a time, the latest first.
func (d Definition) pointsAt(p *program, of data, at time.Time) []datapoint {
	watched := ""
	for _, id := range p.returned {
		if id != p.band {
			watched = id
		}
	}
	minutes := int64(p.period / 60)
	points := make([]datapoint, 0, *d.EvaluationPeriods+extraPoints)
	for i := range int64(cap(points)) {
		end := minuteOf(at) - i*minutes
		each := datapoint{start: time.Unix((end-minutes)*60, 0).UTC()}
		if p.band == "" {
			each.value, each.present = p.value(of, watched, end-minutes, end)
		}
		points = append(points, each)
	}
	return points
}

// presentMinutes are those that any metric has data of, in order.
func presentMinutes(of data) []int64 {
	all := map[int64]bool{}
	for _, minutes := range of {
		for minute := range minutes {
			all[minute] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func anyIn(sorted []int64, from, to int64) bool {
	next, found := firstFrom(sorted, from)
	return found && next < to
}

func firstFrom(sorted []int64, from int64) (int64, bool) {
	i, _ := slices.BinarySearch(sorted, from)
	if i == len(sorted) {
		return 0, false
	}
	return sorted[i], true
}
