// Entragate puts Microsoft Entra ID in front of an AWS HTTP API, as the
// configuration of the stack says. See Pulumi.yaml for the settings.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/stacks"
)

func main() { pulumi.Run(stacks.Deploy) }
