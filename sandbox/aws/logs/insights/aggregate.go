package insights

import (
	"math"
	"slices"
)

// accumulator is an aggregate of one group. It is given no absent values.
type accumulator interface {
	add(v value, r *row)
	value() value
}

type count int

func (c *count) add(value, *row) { *c++ }

func (c *count) value() value { return numberOf(float64(*c)) }

// distinct counts exactly; AWS approximates where there are many.
type distinct map[string]bool

func (d distinct) add(v value, _ *row) { d[v.String()] = true }

func (d distinct) value() value { return numberOf(float64(len(d))) }

// moments sums numbers; others do not count, and without any there is no
// result (guesses).
type moments struct {
	n, sum, mean, squares float64
	result                func(*moments) float64
}

func (m *moments) add(v value, _ *row) {
	x, ok := v.num()
	if !ok {
		return
	}
	m.n++
	m.sum += x
	delta := x - m.mean
	m.mean += delta / m.n
	m.squares += delta * (x - m.mean)
}

func (m *moments) value() value {
	if m.n == 0 {
		return value{}
	}
	return numberOf(m.result(m))
}

func (m *moments) total() float64 { return m.sum }

func (m *moments) average() float64 { return m.sum / m.n }

// deviation is that of the whole population (a guess).
func (m *moments) deviation() float64 { return math.Sqrt(m.squares / m.n) }

// extreme keeps what sorts last, or first with the sign -1. With numbers, text
// gives way to them (a guess): a dash is not the least latency.
type extreme struct {
	sign    int
	numbers bool
	best    value
	rank    rank
}

func (e *extreme) add(v value, _ *row) {
	rank := rankOf(v)
	better := e.best.kind == absent || rank.compare(e.rank)*e.sign > 0
	if e.numbers && e.best.kind != absent && rank.group != e.rank.group {
		better = rank.group > e.rank.group
	}
	if better {
		e.best, e.rank = v, rank
	}
}

func (e *extreme) value() value { return e.best }

// edge keeps the value of the latest event that has one, or of the earliest
// with the sign -1 (that events without it are passed over is a guess).
type edge struct {
	sign int64
	best value
	at   int64
}

func (e *edge) add(v value, r *row) {
	at := r.event.Timestamp * e.sign
	// Events come newest first; of those at the same time the oldest is last.
	if e.best.kind == absent || at > e.at || at == e.at && e.sign < 0 {
		e.best, e.at = v, at
	}
}

func (e *edge) value() value { return e.best }

// percentile is the least number that so many percent are not above (a guess:
// AWS says how many are lower, and approximates).
type percentile struct {
	percent float64
	numbers []float64
}

func (p *percentile) add(v value, _ *row) {
	if x, ok := v.num(); ok {
		p.numbers = append(p.numbers, x)
	}
}

func (p *percentile) value() value {
	if len(p.numbers) == 0 {
		return value{}
	}
	slices.Sort(p.numbers)
	place := int(math.Ceil(p.percent/100*float64(len(p.numbers)))) - 1
	return numberOf(p.numbers[min(max(place, 0), len(p.numbers)-1)])
}
