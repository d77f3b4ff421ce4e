package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/review"
	"github.com/entragate/entragate/access/review/render"
	"github.com/entragate/entragate/cmd/entragate/internal/engine"
	"github.com/entragate/entragate/cmd/entragate/internal/project"
	"github.com/entragate/entragate/sandbox/store"
	"github.com/entragate/entragate/stacks"
)

// The forms of a review.
const (
	formTable    = "table"
	formMarkdown = "markdown"
	formJSON     = "json"
	formHTML     = "html"
)

type reviewOptions struct {
	accounts
	format, output string
	plan           bool
	tokenLifetime  time.Duration
}

// judged is what a review found, as the exit code of a gate.
type judged int

func (j judged) Error() string { return fmt.Sprintf("the review ends with exit code %d", int(j)) }

func (a *app) reviewCommand() *cobra.Command {
	var o reviewOptions
	cmd := &cobra.Command{
		Use:   "review",
		Short: "Show who would gain or lose access by a deployment, before it happens",
		Long: `Runs the real preview, compares who can call what of the last deployment with the
configuration, and says for each difference what it is caused by, what it means for
tokens that are already issued, and whether it widens access or breaks callers.

Exit codes, for a gate: 0 nothing that nobody answers for; 2 callers would lose
access; 3 more could call, alone or beside that. A finding that is meant is
acknowledged in the setting "acknowledged", with a reason and an expiry date.

Looks into the sandbox; with --real at the stack in the Pulumi backend that the
project uses.`,
		Example: `  entragate review
  entragate review --real --stack prod --format markdown --output review.md
  entragate review --format html --output review.html
  entragate review --plan      # the next step of renaming a scope safely`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.review(cmd.Context(), o) },
	}
	o.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.format, "format", formTable, "table, markdown, json or html")
	flags.StringVar(&o.output, "output", "", "write it to a file, and the verdict to stdout")
	flags.BoolVar(&o.plan, "plan", false, "print the configuration of the next step, where a scope is renamed or split")
	flags.DurationVar(&o.tokenLifetime, "token-lifetime", review.DefaultTokenLifetime,
		"how long tokens live in this tenant, if a policy says so")
	return cmd
}

// compared is what a review compares.
type compared struct {
	before    *review.Deployment
	after     review.Deployment
	changes   []review.Change
	project   string
	committed stacks.Config // as it is written, whatever the sandbox replaces
	now       time.Time
}

func (a *app) review(ctx context.Context, o reviewOptions) error {
	if !slices.Contains([]string{formTable, formMarkdown, formJSON, formHTML}, o.format) {
		return usageError{fmt.Errorf("--format: got %q, want %s, %s, %s or %s", o.format, formTable, formMarkdown, formJSON, formHTML)}
	}
	if a.json {
		o.format = formJSON
	}
	if o.tokenLifetime <= 0 {
		return usageError{fmt.Errorf("--token-lifetime: got %v, want a time such as 90m", o.tokenLifetime)}
	}
	if err := o.check(); err != nil {
		return err
	}
	compare := a.compareSandbox
	if o.real {
		compare = a.compareReal
	}
	c, err := compare(ctx)
	if err != nil {
		return err
	}
	if o.plan {
		return a.nextStep(c)
	}
	r := review.Compare(c.before, c.after, c.changes, review.Options{
		Now: c.now, Acknowledged: c.committed.Acknowledged, TokenLifetime: o.tokenLifetime,
	})
	if err := a.writeReview(r, o); err != nil {
		return err
	}
	if r.Verdict.Exit != review.ExitOK {
		return judged(r.Verdict.Exit)
	}
	return nil
}

// writeReview prints the review, or writes it into a file. A file is whole or not
// there.
func (a *app) writeReview(r review.Review, o reviewOptions) error {
	write := func(w io.Writer) error {
		switch o.format {
		case formMarkdown:
			return render.Markdown(w, r)
		case formJSON:
			return render.JSON(w, r)
		case formHTML:
			return render.HTML(w, r)
		}
		return render.Table(w, r, a.width())
	}
	if o.output == "" {
		return write(a.stdout)
	}
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	if err := store.WriteFile(o.output, b.Bytes()); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	_, err := fmt.Fprintln(a.stdout, r.Verdict.Words)
	return err
}

