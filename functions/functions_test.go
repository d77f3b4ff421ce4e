package functions

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// elfHeader is a file that looks like a program as far as that is looked at.
func elfHeader(change func(*elf.Header64)) []byte {
	h := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_AARCH64), Version: uint32(elf.EV_CURRENT), Entry: 0x1000, Ehsize: 64,
	}
	change(&h)
	var out bytes.Buffer
	_ = binary.Write(&out, binary.LittleEndian, h)
	return out.Bytes()
}

func write(t *testing.T, path string, content []byte) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

func prebuilt(t *testing.T, change func(*elf.Header64)) string {
	t.Helper()
	return write(t, filepath.Join(t.TempDir(), "orders"), elfHeader(change))
}

func same(*elf.Header64) {}

func TestValidate(t *testing.T) {
	t.Parallel()
	good := prebuilt(t, same)
	folder := t.TempDir()
	file := write(t, filepath.Join(folder, "main.go"), []byte("package main"))
	named := func(names ...string) Program {
		p := Program{Binary: good, Files: map[string][]byte{}}
		for _, name := range names {
			p.Files[name] = nil
		}
		return p
	}
	for name, tt := range map[string]struct {
		program Program
		want    []string // none means that it is right
	}{
		"a binary":                  {Program{Binary: good}, nil},
		"a package of Entragate":    {Program{Package: "github.com/entragate/entragate/functions/authorize/bootstrap", Architecture: X8664}, nil},
		"a directory":               {Program{Package: folder, Architecture: ARM64}, nil},
		"files":                     {named("policy.json", "a/b.txt", "a/c.txt", "bootstrap.txt", "ä"), nil},
		"nothing":                   {Program{}, []string{"got neither a package nor a binary"}},
		"both":                      {Program{Package: folder, Binary: good}, []string{"got both package"}},
		"an unknown architecture":   {Program{Binary: good, Architecture: "amd64"}, []string{`architecture: got "amd64", want "arm64" or "x86_64"`}},
		"a package of others":       {Program{Package: "example.com/orders"}, []string{`package: got "example.com/orders", want an import path below github.com/entragate/entragate/`}},
		"a directory without a dot": {Program{Package: "cmd/orders"}, []string{"or a directory that begins with ./"}},
		"a look-alike of our own":   {Program{Package: "github.com/entragate/entragateway/x"}, []string{"want an import path"}},
		"no such directory":         {Program{Package: "./gone"}, []string{"package: ", "no such file"}},
		"a file for a directory":    {Program{Package: file}, []string{"got the file"}},
		"no such binary":            {Program{Binary: filepath.Join(folder, "gone")}, []string{"binary: ", "no such file"}},
		"a folder for a binary":     {Program{Binary: folder}, []string{"binary: ", "is a directory"}},
		"a script":                  {Program{Binary: write(t, filepath.Join(t.TempDir(), "x"), []byte("#!/bin/sh\n"))}, []string{"got what is not an ELF file, want a Linux program for arm64"}},
		"an empty file":             {Program{Binary: write(t, filepath.Join(t.TempDir(), "x"), nil)}, []string{"got what is not an ELF file"}},
		"the other architecture":    {Program{Binary: good, Architecture: X8664}, []string{"got one for EM_AARCH64, ELFCLASS64, want a Linux program for x86_64"}},
		"a machine unheard of":      {Program{Binary: prebuilt(t, func(h *elf.Header64) { h.Machine = uint16(elf.EM_RISCV) })}, []string{"got one for EM_RISCV"}},
		"another system":            {Program{Binary: prebuilt(t, func(h *elf.Header64) { h.Ident[elf.EI_OSABI] = byte(elf.ELFOSABI_FREEBSD) })}, []string{"got a program for another system, ELFOSABI_FREEBSD"}},
		"an object file":            {Program{Binary: prebuilt(t, func(h *elf.Header64) { h.Type = uint16(elf.ET_REL) })}, []string{"cannot be started, ET_REL"}},
		"a library":                 {Program{Binary: prebuilt(t, func(h *elf.Header64) { h.Type, h.Entry = uint16(elf.ET_DYN), 0 })}, []string{"cannot be started, ET_DYN"}},
		"position independent":      {Program{Binary: prebuilt(t, func(h *elf.Header64) { h.Type = uint16(elf.ET_DYN) })}, nil},
		"for Linux explicitly":      {Program{Binary: prebuilt(t, func(h *elf.Header64) { h.Ident[elf.EI_OSABI] = byte(elf.ELFOSABI_LINUX) })}, nil},
		"the program's name":        {named("bootstrap"), []string{`files["bootstrap"]: this is where the program is`}},
		"below the program":         {named("bootstrap/x"), []string{"this is where the program is"}},
		"no name":                   {named(""), []string{`files[""]: want a relative path`}},
		"the folder itself":         {named("."), []string{`files["."]`}},
		"an absolute path":          {named("/etc/passwd"), []string{`files["/etc/passwd"]: want a relative path`}},
		"outside":                   {named("a/../../x"), []string{"want a relative path"}},
		"a backslash":               {named(`a\b`), []string{"want a relative path"}},
		"a slash too many":          {named("a//b", "a/"), []string{`files["a//b"]`, `files["a/"]`}},
		"a file that is a folder":   {named("a", "a/b/c"), []string{`files["a/b/c"]: "a" is a file too`}},
		"all wrong at once": {
			Program{Architecture: "x", Package: "y", Files: map[string][]byte{"/": nil, "..": nil}},
			[]string{"architecture", "package", `files["/"]`, `files[".."]`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.program.Validate()
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
			_, archiveErr := tt.program.Archive(t.Context())
			require.EqualError(t, archiveErr, err.Error())
		})
	}
}

