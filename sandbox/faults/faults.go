// Package faults makes requests to the clouds fail on demand, as they do in real
// ones now and then: refused for the moment, answered into nothing, or answered to
// a caller that is dead by then.
//
// Rules are kept in memory only: with the process they are gone.
package faults

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Kind is what happens to a request that a rule strikes.
type Kind string

// The kinds of faults.
const (
	// Status answers a status, in the form of the service that was called, which
	// never sees the request.
	Status Kind = "status"
	// Refused drops the connection. The service never sees the request.
	Refused Kind = "refused"
	// Lost drops the connection when the service has done what was asked.
	Lost Kind = "lost"
	// Kill kills every process of a function when the service has done what was
	// asked, and answers then: the caller, if it was a function, has died between
	// this call and its next.
	Kill Kind = "kill"
)

// Rule says which requests fail, and how. Of several rules that would strike a
// request the first does, and those after it do not count the request.
type Rule struct {
	// Match is a part of what the request asks for: of the header X-Amz-Target,
	// of the parameter Action, or of the URL's path. Case counts.
	Match string `json:"match"`
	// Method is an HTTP method. Default: any.
	Method string `json:"method,omitempty"`
	// Form are parameters that a request's form has to have, such as the client_id
	// of who signs in.
	Form map[string]string `json:"form,omitempty"`
	Kind Kind              `json:"kind"`
	// Status is 429, as services answer who calls too often whatever the number
	// they have for it, or one from 500 to 599. Only of that kind.
	Status int `json:"status,omitempty"`
	// RetryAfter is a header of the answer, in seconds. Default: none. Only of kind
	// status.
	RetryAfter int `json:"retryAfter,omitempty"`
	// Skip is how many requests that match pass before the first is struck.
	Skip int `json:"skip,omitempty"`
	// Count is how many are struck then. Default: 1.
	Count int `json:"count,omitempty"`
}

// Report is what became of a rule so far.
type Report struct {
	Rule
	// Matched is how many requests matched, and Struck how many of them failed.
	Matched int `json:"matched"`
	Struck  int `json:"struck"`
}

// Bounds of rules.
const (
	maxRules      = 100
	maxRetryAfter = 3600 // seconds
)

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// validate names every problem of a rule.
func (r Rule) validate() (problems []error) {
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if r.Match == "" {
		add("match: got none, want a part of X-Amz-Target, of Action or of the path")
	}
	if r.Method != "" && !slices.Contains(methods, r.Method) {
		add("method: got %q, want one of %s, or none for any", r.Method, strings.Join(methods, ", "))
	}
	switch r.Kind {
	case Status:
		if r.Status != http.StatusTooManyRequests && (r.Status < 500 || r.Status > 599) {
			add("status: got %d, want 429 or 500 to 599", r.Status)
		}
	case Refused, Lost, Kill:
		if r.Status != 0 {
			add("status: got %d, want none with kind %q", r.Status, r.Kind)
		}
		if r.RetryAfter != 0 {
			add("retryAfter: got %d, want none with kind %q", r.RetryAfter, r.Kind)
		}
	default:
		add("kind: got %q, want %q, %q, %q or %q", r.Kind, Status, Refused, Lost, Kill)
	}
	if r.RetryAfter < 0 || r.RetryAfter > maxRetryAfter {
		add("retryAfter: got %d, want 0 to %d seconds", r.RetryAfter, maxRetryAfter)
	}
	if r.Skip < 0 {
		add("skip: got %d, want 0 or more", r.Skip)
	}
	if r.Count < 0 {
		add("count: got %d, want 1 or more", r.Count)
	}
	return problems
}

// Faults are the rules in force. They are safe for concurrent use.
type Faults struct {
	kill func()

	mu      sync.Mutex
	reports []Report
}

// New returns faults without rules. The function kills every process of a
// function, and returns when all are dead.
func New(kill func()) *Faults { return &Faults{kill: kill} }

// Replace puts rules in the place of all before; none clears them. It changes
// nothing when it fails, and the error then names everything that is wrong.
func (f *Faults) Replace(rules []Rule) error {
	var problems []error
	if len(rules) > maxRules {
		problems = append(problems, fmt.Errorf("got %d rules, want at most %d", len(rules), maxRules))
	}
	reports := make([]Report, 0, len(rules))
	for i, rule := range rules {
		for _, problem := range rule.validate() {
			problems = append(problems, fmt.Errorf("rules[%d]: %w", i, problem))
		}
		rule.Count, rule.Form = max(rule.Count, 1), maps.Clone(rule.Form)
		reports = append(reports, Report{Rule: rule})
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("setting faults: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reports = reports
	return nil
}

// Reports tells what became of the rules, in their order.
func (f *Faults) Reports() []Report {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Report{}, f.reports...)
}

// strike counts a request, and returns the rule that strikes it, if one does.
func (f *Faults) strike(asked request) (Rule, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.reports {
		r := &f.reports[i]
		if !asked.matches(r.Rule) {
			continue
		}
		r.Matched++
		if r.Matched > r.Skip && r.Struck < r.Count {
			r.Struck++
			return r.Rule, true
		}
	}
	return Rule{}, false
}

// none reports whether there are no rules.
func (f *Faults) none() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.reports) == 0
}
