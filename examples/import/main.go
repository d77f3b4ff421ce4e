// A program of its own that imports Entragate's components.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/examples/import/notes"
)

func main() { pulumi.Run(notes.Deploy) }
