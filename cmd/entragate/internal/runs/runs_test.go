//go:build linux

package runs_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/cmd/entragate/internal/runs"
	"github.com/entragate/entragate/internal/filelock"
)

// start runs a shell script marked as part of the run, and returns it once it
// printed a line.
func start(t *testing.T, mark, script string) (cmd *exec.Cmd, line string) {
	t.Helper()
	cmd = exec.Command("sh", "-c", script)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), mark}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	line, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return cmd, strings.TrimSpace(line)
}

func begin(t *testing.T, dir string, grace time.Duration) *runs.Run {
	t.Helper()
	r, err := runs.Begin(t.Context(), dir, grace)
	require.NoError(t, err)
	return r
}

func TestOnlyOneRunWorksOnAStack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := begin(t, dir, time.Second)
	_, err := runs.Begin(t.Context(), dir, time.Second)
	require.ErrorIs(t, err, filelock.ErrHeld)
	require.NoError(t, first.End())
	require.NoError(t, begin(t, dir, time.Second).End())
}

func TestARunThatSettledWasNotInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := begin(t, dir, time.Second)
	require.False(t, r.Interrupted)
	require.NoError(t, r.Changing(0))
	require.NoError(t, r.End())

	r = begin(t, dir, time.Second)
	require.True(t, r.Interrupted)
	require.NoError(t, r.Settled())
	require.NoError(t, r.Settled(), "twice does nothing more")
	require.NoError(t, r.End())

	r = begin(t, dir, time.Second)
	require.False(t, r.Interrupted)
	require.NoError(t, r.End())
}

func TestWhatARunLeftIsKilledWhereverItHides(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := begin(t, dir, time.Second)
	// A child in a session of its own, as a provider might be.
	left, line := start(t, r.Mark(), `trap '' INT TERM; setsid sh -c 'echo $$; trap "" INT; while :; do sleep 1; done' & wait`)
	child, err := strconv.Atoi(line)
	require.NoError(t, err)
	require.NoError(t, r.Changing(left.Process.Pid))
	require.NoError(t, r.End())

	r = begin(t, dir, 100*time.Millisecond)
	require.True(t, r.Interrupted)
	require.Error(t, left.Wait())
	environ, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(child), "environ"))
	require.True(t, err != nil || len(environ) == 0, "process %d lives", child)
	require.NoError(t, r.End())
}

func TestACLIThatIsStillAtWorkMayFinish(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	finished := filepath.Join(dir, "finished")
	r := begin(t, dir, time.Second)
	left, _ := start(t, r.Mark(), `trap 'touch `+finished+`; exit 0' INT; echo ready; while :; do sleep 0.1; done`)
	require.NoError(t, r.Changing(left.Process.Pid))
	require.NoError(t, r.End())

	done := make(chan error, 1)
	go func() { done <- left.Wait() }()
	r = begin(t, dir, time.Minute)
	require.FileExists(t, finished)
	require.NoError(t, <-done)
	require.NoError(t, r.End())
}

func TestAProcessThatTookOverTheIdIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := begin(t, dir, time.Second)
	stranger, _ := start(t, "OTHER=1", `echo ready; exec sleep 60`)
	require.NoError(t, r.Changing(stranger.Process.Pid))
	require.NoError(t, r.End())

	r = begin(t, dir, time.Minute)
	require.NoError(t, stranger.Process.Signal(syscall.Signal(0)), "it lives")
	require.NoError(t, r.End())
}
