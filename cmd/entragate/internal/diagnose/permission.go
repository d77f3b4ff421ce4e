package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/entragate/entragate/access"
)

// permission is the check that may let the token do what it asks for: of routes
// with roles, a user's scopes count, or else an application's roles.
func (x *explainer) permission() CheckName {
	if x.report.Authorizer == AuthorizerJWT || x.token.text("scp") != "" {
		return CheckScope
	}
	return CheckRole
}

func (x *explainer) retiredScope(value string) bool {
	return slices.ContainsFunc(x.Model.Scopes, func(s access.Scope) bool { return s.Value == value && s.Retired() })
}

func (x *explainer) retiredRole(value string) bool {
	return slices.ContainsFunc(x.Model.Roles, func(r access.Role) bool { return r.Value == value && r.Retired() })
}

// consentable are the scopes of the route that users may consent to.
func (x *explainer) consentable() []string {
	var values []string
	for _, s := range x.Model.Scopes {
		if slices.Contains(x.route.Scopes, s.Value) && !s.Retired() && s.Consent == access.ConsentUser {
			values = append(values, s.Value)
		}
	}
	return values
}

// allowedBy says what allows the call.
func (x *explainer) allowedBy() string {
	kind, retired := "scope", x.retiredScope(x.report.By)
	if x.permission() == CheckRole {
		kind, retired = "role", x.retiredRole(x.report.By)
	}
	words := fmt.Sprintf("allowed by %s %s", kind, clip(x.report.By))
	if retired {
		words += ", which is retired: no new token carries it, so that calls end when the last such token expires"
	}
	return words
}

// permit is what scopes and roles have in common: what a route wants, who holds
// it, and what this token's client holds.
type permit struct {
	kind    string   // "scope" or "role"
	wanted  []string // by the route
	retired func(value string) bool
	held    func(access.Client) []string
}

func (x *explainer) scopePermit() permit {
	return permit{"scope", x.route.Scopes, x.retiredScope, func(c access.Client) []string { return c.Scopes }}
}

func (x *explainer) rolePermit() permit {
	return permit{"role", x.route.Roles, x.retiredRole, func(c access.Client) []string { return c.Roles }}
}

// live are the values that new tokens can carry.
func (p permit) live(values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), p.retired)
}

// of are the values that the route wants and a client holds.
func (p permit) of(c access.Client) []string {
	return slices.DeleteFunc(slices.Clone(p.wanted), func(value string) bool { return !slices.Contains(p.held(c), value) })
}

// words are what the route wants.
func (p permit) words() string {
	words := make([]string, len(p.wanted))
	for i, value := range p.wanted {
		if words[i] = value; p.retired(value) {
			words[i] += " (retired)"
		}
	}
	if len(words) == 0 {
		return "no " + p.kind + " is enough"
	}
	return p.kind + " " + strings.Join(words, " or ")
}

// holders are the clients that hold what the route wants, in words.
func (p permit) holders(clients []access.Client) string {
	var names []string
	for _, c := range clients {
		if len(p.live(p.of(c))) > 0 {
			names = append(names, c.Name)
		}
	}
	if len(names) == 0 {
		return fmt.Sprintf("no client of the stack holds a %s of the route", p.kind)
	}
	return "held by " + strings.Join(names, ", ")
}

func (x *explainer) explainScope() Check {
	p := x.scopePermit()
	has := strings.Join(x.token.tidyAll(x.token.scopes()), " ")
	c := Check{Got: "scp " + has, Want: p.words()}
	if has == "" {
		c.Got = "no scp"
	}
	switch {
	case x.isIDToken():
		c.Cause = CauseIDToken
		c.Why = "this is an ID token: it has no scopes, and tells the client who signed in"
		c.Fix = "Send access_token of the token endpoint's answer, not id_token. " + x.ask()
	case !x.token.has("scp"):
		x.appOnlyOnScopes(&c, p)
	case len(p.wanted) == 0:
		c.Cause, c.Want = CauseDaemonsOnly, x.rolePermit().words()+", in an app-only token"
		c.Why = "the route has roles and no scopes, so that only daemons may call it" + x.rolesOfUser()
		c.Fix = "Call as a daemon (" + x.rolePermit().holders(x.Model.Clients) + "), or add scopes to the route for users."
	default:
		x.missing(&c, p)
		c.Why += x.rolesOfUser()
	}
	return c
}

