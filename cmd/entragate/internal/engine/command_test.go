//go:build linux

package engine

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/cmd/entragate/internal/runs"
)

// fakeCLI is a shell script in the place of the pulumi CLI.
func fakeCLI(t *testing.T, script string, grace time.Duration) (*command, *runs.Run, string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "pulumi")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700))
	run, err := runs.Begin(t.Context(), filepath.Join(dir, "stack"), time.Second)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, run.End()) })
	return &command{path: path, env: []string{"PATH=" + os.Getenv("PATH")}, run: run, grace: grace}, run, dir
}

func TestTheCLISaysWhyItFailed(t *testing.T) {
	t.Parallel()
	c, _, dir := fakeCLI(t, `echo out; echo "$1 $2: went wrong" >&2; exit 7`, time.Second)
	stdout, stderr, code, err := c.Run(t.Context(), dir, nil, nil, nil, nil, "preview")
	require.ErrorContains(t, err, "pulumi preview: exit status 7: --non-interactive preview: went wrong")
	require.Equal(t, "out\n", stdout)
	require.Contains(t, stderr, "went wrong")
	require.Equal(t, 7, code)
}

func TestTheCLIHasNoEnvironmentButTheOneItIsGiven(t *testing.T) {
	t.Parallel()
	c, run, dir := fakeCLI(t, `env | sort`, time.Second)
	stdout, _, _, err := c.Run(t.Context(), dir, nil, nil, nil, []string{"MORE=1"}, "version")
	require.NoError(t, err)
	require.Contains(t, stdout, run.Mark()+"\n")
	require.Contains(t, stdout, "MORE=1\n")
	require.NotContains(t, stdout, "HOME=")
}

func TestACommandThatChangesThingsIsNotedUntilItSettles(t *testing.T) {
	t.Parallel()
	c, run, dir := fakeCLI(t, `exit 1`, time.Second)
	_, _, _, err := c.Run(t.Context(), dir, nil, nil, nil, nil, "stack", "ls")
	require.Error(t, err)
	require.NoFileExists(t, filepath.Join(dir, "stack", "run.json"))
	_, _, _, err = c.Run(t.Context(), dir, nil, nil, nil, nil, "up")
	require.Error(t, err)
	require.FileExists(t, filepath.Join(dir, "stack", "run.json"))
	require.NoError(t, run.Settled())
	require.NoFileExists(t, filepath.Join(dir, "stack", "run.json"))
}

// cancelWhen ends the context once the file exists.
func cancelWhen(t *testing.T, file string) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		require.Eventually(t, func() bool { _, err := os.Stat(file); return err == nil }, 10*time.Second, 10*time.Millisecond)
	}()
	return ctx
}

func TestAnInterruptedCLIMayFinish(t *testing.T) {
	t.Parallel()
	c, _, dir := fakeCLI(t, `trap 'echo finished; exit 0' INT; touch started; while :; do sleep 0.05; done`, time.Minute)
	stdout, _, _, err := c.Run(cancelWhen(t, filepath.Join(dir, "started")), dir, nil, nil, nil, nil, "up")
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, "finished\n", stdout)
}

func TestACLIThatDoesNotFinishIsKilledWithAllThatItStarted(t *testing.T) {
	t.Parallel()
	c, _, dir := fakeCLI(t, `trap '' INT; setsid sleep 60 & touch started; wait; while :; do sleep 1; done`, 100*time.Millisecond)
	start := time.Now()
	_, _, _, err := c.Run(cancelWhen(t, filepath.Join(dir, "started")), dir, nil, nil, nil, nil, "up")
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, time.Since(start), 30*time.Second)
}

func TestNothingIsStartedOnceTheContextEnded(t *testing.T) {
	t.Parallel()
	c, _, dir := fakeCLI(t, `touch started`, time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, _, err := c.Run(ctx, dir, nil, nil, nil, nil, "up")
	require.ErrorIs(t, err, context.Canceled)
	require.NoFileExists(t, filepath.Join(dir, "started"))
}
