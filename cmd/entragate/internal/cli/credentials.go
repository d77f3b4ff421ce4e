package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/entragate/entragate/cmd/entragate/internal/credentials"
)

// credentialsResult is what `credentials --json` prints.
type credentialsResult struct {
	Stack       string                   `json:"stack"`
	Credentials []credentials.Credential `json:"credentials"`
}

func (a *app) credentialsCommand() *cobra.Command {
	var o accounts
	cmd := &cobra.Command{
		Use:   "credentials",
		Short: "List how each client proves itself, until when, and when its secret is rotated",
		Long: `Reads from the clouds, for each web client and daemon and for the rotator of their
secrets: the kind of its credential, Entra's key id, when it ends, and the last and
the next rotation. It reads no secret. Exit code 3: something is not as it should
be, such as a credential that ends within 45 days.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withDeployed(cmd.Context(), o, func(d deployed) error { return a.credentials(cmd.Context(), d) })
		},
	}
	o.flags(cmd)
	return cmd
}

func (a *app) credentials(ctx context.Context, d deployed) error {
	found, err := credentials.List(ctx, d.clouds, d.Credentials, d.now())
	if err != nil {
		return err
	}
	result := credentialsResult{a.stack, found}
	if err := a.print(result, result.text); err != nil {
		return err
	}
	if slices.ContainsFunc(found, func(c credentials.Credential) bool { return len(c.Problems) > 0 }) {
		return errDiffers
	}
	return nil
}

func (r credentialsResult) text(w io.Writer) error {
	if len(r.Credentials) == 0 {
		_, err := fmt.Fprintf(w, "stack %s has no client that proves itself\n", r.Stack)
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CLIENT\tKIND\tKEY ID\tENDS\tLAST ROTATION\tNEXT ROTATION")
	for _, c := range r.Credentials {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n",
			c.Client, c.Kind, cmp.Or(c.KeyID, "-"), date(c.Expires), date(c.LastRotation), date(c.NextRotation))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, c := range r.Credentials {
		if c.Issuer != "" {
			fmt.Fprintf(w, "\n%s: takes tokens of %s for %s\n", c.Client, c.Issuer, c.Subject)
		}
		if len(c.Foreign) > 0 {
			fmt.Fprintf(w, "\n%s: has secrets that the rotator did not make and does not remove: %s\n", c.Client, strings.Join(c.Foreign, ", "))
		}
		for _, problem := range c.Problems {
			fmt.Fprintf(w, "\n%s: %s\n", c.Client, problem)
		}
	}
	return nil
}

func date(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format(time.DateOnly)
}

func (a *app) rotateCommand() *cobra.Command {
	var o accounts
	var revoke bool
	var patience time.Duration
	cmd := &cobra.Command{
		Use:   "rotate CLIENT",
		Short: "Rotate the secret of a client now",
		Long: `Has Secrets Manager make a new secret, and waits until it is current. The one before
stays valid, so that nobody is cut off.

--revoke is for a secret that leaked: when the new one is current, all before it
are taken from Entra at once. Who has not read the new one by then gets no token.

CLIENT is a web client or a daemon whose secret is stored, or "rotator": a rotator
that has a secret of its own needs this once, after the first deployment, by
someone who may add a secret to its application.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("%s: got %d arguments, want one client", cmd.CommandPath(), len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withDeployed(cmd.Context(), o, func(d deployed) error {
				return a.rotate(cmd.Context(), d, args[0], revoke, patience)
			})
		},
	}
	o.flags(cmd)
	cmd.Flags().BoolVar(&revoke, "revoke", false, "take the secrets before it from Entra at once")
	cmd.Flags().DurationVar(&patience, "timeout", rotationPatience, "how long to wait")
	return cmd
}

// rotationPatience is more than a rotation takes that is tried twice.
const rotationPatience = 10 * time.Minute

func (a *app) rotation(d deployed, patience time.Duration) credentials.Work {
	return credentials.Work{
		Clouds: d.clouds, Declared: d.Credentials, Now: d.now, Poll: d.poll, Patience: patience, Progress: a.progress,
	}
}

func (a *app) rotate(ctx context.Context, d deployed, client string, revoke bool, patience time.Duration) error {
	if names := credentials.Names(d.Credentials); !slices.Contains(names, client) {
		return usageError{fmt.Errorf("client: got %q, want one whose secret is rotated: %s", client, strings.Join(names, ", "))}
	}
	rotation, err := a.rotation(d, patience).Rotate(ctx, client, revoke)
	if err != nil {
		return err
	}
	return a.print(rotation, func(w io.Writer) error {
		fmt.Fprintf(w, "the secret of %s is %s, until %s\n", client, rotation.KeyID, date(rotation.Expires))
		for _, keyID := range rotation.Revoked {
			fmt.Fprintf(w, "revoked %s\n", keyID)
		}
		return nil
	})
}
