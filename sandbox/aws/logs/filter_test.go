package logs_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/logs"
)

const line = `{"status":"403","code":403,"path":"/orders/7","caller":{"roles":["Orders.Read","x"]},"ok":false,"none":null,"odd-name":"a\"b"}`

func TestFilterPatterns(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]bool{
		"":                                  true,
		"  ":                                true,
		"403":                               true,
		"404":                               false,
		"403 orders":                        true,
		"403 absent":                        false,
		"403 -absent":                       true,
		"403 -orders":                       false,
		"-absent":                           true,
		"?absent ?orders":                   true,
		"?absent ?missing":                  false,
		"403 ?absent":                       true, // "?" does not count beside others
		`"/orders/7"`:                       true,
		`"orders 7"`:                        false,
		`"a\\\"b"`:                          true,
		"ORDERS":                            false, // case counts
		`{ $.status = "403" }`:              true,
		`{ $.status = 403 }`:                false, // text is no number
		`{ $.code = 403 }`:                  true,
		`{ $.code = "403" }`:                false,
		`{ $.code != 401 }`:                 true,
		`{ $.code >= 400 && $.code < 500 }`: true,
		`{ $.code > 403 || $.code <= 402 }`: false,
		`{ $.status = "4*" }`:               true,
		`{ $.status = 4* }`:                 true,
		`{ $.path = "*/7" && $.status != "401" }`:           true,
		`{ $.path = /orders/* }`:                            true,
		`{ ($.code = 1 || $.code = 403) && $.ok IS FALSE }`: true,
		`{ $.code = 1 || $.code = 403 && $.ok IS TRUE }`:    false,
		`{ $.caller.roles[0] = "Orders.Read" }`:             true,
		`{ $.caller.roles[9] = "Orders.Read" }`:             false,
		`{ $.caller['roles'][1] = x }`:                      true,
		`{ $.none IS NULL }`:                                true,
		`{ $.absent IS NULL }`:                              false,
		`{ $.absent NOT EXISTS }`:                           true,
		`{ $.status EXISTS }`:                               true,
		`{ $.status not exists }`:                           false,
		`{ $.absent != "x" }`:                               false,
		`{ $.odd-name = "a\"b" }`:                           true,
		`{ $.code = 4.03e2 }`:                               true,
	} {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			matches, err := logs.ParseFilter(pattern)
			require.NoError(t, err)
			require.Equal(t, want, matches(line))
		})
	}
	matches, err := logs.ParseFilter(`{ $.a NOT EXISTS }`)
	require.NoError(t, err)
	require.False(t, matches("not JSON"))
	require.False(t, matches(`{} {}`))
}

func TestFilterPatternsThatAreRefused(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		`"open`:             "open quote",
		`"a\`:               "backslash",
		`- a`:               "empty term",
		`""`:                "empty term",
		`%4..%`:             "not implemented",
		`[ip, user]`:        "not implemented",
		`{`:                 "want a selector",
		`{}`:                "want a selector",
		`{ status = 1 }`:    "want a selector",
		`{ $.a }`:           "want a comparison",
		`{ $.a = }`:         "want a number or text",
		`{ $.a = 1`:         "closing brace",
		`{ $.a = 1 } x`:     "",
		`{ $.a = 1 && }`:    "want a selector",
		`{ ($.a = 1 }`:      "closing parenthesis",
		`{ $.a IS MAYBE }`:  "TRUE, FALSE or NULL",
		`{ $.a NOT THERE }`: "EXISTS after NOT",
		`{ $.a > "x" }`:     "want = or !=",
		`{ $.a = %x% }`:     "not implemented",
		`{ $.a == 1 }`:      "want a number or text",
	} {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			_, err := logs.ParseFilter(pattern)
			require.ErrorContains(t, err, want)
		})
	}
}

// FuzzParseFilter holds that any pattern is read or refused, and that what is
// read can be applied.
func FuzzParseFilter(f *testing.F) {
	for _, seed := range []string{`{ ($.a = "b*" || $.c[0] >= 1e3) && $.d IS NULL }`, `a -b ?c "d e"`, `{ $['a'] NOT EXISTS }`, "{", `"`, "[", "%"} {
		f.Add(seed, line)
	}
	f.Fuzz(func(_ *testing.T, pattern, message string) {
		matches, err := logs.ParseFilter(pattern)
		if err == nil {
			matches(message)
		}
	})
}
