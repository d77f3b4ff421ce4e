package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/entragate/entragate/cmd/entragate/internal/background"
	"github.com/entragate/entragate/cmd/entragate/internal/engine"
	"github.com/entragate/entragate/sandbox"
)

// statusResult is what `sandbox status --json` prints.
type statusResult struct {
	Dir     string `json:"dir"`
	Running bool   `json:"running"`
	PID     int    `json:"pid,omitempty"`
	// Addresses are where the clouds are, or will be when they run again.
	Entra       string        `json:"entra,omitempty"`
	AWS         string        `json:"aws,omitempty"`
	Environment string        `json:"environment,omitempty"`
	TenantID    string        `json:"tenantId,omitempty"`
	Region      string        `json:"region,omitempty"`
	Stacks      []stackStatus `json:"stacks"`
}

type stackStatus struct {
	Project   string `json:"project"`
	Name      string `json:"name"`
	Resources int    `json:"resources"`
	// Pending are operations that an interrupted run left.
	Pending int    `json:"pending"`
	URL     string `json:"url,omitempty"`
}

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Tell whether the clouds run, where, and what is deployed there",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.status(cmd.Context()) },
	}
}

func (a *app) status(ctx context.Context) error {
	dir, err := a.sandboxFolder()
	if err != nil {
		return err
	}
	l := layout{dir}
	result := statusResult{Dir: l.dir, Stacks: []stackStatus{}}
	settings, err := sandbox.ReadSettings(l.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		health, running, err := background.Running(ctx, l.dir)
		if err != nil {
			return err
		}
		result.Running, result.PID = running, health.PID
		result.Entra, result.AWS = settings.EntraURL(), settings.AWSURL()
		result.TenantID, result.Region = settings.TenantID, settings.Region
		result.Environment = sandbox.EnvironmentFile(l.dir)
	}
	names, err := engine.AllStacks(l.state())
	if err != nil {
		return err
	}
	for _, full := range names {
		project, name, _ := strings.Cut(full, "/")
		state, err := engine.ReadState(l.state(), project, name)
		if err != nil {
			return err
		}
		o, err := readOutputs(state)
		if err != nil {
			return err
		}
		result.Stacks = append(result.Stacks, stackStatus{project, name, len(state.Resources), len(state.Pending), o.URL})
	}
	return a.print(result, result.text)
}

func (r statusResult) text(w io.Writer) error {
	if r.Entra == "" {
		fmt.Fprintf(w, "no sandbox in %s: run `entragate sandbox up`\n", r.Dir)
		return nil
	}
	state := "stopped"
	if r.Running {
		state = fmt.Sprintf("running (process %d)", r.PID)
	}
	fmt.Fprintf(w, "sandbox  %s\nEntra    %s (tenant %s)\nAWS      %s (region %s)\nclients  %s\n",
		state, r.Entra, r.TenantID, r.AWS, r.Region, r.Environment)
	for _, s := range r.Stacks {
		fmt.Fprintf(w, "stack    %s of %s: %d resources  %s\n", s.Name, s.Project, s.Resources, s.URL)
		if s.Pending > 0 {
			fmt.Fprintf(w, "         %d operations of it were interrupted; `entragate sandbox up --stack %s` settles them\n", s.Pending, s.Name)
		}
	}
	return nil
}
