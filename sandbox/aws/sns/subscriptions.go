package sns

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// pendingFor is how long a subscription waits for its confirmation
// (https://aws.amazon.com/about-aws/whats-new/2023/05/amazon-sns-automatic-deletion-unconfirmed-subscriptions/).
const pendingFor = 48 * time.Hour

// pendingARN stands for the ARN of a subscription that is not confirmed, in lists;
// Subscribe has a text of its own.
const (
	pendingARN     = "PendingConfirmation"
	pendingMessage = "pending confirmation"
)

// confirms tells which protocols ask the subscriber first; the others send at
// once what belongs to the account, or is a phone.
func confirms(protocol string) bool {
	return slices.Contains([]string{"http", "https", "email", "email-json"}, protocol)
}

// endpoints are the forms of endpoints and what is said of another, by protocol.
// The texts are those of messages that were seen, but for mail, functions and
// streams.
var endpoints = map[string]struct {
	form  *regexp.Regexp
	wrong string
}{
	"http":        {regexp.MustCompile(`^http://[^\s/]`), "Endpoint must match the specified protocol"},
	"https":       {regexp.MustCompile(`^https://[^\s/]`), "Endpoint must match the specified protocol"},
	"email":       {regexp.MustCompile(`^[^@\s]+@[^@\s]+$`), "Email address"},
	"email-json":  {regexp.MustCompile(`^[^@\s]+@[^@\s]+$`), "Email address"},
	"sms":         {regexp.MustCompile(`^\+?[0-9]{5,20}$`), "Invalid SMS endpoint"},
	"sqs":         {regexp.MustCompile(`^arn:aws:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}$`), "SQS endpoint ARN"},
	"lambda":      {regexp.MustCompile(`^arn:aws:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9:_$-]+$`), "Lambda endpoint ARN"},
	"firehose":    {regexp.MustCompile(`^arn:aws:firehose:[a-z0-9-]+:\d{12}:deliverystream/[A-Za-z0-9._-]+$`), "Firehose endpoint ARN"},
	"application": {regexp.MustCompile(`^arn:aws:sns:[a-z0-9-]+:\d{12}:endpoint/\S+$`), "ApplicationEndpoint ARN"},
}

// alive reports whether a subscription did not wait too long.
func (s *Service) alive(each *Subscription) bool {
	return !each.Pending || s.Now().Before(each.Created.Add(pendingFor))
}

// purge forgets the subscriptions that waited too long.
func (s *Service) purge(all *State) {
	maps.DeleteFunc(all.Subscriptions, func(_ string, each *Subscription) bool { return !s.alive(each) })
}

// of returns the subscriptions of a topic in the order of their ARNs.
func (s *Service) of(all *State, topic *Topic) []*Subscription {
	var found []*Subscription
	for _, arn := range slices.Sorted(maps.Keys(all.Subscriptions)) {
		if each := all.Subscriptions[arn]; each.TopicARN == s.TopicARN(topic.Name) && s.alive(each) {
			found = append(found, each)
		}
	}
	return found
}

type subscriptionOutput struct {
	SubscriptionArn string
}

// subscribe makes a subscription, or finds the one of that endpoint; one that
// still waits is asked again.
func (s *Service) subscribe(r request) (any, error) {
	protocol, endpoint := r.get("Protocol"), r.get("Endpoint")
	attributes := r.entries("Attributes", "key", "value")
	if err := checkSubscription(protocol, endpoint, attributes); err != nil {
		return nil, err
	}
	var made Subscription
	err := s.change(r, "Subscribe", "TopicArn", func(all *State, topic *Topic) error {
		for _, each := range s.of(all, topic) {
			if each.Protocol != protocol || each.Endpoint != endpoint {
				continue
			}
			if len(attributes) > 0 && !maps.Equal(each.Attributes, attributes) {
				return invalid("Attributes Reason: Subscription already exists with different attributes")
			}
			made = *each
			return nil
		}
		arn := s.TopicARN(topic.Name)
		each := &Subscription{
			ARN: arn + ":" + uuid.NewString(), TopicARN: arn, Protocol: protocol, Endpoint: endpoint, Attributes: attributes,
			Principal: s.Caller(r.Request).ARN, Created: s.Now(), Authenticated: true,
		}
		if confirms(protocol) {
			each.Pending, each.Authenticated, each.Token = true, false, newToken()
		}
		all.Subscriptions[each.ARN], made = each, *each
		return nil
	})
	if err != nil {
		return nil, err
	}
	if made.Pending {
		s.sendConfirmation(made)
		if r.get("ReturnSubscriptionArn") != "true" {
			return subscriptionOutput{pendingMessage}, nil
		}
	}
	return subscriptionOutput{made.ARN}, nil
}

// newToken is as long as AWS's.
func newToken() string {
	raw := make([]byte, 128)
	_, _ = rand.Read(raw) // it never fails
	return hex.EncodeToString(raw)
}

