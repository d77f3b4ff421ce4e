package components

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/require"
)

// application is what the engine knows of an application's inputs.
func application(scopes, roles []any) resource.PropertyMap {
	return resource.NewPropertyMapFromMap(map[string]any{
		"api":      map[string]any{"oauth2PermissionScopes": scopes},
		"appRoles": roles,
	})
}

func exposed(value string, enabled bool) map[string]any {
	return map[string]any{"value": value, "enabled": enabled}
}

func TestRemovedWhileActive(t *testing.T) {
	t.Parallel()
	computed := resource.PropertyMap{"api": resource.MakeComputed(resource.NewProperty(""))}
	tests := map[string]struct {
		before, after resource.PropertyMap
		refused       string
	}{
		"an active scope is removed": {
			application([]any{exposed("a", true), exposed("b", true)}, nil), application([]any{exposed("b", true)}, nil), "a",
		},
		"an active scope is renamed": {
			application([]any{exposed("a", true)}, nil), application([]any{exposed("b", true)}, nil), "a",
		},
		"an active role is removed": {
			application(nil, []any{exposed("r", true)}), application(nil, nil), "r",
		},
		"several are removed": {
			application([]any{exposed("b", true)}, []any{exposed("a", true)}), application(nil, nil), "a, b",
		},
		"a scope that does not say is active": {
			application([]any{map[string]any{"value": "a"}}, nil), application(nil, nil), "a",
		},
		"everything becomes unknown": {
			application([]any{exposed("a", true)}, nil), computed, "a",
		},
		"a retired scope is removed": {
			application([]any{exposed("a", false)}, nil), application(nil, nil), "",
		},
		"a scope is retired": {
			application([]any{exposed("a", true)}, nil), application([]any{exposed("a", false)}, nil), "",
		},
		"a scope becomes a role of the same value": {
			application([]any{exposed("a", true)}, nil), application(nil, []any{exposed("a", true)}), "",
		},
		"the role of assigned users, which has no value, is removed": {
			application(nil, []any{map[string]any{"enabled": true}}), application(nil, nil), "",
		},
		"nothing was there": {
			resource.PropertyMap{}, application([]any{exposed("a", true)}, nil), "",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := removedWhileActive(test.before, test.after)
			if test.refused == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.refused+`: cannot be removed while active in a protected stack`)
		})
	}
}
