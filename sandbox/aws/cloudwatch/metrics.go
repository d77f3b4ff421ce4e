package cloudwatch

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
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
	maxValues  = 128 // different values of a minute, see summary.add
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
	parts := []string{i.Namespace, i.Name}
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

// series is a metric in one unit.
type series struct {
	ID      id                 `json:"id"`
	Unit    string             `json:"unit"`
	Minutes map[int64]*summary `json:"minutes"` // keyed by minutes since 1970
}

// summary is what a minute comes to.
type summary struct {
	Sum    float64             `json:"sum"`
	Count  float64             `json:"count"`
	Min    float64             `json:"min"`
	Max    float64             `json:"max"`
	Values map[float64]float64 `json:"-"`
	Pairs  [][2]float64        `json:"values,omitempty"` // Values, which JSON cannot key by
}

// add takes a value that was seen count times. Once a minute has many different
// values, percentiles see further ones to three digits.
func (s *summary) add(value, count float64) {
	s.take(summary{Sum: value * count, Count: count, Min: value, Max: value})
	if _, seen := s.Values[value]; !seen && len(s.Values) >= maxValues {
		value = rounded(value)
	}
	if s.Values == nil {
		s.Values = map[float64]float64{}
	}
	s.Values[value] += count
}

// take adds another summary, without its values.
func (s *summary) take(other summary) {
	if s.Count == 0 {
		s.Min, s.Max = other.Min, other.Max
	}
	s.Sum += other.Sum
	s.Count += other.Count
	s.Min, s.Max = min(s.Min, other.Min), max(s.Max, other.Max)
}

// rounded is a number to three digits.
func rounded(value float64) float64 {
	short, err := strconv.ParseFloat(strconv.FormatFloat(value, 'e', 2, 64), 64)
	if err != nil { // it would be too large
		return value
	}
	return short
}

// metrics holds all series: in memory, and in a file as of the last save.
type metrics struct {
	mu     sync.Mutex
	file   *store.Store[map[string]*series]
	series map[string]*series // keyed by id and unit
	dirty  bool
}

func openMetrics(path string) (*metrics, error) {
	m := &metrics{series: map[string]*series{}}
	file, err := store.Open(path, &map[string]*series{})
	if err != nil {
		return nil, err
	}
	m.file = file
	file.View(func(all *map[string]*series) {
		for key, each := range *all {
			for _, minute := range each.Minutes {
				minute.Values = map[float64]float64{}
				for _, pair := range minute.Pairs {
					minute.Values[pair[0]] = pair[1]
				}
				minute.Pairs = nil
			}
			m.series[key] = each
		}
	})
	return m, nil
}

// save makes all that was recorded durable.
func (m *metrics) save() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.dirty {
		return nil
	}
	err := m.file.Update(func(all *map[string]*series) error {
		*all = map[string]*series{}
		for key, each := range m.series {
			copied := &series{each.ID, each.Unit, map[int64]*summary{}}
			for minute, s := range each.Minutes {
				pairs := make([][2]float64, 0, len(s.Values))
				for _, value := range slices.Sorted(maps.Keys(s.Values)) {
					pairs = append(pairs, [2]float64{value, s.Values[value]})
				}
				copied.Minutes[minute] = &summary{Sum: s.Sum, Count: s.Count, Min: s.Min, Max: s.Max, Pairs: pairs}
			}
			(*all)[key] = copied
		}
		return nil
	})
	m.dirty = err != nil
	return err
}

// minuteOf is the minute of a time.
func minuteOf(t time.Time) int64 { return int64(math.Floor(float64(t.Unix()) / 60)) }

// record calls fn with the minute of a metric. It forgets the oldest minute of
// too many, and the metric that has had no data for the longest of too many.
func (m *metrics) record(of id, unit string, at time.Time, fn func(*summary)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := of.key() + "\x00\x00" + unit
	s := m.series[key]
	if s == nil {
		if len(m.series) >= maxMetrics {
			m.forget()
		}
		s = &series{of, unit, map[int64]*summary{}}
		m.series[key] = s
	}
	minute := minuteOf(at)
	if s.Minutes[minute] == nil {
		s.Minutes[minute] = &summary{}
	}
	fn(s.Minutes[minute])
	if len(s.Minutes) > maxMinutes {
		delete(s.Minutes, slices.Min(slices.Collect(maps.Keys(s.Minutes))))
	}
	m.dirty = true
}

func (m *metrics) forget() {
	oldest, last := "", int64(math.MaxInt64)
	for key, s := range m.series {
		if newest := slices.Max(slices.Collect(maps.Keys(s.Minutes))); newest < last {
			oldest, last = key, newest
		}
	}
	delete(m.series, oldest)
}

// Record adds a value to a metric, in the name of a service such as AWS/Lambda.
func (s *Service) Record(namespace, name string, dimensions map[string]string, value float64, at time.Time) {
	list := make([]Dimension, 0, len(dimensions))
	for _, key := range slices.Sorted(maps.Keys(dimensions)) {
		list = append(list, Dimension{key, dimensions[key]})
	}
	s.metrics.record(newID(namespace, name, list), noUnit, at, func(minute *summary) { minute.add(value, 1) })
}

// noUnit is the unit of data that come without.
const noUnit = "None"

// minutes is a metric's data, of one unit or of all, by minute.
func (m *metrics) minutes(of id, unit string) map[int64]summary {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := map[int64]summary{}
	prefix := of.key() + "\x00\x00"
	for key, s := range m.series {
		if !strings.HasPrefix(key, prefix) || unit != "" && s.Unit != unit {
			continue
		}
		for minute, each := range s.Minutes {
			whole := found[minute]
			values := maps.Clone(whole.Values)
			if values == nil {
				values = map[float64]float64{}
			}
			for value, count := range each.Values {
				values[value] += count
			}
			whole.take(*each)
			whole.Values = values
			found[minute] = whole
		}
	}
	return found
}
