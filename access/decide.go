package access

import (
	"fmt"
	"slices"
	"strings"
)

// Matrix computes who can call what. It is defined for models that
// [Model.Validate] accepts; on others it does not panic, and denies what it
// cannot decide.
//
// A route without roles follows the rules of API Gateway's native JWT
// authorizer: the signature, issuer, audience and lifetime of the token, then
// any one of the route's scopes in its scp claim. An app-only token has no scp,
// and roles are not looked at.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
//
// A route with roles has the Lambda authorizer: the same checks, then any one of
// the scopes in a user's token, or any one of the roles in an app-only token.
// What it refuses is answered with 403 whatever the reason; only a request
// without a token gets 401.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
//
// A retired scope stays in the routes but is in no token that Entra issues from
// now on; tokens issued before carry it until they expire, about an hour by
// default and up to a day under a token lifetime policy.
func (m Model) Matrix() Matrix {
	d := newDecider(m)
	mx := Matrix{
		Routes:  make([]string, 0, len(m.Routes)),
		Callers: d.callers(),
		Cells:   make(map[string]map[string]Decision, len(m.Routes)),
	}
	for _, r := range m.Routes {
		if _, seen := mx.Cells[r.Key]; seen {
			continue
		}
		row := make(map[string]Decision, len(mx.Callers))
		for _, c := range mx.Callers {
			row[c.ID] = d.decide(r, c)
		}
		mx.Routes = append(mx.Routes, r.Key)
		mx.Cells[r.Key] = row
	}
	return mx
}

// decider is a model prepared for deciding.
type decider struct {
	model   Model
	live    map[string]Scope  // scopes that new tokens can carry
	roles   map[string]bool   // roles that new tokens can carry
	clients map[string]Client // by name
	user    []string          // live scopes that users may consent to
	signIn  []Client          // delegated clients
}

func newDecider(m Model) decider {
	d := decider{model: m, live: map[string]Scope{}, roles: map[string]bool{}, clients: map[string]Client{}}
	for _, s := range m.Scopes {
		if s.Retired() {
			continue
		}
		d.live[s.Value] = s
		if s.Consent == ConsentUser {
			d.user = append(d.user, s.Value)
		}
	}
	for _, r := range m.Roles {
		if !r.Retired() {
			d.roles[r.Value] = true
		}
	}
	for _, c := range m.Clients {
		d.clients[c.Name] = c
		if c.Kind.IsDelegated() {
			d.signIn = append(d.signIn, c)
		}
	}
	return d
}

// callers returns the columns, always in the same order.
func (d decider) callers() []Caller {
	callers := []Caller{{ID: "anonymous", Title: "no token", Kind: CallerAnonymous}}
	first := ""
	for _, c := range d.signIn {
		if first == "" {
			first = c.Name
		}
		callers = append(callers, Caller{ID: c.Name + ":user", Title: "user of " + c.Name, Kind: CallerUser, Client: c.Name})
	}
	for _, c := range d.model.Clients {
		if c.Kind == ClientDaemon {
			callers = append(callers, Caller{ID: c.Name + ":app", Title: "daemon " + c.Name, Kind: CallerDaemon, Client: c.Name})
		}
	}
	if slices.ContainsFunc(d.model.Routes, Route.HasRoles) {
		callers = append(callers,
			Caller{ID: "user-with-roles", Title: "user whose token carries the roles too", Kind: CallerUserWithRoles, Client: first},
			Caller{ID: "wrong-role", Title: "daemon with a role that no route asks for", Kind: CallerWrongRole},
		)
	}
	return append(callers,
		Caller{ID: "unassigned-user", Title: "user who is not assigned to the API", Kind: CallerUnassignedUser, Client: first},
		Caller{ID: "unassigned-daemon", Title: "daemon without a role on the API", Kind: CallerUnassignedDaemon},
		Caller{ID: "other-client", Title: "user of any other client of the tenant", Kind: CallerOtherClient},
		Caller{ID: "graph-token", Title: "token for Microsoft Graph", Kind: CallerGraphToken},
		Caller{ID: "other-tenant", Title: "token of another tenant", Kind: CallerOtherTenant},
		Caller{ID: "v1-token", Title: "v1 token for the API", Kind: CallerV1Token},
		Caller{ID: "id-token", Title: "ID token in place of an access token", Kind: CallerIDToken, Client: first},
		Caller{ID: "expired-token", Title: "expired token for the API", Kind: CallerExpired, Client: first},
	)
}

