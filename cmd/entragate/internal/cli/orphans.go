package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/cmd/entragate/internal/engine"
	"github.com/entragate/entragate/cmd/entragate/internal/orphans"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/stacks"
)

// orphansResult is what `orphans --json` prints.
type orphansResult struct {
	Stack   string           `json:"stack"`
	Orphans []orphans.Object `json:"orphans"`
	// Adopted maps URNs to the ids that they became.
	Adopted map[string]string `json:"adopted,omitempty"`
	Deleted bool              `json:"deleted"`
}

type orphansOptions struct {
	accounts
	delete, adopt bool
}

func (a *app) orphansCommand() *cobra.Command {
	var o orphansOptions
	cmd := &cobra.Command{
		Use:   "orphans",
		Short: "Find what a stack has in the clouds and its state does not know",
		Long: `Lists objects that carry the stack's tags, and what is below them, that the Pulumi
state does not know: an interrupted run left them. --adopt takes those into the
state that the state has a pending create for; --delete deletes all others.

Looks into the sandbox; with --real into the accounts that the default
credentials of AWS and Azure SDKs lead to, with the pulumi CLI and the state that
the project uses. Exit code 3: there are orphans.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			if o.real {
				return a.realOrphans(cmd.Context(), o)
			}
			return a.sandboxOrphans(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.delete, "delete", false, "delete them")
	cmd.Flags().BoolVar(&o.adopt, "adopt", false, "take them into the state")
	o.flags(cmd)
	return cmd
}

func (a *app) sandboxOrphans(ctx context.Context, o orphansOptions) (err error) {
	s, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	state, err := engine.ReadState(s.layout.state(), s.project.Name, a.stack)
	if err != nil {
		return err
	}
	adopt := func(ids map[string]string) error {
		e, err := s.engine(ctx)
		if err != nil {
			return err
		}
		if _, err := e.Unlock(ctx); err != nil {
			return err
		}
		return e.Adopt(ctx, ids)
	}
	return a.settle(ctx, s.clouds, stackOf(s.project.Name, a.stack, s.config), state, o, adopt)
}

func (a *app) realOrphans(ctx context.Context, o orphansOptions) error {
	p, _, err := a.project()
	if err != nil {
		return err
	}
	accounts, cfg, err := o.open(ctx, p.Dir, a.stack)
	if err != nil {
		return err
	}
	pulumi := a.pulumi(ctx, p.Dir)
	state, err := exportedState(pulumi)
	if err != nil {
		return err
	}
	adopt := func(ids map[string]string) error { return engine.AdoptWith(pulumi, ids) }
	return a.settle(ctx, accounts, stackOf(p.Name, a.stack, cfg), state, o, adopt)
}

func stackOf(project, name string, cfg stacks.Config) orphans.Stack {
	return orphans.Stack{Project: project, Name: name, GrantsExternal: cfg.Grants == components.GrantsExternal}
}

// settle lists orphans and does with them what the options say.
func (a *app) settle(
	ctx context.Context, c *clouds.Clouds, stack orphans.Stack, state engine.State, o orphansOptions,
	adopt func(map[string]string) error,
) error {
	objects, err := orphans.List(ctx, c, stack)
	if err != nil {
		return err
	}
	result := orphansResult{Stack: stack.Name, Orphans: orphans.Find(objects, state.Custom())}
	left := result.Orphans
	if o.adopt {
		adopted := orphans.Adoptable(left, state.Pending)
		if len(adopted) > 0 {
			if err := adopt(adopted); err != nil {
				return err
			}
		}
		result.Adopted = adopted
		left = slices.DeleteFunc(slices.Clone(left), func(x orphans.Object) bool { return x.AdoptedBy(adopted) })
	}
	if o.delete {
		if err := orphans.Delete(ctx, c, left); err != nil {
			return err
		}
		result.Deleted, left = true, nil
	}
	if err := a.print(result, result.text); err != nil {
		return err
	}
	if len(left) > 0 {
		return errDiffers
	}
	return nil
}

func (r orphansResult) text(w io.Writer) error {
	if len(r.Orphans) == 0 {
		fmt.Fprintf(w, "stack %s has no orphans\n", r.Stack)
		return nil
	}
	fmt.Fprintf(w, "the state of stack %s does not know:\n", r.Stack)
	writeObjects(w, r.Orphans)
	for urn, id := range r.Adopted {
		fmt.Fprintf(w, "adopted %s as %s\n", id, urn)
	}
	if r.Deleted {
		fmt.Fprintln(w, "deleted what was not adopted")
	}
	return nil
}
