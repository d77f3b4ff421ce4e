// Package store keeps one value durable as a JSON file, so that a cloud of
// the sandbox survives a restart, a kill or a power failure at any moment.
package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Store guards a value of type T and writes it to a file after every change.
// The zero value is not usable: call [Open].
type Store[T any] struct {
	mu    sync.RWMutex
	path  string
	value *T
}

// Open reads the value at path, or starts with initial when there is no such
// file. An empty path keeps the value in memory only.
func Open[T any](path string, initial *T) (*Store[T], error) {
	s := &Store[T]{path: path, value: initial}
	if path == "" {
		return s, nil
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("opening store: %w", err)
	}
	if err := json.Unmarshal(raw, s.value); err != nil {
		return nil, fmt.Errorf("opening store %s: %w", path, err)
	}
	return s, nil
}

// View calls fn with the value, which fn must neither change nor keep.
func (s *Store[T]) View(fn func(*T)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	fn(s.value)
}

// Update calls fn with the value and, when fn returns nil, makes the change
// durable before it returns. When fn returns an error it must have changed
// nothing: check first, then change.
func (s *Store[T]) Update(fn func(*T) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := fn(s.value); err != nil {
		return err
	}
	return s.save()
}

// save replaces the file in one step: a reader finds the old or the new value,
// never a part.
func (s *Store[T]) save() error {
	if s.path == "" {
		return nil
	}
	raw, err := json.Marshal(s.value)
	if err != nil {
		return fmt.Errorf("saving store: %w", err)
	}
	if err := WriteFile(s.path, raw); err != nil {
		return fmt.Errorf("saving store: %w", err)
	}
	return nil
}

// WriteFile writes data to path durably and in one step, readable by the
// owner only, for it may hold keys.
func WriteFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // a no-op once renamed
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
