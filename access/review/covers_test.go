package review

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
)

func TestWhichRouteTakesTheRequests(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		key    string
		routes []string
		want   string
	}{
		"none":                                {"GET /a", []string{"GET /b", "POST /a"}, ""},
		"any method":                          {"GET /a", []string{"ANY /a"}, "ANY /a"},
		"another method only":                 {"ANY /a", []string{"GET /a", "POST /a"}, ""},
		"a variable":                          {"GET /a/b", []string{"GET /a/{id}"}, "GET /a/{id}"},
		"a variable of another name":          {"GET /a/{x}", []string{"GET /a/{y}"}, "GET /a/{y}"},
		"a literal takes only some":           {"GET /a/{x}", []string{"GET /a/b"}, ""},
		"a greedy variable":                   {"GET /a/b/c", []string{"GET /a/{proxy+}"}, "GET /a/{proxy+}"},
		"a greedy variable of what is longer": {"GET /a", []string{"GET /a/{proxy+}"}, ""},
		"a greedy variable, not the root":     {"GET /", []string{"ANY /{proxy+}"}, ""},
		"greedy by greedy":                    {"GET /a/{x+}", []string{"ANY /{y+}"}, "ANY /{y+}"},
		"greedy not by a variable":            {"GET /a/{x+}", []string{"GET /a/{y}"}, ""},
		"the default":                         {"GET /", []string{"$default"}, "$default"},
		"the default by nothing":              {"$default", []string{"ANY /{proxy+}"}, ""},
		"the most specific":                   {"GET /a/b", []string{"$default", "ANY /{p+}", "GET /a/{p+}", "ANY /a/{id}", "GET /{p+}"}, "ANY /a/{id}"},
		"what is no key":                      {"nonsense", []string{"$default"}, ""},
		"beside what is no key":               {"GET /a", []string{"nonsense", "ANY /a"}, "ANY /a"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var m access.Model
			for _, key := range test.routes {
				m.Routes = append(m.Routes, access.Route{Key: key})
			}
			require.Equal(t, test.want, newRouting(m).instead(test.key))
		})
	}
}