// rolesOfUser says what roles in a user's token count for.
func (x *explainer) rolesOfUser() string {
	if len(x.token.list("roles")) == 0 {
		return ""
	}
	return ". The token has roles too: a user's roles count for nothing here"
}

// appOnlyOnScopes is about a daemon's token on a route that is for users.
func (x *explainer) appOnlyOnScopes(c *Check, p permit) {
	c.Cause = CauseAppOnly
	c.Why = "the token is an application's own: it has no scp, since scopes are for users, and API Gateway's JWT authorizer does not look at roles"
	if roles := x.token.tidyAll(x.token.list("roles")); len(roles) > 0 {
		c.Got += ", roles " + strings.Join(roles, " ")
	}
	c.Fix = fmt.Sprintf("Give the route roles, so that daemons may call it (roles: [...] in its declaration), or sign a user in (%s).",
		p.holders(x.Model.Clients))
}

func (x *explainer) explainRole() Check {
	p := x.rolePermit()
	c := Check{Got: "no roles", Want: p.words()}
	if has := x.token.tidyAll(x.token.list("roles")); len(has) > 0 {
		c.Got = "roles " + strings.Join(has, " ")
	}
	x.missing(&c, p)
	return c
}

// missing says why the token has nothing that the route wants, by what its client
// holds.
func (x *explainer) missing(c *Check, p permit) {
	client, known := x.client()
	held := p.of(client)
	live := p.live(held)
	holders := p.holders(x.Model.Clients)
	consentable := x.consentable()
	isScope := p.kind == "scope"
	pick := func(scope, role Cause) Cause {
		if isScope {
			return scope
		}
		return role
	}
	switch resource := x.resource(); {
	case resource == CauseGraphToken || resource == CauseOtherAPI:
		c.Cause = resource
		c.Why = fmt.Sprintf("its %ss are those of the API that it is for: %s", p.kind, x.audienceWords())
		c.Fix = x.ask()
	case len(p.live(p.wanted)) == 0, known && len(held) > 0 && len(live) == 0:
		c.Cause = pick(CauseScopeRetired, CauseRoleRetired)
		c.Why = fmt.Sprintf("Entra puts a retired %s into no new token", p.kind)
		c.Fix = fmt.Sprintf("Let the route take an active %s and grant that to the client, or make the retired one active again.", p.kind)
	case known && len(live) > 0 && isScope:
		c.Cause = CauseScopeNotInToken
		c.Why = fmt.Sprintf("the stack grants %s to %s. The token does not carry it: the client did not ask for it, the token is from before "+
			"the grant, or the consent is missing in Entra, as it may where an administrator grants (grants: external)",
			strings.Join(live, " and "), client.Name)
		c.Fix = fmt.Sprintf("Ask for %s and get a new token, past the client's cache. If that does not help, `entragate doctor` checks the grant.",
			x.scopeURI(live[0]))
	case known && len(live) > 0:
		c.Cause = CauseRoleNotInToken
		c.Why = fmt.Sprintf("the stack assigns %s to %s, and the token does not carry it: it is from before the assignment, or the assignment "+
			"is missing in Entra, as it may be where an administrator grants (grants: external)", strings.Join(live, " and "), client.Name)
		c.Fix = fmt.Sprintf("Get a new token for api://%s/.default, past the client's cache. If that does not help, `entragate doctor` checks "+
			"the assignment.", x.Audience)
	case isScope && len(consentable) > 0:
		c.Cause = CauseScopeNeedsConsent
		c.Why = fmt.Sprintf("%s is not granted a scope of the route, but users may consent to %s themselves (%s)",
			x.report.Client, strings.Join(consentable, " and "), holders)
		c.Fix = fmt.Sprintf("Ask for %s: Entra then asks the user. Or grant it to the client in the stack.", x.scopeURI(consentable[0]))
	case !known:
		c.Cause = CauseUnknownClient
		c.Why = fmt.Sprintf("the token is of %s (%s)", x.report.Client, holders)
		c.Fix = fmt.Sprintf("Declare the client in the stack with the %s, or call with one that holds it.", p.kind)
	default:
		c.Cause = pick(CauseScopeNotGranted, CauseRoleNotGranted)
		c.Why = fmt.Sprintf("the stack grants %s no %s of the route (%s)", client.Name, p.kind, holders)
		c.Fix = fmt.Sprintf("Add %s to %ss of the client %s and deploy, or call with a client that holds it.",
			p.live(p.wanted)[0], p.kind, client.Name)
		if !isScope && client.Kind.IsDelegated() {
			c.Fix = "Roles are for daemons: call with one, or sign a user in on a route with scopes."
		}
	}
}

