package sns

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
)

// The kinds of messages that endpoints get.
const (
	typeNotification = "Notification"
	typeConfirmation = "SubscriptionConfirmation"
)

// envelope is a message as endpoints get it, see
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html.
type envelope struct {
	Type             string
	MessageID        string `json:"MessageId"`
	Token            string `json:",omitempty"`
	TopicARN         string `json:"TopicArn"`
	Subject          string `json:",omitempty"`
	Message          string
	SubscribeURL     string `json:",omitempty"`
	Timestamp        string
	SignatureVersion string
	Signature        string
	SigningCertURL   string
	UnsubscribeURL   string                      `json:",omitempty"`
	Attributes       map[string]messageAttribute `json:"MessageAttributes,omitempty"`
}

// JSON is the body of a delivery.
func (e envelope) JSON() ([]byte, error) { return encode(e) }

// encode writes JSON in which links are readable.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// signed is the text that the signature is of, see
// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html.
func (e envelope) signed() []byte {
	pairs := [][2]string{{"Message", e.Message}, {"MessageId", e.MessageID}}
	if e.Type == typeNotification {
		if e.Subject != "" {
			pairs = append(pairs, [2]string{"Subject", e.Subject})
		}
		pairs = append(pairs, [2]string{"Timestamp", e.Timestamp})
	} else {
		pairs = append(pairs, [2]string{"SubscribeURL", e.SubscribeURL}, [2]string{"Timestamp", e.Timestamp}, [2]string{"Token", e.Token})
	}
	pairs = append(pairs, [2]string{"TopicArn", e.TopicARN}, [2]string{"Type", e.Type})
	var out bytes.Buffer
	for _, pair := range pairs {
		out.WriteString(pair[0] + "\n" + pair[1] + "\n")
	}
	return out.Bytes()
}

// event is what a function gets, see
// https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html.
func (e envelope) event(subscriptionARN string) ([]byte, error) {
	attributes := map[string]messageAttribute{}
	if e.Attributes != nil {
		attributes = e.Attributes
	}
	var subject *string
	if e.Subject != "" {
		subject = &e.Subject
	}
	return encode(map[string]any{"Records": []any{map[string]any{
		"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": subscriptionARN,
		"Sns": map[string]any{
			"Type": e.Type, "MessageId": e.MessageID, "TopicArn": e.TopicARN, "Subject": subject, "Message": e.Message,
			"Timestamp": e.Timestamp, "SignatureVersion": e.SignatureVersion, "Signature": e.Signature,
			"SigningCertUrl": e.SigningCertURL, "UnsubscribeUrl": e.UnsubscribeURL, "MessageAttributes": attributes,
		},
	}}})
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// link is an address that is followed without a signature.
func (s *Service) link(action string, fields ...string) string {
	query := []string{"Action=" + action}
	for i := 0; i+1 < len(fields); i += 2 {
		query = append(query, fields[i]+"="+url.QueryEscape(fields[i+1]))
	}
	return s.Endpoint + "/?" + strings.Join(query, "&")
}

// sendConfirmation asks who subscribed whether they want to.
func (s *Service) sendConfirmation(to Subscription) {
	ask := envelope{
		Type: typeConfirmation, MessageID: uuid.NewString(), Token: to.Token, TopicARN: to.TopicARN,
		Message: "You have chosen to subscribe to the topic " + to.TopicARN +
			".\nTo confirm the subscription, visit the SubscribeURL included in this message.",
		SubscribeURL: s.link("ConfirmSubscription", "TopicArn", to.TopicARN, "Token", to.Token), Timestamp: stamp(s.Now()),
	}
	version := ""
	s.state.View(func(all *State) {
		if topic := all.Topics[to.topic()]; topic != nil {
			version = topic.Attributes["SignatureVersion"]
		}
	})
	if err := s.sign(&ask, version); err != nil {
		s.Log.Error("not asked for confirmation", "subscription", to.ARN, "err", err)
		return
	}
	s.enqueue(to.ARN, ask)
}
