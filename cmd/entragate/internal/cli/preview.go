package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/entragate/entragate/cmd/entragate/internal/engine"
)

// previewResult is what `sandbox preview --json` prints.
type previewResult struct {
	Stack   string         `json:"stack"`
	Changes engine.Changes `json:"changes"`
	// Access is what changes in who may call what.
	Access    []accessChange     `json:"access"`
	Durations map[string]float64 `json:"durations"`
}

// accessChange is a cell whose words change; Before or After is empty for a
// route or caller that appears or goes.
type accessChange struct {
	Route  string `json:"route"`
	Caller string `json:"caller"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

func (a *app) previewCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "preview",
		Short: "Show what `sandbox up` would change, in resources and in access",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.preview(cmd.Context()) },
	}
}

func (a *app) preview(ctx context.Context) (err error) {
	s, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	e, err := s.engine(ctx)
	if err != nil {
		return err
	}
	state, err := e.State()
	if err != nil {
		return err
	}
	before, err := readOutputs(state)
	if err != nil {
		return err
	}
	if s.run.Interrupted || len(state.Pending) > 0 {
		a.progress("a run was interrupted: `entragate sandbox up` will first settle what it left")
	}
	if _, err := e.Unlock(ctx); err != nil {
		return err
	}
	result := previewResult{
		Stack: a.stack, Durations: s.timings,
		Access: accessChanges(before.Access, s.config.Model().Matrix().Words()),
	}
	a.progress("pulumi preview, stack %s", a.stack)
	err = s.phase("preview", func() (err error) {
		result.Changes, err = e.Preview(ctx)
		return err
	})
	if err != nil {
		return err
	}
	return a.print(result, result.text)
}

// accessChanges compares two matrices in words, route by route.
func accessChanges(before, after map[string]map[string]string) []accessChange {
	changes := []accessChange{}
	for _, route := range sortedKeys(before, after) {
		for _, caller := range sortedKeys(before[route], after[route]) {
			if b, a := before[route][caller], after[route][caller]; a != b {
				changes = append(changes, accessChange{Route: route, Caller: caller, Before: b, After: a})
			}
		}
	}
	return changes
}

func sortedKeys[V any](a, b map[string]V) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (r previewResult) text(w io.Writer) error {
	fmt.Fprintf(w, "resources: %v\n", r.Changes)
	if len(r.Access) == 0 {
		fmt.Fprintln(w, "access:    no changes")
		return nil
	}
	fmt.Fprintln(w, "access:")
	route := ""
	for _, c := range r.Access {
		if c.Route != route {
			route = c.Route
			fmt.Fprintf(w, "  %s\n", route)
		}
		switch {
		case c.Before == "":
			fmt.Fprintf(w, "    + %s: %s\n", c.Caller, c.After)
		case c.After == "":
			fmt.Fprintf(w, "    - %s: %s\n", c.Caller, c.Before)
		default:
			fmt.Fprintf(w, "    ~ %s: %s => %s\n", c.Caller, c.Before, c.After)
		}
	}
	return nil
}
