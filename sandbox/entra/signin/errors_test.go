package signin

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryCodeHasItsKind reads the sources: a code that is refused with must
// be named by OAuth and HTTP, and one that is named must be used.
func TestEveryCodeHasItsKind(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	call := regexp.MustCompile(`(?:refuse|parseScope|narrowed)\((?:[^"\n]*?, )?(\d+)[,)]`)
	used := map[int]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range call.FindAllStringSubmatch(string(raw), -1) {
			code, err := strconv.Atoi(m[1])
			require.NoError(t, err)
			used[code] = true
			require.Contains(t, kinds, code, "%s refuses with a code that has no kind", file)
		}
	}
	for code, kind := range kinds {
		require.True(t, used[code], "AADSTS%d is never refused with", code)
		require.NotEmpty(t, kind.oauth)
		require.GreaterOrEqual(t, kind.status, 400)
	}
}
