package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
)

// run runs a command line on the committed project of this repository.
func run(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = Run(append(args, "--dir", "../../../.."), &out, &err)
	return code, out.String(), err.String()
}

func TestWrongArgumentsAreToldApartFromFailures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		code int
		want string
	}{
		"an unknown command":            {[]string{"deploy"}, exitUsage, `unknown command or argument "deploy"`},
		"an unknown command below":      {[]string{"sandbox", "start"}, exitUsage, `unknown command or argument "start"`},
		"an unknown flag":               {[]string{"access", "--yes"}, exitUsage, "unknown flag: --yes"},
		"an argument too many":          {[]string{"access", "dev"}, exitUsage, `argument "dev"`},
		"no caller":                     {[]string{"token"}, exitUsage, "want one caller"},
		"a stack that does not exist":   {[]string{"access", "--stack", "staging"}, exitFailure, "Pulumi.staging.yaml"},
		"a stack name that is a path":   {[]string{"access", "--stack", "../x"}, exitFailure, "want letters"},
		"a folder without a project":    {[]string{"access", "--dir", "/proc"}, exitFailure, "Pulumi.yaml"},
		"up of a stack that is not":     {[]string{"sandbox", "up", "--stack", "staging"}, exitFailure, "Pulumi.staging.yaml"},
		"help is no mistake":            {[]string{"--help"}, exitOK, ""},
		"no command is no mistake":      {nil, exitOK, ""},
		"a region for the sandbox":      {[]string{"orphans", "--region", "eu-west-1"}, exitUsage, "without --real"},
		"a token of nothing deployed":   {[]string{"token", "portal:user", "--sandbox-dir", "/proc/none"}, exitFailure, "not deployed"},
		"calls of nothing deployed":     {[]string{"verify", "--sandbox-dir", "/proc/none"}, exitFailure, "not deployed"},
		"status without any sandbox":    {[]string{"sandbox", "status", "--sandbox-dir", "/proc/none"}, exitOK, ""},
		"a sandbox that cannot be made": {[]string{"sandbox", "serve", "--sandbox-dir", "/proc/none"}, exitFailure, "opening the sandbox"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			args := append([]string{}, tc.args...)
			if len(args) > 0 && !bytes.Contains([]byte(name), []byte("folder")) {
				args = append(args, "--dir", "../../../..")
			}
			require.Equal(t, tc.code, Run(args, &out, &errs), errs.String())
			require.Contains(t, errs.String(), tc.want)
		})
	}
}

func TestStatusNeedsNoProject(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	state := filepath.Join(dir, "state/.pulumi/stacks/shop")
	require.NoError(t, os.MkdirAll(state, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(state, "dev.json"), []byte(`{"version":3,"checkpoint":{}}`), 0o600))
	var out, errs bytes.Buffer
	code := Run([]string{"sandbox", "status", "--json", "--dir", dir, "--sandbox-dir", dir}, &out, &errs)
	require.Equal(t, exitOK, code, errs.String())
	var result statusResult
	require.NoError(t, json.Unmarshal(out.Bytes(), &result))
	require.Equal(t, []stackStatus{{Project: "shop", Name: "dev"}}, result.Stacks, "those of every project")
}

func TestFailuresAreJSONToo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte("name: entragate\nruntime: go\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.dev.yaml"), []byte("config:\n  entragate:protect: perhaps\n"), 0o600))
	var out, errs bytes.Buffer
	require.Equal(t, exitFailure, Run([]string{"access", "--json", "--dir", dir}, &out, &errs))
	var got failure
	require.NoError(t, json.Unmarshal(out.Bytes(), &got), out.String())
	require.Equal(t, access.Problems{
		{Path: "entragate:protect", Message: "wrong type", Got: "perhaps", Want: "true or false"},
	}, got.Problems)
	require.Contains(t, errs.String(), got.Error)

	out.Reset()
	require.Equal(t, exitUsage, Run([]string{"access", "--json", "dev"}, &out, &errs))
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	require.Contains(t, got.Error, `argument "dev"`)
}

func TestInterruptionsAreToldInALine(t *testing.T) {
	t.Parallel()
	err := errors.New("pulumi up: interrupt signal received\ncode: 1\nstdout: Updating")
	for verbose, want := range map[bool]string{
		false: "interrupted: pulumi up: interrupt signal received\nRun it again: it goes on from what is there.\n",
		true:  "interrupted: pulumi up: interrupt signal received\ncode: 1\nstdout: Updating\nRun it again: it goes on from what is there.\n",
	} {
		var errs bytes.Buffer
		(&app{stderr: &errs, verbose: verbose}).interrupted(err)
		require.Equal(t, want, errs.String())
	}
}

