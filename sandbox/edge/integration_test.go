package edge_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
	"github.com/entragate/entragate/sandbox/edge"
)

// withIntegration returns an API of one open route with its integration changed.
func withIntegration(route string, change func(*apigateway.Integration)) edge.Served {
	api := apiOf(route)
	change(integrationOf(api))
	return api
}

func TestBackendURLs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ route, uri, target, want string }{
		"as it is":                      {"GET /orders", "http://b.example/v1", "/orders", "http://b.example/v1"},
		"the path is not appended":      {"$default", "http://b.example", "/orders/7", "http://b.example"},
		"a variable":                    {"GET /orders/{id}", "http://b.example/o/{id}/x", "/orders/7", "http://b.example/o/7/x"},
		"a greedy variable":             {"ANY /api/{proxy+}", "http://b.example/v1/{proxy}", "/api/a/b/", "http://b.example/v1/a/b/"},
		"a greedy variable with a plus": {"ANY /api/{proxy+}", "http://b.example/v1/{proxy+}", "/api/a/b", "http://b.example/v1/a/b"},
		"an escaped variable":           {"GET /orders/{id}", "http://b.example/{id}", "/orders/a%2Fb%20c", "http://b.example/a%2Fb%20c"},
		"a variable in the query":       {"GET /orders/{id}", "http://b.example/?id={id}", "/orders/7", "http://b.example/?id=7"},
		"a query string":                {"GET /orders", "http://b.example/v1", "/orders?b=2&a=1&a=%20", "http://b.example/v1?b=2&a=1&a=%20"},
		"two query strings":             {"GET /orders", "http://b.example/v1?x=1", "/orders?y=2", "http://b.example/v1?x=1&y=2"},
		"a stage variable":              {"GET /orders", "http://${stageVariables.env}.example/v1", "/orders", "http://dev.example/v1"},
		"a port":                        {"GET /orders", "http://127.0.0.1:8080/v1", "/orders", "http://127.0.0.1:8080/v1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, withIntegration(test.route+" => none", func(i *apigateway.Integration) { i.IntegrationURI = test.uri }))
			require.Equal(t, 200, w.do("GET", test.target).Code)
			require.Equal(t, test.want, w.backend.last.URL.String())
			require.Equal(t, w.backend.last.URL.Host, w.backend.last.Host)
		})
	}
}