// decide decides one cell.
func (d decider) decide(r Route, c Caller) Decision {
	if r.IsPublic() {
		return Decision{Allowed: true, By: "public", Reason: ReasonPublic, Words: "allowed: public"}
	}
	switch c.Kind {
	case CallerUser:
		return d.delegated(r, d.clients[c.Client])
	case CallerDaemon:
		return d.daemon(r, d.clients[c.Client])
	case CallerUnassignedUser:
		return d.unassignedUser(r)
	case CallerUnassignedDaemon:
		return d.unassignedDaemon(r)
	case CallerUserWithRoles:
		return d.userWithRoles(r, d.clients[c.Client])
	case CallerWrongRole:
		return d.appOnly(r, nil, "a role that no route asks for")
	case CallerOtherClient:
		return d.otherClient(r)
	case CallerGraphToken:
		return badToken(r, ReasonWrongAudience, "the token is for Microsoft Graph")
	case CallerOtherTenant:
		return badToken(r, ReasonWrongIssuer, "the token is of another tenant")
	case CallerV1Token:
		return badToken(r, ReasonWrongIssuer, "a v1 token names another issuer")
	case CallerIDToken:
		return badToken(r, ReasonWrongAudience, "an ID token is for the client, not the API")
	case CallerExpired:
		return badToken(r, ReasonExpired, "the token has expired"+d.cached(r))
	default:
		return refused(401, ReasonNoToken, "no token")
	}
}

// cached says that a decision outlives the token that it was made about.
func (d decider) cached(r Route) string {
	seconds := d.model.CacheSeconds()
	if !r.HasRoles() || seconds == 0 {
		return ""
	}
	return fmt.Sprintf("; who was allowed before it did may be for %d s more", seconds)
}

// delegated decides for an assigned user of a client of the model.
func (d decider) delegated(r Route, c Client) Decision {
	if d.model.Assignment.IsRequired() && !d.model.Assignment.hasUsers() {
		return noToken(ReasonNotAssigned, "no user is assigned to the API (AADSTS50105)")
	}
	return d.withScopes(r, c)
}

// withScopes decides for a user whom Entra lets sign in to the client.
func (d decider) withScopes(r Route, c Client) Decision {
	has := d.liveScopes(c.Scopes)
	for _, want := range r.Scopes {
		if slices.Contains(has, want) {
			return allowedBy(want, "")
		}
	}
	if len(has) == 0 {
		decision := noToken(ReasonNotConsented, c.Name+" is granted no scope (AADSTS65001)"+d.consentable(r))
		decision.Uncertain = len(c.Scopes) > 0 // Microsoft does not say what a grant of retired scopes alone gives
		return decision
	}
	return d.missingScope(r, "has "+strings.Join(has, " "), d.consentable(r))
}

// userWithRoles decides for a token that carries the scopes of the client and
// all roles. It is made, not issued, so nobody needs to be assigned.
func (d decider) userWithRoles(r Route, c Client) Decision {
	has := d.liveScopes(c.Scopes)
	for _, want := range r.Scopes {
		if slices.Contains(has, want) {
			return allowedBy(want, "")
		}
	}
	return d.missingScope(r, "a user's roles count for nothing", "")
}

// missingScope refuses a user's token, of which the first words say what it has.
func (d decider) missingScope(r Route, has, more string) Decision {
	if r.HasRoles() && len(r.Scopes) == 0 {
		return refused(403, ReasonDaemonsOnly, has+", and only daemons may call: needs "+d.needs(r))
	}
	return refused(403, ReasonMissingScope, has+", needs "+d.needs(r)+more)
}

// daemon decides for a daemon of the model.
func (d decider) daemon(r Route, c Client) Decision {
	live := slices.ContainsFunc(c.Roles, func(role string) bool { return d.roles[role] })
	if !live && d.model.Assignment.IsRequired() {
		decision := noToken(ReasonNotAssigned, c.Name+" holds no role of the API (AADSTS501051)")
		decision.Uncertain = len(c.Roles) > 0 // Microsoft does not say whether a disabled role still counts as assigned
		return decision
	}
	has := d.liveRoles(c.Roles)
	if len(has) == 0 {
		return d.appOnly(r, nil, "no role")
	}
	return d.appOnly(r, has, strings.Join(has, " "))
}

