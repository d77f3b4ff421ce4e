package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAKilledUpConverges(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	// Before anything is deployed: while the clouds start and the stack opens.
	for _, moment := range []time.Duration{50, 300, 700, 1200} {
		kill(t, p.command("sandbox", "up"), after(moment*time.Millisecond))
	}
	// While objects are created, a few more each time, until all are there.
	cuts := 0
	for ; kill(t, p.command("sandbox", "up"), created(1+cuts%7)); cuts++ {
		require.Less(t, cuts, 60, "it does not get on")
	}
	require.Greater(t, cuts, 8, "a handful of kills shows nothing")
	p.settled()
	// While the matrix is proved, secrets of the probes included.
	kill(t, p.command("verify"), after(400*time.Millisecond))
	p.settled()
}

func TestAnInterruptedUpConverges(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	for _, lines := range []int{2, 9} {
		cmd := p.command("sandbox", "up")
		reached, ended := watch(t, cmd, created(lines))
		require.True(t, <-reached)
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		<-ended
		require.Equal(t, exitInterrupted, cmd.ProcessState.ExitCode())
	}
	p.up()
	p.settled()
}

func TestAKilledDownConverges(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.up()
	for _, moment := range []time.Duration{2, 4, 8} {
		kill(t, p.command("sandbox", "down"), after(moment*time.Second))
	}
	var destroyed down
	p.run(&destroyed, "sandbox", "down")
	require.Empty(t, destroyed.Left)
}

func TestTwoRunsOnAStackDoNotMix(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.up()
	working, ended := watch(t, p.command("sandbox", "up"), func(line string, _ time.Time) bool {
		return strings.HasPrefix(line, "pulumi up")
	})
	require.True(t, <-working)
	require.Contains(t, p.refused("sandbox", "up"), "another run is at work")
	<-ended
	p.settled()
}

// A moment tells from the progress of a command when it has come.
type moment func(line string, started time.Time) bool

// after is a moment by the clock.
func after(d time.Duration) moment {
	return func(_ string, started time.Time) bool { return time.Since(started) >= d }
}

// created is the moment when the engine has told of n more resources.
func created(n int) moment {
	return func(line string, _ time.Time) bool {
		if strings.HasPrefix(line, "  + ") {
			n--
		}
		return n <= 0
	}
}

// watch starts a command. The first channel tells whether the moment came
// before the command ended, the second is closed when it has ended.
func watch(t *testing.T, cmd *exec.Cmd, when moment) (reached <-chan bool, ended <-chan struct{}) {
	t.Helper()
	// A file, since what the command starts may hold a pipe open beyond its end.
	progress, err := os.Create(filepath.Join(t.TempDir(), "progress"))
	require.NoError(t, err)
	cmd.Stderr = progress
	started := time.Now()
	require.NoError(t, cmd.Start())
	came, over := make(chan bool, 1), make(chan struct{})
	go func() {
		_ = cmd.Wait()
		_ = progress.Close()
		close(over)
	}()
	go func() {
		seen := 0
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			select {
			case <-over:
				tick.Stop()
				came <- false
				return
			case <-tick.C:
			}
			raw, _ := os.ReadFile(progress.Name())
			lines := strings.SplitAfter(string(raw[seen:]), "\n")
			for i, line := range lines {
				if i < len(lines)-1 { // a whole line
					seen += len(line)
				} else {
					line = ""
				}
				if when(line, started) {
					tick.Stop()
					came <- true
					return
				}
			}
		}
	}()
	return came, over
}

// kill starts a command and kills it at a moment; it tells whether the command
// was still running.
func kill(t *testing.T, cmd *exec.Cmd, when moment) bool {
	t.Helper()
	reached, ended := watch(t, cmd, when)
	cut := <-reached
	if cut {
		_ = cmd.Process.Kill()
	}
	<-ended
	if cmd.ProcessState.ExitCode() == -1 {
		return true
	}
	said, _ := os.ReadFile(cmd.Stderr.(*os.File).Name())
	require.Equal(t, exitOK, cmd.ProcessState.ExitCode(), "a run that was not cut off\n%s", said)
	return false
}

// settled holds that nothing is left to do or to find.
func (p *project) settled() {
	p.t.Helper()
	var left orphans
	p.run(&left, "orphans")
	require.Empty(p.t, left.Orphans)
	again := p.up()
	require.True(p.t, again.Changes.none(), again.Changes.touched())
	var s status
	p.run(&s, "sandbox", "status")
	require.Len(p.t, s.Stacks, 1)
	require.Zero(p.t, s.Stacks[0].Pending)
}
