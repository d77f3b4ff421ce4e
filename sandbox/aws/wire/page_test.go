package wire_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

func self(s string) string { return s }

func TestPagesStayConsistentWhileItemsComeAndGo(t *testing.T) {
	t.Parallel()
	page, next, err := wire.Page([]string{"d", "b", "a", "c"}, self, "", 2)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, page)
	page, next, err = wire.Page([]string{"aa", "c", "d", "e"}, self, next, 2)
	require.NoError(t, err)
	require.Equal(t, []string{"c", "d"}, page, "b is gone and aa is before it")
	page, next, err = wire.Page([]string{"e"}, self, next, 2)
	require.NoError(t, err)
	require.Equal(t, []string{"e"}, page)
	require.Empty(t, next)
}

func TestAnEmptyListIsAnEmptyPage(t *testing.T) {
	t.Parallel()
	page, next, err := wire.Page(nil, self, "", 2)
	require.NoError(t, err)
	require.NotNil(t, page)
	require.Empty(t, page)
	require.Empty(t, next)
}

func TestTokensOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"!", "=", "a", "zzz", "YWZ0ZXI6", "YQ"} {
		_, _, err := wire.Page([]string{"a"}, self, token, 2)
		require.ErrorIs(t, err, wire.ErrToken, fmt.Sprintf("%q", token))
	}
}
