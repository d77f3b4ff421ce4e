package functions

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// maxArchiveBytes is the largest archive that can be sent to Lambda directly.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxArchiveBytes = 50 << 20

func checkSize(size int) error {
	if size > maxArchiveBytes {
		return fmt.Errorf("the archive of the function: got %d bytes, want at most %d: Lambda takes no more at once", size, maxArchiveBytes)
	}
	return nil
}

// packedAt is when all files in an archive were changed, so that it says nothing
// of when it was made. It is where the time of zip files begins.
var packedAt = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)

// pack makes the zip. Pulumi's own archives lose the execute bit, without which
// the function does not start.
// https://github.com/pulumi/pulumi/issues/3593
func pack(program []byte, files map[string][]byte) ([]byte, error) {
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	add := func(name string, mode os.FileMode, content []byte) error {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: packedAt}
		header.SetMode(mode) // and with it Unix as the creator, without which modes mean nothing
		w, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		_, err = w.Write(content)
		return err
	}
	all := maps.Clone(files)
	if all == nil {
		all = map[string][]byte{}
	}
	all[programName] = program
	for _, name := range slices.Sorted(maps.Keys(all)) {
		mode := os.FileMode(0o644)
		if name == programName {
			mode = 0o755
		}
		if err := add(name, mode, all[name]); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// cacheFolder is where archives are kept.
func cacheFolder() string {
	base, err := os.UserCacheDir()
	if err != nil { // no home folder, as in some containers
		base = os.TempDir()
	}
	return filepath.Join(base, "entragate", "functions")
}

// keep writes an archive under the name of its content, in one step, so that
// nobody sees half of it.
func keep(folder string, archive []byte) (string, error) {
	sum := sha256.Sum256(archive)
	path := filepath.Join(folder, hex.EncodeToString(sum[:])+".zip")
	if kept, err := os.ReadFile(path); err == nil && bytes.Equal(kept, archive) {
		return path, nil
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	file, err := os.CreateTemp(folder, "unfinished-*") // with mode 0600
	if err != nil {
		return "", err
	}
	_, err = file.Write(archive)
	// After a power failure a file may have its new name but not yet its content.
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return path, nil
}