// unassignedUser decides for a user of whichever delegated client of the model
// lets them furthest.
func (d decider) unassignedUser(r Route) Decision {
	if d.model.Assignment.IsRequired() {
		return noToken(ReasonNotAssigned, "not assigned to the API (AADSTS50105)")
	}
	if len(d.signIn) == 0 {
		return d.otherClient(r)
	}
	for _, c := range d.signIn {
		if decision := d.withScopes(r, c); decision.Allowed {
			decision.Client = c.Name
			decision.Words += " through " + c.Name
			return decision
		}
	}
	decision := d.withScopes(r, d.signIn[0])
	decision.Client = d.signIn[0].Name
	return decision
}

func (d decider) unassignedDaemon(r Route) Decision {
	if d.model.Assignment.IsRequired() {
		return noToken(ReasonNotAssigned, "holds no role of the API (AADSTS501051)")
	}
	return d.appOnly(r, nil, "no role")
}

// otherClient decides for an assigned user of a client outside the model, who
// consents to whatever users may consent to.
//
// Where assignment is required this is uncertain: Microsoft says that users
// cannot consent to an application that requires assignment, without saying
// whether that means the client or the API. The matrix says what the worse case
// allows.
// https://learn.microsoft.com/entra/identity-platform/howto-restrict-your-app-to-a-set-of-users
func (d decider) otherClient(r Route) Decision {
	required := d.model.Assignment.IsRequired()
	if required && !d.model.Assignment.hasUsers() {
		return noToken(ReasonNotAssigned, "no user is assigned to the API (AADSTS50105)")
	}
	if len(d.user) == 0 {
		return noToken(ReasonNotConsented, "only administrators may consent (AADSTS65001)")
	}
	for _, want := range r.Scopes {
		if slices.Contains(d.user, want) {
			who := ", to which any user may consent"
			if required {
				who = ", to which assigned users may be able to consent"
			}
			decision := allowedBy(want, who)
			decision.Uncertain = required
			return decision
		}
	}
	decision := d.missingScope(r, "users may consent to "+strings.Join(d.user, " ")+" only", "")
	decision.Uncertain = required
	return decision
}

// appOnly decides for an app-only token of this tenant for the API, with the
// roles that it has, in words too.
func (d decider) appOnly(r Route, has []string, words string) Decision {
	if !r.HasRoles() {
		return refused(403, ReasonAppOnly, "an app-only token has no scope, needs "+d.needs(r))
	}
	for _, want := range r.Roles {
		if slices.Contains(has, want) {
			return Decision{Allowed: true, By: want, Reason: ReasonRole, Words: "allowed by role " + want}
		}
	}
	return refused(403, ReasonMissingRole, "has "+words+", needs "+d.needs(r))
}

// liveRoles returns those of the values that a new token carries, in order.
func (d decider) liveRoles(values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(value string) bool { return !d.roles[value] })
}

// liveScopes returns those of the values that a new token carries, in order.
func (d decider) liveScopes(values []string) []string {
	var live []string
	for _, v := range values {
		if _, ok := d.live[v]; ok && !slices.Contains(live, v) {
			live = append(live, v)
		}
	}
	return live
}

// needs words the scopes and roles of a route, any of which is enough.
func (d decider) needs(r Route) string {
	if len(r.Scopes)+len(r.Roles) == 0 {
		return "a scope, and the route names none"
	}
	var words []string
	add := func(word string, live bool) {
		if !live {
			word += " (retired)"
		}
		words = append(words, word)
	}
	for _, s := range r.Scopes {
		_, live := d.live[s]
		add(s, live)
	}
	for _, role := range r.Roles {
		add("role "+role, d.roles[role])
	}
	return strings.Join(words, " or ")
}

// consentable words which of a route's scopes a user could add by consenting.
func (d decider) consentable(r Route) string {
	for _, s := range r.Scopes {
		if slices.Contains(d.user, s) {
			return fmt.Sprintf("; users may consent to %s", s)
		}
	}
	return ""
}

func allowedBy(scope, how string) Decision {
	return Decision{Allowed: true, By: scope, Reason: ReasonScope, Words: "allowed by " + scope + how}
}

func refused(status int, reason Reason, words string) Decision {
	return Decision{Status: status, Reason: reason, Words: fmt.Sprintf("refused %d: %s", status, words)}
}

// badToken refuses a token that is not good for the API at all.
func badToken(r Route, reason Reason, words string) Decision {
	if r.HasRoles() {
		return refused(403, reason, words) // a Lambda authorizer says yes or no
	}
	return refused(401, reason, words)
}

func noToken(reason Reason, words string) Decision {
	return Decision{Reason: reason, Words: "no token: " + words}
}
