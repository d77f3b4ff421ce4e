// Package functions makes the archives of Lambda functions that are written in
// Go: it builds a program, or takes one that is built, and packs it with further
// files. The same source gives the same bytes, so a function is deployed again
// only when it has changed.
package functions

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Architecture is an instruction set, by Lambda's name.
type Architecture string

// The architectures of Lambda.
// https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html
const (
	ARM64 Architecture = "arm64"
	X8664 Architecture = "x86_64"
)

// Program is a Go program that runs as a Lambda function on provided.al2023.
type Program struct {
	// Package is what to build: the import path of a main package of Entragate's
	// own module, or a directory such as "./cmd/orders", relative to the working
	// directory.
	Package string
	// Binary is the path of an executable that is built already; then nothing is
	// built, and no Go is needed. Either this or Package is set.
	Binary string
	// Architecture is [ARM64] (default) or [X8664].
	Architecture Architecture
	// Files are further files beside the program, by their slash-separated names
	// in the archive, such as policy.json.
	Files map[string][]byte
}

// programName is what provided.al2023 starts.
// https://docs.aws.amazon.com/lambda/latest/dg/golang-package.html
const programName = "bootstrap"

// modulePath is Entragate's own module.
const modulePath = "github.com/entragate/entragate"

// Validate returns every problem that can be known without building.
func (p Program) Validate() error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	switch p.Architecture {
	case "", ARM64, X8664:
	default:
		add("architecture: got %q, want %q or %q", p.Architecture, ARM64, X8664)
	}
	switch {
	case p.Package == "" && p.Binary == "":
		add("got neither a package nor a binary, want one of them")
	case p.Package != "" && p.Binary != "":
		add("got both package %q and binary %q, want one of them", p.Package, p.Binary)
	case p.Binary != "":
		if _, err := p.readBinary(); err != nil {
			problems = append(problems, err)
		}
	case p.isOwn():
	case !isDirectory(p.Package):
		add("package: got %q, want an import path below %s/, or a directory that begins with ./", p.Package, modulePath)
	default:
		if info, err := os.Stat(p.Package); err != nil {
			add("package: %w", err)
		} else if !info.IsDir() {
			add("package: got the file %q, want its directory", p.Package)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Files)) {
		if problem := p.checkName(name); problem != "" {
			add("files[%q]: %s", name, problem)
		}
	}
	return errors.Join(problems...)
}

// checkName says what is wrong with the name of a further file, or "".
func (p Program) checkName(name string) string {
	if !fs.ValidPath(name) || name == "." || strings.ContainsAny(name, "\\\x00") {
		return "want a relative path with slashes, such as policy.json"
	}
	if name == programName || strings.HasPrefix(name, programName+"/") {
		return "this is where the program is, want another name"
	}
	for dir := filepath.ToSlash(filepath.Dir(name)); dir != "."; dir = filepath.ToSlash(filepath.Dir(dir)) {
		if _, ok := p.Files[dir]; ok {
			return fmt.Sprintf("%q is a file too, want only one of them", dir)
		}
	}
	return ""
}

// isOwn reports whether the package is one of Entragate's own module.
func (p Program) isOwn() bool { return strings.HasPrefix(p.Package, modulePath+"/") }

// isDirectory reports whether a package is given as the go command takes
// directories.
func isDirectory(name string) bool {
	slashed := filepath.ToSlash(name)
	return filepath.IsAbs(name) || slashed == "." || slashed == ".." ||
		strings.HasPrefix(slashed, "./") || strings.HasPrefix(slashed, "../")
}

// architecture is the architecture with its default.
func (p Program) architecture() Architecture {
	if p.Architecture == "" {
		return ARM64
	}
	return p.Architecture
}

// Archive makes the archive and returns its path, which is the same for the same
// content. It may run at the same time in any number of processes.
func (p Program) Archive(ctx context.Context) (path string, err error) {
	if err := p.Validate(); err != nil {
		return "", err
	}
	return p.archive(ctx, newBuilder(), cacheFolder())
}

func (p Program) archive(ctx context.Context, b builder, folder string) (string, error) {
	var program []byte
	var err error
	if p.Binary != "" {
		program, err = p.readBinary()
	} else {
		program, err = b.build(ctx, p)
	}
	if err != nil {
		return "", err
	}
	packed, err := pack(program, p.Files)
	if err != nil {
		return "", fmt.Errorf("pack the function: %w", err)
	}
	if err := checkSize(len(packed)); err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	path, err := keep(folder, packed)
	if err != nil {
		return "", fmt.Errorf("keep the archive of the function: %w", err)
	}
	return path, nil
}
