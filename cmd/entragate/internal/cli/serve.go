package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/entragate/entragate/cmd/entragate/internal/background"
	"github.com/entragate/entragate/examples/orders"
	"github.com/entragate/entragate/sandbox"
	"github.com/entragate/entragate/sandbox/store"
)

func (a *app) serveCommand() *cobra.Command {
	var region string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the clouds in the foreground, and write the environment that clients need",
		Long: `Runs Microsoft Entra ID, Microsoft Graph and AWS on loopback until interrupted, and beside
them the orders service, the backend of the example API. What is deployed
survives a restart.

sandbox.env in the sandbox folder holds NAME=value lines with which the AWS CLI
and SDKs, azidentity, and Terraform's and Pulumi's azuread provider work as they
are. MSAL and azidentity need instance discovery switched off, as for any
private cloud.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), region) },
	}
	cmd.Flags().StringVar(&region, "region", "", "AWS region, at the first start (default "+sandbox.DefaultRegion+")")
	return cmd
}

func (a *app) serve(ctx context.Context, region string) error {
	dir, err := a.sandboxFolder()
	if err != nil {
		return err
	}
	build, err := background.Build()
	if err != nil {
		return err
	}
	s, err := sandbox.Open(sandbox.Options{Dir: dir, Region: region, Build: build})
	if err != nil {
		return err
	}
	backend, err := listenBackend(layout{dir}.backend())
	if err != nil {
		return errors.Join(err, s.Close())
	}
	served := serveResult{
		Entra: s.EntraURL(), TenantID: s.TenantID, Graph: s.EntraURL() + "/v1.0", AWS: s.AWSURL(), Region: s.Region,
		Account: s.Account, APIs: s.APIEndpoint("<api id>"), Backend: "http://" + backend.Addr().String(),
		Environment: sandbox.EnvironmentFile(dir),
	}
	if err := a.print(served, served.text); err != nil {
		return errors.Join(err, backend.Close(), s.Close())
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.Serve(ctx) })
	group.Go(func() error { return serveBackend(ctx, backend) })
	return group.Wait()
}

// serveResult is what `sandbox serve --json` prints once everything listens.
type serveResult struct {
	Entra       string `json:"entra"`
	TenantID    string `json:"tenantId"`
	Graph       string `json:"graph"`
	AWS         string `json:"aws"`
	Region      string `json:"region"`
	Account     string `json:"account"`
	APIs        string `json:"apis"`
	Backend     string `json:"backend"`
	Environment string `json:"environment"`
}

func (r serveResult) text(w io.Writer) error {
	_, err := fmt.Fprintf(w, "Entra      %s (tenant %s)\nGraph      %s\nAWS        %s (region %s, account %s)\n"+
		"HTTP APIs  %s\nbackend    %s\nclients    %s\n",
		r.Entra, r.TenantID, r.Graph, r.AWS, r.Region, r.Account, r.APIs, r.Backend, r.Environment)
	return err
}

// listenBackend listens where the orders service was before, since what is
// deployed names its port.
func listenBackend(file string) (net.Listener, error) {
	address := "127.0.0.1:0"
	raw, err := os.ReadFile(file)
	if err == nil {
		address = strings.TrimSpace(string(raw))
		if _, _, err := net.SplitHostPort(address); err != nil {
			return nil, fmt.Errorf("listening for the orders service: %s: got %q, want host:port", file, address)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listening for the orders service: %w", err)
	}
	remembered := err == nil
	l, err := net.Listen("tcp", address)
	if err != nil && remembered {
		return nil, fmt.Errorf("listening for the orders service: %w (what is deployed names this port: end the program that took it)", err)
	}
	if err != nil {
		return nil, fmt.Errorf("listening for the orders service: %w", err)
	}
	if err := store.WriteFile(file, []byte(l.Addr().String()+"\n")); err != nil {
		return nil, errors.Join(fmt.Errorf("listening for the orders service: %w", err), l.Close())
	}
	return l, nil
}

// readBackend is the URL of the orders service.
func readBackend(file string) (string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("finding the orders service: %w", err)
	}
	return "http://" + strings.TrimSpace(string(raw)), nil
}

func serveBackend(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: orders.New(nil), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // it keeps nothing that could be lost
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the orders service: %w", err)
	}
	return nil
}
