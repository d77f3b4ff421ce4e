package aws

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

// scheduled is a service that does things by the clock.
type scheduled interface {
	Tick() error
	Run(ctx context.Context) error
}

// planner is a scheduled service that tells when something is due. What another
// one does is done late by as much as the clock is moved at once.
type planner interface {
	// NextDue tells when the next thing is due, if anything is.
	NextDue() (time.Time, bool)
}

// schedules are in the order in which they do what is due at the same time: the
// alarms see what the others did.
func (c *Cloud) schedules() []scheduled { return []scheduled{c.secrets, c.events, c.metrics} }

// Run does what is due, by real time, until ctx ends. Then rotations that are
// under way end too.
func (c *Cloud) Run(ctx context.Context) error {
	group, groupCtx := errgroup.WithContext(ctx)
	for _, each := range c.schedules() {
		group.Go(func() error { return each.Run(groupCtx) })
	}
	group.Go(func() error {
		<-groupCtx.Done()
		return c.secrets.Close()
	})
	return group.Wait()
}

// Tick does what is due now, and waits for it.
func (c *Cloud) Tick() error {
	for _, each := range c.schedules() {
		if err := each.Tick(); err != nil {
			return err
		}
	}
	c.lambda.Sweep()
	return nil
}

// NextDue tells when the next thing is due, as far as services tell.
func (c *Cloud) NextDue() (next time.Time, some bool) {
	for _, each := range c.schedules() {
		if planner, ok := each.(planner); ok {
			if at, due := planner.NextDue(); due && (!some || at.Before(next)) {
				next, some = at, true
			}
		}
	}
	return next, some
}
