package sns

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // version 1 of AWS's signatures is of SHA-1
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"time"
)

// certificatePrefix is what the path of the certificate of signatures begins with.
const certificatePrefix = "/SimpleNotificationService-"

// signer is the key that signs messages, and its certificate. AWS's is not the
// account's but the region's, and its authority is a public one.
type signer struct {
	PKCS8       []byte `json:"pkcs8"`
	Certificate []byte `json:"certificate"`
}

// path is where the certificate is.
func (k *signer) path() string {
	sum := sha256.Sum256(k.Certificate)
	return certificatePrefix + hex.EncodeToString(sum[:16]) + ".pem"
}

func newSigner() (*signer, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: Principal},
		// Whoever verifies goes by another clock than the sandbox.
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	return &signer{PKCS8: pkcs8, Certificate: der}, err
}

// signer returns the key; at first it is made.
func (s *Service) signer() (*signer, error) {
	var key *signer
	s.state.View(func(all *State) { key = all.Signer })
	if key != nil {
		return key, nil
	}
	err := s.state.Update(func(all *State) (err error) {
		if all.Signer == nil {
			all.Signer, err = newSigner()
		}
		key = all.Signer
		return err
	})
	return key, err
}

// sign signs a message; version 1 is the one of topics that chose none.
func (s *Service) sign(e *envelope, version string) error {
	key, err := s.signer()
	if err != nil {
		return fmt.Errorf("signing: %w", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(key.PKCS8)
	if err != nil {
		return fmt.Errorf("signing: %w", err)
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return fmt.Errorf("signing: got %T, want an RSA key", parsed)
	}
	hash := crypto.SHA1
	sum := sha1.Sum(e.signed()) //nolint:gosec // as above
	digest := sum[:]
	e.SignatureVersion = "1"
	if version == "2" {
		sum := sha256.Sum256(e.signed())
		hash, digest, e.SignatureVersion = crypto.SHA256, sum[:], version
	}
	signature, err := rsa.SignPKCS1v15(rand.Reader, private, hash, digest)
	if err != nil {
		return fmt.Errorf("signing: %w", err)
	}
	e.Signature, e.SigningCertURL = base64.StdEncoding.EncodeToString(signature), s.Endpoint+key.path()
	return nil
}

// serveCertificate answers with what signatures are verified by.
func (s *Service) serveCertificate(w http.ResponseWriter, r *http.Request) {
	var key *signer
	s.state.View(func(all *State) { key = all.Signer })
	if key == nil || r.URL.Path != key.path() {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	_ = pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: key.Certificate}) // the client may have gone
}
