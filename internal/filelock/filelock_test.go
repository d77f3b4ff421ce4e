//go:build unix

package filelock_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/internal/filelock"
)

func TestASecondLockIsRefusedAndNamesTheHolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "below", "lock")
	first, err := filelock.Try(path)
	require.NoError(t, err)

	_, err = filelock.Try(path)
	require.ErrorIs(t, err, filelock.ErrHeld)
	require.ErrorContains(t, err, fmt.Sprintf("(process %d)", os.Getpid()))

	require.NoError(t, first.Release())
	again, err := filelock.Try(path)
	require.NoError(t, err)
	require.NoError(t, again.Release())
}

func TestALockWhoseHolderDiedIsTaken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	require.NoError(t, os.WriteFile(path, []byte("999999999\n"), 0o600))

	l, err := filelock.Try(path)
	require.NoError(t, err)
	require.NoError(t, l.Release())
}

func TestAPlaceThatCannotHoldALockIsAnError(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))

	_, err := filelock.Try(filepath.Join(file, "lock"))
	require.ErrorContains(t, err, "locking "+file)
}
