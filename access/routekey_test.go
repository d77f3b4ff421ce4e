package access_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
)

func TestParseRouteKey(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]access.RouteKey{
		"$default":         {},
		"GET /":            {Method: "GET"},
		"ANY /orders":      {Method: "ANY", Segments: []access.Segment{{Name: "orders"}}},
		"GET /orders/{id}": {Method: "GET", Segments: []access.Segment{{Name: "orders"}, {Name: "id", Kind: access.Variable}}},
		"POST /a.b/{x}/{p+}": {Method: "POST", Segments: []access.Segment{
			{Name: "a.b"}, {Name: "x", Kind: access.Variable}, {Name: "p", Kind: access.Greedy},
		}},
	} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			got, err := access.ParseRouteKey(key)
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, key, got.String())
			require.Equal(t, key == "$default", got.IsDefault())
		})
	}
}

func TestParseRouteKeyRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ key, message, want string }{
		"nothing":                    {"", "malformed route key", `"METHOD /path"`},
		"a path alone":               {"/orders", "malformed route key", `"METHOD /path"`},
		"a method alone":             {"GET", "malformed route key", `"METHOD /path"`},
		"two spaces":                 {"GET  /orders", "path without a leading slash", `"METHOD /path"`},
		"another default":            {"$Default", "malformed route key", `"$default"`},
		"lower case":                 {"get /orders", "unknown method", `"GET"`},
		"misspelt method":            {"DELET /orders", "unknown method", `"DELETE"`},
		"a method AWS does not take": {"TRACE /orders", "unknown method", "GET"},
		"no leading slash":           {"GET orders", "path without a leading slash", `"METHOD /path"`},
		"a trailing slash":           {"GET /orders/", "path ends in a slash", `"GET /orders"`},
		"two slashes":                {"GET /a//b", "empty path segment", "text between"},
		"only slashes":               {"GET //", "path ends in a slash", ""},
		"a query":                    {"GET /orders?x=1", "character not allowed", "letters"},
		"an escape":                  {"GET /a%2Fb", "character not allowed", "letters"},
		"a space":                    {"GET /a b", "character not allowed", "letters"},
		"a wildcard":                 {"GET /orders/*", "character not allowed", "letters"},
		"a letter beyond ASCII":      {"GET /bücher", "character not allowed", "letters"},
		"greedy not last":            {"GET /{proxy+}/x", "greedy variable is not last", `"{proxy+}" as the last`},
		"variable as part":           {"GET /a/{id}.json", "malformed path variable", "a whole segment"},
		"open brace":                 {"GET /a/{id", "malformed path variable", "a whole segment"},
		"closing brace":              {"GET /a/id}", "malformed path variable", "a whole segment"},
		"two variables in one":       {"GET /{a}{b}", "malformed path variable", "a whole segment"},
		"no name":                    {"GET /{}", "malformed path variable", "a name"},
		"greedy without name":        {"GET /{+}", "malformed path variable", "a name"},
		"plus inside":                {"GET /{a+b}", "malformed path variable", "a name"},
		"variable twice":             {"GET /{id}/x/{id}", `variable "id" is in the path twice`, "different names"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := access.ParseRouteKey(tt.key)
			var p access.Problem
			require.True(t, errors.As(err, &p), "%v", err)
			require.Contains(t, p.Message, tt.message)
			require.Contains(t, p.Want, tt.want)
		})
	}
}

func FuzzParseRouteKey(f *testing.F) {
	for _, seed := range []string{"GET /", "$default", "ANY /{proxy+}", "GET /orders/{id}", "get /x", "GET /{a}/{a}", "GET /a//b", "POST /x/", "GET /{a+}/b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		k, err := access.ParseRouteKey(key)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.Equal(t, key, k.String(), "what parses is written back as it was")
		again, err := access.ParseRouteKey(k.String())
		require.NoError(t, err)
		require.Equal(t, k, again)
		for i, s := range k.Segments {
			require.NotEmpty(t, s.Name)
			require.True(t, s.Kind != access.Greedy || i == len(k.Segments)-1, "greedy is last")
		}
	})
}
