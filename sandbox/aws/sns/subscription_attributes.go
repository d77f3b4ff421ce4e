package sns

import (
	"encoding/json"
	"maps"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// subscription returns the one that a request names.
func (s *Service) subscription(all *State, r request) (*Subscription, error) {
	arn := r.get("SubscriptionArn")
	if err := s.checkSubscriptionARN(arn); err != nil {
		return nil, err
	}
	each := all.Subscriptions[arn]
	if each == nil || !s.alive(each) {
		return nil, missing("Subscription")
	}
	return each, nil
}

func (s *Service) getSubscriptionAttributes(r request) (any, error) {
	var out map[string]string
	var err error
	s.state.View(func(all *State) {
		var each *Subscription
		if each, err = s.subscription(all, r); err != nil {
			return
		}
		out = map[string]string{"RawMessageDelivery": "false"}
		maps.Copy(out, each.Attributes)
		out["SubscriptionArn"], out["TopicArn"], out["Owner"] = each.ARN, each.TopicARN, s.Account
		out["Protocol"], out["Endpoint"], out["SubscriptionPrincipal"] = each.Protocol, each.Endpoint, each.Principal
		out["PendingConfirmation"], out["ConfirmationWasAuthenticated"] = truth(each.Pending), truth(each.Authenticated)
		if each.Protocol == "http" || each.Protocol == "https" {
			out["EffectiveDeliveryPolicy"] = each.effectivePolicy(all.Topics[each.topic()])
		}
	})
	return sorted(out), err
}

func truth(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// setSubscriptionAttributes sets one attribute; an empty value, or an empty
// filter, removes it.
func (s *Service) setSubscriptionAttributes(r request) (any, error) {
	name, value := r.get("AttributeName"), r.get("AttributeValue")
	return nil, s.state.Update(func(all *State) error {
		each, err := s.subscription(all, r)
		if err != nil {
			return err
		}
		if err := checkSubscriptionAttribute(each.Protocol, name, value); err != nil {
			return err
		}
		next := maps.Clone(each.Attributes)
		if next == nil {
			next = map[string]string{}
		}
		next[name] = value
		if value == "" || value == "{}" {
			delete(next, name)
		}
		each.Attributes = next
		return nil
	})
}

// checkSubscriptionAttribute refuses what a subscription cannot have.
func checkSubscriptionAttribute(protocol, name, value string) error {
	var ok bool
	switch name {
	case "RawMessageDelivery":
		ok = value == "true" || value == "false"
	case "DeliveryPolicy":
		if value != "" && protocol != "http" && protocol != "https" {
			return invalid("DeliveryPolicy Reason: only HTTP and HTTPS subscriptions have it")
		}
		_, err := parseSubscriptionDelivery(value)
		return err
	case "RedrivePolicy":
		return checkRedrive(value)
	case "SubscriptionRoleArn":
		ok = roleARN.MatchString(value)
	case "FilterPolicy", "FilterPolicyScope":
		if value == "" || value == "{}" || name == "FilterPolicyScope" && value == "MessageAttributes" {
			return nil
		}
		return wire.NotImplemented("an SNS filter policy")
	case "ReplayPolicy":
		return invalid("ReplayPolicy Reason: only subscriptions of FIFO topics have it")
	default:
		return invalid("AttributeName")
	}
	if !ok {
		return invalid("%s", name)
	}
	return nil
}

// checkRedrive refuses what is not where undelivered messages go, see
// https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html.
func checkRedrive(value string) error {
	var in struct {
		Target string `json:"deadLetterTargetArn"`
	}
	if value == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(value), &in); err != nil || !endpoints["sqs"].form.MatchString(in.Target) {
		return invalid("RedrivePolicy: deadLetterTargetArn is an invalid arn")
	}
	return nil
}
