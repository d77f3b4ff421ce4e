package components

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/entragate/entragate/access"
)

// certificateWarning is how long before its end a certificate is warned about.
const certificateWarning = 45 * 24 * time.Hour

// minCertificateBits is what NIST calls secure, and what Entra's own tools make.
// https://learn.microsoft.com/entra/identity-platform/howto-create-self-signed-certificate
const minCertificateBits = 2048

// parseCertificate reads the one public certificate of a PEM text. A private key
// beside it is refused: it would end up in the state.
func parseCertificate(text string) (*x509.Certificate, error) {
	var found *x509.Certificate
	for rest := []byte(text); ; {
		block, more := pem.Decode(rest)
		if block == nil {
			break
		}
		rest = more
		switch {
		case strings.Contains(block.Type, "PRIVATE KEY"):
			return nil, errors.New("got a private key, want the public certificate alone")
		case block.Type != "CERTIFICATE":
			return nil, fmt.Errorf("got %q, want CERTIFICATE", block.Type)
		case found != nil:
			return nil, errors.New("got more than one certificate, want one")
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		found = certificate
	}
	if found == nil {
		return nil, errors.New("got no certificate, want PEM that begins with -----BEGIN CERTIFICATE-----")
	}
	key, ok := found.PublicKey.(*rsa.PublicKey)
	if !ok || key.N.BitLen() < minCertificateBits {
		return nil, fmt.Errorf("got a %s key, want RSA of at least %d bits", found.PublicKeyAlgorithm, minCertificateBits)
	}
	return found, nil
}

// withCertificates puts the certificates of clients that name a file in place of
// its path.
func withCertificates(clients []access.Client) ([]access.Client, access.Problems) {
	var found problems
	read := make([]access.Client, len(clients))
	for i, c := range clients {
		read[i] = c
		if c.Credential == nil || c.Credential.File == "" {
			continue
		}
		raw, err := os.ReadFile(c.Credential.File)
		if err != nil {
			found.add(fmt.Sprintf("clients[%d].credential.file", i), err.Error(), "", "")
			continue
		}
		credential := *c.Credential
		credential.PEM, credential.File = string(raw), ""
		read[i].Credential = &credential
	}
	return read, found.Problems
}

// certificates checks those of clients, and reads their files.
func (p *problems) certificates(clients []access.Client, now time.Time) {
	read, unread := withCertificates(clients)
	p.Problems = append(p.Problems, unread...)
	for i, c := range read {
		if c.Credential == nil || c.Credential.PEM == "" {
			continue
		}
		path := fmt.Sprintf("clients[%d].credential.pem", i)
		if clients[i].Credential.File != "" {
			path = fmt.Sprintf("clients[%d].credential.file", i)
		}
		certificate, err := parseCertificate(c.Credential.PEM)
		switch {
		case err != nil:
			p.add(path, err.Error(), "", "")
		case now.After(certificate.NotAfter):
			p.add(path, "certificate has expired", certificate.NotAfter.UTC().Format(time.RFC3339), "one that is valid")
		case now.Before(certificate.NotBefore):
			p.add(path, "certificate is not valid yet", certificate.NotBefore.UTC().Format(time.RFC3339), "one that is valid")
		}
	}
}

// certificateWarnings are about those that end soon.
func certificateWarnings(clients []access.Client, now time.Time) (warnings []string) {
	for i, c := range clients {
		if c.Credential == nil || c.Credential.PEM == "" {
			continue
		}
		certificate, err := parseCertificate(c.Credential.PEM)
		if err == nil && certificate.NotAfter.Sub(now) < certificateWarning {
			warnings = append(warnings, access.Problem{
				Path: fmt.Sprintf("clients[%d].credential", i), Message: "certificate ends soon",
				Got: certificate.NotAfter.UTC().Format(time.RFC3339), Want: "another one in its place, in time",
			}.Error())
		}
	}
	return warnings
}
