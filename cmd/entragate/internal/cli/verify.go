package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
)

// verifyResult is what `verify --json` prints.
type verifyResult struct {
	Stack string `json:"stack"`
	URL   string `json:"url"`
	proof
	Durations map[string]float64 `json:"durations"`
}

func (a *app) verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Call what is deployed in the sandbox as every caller of the access matrix",
		Long: `Gets a token as every caller would (users sign in with the authorization code flow
and PKCE, daemons with client credentials, for which short-lived secrets are made
and removed again), calls every route with it, and compares with the matrix of
the stack's configuration. Exit code 3: a cell differs.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.verify(cmd.Context()) },
	}
}

func (a *app) verify(ctx context.Context) (err error) {
	s, err := a.openSoon(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	target, err := s.target()
	if err != nil {
		return err
	}
	result := verifyResult{Stack: a.stack, URL: target.URL, Durations: s.timings}
	if result.proof, err = s.prove(ctx, target); err != nil {
		return err
	}
	if err := a.print(result, result.text(a.width())); err != nil {
		return err
	}
	if result.Differ > 0 {
		return errDiffers
	}
	return nil
}

func (r verifyResult) text(width int) func(io.Writer) error {
	return func(w io.Writer) error {
		if err := r.table.Write(w, width); err != nil {
			return err
		}
		fmt.Fprintf(w, "\n%s\n", r.verdict(time.Duration(r.Durations["verify"]*float64(time.Second))))
		return nil
	}
}
