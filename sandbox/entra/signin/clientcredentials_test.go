package signin_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/entra/signin"
)

func TestClientCredentialsBySecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.token(w.daemonForm())
	claims := requireToken(t, got)
	require.NotContains(t, got.body, "refresh_token")
	require.NotContains(t, got.body, "scope")
	require.Equal(t, apiID, claims["aud"])
	require.Equal(t, w.base+"/"+contoso+"/v2.0", claims["iss"])
	require.Equal(t, []any{"Orders.Process"}, claims["roles"])
	require.Equal(t, daemonID, claims["azp"])
	require.Equal(t, "1", claims["azpacr"])
	require.Equal(t, "app", claims["idtyp"])
	require.Equal(t, "principal-"+daemonID, claims["oid"])
	require.NotContains(t, claims, "scp")

	byID := requireToken(t, w.token(with(w.daemonForm(), "scope", apiID+"/.default")))
	require.Equal(t, apiID, byID["aud"])
}

func TestClientCredentialsByBasic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	basic := func(id, secret string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
	}
	f := form("grant_type", "client_credentials", "scope", apiURI+"/.default")
	requireToken(t, w.token(f, "Authorization", basic(daemonID, w.secrets[daemonID])))
	requireRefused(t, refusal{7000215, "invalid_client", 401}, w.token(f, "Authorization", basic(daemonID, "wrong")))
	requireRefused(t, refusal{9002313, "invalid_request", 400}, w.token(with(f, "client_id", idleID), "Authorization", basic(daemonID, w.secrets[daemonID])))
	requireRefused(t, refusal{9002313, "invalid_request", 400}, w.token(with(f, "client_secret", "x"), "Authorization", basic(daemonID, w.secrets[daemonID])))
	requireRefused(t, refusal{9002313, "invalid_request", 400}, w.token(f, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("%zz:x"))))
}

func TestVersionAndAudienceAreTheResources(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	byURI := requireToken(t, w.token(with(w.daemonForm(), "scope", "api://"+legacyID+"/.default")))
	require.Equal(t, "1.0", byURI["ver"])
	require.Equal(t, "api://"+legacyID, byURI["aud"], "a v1 token has the name that was asked for")
	require.Equal(t, "https://sts.windows.net/"+contoso+"/", byURI["iss"])
	require.Equal(t, daemonID, byURI["appid"])
	require.NotContains(t, byURI, "roles", "without an assignment there is no roles claim")
	require.NotContains(t, byURI, "idtyp")
	byID := requireToken(t, w.token(with(w.daemonForm(), "scope", legacyID+"/.default")))
	require.Equal(t, legacyID, byID["aud"])

	graph := requireToken(t, w.token(with(w.daemonForm(), "scope", "https://graph.microsoft.com/.default")))
	require.Equal(t, "1.0", graph["ver"])
	require.Equal(t, "https://graph.microsoft.com", graph["aud"])
	require.Equal(t, "app", graph["idtyp"])
}

func TestClientCredentialsRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.change(func(st *directory.State) {
		st.Applications["nosp"] = &directory.Application{ID: "nosp", AppID: "b0000000-0000-4000-8000-0000000000ff", DisplayName: "No principal"}
	})
	f := w.daemonForm()
	tests := map[string]struct {
		form url.Values
		want refusal
	}{
		"no grant type":                  {with(f, "grant_type", ""), refusal{900144, "invalid_request", 400}},
		"unknown grant type":             {with(f, "grant_type", "magic"), refusal{70003, "unsupported_grant_type", 400}},
		"no client id":                   {with(f, "client_id", ""), refusal{900144, "invalid_request", 400}},
		"no scope":                       {with(f, "scope", ""), refusal{900144, "invalid_request", 400}},
		"no credential":                  {with(f, "client_secret", ""), refusal{7000216, "invalid_client", 401}},
		"wrong secret":                   {with(f, "client_secret", "wrong"), refusal{7000215, "invalid_client", 401}},
		"another client's secret":        {with(f, "client_secret", w.secrets[idleID]), refusal{7000215, "invalid_client", 401}},
		"secret of a client without any": {with(f, "client_id", nativeID), refusal{7000215, "invalid_client", 401}},
		"unknown client":                 {with(f, "client_id", contoso), refusal{700016, "unauthorized_client", 400}},
		"client without principal":       {with(f, "client_id", "b0000000-0000-4000-8000-0000000000ff"), refusal{7000229, "unauthorized_client", 400}},
		"scope without .default":         {with(f, "scope", apiURI+"/Orders.Read"), refusal{1002012, "invalid_scope", 400}},
		"scope without resource":         {with(f, "scope", ".default"), refusal{1002012, "invalid_scope", 400}},
		"two resources":                  {with(f, "scope", apiURI+"/.default https://graph.microsoft.com/.default"), refusal{70011, "invalid_scope", 400}},
		"only OpenID Connect scopes":     {with(f, "scope", "openid profile"), refusal{70011, "invalid_scope", 400}},
		"scope that is none":             {with(f, "scope", "\x01/.default"), refusal{70011, "invalid_scope", 400}},
		"unknown resource":               {with(f, "scope", "api://nobody/.default"), refusal{500011, "invalid_resource", 400}},
		"resource with another case":     {with(f, "scope", "API://"+apiID+"/.default"), refusal{500011, "invalid_resource", 400}},
		"resource with a trailing slash": {with(f, "scope", apiURI+"//.default"), refusal{500011, "invalid_resource", 400}},
		"resource parameter":             {with(f, "resource", apiURI), refusal{901002, "invalid_request", 400}},
		"both kinds of credential":       {with(f, "client_assertion", "x"), refusal{9002313, "invalid_request", 400}},
		"assertion without type":         {with(f, "client_secret", "", "client_assertion", "x"), refusal{9002313, "invalid_request", 400}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireRefused(t, test.want, w.token(test.form))
		})
	}
	requireRefused(t, refusal{90002, "invalid_request", 400}, w.tokenAt("00000000-0000-4000-8000-00000000dead", f))
	requireRefused(t, refusal{700016, "unauthorized_client", 400}, w.tokenAt(fabrikam, f))
	requireRefused(t, refusal{50194, "invalid_request", 400}, w.tokenAt("common", f))
	requireRefused(t, refusal{9002326, "invalid_request", 400}, w.token(f, "Origin", "https://spa.example"))
	requireRefused(t, refusal{900144, "invalid_request", 400}, w.token(f, "Content-Type", "application/json"))
	requireRefused(t, refusal{900561, "invalid_request", 405}, w.get("/"+contoso+"/oauth2/v2.0/token"))
	twice := w.do(http.MethodPost, "/"+contoso+"/oauth2/v2.0/token", nil, f.Encode()+"&scope=x")
	requireRefused(t, refusal{9002313, "invalid_request", 400}, twice)
}

func TestWhatIsNotImplementedSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, grantType := range []string{"urn:ietf:params:oauth:grant-type:jwt-bearer", "password"} {
		got := w.token(with(w.daemonForm(), "grant_type", grantType))
		require.Equal(t, http.StatusBadRequest, got.status)
		require.Equal(t, "unsupported_grant_type", got.body["error"])
		require.Contains(t, got.text("error_description"), "not implemented by this sandbox")
		require.Equal(t, []any{}, got.body["error_codes"])
	}
}

func TestSecretLifetime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.clock.Advance(366 * 24 * time.Hour)
	requireRefused(t, refusal{7000222, "invalid_client", 401}, w.token(w.daemonForm()))
	requireRefused(t, refusal{7000215, "invalid_client", 401}, w.token(with(w.daemonForm(), "client_secret", "wrong")))
	w.clock.Advance(-368 * 24 * time.Hour)
	requireRefused(t, refusal{7000215, "invalid_client", 401}, w.token(w.daemonForm()))
}

