package cloudwatch

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/entragate/entragate/sandbox/store"
)

// What is kept of metrics: the latest minutes that have data. AWS keeps minutes
// for 15 days.
const (
	maxMinutes = 2880 // of a metric
	maxMetrics = 5000
)

// Dimension is a part of a metric's identity.
type Dimension struct{ Name, Value string }

// id is a metric: the names and all dimensions, in order.
type id struct {
	Namespace  string      `json:"namespace"`
	Name       string      `json:"name"`
	Dimensions []Dimension `json:"dimensions"`
}

// key identifies a metric as a text.
func (i id) key() string {
	parts := make([]string, 0, 2+2*len(i.Dimensions))
	parts = append(parts, i.Namespace, i.Name)
	for _, d := range i.Dimensions {
		parts = append(parts, d.Name, d.Value)
	}
	return strings.Join(parts, "\x00")
}

func newID(namespace, name string, dimensions []Dimension) id {
	sorted := slices.Clone(dimensions)
	slices.SortFunc(sorted, func(a, b Dimension) int { return cmp.Compare(a.Name, b.Name) })
	return id{namespace, name, sorted}
}

// history are minutes that have data, in order.
type history []minute

// minute is what came in within a minute.
type minute struct {
	at int64 // minutes since 1970
	summary
}

// find returns the place of the first minute that is not before at.
func (h history) find(at int64) (int, bool) {
	return slices.BinarySearchFunc(h, at, func(m minute, at int64) int { return cmp.Compare(m.at, at) })
}

// between are the minutes from start up to end.
func (h history) between(start, end int64) history {
	first, _ := h.find(start)
	last := first
	for last < len(h) && h[last].at < end {
		last++
	}
	return h[first:last]
}

// at returns a minute, which is made if it is not there.
func (h *history) at(at int64) *summary {
	i, known := h.find(at)
	if !known {
		*h = slices.Insert(*h, i, minute{at: at})
	}
	return &(*h)[i].summary
}

// series is a metric in one unit. It has at least one minute.
type series struct {
	id      id
	unit    string
	minutes history
	changes int     // how often it changed
	saved   written // guarded by [metrics.saving]
}

// last is the latest minute that has data.
func (s *series) last() int64 { return s.minutes[len(s.minutes)-1].at }

// metrics holds all series: in memory, and in a file as of the last save.
type metrics struct {
	saving sync.Mutex // one save at a time
	file   *store.Store[map[string]json.RawMessage]
	mu     sync.Mutex           // of what follows
	series map[string][]*series // keyed by id, one for each unit
	count  int                  // of series
	dirty  bool
}

// minuteOf is the minute of a time.
func minuteOf(t time.Time) int64 { return int64(math.Floor(float64(t.Unix()) / 60)) }

// record calls fn with the minute of a metric. It forgets the oldest minute of
// too many, and the metric that has had no data for the longest of too many.
func (m *metrics) record(of id, unit string, at time.Time, fn func(*summary)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.of(of, unit)
	fn(s.minutes.at(minuteOf(at)))
	if extra := len(s.minutes) - maxMinutes; extra > 0 {
		s.minutes = s.minutes[extra:]
	}
	s.changes++
	m.dirty = true
}

// of returns the series of a metric, which is made if it is not there.
func (m *metrics) of(of id, unit string) *series {
	key := of.key()
	for _, each := range m.series[key] {
		if each.unit == unit {
			return each
		}
	}
	if m.count >= maxMetrics {
		m.forget()
	}
	made := &series{id: of, unit: unit}
	m.series[key] = append(m.series[key], made)
	m.count++
	return made
}

func (m *metrics) forget() {
	oldest, last := "", int64(math.MaxInt64)
	for key, units := range m.series {
		for _, each := range units {
			if each.last() < last {
				oldest, last = key, each.last()
			}
		}
	}
	m.count -= len(m.series[oldest])
	delete(m.series, oldest)
}

// Record adds a value to a metric, in the name of a service such as AWS/Lambda.
func (s *Service) Record(namespace, name string, dimensions map[string]string, value float64, at time.Time) {
	list := make([]Dimension, 0, len(dimensions))
	for _, key := range slices.Sorted(maps.Keys(dimensions)) {
		list = append(list, Dimension{key, dimensions[key]})
	}
	s.metrics.record(id{namespace, name, list}, noUnit, at, func(minute *summary) { minute.add(value, 1) })
}

// noUnit is the unit of data that come without.
const noUnit = "None"

// read copies the minutes of a metric from start up to end, of one unit or, if
// none is given, of all. Values are copied only if they are asked for.
func (m *metrics) read(of id, unit string, start, end int64, values bool) history {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found history
	for _, each := range m.series[of.key()] {
		if unit != "" && each.unit != unit {
			continue
		}
		if len(found) == 0 {
			found = slices.Grow(found, len(each.minutes.between(start, end)))
		}
		for _, minute := range each.minutes.between(start, end) {
			whole := found.at(minute.at)
			whole.take(minute.summary)
			if values {
				whole.Values = merged([][]seen{whole.Values, minute.Values}) // a copy
			}
		}
	}
	return found
}

// first is the first minute that is kept of a metric.
func (m *metrics) first(of id, unit string) (first int64, some bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, each := range m.series[of.key()] {
		if at := each.minutes[0].at; (unit == "" || each.unit == unit) && (!some || at < first) {
			first, some = at, true
		}
	}
	return first, some
}
