package requests

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/accesslog"
)

func TestFindRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log(t, time.Hour, allowed("there"))
	for name, test := range map[string]struct{ id, want string }{
		"nothing":       {"", "request id: got \"\", want what the answer's header apigw-requestid holds"},
		"a pattern":     {`x" || $.status = "*`, "request id: got"},
		"a star":        {"RL2X*", "request id: got"},
		"a line":        {"RL2X\n", "request id: got"},
		"a long one":    {strings.Repeat("x", 65), "request id: got"},
		"one of nobody": {"RL2XYiwjPHcEMEQ=", "request RL2XYiwjPHcEMEQ=: not in " + group + " since 2026-02-15 12:00 UTC. A line arrives up to some minutes late; API Gateway logs no 413"},
	} {
		_, err := w.Find(t.Context(), test.id, 0)
		require.ErrorContains(t, err, test.want, name)
	}
	_, err := w.Find(t.Context(), "there", time.Minute)
	require.ErrorContains(t, err, "since 2026-03-01 11:59 UTC")
	w.Group = "/nonesuch"
	_, err = w.Find(t.Context(), "there", 0)
	require.ErrorContains(t, err, "it does not exist")
}

func TestRequestsAreExplained(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ofFunction := func(id, reason string) values {
		w.logFunction(t, 3*24*time.Hour, map[string]string{"msg": "refused", "requestId": id, "reason": reason, "azp": daemon})
		return byRole(refused(id, "403", ""))
	}
	for name, test := range map[string]struct {
		line   values
		cause  string
		advice []string // each is in one step
		never  string
	}{
		"answered":  {allowed("a1"), "The gateway let the call through, and the backend answered 200. It took 15 ms, 12 of them in the backend.", nil, ""},
		"preflight": {refused("a2", "204", "").with("routeKey", ""), "a preflight request of a browser has no token", nil, ""},
		"no token":  {refused("a3", "401", ""), "The gateway answered 401: the request had no token. It took 3 ms.", []string{"Authorization: Bearer"}, "--token FILE"},
		"expired": {refused("a4", "401", "invalid_token: the token has expired"), `The authorizer's own words: "invalid_token: the token has expired".`, []string{
			"Have it get a new one", `--token FILE --route "GET /orders/17"`,
		}, ""},
		"wrong audience": {refused("a5", "401", "invalid_token: the token does not have a valid audience"), "the token is for another API", []string{
			"It must ask for a scope of this API", "--token FILE",
		}, ""},
		"a scope is missing, by its text": {refused("a6", "403", "insufficient_scope"), "the token has none of the scopes of the route", []string{
			"GET /orders/{id} takes a user's token with Orders.Read in its scp claim.", "Scope Orders.Read: spa, admin have it.", "A daemon has none", "--token FILE",
		}, "AWS does not document"},
		"a scope is missing, without a text": {refused("a7", "403", ""), "AWS does not document what the log says of it", []string{"Scope Orders.Read"}, ""},
		"one of several scopes": {refused("a8", "403", "").with("routeKey", "DELETE /orders/{id}"), "none of the scopes", []string{
			"DELETE /orders/{id} takes a user's token with any one of Orders.Write, Orders.Old", "Scope Orders.Write: admin has it.", "Scope Orders.Old is retired: no new token has it.",
		}, ""},
		"a role is missing": {ofFunction("b1", "missing-role"), "the role authorizer refused the token: the daemon's token has none of the roles", []string{
			"GET /export takes a daemon's token with any one of Orders.Export, Orders.Import in its roles claim.", "Role Orders.Export: export has it.", "Role Orders.Import: no client of the stack has it.", "--token FILE",
		}, ""},
		"a scope is missing where roles are": {ofFunction("b2", "missing-scope"), "the role authorizer refused", []string{"GET /export takes a user's token with Orders.Read"}, "roles claim"},
		"an ID token":                        {ofFunction("b3", "not-an-access-token"), "no access token of this API", []string{"not the ID token"}, ""},
		"a policy without the route":         {ofFunction("b4", "unknown-route"), "for a reason that is not known here", []string{`calls it "unknown-route": see that its policy.json`}, ""},
		"a decision that was kept":           {byRole(refused("b5", "403", "")), "the role authorizer refused the token", []string{"repeated a decision, which it does for 60 seconds", `--denied --route "GET /export"`, "still be on its way"}, "--token FILE"},
		"throttled":                          {refused("c1", "429", ""), "called more often than its throttle allows", []string{"The route's throttle is 5 requests a second, and 10 at once.", "raise throttle"}, ""},
		"throttled by default":               {refused("c2", "429", "").with("routeKey", "GET /orders"), "throttle", []string{"no throttle of its own"}, ""},
		"no route":                           {refused("c3", "404", "").with("routeKey", "").with("httpMethod", "PUT"), "there is no route", []string{"The routes most like it: GET /orders/{id}, DELETE /orders/{id}", "no 405"}, ""},
		"unknown":                            {refused("c4", "401", "invalid_token: the moon"), "for a reason that is not known here", []string{"please report it"}, ""},
		"the backend's refusal":              {allowed("d1").with("status", "403").with("integration.status", "403"), "and the backend (shop) answered 403. It took 15 ms", []string{"the backend's own log"}, ""},
		"the backend's failure":              {allowed("d2").with("status", "500").with("integration.status", "500"), "and the backend (shop) answered 500", []string{"the backend's own log"}, ""},
		"the backend is late": {allowed("d3").with("status", "503").with("integration.status", "").with("integrationLatency", "29001").with("integrationErrorMessage", "timed out"), `The error of the backend's call: "timed out". It took 15 ms, 29001`, []string{
			"The gateway waits 29000 ms for backend shop, which is what was waited: the backend is too slow.",
		}, ""},
		"the backend is away": {allowed("d4").with("status", "503").with("integration.status", ""), "the backend was not reached", []string{"see that it is up"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w.log(t, 3*24*time.Hour, test.line)
			x, err := w.Find(t.Context(), test.line["requestId"], 0)
			require.NoError(t, err)
			require.Equal(t, test.line["requestId"], x.RequestID)
			require.Contains(t, x.Cause, test.cause)
			all := strings.Join(x.Advice, "\n")
			for _, step := range test.advice {
				require.Contains(t, all, step)
			}
			if test.advice == nil {
				require.Empty(t, x.Advice)
			}
			require.NotContains(t, all+x.Cause, "\x00")
			if test.never != "" {
				require.NotContains(t, x.Cause+all, test.never)
			}
		})
	}
}

func TestTheRoleAuthorizersLinesAreShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log(t, time.Hour, byRole(refused("crashed", "500", "the authorizer's function failed: Unhandled")))
	w.logFunction(t, time.Hour, map[string]string{"msg": "not decided", "requestId": "crashed", "error": "the signing keys of the issuer cannot be had", "routeKey": "GET /export"})
	w.logFunction(t, time.Hour, map[string]string{"msg": "refused", "requestId": "another", "reason": "expired"})
	w.put(t, functionGroup, start.Add(-time.Hour), "REPORT RequestId: crashed Duration: 3 ms")
	x, err := w.Find(t.Context(), "crashed", 0)
	require.NoError(t, err)
	require.Equal(t, accesslog.AuthorizerFailed, x.Reason)
	require.Equal(t, []FunctionLine{{
		Time: start.Add(-time.Hour), Message: "not decided", RequestID: "crashed", RouteKey: "GET /export", Error: "the signing keys of the issuer cannot be had",
	}}, x.FunctionLines)
	require.Contains(t, x.Advice[0], "the signing keys of the issuer cannot be had")

	w.FunctionGroup = "/nonesuch"
	x, err = w.Find(t.Context(), "crashed", 0)
	require.NoError(t, err)
	require.Contains(t, x.Advice[len(x.Advice)-1], "log group /nonesuch: it does not exist")

	w.FunctionGroup = ""
	w.log(t, time.Hour, byRole(refused("role", "403", "")))
	x, err = w.Find(t.Context(), "role", 0)
	require.NoError(t, err)
	require.Contains(t, x.Advice[0], "no log group of one is known")
}

func TestAnExplanationIsFlatJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log(t, time.Hour, refused("expired", "401", "the token has expired"))
	x, err := w.Find(t.Context(), "expired", 0)
	require.NoError(t, err)
	raw, err := json.Marshal(x)
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(raw, &got))
	require.Equal(t, "expired", got["requestId"])
	require.Equal(t, "expired", got["reason"])
	require.Equal(t, "the token had expired", got["words"])
	require.InDelta(t, 401, got["status"], 0)
	require.NotContains(t, got, "caller", "nobody knows")
	require.NotContains(t, got, "unreadable")
	require.Contains(t, got, "cause")
	require.Len(t, got["advice"], 2)
}
