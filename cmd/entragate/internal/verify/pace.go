package verify

import (
	"context"
	"sync"
	"time"
)

// realInterval is how far calls of a real API are apart: at most five a second.
const realInterval = 200 * time.Millisecond

// pacer lets calls go one after the other.
type pacer struct {
	now  func() time.Time
	wait func(context.Context, time.Duration) error

	mu   sync.Mutex
	next time.Time
}

// take waits until it is the caller's turn.
func (p *pacer) take(ctx context.Context) error {
	p.mu.Lock()
	now := p.now()
	turn := now
	if p.next.After(now) {
		turn = p.next
	}
	p.next = turn.Add(realInterval)
	p.mu.Unlock()
	return p.wait(ctx, turn.Sub(now))
}

// wait waits by the real clock.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
