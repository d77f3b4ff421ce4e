package toolchain

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRunGoWithoutGo(t *testing.T) {
	_, err := runGo(t.Context(), t.TempDir(), []string{"PATH=" + t.TempDir()}, "version")
	require.ErrorIs(t, err, errNoGo)
	require.ErrorContains(t, err, "https://go.dev/dl")
	require.ErrorContains(t, err, "`pulumi plugin install resource aws v6.83.0`")
}

func TestRunGoAdvisesToRunItAgain(t *testing.T) {
	for output, want := range map[string]string{
		"x.go:1:1: syntax error": "run it again",
		"no such host":           "check the network",
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\necho '"+output+"' >&2\nexit 1\n"), 0o755))
		_, err := runGo(t.Context(), dir, []string{"PATH=" + dir}, "build")
		require.ErrorContains(t, err, output)
		require.ErrorContains(t, err, want)
	}
}
