package policy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/iam"
)

// verdict is how far a condition is met.
type verdict int

const (
	no      verdict = iota
	unknown         // it asks what the sandbox does not know
	yes
)

// The qualifiers of operators for keys with many values.
const (
	anyValue  = "ForAnyValue"
	allValues = "ForAllValues"
)

// operator is a condition operator, see
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html.
type operator struct {
	kind      string // the family, see matches
	negated   bool
	compare   string // of numbers: "Equals", "LessThan"…
	qualifier string
	ifExists  bool
}

// plain are the operators without qualifier and suffix.
var plain = map[string]operator{
	"StringEquals":              {kind: "String"},
	"StringNotEquals":           {kind: "String", negated: true},
	"StringEqualsIgnoreCase":    {kind: "StringIgnoreCase"},
	"StringNotEqualsIgnoreCase": {kind: "StringIgnoreCase", negated: true},
	"StringLike":                {kind: "StringLike"},
	"StringNotLike":             {kind: "StringLike", negated: true},
	"ArnEquals":                 {kind: "Arn"}, // both forms take wildcards
	"ArnNotEquals":              {kind: "Arn", negated: true},
	"ArnLike":                   {kind: "Arn"},
	"ArnNotLike":                {kind: "Arn", negated: true},
	"Bool":                      {kind: "Bool"},
	"Null":                      {kind: "Null"},
	"NumericEquals":             {kind: "Numeric", compare: "Equals"},
	"NumericNotEquals":          {kind: "Numeric", compare: "Equals", negated: true},
	"NumericLessThan":           {kind: "Numeric", compare: "LessThan"},
	"NumericLessThanEquals":     {kind: "Numeric", compare: "LessThanEquals"},
	"NumericGreaterThan":        {kind: "Numeric", compare: "GreaterThan"},
	"NumericGreaterThanEquals":  {kind: "Numeric", compare: "GreaterThanEquals"},

	// Taken and never known.
	"DateEquals": {}, "DateNotEquals": {}, "DateLessThan": {}, "DateLessThanEquals": {}, "DateGreaterThan": {},
	"DateGreaterThanEquals": {}, "BinaryEquals": {}, "IpAddress": {}, "NotIpAddress": {},
}

func parseOperator(name string) (operator, bool) {
	qualifier, rest, qualified := strings.Cut(name, ":")
	if !qualified {
		qualifier, rest = "", name
	} else if qualifier != anyValue && qualifier != allValues {
		return operator{}, false
	}
	rest, ifExists := strings.CutSuffix(rest, "IfExists")
	op, ok := plain[rest]
	if !ok || op.kind == "Null" && (qualified || ifExists) {
		return operator{}, false
	}
	op.qualifier, op.ifExists = qualifier, ifExists
	return op, true
}

// meets reports how far a request meets all conditions of a statement.
func (s statement) meets(r Request) verdict {
	met := yes
	for name, keys := range s.Condition {
		op, _ := parseOperator(name) // it was checked
		for key, wanted := range keys {
			met = min(met, op.meets(r, strings.ToLower(key), wanted))
		}
	}
	return met
}

func (op operator) meets(r Request, key string, wanted []string) verdict {
	has, known := r.values(key)
	// Variables in values are not evaluated.
	variable := slices.ContainsFunc(wanted, func(want string) bool { return strings.Contains(want, "${") })
	if !known || variable || op.kind == "" {
		return unknown
	}
	if op.holds(has, wanted) {
		return yes
	}
	return no
}

func (op operator) holds(has, wanted []string) bool {
	if op.kind == "Null" {
		return slices.ContainsFunc(wanted, func(want string) bool { return strings.EqualFold(want, strconv.FormatBool(len(has) == 0)) })
	}
	one := func(value string) bool {
		return slices.ContainsFunc(wanted, func(want string) bool { return op.matches(value, want) }) != op.negated
	}
	if len(has) == 0 {
		return op.ifExists || op.qualifier == allValues || op.negated && op.qualifier == ""
	}
	if op.qualifier == allValues || op.qualifier == "" && op.negated {
		return !slices.ContainsFunc(has, func(value string) bool { return !one(value) })
	}
	return slices.ContainsFunc(has, one)
}

func (op operator) matches(value, want string) bool {
	switch op.kind {
	case "String":
		return value == want
	case "StringIgnoreCase", "Bool":
		return strings.EqualFold(value, want)
	case "StringLike":
		return iam.Matches(want, value)
	case "Arn":
		return arnLike(want, value)
	}
	number, err := strconv.ParseFloat(value, 64)
	limit, limitErr := strconv.ParseFloat(want, 64)
	if err != nil || limitErr != nil {
		return false
	}
	switch op.compare {
	case "LessThan":
		return number < limit
	case "LessThanEquals":
		return number <= limit
	case "GreaterThan":
		return number > limit
	case "GreaterThanEquals":
		return number >= limit
	}
	return number == limit
}

// arnLike compares the six parts of ARNs one by one.
func arnLike(pattern, arn string) bool {
	patterns, parts := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(patterns) != 6 || len(parts) != 6 {
		return false
	}
	for i := range parts {
		if !iam.Matches(patterns[i], parts[i]) {
			return false
		}
	}
	return true
}
