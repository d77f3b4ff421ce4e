package sns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// deliveryTimeout is how long an endpoint has to answer
// (https://docs.aws.amazon.com/sns/latest/dg/sns-subscribe-https-s-endpoints-to-topic.html).
const deliveryTimeout = 15 * time.Second

// maxQueue is how many messages wait for a subscription. More are dropped.
const maxQueue = 10_000

// deliveries are the messages that are under way: a queue for each subscription
// that has any, with one goroutine.
type deliveries struct {
	ctx    context.Context
	cancel context.CancelFunc
	group  sync.WaitGroup
	mu     sync.Mutex
	queues map[string][]envelope // keyed by the subscription's ARN
	closed bool
}

func (d *deliveries) open() {
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.queues = map[string][]envelope{}
}

func (d *deliveries) close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.cancel()
	d.group.Wait()
}

// next takes the next message of a subscription. Without one its queue ends.
func (d *deliveries) next(arn string) (envelope, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	queue := d.queues[arn]
	if len(queue) == 0 || d.closed {
		delete(d.queues, arn)
		return envelope{}, false
	}
	d.queues[arn] = queue[1:]
	return queue[0], true
}

// enqueue delivers a message after those that a subscription was sent before.
func (s *Service) enqueue(arn string, e envelope) {
	d := &s.deliveries
	d.mu.Lock()
	defer d.mu.Unlock()
	queue, running := d.queues[arn]
	switch {
	case d.closed:
		return
	case len(queue) >= maxQueue:
		s.Log.Warn("not delivered", "subscription", arn, "message", e.MessageID, "err", "too many messages wait")
		return
	}
	d.queues[arn] = append(queue, e)
	if running {
		return
	}
	d.group.Go(func() {
		for {
			each, ok := d.next(arn)
			if !ok {
				return
			}
			s.deliver(d.ctx, arn, each)
		}
	})
}

// deliver delivers a message, if there is its subscription still, and logs what
// came of it. The log shows no endpoint: addresses may be as good as passwords.
func (s *Service) deliver(ctx context.Context, arn string, e envelope) {
	var to Subscription
	var topic Topic
	found := false
	s.state.View(func(all *State) {
		each := all.Subscriptions[arn]
		if each == nil || !s.alive(each) || all.Topics[each.topic()] == nil {
			return
		}
		to, topic, found = *each, *all.Topics[each.topic()], true
	})
	if !found {
		return
	}
	log := s.Log.With("topic", to.TopicARN, "subscription", arn, "protocol", to.Protocol, "message", e.MessageID, "type", e.Type)
	var err error
	switch to.Protocol {
	case "http", "https":
		err = s.post(ctx, to, &topic, e)
	case "email", "email-json":
		err = s.mail(to, e)
	case "lambda":
		err = s.invoke(ctx, to, e)
	default:
		err = errors.New("the sandbox delivers nothing to " + to.Protocol)
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		log.Warn("not delivered", "err", err)
	default:
		log.Info("delivered", "subject", e.Subject)
	}
}

// mail hands over the text of a mail, which for e-mail is written for people and
// for email-json is the message for programs.
func (s *Service) mail(to Subscription, e envelope) error {
	subject, text := e.Subject, e.Message
	if subject == "" {
		subject = "AWS Notification Message"
	}
	if e.Type == typeConfirmation {
		subject = "AWS Notification - Subscription Confirmation"
		text += "\n" + e.SubscribeURL
	}
	if to.Protocol == "email-json" {
		body, err := e.JSON()
		if err != nil {
			return err
		}
		text = string(body)
	}
	if s.Mail != nil {
		s.Mail(to.Endpoint, subject, text)
	}
	return nil
}

func (s *Service) invoke(ctx context.Context, to Subscription, e envelope) error {
	if s.Invoke == nil {
		return errors.New("no function can be called")
	}
	payload, err := e.event(to.ARN)
	if err != nil {
		return err
	}
	return s.Invoke(ctx, to.Endpoint, to.TopicARN, payload)
}

// loopback reports whether a host is of this machine, by its name.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// post calls an endpoint until it takes the message or the tries are over.
func (s *Service) post(ctx context.Context, to Subscription, topic *Topic, e envelope) error {
	address, err := url.Parse(to.Endpoint)
	if err != nil || !loopback(address.Hostname()) {
		return errors.New("the endpoint is not on loopback, and the sandbox calls nothing else")
	}
	policy := to.delivery(topic)
	delays := policy.delays()
	for try := 0; ; try++ {
		again, err := s.try(ctx, to, policy.contentType(), e)
		if err == nil || !again || try == len(delays) || s.Wait(ctx, delays[try]) != nil {
			return err
		}
	}
}

// try calls an endpoint once, and tells whether it is worth another try. Which
// answers are is a guess: AWS says that it tries again after errors of the server,
// and not after those of the client.
func (s *Service) try(ctx context.Context, to Subscription, contentType string, e envelope) (again bool, err error) {
	body, err := e.JSON()
	if err != nil {
		return false, err
	}
	raw := e.Type == typeNotification && to.Attributes["RawMessageDelivery"] == "true"
	if raw {
		body = []byte(e.Message)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.Endpoint, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("the endpoint is not an address")
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("User-Agent", "Amazon Simple Notification Service Agent")
	r.Header.Set("X-Amz-Sns-Message-Type", e.Type)
	r.Header.Set("X-Amz-Sns-Message-Id", e.MessageID)
	r.Header.Set("X-Amz-Sns-Topic-Arn", e.TopicARN)
	if e.Type == typeNotification {
		r.Header.Set("X-Amz-Sns-Subscription-Arn", to.ARN)
	}
	if raw {
		r.Header.Set("X-Amz-Sns-Rawdelivery", "true")
	}
	answer, err := s.Client.Do(r)
	if err != nil {
		if failure, ok := errors.AsType[*url.Error](err); ok {
			err = failure.Err // which does not show the address
		}
		return true, err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16)) // so that the connection is used again
	code := answer.StatusCode
	if code >= 200 && code < 300 {
		return false, nil
	}
	return code >= 500 || code == http.StatusTooManyRequests, fmt.Errorf("the endpoint answered %d", code)
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
