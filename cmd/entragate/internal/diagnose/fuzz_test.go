package diagnose

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzExplain wants a verdict or an error about whatever is given, which repeats
// nothing of it, and a yes for nobody who has no key.
func FuzzExplain(f *testing.F) {
	good, role := sign(userToken()), sign(appToken())
	parts := strings.Split(good, ".")
	for _, token := range []string{
		good, role, "", "Bearer " + good, `"` + good + `"`, "..", "{}", parts[0] + "." + parts[1] + ".", "e30.e30.e30.e30.e30", good + "=",
		encode(`{"alg":"none"}`) + "." + encode(`{"scp":["a",1],"roles":{},"exp":1e999}`) + ".x", "0.AXoA.b",
	} {
		f.Add(token, readRoute)
		f.Add(token, bothRoute)
	}
	f.Add(good, "GET https://x/orders/%2F?a=b#c HTTP/1.1")
	f.Add(good, good)
	stack := newWorld().stack()
	signed := []string{parts[0] + "." + parts[1] + ".", role[:strings.LastIndex(role, ".")+1]}
	f.Fuzz(func(t *testing.T, token, request string) {
		report, err := stack.Explain(t.Context(), token, request)
		if err != nil {
			require.NotContains(t, err.Error(), parts[2])
			return
		}
		raw := cleanToken(token)
		if report.Allowed && report.Authorizer != AuthorizerNone {
			require.True(t, strings.HasPrefix(raw, signed[0]) || strings.HasPrefix(raw, signed[1]), "a token that nobody signed")
		}
		requireDiscreet(t, Report{Claims: report.Claims, Checks: report.Checks, Client: report.Client, Summary: report.Summary}, token)
		decides := 0
		for _, c := range report.Checks {
			if c.Decides {
				decides++
			}
		}
		require.Equal(t, report.Allowed, decides == 0)
		require.LessOrEqual(t, decides, 1)
	})
}
