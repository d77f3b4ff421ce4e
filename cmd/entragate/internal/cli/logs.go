package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/entragate/entragate/cmd/entragate/internal/requests"
)

type logsOptions struct {
	accounts
	requests.Query
	follow bool
}

func (a *app) logsCommand() *cobra.Command {
	var o logsOptions
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Show the last requests, refused ones too, with the reason in words",
		Long: `Reads the access log. A refused call does not say who made it: its token was not
believed. On routes with roles the role authorizer's log says more, which is looked
up too. Lines arrive within seconds, in real accounts within a minute or so. A line that
cannot be read is shown as such where no condition is given.

With --json, one object; with --follow and --json, one line an object.`,
		Example: `  entragate logs --denied --since 24h
  entragate logs --caller export --route "GET /orders/export"
  entragate logs --follow`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.logs(cmd.Context(), o) },
	}
	o.flags(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&o.Denied, "denied", false, "only calls that were not let through")
	flags.StringVar(&o.Caller, "caller", "", "only calls by a client (name or id), a user (object id) or an address")
	flags.StringVar(&o.Route, "route", "", `only calls of a route ("GET /orders/{id}"), a path and what is below it, or "-": no route`)
	flags.DurationVar(&o.Since, "since", requests.DefaultSince, "how far back to look")
	flags.IntVar(&o.Limit, "limit", requests.DefaultLimit, "how many, the latest; 0 for all")
	flags.BoolVar(&o.follow, "follow", false, "go on with new requests until interrupted")
	return cmd
}

func (a *app) logs(ctx context.Context, o logsOptions) error {
	if o.Limit < 0 {
		return usageError{fmt.Errorf("--limit: got %d, want 0 or more", o.Limit)}
	}
	if o.Since <= 0 {
		return usageError{fmt.Errorf("--since: got %v, want a time such as 30m or 24h", o.Since)}
	}
	d, err := a.deployed(ctx, o.accounts)
	if err != nil {
		return err
	}
	reader, err := d.reader()
	if err != nil {
		return err
	}
	if o.follow {
		return a.follow(ctx, reader, o.Query)
	}
	list, err := reader.Read(ctx, o.Query)
	if err != nil {
		return err
	}
	return a.print(list, func(w io.Writer) error { return list.Write(w, a.width()) })
}

// follow prints requests as they come. Being interrupted is how it ends well.
func (a *app) follow(ctx context.Context, reader requests.Reader, q requests.Query) error {
	print := func(r requests.Request) {
		if a.json {
			_ = json.NewEncoder(a.stdout).Encode(r) // a broken pipe ends the program
			return
		}
		_ = r.Write(a.stdout)
	}
	err := reader.Follow(ctx, q, print)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// errNoLog is of a stack that was deployed before it had the output.
var errNoLog = errors.New("the stack has no output logGroup: deploy it again")

// reader reads the access log of what is deployed.
func (d deployed) reader() (requests.Reader, error) {
	if d.LogGroup == "" {
		return requests.Reader{}, errNoLog
	}
	return requests.Reader{
		Logs: d.clouds.Logs, Group: d.LogGroup, FunctionGroup: d.AuthorizerLogGroup, Clients: d.Clients,
		Model: d.config.Model(), Now: d.now, Poll: d.poll,
	}, nil
}
