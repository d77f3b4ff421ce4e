package edge_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
	"github.com/entragate/entragate/sandbox/edge"
)

func withCORS(api edge.Served, cors apigateway.CORS) edge.Served {
	return withStage(api, func(s *edge.ServedStage) { s.Deployment.CORSConfiguration = &cors })
}

// appCORS allows one application.
func appCORS() apigateway.CORS {
	age := 300
	return apigateway.CORS{
		AllowOrigins: []string{"https://app.example", "https://admin.example"}, AllowMethods: []string{"GET", "POST"},
		AllowHeaders: []string{"authorization", "content-type"}, ExposeHeaders: []string{"x-total"}, MaxAge: &age,
	}
}

func preflight(w *world, target, origin string) http.Header {
	rec := w.do("OPTIONS", target, "Origin", origin, "Access-Control-Request-Method", "GET")
	h := rec.Header().Clone()
	h.Set("Status", http.StatusText(rec.Code))
	return h
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withCORS(apiOf("GET /orders => jwt"), appCORS()))
	h := preflight(w, "/orders", "https://admin.example")
	require.Equal(t, "No Content", h.Get("Status"))
	require.Equal(t, "https://admin.example", h.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "GET,POST", h.Get("Access-Control-Allow-Methods"))
	require.Equal(t, "authorization,content-type", h.Get("Access-Control-Allow-Headers"))
	require.Equal(t, "300", h.Get("Access-Control-Max-Age"))
	require.Empty(t, h.Get("Access-Control-Allow-Credentials"))
	require.Empty(t, h.Get("Access-Control-Expose-Headers"))
	require.NotEmpty(t, h.Get("apigw-requestid"))
	require.Contains(t, w.sink.last(t), "|-|204|-|-")
	require.Zero(t, w.backend.calls)

	require.Equal(t, "No Content", preflight(w, "/no/such/route", "https://app.example").Get("Status"))
}

func TestOriginsThatAreNotAllowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withCORS(apiOf("GET /orders => none"), appCORS()))
	for _, origin := range []string{
		"https://evil.example", "https://app.example.evil", "http://app.example", "https://APP.example", "https://app.example:8443", "null",
	} {
		h := preflight(w, "/orders", origin)
		require.Equal(t, "No Content", h.Get("Status"))
		requireNoCORS(t, h)
		rec := w.do("GET", "/orders", "Origin", origin)
		require.Equal(t, 200, rec.Code, "CORS protects browsers, not the API")
		requireNoCORS(t, rec.Header())
	}
}

func requireNoCORS(t *testing.T, h http.Header) {
	t.Helper()
	for name := range h {
		require.False(t, strings.HasPrefix(name, "Access-Control-"), name)
	}
}

func TestOriginPatterns(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		allow        []string
		origin, want string
	}{
		"any":                       {[]string{"*"}, "https://x.example", "*"},
		"any https":                 {[]string{"https://*"}, "https://x.example", "https://x.example"},
		"any https, but http":       {[]string{"https://*"}, "http://x.example", ""},
		"any http":                  {[]string{"http://*"}, "http://localhost:3000", "http://localhost:3000"},
		"a pattern is not a prefix": {[]string{"https://*.example"}, "https://x.example", ""},
		"none":                      {nil, "https://x.example", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, withCORS(apiOf("GET /orders => none"), apigateway.CORS{AllowOrigins: test.allow}))
			require.Equal(t, test.want, w.do("GET", "/orders", "Origin", test.origin).Header().Get("Access-Control-Allow-Origin"))
		})
	}
}

func TestActualResponses(t *testing.T) {
	t.Parallel()
	cors := appCORS()
	cors.AllowCredentials = true
	w := newWorld(t, withCORS(apiOf("GET /orders => jwt"), cors))
	w.backend.answer = func(*http.Request) (*http.Response, error) {
		return response(200, "{}", "Access-Control-Allow-Origin", "*", "Access-Control-Allow-Methods", "DELETE", "X-Total", "3"), nil
	}
	ok := w.do("GET", "/orders", "Origin", "https://app.example", "Authorization", mint(goodClaims()))
	require.Equal(t, []string{"https://app.example"}, ok.Header().Values("Access-Control-Allow-Origin"))
	require.Equal(t, "true", ok.Header().Get("Access-Control-Allow-Credentials"))
	require.Equal(t, "x-total", ok.Header().Get("Access-Control-Expose-Headers"))
	require.Empty(t, ok.Header().Get("Access-Control-Allow-Methods"), "the backend's CORS headers are ignored")

	refused := w.do("GET", "/orders", "Origin", "https://app.example")
	require.Equal(t, 401, refused.Code)
	require.Equal(t, "https://app.example", refused.Header().Get("Access-Control-Allow-Origin"))
	requireNoCORS(t, w.do("GET", "/orders", "Authorization", mint(goodClaims())).Header())
}

func TestWithoutCORSTheBackendDecides(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apiOf("GET /orders => none"))
	w.backend.answer = func(*http.Request) (*http.Response, error) {
		return response(200, "{}", "Access-Control-Allow-Origin", "*"), nil
	}
	require.Equal(t, "*", w.do("GET", "/orders", "Origin", "https://x.example").Header().Get("Access-Control-Allow-Origin"))
	require.Equal(t, "Not Found", preflight(w, "/orders", "https://x.example").Get("Status"))
}

func TestWhoAnswersAPreflight(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		routes         []string
		unless, always string
	}{
		"no route for OPTIONS":         {[]string{"GET /orders => jwt"}, "No Content", "No Content"},
		"$default with an authorizer":  {[]string{"$default => jwt"}, "Unauthorized", "No Content"},
		"ANY with an authorizer":       {[]string{"ANY /orders => jwt"}, "Unauthorized", "No Content"},
		"ANY on another path":          {[]string{"ANY /other => jwt"}, "No Content", "No Content"},
		"an open OPTIONS before it":    {[]string{"$default => jwt", "OPTIONS /{proxy+} => none"}, "OK", "No Content"},
		"an OPTIONS route on its path": {[]string{"OPTIONS /orders => none"}, "OK", "No Content"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := withCORS(apiOf(test.routes...), appCORS())
			h := preflight(newWorld(t, api), "/orders", "https://app.example")
			require.Equal(t, test.unless, h.Get("Status"))
			require.Equal(t, "https://app.example", h.Get("Access-Control-Allow-Origin"))
			require.Equal(t, "GET,POST", h.Get("Access-Control-Allow-Methods"))
			always := newWorld(t, api, func(o *edge.Options) { o.Preflight = edge.PreflightAlways })
			require.Equal(t, test.always, preflight(always, "/orders", "https://app.example").Get("Status"))
		})
	}
}

func TestOPTIONSThatAreNoPreflight(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withCORS(apiOf("GET /orders => none"), appCORS()))
	require.Equal(t, 404, w.do("OPTIONS", "/orders").Code)
	require.Equal(t, 404, w.do("OPTIONS", "/orders", "Origin", "https://app.example").Code)
	require.Equal(t, 404, w.do("OPTIONS", "/orders", "Access-Control-Request-Method", "GET").Code)
}
