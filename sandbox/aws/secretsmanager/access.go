package secretsmanager

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/secretsmanager/policy"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Caller is who makes a request: the account's user or the session of a role.
type Caller struct {
	// ARN is that of the user or the session, as messages name it; RoleARN that
	// of the session's role, which is empty for users.
	ARN, RoleARN string

	// Policies are the documents of the identity.
	Policies []string

	// Full callers may do what no policy denies.
	Full bool
}

// keys are condition keys of a request and their values.
type keys map[string][]string

// optional is a key that is in a request only if it is given.
func optional(value string) []string {
	if value == "" {
		return []string{}
	}
	return []string{value}
}

func boolean(value bool) string {
	if value {
		return "true"
	}
	return "false"
}

// The condition keys of the service, see
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html,
// and the global ones that no request has: nobody calls through a service or a
// VPC, and the account is in no organization.
var (
	absentKeys = []string{
		"aws:sourcearn", "aws:sourceaccount", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceorgid", "aws:sourceorgpaths",
		"aws:principalservicename", "aws:principalservicenameslist", "aws:calledvia", "aws:calledviafirst", "aws:calledvialast",
		"aws:principalorgid", "aws:principalorgpaths", "aws:resourceorgid", "aws:tagkeys",
	}
	knownPrefixes = []string{"secretsmanager:", "aws:resourcetag/", "aws:requesttag/", "aws:principaltag/"}
)

// target is the secret that a request names, as far as permissions need it.
type target struct {
	ARN, Name, Policy, KMSKeyID, Lambda string
	Tags                                map[string]string
}

// allow refuses a request unless the caller may do the action with the secret
// that id names, and returns the secret. Who may not is not told whether it
// exists. Marked for deletion it is still returned.
func (s *Service) allow(r *http.Request, action, id string, with keys) (target, error) {
	if id == "" || len(id) > 2048 {
		return target{}, constraint("secretId", "Member must have length between 1 and 2048")
	}
	var on target
	found := false
	s.state.View(func(all *State) {
		if secret := s.find(all, id); secret != nil {
			found, on = true, target{ARN: secret.ARN, Name: secret.Name, Policy: secret.Policy, KMSKeyID: secret.KMSKeyID, Tags: secret.Tags}
			if secret.Rotation != nil {
				on.Lambda = secret.Rotation.LambdaARN
			}
		}
	})
	if !found {
		on.ARN = id
		if !strings.HasPrefix(id, "arn:") {
			on.ARN = s.arnPrefix() + id
		}
	}
	with = maps.Clone(with)
	if with == nil {
		with = keys{}
	}
	with["secretsmanager:secretid"] = []string{id}
	if err := s.decide(s.Caller(r), action, id, on, with); err != nil {
		return target{}, err
	}
	if !found {
		return target{}, noSecret()
	}
	return on, nil
}

// decide refuses an action unless a policy of the caller or the secret allows
// it, and none denies it. The texts are those of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html;
// the resource is named as the request names it.
func (s *Service) decide(caller Caller, action, named string, on target, with keys) error {
	action = "secretsmanager:" + action
	request := s.request(caller, action, on, with)
	byResource := policy.Neutral
	if on.Policy != "" {
		document, err := policy.Parse(on.Policy)
		if err != nil { // it was checked when it was put
			return err
		}
		byResource = document.DecideResource(request)
	}
	byIdentity := caller.decide(request)
	because := ""
	switch {
	case byIdentity == policy.Deny:
		because = "with an explicit deny in an identity-based policy"
	case byResource == policy.Deny:
		because = "with an explicit deny in a resource-based policy"
	case byIdentity == policy.Allow || byResource == policy.Allow:
		return nil
	default:
		because = "because no identity-based policy allows the " + action + " action"
	}
	return refusal("AccessDeniedException", "User: %s is not authorized to perform: %s on resource: %s %s", caller.ARN, action, named, because)
}

// decide returns what the policies of the identity say. One that cannot be read
// denies everything.
func (c Caller) decide(request policy.Request) policy.Effect {
	decision := policy.Neutral
	if c.Full {
		decision = policy.Allow
	}
	for _, text := range c.Policies {
		document, err := policy.Parse(text)
		if err != nil {
			return policy.Deny
		}
		decision = max(decision, document.DecideIdentity(request))
	}
	return decision
}

func (s *Service) request(caller Caller, action string, on target, with keys) policy.Request {
	request := policy.Request{
		Action: action, Resource: on.ARN, Account: s.Account, Principal: caller.ARN, Prefixes: knownPrefixes,
		Keys: keys{
			"aws:principalaccount":      {s.Account},
			"aws:resourceaccount":       {s.Account},
			"aws:requestedregion":       {s.Region},
			"aws:principaltype":         {"User"},
			"aws:principalisawsservice": {"false"},
			"aws:viaawsservice":         {"false"},
			// Clients of AWS use TLS. That the sandbox is called without it must not
			// make policies deny what they would allow.
			"aws:securetransport": {"true"},
			"aws:username":        {caller.ARN[strings.LastIndexByte(caller.ARN, '/')+1:]},

			"secretsmanager:name":                            optional(on.Name),
			"secretsmanager:secretprimaryregion":             {s.Region},
			"secretsmanager:resource/allowrotationlambdaarn": optional(on.Lambda),
		},
	}
	if caller.RoleARN != "" {
		request.Principal, request.Session = caller.RoleARN, caller.ARN
		request.Keys["aws:principaltype"] = []string{"AssumedRole"}
		request.Keys["aws:username"] = []string{}
	}
	request.Keys["aws:principalarn"] = []string{request.Principal}
	for _, key := range absentKeys {
		request.Keys[key] = []string{}
	}
	for key, value := range on.Tags {
		request.Keys["aws:resourcetag/"+strings.ToLower(key)] = []string{value}
		request.Keys["secretsmanager:resourcetag/"+strings.ToLower(key)] = []string{value}
	}
	maps.Copy(request.Keys, with)
	return request
}

// ofTags are the condition keys of the tags of a request.
func ofTags(tags map[string]string) keys {
	with := keys{"aws:tagkeys": slices.Sorted(maps.Keys(tags))}
	for key, value := range tags {
		with["aws:requesttag/"+strings.ToLower(key)] = []string{value}
	}
	return with
}

// checkKey refuses a key that the caller may not use in all of the actions.
func (s *Service) checkKey(r *http.Request, keyID string, actions ...string) error {
	if keyID == "" {
		return nil
	}
	for _, action := range actions {
		if err := s.CheckKey(keyID, s.Caller(r), action); err != nil {
			if known, ok := errors.AsType[*wire.Error](err); ok {
				return known
			}
			return refusal("AccessDeniedException", "Access to KMS is not allowed")
		}
	}
	return nil
}
