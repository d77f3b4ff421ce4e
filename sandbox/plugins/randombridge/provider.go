// Package randombridge describes Terraform's random provider to Pulumi, under the names that pulumi-random gives it.
//
// The provider's constructor is internal to its module. Go lets this package import it because this module's path
// continues that one's.
package randombridge

import (
	"context"

	pftfbridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"

	"github.com/terraform-providers/terraform-provider-random/internal/provider"
)

// Provider returns the description of the plugin.
func Provider(ctx context.Context, version string) (tfbridge.ProviderInfo, error) {
	info := tfbridge.ProviderInfo{
		P:            pftfbridge.ShimProviderWithContext(ctx, provider.New()),
		Name:         "random",
		Version:      version,
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
	}
	err := info.ComputeTokens(tokens.SingleModule("random_", "index", token))
	return info, err
}

// token prefixes every name, as pulumi-random does: random_uuid is RandomUuid.
func token(module, name string) (string, error) {
	return tokens.MakeStandard("random")(module, "Random"+name)
}