func (a *app) compareSandbox(ctx context.Context) (c compared, err error) {
	s, err := a.open(ctx)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	e, err := s.engine(ctx)
	if err != nil {
		return c, err
	}
	state, err := e.State()
	if err != nil {
		return c, err
	}
	before, err := readOutputs(state)
	if err != nil {
		return c, err
	}
	if _, err := e.Unlock(ctx); err != nil {
		return c, err
	}
	a.progress("pulumi preview, stack %s", a.stack)
	changes, err := e.Preview(ctx)
	if err != nil {
		return c, err
	}
	committed, err := stacks.ReadFiles(s.project.Dir, a.stack)
	if err != nil {
		return c, err
	}
	return newCompared(before, s.config, changes, compared{project: s.project.Name, committed: committed, now: s.settings.Now()}), nil
}

func (a *app) compareReal(ctx context.Context) (compared, error) {
	p, _, err := a.project()
	if err != nil {
		return compared{}, err
	}
	cfg, err := stacks.ReadFiles(p.Dir, a.stack)
	if err != nil {
		return compared{}, err
	}
	pulumi := a.pulumi(ctx, p.Dir)
	state, err := exportedState(pulumi)
	if err != nil {
		return compared{}, err
	}
	before, err := readOutputs(state)
	if err != nil {
		return compared{}, err
	}
	a.progress("pulumi preview, stack %s", a.stack)
	raw, err := pulumi(nil, "preview", "--json")
	if err != nil {
		return compared{}, err
	}
	changes, err := engine.ParsePreview(raw)
	if err != nil {
		return compared{}, err
	}
	return newCompared(before, cfg, changes, compared{project: p.Name, committed: cfg, now: time.Now()}), nil
}

// newCompared puts together what is compared. A stack that never was deployed has
// nothing before.
func newCompared(before outputs, cfg stacks.Config, changes engine.Changes, c compared) compared {
	c.after = cfg.Deployment()
	if before.Declared != nil {
		c.before = before.Declared
	}
	for _, change := range changes.Resources {
		switch change.Op {
		case review.OpCreate, review.OpUpdate, review.OpDelete, review.OpReplace:
			c.changes = append(c.changes, review.Change{Op: change.Op, Type: change.Type, Name: change.Name, URN: change.URN, Keys: change.Keys})
		}
	}
	return c
}

// nextStepResult is what `review --plan --json` prints.
type nextStepResult struct {
	*review.SafeOrder
	// Configuration are the settings of the next step.
	Configuration map[string]any `json:"configuration,omitempty"`
}

// nextStep prints where the stack stands in the safe order, and what to deploy
// next.
func (a *app) nextStep(c compared) error {
	order, ok := review.Plan(c.before, c.after)
	if !ok {
		return errors.New("no scope is renamed or split: there is no order to keep")
	}
	result := nextStepResult{SafeOrder: order}
	if order.Problem == "" {
		var err error
		if result.Configuration, err = c.configuration(order.Model); err != nil {
			return err
		}
	}
	return a.print(result, func(w io.Writer) error {
		fmt.Fprintln(w, "#", order.Words)
		for i, step := range order.Steps {
			mark := map[string]string{review.StepDone: "done", review.StepNext: "next"}[step.State]
			fmt.Fprintf(w, "# %d. %-13s %-5s %s\n", i+1, step.Name, mark, step.Words)
		}
		if order.Problem != "" {
			return fmt.Errorf("the order cannot be kept: %s", order.Problem)
		}
		enc := yaml.NewEncoder(w)
		enc.SetIndent(2)
		return errors.Join(enc.Encode(map[string]any{"config": result.Configuration}), enc.Close())
	})
}

// configuration are those settings of the stack that differ from a model, with
// the values that it has. What the sandbox replaced is as it is configured.
func (c compared) configuration(m access.Model) (map[string]any, error) {
	clients := slices.Clone(c.committed.Clients)
	for i, client := range clients {
		if j := slices.IndexFunc(m.Clients, func(other access.Client) bool { return other.Name == client.Name }); j >= 0 {
			clients[i].Scopes = m.Clients[j].Scopes
		}
	}
	routes := []access.Route{}
	for _, route := range m.Routes {
		declared := slices.ContainsFunc(c.committed.Routes, func(other access.Route) bool { return other.Key == route.Key })
		if declared || !strings.HasPrefix(route.Key, "OPTIONS ") { // those for preflight requests are made
			routes = append(routes, route)
		}
	}
	settings := map[string]any{}
	for name, value := range map[string]any{"scopes": m.Scopes, "clients": clients, "routes": routes} {
		plain, err := project.Plain(value)
		if err != nil {
			return nil, err
		}
		settings[c.project+":"+name] = plain
	}
	return settings, nil
}
