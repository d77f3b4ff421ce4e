// Package sns simulates the part of Amazon SNS that tells people and programs of
// alarms: standard topics with their policies and encryption, subscriptions, and
// deliveries to HTTP endpoints, functions and mailboxes.
//
// Deliveries are made in the background, in order for each subscription; what is
// under way when the sandbox ends is lost. HTTP endpoints are called on loopback
// only, mail is handed to [Options.Mail], and what queues, streams, phones and
// devices would get is logged.
//
// Not implemented, and refused as such: FIFO topics, filter policies, throttle
// policies, batches, text messages without a topic, platform applications, data
// protection. Delivery status logs and traces are settings without effect, an
// UnsubscribeConfirmation is not sent, and dead-letter queues get nothing.
package sns

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/entragate/entragate/sandbox/aws/tagging"
	"github.com/entragate/entragate/sandbox/aws/wire"
	"github.com/entragate/entragate/sandbox/store"
)

// Principal is who calls functions for topics.
const Principal = "sns.amazonaws.com"

// Options configure a [Service]. Account, Region and Now are required.
type Options struct {
	Account string
	Region  string
	Path    string // state file, which holds the key of signatures; "" keeps the state in memory
	Now     func() time.Time
	Log     *slog.Logger // gets what is delivered, or is not; default slog.Default()

	// Endpoint is where the service is, as links in messages name it: an address
	// without a slash at its end. Default: AWS's own.
	Endpoint string

	// Client calls HTTP endpoints. It follows no redirect and waits as long as AWS
	// does, whatever it is set to. Default: one that uses no proxy.
	Client *http.Client

	// Wait passes the time between two tries of a delivery, or ends with ctx.
	// Default: by the machine's clock.
	Wait func(ctx context.Context, d time.Duration) error

	// Caller tells who makes a request. Default: the account's root.
	Caller func(*http.Request) Caller

	// Exists tells whether there is a user or role. Default: all exist.
	Exists func(arn string) bool

	// CheckKey returns why a service may not use a key to publish, on behalf of a
	// source. The errors are those of KMS. Default: it may use any.
	CheckKey func(keyID string, by Publisher, topicARN string) error

	// Invoke calls a function in the name of [Principal] on behalf of a topic, whose
	// ARN is the source. It is not called under a lock. Without it every call fails.
	Invoke func(ctx context.Context, functionARN, sourceARN string, payload []byte) error

	// Mail gets what mailboxes would. It is called by one goroutine for each
	// subscription. Without it mail is only logged.
	Mail func(endpoint, subject, message string)
}

// Caller is who makes a request: the account's user or the session of a role.
type Caller struct {
	// ARN is that of the user or the session, as messages name it; RoleARN that
	// of the session's role, which is empty for users.
	ARN, RoleARN string
}

// State is what is kept durable.
type State struct {
	Topics        map[string]*Topic        `json:"topics"`        // keyed by name
	Subscriptions map[string]*Subscription `json:"subscriptions"` // keyed by ARN
	Signer        *signer                  `json:"signer,omitempty"`
}

// Topic is a standard topic.
type Topic struct {
	Name       string            `json:"name"`
	Attributes map[string]string `json:"attributes"` // those that were set, and the policy
	Tags       map[string]string `json:"tags"`
	Deleted    int               `json:"deleted,omitempty"` // subscriptions
}

// Subscription is who gets the messages of a topic.
type Subscription struct {
	ARN        string            `json:"arn"`
	TopicARN   string            `json:"topicArn"`
	Protocol   string            `json:"protocol"`
	Endpoint   string            `json:"endpoint"`
	Attributes map[string]string `json:"attributes"` // those that were set
	Principal  string            `json:"principal"`  // who subscribed
	Created    time.Time         `json:"created"`
	Pending    bool              `json:"pending,omitempty"`
	Token      string            `json:"token,omitempty"` // confirms it

	// Authenticated is whether it was confirmed by a signed request, Guarded
	// whether only signed ones may end it.
	Authenticated bool `json:"authenticated,omitempty"`
	Guarded       bool `json:"guarded,omitempty"`
}

// Service is SNS of one account and region. It is an [http.Handler] of requests
// that are already authenticated.
type Service struct {
	Options
	state      *store.Store[State]
	operations map[string]func(request) (any, error)
	deliveries deliveries
}

