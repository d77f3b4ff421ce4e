// Package routing finds the route that takes a request, as API Gateway selects
// it, and those that are near where there is none.
package routing

import (
	"cmp"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/sandbox/edge/routekey"
)

// Find finds the route that API Gateway selects for a request: of those that
// match, the first by priority, and else $default.
func Find(routes []access.Route, method, path string) (access.Route, bool) {
	var best routekey.Key
	found, fallback := -1, -1
	segments := routekey.ParsePath(path)
	for i, r := range routes {
		if r.Key == routekey.Default {
			fallback = i
			continue
		}
		key, err := routekey.Parse(r.Key)
		if err != nil || method == "" || key.Method != method && key.Method != routekey.AnyMethod {
			continue
		}
		if _, ok := key.Match(segments); !ok {
			continue
		}
		if found < 0 || cmp.Or(key.Compare(best), cmp.Compare(r.Key, routes[found].Key)) < 0 {
			found, best = i, key
		}
	}
	if found < 0 {
		found = fallback
	}
	if found < 0 {
		return access.Route{}, false
	}
	return routes[found], true
}

// maxNearest is how many routes are named in place of one that there is not.
const maxNearest = 3

// Nearest are the keys of the routes that take the path of a request, such as
// "GET /orders/17", by another method, and then of those that are spelled most
// alike.
func Nearest(routes []access.Route, request string) []string {
	_, path, ok := strings.Cut(request, " ")
	segments := routekey.ParsePath(path)
	distance := func(key string) int {
		if parsed, err := routekey.Parse(key); err == nil && ok {
			if _, ok := parsed.Match(segments); ok {
				return 0
			}
		}
		return 1 + levenshtein.Distance(strings.ToLower(request), strings.ToLower(key), nil)
	}
	keys := make([]string, len(routes))
	for i, r := range routes {
		keys[i] = r.Key
	}
	slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(distance(a), distance(b)) })
	return keys[:min(len(keys), maxNearest)]
}
