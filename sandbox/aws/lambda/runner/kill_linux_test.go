package runner

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestNoProcessOutlivesAKilledSandbox runs itself as the sandbox that is killed.
func TestNoProcessOutlivesAKilledSandbox(t *testing.T) {
	t.Parallel()
	if file := os.Getenv("RUNNER_TEST_PID_FILE"); file != "" {
		r, _ := open(t, nil)
		_, err := r.Invoke(t.Context(), script(t, "echo $$ > "+file+"; exec sleep 1000"), Event{})
		require.NoError(t, err)
		return
	}
	file := filepath.Join(t.TempDir(), "pid")
	sandbox := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNoProcessOutlivesAKilledSandbox$")
	sandbox.Env = append(os.Environ(), "RUNNER_TEST_PID_FILE="+file)
	require.NoError(t, sandbox.Start())
	var pid string
	require.Eventually(t, func() bool {
		raw, err := os.ReadFile(file)
		pid = strings.TrimSpace(string(raw))
		return err == nil && pid != ""
	}, 10*time.Second, time.Millisecond)
	require.FileExists(t, "/proc/"+pid+"/stat")
	require.NoError(t, sandbox.Process.Kill())
	require.Error(t, sandbox.Wait())
	_, err := strconv.Atoi(pid)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		state, err := os.ReadFile("/proc/" + pid + "/stat")
		return err != nil || strings.Contains(string(state), ") Z ")
	}, 10*time.Second, time.Millisecond)
}
