package authorize

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// algorithms are those that are allowed, as in API Gateway's own authorizer: RSA
// only. Entra signs with RS256.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512}

// bearerToken returns the token of a request, with or without "Bearer " in
// front, as API Gateway's own authorizer takes it, or "". The names of headers
// are in lower case in format 2.0, and headers that come twice are joined with
// a comma, which is in no token.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func bearerToken(headers map[string]string) string {
	const scheme = "bearer "
	value := headers["authorization"]
	if len(value) >= len(scheme) && strings.EqualFold(value[:len(scheme)], scheme) {
		value = value[len(scheme):]
	}
	return value
}

// verify checks form, algorithm, key and signature, and returns the claims.
// Only then are they worth looking at.
func (a *Authorizer) verify(ctx context.Context, token string) (claims, Reason, error) {
	hash := sha256.Sum256([]byte(token))
	if seen, ok := a.seen.find(hash); ok {
		if key, err := a.keys.get(ctx, seen.keyID); err == nil && key == seen.key {
			return seen.claims, none, nil
		}
	}
	signed, reason := parse(token)
	if reason != none {
		return nil, reason, nil
	}
	keyID := signed.Signatures[0].Header.KeyID
	if keyID == "" {
		return nil, ReasonUnknownKey, nil
	}
	key, err := a.keys.get(ctx, keyID)
	if err != nil {
		return nil, ReasonKeysUnavailable, fmt.Errorf("%w: %w", errKeysUnavailable, err)
	}
	if key == nil {
		return nil, ReasonUnknownKey, nil
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return nil, ReasonSignature, nil //nolint:nilerr // the reason says it
	}
	// This decoder refuses members that occur twice, at any depth, and takes
	// names as they are written.
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil || c == nil {
		return nil, ReasonMalformed, nil //nolint:nilerr // the reason says it
	}
	a.seen.add(hash, seenToken{keyID: keyID, key: key, claims: c})
	return c, none, nil
}

// parse reads a token that is not verified yet.
func parse(token string) (*jose.JSONWebSignature, Reason) {
	if strings.ContainsAny(token, "\r\n") { // which the decoder would skip
		return nil, ReasonMalformed
	}
	signed, err := jose.ParseSignedCompact(token, algorithms)
	if _, ok := errors.AsType[*jose.ErrUnexpectedSignatureAlgorithm](err); ok {
		return nil, ReasonAlgorithm
	}
	if err != nil {
		return nil, ReasonMalformed
	}
	return signed, none
}
