package signin_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/entra/signin"
)

// keyPair is a certificate with its key.
type keyPair struct {
	key         *rsa.PrivateKey
	certificate *x509.Certificate
}

func newKeyPair() keyPair {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(30 * 24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return keyPair{key, certificate}
}

var (
	clientPair   = sync.OnceValue(newKeyPair)
	strangerPair = sync.OnceValue(newKeyPair)
)

// signed makes a JWT of any shape.
func signed(t *testing.T, alg jose.SignatureAlgorithm, key any, header map[string]string, claims map[string]any) string {
	t.Helper()
	opts := (&jose.SignerOptions{}).WithType("JWT")
	for name, value := range header {
		opts = opts.WithHeader(jose.HeaderKey(name), value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, opts)
	require.NoError(t, err)
	raw, err := jwt.Signed(signer).Claims(claims).Serialize()
	require.NoError(t, err)
	return raw
}

func sha1Of(p keyPair) string {
	sum := sha1.Sum(p.certificate.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func sha256Of(p keyPair) string {
	sum := sha256.Sum256(p.certificate.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (w *world) registerCertificate(id string, p keyPair) {
	w.app(id, func(a *directory.Application) {
		a.KeyCredentials = append(a.KeyCredentials, directory.KeyCredential{
			KeyID: "cert", Type: "AsymmetricX509Cert", Usage: "Verify",
			StartDateTime: p.certificate.NotBefore, EndDateTime: p.certificate.NotAfter, Key: p.certificate.Raw,
		})
	})
}

func (w *world) assertionForm(raw string) url.Values {
	return with(w.daemonForm(), "client_secret", "", "client_assertion", raw,
		"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
}

func TestCertificateAssertion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair, stranger := clientPair(), strangerPair()
	w.registerCertificate(daemonID, pair)
	endpoint := w.base + "/" + contoso + "/oauth2/v2.0/token"
	claims := func(changes ...any) map[string]any {
		c := map[string]any{
			"aud": endpoint, "iss": daemonID, "sub": daemonID, "jti": "1",
			"nbf": w.clock.Now().Unix(), "exp": w.clock.Now().Add(10 * time.Minute).Unix(),
		}
		for i := 0; i < len(changes); i += 2 {
			if changes[i+1] == nil {
				delete(c, changes[i].(string))
			} else {
				c[changes[i].(string)] = changes[i+1]
			}
		}
		return c
	}
	long := map[string]string{"x5t#S256": sha256Of(pair)}
	short := map[string]string{"x5t": sha1Of(pair)}

	for name, raw := range map[string]string{
		"RS256 and x5t":           signed(t, jose.RS256, pair.key, short, claims()),
		"PS256 and x5t#S256":      signed(t, jose.PS256, pair.key, long, claims()),
		"audience without v2.0":   signed(t, jose.PS256, pair.key, long, claims("aud", w.base+"/"+contoso+"/oauth2/token")),
		"audience is the issuer":  signed(t, jose.PS256, pair.key, long, claims("aud", w.base+"/"+contoso+"/v2.0")),
		"no jti and no nbf":       signed(t, jose.PS256, pair.key, long, claims("jti", nil, "nbf", nil)),
		"clock a little in front": signed(t, jose.PS256, pair.key, long, claims("nbf", w.clock.Now().Add(4*time.Minute).Unix())),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := requireToken(t, w.token(w.assertionForm(raw)))
			require.Equal(t, "2", got["azpacr"])
		})
	}

	forged := signed(t, jose.PS256, stranger.key, long, claims())
	for name, test := range map[string]struct {
		raw  string
		want refusal
	}{
		"not a JWT":                  {"abc", refusal{50027, "invalid_request", 400}},
		"no thumbprint":              {signed(t, jose.PS256, pair.key, nil, claims()), refusal{50027, "invalid_request", 400}},
		"a thumbprint that is none":  {signed(t, jose.PS256, pair.key, map[string]string{"x5t": "??"}, claims()), refusal{50027, "invalid_request", 400}},
		"no expiry":                  {signed(t, jose.PS256, pair.key, long, claims("exp", nil)), refusal{50027, "invalid_request", 400}},
		"unknown certificate":        {signed(t, jose.PS256, stranger.key, map[string]string{"x5t#S256": sha256Of(stranger)}, claims()), refusal{700027, "invalid_client", 401}},
		"thumbprints disagree":       {signed(t, jose.PS256, pair.key, map[string]string{"x5t#S256": sha256Of(pair), "x5t": sha1Of(stranger)}, claims()), refusal{700027, "invalid_client", 401}},
		"signed with another key":    {forged, refusal{700027, "invalid_client", 401}},
		"RS512":                      {signed(t, jose.RS512, pair.key, long, claims()), refusal{5002738, "invalid_request", 400}},
		"HMAC with the certificate":  {signed(t, jose.HS256, pair.certificate.Raw, long, claims()), refusal{5002738, "invalid_request", 400}},
		"another subject":            {signed(t, jose.PS256, pair.key, long, claims("sub", idleID)), refusal{700021, "invalid_client", 401}},
		"another issuer":             {signed(t, jose.PS256, pair.key, long, claims("iss", idleID)), refusal{700021, "invalid_client", 401}},
		"another tenant's endpoint":  {signed(t, jose.PS256, pair.key, long, claims("aud", w.base+"/"+fabrikam+"/oauth2/v2.0/token")), refusal{700023, "invalid_client", 401}},
		"the real service's address": {signed(t, jose.PS256, pair.key, long, claims("aud", "https://login.microsoftonline.com/"+contoso+"/oauth2/v2.0/token")), refusal{700023, "invalid_client", 401}},
		"no audience":                {signed(t, jose.PS256, pair.key, long, claims("aud", nil)), refusal{700023, "invalid_client", 401}},
		"expired":                    {signed(t, jose.PS256, pair.key, long, claims("exp", w.clock.Now().Add(-6*time.Minute).Unix())), refusal{700024, "invalid_client", 401}},
		"not yet valid":              {signed(t, jose.PS256, pair.key, long, claims("nbf", w.clock.Now().Add(6*time.Minute).Unix())), refusal{700024, "invalid_client", 401}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireRefused(t, test.want, w.token(w.assertionForm(test.raw)))
		})
	}
}

func TestCertificateExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair := clientPair()
	w.registerCertificate(daemonID, pair)
	w.clock.Advance(31 * 24 * time.Hour)
	raw := signed(t, jose.PS256, pair.key, map[string]string{"x5t#S256": sha256Of(pair)}, map[string]any{
		"aud": w.base + "/" + contoso + "/oauth2/v2.0/token", "iss": daemonID, "sub": daemonID, "exp": w.clock.Now().Add(time.Minute).Unix(),
	})
	requireRefused(t, refusal{700027, "invalid_client", 401}, w.token(w.assertionForm(raw)))
}

// external is an issuer outside the sandbox, such as AWS.
type external struct {
	*httptest.Server
	mu       sync.Mutex
	issuer   string // what the discovery document names
	set      jose.JSONWebKeySet
	requests int
}

func newExternal(t *testing.T) *external {
	t.Helper()
	e := &external{}
	pair := clientPair()
	e.set.Keys = []jose.JSONWebKey{{Key: pair.key.Public(), KeyID: "k1", Use: "sig"}}
	e.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.requests++
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": e.issuer, "jwks_uri": e.URL + "/keys"})
		case "/keys":
			_ = json.NewEncoder(w).Encode(e.set)
		default:
			http.NotFound(w, r)
		}
	}))
	e.issuer = e.URL
	t.Cleanup(e.Close)
	return e
}

