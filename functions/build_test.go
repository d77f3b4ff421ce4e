package functions

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"
)

// source writes a small module, and returns its folder.
func source(t *testing.T, main string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), []byte("module example.com/orders\n\ngo 1.26\n"))
	write(t, filepath.Join(dir, "main.go"), []byte(main))
	return dir
}

const hello = "package main\n\nfunc main() { println(\"hello\") }\n"

func TestBuildIsReproducible(t *testing.T) {
	t.Parallel()
	user := func(settings ...string) builder { return builder{env: append(os.Environ(), settings...)} }
	var programs [][]byte
	for _, b := range []builder{
		user(),
		// A user whose settings would change the program, or break the build.
		user("GOFLAGS=-race -tags=x -ldflags=-w", "GOOS=windows", "GOARCH=386", "CGO_ENABLED=1", "GOAMD64=v3", "GOARM64=v9.0",
			"GODEBUG=x=y", "GOWORK=/nowhere/go.work", "GOPATH="+t.TempDir()),
	} {
		dir := source(t, hello) // another folder each time
		git := exec.Command("git", "init", "-q", dir)
		require.NoError(t, git.Run())
		program, err := b.build(t.Context(), Program{Package: dir, Architecture: X8664})
		require.NoError(t, err)
		require.NotContains(t, string(program), dir)
		programs = append(programs, program)
	}
	require.Equal(t, sha256.Sum256(programs[0]), sha256.Sum256(programs[1]))
	info, err := buildinfo.Read(bytes.NewReader(programs[0]))
	require.NoError(t, err)
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	require.Equal(t, map[string]string{
		"-buildmode": "exe", "-compiler": "gc", "-tags": "lambda.norpc", "-trimpath": "true", "CGO_ENABLED": "0",
		"GOARCH": "amd64", "GOAMD64": "v1", "GOOS": "linux",
	}, settings)
}

func TestBuildForEachArchitecture(t *testing.T) {
	t.Parallel()
	dir := source(t, hello)
	for architecture, want := range map[Architecture]elf.Machine{"": elf.EM_AARCH64, ARM64: elf.EM_AARCH64, X8664: elf.EM_X86_64} {
		program, err := newBuilder().build(t.Context(), Program{Package: dir, Architecture: architecture})
		require.NoError(t, err)
		path := write(t, filepath.Join(t.TempDir(), "built"), program)
		require.NoError(t, Program{Binary: path, Architecture: architecture}.Validate(), "what is built could be given built")
		file, err := elf.NewFile(bytes.NewReader(program))
		require.NoError(t, err)
		require.Equal(t, want, file.Machine)
	}
}

func TestBuildErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		main string
		want []string
	}{
		"does not compile":    {"package main\n\nfunc main() { missing() }\n", []string{"go build -o: exit status 1", "main.go:3:15: undefined: missing"}},
		"not a program":       {"package orders\n", []string{"got what is not an ELF file, want a program: is it a package main?"}},
		"needs what is not":   {"package main\n\nimport _ \"example.com/gone\"\n\nfunc main() {}\n", []string{"example.com/gone"}},
		"needs cgo":           {"package main\n\nimport \"C\"\n\nfunc main() {}\n", []string{"build constraints exclude all Go files"}},
		"there is no package": {"", []string{"expected 'package'"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := source(t, tt.main)
			_, err := newBuilder().build(t.Context(), Program{Package: dir})
			for _, want := range append(tt.want, "build "+dir) {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestBuildWithoutGo(t *testing.T) {
	t.Parallel()
	b := newBuilder()
	b.env = []string{"PATH=" + t.TempDir()}
	for _, pkg := range []string{source(t, hello), modulePath + "/functions/authorize/bootstrap"} {
		_, err := b.build(t.Context(), Program{Package: pkg})
		require.ErrorIs(t, err, errNoGo)
		require.ErrorContains(t, err, "install Go 1.26 or newer from https://go.dev/dl, or give a binary")
	}
}

// TestAdviceNamesTheVersionOfGoMod fails when go.mod has moved on.
func TestAdviceNamesTheVersionOfGoMod(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../go.mod")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(raw), "\ngo ")
	version := strings.Join(strings.Split(rest[:strings.IndexByte(rest, '\n')], ".")[:2], ".")
	require.ErrorContains(t, errNoGo, "install Go "+version+" or newer")
}

func TestBuildThatIsGivenUpLeavesNothing(t *testing.T) {
	// A go command that never ends, and tells when it runs.
	bin, temp, folder := t.TempDir(), t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temp)
	running := filepath.Join(bin, "running")
	require.NoError(t, exec.Command("mkfifo", running).Run())
	require.NoError(t, os.WriteFile(filepath.Join(bin, "go"), []byte("#!/bin/sh\necho > "+running+"\nexec sleep 600\n"), 0o755))
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		_, _ = os.ReadFile(running)
		cancel()
	})
	b := builder{env: []string{"PATH=" + bin + ":/usr/bin:/bin"}}
	_, err := Program{Package: source(t, hello)}.archive(ctx, b, folder)
	require.ErrorIs(t, err, context.Canceled)
	group.Wait()
	for _, dir := range []string{folder, temp} {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, entries)
	}
}

