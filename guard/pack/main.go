// Pack is a Pulumi policy pack of the rules of package guard:
//
//	pulumi preview --policy-pack guard/pack --policy-pack-config guard.json
//
// The configuration is by the ids of rules, as guard.Rules has them:
//
//	{
//	  "route-authorization": {"allow": [{"resource": "GET /health", "reason": "load balancers have no token"}]},
//	  "log-retention": "mandatory",
//	  "secret-rotation": "disabled"
//	}
//
// A pulumi CLI that comes with its language host for Go builds and starts this
// program itself (a guess: the host is not a Go module, so it was read, not run).
// A CLI without one starts a plugin named after the runtime, in the folder of the
// pack; this program is such a plugin under that name, in a folder that the
// project names:
//
//	go build -o plugins/pulumi-analyzer-policy-go ./guard/pack
//
//	# Pulumi.yaml
//	plugins:
//	  analyzers:
//	    - {name: policy-go, path: plugins}
//
// Without plugins in Pulumi.yaml the CLI looks on PATH, unless
// PULUMI_IGNORE_AMBIENT_PLUGINS is set, and in the folder analyzer-policy-go-v0.1.0
// of its plugins. See NewPolicyAnalyzer in
// https://github.com/pulumi/pulumi/blob/v3.250.0/sdk/go/common/resource/plugin/analyzer_plugin.go
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

func main() {
	if err := serve(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve is the engine's analyzer until the engine ends. The engine gives its
// address, and waits for the port on a line of its own.
func serve(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("got no arguments, want the engine's address: this program is started by `pulumi --policy-pack`")
	}
	ctx, end := context.WithCancel(context.Background())
	defer end()
	// An engine that is killed does not say so.
	if err := rpcutil.Healthcheck(ctx, args[0], 10*time.Second, end); err != nil {
		return fmt.Errorf("watching the engine at %s: %w", args[0], err)
	}
	ended := make(chan bool)
	go func() {
		<-ctx.Done()
		close(ended)
	}()
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: ended,
		Init: func(s *grpc.Server) error {
			pulumirpc.RegisterAnalyzerServer(s, newServer())
			return nil
		},
	})
	if err != nil {
		return err
	}
	fmt.Println(handle.Port)
	return <-handle.Done
}
