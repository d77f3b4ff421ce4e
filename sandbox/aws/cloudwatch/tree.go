package cloudwatch

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An answer is built of objects, lists ([]any), texts, numbers (int64 and
// float64), truths and times, which each protocol writes in its way.
type (
	object []member
	member struct {
		name  string
		value any
	}
	// table is an object whose names are data, such as extended statistics.
	table map[string]any
)

// treeOf turns a value into a tree. Members that are nil, and those that are
// empty and tagged omitempty, are left out.
func treeOf(v any) any { return tree(reflect.ValueOf(v)) }

func tree(v reflect.Value) any {
	if instant, ok := reflect.TypeAssert[time.Time](v); ok {
		return instant
	}
	switch v.Kind() {
	case reflect.Pointer:
		return tree(v.Elem())
	case reflect.Struct:
		var members object
		for i := range v.NumField() {
			field, value := v.Type().Field(i), v.Field(i)
			if field.Anonymous {
				members = append(members, tree(value).(object)...) // embedded structs
				continue
			}
			name, option, _ := strings.Cut(field.Tag.Get("json"), ",")
			nothing := value.Kind() == reflect.Pointer && value.IsNil()
			if name == "-" || nothing || option != "" && value.IsZero() {
				continue
			}
			members = append(members, member{cmp.Or(name, field.Name), tree(value)})
		}
		return members
	case reflect.Slice:
		list := []any{}
		for i := range v.Len() {
			list = append(list, tree(v.Index(i)))
		}
		return list
	case reflect.Map:
		entries := table{}
		for _, key := range v.MapKeys() {
			entries[key.String()] = tree(v.MapIndex(key))
		}
		return entries
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int:
		return v.Int()
	case reflect.Float64:
		return v.Float()
	}
	panic(fmt.Sprintf("an answer holds a %s", v.Type())) // all answers are of this package
}

// epoch is a time in seconds, to the millisecond.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// encodeJSON writes a tree as JSON.
func encodeJSON(v any) []byte {
	raw, err := json.Marshal(plain(v))
	if err != nil {
		panic(err) // what a tree holds can be written
	}
	return raw
}

// plain is a tree as encoding/json takes it.
func plain(v any) any {
	switch v := v.(type) {
	case object:
		members := map[string]any{}
		for _, each := range v {
			members[each.name] = plain(each.value)
		}
		return members
	case table:
		members := map[string]any{}
		for name, value := range v {
			members[name] = plain(value)
		}
		return members
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i])
		}
		return list
	case time.Time:
		return epoch(v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return floatText(v)
		}
	}
	return v
}

// floatText is how protocols of texts write what is no number.
func floatText(v float64) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// encodeXML writes a tree as a document of Query.
func encodeXML(name string, v any) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, `<%s xmlns="%s">`, name, Namespace)
	writeXML(&out, v)
	fmt.Fprintf(&out, "</%s>", name)
	return out.Bytes()
}

func writeXML(out *bytes.Buffer, v any) {
	element := func(name string, content any) {
		fmt.Fprintf(out, "<%s>", name)
		writeXML(out, content)
		fmt.Fprintf(out, "</%s>", name)
	}
	switch v := v.(type) {
	case object:
		for _, each := range v {
			element(each.name, each.value)
		}
	case table:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			element("entry", object{{"key", key}, {"value", v[key]}})
		}
	case []any:
		for _, each := range v {
			element("member", each)
		}
	case time.Time:
		out.WriteString(v.UTC().Format("2006-01-02T15:04:05.000Z"))
	case float64:
		out.WriteString(floatText(v))
	case string:
		_ = xml.EscapeText(out, []byte(v)) // a buffer takes all
	default:
		fmt.Fprint(out, v)
	}
}
