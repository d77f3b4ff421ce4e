package lambda

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Limits of https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html.
const (
	maxZip      = 50 << 20
	maxUnzipped = 262144000
)

// codeInput is where the code of a function is.
type codeInput struct {
	ZipFile         []byte
	S3Bucket        string
	S3Key           string
	S3ObjectVersion string
	ImageURI        string `json:"ImageUri"`
	SourceKMSKeyArn string
}

func (in codeInput) check() error {
	switch {
	case in.ImageURI != "":
		return wire.NotImplemented("a function whose code is a container image")
	case in.S3Bucket != "" || in.S3Key != "" || in.S3ObjectVersion != "":
		return wire.NotImplemented("a function whose code is in S3")
	case in.SourceKMSKeyArn != "":
		return wire.NotImplemented("SourceKMSKeyArn")
	case len(in.ZipFile) == 0:
		return invalid("Please provide a source for function code.")
	case len(in.ZipFile) > maxZip: // the text is a guess
		return invalid("Zip file must be smaller than %d bytes", maxZip)
	}
	return nil
}

// openCode makes the folder of the code and removes what no function has, such
// as what an upload left that was cut short.
func (s *Service) openCode() error {
	var err error
	if s.Dir == "" {
		s.code, err = os.MkdirTemp("", "entragate-lambda-")
		return err
	}
	s.code = filepath.Join(s.Dir, "lambda")
	if err := os.MkdirAll(s.code, 0o700); err != nil {
		return err
	}
	s.sweepCode(func() map[string]bool { return nil })
	return nil
}

// sweepCode removes the folders that neither a function nor a process has. One
// that cannot be removed is tried again next time.
func (s *Service) sweepCode(running func() map[string]bool) {
	s.uploads.Lock()
	defer s.uploads.Unlock()
	entries, err := os.ReadDir(s.code)
	if err != nil {
		return
	}
	used := map[string]bool{}
	s.state.View(func(all *State) {
		for _, fn := range all.Functions {
			for _, v := range fn.every() {
				used[filepath.Join(s.code, v.Folder)] = true
			}
		}
	})
	// Asked after the state: what only processes have now, no new one will.
	maps.Copy(used, running())
	for _, entry := range entries {
		if folder := filepath.Join(s.code, entry.Name()); !used[folder] {
			_ = os.RemoveAll(folder)
		}
	}
}

// unpack makes a folder with the files of an archive. The caller holds uploads,
// for reading, until a function has it.
func (s *Service) unpack(archive []byte) (*Version, error) {
	files, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	if err := checkFiles(files.File); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(archive)
	v := &Version{Folder: rand.Text(), CodeSHA256: base64.StdEncoding.EncodeToString(sum[:]), CodeSize: len(archive)}
	path := filepath.Join(s.code, v.Folder)
	if err := write(path, files.File); err != nil {
		_ = os.RemoveAll(path) // the first error says more
		if damaged(err) {
			return nil, invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
		}
		return nil, fmt.Errorf("unpacking the code of a function: %w", err)
	}
	return v, nil
}

func damaged(err error) bool {
	return errors.Is(err, zip.ErrChecksum) || errors.Is(err, zip.ErrFormat) || errors.Is(err, zip.ErrAlgorithm) ||
		errors.Is(err, io.ErrUnexpectedEOF)
}

// checkFiles refuses archives before anything is written.
func checkFiles(files []*zip.File) error {
	var size uint64
	for _, file := range files {
		name := strings.TrimSuffix(file.Name, "/")
		if !filepath.IsLocal(filepath.FromSlash(name)) || strings.Contains(name, `\`) {
			return invalid("Could not unzip uploaded file. The name %q leads out of the archive.", file.Name)
		}
		if mode := file.Mode(); !mode.IsDir() && !mode.IsRegular() {
			return wire.NotImplemented(fmt.Sprintf("an archive with a link or a device: %q", file.Name))
		}
		size += file.UncompressedSize64
		if file.UncompressedSize64 > maxUnzipped || size > maxUnzipped {
			return invalid("Unzipped size must be smaller than %d bytes", maxUnzipped)
		}
	}
	return nil
}

func write(path string, files []*zip.File) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, file := range files {
		name := filepath.FromSlash(strings.TrimSuffix(file.Name, "/"))
		if file.Mode().IsDir() {
			err = root.MkdirAll(name, 0o700)
		} else if err = root.MkdirAll(filepath.Dir(name), 0o700); err == nil {
			err = writeFile(root, name, file)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeFile gives the owner the permissions that the archive gives to
// everybody: on AWS functions run as another user than the one who owns the files
// (https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html).
func writeFile(root *os.Root, name string, file *zip.File) error {
	in, err := file.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	mode := fs.FileMode(0)
	if file.Mode()&0o004 != 0 {
		mode |= 0o400
	}
	if file.Mode()&0o001 != 0 {
		mode |= 0o100
	}
	out, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.LimitReader(in, maxUnzipped))
	if err == nil {
		err = out.Sync()
	}
	if err == nil {
		err = out.Chmod(mode)
	}
	if closed := out.Close(); err == nil {
		err = closed
	}
	return err
}
