package notes_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/stretchr/testify/require"
)

// Where grants are external, nobody may call until an administrator has pasted
// what the stack prints; then everybody may whom the access matrix names. A
// shell reads the lines, as it would the administrator's; the az of this test
// sends what the real one would.
func TestAdministratorCommandsMakeTheMatrixTrue(t *testing.T) {
	tools := tools(t)
	s := newSandbox(t, map[string]any{"entragate:grants": "external"})
	const differs = 3
	closed := s.up(differs)
	for _, cell := range closed.Cells {
		if cell.Caller == "user-with-roles" {
			continue // its token is made, whatever was granted
		}
		open := strings.HasPrefix(cell.Route, "GET /health")
		require.Equal(t, open, cell.Observed.Outcome == "allowed", "%s as %s", cell.Route, cell.Caller)
	}

	commands := administrator(t, s, tools.Root, tools.Env())
	// A user's and a group's assignment, two grants for each of three clients,
	// a daemon's role, and since there are secrets, the rotator's permission and
	// its ownership of itself.
	require.Len(t, commands, 2+3*2+1+2)
	for _, command := range commands {
		s.az(command)
	}

	// The rotator may do its work now.
	s.run(0, "rotate", "rotator")
	for _, client := range []string{"backoffice", "export"} {
		s.run(0, "rotate", client)
	}
	proven := s.run(0, "verify")
	require.Len(t, proven.Cells, len(closed.Cells))
	for _, cell := range proven.Cells {
		require.True(t, cell.Agree, "%s as %s: predicted %q, observed %+v", cell.Route, cell.Caller, cell.Predicted.Words, cell.Observed)
	}
	again := s.up(0).Changes
	require.Zero(t, again.Create+again.Update+again.Delete+again.Replace, "the program leaves the administrator's work alone")
}

// administrator is the output of Entragate's dev stack.
func administrator(t *testing.T, s *sandbox, pulumiRoot string, env map[string]string) []string {
	t.Helper()
	state := filepath.Join(s.dir, ".entragate", "state")
	env["PULUMI_BACKEND_URL"] = "file://" + filepath.ToSlash(state)
	env["PULUMI_CONFIG_PASSPHRASE_FILE"] = filepath.Join(state, "passphrase")
	command, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{Root: pulumiRoot})
	require.NoError(t, err)
	work, err := auto.NewLocalWorkspace(t.Context(), auto.WorkDir(s.dir), auto.Pulumi(command), auto.EnvVars(env))
	require.NoError(t, err)
	outputs, err := work.StackOutputs(t.Context(), "dev")
	require.NoError(t, err)
	raw, err := json.Marshal(outputs["administrator"].Value)
	require.NoError(t, err)
	var commands []string
	require.NoError(t, json.Unmarshal(raw, &commands))
	return commands
}

// az does what the Azure CLI does for `az rest`, the only command there is.
func (s *sandbox) az(line string) {
	s.t.Helper()
	bin := s.t.TempDir()
	require.NoError(s.t, os.WriteFile(filepath.Join(bin, "az"), []byte("#!/bin/sh\nprintf '%s\\0' \"$@\"\n"), 0o700))
	cmd := exec.Command("sh", "-c", line)
	cmd.Env = []string{"PATH=" + bin}
	out, err := cmd.Output()
	require.NoError(s.t, err, line)
	arguments := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	require.Len(s.t, arguments, 9, line)
	require.Equal(s.t, []string{"rest", "--method", "POST", "--url"}, arguments[:4])
	require.Equal(s.t, []string{"--headers", "Content-Type=application/json", "--body"}, arguments[5:8])
	require.True(s.t, strings.HasPrefix(arguments[4], s.env["GRAPH_ENDPOINT"]+"/"), line)
	s.graph(http.MethodPost, arguments[4], arguments[8], nil)
}
