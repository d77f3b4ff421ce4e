package requests

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/accesslog"
	"github.com/entragate/entragate/cmd/entragate/internal/routing"
	"github.com/entragate/entragate/sandbox/edge/routekey"
)

// DefaultLimit is how many requests are shown unless a query says otherwise.
const DefaultLimit = 50

// DefaultSince is how far back a query looks that says nothing of time.
const DefaultSince = time.Hour

// Unrouted is the route of requests that none was found for.
const Unrouted = "-"

// Query says which requests to read. The zero value takes all of the last hour.
type Query struct {
	// Since is how long ago to begin; Start is when, if Since is zero. Default:
	// [DefaultSince].
	Since time.Duration
	Start time.Time
	// Denied takes only calls that the gateway did not let through.
	Denied bool
	// Caller takes only calls by a client, by name or id, a user or subject by id,
	// or an address. Refused calls do not say who made them: an address finds
	// them, and the others only what the role authorizer's log knows of.
	Caller string
	// Route takes only calls of a route by its key, such as "GET /orders/{id}"; of
	// a request line such as "GET /orders/17" and those below it; of a path such
	// as "/orders" and those below it; or, as [Unrouted], those without a route.
	Route string
	// Limit is how many, the latest of them; 0 for all.
	Limit int
}

// maxText is how long a caller or route of a query may be.
const maxText = 512

// search is a query, checked.
type search struct {
	start   int64  // ms since 1970
	pattern string // what CloudWatch Logs selects by, "" for all
	limit   int
	matches []func(Request) bool
	notes   []string

	// callerID is whom to look for in the role authorizer's log, "" for nobody, and
	// known are the request ids that were found there.
	callerID string
	known    map[string]bool
}

// search checks a query. Conditions that a filter pattern states exactly are in
// the pattern, and all of them are checked on what it selects.
func (r Reader) search(q Query) (search, error) {
	s := search{limit: q.Limit}
	now := r.Now()
	start := now.Add(-cmp.Or(q.Since, DefaultSince))
	if q.Since == 0 && !q.Start.IsZero() {
		start = q.Start
	}
	switch {
	case q.Since < 0:
		return s, fmt.Errorf("since: got %s, want how long ago to begin, such as 1h", q.Since)
	case start.After(now):
		return s, fmt.Errorf("start: got %s, want a time before now, which is %s", start.Format(time.RFC3339), now.Format(time.RFC3339))
	case q.Limit < 0:
		return s, fmt.Errorf("limit: got %d, want how many requests, or 0 for all", q.Limit)
	}
	s.start = max(0, start.UnixMilli())
	conditions := []condition{}
	if q.Denied {
		conditions = append(conditions, denied)
	}
	if q.Caller != "" {
		c, err := r.byCaller(q.Caller)
		if err != nil {
			return s, err
		}
		conditions = append(conditions, c)
		s.callerID = c.callerID
	}
	if q.Route != "" {
		c, err := r.byRoute(q.Route)
		if err != nil {
			return s, err
		}
		conditions = append(conditions, c)
	}
	s.add(conditions)
	if _, err := netip.ParseAddr(q.Caller); q.Denied && q.Caller != "" && err != nil {
		s.notes = append(s.notes, "A call that the gateway itself refused does not say who made it, since its token was not believed: "+
			"ask by address to see those of a caller.")
	}
	return s, nil
}

// add makes the pattern of as many conditions as it may hold.
func (s *search) add(conditions []condition) {
	var stated []string
	for _, c := range conditions {
		s.matches = append(s.matches, c.matches)
		all := "{ " + strings.Join(append(slices.Clone(stated), "("+c.pattern+")"), " && ") + " }"
		if c.pattern != "" && len(all) <= accesslog.MaxPatternBytes {
			stated, s.pattern = append(stated, "("+c.pattern+")"), all
		}
	}
}

// takes reports whether a request is wanted. One that cannot be read is: nobody
// knows what it was.
func (s search) takes(r Request) bool {
	return r.Unreadable || !slices.ContainsFunc(s.matches, func(m func(Request) bool) bool { return !m(r) })
}

// condition is one of a query, and the same as a filter pattern, "" if there is
// none that says exactly that.
type condition struct {
	matches func(Request) bool
	pattern string

	callerID string // see search
}

// denied is of calls that the gateway did not let through. The pattern is wider
// than the condition where a status is not that of the gateway.
var denied = condition{
	matches: func(r Request) bool { return r.Refused() || r.Reason == accesslog.AuthorizerFailed },
	pattern: `$.integrationStatus = "-" && ($.status = "4*" || $.status = "5*")`,
}

