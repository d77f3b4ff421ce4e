package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxOffset is how far ahead of the machine's clock the sandbox's may be:
	// what lasts for ever in it lasts a hundred years.
	maxOffset = 50 * 365 * 24 * time.Hour
	// maxStep is how far the clock moves at once, unless it is told otherwise.
	maxStep = 24 * time.Hour
	// mostSteps bounds a move: one that is asked for in more steps is refused, and
	// one that gets to so many, since something is due all the time, does not stop
	// at what is due any more.
	mostSteps = 20_000
)

// scheduler does things by the clock.
type scheduler interface {
	// Tick does what is due and waits for it.
	Tick() error
	// NextDue tells when the next thing is due, if anything is.
	NextDue() (time.Time, bool)
}

// clock is the one that all of the sandbox goes by: the machine's, and ahead of
// it by as much as it was moved.
type clock struct {
	machine func() time.Time
	offset  atomic.Int64 // nanoseconds

	moving   sync.Mutex // one move at a time
	schedule scheduler
	keep     func(offset time.Duration) error // makes it durable
}

// now is the time in the sandbox.
func (c *clock) now() time.Time { return c.machine().Add(c.Offset()) }

// Offset is how far the clock is ahead of the machine's.
func (c *clock) Offset() time.Duration { return time.Duration(c.offset.Load()) }

// Advance moves the clock forward, in steps, so that what is due on the way is
// done at its time and in its order: from one thing that is due to the next, and
// not by more than step at once. It returns the number of steps. When ctx ends,
// the clock stays where it is by then.
func (c *clock) Advance(ctx context.Context, by, step time.Duration) (int, error) {
	if step == 0 {
		step = maxStep
	}
	c.moving.Lock()
	defer c.moving.Unlock()
	switch most := maxOffset - c.Offset(); {
	case by < 0:
		return 0, fmt.Errorf("moving the clock: advance: got %s, want none below 0s: the clock never goes back", by)
	case by > most:
		return 0, fmt.Errorf("moving the clock: advance: got %s, want at most %s, which is %s ahead of the machine's clock", by, most, maxOffset)
	case step < time.Second || by/step > mostSteps:
		return 0, fmt.Errorf("moving the clock: step: got %s, want at least 1s and at most %d steps", step, mostSteps)
	}
	target := c.Offset() + by
	for steps := 0; ; steps++ {
		if err := c.schedule.Tick(); err != nil {
			return steps, fmt.Errorf("moving the clock: at %s: %w", c.now().UTC().Format(time.RFC3339), err)
		}
		left := target - c.Offset()
		if left == 0 {
			return steps, nil
		}
		if err := ctx.Err(); err != nil {
			return steps, fmt.Errorf("moving the clock: %s short of the aim: %w", left, err)
		}
		next := step
		if steps < mostSteps {
			next = c.untilDue(step)
		}
		if err := c.set(c.Offset() + min(left, next)); err != nil {
			return steps, err
		}
	}
}

// untilDue is how long it is until something is due, at most a step. What is due
// still, after it was tried, is left for the next step.
func (c *clock) untilDue(step time.Duration) time.Duration {
	due, some := c.schedule.NextDue()
	if wait := due.Sub(c.now()); some && wait > 0 {
		return min(step, max(wait, time.Second))
	}
	return step
}

// set makes the offset durable before it counts: nothing that is kept may be of
// a time that the sandbox, when it is started again, finds ahead of it.
func (c *clock) set(offset time.Duration) error {
	if err := c.keep(offset); err != nil {
		return err
	}
	c.offset.Store(int64(offset))
	return nil
}

// openClock opens the clock where it was left.
func openClock(machine func() time.Time, dir string, settings Settings) (*clock, error) {
	c := &clock{machine: machine, keep: func(offset time.Duration) error {
		kept := settings
		kept.ClockOffset = offset.String()
		return kept.save(dir)
	}}
	if settings.ClockOffset == "" {
		return c, nil
	}
	offset, err := time.ParseDuration(settings.ClockOffset)
	if err != nil || offset < 0 || offset > maxOffset {
		return nil, fmt.Errorf("sandbox %s: clockOffset: got %q, want a duration from 0s to %s", dir, settings.ClockOffset, maxOffset)
	}
	c.offset.Store(int64(offset))
	return c, nil
}

// withDate gives every answer the time of the sandbox, whatever a backend behind
// it says: clients correct their clocks by it.
func (c *clock) withDate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := dated{w, c.now}
		d.date() // of answers that are written without a status
		next.ServeHTTP(d, r)
	})
}

// dated is an answer that is dated when it is begun.
type dated struct {
	http.ResponseWriter
	now func() time.Time
}

func (d dated) date() { d.Header().Set("Date", d.now().UTC().Format(http.TimeFormat)) }

// WriteHeader begins the answer.
func (d dated) WriteHeader(status int) {
	d.date()
	d.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (d dated) Unwrap() http.ResponseWriter { return d.ResponseWriter }
