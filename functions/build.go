package functions

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/entragate/entragate/internal/gocmd"
)

// builder builds programs. Tests give it another environment and another
// identity.
type builder struct {
	env    []string
	info   *debug.BuildInfo // of the running program; nil if it has none
	binary string           // the running program; "" if that is not known
}

func newBuilder() builder {
	b := builder{env: os.Environ()}
	b.info, _ = debug.ReadBuildInfo()
	b.binary, _ = os.Executable()
	return b
}

// targets are what the go command calls the architectures, and the oldest
// processors of each, since the user's `go env -w` may say otherwise. Lambda's
// arm64 processors are newer. That its x86_64 processors run v1 goes without
// saying.
var targets = map[Architecture][]string{
	ARM64: {"GOARCH=arm64", "GOARM64=v8.0"},
	X8664: {"GOARCH=amd64", "GOAMD64=v1"},
}

// errNoGo says what to do when there is no go command.
var errNoGo = errors.New("no go command on PATH, want one to build the function: " +
	"install Go 1.26 or newer from https://go.dev/dl, or give a binary that is built already")

// build compiles a program, and returns it. What is built depends on the source
// and on the version of Go only.
func (b builder) build(ctx context.Context, p Program) ([]byte, error) {
	dir, pkg, err := b.source(ctx, p)
	if err != nil {
		return nil, b.explain(p, err)
	}
	scratch, err := os.MkdirTemp("", "entragate-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	out := filepath.Join(scratch, programName)
	// -buildvcs and -buildid would name the commit and the build's own inputs.
	_, err = gocmd.Run(ctx, dir, b.buildEnv(targets[p.architecture()]...),
		"build", "-o", out, "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w -buildid=", pkg)
	if err != nil {
		return nil, b.explain(p, err)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	if got := p.unfit(raw); got != "" { // as a package that is not a main package is
		return nil, fmt.Errorf("build %s: got %s, want a program: is it a package main?", p.Package, got)
	}
	return raw, nil
}

// buildEnv is the environment of builds. The go command must not change go.mod
// or go.sum, which may lie in the module cache.
func (b builder) buildEnv(settings ...string) []string {
	return gocmd.BuildEnv(b.env, append([]string{"GOOS=linux", "GOFLAGS=-mod=readonly"}, settings...)...)
}

// source returns the folder to build in, and the package there. A package of
// Entragate is built inside its own module, since the go.sum of a project that
// imports it knows nothing of what the functions need.
func (b builder) source(ctx context.Context, p Program) (dir, pkg string, err error) {
	if !p.isOwn() {
		return p.Package, ".", nil // in that folder, whichever module it is of
	}
	dir, err = b.ownModule(ctx)
	return dir, "." + strings.TrimPrefix(p.Package, modulePath), err
}

// explain says what was being built.
func (b builder) explain(p Program, err error) error {
	if errors.Is(err, gocmd.ErrNotFound) {
		return errNoGo
	}
	return fmt.Errorf("build %s: %w", p.Package, err)
}
