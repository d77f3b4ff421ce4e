package sandbox

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// plan is a schedule: things that are due at times, some of which fail.
type plan struct {
	clock  *clock
	dues   []time.Time // in their order
	done   []time.Time // when each was done
	fails  bool        // and so is due still
	broken error
	after  func()
	kept   time.Duration
	unkept error
}

func (p *plan) Tick() error {
	for len(p.dues) > 0 && !p.dues[0].After(p.clock.now()) && !p.fails {
		p.dues, p.done = p.dues[1:], append(p.done, p.clock.now())
	}
	if p.after != nil {
		p.after()
	}
	return p.broken
}

func (p *plan) NextDue() (time.Time, bool) {
	if len(p.dues) == 0 {
		return time.Time{}, false
	}
	return p.dues[0], true
}

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func planned(t *testing.T, dues ...time.Duration) *plan {
	t.Helper()
	p := &plan{}
	p.clock = &clock{machine: func() time.Time { return begin }, schedule: p, keep: func(offset time.Duration) error {
		p.kept = offset
		return p.unkept
	}}
	for _, due := range dues {
		p.dues = append(p.dues, begin.Add(due))
	}
	return p
}

func TestTheClockStopsAtWhatIsDue(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	p := planned(t, -time.Hour, 90*time.Minute, 90*time.Minute, 5*day)
	steps, err := p.clock.Advance(t.Context(), 3*day, 0)
	require.NoError(t, err)
	require.Equal(t, 4, steps, "90 minutes, two days, and the rest")
	require.Equal(t, []time.Time{begin, begin.Add(90 * time.Minute), begin.Add(90 * time.Minute)}, p.done)
	require.Equal(t, begin.Add(3*day), p.clock.now())

	steps, err = p.clock.Advance(t.Context(), 2*day, 30*day)
	require.NoError(t, err)
	require.Equal(t, 1, steps)
	require.Len(t, p.done, 4, "what is due at the end is done")
}

func TestTheClockPassesWhatStaysDue(t *testing.T) {
	t.Parallel()
	p := planned(t, time.Hour)
	p.fails = true
	steps, err := p.clock.Advance(t.Context(), 72*time.Hour, 0)
	require.NoError(t, err)
	require.Equal(t, 4, steps)
	require.Equal(t, begin.Add(72*time.Hour), p.clock.now())
}

func TestTheClockMovesASecondAtLeast(t *testing.T) {
	t.Parallel()
	p := planned(t, time.Nanosecond, 2*time.Nanosecond, time.Second+time.Nanosecond)
	steps, err := p.clock.Advance(t.Context(), 10*time.Second, 0)
	require.NoError(t, err)
	require.Equal(t, 3, steps)
	require.Len(t, p.done, 3)
}

// ticking is a plan on which something is due every minute.
type ticking struct{ *plan }

func (p ticking) NextDue() (time.Time, bool) { return p.clock.now().Add(time.Minute), true }

func TestTheClockDoesNotStopForEver(t *testing.T) {
	t.Parallel()
	p := planned(t)
	p.clock.schedule = ticking{p}
	steps, err := p.clock.Advance(t.Context(), mostSteps*time.Minute+72*time.Hour, 0)
	require.NoError(t, err)
	require.Equal(t, mostSteps+3, steps)
}

func TestTheClockStaysWhereItIsWhenSomethingGoesWrong(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for name, test := range map[string]struct {
		wrong func(*plan)
		ctx   context.Context
		want  string
	}{
		"the caller leaves":        {func(*plan) { cancel() }, ctx, "24h0m0s short of the aim: context canceled"},
		"the state cannot be kept": {func(p *plan) { p.broken = errors.New("disk full") }, t.Context(), "at 2026-03-03T12:00:00Z: disk full"},
		"the clock cannot be kept": {func(p *plan) { p.unkept = errors.New("disk full") }, t.Context(), "disk full"},
	} {
		t.Run(name, func(t *testing.T) {
			p := planned(t)
			p.after = func() {
				if p.clock.Offset() == 48*time.Hour {
					test.wrong(p)
				}
			}
			steps, err := p.clock.Advance(test.ctx, 72*time.Hour, 0)
			require.ErrorContains(t, err, test.want)
			require.Equal(t, 2, steps)
			require.Equal(t, begin.Add(48*time.Hour), p.clock.now())
		})
	}
}

func TestTheClockIsKeptBeforeItCounts(t *testing.T) {
	t.Parallel()
	p := planned(t)
	p.after = func() { require.Equal(t, p.kept, p.clock.Offset()) }
	_, err := p.clock.Advance(t.Context(), 72*time.Hour, 0)
	require.NoError(t, err)
}
