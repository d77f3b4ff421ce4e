package graph

import (
	"slices"
	"strings"
)

// filter is a parsed $filter expression.
// https://learn.microsoft.com/graph/filter-query-parameter
type filter interface {
	// matches evaluates it over an object and the variables of lambdas.
	matches(object map[string]any, vars map[string]any) bool
}

type (
	and     struct{ left, right filter }
	or      struct{ left, right filter }
	not     struct{ operand filter }
	compare struct {
		path  []string
		op    string // eq or ne
		value any    // string, bool or nil
	}
	oneOf struct {
		path   []string
		values []any
	}
	function struct {
		name string // startswith, endswith or contains
		path []string
		arg  string
	}
	lambda struct {
		path     []string
		all      bool
		variable string
		body     filter // nil: any element at all
	}
)

func (f and) matches(o, v map[string]any) bool { return f.left.matches(o, v) && f.right.matches(o, v) }

func (f or) matches(o, v map[string]any) bool  { return f.left.matches(o, v) || f.right.matches(o, v) }
func (f not) matches(o, v map[string]any) bool { return !f.operand.matches(o, v) }

func (f compare) matches(o, v map[string]any) bool {
	return same(lookup(f.path, o, v), f.value) == (f.op == "eq")
}

func (f oneOf) matches(o, v map[string]any) bool {
	for _, value := range f.values {
		if same(lookup(f.path, o, v), value) {
			return true
		}
	}
	return false
}

func (f function) matches(o, v map[string]any) bool {
	s, ok := lookup(f.path, o, v).(string)
	s, arg := strings.ToLower(s), strings.ToLower(f.arg)
	switch f.name {
	case "startswith":
		return ok && strings.HasPrefix(s, arg)
	case "endswith":
		return ok && strings.HasSuffix(s, arg)
	}
	return ok && strings.Contains(s, arg)
}

func (f lambda) matches(o, v map[string]any) bool {
	elements, _ := lookup(f.path, o, v).([]any)
	for _, element := range elements {
		inner := map[string]any{f.variable: element}
		for name, value := range v {
			if name != f.variable {
				inner[name] = value
			}
		}
		if hit := f.body == nil || f.body.matches(o, inner); hit != f.all {
			return !f.all
		}
	}
	return f.all
}

// lookup follows a path from a lambda's variable or from the object.
func lookup(path []string, o, v map[string]any) any {
	var at any
	if start, ok := v[path[0]]; ok {
		at = start
	} else {
		at = o[path[0]]
	}
	for _, name := range path[1:] {
		m, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = m[name]
	}
	return at
}

// same compares as Graph does: strings whatever their case.
func same(a, b any) bool {
	left, ok := a.(string)
	right, ok2 := b.(string)
	if ok && ok2 {
		return strings.EqualFold(left, right)
	}
	switch a.(type) {
	case bool, nil:
		return a == b
	}
	return false
}

// properties are the first segments of all paths that start at the object.
func properties(f filter, bound ...string) []string {
	own := func(path []string) []string {
		if slices.Contains(bound, path[0]) {
			return nil
		}
		return path[:1]
	}
	switch f := f.(type) {
	case and:
		return append(properties(f.left, bound...), properties(f.right, bound...)...)
	case or:
		return append(properties(f.left, bound...), properties(f.right, bound...)...)
	case not:
		return properties(f.operand, bound...)
	case compare:
		return own(f.path)
	case oneOf:
		return own(f.path)
	case function:
		return own(f.path)
	case lambda:
		names := own(f.path)
		if f.body != nil {
			names = append(names, properties(f.body, append(bound, f.variable)...)...)
		}
		return names
	}
	return nil
}

// advanced names an operator in f that Graph runs only with $count=true and
// the header ConsistencyLevel: eventual, or "".
// https://learn.microsoft.com/graph/aad-advanced-queries
func advanced(f filter) string {
	first := func(fs ...filter) string {
		for _, inner := range fs {
			if name := advanced(inner); name != "" {
				return name
			}
		}
		return ""
	}
	switch f := f.(type) {
	case and:
		return first(f.left, f.right)
	case or:
		return first(f.left, f.right)
	case not:
		return "Not"
	case compare:
		if f.op == "ne" {
			return "NotEqualsMatch"
		}
	case function:
		if f.name == "endswith" {
			return "EndsWithMatch"
		}
	case lambda:
		if f.body != nil {
			return first(f.body)
		}
	}
	return ""
}
