package requests

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/accesslog"
	"github.com/entragate/entragate/functions/authorize"
)

// FunctionLine is what the role authorizer's log says of a request. It holds
// what was in a token only once the signature was verified.
type FunctionLine struct {
	Time      time.Time `json:"time"`
	Message   string    `json:"msg"` // "refused" or "not decided"; "allowed" at debug level
	RequestID string    `json:"requestId"`
	RouteKey  string    `json:"routeKey"`
	Reason    string    `json:"reason,omitempty"`
	// ClientID, UserID and TenantID are whose token it was.
	ClientID string `json:"azp,omitempty"`
	UserID   string `json:"oid,omitempty"`
	TenantID string `json:"tid,omitempty"`
	Error    string `json:"error,omitempty"`
}

// around is how much before and after a request the role authorizer may have
// logged it.
const around = time.Minute

// functionPattern selects the lines about calls that were not let through.
const functionPattern = `{ $.msg = "refused" || $.msg = "not decided" }`

// ofFunction reports whether the role authorizer's log may say more.
func ofFunction(r Request) bool {
	return r.Reason == accesslog.RoleRefused || r.Reason == accesslog.AuthorizerFailed
}

// askFunction sets what the role authorizer's log says of the requests that it
// did not let through. One look finds all of them.
func (r Reader) askFunction(ctx context.Context, requests []Request) error {
	wanted := map[string]*Request{}
	from, to := int64(forever), int64(0)
	for i := range requests {
		if r.FunctionGroup == "" || !ofFunction(requests[i]) {
			continue
		}
		wanted[requests[i].RequestID] = &requests[i]
		from = min(from, requests[i].event.at-around.Milliseconds())
		to = max(to, requests[i].event.at+around.Milliseconds())
	}
	if len(wanted) == 0 {
		return nil
	}
	return r.functionLines(ctx, functionPattern, from, to, func(line FunctionLine) {
		if request := wanted[line.RequestID]; request != nil {
			r.blame(request, line)
		}
	})
}

// askCaller finds the requests of the caller whom a search is for that the role
// authorizer refused, from a time on.
func (r Reader) askCaller(ctx context.Context, s *search, from int64) error {
	if s.callerID == "" {
		return nil
	}
	s.known = map[string]bool{}
	pattern := "{ " + is("azp", s.callerID) + " || " + is("oid", s.callerID) + " }"
	return r.functionLines(ctx, pattern, from-around.Milliseconds(), forever, func(line FunctionLine) {
		s.known[line.RequestID] = line.ClientID == s.callerID || line.UserID == s.callerID
	})
}

// functionLines reads the role authorizer's log.
func (r Reader) functionLines(ctx context.Context, pattern string, from, to int64, each func(FunctionLine)) error {
	err := r.scan(ctx, r.FunctionGroup, pattern, max(0, from), to, func(events []event) bool {
		for _, e := range events {
			var line FunctionLine
			if json.Unmarshal([]byte(e.message), &line) == nil && line.RequestID != "" {
				each(line)
			}
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("why the role authorizer refused is not known: %w", err)
	}
	return nil
}

// blame sets what the role authorizer says of a request.
func (r Reader) blame(request *Request, line FunctionLine) {
	request.FunctionReason = line.Reason
	if line.Reason != "" {
		request.Words = accesslog.RoleRefused.Words() + ": " + r.functionWords(*request)
	}
	if !request.Caller.Known() {
		request.Caller.ClientID, request.Caller.UserID, request.Caller.TenantID = line.ClientID, line.UserID, line.TenantID
		request.Client = r.clientName(line.ClientID)
		if line.Reason == string(authorize.ReasonMissingRole) || r.isDaemon(request.Client) {
			request.Caller.TokenType = "app" // its oid is no user's
		}
	}
}

// functionWords say why the role authorizer refused. It calls every token of a
// user without a scope of the route so, also where the route wants none.
func (r Reader) functionWords(request Request) string {
	route, known := r.route(request.RouteKey)
	if request.FunctionReason == string(authorize.ReasonMissingScope) && known && len(route.Scopes) == 0 {
		return "the token is a user's, and the route is for daemons"
	}
	return accesslog.FunctionReason(request.FunctionReason).Words()
}

// isDaemon reports whether the client of that name calls for itself.
func (r Reader) isDaemon(client string) bool {
	return slices.ContainsFunc(r.Model.Clients, func(c access.Client) bool { return c.Name == client && c.Kind == access.ClientDaemon })
}
