package directory

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // x5t is a SHA-1 thumbprint by RFC 7517 section 4.8
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"time"
)

const (
	// signingKeyBits is the size of Entra's own signing keys.
	signingKeyBits = 2048
	// signingKeyLifetime is how long their certificates last.
	signingKeyLifetime = 5 * 365 * 24 * time.Hour
)

// NewSigningKey makes an RSA-2048 key with a self-signed certificate valid from
// now. Its KID is the certificate's thumbprint, as Entra's key ids are. It is
// published and not yet signing.
func NewSigningKey(now time.Time) (*SigningKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, signingKeyBits)
	if err != nil {
		return nil, fmt.Errorf("generating signing key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("generating signing key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "accounts.accesscontrol.windows.net"},
		NotBefore:    now.UTC(),
		NotAfter:     now.UTC().Add(signingKeyLifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("certifying signing key: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding signing key: %w", err)
	}
	thumbprint := sha1.Sum(certificate) //nolint:gosec // not a signature
	return &SigningKey{
		KID:         base64.RawURLEncoding.EncodeToString(thumbprint[:]),
		PKCS8:       private,
		Certificate: certificate,
		CreatedAt:   now.UTC(),
		Published:   true,
	}, nil
}

// Private parses the key.
func (k *SigningKey) Private() (*rsa.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(k.PKCS8)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", k.KID, err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("signing key %s: got %T, want an RSA key", k.KID, parsed)
	}
	return key, nil
}

// SigningKey is the key that signs tokens now, or nil in an empty directory.
func (s *State) SigningKey() *SigningKey {
	for _, k := range s.SigningKeys {
		if k.Signing {
			return k
		}
	}
	return nil
}

// RollKeys is a planned rollover: the next published key signs from now on, a
// new next one is published, and the last one stays published so that tokens
// signed with it still verify. Keys before that leave the key set.
// https://learn.microsoft.com/entra/identity-platform/signing-key-rollover
func RollKeys(s *State, now time.Time) error {
	next, err := NewSigningKey(now)
	if err != nil {
		return err
	}
	keys := slices.DeleteFunc(slices.Clone(s.SigningKeys), func(k *SigningKey) bool { return !k.Published })
	current := slices.IndexFunc(keys, func(k *SigningKey) bool { return k.Signing })
	if current > 0 {
		keys = keys[current:]
		current = 0
	}
	keys = append(keys, next)
	for i, k := range keys {
		k.Signing = i == current+1
	}
	s.SigningKeys = keys
	return nil
}

// RevokeSigningKey is an emergency rollover: as [RollKeys], and the key that
// signed until now leaves the key set at once, so its tokens stop verifying
// wherever the key set is read again.
func RevokeSigningKey(s *State, now time.Time) error {
	compromised := s.SigningKey()
	if err := RollKeys(s, now); err != nil {
		return err
	}
	if compromised != nil {
		compromised.Published = false
	}
	return nil
}
