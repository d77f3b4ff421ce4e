// Package runs sees to it that one run at a time works on a stack, and that
// what an interrupted run left behind (a Pulumi CLI and provider processes
// still at work) has ended before the next begins.
package runs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/entragate/entragate/internal/filelock"
	"github.com/entragate/entragate/sandbox/store"
)

// marker is the environment variable by which a run's processes are known: all
// of them inherit it, whichever process group they put themselves into.
const marker = "ENTRAGATE_RUN"

// Run is one run on a stack. It holds the stack's lock until [Run.End].
type Run struct {
	dir  string
	lock *filelock.Lock
	// Interrupted says that the run before this one did not end by itself, so
	// that the state may not tell all that exists.
	Interrupted bool
}

// record is on disk while a run may be changing something.
type record struct {
	// CLI is the process id of the Pulumi CLI, 0 before it was started.
	CLI int `json:"cli"`
}

// Begin takes the lock of the stack whose directory is dir and ends what an
// earlier run left running: the CLI is asked to stop and given grace to finish
// the operations under way; then everything is killed. While another run has
// the lock the error wraps [filelock.ErrHeld].
func Begin(ctx context.Context, dir string, grace time.Duration) (*Run, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("beginning a run: %w", err)
	}
	lock, err := filelock.Try(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("beginning a run: %w", err)
	}
	r := &Run{dir: dir, lock: lock}
	if err := r.endLeftovers(ctx, grace); err != nil {
		return nil, errors.Join(fmt.Errorf("ending what an interrupted run left: %w", err), lock.Release())
	}
	return r, nil
}

// Mark is the NAME=value that every process of the run must have in its
// environment.
func (r *Run) Mark() string { return marker + "=" + r.dir }

// Changing notes, durably, that things change from here on and that the CLI
// with this process id (0 before it started) changes them.
func (r *Run) Changing(cli int) error {
	raw, err := json.Marshal(record{CLI: cli})
	if err != nil {
		return fmt.Errorf("noting a run: %w", err)
	}
	if err := store.WriteFile(r.recordPath(), raw); err != nil {
		return fmt.Errorf("noting a run: %w", err)
	}
	return nil
}

// Settled notes that the state tells all that exists: nothing is under way.
func (r *Run) Settled() error {
	if err := os.Remove(r.recordPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("noting the end of a run: %w", err)
	}
	r.Interrupted = false
	return nil
}

// End gives the lock up.
func (r *Run) End() error { return r.lock.Release() }

// Kill ends every process of the run at once.
func (r *Run) Kill(ctx context.Context) error { return killAll(ctx, r.Mark()) }

func (r *Run) recordPath() string { return filepath.Join(r.dir, "run.json") }

func (r *Run) endLeftovers(ctx context.Context, grace time.Duration) error {
	raw, err := os.ReadFile(r.recordPath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var left record
	if err == nil {
		r.Interrupted = true
		if err := json.Unmarshal(raw, &left); err != nil {
			return fmt.Errorf("reading %s: %w", r.recordPath(), err)
		}
	}
	if err := interrupt(ctx, r.Mark(), left.CLI, grace); err != nil {
		return err
	}
	return killAll(ctx, r.Mark())
}
