package authorize

// Reason is why a call is refused. It goes to the function's log and never to
// the caller, since it helps who guesses.
type Reason string

// The reasons, in the order in which they are looked for.
const (
	ReasonNoToken          Reason = "no-token"
	ReasonUnknownRoute     Reason = "unknown-route"
	ReasonMalformed        Reason = "malformed"
	ReasonAlgorithm        Reason = "algorithm"
	ReasonUnknownKey       Reason = "unknown-key"
	ReasonKeysUnavailable  Reason = "keys-unavailable" // an error, not a refusal
	ReasonSignature        Reason = "signature"
	ReasonWrongIssuer      Reason = "wrong-issuer"
	ReasonWrongAudience    Reason = "wrong-audience"
	ReasonExpired          Reason = "expired"
	ReasonNotYetValid      Reason = "not-yet-valid"
	ReasonIssuedInFuture   Reason = "issued-in-future"
	ReasonWrongTenant      Reason = "wrong-tenant"
	ReasonWrongVersion     Reason = "wrong-version"
	ReasonNotAnAccessToken Reason = "not-an-access-token"
	ReasonMissingScope     Reason = "missing-scope"
	ReasonMissingRole      Reason = "missing-role"
)

// The empty Reason says that nothing is wrong.
const none Reason = ""
