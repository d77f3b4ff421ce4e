package components_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/internal/recorder"
)

func TestProtectedApi(t *testing.T) {
	t.Parallel()
	r, err := protect(t, ordersArgs())
	require.NoError(t, err)
	r.Golden(t, "protected_api")
}

func protect(t *testing.T, args *components.ProtectedApiArgs) (*recorder.Recorder, error) {
	t.Helper()
	args.Tenant, args.HTTPClient = directory(t)
	return recorder.Run(func(ctx *pulumi.Context) error {
		_, err := components.NewProtectedApi(ctx, "orders", args)
		return err
	})
}
