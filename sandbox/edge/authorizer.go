package edge

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Authorizer is a JWT authorizer. The zero value refuses everything; it is
// safe for concurrent use once its fields are set.
type Authorizer struct {
	// Issuer must equal the iss claim byte for byte.
	Issuer string
	// Audience holds the values of which aud, or client_id in a token without
	// aud, must be one.
	Audience []string
	// Keys finds the issuer's keys.
	Keys KeySource
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
}

// KeySource finds the key of an issuer by its id. It takes no context, since
// one look-up serves every request that waits for it.
type KeySource interface {
	// Key returns the key, or an error that wraps [ErrDiscovery], [ErrKeySet]
	// or [ErrUnknownKey].
	Key(issuer, keyID string) (*rsa.PublicKey, error)
}

// What a [KeySource] cannot do.
var (
	ErrDiscovery  = errors.New("discovery document unavailable")
	ErrKeySet     = errors.New("key set unavailable")
	ErrUnknownKey = errors.New("unknown key")
)

// Decide lets a token through or refuses it. It checks, in this order: three
// segments; an RSA algorithm; the issuer's discovery document and key set; the
// key id; the signature; exp, nbf and iat, in whole seconds and without any
// leeway; iss; aud or else client_id; and, when the route has scopes, that the
// token has at least one of them. AWS documents the steps, not the order of
// the claims among each other.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
//
// exp must be there (a guess: AWS documents what it must be, not that); nbf
// and iat need not, for issuers whose tokens work have none.
//
// The claims are returned also with a 403, and never with a 401.
func (a *Authorizer) Decide(rawToken string, routeScopes []string) (Claims, *Refusal) {
	t, refusal := parseToken(rawToken)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := a.verifySignature(t); refusal != nil {
		return nil, refusal
	}
	if refusal := a.checkClaims(t.claims); refusal != nil {
		return nil, refusal
	}
	if len(routeScopes) == 0 {
		return t.claims, nil
	}
	for _, scope := range t.claims.Scopes() {
		if slices.Contains(routeScopes, scope) {
			return t.claims, nil
		}
	}
	// The status and the body are known from public measurements; this text,
	// and that there is a challenge at all, is a guess after RFC 6750.
	return t.claims, &Refusal{
		Reason: ReasonScope, Status: http.StatusForbidden, Error: errorInsufficientScope,
		Description: "the token does not have any of the scopes that the route requires", Scopes: routeScopes,
	}
}

func (a *Authorizer) verifySignature(t *token) *Refusal {
	if a.Keys == nil {
		return refuseToken(ReasonKeySet, descriptionKeySet)
	}
	if t.keyID == "" {
		return refuseToken(ReasonUnknownKey, "the token does not have a key id") // a guess
	}
	key, err := a.Keys.Key(a.Issuer, t.keyID)
	var mismatch *IssuerMismatchError
	switch {
	case errors.As(err, &mismatch):
		// "the issuer in ..." was seen on AWS, without its end.
		return refuseToken(ReasonDiscovery, "the issuer in the OIDC discovery endpoint does not match the issuer of the authorizer").because(err)
	case errors.Is(err, ErrDiscovery):
		return refuseToken(ReasonDiscovery, descriptionDiscovery).because(err)
	case errors.Is(err, ErrUnknownKey):
		return refuseToken(ReasonUnknownKey, "the key id of the token does not match any key of the issuer").because(err) // a guess
	case err != nil:
		return refuseToken(ReasonKeySet, descriptionKeySet).because(err)
	}
	if err := t.verify(key); err != nil {
		return refuseToken(ReasonSignature, "crypto/rsa: verification error").because(err) // a guess
	}
	return nil
}

// Seen on AWS, in logs and headers.
const (
	descriptionDiscovery = "OIDC discovery endpoint communication error"
	descriptionKeySet    = "JWKS communication error"
)

// checkClaims checks everything but the scopes. Only the text for a wrong
// audience is documented; the others are guesses in its manner.
func (a *Authorizer) checkClaims(c Claims) *Refusal {
	clock := a.Now
	if clock == nil {
		clock = time.Now
	}
	now := float64(clock().Unix())
	if exp, present, valid := c.seconds("exp"); !present || !valid || now >= exp {
		return refuseToken(ReasonExpired, "the token has expired")
	}
	if nbf, present, valid := c.seconds("nbf"); present && (!valid || now < nbf) {
		return refuseToken(ReasonNotYetValid, "the token is not valid yet")
	}
	if iat, present, valid := c.seconds("iat"); present && (!valid || now < iat) {
		return refuseToken(ReasonIssuedInFuture, "the token was issued in the future")
	}
	if issuer, ok := c["iss"].(string); !ok || issuer != a.Issuer {
		return refuseToken(ReasonIssuer, "the token does not have a valid issuer")
	}
	if !c.hasAudience(a.Audience) {
		return refuseToken(ReasonAudience, "the token does not have a valid audience")
	}
	return nil
}

// IssuerMismatchError says that a discovery document names another issuer
// than the one it was fetched for.
type IssuerMismatchError struct{ Want, Got string }

func (e *IssuerMismatchError) Error() string {
	return fmt.Sprintf("discovery document: got issuer %q, want %q", e.Got, e.Want)
}

// Unwrap makes the error an [ErrDiscovery].
func (e *IssuerMismatchError) Unwrap() error { return ErrDiscovery }
