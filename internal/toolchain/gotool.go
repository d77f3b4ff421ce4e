package toolchain

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/entragate/entragate/internal/gocmd"
)

// goFunc runs the go command in a folder and returns what it prints on standard output.
type goFunc func(ctx context.Context, dir string, env []string, args ...string) ([]byte, error)

// runGo runs the go command that is on PATH in env.
func runGo(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	out, err := gocmd.Run(ctx, dir, env, args...)
	if errors.Is(err, gocmd.ErrNotFound) {
		return nil, errNoGo
	}
	if failed, ok := errors.AsType[*gocmd.Error](err); ok && failed.Advice == "" {
		failed.Advice = "run it again: what is compiled already is kept"
	}
	return out, err
}

var errNoGo = fmt.Errorf("%w, want one to build what is not installed: install Go from "+
	"https://go.dev/dl, or else pulumi %s or newer from https://www.pulumi.com/docs/install and its plugins with %s",
	gocmd.ErrNotFound, Version, installCommands())

func installCommands() string {
	var commands []string
	for _, p := range plugins {
		commands = append(commands, fmt.Sprintf("`pulumi plugin install resource %s %s`", p.name, p.version))
	}
	return strings.Join(commands, ", ")
}
