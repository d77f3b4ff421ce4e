package entra_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/entra"
	"github.com/entragate/entragate/sandbox/entra/browser"
	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/store"
)

const (
	contoso  = "c0000000-0000-4000-8000-000000000001"
	fabrikam = "f0000000-0000-4000-8000-000000000002"
	key      = "the control key"
	alice    = "alice@contoso.onmicrosoft.com"
	// audience stands for an API that only the tests know.
	audience = "a0000000-0000-4000-8000-00000000000a"
)

type sandbox struct {
	t       *testing.T
	base    string
	server  *httptest.Server
	tenants map[string]*directory.Directory
	secrets map[string]directory.Secrets
	mu      sync.Mutex
	now     time.Time
}

func (s *sandbox) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *sandbox) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// seed is a tenant as it is after seeding, kept as JSON to be copied.
type seed struct {
	state   []byte
	secrets directory.Secrets
}

// seeds are made once, since keys take long to make.
var seeds = sync.OnceValues(func() (map[string]seed, error) {
	made := map[string]seed{}
	for id, name := range map[string]string{contoso: "contoso", fabrikam: "fabrikam"} {
		st, secrets, err := directory.Seed(directory.SeedOptions{TenantID: id, DisplayName: name, InitialDomain: name + ".onmicrosoft.com", Now: func() time.Time { return time.Now().Add(-time.Hour) }})
		if err != nil {
			return nil, err
		}
		raw, err := json.Marshal(st)
		if err != nil {
			return nil, err
		}
		made[id] = seed{raw, secrets}
	}
	return made, nil
})

func newSandbox(t *testing.T, controlKey string) *sandbox {
	t.Helper()
	s := &sandbox{t: t, tenants: map[string]*directory.Directory{}, secrets: map[string]directory.Secrets{}, now: time.Now()}
	s.server = httptest.NewUnstartedServer(nil)
	s.base = "https://" + s.server.Listener.Addr().String()
	made, err := seeds()
	require.NoError(t, err)
	o := entra.Options{BaseURL: s.base, ControlKey: controlKey, Now: s.clock}
	for _, id := range []string{contoso, fabrikam} {
		var st directory.State
		require.NoError(t, json.Unmarshal(made[id].state, &st))
		graph := st.ServicePrincipalByAppID(directory.GraphAppID)
		graph.ServicePrincipalNames = append(graph.ServicePrincipalNames, s.base, s.base+"/")
		dir, err := store.Open("", &st)
		require.NoError(t, err)
		s.tenants[id], s.secrets[id] = dir, made[id].secrets
		o.Tenants = append(o.Tenants, dir)
	}
	handler, err := entra.New(o)
	require.NoError(t, err)
	s.server.Config.Handler = handler
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	return s
}

func (s *sandbox) do(method, path, bearer, body string) (int, map[string]any) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, strings.NewReader(body))
	require.NoError(s.t, err)
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := s.server.Client().Do(req)
	require.NoError(s.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	answer := map[string]any{}
	if len(bytes.TrimSpace(raw)) > 0 && strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		require.NoError(s.t, json.Unmarshal(raw, &answer), string(raw))
	}
	return res.StatusCode, answer
}

func (s *sandbox) credential(tenant string) *azidentity.ClientSecretCredential {
	s.t.Helper()
	secrets := s.secrets[tenant]
	cred, err := azidentity.NewClientSecretCredential(tenant, secrets.DeployerAppID, secrets.DeployerSecret, &azidentity.ClientSecretCredentialOptions{
		DisableInstanceDiscovery: true,
		ClientOptions: azcore.ClientOptions{
			Cloud: azcloud.Configuration{ActiveDirectoryAuthorityHost: s.base}, Transport: s.server.Client(), Retry: policy.RetryOptions{MaxRetries: -1},
		},
	})
	require.NoError(s.t, err)
	return cred
}

func (s *sandbox) graphToken(tenant, scope string) string {
	s.t.Helper()
	got, err := s.credential(tenant).GetToken(s.t.Context(), policy.TokenRequestOptions{Scopes: []string{scope}})
	require.NoError(s.t, err)
	return got.Token
}

func (s *sandbox) mint(q entra.TokenRequest) string {
	s.t.Helper()
	body, err := json.Marshal(q)
	require.NoError(s.t, err)
	status, answer := s.do(http.MethodPost, "/_sandbox/token", key, string(body))
	require.Equal(s.t, http.StatusOK, status, answer)
	return answer["token"].(string)
}

