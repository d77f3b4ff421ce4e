package requests

import (
	"fmt"
	"slices"
	"strings"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/accesslog"
	"github.com/entragate/entragate/cmd/entragate/internal/routing"
)

// cause says what happened.
func (r Reader) cause(q Request) string {
	text := ""
	switch q.Reason {
	case "":
		text = "The gateway let the call through, and the backend answered " + fmt.Sprint(q.IntegrationStatus) + "."
		if q.IntegrationStatus == 0 {
			text = "The gateway answered by itself: a preflight request of a browser has no token, and is not passed on."
		}
	case accesslog.BackendRefused, accesslog.BackendFailed:
		text = fmt.Sprintf("The gateway let the call through, and the backend%s answered %d.", r.backendOf(q.RouteKey), q.IntegrationStatus)
	case accesslog.IntegrationFailed:
		text = fmt.Sprintf("The gateway let the call through, but %s%s.", q.Reason.Words(), r.backendOf(q.RouteKey))
	default:
		text = fmt.Sprintf("The gateway answered %d: %s.", q.Status, q.Words)
	}
	if q.Reason == accesslog.MissingScope && q.AuthorizerError == "" {
		text += " That is concluded from a 403 without an error on a route that has no roles: AWS does not document what the log says of it."
	}
	for _, said := range []struct{ name, text string }{
		{"The authorizer's own words", q.AuthorizerError}, {"The error of the backend's call", q.IntegrationError},
	} {
		if said.text != "" {
			text += fmt.Sprintf(" %s: %q.", said.name, said.text)
		}
	}
	return text + took(q)
}

// took says how long it took.
func took(q Request) string {
	switch {
	case q.ResponseLatency == nil:
		return ""
	case q.IntegrationLatency == nil:
		return fmt.Sprintf(" It took %d ms.", *q.ResponseLatency)
	}
	return fmt.Sprintf(" It took %d ms, %d of them in the backend.", *q.ResponseLatency, *q.IntegrationLatency)
}

// backendOf names the backend of a route.
func (r Reader) backendOf(routeKey string) string {
	if b, ok := r.backend(routeKey); ok {
		return " (" + b.Name + ")"
	}
	return ""
}

func (r Reader) backend(routeKey string) (access.Backend, bool) {
	route, ok := r.route(routeKey)
	if !ok {
		return access.Backend{}, false
	}
	for _, b := range r.Model.Backends {
		if b.Name == route.Backend || route.Backend == "" && len(r.Model.Backends) == 1 {
			return b, true
		}
	}
	return access.Backend{}, false
}

// advice are the steps to take about a request, those that are about it alone
// first.
func (r Reader) advice(q Request, lines []FunctionLine) []string {
	steps := []string{}
	reason := q.Reason
	switch reason {
	case "":
		return steps
	case accesslog.RoleRefused:
		if q.FunctionReason == "" {
			return append(steps, r.unexplained(q)...)
		}
		reason = accesslog.FunctionReason(q.FunctionReason)
	case accesslog.AuthorizerFailed:
		for _, line := range lines {
			if line.Error != "" {
				steps = append(steps, fmt.Sprintf("The role authorizer says: %q.", line.Error))
			}
		}
	case accesslog.NoRoute:
		if nearest := routing.Nearest(r.Model.Routes, q.Method+" "+q.Path); len(nearest) > 0 {
			steps = append(steps, "The routes most like it: "+strings.Join(nearest, ", ")+".")
		}
	case accesslog.Throttled:
		steps = append(steps, r.throttle(q.RouteKey))
	case accesslog.IntegrationFailed:
		steps = append(steps, r.timeout(q)...)
	}
	switch reason {
	case accesslog.MissingScope:
		steps = append(steps, r.scopes(q.RouteKey)...)
	case accesslog.MissingRole:
		steps = append(steps, r.roles(q.RouteKey)...)
	}
	if reason == accesslog.Other && q.FunctionReason != "" {
		steps = append(steps, fmt.Sprintf("The role authorizer calls it %q: see that its policy.json is that of this stack, and deploy again.", q.FunctionReason))
	} else {
		steps = append(steps, reason.Advice())
	}
	if ofToken(reason) {
		steps = append(steps, fmt.Sprintf("With the token at hand, `entragate explain --token FILE --route %q` tells every check that it fails; "+
			"the log shows nothing of a token that was not believed.", q.Method+" "+q.Path))
	}
	return steps
}

