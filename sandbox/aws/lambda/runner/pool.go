package runner

import (
	"context"
	"slices"
	"sync"
	"time"
)

// pool is the processes of one state of a version. The runner's lock guards it.
type pool struct {
	folder  string
	retired bool
	busy    int         // invocations under way or about to be
	idle    []*instance // the last used one is last
	all     map[*instance]bool
}

// take returns an idle process, or nil when one must be started. Stale ones are
// ended.
func (r *Runner) take(resolve Resolve) (*pool, Function, *instance, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, Function{}, nil, errClosed
	}
	revision, fn, err := resolve()
	if err != nil {
		return nil, fn, nil, err
	}
	p := r.pools[revision]
	if p == nil {
		p = &pool{folder: fn.Folder, all: map[*instance]bool{}}
		r.pools[revision] = p
	}
	p.busy++
	for len(p.idle) > 0 {
		i := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if !i.gone() && !i.stale(r.Now()) {
			return p, fn, i, nil
		}
		delete(p.all, i)
		r.ended.Go(i.end)
	}
	return p, fn, nil, nil
}

// keepTrack adds a process that was started, unless all are being ended.
func (r *Runner) keepTrack(p *pool, i *instance) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.all[i] = true
	return !r.closed
}

// release gives a process back after an invocation; without one it only tells
// that there is one invocation less.
func (r *Runner) release(p *pool, i *instance) {
	if p == nil {
		return
	}
	r.mu.Lock()
	p.busy--
	over := i != nil && (p.retired || r.closed || i.gone() || r.Now().Sub(i.born) > usedFor)
	if i != nil && over {
		delete(p.all, i)
	}
	if i != nil && !over {
		i.used = r.Now()
		p.idle = append(p.idle, i)
	}
	drained := p.retired && p.busy == 0
	if drained {
		delete(r.retired, p)
	}
	r.mu.Unlock()
	if over {
		i.end()
	}
	if drained {
		r.Drained()
	}
}

// stale reports whether an idle process has been for too long, or idle for
// long, by the sandbox's clock, which may have been moved: the credentials that
// it was started with expire.
func (i *instance) stale(now time.Time) bool {
	return now.Sub(i.born) > usedFor || now.Sub(i.used) > idleFor
}

// retire takes the idle processes away, for good.
func (p *pool) retire() []*instance {
	p.retired = true
	idle := p.idle
	p.idle = nil
	for _, i := range idle {
		delete(p.all, i)
	}
	return idle
}

// sweep takes the processes away that are gone or stale.
func (p *pool) sweep(now time.Time) []*instance {
	var old []*instance
	p.idle = slices.DeleteFunc(p.idle, func(i *instance) bool {
		if !i.gone() && !i.stale(now) {
			return false
		}
		old = append(old, i)
		delete(p.all, i)
		return true
	})
	return old
}

// gate bounds how many invocations of a function are under way.
type gate struct {
	mu      sync.Mutex
	inside  int
	changed chan struct{} // closed when one leaves
}

// enter waits for a place. With reserved concurrency there is no waiting.
func (g *gate) enter(ctx context.Context, reserved *int) error {
	for {
		g.mu.Lock()
		most := maxInstances
		if reserved != nil {
			most = *reserved
		}
		if g.inside < most {
			g.inside++
			g.mu.Unlock()
			return nil
		}
		changed := g.changed
		g.mu.Unlock()
		if reserved != nil {
			return ErrThrottled
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	close(g.changed)
	g.changed = make(chan struct{})
}
