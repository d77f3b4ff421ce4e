package diagnose

// Cause is what is wrong, for programs.
type Cause string

// The causes.
const (
	CauseNoRoute Cause = "no-route"
	CauseNoToken Cause = "no-token"

	// What is no signed token that the gateway could read.
	CauseTooLarge     Cause = "too-large"
	CauseJSON         Cause = "json-document"
	CauseEncrypted    Cause = "encrypted-token"
	CauseRefreshToken Cause = "refresh-token"
	CauseOpaque       Cause = "opaque-token"
	CauseDamaged      Cause = "damaged-token"
	CauseAlgorithm    Cause = "algorithm"

	// What hinders that the signature is verified.
	CauseIssuerUnreachable Cause = "issuer-unreachable"
	CauseIssuerMismatch    Cause = "issuer-mismatch"
	CauseKeysUnavailable   Cause = "keys-unavailable"
	CauseUnknownKey        Cause = "unknown-key"
	CauseSignature         Cause = "bad-signature"

	// A token for something else.
	CauseGraphToken  Cause = "graph-token"
	CauseIDToken     Cause = "id-token"
	CauseOtherAPI    Cause = "other-api"
	CauseAudienceURI Cause = "audience-uri"
	CauseNoAudience  Cause = "no-audience"

	// A token from elsewhere.
	CauseV1Token         Cause = "v1-token"
	CauseOtherTenant     Cause = "other-tenant"
	CausePersonalAccount Cause = "personal-account"
	CauseOtherIssuer     Cause = "other-issuer"

	// The wrong time.
	CauseExpired        Cause = "expired"
	CauseNoExpiry       Cause = "no-expiry"
	CauseNotYetValid    Cause = "not-yet-valid"
	CauseIssuedInFuture Cause = "issued-in-future"

	// A token of this API that may not do this.
	CauseAppOnly           Cause = "app-only-token"
	CauseDaemonsOnly       Cause = "daemons-only"
	CauseScopeNotInToken   Cause = "scope-not-in-token"
	CauseScopeNotGranted   Cause = "scope-not-granted"
	CauseScopeNeedsConsent Cause = "scope-needs-consent"
	CauseScopeRetired      Cause = "scope-retired"
	CauseRoleNotInToken    Cause = "role-not-in-token" //nolint:gosec // G101: not a credential
	CauseRoleNotGranted    Cause = "role-not-granted"
	CauseRoleRetired       Cause = "role-retired"
	CauseUnknownClient     Cause = "unknown-client"
	CauseNoIdtyp           Cause = "no-idtyp"
	CauseContradictory     Cause = "contradictory-claims"
	CauseClaimTypes        Cause = "claim-types"
	CauseOther             Cause = "other"
)

// words are the cause in a sentence.
func (c Cause) words() string { return causeWords[c] }

var causeWords = map[Cause]string{ //nolint:gosec // G101: these are words about tokens
	CauseNoRoute:           "there is no route for this method and path",
	CauseNoToken:           "there is no token",
	CauseTooLarge:          "the token is too large for API Gateway",
	CauseJSON:              "this is a JSON document and not a token",
	CauseEncrypted:         "this is an encrypted token, which only the application that it is for can read",
	CauseRefreshToken:      "this looks like a refresh token or a code, which is for Entra and not for an API",
	CauseOpaque:            "this is no JSON Web Token",
	CauseDamaged:           "the token was damaged, or is no JSON Web Token",
	CauseAlgorithm:         "the token is not signed as Entra signs",
	CauseIssuerUnreachable: "the issuer's discovery document cannot be had, so that every token is refused",
	CauseIssuerMismatch:    "the discovery document names another issuer, so that every token is refused",
	CauseKeysUnavailable:   "the issuer's keys cannot be had, so that every token is refused",
	CauseUnknownKey:        "the token is signed by a key that the issuer does not publish",
	CauseSignature:         "the token's signature is wrong",
	CauseGraphToken:        "this is a token for Microsoft Graph and not for this API",
	CauseIDToken:           "this is an ID token, which is for the client and not for an API",
	CauseOtherAPI:          "this is a token for another API",
	CauseAudienceURI:       "the token names the API by its URI, as only v1 tokens do",
	CauseNoAudience:        "the token does not say what it is for",
	CauseV1Token:           "this is a v1 token, and the gateway takes v2 tokens",
	CauseOtherTenant:       "the token is of another tenant",
	CausePersonalAccount:   "the token is of a personal Microsoft account",
	CauseOtherIssuer:       "the token is of another issuer",
	CauseExpired:           "the token has expired",
	CauseNoExpiry:          "the token does not say when it expires",
	CauseNotYetValid:       "the token is not valid yet",
	CauseIssuedInFuture:    "the token was issued in the future",
	CauseAppOnly:           "this is an app-only token, and the route is for users",
	CauseDaemonsOnly:       "this is a user's token, and the route is for daemons",
	CauseScopeNotInToken:   "the client may have a scope of the route, and this token does not carry it",
	CauseScopeNotGranted:   "the client is not granted any scope of the route",
	CauseScopeNeedsConsent: "the user has not consented to any scope of the route",
	CauseScopeRetired:      "the scopes that would do are retired, so that no new token carries them",
	CauseRoleNotInToken:    "the client may have a role of the route, and this token does not carry it",
	CauseRoleNotGranted:    "the client is not granted any role of the route",
	CauseRoleRetired:       "the roles that would do are retired, so that no new token carries them",
	CauseUnknownClient:     "the token is of a client that this stack does not know, and which has no scope or role of the route",
	CauseNoIdtyp:           "the token does not say whether it is a user's or an application's",
	CauseContradictory:     "the token says both that it is a user's and that it is an application's, or neither",
	CauseClaimTypes:        "claims of the token are not of the types that Entra's have",
	CauseOther:             "the authorizer refuses the token for a reason that is not known here",
}
