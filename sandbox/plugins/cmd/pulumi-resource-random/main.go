// Command pulumi-resource-random is Terraform's random provider as a Pulumi plugin.
package main

import (
	"context"
	"fmt"
	"os"

	pftfbridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"

	"github.com/terraform-providers/terraform-provider-random/shim/randombridge"
)

// version is set when linking.
var version = "0.0.0-dev"

func main() {
	ctx := context.Background()
	info, err := randombridge.Provider(ctx, version)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	pftfbridge.Main(ctx, info.Name, info, pftfbridge.ProviderMetadata{PackageSchema: []byte(`{"name":"random"}`)})
}