// New opens the service.
func New(options Options) (*Service, error) {
	state, err := store.Open(options.Path, &State{Topics: map[string]*Topic{}, Subscriptions: map[string]*Subscription{}})
	if err != nil {
		return nil, err
	}
	s := &Service{Options: options.withDefaults(), state: state}
	s.deliveries.open()
	s.operations = map[string]func(request) (any, error){
		"CreateTopic":               s.createTopic,
		"DeleteTopic":               s.deleteTopic,
		"GetTopicAttributes":        s.getTopicAttributes,
		"SetTopicAttributes":        s.setTopicAttributes,
		"ListTopics":                s.listTopics,
		"Subscribe":                 s.subscribe,
		"ConfirmSubscription":       s.confirmSubscription,
		"Unsubscribe":               s.unsubscribe,
		"GetSubscriptionAttributes": s.getSubscriptionAttributes,
		"SetSubscriptionAttributes": s.setSubscriptionAttributes,
		"ListSubscriptions":         s.listSubscriptions,
		"ListSubscriptionsByTopic":  s.listSubscriptionsByTopic,
		"ListTagsForResource":       s.listTagsForResource,
		"TagResource":               s.tagResource,
		"UntagResource":             s.untagResource,
		"Publish":                   s.publish,
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Endpoint == "" {
		o.Endpoint = "https://sns." + o.Region + ".amazonaws.com"
	}
	if o.Client == nil {
		o.Client = &http.Client{Transport: &http.Transport{}}
	}
	client := *o.Client
	client.Timeout = deliveryTimeout
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.Client = &client
	if o.Wait == nil {
		o.Wait = wait
	}
	if o.Caller == nil {
		root := Caller{ARN: "arn:aws:iam::" + o.Account + ":root"}
		o.Caller = func(*http.Request) Caller { return root }
	}
	if o.Exists == nil {
		o.Exists = func(string) bool { return true }
	}
	return o
}

// Close ends deliveries. Those that are under way fail.
func (s *Service) Close() error {
	s.deliveries.close()
	return nil
}

// ServeHTTP answers one request of the SNS API.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.serve(w, r, true) }

func (s *Service) serve(w http.ResponseWriter, r *http.Request, signed bool) {
	if err := r.ParseForm(); err != nil {
		WriteError(w, r, refusal(http.StatusBadRequest, "MalformedQueryString", "%v", err))
		return
	}
	action := r.Form.Get("Action")
	run, ok := s.operations[action]
	if !ok {
		WriteError(w, r, wire.NotImplemented("SNS action "+action))
		return
	}
	result, err := run(request{Request: r, signed: signed})
	if err != nil {
		WriteError(w, r, err)
		return
	}
	wire.Query.Write(w, http.StatusOK, response{action: action, result: result, requestID: w.Header().Get(wire.RequestIDHeader)})
}

// Links serves what messages link to and is followed without a signature: the
// confirmation and the end of a subscription, and the certificate of signatures.
// Other requests are for next.
func (s *Service) Links(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		unsigned := r.Method == http.MethodGet && r.Header.Get("Authorization") == "" && !query.Has("X-Amz-Signature")
		action := query.Get("Action")
		switch {
		case unsigned && r.URL.Path == "/" && (action == "ConfirmSubscription" || action == "Unsubscribe"):
			s.serve(w, r, false)
		case unsigned && strings.HasPrefix(r.URL.Path, certificatePrefix):
			s.serveCertificate(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// Request tells what a request does and to what, in the words of policies, see
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html:
// what names a subscription is on no resource.
func (s *Service) Request(_ *http.Request, body []byte) (action, resource string) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "SNS:*", "*"
	}
	action = "SNS:" + form.Get("Action")
	for _, field := range []string{"TopicArn", "TargetArn", "ResourceArn"} {
		if arn := form.Get(field); arn != "" {
			return action, arn
		}
	}
	if name := form.Get("Name"); name != "" {
		return action, s.TopicARN(name)
	}
	return action, "*"
}

// TopicARN returns the name of a topic as other services know it.
func (s *Service) TopicARN(name string) string {
	return "arn:aws:sns:" + s.Region + ":" + s.Account + ":" + name
}

// TaggedResources returns the topics that have tags.
func (s *Service) TaggedResources() []tagging.Resource {
	var resources []tagging.Resource
	s.state.View(func(all *State) {
		for name, topic := range all.Topics {
			if len(topic.Tags) > 0 {
				resources = append(resources, tagging.Resource{ARN: s.TopicARN(name), Type: "sns:topic", Tags: topic.Tags})
			}
		}
	})
	return resources
}
