package cloudwatch

import (
	"encoding/json"
	"math"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// decodeForm reads the fields of Query into a struct: members of lists are
// numbered, as in Dimensions.member.1.Name.
func decodeForm(form url.Values, v any) error {
	names := map[string]bool{} // all names and what they begin with, to find members
	for name := range form {
		for i := range name {
			if name[i] == '.' {
				names[name[:i]] = true
			}
		}
		names[name] = true
	}
	return fill(form, names, "", reflect.ValueOf(v).Elem())
}

func fill(form url.Values, names map[string]bool, prefix string, v reflect.Value) error {
	text := form.Get(prefix)
	switch target := v.Addr().Interface().(type) {
	case *number:
		return target.parse(text)
	case *instant:
		return target.parse(text)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !names[prefix] {
			return nil
		}
		v.Set(reflect.New(v.Type().Elem()))
		return fill(form, names, prefix, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			name := field.Name
			if tagged, _, _ := strings.Cut(field.Tag.Get("json"), ","); tagged != "" {
				name = tagged
			}
			if prefix != "" && !field.Anonymous {
				name = prefix + "." + name
			}
			if field.Anonymous {
				name = prefix
			}
			if !field.Anonymous && !names[name] {
				continue
			}
			if err := fill(form, names, name, v.Field(i)); err != nil {
				return err
			}
		}
	case reflect.Slice:
		for i := 1; names[prefix+".member."+strconv.Itoa(i)]; i++ {
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			if err := fill(form, names, prefix+".member."+strconv.Itoa(i), v.Index(i-1)); err != nil {
				return err
			}
		}
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		truth, err := strconv.ParseBool(text)
		if err != nil {
			return malformed(prefix, text)
		}
		v.SetBool(truth)
	case reflect.Int:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return malformed(prefix, text)
		}
		v.SetInt(n)
	}
	return nil
}

func malformed(at, text string) error {
	return refusal("MalformedInput", "Invalid value for %s: %q", at, text)
}

// number is a float of a request: JSON has a text for what is no number.
type number float64

// UnmarshalJSON reads a number or a text.
func (n *number) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
		return n.parse(text)
	}
	return json.Unmarshal(raw, (*float64)(n))
}

func (n *number) parse(text string) error {
	switch text {
	case "NaN":
		*n = number(math.NaN())
		return nil
	case "Infinity":
		*n = number(math.Inf(1))
		return nil
	case "-Infinity":
		*n = number(math.Inf(-1))
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return malformed("number", text)
	}
	*n = number(f)
	return nil
}

// instant is a time of a request: seconds since 1970 in JSON and CBOR, a text in
// Query.
type instant struct{ time.Time }

// UnmarshalJSON reads either form.
func (i *instant) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
		return i.parse(text)
	}
	var seconds float64
	if err := json.Unmarshal(raw, &seconds); err != nil {
		return err
	}
	if math.Abs(seconds) > 1<<40 {
		return malformed("time", string(raw))
	}
	i.Time = time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()
	return nil
}

func (i *instant) parse(text string) error {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			i.Time = t.UTC()
			return nil
		}
	}
	return malformed("time", text)
}
