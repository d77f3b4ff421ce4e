package review

import (
	"fmt"
	"time"
)

// tokens words what changes mean for tokens that are already issued.
//
// Entra gives an access token 60 to 90 minutes, and up to a day under a token
// lifetime policy; nothing takes one back, since the gateway asks nobody.
// https://learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes
type tokens struct {
	lifetime time.Duration
	external bool // an administrator grants and assigns
}

func newTokens(options Options, grants string) tokens {
	t := tokens{lifetime: options.TokenLifetime, external: grants == GrantsExternal}
	if t.lifetime <= 0 {
		t.lifetime = DefaultTokenLifetime
	}
	return t
}

// long words how long tokens live.
func (t tokens) long() string {
	words := fmt.Sprintf("%d minutes", int(t.lifetime.Round(time.Minute).Minutes()))
	if t.lifetime == DefaultTokenLifetime {
		words += ", or up to 24 hours under a token lifetime policy"
	}
	return words
}

// atOnce is of what the gateway decides. Decisions of the Lambda authorizer are
// kept by policy, so that none outlives it.
func (tokens) atOnce() string {
	return "At once, for tokens already issued too: the gateway decides each call by the deployed route, a few seconds after the deployment (a guess)."
}

// gains is of what new tokens carry.
func (t tokens) gains() string {
	words := "Tokens already issued do not carry it: callers gain it with their next token, which is within " + t.long() + "."
	if t.external {
		words += " Grants are external, so it begins once an administrator has granted it."
	}
	return words
}

// first is of a client that there was not.
func (t tokens) first() string {
	words := "It holds no token yet: it may call as soon as Entra gives it one."
	if t.external {
		words += " Grants are external, so that begins once an administrator has granted it."
	}
	return words
}

// loses is of what new tokens no longer carry.
func (t tokens) loses() string {
	words := "Tokens already issued keep it until they expire: up to " + t.long() + ". Nothing takes them back."
	if t.external {
		words += " Grants are external, so nothing is withdrawn until an administrator does it."
	}
	return words
}

// stops is of callers who get no new token at all.
func (t tokens) stops() string {
	words := "Entra issues no new token, also none for a refresh token; those already issued are good until they expire: up to " + t.long() + "."
	if t.external {
		words += " Grants are external, so nothing is withdrawn until an administrator does it."
	}
	return words
}

// carried is of scopes and roles that routes no longer take while tokens carry
// them.
func (t tokens) carried() string {
	return "Tokens already issued carry it and are refused at once where they carry nothing else that the route takes. " +
		"Callers have to get new ones, for something that is still there."
}

// gone is of a retired scope or role that is removed.
func (t tokens) gone() string {
	return "Tokens from before it was retired are refused at once: wait with this until they have expired, " + t.long() + "."
}

// refused is of issuer and audience.
func (tokens) refused() string {
	return "Every token in hand is refused at once: callers have to get new ones, and those that do not ask again fail until theirs would have expired."
}

// none is of what tokens have nothing to do with.
func (tokens) none() string { return "Tokens already issued are as good as before." }

// expiry is of decisions that outlive tokens.
func (tokens) expiry(seconds int) string {
	return fmt.Sprintf("A token that was let through once may be for up to %d seconds after it has expired.", seconds)
}
