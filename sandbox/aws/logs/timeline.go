package logs

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"sort"
	"strconv"
)

// event is one log event.
type event struct {
	ID       uint64 `json:"id"` // in order of arrival
	Stream   string `json:"stream"`
	At       int64  `json:"at"`       // ms since 1970
	Ingested int64  `json:"ingested"` // ms since 1970
	Message  string `json:"message"`
}

// position is where an event stands among those of its group: by time, and then
// by arrival.
type position struct {
	at int64
	id uint64
}

func (e event) position() position { return position{e.At, e.ID} }

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.at, q.at), cmp.Compare(p.id, q.id))
}

func (p position) String() string { return fmt.Sprintf("%d-%d", p.at, p.id) }

var positions = regexp.MustCompile(`^(-?\d{1,19})-(\d{1,20})$`)

// parsePosition reads what [position.String] wrote.
func parsePosition(text string) (position, bool) {
	parts := positions.FindStringSubmatch(text)
	if parts == nil {
		return position{}, false
	}
	at, atErr := strconv.ParseInt(parts[1], 10, 64)
	id, idErr := strconv.ParseUint(parts[2], 10, 64)
	return position{at, id}, atErr == nil && idErr == nil
}

// The positions before and after all events.
var (
	head = position{at: math.MinInt64}
	tail = position{math.MaxInt64, math.MaxUint64}
)

// timeline is events in the order of their positions. Those that come in order
// are appended; the oldest are cut off. Both cost the same however many there are.
type timeline struct {
	events []event
	bytes  int64 // of messages
}

// index is the number of events that are not after p.
func (t *timeline) index(p position) int {
	return sort.Search(len(t.events), func(i int) bool { return t.events[i].position().compare(p) > 0 })
}

// add puts events where they belong. It reorders added.
func (t *timeline) add(added []event) {
	if len(added) == 0 {
		return
	}
	slices.SortFunc(added, func(a, b event) int { return a.position().compare(b.position()) })
	for _, e := range added {
		t.bytes += int64(len(e.Message))
	}
	at := t.index(added[0].position())
	later := slices.Clone(t.events[at:]) // few or none: events come about in order
	t.events = t.events[:at]
	for _, e := range added {
		for len(later) > 0 && later[0].position().compare(e.position()) < 0 {
			t.events, later = append(t.events, later[0]), later[1:]
		}
		t.events = append(t.events, e)
	}
	t.events = append(t.events, later...)
}

// trim forgets the oldest events in excess.
func (t *timeline) trim(maxEvents int, maxBytes int64) {
	excess := 0
	for len(t.events)-excess > maxEvents || t.bytes > maxBytes {
		t.bytes -= int64(len(t.events[excess].Message))
		t.events[excess] = event{} // so that nothing holds on to its message
		excess++
	}
	t.events = t.events[excess:]
}

// after returns a copy of up to n events that follow p.
func (t *timeline) after(p position, n int) []event {
	at := t.index(p)
	return slices.Clone(t.events[at:min(at+n, len(t.events))])
}

// before returns a copy of up to n events that are before p, the latest first.
func (t *timeline) before(p position, n int) []event {
	end := t.index(p)
	if end > 0 && t.events[end-1].position() == p {
		end--
	}
	found := slices.Clone(t.events[max(0, end-n):end])
	slices.Reverse(found)
	return found
}
