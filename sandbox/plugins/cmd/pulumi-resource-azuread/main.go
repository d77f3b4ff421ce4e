// Command pulumi-resource-azuread is Terraform's Entra ID provider as a Pulumi plugin.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"

	"github.com/terraform-providers/terraform-provider-random/shim/azureadbridge"
)

// version is set when linking.
var version = "0.0.0-dev"

func main() {
	info, err := azureadbridge.Provider(context.Background(), version)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	tfbridge.Main(info.Name, version, info, []byte(`{"name":"azuread"}`))
}
