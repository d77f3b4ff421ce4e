// Command pulumi-resource-aws is Terraform's AWS provider as a Pulumi plugin, with the services that Entragate uses.
package main

import (
	"context"
	"log"

	pftfbridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"

	"github.com/terraform-providers/terraform-provider-random/shim/awsbridge"
)

// version is set when linking.
var version = "0.0.0-dev"

func main() {
	ctx := context.Background()
	info, err := awsbridge.Provider(ctx, version)
	if err != nil {
		log.Fatal(err)
	}
	pftfbridge.MainWithMuxer(ctx, info.Name, info, []byte(`{"name":"aws"}`))
}
