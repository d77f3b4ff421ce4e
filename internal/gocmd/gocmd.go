// Package gocmd runs the go command for builds that do not depend on how the
// user's machine is set up.
package gocmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ErrNotFound says that there is no go command on PATH.
var ErrNotFound = errors.New("no go command on PATH")

// buildVars decide what a build makes, or whether it works at all; a build must not depend on the user's. What only says
// where to find things (GOPROXY, GOCACHE, GOMODCACHE, GOSUMDB, HOME, PATH, proxies) is kept.
var buildVars = []string{
	"CGO_ENABLED", "GO111MODULE", "GOAMD64", "GOARCH", "GOARM", "GOARM64", "GODEBUG", "GOEXPERIMENT", "GOFIPS140",
	"GOFLAGS", "GOOS", "GOWORK", "PWD",
}

// BuildEnv is env for a build, with further settings. GOFLAGS is set rather than left out, since the go command would
// then take it from the user's `go env -w`.
func BuildEnv(env []string, settings ...string) []string {
	env = append(Without(env, buildVars...), "CGO_ENABLED=0", "GO111MODULE=on", "GOFLAGS=-trimpath", "GOWORK=off")
	return append(env, settings...)
}

// Run runs the go command that is on env's PATH, in a folder, and returns what it prints on standard output. A go
// command that fails is an [Error]. When ctx ends, the go command is interrupted.
func Run(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	path, ok := LookPath(env, "go")
	if !ok {
		return nil, ErrNotFound
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
		output := stderr.String()
		if strings.TrimSpace(output) == "" { // go mod download -json says what is wrong in its answer
			output = stdout.String()
		}
		return nil, failure(args, err, output)
	}
	return stdout.Bytes(), nil
}

// Error is a failure of the go command.
type Error struct {
	// Command is the beginning of the command line, such as "go build".
	Command string
	// Lines are the last lines that it printed: they say what was wrong.
	Lines []string
	// Advice is what to do about it, or "".
	Advice string
	// Err is how it ended.
	Err error
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s:\n  %s", e.Command, e.Err, strings.Join(e.Lines, "\n  "))
	if e.Advice != "" {
		text += "\n" + e.Advice
	}
	return text
}

// Unwrap returns how the go command ended.
func (e *Error) Unwrap() error { return e.Err }

// maxLines is how many lines of the output an error has.
const maxLines = 12

func failure(args []string, err error, output string) *Error {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	lines = lines[max(0, len(lines)-maxLines):]
	if _, ok := errors.AsType[*exec.ExitError](err); !ok {
		lines = append(lines, err.Error())
	}
	return &Error{
		Command: "go " + strings.Join(args[:min(2, len(args))], " "),
		Lines:   lines, Advice: advice(output), Err: err,
	}
}

// LookPath is exec.LookPath in another environment.
func LookPath(env []string, name string) (string, bool) {
	for _, dir := range filepath.SplitList(Getenv(env, "PATH")) {
		path := filepath.Join(dir, name)
		if filepath.IsAbs(path) && IsProgram(path) {
			return path, true
		}
	}
	return "", false
}

// IsProgram reports whether there is a file that may be executed.
func IsProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// Getenv returns the value of a variable; as in processes, the last setting holds.
func Getenv(env []string, name string) string {
	var value string
	for _, entry := range env {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			value = v
		}
	}
	return value
}

// Without returns a copy of env without some variables.
func Without(env []string, names ...string) []string {
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
