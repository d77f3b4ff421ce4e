package doctor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// grant is what a service asks of a resource with a policy.
type grant struct {
	service string
	actions []string
	// context are the condition keys that are known, and their values.
	context map[string]string
}

// decision is what a policy says.
type decision int

const (
	withheld decision = iota
	unsure            // it hangs on conditions that are not known here
	granted
)

// verdict is a decision with the conditions that it hangs on.
type verdict struct {
	decision   decision
	conditions []string
}

// values are one value or a list of them.
type values []string

// UnmarshalJSON reads either form.
func (v *values) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return err
		}
		*v = nil
		for _, each := range list {
			*v = append(*v, text(each))
		}
		return nil
	}
	*v = values{text(raw)}
	return nil
}

// text is a text, or how a number or a truth value is written.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}

// statement is that of a policy document.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
type statement struct {
	Effect       string
	Principal    principal
	NotPrincipal json.RawMessage
	Action       values
	NotAction    values
	Condition    map[string]map[string]values
}

// principal is "*", or lists by kind.
type principal map[string]values

// UnmarshalJSON reads either form.
func (p *principal) UnmarshalJSON(raw []byte) error {
	var everybody string
	if json.Unmarshal(raw, &everybody) == nil {
		*p = principal{"AWS": values{everybody}}
		return nil
	}
	var named map[string]values
	err := json.Unmarshal(raw, &named)
	*p = named
	return err
}

// statements are one or a list of them.
type statements []statement

// UnmarshalJSON reads either form.
func (s *statements) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '{' {
		var one statement
		err := json.Unmarshal(raw, &one)
		*s = statements{one}
		return err
	}
	return json.Unmarshal(raw, (*[]statement)(s))
}

// judge says whether a policy grants all that is asked. No document grants
// nothing.
func judge(document string, g grant) (verdict, error) {
	if document == "" {
		return verdict{}, nil
	}
	var policy struct{ Statement statements }
	if err := json.Unmarshal([]byte(document), &policy); err != nil {
		return verdict{}, fmt.Errorf("reading a policy: %w", err)
	}
	result := verdict{decision: granted}
	for _, action := range g.actions {
		v := judgeAction(policy.Statement, action, g)
		result.decision = min(result.decision, v.decision)
		result.conditions = append(result.conditions, v.conditions...)
	}
	return result, nil
}

// judgeAction judges one action: a denial wins, and one that may apply leaves it
// open.
func judgeAction(all statements, action string, g grant) verdict {
	var result verdict
	var open []string
	for _, s := range all {
		if !s.applies(action, g.service) {
			continue
		}
		met, conditions := s.meets(g.context)
		switch {
		case s.Effect == "Deny" && met == granted:
			return verdict{}
		case s.Effect == "Deny" && met == unsure:
			open = append(open, conditions...)
		case s.Effect == "Allow" && met > result.decision:
			result = verdict{met, conditions}
		}
	}
	if len(open) > 0 && result.decision == granted {
		return verdict{unsure, open}
	}
	return result
}

// applies reports whether a statement is about a service that does something.
// Resources are not looked at: these policies are those of the resource.
func (s statement) applies(action, service string) bool {
	about := slices.ContainsFunc(s.Action, func(pattern string) bool { return like(strings.ToLower(pattern), strings.ToLower(action)) })
	if len(s.NotAction) > 0 {
		about = !slices.ContainsFunc(s.NotAction, func(pattern string) bool { return like(strings.ToLower(pattern), strings.ToLower(action)) })
	}
	if len(s.NotPrincipal) > 0 {
		return about // all but some, which services hardly ever are
	}
	return about && (slices.Contains(s.Principal["AWS"], "*") || slices.Contains(s.Principal["Service"], "*") ||
		slices.Contains(s.Principal["Service"], service))
}

// meets says how far the conditions are met by what is known of the request.
func (s statement) meets(context map[string]string) (decision, []string) {
	result := granted
	var open []string
	for operator, keys := range s.Condition {
		for key, wanted := range keys {
			compare, given, known := comparison(operator, key, context)
			switch {
			case !known:
				result = min(result, unsure)
				open = append(open, operator+" "+key)
			case !slices.ContainsFunc(wanted, func(w string) bool { return compare(w, given) }):
				return withheld, nil
			}
		}
	}
	return result, open
}

// comparison is how an operator compares a key, if both are known here.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
func comparison(operator, key string, context map[string]string) (compare func(wanted, given string) bool, given string, known bool) {
	for name, value := range context {
		if strings.EqualFold(name, key) {
			given, known = value, true
		}
	}
	switch operator {
	case "StringEquals":
		return func(wanted, given string) bool { return wanted == given }, given, known
	case "StringEqualsIgnoreCase", "Bool":
		return strings.EqualFold, given, known
	case "StringLike", "ArnLike", "ArnEquals":
		return like, given, known
	}
	return nil, "", false
}

// like reports whether text is as a pattern with * and ? says.
func like(pattern, text string) bool {
	star, retry, p, t := -1, 0, 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0: // the star takes one more
			retry++
			p, t = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
