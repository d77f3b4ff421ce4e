package diagnose

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/entragate/entragate/sandbox/edge"
)

// explainFailure says why a check fails and what to do.
func (x *explainer) explainFailure(f failure) Check {
	switch f.name {
	case CheckForm:
		return x.explainForm()
	case CheckAlgorithm:
		return x.explainAlgorithm()
	case CheckKeys:
		return x.explainKeys(f.cause)
	case CheckKey:
		return x.explainKey()
	case CheckSignature:
		return x.explainSignature()
	case CheckExpiry:
		return x.explainExpiry()
	case CheckNotBefore:
		return x.explainFuture("nbf", CauseNotYetValid)
	case CheckIssuedAt:
		return x.explainFuture("iat", CauseIssuedInFuture)
	case CheckIssuer:
		return x.explainIssuer()
	case CheckAudience:
		return x.explainAudience()
	case CheckTenant:
		return x.explainTenant()
	case CheckVersion:
		return x.explainVersion()
	case CheckCaller:
		return x.explainCaller()
	case CheckScope:
		return x.explainScope()
	case CheckRole:
		return x.explainRole()
	}
	return Check{
		Cause: CauseOther, Why: "the authorizer refuses the token and says nothing that is known here",
		Fix: "Please report it: this command is behind what the authorizer checks.",
	}
}

// ask is how to get a token that is for this API.
func (x *explainer) ask() string {
	return fmt.Sprintf("Ask for a scope of this API: a user's client for %s, a daemon for api://%s/.default.", x.exampleScope(), x.Audience)
}

// scopeURI is what a client asks for to get a scope.
func (x *explainer) scopeURI(scope string) string { return "api://" + x.Audience + "/" + scope }

// exampleScope is one that a client could ask for, of the route if it has any.
func (x *explainer) exampleScope() string {
	for _, scope := range x.route.Scopes {
		if !x.retiredScope(scope) {
			return x.scopeURI(scope)
		}
	}
	return x.scopeURI("<scope>")
}

// explainForm is about what is no token. Nothing of it is repeated.
func (x *explainer) explainForm() Check {
	c := Check{
		Cause: CauseDamaged, Want: "three segments in base64url: header, claims and signature", Got: "a damaged token",
		Fix: "Copy the access token again, whole and unchanged.",
	}
	set := func(cause Cause, got, why, fix string) { c.Cause, c.Got, c.Why, c.Fix = cause, got, why, fix }
	switch x.token.form {
	case formJSON:
		set(CauseJSON, "a JSON document", "this is a JSON document, such as the whole answer of the token endpoint",
			"Take the value of its access_token alone.")
	case formEncrypted:
		set(CauseEncrypted, "five segments, of an encrypted token",
			"only the application that the token is for can read it: Entra encrypts tokens of applications with tokenEncryptionKeyId, "+
				"and those of some APIs of its own",
			"Take tokenEncryptionKeyId off the API's application, if it is there. "+x.ask())
	case formRefresh:
		set(CauseRefreshToken, "what begins as Entra's refresh tokens and codes do",
			"a refresh token or a code is exchanged at Entra's token endpoint and is no token for an API",
			"Send access_token of the token endpoint's answer, not refresh_token.")
	case formCut:
		c.Got = fmt.Sprintf("segments: %d", strings.Count(x.token.raw, ".")+1)
		c.Why = "the token begins as one, and a part of it is missing or there is too much"
	case formOpaque:
		set(CauseOpaque, fmt.Sprintf("segments: %d, and no JSON header", strings.Count(x.token.raw, ".")+1),
			"it is opaque, as are tokens of personal accounts for Microsoft's APIs, client secrets and API keys", x.ask())
	case formSpace:
		c.Got, c.Why = "white space within", "there is white space or a line break within the token, as from an e-mail or a terminal"
	case formEncoding:
		c.Why = "a segment is not base64url without padding: the token was changed, or encoded once more"
	case formHeader:
		set(CauseOpaque, "a first segment that is no JSON", "the first segment is not the JSON header of a token: this is something else", x.ask())
	case formClaims:
		c.Why = "the second segment is not a JSON object with claims"
	case formCritical:
		c.Got, c.Why = "a header with crit", "the header has extensions that must be understood, and Entra's tokens have none"
		c.Fix = "It is none of Entra's: find out who made it."
	default:
		c.Why = "a name is there twice, or a number is out of range: no token of Entra's is so"
		c.Fix = "It is none of Entra's: find out who made it."
	}
	return c
}

func (x *explainer) explainAlgorithm() Check {
	got := "no alg"
	if alg, ok := x.token.header["alg"].(string); ok {
		got = x.token.tidy(alg)
	}
	return Check{
		Cause: CauseAlgorithm, Got: got, Want: "RS256, RS384 or RS512",
		Why: "API Gateway takes RSA signatures only, and Entra signs with RS256: this is not a token of Entra's",
		Fix: "Find out who made it. Somebody may have forged it; a test may have made it with a key of its own. " + x.ask(),
	}
}

