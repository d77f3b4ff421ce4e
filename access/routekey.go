package access

import (
	"fmt"
	"slices"
	"strings"
)

// Methods are the methods that a route key may have, in the order in which
// people expect them. ANY stands for every method that no other route of the
// same path names.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
var Methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "ANY"}

// DefaultRoute is the route key of the route that takes every request that no
// other route does.
const DefaultRoute = "$default"

// RouteKey is a parsed route key. The key of [DefaultRoute] has no method and
// no segments; that of the root path has a method and no segments.
type RouteKey struct {
	Method   string
	Segments []Segment
}

// Segment is one part of a path, between slashes.
type Segment struct {
	// Name is the literal text, or the name of the variable.
	Name string
	Kind SegmentKind
}

// SegmentKind says what a segment matches.
type SegmentKind int

// The kinds of segment.
const (
	Literal  SegmentKind = iota // exactly its name
	Variable                    // any one segment: "{name}"
	Greedy                      // one or more segments up to the end: "{name+}"
)

// String returns the segment as it is written in a route key.
func (s Segment) String() string {
	switch s.Kind {
	case Variable:
		return "{" + s.Name + "}"
	case Greedy:
		return "{" + s.Name + "+}"
	default:
		return s.Name
	}
}

// IsDefault reports whether the key is [DefaultRoute].
func (k RouteKey) IsDefault() bool { return k.Method == "" }

// Path returns the path as it is written in the key, or "" for [DefaultRoute].
func (k RouteKey) Path() string {
	if k.IsDefault() {
		return ""
	}
	if len(k.Segments) == 0 {
		return "/"
	}
	var b strings.Builder
	for _, s := range k.Segments {
		b.WriteString("/" + s.String())
	}
	return b.String()
}

// String returns the key as it was parsed.
func (k RouteKey) String() string {
	if k.IsDefault() {
		return DefaultRoute
	}
	return k.Method + " " + k.Path()
}

// ParseRouteKey parses "METHOD /path" or "$default". Segments are letters,
// digits and -._~:@, or a whole variable; a greedy variable is the last
// segment; variables of one path have different names; a path does not end in a
// slash, except "/" itself. The error is a [Problem] without a path.
//
// API Gateway refuses a trailing slash
// (https://github.com/aws/serverless-application-model/issues/1949) and a
// variable that is only part of a segment
// (https://github.com/serverless/serverless/issues/10423). Which characters it
// takes in a segment is not documented for HTTP APIs; these are a guess on the
// safe side.
func ParseRouteKey(key string) (RouteKey, error) {
	if key == DefaultRoute {
		return RouteKey{}, nil
	}
	const form = `"METHOD /path", such as "GET /orders/{id}", or "$default"`
	method, path, found := strings.Cut(key, " ")
	if !found || key == "" {
		return RouteKey{}, Problem{Message: "malformed route key", Got: key, Want: form}
	}
	if !slices.Contains(Methods, method) {
		return RouteKey{}, Problem{Message: "unknown method", Got: method, Want: oneOf(method, Methods)}
	}
	if !strings.HasPrefix(path, "/") {
		return RouteKey{}, Problem{Message: "path without a leading slash", Got: key, Want: form}
	}
	k := RouteKey{Method: method}
	if path == "/" {
		return k, nil
	}
	if trimmed, found := strings.CutSuffix(path, "/"); found {
		want := fmt.Sprintf("%q: API Gateway refuses it otherwise", method+" "+trimmed)
		return RouteKey{}, Problem{Message: "path ends in a slash", Got: key, Want: want}
	}
	for part := range strings.SplitSeq(path[1:], "/") {
		s, err := parseSegment(part)
		if err != nil {
			return RouteKey{}, err
		}
		if n := len(k.Segments); n > 0 && k.Segments[n-1].Kind == Greedy {
			want := fmt.Sprintf("%q as the last segment", k.Segments[n-1])
			return RouteKey{}, Problem{Message: "greedy variable is not last", Got: key, Want: want}
		}
		if s.Kind != Literal && k.variable(s.Name) {
			want := "variables with different names"
			return RouteKey{}, Problem{Message: fmt.Sprintf("variable %q is in the path twice", s.Name), Got: key, Want: want}
		}
		k.Segments = append(k.Segments, s)
	}
	return k, nil
}

// variable reports whether the path has a variable of that name.
func (k RouteKey) variable(name string) bool {
	return slices.ContainsFunc(k.Segments, func(s Segment) bool { return s.Kind != Literal && s.Name == name })
}

func parseSegment(part string) (Segment, error) {
	if part == "" {
		return Segment{}, Problem{Message: "empty path segment", Want: "text between any two slashes"}
	}
	if !strings.ContainsAny(part, "{}") {
		if i := strings.IndexFunc(part, func(r rune) bool { return !isSegmentRune(r) }); i >= 0 {
			return Segment{}, Problem{Message: "character not allowed in a path segment", Got: part, Want: "letters, digits and -._~:@"}
		}
		return Segment{Name: part}, nil
	}
	name, opened := strings.CutPrefix(part, "{")
	name, closed := strings.CutSuffix(name, "}")
	if !opened || !closed || strings.ContainsAny(name, "{}") {
		return Segment{}, Problem{Message: "malformed path variable", Got: part, Want: `a whole segment such as "{id}" or "{proxy+}"`}
	}
	kind := Variable
	if cut, greedy := strings.CutSuffix(name, "+"); greedy {
		name, kind = cut, Greedy
	}
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !isVariableRune(r) }) {
		return Segment{}, Problem{Message: "malformed path variable", Got: part, Want: "a name of letters, digits and -._"}
	}
	return Segment{Name: name, Kind: kind}, nil
}

func isVariableRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_'
}

func isSegmentRune(r rune) bool { return isVariableRune(r) || r == '~' || r == ':' || r == '@' }

// shape returns the path without the names of its variables: two paths of one
// shape match the same requests.
func (k RouteKey) shape() string {
	var b strings.Builder
	for _, s := range k.Segments {
		switch s.Kind {
		case Variable:
			b.WriteString("/{}")
		case Greedy:
			b.WriteString("/{+}")
		default:
			b.WriteString("/" + s.Name)
		}
	}
	return b.String()
}
