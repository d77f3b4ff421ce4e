// Package awsbridge describes Terraform's AWS provider to Pulumi, under the names that pulumi-aws gives it.
package awsbridge

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-provider-aws/xpprovider"
	pftfbridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/x/muxer"
	"github.com/pulumi/pulumi-terraform-bridge/v3/unstable/metadata"
)

// Provider returns the description of the plugin. Terraform's provider is two in one, of the older and of the newer kind
// (getCallerIdentity, getRegion and getPartition are of the newer); both are served.
func Provider(ctx context.Context, version string) (tfbridge.ProviderInfo, error) {
	newer, older, err := xpprovider.GetProvider(ctx)
	if err != nil {
		return tfbridge.ProviderInfo{}, fmt.Errorf("load the aws provider: %w", err)
	}
	info := tfbridge.ProviderInfo{
		P:            pftfbridge.MuxShimWithPF(ctx, shimv2.NewProvider(older), newer),
		Name:         "aws",
		Version:      version,
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
		Config:       config,
		Resources:    resourceOverrides(),
	}
	if err := info.ComputeTokens(strategy()); err != nil {
		return info, err
	}
	markTagsAllComputed(info)
	info.SetAutonaming(255, "-")
	return info, setDispatch(info)
}

// config is what pulumi-aws adds to the provider's own settings.
var config = map[string]*tfbridge.SchemaInfo{
	"region": {
		Default: &tfbridge.DefaultInfo{EnvVars: []string{"AWS_REGION", "AWS_DEFAULT_REGION"}},
	},
	"skip_region_validation": {
		Default: &tfbridge.DefaultInfo{Value: true},
	},
}

// setDispatch records which of the two providers serves each token; pulumi-aws computes that when it is built.
func setDispatch(info tfbridge.ProviderInfo) error {
	mux, ok := info.P.(interface {
		ResolveDispatch(*tfbridge.ProviderInfo) (muxer.DispatchTable, error)
	})
	if !ok {
		return fmt.Errorf("provider is a %T, want one that resolves its dispatch table", info.P)
	}
	table, err := mux.ResolveDispatch(&info)
	if err != nil {
		return err
	}
	return metadata.Set(info.GetMetadata(), "mux", table)
}
