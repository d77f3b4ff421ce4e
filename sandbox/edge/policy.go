package edge

import (
	"slices"
	"strings"
)

// policy is an IAM policy as Lambda authorizers return it.
type policy struct{ statements []statement }

type statement struct {
	allow     bool
	actions   []string
	resources []string
}

// parsePolicy reads a policy document. Elements other than Sid, Effect, Action
// and Resource, conditions above all, are not implemented and refused: a
// statement that is read without them would allow more than it says.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
func parsePolicy(document any) (*policy, error) {
	members, ok := document.(map[string]any)
	if !ok {
		return nil, invalidAnswer("want a policyDocument that is an object")
	}
	given, ok := members["Statement"].([]any)
	if !ok {
		given = []any{members["Statement"]} // a single statement may stand alone
	}
	p := &policy{}
	for _, one := range given {
		elements, ok := one.(map[string]any)
		if !ok {
			return nil, invalidAnswer("want policy statements that are objects")
		}
		s, err := parseStatement(elements)
		if err != nil {
			return nil, err
		}
		p.statements = append(p.statements, s)
	}
	return p, nil
}

func parseStatement(elements map[string]any) (s statement, err error) {
	for name, value := range elements {
		ok := true
		switch name {
		case "Sid":
		case "Effect":
			ok = value == "Allow" || value == "Deny"
			s.allow = value == "Allow"
		case "Action":
			s.actions, ok = texts(value)
		case "Resource":
			s.resources, ok = texts(value)
		default:
			return s, invalidAnswer("policy element %q is not implemented by the sandbox", name)
		}
		if !ok {
			return s, invalidAnswer("policy element %q is malformed", name)
		}
	}
	if elements["Effect"] == nil || s.actions == nil || s.resources == nil {
		return s, invalidAnswer("want policy statements with Effect, Action and Resource")
	}
	return s, nil
}

// texts reads one text or a list of texts.
func texts(value any) ([]string, bool) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	found := make([]string, len(list))
	for i, element := range list {
		if found[i], ok = element.(string); !ok {
			return nil, false
		}
	}
	return found, true
}

// allows reports whether a caller may invoke the route: a statement allows it
// and none denies it.
func (p *policy) allows(routeARN string) bool {
	allowed := false
	for _, s := range p.statements {
		if !s.appliesTo("execute-api:invoke", routeARN) {
			continue
		}
		if !s.allow {
			return false
		}
		allowed = true
	}
	return allowed
}

// appliesTo takes the action in lower case: case does not matter in actions,
// and does in resources.
func (s *statement) appliesTo(action, resource string) bool {
	return slices.ContainsFunc(s.actions, func(pattern string) bool { return matches(strings.ToLower(pattern), action) }) &&
		slices.ContainsFunc(s.resources, func(pattern string) bool { return matches(pattern, resource) })
}

// matches reports whether text matches a pattern in which * stands for any
// characters and ? for one. It goes back to the last star only, so it takes no
// longer than both lengths multiplied.
func matches(pattern, text string) bool {
	p, t, star, resume := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			resume++
			p, t = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
