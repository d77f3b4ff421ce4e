package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// AdoptWith is [Engine.Adopt] with another way to run the pulumi CLI on the
// stack.
//
// It edits the state with `pulumi stack export` and `import`, and refreshes what
// it added. `pulumi refresh --import-pending-creates` would be the way, but the
// engine of v3.250 drops the operations that it makes: the objects stay unknown
// and the pending creates are gone.
// https://www.pulumi.com/docs/iac/support/troubleshooting/#interrupted-update-recovery
func AdoptWith(run func(stdin []byte, args ...string) ([]byte, error), ids map[string]string) error {
	exported, err := run(nil, "stack", "export")
	if err != nil {
		return err
	}
	edited, err := adopt(exported, ids)
	if err != nil {
		return fmt.Errorf("adopting into the state: %w", err)
	}
	if _, err := run(edited, "stack", "import"); err != nil {
		return err
	}
	args := []string{"refresh", "--yes", "--skip-preview", "--skip-pending-creates", "--suppress-outputs"}
	for _, urn := range slices.Sorted(maps.Keys(ids)) {
		args = append(args, "--target", urn)
	}
	_, err = run(nil, args...)
	return err
}

// adopt turns pending creates of an exported state into resources with the id
// of the object that was created. They have no outputs yet, so that a refresh
// reads them as an import does. What they depend on was there before them, so
// they come last.
func adopt(exported []byte, ids map[string]string) ([]byte, error) {
	var file map[string]json.RawMessage
	if err := json.Unmarshal(exported, &file); err != nil {
		return nil, err
	}
	var deployment map[string]json.RawMessage
	if err := json.Unmarshal(file["deployment"], &deployment); err != nil {
		return nil, err
	}
	var resources, pending []json.RawMessage
	if err := errors.Join(
		decodeList(deployment["resources"], &resources), decodeList(deployment["pending_operations"], &pending),
	); err != nil {
		return nil, err
	}
	left := []json.RawMessage{}
	found := 0
	for _, raw := range pending {
		var op struct {
			Type     apitype.OperationType `json:"type"`
			Resource map[string]any        `json:"resource"`
		}
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		if err := dec.Decode(&op); err != nil {
			return nil, err
		}
		urn, _ := op.Resource["urn"].(string)
		id, adopted := ids[urn]
		if !adopted || op.Type != apitype.OperationTypeCreating {
			left = append(left, raw)
			continue
		}
		found++
		op.Resource["id"] = id
		delete(op.Resource, "outputs")
		resource, err := json.Marshal(op.Resource)
		if err != nil {
			return nil, err
		}
		resources = append(resources, resource)
	}
	if found != len(ids) {
		return nil, fmt.Errorf("%d of %d objects have a pending create in the state", found, len(ids))
	}
	var err error
	if deployment["resources"], err = json.Marshal(resources); err != nil {
		return nil, err
	}
	if deployment["pending_operations"], err = json.Marshal(left); err != nil {
		return nil, err
	}
	if file["deployment"], err = json.Marshal(deployment); err != nil {
		return nil, err
	}
	return json.Marshal(file)
}

// decodeList reads a list that may be missing.
func decodeList(raw json.RawMessage, into *[]json.RawMessage) error {
	if len(raw) == 0 {
		return nil
	}
	return json.Unmarshal(raw, into)
}
