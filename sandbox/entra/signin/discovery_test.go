package signin_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/entra/signin"
	"github.com/entragate/entragate/sandbox/store"
)

func TestDiscoveryIssuers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tests := map[string]struct{ path, issuer, keys, token string }{
		"v2 by id": {
			"/" + contoso + "/v2.0", w.base + "/" + contoso + "/v2.0",
			"/" + contoso + "/discovery/v2.0/keys", "/" + contoso + "/oauth2/v2.0/token",
		},
		"v2 by domain name": {
			"/contoso.onmicrosoft.com/v2.0", w.base + "/" + contoso + "/v2.0",
			"/" + contoso + "/discovery/v2.0/keys", "/" + contoso + "/oauth2/v2.0/token",
		},
		"v1": {
			"/" + contoso, "https://sts.windows.net/" + contoso + "/",
			"/" + contoso + "/discovery/keys", "/" + contoso + "/oauth2/token",
		},
		"common has a placeholder": {
			"/common/v2.0", w.base + "/{tenantid}/v2.0", "/common/discovery/v2.0/keys", "/common/oauth2/v2.0/token",
		},
		"organizations has a placeholder": {
			"/organizations/v2.0", w.base + "/{tenantid}/v2.0", "/organizations/discovery/v2.0/keys", "/organizations/oauth2/v2.0/token",
		},
		"v1 common": {
			"/common", "https://sts.windows.net/{tenantid}/", "/common/discovery/keys", "/common/oauth2/token",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := w.get(test.path + "/.well-known/openid-configuration")
			require.Equal(t, http.StatusOK, got.status)
			require.Equal(t, test.issuer, got.body["issuer"])
			require.Equal(t, w.base+test.keys, got.body["jwks_uri"])
			require.Equal(t, w.base+test.token, got.body["token_endpoint"])
			require.Equal(t, []any{"RS256"}, got.body["id_token_signing_alg_values_supported"])
			require.Equal(t, "*", got.header.Get("Access-Control-Allow-Origin"))
		})
	}
}

func TestDiscoveryRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	unknown := "00000000-0000-4000-8000-00000000dead"
	for name, test := range map[string]struct {
		path string
		want refusal
	}{
		"unknown tenant":      {"/" + unknown + "/v2.0/.well-known/openid-configuration", refusal{90002, "invalid_request", 400}},
		"unknown domain":      {"/nobody.example/v2.0/.well-known/openid-configuration", refusal{90002, "invalid_request", 400}},
		"no tenant's name":    {"/nonsense/v2.0/.well-known/openid-configuration", refusal{900023, "invalid_request", 400}},
		"unknown tenant, v1":  {"/" + unknown + "/.well-known/openid-configuration", refusal{90002, "invalid_request", 400}},
		"keys of nobody":      {"/" + unknown + "/discovery/v2.0/keys", refusal{90002, "invalid_request", 400}},
		"instance of nobody":  {"/common/discovery/instance?authorization_endpoint=" + url.QueryEscape("https://evil.example/common/oauth2/v2.0/authorize"), refusal{50049, "invalid_instance", 400}},
		"instance unsaid":     {"/common/discovery/instance", refusal{900144, "invalid_request", 400}},
		"instance of unknown": {"/common/discovery/instance?authorization_endpoint=" + url.QueryEscape(w.base+"/"+unknown+"/oauth2/v2.0/authorize"), refusal{90002, "invalid_request", 400}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireRefused(t, test.want, w.get(test.path))
		})
	}
	requireRefused(t, refusal{900561, "invalid_request", 405}, w.do(http.MethodPost, "/common/v2.0/.well-known/openid-configuration", nil, ""))
	require.Equal(t, http.StatusNotFound, w.get("/"+contoso+"/nothing/here").status)
}

func TestCorrelationIDIsTheClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := "11111111-2222-4333-8444-555555555555"
	got := w.token(form("grant_type", "nonsense"), "client-request-id", id)
	require.Equal(t, id, got.body["correlation_id"])
	got = w.token(form("grant_type", "nonsense"), "client-request-id", "not a GUID")
	require.NotEqual(t, "not a GUID", got.body["correlation_id"])
}

func keyIDs(t *testing.T, got reply) []string {
	t.Helper()
	require.Equal(t, http.StatusOK, got.status)
	var ids []string
	for _, k := range got.body["keys"].([]any) {
		key := k.(map[string]any)
		require.Equal(t, "RSA", key["kty"])
		require.Equal(t, "sig", key["use"])
		require.Equal(t, key["kid"], key["x5t"])
		require.NotContains(t, key, "alg")
		der, err := base64.StdEncoding.DecodeString(key["x5c"].([]any)[0].(string))
		require.NoError(t, err)
		_, err = x509.ParseCertificate(der)
		require.NoError(t, err)
		ids = append(ids, key["kid"].(string))
	}
	return ids
}

