// Entragate shows who may call an API before it is deployed, deploys it into
// local clouds, and proves who may call it after. Run it with --help.
package main

import (
	"os"

	"github.com/entragate/entragate/cmd/entragate/internal/cli"
)

func main() { os.Exit(cli.Run(os.Args[1:], os.Stdout, os.Stderr)) }
