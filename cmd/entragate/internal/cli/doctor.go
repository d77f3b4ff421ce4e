package cli

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/entragate/entragate/accesslog"
	"github.com/entragate/entragate/cmd/entragate/internal/doctor"
	"github.com/entragate/entragate/components"
)

type doctorOptions struct {
	accounts
	strict, skipDelivery bool
	timeout              time.Duration
}

// doctorResult is what `doctor --json` prints.
type doctorResult struct {
	Stack string `json:"stack"`
	doctor.Report
}

func (a *app) doctorCommand() *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check what is deployed from the outside, for what would go wrong at midnight",
		Long: `Compares what the clouds have with the stack's configuration, and changes nothing: the
tenant's discovery document and keys within API Gateway's limits, issuer and audience
of the authorizers, every route's authorization, grants, rotation and expiry of
secrets, throttles, the access log and its delivery, alarms and who is told of them.

The check of the delivery calls the API once without a token, and waits for the line.
What may not be read is a finding too, with the permission that it takes. Exit code
3: something is wrong; with --strict warnings count as well.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context(), o) },
	}
	o.flags(cmd)
	cmd.Flags().BoolVar(&o.strict, "strict", false, "exit with 3 for warnings too")
	cmd.Flags().BoolVar(&o.skipDelivery, "skip-delivery", false, "do not call the API and wait for the line in its access log")
	cmd.Flags().DurationVar(&o.timeout, "timeout", deliveryPatience, "how long to wait for that line")
	return cmd
}

// deliveryPatience is more than AWS takes as a rule to deliver a line.
const deliveryPatience = 5 * time.Minute

func (a *app) doctor(ctx context.Context, o doctorOptions) error {
	p, _, err := a.project()
	if err != nil {
		return err
	}
	d, err := a.deployed(ctx, o.accounts)
	if err != nil {
		return err
	}
	a.progress("looking at %s of stack %s", d.URL, a.stack)
	report := doctor.Doctor{
		Clouds: d.clouds, HTTP: d.clouds.HTTP, Project: p.Name, Stack: a.stack,
		Outputs: doctor.Outputs{
			URL: d.URL, APIID: d.APIID, TenantID: d.TenantID, Issuer: d.Issuer, Audience: d.Audience,
			Clients: d.Clients, LogGroup: d.LogGroup, Credentials: d.Credentials,
		},
		Model: d.config.Model(), Tenant: d.config.Tenant(), GrantsExternal: d.config.Grants == components.GrantsExternal,
		OutboundIssuer: d.config.Credentials.OutboundIssuer, LogFormat: accesslog.Format,
		SkipDelivery: o.skipDelivery, Now: d.now, Poll: d.poll, Patience: o.timeout,
	}.Examine(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := a.print(doctorResult{a.stack, report}, func(w io.Writer) error { return report.Write(w, a.verbose) }); err != nil {
		return err
	}
	if !report.Healthy(o.strict) {
		return errDiffers
	}
	return nil
}
