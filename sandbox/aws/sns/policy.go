package sns

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/secretsmanager/policy"
)

// maxPolicy is how long a topic's policy may be, in bytes
// (https://docs.aws.amazon.com/general/latest/gr/sns.html).
const maxPolicy = 30720

// policyActions are those that a topic's policy may name, in lower case, see
// https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html.
// That a * in them is refused is a guess on the strict side.
var policyActions = []string{
	"sns:addpermission", "sns:deletetopic", "sns:getdataprotectionpolicy", "sns:gettopicattributes",
	"sns:listsubscriptionsbytopic", "sns:listtagsforresource", "sns:publish", "sns:putdataprotectionpolicy",
	"sns:receive", "sns:removepermission", "sns:settopicattributes", "sns:subscribe",
}

// defaultPolicy is that of a topic which was given none.
func (s *Service) defaultPolicy(arn string) string {
	return fmt.Sprintf(`{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID",`+
		`"Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission",`+
		`"SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],`+
		`"Resource":%q,"Condition":{"StringEquals":{"AWS:SourceOwner":%q}}}]}`, arn, s.Account)
}

// checkPolicy refuses what is not the policy of a topic. One cannot be removed.
func (s *Service) checkPolicy(text string) error {
	document, err := policy.Parse(text)
	if err == nil {
		err = document.CheckResource(s.Exists)
	}
	switch {
	case len(text) > maxPolicy:
		return invalid("Policy Reason: got %d bytes, want at most %d", len(text), maxPolicy)
	case errors.Is(err, policy.ErrPrincipal), errors.Is(err, policy.ErrService):
		return invalid("Policy Error: PrincipalNotFound")
	case err != nil:
		return invalid("Policy Error: null")
	}
	statements, err := statementsOf(text)
	if err != nil {
		return invalid("Policy Error: null")
	}
	for _, each := range statements {
		for _, member := range []string{"Action", "NotAction"} {
			for _, action := range listed(each[member]) {
				if !slices.Contains(policyActions, strings.ToLower(action)) {
					return invalid("Policy statement action out of service scope!")
				}
			}
		}
	}
	return nil
}

// Publisher is a service that publishes on behalf of a resource.
type Publisher struct {
	Service   string // such as cloudwatch.amazonaws.com
	SourceARN string
}

// allowsService reports whether the policy of a topic lets a service of AWS act
// for a resource of the account.
func (s *Service) allowsService(topic *Topic, action string, by Publisher) (bool, error) {
	document, err := forServices(topic.Attributes["Policy"])
	if err != nil { // it was checked when it was put
		return false, err
	}
	request := s.ask(topic, action, map[string][]string{
		"aws:sourcearn": {by.SourceARN}, "aws:sourceaccount": {s.Account}, "aws:sourceowner": {s.Account},
		"aws:principalisawsservice": {"true"}, "aws:principalservicename": {by.Service}, "aws:principalservicenameslist": {by.Service},
		"aws:principaltype": {"Service"}, "aws:principalarn": {}, "aws:principalaccount": {},
	})
	// Named as the account too, so that a NotPrincipal excepts it.
	request.Principal, request.Account = by.Service, by.Service
	return document.DecideResource(request) == policy.Allow, nil
}

// permitted returns the topic that a field of a request names, if its policy does
// not deny the action to the caller. Identities of the account need no more from
// it: their own policies were asked already.
func (s *Service) permitted(r request, all *State, action, field string) (*Topic, error) {
	topic, err := s.find(all, field, r.get(field))
	if err != nil {
		return nil, err
	}
	document, err := policy.Parse(topic.Attributes["Policy"])
	if err != nil { // it was checked when it was put
		return nil, err
	}
	caller := s.Caller(r.Request)
	request := s.ask(topic, action, map[string][]string{
		"aws:sourcearn": {}, "aws:sourceaccount": {}, "aws:sourceowner": {s.Account},
		"aws:principalisawsservice": {"false"}, "aws:principalservicename": {}, "aws:principalservicenameslist": {},
		"aws:principaltype": {"User"}, "aws:principalaccount": {s.Account},
	})
	request.Principal, request.Account = caller.ARN, s.Account
	if caller.RoleARN != "" {
		request.Principal, request.Session = caller.RoleARN, caller.ARN
		request.Keys["aws:principaltype"] = []string{"AssumedRole"}
	}
	request.Keys["aws:principalarn"] = []string{request.Principal}
	if document.DecideResource(request) == policy.Deny {
		return nil, denied("User: %s is not authorized to perform: SNS:%s on resource: %s with an explicit deny in a resource-based policy",
			caller.ARN, action, s.TopicARN(topic.Name))
	}
	return topic, nil
}

// ask is what is asked of the policy of a topic, with the condition keys that do
// not depend on who asks.
func (s *Service) ask(topic *Topic, action string, keys map[string][]string) policy.Request {
	keys["aws:resourceaccount"], keys["aws:requestedregion"] = []string{s.Account}, []string{s.Region}
	// Clients of AWS use TLS. That the sandbox is called without it must not make
	// policies deny what they would allow.
	keys["aws:securetransport"], keys["aws:viaawsservice"] = []string{"true"}, []string{"false"}
	for _, absent := range []string{
		"aws:sourcevpc", "aws:sourcevpce", "aws:sourceorgid", "aws:sourceorgpaths",
		"aws:principalorgid", "aws:principalorgpaths", "aws:resourceorgid",
	} {
		keys[absent] = []string{}
	}
	return policy.Request{
		Action: "sns:" + action, Resource: s.TopicARN(topic.Name), Keys: keys,
		Prefixes: []string{"aws:principaltag/"},
	}
}

// forServices reads a policy for requests of services. The evaluator looks for
// callers among principals of the kind AWS; names of services are none of those,
// so they can be listed with them.
func forServices(text string) (policy.Document, error) {
	statements, err := statementsOf(text)
	if err != nil {
		return policy.Document{}, err
	}
	for _, each := range statements {
		for _, member := range []string{"Principal", "NotPrincipal"} {
			var kinds map[string]json.RawMessage
			if json.Unmarshal(each[member], &kinds) != nil { // none, or "*"
				continue
			}
			all, err := json.Marshal(map[string][]string{"AWS": append(listed(kinds["AWS"]), listed(kinds["Service"])...)})
			if err != nil {
				return policy.Document{}, err
			}
			each[member] = all
		}
	}
	raw, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		return policy.Document{}, err
	}
	return policy.Parse(string(raw))
}

// statementsOf returns the statements of a policy, member by member.
func statementsOf(text string) ([]map[string]json.RawMessage, error) {
	var document struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return nil, err
	}
	raw := document.Statement
	if len(raw) > 0 && raw[0] == '{' {
		raw = slices.Concat([]byte("["), raw, []byte("]"))
	}
	var statements []map[string]json.RawMessage
	return statements, json.Unmarshal(raw, &statements)
}

// listed are the texts of a member that has one or a list of them.
func listed(raw json.RawMessage) []string {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	many := []string{}
	_ = json.Unmarshal(raw, &many) // what is neither was refused when it was put
	return many
}
