package iam

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// managedARN is the form of the policies that AWS keeps for everybody.
var managedARN = regexp.MustCompile(`^arn:aws:iam::aws:policy/[\w+=,.@/-]+$`)

type policyOutput struct {
	RoleName       string
	PolicyName     string
	PolicyDocument string // escaped as in a URL
}

type policyNamesOutput struct {
	PolicyNames []string `xml:"PolicyNames>member"`
	page
}

type attachedPolicy struct {
	PolicyName string
	PolicyArn  string
}

type attachedOutput struct {
	AttachedPolicies []attachedPolicy `xml:"AttachedPolicies>member"`
	page
}

func (s *Service) putRolePolicy(in url.Values) (any, error) {
	policy, document := in.Get("PolicyName"), in.Get("PolicyDocument")
	if err := checkName("policyName", policy, maxPolicyName); err != nil {
		return nil, err
	}
	if err := checkPermissions(document); err != nil {
		return nil, err
	}
	return nil, s.change(in, func(role *Role) error {
		next := maps.Clone(role.Inline)
		next[policy] = document
		size := 0
		for _, each := range next {
			size += length(each)
		}
		if size > maxInline {
			return refusal(http.StatusConflict, "LimitExceeded", "Maximum policy size of %d bytes exceeded for role %s", maxInline, role.Name)
		}
		role.Inline = next
		return nil
	})
}

// length counts the characters of a document as quotas do.
func length(document string) int { return len(strings.Join(strings.Fields(document), "")) }

func noPolicy(policy string) error {
	return missing("The role policy with name %s cannot be found.", policy)
}

func (s *Service) getRolePolicy(in url.Values) (any, error) {
	policy := in.Get("PolicyName")
	if err := checkName("policyName", policy, maxPolicyName); err != nil {
		return nil, err
	}
	var out policyOutput
	err := s.view(in, func(role *Role) error {
		document, found := role.Inline[policy]
		if !found {
			return noPolicy(policy)
		}
		out = policyOutput{role.Name, policy, escape(document)}
		return nil
	})
	return out, err
}

func (s *Service) listRolePolicies(in url.Values) (any, error) {
	var names []string
	err := s.view(in, func(role *Role) error {
		names = slices.Collect(maps.Keys(role.Inline))
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out policyNamesOutput
	out.PolicyNames, out.page, err = paged(in, names, func(name string) string { return name })
	return out, err
}

func (s *Service) deleteRolePolicy(in url.Values) (any, error) {
	policy := in.Get("PolicyName")
	if err := checkName("policyName", policy, maxPolicyName); err != nil {
		return nil, err
	}
	return nil, s.change(in, func(role *Role) error {
		if _, found := role.Inline[policy]; !found {
			return noPolicy(policy)
		}
		left := maps.Clone(role.Inline)
		delete(left, policy)
		role.Inline = left
		return nil
	})
}

// checkManaged refuses policies that are not of AWS. That all names of the form
// exist is where the sandbox is not strict: it does not know which do.
func checkManaged(arn string) error {
	switch {
	case !strings.HasPrefix(arn, "arn:") || len(arn) < 20:
		return refusal(http.StatusBadRequest, "InvalidInput", "ARN %s is not valid.", arn)
	case !managedARN.MatchString(arn):
		return missing("Policy %s does not exist or is not attachable.", arn)
	}
	return nil
}

func (s *Service) attachRolePolicy(in url.Values) (any, error) {
	arn := in.Get("PolicyArn")
	if err := checkManaged(arn); err != nil {
		return nil, err
	}
	return nil, s.change(in, func(role *Role) error {
		if slices.Contains(role.Attached, arn) {
			return nil // attaching twice is no error
		}
		if len(role.Attached) >= maxAttached {
			return refusal(http.StatusConflict, "LimitExceeded", "Cannot exceed quota for PoliciesPerRole: %d", maxAttached)
		}
		role.Attached = append(slices.Clone(role.Attached), arn)
		return nil
	})
}

func (s *Service) detachRolePolicy(in url.Values) (any, error) {
	arn := in.Get("PolicyArn")
	return nil, s.change(in, func(role *Role) error {
		at := slices.Index(role.Attached, arn)
		if at < 0 {
			return missing("Policy %s was not found.", arn)
		}
		role.Attached = slices.Delete(slices.Clone(role.Attached), at, at+1)
		return nil
	})
}

func (s *Service) listAttachedRolePolicies(in url.Values) (any, error) {
	var policies []attachedPolicy
	err := s.view(in, func(role *Role) error {
		for _, arn := range role.Attached {
			policies = append(policies, attachedPolicy{arn[strings.LastIndexByte(arn, '/')+1:], arn})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out attachedOutput
	out.AttachedPolicies, out.page, err = paged(in, policies, func(p attachedPolicy) string { return p.PolicyArn })
	return out, err
}
