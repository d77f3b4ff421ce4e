// Package events simulates the part of Amazon EventBridge that calls functions
// on a schedule: rules of the default event bus with their targets and tags.
//
// A schedule goes by the sandbox's clock, see [Service.Tick]. Rules with an event
// pattern are checked and stored, and nothing matches them: there are no events.
// Only functions are called; queues and topics are stored as targets.
//
// Not implemented, and refused as such: other event buses, PutEvents, archives,
// connections, pipes, input transformers and targets of other services.
package events

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/entragate/entragate/sandbox/aws/tagging"
	"github.com/entragate/entragate/sandbox/aws/wire"
	"github.com/entragate/entragate/sandbox/store"
)

// Target is the prefix of X-Amz-Target that names the service.
const Target = "AWSEvents."

// Principal is who calls functions for rules.
const Principal = "events.amazonaws.com"

// Options configure a [Service].
type Options struct {
	Account string
	Region  string
	Path    string // state file; "" keeps the state in memory
	Now     func() time.Time

	// Invoke calls a function in the name of [Principal] on behalf of a rule,
	// whose ARN is the source. It is not called under a lock. Without it every
	// call fails.
	Invoke func(ctx context.Context, functionARN, sourceARN string, payload []byte) error

	// Record adds to a metric of AWS/Events; without it there are none.
	Record func(namespace, name string, dimensions map[string]string, value float64, at time.Time)
}

// State is what is kept durable.
type State struct {
	Rules map[string]*Rule `json:"rules"` // keyed by name
}

// Rule is a rule of the default event bus.
type Rule struct {
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Pattern     string            `json:"pattern,omitempty"`
	Schedule    string            `json:"schedule,omitempty"`
	State       string            `json:"state"`
	Role        string            `json:"role,omitempty"`
	Tags        map[string]string `json:"tags"`
	Targets     []target          `json:"targets"` // in the order of their ids
	Next        time.Time         `json:"next,omitzero"`
	Called      int               `json:"called,omitempty"` // calls of targets
	Failed      int               `json:"failed,omitempty"` // those of them that failed
}

// Service is EventBridge of one account and region. It is an [http.Handler] of
// requests that are already authenticated.
type Service struct {
	Options
	state      *store.Store[State]
	operations map[string]func(*http.Request) (any, error)
	ticking    sync.Mutex // one tick at a time
}

// New opens the service.
func New(options Options) (*Service, error) {
	state, err := store.Open(options.Path, &State{Rules: map[string]*Rule{}})
	if err != nil {
		return nil, err
	}
	s := &Service{Options: options, state: state}
	s.operations = map[string]func(*http.Request) (any, error){
		"PutRule":               s.putRule,
		"DescribeRule":          s.describeRule,
		"ListRules":             s.listRules,
		"EnableRule":            s.enableRule,
		"DisableRule":           s.disableRule,
		"DeleteRule":            s.deleteRule,
		"PutTargets":            s.putTargets,
		"RemoveTargets":         s.removeTargets,
		"ListTargetsByRule":     s.listTargetsByRule,
		"ListRuleNamesByTarget": s.listRuleNamesByTarget,
		"TagResource":           s.tagResource,
		"UntagResource":         s.untagResource,
		"ListTagsForResource":   s.listTagsForResource,
		"DescribeEventBus":      s.describeEventBus,
		"ListEventBuses":        s.listEventBuses,
	}
	return s, nil
}

// ServeHTTP answers one request of the EventBridge API.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	wire.ServeJSON11(w, r, Target, "EventBridge", s.operations)
}

// named is what the requests of roles name.
type named struct {
	Name         string
	Rule         string
	ResourceARN  string
	EventBusName string
}

