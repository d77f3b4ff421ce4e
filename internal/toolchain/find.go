package toolchain

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"github.com/entragate/entragate/internal/gocmd"
)

// findCLI returns the pulumi on PATH, if it is new enough.
func findCLI(ctx context.Context, opts Options) (Program, bool) {
	path, ok := gocmd.LookPath(opts.Env, "pulumi")
	if !ok {
		return Program{}, false
	}
	version, err := cliVersion(ctx, opts.Env, path)
	if err != nil || !newEnough(version, Version) {
		return Program{}, false
	}
	return Program{Name: "pulumi", Version: version, Path: path, Origin: Installed}, true
}

// cliVersion asks a pulumi for its version.
func cliVersion(ctx context.Context, env []string, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "version")
	cmd.Env = append(gocmd.Without(env), "PULUMI_SKIP_UPDATE_CHECK=true")
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

// newEnough says whether version is of the same major as wanted and not older. Versions begin with a v.
func newEnough(version, wanted string) bool {
	return semver.IsValid(version) &&
		semver.Major(version) == semver.Major(wanted) &&
		semver.Compare(version, wanted) >= 0
}

// findPlugin returns the plugin that was installed with `pulumi plugin install`, if it is of the very version.
func findPlugin(opts Options, p plugin) (Program, bool) {
	home := gocmd.Getenv(opts.Env, "PULUMI_HOME")
	if home == "" {
		user := gocmd.Getenv(opts.Env, "HOME")
		if user == "" {
			return Program{}, false
		}
		home = filepath.Join(user, ".pulumi")
	}
	folder := filepath.Join(home, "plugins", p.folder())
	// The CLI writes this file beside the folder while it installs.
	if _, err := os.Stat(folder + ".partial"); err == nil {
		return Program{}, false
	}
	path := filepath.Join(folder, p.binary())
	if !gocmd.IsProgram(path) {
		return Program{}, false
	}
	return Program{Name: p.binary(), Version: p.version, Path: path, Origin: Installed}, true
}