func TestKeySetsAndRollover(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/" + contoso + "/discovery/v2.0/keys"
	before := keyIDs(t, w.get(path))
	require.Len(t, before, 4, "two keys of each tenant")
	for _, other := range []string{"/common/discovery/keys", "/" + contoso + "/discovery/keys", "/" + fabrikam + "/discovery/v2.0/keys"} {
		require.Equal(t, before, keyIDs(t, w.get(other)), "the key set is that of the whole cloud")
	}
	old := requireHeaderKid(t, w.token(w.daemonForm()))
	require.Contains(t, before, old)

	w.change(func(st *directory.State) { require.NoError(t, directory.RollKeys(st, w.clock.Now())) })
	rolled := requireHeaderKid(t, w.token(w.daemonForm()))
	require.NotEqual(t, old, rolled)
	require.Contains(t, before, rolled, "the next key was published before it signed")
	require.Contains(t, keyIDs(t, w.get(path)), old, "tokens of the last key still verify")

	w.change(func(st *directory.State) { require.NoError(t, directory.RevokeSigningKey(st, w.clock.Now())) })
	emergency := keyIDs(t, w.get(path))
	require.NotContains(t, emergency, rolled)
	require.Contains(t, emergency, requireHeaderKid(t, w.token(w.daemonForm())))
	require.GreaterOrEqual(t, len(emergency), 3)
}

func requireHeaderKid(t *testing.T, got reply) string {
	t.Helper()
	requireToken(t, got)
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(got.text("access_token"), ".")[0])
	require.NoError(t, err)
	var header map[string]string
	require.NoError(t, json.Unmarshal(raw, &header))
	require.Equal(t, "RS256", header["alg"])
	return header["kid"]
}

func TestAppIDIsKeptInTheKeySetAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.get("/" + contoso + "/v2.0/.well-known/openid-configuration?appid=" + apiID)
	require.Equal(t, w.base+"/"+contoso+"/discovery/v2.0/keys?appid="+apiID, got.body["jwks_uri"])
	require.Len(t, keyIDs(t, w.get("/"+contoso+"/discovery/v2.0/keys?appid="+apiID)), 4)
}

func TestInstanceDiscovery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.get("/common/discovery/instance?api-version=1.1&authorization_endpoint=" + url.QueryEscape(w.base+"/"+contoso+"/oauth2/v2.0/authorize"))
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, w.base+"/"+contoso+"/v2.0/.well-known/openid-configuration", got.body["tenant_discovery_endpoint"])
	require.Contains(t, got.body["metadata"].([]any)[0].(map[string]any)["aliases"], w.base[len("https://"):])
}

func TestGoOIDCDiscovers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := oidc.ClientContext(t.Context(), w.server.Client())
	_, err := oidc.NewProvider(ctx, w.base+"/"+contoso+"/v2.0")
	require.NoError(t, err)
	_, err = oidc.NewProvider(ctx, w.base+"/common/v2.0")
	require.ErrorContains(t, err, "issuer", "common names an issuer that no token has")
	_, err = oidc.NewProvider(ctx, w.base+"/contoso.onmicrosoft.com/v2.0")
	require.ErrorContains(t, err, "issuer", "the issuer has the tenant's id, whatever name was used")
}

func TestNewRefusesWhatItCannotServe(t *testing.T) {
	t.Parallel()
	dir, err := store.Open("", seeded(t, contoso))
	require.NoError(t, err)
	nameless, err := store.Open("", &directory.State{})
	require.NoError(t, err)
	for name, test := range map[string]struct {
		options signin.Options
		want    string
	}{
		"no base URL":        {signin.Options{Tenants: []*directory.Directory{dir}}, "base URL"},
		"base URL with path": {signin.Options{Tenants: []*directory.Directory{dir}, BaseURL: "https://localhost/"}, "base URL"},
		"no tenants":         {signin.Options{BaseURL: "https://localhost"}, "tenants"},
		"tenant without id":  {signin.Options{BaseURL: "https://localhost", Tenants: []*directory.Directory{nameless}}, "GUID"},
		"tenant twice":       {signin.Options{BaseURL: "https://localhost", Tenants: []*directory.Directory{dir, dir}}, "twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := signin.New(test.options)
			require.ErrorContains(t, err, test.want)
		})
	}
}
