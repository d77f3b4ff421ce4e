package cloudwatch

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMetricsAreSaved(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "metrics.json")
	m, err := openMetrics(path)
	require.NoError(t, err)
	add := func(name string, minutes int64, value float64) {
		m.record(id{Namespace: "N", Name: name}, noUnit, time.Unix(minutes*60, 0), func(s *summary) { s.add(value, 1) })
	}
	add("a", 5, 1)
	add("b", 5, 2)
	require.NoError(t, m.save())
	add("a", 5, 3)
	add("a", 4, 7)
	require.NoError(t, m.save())
	before, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, m.save())
	after, err := os.Stat(path)
	require.NoError(t, err)
	require.True(t, os.SameFile(before, after), "nothing changed")

	again, err := openMetrics(path)
	require.NoError(t, err)
	require.Equal(t, 2, again.count)
	for _, name := range []string{"a", "b"} {
		of := id{Namespace: "N", Name: name}
		require.Equal(t, m.read(of, "", 0, 10, true), again.read(of, "", 0, 10, true))
	}
	require.Len(t, again.read(id{Namespace: "N", Name: "a"}, noUnit, 0, 10, false), 2)
	require.Empty(t, again.read(id{Namespace: "N", Name: "a"}, "Count", 0, 10, false))

	require.NoError(t, os.WriteFile(path, []byte(`{"k":{"minutes":[]}}`), 0o600))
	_, err = openMetrics(path)
	require.ErrorContains(t, err, path)
}
