package guard

import (
	"errors"
	"fmt"
	"strings"
)

// Allowance lets resources break a rule.
type Allowance struct {
	// Resource is a name, a URN or the key of a route; * stands for any text.
	Resource string `json:"resource"`
	// Reason is for whoever reads the configuration.
	Reason string `json:"reason"`
}

// Validate returns every problem at once.
func (a Allowance) Validate() error {
	var problems []error
	switch {
	case strings.TrimSpace(a.Resource) == "":
		problems = append(problems, fmt.Errorf("resource: got %q, want a name, a URN or a route such as \"GET /health\"", a.Resource))
	case strings.Trim(a.Resource, "* ") == "":
		problems = append(problems, fmt.Errorf("resource: got %q, which is everything, want fewer, or the rule disabled", a.Resource))
	}
	if strings.TrimSpace(a.Reason) == "" {
		problems = append(problems, fmt.Errorf("reason: got %q, want why %q may break the rule", a.Reason, a.Resource))
	}
	return errors.Join(problems...)
}

// allows reports whether any allowance is for the resource.
func allows(allowed []Allowance, resource Resource) bool {
	subjects := []string{resource.Name, resource.URN}
	if resource.Type == routeType {
		subjects = append(subjects, resource.at("routeKey").text())
	}
	for _, a := range allowed {
		for _, subject := range subjects {
			if matches(a.Resource, subject) {
				return true
			}
		}
	}
	return false
}

// matches reports whether the text is that of the pattern, in which * stands for
// any text, slashes included: path.Match would stop at those of routes.
func matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		_, rest, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = rest
	}
	return true
}
