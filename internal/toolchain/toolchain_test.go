package toolchain

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/internal/gocmd"
)

// A fakeGo stands for the go command: it knows one module, and what it builds are scripts that print their version.
type fakeGo struct {
	t      *testing.T
	module string // folder of the AWS provider's module
	sum    string

	mu      sync.Mutex
	builds  []string
	fail    map[string]error  // of builds, by program
	version map[string]string // that a program prints, if not its own
	block   <-chan struct{}   // builds wait for it
}

func newFakeGo(t *testing.T) *fakeGo {
	t.Helper()
	module := t.TempDir()
	for _, part := range awsParts {
		path := filepath.Join(module, part, "x.go")
		if filepath.Ext(part) == ".mod" || part == "LICENSE" {
			path = filepath.Join(module, part)
		}
		writeReadOnly(t, path, "package x\n")
	}
	writeReadOnly(t, filepath.Join(module, "internal", "x_test.go"), "package x\n")
	writeReadOnly(t, filepath.Join(module, servicePackagesList.file), fakeServicePackages(append(servicePackagesList.keep, "xray")...))
	writeReadOnly(t, filepath.Join(module, clientsList.file), fakeClients(append(clientsList.keep, "xray")...))
	return &fakeGo{t: t, module: module, sum: awsSum, fail: map[string]error{}, version: map[string]string{}}
}

func writeReadOnly(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o444))
}

func (g *fakeGo) run(ctx context.Context, dir string, _ []string, args ...string) ([]byte, error) {
	switch args[0] {
	case "env":
		return []byte("go1.26.8\nlinux\namd64\n"), nil
	case "mod":
		return json.Marshal(map[string]string{"Dir": g.module, "Sum": g.sum})
	case "build":
		return nil, g.build(ctx, dir, args[slices.Index(args, "-o")+1])
	}
	return nil, errors.New("unexpected go " + strings.Join(args, " "))
}

func (g *fakeGo) build(ctx context.Context, dir, out string) error {
	name := filepath.Base(out)
	g.mu.Lock()
	g.builds = append(g.builds, name)
	fail, version, block := g.fail[name], g.version[name], g.block
	g.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if fail != nil {
		require.NoError(g.t, os.WriteFile(out, []byte("half"), 0o755))
		return fail
	}
	if name != "pulumi" {
		got, err := os.ReadFile(filepath.Join(dir, awsCopyDir, servicePackagesList.file))
		require.NoError(g.t, err)
		require.NotContains(g.t, string(got), "xray")
		require.NoFileExists(g.t, filepath.Join(dir, awsCopyDir, "internal", "x_test.go"))
	}
	if version == "" {
		version = ownVersion(name)
	}
	script(g.t, out, version)
	return nil
}

func ownVersion(name string) string {
	for _, p := range plugins {
		if p.binary() == name {
			return strings.TrimPrefix(p.version, "v")
		}
	}
	return Version
}

func (g *fakeGo) options(cache string) Options {
	return Options{
		Cache: cache, Env: []string{"PATH=/nonexistent"},
		goTool: g.run, verify: func(string) error { return nil },
	}
}

var allPrograms = []string{"pulumi", "pulumi-resource-random", "pulumi-resource-azuread", "pulumi-resource-aws"}

func TestEnsureBuildsOnceAndLinks(t *testing.T) {
	cache, fake := t.TempDir(), newFakeGo(t)
	tools, err := Ensure(t.Context(), fake.options(cache))
	require.NoError(t, err)
	require.Equal(t, allPrograms, fake.builds)
	require.Equal(t, filepath.Join(tools.Root, "bin", "pulumi"), tools.Pulumi)
	require.Equal(t, tools.PulumiHome, tools.Env()["PULUMI_HOME"])

	entries, err := os.ReadDir(filepath.Join(tools.PulumiHome, "plugins"))
	require.NoError(t, err)
	require.Len(t, entries, 3)
	for i, program := range tools.Programs {
		require.Equal(t, allPrograms[i], program.Name)
		require.Equal(t, Built, program.Origin)
	}
	for _, p := range plugins {
		path := filepath.Join(tools.PulumiHome, "plugins", p.folder(), p.binary())
		require.True(t, gocmd.IsProgram(path), path)
	}
	require.NoDirExists(t, filepath.Join(cache, "scratch"))

	again, err := Ensure(t.Context(), fake.options(cache))
	require.NoError(t, err)
	require.Len(t, fake.builds, 4, "nothing was built again")
	require.Equal(t, tools.PulumiHome, again.PulumiHome)
	require.Equal(t, Cached, again.Programs[0].Origin)
}

