package tagging_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/tagging"
)

func TestMergeLeavesWhatItIsGivenAlone(t *testing.T) {
	t.Parallel()
	current := map[string]string{"a": "1", "b": "2"}
	merged, err := tagging.Merge(current, map[string]string{"b": "3", "ключ": "значение x_.:/=+-@"})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "1", "b": "3", "ключ": "значение x_.:/=+-@"}, merged)
	require.Equal(t, map[string]string{"a": "1", "b": "2"}, current)
}

func TestMergeCountsAllTags(t *testing.T) {
	t.Parallel()
	current := map[string]string{}
	for i := range tagging.MaxTags {
		current[fmt.Sprint(i)] = ""
	}
	_, err := tagging.Merge(current, map[string]string{"0": "replaced"})
	require.NoError(t, err)
	_, err = tagging.Merge(current, map[string]string{"one more": ""})
	require.EqualError(t, err, "got 51 tags, want at most 50")
}
