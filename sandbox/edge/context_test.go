package edge_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/edge"
)

// logged sends a request and returns each variable's value in its line.
func logged(t *testing.T, w *world, r *http.Request, names ...string) map[string]string {
	t.Helper()
	api := w.source.apis[apiID]
	format := make([]string, len(names))
	for i, name := range names {
		format[i] = "$context." + name
	}
	w.source.put(apiID, logging(api, strings.Join(format, "|")))
	w.send(r)
	values := strings.Split(w.sink.last(t), "|")[1:]
	require.Len(t, values, len(names))
	got := map[string]string{}
	for i, name := range names {
		got[name] = values[i]
	}
	return got
}

func TestVariablesOfAnAllowedRequest(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"accountId": "123456789012", "apiId": apiID, "authorizer.claims.sub": "ann", "authorizer.claims.exp": "1795345200",
		"authorizer.claims.roles": "[A B]", "authorizer.claims.nope": "-", "authorizer.claims": "-", "authorizer.error": "-",
		"authorizer.principalId": "-", "awsEndpointRequestId": "amz-1", "integration.requestId": "amz-1", "awsEndpointRequestId2": "amz-2",
		"customDomain.basePathMatched": "-", "dataProcessed": "16", "domainName": strings.TrimSuffix(host, ":8443"), "domainPrefix": apiID,
		"error.message": "-", "error.messageString": "-", "error.responseType": "-", "httpMethod": "POST",
		"identity.sourceIp": "203.0.113.9", "identity.userAgent": "curl/8", "identity.caller": "-", "identity.clientCert.subjectDN": "-",
		"integration.error": "-", "integrationErrorMessage": "-", "integration.status": "201", "integrationStatus": "201",
		"integration.integrationStatus": "-", "integration.latency": "25", "integrationLatency": "25", "path": "/orders/7", "protocol": "HTTP/1.1",
		"requestTime": "22/Nov/2026:10:00:00 +0000", "requestTimeEpoch": "1795341600000", "responseLatency": "25", "responseLength": "11",
		"routeKey": "POST /orders/{id}", "stage": "$default", "status": "201", "nonesuch": "-", "authorizer.latency": "-",
	}
	w := newWorld(t, apiOf("POST /orders/{id} => Orders.Read"))
	w.backend.answer = func(*http.Request) (*http.Response, error) {
		w.clock.advance(25 * time.Millisecond)
		return response(201, `{"ok":true}`, "X-Amzn-Requestid", "amz-1", "X-Amz-Id-2", "amz-2"), nil
	}
	r := newRequest("POST", "/orders/7", "Authorization", mint(but(map[string]any{"roles": []string{"A", "B"}})), "User-Agent", "curl/8")
	r.Body, r.ContentLength = readCloser{strings.NewReader("hello")}, 5
	r.RemoteAddr = "203.0.113.9:5000"
	names := make([]string, 0, len(want))
	for name := range want {
		names = append(names, name)
	}
	require.Equal(t, want, logged(t, w, r, names...))
}

func TestVariablesOfRefusedRequests(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		target, token string
		want          map[string]string
	}{
		"no token": {"/orders", "", map[string]string{
			"status": "401", "routeKey": "GET /orders", "error.message": "Unauthorized", "error.messageString": `"Unauthorized"`,
			"error.responseType": "UNAUTHORIZED", "authorizer.error": "-", "integrationLatency": "-", "integrationStatus": "-",
			"responseLength": "26", "authorizer.claims.sub": "-",
		}},
		"an expired token": {"/orders", mint(but(map[string]any{"exp": 1})), map[string]string{
			"status": "401", "authorizer.error": "invalid_token: the token has expired", "authorizer.claims.sub": "-",
		}},
		"no scope": {"/orders", mint(but(map[string]any{"scp": nil})), map[string]string{
			"status": "403", "error.message": "Forbidden", "error.responseType": "ACCESS_DENIED", "authorizer.claims.sub": "-",
			"authorizer.error": "insufficient_scope: the token does not have any of the scopes that the route requires",
		}},
		"no route": {"/nope", "", map[string]string{
			"status": "404", "routeKey": "-", "path": "/nope", "error.message": "Not Found", "stage": "$default",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, apiOf("GET /orders => Orders.Read"))
			names := make([]string, 0, len(test.want))
			for name := range test.want {
				names = append(names, name)
			}
			require.Equal(t, test.want, logged(t, w, newRequest("GET", test.target, "Authorization", test.token), names...))
			require.Equal(t, 1, w.sink.count(), "one line a request")
		})
	}
}

func TestLinesGoToTheGroupOfTheStage(t *testing.T) {
	t.Parallel()
	api := apiOf("GET /orders => none")
	dev := apiOf("GET /orders => none").Stages[0]
	dev.Stage.StageName = "dev"
	settings := *dev.Stage.AccessLogSettings
	settings.DestinationARN = logGroup + "-dev:*"
	dev.Stage.AccessLogSettings = &settings
	quiet := apiOf("GET /orders => none").Stages[0]
	quiet.Stage.StageName, quiet.Stage.AccessLogSettings = "quiet", nil
	broken := apiOf("GET /orders => none").Stages[0]
	broken.Stage.StageName = "broken"
	brokenSettings := *broken.Stage.AccessLogSettings
	brokenSettings.Format = "$context.status"
	broken.Stage.AccessLogSettings = &brokenSettings
	api.Stages = append(api.Stages, dev, quiet, broken)
	w := newWorld(t, api)
	for _, target := range []string{"/orders", "/dev/orders", "/quiet/orders", "/broken/orders"} {
		require.Equal(t, 200, w.do("GET", target).Code)
	}
	require.Equal(t, []string{logGroup, logGroup + "-dev"}, w.sink.groups)
	require.Equal(t, "2026-11-22-10-00-000000", w.sink.stream)
}

func TestPathsAreLoggedWithTheirStage(t *testing.T) {
	t.Parallel()
	api := withStage(apiOf("GET /orders => none"), func(s *edge.ServedStage) { s.Stage.StageName = "dev" })
	w := newWorld(t, api)
	require.Equal(t, map[string]string{"path": "/dev/orders", "stage": "dev", "status": "200"},
		logged(t, w, newRequest("GET", "/dev/orders"), "path", "stage", "status"))
}

func TestTheAnswerIsSentBeforeItIsLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apiOf("GET /orders => none"))
	rec := w.do("GET", "/orders")
	require.True(t, rec.Flushed)
	require.Equal(t, 1, w.sink.count())
}
