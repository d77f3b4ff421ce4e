package cloudwatch

import (
	"context"
	"maps"
	"slices"
	"time"
)

// change is an alarm that goes to another state.
type change struct {
	alarm   string
	at      time.Time
	verdict verdict
}

// Tick evaluates every alarm for each minute since the last tick, and tells the
// topics of those that change. A period ends with a whole minute and slides, as
// AWS's does for most periods; the minute that is not over does not count.
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
	span := p.minutes() * int64(d.lookedAt())
	e := p.evaluator(s.metrics, minuteOf(last)-span, minuteOf(now))
	if p.learns {
		span += p.lookback()
	}
	minutes := e.present()
	var changes []change
	points := make([]datapoint, d.lookedAt())
	for at := last.Add(every); !at.After(now); at = at.Add(every) {
		found := d.judgeAt(e, minuteOf(at), points)
		if found.state != "" && found.state != state {
			state = found.state
			changes = append(changes, change{d.AlarmName, at, found})
		}
		// Nothing changes until there are data again.
		if !anyIn(minutes, minuteOf(at)-span, minuteOf(at)) {
			next, some := firstFrom(minutes, minuteOf(at))
			resume := now.Add(-every)
			if some {
				resume = time.Unix(next*60, 0).Truncate(every)
			}
			if resume.After(at) {
				at = resume
			}
		}
	}
	return changes, nil
}

// lookedAt is how many points are.
func (d Definition) lookedAt() int { return *d.EvaluationPeriods + extraPoints }

// judgeAt decides the state of an alarm at a minute. It puts its points into a
// slice that is used again.
func (d Definition) judgeAt(e *evaluator, now int64, points []datapoint) verdict {
	if low := d.EvaluateLowSampleCountPercentile; low != nil && *low == "ignore" {
		start := now - int64(*d.EvaluationPeriods)*e.minutes()
		for id, stat := range e.stats {
			if isPercentile(stat.Stat) && fewSamples(stat.Stat, e.data[id].over(start, now, false).Count) {
				return verdict{}
			}
		}
	}
	d.fill(points, e, now)
	return d.judge(points)
}

// fill looks the points of an alarm at a minute up, the latest first.
func (d Definition) fill(points []datapoint, e *evaluator, now int64) {
	var band shape
	watched := e.returned[0]
	if d.ThresholdMetricID != nil {
		band, watched = e.expressions[*d.ThresholdMetricID], e.watched(*d.ThresholdMetricID)
	}
	for i := range points {
		start := now - int64(i+1)*e.minutes()
		at := e.at(start)
		point := datapoint{start: time.Unix(start*60, 0).UTC()}
		point.value, point.present = at.of(watched)
		if point.present && len(band.nodes) > 0 {
			point.upper, point.present = band.nodes[0].value(at)
			point.lower, _ = band.nodes[1].value(at)
		}
		points[i] = point
	}
}

// watched is what an alarm with a band looks at.
func (p *program) watched(band string) string {
	if p.returned[0] == band {
		return p.returned[1]
	}
	return p.returned[0]
}

// present are the minutes that any metric has data of, in order.
func (e *evaluator) present() []int64 {
	var minutes []int64
	for _, of := range e.data {
		for i := range of {
			minutes = append(minutes, of[i].at)
		}
	}
	slices.Sort(minutes)
	return slices.Compact(minutes)
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
