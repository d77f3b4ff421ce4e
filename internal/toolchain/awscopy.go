package toolchain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"

	"github.com/entragate/entragate/internal/gocmd"
)

// The AWS provider is built from a changed copy of its module, which a replace directive of sandbox/plugins/go.mod
// points to. go.sum does not pin such a copy, so its content is pinned here.
const (
	awsModule  = "github.com/upbound/terraform-provider-aws"
	awsVersion = "v0.0.0-20250210124112-ca3a4c5ba291"
	awsSum     = "h1:Q8atmog81+eoPwwU+0ZI6MDaXDuBpWS+wvXvUtNdthA="
)

// awsCopyDir is where the copy has to be, relative to sandbox/plugins.
var awsCopyDir = filepath.Join(".build", "terraform-provider-aws")

// awsParts is what is copied of the module; the rest is documentation, examples and tests.
var awsParts = []string{"LICENSE", "go.mod", "internal", "names", "version", "xpprovider"}

// Prepare puts the narrowed copy of the AWS provider's module where the module in dir (a sandbox/plugins folder) expects
// it, in place of any older one. With it that module can be built and tested.
func Prepare(ctx context.Context, opts Options, dir string) error {
	opts, err := opts.withDefaults()
	if err != nil {
		return err
	}
	return prepareAWS(ctx, opts, dir)
}

func prepareAWS(ctx context.Context, opts Options, dir string) error {
	module, err := downloadAWS(ctx, opts)
	if err != nil {
		return err
	}
	target := filepath.Join(dir, awsCopyDir)
	if err := os.RemoveAll(target); err != nil {
		return err
	}
	if err := copyAWS(ctx, module, target); err != nil {
		return fmt.Errorf("copy module %s: %w", awsModule, err)
	}
	for _, list := range []generatedList{servicePackagesList, clientsList} {
		if err := narrowFile(target, list); err != nil {
			return fmt.Errorf("narrow module %s %s: %w", awsModule, awsVersion, err)
		}
	}
	return nil
}

// downloadAWS returns the folder of the module in the module cache, whose content it has checked.
func downloadAWS(ctx context.Context, opts Options) (string, error) {
	outside, err := os.MkdirTemp("", "entragate-*") // of any module, so that no go.mod is read
	if err != nil {
		return "", err
	}
	defer remove(outside)
	out, err := opts.goTool(ctx, outside, gocmd.BuildEnv(opts.Env), "mod", "download", "-json", awsModule+"@"+awsVersion)
	if err != nil {
		return "", err
	}
	var got struct{ Dir, Sum string }
	if err := json.Unmarshal(out, &got); err != nil {
		return "", fmt.Errorf("read the answer of go mod download: %w", err)
	}
	if got.Sum != awsSum {
		return "", fmt.Errorf("module %s %s has checksum %q, want %q", awsModule, awsVersion, got.Sum, awsSum)
	}
	return got.Dir, opts.verify(got.Dir)
}

// verifyAWS checks the files themselves: the go command checks them only when it downloads them.
func verifyAWS(dir string) error {
	sum, err := dirhash.HashDir(dir, awsModule+"@"+awsVersion, dirhash.Hash1)
	if err != nil {
		return err
	}
	if sum != awsSum {
		return fmt.Errorf("files in %s have checksum %q, want %q: run go clean -modcache and try again", dir, sum, awsSum)
	}
	return nil
}

// copyAWS copies what is needed to compile, and makes it writable, which the module cache is not.
func copyAWS(ctx context.Context, from, to string) error {
	for _, part := range awsParts {
		err := copyTree(ctx, filepath.Join(from, part), filepath.Join(to, part), func(name string) bool {
			return name != "testdata" && !strings.HasSuffix(name, "_test.go")
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// copyTree copies a file or folder, leaving out files and folders whose base name is not wanted.
func copyTree(ctx context.Context, from, to string, want func(name string) bool) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if path != from && !want(entry.Name()) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o750)
		}
		return copyFile(path, target)
	})
}

func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return err
	}
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(dst, src); err != nil {
		return errors.Join(err, dst.Close())
	}
	return dst.Close()
}

func narrowFile(dir string, list generatedList) error {
	path := filepath.Join(dir, filepath.FromSlash(list.file))
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	narrowed, err := list.narrow(src)
	if err != nil {
		return err
	}
	return os.WriteFile(path, narrowed, 0o600) //nolint:gosec // the path is one of the two lists
}
