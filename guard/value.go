package guard

import (
	"fmt"
	"strconv"
)

// value is a property, or part of one.
type value struct {
	of     any
	known  bool
	secret bool
}

// at follows names into the properties. What is not there is known to be nil;
// what is in an unknown value is unknown.
func (r Resource) at(path ...string) value { return value{of: r.Properties, known: true}.at(path...) }

func (v value) at(path ...string) value {
	for _, name := range path {
		members, _ := v.of.(map[string]any)
		v = v.with(members[name])
	}
	return v
}

// with is a part of the value: that of a secret is secret.
func (v value) with(part any) value {
	v.of = part
	for {
		switch of := v.of.(type) {
		case Secret:
			v.of, v.secret = of.Value, true
			continue
		case Unknown:
			v.of, v.known = nil, false
		}
		return v
	}
}

// items are the members of a list.
func (v value) items() []value {
	list, _ := v.of.([]any)
	items := make([]value, len(list))
	for i, item := range list {
		items[i] = v.with(item)
	}
	return items
}

// unset reports whether the program gives no value.
func (v value) unset() bool { return v.known && v.of == nil }

func (v value) text() string {
	text, _ := v.of.(string)
	return text
}

// number reads numbers as the program may write them: the engine has float64,
// and providers take text.
func (v value) number() float64 {
	switch of := v.of.(type) {
	case float64:
		return of
	case int:
		return float64(of)
	case string:
		n, _ := strconv.ParseFloat(of, 64)
		return n
	}
	return 0
}

func (v value) isTrue() bool { return v.of == true || v.of == "true" }

// got is the value in a message.
func (v value) got() string {
	if v.secret {
		return "got a secret value"
	}
	if text, ok := v.of.(string); ok {
		return fmt.Sprintf("got %q", text)
	}
	return fmt.Sprintf("got %v", v.of)
}
