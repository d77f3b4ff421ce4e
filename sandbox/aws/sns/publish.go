package sns

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Limits of https://docs.aws.amazon.com/sns/latest/api/API_Publish.html.
const (
	maxMessage = 262144 // bytes
	maxSubject = 100    // characters
)

// message is what is published.
type message struct {
	subject    string
	text       string
	byProtocol map[string]string // texts for some protocols, if the structure is json
	attributes map[string]messageAttribute
}

// messageAttribute is an attribute of a message, as notifications have it.
type messageAttribute struct {
	Type  string
	Value string
}

// to returns the text for a protocol.
func (m message) to(protocol string) string {
	if text, ok := m.byProtocol[protocol]; ok {
		return text
	}
	return m.text
}

type publishOutput struct {
	MessageID string `xml:"MessageId"`
}

// publish is of the account's identities. That they may use the topic's key is
// not simulated.
func (s *Service) publish(r request) (any, error) {
	if r.Form.Has("PhoneNumber") {
		return nil, wire.NotImplemented("a text message without a topic")
	}
	field := "TopicArn"
	if !r.Form.Has(field) {
		field = "TargetArn"
	}
	in, err := readMessage(r)
	if err != nil {
		return nil, err
	}
	out := publishOutput{uuid.NewString()}
	var to []Subscription
	var topic Topic
	err = s.view(r, "Publish", field, func(all *State, found *Topic) error {
		topic, to = *found, s.confirmed(all, found)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, s.send(topic, to, out.MessageID, in)
}

// confirmed are the subscriptions that get messages.
func (s *Service) confirmed(all *State, topic *Topic) []Subscription {
	var to []Subscription
	for _, each := range s.of(all, topic) {
		if !each.Pending {
			to = append(to, *each)
		}
	}
	return to
}

// PublishAs publishes in the name of a service of AWS. The topic's policy must
// allow it, and for an encrypted topic the policy of its key. The texts are those
// that the history of alarms has, see
// https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger.
func (s *Service) PublishAs(by Publisher, topicARN, subject, text string) error {
	in := message{subject: fit(subject), text: text}
	if err := in.check(); err != nil {
		return err
	}
	var to []Subscription
	var topic Topic
	var err error
	s.state.View(func(all *State) {
		var found *Topic
		if found, err = s.find(all, "TopicArn", topicARN); err != nil {
			return
		}
		allowed := false
		if allowed, err = s.allowsService(found, "Publish", by); err == nil && !allowed {
			err = denied("Resource: %s is not authorized to perform: SNS:Publish on resource: %s", by.SourceARN, topicARN)
		}
		topic, to = *found, s.confirmed(all, found)
	})
	if err != nil {
		return err
	}
	if err := s.checkKey(topic, by); err != nil {
		return err
	}
	return s.send(topic, to, uuid.NewString(), in)
}

// fit makes a subject of a service one that can be published: alarms may have long
// names in any script. How AWS does it is not documented (a guess).
func fit(subject string) string {
	var out []byte
	for _, r := range subject {
		if r < ' ' || r > '~' {
			r = '?'
		}
		if len(out) < maxSubject {
			out = append(out, byte(r))
		}
	}
	return string(out)
}

// managedKey is AWS's own key for SNS, whose policy nobody can change. No service
// of AWS may use it to publish.
const managedKey = "alias/aws/sns"

// checkKey refuses a service that may not use the key of an encrypted topic.
func (s *Service) checkKey(topic Topic, by Publisher) error {
	key := topic.Attributes["KmsMasterKeyId"]
	if key == "" {
		return nil
	}
	err := refusal(http.StatusBadRequest, "AccessDeniedException", "%s is for the account's own identities", managedKey)
	if key != managedKey && !strings.HasSuffix(key, ":"+managedKey) {
		if s.CheckKey == nil {
			return nil
		}
		err = s.CheckKey(key, by, s.TopicARN(topic.Name))
	}
	refused, ok := errors.AsType[*wire.Error](err)
	if !ok {
		return err
	}
	s.Log.Warn("topic's key refused", "topic", s.TopicARN(topic.Name), "service", by.Service, "err", refused)
	return refusal(http.StatusBadRequest, "KMS"+strings.TrimSuffix(refused.Code, "Exception"),
		"null (Service: AWSKMS; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)", refused.Status, refused.Code, uuid.NewString())
}

// readMessage reads what is to be published.
func readMessage(r request) (message, error) {
	in := message{subject: r.get("Subject"), text: r.get("Message")}
	if r.Form.Has("Subject") && in.subject == "" {
		return in, invalid("Subject")
	}
	switch structure := r.get("MessageStructure"); structure {
	case "":
	case "json":
		if err := json.Unmarshal([]byte(in.text), &in.byProtocol); err != nil {
			return in, invalid("Message Structure - JSON message body failed to parse")
		}
		text, ok := in.byProtocol["default"]
		if !ok {
			return in, invalid("Message Structure - No default entry in JSON message body")
		}
		in.text = text
	default:
		return in, invalid("MessageStructure")
	}
	var err error
	if in.attributes, err = readAttributes(r); err != nil {
		return in, err
	}
	return in, in.check()
}

var (
	attributeName = regexp.MustCompile(`^[A-Za-z0-9_-]([A-Za-z0-9_.-]{0,254}[A-Za-z0-9_-])?$`)
	attributeType = regexp.MustCompile(`^(String|String\.Array|Number|Binary)(\.[A-Za-z0-9_.-]+)?$`)
)

// readAttributes reads the attributes of a message, see
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html.
func readAttributes(r request) (map[string]messageAttribute, error) {
	var all map[string]messageAttribute
	for i := 1; r.Form.Has("MessageAttributes.entry." + strconv.Itoa(i) + ".Name"); i++ {
		prefix := "MessageAttributes.entry." + strconv.Itoa(i) + "."
		name, kind := r.get(prefix+"Name"), r.get(prefix+"Value.DataType")
		value := r.get(prefix + "Value.StringValue")
		ok := true
		if strings.HasPrefix(kind, "Binary") {
			value = r.get(prefix + "Value.BinaryValue")
			_, err := base64.StdEncoding.DecodeString(value)
			ok = err == nil
		}
		if strings.HasPrefix(kind, "Number") {
			_, err := strconv.ParseFloat(value, 64)
			ok = err == nil
		}
		switch {
		case !attributeName.MatchString(name) || strings.Contains(name, ".."):
			return nil, invalid("The message attribute name '%s' is not valid", name)
		case !attributeType.MatchString(kind):
			return nil, invalid("The message attribute '%s' has an invalid message attribute type", name)
		case value == "" || !ok:
			return nil, refusal(http.StatusBadRequest, "ParameterValueInvalid", "The message attribute '%s' has an invalid value", name)
		}
		if all == nil {
			all = map[string]messageAttribute{}
		}
		all[name] = messageAttribute{kind, value}
	}
	return all, nil
}

func (m message) check() error {
	size := len(m.text)
	for _, text := range m.byProtocol {
		size += len(text)
	}
	for name, each := range m.attributes {
		size += len(name) + len(each.Type) + len(each.Value)
	}
	switch {
	case m.text == "":
		return invalid("Empty message")
	case size > maxMessage:
		return invalid("Message too long")
	case !validSubject(m.subject):
		return invalid("Subject")
	}
	return nil
}

// validSubject keeps to the rule of the API: ASCII that begins with a letter, a
// digit or punctuation, without line breaks.
func validSubject(subject string) bool {
	if utf8.RuneCountInString(subject) > maxSubject || strings.HasPrefix(subject, " ") {
		return false
	}
	return !strings.ContainsFunc(subject, func(r rune) bool { return r < ' ' || r > '~' })
}

// send hands a message to the subscriptions.
func (s *Service) send(topic Topic, to []Subscription, id string, in message) error {
	for _, each := range to {
		note := envelope{
			Type: typeNotification, MessageID: id, TopicARN: each.TopicARN, Subject: in.subject, Message: in.to(each.Protocol),
			Timestamp: stamp(s.Now()), UnsubscribeURL: s.link("Unsubscribe", "SubscriptionArn", each.ARN), Attributes: in.attributes,
		}
		if err := s.sign(&note, topic.Attributes["SignatureVersion"]); err != nil {
			return fmt.Errorf("publishing to %s: %w", each.TopicARN, err)
		}
		s.enqueue(each.ARN, note)
	}
	return nil
}
