package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/entragate/entragate/cmd/entragate/internal/diagnose"
	"github.com/entragate/entragate/cmd/entragate/internal/requests"
)

type explainOptions struct {
	accounts
	token, route string
	since        time.Duration
}

func (a *app) explainCommand() *cobra.Command {
	var o explainOptions
	cmd := &cobra.Command{
		Use:   "explain [REQUEST ID]",
		Short: "Tell why a request was refused, or whether a token would be, and what to change",
		Long: `With the id of a request, which callers get as the header apigw-requestid: finds it in
the access log and tells what happened to it.

With --token and --route: decides about a token as the gateway would, and says which
checks fail, all of them. The signature is checked with the tenant's keys, which are
all that is fetched; the token is not printed, stored or sent anywhere. Exit code 3:
the gateway refuses it.`,
		Example: `  entragate explain RL2XYiwjPHcEMEQ=
  entragate explain --token token.txt --route "GET /orders"
  entragate token portal:user | entragate explain --token - --route "GET /orders/17"`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case o.token == "" && o.route != "":
				return usageError{errors.New("--route: got it without --token, want both")}
			case o.token != "" && o.route == "":
				return usageError{errors.New(`--route: got none, want what is called, such as "GET /orders"`)}
			case o.token != "" && len(args) > 0:
				return usageError{fmt.Errorf("%s: got a request id and --token, want one of them", cmd.CommandPath())}
			case o.token == "" && len(args) != 1:
				return usageError{fmt.Errorf("%s: got %d arguments, want the id of a request, or --token and --route", cmd.CommandPath(), len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.token != "" {
				return a.explainToken(cmd.Context(), o, cmd.InOrStdin())
			}
			return a.explainRequest(cmd.Context(), o, args[0])
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&o.token, "token", "", `file that holds an access token, "-" for stdin`)
	cmd.Flags().StringVar(&o.route, "route", "", `what is called with it, such as "GET /orders"`)
	cmd.Flags().DurationVar(&o.since, "since", requests.DefaultFindSince, "how far back to look for the request")
	return cmd
}

func (a *app) explainRequest(ctx context.Context, o explainOptions, id string) error {
	d, err := a.deployed(ctx, o.accounts)
	if err != nil {
		return err
	}
	reader, err := d.reader()
	if err != nil {
		return err
	}
	explanation, err := reader.Find(ctx, id, o.since)
	if err != nil {
		return err
	}
	return a.print(explanation, explanation.Write)
}

func (a *app) explainToken(ctx context.Context, o explainOptions, stdin io.Reader) error {
	// Before the token is read: it may be typed.
	d, err := a.deployed(ctx, o.accounts)
	if err != nil {
		return err
	}
	token, err := readSecretFile(o.token, stdin)
	if err != nil {
		return err
	}
	stack := diagnose.Stack{
		Model: d.config.Model(), Tenant: d.config.Tenant(), Audience: d.Audience, Clients: d.Clients, HTTP: d.clouds.HTTP, Now: d.now,
	}
	report, err := stack.Explain(ctx, token, o.route)
	if err != nil {
		return err
	}
	if err := a.print(report, report.Write); err != nil {
		return err
	}
	if !report.Allowed {
		return errDiffers
	}
	return nil
}

// readSecretFile reads a file, or stdin for "-", no further than a token can be
// long.
func readSecretFile(name string, stdin io.Reader) (string, error) {
	from := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return "", fmt.Errorf("--token: %w", err)
		}
		defer file.Close()
		from = file
	}
	raw, err := io.ReadAll(io.LimitReader(from, 2*diagnose.MaxTokenBytes+1))
	if err != nil {
		return "", fmt.Errorf("--token: reading %s: %w", name, err)
	}
	return string(raw), nil
}
