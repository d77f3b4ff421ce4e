package authorize

import (
	"context"
	"crypto/rsa"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// API Gateway's limits when its own authorizer fetches the same documents.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const (
	requestTimeout   = 1500 * time.Millisecond
	maxDocumentBytes = 150_000
)

// minKeyBits is the smallest RSA key that may sign tokens.
// https://www.rfc-editor.org/rfc/rfc7518#section-3.3
const minKeyBits = 2048

// fetch gets the issuer's discovery document and then its key set.
func (k *keyCache) fetch(ctx context.Context) (map[string]*rsa.PublicKey, error) {
	var discovery struct {
		Issuer    string `json:"issuer"`
		KeySetURL string `json:"jwks_uri"`
	}
	address := discoveryURL(k.issuer)
	if err := k.getJSON(ctx, address, &discovery); err != nil {
		return nil, err
	}
	if discovery.Issuer != k.issuer {
		return nil, fmt.Errorf("%s: got issuer %q, want %q", address, discovery.Issuer, k.issuer)
	}
	if u, err := url.Parse(discovery.KeySetURL); err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%s: got jwks_uri %q, want an https address", address, discovery.KeySetURL)
	}
	var published struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := k.getJSON(ctx, discovery.KeySetURL, &published); err != nil {
		return nil, err
	}
	keys := map[string]*rsa.PublicKey{}
	for _, raw := range published.Keys {
		if id, key := usableKey(raw); key != nil && keys[id] == nil {
			keys[id] = key
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s: got %d keys and no RSA signing key with an id among them, want at least one",
			discovery.KeySetURL, len(published.Keys))
	}
	return keys, nil
}

// usableKey reads one key of a set, and returns nil for what is not an RSA
// signing key with an id. Sets may hold keys that are for others, so that is no
// error. Entra's keys have no alg.
// https://learn.microsoft.com/entra/identity-platform/access-tokens
func usableKey(raw []byte) (id string, key *rsa.PublicKey) {
	var jwk jose.JSONWebKey
	if err := json.Unmarshal(raw, &jwk); err != nil || jwk.KeyID == "" || (jwk.Use != "" && jwk.Use != "sig") {
		return "", nil
	}
	key, ok := jwk.Key.(*rsa.PublicKey)
	if !ok || key.N.BitLen() < minKeyBits {
		return "", nil
	}
	return jwk.KeyID, key
}

func (k *keyCache) getJSON(ctx context.Context, address string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	response, err := k.client.Do(request)
	if err != nil {
		return err // names the address
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: got status %d, want 200", address, response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxDocumentBytes+1))
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	if len(body) > maxDocumentBytes {
		return fmt.Errorf("%s: got more than %d bytes", address, maxDocumentBytes)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	return nil
}
