package kms

import (
	"maps"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/iam"
)

// Use is what somebody wants to do with a key.
type Use struct {
	// Principal is the ARN of a role or user, or of the account's root for the
	// account, or the name of a service that acts for itself, such as
	// "cloudwatch.amazonaws.com". A service that acts for its caller names the
	// caller, and itself by kms:ViaService in Context.
	Principal string
	Action    string            // such as "kms:Decrypt"
	Context   map[string]string // of conditions, such as kms:ViaService and kms:EncryptionContext:NAME
}

// Usable is [Service.Check] without a context.
func (s *Service) Usable(keyID, principal, action string) error {
	return s.Check(keyID, Use{Principal: principal, Action: action})
}

// Check returns why a key, by id, ARN, alias or alias's ARN, cannot be used:
// there is none, it is disabled or pending deletion, or it is not allowed. The
// errors are those of KMS.
//
// The key's policy decides. Where it allows the account, the policies of
// identities do: the account's user may do everything, and a role what
// [Options.Roles] says. A role that the key policy allows by name needs no more,
// even where a policy of the role denies it, which AWS would heed.
func (s *Service) Check(keyID string, use Use) error {
	var err error
	s.state.View(func(all *State) {
		var key *Key
		if key, err = s.find(all, keyID); err != nil {
			return
		}
		if err = s.check(key, enabled); err != nil {
			return
		}
		err = s.authorize(key, caller{use.Principal, use.Principal}, use.Action, use.Context)
	})
	return err
}

// authorize refuses what a key's policy, and the policies of identities where it
// lets them decide, do not allow.
func (s *Service) authorize(key *Key, who caller, action string, context map[string]string) error {
	policy, err := parse(key.Policy)
	if err != nil { // it was checked when it was put
		return err
	}
	return s.decide(policy, s.keyARN(key.ID), who, action, context)
}

// The texts are those of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html.
func (s *Service) decide(policy document, resource string, who caller, action string, context map[string]string) error {
	context = withCaller(context, who.principal)
	allowed, delegated := false, false
	for _, each := range policy.Statement {
		named, account := each.applies(who.principal, s.Account)
		if !named && !account || !each.covers(action, resource) {
			continue
		}
		verdict := each.meets(context)
		switch {
		case each.Effect == "Deny" && verdict != unmet:
			return denied(who, action, resource, "with an explicit deny in a resource-based policy")
		case each.Effect == "Deny" || verdict != met:
		case named:
			allowed = true
		default:
			delegated = true
		}
	}
	switch {
	case allowed:
		return nil
	case delegated:
		return s.identityAllows(who, action, resource, context)
	}
	return denied(who, action, resource, "because no resource-based policy allows the "+action+" action")
}

// identityAllows refuses what the policies of an identity do not allow.
func (s *Service) identityAllows(who caller, action, resource string, context map[string]string) error {
	if s.Roles == nil || !strings.Contains(who.principal, ":role/") {
		return nil
	}
	keys := iam.Keys{}
	for key, value := range withCaller(context, who.principal) {
		keys[key] = []string{value}
	}
	if names := valuesOf(contextKeys, context); len(names) > 0 {
		keys[contextKeys] = names
	}
	if !s.Roles.AllowsWith(who.principal, action, resource, keys) {
		return denied(who, action, resource, "because no identity-based policy allows the "+action+" action")
	}
	return nil
}

func denied(who caller, action, resource, why string) error {
	return refusal("AccessDeniedException", "User: %s is not authorized to perform: %s on resource: %s %s", who.name, action, resource, why)
}

// withCaller adds what every request tells of its caller.
func withCaller(context map[string]string, who string) map[string]string {
	full := maps.Clone(context)
	if full == nil {
		full = map[string]string{}
	}
	if isService(who) {
		full["aws:PrincipalIsAWSService"], full["aws:PrincipalServiceName"] = "true", who
		return full
	}
	full["aws:PrincipalIsAWSService"] = "false"
	full["aws:PrincipalArn"] = who
	if fields := strings.SplitN(who, ":", 6); len(fields) == 6 {
		full["aws:PrincipalAccount"], full["kms:CallerAccount"] = fields[4], fields[4]
	}
	return full
}

func isService(who string) bool { return strings.HasSuffix(who, ".amazonaws.com") }

// applies reports whether a statement is about somebody by name or as anybody,
// and whether it is about the account of which somebody is one.
func (s statement) applies(who, account string) (named, delegated bool) {
	if s.NotPrincipal != nil {
		named, delegated = s.NotPrincipal.includes(who, account)
		return !named && !delegated, false
	}
	return s.Principal.includes(who, account)
}

func (p *principal) includes(who, account string) (named, delegated bool) {
	if p.Any {
		return true, false
	}
	if isService(who) {
		return slices.Contains(p.ByKind["Service"], who), false
	}
	root := "arn:aws:iam::" + account + ":root"
	of := p.ByKind["AWS"]
	named = slices.Contains(of, "*") || slices.Contains(of, who) && who != root
	inAccount := strings.HasPrefix(who, "arn:aws:iam::"+account+":")
	return named, inAccount && (slices.Contains(of, root) || slices.Contains(of, account))
}

func (s statement) covers(action, resource string) bool {
	does := func(pattern string) bool { return iam.Matches(strings.ToLower(pattern), strings.ToLower(action)) }
	if len(s.NotAction) > 0 && slices.ContainsFunc(s.NotAction, does) || len(s.Action) > 0 && !slices.ContainsFunc(s.Action, does) {
		return false
	}
	is := func(pattern string) bool { return iam.Matches(pattern, resource) }
	if len(s.NotResource) > 0 {
		return !slices.ContainsFunc(s.NotResource, is)
	}
	return slices.ContainsFunc(s.Resource, is)
}
