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
		`{ $.code = * }`:                                    true,
		`{ $.status = * && $.ok = * }`:                      true,
		`{ $.none = * || $.caller = * }`:                    false,
		`{ $.absent = * }`:                                  false,
		`{ $.code = "*" }`:                                  false,
		`{ $.status != * }`:                                 false,
		`{ $.path = "*ord*7" }`:                             true,
		`{ $.path = "/o*o*7" }`:                             false,
		`{ $.status = "4*403" }`:                            false, // no overlap
		`%40[0-3]%`:                                         true,
		`%^40\d%`:                                           false,
		`%status.:.4\d{2}%`:                                 true,
		`%abs?ent%`:                                         false,
		`{ $.status = %^4\d\d$% }`:                          true,
		`{ $.status != %^4% }`:                              false,
		`{ $.absent != %^4% }`:                              false,
		`{ $.code = %403% }`:                                false,
		`{ $.path = %orders/\d+% && $.status = %3$% }`:      true,
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
		`"open`:         "open quote",
		`"a\`:           "backslash",
		`- a`:           "empty term",
		`""`:            "empty term",
		`%4..`:          "open %",
		`%%`:            "want letters, digits",
		`%(4)%`:         "want letters, digits",
		`%a b%`:         "want letters, digits",
		`%a!%`:          "want letters, digits",
		`%é%`:           "want letters, digits",
		`%\pL%`:         "want letters, digits",
		`%a\%`:          "want letters, digits",
		`%[a%`:          "missing closing ]",
		`%a**%`:         "invalid nested repetition",
		`%a% b`:         "want it alone",
		`b %a%`:         "want a regular expression alone",
		`-%a%`:          "want a regular expression alone",
		`{ $.a > %x% }`: "want = or !=",
		`{ $.a = %x }`:  "open %",
		`{ $.a = %x% || $.b = %x% || $.c = %x% }`: "got 3 regular expressions, want at most 2",
		`[ip, user]`:        "not implemented",
		`{`:                 "want a selector",
		`{}`:                "want a selector",
		`{ status = 1 }`:    "want a selector",
		`{ $.a }`:           "want a comparison",
		`{ $.a = }`:         "want a number or text",
		`{ $.a = 1`:         "closing brace",
		`{ $.a = 1 } x`:     "closing brace",
		`{ $.a = 1 && }`:    "want a selector",
		`{ ($.a = 1 }`:      "closing parenthesis",
		`{ $.a IS MAYBE }`:  "TRUE, FALSE or NULL",
		`{ $.a NOT THERE }`: "EXISTS after NOT",
		`{ $.a > "x" }`:     "want = or !=",
		`{ $.a == 1 }`:      "want a number or text",
	} {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			_, err := logs.ParseFilter(pattern)
			require.ErrorContains(t, err, want)
		})
	}
}

// TestTextsThatJSONEscapesAreFound: what a pattern names need not stand in the
// message as it is.
func TestTextsThatJSONEscapesAreFound(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]bool{
		`{ $.a = "4*" && $.b = "x/y" }`:              true,
		`{ $.a = "403" }`:                            true,
		`{ $.a = "*3" && $.c = "caf*" }`:             true,
		`{ $.c = "café" }`:                           true,
		`{ $.a = "5*" }`:                             false,
		`{ ($.a = "5*" || $.a = "4*") && $.a = 4* }`: true,
		`{ $.a = "5*" && $.a = "6*" || $.a = "4*" }`: true,
		`{ $.a != "5*" }`:                            true,
		`{ $.d = "q\"r" }`:                           true,
	} {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			matches, err := logs.ParseFilter(pattern)
			require.NoError(t, err)
			require.Equal(t, want, matches(`{"a":"\u00340\u0033","b":"x\/y","c":"caf\u00e9","d":"q\"r"}`))
			require.Equal(t, want, matches(`{"a": "403", "b" :"x/y","c":"café","d":"q\u0022r"}`))
		})
	}
	matches, err := logs.ParseFilter(`{ $.c = "café" && $.a = "4*" && $.b = "*/y" }`)
	require.NoError(t, err)
	require.True(t, matches(`{"a":"403","b":"x/y","c":"café"}`))
	require.False(t, matches(`{"a":"503","b":"x/y","c":"café"}`))
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