func TestIntegrationsThatCannotWork(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*apigateway.Integration)
		log    string
	}{
		"an AWS service": {func(i *apigateway.Integration) {
			i.IntegrationType, i.IntegrationSubtype = "AWS_PROXY", "SQS-SendMessage"
		}, "AWS_PROXY SQS-SendMessage over INTERNET is not implemented"},
		"a VPC link":              {func(i *apigateway.Integration) { i.ConnectionType = "VPC_LINK" }, "HTTP_PROXY over VPC_LINK is not implemented"},
		"an unknown variable":     {func(i *apigateway.Integration) { i.IntegrationURI = "http://b.example/{nope}" }, `no path variable "nope"`},
		"an open brace":           {func(i *apigateway.Integration) { i.IntegrationURI = "http://b.example/{id" }, "a brace is not closed"},
		"no host":                 {func(i *apigateway.Integration) { i.IntegrationURI = "/orders" }, "want an http or https URL"},
		"another scheme":          {func(i *apigateway.Integration) { i.IntegrationURI = "ftp://b.example" }, "want an http or https URL"},
		"an unset stage variable": {func(i *apigateway.Integration) { i.IntegrationURI = "http://${stageVariables.nope}/" }, "want an http or https URL"},
		"a reserved header": {
			func(i *apigateway.Integration) {
				i.RequestParameters = map[string]string{"overwrite:header.authorization": "x"}
			}, "header authorization is reserved",
		},
		"a bad response status": {
			func(i *apigateway.Integration) {
				i.ResponseParameters = map[string]map[string]string{"ok": {"append:header.a": "1"}}
			}, `parsing "ok"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, logging(withIntegration("GET /orders/{id} => none", test.change), "$context.status|$context.integrationErrorMessage|$context.error.responseType"))
			rec := w.do("GET", "/orders/7")
			require.Equal(t, 500, rec.Code)
			require.JSONEq(t, `{"message":"Internal Server Error"}`, rec.Body.String())
			require.Contains(t, w.sink.last(t), test.log)
			require.Contains(t, w.sink.last(t), "INTEGRATION_FAILURE")
			require.Zero(t, w.backend.calls)
		})
	}
	noTarget := withStage(apiOf("GET /orders => none"), func(s *edge.ServedStage) { s.Deployment.Routes["id00000"].Target = "" })
	w := newWorld(t, noTarget)
	require.Equal(t, 500, w.do("GET", "/orders").Code)
}

func TestBackendsThatFail(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		transport http.RoundTripper
		timeout   int
		status    int
		log       string
	}{
		"cannot be reached": {failingBackend{errors.New("connection refused")}, 30000, 503, "connection refused"},
		"does not answer":   {stuck{}, 1, 503, "did not answer within 1ms"},
		"answers too much":  {endless{}, 30000, 500, "longer than 10 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := logging(withIntegration("GET /orders => none", func(i *apigateway.Integration) { i.TimeoutInMillis = test.timeout }),
				"$context.status|$context.integration.error|$context.integrationStatus")
			w := newWorld(t, api, func(o *edge.Options) { o.Client = &http.Client{Transport: test.transport} })
			rec := w.do("GET", "/orders")
			require.Equal(t, test.status, rec.Code)
			require.Contains(t, w.sink.last(t), test.log)
			require.True(t, strings.HasSuffix(w.sink.last(t), "|-"), "the backend gave no status")
		})
	}
}

type failingBackend struct{ err error }

func (f failingBackend) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

type endless struct{}

func (endless) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(zeros{})}, nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestWhatTheBackendGets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apiOf("POST /orders => none"))
	r := httptest.NewRequest("POST", "https://"+host+"/orders", strings.NewReader(`{"n":1}`))
	for name, value := range map[string]string{
		"Authorization": "Bearer x", "Content-Type": "application/json", "X-Custom": "1", "Connection": "close, X-Hop", "X-Hop": "1",
		"Keep-Alive": "5", "Te": "trailers", "Upgrade": "h2c", "Proxy-Authorization": "x", "X-Forwarded-For": "9.9.9.9", "Forwarded": "for=9.9.9.9", "Cookie": "a=b",
	} {
		r.Header.Set(name, value)
	}
	r.RemoteAddr = "203.0.113.9:5000"
	require.Equal(t, 200, w.send(r).Code)
	got := w.backend.last.Header
	require.Equal(t, `{"n":1}`, string(w.backend.body))
	require.Equal(t, "POST", w.backend.last.Method)
	for name, want := range map[string]string{
		"Authorization": "Bearer x", "Content-Type": "application/json", "X-Custom": "1", "Cookie": "a=b", "X-Forwarded-For": "9.9.9.9",
		"Via":       "HTTP/1.1 AmazonAPIGateway",
		"Forwarded": "for=9.9.9.9, by=127.0.0.1;for=203.0.113.9;host=" + host + ";proto=https",
	} {
		require.Equal(t, want, got.Get(name), name)
	}
	for _, name := range []string{"Connection", "X-Hop", "Keep-Alive", "Te", "Upgrade", "Proxy-Authorization"} {
		require.Empty(t, got.Values(name), name)
	}
	require.Regexp(t, `^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$`, got.Get("X-Amzn-Trace-Id"))
	require.Equal(t, "Bearer x", r.Header.Get("Authorization"))
	require.Equal(t, "close, X-Hop", r.Header.Get("Connection"), "the caller's request is left as it is")
}

func TestIntegrationMethods(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]string{"ANY": "DELETE", "": "DELETE", "POST": "POST"} {
		w := newWorld(t, withIntegration("DELETE /orders => none", func(i *apigateway.Integration) { i.IntegrationMethod = method }))
		require.Equal(t, 200, w.do("DELETE", "/orders").Code)
		require.Equal(t, want, w.backend.last.Method)
	}
}

func TestRequestParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withIntegration("GET /orders/{id} => jwt", func(i *apigateway.Integration) {
		i.RequestParameters = map[string]string{
			"overwrite:header.x-client":       "$context.authorizer.claims.azp",
			"append:header.x-roles":           "$context.authorizer.claims.roles",
			"append:header.x-many":            "third",
			"overwrite:header.x-request":      "${context.requestId} of ${context.stage}",
			"append:header.x-unset":           "$request.header.x-none",
			"append:header.renamed":           "$request.header.original",
			"remove:header.original":          "''",
			"overwrite:header.x-joined":       "$request.header.x-many",
			"overwrite:header.host":           "internal.example",
			"append:querystring.page":         "2",
			"overwrite:querystring.id":        "$request.path.id",
			"remove:querystring.secret":       "''",
			"overwrite:header.x-query":        "$request.querystring.page",
			"overwrite:path":                  "/internal/$request.path.id",
			"overwrite:header.x-path":         "$request.path",
			"overwrite:header.x-environment":  "$stageVariables.env",
			"overwrite:header.x-spoofed-user": "$context.authorizer.claims.preferred_username",
		}
	}))
	token := mint(but(map[string]any{"azp": "client-1", "roles": []string{"A", "B"}}))
	rec := w.do("GET", "/orders/7?page=1&secret=s&id=9", "Authorization", token, "X-Many", "first", "X-Many", "second",
		"Original", "value", "X-Client", "spoofed", "X-Spoofed-User", "eve")
	require.Equal(t, 200, rec.Code)
	got := w.backend.last
	for name, want := range map[string]string{
		"X-Client": "client-1", "X-Roles": "[A B]", "X-Request": rec.Header().Get("apigw-requestid") + " of $default", "Renamed": "value",
		"X-Joined": "first,second", "X-Query": "1", "X-Path": "/orders/7", "X-Environment": "dev", "Original": "", "X-Unset": "",
	} {
		require.Equal(t, want, got.Header.Get(name), name)
	}
	require.Equal(t, []string{"first", "second", "third"}, got.Header.Values("X-Many"))
	require.Equal(t, "internal.example", got.Host)
	require.Equal(t, "/internal/7", got.URL.Path)
	require.Equal(t, url.Values{"page": {"1", "2"}, "id": {"7"}}, got.URL.Query())
	require.Equal(t, "eve", got.Header.Get("X-Spoofed-User"), "a claim that is not there overwrites nothing")
}

func TestResponses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withIntegration("GET /orders => none", func(i *apigateway.Integration) {
		i.ResponseParameters = map[string]map[string]string{
			"500": {"overwrite:statuscode": "403", "append:header.x-id": "$context.requestId", "remove:header.server": "''"},
			"404": {"append:header.error": "$stageVariables.env", "overwrite:header.copy": "$response.header.server"},
		}
	}))
	status := 500
	w.backend.answer = func(*http.Request) (*http.Response, error) {
		return response(status, "body", "Server", "s", "Connection", "close", "Content-Type", "text/plain", "Set-Cookie", "a", "Set-Cookie", "b"), nil
	}
	rec := w.do("GET", "/orders")
	require.Equal(t, 403, rec.Code)
	require.Equal(t, "body", rec.Body.String())
	require.Equal(t, rec.Header().Get("apigw-requestid"), rec.Header().Get("X-Id"))
	require.Empty(t, rec.Header().Get("Server"))
	require.Empty(t, rec.Header().Get("Connection"))
	require.Equal(t, []string{"a", "b"}, rec.Header().Values("Set-Cookie"))
	require.Equal(t, "text/plain", rec.Header().Get("Content-Type"))
	require.Equal(t, "4", rec.Header().Get("Content-Length"))

	status = 404
	rec = w.do("GET", "/orders")
	require.Equal(t, 404, rec.Code)
	require.Equal(t, "dev", rec.Header().Get("Error"))
	require.Equal(t, "s", rec.Header().Get("Copy"))

	status = 302
	require.Equal(t, 302, w.do("GET", "/orders").Code, "redirects go to the caller")
}

func TestOverRealConnections(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Got", r.Method+" "+r.URL.Path+" "+r.UserAgent())
		if r.Method == http.MethodHead || r.URL.Path == "/o/none" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		_, _ = io.Copy(w, r.Body)
	}))
	defer backend.Close()
	api := withIntegration("ANY /{proxy+} => none", func(i *apigateway.Integration) { i.IntegrationURI = backend.URL + "/o/{proxy}" })
	w := newWorld(t, api, func(o *edge.Options) { o.Client = backend.Client() })
	front := httptest.NewServer(w)
	defer front.Close()

	type answer struct {
		status    int
		got, body string
	}
	do := func(method, path string, body io.Reader) answer {
		req, err := http.NewRequestWithContext(t.Context(), method, front.URL+path, body)
		require.NoError(t, err)
		req.Host = host
		resp, err := front.Client().Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return answer{resp.StatusCode, resp.Header.Get("X-Got"), string(raw)}
	}
	require.Equal(t, answer{200, "POST /o/a/b Go-http-client/1.1", "hello"}, do("POST", "/a/b", strings.NewReader("hello")))
	require.Equal(t, "chunked", do("PUT", "/a", struct{ io.Reader }{strings.NewReader("chunked")}).body)
	require.Equal(t, 204, do("HEAD", "/a", nil).status)
	for path, status := range map[string]int{"/none": 204, "/a?x": 200} {
		got := do("GET", path, nil)
		require.Equal(t, status, got.status)
		require.Empty(t, got.body)
	}
}
