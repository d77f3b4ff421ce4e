// Package guard judges the resources of any Pulumi program: what Entragate
// never deploys, whoever wrote the program that would. It is for organisations
// in which not every API is made with Entragate.
//
// A rule is a plain function over what a resource is given, and needs no engine.
// guard/pack makes a Pulumi policy pack of them. Values that are not known
// before the deployment are not judged in a preview; the deployment judges them
// once more, before it makes the resource.
package guard

import (
	"slices"
	"strings"
)

// Resource is a resource of a program.
type Resource struct {
	URN, Type, Name string
	// Properties are those that the program gives, or for rules on a whole stack
	// those that the resource has, as Pulumi names them: nil, bool, string,
	// float64 or int, []any, map[string]any, [Unknown] and [Secret].
	Properties map[string]any
	// Depends are the URNs that each property was made from. Only rules on a whole
	// stack look at it.
	Depends map[string][]string
}

// Unknown is a value that is only known after the deployment.
type Unknown struct{}

// Secret is a value that no message may hold. It is judged as any other.
type Secret struct{ Value any }

// Severity says how bad a violation is.
type Severity string

// The severities, in the words of Pulumi.
const (
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// Rule is one thing that may be wrong with a resource, or with a whole stack.
type Rule struct {
	// ID never changes: configurations name it.
	ID string
	// Title says what is wanted.
	Title string
	// Fix says what to do where it is not so.
	Fix string
	// URL is the vendor's page with the fact that the rule rests on.
	URL      string
	Severity Severity
	// Mandatory rules stop a deployment unless a configuration says otherwise;
	// the others are told of.
	Mandatory bool
	// Public are the ids of the same rule elsewhere: AWS Security Hub and Config,
	// Checkov, Trivy, cdk-nag, Prowler.
	Public []string

	types []string
	one   func(Resource) []string
	stack func([]Resource) []Violation
}

// Stack reports whether the rule is on a whole stack.
func (r Rule) Stack() bool { return r.stack != nil }

// Violation is a resource that breaks a rule.
type Violation struct {
	Rule, URN string
	// Message says what was found, without the values of secrets.
	Message string
}

// Rules are all rules, sorted by what they are about. The list is the caller's.
func Rules() []Rule { return slices.Concat(gateway, entra, secrets, logs) }

// Judge returns how the resource breaks the rule, but for what is allowed. A
// rule on a whole stack has nothing to say of one resource.
func (r Rule) Judge(resource Resource, allowed []Allowance) []Violation {
	if r.one == nil || !slices.Contains(r.types, resource.Type) || allows(allowed, resource) {
		return nil
	}
	var found []Violation
	for _, message := range r.one(resource) {
		found = append(found, Violation{Rule: r.ID, URN: resource.URN, Message: message})
	}
	return found
}

// JudgeStack returns how resources of the stack break the rule, but for what is
// allowed. A rule on single resources has nothing to say.
func (r Rule) JudgeStack(resources []Resource, allowed []Allowance) []Violation {
	if r.stack == nil {
		return nil
	}
	var judged []Resource
	for _, resource := range resources {
		if !allows(allowed, resource) {
			judged = append(judged, resource)
		}
	}
	found := r.stack(judged)
	for i := range found {
		found[i].Rule = r.ID
	}
	return found
}

// Judge holds all rules against all resources of a program. allowed is by the
// rule's id.
func Judge(resources []Resource, allowed map[string][]Allowance) []Violation {
	var found []Violation
	for _, rule := range Rules() {
		for _, resource := range resources {
			found = append(found, rule.Judge(resource, allowed[rule.ID])...)
		}
		found = append(found, rule.JudgeStack(resources, allowed[rule.ID])...)
	}
	return found
}

// Explain is a violation in full: what is wanted, what was found, what to do, and
// the ids by which others know the rule.
func (r Rule) Explain(v Violation) string {
	lines := []string{r.Title + ": " + v.Message, r.Fix}
	if len(r.Public) > 0 {
		lines = append(lines, "also known as "+strings.Join(r.Public, ", "))
	}
	return strings.Join(append(lines, r.URL), "\n")
}
