package graph

import (
	"testing"
)

// FuzzParseFilter: whatever the text, parsing ends without a panic, and what
// parses can be evaluated and inspected.
func FuzzParseFilter(f *testing.F) {
	for _, seed := range []string{
		"displayName eq 'It''s'", "startswith(displayName,'a') and not (id eq null)", "tags/any(t:t eq 'x') or tags/any()",
		"api/oauth2PermissionScopes/any(s:s/value eq 'a' and s/isEnabled eq true)", "appId in ('a', 'b')", "tags/all(t:startswith(t,'a'))",
		"not not not id eq 6f3c1c4e-0a55-4c1c-9a39-0d7a5b8a3c11", "((((", "any(", "''", "a/any(a:a/any(a:a eq 'x'))", "a/any(a:a/any(b:b/any(c:c eq 'x')))", "id eq 'x' eq 'y'",
	} {
		f.Add(seed)
	}
	object := map[string]any{"id": "x", "tags": []any{"x", nil, true, map[string]any{"value": "x"}}, "api": map[string]any{"tags": []any{}}, "flag": true}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := parseFilter(text)
		if err != nil {
			return
		}
		first := parsed.matches(object, nil)
		if first != parsed.matches(object, nil) {
			t.Fatalf("%q: evaluating twice differs", text)
		}
		if (not{parsed}).matches(object, nil) == first {
			t.Fatalf("%q: its negation agrees with it", text)
		}
		if len(properties(parsed)) == 0 {
			t.Fatalf("%q: names no property", text)
		}
		_ = advanced(parsed)
	})
}
