package routekey_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/edge/routekey"
)

func TestKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	const form = `want $default or "METHOD /path"`
	for key, want := range map[string]string{
		"":                     form,
		"GET":                  form,
		"GET ":                 form,
		"/orders":              form,
		" /orders":             form,
		"GET orders":           form,
		"get /orders":          form,
		"TRACE /orders":        form,
		"GET  /orders":         form,
		"$Default":             form,
		"$connect":             form,
		"GET /{proxy+}/orders": "must be the last segment",
		"GET /a//b":            `got the segment ""`,
		"GET /orders/":         `got the segment ""`,
		"GET //":               `got the segment ""`,
		"GET /orders/{id":      `got the segment "{id"`,
		"GET /orders/x{id}":    `got the segment "x{id}"`,
		"GET /{}":              `got the segment "{}"`,
		"GET /{+}":             `got the segment "{+}"`,
		"GET /{a{b}":           `got the segment "{a{b}"`,
		"GET /{a+b}":           `got the segment "{a+b}"`,
		"GET /{proxy++}":       `got the segment "{proxy++}"`,
		"GET /a b":             `got the segment "a b"`,
		"GET /a?b":             `got the segment "a?b"`,
		"GET /{a}/{a}":         "path variable a occurs twice",
		"GET /{a}/{a+}":        "path variable a occurs twice",
	} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			_, err := routekey.Parse(key)
			require.ErrorContains(t, err, want)
		})
	}
}

func TestKeysConflictThatNameAVariableDifferently(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"GET /orders/{id}", "GET /orders/{order}", true},
		{"GET /orders/{id}", "GET /orders/{order}/lines", true},
		{"GET /a/{b}/c/{d}", "GET /a/{b}/c/{e}", true},
		{"GET /{proxy+}", "GET /{rest+}", true},
		{"GET /orders/{id}", "GET /orders/{id}/lines", false},
		{"GET /orders/{id}", "GET /orders/latest", false},
		{"GET /orders/{id}", "GET /orders/{proxy+}", false},
		{"GET /orders/{id}", "GET /customers/{customer}", false},
		{"GET /orders/{id}", "DELETE /orders/{order}", false},
		{"GET /", "GET /{id}", false},
	} {
		a, err := routekey.Parse(test.a)
		require.NoError(t, err)
		b, err := routekey.Parse(test.b)
		require.NoError(t, err)
		require.Equal(t, test.want, a.Conflicts(b), "%s, %s", test.a, test.b)
		require.Equal(t, test.want, b.Conflicts(a), "%s, %s", test.b, test.a)
	}
}

func TestVariablesKeepTheirEscapedForm(t *testing.T) {
	t.Parallel()
	key, err := routekey.Parse("GET /{a}/{p+}")
	require.NoError(t, err)
	found, ok := key.Match(routekey.ParsePath("/x%2Fy/1%20/z"))
	require.True(t, ok)
	require.Equal(t, []routekey.Variable{
		{Name: "a", Escaped: "x%2Fy", Value: "x/y"},
		{Name: "p", Escaped: "1%20/z", Value: "1 /z"},
	}, found)
}

// FuzzParse holds that every key without variables matches its own path, and
// that a key compares equal to itself.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"GET /", "ANY /{proxy+}", "GET /a/{b}/c", "PUT /a//b", "GET /{a}/{a}", "$default"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := routekey.Parse(text)
		if err != nil {
			return
		}
		require.Zero(t, key.Compare(key))
		method, path, _ := strings.Cut(text, " ")
		require.Equal(t, method, key.Method)
		if !strings.ContainsAny(path, "{%") {
			_, ok := key.Match(routekey.ParsePath(path))
			require.True(t, ok)
		}
	})
}
