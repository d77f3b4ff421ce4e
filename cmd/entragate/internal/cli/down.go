package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/entragate/entragate/cmd/entragate/internal/background"
	"github.com/entragate/entragate/cmd/entragate/internal/engine"
	"github.com/entragate/entragate/cmd/entragate/internal/orphans"
)

// downResult is what `sandbox down --json` prints.
type downResult struct {
	Stack   string         `json:"stack"`
	Changes engine.Changes `json:"changes"`
	// Left are objects of the stack that are still in a cloud.
	Left []orphans.Object `json:"left"`
	// Stopped says whether the clouds were stopped.
	Stopped   bool               `json:"stopped"`
	Durations map[string]float64 `json:"durations"`
}

type downOptions struct{ keep, unprotect bool }

func (a *app) downCommand() *cobra.Command {
	var o downOptions
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Destroy a stack in the sandbox, and stop the clouds when it was the last",
		Long: `Runs a real "pulumi destroy" of the stack, forgets the stack, and looks into both
clouds whether anything of it is left, which fails with exit code 3. Entra keeps
deleted applications for a while, as it does everywhere.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.down(cmd.Context(), o) },
	}
	cmd.Flags().BoolVar(&o.keep, "keep", false, "keep the clouds running")
	cmd.Flags().BoolVar(&o.unprotect, "unprotect", false, "destroy what the stack protects, too")
	return cmd
}

func (a *app) down(ctx context.Context, o downOptions) (err error) {
	s, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	result := downResult{Stack: a.stack, Left: []orphans.Object{}, Durations: s.timings}
	state, err := engine.ReadState(s.layout.state(), s.project.Name, a.stack)
	if err != nil {
		return err
	}
	if len(state.Resources)+len(state.Pending) > 0 || s.run.Interrupted || s.known() {
		if err := s.destroy(ctx, o, &result); err != nil {
			return err
		}
	}
	objects, err := s.objects(ctx)
	if err != nil {
		return err
	}
	result.Left = orphans.Find(objects, nil)
	if result.Stopped, err = s.stop(ctx, o); err != nil {
		return err
	}
	if err := a.print(result, result.text); err != nil {
		return err
	}
	if len(result.Left) > 0 {
		return errDiffers
	}
	return nil
}

// known tells whether the stack exists, if only empty.
func (s *session) known() bool {
	names, err := engine.Stacks(s.layout.state(), s.project.Name)
	return err == nil && slices.Contains(names, s.app.stack)
}

func (s *session) destroy(ctx context.Context, o downOptions, result *downResult) error {
	e, err := s.engine(ctx)
	if err != nil {
		return err
	}
	if err := s.repair(ctx, e); err != nil {
		return err
	}
	state, err := e.State()
	if err != nil {
		return err
	}
	// The engine would delete everything else before it refused.
	if protected := state.Protected(); len(protected) > 0 && !o.unprotect {
		return fmt.Errorf("stack %s protects %d resources, such as %s: --unprotect destroys them all the same",
			s.app.stack, len(protected), protected[0].URN.Name())
	}
	if o.unprotect {
		if err := e.Unprotect(ctx); err != nil {
			return err
		}
	}
	s.app.progress("pulumi destroy, stack %s", s.app.stack)
	err = s.phase("destroy", func() (err error) {
		result.Changes, err = e.Destroy(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if err := s.run.Settled(); err != nil {
		return err
	}
	if err := e.Remove(ctx); err != nil {
		return err
	}
	return os.RemoveAll(s.layout.work(s.project.Name, s.app.stack))
}

// stop stops the clouds, unless another stack is deployed there.
func (s *session) stop(ctx context.Context, o downOptions) (bool, error) {
	if o.keep {
		return false, nil
	}
	others, err := engine.AllStacks(s.layout.state())
	if err != nil {
		return false, err
	}
	if len(others) > 0 {
		s.app.progress("sandbox: keeps running for %s", strings.Join(others, ", "))
		return false, nil
	}
	return background.Stop(ctx, s.layout.dir)
}

func (r downResult) text(w io.Writer) error {
	if len(r.Left) > 0 {
		fmt.Fprintf(w, "stack %s is destroyed, but this is left of it:\n", r.Stack)
		writeObjects(w, r.Left)
		return nil
	}
	fmt.Fprintf(w, "stack %s is destroyed: deleted %d resources, nothing of it is left in either cloud\n", r.Stack, r.Changes.Delete)
	return nil
}

func writeObjects(w io.Writer, objects []orphans.Object) {
	for _, o := range objects {
		fmt.Fprintf(w, "  %-5s %-34s %s  %s\n", o.Cloud, shortType(o.Type), o.ID, o.Name)
	}
}

// shortType is the last part of a Pulumi type.
func shortType(t string) string { return t[strings.LastIndex(t, ":")+1:] }
