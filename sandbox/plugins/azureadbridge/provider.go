// Package azureadbridge describes Terraform's Entra ID provider to Pulumi, under the names that pulumi-azuread gives it.
package azureadbridge

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-provider-azuread/xpprovider"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
)

// Provider returns the description of the plugin.
func Provider(ctx context.Context, version string) (tfbridge.ProviderInfo, error) {
	provider, err := xpprovider.GetProviderSchema(ctx)
	if err != nil {
		return tfbridge.ProviderInfo{}, fmt.Errorf("load the azuread provider: %w", err)
	}
	info := tfbridge.ProviderInfo{
		P:            shimv2.NewProvider(provider),
		Name:         "azuread",
		Version:      version,
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
		Resources: map[string]*tfbridge.ResourceInfo{
			"azuread_application_federated_identity_credential": {Fields: map[string]*tfbridge.SchemaInfo{
				"audiences": {MaxItemsOne: tfbridge.False()},
			}},
		},
	}
	err = info.ComputeTokens(tokens.SingleModule("azuread_", "index", tokens.MakeStandard("azuread")))
	return info, err
}
