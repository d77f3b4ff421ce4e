package authorize

import (
	"slices"
	"strings"
	"time"

	"github.com/entragate/entragate/access/policy"
)

// claims are those of a token whose signature is verified.
type claims map[string]any

// text returns a claim that must be a string where it is present at all.
func (c claims) text(name string) (value string, present, ok bool) {
	raw, present := c[name]
	if !present {
		return "", false, true
	}
	value, ok = raw.(string)
	return value, true, ok
}

// judge decides what a verified token may do in a request that was received at
// a time. There is no leeway: the
// clocks of AWS and Entra are both kept.
func (a *Authorizer) judge(c claims, route policy.Route, received time.Time) verdict {
	if reason := a.check(c, received); reason != none {
		return verdict{reason: reason, claims: c}
	}
	who, ok := c.caller()
	if !ok {
		return verdict{reason: ReasonNotAnAccessToken, claims: c}
	}
	by, reason := who.allowedBy(route)
	return verdict{reason: reason, by: by, claims: c, caller: who}
}

// check looks at what is the same for all routes. A claim that is missing or of
// another type is not the one that is wanted.
func (a *Authorizer) check(c claims, received time.Time) Reason {
	now := float64(received.UnixMilli()) / 1000
	switch {
	case c["iss"] != a.config.Issuer:
		return ReasonWrongIssuer
	case c["aud"] != a.config.Audience: // Entra's is a string, never a list
		return ReasonWrongAudience
	}
	expires, ok := c["exp"].(float64)
	if !ok {
		return ReasonMalformed
	}
	if expires <= now {
		return ReasonExpired
	}
	for _, limit := range []struct {
		name   string
		reason Reason
	}{{"nbf", ReasonNotYetValid}, {"iat", ReasonIssuedInFuture}} {
		raw, present := c[limit.name]
		at, ok := raw.(float64)
		if present && !ok {
			return ReasonMalformed
		}
		if at > now {
			return limit.reason
		}
	}
	switch {
	case c["tid"] != a.config.TenantID:
		return ReasonWrongTenant
	case c["ver"] != "2.0":
		return ReasonWrongVersion
	}
	return none
}

// caller is who a token speaks for.
type caller struct {
	azp, oid, sub, tid, uti string
	scp, idtyp              string
	hasScp, hasIdtyp        bool
	roles                   []string
}

// caller reads the claims of an access token. It is not ok when one of them has
// another type than Entra's.
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
func (c claims) caller() (who caller, ok bool) {
	ok = true
	read := func(name string) (string, bool) {
		value, present, isText := c.text(name)
		ok = ok && isText
		return value, present
	}
	who.azp, _ = read("azp")
	who.oid, _ = read("oid")
	who.sub, _ = read("sub")
	who.tid, _ = read("tid")
	who.uti, _ = read("uti")
	who.scp, who.hasScp = read("scp")
	who.idtyp, who.hasIdtyp = read("idtyp")
	raw, present := c["roles"]
	list, isList := raw.([]any)
	ok = ok && (isList || !present)
	for _, element := range list {
		role, isText := element.(string)
		ok = ok && isText
		who.roles = append(who.roles, role)
	}
	return who, ok
}

// allowedBy returns the scope or the role that lets the caller call the route.
// A user may have roles too, and an ID token may have them without any scope:
// roles count only where Entra says that the token is an application's own.
// https://learn.microsoft.com/entra/identity-platform/optional-claims-reference
func (who caller) allowedBy(route policy.Route) (string, Reason) {
	switch {
	case who.delegated():
		return first(route.Scopes, strings.Split(who.scp, " "), ReasonMissingScope)
	case !who.hasScp && who.idtyp == "app":
		return first(route.Roles, who.roles, ReasonMissingRole)
	default:
		return "", ReasonNotAnAccessToken
	}
}

// delegated reports whether the token is a user's. Entra says "user" only where
// the API asks for that.
func (who caller) delegated() bool {
	return who.scp != "" && (!who.hasIdtyp || who.idtyp == "user")
}

// first returns the first wanted value that is there.
func first(wanted, has []string, otherwise Reason) (string, Reason) {
	for _, want := range wanted {
		if slices.Contains(has, want) {
			return want, none
		}
	}
	return "", otherwise
}

// context is what the backend and the access log see of the caller. What the
// token does not have is left out.
func (who caller) context(by string) map[string]any {
	kind := "app"
	if who.delegated() {
		kind = "user"
	}
	all := map[string]any{"by": by, "idtyp": kind}
	for name, value := range map[string]string{
		"azp": who.azp, "oid": who.oid, "sub": who.sub, "tid": who.tid, "uti": who.uti,
		"scp": who.scp, "roles": strings.Join(who.roles, " "),
	} {
		if value != "" {
			all[name] = value
		}
	}
	return all
}