func (e *external) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.requests
}

const (
	awsSubject  = "arn:aws:iam::123456789012:role/rotator"
	awsAudience = "api://AzureADTokenExchange"
)

func federatedWorld(t *testing.T, e *external) *world {
	t.Helper()
	w := newWorld(t, func(o *signin.Options) { o.HTTPClient = e.Client() })
	w.app(daemonID, func(a *directory.Application) {
		a.FederatedCredentials = []directory.FederatedCredential{{ID: "f", Name: "aws", Issuer: e.URL, Subject: awsSubject, Audiences: []string{awsAudience}}}
	})
	return w
}

func (w *world) externalToken(e *external, alg jose.SignatureAlgorithm, key any, kid string, pairs ...any) string {
	claims := map[string]any{"iss": e.URL, "sub": awsSubject, "aud": awsAudience, "exp": w.clock.Now().Add(5 * time.Minute).Unix(), "iat": w.clock.Now().Unix()}
	for i := 0; i < len(pairs); i += 2 {
		claims[pairs[i].(string)] = pairs[i+1]
	}
	return signed(w.t, alg, key, map[string]string{"kid": kid}, claims)
}

func TestFederatedCredential(t *testing.T) {
	t.Parallel()
	e := newExternal(t)
	w := federatedWorld(t, e)
	key := clientPair().key
	claims := requireToken(t, w.token(w.assertionForm(w.externalToken(e, jose.RS256, key, "k1"))))
	require.Equal(t, "2", claims["azpacr"])
	asked := e.count()
	requireToken(t, w.token(w.assertionForm(w.externalToken(e, jose.RS256, key, "k1"))))
	require.Equal(t, asked, e.count(), "keys are kept for a while")

	for name, test := range map[string]struct {
		raw  string
		want refusal
	}{
		"another subject":         {w.externalToken(e, jose.RS256, key, "k1", "sub", awsSubject+"x"), refusal{70021, "invalid_client", 401}},
		"subject in another case": {w.externalToken(e, jose.RS256, key, "k1", "sub", "ARN:aws:iam::123456789012:role/rotator"), refusal{70021, "invalid_client", 401}},
		"another audience":        {w.externalToken(e, jose.RS256, key, "k1", "aud", apiURI), refusal{70021, "invalid_client", 401}},
		"another issuer":          {w.externalToken(e, jose.RS256, key, "k1", "iss", e.URL+"/"), refusal{70021, "invalid_client", 401}},
		"RS512":                   {w.externalToken(e, jose.RS512, key, "k1"), refusal{5002738, "invalid_request", 400}},
		"HS256":                   {w.externalToken(e, jose.HS256, make([]byte, 64), "k1"), refusal{5002738, "invalid_request", 400}},
		"signed by another key":   {w.externalToken(e, jose.RS256, strangerPair().key, "k1"), refusal{50013, "invalid_client", 401}},
		"unknown key id":          {w.externalToken(e, jose.RS256, key, "k2"), refusal{50013, "invalid_client", 401}},
		"expired":                 {w.externalToken(e, jose.RS256, key, "k1", "exp", w.clock.Now().Add(-time.Hour).Unix()), refusal{700024, "invalid_client", 401}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireRefused(t, test.want, w.token(w.assertionForm(test.raw)))
		})
	}
}

