package stacks

import (
	"net/http"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/components"
)

// Deploy is the Pulumi program of a stack.
func Deploy(ctx *pulumi.Context) error { return DeployWith(http.DefaultClient)(ctx) }

// DeployWith is [Deploy] with another client to read the tenant's discovery
// document, such as one that trusts a local directory.
func DeployWith(client *http.Client) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		cfg, err := LoadConfig(ctx)
		if err != nil {
			return err
		}
		if err := checkCaller(ctx, cfg); err != nil {
			return err
		}
		api, err := components.NewProtectedApi(ctx, cfg.API.Name, cfg.args(client))
		if err != nil {
			return err
		}
		api.Export(ctx)
		return nil
	}
}
