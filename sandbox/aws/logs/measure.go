package logs

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"
)

// watch is a metric filter at work.
type watch struct {
	name   string
	filter *filter
	to     Transformation
	fixed  *float64 // the value, unless it is that of a field
	field  []step

	dimensions map[string][]step

	mu       sync.Mutex
	reported map[int64]bool // minutes since 1970 that have a value
}

// maxReported is how many minutes a watch remembers, the latest.
const maxReported = 1440

func newWatch(of *MetricFilter) (*watch, error) {
	pattern, err := checkPattern(of.Pattern)
	if err != nil {
		return nil, err
	}
	w := &watch{name: of.Name, filter: pattern, to: of.Transformation, dimensions: map[string][]step{}, reported: map[int64]bool{}}
	if value, ok := number(w.to.MetricValue); ok {
		w.fixed = &value
	} else {
		w.field, _ = pattern.selects(w.to.MetricValue)
	}
	for name, field := range w.to.Dimensions {
		w.dimensions[name], _ = pattern.selects(field)
	}
	return w, nil
}

// watch replaces what watches a group under a name, by nothing if w is nil.
func (s *Service) watch(groupID, name string, w *watch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(s.watches[groupID]), func(other *watch) bool { return other.name == name })
	if w != nil {
		left = append(left, w)
	}
	s.watches[groupID] = left
}

// watchAll lets the filters of a group look at what comes.
func (s *Service) watchAll(group *Group) error {
	for _, each := range group.Filters {
		w, err := newWatch(each)
		if err != nil {
			return err
		}
		s.watch(group.ID, each.Name, w)
	}
	return nil
}

// measure lets the filters of a group see events that have come. An event counts
// at its own time (a guess: AWS documents that no event from before the filter
// counts, and minutes, not whose). Metrics have no unit here, whatever the filter
// says.
func (s *Service) measure(groupID string, events []event) {
	s.mu.Lock()
	watches := s.watches[groupID]
	s.mu.Unlock()
	if s.Record == nil || len(watches) == 0 {
		return
	}
	unmatched := make([]map[int64]bool, len(watches)) // minutes
	for _, e := range events {
		m := &message{text: e.Message}
		at := time.UnixMilli(e.At)
		for i, w := range watches {
			if w.filter.matches(m) {
				s.match(w, m, at)
				continue
			}
			if unmatched[i] == nil {
				unmatched[i] = map[int64]bool{}
			}
			unmatched[i][minuteOf(at)] = true
		}
	}
	for i, w := range watches {
		s.miss(w, unmatched[i])
	}
}

func minuteOf(at time.Time) int64 { return at.Unix() / 60 }

// match records the value of an event that matches. One whose value is no
// number, or that has not all dimensions, gives none (a guess).
func (s *Service) match(w *watch, m *message, at time.Time) {
	w.reports(minuteOf(at))
	value, ok := w.value(m)
	if !ok {
		return
	}
	dimensions := map[string]string{}
	for name, path := range w.dimensions {
		if dimensions[name], ok = m.value(path); !ok || dimensions[name] == "" {
			return
		}
	}
	s.Record(w.to.MetricNamespace, w.to.MetricName, dimensions, value, at)
}

// miss records the default value in minutes in which events have come and none
// has matched. AWS knows that only after the minute; here a match may still
// follow, which a default of 0 leaves the sum of.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html
func (s *Service) miss(w *watch, minutes map[int64]bool) {
	if w.to.DefaultValue == nil {
		return
	}
	for _, minute := range slices.Sorted(maps.Keys(minutes)) {
		if w.reports(minute) {
			s.Record(w.to.MetricNamespace, w.to.MetricName, nil, *w.to.DefaultValue, time.Unix(minute*60, 0))
		}
	}
}

// reports notes that a minute has a value, and tells whether it is the first.
func (w *watch) reports(minute int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reported[minute] {
		return false
	}
	w.reported[minute] = true
	if len(w.reported) > maxReported {
		delete(w.reported, slices.Min(slices.Collect(maps.Keys(w.reported))))
	}
	return true
}

// value is what an event gives. That a text which is a number counts as one is a
// guess.
func (w *watch) value(m *message) (float64, bool) {
	if w.fixed != nil {
		return *w.fixed, true
	}
	text, ok := m.value(w.field)
	if !ok {
		return 0, false
	}
	return number(text)
}

// number reads a finite number.
func number(text string) (float64, bool) {
	value, err := strconv.ParseFloat(text, 64)
	return value, err == nil && !math.IsNaN(value) && !math.IsInf(value, 0)
}

// value is a field as text.
func (m *message) value(path []step) (string, bool) {
	document, _ := m.fields()
	found, _ := lookup(document, path)
	switch value := found.(type) {
	case string:
		return value, true
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64), true
	case bool:
		return strconv.FormatBool(value), true
	}
	return "", false
}
