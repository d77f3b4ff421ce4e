package edge

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// defaultRouteKey is the catch-all route.
const defaultRouteKey = "$default"

// anyMethod stands for every method that has no route of its own on a path.
const anyMethod = "ANY"

// segmentKind orders the kinds of path segments, the most specific first.
type segmentKind byte

const (
	static segmentKind = iota
	variable
	greedy
)

// segment is a part of a route's path between slashes.
type segment struct {
	kind segmentKind
	text string // what to match, or the variable's name
}

// pattern is the parsed key of a route other than $default.
type pattern struct {
	method   string
	segments []segment
}

// parseRouteKey parses "METHOD /path".
func parseRouteKey(key string) (pattern, error) {
	method, path, ok := strings.Cut(key, " ")
	if !ok || method == "" || !strings.HasPrefix(path, "/") {
		return pattern{}, fmt.Errorf("route key %q: want $default or \"METHOD /path\"", key)
	}
	p := pattern{method: method}
	words := splitPath(path)
	for i, word := range words {
		s := segment{text: word}
		if inner, ok := strings.CutPrefix(word, "{"); ok && strings.HasSuffix(inner, "}") {
			s.kind, s.text = variable, strings.TrimSuffix(inner, "}")
			if name, ok := strings.CutSuffix(s.text, "+"); ok {
				s.kind, s.text = greedy, name
			}
		}
		if s.text == "" && s.kind != static || s.kind != static && strings.ContainsAny(s.text, "{}+") {
			return pattern{}, fmt.Errorf("route key %q: got path variable %q, want {name} or {name+}", key, word)
		}
		if s.kind == greedy && i != len(words)-1 {
			return pattern{}, fmt.Errorf("route key %q: greedy variable %q is not last", key, word)
		}
		p.segments = append(p.segments, s)
	}
	return p, nil
}

// splitPath returns the segments of a path that starts with a slash: none for
// "/", and an empty last one for a path that ends in another slash.
func splitPath(path string) []string {
	if path == "/" || path == "" {
		return nil
	}
	return strings.Split(path[1:], "/")
}

// isGreedy reports whether the last segment takes the rest of a path.
func (p pattern) isGreedy() bool {
	return len(p.segments) > 0 && p.segments[len(p.segments)-1].kind == greedy
}

// compare orders patterns by priority. AWS documents: a full match comes
// before a greedy one; a static segment before a variable; and a method that
// is named before ANY on the same path. That segments count from the left is a
// guess, as is what follows from it for two greedy routes.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
func (p pattern) compare(q pattern) int {
	if p.isGreedy() != q.isGreedy() {
		return cmp.Compare(boolRank(p.isGreedy()), boolRank(q.isGreedy()))
	}
	byKind := func(a, b segment) int { return cmp.Compare(a.kind, b.kind) }
	return cmp.Or(
		slices.CompareFunc(p.segments, q.segments, byKind),
		cmp.Compare(boolRank(p.method == anyMethod), boolRank(q.method == anyMethod)),
	)
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// pathVariable is what a variable of a route's path stands for in a request.
type pathVariable struct {
	name    string
	escaped string // as in the request, for URIs
	value   string // decoded
}

// match matches the segments of a path, given escaped and decoded. Variables
// match only what is not empty, so a path with a slash at its end is another
// path (a guess: AWS does not document it, but such requests are commonly
// reported as "Not Found").
func (p pattern) match(escaped, decoded []string) ([]pathVariable, bool) {
	if len(decoded) < len(p.segments) || (len(decoded) > len(p.segments) && !p.isGreedy()) {
		return nil, false
	}
	variables := 0
	for i, s := range p.segments {
		switch {
		case s.kind == static && s.text != decoded[i]:
			return nil, false
		case s.kind == variable && decoded[i] == "":
			return nil, false
		case s.kind == greedy && decoded[i] == "" && i == len(decoded)-1:
			return nil, false
		case s.kind != static:
			variables++
		}
	}
	if variables == 0 {
		return nil, true
	}
	vars := make([]pathVariable, 0, variables)
	for i, s := range p.segments {
		switch s.kind {
		case static:
		case variable:
			vars = append(vars, pathVariable{name: s.text, escaped: escaped[i], value: decoded[i]})
		case greedy:
			vars = append(vars, pathVariable{
				name: s.text, escaped: strings.Join(escaped[i:], "/"), value: strings.Join(decoded[i:], "/"),
			})
		}
	}
	return vars, true
}

// routeTable finds the route of a request.
type routeTable struct {
	byMethod map[string][]*route // the method's own routes and those of ANY, by priority
	any      []*route            // for methods without a route of their own
	fallback *route              // $default, may be nil
}

// newRouteTable sorts routes by priority. Routes with a key that does not
// parse are left out: the control plane does not let them in.
func newRouteTable(routes []*route) *routeTable {
	t := &routeTable{byMethod: map[string][]*route{}}
	var parsed []*route
	for _, r := range routes {
		if r.key == defaultRouteKey {
			t.fallback = r
			continue
		}
		p, err := parseRouteKey(r.key)
		if err != nil {
			continue
		}
		r.pattern = p
		parsed = append(parsed, r)
	}
	slices.SortFunc(parsed, func(a, b *route) int {
		return cmp.Or(a.pattern.compare(b.pattern), cmp.Compare(a.key, b.key))
	})
	for _, r := range parsed {
		if r.pattern.method != anyMethod {
			t.byMethod[r.pattern.method] = nil
		}
	}
	for _, r := range parsed {
		if r.pattern.method == anyMethod {
			t.any = append(t.any, r)
		}
		for method := range t.byMethod {
			if r.pattern.method == method || r.pattern.method == anyMethod {
				t.byMethod[method] = append(t.byMethod[method], r)
			}
		}
	}
	return t
}

// find returns the route for a method and an escaped path, or nil.
func (t *routeTable) find(method, path string) (*route, []pathVariable) {
	candidates, ok := t.byMethod[method]
	if !ok {
		candidates = t.any
	}
	escaped := splitPath(path)
	decoded := escaped
	if strings.Contains(path, "%") {
		decoded = make([]string, len(escaped))
		for i, word := range escaped {
			decoded[i] = unescape(word)
		}
	}
	for _, r := range candidates {
		if vars, ok := r.pattern.match(escaped, decoded); ok {
			return r, vars
		}
	}
	return t.fallback, nil
}

// unescape decodes a segment after the path was split, so that an encoded
// slash does not make two segments (a guess).
func unescape(segment string) string {
	decoded, err := url.PathUnescape(segment)
	if err != nil {
		return segment
	}
	return decoded
}
