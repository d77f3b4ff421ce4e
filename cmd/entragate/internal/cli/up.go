package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/engine"
	"github.com/entragate/entragate/components"
)

// upResult is what `sandbox up --json` prints.
type upResult struct {
	Stack   string         `json:"stack"`
	URL     string         `json:"url"`
	Changes engine.Changes `json:"changes"`
	proof
	// Durations are in seconds, by phase.
	Durations map[string]float64 `json:"durations"`

	sandboxDir string
	program    string
}

func (a *app) upCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "up",
		Short: "Deploy a stack into the sandbox, and prove who may call it",
		Long: `Builds the Pulumi CLI and the providers if they are missing, starts the clouds if
they do not run, runs a real "pulumi up" of the stack, and then calls what it
deployed as every caller of the access matrix. Clients get their first secrets
before that. Fails with exit code 3 when a cell
is not as the matrix says.

After an interrupted run it first settles what that left behind. Committed files
are not written: the stack's configuration is copied, and endpoints, tenant,
assigned people and backends of the sandbox are laid over the copy.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.up(cmd.Context()) },
	}
}

func (a *app) up(ctx context.Context) (err error) {
	start := time.Now()
	s, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	e, err := s.engine(ctx)
	if err != nil {
		return err
	}
	if err := s.repair(ctx, e); err != nil {
		return err
	}
	result := upResult{Stack: a.stack, Durations: s.timings, sandboxDir: s.layout.dir, program: a.again()}
	// The Automation API skips the preview, and with it the refusal to delete
	// what is protected would come only after the rest had changed.
	if s.config.Protect {
		a.progress("pulumi preview, stack %s", a.stack)
		if err := s.phase("preview", func() error { _, err := e.Preview(ctx); return err }); err != nil {
			return err
		}
	}
	a.progress("pulumi up, stack %s", a.stack)
	err = s.phase("up", func() (err error) {
		result.Changes, err = e.Up(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if err := s.run.Settled(); err != nil {
		return err
	}
	a.progress("pulumi up: %v", result.Changes)
	if err := s.firstSecrets(ctx); err != nil {
		return err
	}
	target, err := s.target()
	if err != nil {
		return err
	}
	result.URL = target.URL
	a.progress("calling every route as every caller")
	if result.proof, err = s.prove(ctx, target); err != nil {
		return err
	}
	s.timings["total"] = time.Since(start).Round(time.Millisecond).Seconds()
	if err := a.print(result, result.text(a.width())); err != nil {
		return err
	}
	if result.Differ > 0 {
		if result.Changes.None() {
			a.progress("nothing was to be changed and yet cells differ: something was changed outside Pulumi, " +
				"which does not see that by itself; `sandbox down` and `sandbox up` start afresh")
		}
		return errDiffers
	}
	return nil
}

// firstSecrets waits until all clients have theirs.
func (s *session) firstSecrets(ctx context.Context) error {
	if s.config.Grants == components.GrantsExternal {
		s.app.progress("secrets are made when an administrator has permitted the rotator to make them")
		return nil
	}
	d, err := s.deployed()
	if err != nil {
		return err
	}
	return s.phase("secrets", func() error { return s.app.rotation(d, rotationPatience).First(ctx) })
}

func (r upResult) text(width int) func(io.Writer) error {
	return func(w io.Writer) error {
		if err := r.table.Write(w, width); err != nil {
			return err
		}
		took := time.Duration(r.Durations["verify"] * float64(time.Second))
		fmt.Fprintf(w, "\n%s\n%v; up took %.1fs in all\n", r.verdict(took), r.Changes, r.Durations["total"])
		fmt.Fprintf(w, "\nURL     %s\n", r.URL)
		caller, request := r.example()
		if caller == "" {
			return nil
		}
		token := r.program + " token " + caller
		fmt.Fprintf(w, "token   %s\n", token)
		fmt.Fprintf(w, "call    curl --cacert %s -H \"Authorization: Bearer $(%s)\" %s%s\n",
			quoted(filepath.Join(r.sandboxDir, "ca.pem")), token, r.URL, request)
		return nil
	}
}

// example is a call that is allowed: the caller, and the path of a GET route
// without variables.
func (r upResult) example() (caller, path string) {
	for _, route := range r.Matrix.Routes {
		path, ok := strings.CutPrefix(route, "GET ")
		if !ok || strings.Contains(path, "{") {
			continue
		}
		for _, c := range r.Matrix.Callers {
			if d, _ := r.Matrix.At(route, c.ID); d.Allowed && d.Reason != access.ReasonPublic {
				return c.ID, path
			}
		}
	}
	return "", ""
}