func TestSecretsOverlapAndLag(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *signin.Options) { o.Lag = func() time.Duration { return 30 * time.Second } })
	second := directory.NewSecret()
	w.app(daemonID, func(a *directory.Application) {
		a.PasswordCredentials = append(a.PasswordCredentials, directory.PasswordCredential{
			KeyID: "second", SecretSHA256: directory.HashSecret(second), StartDateTime: w.clock.Now(), EndDateTime: w.clock.Now().Add(time.Hour), AddedAt: w.clock.Now(),
		})
	})
	requireRefused(t, refusal{7000215, "invalid_client", 401}, w.token(with(w.daemonForm(), "client_secret", second)))
	w.clock.Advance(time.Minute)
	requireToken(t, w.token(with(w.daemonForm(), "client_secret", second)))
	requireToken(t, w.token(w.daemonForm()))
}

func TestDisabledPrincipals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.principal(daemonID, func(p *directory.ServicePrincipal) { p.AccountEnabled = false })
	requireRefused(t, refusal{7000112, "unauthorized_client", 400}, w.token(w.daemonForm()))
	w.principal(apiID, func(p *directory.ServicePrincipal) { p.AccountEnabled = false })
	idle := with(w.daemonForm(), "client_id", idleID, "client_secret", w.secrets[idleID])
	requireRefused(t, refusal{500014, "invalid_resource", 400}, w.token(idle))
}

func TestAssignmentRequiredForApplications(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	idle := with(w.daemonForm(), "client_id", idleID, "client_secret", w.secrets[idleID])
	require.NotContains(t, requireToken(t, w.token(idle)), "roles")
	w.principal(apiID, func(p *directory.ServicePrincipal) { p.AppRoleAssignmentRequired = true })
	requireRefused(t, refusal{501051, "invalid_grant", 400}, w.token(idle))
	requireToken(t, w.token(w.daemonForm()))
}

func TestMultiTenantClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := with(w.daemonForm(), "scope", "https://graph.microsoft.com/.default")
	w.app(daemonID, func(a *directory.Application) { a.SignInAudience = "AzureADMultipleOrgs" })
	requireRefused(t, refusal{700016, "unauthorized_client", 400}, w.tokenAt(fabrikam, f))
	requireRefused(t, refusal{9001023, "invalid_request", 400}, w.tokenAt("common", f))
	require.NoError(t, w.fabrikam.Update(func(st *directory.State) error {
		st.ServicePrincipals["guest"] = &directory.ServicePrincipal{ID: "guest", AppID: daemonID, DisplayName: "Orders Daemon", AccountEnabled: true}
		return nil
	}))
	claims := requireToken(t, w.tokenAt(fabrikam, f))
	require.Equal(t, fabrikam, claims["tid"])
	require.Equal(t, "guest", claims["oid"])
	w.app(daemonID, func(a *directory.Application) { a.SignInAudience = "AzureADMyOrg" })
	requireRefused(t, refusal{700016, "unauthorized_client", 400}, w.tokenAt(fabrikam, f))
}

func TestV1TokenEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	post := func(f url.Values) reply { return w.do(http.MethodPost, "/"+contoso+"/oauth2/token", nil, f.Encode()) }
	f := with(w.daemonForm(), "scope", "", "resource", apiURI)
	got := post(f)
	require.Equal(t, http.StatusOK, got.status, got.body)
	require.Equal(t, "3599", got.body["expires_in"])
	require.Equal(t, apiURI, got.body["resource"])
	require.Equal(t, "2.0", claimsOf(t, got.text("access_token"))["ver"], "the resource chooses the version, not the endpoint")
	requireRefused(t, refusal{900144, "invalid_request", 400}, post(with(f, "resource", "")))
	requireRefused(t, refusal{500011, "invalid_resource", 400}, post(with(f, "resource", "api://nobody")))
	requireRefused(t, refusal{7000215, "invalid_client", 401}, post(with(f, "client_secret", "wrong")))
	require.Contains(t, post(with(f, "grant_type", "authorization_code")).text("error_description"), "not implemented")
}
