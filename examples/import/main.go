// A program of its own that imports Entragate's components to protect an API of
// its own: package notes is all there is to it.
//
// With real accounts, Pulumi's Go language host and the credentials that
// docs/deploying.md of Entragate names, in this folder:
//
//	pulumi stack init dev
//	pulumi config set tenantId <tenant id>
//	pulumi config set deployer <object id of whoever deploys>
//	pulumi config set --path 'assignment.groups[0]' <object id of a group>
//	pulumi up
//
// Without any account, into a sandbox, beside Entragate's own dev stack:
//
//	go test ./...
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/examples/import/notes"
)

func main() { pulumi.Run(notes.Deploy) }
