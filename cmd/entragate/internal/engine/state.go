package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/entragate/entragate/sandbox/store"
)

// State is what Pulumi knows to exist.
type State struct {
	Resources []Resource `json:"resources"`
	// Pending are operations that were under way when a run was cut off.
	Pending []Operation `json:"pending_operations"`
}

// Resource is one resource of a state.
type Resource struct {
	URN     resource.URN   `json:"urn"`
	Custom  bool           `json:"custom"`
	ID      string         `json:"id"`
	Type    string         `json:"type"`
	Parent  resource.URN   `json:"parent"`
	Protect bool           `json:"protect"`
	Inputs  map[string]any `json:"inputs"`
	Outputs map[string]any `json:"outputs"`
}

// Operation is a pending operation.
type Operation struct {
	Type     apitype.OperationType `json:"type"`
	Resource Resource              `json:"resource"`
}

// ReadState reads the state of a stack from the file in which the CLI keeps it,
// which takes no CLI. It is empty for a stack that does not exist. The form is
// that of apitype.VersionedCheckpoint.
func ReadState(stateDir, project, stack string) (State, error) {
	raw, err := os.ReadFile(stateFile(stateDir, project, stack))
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("reading the state of stack %s: %w", stack, err)
	}
	var file struct {
		Checkpoint struct {
			Latest json.RawMessage `json:"latest"`
		} `json:"checkpoint"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return State{}, fmt.Errorf("reading the state of stack %s: %w", stack, err)
	}
	return ParseState(file.Checkpoint.Latest)
}

// ParseState reads a deployment, as `pulumi stack export` prints it.
func ParseState(deployment json.RawMessage) (State, error) {
	var s State
	if len(deployment) == 0 {
		return s, nil // a stack that was never deployed
	}
	if err := json.Unmarshal(deployment, &s); err != nil {
		return s, fmt.Errorf("reading a stack's state: %w", err)
	}
	return s, nil
}

// Stacks are the names of a project's stacks in the state directory.
func Stacks(stateDir, project string) ([]string, error) {
	all, err := AllStacks(stateDir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, full := range all {
		if name, ok := strings.CutPrefix(full, project+"/"); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// stateFile is where Pulumi's file backend keeps a stack.
func stateFile(stateDir, project, stack string) string {
	return filepath.Join(stateDir, ".pulumi", "stacks", project, stack+".json")
}

// Outputs are those of the stack itself; nil when it was never deployed.
func (s State) Outputs() map[string]any {
	for _, r := range s.Resources {
		if r.Type == string(resource.RootStackType) {
			return r.Outputs
		}
	}
	return nil
}

// Protected are the resources that refuse to be deleted.
func (s State) Protected() []Resource {
	return slices.DeleteFunc(slices.Clone(s.Resources), func(r Resource) bool { return !r.Protect })
}

// Custom are the resources that stand for something in a cloud, providers aside.
func (s State) Custom() []Resource {
	return slices.DeleteFunc(slices.Clone(s.Resources), func(r Resource) bool {
		return !r.Custom || strings.HasPrefix(r.Type, "pulumi:providers:")
	})
}

// AllStacks are the stacks of all projects in the state directory, as
// project/stack.
func AllStacks(stateDir string) ([]string, error) {
	// The directory's own path is no pattern, whatever is in it.
	files, err := fs.Glob(os.DirFS(stateDir), ".pulumi/stacks/*/*.json")
	if err != nil {
		return nil, err
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(file, ".pulumi/stacks/"), ".json")
	}
	return files, nil
}

// mendState puts the CLI's backup in the place of a state file that a power
// failure left cut off: the CLI does not wait for its writes to reach the disk.
// What the backup does not know yet is an orphan then, as after any other
// interruption.
func mendState(stateDir, project, stack string) error {
	file := stateFile(stateDir, project, stack)
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && json.Valid(raw) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the state: %w", err)
	}
	backup, err := os.ReadFile(file + ".bak")
	if err != nil {
		return fmt.Errorf("the state in %s is cut off, and so is its backup: %w", file, err)
	}
	if !json.Valid(backup) {
		return fmt.Errorf("the state in %s is cut off, and so is its backup %s.bak", file, file)
	}
	return store.WriteFile(file, backup)
}
