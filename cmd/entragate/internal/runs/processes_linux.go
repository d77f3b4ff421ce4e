package runs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

const (
	pollEvery = 50 * time.Millisecond
	// killWithin bounds the wait for killed processes to be gone: a process
	// in uninterruptible sleep may take long.
	killWithin = 30 * time.Second
)

// marked are the processes whose environment holds the mark, this one aside.
// Processes of other users, and those that ended meanwhile, have none to read.
func marked(mark string) ([]int, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, path := range paths {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil || pid == os.Getpid() {
			continue
		}
		if carries(pid, mark) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

func carries(pid int, mark string) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return err == nil && slices.ContainsFunc(bytes.Split(raw, []byte{0}), func(v []byte) bool { return string(v) == mark })
}

// signal sends sig to pid if it carries the mark. The handle is taken before
// the check, so a process that took over the id is never hit.
func signal(pid int, mark string, sig os.Signal) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return nil // it has ended
	}
	defer func() { _ = p.Release() }() // nothing to do about a handle
	if !carries(pid, mark) {
		return nil
	}
	if err := p.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("process %d: %w", pid, err)
	}
	return nil
}

// interrupt asks the marked process cli to stop and waits, at most for grace,
// until no marked process is left.
func interrupt(ctx context.Context, mark string, cli int, grace time.Duration) error {
	if cli == 0 || !carries(cli, mark) {
		return nil
	}
	if err := signal(cli, mark, syscall.SIGINT); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	for {
		if pids, err := marked(mark); err != nil || len(pids) == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return nil // what is left is killed next
		case <-time.After(pollEvery):
		}
	}
}

// killAll kills marked processes until there are none: one may have started
// another in the meantime.
func killAll(ctx context.Context, mark string) error {
	ctx, cancel := context.WithTimeout(ctx, killWithin)
	defer cancel()
	for {
		pids, err := marked(mark)
		if err != nil || len(pids) == 0 {
			return err
		}
		for _, pid := range pids {
			if err := signal(pid, mark, syscall.SIGKILL); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("processes %v do not end: %w", pids, ctx.Err())
		case <-time.After(pollEvery):
		}
	}
}
