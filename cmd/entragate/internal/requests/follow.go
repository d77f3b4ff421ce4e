package requests

import (
	"context"
	"maps"
	"slices"
	"time"
)

// overlap is how late a line may arrive and still be told: API Gateway delivers
// them within seconds, or minutes at times. That this is enough is a guess.
const overlap = 5 * time.Minute

// maxSeen is how many events are remembered, to tell each once. With more than
// that in the time of the overlap, lines may not be as late as that.
const maxSeen = 200_000

// Follow tells the requests that a query asks for, as many of those that are
// there as its limit says, and then each new one, until the context ends. A line
// that arrives late is told late, out of order.
func (r Reader) Follow(ctx context.Context, q Query, tell func(Request)) error {
	s, err := r.search(q)
	if err != nil {
		return err
	}
	seen := seenEvents{}
	for from, limit := s.start, s.limit; ; limit = 0 {
		next := r.Now().Add(-overlap).UnixMilli() // before asking: what is logged meanwhile is for the next time
		fresh := &latest{limit: limit}
		_ = r.askCaller(ctx, &s, from) // as below
		err := r.scan(ctx, r.Group, s.pattern, from, forever, func(events []event) bool {
			fresh.add(r.taken(s, slices.DeleteFunc(events, func(e event) bool { return !seen.add(e, next) })))
			return true
		})
		batch := fresh.list()
		if err == nil {
			err = r.askFunction(ctx, batch)
			if err != nil && ctx.Err() == nil {
				err = nil // what it adds is not worth an end
			}
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the context is how following ends
		}
		if err != nil {
			return err
		}
		for _, request := range batch {
			tell(request)
		}
		from = max(s.start, seen.forget(next, maxSeen))
		if r.wait(ctx) != nil {
			return nil //nolint:nilerr // the context is how following ends
		}
	}
}

func (r Reader) wait(ctx context.Context) error {
	if r.Wait != nil {
		return r.Wait(ctx, r.Poll)
	}
	timer := time.NewTimer(r.Poll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// seenEvents are the times of events by their ids.
type seenEvents map[string]int64

// add reports whether an event is new. Those from before a time will not be asked
// for again, so that they need not be remembered.
func (s seenEvents) add(e event, before int64) bool {
	if _, known := s[e.id]; known {
		return false
	}
	if e.at >= before {
		s[e.id] = e.at
	}
	return true
}

// forget forgets events from before a time, and the earlier half when there are
// more than so many. It returns the time from which on all are known.
func (s seenEvents) forget(before int64, most int) int64 {
	if len(s) > most {
		times := slices.Sorted(maps.Values(s))
		before = max(before, times[len(times)/2]+1)
	}
	for id, at := range s {
		if at < before {
			delete(s, id)
		}
	}
	return before
}
