package verify

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/entragate/entragate/access"
)

// probeText stands for path variables: no route names it, and no object has it
// as an id.
const probeText = "entragate-probe"

// request is a call that the gateway routes to one route.
type request struct{ method, path string }

// requestFor makes the request for a route: variables are filled in, and for
// ANY and $default a method and path are taken that no other route has.
func requestFor(key string, all []string) (request, error) {
	k, err := access.ParseRouteKey(key)
	if err != nil {
		return request{}, fmt.Errorf("route %q: %w", key, err)
	}
	if k.IsDefault() {
		return requestForDefault(all)
	}
	var path strings.Builder
	for _, s := range k.Segments {
		switch s.Kind {
		case access.Literal:
			path.WriteString("/" + s.Name)
		case access.Variable:
			path.WriteString("/" + probeText)
		case access.Greedy:
			path.WriteString("/" + probeText + "/deeper")
		}
	}
	if path.Len() == 0 {
		path.WriteString("/")
	}
	method := k.Method
	if method == "ANY" {
		if method, err = freeMethod(k.Path(), all); err != nil {
			return request{}, fmt.Errorf("route %q: %w", key, err)
		}
	}
	return request{method, path.String()}, nil
}

// anyMethods are tried in this order for ANY: those that change nothing first.
// OPTIONS is not among them, since CORS may answer it.
var anyMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPatch, http.MethodPut, http.MethodPost, http.MethodDelete,
}

func freeMethod(path string, all []string) (string, error) {
	for _, m := range anyMethods {
		if !slices.Contains(all, m+" "+path) {
			return m, nil
		}
	}
	return "", fmt.Errorf("every method of %s has a route of its own, so none is left to call it with", path)
}

// requestForDefault finds a path and method that no other route takes.
func requestForDefault(all []string) (request, error) {
	for depth := 1; depth <= 8; depth++ {
		for _, m := range anyMethods {
			r := request{m, strings.Repeat("/"+probeText, depth)}
			if !slices.ContainsFunc(all, func(key string) bool { return takes(key, r) }) {
				return r, nil
			}
		}
	}
	return request{}, fmt.Errorf("route %q: other routes take every path, so none is left to call it with", access.DefaultRoute)
}

// takes tells whether a route other than $default would take the request.
func takes(key string, r request) bool {
	k, err := access.ParseRouteKey(key)
	if err != nil || k.IsDefault() || k.Method != r.method && k.Method != "ANY" {
		return false
	}
	parts := strings.Split(strings.TrimPrefix(r.path, "/"), "/")
	for i, s := range k.Segments {
		switch {
		case s.Kind == access.Greedy:
			return i < len(parts)
		case i >= len(parts), s.Kind == access.Literal && s.Name != parts[i]:
			return false
		}
	}
	return len(k.Segments) == len(parts)
}
