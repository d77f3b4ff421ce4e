package insights_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMessagesThatHaveNoFields(t *testing.T) {
	t.Parallel()
	for _, message := range []string{
		``, ` `, `a`, `"a"`, `[{"a":1}]`, `{"a":1`, `{"a":1}}`, `{"a":1} x`, `{"a":1}{"a":2}`, `{"a":1,}`, `{,"a":1}`, `{"a":1 "b":2}`,
		`{"a" 1}`, `{"a":}`, `{a:1}`, `{"a":01}`, `{"a":1.}`, `{"a":+1}`, `{"a":-}`, `{"a":1e}`, `{"a":tru}`, `{"a":nul}`, `{"a":1,"b":falsy}`,
		`{"a":1,"b":"` + "\n" + `"}`, `{"a":1,"b":"\x"}`, `{"a":1,"b":"\u12"}`, `{"a":1,"b":"open}`, `{"a":1,"b":"\`, `{"a":1,"b":[1,]}`,
		`{"a":1,"b":[1}`, `{"a":1,"b":[`, `{"a":1,"b":{"c":1}`, `{"a":1,"\z":1}`, `INFO {"a":1}`,
		`{"a":1,"b":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`,
		`{"a":1,"b":` + strings.Repeat(`{"c":`, 200) + `1` + strings.Repeat("}", 200) + `}`,
	} {
		got, _ := run(t, `fields a, b | filter ispresent(a) or ispresent(b)`, events(message))
		require.Empty(t, got, message)
	}
}

func TestMessagesThatHaveFields(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		` {"a":1} `:                           "a=1",
		"\t{ \"a\" : \"x\" , \"b\":[ ] }\r\n": "a=x",
		`{"b":{},"a":-1.5e2}`:                 "a=-1.5e2",
		`{"\u0061":true}`:                     "a=1",
		`{"a":{"a":1}}`:                       "",
		`{}`:                                  "",
		`{"b":[{"a":[0,[7]]}],"a":"z"}`:       "a=z b.0.a.1.0=7",
	} {
		got, _ := run(t, `fields a, b.0.a.1.0`, events(message))
		require.Equal(t, want, got, message)
	}
}

func TestTheFirst200FieldsAreFound(t *testing.T) {
	t.Parallel()
	var members []string
	for i := range 198 {
		members = append(members, fmt.Sprintf(`"f%d":%d`, i, i))
	}
	message := `{` + strings.Join(members, ",") + `,"list":["a","b","c"],"last":"x"}`
	got, _ := run(t, `fields f0, f197, list.0, list.1, list.2, last`, events(message))
	require.Equal(t, "f0=0 f197=197 list.0=a list.1=b", got)
	got, _ = run(t, `parse @message '"last":"*"' as found | display found`, events(message))
	require.Equal(t, "found=x", got)
}