func TestArchive(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "cache")
	p := Program{Binary: prebuilt(t, same), Files: map[string][]byte{"policy.json": []byte("{}"), "b/c": []byte("x"), "a": nil}}
	path, err := p.archive(t.Context(), builder{}, folder)
	require.NoError(t, err)
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	sum := sha256.Sum256(raw)
	require.Equal(t, filepath.Join(folder, hex.EncodeToString(sum[:])+".zip"), path)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())

	archive, err := zip.OpenReader(path)
	require.NoError(t, err)
	defer archive.Close()
	const unix = 3 // the high byte of the version: without it nobody looks at the mode
	want := []struct {
		name, content string
		mode          os.FileMode
	}{{"a", "", 0o644}, {"b/c", "x", 0o644}, {"bootstrap", string(elfHeader(same)), 0o755}, {"policy.json", "{}", 0o644}}
	require.Len(t, archive.File, len(want))
	for i, file := range archive.File {
		require.Equal(t, want[i].name, file.Name)
		require.Equal(t, want[i].mode, file.Mode(), file.Name)
		require.EqualValues(t, unix, file.CreatorVersion>>8)
		require.Equal(t, zip.Deflate, file.Method)
		require.True(t, packedAt.Equal(file.Modified), file.Modified)
		in, err := file.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(in)
		require.NoError(t, err)
		require.Equal(t, want[i].content, string(content))
	}
}

func TestArchiveChangesWithItsContentOnly(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	archive := func(change func(*elf.Header64), files map[string][]byte) string {
		path, err := Program{Binary: prebuilt(t, change), Files: files}.archive(t.Context(), builder{}, folder)
		require.NoError(t, err)
		return path
	}
	base := archive(same, map[string][]byte{"a": []byte("1"), "b": nil})
	require.Equal(t, base, archive(same, map[string][]byte{"b": {}, "a": []byte("1")}))
	require.NotEqual(t, base, archive(same, map[string][]byte{"a": []byte("2"), "b": nil}))
	require.NotEqual(t, base, archive(same, map[string][]byte{"a": []byte("1"), "c": nil}))
	require.NotEqual(t, base, archive(func(h *elf.Header64) { h.Entry++ }, map[string][]byte{"a": []byte("1"), "b": nil}))
}

func TestArchiveIsRepaired(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	p := Program{Binary: prebuilt(t, same)}
	path, err := p.archive(t.Context(), builder{}, folder)
	require.NoError(t, err)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, whole[:20], 0o600))
	_, err = p.archive(t.Context(), builder{}, folder)
	require.NoError(t, err)
	again, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, whole, again)
}

func TestArchivesAtOnce(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	p := Program{Binary: prebuilt(t, same), Files: map[string][]byte{"a": bytes.Repeat([]byte("x"), 1<<20)}}
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			path, err := p.archive(context.Background(), builder{}, folder)
			if err != nil {
				t.Error(err)
				return
			}
			archive, err := zip.OpenReader(path)
			if err != nil {
				t.Error(err)
				return
			}
			_ = archive.Close()
		})
	}
	group.Wait()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, entries, 1, "one archive, and nothing unfinished")
}

func TestArchiveThatCannotBeKept(t *testing.T) {
	t.Parallel()
	file := write(t, filepath.Join(t.TempDir(), "file"), nil)
	_, err := Program{Binary: prebuilt(t, same)}.archive(t.Context(), builder{}, filepath.Join(file, "below"))
	require.ErrorContains(t, err, "keep the archive of the function: ")
}

func TestArchiveTooLargeForLambda(t *testing.T) {
	t.Parallel()
	require.NoError(t, checkSize(50<<20))
	require.ErrorContains(t, checkSize(50<<20+1), "got 52428801 bytes, want at most 52428800")
}

func TestCacheFolderNeedsNoHome(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/somewhere")
	require.Equal(t, "/somewhere/entragate/functions", cacheFolder())
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	require.True(t, strings.HasPrefix(cacheFolder(), os.TempDir()))
}
