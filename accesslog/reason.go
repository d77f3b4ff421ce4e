package accesslog

import (
	"slices"
	"strconv"
	"strings"
)

// Reason is why a call was not answered as its caller wished. The empty one says
// that it was.
type Reason string

// The reasons for which the gateway refuses calls.
const (
	NoToken           Reason = "no token"
	Malformed         Reason = "malformed token"
	Expired           Reason = "expired"
	NotYetValid       Reason = "not yet valid"
	WrongAudience     Reason = "wrong audience"
	WrongIssuer       Reason = "wrong issuer"
	BadSignature      Reason = "bad signature or key"
	IssuerUnavailable Reason = "issuer unavailable"
	MissingScope      Reason = "missing scope"
	// RoleRefused is by the Lambda authorizer of routes with roles, whose own log
	// says why: see [FunctionReasons].
	RoleRefused Reason = "refused by the role authorizer"
	Throttled   Reason = "throttled"
	NoRoute     Reason = "no such route"
	// Other is a refusal that none of the texts above is known for.
	Other Reason = "other"
)

// Reasons that are no refusals by the gateway.
const (
	AuthorizerFailed  Reason = "authorizer failed"
	IntegrationFailed Reason = "backend not reached"
	BackendRefused    Reason = "refused by the backend"
	BackendFailed     Reason = "backend failed"
)

// rule tells one refusal from the others, by what the fields hold: the status,
// and the authorizer's error, which may be any one of several texts, in which *
// stands for anything.
type rule struct {
	reason Reason
	metric string
	status string
	errors []string
	// unrouted is whether it is only where no route was found.
	unrouted bool
}

// errorRules are those that go by the error of the JWT authorizer. It is the
// text of the Go library jwt-go behind its code of RFC 6750, as far as public
// reports show: those of segments, signing method, audience, the discovery
// document and the key set were seen. The rest is not documented, so that the
// rules take the words that such a text cannot do without, and [Other] what they
// miss. The first one that matches counts.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-jwt.html
var errorRules = []rule{
	{reason: Malformed, metric: "Malformed", errors: []string{"*segments*", "*malformed*", "*signing method*"}},
	{reason: IssuerUnavailable, metric: "IssuerUnavailable", errors: []string{"*communication error*", "*the issuer in*"}},
	{reason: BadSignature, metric: "BadSignature", errors: []string{"*signature*", "*verification error*", "*key*"}},
	{reason: Expired, metric: "Expired", errors: []string{"*expired*"}},
	{reason: NotYetValid, metric: "NotYetValid", errors: []string{"*not valid yet*", "*in the future*", "*before issued*"}},
	{reason: WrongIssuer, metric: "WrongIssuer", errors: []string{"*issuer*"}},
	{reason: WrongAudience, metric: "WrongAudience", errors: []string{"*audience*"}},
	{reason: MissingScope, metric: "MissingScope", errors: []string{"*scope*"}},
}

// plainRules are those of refusals without an error. That a missing token and a
// Lambda authorizer that says no leave none is a guess.
var plainRules = []rule{
	{reason: NoToken, metric: "NoToken", status: "401", errors: []string{unset}},
	{reason: RoleRefused, metric: "ByRoleAuthorizer", status: "403", errors: []string{unset}},
	{reason: Throttled, metric: "Throttled", status: "429", errors: []string{unset}},
	{reason: NoRoute, metric: "NoRoute", status: "404", errors: []string{unset}, unrouted: true},
}

// Refused reports whether the gateway itself refused the call: the backend was
// not asked.
func (l Line) Refused() bool { return l.Status/100 == 4 && l.IntegrationStatus == 0 }

// Reason is why the call was not answered as the caller wished.
func (l Line) Reason() Reason {
	switch {
	case l.Refused():
		for _, r := range slices.Concat(errorRules, plainRules) {
			if r.matches(l) {
				return r.reason
			}
		}
		return Other
	case l.Status/100 == 4:
		return BackendRefused
	case l.Status/100 == 5 && l.IntegrationStatus/100 == 5:
		return BackendFailed
	case l.Status/100 == 5 && l.AuthorizerError != "":
		return AuthorizerFailed
	case l.Status/100 == 5:
		return IntegrationFailed
	}
	return ""
}

