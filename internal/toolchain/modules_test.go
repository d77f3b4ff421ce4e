package toolchain

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the embedded modules anew")

// repository is the root of the checkout.
const repository = "../.."

func TestEmbeddedModules(t *testing.T) {
	want := txtar.Format(&txtar.Archive{
		Comment: []byte("Written by go test -update from the modules in tools and sandbox/plugins. DO NOT EDIT.\n\n"),
		Files:   append(moduleFiles(t, cliModule), moduleFiles(t, pluginsModule)...),
	})
	if *update {
		require.NoError(t, os.WriteFile("modules.txtar", want, 0o644))
		return
	}
	require.Equal(t, string(want), string(embedded),
		"stale: run go test ./internal/toolchain -run TestEmbeddedModules -update")
}

// moduleFiles returns what is needed to build the module in folder, not its tests, nor modules within it.
func moduleFiles(t *testing.T, folder string) []txtar.File {
	t.Helper()
	root := filepath.Join(repository, filepath.FromSlash(folder))
	var files []txtar.File
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || isModule(path)) {
				return fs.SkipDir
			}
			return nil
		}
		if name != "go.mod" && name != "go.sum" && filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(repository, path)
		if err != nil {
			return err
		}
		files = append(files, txtar.File{Name: filepath.ToSlash(rel), Data: data})
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// The engine asks for the plugin of the version of the SDK that a program imports, so these must not drift apart.
func TestPinsAreThoseOfGoMod(t *testing.T) {
	root := requirements(t, filepath.Join(repository, "go.mod"))
	cli := requirements(t, filepath.Join(repository, "tools", "go.mod"))
	require.Equal(t, root["github.com/pulumi/pulumi/sdk/v3"], Version)
	require.Equal(t, cli["github.com/pulumi/pulumi/pkg/v3"], Version)
	for _, p := range plugins {
		major, _, _ := strings.Cut(p.version, ".")
		require.Equal(t, root["github.com/pulumi/pulumi-"+p.name+"/sdk/"+major], p.version, p.name)
	}
}

func requirements(t *testing.T, path string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	file, err := modfile.ParseLax(path, data, nil)
	require.NoError(t, err)
	versions := make(map[string]string)
	for _, require := range file.Require {
		versions[require.Mod.Path] = require.Mod.Version
	}
	return versions
}
