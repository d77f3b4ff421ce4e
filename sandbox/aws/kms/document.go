package kms

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
)

// maxPolicy is of https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html.
const maxPolicy = 32768 // characters

// document is a key policy, see
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html.
type document struct {
	Version   string
	ID        string `json:"Id"`
	Statement many[statement]
}

type statement struct {
	Sid          string
	Effect       string
	Principal    *principal
	NotPrincipal *principal
	Action       many[string]
	NotAction    many[string]
	Resource     many[string]
	NotResource  many[string]
	Condition    map[string]map[string]many[value]
}

// principal is "*", or lists by kind.
type principal struct {
	Any    bool
	ByKind map[string]many[string]
}

// UnmarshalJSON reads either form.
func (p *principal) UnmarshalJSON(raw []byte) error {
	if string(raw) == `"*"` {
		p.Any = true
		return nil
	}
	return json.Unmarshal(raw, &p.ByKind)
}

// many is one or a list of them.
type many[T any] []T

// UnmarshalJSON reads either form.
func (m *many[T]) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] != '[' {
		raw = slices.Concat([]byte("["), raw, []byte("]"))
	}
	return strict(raw, (*[]T)(m))
}

// value is a text, a number or a truth of a condition, as a text.
type value string

// UnmarshalJSON reads any of them.
func (v *value) UnmarshalJSON(raw []byte) error {
	switch {
	case len(raw) > 0 && raw[0] == '"':
		return json.Unmarshal(raw, (*string)(v))
	case len(raw) == 0 || strings.ContainsAny(string(raw[:1]), "{[n"):
		return errors.New("want a text, a number or a truth")
	}
	*v = value(raw)
	return nil
}

// strict reads JSON without members that v does not have.
func strict(raw []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

func malformed(format string, args ...any) error {
	return refusal("MalformedPolicyDocumentException", format, args...)
}

var (
	principalARN = regexp.MustCompile(
		`^arn:aws:(iam::\d{12}:(root|(user|role)/[\w+=,.@/-]+)|sts::\d{12}:(assumed-role|federated-user)/[\w+=,.@/-]+)$`)
	accountID   = regexp.MustCompile(`^\d{12}$`)
	uniqueID    = regexp.MustCompile(`^A[A-Z0-9]{15,}$`)
	serviceName = regexp.MustCompile(`^[a-z0-9.-]+\.amazonaws\.com$`)
)

// parse reads a key policy and refuses what is none. The codes are AWS's, most
// texts are guesses.
func parse(text string) (document, error) {
	var policy document
	if text == "" || len(text) > maxPolicy {
		return policy, constraint("...", "policy", "Member must have length between 1 and 32768")
	}
	if !json.Valid([]byte(text)) {
		return policy, malformed("Policy is not valid JSON")
	}
	if err := strict([]byte(text), &policy); err != nil {
		return policy, malformed("Policy contains a statement with invalid syntax: %v", err)
	}
	if policy.Version != "" && policy.Version != "2012-10-17" && policy.Version != "2008-10-17" {
		return policy, malformed("Policy has an invalid version")
	}
	if len(policy.Statement) == 0 {
		return policy, malformed("Policy contains no statement")
	}
	ids := map[string]bool{}
	for _, each := range policy.Statement {
		if each.Sid != "" && ids[each.Sid] {
			return policy, malformed("Policy contains statements with the same Sid %q", each.Sid)
		}
		ids[each.Sid] = true
		if err := each.check(); err != nil {
			return policy, err
		}
	}
	return policy, nil
}

func (s statement) check() error {
	if s.Effect != "Allow" && s.Effect != "Deny" {
		return malformed("Policy contains a statement with an invalid effect %q", s.Effect)
	}
	if (s.Principal == nil) == (s.NotPrincipal == nil) {
		return malformed("Policy contains a statement with no principal")
	}
	for _, p := range []*principal{s.Principal, s.NotPrincipal} {
		if p != nil && !p.valid() {
			return malformed("Policy contains a statement with one or more invalid principals.")
		}
	}
	if (len(s.Action) == 0) == (len(s.NotAction) == 0) {
		return malformed("Policy contains a statement with no actions")
	}
	for _, action := range slices.Concat(s.Action, s.NotAction) {
		if action != "*" && !strings.HasPrefix(strings.ToLower(action), "kms:") {
			return malformed("Policy contains a statement with one or more invalid actions.")
		}
	}
	if (len(s.Resource) == 0) == (len(s.NotResource) == 0) {
		return malformed("Policy contains a statement with no resources")
	}
	for operator, keys := range s.Condition {
		if !operators.MatchString(operator) {
			return malformed("Policy contains a statement with an invalid condition operator %q", operator)
		}
		for key, values := range keys {
			if !strings.Contains(key, ":") || len(values) == 0 {
				return malformed("Policy contains a statement with an invalid condition %q", key)
			}
		}
	}
	return nil
}

// valid reports whether principals have a form that AWS takes. AWS refuses
// those that do not exist too; the sandbox does not know of all.
func (p *principal) valid() bool {
	if p.Any {
		return true
	}
	for kind, values := range p.ByKind {
		if len(values) == 0 {
			return false
		}
		for _, v := range values {
			ok := false
			switch kind {
			case "AWS":
				ok = v == "*" || accountID.MatchString(v) || uniqueID.MatchString(v) || principalARN.MatchString(v)
			case "Service":
				ok = serviceName.MatchString(v)
			case "Federated", "CanonicalUser":
				ok = v != ""
			}
			if !ok {
				return false
			}
		}
	}
	return len(p.ByKind) > 0
}
