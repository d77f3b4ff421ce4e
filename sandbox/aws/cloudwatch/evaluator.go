package cloudwatch

import "math"

// evaluator computes what a program's metrics and expressions come to, each point
// once: the periods of alarms slide, so that every point is looked at many times.
// A point is known by its id and the minute that it begins with.
type evaluator struct {
	*program
	data   map[string]history // of the metrics
	since  int64              // the first minute that any of them has data of
	points map[string]*memo[result]
	norms  map[string]*memo[norm]
}

// evaluator reads the data of the minutes from start up to end, and what the bands
// of their points need.
func (p *program) evaluator(m *metrics, start, end int64) *evaluator {
	e := &evaluator{p, map[string]history{}, math.MaxInt64, map[string]*memo[result]{}, map[string]*memo[norm]{}}
	if p.learns {
		start -= p.lookback()
	}
	for id, stat := range p.stats {
		unit := ""
		if stat.Unit != nil {
			unit = *stat.Unit
		}
		of := newID(*stat.Metric.Namespace, *stat.Metric.MetricName, stat.Metric.Dimensions)
		if first, some := m.first(of, unit); some {
			e.since = min(e.since, first)
		}
		e.data[id] = m.read(of, unit, start, end, isPercentile(stat.Stat))
	}
	return e
}

// minutes is the period in minutes.
func (p *program) minutes() int64 { return int64(p.period / 60) }

// at is the period that begins with a minute.
func (e *evaluator) at(start int64) instance { return instance{e, start} }

// instance is one period.
type instance struct {
	*evaluator
	start int64
}

// of implements [moment].
func (i instance) of(id string) (float64, bool) {
	known := memoOf(i.points, id).at(i.start)
	if !known.known {
		known.known = true
		if stat, isStat := i.stats[id]; isStat {
			known.value, known.present = i.data[id].over(i.start, i.start+i.minutes(), isPercentile(stat.Stat)).statistic(stat.Stat)
		} else {
			known.value, known.present = i.expressions[id].nodes[0].value(i)
		}
	}
	return known.value, known.present
}

// result is what a point came to.
type result struct {
	value          float64
	present, known bool
}

// memo keeps what is known of the points of a metric or expression by their
// minute, in leaves: there are many, close together.
type memo[T any] struct {
	leaves map[int64]*leaf[T]
	number int64 // of the leaf that was used last
	last   *leaf[T]
}

const leafMinutes = 1440

type leaf[T any] [leafMinutes]T

func memoOf[T any](all map[string]*memo[T], id string) *memo[T] {
	m := all[id]
	if m == nil {
		m = &memo[T]{leaves: map[int64]*leaf[T]{}}
		all[id] = m
	}
	return m
}

func (m *memo[T]) at(minute int64) *T {
	number, place := minute/leafMinutes, minute%leafMinutes
	if place < 0 {
		number, place = number-1, place+leafMinutes
	}
	if m.last == nil || number != m.number {
		m.number, m.last = number, m.leaves[number]
		if m.last == nil {
			m.last = &leaf[T]{}
			m.leaves[number] = m.last
		}
	}
	return &m.last[place]
}
