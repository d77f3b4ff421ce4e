package verify

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/entragate/entragate/access"
)

// Probe says how a route may be called without harm.
type Probe = access.Probe

// probing is a request with what it sends.
type probing struct {
	request
	body, contentType string
}

// safeMethods change nothing.
// https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1
var safeMethods = []string{http.MethodGet, http.MethodHead}

// realRequest is the call of a route of a real deployment, or why it is not
// called: a backend there is nobody's toy. An error is one in the probe.
func realRequest(key string, all []string, probe *Probe) (r probing, why string, err error) {
	k, err := access.ParseRouteKey(key)
	if err != nil {
		return r, "", fmt.Errorf("route %q: %w", key, err)
	}
	if probe != nil {
		r, err = probed(key, k, all, *probe)
		return r, "", err
	}
	method := k.Method
	if method == "ANY" && !k.IsDefault() {
		free := slices.DeleteFunc(slices.Clone(safeMethods), func(m string) bool { return slices.Contains(all, m+" "+k.Path()) })
		if len(free) == 0 {
			return r, "GET and HEAD have routes of their own: it takes a probe of the route", nil
		}
		method = free[0]
	}
	switch {
	case k.IsDefault():
		return r, "nobody says what it serves: it takes a probe of the route", nil
	case !slices.Contains(safeMethods, method):
		return r, method + " may change something: it takes a probe of the route", nil
	case slices.ContainsFunc(k.Segments, func(s access.Segment) bool { return s.Kind != access.Literal }):
		return r, "nobody says what stands for " + k.Path() + ": it takes a probe of the route", nil
	}
	return probing{request: request{method, k.Path()}}, "", nil
}

// probed is the request of a probe, which must go to the route and no other.
func probed(key string, k access.RouteKey, all []string, p Probe) (probing, error) {
	path, _, _ := strings.Cut(p.Path, "?")
	wrong := func(want string) (probing, error) {
		return probing{}, fmt.Errorf("probe of route %q: path: got %q, want %s", key, p.Path, want)
	}
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(p.Path, "# \t\r\n") || strings.Contains(path, "//") {
		return wrong(`a path such as "/orders/0"`)
	}
	methods := []string{k.Method}
	if k.IsDefault() || k.Method == "ANY" {
		methods = safeMethods
		if p.Body != "" {
			methods = []string{http.MethodPost}
		}
	}
	for _, method := range methods {
		r := request{method, path}
		if !k.IsDefault() && !takes(key, r) {
			return wrong("one that the route takes")
		}
		other := slices.ContainsFunc(all, func(o string) bool { return o != key && takes(o, r) && (k.IsDefault() || closer(o, k)) })
		if !other {
			return probing{request{method, p.Path}, p.Body, p.ContentType}, nil
		}
	}
	return wrong("one that no other route takes")
}

// closer reports whether API Gateway prefers a route that takes the same request:
// what is fixed goes before variables, and those before a greedy one, and a
// method before ANY.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
func closer(other string, k access.RouteKey) bool {
	o, err := access.ParseRouteKey(other)
	if err != nil {
		return false
	}
	rank := func(k access.RouteKey) (greedy, variables int) {
		for _, s := range k.Segments {
			switch s.Kind {
			case access.Greedy:
				greedy = 1
			case access.Variable:
				variables++
			case access.Literal:
			}
		}
		return greedy, variables
	}
	og, ov := rank(o)
	kg, kv := rank(k)
	switch {
	case og != kg:
		return og < kg
	case ov != kv:
		return ov < kv
	default:
		return k.Method == "ANY" && o.Method != "ANY"
	}
}
