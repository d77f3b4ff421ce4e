package kms

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/iam"
)

// operators are those of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html.
var operators = regexp.MustCompile(`^((ForAllValues|ForAnyValue):)?(` + strings.Join([]string{
	`String(Not)?(Equals(IgnoreCase)?|Like)`, `Arn(Not)?(Equals|Like)`,
	`(Numeric|Date)(Not)?Equals`, `(Numeric|Date)(Less|Greater)Than(Equals)?`,
	`Bool`, `BinaryEquals`, `(Not)?IpAddress`,
}, "|") + `)(IfExists)?$|^Null$`)

// verdict is what a condition comes to.
type verdict int

const (
	unmet verdict = iota
	met
	unknown // an operator that the sandbox does not evaluate
)

// meets evaluates the conditions of a statement: all must be met.
func (s statement) meets(context map[string]string) verdict {
	result := met
	for operator, keys := range s.Condition {
		for key, wanted := range keys {
			switch evaluate(operator, key, wanted, context) {
			case unmet:
				return unmet
			case unknown:
				result = unknown
			}
		}
	}
	return result
}

// contextKeys is the one key that has several values.
const contextKeys = "kms:EncryptionContextKeys"

// valuesOf returns what a request has for a condition key, whose case does not
// count.
func valuesOf(key string, context map[string]string) []string {
	if strings.EqualFold(key, contextKeys) {
		var names []string
		for _, each := range slices.Sorted(maps.Keys(context)) {
			if name, ok := strings.CutPrefix(each, "kms:EncryptionContext:"); ok {
				names = append(names, name)
			}
		}
		return names
	}
	for name, value := range context {
		if strings.EqualFold(name, key) {
			return []string{value}
		}
	}
	return nil
}

func evaluate(operator, key string, wanted many[value], context map[string]string) verdict {
	set, rest, qualified := strings.Cut(operator, ":")
	if !qualified {
		set, rest = "", operator
	}
	given := valuesOf(key, context)
	if rest == "Null" {
		return truth(slices.ContainsFunc(wanted, func(v value) bool { return strings.EqualFold(string(v), "true") == (len(given) == 0) }))
	}
	name, ifExists := strings.CutSuffix(rest, "IfExists")
	if len(given) == 0 {
		// What is not there is not equal to anything, and all of it is.
		return truth(ifExists || strings.Contains(name, "Not") && set != "ForAnyValue" || set == "ForAllValues")
	}
	negated := strings.Contains(name, "Not")
	compare := comparison(strings.Replace(name, "Not", "", 1))
	if compare == nil {
		return unknown
	}
	matches := func(have string) bool {
		return slices.ContainsFunc(wanted, func(v value) bool { return compare(string(v), have) }) != negated
	}
	if set == "ForAnyValue" {
		return truth(slices.ContainsFunc(given, matches))
	}
	return truth(!slices.ContainsFunc(given, func(have string) bool { return !matches(have) }))
}

// comparison returns how an operator compares, or nil for those that are not
// evaluated. ArnEquals is ArnLike.
func comparison(name string) func(wanted, have string) bool {
	switch name {
	case "StringEquals":
		return func(wanted, have string) bool { return wanted == have }
	case "StringEqualsIgnoreCase", "Bool":
		return strings.EqualFold
	case "StringLike":
		return iam.Matches
	case "ArnEquals", "ArnLike":
		return matchesARN
	}
	return nil
}

// matchesARN compares each of the six parts by itself.
func matchesARN(pattern, arn string) bool {
	wanted, have := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(wanted) != len(have) {
		return false
	}
	for i := range wanted {
		if !iam.Matches(wanted[i], have[i]) {
			return false
		}
	}
	return true
}

func truth(b bool) verdict {
	if b {
		return met
	}
	return unmet
}
