package requests

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/accesslog"
)

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.Read(t.Context(), Query{Route: "GET /nonesuch"})
	require.ErrorContains(t, err, "which no route takes")
	require.Zero(t, w.calls, "nothing is asked of the cloud")

	w.Group = "/aws/vendedlogs/apis/nonesuch"
	for _, limit := range []int{0, 10} {
		_, err = w.Read(t.Context(), Query{Limit: limit})
		require.EqualError(t, err, "log group /aws/vendedlogs/apis/nonesuch: it does not exist: see that the stack is deployed, and in this account and region")
	}

	w.Group = group
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, limit := range []int{0, 10} {
		_, err = w.Read(ended, Query{Limit: limit})
		require.ErrorIs(t, err, context.Canceled)
	}
}

func TestTheLastRequestsAreRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 40 {
		w.log(t, time.Duration(40-i)*time.Minute, allowed(fmt.Sprintf("r%d", i+1)))
	}
	w.log(t, 2*time.Hour, allowed("before"))
	for name, test := range map[string]struct {
		query Query
		want  []string
	}{
		"all":               {Query{}, numbered(1, 40)},
		"the last":          {Query{Limit: 3}, numbered(38, 40)},
		"more than there":   {Query{Limit: 50}, numbered(1, 40)},
		"since":             {Query{Since: 10 * time.Minute}, numbered(31, 40)},
		"since, of a few":   {Query{Since: 10 * time.Minute, Limit: 5}, numbered(36, 40)},
		"since a time":      {Query{Start: start.Add(-3 * time.Minute)}, numbered(38, 40)},
		"of a day":          {Query{Since: 24 * time.Hour}, append([]string{"before"}, numbered(1, 40)...)},
		"none of a caller":  {Query{Caller: "nobody", Limit: 5}, []string{}},
		"since before 1970": {Query{Since: 100 * 365 * 24 * time.Hour, Limit: 100}, append([]string{"before"}, numbered(1, 40)...)},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := w.Read(t.Context(), test.query)
			require.NoError(t, err)
			require.Equal(t, test.want, ids(list.Requests))
			require.Zero(t, list.Unreadable)
		})
	}
}

func TestLinesAheadOfTheClockAreRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log(t, -30*time.Second, allowed("ahead")) // this machine's clock is late
	for _, limit := range []int{0, 5} {
		list, err := w.Read(t.Context(), Query{Limit: limit})
		require.NoError(t, err)
		require.Equal(t, []string{"ahead"}, ids(list.Requests))
	}
}

func TestALookForAFewEndsSoon(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 100 {
		w.log(t, time.Duration(i)*time.Second, allowed(fmt.Sprintf("r%d", i)))
	}
	list, err := w.Read(t.Context(), Query{Limit: 10, Since: 14 * 24 * time.Hour})
	require.NoError(t, err)
	require.Len(t, list.Requests, 10)
	require.Equal(t, 1, w.calls)
}

func TestReasonsAreInWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log(t, 9*time.Second, allowed("ok"))
	w.log(t, 8*time.Second, refused("expired", "401", "invalid_token: the token has expired"))
	w.log(t, 7*time.Second, refused("scope", "403", ""))
	w.log(t, 6*time.Second, byRole(refused("role", "403", "")))
	w.log(t, 5*time.Second, byRole(refused("kept", "403", "")))
	w.log(t, 4*time.Second, refused("gone", "403", "").with("routeKey", "GET /gone"))
	w.log(t, 4*time.Second, refused("public", "403", "").with("routeKey", "GET /health"))
	w.log(t, 3*time.Second, byRole(refused("crashed", "500", "the authorizer's function failed: Unhandled")))
	w.logFunction(t, 6*time.Second, map[string]string{"msg": "refused", "requestId": "role", "reason": "missing-role", "azp": daemon, "oid": "principal"})
	w.logFunction(t, 3*time.Second, map[string]string{"msg": "not decided", "requestId": "crashed", "error": "the signing keys of the issuer cannot be had"})
	w.logFunction(t, 3*time.Second, map[string]string{"msg": "refused", "requestId": "ok", "reason": "missing-role"})

	list, err := w.Read(t.Context(), Query{Limit: 10})
	require.NoError(t, err)
	require.Empty(t, list.Notes)
	require.Equal(t, 6+1, w.calls, "the hour in six steps, and one look into the role authorizer's log")
	got := map[string]Request{}
	for _, r := range list.Requests {
		got[r.RequestID] = r
		require.NotEmpty(t, r.Words)
	}
	require.Empty(t, got["ok"].Reason)
	require.Equal(t, "spa", got["ok"].Client)
	require.Empty(t, got["ok"].FunctionReason)
	require.Equal(t, accesslog.Expired, got["expired"].Reason)
	require.Equal(t, accesslog.MissingScope, got["scope"].Reason, "no other reason is left on a route without roles")
	require.Equal(t, accesslog.RoleRefused, got["role"].Reason)
	require.Equal(t, "missing-role", got["role"].FunctionReason)
	require.Contains(t, got["role"].Words, accesslog.MissingRole.Words())
	require.Equal(t, "export", got["role"].Client, "as the role authorizer's log says")
	require.Equal(t, accesslog.RoleRefused, got["kept"].Reason)
	require.Empty(t, got["kept"].FunctionReason)
	require.Equal(t, accesslog.RoleRefused, got["gone"].Reason, "of a route that is no more nobody knows")
	require.Equal(t, accesslog.RoleRefused, got["public"].Reason, "a public route has no scopes to miss")
	require.Equal(t, accesslog.AuthorizerFailed, got["crashed"].Reason)
}

func TestTheRoleAuthorizersLogIsNotAskedForNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log(t, time.Second, refused("expired", "401", "the token has expired"))
	_, err := w.Read(t.Context(), Query{Since: time.Minute, Limit: 1})
	require.NoError(t, err)
	require.Equal(t, 1, w.calls)

	w.log(t, time.Second, byRole(refused("role", "403", "")))
	w.FunctionGroup = ""
	list, err := w.Read(t.Context(), Query{Since: time.Minute, Limit: 1})
	require.NoError(t, err)
	require.Equal(t, 2, w.calls)
	require.Empty(t, list.Notes)
}

func TestAFunctionsLogThatIsGoneIsNoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.FunctionGroup = "/aws/lambda/nonesuch"
	w.log(t, time.Second, byRole(refused("role", "403", "")))
	list, err := w.Read(t.Context(), Query{Limit: 1})
	require.NoError(t, err)
	require.Equal(t, []string{"role"}, ids(list.Requests))
	require.Len(t, list.Notes, 1)
	require.Contains(t, list.Notes[0], "log group /aws/lambda/nonesuch: it does not exist")
}

