package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/cmd/entragate/internal/engine"
	"github.com/entragate/entragate/stacks"
)

// accounts says whose clouds a command looks into: the sandbox's, or real ones.
type accounts struct {
	real   bool
	region string
}

func (o *accounts) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.real, "real", false, "look into real accounts, not into the sandbox")
	cmd.Flags().StringVar(&o.region, "region", "", "AWS region of real accounts (default that of the AWS configuration)")
}

// check refuses what does not go together.
func (o *accounts) check() error {
	if !o.real && o.region != "" {
		return usageError{fmt.Errorf("--region: got %q without --real: the sandbox has one region", o.region)}
	}
	return nil
}

// open makes clients by the default credentials of both vendors' SDKs.
func (o *accounts) open(ctx context.Context, dir, stack string) (*clouds.Clouds, stacks.Config, error) {
	cfg, err := stacks.ReadFiles(dir, stack)
	if err != nil {
		return nil, cfg, err
	}
	found, err := clouds.Default(ctx, o.region, cfg.Tenant().GraphURL())
	return found, cfg, err
}

// pulumi runs the CLI that the project uses, on its stack.
func (a *app) pulumi(ctx context.Context, dir string) func(stdin []byte, args ...string) ([]byte, error) {
	return func(stdin []byte, args ...string) ([]byte, error) {
		args = append(args, "--stack", a.stack, "--non-interactive")
		cmd := exec.CommandContext(ctx, "pulumi", args...) //nolint:gosec // the user's own stack
		cmd.Dir = dir
		cmd.Stdin = bytes.NewReader(stdin)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("pulumi %s: %w: %s", args[0], err, bytes.TrimSpace(stderr.Bytes()))
		}
		return out, nil
	}
}

// exportedState is the state that the Pulumi backend has of the stack.
func exportedState(pulumi func(stdin []byte, args ...string) ([]byte, error)) (engine.State, error) {
	exported, err := pulumi(nil, "stack", "export")
	if err != nil {
		return engine.State{}, err
	}
	var file struct {
		Deployment json.RawMessage `json:"deployment"`
	}
	if err := json.Unmarshal(exported, &file); err != nil {
		return engine.State{}, fmt.Errorf("reading the exported state: %w", err)
	}
	return engine.ParseState(file.Deployment)
}

// deployed is what a stack has in its clouds.
type deployed struct {
	outputs
	config stacks.Config
	clouds *clouds.Clouds
	now    func() time.Time
	poll   time.Duration
}

// How often to look at what goes on in a cloud. Real ones count requests.
const (
	pollSandbox = 100 * time.Millisecond
	pollReal    = 2 * time.Second
)

// withDeployed changes something about what is deployed, in the sandbox, whose
// stack nobody else changes meanwhile, or in real accounts.
func (a *app) withDeployed(ctx context.Context, o accounts, do func(deployed) error) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	if o.real {
		found, err := a.deployedForReal(ctx, o)
		if err != nil {
			return err
		}
		return do(found)
	}
	s, err := a.openSoon(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	found, err := s.deployed()
	if err != nil {
		return err
	}
	return do(found)
}

// deployed finds what is deployed, to look at it: others may change it meanwhile.
func (a *app) deployed(ctx context.Context, o accounts) (found deployed, err error) {
	if err := o.check(); err != nil {
		return found, err
	}
	if o.real {
		return a.deployedForReal(ctx, o)
	}
	s, err := a.openSoon(ctx)
	if err != nil {
		return found, err
	}
	found, err = s.deployed()
	return found, errors.Join(err, s.close())
}

func (a *app) deployedForReal(ctx context.Context, o accounts) (deployed, error) {
	found := deployed{now: time.Now, poll: pollReal}
	p, _, err := a.project()
	if err != nil {
		return found, err
	}
	if found.clouds, found.config, err = o.open(ctx, p.Dir, a.stack); err != nil {
		return found, err
	}
	raw, err := a.pulumi(ctx, p.Dir)(nil, "stack", "output", "--json")
	if err != nil {
		return found, err
	}
	if err := json.Unmarshal(raw, &found.outputs); err != nil {
		return found, fmt.Errorf("reading the stack's outputs: %w", err)
	}
	return found, nil
}

// deployed is what the stack has in the sandbox.
func (s *session) deployed() (deployed, error) {
	o, err := s.outputs()
	return deployed{outputs: o, config: s.config, clouds: s.clouds, now: s.settings.Now, poll: pollSandbox}, err
}