// Request tells what a request does and to what, in the words of policies, see
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html.
func (s *Service) Request(r *http.Request, body []byte) (action, resource string) {
	operation, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), Target)
	var in named
	switch err := wire.Decode(body, &in); {
	case err != nil:
		return "events:" + operation, "*"
	case in.ResourceARN != "":
		return "events:" + operation, in.ResourceARN
	case operation == "DescribeEventBus":
		return "events:" + operation, s.busARN()
	case in.Name+in.Rule != "":
		return "events:" + operation, s.RuleARN(in.Name + in.Rule)
	}
	return "events:" + operation, "*"
}

// RuleARN returns the name of a rule as other services know it.
func (s *Service) RuleARN(name string) string {
	return "arn:aws:events:" + s.Region + ":" + s.Account + ":rule/" + name
}

// defaultBus is the one event bus.
const defaultBus = "default"

func (s *Service) busARN() string {
	return "arn:aws:events:" + s.Region + ":" + s.Account + ":event-bus/" + defaultBus
}

// checkBus refuses other event buses, by name or ARN.
func (s *Service) checkBus(name string) error {
	if name == "" || name == defaultBus || name == s.busARN() {
		return nil
	}
	return missing("Event bus %s does not exist.", name)
}

// TaggedResources returns the rules that have tags.
func (s *Service) TaggedResources() []tagging.Resource {
	var resources []tagging.Resource
	s.state.View(func(all *State) {
		for name, rule := range all.Rules {
			if len(rule.Tags) > 0 {
				resources = append(resources, tagging.Resource{ARN: s.RuleARN(name), Type: "events:rule", Tags: rule.Tags})
			}
		}
	})
	return resources
}

// Calls returns how often a rule called a target, and how often that failed.
func (s *Service) Calls(rule string) (called, failed int) {
	s.state.View(func(all *State) {
		if found := all.Rules[rule]; found != nil {
			called, failed = found.Called, found.Failed
		}
	})
	return called, failed
}

var nameText = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)

func checkName(name, at string) error {
	if !nameText.MatchString(name) {
		return constraint(name, at, `Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+ and have length between 1 and 64`)
	}
	return nil
}

// view calls fn with a rule, which fn must not change.
func (s *Service) view(bus, name string, fn func(*Rule) error) error {
	if err := s.checkBus(bus); err != nil {
		return err
	}
	if err := checkName(name, "name"); err != nil {
		return err
	}
	var err error
	s.state.View(func(all *State) {
		rule := all.Rules[name]
		if rule == nil {
			err = noRule(name)
			return
		}
		err = fn(rule)
	})
	return err
}

// change calls fn with a rule, to change it.
func (s *Service) change(bus, name string, fn func(*Rule) error) error {
	if err := s.checkBus(bus); err != nil {
		return err
	}
	if err := checkName(name, "name"); err != nil {
		return err
	}
	return s.state.Update(func(all *State) error {
		rule := all.Rules[name]
		if rule == nil {
			return noRule(name)
		}
		return fn(rule)
	})
}

// decode reads the body of a request.
func decode[T any](r *http.Request) (T, error) {
	var in T
	return in, wire.DecodeRequest(r, &in)
}

func refusal(code, format string, args ...any) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return refusal("ValidationException", format, args...)
}

func constraint(value any, at, want string) error {
	return invalid("1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: %s", value, at, want)
}

func missing(format string, args ...any) error {
	return refusal("ResourceNotFoundException", format, args...)
}

func noRule(name string) error { return missing("Rule %s does not exist on EventBus default.", name) }

// page returns a part of the items that a request asks for.
func page[T any](items []T, key func(T) string, token string, given *int) ([]T, string, error) {
	limit := 100
	if given != nil {
		limit = *given
	}
	if limit < 1 || limit > 100 {
		return nil, "", constraint(limit, "limit", "Member must have value between 1 and 100")
	}
	items, next, err := wire.Page(items, key, token, limit)
	if err != nil {
		return nil, "", invalid("Invalid token.") // the text is a guess
	}
	return items, next, nil
}
