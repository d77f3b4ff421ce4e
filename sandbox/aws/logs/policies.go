package logs

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Limits of https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html.
const (
	maxPolicies       = 10
	maxPolicyDocument = 5120 // characters
)

// The policy that log delivery keeps, and the prefix of group names that it
// covers with one statement, see
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-CWL.html.
const (
	deliveryPolicy = "AWSLogDeliveryWrite20150319"
	vendedPrefix   = "/aws/vendedlogs/"
)

// Policy is a resource policy of the account.
type Policy struct {
	Name     string `json:"policyName"`
	Document string `json:"policyDocument"`
	Updated  int64  `json:"lastUpdatedTime"` // ms since 1970
}

type policyInput struct {
	PolicyName     string `json:"policyName"`
	PolicyDocument string `json:"policyDocument"`
	ResourceARN    string `json:"resourceArn"`
	NextToken      string `json:"nextToken"`
	Limit          *int   `json:"limit"`
}

type policyOutput struct {
	ResourcePolicy *Policy `json:"resourcePolicy"`
}

type policiesOutput struct {
	ResourcePolicies []*Policy `json:"resourcePolicies"`
	NextToken        string    `json:"nextToken,omitempty"`
}

func (s *Service) putResourcePolicy(r *http.Request) (any, error) {
	in, err := decode[policyInput](r)
	if err != nil {
		return nil, err
	}
	if in.ResourceARN != "" {
		return nil, wire.NotImplemented("a resource policy with resourceArn")
	}
	if in.PolicyName == "" {
		return nil, invalid("Policy name is required")
	}
	if n := len(in.PolicyDocument); n < 1 || n > maxPolicyDocument {
		return nil, invalid("Policy document length breaking Cloudwatch Logs Constraints, either < 1 or > %d", maxPolicyDocument)
	}
	if !json.Valid([]byte(in.PolicyDocument)) {
		return nil, invalid("Policy document is not valid JSON")
	}
	policy := &Policy{in.PolicyName, in.PolicyDocument, s.millis()}
	return policyOutput{policy}, s.state.Update(func(all *State) error {
		if all.Policies[in.PolicyName] == nil && len(all.Policies) >= maxPolicies {
			return refusal("LimitExceededException", "Resource limit exceeded.")
		}
		all.Policies[in.PolicyName] = policy
		return nil
	})
}

func (s *Service) describeResourcePolicies(r *http.Request) (any, error) {
	in, err := decode[policyInput](r)
	if err != nil {
		return nil, err
	}
	limit, err := limit(in.Limit, 50, 50)
	if err != nil {
		return nil, err
	}
	var policies []*Policy
	s.state.View(func(all *State) {
		for _, policy := range all.Policies {
			policies = append(policies, policy)
		}
	})
	page, next, err := wire.Page(policies, func(p *Policy) string { return p.Name }, in.NextToken, limit)
	if err != nil {
		return nil, invalid("The specified nextToken is invalid.")
	}
	return policiesOutput{page, next}, nil
}

func (s *Service) deleteResourcePolicy(r *http.Request) (any, error) {
	in, err := decode[policyInput](r)
	if err != nil {
		return nil, err
	}
	return nil, s.state.Update(func(all *State) error {
		if all.Policies[in.PolicyName] == nil {
			return refusal("ResourceNotFoundException", "Policy with name [%s] does not exist.", in.PolicyName)
		}
		delete(all.Policies, in.PolicyName)
		return nil
	})
}

// deliveryDocument is the policy document of log delivery.
type deliveryDocument struct {
	Version   string
	Statement []deliveryStatement
}

type deliveryStatement struct {
	Sid       string
	Effect    string
	Principal struct{ Service string }
	Action    []string
	Resource  []string
	Condition map[string]map[string]string
}

// AllowDelivery lets the log delivery service write to a group, as API Gateway
// does when it is given one: the group is appended to a resource policy, or is
// covered by the one entry for all names under /aws/vendedlogs/. The errors
// have AWS's texts (aws-samples/retail-demo-store#646).
func (s *Service) AllowDelivery(groupARN string) error {
	name, err := s.groupOf(groupARN)
	if err != nil {
		return err
	}
	covered := groupARN
	if strings.HasPrefix(name, vendedPrefix) {
		covered = s.ARN(vendedPrefix) + "*"
	}
	resource := covered + ":log-stream:*"
	return s.state.Update(func(all *State) error {
		current := all.Policies[deliveryPolicy]
		var document deliveryDocument
		switch {
		case current == nil && len(all.Policies) >= maxPolicies:
			// The text is a guess; the limit is AWS's.
			return &deliveryError{"Cannot enable logging. Resource limit exceeded."}
		case current == nil:
			document = s.newDeliveryDocument()
		default:
			if err := json.Unmarshal([]byte(current.Document), &document); err != nil || len(document.Statement) == 0 {
				return &deliveryError{"Insufficient permissions to enable logging"}
			}
		}
		statement := &document.Statement[0]
		if slices.Contains(statement.Resource, resource) {
			return nil
		}
		statement.Resource = append(statement.Resource, resource)
		raw, err := json.Marshal(document)
		if err != nil {
			return err
		}
		if len(raw) > maxPolicyDocument {
			return &deliveryError{"Cannot enable logging. Policy document length breaking Cloudwatch Logs Constraints, either < 1 or > 5120"}
		}
		all.Policies[deliveryPolicy] = &Policy{deliveryPolicy, string(raw), s.millis()}
		return nil
	})
}

func (s *Service) newDeliveryDocument() deliveryDocument {
	statement := deliveryStatement{
		Sid:    "AWSLogDeliveryWrite",
		Effect: "Allow",
		Action: []string{"logs:CreateLogStream", "logs:PutLogEvents"},
		Condition: map[string]map[string]string{
			"StringEquals": {"aws:SourceAccount": s.Account},
			"ArnLike":      {"aws:SourceArn": "arn:aws:logs:" + s.Region + ":" + s.Account + ":*"},
		},
	}
	statement.Principal.Service = "delivery.logs.amazonaws.com"
	return deliveryDocument{Version: "2012-10-17", Statement: []deliveryStatement{statement}}
}

// deliveryError is why API Gateway cannot log, in its words.
type deliveryError struct{ text string }

func (e *deliveryError) Error() string { return e.text }
