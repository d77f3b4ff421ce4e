package entra

import (
	"context"
	"fmt"
	"time"
)

// Clock is a clock that can be moved.
type Clock interface {
	// Offset is how far it was moved.
	Offset() time.Duration
	// Advance moves it forward, not by more than step at once; 0 leaves that to
	// the clock. It returns the number of steps. When ctx ends it stays where it is.
	Advance(ctx context.Context, by, step time.Duration) (int, error)
}

// ClockMove asks the control surface, POST /_sandbox/clock, to move the clock of
// the whole sandbox forward. What is due on the way is done at its time, and when
// the answer comes, all of it has been. The answer is a [ClockStatus].
type ClockMove struct {
	// Advance is by how much, as a Go duration such as "2160h"; "0s" only does
	// what is due. The clock never goes back.
	Advance string `json:"advance"`
	// Step is how far the clock moves at once, at most, as a Go duration.
	// Default: a day.
	Step string `json:"step,omitempty"`
}

// ClockStatus is the answer to GET /_sandbox/clock.
type ClockStatus struct {
	// Now is the time in the sandbox, and Offset how far it is ahead of the
	// machine's, as a Go duration.
	Now    time.Time `json:"now"`
	Offset string    `json:"offset"`
	// Steps is how many a move took.
	Steps int `json:"steps,omitempty"`
}

func (c *cloud) moveClock(ctx context.Context, q ClockMove) (ClockStatus, error) {
	by, err := time.ParseDuration(q.Advance)
	if err != nil {
		return ClockStatus{}, fmt.Errorf("moving the clock: advance: got %q, want a duration such as \"2160h\"", q.Advance)
	}
	step, err := duration("step", q.Step, 0)
	if err == nil && q.Step != "" && step <= 0 {
		err = fmt.Errorf("step: got %q, want more than 0s", q.Step)
	}
	if err != nil {
		return ClockStatus{}, fmt.Errorf("moving the clock: %w", err)
	}
	steps, err := c.clock.Advance(ctx, by, step)
	status := c.clockStatus()
	status.Steps = steps
	return status, err
}

func (c *cloud) clockStatus() ClockStatus {
	var offset time.Duration
	if c.clock != nil {
		offset = c.clock.Offset()
	}
	return ClockStatus{Now: c.now().UTC(), Offset: offset.String()}
}