// explainCaller is about a token that the Lambda authorizer takes for neither a
// user's nor an application's.
func (x *explainer) explainCaller() Check {
	c := Check{Got: x.callerWords(), Want: `a user's token, with scp, or an application's, with idtyp "app" and without scp`}
	_, scopeIsText := x.token.claims["scp"].(string)
	_, kindIsText := x.token.claims["idtyp"].(string)
	switch {
	case x.isIDToken():
		c.Cause = CauseIDToken
		c.Why = "this is an ID token: it tells the client who signed in. It may carry roles, but they are no permission to call"
		c.Fix = "Send access_token of the token endpoint's answer, not id_token. " + x.ask()
	case x.token.has("scp") && !scopeIsText, x.token.has("idtyp") && !kindIsText, !x.rolesAreTexts(), !x.idsAreTexts():
		c.Cause = CauseClaimTypes
		c.Why = "scp, idtyp, azp and the ids must be texts and roles a list of texts, as Entra writes them"
		c.Fix = "Find out who made the token, or which claims mapping changed it. " + x.ask()
	case !x.token.has("scp", "idtyp"):
		c.Cause = CauseNoIdtyp
		c.Why = "the token has neither scp nor idtyp. Only idtyp says surely that a token is an application's own, and the API must ask for it " +
			"as an optional claim"
		c.Fix = "The stack asks for it, so somebody has changed the API's application, or the token is from before: deploy again and get a new token."
	default:
		c.Cause = CauseContradictory
		c.Why = "an application's token has no scp, and a user's has no idtyp but user: with both, nobody can say whose it is"
		c.Fix = "Find out who made the token, or which claims mapping changed it. " + x.ask()
	}
	return c
}

func (x *explainer) callerWords() string {
	var words []string
	for _, name := range []string{"scp", "idtyp", "roles"} {
		switch {
		case !x.token.has(name):
			words = append(words, "no "+name)
		case len(x.token.list(name)) == 0:
			words = append(words, "another "+name)
		default:
			words = append(words, name+" "+strings.Join(x.token.tidyAll(x.token.list(name)), " "))
		}
	}
	return strings.Join(words, ", ")
}

func (x *explainer) rolesAreTexts() bool {
	roles, isList := x.token.claims["roles"].([]any)
	return !x.token.has("roles") || isList && len(x.token.list("roles")) == len(roles)
}

func (x *explainer) idsAreTexts() bool {
	for _, name := range []string{"azp", "oid", "sub", "tid", "uti"} {
		if _, isText := x.token.claims[name].(string); x.token.has(name) && !isText {
			return false
		}
	}
	return true
}
