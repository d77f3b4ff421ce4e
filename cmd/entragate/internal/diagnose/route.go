package diagnose

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/routing"
	"github.com/entragate/entragate/sandbox/edge/routekey"
)

// requestLine is a method and an escaped path, or $default alone.
type requestLine struct{ method, path string }

func (r requestLine) String() string {
	if r.method == "" {
		return routekey.Default
	}
	return r.method + " " + r.path
}

// parseRequest reads a route key, a request line, or a method and an address.
// The query counts for nothing, and letter case not in the method: who types
// "get" means GET.
func parseRequest(text string) (requestLine, error) {
	text = strings.TrimSpace(text)
	if text == routekey.Default {
		return requestLine{}, nil
	}
	got := fmt.Sprintf("%q", clip(text))
	if strings.Contains(text, "eyJ") {
		got = "what looks like a token" // which no error repeats
	}
	refusal := fmt.Errorf(`route: got %s, want "METHOD /path", such as "GET /orders/17", or "$default"`, got)
	method, target, _ := strings.Cut(text, " ")
	target, protocol, more := strings.Cut(strings.TrimSpace(target), " ")
	if more && !strings.HasPrefix(protocol, "HTTP/") || strings.ContainsFunc(method, func(r rune) bool { return !isLetter(r) }) {
		return requestLine{}, refusal
	}
	if strings.HasPrefix(target, "https://") || strings.HasPrefix(target, "http://") {
		u, err := url.Parse(target)
		if err != nil {
			return requestLine{}, errors.Join(refusal, errors.New("its address cannot be read"))
		}
		target = cmp.Or(u.EscapedPath(), "/")
	}
	target, _, _ = strings.Cut(target, "#")
	target, _, _ = strings.Cut(target, "?")
	if method == "" || !strings.HasPrefix(target, "/") || strings.ContainsFunc(target, unprintable) {
		return requestLine{}, refusal
	}
	return requestLine{strings.ToUpper(method), target}, nil
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// findRoute finds the route with a key, else the one that takes a request.
func findRoute(routes []access.Route, line requestLine) (access.Route, bool) {
	for _, r := range routes {
		if r.Key == line.String() {
			return r, true
		}
	}
	return routing.Find(routes, line.method, line.path)
}

// unrouted reports that there is no route.
func (x *explainer) unrouted(line requestLine) {
	x.report.Status, x.report.Nearest = http.StatusNotFound, routing.Nearest(x.Model.Routes, line.String())
	check := Check{
		Name: CheckRoute, Cause: CauseNoRoute, Got: line.String(), Want: "a route of the stack",
		Why: "no route has this method and path, so that API Gateway answers 404 without a look at the token",
		Fix: "Compare with the routes: `entragate access` lists them. A wrong method is a 404 too.",
	}
	if trimmed := strings.TrimSuffix(line.path, "/"); trimmed != line.path && trimmed != "" {
		if r, ok := findRoute(x.Model.Routes, requestLine{line.method, trimmed}); ok {
			check.Fix = fmt.Sprintf("Leave the slash at the end away: %s takes %s %s.", r.Key, line.method, trimmed)
		}
	}
	x.report.refuse(check)
}

// public reports that no token is needed.
func (x *explainer) public() {
	x.report.Allowed, x.report.Status, x.report.By = true, http.StatusOK, "public"
	x.report.Summary = "the route is public, so that no token is needed and none is looked at: " + clip(x.route.Public)
	x.report.Checks = append(x.report.Checks, Check{Name: CheckRoute, OK: true, Got: x.route.Key})
}
