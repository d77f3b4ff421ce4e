// Command pulumi-resource-aws is Terraform's AWS provider as a Pulumi plugin, with the services that Entragate uses.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	pftfbridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"

	"github.com/terraform-providers/terraform-provider-random/shim/awsbridge"
)

// version is set when linking.
var version = "0.0.0-dev"

func main() {
	// The provider logs each step to the standard logger, and the CLI would show that to the user. TF_LOG is Terraform's
	// own switch for these lines.
	if os.Getenv("TF_LOG") == "" {
		log.SetOutput(io.Discard)
	}
	ctx := context.Background()
	info, err := awsbridge.Provider(ctx, version)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	pftfbridge.MainWithMuxer(ctx, info.Name, info, []byte(`{"name":"aws"}`))
}