func TestGraphTakesTokensOfItsOwnNames(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, "")
	for _, scope := range []string{
		"https://graph.microsoft.com/.default", "https://graph.microsoft.com//.default",
		s.base + "/.default", s.base + "//.default", directory.GraphAppID + "/.default",
	} {
		status, answer := s.do(http.MethodGet, "/v1.0/users", s.graphToken(contoso, scope), "")
		require.Equal(t, http.StatusOK, status, "%s: %v", scope, answer)
	}
}

func TestGraphIsThatOfTheTokensTenant(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, "")
	for _, tenant := range []string{contoso, fabrikam} {
		for _, version := range []string{"v1.0", "beta"} {
			status, answer := s.do(http.MethodGet, "/"+version+"/users", s.graphToken(tenant, s.base+"/.default"), "")
			require.Equal(t, http.StatusOK, status, answer)
			var want string
			s.tenants[tenant].View(func(st *directory.State) { want = st.Tenant.InitialDomain })
			require.Contains(t, answer["value"].([]any)[0].(map[string]any)["userPrincipalName"], "@"+want)
		}
	}
}

func TestGraphRefusesOtherTokens(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, key)
	deployer := s.secrets[contoso].DeployerAppID
	good := s.graphToken(contoso, s.base+"/.default")
	expired := s.mint(entra.TokenRequest{Tenant: contoso, Client: deployer, Resource: s.base, Version: 1, IssuedAt: "-3h"})
	other := s.mint(entra.TokenRequest{Tenant: contoso, Client: deployer, Resource: audience})
	for name, raw := range map[string]string{
		"none": "", "no token": "abc", "another API's": other, "expired": expired,
		"changed": good[:len(good)-6] + "AAAAAA",
	} {
		status, answer := s.do(http.MethodGet, "/v1.0/users", raw, "")
		require.Equal(t, http.StatusUnauthorized, status, name)
		require.Equal(t, "InvalidAuthenticationToken", answer["error"].(map[string]any)["code"], name)
	}
	powerless := s.mint(entra.TokenRequest{Tenant: contoso, Client: deployer, Resource: s.base, Version: 1})
	status, _ := s.do(http.MethodGet, "/v1.0/applications", powerless, "")
	require.Equal(t, http.StatusForbidden, status)
}

func TestARegisteredSecretSignsInAtOnceOrAfterTheLag(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, key)
	admin := s.graphToken(contoso, s.base+"/.default")
	status, app := s.do(http.MethodPost, "/v1.0/applications", admin, `{"displayName":"Orders Daemon"}`)
	require.Equal(t, http.StatusCreated, status, app)
	status, answer := s.do(http.MethodPost, "/v1.0/servicePrincipals", admin, `{"appId":"`+app["appId"].(string)+`"}`)
	require.Equal(t, http.StatusCreated, status, answer)
	addPassword := func() url.Values {
		status, password := s.do(http.MethodPost, "/v1.0/applications/"+app["id"].(string)+"/addPassword", admin, `{"passwordCredential":{"displayName":"one"}}`)
		require.Equal(t, http.StatusOK, status, password)
		return url.Values{"grant_type": {"client_credentials"}, "client_id": {app["appId"].(string)}, "client_secret": {password["secretText"].(string)}, "scope": {s.base + "/.default"}}
	}
	signIn := func(form url.Values) int {
		res, err := s.server.Client().PostForm(s.base+"/"+contoso+"/oauth2/v2.0/token", form)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res.StatusCode
	}
	require.Equal(t, http.StatusOK, signIn(addPassword()))
	status, answer = s.do(http.MethodPost, "/_sandbox/lag", key, `{"duration":"30s"}`)
	require.Equal(t, http.StatusOK, status, answer)
	require.Equal(t, "30s", answer["lag"])
	s.advance(time.Minute)
	late := addPassword()
	require.Equal(t, http.StatusUnauthorized, signIn(late))
	s.advance(31 * time.Second)
	require.Equal(t, http.StatusOK, signIn(late))
}

