package background

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAProgramIsTheSameByItsContent(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "program")
	write := func(content string) string {
		require.NoError(t, os.WriteFile(program, []byte(content), 0o600))
		id, err := contentID(program)
		require.NoError(t, err)
		return id
	}
	first := write("one")
	require.NoError(t, os.Chtimes(program, time.Time{}, time.Unix(1, 0)))
	again, err := contentID(program)
	require.NoError(t, err)
	require.Equal(t, first, again, "built again, with nothing changed")
	require.NotEqual(t, first, write("two"))

	_, err = contentID(filepath.Join(t.TempDir(), "gone"))
	require.Error(t, err)
}
