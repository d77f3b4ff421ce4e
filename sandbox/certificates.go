package sandbox

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/entragate/entragate/sandbox/store"
)

const (
	authorityLifetime = 10 * 365 * 24 * time.Hour
	// serverLifetime stays below what clients of public certificates accept.
	// https://support.apple.com/102028
	serverLifetime = 397 * 24 * time.Hour
	// renewBefore is how long before its end a certificate is made anew.
	renewBefore = 30 * 24 * time.Hour
)

// certificates are the certificate authority of a sandbox and the certificate
// of its listeners. The authority may sign for loopback names and addresses
// only, so that trusting it, even system-wide, opens nothing else.
type certificates struct {
	authority *x509.Certificate
	server    tls.Certificate
}

// openCertificates reads the certificates in dir, or makes what is missing,
// about to expire, or made for other names.
func openCertificates(dir string, names []string, now time.Time) (*certificates, error) {
	authority, authorityKey, err := openPair(dir, "ca")
	if err != nil {
		return nil, err
	}
	if authority == nil || now.After(authority.NotAfter.Add(-serverLifetime)) {
		if authority, authorityKey, err = newAuthority(dir, now); err != nil {
			return nil, err
		}
	}
	server, serverKey, err := openPair(dir, "server")
	if err != nil {
		return nil, err
	}
	stale := server == nil || now.After(server.NotAfter.Add(-renewBefore)) ||
		!slices.Equal(server.DNSNames, names) || server.CheckSignatureFrom(authority) != nil
	if stale {
		if server, serverKey, err = newServer(dir, names, authority, authorityKey, now); err != nil {
			return nil, err
		}
	}
	return &certificates{
		authority: authority,
		server:    tls.Certificate{Certificate: [][]byte{server.Raw}, PrivateKey: serverKey, Leaf: server},
	}, nil
}

// authorityFile is what SSL_CERT_FILE names.
func authorityFile(dir string) string { return filepath.Join(dir, "ca.pem") }

func newAuthority(dir string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	template := &x509.Certificate{
		Subject:                     pkix.Name{CommonName: "sandbox clouds on loopback"},
		NotBefore:                   now.Add(-time.Hour),
		NotAfter:                    now.Add(authorityLifetime),
		IsCA:                        true,
		BasicConstraintsValid:       true,
		MaxPathLenZero:              true,
		KeyUsage:                    x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         []string{"localhost"},
		PermittedIPRanges: []*net.IPNet{
			{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
			{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
		},
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("making a certificate authority: %w", err)
	}
	cert, err := sign(dir, "ca", template, template, key, key)
	return cert, key, err
}

func newServer(
	dir string, names []string, authority *x509.Certificate, authorityKey *ecdsa.PrivateKey, now time.Time,
) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "localhost"},
		NotBefore:   now.Add(-time.Hour),
		NotAfter:    now.Add(serverLifetime),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    names,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1).To4(), net.IPv6loopback},
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("making a server certificate: %w", err)
	}
	cert, err := sign(dir, "server", template, authority, key, authorityKey)
	return cert, key, err
}

// sign makes the certificate and writes it and its key; the key first, so that
// an interrupted run leaves no certificate without one.
func sign(
	dir, name string, template, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey,
) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("making certificate %s: %w", name, err)
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		return nil, fmt.Errorf("making certificate %s: %w", name, err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("making certificate %s: %w", name, err)
	}
	certPath, keyPath := pairPaths(dir, name)
	if err := os.Remove(certPath); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("replacing certificate %s: %w", name, err)
	}
	for _, file := range []struct {
		path, kind string
		der        []byte
	}{{keyPath, "PRIVATE KEY", keyDER}, {certPath, "CERTIFICATE", der}} {
		var encoded bytes.Buffer
		if err := pem.Encode(&encoded, &pem.Block{Type: file.kind, Bytes: file.der}); err != nil {
			return nil, fmt.Errorf("writing certificate %s: %w", name, err)
		}
		if err := store.WriteFile(file.path, encoded.Bytes()); err != nil {
			return nil, fmt.Errorf("writing certificate %s: %w", name, err)
		}
	}
	return x509.ParseCertificate(der)
}

// openPair reads a certificate and its key; the certificate is nil when there
// is none.
func openPair(dir, name string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certPath, keyPath := pairPaths(dir, name)
	if _, err := os.Stat(certPath); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	pair, err := tls.LoadX509KeyPair(certPath, keyPath)
	if err != nil {
		return nil, nil, fmt.Errorf("reading certificate %s: %w", certPath, err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, fmt.Errorf("reading key %s: got %T, want an ECDSA key", keyPath, pair.PrivateKey)
	}
	return pair.Leaf, key, nil
}

func pairPaths(dir, name string) (cert, key string) {
	return filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
}

// client is an HTTP client for the sandbox's own requests, to its issuers and
// to backends: it trusts the authority beside whatever the machine trusts, and
// finds names below localhost on loopback, which not every resolver does
// (https://www.rfc-editor.org/rfc/rfc6761#section-6.3).
func (c *certificates) client() (*http.Client, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("reading the machine's certificate authorities: %w", err)
	}
	pool.AddCert(c.authority)
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if host, port, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(host, ".localhost") {
				address = net.JoinHostPort("localhost", port)
			}
			return dialer.DialContext(ctx, network, address)
		},
		TLSClientConfig:     &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     90 * time.Second,
	}}, nil
}
