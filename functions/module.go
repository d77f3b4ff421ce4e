package functions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/entragate/entragate/internal/gocmd"
)

// ownModule returns the folder of Entragate's module, in the version that the
// running program was built from.
func (b builder) ownModule(ctx context.Context) (string, error) {
	if m := b.published(); m != nil {
		return b.download(ctx, *m)
	}
	return b.checkout(ctx)
}

// published returns the module that the program was built from if it came out of
// the module cache, which is when the program knows its checksum, else nil.
func (b builder) published() *debug.Module {
	if b.info == nil {
		return nil
	}
	for _, m := range append([]*debug.Module{&b.info.Main}, b.info.Deps...) {
		if m.Path != modulePath {
			continue
		}
		if m.Replace != nil {
			m = m.Replace // by a folder, which has no checksum, or by a fork
		}
		if m.Sum == "" {
			return nil
		}
		return m
	}
	return nil
}

// download returns the folder of a published module in the module cache, where
// it most likely is, since the program was built from it.
func (b builder) download(ctx context.Context, m debug.Module) (string, error) {
	outside, err := os.MkdirTemp("", "entragate-*") // of any module, so that no go.mod is read
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(outside)
	out, err := gocmd.Run(ctx, outside, b.buildEnv(), "mod", "download", "-json", m.Path+"@"+m.Version)
	if err != nil {
		return "", err
	}
	var got struct{ Dir, Sum string }
	if err := json.Unmarshal(out, &got); err != nil {
		return "", fmt.Errorf("read the answer of go mod download: %w", err)
	}
	if got.Sum != m.Sum {
		return "", fmt.Errorf("module %s %s: got checksum %q, want %q as in this program", m.Path, m.Version, got.Sum, m.Sum)
	}
	return got.Dir, nil
}

// checkout returns the folder of a module that is being worked on: that which
// the project around the working directory uses, or the one around the running
// program.
func (b builder) checkout(ctx context.Context) (string, error) {
	working, err := os.Getwd()
	if err != nil {
		return "", err
	}
	places := []string{working}
	if b.binary != "" {
		places = append(places, filepath.Dir(b.binary))
	}
	// A workspace may say where the module is, so GOWORK stays as it is.
	env := append(gocmd.Without(b.env, "GOFLAGS", "GO111MODULE", "PWD"), "GOFLAGS=-mod=readonly", "GO111MODULE=on")
	var failures []error
	for _, place := range places {
		out, err := gocmd.Run(ctx, place, env, "list", "-m", "-f", "{{.Dir}}", modulePath)
		dir := strings.TrimSpace(string(out))
		switch {
		case err == nil && dir != "":
			return dir, nil
		case err == nil:
			err = errors.New("the module is not downloaded")
		case errors.Is(err, gocmd.ErrNotFound) || ctx.Err() != nil:
			return "", err
		}
		failures = append(failures, fmt.Errorf("in %s: %w", place, err))
	}
	return "", fmt.Errorf("got no folder of module %s, want one at the working directory or at the program, "+
		"or else a binary that is built already: %w", modulePath, errors.Join(failures...))
}
