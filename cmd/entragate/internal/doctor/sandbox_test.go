package doctor

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/cmd/entragate/internal/sandboxtest"
	"github.com/entragate/entragate/sandbox"
)

// world is a sandbox that tests share, each with a stack of its own.
type world struct {
	settings sandbox.Settings
	env      map[string]string
}

// newWorld serves a sandbox until the test and all below it have ended.
func newWorld(t *testing.T) world {
	t.Helper()
	settings, env := sandboxtest.Serve(t)
	return world{settings: settings, env: env}
}

// wire is between the clients and the clouds: it knows the permission that each
// request takes, may refuse or answer it in the cloud's place, and remembers it.
type wire struct {
	next http.RoundTripper
	// Set before anything is examined.
	denied  map[string]bool
	answers map[string]func(req *http.Request) (status int, body string) // by permission, or by path

	mu   sync.Mutex
	used map[string]bool
}

// clients are those of the sandbox, with a wire of their own.
func (w world) clients(t *testing.T) (*clouds.Clouds, *wire) {
	t.Helper()
	c, err := clouds.Sandbox(w.env)
	require.NoError(t, err)
	between := &wire{
		next: c.HTTP.Transport, used: map[string]bool{}, denied: map[string]bool{},
		answers: map[string]func(*http.Request) (int, string){},
	}
	c.HTTP.Transport = between
	return c, between
}

// answer has a permission, or a path, answered with a text.
func (w *wire) answer(what string, status int, body string) {
	w.answers[what] = func(*http.Request) (int, string) { return status, body }
}

// RoundTrip implements [http.RoundTripper].
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	name := permissionOf(req)
	w.mu.Lock()
	w.used[name] = true
	w.mu.Unlock()
	if w.denied[name] {
		switch {
		case !strings.Contains(name, ":"):
			return respond(req, http.StatusForbidden, `{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}`), nil
		case strings.HasPrefix(name, "sns:"):
			return respond(req, http.StatusForbidden, `<ErrorResponse><Error><Code>AuthorizationError</Code><Message>not authorized</Message></Error></ErrorResponse>`), nil
		default:
			res := respond(req, http.StatusForbidden, `{"__type":"AccessDeniedException","message":"not authorized to perform: `+name+`"}`)
			res.Header.Set("X-Amzn-Errortype", "AccessDeniedException")
			res.Header.Set("X-Amzn-Query-Error", "AccessDenied;Sender")
			if req.Header.Get("Smithy-Protocol") != "" {
				res = respond(req, http.StatusForbidden, "\xbf\x66__type\x6cAccessDenied\xff") // in CBOR
				res.Header.Set("Smithy-Protocol", req.Header.Get("Smithy-Protocol"))
				res.Header.Set("Content-Type", "application/cbor")
			}
			return res, nil
		}
	}
	for _, what := range []string{name, req.URL.Path} {
		if answer := w.answers[what]; answer != nil {
			status, body := answer(req)
			return respond(req, status, body), nil
		}
	}
	return w.next.RoundTrip(req)
}

func respond(req *http.Request, status int, body string) *http.Response {
	header := http.Header{"Content-Type": {"application/json"}}
	if strings.HasPrefix(body, "<") {
		header.Set("Content-Type", "text/xml")
	}
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}

// permissionOf is what a request takes, "" if that is nothing. It reads requests
// by itself, so that it can contradict [needed].
func permissionOf(req *http.Request) string {
	_, scope, signed := strings.Cut(req.Header.Get("Authorization"), "Credential=")
	parts := strings.Split(scope, "/")
	switch {
	case strings.HasPrefix(req.URL.Path, "/v1.0/"):
		if strings.Contains(req.URL.Path, "oauth2PermissionGrants") {
			return "Directory.Read.All"
		}
		return "Application.Read.All"
	case !signed || len(parts) < 4:
		return ""
	}
	service, operation := parts[3], ""
	switch service {
	case "apigateway":
		return "apigateway:" + req.Method
	case "lambda":
		switch {
		case strings.HasSuffix(req.URL.Path, "/policy"):
			operation = "GetPolicy"
		case strings.HasSuffix(req.URL.Path, "/configuration"):
			operation = "GetFunctionConfiguration"
		default:
			operation = req.Method + " " + req.URL.Path
		}
	case "monitoring":
		service = "cloudwatch"
		_, operation, _ = strings.Cut(req.URL.Path, "/operation/")
	case "sns":
		raw, _ := io.ReadAll(req.Body)
		req.Body = io.NopCloser(strings.NewReader(string(raw)))
		form, _ := url.ParseQuery(string(raw))
		operation = form.Get("Action")
	default:
		_, operation, _ = strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	}
	return service + ":" + operation
}

// graph calls Microsoft Graph and returns the answer.
func graph(t *testing.T, c *clouds.Clouds, method, path string, in any) map[string]any {
	t.Helper()
	var out map[string]any
	var into any = &out
	if method == http.MethodPatch || method == http.MethodDelete {
		into = nil
	}
	require.NoError(t, c.Graph.Call(t.Context(), method, path, in, into))
	return out
}

// patience is a clock that waiting moves on, over the machine's.
type patience struct {
	mu    sync.Mutex
	ahead time.Duration
	waits int
}

func (p *patience) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Add(p.ahead)
}

func (p *patience) wait(ctx context.Context, d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ahead += d
	p.waits++
	return ctx.Err()
}

// asJSON is a value as a request's body holds it.
func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	return string(raw)
}
