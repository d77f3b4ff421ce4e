package lambda

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestArchivesHaveALimit(t *testing.T) {
	t.Parallel()
	require.NoError(t, codeInput{ZipFile: make([]byte, maxZip)}.check())
	require.ErrorContains(t, codeInput{ZipFile: make([]byte, maxZip+1)}.check(), "Zip file must be smaller than 52428800 bytes")
}
