package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// Settle clears the operations that were cut off. The caller has deleted what
// the creates among them had made, and says which resources do not exist any
// more: reading those would take the azuread provider minutes, since it retries
// what is not found. What was being updated is read.
func (e *Engine) Settle(ctx context.Context, gone []string) error {
	exported, err := e.cli(ctx, nil, "stack", "export")
	if err != nil {
		return err
	}
	var reread []string
	edited, err := edit(exported, func(resources, pending []stateItem) ([]stateItem, []stateItem, error) {
		resources, stay := drop(resources, gone)
		reread = append(stay, updated(resources, pending)...)
		return resources, []stateItem{}, nil
	})
	if err != nil {
		return fmt.Errorf("settling the state: %w", err)
	}
	if _, err := e.cli(ctx, edited, "stack", "import"); err != nil {
		return err
	}
	if len(reread) == 0 {
		return nil
	}
	args := []string{"refresh", "--yes", "--skip-preview", "--suppress-outputs"}
	for _, urn := range reread {
		args = append(args, "--target", urn)
	}
	_, err = e.cli(ctx, nil, args...)
	return err
}

// drop removes resources, but those that others still refer to, which it
// returns.
func drop(resources []stateItem, urns []string) (left []stateItem, stay []string) {
	left, stay = resources, urns
	for {
		referred := references(left, stay)
		removable := slices.DeleteFunc(slices.Clone(stay), func(urn string) bool { return referred[urn] })
		if len(removable) == 0 {
			return left, stay
		}
		isRemovable := func(urn string) bool { return slices.Contains(removable, urn) }
		left = slices.DeleteFunc(slices.Clone(left), func(r stateItem) bool { return isRemovable(text(r["urn"])) })
		stay = slices.DeleteFunc(slices.Clone(stay), isRemovable)
	}
}

// references tells which of the URNs a resource of the state refers to.
func references(resources []stateItem, urns []string) map[string]bool {
	referred := map[string]bool{}
	note := func(value any) {
		if urn := text(value); slices.Contains(urns, urn) {
			referred[urn] = true
		}
	}
	for _, r := range resources {
		note(r["parent"])
		note(r["deletedWith"])
		for _, urn := range list(r["dependencies"]) {
			note(urn)
		}
		properties, _ := r["propertyDependencies"].(map[string]any)
		for _, of := range properties {
			for _, urn := range list(of) {
				note(urn)
			}
		}
	}
	return referred
}

// updated are the resources that an update was at when it was cut off.
func updated(resources, pending []stateItem) []string {
	var urns []string
	for _, op := range pending {
		of, _ := op["resource"].(map[string]any)
		urn := text(of["urn"])
		exists := slices.ContainsFunc(resources, func(r stateItem) bool { return text(r["urn"]) == urn })
		if op["type"] == string(apitype.OperationTypeUpdating) && exists && !slices.Contains(urns, urn) {
			urns = append(urns, urn)
		}
	}
	return urns
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

func list(value any) []any {
	l, _ := value.([]any)
	return l
}
