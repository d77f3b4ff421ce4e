package gocmd_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/internal/gocmd"
)

// goScript puts a go command of our own on a PATH, which is returned as an
// environment.
func goScript(t *testing.T, script string) []string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\n"+script), 0o755))
	return []string{"PATH=" + dir + string(os.PathListSeparator) + "/usr/bin:/bin"}
}

func TestBuildEnvKeepsOnlyWhereThingsAre(t *testing.T) {
	t.Parallel()
	env := gocmd.BuildEnv([]string{
		"PATH=/bin", "GOPROXY=https://proxy.example", "GOCACHE=/c", "GOFLAGS=-mod=vendor", "GOOS=windows", "GOWORK=/w",
		"CGO_ENABLED=1", "GOSUMDB=sum.golang.org", "https_proxy=http://proxy.example",
	}, "GOOS=linux")
	require.Equal(t, []string{
		"PATH=/bin", "GOPROXY=https://proxy.example", "GOCACHE=/c", "GOSUMDB=sum.golang.org",
		"https_proxy=http://proxy.example",
		"CGO_ENABLED=0", "GO111MODULE=on", "GOFLAGS=-trimpath", "GOWORK=off", "GOOS=linux",
	}, env)
}

func TestRunReturnsTheOutput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out, err := gocmd.Run(t.Context(), dir, append(goScript(t, `echo "$X $* in $PWD"; echo noise >&2`), "X=set"), "list", "-m")
	require.NoError(t, err)
	require.Equal(t, "set list -m in "+dir+"\n", string(out))
}

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ output, want string }{
		{"write /tmp/x: no space left on device", "the disk is full"},
		{"compile: signal: killed", "for want of memory"},
		{"dial tcp: lookup modules.example: no such host", "check the network"},
		{"verifying x: checksum mismatch", "does not have the content that is pinned"},
		{"go.mod requires go >= 1.27 (running go 1.26; GOTOOLCHAIN=local)", "this Go is too old"},
		{"x.go:1:1: syntax error", ""},
	} {
		t.Run(test.output, func(t *testing.T) {
			t.Parallel()
			_, err := gocmd.Run(t.Context(), t.TempDir(), goScript(t, "echo '"+test.output+"' >&2; exit 1"), "build", "-o", "x")
			var failed *gocmd.Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, []string{test.output}, failed.Lines)
			require.Contains(t, failed.Advice, test.want)
			require.Equal(t, test.want == "", failed.Advice == "")
			require.ErrorContains(t, err, "go build -o: exit status 1:\n  "+test.output)
		})
	}
}

func TestErrorsShowTheAnswerWhereNothingElseWasSaid(t *testing.T) {
	t.Parallel()
	_, err := gocmd.Run(t.Context(), t.TempDir(), goScript(t, `echo '{"Error":"no such host"}'; exit 1`), "mod", "download")
	require.ErrorContains(t, err, `{"Error":"no such host"}`)
	require.ErrorContains(t, err, "check the network")
}

func TestErrorsShowTheLastLines(t *testing.T) {
	t.Parallel()
	_, err := gocmd.Run(t.Context(), t.TempDir(), goScript(t, "seq 500 >&2; echo the cause >&2; exit 2"), "build")
	require.ErrorContains(t, err, "the cause")
	require.Less(t, strings.Count(err.Error(), "\n"), 15)
}

func TestRunWithoutGo(t *testing.T) {
	t.Parallel()
	_, err := gocmd.Run(t.Context(), t.TempDir(), []string{"PATH=" + t.TempDir()}, "version")
	require.ErrorIs(t, err, gocmd.ErrNotFound)
}

func TestRunStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := gocmd.Run(ctx, t.TempDir(), goScript(t, "true"), "version")
	require.ErrorIs(t, err, context.Canceled)
}

func TestLookPathSkipsWhatIsNoProgram(t *testing.T) {
	t.Parallel()
	first, second := t.TempDir(), t.TempDir()
	env := []string{"PATH=gone", "PATH=relative:" + first + ":" + second}
	require.NoError(t, os.Mkdir(filepath.Join(first, "tool"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(second, "tool"), nil, 0o600))
	_, ok := gocmd.LookPath(env, "tool")
	require.False(t, ok)
	require.NoError(t, os.Chmod(filepath.Join(second, "tool"), 0o700))
	path, ok := gocmd.LookPath(env, "tool")
	require.True(t, ok)
	require.Equal(t, filepath.Join(second, "tool"), path)
}

func TestGetenvTakesTheLast(t *testing.T) {
	t.Parallel()
	env := []string{"A=1", "AB=2", "A=3"}
	require.Equal(t, "3", gocmd.Getenv(env, "A"))
	require.Empty(t, gocmd.Getenv(env, "B"))
	require.Equal(t, []string{"AB=2"}, gocmd.Without(env, "A"))
}
