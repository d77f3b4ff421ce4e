package signin

import (
	"context"
	"crypto/sha1" //nolint:gosec // x5t is a SHA-1 thumbprint by RFC 7515 section 4.1.7
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

// assertionSkew is how far a client's clock may be off.
const assertionSkew = 5 * time.Minute

// assertion is a client assertion, read and not yet believed.
type assertion struct {
	token  *jwt.JSONWebToken
	claims jwt.Claims
	alg    string
	kid    string
	// thumbprints of the signing certificate, decoded; nil when absent.
	sha1, sha256 []byte
}

// readAssertion takes an assertion apart. It accepts algorithms that Entra
// refuses, so that the refusal of one can name it.
func readAssertion(raw string) (assertion, *Error) {
	parsed, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{
		jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
		jose.ES256, jose.ES384, jose.ES512, jose.HS256, jose.HS384, jose.HS512,
	})
	if err != nil || len(parsed.Headers) != 1 {
		return assertion{}, badAssertion("it is no signed JWT in compact form")
	}
	a := assertion{token: parsed, alg: parsed.Headers[0].Algorithm, kid: parsed.Headers[0].KeyID}
	if err := parsed.UnsafeClaimsWithoutVerification(&a.claims); err != nil {
		return assertion{}, badAssertion("its claims cannot be read")
	}
	if a.claims.Expiry == nil {
		return assertion{}, badAssertion("it has no exp claim")
	}
	for name, into := range map[jose.HeaderKey]*[]byte{"x5t": &a.sha1, "x5t#S256": &a.sha256} {
		value, ok := parsed.Headers[0].ExtraHeaders[name]
		if !ok {
			continue
		}
		text, _ := value.(string)
		decoded, ok := thumbprint(text)
		if !ok {
			return assertion{}, badAssertion("its " + string(name) + " header is not base64url")
		}
		*into = decoded
	}
	return a, nil
}

// thumbprint decodes base64 of either alphabet, padded or not: MSAL for Go
// sends the standard one although RFC 7515 wants base64url.
func thumbprint(text string) ([]byte, bool) {
	text = strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(text), "=")
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	return decoded, err == nil && len(decoded) > 0
}

func badAssertion(why string) *Error {
	return refuse(50027, "JWT token is invalid or malformed: %s.", why)
}

// checkAssertion checks a client assertion: one that the client signed itself
// with the key of a certificate, or one of an issuer that a federated
// credential trusts. The issuer tells which.
func (s *Server) checkAssertion(ctx context.Context, at realm, t *tenant, known credentials, raw, endpoint string) *Error {
	a, refusal := readAssertion(raw)
	if refusal != nil {
		return refusal
	}
	if strings.EqualFold(a.claims.Issuer, known.appID) || strings.EqualFold(a.claims.Subject, known.appID) {
		return s.checkCertificate(a, at, t, known, endpoint)
	}
	return s.checkFederated(ctx, a, known)
}

// checkCertificate checks, in this order: issuer and subject, the certificate,
// algorithm, signature, audience, time. A jti is not remembered: MSAL sends one
// assertion again until it expires.
// https://learn.microsoft.com/entra/identity-platform/certificate-credentials
func (s *Server) checkCertificate(a assertion, at realm, t *tenant, known credentials, endpoint string) *Error {
	if !strings.EqualFold(a.claims.Issuer, known.appID) || !strings.EqualFold(a.claims.Subject, known.appID) {
		return refuse(700021, "Client assertion application identifier doesn't match 'client_id' parameter. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials.")
	}
	if a.sha1 == nil && a.sha256 == nil {
		return badAssertion("it has neither an x5t nor an x5t#S256 header")
	}
	now := s.now()
	certificate, refusal := certificateOf(a, known, now)
	if refusal != nil {
		return refusal
	}
	if a.alg != string(jose.RS256) && a.alg != string(jose.PS256) {
		return refuse(5002738, "Invalid JWT token. '%s' is not a supported signature algorithm. Supported signing algorithms are: 'RS256, PS256'.", a.alg)
	}
	if err := a.token.Claims(certificate.PublicKey, &jwt.Claims{}); err != nil {
		return refuse(700027, "Client assertion failed signature validation. [Reason - The provided signature value did not match the expected signature value.]")
	}
	accepted := []string{
		endpoint, s.baseURL + "/" + at.name + "/oauth2/v2.0/token", s.baseURL + "/" + at.name + "/oauth2/token",
		s.baseURL + "/" + t.id + "/oauth2/v2.0/token", s.baseURL + "/" + t.id + "/oauth2/token", s.baseURL + "/" + t.id + "/v2.0",
	}
	if !slices.ContainsFunc(a.claims.Audience, func(aud string) bool { return slices.Contains(accepted, aud) }) {
		return refuse(700023, "Client assertion audience claim does not match Realm issuer. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials.")
	}
	return checkTime(a, now)
}

// certificateOf finds the certificate that an assertion names among those of
// the registration that are valid now.
func certificateOf(a assertion, known credentials, now time.Time) (*x509.Certificate, *Error) {
	for _, k := range known.keys {
		if k.Usage != "" && k.Usage != "Verify" || !named(a, k) || !within(now, k.StartDateTime, k.EndDateTime, 0) {
			continue
		}
		certificate, err := x509.ParseCertificate(k.Key)
		if err == nil && within(now, certificate.NotBefore, certificate.NotAfter, 0) {
			return certificate, nil
		}
	}
	return nil, refuse(700027, "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found or is expired., Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '%s'.]", known.appID)
}

// named tells whether an assertion names a certificate, by each thumbprint it has.
func named(a assertion, k directory.KeyCredential) bool {
	short, long := sha1.Sum(k.Key), sha256.Sum256(k.Key) //nolint:gosec // not a signature
	return (a.sha1 == nil || subtle.ConstantTimeCompare(a.sha1, short[:]) == 1) &&
		(a.sha256 == nil || subtle.ConstantTimeCompare(a.sha256, long[:]) == 1)
}

func checkTime(a assertion, now time.Time) *Error {
	from, until := time.Time{}, a.claims.Expiry.Time()
	if a.claims.NotBefore != nil {
		from = a.claims.NotBefore.Time()
	}
	if !within(now, from, until, assertionSkew) {
		return refuse(700024, "Client assertion is not within its valid time range. Current time: %s, assertion valid from %s, expiry time of assertion %s.", now.UTC().Format(time.RFC3339), from.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339))
	}
	return nil
}
