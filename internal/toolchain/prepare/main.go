// Command prepare makes the module in sandbox/plugins ready for the go command, which cannot load it before: it puts
// there the narrowed copy of the AWS provider that go.mod points to. Run it at the root of the repository:
//
//	go run ./internal/toolchain/prepare && cd sandbox/plugins && CGO_ENABLED=0 go test -trimpath ./...
//
// With these settings the tests share what has been compiled for the sandbox.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/entragate/entragate/internal/toolchain"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := toolchain.Prepare(ctx, toolchain.Options{}, "sandbox/plugins"); err != nil {
		fmt.Fprintln(os.Stderr, "prepare sandbox/plugins:", err)
		os.Exit(1)
	}
}
