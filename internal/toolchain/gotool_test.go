package toolchain

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBuildEnvKeepsOnlyWhereThingsAre(t *testing.T) {
	env := buildEnv([]string{
		"PATH=/bin", "GOPROXY=https://proxy.example", "GOCACHE=/c", "GOFLAGS=-mod=vendor", "GOOS=windows", "GOWORK=/w",
		"CGO_ENABLED=1", "GOSUMDB=sum.golang.org", "https_proxy=http://proxy.example",
	})
	require.Equal(t, []string{
		"PATH=/bin", "GOPROXY=https://proxy.example", "GOCACHE=/c", "GOSUMDB=sum.golang.org",
		"https_proxy=http://proxy.example",
		"CGO_ENABLED=0", "GO111MODULE=on", "GOFLAGS=-trimpath", "GOWORK=off",
	}, env)
}

func TestExplainSaysWhatToDo(t *testing.T) {
	for _, test := range []struct{ output, want string }{
		{"write /tmp/x: no space left on device", "the disk is full"},
		{"compile: signal: killed", "for want of memory"},
		{"dial tcp: lookup modules.example: no such host", "check the network"},
		{"verifying x: checksum mismatch", "does not have the content that is pinned"},
		{"go.mod requires go >= 1.27 (running go 1.26; GOTOOLCHAIN=local)", "this Go is too old"},
		{"x.go:1:1: syntax error", "run it again"},
	} {
		err := explain([]string{"build", "-o", "x"}, errors.New("exit status 1"), test.output)
		require.ErrorContains(t, err, test.output)
		require.ErrorContains(t, err, test.want)
		require.ErrorContains(t, err, "go build -o: exit status 1")
	}
}

func TestExplainShowsTheLastLines(t *testing.T) {
	output := strings.Repeat("noise\n", 500) + "the cause\n"
	err := explain([]string{"build"}, errors.New("exit status 1"), output)
	require.ErrorContains(t, err, "the cause")
	require.Less(t, strings.Count(err.Error(), "noise"), tailLines)
}

func TestRunGoWithoutGo(t *testing.T) {
	_, err := runGo(t.Context(), t.TempDir(), []string{"PATH=" + t.TempDir()}, "version")
	require.ErrorIs(t, err, errNoGo)
	require.ErrorContains(t, err, "https://go.dev/dl")
	require.ErrorContains(t, err, "`pulumi plugin install resource aws v6.83.0`")
}

func TestRunGoStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	script(t, filepath.Join(dir, "go"), "x")
	_, err := runGo(ctx, dir, []string{"PATH=" + dir}, "version")
	require.ErrorIs(t, err, context.Canceled)
}
