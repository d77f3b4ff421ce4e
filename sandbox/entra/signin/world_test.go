package signin_test

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/entra/browser"
	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/entra/signin"
	"github.com/entragate/entragate/sandbox/store"
)

const (
	contoso  = "c0000000-0000-4000-8000-000000000001"
	fabrikam = "f0000000-0000-4000-8000-000000000002"
	// The applications of contoso.
	apiID    = "a0000000-0000-4000-8000-00000000000a" // v2 tokens
	legacyID = "a0000000-0000-4000-8000-00000000000b" // v1 tokens
	spaID    = "b0000000-0000-4000-8000-000000000001"
	webID    = "b0000000-0000-4000-8000-000000000002"
	nativeID = "b0000000-0000-4000-8000-000000000003"
	daemonID = "b0000000-0000-4000-8000-000000000004"
	idleID   = "b0000000-0000-4000-8000-000000000005" // a daemon without roles
	apiURI   = "api://" + apiID

	webRedirect    = "https://web.example/callback"
	spaRedirect    = "https://spa.example/"
	nativeRedirect = "http://localhost"

	alice = "alice@contoso.onmicrosoft.com"
	bob   = "bob@contoso.onmicrosoft.com"
	carol = "carol@contoso.onmicrosoft.com"

	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	// challenge is the S256 of verifier: RFC 7636 appendix B.
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// world is a sign-in service with contoso and fabrikam, and a clock.
type world struct {
	t        *testing.T
	base     string
	server   *httptest.Server
	service  *signin.Server
	contoso  *directory.Directory
	fabrikam *directory.Directory
	secrets  map[string]string // client id -> secret
	clock    *clock
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// seeds are made once, since keys take long to make.
var seeds = sync.OnceValues(func() (map[string][]byte, error) {
	made := map[string][]byte{}
	for id, domain := range map[string]string{contoso: "contoso.onmicrosoft.com", fabrikam: "fabrikam.onmicrosoft.com"} {
		st, _, err := directory.Seed(directory.SeedOptions{TenantID: id, DisplayName: strings.Split(domain, ".")[0], InitialDomain: domain})
		if err != nil {
			return nil, err
		}
		if made[id], err = json.Marshal(st); err != nil {
			return nil, err
		}
	}
	return made, nil
})

func seeded(t testing.TB, id string) *directory.State {
	t.Helper()
	made, err := seeds()
	require.NoError(t, err)
	var st directory.State
	require.NoError(t, json.Unmarshal(made[id], &st))
	return &st
}

type option func(*signin.Options)

func newWorld(t *testing.T, options ...option) *world {
	t.Helper()
	w := &world{t: t, secrets: map[string]string{}, clock: &clock{now: time.Now()}}
	w.server = httptest.NewUnstartedServer(nil)
	w.base = "https://" + w.server.Listener.Addr().String()
	st := seeded(t, contoso)
	w.populate(st)
	var err error
	w.contoso, err = store.Open("", st)
	require.NoError(t, err)
	w.fabrikam, err = store.Open("", seeded(t, fabrikam))
	require.NoError(t, err)
	o := signin.Options{
		Tenants: []*directory.Directory{w.contoso, w.fabrikam}, BaseURL: w.base, Now: w.clock.Now,
		Lifetime: func() time.Duration { return time.Hour },
	}
	for _, change := range options {
		change(&o)
	}
	w.service, err = signin.New(o)
	require.NoError(t, err)
	w.server.Config.Handler = w.service
	w.server.StartTLS()
	t.Cleanup(w.server.Close)
	return w
}

func scope(n int, value, kind string) directory.PermissionScope {
	return directory.PermissionScope{
		ID: "50000000-0000-4000-8000-00000000000" + string(rune('0'+n)), Value: value, Type: kind, IsEnabled: true,
		AdminConsentDisplayName: value, AdminConsentDescription: value, UserConsentDisplayName: value,
	}
}

func role(n int, value string, members ...string) directory.AppRole {
	r := directory.AppRole{ID: "60000000-0000-4000-8000-00000000000" + string(rune('0'+n)), DisplayName: value, IsEnabled: true, AllowedMemberTypes: members}
	if value != "" {
		r.Value = &value
	}
	return r
}

// populate adds the applications that the tests use.
func (w *world) populate(st *directory.State) {
	add := func(id, name string, change func(*directory.Application)) {
		a := &directory.Application{ID: "object-" + id, AppID: id, DisplayName: name, SignInAudience: "AzureADMyOrg"}
		a.FillCollections()
		change(a)
		st.Applications[a.ID] = a
		p := &directory.ServicePrincipal{ID: "principal-" + id, AppID: id, DisplayName: name, AccountEnabled: true, ServicePrincipalType: "Application"}
		st.ServicePrincipals[p.ID] = p
	}
	withSecret := func(a *directory.Application) {
		w.secrets[a.AppID] = directory.NewSecret()
		a.PasswordCredentials = []directory.PasswordCredential{{
			KeyID: "key-" + a.AppID, SecretSHA256: directory.HashSecret(w.secrets[a.AppID]),
			StartDateTime: w.clock.Now().Add(-time.Hour), EndDateTime: w.clock.Now().Add(365 * 24 * time.Hour), AddedAt: w.clock.Now().Add(-time.Hour),
		}}
	}
	add(apiID, "Orders API", func(a *directory.Application) {
		a.IdentifierURIs = []string{apiURI}
		a.API.RequestedAccessTokenVersion = new(2)
		a.API.OAuth2PermissionScopes = []directory.PermissionScope{
			scope(1, "Orders.Read", "Admin"), scope(2, "Orders.Write", "Admin"), scope(3, "Orders.Note", "User"), scope(4, "Orders.Old", "User"),
		}
		a.API.OAuth2PermissionScopes[3].IsEnabled = false
		a.AppRoles = []directory.AppRole{role(1, "Orders.Process", "Application"), role(2, "Orders.Approve", "User"), role(3, "", "User")}
		a.OptionalClaims = &directory.OptionalClaims{AccessToken: []directory.OptionalClaim{{Name: "idtyp"}}}
	})
	add(legacyID, "Legacy API", func(a *directory.Application) {
		a.IdentifierURIs = []string{"api://" + legacyID}
		a.API.OAuth2PermissionScopes = []directory.PermissionScope{scope(5, "Legacy.Read", "User")}
	})
	add(spaID, "Orders SPA", func(a *directory.Application) { a.SPA.RedirectURIs = []string{spaRedirect} })
	add(webID, "Orders Web", func(a *directory.Application) {
		a.Web.RedirectURIs = []string{webRedirect}
		withSecret(a)
	})
	add(nativeID, "Orders Native", func(a *directory.Application) {
		a.PublicClient.RedirectURIs = []string{nativeRedirect}
		a.IsFallbackPublicClient = new(true)
	})
	add(daemonID, "Orders Daemon", withSecret)
	add(idleID, "Idle Daemon", withSecret)
	for _, id := range []string{spaID, webID, nativeID} {
		grantAll(st, id, apiID, "Orders.Read")
		grantAll(st, id, directory.GraphAppID, "openid profile email offline_access User.Read")
	}
	assign(st, daemonID, "60000000-0000-4000-8000-000000000001", "principal-"+daemonID)
}

func grantAll(st *directory.State, clientID, resourceAppID, scopes string) {
	resource := st.ServicePrincipalByAppID(resourceAppID)
	id := "grant-" + clientID + "-" + resourceAppID
	st.Grants[id] = &directory.Grant{ID: id, ClientID: "principal-" + clientID, ConsentType: "AllPrincipals", ResourceID: resource.ID, Scope: scopes}
}

func assign(st *directory.State, label, roleID, principalID string) {
	resource := st.ServicePrincipalByAppID(apiID)
	id := "assignment-" + label + roleID
	st.Assignments[id] = &directory.Assignment{ID: id, AppRoleID: roleID, PrincipalID: principalID, ResourceID: resource.ID}
}

// change edits contoso.
func (w *world) change(fn func(*directory.State)) {
	w.t.Helper()
	require.NoError(w.t, w.contoso.Update(func(st *directory.State) error { fn(st); return nil }))
}

func (w *world) app(id string, fn func(*directory.Application)) {
	w.change(func(st *directory.State) { fn(st.ApplicationByAppID(id)) })
}

func (w *world) principal(appID string, fn func(*directory.ServicePrincipal)) {
	w.change(func(st *directory.State) { fn(st.ServicePrincipalByAppID(appID)) })
}

// client trusts the server and follows no redirect.
func (w *world) client() *http.Client {
	c := *w.server.Client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// newBrowser is a browser that keeps its cookies.
func (w *world) newBrowser() *http.Client {
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	c := w.client()
	c.Jar = jar
	return c
}

// reply is an answer with a JSON body.
type reply struct {
	status int
	header http.Header
	body   map[string]any
}

func (r reply) text(name string) string { s, _ := r.body[name].(string); return s }

func (w *world) do(method, path string, header http.Header, body string) reply {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.base+path, strings.NewReader(body))
	require.NoError(w.t, err)
	if header != nil {
		req.Header = header.Clone()
	}
	if method == http.MethodPost && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := w.client().Do(req)
	require.NoError(w.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(w.t, err)
	r := reply{res.StatusCode, res.Header, map[string]any{}}
	if len(raw) > 0 && strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		require.NoError(w.t, json.Unmarshal(raw, &r.body), string(raw))
	}
	return r
}

func (w *world) get(path string) reply { w.t.Helper(); return w.do(http.MethodGet, path, nil, "") }

// form makes parameters of name, value pairs; an empty value leaves one out.
func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v
}

// with changes copies of parameters; an empty value removes one.
func with(v url.Values, pairs ...string) url.Values {
	out := url.Values{}
	for k := range v {
		out.Set(k, v.Get(k))
	}
	for i := 0; i < len(pairs); i += 2 {
		out.Del(pairs[i])
		if pairs[i+1] != "" {
			out.Set(pairs[i], pairs[i+1])
		}
	}
	return out
}

// token posts to contoso's token endpoint, with headers as name, value pairs.
func (w *world) token(v url.Values, headers ...string) reply {
	w.t.Helper()
	return w.tokenAt(contoso, v, headers...)
}

func (w *world) tokenAt(tenant string, v url.Values, headers ...string) reply {
	w.t.Helper()
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return w.do(http.MethodPost, "/"+tenant+"/oauth2/v2.0/token", h, v.Encode())
}

// refusal is what a test expects of a refusal.
type refusal struct {
	code   int
	oauth  string
	status int
}

// requireRefused checks the whole shape of an error answer.
func requireRefused(t *testing.T, want refusal, got reply) {
	t.Helper()
	require.Equal(t, want.oauth, got.body["error"], got.body)
	require.Equal(t, []any{float64(want.code)}, got.body["error_codes"], got.body)
	require.Equal(t, want.status, got.status, got.body)
	description := got.text("error_description")
	require.True(t, strings.HasPrefix(description, "AADSTS"), description)
	for _, part := range []string{"\r\nTrace ID: " + got.text("trace_id"), "\r\nCorrelation ID: " + got.text("correlation_id"), "\r\nTimestamp: " + got.text("timestamp")} {
		require.Contains(t, description, part)
	}
	require.Contains(t, got.text("error_uri"), "/error?code=")
	require.NotContains(t, got.body, "access_token")
	require.Equal(t, "no-store, no-cache", got.header.Get("Cache-Control"))
}

func requireToken(t *testing.T, got reply) map[string]any {
	t.Helper()
	require.Equal(t, http.StatusOK, got.status, got.body)
	require.Equal(t, "Bearer", got.body["token_type"])
	require.InDelta(t, 3599, got.body["expires_in"], 0)
	require.InDelta(t, 3599, got.body["ext_expires_in"], 0)
	return claimsOf(t, got.text("access_token"))
}

// claimsOf reads a token without checking it.
func claimsOf(t *testing.T, raw string) map[string]any {
	t.Helper()
	parts := strings.Split(raw, ".")
	require.Len(t, parts, 3, raw)
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	var claims map[string]any
	require.NoError(t, json.Unmarshal(payload, &claims))
	return claims
}

func (w *world) daemonForm() url.Values {
	return form("grant_type", "client_credentials", "client_id", daemonID, "client_secret", w.secrets[daemonID], "scope", apiURI+"/.default")
}

// authorizeURL is an authorize request with changes as for with.
func (w *world) authorizeURL(clientID, redirect string, pairs ...string) string {
	v := form("client_id", clientID, "redirect_uri", redirect, "response_type", "code", "scope", "openid profile offline_access "+apiURI+"/Orders.Read",
		"state", "st-1", "nonce", "n-1", "code_challenge", challenge, "code_challenge_method", "S256")
	return w.base + "/" + contoso + "/oauth2/v2.0/authorize?" + with(v, pairs...).Encode()
}

// signIn walks the pages in a new browser.
func (w *world) signIn(person, authorizeURL string) (*url.URL, error) {
	return browser.SignIn(w.t.Context(), w.server.Client(), authorizeURL, person)
}

// code signs in and returns the authorization code.
func (w *world) code(person, authorizeURL string) string {
	w.t.Helper()
	arrived, err := w.signIn(person, authorizeURL)
	require.NoError(w.t, err)
	require.Empty(w.t, arrived.Query().Get("error_description"))
	require.Equal(w.t, "st-1", arrived.Query().Get("state"))
	return arrived.Query().Get("code")
}

func codeForm(clientID, redirect, code string) url.Values {
	return form("grant_type", "authorization_code", "client_id", clientID, "redirect_uri", redirect, "code", code, "code_verifier", verifier)
}

// rerouted sends requests for a host of the real service to the sandbox.
func (w *world) rerouted() *http.Client {
	transport := w.server.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: transport.TLSClientConfig.RootCAs, MinVersion: tls.VersionTLS12}
	sandbox, _ := url.Parse(w.base)
	return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "login.microsoftonline.com" {
			r = r.Clone(r.Context())
			r.URL.Host, r.Host = sandbox.Host, sandbox.Host
		}
		return transport.RoundTrip(r)
	})}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