func (r rule) matches(l Line) bool {
	if r.status != "" && r.status != strconv.Itoa(l.Status) || r.unrouted && l.RouteKey != "" {
		return false
	}
	return slices.ContainsFunc(r.errors, func(pattern string) bool { return like(l.AuthorizerError, pattern) })
}

// like reports whether a value is as the pattern, in which * at both ends stands
// for anything.
func like(value, pattern string) bool {
	if pattern == unset {
		return value == ""
	}
	return strings.Contains(value, strings.Trim(pattern, "*"))
}

// Words say what happened.
func (r Reason) Words() string { return told[r].words }

// Advice is what to do about it, for whoever runs the API.
func (r Reason) Advice() string { return told[r].advice }

var told = map[Reason]struct{ words, advice string }{
	"": {"answered", ""},
	NoToken: {
		"the request had no token",
		"The caller must send `Authorization: Bearer <access token>`. Browsers do so only where CORS allows the header.",
	},
	Malformed: {
		"what was sent is no token that the gateway reads: a JSON Web Token, signed with RS256",
		"Send the access token for this API, whole and unchanged; a refresh token, an opaque or an encrypted one is none.",
	},
	Expired: {
		"the token had expired",
		"The client keeps tokens too long, or its clock is wrong. Have it get a new one before expires_in is over, as MSAL does by itself.",
	},
	NotYetValid: {
		"the token is not valid yet",
		"Compare clocks: Entra's tokens are valid five minutes before they are issued, so this is a wrong clock or a forged token.",
	},
	WrongAudience: {
		"the token is for another API",
		"The client asked for another scope, such as one of Microsoft Graph. It must ask for a scope of this API: api://<client id>/<scope>.",
	},
	WrongIssuer: {
		"the token is from another tenant, or a v1 token",
		"Sign in at this stack's tenant, and see that the API's application has requestedAccessTokenVersion 2: `entragate doctor` checks it.",
	},
	BadSignature: {
		"the token's signature is not by a key that the gateway knows of this issuer",
		"One caller: a forged or changed token. Everyone: Entra rolled its keys and the gateway keeps the old ones, for up to two hours.",
	},
	IssuerUnavailable: {
		"the gateway could not read the issuer's discovery document or keys",
		"Every call is refused until it can. `entragate doctor` fetches both, within the gateway's limits of time and size.",
	},
	MissingScope: {
		"the token has none of the scopes of the route",
		"`entragate access` shows which clients have them. A daemon has none: it needs a route with roles.",
	},
	RoleRefused: {
		"the role authorizer refused the token",
		"Its log says why, by the request id; a decision that was kept is not logged again.",
	},
	MissingRole: {
		"the daemon's token has none of the roles of the route",
		"`entragate access` shows which clients have them. Roles that were just given are in the next token, not in one that it keeps.",
	},
	WrongToken: {
		"the token is no access token of this API: neither a user's with scopes nor a daemon's own",
		"Send the access token, not the ID token. A daemon's has idtyp \"app\" only where the API's application asks for that optional claim.",
	},
	Throttled: {
		"the route was called more often than its throttle allows",
		"If the traffic is wanted, raise throttle of the route; else look at who calls.",
	},
	NoRoute: {
		"there is no route for the method and path",
		"Compare with `entragate access`: the gateway has no 405, so a wrong method counts as well.",
	},
	Other: {
		"the gateway refused the call for a reason that is not known here",
		"authorizerError and errorType of the line are all there is. AWS may have changed a text: please report it.",
	},
	AuthorizerFailed: {
		"the role authorizer failed, so that the call was refused",
		"Its log says what went wrong. `entragate doctor` checks its permission and the issuer's keys.",
	},
	IntegrationFailed: {
		"the backend was not reached, or did not answer in time",
		"See integrationError, and the timeout of the backend.",
	},
	BackendRefused: {"the backend refused the call, which the gateway had let through", "See the backend's own log."},
	BackendFailed:  {"the backend failed", "See the backend's own log."},
}