// explainKeys is about the issuer's documents. The token may be good.
func (x *explainer) explainKeys(err error) Check {
	c := Check{
		Cause: CauseKeysUnavailable, Got: errorWords(err),
		Want: fmt.Sprintf("an answer within %d ms, of at most %d bytes", edge.FetchTimeout.Milliseconds(), edge.MaxKeySetBytes),
		Why:  "the gateway verifies signatures with keys that it fetches; it may still have some, for up to two hours, and answer otherwise",
		Fix:  "It is not the caller's fault. `entragate doctor` fetches the documents and measures; look at Entra's state and at the network here.",
	}
	var mismatch *edge.IssuerMismatchError
	switch {
	case errors.As(err, &mismatch):
		c.Cause, c.Got, c.Want = CauseIssuerMismatch, clip(mismatch.Got), mismatch.Want
		c.Why = "the discovery document names another issuer than the one that it was fetched for, and they must be equal byte for byte"
		c.Fix = "Check tenantId, cloud and loginHost of the stack, and whether a proxy answers in Entra's place."
	case errors.Is(err, edge.ErrDiscovery):
		c.Cause = CauseIssuerUnreachable
	}
	if errors.Is(err, context.DeadlineExceeded) {
		c.Why = "the answer took longer from here than API Gateway waits; from there it may be quicker"
	}
	return c
}

// errorWords are an error on one line. None of those here repeats the token.
func errorWords(err error) string {
	if err == nil {
		return ""
	}
	return clip(strings.Join(strings.Fields(err.Error()), " "))
}

func (x *explainer) explainKey() Check {
	c := Check{
		Cause: CauseUnknownKey, Got: "kid " + x.token.tidy(x.token.keyID()), Want: "the id of a key that " + x.Tenant.Issuer() + " publishes",
		Why: "the issuer publishes no key of this id",
		Fix: "An old token: get a new one, since Entra has rolled its keys. A new one: the gateway may keep keys for up to two hours after " +
			"Entra has rolled them. All tokens of one API: its application has a signing key of its own (claims mapping), which API Gateway " +
			"cannot ask for. Else somebody made it up.",
	}
	if x.token.keyID() == "" {
		c.Got, c.Why = "no kid", "the header does not name the key, and the gateway tries none"
		c.Fix = "Tokens of Entra always have one: find out who made this. " + x.ask()
	}
	if origin := x.origin(); origin != "" && origin != CauseV1Token {
		c.Cause = origin
		c.Why += "; the token is from elsewhere: " + x.issuerWords()
		c.Fix = x.originFix(origin)
	}
	return c
}

func (x *explainer) explainSignature() Check {
	c := Check{
		Cause: CauseSignature, Got: "kid " + x.token.tidy(x.token.keyID()), Want: "a signature by this key over what the token says",
		Why: "the signature is not by the key that the token names: the token was changed or cut after it was signed, or it is forged",
		Fix: "Copy the access token again, whole and unchanged. If it stays so, do not trust who sent it.",
	}
	if _, ok := x.token.header["nonce"]; !ok {
		return c
	}
	// Not documented in so many words, but told by those who made the libraries.
	// https://github.com/AzureAD/azure-activedirectory-identitymodel-extensions-for-dotnet/issues/609
	c.Why = "the header has a nonce, as that of tokens for Microsoft Graph has, which only Microsoft Graph itself can verify"
	c.Fix = x.ask()
	if resource := x.resource(); resource == CauseGraphToken || resource == CauseOtherAPI {
		c.Cause = resource
	}
	return c
}

// passed is a check that does not fail.
func (x *explainer) passed(name CheckName) Check {
	c := Check{Name: name, OK: true}
	switch name {
	case CheckAlgorithm:
		alg, _ := x.token.header["alg"].(string)
		c.Got = x.token.tidy(alg)
	case CheckKey:
		c.Got = "kid " + x.token.tidy(x.token.keyID())
	case CheckKeys:
		c.Got = x.Tenant.Issuer()
	case CheckExpiry, CheckNotBefore, CheckIssuedAt:
		claim := map[CheckName]string{CheckExpiry: "exp", CheckNotBefore: "nbf", CheckIssuedAt: "iat"}[name]
		if at, ok := seconds(x.token.claims[claim]); ok {
			c.Got = x.when(at)
		}
	case CheckIssuer:
		c.Got = x.token.tidy(x.token.text("iss"))
	case CheckAudience:
		c.Got = x.audienceWords()
	case CheckTenant:
		c.Got = x.token.tidy(x.token.text("tid"))
	case CheckVersion:
		c.Got = x.token.tidy(x.token.text("ver"))
	case CheckScope:
		c.Got = strings.Join(x.token.tidyAll(x.token.scopes()), " ")
	case CheckRole:
		c.Got = strings.Join(x.token.tidyAll(x.token.list("roles")), " ")
	}
	return c
}