// ofToken reports whether a look at the token tells more.
func ofToken(reason accesslog.Reason) bool {
	return slices.Contains([]accesslog.Reason{
		accesslog.Malformed, accesslog.Expired, accesslog.NotYetValid, accesslog.WrongAudience, accesslog.WrongIssuer,
		accesslog.BadSignature, accesslog.MissingScope, accesslog.MissingRole, accesslog.WrongToken,
	}, reason)
}

// unexplained is about a refusal that the role authorizer's log has no line of.
func (r Reader) unexplained(q Request) []string {
	if r.FunctionGroup == "" {
		return []string{"Why is in the role authorizer's log, by the request id, but no log group of one is known for this stack."}
	}
	return []string{
		fmt.Sprintf("Its log has no line with this request id: the gateway repeated a decision, which it does for %d seconds for the same token "+
			"and route. Look for the last refusal before this one: `entragate logs --denied --route %q`.", r.Model.CacheSeconds(), q.RouteKey),
		"If there is none, the line may still be on its way: ask again in some minutes.",
	}
}

// throttle says what limits the route.
func (r Reader) throttle(routeKey string) string {
	route, ok := r.route(routeKey)
	if !ok || route.Throttle == nil {
		return "The route has no throttle of its own: the limit is the API's default, or the account's in this region."
	}
	return fmt.Sprintf("The route's throttle is %g requests a second, and %d at once.", route.Throttle.Rate, route.Throttle.Burst)
}

// timeout says how long the gateway waits for the backend.
func (r Reader) timeout(q Request) []string {
	b, ok := r.backend(q.RouteKey)
	if !ok {
		return nil
	}
	millis := b.TimeoutMillis
	if millis == 0 {
		millis = defaultTimeoutMillis
	}
	if q.IntegrationLatency != nil && *q.IntegrationLatency >= millis {
		return []string{fmt.Sprintf("The gateway waits %d ms for backend %s, which is what was waited: the backend is too slow.", millis, b.Name)}
	}
	return []string{fmt.Sprintf("The gateway waits %d ms for backend %s: see that it is up, and reachable from the internet by https.", millis, b.Name)}
}

// defaultTimeoutMillis is what [access.Backend.TimeoutMillis] says it is.
const defaultTimeoutMillis = 29_000

// scopes says what a user's token needs for a route, and who has it.
func (r Reader) scopes(routeKey string) []string {
	route, ok := r.route(routeKey)
	if !ok || len(route.Scopes) == 0 {
		return nil
	}
	steps := []string{fmt.Sprintf("%s takes a user's token with %s in its scp claim.", routeKey, anyOf(route.Scopes))}
	for _, scope := range route.Scopes {
		retired := slices.ContainsFunc(r.Model.Scopes, func(s access.Scope) bool { return s.Value == scope && s.Retired() })
		steps = append(steps, holders("Scope", scope, retired, r.Model.Clients, func(c access.Client) []string { return c.Scopes }))
	}
	return steps
}

// roles says what a daemon's token needs for a route, and who has it.
func (r Reader) roles(routeKey string) []string {
	route, ok := r.route(routeKey)
	if !ok || len(route.Roles) == 0 {
		return nil
	}
	steps := []string{fmt.Sprintf("%s takes a daemon's token with %s in its roles claim.", routeKey, anyOf(route.Roles))}
	for _, role := range route.Roles {
		retired := slices.ContainsFunc(r.Model.Roles, func(s access.Role) bool { return s.Value == role && s.Retired() })
		steps = append(steps, holders("Role", role, retired, r.Model.Clients, func(c access.Client) []string { return c.Roles }))
	}
	return steps
}

func anyOf(values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	return "any one of " + strings.Join(values, ", ")
}

// holders says which clients have a scope or role.
func holders(kind, value string, retired bool, clients []access.Client, has func(access.Client) []string) string {
	var names []string
	for _, c := range clients {
		if slices.Contains(has(c), value) {
			names = append(names, c.Name)
		}
	}
	switch {
	case retired:
		return fmt.Sprintf("%s %s is retired: no new token has it.", kind, value)
	case len(names) == 0:
		return fmt.Sprintf("%s %s: no client of the stack has it.", kind, value)
	case len(names) == 1:
		return fmt.Sprintf("%s %s: %s has it.", kind, value, names[0])
	}
	return fmt.Sprintf("%s %s: %s have it.", kind, value, strings.Join(names, ", "))
}
