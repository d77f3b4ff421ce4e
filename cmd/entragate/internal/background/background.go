// Package background keeps the sandbox clouds running in a process of their
// own, so that what was deployed can be called after the command that deployed
// it has ended.
package background

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/entragate/entragate/internal/filelock"
	"github.com/entragate/entragate/sandbox"
)

const (
	pollEvery = 25 * time.Millisecond
	// startWithin bounds the wait for a started sandbox to answer. It makes
	// RSA keys at its first start.
	startWithin = 30 * time.Second
	stopWithin  = 15 * time.Second
)

// Running asks the sandbox of dir whether it serves; ok is false if not.
func Running(ctx context.Context, dir string) (health sandbox.Health, ok bool, err error) {
	settings, err := sandbox.ReadSettings(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return health, false, nil
	}
	if err != nil {
		return health, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, settings.AWSURL()+sandbox.HealthPath, nil)
	if err != nil {
		return health, false, err
	}
	// Not the default client: a proxy has no business with loopback.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return health, false, nil // nobody listens
	}
	defer res.Body.Close()
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<16)).Decode(&health); err != nil || health.Dir != dir {
		return sandbox.Health{}, false, nil // somebody else took the port
	}
	return health, true, nil
}

// Start makes sure that this build of the program serves the sandbox of dir:
// args are the arguments with which it does. A sandbox that another build
// serves is stopped first.
func Start(ctx context.Context, dir string, args ...string) (started bool, err error) {
	build, err := Build()
	if err != nil {
		return false, err
	}
	health, ok, err := Running(ctx, dir)
	if err != nil {
		return false, fmt.Errorf("starting the sandbox: %w", err)
	}
	if ok && health.Build == build {
		return false, nil
	}
	if ok {
		if _, err := Stop(ctx, dir); err != nil {
			return false, err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false, fmt.Errorf("starting the sandbox: %w", err)
	}
	cmd, log, err := detached(dir, args)
	if err != nil {
		return false, fmt.Errorf("starting the sandbox: %w", err)
	}
	defer log.Close()
	if err := cmd.Start(); err != nil {
		return false, fmt.Errorf("starting the sandbox: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return true, awaitStart(ctx, dir, ended)
}

// detached is the program itself with an environment of its own: the sandbox
// outlives this terminal and needs nothing of it.
func detached(dir string, args []string) (*exec.Cmd, *os.File, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	log, err := os.OpenFile(LogFile(dir), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(program, args...) //nolint:gosec // the program is this one
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}
	cmd.Stdout, cmd.Stderr = log, log
	detach(cmd)
	return cmd, log, nil
}

func awaitStart(ctx context.Context, dir string, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	for {
		if _, ok, err := Running(ctx, dir); ok || err != nil {
			return err
		}
		select {
		case err := <-ended:
			// Another command may have started it at the same moment.
			if _, ok, _ := Running(ctx, dir); ok {
				return nil
			}
			return fmt.Errorf("starting the sandbox: %w%s", orEnded(err), said(dir))
		case <-ctx.Done():
			return fmt.Errorf("starting the sandbox: it does not answer: %w%s", ctx.Err(), said(dir))
		case <-time.After(pollEvery):
		}
	}
}

var errEnded = errors.New("it ended at once")

func orEnded(err error) error {
	if err == nil {
		return errEnded
	}
	return err
}

// said is the end of the sandbox's log, for an error.
func said(dir string) string {
	raw, err := os.ReadFile(LogFile(dir))
	if err != nil || len(raw) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return ": " + strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// LogFile is what a sandbox in the background prints.
func LogFile(dir string) string { return filepath.Join(dir, "serve.log") }

// Stop ends the sandbox of dir, wherever it runs; stopped is false when none did.
func Stop(ctx context.Context, dir string) (stopped bool, err error) {
	health, ok, err := Running(ctx, dir)
	if err != nil || !ok {
		return false, err
	}
	process, err := os.FindProcess(health.PID)
	if err != nil {
		return false, nil // it has just ended
	}
	defer func() { _ = process.Release() }() // nothing to do about a handle
	if err := terminate(process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return false, fmt.Errorf("stopping the sandbox (process %d): %w", health.PID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	for {
		// It stops answering first, and then lets requests under way finish.
		lock, err := filelock.Try(sandbox.LockFile(dir))
		if err == nil {
			return true, lock.Release()
		}
		if !errors.Is(err, filelock.ErrHeld) {
			return false, fmt.Errorf("stopping the sandbox: %w", err)
		}
		if now, ok, err := Running(ctx, dir); err != nil || ok && now.PID != health.PID {
			return true, err // another one took over
		}
		select {
		case <-ctx.Done():
			return false, fmt.Errorf("stopping the sandbox (process %d): it does not end: %w", health.PID, ctx.Err())
		case <-time.After(pollEvery):
		}
	}
}

// Build identifies the program that runs: a sandbox of another build is
// replaced, so that everyone always uses the same one.
func Build() (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	id, err := contentID(program)
	if err != nil {
		return "", fmt.Errorf("identifying this program: %w", err)
	}
	return program + " " + id, nil
}

// contentID tells whether a program is the same. The time of its file does
// not: `go build` renews it when nothing has changed. A checksum does, quickly,
// since nobody forges a program of their own.
func contentID(program string) (string, error) {
	file, err := os.Open(program)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	size, err := io.Copy(sum, file)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d %08x", size, sum.Sum32()), nil
}
