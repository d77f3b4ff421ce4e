package secretsmanager

import (
	"errors"
	"net/http"

	"github.com/entragate/entragate/sandbox/aws/secretsmanager/policy"
)

// maxPolicy is how long the policy of a secret may be, in bytes.
const maxPolicy = 20480

type policyInput struct {
	SecretID          string `json:"SecretId"`
	ResourcePolicy    string
	BlockPublicPolicy bool
}

type policyOutput struct {
	ARN            string
	Name           string
	ResourcePolicy string `json:",omitempty"`
}

// The texts of what is wrong with a policy, see
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_resource-policies.html.
const (
	syntaxError     = "This resource policy contains a syntax error."
	badPrincipal    = "This resource policy contains an unsupported principal."
	badService      = "This resource policy contains an invalid service principal."
	broadAccess     = "This resource policy grants broad access to your secret. Secrets Manager does not allow creating and applying such policies in the console."
	lockedOut       = "Your requested changes will not allow you to manage this secret in the future."
	publicException = "You can't attach a resource-based policy that allows broad access to the secret."
)

// parse reads the policy of a secret, or tells what is wrong with it.
func (s *Service) parse(text string) (document policy.Document, wrong string) {
	document, err := policy.Parse(text)
	if err == nil {
		err = document.CheckResource(s.Exists)
	}
	switch {
	case err == nil:
		return document, ""
	case errors.Is(err, policy.ErrPrincipal):
		return document, badPrincipal
	case errors.Is(err, policy.ErrService):
		return document, badService
	}
	return document, syntaxError
}

func (in policyInput) check() error {
	if in.ResourcePolicy == "" || len(in.ResourcePolicy) > maxPolicy {
		return constraint("resourcePolicy", "Member must have length between 1 and 20480")
	}
	return nil
}

// putResourcePolicy takes policies that lock the caller out; only
// ValidateResourcePolicy looks for those.
func (s *Service) putResourcePolicy(r *http.Request) (any, error) {
	in, err := decode[policyInput](r)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	on, err := s.allow(r, "PutResourcePolicy", in.SecretID, keys{"secretsmanager:blockpublicpolicy": {boolean(in.BlockPublicPolicy)}})
	if err != nil {
		return nil, err
	}
	document, wrong := s.parse(in.ResourcePolicy)
	if wrong != "" {
		return nil, refusal("MalformedPolicyDocumentException", "%s", wrong)
	}
	if in.BlockPublicPolicy && document.Broad() {
		return nil, refusal("PublicPolicyException", "%s", publicException)
	}
	return policyOutput{ARN: on.ARN, Name: on.Name}, s.change(on.ARN, func(secret *Secret) error {
		secret.Policy, secret.Changed = in.ResourcePolicy, s.Now()
		return nil
	})
}

func (s *Service) getResourcePolicy(r *http.Request) (any, error) {
	in, err := decode[policyInput](r)
	if err != nil {
		return nil, err
	}
	on, err := s.allow(r, "GetResourcePolicy", in.SecretID, nil)
	if err != nil {
		return nil, err
	}
	out := policyOutput{ARN: on.ARN, Name: on.Name}
	return &out, s.view(on.ARN, func(secret *Secret) error {
		out.ResourcePolicy = secret.Policy
		return nil
	})
}

func (s *Service) deleteResourcePolicy(r *http.Request) (any, error) {
	in, err := decode[policyInput](r)
	if err != nil {
		return nil, err
	}
	on, err := s.allow(r, "DeleteResourcePolicy", in.SecretID, nil)
	if err != nil {
		return nil, err
	}
	return policyOutput{ARN: on.ARN, Name: on.Name}, s.change(on.ARN, func(secret *Secret) error {
		secret.Policy, secret.Changed = "", s.Now()
		return nil
	})
}

type validation struct{ CheckName, ErrorMessage string }

type validateOutput struct {
	PolicyValidationPassed bool
	ValidationErrors       []validation
}

// validateResourcePolicy makes the three checks that the documentation names.
// The names that it gives them are guesses.
func (s *Service) validateResourcePolicy(r *http.Request) (any, error) {
	in, err := decode[policyInput](r)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	on := target{ARN: "*"}
	if in.SecretID == "" {
		err = s.decide(s.Caller(r), "ValidateResourcePolicy", "*", on, nil)
	} else {
		on, err = s.allow(r, "ValidateResourcePolicy", in.SecretID, nil)
	}
	if err != nil {
		return nil, err
	}
	out := validateOutput{ValidationErrors: []validation{}}
	document, wrong := s.parse(in.ResourcePolicy)
	if wrong != "" {
		out.ValidationErrors = append(out.ValidationErrors, validation{"SYNTAX", wrong})
		return out, nil
	}
	if document.Broad() {
		out.ValidationErrors = append(out.ValidationErrors, validation{"BROAD_ACCESS", broadAccess})
	}
	on.Policy = in.ResourcePolicy
	for _, action := range []string{"PutResourcePolicy", "DeleteResourcePolicy"} {
		if s.decide(s.Caller(r), action, in.SecretID, on, nil) != nil {
			out.ValidationErrors = append(out.ValidationErrors, validation{"LOCKOUT", lockedOut})
			break
		}
	}
	out.PolicyValidationPassed = len(out.ValidationErrors) == 0
	return out, nil
}
