package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/entragate/entragate/cmd/entragate/internal/drift"
	"github.com/entragate/entragate/cmd/entragate/internal/verify"
	"github.com/entragate/entragate/components"
)

// verifyResult is what `verify --json` prints.
type verifyResult struct {
	Stack string `json:"stack"`
	URL   string `json:"url"`
	proof
	// Drift is what somebody changed past the program.
	Drift     drift.Report       `json:"drift"`
	Durations map[string]float64 `json:"durations"`
}

// realResult is what `verify --real --json` prints.
type realResult struct {
	Stack string `json:"stack"`
	verify.Result
	Drift drift.Report `json:"drift"`
}

type verifyOptions struct {
	accounts
	signIn, tokens []string
	dryRun         bool
}

func (a *app) verifyCommand() *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Call what is deployed as every caller of the access matrix, and read back who holds what",
		Long: `In the sandbox, gets a token as every caller would (users sign in with the
authorization code flow and PKCE, daemons with client credentials, for which
short-lived secrets are made and removed again), calls every route with it, and
compares with the matrix of the stack's configuration.

With --real, calls what can be called without harm: GET and HEAD routes without
variables, and routes that have a probe. Daemons use their stored secret, if whoever
runs this may read it; for a native client, --sign-in asks a person to sign in by a
device code; other tokens are supplied with --token. What is not called is judged by
the deployed configuration, and marked so. --dry-run says what would be called.

Both read the deployed routes, authorizers and every grant and assignment on the API,
whoever holds them, and report drift: what somebody changed past the program. Exit
code 3: a cell or anything else differs.`,
		Example: `  entragate verify
  entragate verify --real --stack prod --dry-run
  entragate verify --real --stack prod --sign-in desktop --token portal:user=token.txt`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.real {
				return a.verifyReal(cmd.Context(), o, cmd.InOrStdin())
			}
			if len(o.signIn)+len(o.tokens) > 0 || o.dryRun {
				return usageError{errors.New("--sign-in, --token, --dry-run: want --real with them: in the sandbox everybody signs in")}
			}
			return a.verify(cmd.Context(), o)
		},
	}
	o.flags(cmd)
	cmd.Flags().StringArrayVar(&o.signIn, "sign-in", nil, "native client to sign in to by a device code; repeat for more")
	cmd.Flags().StringArrayVar(&o.tokens, "token", nil, `CALLER=FILE with an access token, such as portal:user=token.txt; "-" for stdin`)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "say what would be called, and call nothing")
	return cmd
}

func (a *app) verify(ctx context.Context, o verifyOptions) (err error) {
	if err := o.check(); err != nil {
		return err
	}
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
	d, err := s.deployed()
	if err != nil {
		return err
	}
	// After the calls: the secrets that they were made with are gone again.
	if err := s.phase("drift", func() (err error) {
		result.Drift, err = d.declared().Find(ctx)
		return err
	}); err != nil {
		return err
	}
	if err := a.print(result, result.text(a.width())); err != nil {
		return err
	}
	if result.Differ > 0 || !result.Drift.Clean() {
		return errDiffers
	}
	return nil
}

func (r verifyResult) text(width int) func(io.Writer) error {
	return func(w io.Writer) error {
		if err := r.table.Write(w, width); err != nil {
			return err
		}
		fmt.Fprintf(w, "\n%s\n\n", r.verdict(time.Duration(r.Durations["verify"]*float64(time.Second))))
		return r.Drift.Write(w)
	}
}

// declared is what the configuration says of what is deployed.
func (d deployed) declared() drift.Stack {
	var cors *components.CORS
	if len(d.config.CORS.AllowOrigins) > 0 {
		cors = d.config.CORS.Effective(d.config.Routes)
	}
	return drift.Stack{
		Clouds: d.clouds, URL: d.URL, APIID: d.APIID, Audience: d.Audience, Clients: d.Clients, Credentials: d.Credentials,
		Model: d.config.Model(), Issuer: d.config.Tenant().Issuer(), Throttle: d.config.Throttle, CORS: cors,
		Owners:         append([]string{d.config.Deployer}, d.config.Owners...),
		GrantsExternal: d.config.Grants == components.GrantsExternal, OutboundIssuer: d.config.Credentials.OutboundIssuer,
	}
}

// target is what is called.
func (d deployed) target() verify.Target {
	secrets := map[string]string{}
	for client, declared := range d.Credentials {
		secrets[client] = declared.SecretARN
	}
	return verify.Target{
		URL: d.URL, Audience: d.Audience, Clients: d.Clients, Scopes: d.Scopes, Secrets: secrets, Model: d.config.Model(),
	}
}

func (a *app) verifyReal(ctx context.Context, o verifyOptions, stdin io.Reader) error {
	d, err := a.deployedForReal(ctx, o.accounts)
	if err != nil {
		return err
	}
	supplied, err := verify.ReadTokens(o.tokens, stdin)
	if err != nil {
		return usageError{fmt.Errorf("--token: %w", err)}
	}
	a.progress("reading what is deployed")
	stack := d.declared()
	state, err := stack.Read(ctx)
	if err != nil {
		return err
	}
	target := d.target()
	tokens, err := verify.NewAccounts(verify.AccountsOptions{
		Target: target, TenantID: d.TenantID, Authority: d.config.Tenant().Authority(), Graph: d.clouds.Graph,
		Stored: d.clouds.SecretsManager, HTTP: d.clouds.HTTP, SignIn: o.signIn, Prompt: a.stderr, Supplied: supplied, Now: d.now,
	})
	if err != nil {
		return err
	}
	probes := map[string]verify.Probe{}
	for _, r := range d.config.Routes {
		if r.Probe != nil {
			probes[r.Key] = *r.Probe
		}
	}
	v := &verify.Deployment{
		Target: target, Tokens: tokens, State: state, Issuer: stack.Issuer, Probes: probes, HTTP: d.clouds.HTTP, Progress: a.progress,
	}
	plan, err := v.Plan()
	if err != nil {
		return err
	}
	if o.dryRun {
		return a.print(plan, plan.Write)
	}
	if !a.json {
		if err := plan.Write(a.stderr); err != nil {
			return err
		}
	}
	result := realResult{Stack: a.stack, Drift: stack.Compare(state)}
	if result.Result, err = v.Verify(ctx, plan); err != nil {
		return err
	}
	if err := a.print(result, func(w io.Writer) error {
		if err := result.Write(w, a.verbose); err != nil {
			return err
		}
		return result.Drift.Write(w)
	}); err != nil {
		return err
	}
	if result.Differ > 0 || !result.Drift.Clean() {
		return errDiffers
	}
	return nil
}
