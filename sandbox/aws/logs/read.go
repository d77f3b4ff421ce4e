package logs

import (
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

// An answer has up to this many events, and of this many bytes. How the bytes of
// an answer are counted is a guess.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
const (
	maxPageEvents = 10_000
	maxPageBytes  = 1 << 20
)

// lookedAt is how many events are read at once, before others may write.
const lookedAt = 1000

// reach is those events of a group that a request is about.
type reach struct {
	journal     *journal
	first, last int64 // ms since 1970, both included
	keep        func(event) bool
}

// live is the events from start until end, both included, that the retention of
// their group has not ended.
func (s *Service) live(group *Group, start, end *int64, keep func(event) bool) reach {
	r := reach{s.journal(group.ID), 0, math.MaxInt64, keep}
	if group.RetentionInDays > 0 {
		r.first = s.Now().Add(-time.Duration(group.RetentionInDays) * 24 * time.Hour).UnixMilli()
	}
	if start != nil {
		r.first = max(r.first, *start)
	}
	if end != nil {
		r.last = *end
	}
	return r
}

// each calls fn with the events after a position, or backwards with those before
// it, until fn returns false. Events may come and go meanwhile.
func (r reach) each(from position, backward bool, fn func(event) bool) {
	read := r.journal.after
	if first := (position{at: r.first}); !backward && from.compare(first) < 0 {
		from = first
	}
	if backward {
		read = r.journal.before
		if last := (position{r.last, math.MaxUint64}); from.compare(last) > 0 {
			from = last
		}
	}
	for {
		events := read(from, lookedAt)
		if len(events) == 0 {
			return
		}
		for _, e := range events {
			if e.At < r.first || e.At > r.last || r.keep(e) && !fn(e) {
				return
			}
		}
		from = events[len(events)-1].position()
	}
}

// page returns the events that follow a position, as many as an answer has, and
// whether there are more.
func (r reach) page(from position, backward bool, limit int) (events []event, more bool) {
	size := 0
	r.each(from, backward, func(e event) bool {
		size += len(e.Message) + eventOverhead
		if more = len(events) == limit || len(events) > 0 && size > maxPageBytes; more {
			return false
		}
		events = append(events, e)
		return true
	})
	return events, more
}

// after returns up to n events that follow a position.
func (j *journal) after(p position, n int) []event {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.kept.after(p, n)
}

// before returns up to n events that are before a position, the latest first.
func (j *journal) before(p position, n int) []event {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.kept.before(p, n)
}

// token says where the next page begins, and that it is before that if backward.
func token(at position, backward bool) string {
	if backward {
		return "b/" + at.String()
	}
	return "f/" + at.String()
}

func parseToken(text string) (at position, backward bool, err error) {
	direction, rest, _ := strings.Cut(text, "/")
	at, ok := parsePosition(rest)
	if !ok || direction != "f" && direction != "b" {
		return at, false, invalid("The specified nextToken is invalid.")
	}
	return at, direction == "b", nil
}

type getEventsInput struct {
	LogGroupName       string `json:"logGroupName"`
	LogGroupIdentifier string `json:"logGroupIdentifier"`
	LogStreamName      string `json:"logStreamName"`
	StartTime          *int64 `json:"startTime"` // included
	EndTime            *int64 `json:"endTime"`   // excluded
	NextToken          string `json:"nextToken"`
	Limit              *int   `json:"limit"`
	StartFromHead      bool   `json:"startFromHead"`
}

type outputEvent struct {
	Timestamp     int64  `json:"timestamp"`
	IngestionTime int64  `json:"ingestionTime"`
	Message       string `json:"message"`
}

type getEventsOutput struct {
	Events            []outputEvent `json:"events"`
	NextForwardToken  string        `json:"nextForwardToken"`
	NextBackwardToken string        `json:"nextBackwardToken"`
}

// getLogEvents pages through a stream both ways. At either end it answers the
// token it was given, which is how clients know that they are there.
func (s *Service) getLogEvents(r *http.Request) (any, error) {
	in, err := decode[getEventsInput](r)
	if err != nil {
		return nil, err
	}
	name, err := s.group(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	limit, err := limit(in.Limit, maxPageEvents, maxPageEvents)
	if err != nil {
		return nil, err
	}
	from, backward := head, !in.StartFromHead
	if backward {
		from = tail
	}
	first, last := position{}, position{}
	if in.NextToken != "" {
		if from, backward, err = parseToken(in.NextToken); err != nil {
			return nil, err
		}
		first, last = from, from
	}
	if in.EndTime != nil {
		*in.EndTime--
	}
	var stream reach
	err = s.viewGroup(name, func(group *Group) error {
		if group.Streams[in.LogStreamName] == nil {
			return missing("log stream")
		}
		stream = s.live(group, in.StartTime, in.EndTime, func(e event) bool { return e.Stream == in.LogStreamName })
		return nil
	})
	if err != nil {
		return nil, err
	}
	events, _ := stream.page(from, backward, limit)
	if backward {
		slices.Reverse(events)
	}
	if len(events) > 0 {
		first, last = events[0].position(), events[len(events)-1].position()
	}
	out := getEventsOutput{
		Events: make([]outputEvent, len(events)), NextForwardToken: token(last, false), NextBackwardToken: token(first, true),
	}
	for i, e := range events {
		out.Events[i] = outputEvent{e.At, e.Ingested, e.Message}
	}
	return out, nil
}
