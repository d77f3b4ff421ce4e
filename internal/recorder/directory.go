package recorder

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// Directory serves the discovery document of an issuer, and its keys, and
// returns a client that goes there whatever host it is sent to.
func Directory(t *testing.T, issuer string) *http.Client {
	t.Helper()
	return DirectoryNaming(t, issuer, issuer)
}

// DirectoryNaming is [Directory] with a document that names an issuer of its
// own.
func DirectoryNaming(t *testing.T, issuer, named string) *http.Client {
	t.Helper()
	base, err := url.Parse(issuer)
	require.NoError(t, err)
	documents := map[string]any{
		base.Path + "/.well-known/openid-configuration": map[string]any{
			"issuer":                                named,
			"jwks_uri":                              "https://" + base.Host + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		},
		"/keys": map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "use": "sig", "kid": "one", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWh", "e": "AQAB",
		}}},
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		document, found := documents[r.URL.Path]
		if !found {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(document)
	}))
	t.Cleanup(server.Close)
	client := server.Client()
	transport, ok := client.Transport.(*http.Transport)
	require.True(t, ok)
	transport.TLSClientConfig.ServerName = "example.com" // which the test server's certificate names
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	return client
}