func TestFederatedKeysAreFetchedAgain(t *testing.T) {
	t.Parallel()
	e := newExternal(t)
	w := federatedWorld(t, e)
	requireToken(t, w.token(w.assertionForm(w.externalToken(e, jose.RS256, clientPair().key, "k1"))))
	e.mu.Lock()
	e.set.Keys = append(e.set.Keys, jose.JSONWebKey{Key: strangerPair().key.Public(), KeyID: "k2"})
	e.mu.Unlock()
	rolled := w.assertionForm(w.externalToken(e, jose.RS256, strangerPair().key, "k2"))
	asked := e.count()
	requireRefused(t, refusal{50013, "invalid_client", 401}, w.token(rolled))
	require.Equal(t, asked, e.count(), "an unknown key id does not make it ask at once again")
	w.clock.Advance(11 * time.Second)
	requireToken(t, w.token(rolled))
}

func TestFederatedIssuersThatFail(t *testing.T) {
	t.Parallel()
	e := newExternal(t)
	w := federatedWorld(t, e)
	e.mu.Lock()
	e.issuer = "https://somebody.else"
	e.mu.Unlock()
	raw := w.externalToken(e, jose.RS256, clientPair().key, "k1")
	requireRefused(t, refusal{50166, "invalid_request", 400}, w.token(w.assertionForm(raw)))
	e.Close()
	requireRefused(t, refusal{50166, "invalid_request", 400}, w.token(w.assertionForm(raw)))
	w.app(daemonID, func(a *directory.Application) { a.FederatedCredentials[0].Issuer = "http://plain.example" })
	plain := w.externalToken(e, jose.RS256, clientPair().key, "k1", "iss", "http://plain.example")
	got := w.token(w.assertionForm(plain))
	requireRefused(t, refusal{50166, "invalid_request", 400}, got)
	require.Contains(t, got.text("error_description"), "want an https address")
}

func TestNobodyCanMakeItFetchAnAddress(t *testing.T) {
	t.Parallel()
	e := newExternal(t)
	w := newWorld(t, func(o *signin.Options) { o.HTTPClient = e.Client() })
	requireRefused(t, refusal{70021, "invalid_client", 401}, w.token(w.assertionForm(w.externalToken(e, jose.RS256, clientPair().key, "k1"))))
	require.Zero(t, e.count())
}
