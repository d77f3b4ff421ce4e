// Package requests reads the access log of a stack's API: the last requests in
// words, those that are about to come, and what happened to one of them. It
// sees no token: there is none in the log.
package requests

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/accesslog"
)

// Reader reads the access log of one API.
type Reader struct {
	// Logs is a client of CloudWatch Logs, usually a [cloudwatchlogs.Client].
	Logs cloudwatchlogs.FilterLogEventsAPIClient
	// Group is the log group of the access log.
	Group string
	// FunctionGroup is that of the role authorizer, "" if there is none.
	FunctionGroup string
	// Clients are the client ids of the stack's clients by name.
	Clients map[string]string
	// Model says which routes there are and who may call them.
	Model access.Model
	// Now is the clock of the cloud that the log is in.
	Now func() time.Time
	// Poll is how often [Reader.Follow] looks for new lines.
	Poll time.Duration
	// Wait waits until a time is over or the context ends, whose error it then
	// returns; nil waits by the real clock.
	Wait func(ctx context.Context, d time.Duration) error
}

// Request is one request as the access log tells it.
type Request struct {
	accesslog.Line
	// Reason is why the call was not answered as its caller wished; "" if it was.
	Reason accesslog.Reason `json:"reason,omitempty"`
	// Words say what happened.
	Words string `json:"words"`
	// Client is the name that the stack has for the client that called.
	Client string `json:"client,omitempty"`
	// FunctionReason is why the role authorizer refused, in the words of its own
	// log; "" also when it only repeated a decision.
	FunctionReason string `json:"functionReason,omitempty"`
	// Unreadable is whether the line is not in [accesslog.Format]; Message is what
	// stands there, of which only Time is known then.
	Unreadable bool   `json:"unreadable,omitempty"`
	Message    string `json:"message,omitempty"`

	event           event
	foundByFunction bool // the role authorizer's log says that the caller who is asked for made it
}

// event is a log event.
type event struct {
	id      string
	at      int64 // ms since 1970, by which CloudWatch Logs finds it
	message string
}

// compare orders events by time.
func (e event) compare(other event) int {
	return cmp.Or(cmp.Compare(e.at, other.at), cmp.Compare(e.id, other.id))
}

// wordsUnreadable are those of a line that is none.
const wordsUnreadable = "not a line of the access log"

// maxMessage is how much of an unreadable line is kept.
const maxMessage = 1000

// newRequest reads an event.
func (r Reader) newRequest(e event) Request {
	line, err := accesslog.Parse(e.message)
	if err != nil {
		message := strings.ToValidUTF8(e.message[:min(len(e.message), maxMessage)], "")
		return Request{
			Line:       accesslog.Line{Time: time.UnixMilli(e.at).UTC()},
			Unreadable: true, Message: message, Words: wordsUnreadable, event: event{id: e.id, at: e.at},
		}
	}
	request := Request{Line: line, Reason: line.Reason(), event: event{id: e.id, at: e.at}}
	if request.Reason == accesslog.RoleRefused && r.lacksScope(line.RouteKey) {
		request.Reason = accesslog.MissingScope
	}
	request.Words = request.Reason.Words()
	request.Client = r.clientName(line.Caller.ClientID)
	return request
}

// lacksScope reports whether a 403 without an error on the route is by the JWT
// authorizer, for which there is then no reason but a missing scope. AWS does
// not document what authorizer.error is of one; routes of the Lambda authorizer
// have roles.
func (r Reader) lacksScope(routeKey string) bool {
	route, ok := r.route(routeKey)
	return ok && !route.HasRoles() && !route.IsPublic()
}

// route is the route of the model with a key.
func (r Reader) route(key string) (access.Route, bool) {
	i := slices.IndexFunc(r.Model.Routes, func(route access.Route) bool { return route.Key == key })
	if i < 0 {
		return access.Route{}, false
	}
	return r.Model.Routes[i], true
}

// clientName is the stack's name for a client id, "" for one that it does not
// know.
func (r Reader) clientName(id string) string {
	for name, known := range r.Clients {
		if id != "" && known == id {
			return name
		}
	}
	return ""
}

// List is what [Reader.Read] found, the oldest request first.
type List struct {
	Requests []Request `json:"requests"`
	// Unreadable is how many lines were read that are not in
	// [accesslog.Format]; the last of them are among Requests.
	Unreadable int `json:"unreadable"`
	// Notes say what the requests do not show.
	Notes []string `json:"notes,omitempty"`
}
