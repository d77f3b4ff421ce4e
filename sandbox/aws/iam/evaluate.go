package iam

import (
	"maps"
	"slices"
	"strings"
)

// Allows is [Service.AllowsWith] for requests without condition keys.
func (s *Service) Allows(roleARN, action, resource string) bool {
	return s.AllowsWith(roleARN, action, resource, nil)
}

// AllowsWith reports whether the inline policies of a role allow an action, such
// as "logs:PutLogEvents", on a resource. Nothing is allowed to a role that does
// not exist, and attached policies of AWS allow nothing, see the package.
//
// Conditions are evaluated as far as keys tells. A statement with one that
// cannot be denies if it can, and never allows.
func (s *Service) AllowsWith(roleARN, action, resource string, keys Keys) bool {
	allowed := false
	s.state.View(func(all *State) {
		role := s.role(all, roleARN)
		if role == nil {
			return
		}
		for _, text := range role.Inline {
			policy, err := s.parse(text)
			if err != nil { // it was checked when it was put
				allowed = false
				return
			}
			for _, each := range policy.Statement {
				if !each.covers(action) || !each.reaches(resource) {
					continue
				}
				conditions := each.meets(keys)
				if each.Effect == "Deny" && conditions != unmet {
					allowed = false
					return
				}
				allowed = allowed || each.Effect == "Allow" && conditions == met
			}
		}
	})
	return allowed
}

// Denied is what a session is told that is not allowed an action, see
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html.
func Denied(session Session, action, resource string) string {
	return "User: " + session.ARN + " is not authorized to perform: " + action + " on resource: " + resource +
		" because no identity-based policy allows the " + action + " action"
}

// Policies returns the inline policies of a role.
func (s *Service) Policies(roleARN string) []string {
	var policies []string
	s.state.View(func(all *State) {
		if role := s.role(all, roleARN); role != nil {
			policies = slices.Collect(maps.Values(role.Inline))
		}
	})
	return policies
}

// Tags returns the tags of a role, and whether there is one of that ARN.
func (s *Service) Tags(roleARN string) (tags map[string]string, found bool) {
	s.state.View(func(all *State) {
		if role := s.role(all, roleARN); role != nil {
			tags, found = maps.Clone(role.Tags), true
		}
	})
	return tags, found
}

// TrustedBy reports whether a service, such as "lambda.amazonaws.com", may
// assume a role. A statement with a condition denies if it can, and never allows.
func (s *Service) TrustedBy(roleARN, servicePrincipal string) bool {
	trusted := false
	s.state.View(func(all *State) {
		role := s.role(all, roleARN)
		if role == nil {
			return
		}
		policy, err := s.parse(role.Trust)
		if err != nil { // it was checked when it was put
			return
		}
		for _, each := range policy.Statement {
			if !each.covers("sts:AssumeRole") || !each.names(servicePrincipal) {
				continue
			}
			if each.Effect == "Deny" {
				trusted = false
				return
			}
			trusted = trusted || len(each.Condition) == 0
		}
	})
	return trusted
}

// parse is [parse], remembered: functions ask for every line of their logs.
func (s *Service) parse(text string) (document, error) {
	if policy, found := s.parsed.Load(text); found {
		return policy.(document), nil
	}
	policy, err := parse(text)
	if err == nil {
		s.parsed.Store(text, policy)
	}
	return policy, err
}

func (s statement) covers(action string) bool {
	matches := func(pattern string) bool { return Matches(strings.ToLower(pattern), strings.ToLower(action)) }
	if len(s.NotAction) > 0 {
		return !slices.ContainsFunc(s.NotAction, matches)
	}
	return slices.ContainsFunc(s.Action, matches)
}

func (s statement) reaches(resource string) bool {
	matches := func(pattern string) bool { return Matches(pattern, resource) }
	if len(s.NotResource) > 0 {
		return !slices.ContainsFunc(s.NotResource, matches)
	}
	return slices.ContainsFunc(s.Resource, matches)
}

// names reports whether a service is a principal of a statement. A "*" is
// everybody, services included.
func (s statement) names(service string) bool {
	return s.Principal != nil && (s.Principal.Any || slices.Contains(s.Principal.ByKind["Service"], service))
}

// Matches reports whether a text is of a pattern in which * stands for any
// text and ? for any one character.
func Matches(pattern, text string) bool {
	// After a *, what does not match is tried again one character further.
	var star, resume int
	starred := false
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			starred, star, resume = true, p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case starred:
			resume++
			p, t = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
