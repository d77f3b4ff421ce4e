package kms

import (
	"encoding/json"
	"net/http"
)

// policyName is the one that a key policy has.
const policyName = "default"

// defaultPolicy is what a key gets whose maker gives none, see
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html.
func (s *Service) defaultPolicy() string {
	text, err := json.MarshalIndent(map[string]any{
		"Version": "2012-10-17",
		"Id":      "key-default-1",
		"Statement": []any{map[string]any{
			"Sid":       "Enable IAM User Permissions",
			"Effect":    "Allow",
			"Principal": map[string]string{"AWS": "arn:aws:iam::" + s.Account + ":root"},
			"Action":    "kms:*",
			"Resource":  "*",
		}},
	}, "", "  ")
	if err != nil {
		panic(err) // texts can always be written
	}
	return string(text)
}

// checkPolicy refuses what is no key policy, and what would keep its author from
// changing it again.
func (s *Service) checkPolicy(text, keyID string, author caller, bypass bool) error {
	policy, err := parse(text)
	if err != nil || bypass {
		return err
	}
	if s.decide(policy, s.keyARN(keyID), author, "kms:PutKeyPolicy", nil) != nil {
		return malformed("The new key policy will not allow you to update the key policy in the future.")
	}
	return nil
}

type policyInput struct {
	KeyID                          string `json:"KeyId"`
	PolicyName                     string
	Policy                         string
	BypassPolicyLockoutSafetyCheck bool
}

func (in policyInput) check() error {
	if in.PolicyName != "" && in.PolicyName != policyName {
		return missing("No such policy exists")
	}
	return nil
}

type policyOutput struct{ Policy, PolicyName string }

func (s *Service) getKeyPolicy(r *http.Request) (out any, err error) {
	in, err := decode[policyInput](r)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	err = s.view(r, s.byID, in.KeyID, anyState, func(key *Key) error {
		out = policyOutput{key.Policy, policyName}
		return nil
	})
	return out, err
}

// putKeyPolicy works in every state of a key, as the page on key states says.
func (s *Service) putKeyPolicy(r *http.Request) (any, error) {
	in, err := decode[policyInput](r)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	return nil, s.change(r, in.KeyID, anyState, func(key *Key) error {
		if err := s.checkPolicy(in.Policy, key.ID, s.caller(r), in.BypassPolicyLockoutSafetyCheck); err != nil {
			return err
		}
		key.Policy = in.Policy
		return nil
	})
}

type policiesOutput struct {
	PolicyNames []string
	Truncated   bool
}

func (s *Service) listKeyPolicies(r *http.Request) (out any, err error) {
	in, err := decode[listInput](r)
	if err != nil {
		return nil, err
	}
	err = s.view(r, s.byID, in.KeyID, anyState, func(*Key) error {
		out = policiesOutput{PolicyNames: []string{policyName}}
		return nil
	})
	return out, err
}