func TestOwnModuleIsThatOfTheProgram(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	sum := "h1:x"
	for name, info := range map[string]*debug.BuildInfo{
		"this test":             newBuilder().info,
		"none is known":         nil,
		"a dependency replaced": {Deps: []*debug.Module{{Path: modulePath, Version: "v1.0.0", Sum: sum, Replace: &debug.Module{Path: root}}}},
		"a checkout":            {Main: debug.Module{Path: modulePath, Version: "v1.0.0-0.20260301120000-abcdefabcdef+dirty"}},
		"a module of others":    {Main: debug.Module{Path: "example.com/x", Version: "v1.0.0", Sum: sum}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := builder{env: os.Environ(), info: info}
			require.Nil(t, b.published())
			dir, err := b.ownModule(t.Context())
			require.NoError(t, err)
			require.Equal(t, root, dir)
		})
	}
	fork := &debug.Module{Path: "example.com/fork", Version: "v1.2.3", Sum: sum}
	for name, tt := range map[string]struct {
		info *debug.BuildInfo
		want string
	}{
		"a dependency": {&debug.BuildInfo{Deps: []*debug.Module{{Path: "x"}, {Path: modulePath, Version: "v1.0.0", Sum: sum}}}, modulePath},
		"installed":    {&debug.BuildInfo{Main: debug.Module{Path: modulePath, Version: "v1.0.0", Sum: sum}}, modulePath},
		"a fork":       {&debug.BuildInfo{Deps: []*debug.Module{{Path: modulePath, Version: "v1.0.0", Replace: fork}}}, "example.com/fork"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, builder{info: tt.info}.published().Path)
		})
	}
}

func TestOwnModuleBesideTheProgram(t *testing.T) {
	// Started somewhere else, as with an absolute path.
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	b := builder{env: os.Environ(), binary: filepath.Join(root, "bin", "entragate")}
	require.NoError(t, os.MkdirAll(filepath.Dir(b.binary), 0o750))
	dir, err := b.ownModule(t.Context())
	require.NoError(t, err)
	require.Equal(t, root, dir)

	b.binary = filepath.Join(t.TempDir(), "entragate")
	_, err = b.ownModule(t.Context())
	require.ErrorContains(t, err, "got no folder of module github.com/entragate/entragate, want one at the working directory or at the program")
}

// TestOwnModuleThatIsPublished builds from the module cache, where nothing can
// be written, out of a proxy of our own.
func TestOwnModuleThatIsPublished(t *testing.T) {
	t.Parallel()
	const version = "v1.0.0"
	tree, proxy, cache := t.TempDir(), t.TempDir(), t.TempDir()
	write(t, filepath.Join(tree, "go.mod"), []byte("module "+modulePath+"\n\ngo 1.26\n"))
	write(t, filepath.Join(tree, "functions", "hello", "main.go"), []byte(hello))
	at := filepath.Join(proxy, filepath.FromSlash(modulePath), "@v")
	write(t, filepath.Join(at, version+".info"), []byte(`{"Version":"`+version+`"}`))
	write(t, filepath.Join(at, version+".mod"), []byte("module "+modulePath+"\n\ngo 1.26\n"))
	var packed bytes.Buffer
	require.NoError(t, modzip.CreateFromDir(&packed, module.Version{Path: modulePath, Version: version}, tree))
	write(t, filepath.Join(at, version+".zip"), packed.Bytes())

	env := append(os.Environ(), "GOPROXY=file://"+filepath.ToSlash(proxy), "GOMODCACHE="+cache, "GOSUMDB=off", "GOFLAGS=-modcacherw=false")
	t.Cleanup(func() { // the module cache cannot be deleted otherwise
		clean := exec.Command("go", "clean", "-modcache")
		clean.Env = env
		require.NoError(t, clean.Run())
	})
	download := exec.Command("go", "mod", "download", "-json", modulePath+"@"+version)
	download.Env, download.Dir = env, t.TempDir()
	out, err := download.Output()
	require.NoError(t, err)
	var got struct{ Dir, Sum string }
	require.NoError(t, json.Unmarshal(out, &got))

	b := builder{env: env, info: &debug.BuildInfo{Deps: []*debug.Module{{Path: modulePath, Version: version, Sum: got.Sum}}}}
	dir, err := b.ownModule(t.Context())
	require.NoError(t, err)
	require.Equal(t, got.Dir, dir)
	require.True(t, strings.HasPrefix(dir, cache))
	program := Program{Package: modulePath + "/functions/hello", Architecture: X8664}
	fromCache, err := b.build(t.Context(), program)
	require.NoError(t, err)
	fromCheckout, err := builder{env: env}.build(t.Context(), Program{Package: filepath.Join(tree, "functions", "hello"), Architecture: X8664})
	require.NoError(t, err)
	require.Equal(t, sha256.Sum256(fromCheckout), sha256.Sum256(fromCache))

	b.info.Deps[0].Sum = "h1:another"
	_, err = b.build(t.Context(), program)
	require.ErrorContains(t, err, `got checksum "`+got.Sum+`", want "h1:another" as in this program`)
	b.info.Deps[0].Version = "v9.9.9"
	_, err = b.build(t.Context(), program)
	require.ErrorContains(t, err, "v9.9.9")
}
