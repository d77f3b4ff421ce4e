package sns

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"time"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// delivery is how an endpoint is called, see
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html.
type delivery struct {
	Retry    *retryPolicy    `json:"healthyRetryPolicy"`
	Sickly   json.RawMessage `json:"sicklyRetryPolicy"`
	Throttle json.RawMessage `json:"throttlePolicy"`
	Request  *requestPolicy  `json:"requestPolicy"`
	Always   bool            `json:"guaranteed"`
}

type retryPolicy struct {
	MinDelay   int    `json:"minDelayTarget"` // seconds
	MaxDelay   int    `json:"maxDelayTarget"`
	Retries    int    `json:"numRetries"`
	MaxRetries int    `json:"numMaxDelayRetries"`
	NoRetries  int    `json:"numNoDelayRetries"`
	MinRetries int    `json:"numMinDelayRetries"`
	Backoff    string `json:"backoffFunction"`
}

type requestPolicy struct {
	ContentType string `json:"headerContentType"`
}

// topicDelivery is how endpoints are called whose subscriptions do not say.
type topicDelivery struct {
	HTTP struct {
		Retry    *retryPolicy    `json:"defaultHealthyRetryPolicy,omitempty"`
		Sickly   json.RawMessage `json:"defaultSicklyRetryPolicy,omitempty"`
		Throttle json.RawMessage `json:"defaultThrottlePolicy,omitempty"`
		Request  *requestPolicy  `json:"defaultRequestPolicy,omitempty"`
		Fixed    bool            `json:"disableSubscriptionOverrides"`
	} `json:"http"`
}

// standardRetry and standardRequest are those of who sets none
// (https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.retry.html).
func standardRetry() *retryPolicy {
	return &retryPolicy{MinDelay: 20, MaxDelay: 20, Retries: 3, Backoff: "linear"}
}

func standardRequest() *requestPolicy { return &requestPolicy{"text/plain; charset=UTF-8"} }

// maxRetryTime is how long all tries may take, in seconds.
const maxRetryTime = 3600

func (p *retryPolicy) check() error {
	functions := []string{"", "linear", "arithmetic", "geometric", "exponential"}
	switch {
	case p == nil:
		return nil
	case p.MinDelay < 1 || p.MinDelay > p.MaxDelay || p.MaxDelay > maxRetryTime:
		return invalid("DeliveryPolicy: minDelayTarget and maxDelayTarget: want 1 to 3600, in this order")
	case min(p.Retries, p.MaxRetries, p.NoRetries, p.MinRetries) < 0 || max(p.Retries, p.MaxRetries, p.NoRetries, p.MinRetries) > 100 ||
		p.MaxRetries+p.NoRetries+p.MinRetries > p.Retries:
		return invalid("DeliveryPolicy: numRetries: want 0 to 100, and not less than the other numbers together")
	case !slices.Contains(functions, p.Backoff):
		return invalid("DeliveryPolicy: invalid backoffFunction")
	}
	total := time.Duration(0)
	for _, each := range (delivery{Retry: p}).delays() {
		total += each
	}
	if total > maxRetryTime*time.Second {
		return invalid("DeliveryPolicy: Total delay is greater than %d seconds", maxRetryTime)
	}
	return nil
}

var contentType = regexp.MustCompile(`^[a-z]+/[A-Za-z0-9.+-]+(; ?charset=[A-Za-z0-9-]+)?$`)

func (p *requestPolicy) check() error {
	if p != nil && !contentType.MatchString(p.ContentType) {
		return invalid("DeliveryPolicy: invalid headerContentType")
	}
	return nil
}

func checkDelivery(retry *retryPolicy, request *requestPolicy, others ...json.RawMessage) error {
	for _, each := range others {
		if len(each) > 0 && string(each) != "null" {
			return wire.NotImplemented("an SNS throttle policy or sickly retry policy")
		}
	}
	if err := retry.check(); err != nil {
		return err
	}
	return request.check()
}

// parseTopicDelivery reads the policy of a topic, which may be none.
func parseTopicDelivery(text string) (in topicDelivery, err error) {
	if text == "" {
		return in, nil
	}
	if err := strict(text, &in); err != nil {
		return in, invalid("DeliveryPolicy: Unexpected JSON member or syntax: %v", err)
	}
	return in, checkDelivery(in.HTTP.Retry, in.HTTP.Request, in.HTTP.Sickly, in.HTTP.Throttle)
}

// parseSubscriptionDelivery reads the policy of a subscription, which may be none.
func parseSubscriptionDelivery(text string) (in delivery, err error) {
	if text == "" {
		return in, nil
	}
	if err := strict(text, &in); err != nil {
		return in, invalid("DeliveryPolicy: Unexpected JSON member or syntax: %v", err)
	}
	if in.Always {
		return in, wire.NotImplemented("guaranteed delivery of SNS")
	}
	return in, checkDelivery(in.Retry, in.Request, in.Sickly, in.Throttle)
}

// strict reads JSON without members that v does not have.
func strict(text string, v any) error {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

// effectivePolicy is how endpoints are called whose subscriptions do not say.
func (t *Topic) effectivePolicy() string { return text(t.delivery()) }

func (t *Topic) delivery() topicDelivery {
	var of topicDelivery
	if t != nil {
		of, _ = parseTopicDelivery(t.Attributes["DeliveryPolicy"]) // it was checked when it was put
	}
	if of.HTTP.Retry == nil {
		of.HTTP.Retry = standardRetry()
	}
	if of.HTTP.Request == nil {
		of.HTTP.Request = standardRequest()
	}
	return of
}

// effectivePolicy is how the endpoint of a subscription is called.
func (s *Subscription) effectivePolicy(topic *Topic) string { return text(s.delivery(topic)) }

func (s *Subscription) delivery(topic *Topic) delivery {
	of, own := topic.delivery(), delivery{}
	if !of.HTTP.Fixed {
		own, _ = parseSubscriptionDelivery(s.Attributes["DeliveryPolicy"]) // it was checked when it was put
	}
	if own.Retry == nil {
		own.Retry = of.HTTP.Retry
	}
	if own.Request == nil {
		own.Request = of.HTTP.Request
	}
	return own
}

func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil { // these types can be written
		return ""
	}
	return string(raw)
}

func (d delivery) contentType() string { return d.Request.ContentType }

// delays are the times before each retry: none, the least, a backoff from the
// least to the most, and the most. All functions back off in equal steps here,
// since AWS only draws them.
func (d delivery) delays() []time.Duration {
	p := d.Retry
	backoff := p.Retries - p.NoRetries - p.MinRetries - p.MaxRetries
	seconds := slices.Repeat([]float64{0}, p.NoRetries)
	seconds = append(seconds, slices.Repeat([]float64{float64(p.MinDelay)}, p.MinRetries)...)
	for i := range backoff {
		step := 0.0
		if backoff > 1 {
			step = float64(p.MaxDelay-p.MinDelay) / float64(backoff-1)
		}
		seconds = append(seconds, float64(p.MinDelay)+float64(i)*step)
	}
	seconds = append(seconds, slices.Repeat([]float64{float64(p.MaxDelay)}, p.MaxRetries)...)
	delays := make([]time.Duration, len(seconds))
	for i, each := range seconds {
		delays[i] = time.Duration(each * float64(time.Second))
	}
	return delays
}
