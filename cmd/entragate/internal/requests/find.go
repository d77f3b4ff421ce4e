package requests

import (
	"context"
	"fmt"
	"regexp"
	"time"
)

// DefaultFindSince is how far back [Reader.Find] looks.
const DefaultFindSince = 14 * 24 * time.Hour

// Explanation is what happened to a request and what to do about it.
type Explanation struct {
	Request
	// FunctionLines are those of the role authorizer's log about the request.
	FunctionLines []FunctionLine `json:"functionLines,omitempty"`
	// Cause is what happened, in a paragraph.
	Cause string `json:"cause"`
	// Advice are the steps to take; none if all is well.
	Advice []string `json:"advice"`
}

// requestIDs are those that API Gateway makes, and nothing that means something
// in a filter pattern.
var requestIDs = regexp.MustCompile(`^[A-Za-z0-9_=-]{1,64}$`)

// Find finds a request by its id, which callers get as apigw-requestid, and
// explains it.
func (r Reader) Find(ctx context.Context, requestID string, since time.Duration) (Explanation, error) {
	if !requestIDs.MatchString(requestID) {
		return Explanation{}, fmt.Errorf("request id: got %q, want what the answer's header apigw-requestid holds, such as RL2XYiwjPHcEMEQ=",
			shortened(requestID))
	}
	if since <= 0 {
		since = DefaultFindSince
	}
	s := search{
		start: max(0, r.Now().Add(-since).UnixMilli()), pattern: "{ " + is("requestId", requestID) + " }",
		matches: []func(Request) bool{func(r Request) bool { return !r.Unreadable && r.RequestID == requestID }},
	}
	found := &latest{limit: 1}
	if err := r.readBackwards(ctx, s, found); err != nil {
		return Explanation{}, err
	}
	requests := found.list()
	if len(requests) == 0 || requests[0].Unreadable {
		return Explanation{}, fmt.Errorf("request %s: not in %s since %s. A line arrives up to some minutes late; "+
			"API Gateway logs no 413, nor every 429; another stack, account or region has a log of its own",
			requestID, r.Group, time.UnixMilli(s.start).UTC().Format("2006-01-02 15:04 MST"))
	}
	request, lines, err := r.withFunction(ctx, requests[0])
	x := Explanation{Request: request, FunctionLines: lines, Cause: r.cause(request), Advice: r.advice(request, lines)}
	if err != nil {
		x.Advice = append(x.Advice, "Note: "+err.Error()+".")
	}
	return x, nil
}

// withFunction adds what the role authorizer's log says of a request.
func (r Reader) withFunction(ctx context.Context, request Request) (Request, []FunctionLine, error) {
	if r.FunctionGroup == "" || !r.mayAskFunction(request) {
		return request, nil, nil
	}
	var lines []FunctionLine
	at := request.event.at
	pattern := "{ " + is("requestId", request.RequestID) + " }"
	err := r.functionLines(ctx, pattern, at-around.Milliseconds(), at+around.Milliseconds(), func(line FunctionLine) {
		if line.RequestID == request.RequestID {
			lines = append(lines, line)
			r.blame(&request, line)
		}
	})
	return request, lines, err
}

// mayAskFunction reports whether the role authorizer was asked about a request.
func (r Reader) mayAskFunction(request Request) bool {
	route, ok := r.route(request.RouteKey)
	return ok && route.HasRoles() || ofFunction(request)
}
