package compat

import (
	"fmt"
	"maps"
	"slices"
)

// A shape is a type as both sides have it: what a Go SDK declares, and what a provider takes.
type shape struct {
	kind   string           // string, bool, int, number, archive, any, list, map, object
	elem   *shape           // of lists and maps
	fields map[string]field // of objects
}

// A field is one property of an object or input of a resource. Go cannot tell a required list or map from an optional
// one where it is nested; loose says that.
type field struct {
	shape    *shape
	required bool
	loose    bool
}

// differences lists where got (the provider) differs from want (the SDK). Each begins with the path of the property.
func differences(path string, got, want *shape) []string {
	if want.kind == "any" { // a union in the SDK: a string or a document
		return nil
	}
	if got.kind != want.kind {
		return []string{fmt.Sprintf("%s: kind is %s, want %s", path, got.kind, want.kind)}
	}
	switch got.kind {
	case "list", "map":
		return differences(path+"[]", got.elem, want.elem)
	case "object":
		return fieldDifferences(path, got.fields, want.fields)
	}
	return nil
}

func fieldDifferences(path string, got, want map[string]field) []string {
	var diffs []string
	names := slices.Sorted(maps.Keys(got))
	for name := range want {
		if _, ok := got[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		at := path + "." + name
		g, isGot := got[name]
		w, isWanted := want[name]
		switch {
		case !isGot:
			diffs = append(diffs, at+": only in the SDK")
		case !isWanted:
			diffs = append(diffs, at+": only in the provider")
		default:
			if g.required != w.required && !w.loose {
				diffs = append(diffs, fmt.Sprintf("%s: required is %t, want %t", at, g.required, w.required))
			}
			diffs = append(diffs, differences(at, g.shape, w.shape)...)
		}
	}
	return diffs
}
