package components

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
)

var (
	largeKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })
	smallKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 1024) })
)

// Certificate is a certificate that Entra takes, in PEM.
func Certificate(t testing.TB, from, until time.Time) string {
	key, err := largeKey()
	require.NoError(t, err)
	return certificateOf(t, key, from, until)
}

func certificateOf(t testing.TB, key crypto.Signer, from, until time.Time) string {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "export"}, NotBefore: from, NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// PrivateKey is a private key in PEM.
func PrivateKey(t testing.TB) string {
	key, err := largeKey()
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

const oneDay = 24 * time.Hour

var certificateDay = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// certified are a client without a credential, and one with this certificate.
func certified(c access.Credential) []access.Client {
	return []access.Client{{Name: "portal"}, {Name: "export", Credential: &c}}
}

func TestCertificatesAccepted(t *testing.T) {
	t.Parallel()
	text := Certificate(t, certificateDay.Add(-oneDay), certificateDay.Add(oneDay))
	file := filepath.Join(t.TempDir(), "export.pem")
	require.NoError(t, os.WriteFile(file, []byte("Subject: CN=export\n"+text), 0o600))
	for name, c := range map[string]access.Credential{
		"a text":                       {PEM: text},
		"a file, with what tools add":  {File: file},
		"no certificate is looked for": {Kind: access.CredentialSecret},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p problems
			p.certificates(certified(c), certificateDay)
			require.NoError(t, p.err())
		})
	}
}

func TestCertificatesRefused(t *testing.T) {
	t.Parallel()
	good := Certificate(t, certificateDay.Add(-oneDay), certificateDay.Add(oneDay))
	small, err := smallKey()
	require.NoError(t, err)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	from, until := certificateDay.Add(-oneDay), certificateDay.Add(oneDay)
	for name, tt := range map[string]struct{ pem, want string }{
		"expired": {
			Certificate(t, certificateDay.Add(-2*oneDay), certificateDay.Add(-oneDay)),
			`certificate has expired: got "2026-05-31T12:00:00Z", want one that is valid`,
		},
		"not valid yet": {
			Certificate(t, certificateDay.Add(oneDay), certificateDay.Add(2*oneDay)),
			`certificate is not valid yet: got "2026-06-02T12:00:00Z", want one that is valid`,
		},
		"a private key beside it":  {good + PrivateKey(t), "got a private key, want the public certificate alone"},
		"a private key before it":  {PrivateKey(t) + good, "got a private key, want the public certificate alone"},
		"a private key alone":      {strings.ReplaceAll(PrivateKey(t), "PRIVATE KEY", "RSA PRIVATE KEY"), "got a private key"},
		"two certificates":         {good + good, "got more than one certificate, want one"},
		"a key of an elliptic one": {certificateOf(t, curve, from, until), "got a ECDSA key, want RSA of at least 2048 bits"},
		"a small key":              {certificateOf(t, small, from, until), "got a RSA key, want RSA of at least 2048 bits"},
		"a request for one":        {strings.ReplaceAll(good, "CERTIFICATE", "CERTIFICATE REQUEST"), `got "CERTIFICATE REQUEST", want CERTIFICATE`},
		"no PEM":                   {"MIIC", "got no certificate, want PEM that begins with -----BEGIN CERTIFICATE-----"},
		"PEM of nothing":           {string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})), "x509: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "export.pem")
			require.NoError(t, os.WriteFile(file, []byte(tt.pem), 0o600))
			for path, c := range map[string]access.Credential{
				"clients[1].credential.pem": {PEM: tt.pem}, "clients[1].credential.file": {File: file},
			} {
				var p problems
				p.certificates(certified(c), certificateDay)
				require.Len(t, p.Problems, 1)
				require.Equal(t, path, p.Problems[0].Path)
				require.Contains(t, p.Problems[0].Error(), tt.want)
				require.NotContains(t, p.Problems[0].Error(), "MII", "nothing of what was given is repeated")
			}
		})
	}
}

func TestCertificateFileThatIsNotThere(t *testing.T) {
	t.Parallel()
	var p problems
	p.certificates(certified(access.Credential{File: "nowhere.pem"}), certificateDay)
	require.EqualError(t, p.err(), "clients[1].credential.file: open nowhere.pem: no such file or directory")
}

func TestReadingCertificatesChangesNoSettings(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "export.pem")
	require.NoError(t, os.WriteFile(file, []byte("text"), 0o600))
	given := certified(access.Credential{File: file})
	read, found := withCertificates(given)
	require.Empty(t, found)
	require.Equal(t, access.Credential{PEM: "text"}, *read[1].Credential)
	require.Equal(t, access.Credential{File: file}, *given[1].Credential)
}

func TestCertificatesAreWarnedAbout45DaysBeforeTheirEnd(t *testing.T) {
	t.Parallel()
	clients := certified(access.Credential{PEM: Certificate(t, certificateDay, certificateDay.Add(100*oneDay))})
	require.Empty(t, certificateWarnings(clients, certificateDay))
	require.Empty(t, certificateWarnings(clients, certificateDay.Add(55*oneDay)))
	require.Equal(t, []string{
		`clients[1].credential: certificate ends soon: got "2026-09-09T12:00:00Z", want another one in its place, in time`,
	}, certificateWarnings(clients, certificateDay.Add(55*oneDay+time.Second)))
	require.Empty(t, certificateWarnings(certified(access.Credential{PEM: "none"}), certificateDay), "it is refused")
}
