package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/stacks"
)

// accessResult is what `access --json` prints.
type accessResult struct {
	Stack string `json:"stack"`
	// Assumed says what the matrix takes for given that the configuration does
	// not say.
	Assumed  string          `json:"assumed,omitempty"`
	Matrix   access.Matrix   `json:"matrix"`
	Warnings access.Problems `json:"warnings"`
}

func (a *app) accessCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "access",
		Short: "Print the access matrix of a stack's configuration, without any cloud",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			p, _, err := a.project()
			if err != nil {
				return err
			}
			if _, err := p.StackFile(a.stack); err != nil {
				return err
			}
			cfg, err := stacks.ReadFiles(p.Dir, a.stack)
			if err != nil {
				return err
			}
			result := accessResult{Stack: a.stack, Warnings: cfg.Model().Warnings()}
			result.Matrix, result.Assumed = matrixOf(cfg.Model())
			return a.print(result, result.text(a.width()))
		},
	}
}

// matrixOf computes the matrix. Where assignment is required and nobody is
// assigned yet, as in a configuration whose tenant is still to be set, every
// user would be refused and the matrix tell nothing: it is then that of users
// who are assigned, and says so.
func matrixOf(m access.Model) (mx access.Matrix, assumed string) {
	if m.Assignment.IsRequired() && len(m.Assignment.Users)+len(m.Assignment.Groups) == 0 {
		m.Assignment.Users = []string{"somebody"}
		assumed = "nobody is assigned to the API in this configuration, so nobody could call; this is for users who are assigned"
	}
	return m.Matrix(), assumed
}

func (r accessResult) text(width int) func(io.Writer) error {
	return func(w io.Writer) error {
		if err := (access.Table{Matrix: r.Matrix}).Write(w, width); err != nil {
			return err
		}
		if r.Assumed != "" {
			fmt.Fprintf(w, "\nnote: %s\n", r.Assumed)
		}
		for _, warning := range r.Warnings {
			fmt.Fprintf(w, "\nwarning: %v\n", warning)
		}
		return nil
	}
}
