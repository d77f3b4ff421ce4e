package requests

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/accesslog"
	"github.com/entragate/entragate/sandbox/aws/logs"
)

func TestQueriesAreRefused(t *testing.T) {
	t.Parallel()
	r := Reader{Now: func() time.Time { return start }, Model: model()}
	for name, test := range map[string]struct {
		query Query
		want  string
	}{
		"a time to come":               {Query{Since: -time.Hour}, "since: got -1h0m0s, want how long ago to begin"},
		"a start to come":              {Query{Start: start.Add(time.Second)}, "want a time before now, which is 2026-03-01T12:00:00Z"},
		"a limit below none":           {Query{Limit: -1}, "limit: got -1, want how many requests, or 0 for all"},
		"a caller with a line":         {Query{Caller: "spa\n"}, "caller: got \"spa\\n\", want a client's name or id"},
		"a caller that is a book":      {Query{Caller: strings.Repeat("x", 513)}, "caller: got \"xxx"},
		"a word for a route":           {Query{Route: "orders"}, `route: got "orders", want a route key such as "GET /orders/{id}"`},
		"a method alone":               {Query{Route: "GET"}, `route: got "GET", want a route key`},
		"a method and no path":         {Query{Route: "GET orders"}, `route: got "GET orders", want a route key`},
		"a route with a line":          {Query{Route: "GET /\x1b[31m"}, "want a route key"},
		"a route that is a book":       {Query{Route: "/" + strings.Repeat("x", 512)}, "want a route key"},
		"a path that no route has":     {Query{Route: "GET /order"}, `route: got "GET /order", which no route takes, want one of the stack, such as "GET /orders", `},
		"another method of a path":     {Query{Route: "PUT /orders/17"}, `want one of the stack, such as "GET /orders/{id}", "DELETE /orders/{id}"`},
		"a key of another variable":    {Query{Route: "GET /order/{number}"}, "which no route takes"},
		"a method that there is not":   {Query{Route: "FETCH /orders"}, "which no route takes"},
		"any method of a scoped route": {Query{Route: "ANY /orders"}, "which no route takes"},
		"$default where there is none": {Query{Route: "$default"}, `got "$default", which no route takes`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := r.search(test.query)
			require.ErrorContains(t, err, test.want)
		})
	}
}