func TestEnsurePrefersWhatIsInstalled(t *testing.T) {
	bin, home := t.TempDir(), t.TempDir()
	script(t, filepath.Join(bin, "pulumi"), "v3.999.0")
	for _, p := range plugins {
		script(t, filepath.Join(home, "plugins", p.folder(), p.binary()), "")
		require.NoError(t, os.WriteFile(filepath.Join(home, "plugins", p.folder(), "LICENSE"), nil, 0o600))
	}
	script(t, filepath.Join(home, "plugins/resource-other-v1.0.0/pulumi-resource-other"), "")
	tools, err := Ensure(t.Context(), Options{
		Cache: t.TempDir(), Env: []string{"PATH=" + bin, "PULUMI_HOME=" + home},
		goTool: func(context.Context, string, []string, ...string) ([]byte, error) {
			return nil, errors.New("go was asked for")
		},
	})
	require.NoError(t, err)
	require.Equal(t, "v3.999.0", tools.Programs[0].Version)
	for _, program := range tools.Programs {
		require.Equal(t, Installed, program.Origin)
	}
	require.NotEqual(t, home, tools.PulumiHome)
	require.NoDirExists(t, filepath.Join(tools.PulumiHome, "plugins/resource-other-v1.0.0"))
	require.FileExists(t, filepath.Join(tools.PulumiHome, "plugins/resource-aws-v6.83.0/LICENSE"))
}

func TestEnsureInManyProcesses(t *testing.T) {
	cache, fake := t.TempDir(), newFakeGo(t)
	var group sync.WaitGroup
	homes := make([]string, 8)
	for i := range homes {
		group.Go(func() {
			tools, err := Ensure(t.Context(), fake.options(cache))
			if err != nil {
				t.Error(err)
			}
			homes[i] = tools.PulumiHome
		})
	}
	group.Wait()
	require.ElementsMatch(t, allPrograms, fake.builds, "each was built once")
	require.Len(t, slices.Compact(homes), 1)
}

func TestEnsureAfterAFailure(t *testing.T) {
	cache, fake := t.TempDir(), newFakeGo(t)
	fake.fail["pulumi-resource-azuread"] = errors.New("disk on fire")
	_, err := Ensure(t.Context(), fake.options(cache))
	require.ErrorContains(t, err, "build provider plugin azuread v5.53.5: disk on fire")

	// A process that is killed cannot clean up after itself.
	left := filepath.Join(cache, "scratch", "pulumi-resource-azuread")
	writeReadOnly(t, left, "half")
	fake.fail, fake.builds = nil, nil
	_, err = Ensure(t.Context(), fake.options(cache))
	require.NoError(t, err)
	require.Equal(t, []string{"pulumi-resource-azuread", "pulumi-resource-aws"}, fake.builds)
	require.NoFileExists(t, left)
}

func TestEnsureRefusesProgramsThatDoNotKnowTheirVersion(t *testing.T) {
	cache, fake := t.TempDir(), newFakeGo(t)
	fake.version["pulumi"] = "v3.0.0-dev"
	_, err := Ensure(t.Context(), fake.options(cache))
	require.ErrorContains(t, err, `it calls itself version "3.0.0-dev", want "3.250.0"`)
	fake.version["pulumi"] = ""
	_, err = Ensure(t.Context(), fake.options(cache))
	require.NoError(t, err, "the bad one was not kept")
}

func TestEnsureChecksTheContentOfTheModule(t *testing.T) {
	fake := newFakeGo(t)
	fake.sum = "h1:other"
	_, err := Ensure(t.Context(), fake.options(t.TempDir()))
	require.ErrorContains(t, err, `has checksum "h1:other", want "`+awsSum)

	fake.sum = awsSum
	opts := fake.options(t.TempDir())
	opts.verify = verifyAWS
	_, err = Ensure(t.Context(), opts)
	require.ErrorContains(t, err, "run go clean -modcache")
}

func TestEnsureStopsWithItsContext(t *testing.T) {
	cache, fake := t.TempDir(), newFakeGo(t)
	fake.block = make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := Ensure(ctx, fake.options(cache))
	require.ErrorIs(t, err, context.DeadlineExceeded)

	// Nor does it wait for a lock for ever.
	unlock, err := lockedfile.MutexAt(filepath.Join(cache, "lock")).Lock()
	require.NoError(t, err)
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = Ensure(ctx, fake.options(cache))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	unlock()

	fake.block = nil
	_, err = Ensure(t.Context(), fake.options(cache))
	require.NoError(t, err)
}

func TestEnsureShowsThatItIsAlive(t *testing.T) {
	fake := newFakeGo(t)
	block := make(chan struct{})
	fake.block = block
	opts := fake.options(t.TempDir())
	opts.beat = time.Millisecond
	var lines []string
	opts.Progress = func(line string) {
		lines = append(lines, line)
		if len(lines) == 3 {
			close(block)
		}
	}
	_, err := Ensure(t.Context(), opts)
	require.NoError(t, err)
	require.Equal(t, "building pulumi CLI v3.250.0 from its Go module, once", lines[0])
	require.Equal(t, "building pulumi CLI v3.250.0: 0s", lines[1])
	require.Equal(t, "built provider plugin aws v6.83.0 in 0s", lines[len(lines)-1])
}

func TestKeyDependsOnTheToolchain(t *testing.T) {
	m := &nestedModule{}
	require.NotEqual(t, m.hash("go1.26.8"), m.hash("go1.27.0"))
	require.Equal(t, m.hash("go1.26.8"), m.hash("go1.26.8"))
}