func TestUserSignsInToASeededClient(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, "")
	var client string
	s.tenants[contoso].View(func(st *directory.State) { client = st.StableID("client/" + directory.OtherClientName) })
	arrived, err := browser.SignIn(t.Context(), s.server.Client(), s.base+"/"+contoso+"/oauth2/v2.0/authorize?"+url.Values{
		"client_id": {client}, "redirect_uri": {"http://localhost:1/"}, "response_type": {"code"}, "scope": {"openid User.Read"},
	}.Encode(), alice)
	require.NoError(t, err)
	res, err := s.server.Client().PostForm(s.base+"/"+contoso+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {client}, "redirect_uri": {"http://localhost:1/"}, "code": {arrived.Query().Get("code")},
	})
	require.NoError(t, err)
	defer res.Body.Close()
	var answer map[string]any
	require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
	status, me := s.do(http.MethodGet, "/v1.0/me", answer["access_token"].(string), "")
	require.Equal(t, http.StatusOK, status, me)
	require.Equal(t, alice, me["userPrincipalName"])
	status, _ = s.do(http.MethodGet, "/v1.0/applications", answer["access_token"].(string), "")
	require.Equal(t, http.StatusForbidden, status)
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, "")
	status, answer := s.do(http.MethodGet, "/metadata/endpoints?api-version=2022-09-01", "", "")
	require.Equal(t, http.StatusOK, status)
	require.NotEmpty(t, answer["name"])
	require.Equal(t, s.base+"/", answer["resourceManager"])
	require.Equal(t, s.base+"/", answer["microsoftGraphResourceId"])
	require.Equal(t, s.base+"/", answer["authentication"].(map[string]any)["loginEndpoint"])
	status, _ = s.do(http.MethodGet, "/metadata/endpoints", "", "")
	require.Equal(t, http.StatusBadRequest, status)
	status, _ = s.do(http.MethodPost, "/metadata/endpoints?api-version=1", "", "")
	require.Equal(t, http.StatusMethodNotAllowed, status)
	status, _ = s.do(http.MethodGet, "/metadata/else", "", "")
	require.Equal(t, http.StatusNotFound, status)
}

func TestControlNeedsItsKey(t *testing.T) {
	t.Parallel()
	open, shut := newSandbox(t, key), newSandbox(t, "")
	for name, bearer := range map[string]string{"none": "", "wrong": "wrong", "a part": key[:4], "more": key + "x"} {
		status, _ := open.do(http.MethodGet, "/_sandbox/state", bearer, "")
		require.Equal(t, http.StatusUnauthorized, status, name)
	}
	for _, bearer := range []string{"", key} {
		status, _ := shut.do(http.MethodGet, "/_sandbox/state", bearer, "")
		require.Equal(t, http.StatusUnauthorized, status, "without a key there is no control surface")
	}
	status, answer := open.do(http.MethodGet, "/_sandbox/state", key, "")
	require.Equal(t, http.StatusOK, status)
	require.Len(t, answer["tenants"], 2)
	require.InDelta(t, 3, answer["tenants"].([]any)[0].(map[string]any)["users"], 0)
	status, _ = open.do(http.MethodGet, "/_sandbox/nothing", key, "")
	require.Equal(t, http.StatusNotFound, status)
}

func TestMintRefusals(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, key)
	for name, test := range map[string]struct{ body, want string }{
		"no JSON":                   {`x`, "request body"},
		"unknown member":            {`{"tenet":"x"}`, "unknown field"},
		"nothing":                   {`{}`, "client: got none"},
		"unknown tenant":            {`{"tenant":"x","client":"c","resource":"r"}`, `tenant: got "x"`},
		"unknown user":              {`{"tenant":"` + contoso + `","client":"c","resource":"r","user":"mallory"}`, `user: got "mallory"`},
		"unknown kind":              {`{"tenant":"` + contoso + `","client":"c","resource":"r","kind":"saml"}`, `kind: got "saml"`},
		"ID token of nobody":        {`{"tenant":"` + contoso + `","client":"c","kind":"id"}`, "an ID token has a user"},
		"unknown version":           {`{"tenant":"` + contoso + `","client":"c","resource":"r","version":3}`, "version: got 3"},
		"scopes of an application":  {`{"tenant":"` + contoso + `","client":"c","resource":"r","scopes":["a"]}`, "scopes: an app-only token has none"},
		"offset that is none":       {`{"tenant":"` + contoso + `","client":"c","resource":"r","issuedAt":"yesterday"}`, `issuedAt: got "yesterday"`},
		"lifetime that is none":     {`{"tenant":"` + contoso + `","client":"c","resource":"r","lifetime":"long"}`, `lifetime: got "long"`},
		"access token for no one":   {`{"tenant":"` + contoso + `","client":"c"}`, "resource: got none"},
		"everything wrong together": {`{"kind":"id","issuedAt":"x"}`, "issuedAt"},
	} {
		status, answer := s.do(http.MethodPost, "/_sandbox/token", key, test.body)
		require.Equal(t, http.StatusBadRequest, status, name)
		require.Contains(t, answer["error"], test.want, name)
	}
	for path, body := range map[string]string{"/_sandbox/lag": `{"duration":"-1s"}`, "/_sandbox/keys/roll": `{"tenant":"x"}`} {
		status, _ := s.do(http.MethodPost, path, key, body)
		require.Equal(t, http.StatusBadRequest, status, path)
	}
}

