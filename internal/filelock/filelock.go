// Package filelock keeps a second process away from a directory or a stack.
// The kernel drops the lock with the process that holds it, however it ends,
// so a lock is never stale.
package filelock

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrHeld is what [Try] returns, wrapped, while another process holds the lock.
var ErrHeld = errors.New("held by another process")

// Lock is a lock that this process holds. The zero value is not usable.
type Lock struct {
	file *os.File
}

// Try takes the lock at path, or returns an error that wraps [ErrHeld] and
// names the process that has it. It makes the directory if need be, readable
// by the owner only. The file stays when the lock is released: removing it
// would let two processes lock two files of one name.
func Try(path string) (*Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking: %w", err)
	}
	if err := lock(f); err != nil {
		defer f.Close()
		if errors.Is(err, ErrHeld) {
			return nil, fmt.Errorf("locking %s: %w%s", path, ErrHeld, holder(f))
		}
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	if err := note(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return &Lock{file: f}, nil
}

// Release gives the lock up. Closing the file alone would not, while a process
// that this one is just starting still has it.
func (l *Lock) Release() error {
	return errors.Join(l.file.Truncate(0), unlock(l.file), l.file.Close())
}

// note writes the process id, for the message that others see.
func note(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// holder is " (process 123)", or empty while the other process has not noted
// its id yet.
func holder(f *os.File) string {
	raw := make([]byte, 32)
	n, _ := f.ReadAt(raw, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw[:n])))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", pid)
}
