package diagnose

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// rehearse says what else would be refused, once what fails first was put right.
// It asks the same authorizer about the same claims, signed by a key that this
// process makes and that nobody else trusts; then about the claims with what was
// refused put right; and so on. What it signs does not leave the process.
func (x *explainer) rehearse(ctx context.Context, first CheckName) ([]failure, error) {
	stage, err := x.rehearsal()
	if err != nil {
		return nil, err
	}
	claims := maps.Clone(x.token.claims)
	seen, failing := []CheckName{first}, []failure(nil)
	for next := first; x.repair(claims, next); {
		said, err := stage.judge(ctx, claims)
		if err != nil {
			return nil, err
		}
		if next = said.reason; next == "" {
			break
		}
		if slices.Contains(seen, next) { // a number out of range, for example
			x.partial = true
			break
		}
		seen, failing = append(seen, next), append(failing, failure{next, said.cause})
	}
	return failing, nil
}

// repair puts right in claims what a check refuses. It is false where that would
// be to grant what the token does not.
func (x *explainer) repair(claims map[string]any, name CheckName) bool {
	switch name {
	case CheckForm, CheckAlgorithm, CheckKeys, CheckKey, CheckSignature: // are by being signed
	case CheckExpiry:
		claims["exp"] = x.now.Add(time.Hour).Unix()
	case CheckNotBefore:
		delete(claims, "nbf")
	case CheckIssuedAt:
		delete(claims, "iat")
	case CheckIssuer:
		claims["iss"] = x.Tenant.Issuer()
	case CheckAudience:
		claims["aud"] = x.Audience
	case CheckTenant:
		claims["tid"] = x.tenantID()
	case CheckVersion:
		claims["ver"] = "2.0"
	default:
		return false
	}
	return true
}

// sortMalformed finds out which check it is that the Lambda authorizer calls
// malformed: the token's form, or a time that is no number.
func (x *explainer) sortMalformed(ctx context.Context) (CheckName, error) {
	if x.token.form != "" || x.token.claims == nil {
		return CheckForm, nil
	}
	stage, err := x.rehearsal()
	if err != nil {
		return "", err
	}
	claims := maps.Clone(x.token.claims)
	claims["iss"], claims["aud"] = x.Tenant.Issuer(), x.Audience // which come before the times
	said, err := stage.judge(ctx, claims)
	if err != nil {
		return "", err
	}
	switch said.reason {
	case CheckExpiry, CheckNotBefore, CheckIssuedAt:
		return said.reason, nil
	}
	return CheckForm, nil // such as a name that is there twice, and only once in a map
}

// malformedTime is the first of the times that is no number.
func malformedTime(claims map[string]any) CheckName {
	for _, c := range []struct {
		claim    string
		check    CheckName
		optional bool
	}{{"exp", CheckExpiry, false}, {"nbf", CheckNotBefore, true}, {"iat", CheckIssuedAt, true}} {
		value, present := claims[c.claim]
		if _, ok := seconds(value); !ok && (present || !c.optional) {
			return c.check
		}
	}
	return CheckForm
}

// seconds reads a claim that holds a time, as a token has it or as [repair] sets
// it.
func seconds(claim any) (float64, bool) {
	switch value := claim.(type) {
	case json.Number:
		at, err := value.Float64()
		return at, err == nil
	case int64:
		return float64(value), true
	}
	return 0, false
}

// rehearsal is the route's authorizer with a key of this process.
type rehearsal struct {
	authority
	key *rsa.PrivateKey
}

const rehearsalKeyID = "rehearsal"

// rehearsalKey is made once, since that takes long.
var rehearsalKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func (x *explainer) rehearsal() (*rehearsal, error) {
	key, err := rehearsalKey()
	if err != nil {
		return nil, err
	}
	stage, err := x.authority(keySource{
		client: &http.Client{Transport: ownIssuer{x.Tenant.Issuer(), key}}, keys: oneKey{&key.PublicKey},
	})
	return &rehearsal{stage, key}, err
}

// judge decides about claims.
func (r *rehearsal) judge(ctx context.Context, claims map[string]any) (answer, error) {
	raw, err := r.sign(claims)
	if err != nil {
		return answer{}, err
	}
	said := r.decide(ctx, raw)
	if said.reason == wantsSorting {
		said.reason = malformedTime(claims)
	}
	return said, nil
}

// sign makes a token of claims.
func (r *rehearsal) sign(claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	options := (&jose.SignerOptions{}).WithHeader("kid", rehearsalKeyID)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: r.key}, options)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// ownIssuer is a transport that answers in the issuer's place, with the key of
// the rehearsal.
type ownIssuer struct {
	issuer string
	key    *rsa.PrivateKey
}

// RoundTrip implements [http.RoundTripper].
func (o ownIssuer) RoundTrip(r *http.Request) (*http.Response, error) {
	var document any = map[string]string{"issuer": o.issuer, "jwks_uri": o.issuer + "/keys"}
	if strings.HasSuffix(r.URL.Path, "/keys") {
		document = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: o.key.Public(), KeyID: rehearsalKeyID, Use: "sig"}}}
	}
	raw, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("the rehearsal's own issuer: %w", err)
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(raw))), Request: r}, nil
}
