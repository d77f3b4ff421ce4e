package toolchain

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/semver"
)

// findCLI returns the pulumi on PATH, if it is new enough.
func findCLI(ctx context.Context, opts Options) (Program, bool) {
	path, ok := lookPath(opts.Env, "pulumi")
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
	cmd.Env = append(withoutVars(env), "PULUMI_SKIP_UPDATE_CHECK=true")
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
	home := getenv(opts.Env, "PULUMI_HOME")
	if home == "" {
		user := getenv(opts.Env, "HOME")
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
	if !isProgram(path) {
		return Program{}, false
	}
	return Program{Name: p.binary(), Version: p.version, Path: path, Origin: Installed}, true
}

// lookPath is exec.LookPath in another environment.
func lookPath(env []string, name string) (string, bool) {
	for _, dir := range filepath.SplitList(getenv(env, "PATH")) {
		path := filepath.Join(dir, name)
		if filepath.IsAbs(path) && isProgram(path) {
			return path, true
		}
	}
	return "", false
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// getenv returns the value of a variable; as in processes, the last setting holds.
func getenv(env []string, name string) string {
	var value string
	for _, entry := range env {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			value = v
		}
	}
	return value
}

// withoutVars returns a copy of env without some variables.
func withoutVars(env []string, names ...string) []string {
	var out []string
next:
	for _, entry := range env {
		for _, name := range names {
			if strings.HasPrefix(entry, name+"=") {
				continue next
			}
		}
		out = append(out, entry)
	}
	return out
}