func TestWhatCannotBeReadIsReported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log(t, 3*time.Second, allowed("first"))
	broken := render(start, allowed("broken").with("path", `/"\`))
	w.put(t, group, start.Add(-2*time.Second), broken)
	w.put(t, group, start.Add(-2*time.Second), strings.Repeat("é", 5000))
	w.log(t, time.Second, allowed("last"))
	for _, limit := range []int{0, 10} {
		list, err := w.Read(t.Context(), Query{Limit: limit})
		require.NoError(t, err)
		require.Len(t, list.Requests, 4)
		require.Equal(t, 2, list.Unreadable)
		second := list.Requests[1]
		require.True(t, second.Unreadable)
		require.Equal(t, broken, second.Message)
		require.Equal(t, start.Add(-2*time.Second), second.Time)
		require.Equal(t, strings.Repeat("é", maxMessage/2), list.Requests[2].Message)
		raw, err := json.Marshal(list)
		require.NoError(t, err)
		require.Contains(t, string(raw), `"unreadable":2`)
	}
	list, err := w.Read(t.Context(), Query{Limit: 1})
	require.NoError(t, err)
	require.Equal(t, []string{"last"}, ids(list.Requests))
	require.Equal(t, 2, list.Unreadable, "they were read")
	list, err = w.Read(t.Context(), Query{Denied: true})
	require.NoError(t, err)
	require.Empty(t, list.Requests)
	require.Equal(t, []string{"Lines that are not JSON match no condition: without conditions they are shown."}, list.Notes)
}

func TestNotesSayWhatIsNotShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log(t, time.Second, refused("expired", "401", "expired"))
	list, err := w.Read(t.Context(), Query{Denied: true, Caller: "spa"})
	require.NoError(t, err)
	require.Contains(t, strings.Join(list.Notes, " "), "A call that the gateway itself refused does not say who made it")
	list, err = w.Read(t.Context(), Query{Denied: true, Caller: "192.0.2.9"})
	require.NoError(t, err)
	require.Empty(t, list.Notes)
	require.Equal(t, []string{"expired"}, ids(list.Requests))
}

func TestTheRoleAuthorizersLogSaysWhoCalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log(t, 30*time.Minute, byRole(refused("theirs", "403", "")))
	w.logFunction(t, 30*time.Minute, map[string]string{"msg": "refused", "requestId": "theirs", "reason": "missing-role", "azp": daemon, "oid": "principal"})
	w.log(t, 20*time.Minute, byRole(refused("another's", "403", "")))
	w.logFunction(t, 20*time.Minute, map[string]string{"msg": "refused", "requestId": "another's", "reason": "missing-scope", "azp": spa, "oid": alice})
	w.log(t, 10*time.Minute, byRole(refused("nobody's", "403", "")))
	for caller, want := range map[string]string{"export": "theirs", "principal": "theirs", "spa": "another's", alice: "another's"} {
		for _, limit := range []int{0, 5} {
			list, err := w.Read(t.Context(), Query{Caller: caller, Denied: true, Limit: limit})
			require.NoError(t, err)
			require.Equal(t, []string{want}, ids(list.Requests), caller)
		}
	}
	require.Equal(t, [][]string{{"theirs"}, {}}, w.follow(t, Query{Caller: "export"}, func() {}))

	w.FunctionGroup = "/nonesuch"
	list, err := w.Read(t.Context(), Query{Caller: "export"})
	require.NoError(t, err)
	require.Empty(t, list.Requests)
	require.Contains(t, list.Notes[0], "log group /nonesuch: it does not exist")
}

// manyLines logs n lines within an hour, one of ten of them refused.
func manyLines(b testing.TB, w *world, n int) {
	b.Helper()
	for i := range n {
		v := allowed(fmt.Sprintf("RL2XYiwjPHc%05d", i))
		if i%10 == 0 {
			v = refused(fmt.Sprintf("RL2XYiwjPHc%05d", i), "403", "insufficient_scope: the token does not have any of the scopes that the route requires")
		}
		w.log(b, time.Hour*time.Duration(n-i)/time.Duration(n+1), v)
	}
}

// BenchmarkRead reads 50,000 lines through HTTP with the SDK's client.
func BenchmarkRead(b *testing.B) {
	w := newWorld(b)
	manyLines(b, w, 50_000)
	for name, test := range map[string]struct {
		query Query
		want  int
	}{
		"all":      {Query{}, 50_000},
		"denied":   {Query{Denied: true}, 5_000},
		"the last": {Query{Limit: DefaultLimit}, DefaultLimit},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				list, err := w.Read(b.Context(), test.query)
				require.NoError(b, err)
				require.Len(b, list.Requests, test.want)
			}
		})
	}
	b.Run("the SDK alone", func(b *testing.B) {
		for b.Loop() {
			total := 0
			require.NoError(b, w.scan(b.Context(), group, "", 0, forever, func(events []event) bool {
				total += len(events)
				return true
			}))
			require.Equal(b, 50_000, total)
		}
	})
	b.Run("parsing alone", func(b *testing.B) {
		message := render(start, allowed("RL2XYiwjPHcEMEQ="))
		b.SetBytes(int64(len(message)))
		for b.Loop() {
			_, err := accesslog.Parse(message)
			require.NoError(b, err)
		}
	})
}
