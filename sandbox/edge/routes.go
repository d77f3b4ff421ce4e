package edge

import (
	"cmp"
	"slices"

	"github.com/entragate/entragate/sandbox/edge/routekey"
)

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
		if r.key == routekey.Default {
			t.fallback = r
			continue
		}
		key, err := routekey.Parse(r.key)
		if err != nil {
			continue
		}
		r.parsed = key
		parsed = append(parsed, r)
	}
	slices.SortFunc(parsed, func(a, b *route) int {
		return cmp.Or(a.parsed.Compare(b.parsed), cmp.Compare(a.key, b.key))
	})
	for _, r := range parsed {
		if r.parsed.Method != routekey.AnyMethod {
			t.byMethod[r.parsed.Method] = nil
		}
	}
	for _, r := range parsed {
		if r.parsed.Method == routekey.AnyMethod {
			t.any = append(t.any, r)
		}
		for method := range t.byMethod {
			if r.parsed.Method == method || r.parsed.Method == routekey.AnyMethod {
				t.byMethod[method] = append(t.byMethod[method], r)
			}
		}
	}
	return t
}

// find returns the route for a method and an escaped path, or nil.
func (t *routeTable) find(method, path string) (*route, []routekey.Variable) {
	candidates, ok := t.byMethod[method]
	if !ok {
		candidates = t.any
	}
	p := routekey.ParsePath(path)
	for _, r := range candidates {
		if variables, ok := r.parsed.Match(p); ok {
			return r, variables
		}
	}
	return t.fallback, nil
}