// TestConditions states which of some requests a query takes, and wants that the
// pattern never selects less.
func TestConditions(t *testing.T) {
	t.Parallel()
	r := Reader{Now: func() time.Time { return start }, Model: model(), Clients: map[string]string{"spa": spa, "export": daemon}}
	lines := map[string]values{
		"ok":        allowed("ok"),
		"v1":        allowed("v1").with("authorizer.claims.azp", "").with("authorizer.claims.appid", spa),
		"daemon":    {"requestId": "daemon", "httpMethod": "GET", "path": "/export", "routeKey": "GET /export", "status": "200", "integration.status": "200", "authorizer.azp": daemon, "authorizer.oid": "principal", "authorizer.idtyp": "app"},
		"list":      allowed("list").with("path", "/orders").with("routeKey", "GET /orders"),
		"expired":   refused("expired", "401", "the token has expired"),
		"unrouted":  refused("unrouted", "404", "").with("path", "/ordersx").with("routeKey", ""),
		"throttled": refused("throttled", "429", "").with("identity.sourceIp", "2001:db8::1"),
		"crashed":   byRole(refused("crashed", "500", "the authorizer's function failed")),
		"backend":   allowed("backend").with("status", "403").with("integration.status", "403"),
		"late":      allowed("late").with("status", "503").with("integration.status", "").with("integrationErrorMessage", "late"),
		"delete":    allowed("delete").with("httpMethod", "DELETE").with("routeKey", "DELETE /orders/{id}"),
	}
	for name, test := range map[string]struct {
		query   Query
		want    string
		exactly bool // the pattern alone selects these
	}{
		"all":                         {Query{}, "ok v1 daemon list expired unrouted throttled crashed backend late delete", true},
		"denied":                      {Query{Denied: true}, "expired unrouted throttled crashed", false},
		"a client by name":            {Query{Caller: "spa"}, "ok v1 list backend late delete", true},
		"a client by id":              {Query{Caller: spa}, "ok v1 list backend late delete", true},
		"a daemon":                    {Query{Caller: "export"}, "daemon", true},
		"a user":                      {Query{Caller: alice}, "ok v1 list backend late delete", true},
		"a service principal":         {Query{Caller: "principal"}, "daemon", true},
		"a subject":                   {Query{Caller: "pairwise"}, "ok v1 list backend late delete", true},
		"an address":                  {Query{Caller: "192.0.2.9"}, "expired unrouted crashed", true},
		"an address in another form":  {Query{Caller: "2001:DB8:0::1"}, "throttled", false},
		"nobody":                      {Query{Caller: "nobody"}, "", true},
		"a star is no wildcard":       {Query{Caller: "*"}, "", false},
		"a quote is no end":           {Query{Caller: `" || $.status = "*`}, "", false},
		"a route":                     {Query{Route: "GET /orders/{id}"}, "ok v1 expired throttled backend late", true},
		"a route in small letters":    {Query{Route: "get /orders/{id}"}, "ok v1 expired throttled backend late", true},
		"a request line":              {Query{Route: "GET /orders/17"}, "ok v1 expired throttled backend late", true},
		"a path":                      {Query{Route: "/orders"}, "ok v1 list expired throttled backend late delete", true},
		"a path with a slash":         {Query{Route: "/orders/"}, "ok v1 list expired throttled backend late delete", true},
		"everything below the root":   {Query{Route: "/"}, "ok v1 daemon list expired unrouted throttled crashed backend late delete", false},
		"a path that no route has":    {Query{Route: "/ordersx"}, "unrouted", true},
		"no route":                    {Query{Route: Unrouted}, "unrouted", true},
		"denied on a route":           {Query{Denied: true, Route: "GET /export"}, "crashed", false},
		"denied by address and route": {Query{Denied: true, Caller: "192.0.2.9", Route: "GET /orders/{id}"}, "expired", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := r.search(test.query)
			require.NoError(t, err)
			require.LessOrEqual(t, len(s.pattern), accesslog.MaxPatternBytes)
			selects, err := logs.ParseFilter(s.pattern)
			require.NoError(t, err, s.pattern)
			wanted := strings.Fields(test.want)
			for id, v := range lines {
				message := render(start, v)
				request := r.newRequest(event{id: id, message: message})
				require.False(t, request.Unreadable)
				takes := s.takes(request)
				require.Equal(t, slices.Contains(wanted, id), takes, id)
				if takes || test.exactly {
					require.Equal(t, takes, selects(message), "%s by %s", id, s.pattern)
				}
			}
		})
	}
}

func TestAPatternThatIsTooLongIsNotAsked(t *testing.T) {
	t.Parallel()
	r := Reader{Now: func() time.Time { return start }, Model: model()}
	s, err := r.search(Query{Denied: true, Caller: strings.Repeat("c", 300), Route: "/orders"})
	require.NoError(t, err)
	require.LessOrEqual(t, len(s.pattern), accesslog.MaxPatternBytes)
	require.NotContains(t, s.pattern, "ccc")
	require.Contains(t, s.pattern, "/orders")
	require.Len(t, s.matches, 3, "all are checked on what is read")
}

// FuzzQuery wants that whatever is asked for gives a pattern that CloudWatch Logs
// takes, and that selects no less than is wanted.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"spa", "*", `"`, `\`, "/orders", "GET /orders", "-", "/a*b", "/{}", "192.0.2.7", "::1", "$default"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, caller, route string) {
		r := Reader{Now: func() time.Time { return start }, Model: model(), Clients: map[string]string{"spa": spa}, FunctionGroup: functionGroup}
		s, err := r.search(Query{Caller: caller, Route: route})
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(s.pattern), accesslog.MaxPatternBytes)
		selects, err := logs.ParseFilter(s.pattern)
		require.NoError(t, err, s.pattern)
		for _, path := range []string{"/orders/17", "/orders", "/export", route, strings.TrimPrefix(route, "GET ")} {
			escaped := strconv.Quote(path)
			message := render(start, allowed("r").with("authorizer.claims.azp", caller).with("path", escaped[1:len(escaped)-1]))
			request := r.newRequest(event{message: message})
			if !request.Unreadable && s.takes(request) {
				require.True(t, selects(message), "%s by %s", message, s.pattern)
			}
		}
	})
}
