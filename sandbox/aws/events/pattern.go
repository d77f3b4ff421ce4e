package events

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// maxPattern is of https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html.
const maxPattern = 2048

// operators are those of
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html.
var operators = []string{"anything-but", "cidr", "equals-ignore-case", "exists", "numeric", "prefix", "suffix", "wildcard"}

// checkPattern returns what is wrong with an event pattern: members are nested
// objects, or lists of what values may be. The texts are guesses.
func checkPattern(text string) string {
	if len(text) > maxPattern {
		return fmt.Sprintf("it has more than %d characters", maxPattern)
	}
	var pattern map[string]any
	if err := json.Unmarshal([]byte(text), &pattern); err != nil || pattern == nil {
		return "Filter is not an object"
	}
	return checkFields("", pattern)
}

func checkFields(path string, fields map[string]any) string {
	if len(fields) == 0 {
		return "Empty objects are not allowed"
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		at := path + name
		switch value := fields[name].(type) {
		case map[string]any:
			if reason := checkFields(at+".", value); reason != "" {
				return reason
			}
		case []any:
			if reason := checkValues(at, name == "$or", value); reason != "" {
				return reason
			}
		default:
			return fmt.Sprintf("%q must be an object or an array", at)
		}
	}
	return ""
}

func checkValues(at string, alternatives bool, values []any) string {
	if len(values) == 0 {
		return "Empty arrays are not allowed"
	}
	for _, value := range values {
		switch value := value.(type) {
		case []any:
			return fmt.Sprintf("%q: an array in an array", at)
		case map[string]any:
			if alternatives {
				if reason := checkFields(at+".", value); reason != "" {
					return reason
				}
				continue
			}
			for name := range value {
				if len(value) != 1 || !slices.Contains(operators, name) {
					return fmt.Sprintf("%q: Unrecognized match type %s", at, name)
				}
			}
			if len(value) == 0 {
				return fmt.Sprintf("%q: an empty match expression", at)
			}
		default:
			if alternatives {
				return fmt.Sprintf("%q must hold objects", at)
			}
		}
	}
	return ""
}
