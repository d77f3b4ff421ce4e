package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

// checkFederated checks an assertion of an external issuer against the
// federated credentials: issuer, subject and audience must be those of one
// credential exactly. Only then is the issuer asked for its keys, so nobody
// can make the service fetch an address of their choice.
// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
func (s *Server) checkFederated(ctx context.Context, a assertion, known credentials) *Error {
	matches := func(c directory.FederatedCredential) bool {
		return c.Issuer == a.claims.Issuer && c.Subject == a.claims.Subject &&
			slices.ContainsFunc(c.Audiences, func(aud string) bool { return slices.Contains(a.claims.Audience, aud) })
	}
	if !slices.ContainsFunc(known.federated, matches) {
		return refuse(70021, "No matching federated identity record found for presented assertion. Assertion Issuer: '%s'. Assertion Subject: '%s'. Assertion Audience: '%s'. https://learn.microsoft.com/entra/workload-id/workload-identity-federation", a.claims.Issuer, a.claims.Subject, strings.Join(a.claims.Audience, " "))
	}
	if a.alg != string(jose.RS256) {
		return refuse(5002738, "Invalid JWT token. '%s' is not a supported signature algorithm. Supported signing algorithms are: 'RS256'.", a.alg)
	}
	key, err := s.issuers.key(ctx, a.claims.Issuer, a.kid)
	if err != nil {
		return refuse(50166, "Request to External OIDC endpoint failed: %s.", err)
	}
	if key == nil {
		return refuse(50013, "Assertion failed signature validation. [Reason - The key was not found.]")
	}
	var claims map[string]any
	if err := a.token.Claims(key.Key, &claims); err != nil {
		return refuse(50013, "Assertion failed signature validation. [Reason - The provided signature value did not match the expected signature value.]")
	}
	if _, delegated := claims["scp"]; delegated && s.ownIssuer(a.claims.Issuer) {
		return refuse(700229, "Only app-only tokens can be used as Federated Identity Credentials for Microsoft Entra issuer.")
	}
	return checkTime(a, s.now())
}

func (s *Server) ownIssuer(issuer string) bool {
	return strings.HasPrefix(issuer, s.baseURL+"/") || strings.HasPrefix(issuer, "https://sts.windows.net/")
}

// externalIssuers keeps the key sets of external issuers for a while.
type externalIssuers struct {
	client *http.Client
	now    func() time.Time

	mu   sync.Mutex
	sets map[string]issuerKeys
}

type issuerKeys struct {
	set     jose.JSONWebKeySet
	fetched time.Time
}

const (
	// issuerKeysLifetime is how long a key set is believed.
	issuerKeysLifetime = time.Hour
	// issuerKeysPause is how soon an unknown key id may ask for it again.
	issuerKeysPause = 10 * time.Second
	// issuerAnswer bounds how much of an answer is read, in bytes.
	issuerAnswer = 1 << 20
)

// key finds an issuer's key by its id. It is nil when the issuer has none; an
// error means that the issuer could not be asked.
func (e *externalIssuers) key(ctx context.Context, issuer, kid string) (*jose.JSONWebKey, error) {
	e.mu.Lock()
	kept, ok := e.sets[issuer]
	e.mu.Unlock()
	age := e.now().Sub(kept.fetched)
	found := rsaKey(kept.set, kid)
	if !ok || age > issuerKeysLifetime || found == nil && age > issuerKeysPause {
		set, err := e.fetch(ctx, issuer)
		if err != nil {
			return nil, err
		}
		e.mu.Lock()
		if e.sets == nil {
			e.sets = map[string]issuerKeys{}
		}
		e.sets[issuer] = issuerKeys{set, e.now()}
		e.mu.Unlock()
		found = rsaKey(set, kid)
	}
	return found, nil
}

// rsaKey picks the public key with an id.
func rsaKey(set jose.JSONWebKeySet, kid string) *jose.JSONWebKey {
	for _, k := range set.Key(kid) {
		if k.IsPublic() && k.Valid() && (k.Use == "" || k.Use == "sig") {
			return &k
		}
	}
	return nil
}

func (e *externalIssuers) fetch(ctx context.Context, issuer string) (jose.JSONWebKeySet, error) {
	var document struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	var set jose.JSONWebKeySet
	if err := e.get(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", &document); err != nil {
		return set, err
	}
	if document.Issuer != issuer {
		return set, fmt.Errorf("discovery document of %s: issuer: got %q", issuer, document.Issuer)
	}
	err := e.get(ctx, document.JWKSURI, &set)
	return set, err
}

func (e *externalIssuers) get(ctx context.Context, address string, into any) error {
	if !strings.HasPrefix(address, "https://") {
		return fmt.Errorf("fetching %s: want an https address", address)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("fetching %s: %w", address, err)
	}
	res, err := e.client.Do(req)
	if err != nil {
		return fmt.Errorf("fetching %s: %w", address, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("fetching %s: got status %d, want 200", address, res.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, issuerAnswer+1))
	if err == nil && len(raw) > issuerAnswer {
		err = errors.New("the answer is too long")
	}
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		return fmt.Errorf("fetching %s: %w", address, err)
	}
	return nil
}
