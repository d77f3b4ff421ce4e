package token

import (
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // x5t is a SHA-1 thumbprint by RFC 7515 section 4.1.7
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

// Sign makes the compact form of a token, signed RS256. The header has typ, alg
// and kid; that of a v1 token also x5t.
func Sign(key *directory.SigningKey, claims Claims) (string, error) {
	private, err := key.Private()
	if err != nil {
		return "", fmt.Errorf("signing token: %w", err)
	}
	opts := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", key.KID)
	if claims.String("ver") == "1.0" {
		opts = opts.WithHeader("x5t", Thumbprint(key.Certificate))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: private}, opts)
	if err != nil {
		return "", fmt.Errorf("signing token: %w", err)
	}
	raw, err := jwt.Signed(signer).Claims(map[string]any(claims)).Serialize()
	if err != nil {
		return "", fmt.Errorf("signing token: %w", err)
	}
	return raw, nil
}

// Thumbprint is the base64url SHA-1 of a DER certificate, as in x5t.
func Thumbprint(certificate []byte) string {
	sum := sha1.Sum(certificate) //nolint:gosec // not a signature
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// PublicKey is the key in a signing key's certificate.
func PublicKey(key *directory.SigningKey) (*rsa.PublicKey, error) {
	certificate, err := x509.ParseCertificate(key.Certificate)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", key.KID, err)
	}
	public, ok := certificate.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("signing key %s: got %T, want an RSA key", key.KID, certificate.PublicKey)
	}
	return public, nil
}

// Verifier checks tokens for the services that live beside the sign-in service.
type Verifier struct {
	// BaseURL is that of the sign-in service.
	BaseURL string
	// Key finds a published key by its id, or nil.
	Key func(kid string) *directory.SigningKey
	// Accepts tells whether a tenant's token with this audience is for the
	// service that asks.
	Accepts func(tenantID, audience string) bool
	Now     func() time.Time
}

// skew is how far clocks may differ.
const skew = 5 * time.Minute

// Verify checks form, algorithm, key, signature, issuer, audience, not before
// and expiry, in this order, and returns the claims.
func (v Verifier) Verify(raw string) (Claims, error) {
	parsed, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, fmt.Errorf("verifying token: %w", err)
	}
	kid := parsed.Headers[0].KeyID
	key := v.Key(kid)
	if key == nil {
		return nil, fmt.Errorf("verifying token: kid: got %q, want a published key", kid)
	}
	public, err := PublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("verifying token: %w", err)
	}
	claims := Claims{}
	standard := jwt.Claims{}
	if err := parsed.Claims(public, (*map[string]any)(&claims), &standard); err != nil {
		return nil, fmt.Errorf("verifying token: %w", err)
	}
	tenant := claims.String("tid")
	issuers := []string{Issuer(v.BaseURL, tenant, 1), Issuer(v.BaseURL, tenant, 2)}
	if tenant == "" || !slices.Contains(issuers, standard.Issuer) {
		return nil, fmt.Errorf("verifying token: iss: got %q, want one of %q", standard.Issuer, issuers)
	}
	if !slices.ContainsFunc(standard.Audience, func(aud string) bool { return v.Accepts(tenant, aud) }) {
		return nil, fmt.Errorf("verifying token: aud: got %q, want this service", standard.Audience)
	}
	now := v.Now()
	if standard.Expiry == nil || standard.NotBefore == nil {
		return nil, errors.New("verifying token: exp and nbf are wanted")
	}
	if from := standard.NotBefore.Time(); now.Add(skew).Before(from) {
		return nil, fmt.Errorf("verifying token: valid from %s, it is %s", from.UTC(), now.UTC())
	}
	if until := standard.Expiry.Time(); now.Add(-skew).After(until) {
		return nil, fmt.Errorf("verifying token: expired at %s, it is %s", until.UTC(), now.UTC())
	}
	return claims, nil
}
