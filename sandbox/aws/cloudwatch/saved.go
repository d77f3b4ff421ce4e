package cloudwatch

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/entragate/entragate/sandbox/store"
)

// savedSeries is a series as its file has it.
type savedSeries struct {
	ID      id                `json:"id"`
	Unit    string            `json:"unit"`
	Minutes map[int64]summary `json:"minutes"` // keyed by minutes since 1970
}

// written is a series as it was saved last. Only those that changed are written
// anew.
type written struct {
	raw     json.RawMessage
	changes int // of the series by then
}

func openMetrics(path string) (*metrics, error) {
	m := &metrics{series: map[string][]*series{}}
	file, err := store.Open(path, &map[string]json.RawMessage{})
	if err != nil {
		return nil, err
	}
	m.file = file
	file.View(func(all *map[string]json.RawMessage) {
		for key, raw := range *all {
			var saved savedSeries
			if err = json.Unmarshal(raw, &saved); err != nil {
				err = fmt.Errorf("opening metrics %s: %q: %w", path, key, err)
				return
			}
			if len(saved.Minutes) == 0 {
				continue
			}
			each := m.of(saved.ID, saved.Unit)
			for _, at := range slices.Sorted(maps.Keys(saved.Minutes)) {
				each.minutes = append(each.minutes, minute{at, saved.Minutes[at]})
			}
		}
	})
	return m, err
}

// save makes all that was recorded durable. Recording goes on meanwhile.
func (m *metrics) save() error {
	m.saving.Lock()
	defer m.saving.Unlock()
	all, changed := m.snapshot()
	if all == nil {
		return nil
	}
	raws := make(map[string]json.RawMessage, len(all))
	err := func() error {
		for key, each := range all {
			if saved := changed[key]; saved != nil {
				raw, err := json.Marshal(saved)
				if err != nil {
					return err
				}
				each.saved.raw = raw
			}
			raws[key] = each.saved.raw
		}
		return m.file.Update(func(of *map[string]json.RawMessage) error {
			*of = raws
			return nil
		})
	}()
	if err != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.dirty = true
	}
	return err
}

// snapshot returns all series, and copies of those that changed; nothing if none
// did.
func (m *metrics) snapshot() (all map[string]*series, changed map[string]*savedSeries) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.dirty {
		return nil, nil
	}
	m.dirty = false
	all, changed = make(map[string]*series, m.count), map[string]*savedSeries{}
	for key, units := range m.series {
		for _, each := range units {
			name := key + "\x00\x00" + each.unit
			all[name] = each
			if each.saved.changes == each.changes && each.saved.raw != nil {
				continue
			}
			each.saved = written{changes: each.changes}
			saved := &savedSeries{each.id, each.unit, make(map[int64]summary, len(each.minutes))}
			for _, minute := range each.minutes {
				minute.Values = slices.Clone(minute.Values)
				saved.Minutes[minute.at] = minute.summary
			}
			changed[name] = saved
		}
	}
	return all, changed
}
