package directory

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
)

// secretAlphabet holds the characters of generated client secrets: all may
// stand in a form body, a header or a shell word unquoted.
const secretAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~"

// secretLength is the length of the secrets that Entra generates today.
const secretLength = 40

// NewSecret generates a client secret of 40 characters, with the mark "8Q~"
// by which scanners of leaked credentials know Entra's own secrets.
func NewSecret() string {
	// Bytes above the largest multiple of the alphabet would favour some
	// characters, so they are skipped.
	limit := byte(256 - 256%len(secretAlphabet))
	secret := make([]byte, 0, secretLength)
	for len(secret) < secretLength {
		var b [secretLength]byte
		_, _ = rand.Read(b[:]) // never fails: see crypto/rand
		for _, c := range b {
			if c < limit && len(secret) < secretLength {
				secret = append(secret, secretAlphabet[int(c)%len(secretAlphabet)])
			}
		}
	}
	copy(secret[3:], "8Q~")
	return string(secret)
}

// HashSecret is the hex SHA-256 under which a client secret is kept.
func HashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Matches tells in constant time whether secret is this credential's secret.
// It does not look at the credential's lifetime.
func (c PasswordCredential) Matches(secret string) bool {
	return subtle.ConstantTimeCompare([]byte(c.SecretSHA256), []byte(HashSecret(secret))) == 1
}
