package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/store"
)

type counter struct{ N int }

func TestAChangeSurvivesAReopen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "counter.json")
	s, err := store.Open(path, &counter{N: 1})
	require.NoError(t, err)
	require.NoError(t, s.Update(func(c *counter) error { c.N = 7; return nil }))

	again, err := store.Open(path, &counter{})
	require.NoError(t, err)
	again.View(func(c *counter) { require.Equal(t, 7, c.N) })
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestARefusedChangeIsNotWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "counter.json")
	s, err := store.Open(path, &counter{})
	require.NoError(t, err)
	refused := errors.New("refused")
	require.ErrorIs(t, s.Update(func(*counter) error { return refused }), refused)
	require.NoFileExists(t, path)
}

func TestABrokenFileIsNamed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "counter.json")
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	_, err := store.Open(path, &counter{})
	require.ErrorContains(t, err, path)
}

func TestConcurrentChangesAreAllKept(t *testing.T) {
	t.Parallel()
	s, err := store.Open("", &counter{})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { _ = s.Update(func(c *counter) error { c.N++; return nil }) })
	}
	wg.Wait()
	s.View(func(c *counter) { require.Equal(t, 50, c.N) })
}
