package tests

import (
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// moments are when a run is interrupted, after its start. They are dense where
// objects are created.
var moments = []time.Duration{
	300 * time.Millisecond, 1500 * time.Millisecond, 2500 * time.Millisecond, 3 * time.Second, 3500 * time.Millisecond,
	4 * time.Second, 4500 * time.Millisecond, 5 * time.Second, 5500 * time.Millisecond, 6 * time.Second,
	7 * time.Second, 8 * time.Second, 10 * time.Second, 12 * time.Second,
}

func TestAKilledUpConverges(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			cut := 0
			for _, moment := range moments {
				if interrupt(t, p.command("sandbox", "up"), moment, signal) {
					cut++
				}
			}
			require.Greater(t, cut, len(moments)/2, "most runs have to be cut off, or this shows nothing")
			p.up()
			p.settled()
		})
	}
}

func TestAKilledDownConverges(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.up()
	for _, moment := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second} {
		interrupt(t, p.command("sandbox", "down"), moment, syscall.SIGKILL)
	}
	var destroyed down
	p.run(&destroyed, "sandbox", "down")
	require.Empty(t, destroyed.Left)
}

func TestTwoRunsOnAStackDoNotMix(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.up()
	first := p.command("sandbox", "up")
	require.NoError(t, first.Start())
	require.Eventually(t, func() bool {
		o := p.try("sandbox", "up")
		return o.code == exitFailed && len(o.stderr) > 0
	}, 20*time.Second, 50*time.Millisecond, "a second run is refused while the first is at work")
	require.NoError(t, first.Wait())
	p.settled()
}

// interrupt starts a command and signals it at a moment; it tells whether the
// command was still running.
func interrupt(t *testing.T, cmd *exec.Cmd, moment time.Duration, signal syscall.Signal) bool {
	t.Helper()
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
		return false
	case <-time.After(moment):
	}
	require.NoError(t, cmd.Process.Signal(signal))
	select {
	case <-ended:
	case <-time.After(2 * time.Minute):
		require.Fail(t, "still running two minutes after "+strconv.Quote(signal.String()))
	}
	return true
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
