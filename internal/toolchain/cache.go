package toolchain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// lock makes this the only process that writes to the cache. The lock goes with the process, however that ends.
func lock(ctx context.Context, opts Options) (unlock func(), err error) {
	type result struct {
		unlock func()
		err    error
	}
	got := make(chan result, 1)
	go func() {
		unlock, err := lockedfile.MutexAt(filepath.Join(opts.Cache, "lock")).Lock()
		got <- result{unlock, err}
	}()
	ticker := time.NewTicker(opts.beat)
	defer ticker.Stop()
	for {
		select {
		case r := <-got:
			return r.unlock, r.err
		case <-ticker.C:
			opts.Progress("waiting for another process that builds in " + opts.Cache)
		case <-ctx.Done():
			go func() { // the lock cannot be waited for with a context, so let it go when it comes
				if r := <-got; r.err == nil {
					r.unlock()
				}
			}()
			return nil, ctx.Err()
		}
	}
}

// cleanScratch returns an empty folder on the cache's disk, without what an interrupted process left in it. Only the
// holder of the lock may call it.
func cleanScratch(opts Options) (string, error) {
	dir := filepath.Join(opts.Cache, "scratch")
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o750)
}

// assemble returns a folder that serves as PULUMI_HOME, with links to the programs, CLI first: bin/pulumi, where the
// Automation API looks for it, and plugins/resource-NAME-VERSION/pulumi-resource-NAME. There is one for each set of
// programs, since the CLI keeps other things there too.
func assemble(ctx context.Context, opts Options, programs []Program) (string, error) {
	var paths strings.Builder
	for _, program := range programs {
		fmt.Fprintf(&paths, "%q\n", program.Path)
	}
	home := filepath.Join(opts.Cache, "home", shortHash(paths.String()))
	links, err := homeLinks(home, programs)
	if err != nil {
		return "", err
	}
	if linked(links) {
		return home, nil
	}
	unlock, err := lock(ctx, opts)
	if err != nil {
		return "", err
	}
	defer unlock()
	for link, to := range links {
		if err := os.MkdirAll(filepath.Dir(link), 0o750); err != nil {
			return "", err
		}
		if err := os.RemoveAll(link); err != nil {
			return "", err
		}
		if err := os.Symlink(to, link); err != nil {
			return "", err
		}
	}
	return home, nil
}

// homeLinks says which link points where. The folders of plugins are real, since the CLI passes over links to folders.
func homeLinks(home string, programs []Program) (map[string]string, error) {
	links := map[string]string{filepath.Join(home, "bin", "pulumi"): programs[0].Path}
	for _, program := range programs[1:] {
		from := filepath.Dir(program.Path)
		entries, err := os.ReadDir(from) // an installed plugin may have more files
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			link := filepath.Join(home, "plugins", filepath.Base(from), entry.Name())
			links[link] = filepath.Join(from, entry.Name())
		}
	}
	return links, nil
}

func linked(links map[string]string) bool {
	for link, to := range links {
		if got, err := os.Readlink(link); err != nil || got != to {
			return false
		}
	}
	return true
}

// shortHash names a folder after what determines its content.
func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:16]
}

// remove deletes a temporary folder. If it cannot, nothing is wrong but a little waste.
func remove(dir string) { _ = os.RemoveAll(dir) }
