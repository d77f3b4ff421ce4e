package access

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

func (v *validator) backends() {
	if n := len(v.model.Backends); n > MaxBackends {
		v.add("backends", "too many backends", fmt.Sprint(n), fmt.Sprintf("at most %d, API Gateway's quota", MaxBackends))
	}
	seen := map[string]string{}
	for i, b := range v.model.Backends {
		v.name(at("backends", i, "name"), b.Name, "orders", seen)
		switch {
		case b.URL != "" && b.Function != "":
			v.add(at("backends", i), "backend has a url and a function", b.Name, "one of them")
		case b.Function != "":
			v.function(at("backends", i, "function"), b)
		default:
			v.backendURL(at("backends", i, "url"), b.URL)
		}
		if t := b.TimeoutMillis; t != 0 && (t < MinTimeoutMillis || t > MaxTimeoutMillis) {
			v.add(at("backends", i, "timeoutMillis"), "timeout out of range", fmt.Sprint(t),
				fmt.Sprintf("%d to %d milliseconds", MinTimeoutMillis, MaxTimeoutMillis))
		}
	}
}

// functionARN is what API Gateway takes for a Lambda function.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
var functionARN = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_-]+|:\$LATEST)?$`)

func (v *validator) function(path string, b Backend) {
	switch {
	case !b.IsFunctionARN():
		v.reference(path, "function", b.Function, v.model.Functions)
	case !functionARN.MatchString(b.Function):
		v.add(path, "malformed ARN of a function", b.Function,
			"\"arn:aws:lambda:<region>:<account>:function:<name>\"")
	}
}

// backendURL checks where requests go. Plain http is for a backend on the same
// machine as a local sandbox; API Gateway itself cannot reach one.
func (v *validator) backendURL(path, raw string) {
	const want = "an address such as \"https://orders.example.com\""
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		v.add(path, "missing url", "", want+", or a function")
	case err != nil || u.Hostname() == "":
		v.add(path, "malformed url", withoutUserinfo(raw), want)
	case u.User != nil:
		v.add(path, "url has a user name", withoutUserinfo(raw), want+", without credentials")
	case u.Scheme != "https" && u.Scheme != "http":
		v.add(path, "unknown scheme", raw, want)
	case !isPort(u.Port()):
		v.add(path, "port out of range", raw, "a port from 1 to 65535, or none")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		v.add(path, "requests would travel unencrypted", raw, "https, or http on localhost for a sandbox")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(raw, "#"):
		v.add(path, "url has a query or fragment", raw, "a base address, to which the route's path is appended")
	case strings.ContainsAny(raw, "{}$ "):
		v.add(path, "character not allowed in a url", raw, "an address without variables")
	case len(raw) > maxBackendURL:
		v.add(path, "url is too long", raw, fmt.Sprintf("at most %d characters", maxBackendURL))
	}
}

// withoutUserinfo keeps credentials in a refused address out of messages.
func withoutUserinfo(raw string) string {
	if i := strings.LastIndex(raw, "@"); i >= 0 {
		return "…" + raw[i:]
	}
	return raw
}

// isPort tells whether the port of a parsed URL can be one; "" is the default.
func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func (v *validator) routes() {
	n := len(v.model.Routes)
	if n == 0 {
		v.add("routes", "no routes", "", "at least one route")
	}
	if n > MaxRoutes {
		v.add("routes", "too many routes", fmt.Sprint(n), fmt.Sprintf("at most %d, API Gateway's quota", MaxRoutes))
	}
	keys := routeKeys{seen: map[string]int{}, variables: map[string]namedVariable{}}
	scopes, roles, backends := v.model.scopeValues(), v.model.roleValues(), v.model.backendNames()
	for i, r := range v.model.Routes {
		v.routeKey(i, r.Key, keys)
		v.authorization(i, r)
		v.references(at("routes", i, "scopes"), "scope", r.Scopes, scopes)
		v.references(at("routes", i, "roles"), "role", r.Roles, roles)
		if r.Probe != nil {
			v.probe(at("routes", i, "probe"), *r.Probe)
		}
		if r.Throttle != nil {
			v.problems = append(v.problems, r.Throttle.Problems().Prefix(at("routes", i, "throttle")+".")...)
		}
		switch {
		case r.Backend != "":
			v.reference(at("routes", i, "backend"), "backend", r.Backend, backends)
		case len(backends) == 0:
			v.add(at("routes", i, "backend"), "no backend", "", "a declared backend, and none is")
		case len(backends) > 1:
			v.add(at("routes", i, "backend"), "no backend", "", oneOf("", backends)+", since there are several")
		}
	}
}

// authorization checks that the route says who may call it, in exactly one way.
func (v *validator) authorization(i int, r Route) {
	path := at("routes", i)
	restricted := len(r.Scopes) > 0 || len(r.Roles) > 0
	switch {
	case !r.IsPublic() && !restricted:
		v.add(path, "route says nothing about who may call it", r.Key, "scopes, roles, or public with the reason")
	case r.IsPublic() && strings.TrimSpace(r.Public) == "":
		v.add(at(path, "public"), "missing reason", r.Public, "why everybody may call this route")
	}
	if r.IsPublic() && len(r.Scopes) > 0 {
		v.add(at(path, "scopes"), "scopes on a public route", strings.Join(r.Scopes, " "), "scopes or public, not both")
	}
	if r.IsPublic() && len(r.Roles) > 0 {
		v.add(at(path, "roles"), "roles on a public route", strings.Join(r.Roles, " "), "roles or public, not both")
	}
	if n := len(r.Scopes); n > MaxScopesPerRoute {
		v.add(at(path, "scopes"), "too many scopes", fmt.Sprint(n), fmt.Sprintf("at most %d, API Gateway's quota", MaxScopesPerRoute))
	}
	for n, s := range r.Scopes {
		if length := utf8.RuneCountInString(s); length > MaxScopeOnRoute {
			v.add(at(path, "scopes", n), "scope is too long for a route", s,
				fmt.Sprintf("at most %d characters, not %d: API Gateway takes no more", MaxScopeOnRoute, length))
		}
	}
}

// routeKeys is what has been seen of the route keys so far.
type routeKeys struct {
	seen      map[string]int           // method and shape -> index of the route
	variables map[string]namedVariable // shape up to a variable -> the variable
}

type namedVariable struct {
	name  string
	route int
}

// routeKey checks a route key by itself and against those before it.
//
// API Gateway answers ConflictException, "conflicting variable on the same
// hierarchical level", to paths that are the same up to a variable and then
// name that variable differently, such as /a/{x} and /a/{y}/b. That it does so
// across methods is a guess on the safe side.
// https://github.com/JiscSD/octopus/pull/577
func (v *validator) routeKey(i int, key string, keys routeKeys) {
	path := at("routes", i, "route")
	k, err := ParseRouteKey(key)
	if p, ok := errors.AsType[Problem](err); ok {
		p.Path = path
		if p.Got == "" {
			p.Got = key
		}
		v.problems = append(v.problems, p)
		return
	}
	shape := k.Method + " " + k.shape()
	if first, ok := keys.seen[shape]; ok {
		v.add(path, "route is declared twice", key, "another one than "+at("routes", first, "route"))
		return
	}
	keys.seen[shape] = i
	for n, s := range k.Segments {
		if s.Kind == Literal {
			continue
		}
		prefix := RouteKey{Method: k.Method, Segments: k.Segments[:n+1]}.shape()
		first, ok := keys.variables[prefix]
		if !ok {
			keys.variables[prefix] = namedVariable{name: s.Name, route: i}
			continue
		}
		if first.name != s.Name {
			v.add(path, fmt.Sprintf("variable has another name in %s", at("routes", first.route, "route")), key,
				Segment{Name: first.name, Kind: s.Kind}.String()+" in place of "+s.String()+", or API Gateway answers ConflictException")
		}
	}
}

// probe checks the form of a probe. That the route takes it is checked where it is
// used, by the routes that there are then.
func (v *validator) probe(path string, p Probe) {
	if !strings.HasPrefix(p.Path, "/") || strings.ContainsAny(p.Path, "# \t\r\n") {
		v.add(path+".path", "malformed path", p.Path, `one such as "/orders/0"`)
	}
	if p.Body == "" && p.ContentType != "" {
		v.add(path+".contentType", "content type without a body", p.ContentType, "a body, or neither")
	}
}
