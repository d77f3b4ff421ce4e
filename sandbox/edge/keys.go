package edge

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Limits of API Gateway on what it fetches from an issuer.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const (
	FetchTimeout     = 1500 * time.Millisecond
	MaxKeySetBytes   = 150_000
	KeySetLifetime   = 2 * time.Hour
	discoverySuffix  = "/.well-known/openid-configuration"
	maxDocumentBytes = MaxKeySetBytes // the discovery document's own limit is not documented
)

// KeySets fetches the key sets of issuers through their discovery documents
// and keeps them. It is a [KeySource]; create it with [NewKeySets].
type KeySets struct {
	options KeySetOptions
	fetches singleflight.Group
	cached  sync.Map // issuer -> *keySet
}

// KeySetOptions configure [KeySets].
type KeySetOptions struct {
	// Client fetches; nil means [http.DefaultClient]. Redirects are not
	// followed (a guess).
	Client *http.Client
	// Now is the clock of the cache; nil means [time.Now].
	Now func() time.Time
	// Lifetime is how long a key set is kept, by default [KeySetLifetime], the
	// one figure that AWS documents: "API Gateway can cache the public key for
	// two hours". Failures are not kept.
	Lifetime time.Duration
	// Timeout limits each fetch, by default [FetchTimeout].
	Timeout time.Duration
	// RefetchUnknown is how old a key set must be for an unknown key id to
	// have it fetched again. Zero means never, so that a key set stays stale
	// for its whole lifetime: whether HTTP APIs fetch again is not documented,
	// and who rotates keys must be prepared for the worse.
	RefetchUnknown time.Duration
}

// keySet is immutable.
type keySet struct {
	keys    map[string]*rsa.PublicKey
	fetched time.Time
}

// NewKeySets returns an empty cache.
func NewKeySets(options KeySetOptions) *KeySets {
	if options.Client == nil {
		options.Client = http.DefaultClient
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Lifetime == 0 {
		options.Lifetime = KeySetLifetime
	}
	if options.Timeout == 0 {
		options.Timeout = FetchTimeout
	}
	return &KeySets{options: options}
}

// Key implements [KeySource].
func (k *KeySets) Key(issuer, keyID string) (*rsa.PublicKey, error) {
	set, err := k.get(issuer, k.options.Lifetime)
	if err != nil {
		return nil, err
	}
	key := set.keys[keyID]
	if key == nil && k.options.RefetchUnknown > 0 {
		if set, err = k.get(issuer, k.options.RefetchUnknown); err != nil {
			return nil, err
		}
		key = set.keys[keyID]
	}
	if key == nil {
		return nil, fmt.Errorf("%w: issuer %s has no RSA key %q", ErrUnknownKey, issuer, keyID)
	}
	return key, nil
}

// CheckIssuer fetches the discovery document and the key set of an issuer,
// past the cache, as API Gateway does when an authorizer is created.
func (k *KeySets) CheckIssuer(ctx context.Context, issuer string) error {
	_, err := k.fetch(ctx, issuer)
	return err
}

// get returns a key set that is younger than the given age.
func (k *KeySets) get(issuer string, age time.Duration) (*keySet, error) {
	young := func() *keySet {
		cached, ok := k.cached.Load(issuer)
		if !ok {
			return nil
		}
		set := cached.(*keySet)
		if k.options.Now().Sub(set.fetched) >= age {
			return nil
		}
		return set
	}
	if set := young(); set != nil {
		return set, nil
	}
	fetched, err, _ := k.fetches.Do(issuer, func() (any, error) {
		// Another request may have fetched since this one looked.
		if set := young(); set != nil {
			return set, nil
		}
		set, err := k.fetch(context.Background(), issuer)
		if err != nil {
			return nil, err
		}
		k.cached.Store(issuer, set)
		return set, nil
	})
	if err != nil {
		return nil, err
	}
	return fetched.(*keySet), nil
}

// fetch gets the discovery document, whose issuer must be the one asked for,
// and then the key set.
func (k *KeySets) fetch(ctx context.Context, issuer string) (*keySet, error) {
	var discovery struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	// How AWS joins an issuer that ends in a slash is not documented, but such
	// issuers work (https://github.com/aws/serverless-application-model/issues/1727).
	if err := k.getJSON(ctx, strings.TrimSuffix(issuer, "/")+discoverySuffix, &discovery); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDiscovery, err)
	}
	if discovery.Issuer != issuer {
		return nil, &IssuerMismatchError{Want: issuer, Got: discovery.Issuer}
	}
	var published struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := k.getJSON(ctx, discovery.JWKSURI, &published); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeySet, err)
	}
	set := &keySet{keys: map[string]*rsa.PublicKey{}, fetched: k.options.Now()}
	for _, raw := range published.Keys {
		id, key, ok := parseKey(raw)
		if _, exists := set.keys[id]; ok && !exists {
			set.keys[id] = key
		}
	}
	return set, nil
}

func (k *KeySets) getJSON(ctx context.Context, address string, into any) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("got address %q, want an https URL", address)
	}
	ctx, cancel := context.WithTimeout(ctx, k.options.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil) //nolint:gosec // G704: an issuer is where the API says
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := transport(k.options.Client).RoundTrip(req)
	if err != nil {
		return fmt.Errorf("getting %s: %w", address, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("getting %s: got status %d, want 200", address, resp.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxDocumentBytes+1))
	if err != nil {
		return fmt.Errorf("getting %s: %w", address, err)
	}
	if len(raw) > maxDocumentBytes {
		return fmt.Errorf("getting %s: got more than %d bytes", address, maxDocumentBytes)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("getting %s: %w", address, err)
	}
	return nil
}

// transport is a client's transport, used directly where redirects must not
// be followed.
func transport(client *http.Client) http.RoundTripper {
	if client == nil || client.Transport == nil {
		return http.DefaultTransport
	}
	return client.Transport
}

// parseKey reads one key of a set and skips what is not an RSA signing key
// with an id. Entra's keys have neither alg nor always use, so neither is
// required. https://learn.microsoft.com/entra/identity-platform/access-tokens
func parseKey(raw json.RawMessage) (id string, key *rsa.PublicKey, ok bool) {
	var jwk struct {
		Type     string `json:"kty"`
		ID       string `json:"kid"`
		Use      string `json:"use"`
		Modulus  string `json:"n"`
		Exponent string `json:"e"`
	}
	if err := json.Unmarshal(raw, &jwk); err != nil || jwk.Type != "RSA" || jwk.ID == "" || (jwk.Use != "" && jwk.Use != "sig") {
		return "", nil, false
	}
	n, errN := decodeBase64(jwk.Modulus)
	e, errE := decodeBase64(jwk.Exponent)
	if errors.Join(errN, errE) != nil || len(n) == 0 || len(e) == 0 || len(e) > 4 {
		return "", nil, false
	}
	exponent := new(big.Int).SetBytes(e).Int64()
	return jwk.ID, &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent)}, exponent > 1
}
