package requests

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// listOf reads lines as they would be found.
func listOf(t *testing.T, lines ...values) List {
	t.Helper()
	r := Reader{Model: model(), Clients: map[string]string{"spa": spa, "export": daemon}}
	list := List{}
	for _, v := range lines {
		request := r.newRequest(event{at: start.UnixMilli(), message: render(start, v)})
		require.False(t, request.Unreadable)
		list.Requests = append(list.Requests, request)
	}
	return list
}

func table(t *testing.T, list List, width int) string {
	t.Helper()
	return text(t, func(b *strings.Builder) error { return list.Write(b, width) })
}

func TestTheTable(t *testing.T) {
	t.Parallel()
	list := listOf(t,
		allowed("r1").with("authorizer.claims.oid", ""),
		refused("r2", "401", "invalid_token: the token has expired").with("path", "/orders").with("routeKey", "GET /orders"),
		byRole(refused("r3", "429", "")).with("responseLatency", ""),
		refused("r4", "401", "invalid_token: the moon"),
	)
	list.Notes = []string{"a note", "another"}
	require.Equal(t, `TIME                 STATUS  MS  REQUEST         ROUTE             CALLER     ID  WHY
2026-03-01 12:00:00  200     15  GET /orders/17  GET /orders/{id}  spa        r1
2026-03-01 12:00:00  401      3  GET /orders                       192.0.2.9  r2  expired
2026-03-01 12:00:00  429         GET /export                       192.0.2.9  r3  throttled
2026-03-01 12:00:00  401      3  GET /orders/17  GET /orders/{id}  192.0.2.9  r4  the gateway refused the call for a reason that is not known here: invalid_token: the moon

a note
another
`, table(t, list, 0))
}

func TestTheTableStaysWithinTheScreen(t *testing.T) {
	t.Parallel()
	list := listOf(t, allowed("RL2XYiwjPHcEMEQ=").with("path", "/orders/"+strings.Repeat("é", 200)), refused("RL2XYiwjPHcEMER=", "401", "the token has expired"))
	for _, width := range []int{102, 120, 160, 200} {
		for line := range strings.Lines(table(t, list, width)) {
			require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimRight(line, "\n")), width)
		}
	}
	narrow := table(t, list, 120)
	require.Contains(t, narrow, "RL2XYiwjPHcEMEQ=", "what explain needs is never cut")
	require.Contains(t, narrow, "…")
	require.Equal(t, table(t, list, 1), table(t, list, 2), "as narrow as it can be")
}

func TestColumnsWithoutAnythingAreLeftOut(t *testing.T) {
	t.Parallel()
	got := table(t, listOf(t, allowed("r1").with("path", "/orders").with("routeKey", "GET /orders")), 0)
	require.NotContains(t, got, "ROUTE")
	require.NotContains(t, got, "WHY")
	require.Contains(t, got, "spa "+alice)
	require.Equal(t, "no requests\n", table(t, List{}, 80))
}

func TestNothingInATextIsObeyedByATerminal(t *testing.T) {
	t.Parallel()
	r := Reader{}
	hostile := "/\x1b[2J\u202e\u0007é"
	list := List{Unreadable: 1, Requests: []Request{
		r.newRequest(event{at: start.UnixMilli(), message: "\x1b[31mno line\n\xff"}),
		r.newRequest(event{at: start.UnixMilli(), message: strings.Replace(render(start, refused("r1", "404", "")), "/orders/17", `/\u001b[2J\u202e\u0007é`, 1)}),
	}}
	require.Equal(t, hostile, list.Requests[1].Path)
	x := Explanation{Request: list.Requests[1], Cause: hostile, Advice: []string{hostile}, FunctionLines: []FunctionLine{{Error: hostile}}}
	list.Notes = []string{hostile}
	all := table(t, list, 0) + text(t, func(b *strings.Builder) error { return x.Write(b) })
	for _, request := range list.Requests {
		all += text(t, func(b *strings.Builder) error { return request.Write(b) })
	}
	for _, c := range strings.ReplaceAll(all, "\n", "") {
		require.False(t, unprintable(c), "%q", c)
	}
	require.Contains(t, all, `/\x1b[2J\u202e\aé`)
	require.Contains(t, all, "1 that could not be read")
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	var got string
	for _, request := range listOf(t, allowed("r1"), refused("r2", "403", ""), allowed("r3").with("authorizer.claims.azp", "").with("authorizer.azp", daemon).with("authorizer.claims.oid", daemon)).Requests {
		got += text(t, func(b *strings.Builder) error { return request.Write(b) })
	}
	require.Equal(t, "2026-03-01 12:00:00  200  GET /orders/17  spa "+alice+"  15 ms  r1\n"+
		"2026-03-01 12:00:00  403  GET /orders/17  192.0.2.9  3 ms  r2  the token has none of the scopes of the route\n"+
		"2026-03-01 12:00:00  200  GET /orders/17  export  15 ms  r3\n", got)
}

func TestAnExplanationInParagraphs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log(t, time.Hour, byRole(refused("RL2XYiwjPHcEMEQ=", "403", "")))
	w.logFunction(t, time.Hour, map[string]string{"msg": "refused", "requestId": "RL2XYiwjPHcEMEQ=", "reason": "expired", "azp": daemon, "oid": "principal"})
	x, err := w.Find(t.Context(), "RL2XYiwjPHcEMEQ=", 0)
	require.NoError(t, err)
	require.Equal(t, `GET /export: 403

  request  RL2XYiwjPHcEMEQ=
  time     2026-03-01 11:00:00.000 UTC
  from     192.0.2.9
  route    GET /export
  client   export `+daemon+`

The gateway answered 403: the role authorizer refused the token: the token had expired. It took 3 ms.

What to do
  1. The client keeps tokens too long, or its clock is wrong. Have it get a new one before expires_in is over, as MSAL does by itself.
  2. With the token at hand, `+"`entragate explain --token FILE --route \"GET /export\"`"+` tells every check that it fails; the log shows nothing of a token that was not believed.

The role authorizer's log
  2026-03-01 11:00:00 refused expired
`, text(t, func(b *strings.Builder) error { return x.Write(b) }))
}

type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestAFullDiskIsTold(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, List{}.Write(full{}, 0), errFull)
	require.ErrorIs(t, Request{}.Write(full{}), errFull)
	require.ErrorIs(t, Explanation{}.Write(full{}), errFull)
	require.NoError(t, List{}.Write(io.Discard, 0))
}
