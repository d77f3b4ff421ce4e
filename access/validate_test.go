package access_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
)

func TestValidModelHasNoProblems(t *testing.T) {
	t.Parallel()
	require.NoError(t, orders().Validate(access.ValidateOptions{}))
	require.NoError(t, optional().Validate(access.ValidateOptions{}))
}
