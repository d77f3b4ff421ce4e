package engine

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// ParsePreview reads what `pulumi preview --json` prints.
func ParsePreview(raw []byte) (Changes, error) {
	var preview struct {
		Steps []struct {
			Op          apitype.OpType `json:"op"`
			URN         resource.URN   `json:"urn"`
			OldState    *previewState  `json:"oldState"`
			NewState    *previewState  `json:"newState"`
			DiffReasons []string       `json:"diffReasons"`
			Reasons     []string       `json:"replaceReasons"`
		} `json:"steps"`
		ChangeSummary map[apitype.OpType]int `json:"changeSummary"`
	}
	if err := json.Unmarshal(raw, &preview); err != nil {
		return Changes{}, fmt.Errorf("reading the preview: %w", err)
	}
	p := &progress{}
	for _, step := range preview.Steps {
		state := step.NewState
		if state == nil {
			state = step.OldState
		}
		if symbols[step.Op] == "" || step.Op == apitype.OpRefresh || state == nil || !state.Custom || strings.HasPrefix(state.Type, "pulumi:") {
			continue
		}
		keys := step.DiffReasons
		if len(step.Reasons) > 0 {
			keys = step.Reasons
		}
		p.changes.Resources = append(p.changes.Resources, Change{
			Op: string(step.Op), Type: state.Type, Name: step.URN.Name(), URN: string(step.URN), Keys: keys,
		})
	}
	p.count(preview.ChangeSummary)
	return p.changes, nil
}

type previewState struct {
	Type   string `json:"type"`
	Custom bool   `json:"custom"`
}
