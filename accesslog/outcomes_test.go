package accesslog_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/accesslog"
	"github.com/entragate/entragate/sandbox/edge"
)

// outcome is what can become of a request.
type outcome struct {
	request func(t testing.TB, w *world) (line string)
	status  int
	reason  accesslog.Reason
	more    func(*testing.T, accesslog.Line)

	// Where the JWT authorizer refuses: the sandbox's own reason, and the header.
	edge          edge.Reason
	authorization string
}

const authorization = "Authorization"

// made is an outcome of anything but the JWT authorizer's refusals.
func made(request func(testing.TB, *world) string, status int, reason accesslog.Reason, more ...func(*testing.T, accesslog.Line)) outcome {
	o := outcome{request: request, status: status, reason: reason}
	if len(more) > 0 {
		o.more = more[0]
	}
	return o
}

// refused is by the JWT authorizer.
func refused(value string, status int, reason accesslog.Reason, why edge.Reason) outcome {
	return outcome{
		request: get("/orders/1", value), status: status, reason: reason, more: nobody, edge: why, authorization: value,
	}
}

// nobody wants that the line does not say who called.
func nobody(t *testing.T, l accesslog.Line) {
	require.False(t, l.Caller.Known(), "a refused call says who made it")
}

// get calls with a token, or without one.
func get(target, authorizationValue string) func(testing.TB, *world) string {
	return func(t testing.TB, w *world) string {
		t.Helper()
		if authorizationValue == "" {
			return w.do(t, http.MethodGet, target)
		}
		return w.do(t, http.MethodGet, target, authorization, authorizationValue)
	}
}

// answered lets the backend answer with a status.
func answered(status int) func(testing.TB, *world) string {
	return func(t testing.TB, w *world) string {
		t.Helper()
		w.answer = func(*http.Request) (*http.Response, error) { return response(status, "no"), nil }
		return w.do(t, http.MethodGet, "/open/x")
	}
}

// failing lets the role authorizer's function fail.
func failing(err error) func(testing.TB, *world) string {
	return func(t testing.TB, w *world) string {
		t.Helper()
		w.failure = err
		return w.do(t, http.MethodGet, "/roles/1", authorization, bearer(app()))
	}
}

