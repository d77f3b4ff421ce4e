package toolchain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// goFunc runs the go command in a folder and returns what it prints on standard output.
type goFunc func(ctx context.Context, dir string, env []string, args ...string) ([]byte, error)

// buildVars decide what a build makes, or whether it works at all; a build must not depend on the user's. What only says
// where to find things (GOPROXY, GOCACHE, GOMODCACHE, GOSUMDB, HOME, PATH, proxies) is kept.
var buildVars = []string{
	"CGO_ENABLED", "GO111MODULE", "GOAMD64", "GOARCH", "GOARM", "GOARM64", "GODEBUG", "GOEXPERIMENT", "GOFIPS140",
	"GOFLAGS", "GOOS", "GOWORK", "PWD",
}

// buildEnv is the environment of all builds. GOFLAGS is set rather than left out, since the go command would then take
// it from the user's `go env -w`.
func buildEnv(env []string) []string {
	return append(withoutVars(env, buildVars...),
		"CGO_ENABLED=0", "GO111MODULE=on", "GOFLAGS=-trimpath", "GOWORK=off")
}

// runGo runs the go command that is on PATH in env.
func runGo(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	path, ok := lookPath(env, "go")
	if !ok {
		return nil, errNoGo
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // the go command, with our arguments
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, &stdout, &stderr
	// The go command stops its compilers and removes its temporary files when it is interrupted.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, explain(args, err, stderr.String())
	}
	return stdout.Bytes(), nil
}

var errNoGo = fmt.Errorf("no go command on PATH, want one to build what is not installed: install Go from "+
	"https://go.dev/dl, or else pulumi %s or newer from https://www.pulumi.com/docs/install and its plugins with %s",
	Version, installCommands())

func installCommands() string {
	var commands []string
	for _, p := range plugins {
		commands = append(commands, fmt.Sprintf("`pulumi plugin install resource %s %s`", p.name, p.version))
	}
	return strings.Join(commands, ", ")
}

// A remedy says what to do about errors of the go command that have one of the phrases in their output.
type remedy struct {
	advice  string
	phrases []string
}

var remedies = []remedy{
	{
		"the disk is full: free some space, or point GOCACHE, GOMODCACHE and GOTMPDIR to another disk",
		[]string{"no space left on device", "disk quota exceeded"},
	},
	{
		"a compiler was killed, most likely for want of memory: about 3 GB are needed, less with GOMAXPROCS=1",
		[]string{"signal: killed", "cannot allocate memory"},
	},
	{
		"a module does not have the content that is pinned: do not go on with it; if the module cache is damaged, " +
			"`go clean -modcache` helps, otherwise look at GOPROXY",
		[]string{"checksum mismatch", "SECURITY ERROR"},
	},
	{
		"Go modules could not be downloaded: check the network, the proxy settings and GOPROXY, and run it again",
		[]string{
			"dial tcp", "no such host", "i/o timeout", "connection refused", "connection reset", "TLS handshake",
			"proxyconnect", "certificate", "unexpected EOF", "Bad Gateway", "Service Unavailable", "module lookup disabled",
		},
	},
	{
		"this Go is too old: install a newer one from https://go.dev/dl, or allow it to fetch one with GOTOOLCHAIN=auto",
		[]string{"GOTOOLCHAIN=local", "requires go >="},
	},
}

// tailLines is how much of the go command's output an error shows: its last lines say what was wrong.
const tailLines = 12

// explain makes an error of a failed go command: what it printed last, and what can be done.
func explain(args []string, err error, output string) error {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	advice := "run it again: what is compiled already is kept"
	for _, r := range remedies {
		if containsAny(output, r.phrases) {
			advice = r.advice
			break
		}
	}
	if _, ok := errors.AsType[*exec.ExitError](err); !ok {
		lines = append(lines, err.Error())
	}
	return fmt.Errorf("go %s: %w:\n  %s\n%s", strings.Join(args[:min(2, len(args))], " "), err,
		strings.Join(lines, "\n  "), advice)
}

func containsAny(s string, phrases []string) bool {
	for _, phrase := range phrases {
		if strings.Contains(s, phrase) {
			return true
		}
	}
	return false
}
