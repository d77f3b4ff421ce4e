// Package policy reads and evaluates policies as IAM does: those of a resource,
// which name who they are about, and those of an identity.
//
// What a condition asks and the sandbox cannot know counts against the caller: a
// Deny applies and an Allow does not.
package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
)

// What is wrong with a policy.
var (
	ErrSyntax    = errors.New("syntax error")
	ErrPrincipal = errors.New("unsupported principal")
	ErrService   = errors.New("invalid service principal")
)

// Document is a policy, see
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html.
type Document struct {
	statements []statement
}

type statement struct {
	Sid          string
	Effect       string
	Principal    *principals
	NotPrincipal *principals
	Action       texts
	NotAction    texts
	Resource     texts
	NotResource  texts
	Condition    map[string]map[string]texts // by operator and key
}

// principals are "*", or lists by kind.
type principals struct {
	any    bool
	byKind map[string]texts
}

// UnmarshalJSON reads either form.
func (p *principals) UnmarshalJSON(raw []byte) error {
	if string(raw) == `"*"` {
		p.any = true
		return nil
	}
	return json.Unmarshal(raw, &p.byKind)
}

// texts is a value or a list of values; numbers and booleans are as good as
// their texts.
type texts []string

// UnmarshalJSON reads either form.
func (t *texts) UnmarshalJSON(raw []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return err
	}
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	*t = texts{}
	for _, each := range list {
		switch each := each.(type) {
		case string:
			*t = append(*t, each)
		case json.Number:
			*t = append(*t, each.String())
		case bool:
			*t = append(*t, map[bool]string{true: "true", false: "false"}[each])
		default:
			return ErrSyntax
		}
	}
	return nil
}

// Parse reads a policy and refuses what no kind of policy may have.
func Parse(text string) (Document, error) {
	var raw struct {
		Version, Statement json.RawMessage
	}
	if !only(text, "Version", "Id", "Statement") || json.Unmarshal([]byte(text), &raw) != nil {
		return Document{}, ErrSyntax
	}
	// That a policy without a version is refused is a guess on the strict side.
	if version := string(raw.Version); version != `"2012-10-17"` && version != `"2008-10-17"` {
		return Document{}, ErrSyntax
	}
	list := raw.Statement
	if bytes.HasPrefix(list, []byte("{")) {
		list = slices.Concat([]byte("["), list, []byte("]"))
	}
	var each []json.RawMessage
	if err := json.Unmarshal(list, &each); err != nil || len(each) == 0 {
		return Document{}, ErrSyntax
	}
	var policy Document
	for _, raw := range each {
		var s statement
		known := only(string(raw), "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition")
		if !known || json.Unmarshal(raw, &s) != nil || !s.valid() {
			return Document{}, ErrSyntax
		}
		if s.Sid != "" && slices.ContainsFunc(policy.statements, func(other statement) bool { return other.Sid == s.Sid }) {
			return Document{}, ErrSyntax
		}
		policy.statements = append(policy.statements, s)
	}
	return policy, nil
}

// only reports whether a text is one JSON object without members but those
// given. Their case matters, which it does not to [json.Unmarshal].
func only(text string, members ...string) bool {
	decoder := json.NewDecoder(strings.NewReader(text))
	var object map[string]json.RawMessage
	if err := decoder.Decode(&object); err != nil || object == nil {
		return false
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return false
	}
	for name := range object {
		if !slices.Contains(members, name) {
			return false
		}
	}
	return true
}

func (s statement) valid() bool {
	if s.Effect != "Allow" && s.Effect != "Deny" {
		return false
	}
	if (len(s.Action) == 0) == (len(s.NotAction) == 0) || len(s.Resource) > 0 && len(s.NotResource) > 0 {
		return false
	}
	for _, action := range slices.Concat(s.Action, s.NotAction) {
		if vendor, name, ok := strings.Cut(action, ":"); action != "*" && (!ok || vendor == "" || name == "") {
			return false
		}
	}
	for _, resource := range slices.Concat(s.Resource, s.NotResource) {
		if resource != "*" && (!strings.HasPrefix(resource, "arn:") || strings.Count(resource, ":") < 5) {
			return false
		}
	}
	for name, keys := range s.Condition {
		if _, ok := parseOperator(name); !ok || len(keys) == 0 {
			return false
		}
		for key, values := range keys {
			if !strings.Contains(key, ":") || len(values) == 0 {
				return false
			}
		}
	}
	return true
}

// The forms of principals, see
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html.
var (
	accountForm = regexp.MustCompile(`^(\d{12}|arn:aws:iam::\d{12}:root)$`)
	entityForm  = regexp.MustCompile(`^arn:aws:iam::\d{12}:(user|role)/[^*?]+$`)
	sessionForm = regexp.MustCompile(`^arn:aws:sts::\d{12}:(assumed-role/[^*?/]+/[^*?/]+|federated-user/[^*?]+)$`)
	serviceForm = regexp.MustCompile(`^[a-z0-9.-]+\.amazonaws\.com$`)
)

// CheckResource returns what is wrong with the policy as one of a resource.
// exists tells whether there is a user or role.
func (d Document) CheckResource(exists func(arn string) bool) error {
	for _, s := range d.statements {
		if (s.Principal == nil) == (s.NotPrincipal == nil) || len(s.Resource)+len(s.NotResource) == 0 {
			return ErrSyntax
		}
		named := s.Principal
		if named == nil {
			named = s.NotPrincipal
		}
		if !named.any && len(named.byKind) == 0 {
			return ErrSyntax
		}
		for kind, values := range named.byKind {
			if len(values) == 0 {
				return ErrSyntax
			}
			for _, value := range values {
				if err := checkPrincipal(kind, value, exists); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func checkPrincipal(kind, value string, exists func(arn string) bool) error {
	switch kind {
	case "AWS":
		switch {
		case value == "*" || accountForm.MatchString(value) || sessionForm.MatchString(value):
		case entityForm.MatchString(value) && exists(value):
		default:
			return ErrPrincipal
		}
	case "Service":
		if !serviceForm.MatchString(value) {
			return ErrService
		}
	case "Federated", "CanonicalUser":
	default:
		return ErrSyntax
	}
	return nil
}

// narrowing are the keys that keep an Allow for everybody from being broad, see
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_resource-based-policies.html.
var narrowing = []string{"aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceaccount"}

// Broad reports whether the policy allows something to everybody: no condition
// asks for one fixed value of where the request comes from.
func (d Document) Broad() bool {
	return slices.ContainsFunc(d.statements, func(s statement) bool {
		everybody := s.NotPrincipal != nil || s.Principal != nil && (s.Principal.any || slices.Contains(s.Principal.byKind["AWS"], "*"))
		return s.Effect == "Allow" && everybody && !s.narrowed()
	})
}

func (s statement) narrowed() bool {
	for name, keys := range s.Condition {
		op, _ := parseOperator(name) // it was checked
		if op.negated || op.ifExists || op.qualifier == allValues || !slices.Contains([]string{"String", "StringLike", "Arn"}, op.kind) {
			continue
		}
		for key, values := range keys {
			open := slices.ContainsFunc(values, func(value string) bool { return strings.ContainsAny(value, "*?$") })
			if slices.Contains(narrowing, strings.ToLower(key)) && !open {
				return true
			}
		}
	}
	return false
}
