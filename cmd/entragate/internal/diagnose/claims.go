package diagnose

import (
	"fmt"
	"strings"
	"time"
)

// when writes a time of a token, and how far it is from the decision.
func (x *explainer) when(at float64) string {
	words := timeWords(at)
	const century = 100 * 365 * 24 * 3600
	away := at - float64(x.now.Unix())
	switch {
	case away > century || away < -century:
		return words
	case away > 0:
		return fmt.Sprintf("%s (in %s)", words, span(away))
	}
	return fmt.Sprintf("%s (%s ago)", words, span(-away))
}

// span writes seconds as people say them.
func span(seconds float64) string {
	d := time.Duration(seconds) * time.Second
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

func (x *explainer) explainExpiry() Check {
	want := "later than " + x.now.UTC().Format(time.RFC3339)
	at, ok := seconds(x.token.claims["exp"])
	if !ok {
		return Check{
			Cause: CauseNoExpiry, Got: "no exp that is a number", Want: want,
			Why: "the token does not say when it expires, which the gateway takes as expired or as no token",
			Fix: "Tokens of Entra always say it: find out who made this. " + x.ask(),
		}
	}
	return Check{
		Cause: CauseExpired, Got: x.when(at), Want: want,
		Why: "the token has expired, and the gateway gives no leeway",
		Fix: "Get a new one: access tokens live 60 to 90 minutes, so clients must not keep them longer than expires_in; MSAL sees to that. " +
			"If it is new, compare the clocks.",
	}
}

// explainFuture is about a time that has not come.
func (x *explainer) explainFuture(claim string, cause Cause) Check {
	c := Check{
		Cause: cause, Got: fmt.Sprintf("a %s that is no number", claim), Want: "not later than " + x.now.UTC().Format(time.RFC3339),
		Why: fmt.Sprintf("%s is no number, as it is in every token of Entra's", claim),
		Fix: "Find out who made the token. " + x.ask(),
	}
	if at, ok := seconds(x.token.claims[claim]); ok {
		c.Got = x.when(at)
		c.Why = fmt.Sprintf("%s has not come yet by the clock here, and the gateway gives no leeway", claim)
		c.Fix = "Compare the clock here with the right time: Entra dates tokens some minutes back, so that its tokens are valid at once. " +
			"If the clock is right, the token is not Entra's."
	}
	return c
}

// issuerWords are what the token says of its issuer.
func (x *explainer) issuerWords() string {
	if iss, ok := x.token.claims["iss"].(string); ok {
		return x.token.tidy(iss)
	}
	return "no iss that is text"
}

func (x *explainer) explainIssuer() Check {
	c := Check{Cause: x.origin(), Got: x.issuerWords(), Want: x.Tenant.Issuer(), Fix: x.originFix(x.origin())}
	switch c.Cause {
	case CausePersonalAccount:
		c.Why = "the user signed in with a personal Microsoft account, whose tokens are of a tenant that all of them share"
	case CauseOtherTenant:
		c.Why = "the token is of the tenant " + x.token.tidy(x.tokenTenant()) + ". An authority of common or organizations signs users " +
			"in to their home tenant, guests of this one too"
	case CauseV1Token:
		c.Why = "the token is a v1 token (ver 1.0), whose issuer is another than that of v2 tokens. Which one a client gets is decided by " +
			"the API's application, not by the endpoint that it asks"
		x.v1OfAnother(&c)
	default:
		c.Cause = CauseOtherIssuer
		c.Why = "the gateway compares issuers byte for byte: the token is of another cloud, or not of Entra at all"
	}
	return c
}

// v1OfAnother is about a v1 token that is not for this API: no setting of this
// one would change it.
func (x *explainer) v1OfAnother(c *Check) {
	resource := x.resource()
	if resource == "" || resource == CauseAudienceURI {
		return
	}
	c.Cause = resource
	c.Why = "a v1 token names another issuer, and this one is v1 since it is not for this API: " + x.audienceWords()
	c.Fix = x.ask()
	if resource == CauseIDToken {
		c.Why = "this is an ID token of Entra's v1 endpoint"
		c.Fix = "Send the access token, not the ID token, and sign in at " + x.Tenant.Authority() + "/v2.0. " + x.ask()
	}
}

// originFix is what to do about a token from elsewhere.
func (x *explainer) originFix(origin Cause) string {
	authority := "Sign in at this stack's tenant: the authority is " + x.Tenant.Authority() + ", not common, organizations or consumers."
	switch origin {
	case CausePersonalAccount:
		return authority + " A personal account can sign in there once it is a guest of the tenant."
	case CauseOtherTenant:
		return authority + " Guests, too, sign in there and not at their home tenant."
	case CauseV1Token:
		return "Set requestedAccessTokenVersion to 2 on the API's application (accessTokenAcceptedVersion in old manifests). The stack sets " +
			"it, so somebody has changed it: deploy again, and get a new token. `entragate doctor` checks it."
	}
	return authority + " Check cloud and loginHost of the stack too."
}

func (x *explainer) explainAudience() Check {
	c := Check{Cause: x.resource(), Got: x.audienceWords(), Want: x.Audience, Fix: x.ask()}
	if _, isList := x.token.claims["aud"].([]any); isList {
		c.Cause = CauseOtherAPI
		c.Why = "aud is a list, as it is in no token of Entra's"
		c.Fix = "Find out who made the token. " + x.ask()
		return c
	}
	switch c.Cause {
	case CauseIDToken:
		c.Why = "this is an ID token: it tells the client who signed in, and is for nobody else"
		c.Fix = "Send access_token of the token endpoint's answer, not id_token. " + x.ask()
	case CauseGraphToken:
		c.Why = "the client asked for a scope of Microsoft Graph, such as User.Read, or for none of this API. A token is for one API alone"
	case CauseAudienceURI:
		c.Why = "aud is the API's URI, as it may be in v1 tokens; that of v2 tokens is always the client id, and the gateway takes no other"
		c.Fix = x.originFix(CauseV1Token)
	case CauseNoAudience:
		c.Why = "the token has no aud that is text, as every token of Entra's has"
		c.Fix = "Find out who made it. " + x.ask()
	default:
		c.Cause = CauseOtherAPI
		c.Why = "the client asked for a scope of another API. A token is for one API alone"
	}
	return c
}

func (x *explainer) explainTenant() Check {
	got := x.token.tidy(x.token.text("tid"))
	if got == "" {
		got = "no tid that is text"
	}
	c := Check{
		Cause: CauseOtherTenant, Got: got, Want: x.tenantID(),
		Why: "tid and iss do not name the same tenant, as they do in every token of Entra's", Fix: x.originFix(CauseOtherTenant),
	}
	if strings.EqualFold(x.token.text("tid"), personalTenant) {
		c.Cause, c.Fix = CausePersonalAccount, x.originFix(CausePersonalAccount)
	}
	return c
}

func (x *explainer) explainVersion() Check {
	got := x.token.tidy(x.token.text("ver"))
	if got == "" {
		got = "no ver that is text"
	}
	c := Check{
		Cause: CauseV1Token, Got: got, Want: "2.0",
		Why: "the authorizer of routes with roles takes v2 tokens only", Fix: x.originFix(CauseV1Token),
	}
	x.v1OfAnother(&c)
	return c
}