// outcomes are all that the sandbox's gateway can do with a request whose line
// it logs.
func outcomes() map[string]outcome {
	signed := func(algorithm jose.SignatureAlgorithm, key any, id string) string {
		return sign(user(), algorithm, key, id)
	}
	good := signed(jose.RS256, keyPairs()["one"], "one")
	return map[string]outcome{
		// Refused by the JWT authorizer.
		"no token":                   refused("", 401, accesslog.NoToken, edge.ReasonNoToken),
		"an empty header":            refused(" ", 401, accesslog.Malformed, edge.ReasonMalformed),
		"one segment":                refused("Bearer opaque", 401, accesslog.Malformed, edge.ReasonMalformed),
		"five segments":              refused("Bearer a.b.c.d.e", 401, accesslog.Malformed, edge.ReasonMalformed),
		"no JSON":                    refused("Bearer a.b.c", 401, accesslog.Malformed, edge.ReasonMalformed),
		"an algorithm with a secret": refused("Bearer "+signed(jose.HS256, []byte(strings.Repeat("k", 32)), "one"), 401, accesslog.Malformed, edge.ReasonAlgorithm),
		"RSASSA-PSS":                 refused("Bearer "+signed(jose.PS256, keyPairs()["one"], "one"), 401, accesslog.Malformed, edge.ReasonAlgorithm),
		"no algorithm":               refused("Bearer e30.e30.e30", 401, accesslog.Malformed, edge.ReasonAlgorithm),
		"an unheard-of algorithm":    refused("Bearer eyJhbGciOiJ4In0.e30.e30", 401, accesslog.Malformed, edge.ReasonAlgorithm),
		"no discovery document":      refused("Bearer "+signed(jose.RS256, keyPairs()["one"], "discovery down"), 401, accesslog.IssuerUnavailable, edge.ReasonDiscovery),
		"another issuer's document":  refused("Bearer "+signed(jose.RS256, keyPairs()["one"], "another issuer"), 401, accesslog.IssuerUnavailable, edge.ReasonDiscovery),
		"no key set":                 refused("Bearer "+signed(jose.RS256, keyPairs()["one"], "keys down"), 401, accesslog.IssuerUnavailable, edge.ReasonKeySet),
		"an unknown key":             refused("Bearer "+signed(jose.RS256, keyPairs()["one"], "two"), 401, accesslog.BadSignature, edge.ReasonUnknownKey),
		"no key id":                  refused("Bearer "+signed(jose.RS256, keyPairs()["one"], ""), 401, accesslog.BadSignature, edge.ReasonUnknownKey),
		"a forged signature":         refused("Bearer "+signed(jose.RS256, keyPairs()["forged"], "one"), 401, accesslog.BadSignature, edge.ReasonSignature),
		"changed claims":             refused("Bearer "+tampered(good), 401, accesslog.BadSignature, edge.ReasonSignature),
		"expired":                    refused(bearer(user().with("exp", start.Unix())), 401, accesslog.Expired, edge.ReasonExpired),
		"without an end":             refused(bearer(user().with("exp", nil)), 401, accesslog.Expired, edge.ReasonExpired),
		"not valid yet":              refused(bearer(user().with("nbf", start.Unix()+1)), 401, accesslog.NotYetValid, edge.ReasonNotYetValid),
		"issued in the future":       refused(bearer(user().with("iat", start.Unix()+1)), 401, accesslog.NotYetValid, edge.ReasonIssuedInFuture),
		"a v1 token":                 refused(bearer(user().with("iss", "https://sts.windows.net/"+tenant+"/")), 401, accesslog.WrongIssuer, edge.ReasonIssuer),
		"a token for Graph":          refused(bearer(user().with("aud", "https://graph.microsoft.com")), 401, accesslog.WrongAudience, edge.ReasonAudience),
		"no scope of the route":      refused(bearer(user().with("scp", "Orders.Write")), 403, accesslog.MissingScope, edge.ReasonScope),
		"a daemon at a scoped route": refused(bearer(app()), 403, accesslog.MissingScope, edge.ReasonScope),

		// Refused by the gateway otherwise.
		"no header for the role authorizer":       made(get("/roles/1", ""), 401, accesslog.NoToken, nobody),
		"the role authorizer says no":             made(get("/roles/1", bearer(app().with("roles", []string{"Orders.Import"}))), 403, accesslog.RoleRefused, nobody),
		"a route that the authorizer has not":     made(get("/unlisted", bearer(app())), 403, accesslog.RoleRefused, nobody),
		"throttled":                               made(throttled, 429, accesslog.Throttled),
		"no such path":                            made(get("/nonesuch", bearer(user())), 404, accesslog.NoRoute, nobody),
		"no such method":                          made(func(t testing.TB, w *world) string { return w.do(t, http.MethodDelete, "/orders/1") }, 404, accesslog.NoRoute, nobody),
		"a path that tries to overwrite the line": made(get("/%22,%22status%22:%22200%22,%22x%22:%22", ""), 404, accesslog.NoRoute, func(t *testing.T, l accesslog.Line) { require.Contains(t, l.Path, "%22status%22") }),

		// Failed.
		"the authorizer's function fails":  made(failing(&edge.FunctionError{Kind: "Unhandled"}), 500, accesslog.AuthorizerFailed, nobody),
		"the authorizer may not be called": made(failing(edge.ErrNotPermitted), 500, accesslog.AuthorizerFailed, nobody),
		"the authorizer cannot be called":  made(failing(errors.New("no such host")), 500, accesslog.AuthorizerFailed, nobody),
		"the authorizer has no keys":       made(keysDown, 500, accesslog.AuthorizerFailed, nobody),
		"the backend is late":              made(late, 503, accesslog.IntegrationFailed),
		"the backend cannot be reached":    made(unreachable, 503, accesslog.IntegrationFailed),
		"a route without a backend":        made(get("/without-backend", ""), 500, accesslog.IntegrationFailed),
		"the backend's 500":                made(answered(500), 500, accesslog.BackendFailed),
		"the backend's 503":                made(answered(503), 503, accesslog.BackendFailed),
		"the backend's 400":                made(answered(400), 400, accesslog.BackendRefused),
		"the backend's 401":                made(answered(401), 401, accesslog.BackendRefused),
		"the backend's 403":                made(answered(403), 403, accesslog.BackendRefused),
		"the backend's 404":                made(answered(404), 404, accesslog.BackendRefused),
		"the backend's 429":                made(answered(429), 429, accesslog.BackendRefused),

		// Answered.
		"a user": made(get("/orders/1?code=s3cret", bearer(user())), 200, "", func(t *testing.T, l accesslog.Line) {
			require.Equal(t, accesslog.Caller{
				ClientID: spa, UserID: alice, Subject: "pair-wise_1", TenantID: tenant, Scopes: []string{"Orders.Read", "openid.x"}, TokenID: "token-1",
			}, l.Caller)
			require.Equal(t, "GET /orders/{id}", l.RouteKey)
			require.Equal(t, "/orders/1", l.Path, "the query is not logged")
			require.Equal(t, 200, l.IntegrationStatus)
			require.NotNil(t, l.IntegrationLatency)
			require.NotNil(t, l.ResponseLatency)
			require.Equal(t, 2, l.ResponseLength)
			require.Equal(t, start, l.Time)
			require.Equal(t, "192.0.2.1", l.IP)
		}),
		"the claims of a v1 token": made(get("/orders/1", bearer(user().with("azp", nil).with("appid", spa))), 200, "", func(t *testing.T, l accesslog.Line) {
			require.Equal(t, spa, l.Caller.ClientID)
		}),
		"a user with roles": made(get("/orders/1", bearer(user().with("roles", []string{"Orders.Export", "Orders.Import"}))), 200, "", func(t *testing.T, l accesslog.Line) {
			require.Equal(t, []string{"Orders.Export", "Orders.Import"}, l.Caller.Roles)
		}),
		"a daemon through the role authorizer": made(get("/roles/1", bearer(app())), 200, "", func(t *testing.T, l accesslog.Line) {
			require.Equal(t, accesslog.Caller{
				ClientID: daemon, UserID: daemon, Subject: daemon, TenantID: tenant, Roles: []string{"Orders.Export", "Orders.Import"}, TokenType: "app", TokenID: "token-1",
			}, l.Caller)
		}),
		"a user through the role authorizer": made(get("/roles/1", bearer(user())), 200, "", func(t *testing.T, l accesslog.Line) {
			require.Equal(t, alice, l.Caller.UserID)
			require.Equal(t, []string{"Orders.Read", "openid.x"}, l.Caller.Scopes)
		}),
		"an open route":   made(get("/open/x", ""), 200, "", nobody),
		"a preflight":     made(preflight, 204, "", nobody),
		"a redirect":      made(answered(302), 302, ""),
		"quotes":          made(get(`/open/%22"`, ""), 200, "", func(t *testing.T, l accesslog.Line) { require.Equal(t, "/open/%22%22", l.Path) }),
		"backslashes":     made(get(`/open/%5C\`, ""), 200, "", func(t *testing.T, l accesslog.Line) { require.Equal(t, "/open/%5C%5C", l.Path) }),
		"unicode":         made(get("/open/é%F0%9F%8D%95", ""), 200, "", func(t *testing.T, l accesslog.Line) { require.Equal(t, "/open/%C3%A9%F0%9F%8D%95", l.Path) }),
		"control letters": made(get("/open/%00%0A%1B[31m", ""), 200, "", func(t *testing.T, l accesslog.Line) { require.Equal(t, "/open/%00%0A%1B[31m", l.Path) }),
		"no UTF-8":        made(get("/open/%FF%FE", ""), 200, "", func(t *testing.T, l accesslog.Line) { require.Equal(t, "/open/%FF%FE", l.Path) }),
	}
}

// tampered changes the claims of a token.
func tampered(token string) string {
	parts := strings.Split(token, ".")
	return parts[0] + "." + "e30" + "." + parts[2]
}

func throttled(t testing.TB, w *world) string {
	t.Helper()
	w.do(t, http.MethodGet, "/throttled")
	return w.do(t, http.MethodGet, "/throttled")
}

func keysDown(t testing.TB, w *world) string {
	t.Helper()
	w.keysDown = true
	return w.do(t, http.MethodGet, "/roles/1", authorization, bearer(app()))
}

func late(t testing.TB, w *world) string {
	t.Helper()
	w.answer = func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, context.Cause(r.Context())
	}
	return w.do(t, http.MethodGet, "/slow")
}

func unreachable(t testing.TB, w *world) string {
	t.Helper()
	w.answer = func(*http.Request) (*http.Response, error) {
		return nil, errors.New("dial tcp 127.0.0.1:9: connect: connection refused")
	}
	return w.do(t, http.MethodGet, "/open/x")
}

func preflight(t testing.TB, w *world) string {
	t.Helper()
	return w.do(t, http.MethodOptions, "/orders/1", "Origin", "https://app.example", "Access-Control-Request-Method", "GET")
}

// edgeReasons are all for which the sandbox's JWT authorizer refuses.
var edgeReasons = []edge.Reason{
	edge.ReasonNoToken, edge.ReasonMalformed, edge.ReasonAlgorithm, edge.ReasonDiscovery, edge.ReasonKeySet, edge.ReasonUnknownKey,
	edge.ReasonSignature, edge.ReasonExpired, edge.ReasonNotYetValid, edge.ReasonIssuedInFuture, edge.ReasonIssuer, edge.ReasonAudience,
	edge.ReasonScope,
}

// TestEveryOutcomeIsTold wants of whatever the gateway does with a request that
// its line can be read, tells why, and counts once.
func TestEveryOutcomeIsTold(t *testing.T) {
	t.Parallel()
	for name, o := range outcomes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			message := o.request(t, newWorld(t))
			require.True(t, json.Valid([]byte(message)), message)
			require.NotContains(t, message, "s3cret")
			require.NotContains(t, message, "eyJ", "the beginning of a token")
			line, err := accesslog.Parse(message)
			require.NoError(t, err)
			require.Equal(t, o.status, line.Status, message)
			require.Equal(t, o.reason, line.Reason(), message)
			require.NotEmpty(t, line.RequestID)
			require.Equal(t, counted(line), matching(t, accesslog.Filters(), message))
			if o.more != nil {
				o.more(t, line)
			}
			if o.authorization != "" {
				jwt := edge.Authorizer{Issuer: issuer, Audience: []string{api}, Keys: keySource{}, Now: now}
				_, refusal := jwt.Decide(strings.TrimPrefix(o.authorization, "Bearer "), []string{"Orders.Read"})
				require.Equal(t, o.edge, refusal.Reason)
			}
		})
	}
}

// counted are the metrics that a line counts in: its own reason's and no other.
func counted(l accesslog.Line) []string {
	if !l.Refused() {
		return []string{accesslog.MetricLines, accesslog.MetricRequests}
	}
	return []string{accesslog.MetricLines, accesslog.MetricRequests, accesslog.MetricRefused, accesslog.MetricOf(l.Reason())}
}

func TestEveryReasonOfTheGatewayIsAmongTheOutcomes(t *testing.T) {
	t.Parallel()
	seen, told := map[edge.Reason]bool{}, map[accesslog.Reason]bool{}
	for _, o := range outcomes() {
		seen[o.edge], told[o.reason] = true, true
	}
	for _, reason := range edgeReasons {
		require.True(t, seen[reason], reason)
	}
	for _, reason := range reasons {
		if slices.Contains([]accesslog.Reason{accesslog.Other, accesslog.MissingRole, accesslog.WrongToken}, reason) {
			continue // of a text that nobody knows, or of the role authorizer's log only
		}
		require.True(t, told[reason], reason)
	}
}
