package requests

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// forever is the end of a time that has none.
const forever = math.MaxInt64

// Read reads the requests that a query asks for. It holds the last ones only.
//
// With conditions only lines that are JSON are selected. Those that are not
// match no condition, so that a query without conditions is what shows them.
func (r Reader) Read(ctx context.Context, q Query) (List, error) {
	s, err := r.search(q)
	if err != nil {
		return List{}, err
	}
	if err := r.askCaller(ctx, &s, s.start); err != nil {
		s.notes = append(s.notes, err.Error())
	}
	found := &latest{limit: s.limit}
	if s.limit > 0 {
		err = r.readBackwards(ctx, s, found)
	} else {
		err = r.readAll(ctx, s, found)
	}
	if err != nil {
		return List{}, err
	}
	list := List{Requests: found.list(), Unreadable: found.unreadable, Notes: s.notes}
	if err := r.askFunction(ctx, list.Requests); err != nil {
		list.Notes = append(list.Notes, err.Error())
	}
	if len(list.Requests) == 0 && s.pattern != "" {
		list.Notes = append(list.Notes, "Lines that are not JSON match no condition: without conditions they are shown.")
	}
	return list, nil
}

// firstStep is how far back the first look goes; each one goes twice as far as
// the one before.
const firstStep = time.Minute

// readBackwards reads from now on backwards until there is enough.
func (r Reader) readBackwards(ctx context.Context, s search, found *latest) error {
	step := firstStep.Milliseconds()
	for from, to := r.Now().UnixMilli(), int64(forever); ; step *= 2 {
		from = max(s.start, from-step)
		if err := r.readBetween(ctx, s, from, to, found); err != nil {
			return err
		}
		if from <= s.start || found.enough() {
			return nil
		}
		to = from - 1
	}
}

// parts is into how many parts a time is divided that is read as a whole, and
// readers how many of them are read at once: CloudWatch Logs answers 1 MB a
// request, and takes some 25 requests a second.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
const (
	parts   = 16
	readers = 4
)

// readAll reads all there is, several parts at a time.
func (r Reader) readAll(ctx context.Context, s search, found *latest) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	width := max(1, (r.Now().UnixMilli()-s.start)/parts)
	work := make(chan int64)
	errs := make([]error, readers)
	var all sync.WaitGroup
	for i := range readers {
		all.Go(func() {
			for part := range work {
				to := s.start + (part+1)*width - 1
				if part == parts-1 {
					to = forever
				}
				if err := r.readBetween(ctx, s, s.start+part*width, to, found); err != nil && errs[i] == nil {
					errs[i] = err
					cancel() // so that what is left ends at once
				}
			}
		})
	}
	for part := range int64(parts) {
		work <- part
	}
	close(work)
	all.Wait()
	return first(errs)
}

// first is the error that the others followed from.
func first(errs []error) error {
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return errors.Join(errs...)
}

// readBetween reads what was logged between two times, both included.
func (r Reader) readBetween(ctx context.Context, s search, from, to int64, found *latest) error {
	return r.scan(ctx, r.Group, s.pattern, from, to, func(events []event) bool {
		found.add(r.taken(s, events))
		return true
	})
}

// taken are those of the events that a search is for.
func (r Reader) taken(s search, events []event) []Request {
	var taken []Request
	for _, e := range events {
		request := r.newRequest(e)
		request.foundByFunction = s.known[request.RequestID]
		if s.takes(request) {
			taken = append(taken, request)
		}
	}
	return taken
}

// scan reads the events of a group page by page, until page returns false.
// CloudWatch Logs may answer empty pages before it has found anything.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
func (r Reader) scan(ctx context.Context, group, pattern string, from, to int64, page func([]event) bool) error {
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group, StartTime: &from}
	if pattern != "" {
		in.FilterPattern = &pattern
	}
	if to != forever {
		in.EndTime = &to
	}
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(r.Logs, in)
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if missing := (*types.ResourceNotFoundException)(nil); errors.As(err, &missing) {
			return fmt.Errorf("log group %s: it does not exist: see that the stack is deployed, and in this account and region", group)
		}
		if err != nil {
			return fmt.Errorf("log group %s: %w", group, err)
		}
		events := make([]event, 0, len(out.Events))
		for _, e := range out.Events {
			events = append(events, event{aws.ToString(e.EventId), aws.ToInt64(e.Timestamp), aws.ToString(e.Message)})
		}
		if !page(events) {
			return nil
		}
	}
	return nil
}

// latest keeps the last requests that were found.
type latest struct {
	limit int // 0 for all

	mu         sync.Mutex // guards what follows
	requests   []Request
	matched    int
	unreadable int
}

func (l *latest) add(requests []Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.matched += len(requests)
	for _, r := range requests {
		if r.Unreadable {
			l.unreadable++
		}
		l.requests = append(l.requests, r)
		if l.limit > 0 && len(l.requests) >= 2*l.limit {
			l.trim()
		}
	}
}

// trim sorts, and forgets what is too much.
func (l *latest) trim() {
	slices.SortFunc(l.requests, func(a, b Request) int { return a.event.compare(b.event) })
	if over := len(l.requests) - l.limit; l.limit > 0 && over > 0 {
		kept := copy(l.requests, l.requests[over:])
		clear(l.requests[kept:])
		l.requests = l.requests[:kept]
	}
}

func (l *latest) enough() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.matched >= l.limit
}

func (l *latest) list() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trim()
	return append([]Request{}, l.requests...)
}
