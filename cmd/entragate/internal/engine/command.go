package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/blang/semver"

	"github.com/entragate/entragate/cmd/entragate/internal/runs"
)

// interruptGrace is how long the CLI may finish the operations under way after
// it was interrupted. Deleting an Entra application takes the provider 20 s.
const interruptGrace = 45 * time.Second

// command runs the Pulumi CLI for the Automation API. Unlike the API's own it
// gives the CLI an environment that is stated in full, and a process group of
// its own, so that a Ctrl-C on the terminal reaches the CLI once, through us.
type command struct {
	path    string
	version semver.Version
	env     []string
	run     *runs.Run
	grace   time.Duration
}

// changing are the commands of the CLI that change a cloud.
var changing = []string{"up", "destroy", "refresh"}

// Version implements [auto.PulumiCommand].
func (c *command) Version() semver.Version { return c.version }

// Run implements [auto.PulumiCommand].
func (c *command) Run(
	ctx context.Context, workdir string, stdin io.Reader, stdouts, stderrs []io.Writer, env []string, args ...string,
) (string, string, int, error) {
	if err := ctx.Err(); err != nil {
		return "", "", -1, err
	}
	changes := slices.Contains(changing, args[0])
	if changes {
		if err := c.run.Changing(0); err != nil {
			return "", "", -1, err
		}
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(c.path, append([]string{"--non-interactive"}, args...)...) //nolint:gosec // the path is the toolchain's
	cmd.Dir = workdir
	cmd.Env = slices.Concat(c.env, env, []string{"PULUMI_AUTOMATION_API=true", c.run.Mark()})
	cmd.Stdin = stdin
	cmd.Stdout = io.MultiWriter(append(slices.Clone(stdouts), &stdout)...)
	cmd.Stderr = io.MultiWriter(append(slices.Clone(stderrs), &stderr)...)
	cmd.WaitDelay = time.Second // providers that outlive the CLI hold its pipes
	isolate(cmd)

	// The kernel signals the CLI when the thread that started it ends, not the
	// process: the thread has to stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return "", "", -1, fmt.Errorf("starting the pulumi CLI: %w", err)
	}
	if changes {
		if err := c.run.Changing(cmd.Process.Pid); err != nil {
			return "", "", -1, errors.Join(err, c.run.Kill(context.WithoutCancel(ctx)), cmd.Wait())
		}
	}
	err := c.wait(ctx, cmd)
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode(), explain(err, args, stderr.String(), stdout.String())
}

// wait waits for the CLI, and interrupts it when ctx ends.
func (c *command) wait(ctx context.Context, cmd *exec.Cmd) error {
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	if err := interrupt(cmd.Process); err != nil {
		return errors.Join(err, c.run.Kill(context.WithoutCancel(ctx)), <-done)
	}
	select {
	case err := <-done:
		return errors.Join(context.Cause(ctx), err)
	case <-time.After(c.grace):
		return errors.Join(context.Cause(ctx), c.run.Kill(context.WithoutCancel(ctx)), <-done)
	}
}

// explain adds what the CLI said to its exit code. The Automation API wraps
// the errors of some commands with their output, and of others not.
func explain(err error, args []string, stderr, stdout string) error {
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return nil // the CLI itself had ended well
	}
	said := strings.TrimSpace(stderr)
	if said == "" {
		said = strings.TrimSpace(stdout)
	}
	if lines := strings.Split(said, "\n"); len(lines) > 20 {
		said = strings.Join(lines[len(lines)-20:], "\n")
	}
	return fmt.Errorf("pulumi %s: %w: %s", args[0], err, said)
}