func TestMintedTokensForProofs(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, key)
	ctx := oidc.ClientContext(t.Context(), s.server.Client())
	provider, err := oidc.NewProvider(ctx, s.base+"/"+contoso+"/v2.0")
	require.NoError(t, err)
	verifier := provider.Verifier(&oidc.Config{ClientID: audience, Now: s.clock})
	client := s.secrets[contoso].DeployerAppID
	good := entra.TokenRequest{Tenant: contoso, Client: client, User: alice, Resource: audience, Scopes: []string{"Orders.Read"}}
	verified, err := verifier.Verify(ctx, s.mint(good))
	require.NoError(t, err)
	var claims map[string]any
	require.NoError(t, verified.Claims(&claims))
	require.Equal(t, "Orders.Read", claims["scp"])
	require.Equal(t, client, claims["azp"])
	appOnly, err := verifier.Verify(ctx, s.mint(entra.TokenRequest{Tenant: contoso, Client: client, Resource: audience, Roles: []string{"Orders.Process"}}))
	require.NoError(t, err)
	claims = nil
	require.NoError(t, appOnly.Claims(&claims))
	require.Equal(t, []any{"Orders.Process"}, claims["roles"])
	require.Equal(t, claims["sub"], claims["oid"])
	idToken, err := verifier.Verify(ctx, s.mint(entra.TokenRequest{Tenant: contoso, Client: audience, User: alice, Kind: "id", Roles: []string{"r"}}))
	require.NoError(t, err, "an API that checks only issuer and audience takes an ID token")
	claims = nil
	require.NoError(t, idToken.Claims(&claims))
	require.NotContains(t, claims, "scp")

	change := func(fn func(*entra.TokenRequest)) entra.TokenRequest {
		q := good
		fn(&q)
		return q
	}
	for name, test := range map[string]struct {
		request entra.TokenRequest
		want    string
	}{
		"another tenant's": {change(func(q *entra.TokenRequest) { q.Tenant, q.User = fabrikam, "alice@fabrikam.onmicrosoft.com" }), "different provider"},
		"v1":               {change(func(q *entra.TokenRequest) { q.Version = 1 }), "different provider"},
		"Graph's":          {change(func(q *entra.TokenRequest) { q.Resource = directory.GraphAppID }), "audience"},
		"expired":          {change(func(q *entra.TokenRequest) { q.IssuedAt = "-3h" }), "expired"},
		"not yet valid":    {change(func(q *entra.TokenRequest) { q.IssuedAt = "3h" }), "nbf"},
		"already over":     {change(func(q *entra.TokenRequest) { q.Lifetime = "-1s" }), "expired"},
	} {
		_, err := verifier.Verify(ctx, s.mint(test.request))
		require.ErrorContains(t, err, test.want, name)
	}
}

func TestRollingKeys(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, key)
	keys := func() []string {
		_, answer := s.do(http.MethodGet, "/"+contoso+"/discovery/v2.0/keys", "", "")
		var ids []string
		for _, k := range answer["keys"].([]any) {
			ids = append(ids, k.(map[string]any)["kid"].(string))
		}
		return ids
	}
	verify := func(raw string) error {
		ctx := oidc.ClientContext(t.Context(), s.server.Client())
		provider, err := oidc.NewProvider(ctx, s.base+"/"+contoso+"/v2.0")
		require.NoError(t, err)
		_, err = provider.Verifier(&oidc.Config{ClientID: audience, Now: s.clock}).Verify(ctx, raw)
		return err
	}
	q := entra.TokenRequest{Tenant: contoso, Client: "c", Resource: audience}
	old, before := s.mint(q), keys()
	status, answer := s.do(http.MethodPost, "/_sandbox/keys/roll", key, `{"tenant":"`+contoso+`"}`)
	require.Equal(t, http.StatusOK, status, answer)
	require.Len(t, keys(), len(before)+1)
	require.NoError(t, verify(old), "a planned rollover keeps the last key")
	rolled := s.mint(q)
	require.NoError(t, verify(rolled))
	status, answer = s.do(http.MethodPost, "/_sandbox/keys/roll", key, `{"emergency":true}`)
	require.Equal(t, http.StatusOK, status, answer)
	require.Error(t, verify(rolled), "an emergency rollover ends the tokens of the current key")
	require.NoError(t, verify(s.mint(q)))
}

func TestNewRefusesWhatItCannotServe(t *testing.T) {
	t.Parallel()
	_, err := entra.New(entra.Options{BaseURL: "https://localhost"})
	require.ErrorContains(t, err, "entra: sign-in service: tenants")
}
