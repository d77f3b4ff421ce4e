package iam

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
)

// document is a policy, see
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html.
type document struct {
	Version   string
	ID        string `json:"Id"`
	Statement statements
}

type statement struct {
	Sid          string
	Effect       string
	Principal    *principal
	NotPrincipal json.RawMessage
	Action       texts
	NotAction    texts
	Resource     texts
	NotResource  texts
	Condition    map[string]json.RawMessage
}

// principal is "*", or lists by kind.
type principal struct {
	Any    bool
	ByKind map[string]texts
}

// UnmarshalJSON reads either form.
func (p *principal) UnmarshalJSON(raw []byte) error {
	if string(raw) == `"*"` {
		p.Any = true
		return nil
	}
	return json.Unmarshal(raw, &p.ByKind)
}

// texts is a text or a list of texts.
type texts []string

// UnmarshalJSON reads either form.
func (t *texts) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		var one string
		if err := json.Unmarshal(raw, &one); err != nil {
			return err
		}
		*t = texts{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(raw, &many); err != nil {
		return err
	}
	*t = append(texts{}, many...)
	return nil
}

// statements is a statement or a list of statements.
type statements []statement

// UnmarshalJSON reads either form.
func (s *statements) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '{' {
		raw = slices.Concat([]byte("["), raw, []byte("]"))
	}
	var many []statement
	if err := strict(raw, &many); err != nil {
		return err
	}
	*s = many
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

// parse reads a policy document and refuses what no kind of policy may have.
func parse(text string) (document, error) {
	var policy document
	if !json.Valid([]byte(text)) {
		return policy, malformed("This policy contains invalid Json")
	}
	if err := strict([]byte(text), &policy); err != nil {
		return policy, malformed("Syntax errors in policy.")
	}
	// That a document without a version is refused is a guess on the strict side.
	if policy.Version != "2012-10-17" && policy.Version != "2008-10-17" {
		return policy, malformed("Policy document must be version 2012-10-17 or greater.")
	}
	if len(policy.Statement) == 0 {
		return policy, malformed("Syntax errors in policy.")
	}
	ids := map[string]bool{}
	for _, each := range policy.Statement {
		if each.Effect != "Allow" && each.Effect != "Deny" {
			return policy, malformed("Syntax errors in policy.")
		}
		if each.Sid != "" && ids[each.Sid] {
			return policy, malformed("Statement IDs (SID) in a single policy must be unique.")
		}
		ids[each.Sid] = true
		if (len(each.Action) == 0) == (len(each.NotAction) == 0) {
			return policy, malformed("Policy statement must contain actions.")
		}
		for _, action := range slices.Concat(each.Action, each.NotAction) {
			if vendor, name, ok := strings.Cut(action, ":"); action != "*" && (!ok || vendor == "" || name == "") {
				return policy, malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
			}
		}
	}
	return policy, nil
}

// checkTrust refuses what is not a trust policy.
func checkTrust(text string) error {
	policy, err := parse(text)
	if err != nil {
		return err
	}
	for _, each := range policy.Statement {
		switch {
		case each.Resource != nil || each.NotResource != nil:
			return malformed("Has prohibited field Resource")
		case each.NotPrincipal != nil:
			return malformed("AssumeRolepolicy must not contain NotPrincipal")
		case each.Principal == nil:
			return malformed("AssumeRole policy must contain principals.")
		}
		for _, action := range slices.Concat(each.Action, each.NotAction) {
			if !strings.HasPrefix(strings.ToLower(action), "sts:") {
				return malformed("AssumeRole policy may only specify STS AssumeRole actions.")
			}
		}
		if err := checkPrincipal(each.Principal); err != nil {
			return err
		}
	}
	if length(text) > maxTrust {
		return refusal(http.StatusConflict, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: %d", maxTrust)
	}
	return nil
}

func checkPrincipal(p *principal) error {
	if !p.Any && len(p.ByKind) == 0 {
		return malformed("AssumeRole policy must contain principals.")
	}
	for kind, values := range p.ByKind {
		if !slices.Contains([]string{"AWS", "Service", "Federated", "CanonicalUser"}, kind) || len(values) == 0 {
			return malformed("Syntax errors in policy.")
		}
		for _, value := range values {
			if kind == "Service" && !strings.HasSuffix(value, ".amazonaws.com") {
				return malformed("Invalid principal in policy: \"SERVICE\":\"%s\"", value)
			}
		}
	}
	return nil
}

// checkPermissions refuses what is not a policy of an identity.
func checkPermissions(text string) error {
	policy, err := parse(text)
	if err != nil {
		return err
	}
	for _, each := range policy.Statement {
		if each.Principal != nil || each.NotPrincipal != nil {
			return malformed("Policy document should not specify a principal.")
		}
		if (len(each.Resource) == 0) == (len(each.NotResource) == 0) {
			return malformed("Policy statement must contain resources.")
		}
		for _, resource := range slices.Concat(each.Resource, each.NotResource) {
			if resource != "*" && strings.Count(resource, ":") < 5 || resource != "*" && !strings.HasPrefix(resource, "arn:") {
				return malformed("Resource %s must be in ARN format or \"*\".", resource)
			}
		}
	}
	return nil
}
