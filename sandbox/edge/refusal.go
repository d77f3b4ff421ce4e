package edge

import (
	"net/http"
	"strings"
)

// Reason is why an authorizer refused a request. It is the sandbox's own
// word, for tests and tools: the wire carries Error and Description.
type Reason string

// The reasons, in the order in which they are checked.
const (
	ReasonNoToken        Reason = "no token"
	ReasonMalformed      Reason = "malformed token"
	ReasonAlgorithm      Reason = "algorithm not allowed"
	ReasonDiscovery      Reason = "discovery document unavailable"
	ReasonKeySet         Reason = "key set unavailable"
	ReasonUnknownKey     Reason = "unknown key"
	ReasonSignature      Reason = "invalid signature"
	ReasonExpired        Reason = "expired"
	ReasonNotYetValid    Reason = "not yet valid"
	ReasonIssuedInFuture Reason = "issued in the future"
	ReasonIssuer         Reason = "wrong issuer"
	ReasonAudience       Reason = "wrong audience"
	ReasonScope          Reason = "no matching scope"
)

// Error codes of RFC 6750, section 3.1.
const (
	errorInvalidToken      = "invalid_token"
	errorInsufficientScope = "insufficient_scope"
)

// Refusal is the answer of a JWT authorizer to a request it does not let
// through.
type Refusal struct {
	Reason Reason
	// Status is 401 for a token that is missing or invalid, 403 for one
	// without a matching scope.
	Status int
	// Error is an RFC 6750 error code, empty when there was no token.
	Error string
	// Description is the text of API Gateway where it is known from a public
	// report; each place that sets it says when it is a guess.
	Description string
	// Scopes are the route's, set on a 403.
	Scopes []string
	// Cause is what lies behind the refusal, if anything: an issuer that could
	// not be reached, for example. It is not on the wire.
	Cause error
}

// refuseToken is a 401 for a token that was there and is not valid.
func refuseToken(reason Reason, description string) *Refusal {
	return &Refusal{Reason: reason, Status: http.StatusUnauthorized, Error: errorInvalidToken, Description: description}
}

// because sets the cause.
func (r *Refusal) because(err error) *Refusal {
	r.Cause = err
	return r
}

// Challenge is the value of the WWW-Authenticate header. API Gateway separates
// the parameters by spaces, without commas.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-jwt.html
func (r *Refusal) Challenge() string {
	if r.Error == "" {
		return "Bearer"
	}
	return `Bearer scope="` + strings.Join(r.Scopes, " ") + `" error="` + r.Error + `" error_description="` + r.Description + `"`
}

// LogError is the value of $context.authorizer.error, empty when there was no
// token (a guess).
func (r *Refusal) LogError() string {
	if r.Error == "" {
		return ""
	}
	return r.Error + ": " + r.Description
}