func TestLinesToPasteAreQuoted(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"/a/b-c.d_e": "/a/b-c.d_e",
		"/my clouds": "'/my clouds'",
		"it's $HOME": `'it'\''s $HOME'`,
		"":           "''",
	} {
		require.Equal(t, want, quoted(word))
	}
}

func TestTheMatrixNeedsNoCloud(t *testing.T) {
	t.Parallel()
	for _, stack := range []string{"dev", "prod"} {
		code, stdout, stderr := run("access", "--stack", stack, "--json")
		require.Equal(t, exitOK, code, stderr)
		var result accessResult
		require.NoError(t, json.Unmarshal([]byte(stdout), &result))
		d, ok := result.Matrix.At("GET /orders", "portal:user")
		require.True(t, ok)
		require.True(t, d.Allowed)
		require.Contains(t, result.Assumed, "nobody is assigned", "the committed stacks leave that to be set")
		code, stdout, _ = run("access", "--stack", stack)
		require.Equal(t, exitOK, code)
		require.Contains(t, stdout, "note: nobody is assigned")
	}
}

func TestAConfigurationThatIsWrongIsRefusedBeforeAnythingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"Pulumi.yaml", "Pulumi.dev.yaml"} {
		raw, err := os.ReadFile(filepath.Join("../../../..", name))
		require.NoError(t, err)
		raw = bytes.ReplaceAll(raw, []byte("scopes: [Orders.Write]"), []byte("scopes: [Orders.Chaneg]"))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), raw, 0o600))
	}
	var out, errs bytes.Buffer
	require.Equal(t, exitFailure, Run([]string{"sandbox", "up", "--dir", dir}, &out, &errs))
	require.Contains(t, errs.String(), "Orders.Chaneg")
	require.Contains(t, errs.String(), "problems\n", "all at once")
	require.NoDirExists(t, filepath.Join(dir, ".entragate"))
}

func TestAChangeOfAccessIsTheCellsWhoseWordsChange(t *testing.T) {
	t.Parallel()
	before := map[string]map[string]string{"GET /a": {"x": "no", "y": "yes"}, "GET /old": {"x": "yes"}}
	after := map[string]map[string]string{"GET /a": {"x": "yes", "y": "yes"}, "GET /new": {"x": "no"}}
	changes := accessChanges(before, after)
	require.Equal(t, []accessChange{
		{Route: "GET /a", Caller: "x", Before: "no", After: "yes"},
		{Route: "GET /new", Caller: "x", After: "no"},
		{Route: "GET /old", Caller: "x", Before: "yes"},
	}, changes)
	require.Empty(t, accessChanges(after, after))
	var text bytes.Buffer
	require.NoError(t, previewResult{Access: changes}.text(&text))
	require.Contains(t, text.String(), "    ~ x: no => yes\n")
	require.Contains(t, text.String(), "    - x: yes\n")
}

func TestACellThatWasNotTriedDoesNotAgree(t *testing.T) {
	t.Parallel()
	matrix := access.Matrix{
		Routes: []string{"GET /a"}, Callers: []access.Caller{{ID: "x"}, {ID: "y"}, {ID: "z"}},
		Cells: map[string]map[string]access.Decision{"GET /a": {"x": {Allowed: true}, "y": {Allowed: true}, "z": {Status: 401}}},
	}
	p := newProof(access.Table{Matrix: matrix, Observed: map[string]map[string]access.Observation{"GET /a": {
		"x": {Outcome: access.OutcomeAllowed, Status: 200}, "z": {Outcome: access.OutcomeRefused, Status: 403},
	}}})
	require.Equal(t, 2, p.Differ)
	require.Equal(t, []bool{true, false, false}, []bool{p.Cells[0].Agree, p.Cells[1].Agree, p.Cells[2].Agree})
	require.Nil(t, p.Cells[1].Observed)
	require.Equal(t, "2 of 3 cells differ from the matrix", p.verdict(0))
}

func TestAnythingButAJWTIsNoToken(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", "a.b", "a.!.c", "a.e30"} {
		_, err := readToken("x", token)
		require.Error(t, err, token)
	}
	r, err := readToken("x", "h.eyJleHAiOjE3MDAwMDAwMDB9.s")
	require.NoError(t, err)
	require.Equal(t, int64(1700000000), r.Expires.Unix())
}
