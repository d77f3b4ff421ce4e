package aws

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLargeAnswersBeginUnhurried(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	began := time.Now()
	n, err := (&unhurried{ResponseWriter: w}).Write(make([]byte, largeAnswer+1))
	require.NoError(t, err)
	require.Equal(t, largeAnswer+1, n)
	require.GreaterOrEqual(t, time.Since(began), shortWhile)
	require.Equal(t, largeAnswer+1, w.Body.Len(), "nothing is held back")
}