// roleRefused is of calls that the role authorizer may have refused, which its
// own log says the caller of.
const roleRefused = `($.status = "403" && $.integrationStatus = "-" && $.authorizerError = "-")`

// plain is text that needs no quoting in a pattern, nor stands for other text.
var plain = regexp.MustCompile(`^[A-Za-z0-9/_.:@=+~$ {}-]+$`)

// is states that a field has a value.
func is(field, value string) string { return fmt.Sprintf(`$.%s = "%s"`, field, value) }

// byCaller is of who called, by any name.
func (r Reader) byCaller(caller string) (condition, error) {
	if len(caller) > maxText || strings.ContainsFunc(caller, unprintable) {
		return condition{}, fmt.Errorf("caller: got %q, want a client's name or id, the id of a user, or an address", shortened(caller))
	}
	if address, err := netip.ParseAddr(caller); err == nil {
		c := condition{matches: func(r Request) bool {
			got, err := netip.ParseAddr(r.IP)
			return err == nil && got.Unmap() == address.Unmap()
		}}
		if address.Is4() { // of IPv6 there are several forms
			c.pattern = is("ip", caller)
		}
		return c, nil
	}
	id := cmp.Or(r.Clients[caller], caller)
	c := condition{matches: func(r Request) bool {
		return r.foundByFunction || slices.Contains([]string{r.Caller.ClientID, r.Caller.UserID, r.Caller.Subject}, id)
	}}
	if plain.MatchString(id) {
		var either []string
		for _, field := range []string{"clientId", "appId", "roleClientId", "userId", "roleUserId", "subject", "roleSubject"} {
			either = append(either, is(field, id))
		}
		if r.FunctionGroup != "" {
			c.callerID = id
			either = append(either, roleRefused)
		}
		c.pattern = strings.Join(either, " || ")
	}
	return c, nil
}

// byRoute is of what was called.
func (r Reader) byRoute(text string) (condition, error) {
	malformed := fmt.Errorf(`route: got %q, want a route key such as "GET /orders/{id}", a path such as "/orders", or %q for no route`,
		shortened(text), Unrouted)
	if len(text) > maxText || strings.ContainsFunc(text, unprintable) {
		return condition{}, malformed
	}
	if text == Unrouted {
		return condition{matches: func(r Request) bool { return r.RouteKey == "" }, pattern: is("routeKey", Unrouted)}, nil
	}
	if strings.HasPrefix(text, "/") {
		return below("", text), nil
	}
	method, path, _ := strings.Cut(text, " ")
	key := strings.TrimSpace(strings.ToUpper(method) + " " + strings.TrimSpace(path))
	if text == access.DefaultRoute {
		key = text
	} else if !strings.HasPrefix(strings.TrimSpace(path), "/") {
		return condition{}, malformed
	}
	if _, ok := r.route(key); ok {
		c := condition{matches: func(r Request) bool { return r.RouteKey == key }}
		if plain.MatchString(key) {
			c.pattern = is("routeKey", key)
		}
		return c, nil
	}
	method, path, _ = strings.Cut(key, " ")
	if !r.routed(method, path) {
		return condition{}, fmt.Errorf("route: got %q, which no route takes, want one of the stack%s", text, r.nearest(key))
	}
	return below(method, path), nil
}

// below is of a path and those below it, by a method if one is given.
func below(method, path string) condition {
	path = strings.TrimSuffix(path, "/")
	c := condition{matches: func(r Request) bool {
		rest, ok := strings.CutPrefix(r.Path, path)
		return ok && (rest == "" || rest[0] == '/') && (method == "" || r.Method == method)
	}}
	if plain.MatchString(path) {
		c.pattern = "(" + is("path", path) + " || " + is("path", path+"/*") + ")"
		if method != "" {
			c.pattern += " && " + is("method", method)
		}
	}
	return c
}

// routed reports whether a route takes a method and path.
func (r Reader) routed(method, path string) bool {
	_, ok := routing.Find(r.Model.Routes, method, path)
	return ok && slices.Contains(access.Methods, method) && method != routekey.AnyMethod
}

// nearest names the routes that are spelled most alike.
func (r Reader) nearest(key string) string {
	routes := routing.Nearest(r.Model.Routes, key)
	if len(routes) == 0 {
		return ""
	}
	return ", such as " + quotedList(routes)
}
