package review

import (
	"cmp"
	"slices"

	"github.com/entragate/entragate/access"
)

// routing finds which route of a model takes the requests of a route that it
// does not declare.
type routing struct {
	routes []access.Route
	keys   []access.RouteKey
	valid  []bool
}

func newRouting(m access.Model) routing {
	t := routing{routes: m.Routes, keys: make([]access.RouteKey, len(m.Routes)), valid: make([]bool, len(m.Routes))}
	for i, r := range m.Routes {
		k, err := access.ParseRouteKey(r.Key)
		t.keys[i], t.valid[i] = k, err == nil
	}
	return t
}

// instead is the route that takes all requests of a key, the most specific one if
// several do, or "" if none does. Where the model splits them up it is not asked:
// the routes that take some of them are rows of the matrix themselves.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
func (t routing) instead(key string) string {
	wanted, err := access.ParseRouteKey(key)
	if err != nil {
		return ""
	}
	best := -1
	for i, k := range t.keys {
		if !t.valid[i] || !covers(k, wanted) {
			continue
		}
		if best < 0 || precedes(k, t.keys[best]) {
			best = i
		}
	}
	if best < 0 {
		return ""
	}
	return t.routes[best].Key
}

// precedes reports whether a route goes before another that takes the same
// requests: a full match before a greedy one, a literal before a variable, a
// method that is named before any. That segments count from the left is a guess.
func precedes(a, b access.RouteKey) bool {
	if a.IsDefault() || b.IsDefault() {
		return b.IsDefault()
	}
	rank := func(last bool) int {
		if last {
			return 1
		}
		return 0
	}
	greedy := func(s access.Segment) bool { return s.Kind == access.Greedy }
	return cmp.Or(
		rank(slices.ContainsFunc(a.Segments, greedy))-rank(slices.ContainsFunc(b.Segments, greedy)),
		slices.CompareFunc(a.Segments, b.Segments, func(x, y access.Segment) int { return cmp.Compare(x.Kind, y.Kind) }),
		rank(a.Method == "ANY")-rank(b.Method == "ANY"),
	) < 0
}

// covers reports whether every request that narrow matches is matched by wide.
func covers(wide, narrow access.RouteKey) bool {
	if wide.IsDefault() || narrow.IsDefault() {
		return wide.IsDefault()
	}
	if wide.Method != narrow.Method && wide.Method != "ANY" {
		return false
	}
	for i, w := range wide.Segments {
		if i >= len(narrow.Segments) {
			return false
		}
		n := narrow.Segments[i]
		switch w.Kind {
		case access.Greedy:
			return true // it is last, and at least one segment is left
		case access.Variable:
			if n.Kind == access.Greedy {
				return false
			}
		default:
			if n.Kind != access.Literal || n.Name != w.Name {
				return false
			}
		}
	}
	return len(wide.Segments) == len(narrow.Segments)
}
