package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
)

// Kinds of members that a request body may name.
type memberKind int

const (
	// typed members are fields of the directory's object, replaced whole.
	typed memberKind = iota + 1
	// merged members are fields whose own members are replaced one by one.
	merged
	// stored members are kept as they are and read back.
	stored
	// fixed members cannot be set; sending the present value is no error.
	fixed
	// special members are left to the operation.
	special
)

// members are what a resource type has in a request body.
type members map[string]memberKind

// changed applies a request body to an object and returns a new one; the
// object itself stays as it is. Null resets a member.
func changed[T any](current *T, resource string, known members, body map[string]json.RawMessage) (*T, error) {
	fields := toMap(current)
	extra := map[string]any{}
	if old, ok := fields["extra"].(map[string]any); ok {
		extra = maps.Clone(old)
	}
	for name, raw := range body {
		if strings.Contains(name, "@") && known[name] == 0 {
			continue // annotations
		}
		value, err := decodeValue(raw)
		if err != nil {
			return nil, invalidProperty(name, resource)
		}
		switch known[name] {
		case typed:
			fields[name] = value
		case merged:
			fields[name] = mergeValue(fields[name], value)
		case stored:
			extra[name] = mergeValue(extra[name], value)
		case fixed:
			if !reflect.DeepEqual(value, fields[name]) && !unset(value) {
				return nil, badRequest("Property '%s' is read-only and cannot be set.", name)
			}
		case special:
		default:
			return nil, badRequest("Invalid property '%s'.", name)
		}
		if value == nil {
			if known[name] == typed || known[name] == merged {
				delete(fields, name)
			}
			delete(extra, name)
		}
	}
	delete(fields, "extra")
	if len(extra) > 0 {
		fields["extra"] = extra
	}
	return fromMap[T](fields, resource)
}

// unset tells whether a value is null, or an object of nulls only.
func unset(value any) bool {
	object, ok := value.(map[string]any)
	for _, v := range object {
		ok = ok && unset(v)
	}
	return ok || value == nil
}

// mergeValue puts the members of an object into those of an older one.
func mergeValue(old, value any) any {
	oldObject, ok := old.(map[string]any)
	object, ok2 := value.(map[string]any)
	if !ok || !ok2 {
		return value
	}
	out := maps.Clone(oldObject)
	for name, v := range object {
		if v == nil {
			delete(out, name)
			continue
		}
		out[name] = mergeValue(out[name], v)
	}
	return out
}

// decodeValue keeps numbers as they are written.
func decodeValue(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// toMap is an object as its JSON members.
func toMap(v any) map[string]any {
	raw, err := json.Marshal(v)
	if err != nil {
		return map[string]any{} // the directory's types always marshal
	}
	value, _ := decodeValue(raw)
	object, _ := value.(map[string]any)
	return object
}

// fromMap decodes members, refusing unknown ones and values of a wrong type.
func fromMap[T any](fields map[string]any, resource string) (*T, error) {
	raw, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", resource, err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	out := new(T)
	err = d.Decode(out)
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		return nil, invalidProperty(wrong.Field, resource)
	}
	if err != nil {
		if _, name, found := strings.Cut(err.Error(), "unknown field "); found {
			return nil, badRequest("The property '%s' does not exist on type 'microsoft.graph.%s'. Make sure to only use property names that are defined by the type.", strings.Trim(name, `"`), resource)
		}
		return nil, badRequest("Unable to read JSON request payload: %s.", strings.TrimPrefix(err.Error(), "json: "))
	}
	return out, nil
}

// decodeBody decodes a whole request body into T; annotations are dropped.
func decodeBody[T any](c *call, resource string) (*T, error) {
	fields := map[string]any{}
	for name, raw := range c.body {
		if strings.Contains(name, "@") {
			continue
		}
		value, err := decodeValue(raw)
		if err != nil {
			return nil, invalidProperty(name, resource)
		}
		fields[name] = value
	}
	return fromMap[T](fields, resource)
}
