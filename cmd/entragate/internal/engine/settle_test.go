package engine

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func item(urn string, more ...any) stateItem {
	r := stateItem{"urn": urn}
	for i := 0; i < len(more); i += 2 {
		r[more[i].(string)] = more[i+1]
	}
	return r
}

func TestResourcesThatAreGoneAreDroppedUnlessOthersNeedThem(t *testing.T) {
	t.Parallel()
	state := []stateItem{
		item("application"),
		item("principal", "dependencies", []any{"application"}),
		item("grant", "propertyDependencies", map[string]any{"id": []any{"principal"}}),
		item("child", "parent", "other"),
		item("other"),
	}
	for name, tc := range map[string]struct {
		gone       []string
		left, stay []string
	}{
		"nothing":                     {nil, []string{"application", "principal", "grant", "child", "other"}, nil},
		"a leaf":                      {[]string{"grant"}, []string{"application", "principal", "child", "other"}, []string{}},
		"a chain, whatever the order": {[]string{"application", "grant", "principal"}, []string{"child", "other"}, []string{}},
		"what another depends on":     {[]string{"application"}, []string{"application", "principal", "grant", "child", "other"}, []string{"application"}},
		"a parent":                    {[]string{"other", "grant"}, []string{"application", "principal", "child", "other"}, []string{"other"}},
		"what the state has not":      {[]string{"elsewhere"}, []string{"application", "principal", "grant", "child", "other"}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			left, stay := drop(state, tc.gone)
			var urns []string
			for _, r := range left {
				urns = append(urns, text(r["urn"]))
			}
			require.Equal(t, tc.left, urns)
			require.Equal(t, tc.stay, stay)
		})
	}
}

func TestOnlyWhatWasBeingUpdatedIsReadAgain(t *testing.T) {
	t.Parallel()
	op := func(kind, urn string) stateItem {
		return stateItem{"type": kind, "resource": map[string]any{"urn": urn}}
	}
	require.Equal(t, []string{"a"}, updated(
		[]stateItem{item("a"), item("b")},
		[]stateItem{op("updating", "a"), op("updating", "a"), op("deleting", "b"), op("creating", "c"), op("updating", "gone")},
	))
}
