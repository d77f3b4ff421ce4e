package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
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
	Inputs  map[string]any `json:"inputs"`
	Outputs map[string]any `json:"outputs"`
}

// Operation is a pending operation.
type Operation struct {
	Type     apitype.OperationType `json:"type"`
	Resource Resource              `json:"resource"`
}

// ParseState reads the deployment of an exported stack.
func ParseState(deployment json.RawMessage) (State, error) {
	var s State
	if len(deployment) == 0 {
		return s, nil // a stack that was never deployed
	}
	if err := json.Unmarshal(deployment, &s); err != nil {
		return s, fmt.Errorf("reading the stack's state: %w", err)
	}
	return s, nil
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

// Custom are the resources that stand for something in a cloud, providers aside.
func (s State) Custom() []Resource {
	return slices.DeleteFunc(slices.Clone(s.Resources), func(r Resource) bool {
		return !r.Custom || strings.HasPrefix(r.Type, "pulumi:providers:")
	})
}
