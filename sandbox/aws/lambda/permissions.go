package lambda

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/aws/iam"
)

// Statement lets somebody invoke a function. Its form is that of policy
// documents; the condition keys are written as Lambda writes them.
type Statement struct {
	Sid       string
	Effect    string
	Principal Principal
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// Principal is a service, an account, or everybody.
type Principal struct{ Service, AWS string }

// MarshalJSON writes it as policies do.
func (p Principal) MarshalJSON() ([]byte, error) {
	switch {
	case p.Service != "":
		return json.Marshal(map[string]string{"Service": p.Service})
	case p.AWS == "*":
		return []byte(`"*"`), nil
	}
	return json.Marshal(map[string]string{"AWS": p.AWS})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Principal) UnmarshalJSON(raw []byte) error {
	if string(raw) == `"*"` {
		p.AWS = "*"
		return nil
	}
	var named struct{ Service, AWS string }
	err := json.Unmarshal(raw, &named)
	*p = named
	return err
}

// The forms of
// https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html.
var (
	statementID   = regexp.MustCompile(`^[a-zA-Z0-9-_.]{1,100}$`)
	lambdaAction  = regexp.MustCompile(`^(lambda:[*]|lambda:[a-zA-Z]+|[*])$`)
	accountID     = regexp.MustCompile(`^\d{12}$`)
	serviceName   = regexp.MustCompile(`^[a-z0-9.-]+\.amazonaws\.com$`)
	accountOrUser = regexp.MustCompile(`^arn:aws:(iam|sts)::\d{12}:.+$`)
	sourceARN     = regexp.MustCompile(`^arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:` +
		`([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)$`)
)

// maxPolicyBytes is how long a policy may be.
const maxPolicyBytes = 20480

type permissionInput struct {
	StatementID           string `json:"StatementId"`
	Action                string
	Principal             string
	SourceArn             string
	SourceAccount         string
	EventSourceToken      string
	FunctionURLAuthType   string `json:"FunctionUrlAuthType"`
	PrincipalOrgID        string
	InvokedViaFunctionURL *bool  `json:"InvokedViaFunctionUrl"`
	RevisionID            string `json:"RevisionId"`
}

func (in permissionInput) principal() (Principal, error) {
	switch {
	case in.Principal == "*" || accountOrUser.MatchString(in.Principal):
		return Principal{AWS: in.Principal}, nil
	case accountID.MatchString(in.Principal):
		return Principal{AWS: "arn:aws:iam::" + in.Principal + ":root"}, nil
	case serviceName.MatchString(in.Principal):
		return Principal{Service: in.Principal}, nil
	}
	return Principal{}, invalid("The provided principal was invalid. Please check the principal and try again.")
}

func (in permissionInput) statement(resource string) (*Statement, error) {
	switch {
	case !statementID.MatchString(in.StatementID):
		return nil, constraint(in.StatementID, "statementId", "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)")
	case !lambdaAction.MatchString(in.Action):
		return nil, constraint(in.Action, "action", "Member must satisfy regular expression pattern: %s", lambdaAction)
	case in.SourceAccount != "" && !accountID.MatchString(in.SourceAccount):
		return nil, constraint(in.SourceAccount, "sourceAccount", "Member must satisfy regular expression pattern: \\d{12}")
	case in.SourceArn != "" && !sourceARN.MatchString(in.SourceArn):
		return nil, constraint(in.SourceArn, "sourceArn", "Member must satisfy regular expression pattern: %s", sourceARN)
	}
	principal, err := in.principal()
	if err != nil {
		return nil, err
	}
	st := &Statement{
		Sid: in.StatementID, Effect: "Allow", Principal: principal, Action: in.Action, Resource: resource,
		Condition: map[string]map[string]string{},
	}
	add := func(operator, key, value string) {
		if value == "" {
			return
		}
		if st.Condition[operator] == nil {
			st.Condition[operator] = map[string]string{}
		}
		st.Condition[operator][key] = value
	}
	add("StringEquals", "AWS:SourceAccount", in.SourceAccount)
	add("StringEquals", "lambda:EventSourceToken", in.EventSourceToken)
	add("StringEquals", "lambda:FunctionUrlAuthType", in.FunctionURLAuthType)
	add("StringEquals", "aws:PrincipalOrgID", in.PrincipalOrgID)
	add("ArnLike", "AWS:SourceArn", in.SourceArn)
	if in.InvokedViaFunctionURL != nil && *in.InvokedViaFunctionURL {
		add("Bool", "lambda:InvokedViaFunctionUrl", "true")
	}
	return st, nil
}

// permits reports whether a statement lets a service invoke, on behalf of a
// source in an account. Conditions that are about other things are not met.
func (st *Statement) permits(service, source, account string) bool {
	if st.Principal.Service != service && st.Principal.AWS != "*" {
		return false
	}
	if !iam.Matches(strings.ToLower(st.Action), "lambda:invokefunction") {
		return false
	}
	for operator, keys := range st.Condition {
		for key, want := range keys {
			switch {
			case operator == "ArnLike" && key == "AWS:SourceArn" && arnLike(want, source):
			case operator == "StringEquals" && key == "AWS:SourceAccount" && want == account:
			default:
				return false
			}
		}
	}
	return true
}

// arnLike compares the six parts of ARNs one by one, see
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN.
func arnLike(pattern, arn string) bool {
	patterns, parts := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(patterns) != 6 || len(parts) != 6 {
		return false
	}
	for i := range parts {
		if !iam.Matches(patterns[i], parts[i]) {
			return false
		}
	}
	return true
}

// policyOf returns the function and the qualifier whose policy a request is
// about.
func (s *Service) policyOf(c *call) (name, qualified string, err error) {
	name, qualified, err = s.named(c)
	if err == nil && qualified == latest {
		err = invalid("We currently do not support adding policies for $LATEST.")
	}
	return name, qualified, err
}

func (s *Service) addPermission(c *call) (any, error) {
	name, qualified, err := s.policyOf(c)
	if err != nil {
		return nil, err
	}
	in, err := decode[permissionInput](c)
	if err != nil {
		return nil, err
	}
	added, err := in.statement(s.qualifiedARN(name, qualified))
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(added)
	if err != nil {
		return nil, err
	}
	return map[string]string{"Statement": string(raw)}, s.change(name, func(fn *Function) error {
		if _, err := s.resolve(fn, qualified); err != nil {
			return err
		}
		policy := fn.Policies[qualified]
		if policy == nil {
			policy = &Policy{}
		} else if err := checkRevision(in.RevisionID, policy.RevisionID); err != nil {
			return err
		}
		if slices.ContainsFunc(policy.Statements, func(st *Statement) bool { return st.Sid == added.Sid }) {
			return conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", added.Sid)
		}
		next := &Policy{append(slices.Clone(policy.Statements), added), uuid.NewString()}
		document, err := next.document()
		if err != nil {
			return err
		}
		if len(document) > maxPolicyBytes {
			return refusal(http.StatusBadRequest, "PolicyLengthExceededException",
				"The final policy size (%d) is bigger than the limit (%d).", len(document), maxPolicyBytes)
		}
		fn.Policies[qualified] = next
		return nil
	})
}

// document is the policy as AWS prints it.
func (p *Policy) document() (string, error) {
	raw, err := json.Marshal(struct {
		Version   string
		ID        string `json:"Id"`
		Statement []*Statement
	}{"2012-10-17", "default", p.Statements})
	return string(raw), err
}

var errNoPolicy = missing("The resource you requested does not exist.")

func (s *Service) getPolicy(c *call) (any, error) {
	name, qualified, err := s.policyOf(c)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	return out, s.view(name, func(fn *Function) error {
		policy := fn.Policies[qualified]
		if policy == nil {
			return errNoPolicy
		}
		out["RevisionId"] = policy.RevisionID
		out["Policy"], err = policy.document()
		return err
	})
}

func (s *Service) removePermission(c *call) (any, error) {
	name, qualified, err := s.policyOf(c)
	if err != nil {
		return nil, err
	}
	return nil, s.change(name, func(fn *Function) error {
		policy, id := fn.Policies[qualified], c.PathValue("statement")
		if policy == nil {
			return errNoPolicy
		}
		at := slices.IndexFunc(policy.Statements, func(st *Statement) bool { return st.Sid == id })
		if at < 0 {
			return missing("Statement %s is not found in resource policy.", id)
		}
		if err := checkRevision(c.URL.Query().Get("RevisionId"), policy.RevisionID); err != nil {
			return err
		}
		if len(policy.Statements) == 1 {
			delete(fn.Policies, qualified)
			return nil
		}
		fn.Policies[qualified] = &Policy{slices.Delete(slices.Clone(policy.Statements), at, at+1), uuid.NewString()}
		return nil
	})
}
