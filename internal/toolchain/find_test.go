package toolchain

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// script writes a program that prints one line.
func script(t *testing.T, path, line string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\necho '"+line+"'\n"), 0o755))
}

func TestNewEnough(t *testing.T) {
	for _, test := range []struct {
		version, wanted string
		want            bool
	}{
		{"v3.250.0", "v3.250.0", true},
		{"v3.250.1", "v3.250.0", true},
		{"v3.1000.0", "v3.250.0", true},
		{"v3.251.0-alpha.1+dirty", "v3.250.0", true},
		{"v3.250.0-alpha.1", "v3.250.0", false}, // a prerelease comes before
		{"v3.249.9", "v3.250.0", false},
		{"v3.99.0", "v3.250.0", false}, // numbers, not strings
		{"v4.0.0", "v3.250.0", false},
		{"v2.250.0", "v3.250.0", false},
		{"3.250.0", "v3.250.0", false},
		{"", "v3.250.0", false},
		{"dev", "v3.250.0", false},
	} {
		require.Equal(t, test.want, newEnough(test.version, test.wanted), test.version)
	}
}

func TestFindCLI(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	opts := Options{Env: []string{"PATH=relative" + string(os.PathListSeparator) + first +
		string(os.PathListSeparator) + second}}
	_, ok := findCLI(t.Context(), opts)
	require.False(t, ok)

	script(t, filepath.Join(second, "pulumi"), "v3.300.1")
	found, ok := findCLI(t.Context(), opts)
	require.True(t, ok)
	require.Equal(t, Program{"pulumi", "v3.300.1", filepath.Join(second, "pulumi"), Installed}, found)

	// As in a shell, the first on PATH is the one there is, though it is too old.
	script(t, filepath.Join(first, "pulumi"), "v3.100.0")
	_, ok = findCLI(t.Context(), opts)
	require.False(t, ok)
}

func TestFindPlugin(t *testing.T) {
	user, home := t.TempDir(), t.TempDir()
	p := plugin{"aws", "v6.83.0"}
	inHome := Options{Env: []string{"HOME=" + user}}
	inPulumiHome := Options{Env: []string{"HOME=" + user, "PULUMI_HOME=" + home}}

	script(t, filepath.Join(user, ".pulumi/plugins/resource-aws-v6.82.0/pulumi-resource-aws"), "")
	_, ok := findPlugin(inHome, p)
	require.False(t, ok, "another version")

	path := filepath.Join(user, ".pulumi/plugins/resource-aws-v6.83.0/pulumi-resource-aws")
	script(t, path, "")
	found, ok := findPlugin(inHome, p)
	require.True(t, ok)
	require.Equal(t, Program{"pulumi-resource-aws", "v6.83.0", path, Installed}, found)
	_, ok = findPlugin(inPulumiHome, p)
	require.False(t, ok, "PULUMI_HOME is elsewhere")

	require.NoError(t, os.WriteFile(filepath.Dir(path)+".partial", nil, 0o600))
	_, ok = findPlugin(inHome, p)
	require.False(t, ok, "half installed")
}