func checkSubscription(protocol, endpoint string, attributes map[string]string) error {
	rule, known := endpoints[protocol]
	switch {
	case !known:
		return invalid("Amazon SNS does not support this protocol string: %s", protocol)
	case !rule.form.MatchString(endpoint):
		return invalid("%s", rule.wrong)
	case protocol == "firehose" && attributes["SubscriptionRoleArn"] == "":
		return invalid("Attributes Reason: SubscriptionRoleArn is required for the protocol firehose")
	}
	for name, value := range attributes {
		if err := checkSubscriptionAttribute(protocol, name, value); err != nil {
			return err
		}
	}
	return nil
}

// confirmSubscription is called with a signature or, by a link, without one.
func (s *Service) confirmSubscription(r request) (any, error) {
	token, guarded := r.get("Token"), r.get("AuthenticateOnUnsubscribe") == "true"
	if guarded && !r.signed {
		return nil, denied("AuthenticateOnUnsubscribe requires a signed request")
	}
	var arn string
	err := s.state.Update(func(all *State) error {
		topic, err := s.find(all, "TopicArn", r.get("TopicArn"))
		if err != nil {
			return err
		}
		for _, each := range s.of(all, topic) {
			if token == "" || each.Token != token {
				continue
			}
			if each.Pending {
				each.Pending, each.Authenticated, each.Guarded = false, r.signed, guarded
			}
			arn = each.ARN
			return nil
		}
		return invalid("Token")
	})
	return subscriptionOutput{arn}, err
}

// unsubscribe of a subscription that is not there does nothing. One that still
// waits cannot be ended: it ends by itself, or with its topic. Who follows a link
// needs no signature, unless whoever confirmed the subscription wanted one.
func (s *Service) unsubscribe(r request) (any, error) {
	arn := r.get("SubscriptionArn")
	if err := s.checkSubscriptionARN(arn); err != nil {
		return nil, err
	}
	return nil, s.state.Update(func(all *State) error {
		each := all.Subscriptions[arn]
		switch {
		case each == nil || !s.alive(each):
			return nil
		case each.Pending:
			return invalid("SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation")
		case each.Guarded && !r.signed:
			return denied("This subscription requires authentication for deletion")
		}
		if topic := all.Topics[each.topic()]; topic != nil {
			topic.Deleted++
		}
		delete(all.Subscriptions, arn)
		return nil
	})
}

// topic is the name of the topic of a subscription.
func (s *Subscription) topic() string { return s.TopicARN[strings.LastIndexByte(s.TopicARN, ':')+1:] }

var subscriptionARN = regexp.MustCompile(`^arn:aws:sns:([a-z0-9-]+):(\d{12}):([A-Za-z0-9_-]+):([0-9a-f-]{36})$`)

func (s *Service) checkSubscriptionARN(arn string) error {
	fields := subscriptionARN.FindStringSubmatch(arn)
	switch {
	case fields == nil && strings.Count(arn, ":") < 5:
		return invalid("SubscriptionArn Reason: An ARN must have at least 6 elements, not %d", strings.Count(arn, ":")+1)
	case fields == nil || fields[1] != s.Region || fields[2] != s.Account:
		return invalid("SubscriptionArn")
	}
	return nil
}

type subscriptionEntry struct {
	SubscriptionArn string
	Owner           string
	Protocol        string
	Endpoint        string
	TopicArn        string
}

type subscriptionsOutput struct {
	Subscriptions []subscriptionEntry `xml:"Subscriptions>member"`
	NextToken     string              `xml:",omitempty"`
}

// list returns a part of the subscriptions; those that wait have no ARN in it.
func (s *Service) list(r request, found []*Subscription) (any, error) {
	found, next, err := page(r, found, func(each *Subscription) string { return each.ARN })
	if err != nil {
		return nil, err
	}
	out := subscriptionsOutput{NextToken: next}
	for _, each := range found {
		entry := subscriptionEntry{each.ARN, s.Account, each.Protocol, each.Endpoint, each.TopicARN}
		if each.Pending {
			entry.SubscriptionArn = pendingARN
		}
		out.Subscriptions = append(out.Subscriptions, entry)
	}
	return out, nil
}

func (s *Service) listSubscriptions(r request) (out any, err error) {
	s.state.View(func(all *State) {
		var found []*Subscription
		for _, each := range all.Subscriptions {
			if s.alive(each) {
				found = append(found, each)
			}
		}
		out, err = s.list(r, found)
	})
	return out, err
}

func (s *Service) listSubscriptionsByTopic(r request) (out any, err error) {
	err = s.view(r, "ListSubscriptionsByTopic", "TopicArn", func(all *State, topic *Topic) error {
		out, err = s.list(r, s.of(all, topic))
		return err
	})
	return out, err
}
