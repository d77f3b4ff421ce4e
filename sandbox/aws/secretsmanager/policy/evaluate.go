package policy

import (
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/iam"
)

// Effect is what a policy says of a request.
type Effect int

// Deny is stronger than Allow.
const (
	Neutral Effect = iota
	Allow
	Deny
)

// Request is what is asked of a policy.
type Request struct {
	Action   string // such as "secretsmanager:GetSecretValue"
	Resource string // ARN, or "*"
	Account  string // of the caller

	// Principal is the ARN of the user or role, Session that of the role's
	// session. Users have none.
	Principal, Session string

	// Keys are the values of condition keys, in lower case. A key without values
	// is known not to be in the request. Keys that begin with one of Prefixes are
	// known to be missing when they are not here.
	Keys     map[string][]string
	Prefixes []string
}

func (r Request) values(key string) (values []string, known bool) {
	values, known = r.Keys[key]
	return values, known || slices.ContainsFunc(r.Prefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}

// DecideResource returns what the policy of a resource says of a request.
func (d Document) DecideResource(r Request) Effect {
	return d.decide(r, func(s statement) bool { return s.isAbout(r) })
}

// DecideIdentity returns what a policy of the caller says of a request.
func (d Document) DecideIdentity(r Request) Effect {
	return d.decide(r, func(s statement) bool { return s.Principal == nil && s.NotPrincipal == nil })
}

func (d Document) decide(r Request, isAbout func(statement) bool) Effect {
	decision := Neutral
	for _, s := range d.statements {
		if !s.covers(r.Action) || !s.reaches(r.Resource) || !isAbout(s) {
			continue
		}
		switch met := s.meets(r); {
		case s.Effect == "Deny" && met != no:
			return Deny
		case s.Effect == "Allow" && met == yes:
			decision = Allow
		}
	}
	return decision
}

func (s statement) covers(action string) bool {
	matches := func(pattern string) bool { return iam.Matches(strings.ToLower(pattern), strings.ToLower(action)) }
	if len(s.NotAction) > 0 {
		return !slices.ContainsFunc(s.NotAction, matches)
	}
	return slices.ContainsFunc(s.Action, matches)
}

func (s statement) reaches(resource string) bool {
	matches := func(pattern string) bool { return iam.Matches(pattern, resource) }
	if len(s.NotResource) > 0 {
		return !slices.ContainsFunc(s.NotResource, matches)
	}
	return slices.ContainsFunc(s.Resource, matches)
}

// isAbout reports whether a statement is about the caller.
//
// To allow something to an account leaves it to the account's identity policies,
// which are asked anyway; to deny it denies it to everybody in the account. A
// NotPrincipal excepts a caller only if account, role and session are all
// named, which is the strict reading of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html.
func (s statement) isAbout(r Request) bool {
	if s.NotPrincipal != nil {
		n := s.NotPrincipal
		excepted := n.everybody() || n.account(r) && n.has(r.Principal) && (r.Session == "" || n.has(r.Session))
		return !excepted
	}
	p := s.Principal
	if p == nil {
		return false
	}
	return p.everybody() || p.has(r.Principal) || r.Session != "" && p.has(r.Session) || s.Effect == "Deny" && p.account(r)
}

func (p *principals) everybody() bool { return p.any || p.has("*") }

func (p *principals) has(arn string) bool { return slices.Contains(p.byKind["AWS"], arn) }

func (p *principals) account(r Request) bool {
	return p.has(r.Account) || p.has("arn:aws:iam::"+r.Account+":root")
}
