package engine

import (
	"bytes"
	"encoding/json"
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
	return edit(exported, func(resources, pending []stateItem) ([]stateItem, []stateItem, error) {
		left := []stateItem{}
		found := 0
		for _, op := range pending {
			resource, _ := op["resource"].(map[string]any)
			urn, _ := resource["urn"].(string)
			id, adopted := ids[urn]
			if !adopted || op["type"] != string(apitype.OperationTypeCreating) {
				left = append(left, op)
				continue
			}
			found++
			resource["id"] = id
			delete(resource, "outputs")
			resources = append(resources, resource)
		}
		if found != len(ids) {
			return nil, nil, fmt.Errorf("%d of %d objects have a pending create in the state", found, len(ids))
		}
		return resources, left, nil
	})
}

// stateItem is a resource or a pending operation as it is in a state.
type stateItem = map[string]any

// edit changes the resources and pending operations of an exported state and
// leaves everything else as it is.
func edit(
	exported []byte, change func(resources, pending []stateItem) ([]stateItem, []stateItem, error),
) ([]byte, error) {
	var file, deployment map[string]json.RawMessage
	if err := json.Unmarshal(exported, &file); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(file["deployment"], &deployment); err != nil {
		return nil, err
	}
	resources, err := decodeList(deployment["resources"])
	if err != nil {
		return nil, err
	}
	pending, err := decodeList(deployment["pending_operations"])
	if err != nil {
		return nil, err
	}
	if resources, pending, err = change(resources, pending); err != nil {
		return nil, err
	}
	if deployment["resources"], err = json.Marshal(resources); err != nil {
		return nil, err
	}
	if deployment["pending_operations"], err = json.Marshal(pending); err != nil {
		return nil, err
	}
	if file["deployment"], err = json.Marshal(deployment); err != nil {
		return nil, err
	}
	return json.Marshal(file)
}

// decodeList reads a list that may be missing. Numbers keep all their digits.
func decodeList(raw json.RawMessage) ([]stateItem, error) {
	items := []stateItem{}
	if len(raw) == 0 {
		return items, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	err := dec.Decode(&items)
	return items, err
}
