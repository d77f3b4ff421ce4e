package iam

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Keys are condition keys that a request has, such as "sts:DurationSeconds",
// and their values. The case of names does not matter.
type Keys map[string][]string

// verdict is how far the conditions of a statement are met.
type verdict int

const (
	unmet   verdict = iota
	unknown         // they ask what the sandbox does not know
	met
)

// operators are the condition operators that are evaluated, without their
// qualifiers, see
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html.
var operators = map[string]func(value, wanted string) bool{
	"StringEquals": func(value, wanted string) bool { return value == wanted },
	"StringLike":   func(value, wanted string) bool { return Matches(wanted, value) },
	"NumericLessThanEquals": func(value, wanted string) bool {
		number, err := strconv.ParseFloat(value, 64)
		limit, limitErr := strconv.ParseFloat(wanted, 64)
		return err == nil && limitErr == nil && number <= limit
	},
}

// meets reports how far a request meets all conditions of a statement. Operators
// that are not evaluated, keys that the request was not given, and variables are
// unknown.
func (s statement) meets(keys Keys) verdict {
	result := met
	for operator, raw := range s.Condition {
		var conditions map[string]values
		if json.Unmarshal(raw, &conditions) != nil {
			return unknown
		}
		qualifier, name, qualified := strings.Cut(operator, ":")
		if !qualified {
			qualifier, name = "", operator
		}
		holds, evaluated := operators[name]
		for key, wanted := range conditions {
			given, known := keys.find(key)
			variable := slices.ContainsFunc(wanted, func(text string) bool { return strings.Contains(text, "${") })
			if !evaluated || !known || variable {
				result = min(result, unknown)
				continue
			}
			result = min(result, compare(qualifier, given, func(value string) bool {
				return slices.ContainsFunc(wanted, func(text string) bool { return holds(value, text) })
			}))
		}
	}
	return result
}

// compare applies an operator to the values of a key. Without a qualifier one
// of several is enough, as with ForAnyValue.
func compare(qualifier string, given []string, holds func(string) bool) verdict {
	switch qualifier {
	case "ForAllValues":
		if slices.ContainsFunc(given, func(value string) bool { return !holds(value) }) {
			return unmet
		}
	case "", "ForAnyValue":
		if !slices.ContainsFunc(given, holds) {
			return unmet
		}
	default:
		return unknown
	}
	return met
}

func (k Keys) find(name string) ([]string, bool) {
	for key, given := range k {
		if strings.EqualFold(key, name) {
			return given, true
		}
	}
	return nil, false
}

// values are one value or a list of them; numbers and booleans are as good as
// their texts.
type values []string

// UnmarshalJSON reads any of the forms.
func (v *values) UnmarshalJSON(raw []byte) error {
	list := []json.RawMessage{raw}
	if len(raw) > 0 && raw[0] == '[' {
		list = nil
		if err := json.Unmarshal(raw, &list); err != nil {
			return err
		}
	}
	for _, each := range list {
		text := string(each)
		if strings.HasPrefix(text, `"`) {
			if err := json.Unmarshal(each, &text); err != nil {
				return err
			}
		}
		*v = append(*v, text)
	}
	return nil
}
