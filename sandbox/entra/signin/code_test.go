package signin_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

func (w *world) webForm(code string) url.Values {
	return with(codeForm(webID, webRedirect, code), "client_secret", w.secrets[webID])
}

func TestCodeFlowOfAWebApplication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.token(w.webForm(w.code(alice, w.authorizeURL(webID, webRedirect))))
	claims := requireToken(t, got)
	require.Equal(t, "Orders.Read", claims["scp"])
	require.Equal(t, apiID, claims["aud"])
	require.Equal(t, webID, claims["azp"])
	require.Equal(t, "1", claims["azpacr"])
	require.Equal(t, alice, claims["preferred_username"])
	require.NotContains(t, claims, "roles")
	require.NotContains(t, claims, "idtyp")
	require.NotEmpty(t, got.text("refresh_token"))
	require.Equal(t, apiURI+"/Orders.Read openid profile", got.text("scope"))
	require.NotContains(t, got.body, "client_info")
	id := claimsOf(t, got.text("id_token"))
	require.Equal(t, webID, id["aud"])
	require.Equal(t, "n-1", id["nonce"])
	require.Equal(t, "2.0", id["ver"])
	require.Equal(t, claims["oid"], id["oid"])
	require.NotEqual(t, claims["sub"], id["sub"], "subjects are pairwise")
	require.Empty(t, got.header.Get("Access-Control-Allow-Origin"))
}

func TestCodeFlowOfASinglePageApplication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.token(codeForm(spaID, spaRedirect, w.code(alice, w.authorizeURL(spaID, spaRedirect))), "Origin", "https://spa.example")
	require.Equal(t, "0", requireToken(t, got)["azpacr"])
	require.Equal(t, "https://spa.example", got.header.Get("Access-Control-Allow-Origin"))
	preflight := w.do(http.MethodOptions, "/"+contoso+"/oauth2/v2.0/token", http.Header{"Origin": {"https://spa.example"}, "Access-Control-Request-Headers": {"x-client-sku"}}, "")
	require.Equal(t, http.StatusNoContent, preflight.status)
	require.Equal(t, "x-client-sku", preflight.header.Get("Access-Control-Allow-Headers"))
}

func TestCodeFlowOfANativeApplicationOnAnyPort(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	redirect := "http://localhost:49152/"
	got := w.token(codeForm(nativeID, redirect, w.code(alice, w.authorizeURL(nativeID, redirect))))
	require.Equal(t, "0", requireToken(t, got)["azpacr"])
	plain := w.authorizeURL(nativeID, redirect, "code_challenge", verifier, "code_challenge_method", "")
	requireToken(t, w.token(codeForm(nativeID, redirect, w.code(alice, plain))))
	none := w.authorizeURL(nativeID, redirect, "code_challenge", "", "code_challenge_method", "")
	requireToken(t, w.token(with(codeForm(nativeID, redirect, w.code(alice, none)), "code_verifier", "")))
}

func TestCodeRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	webCode := func() string { return w.code(alice, w.authorizeURL(webID, webRedirect)) }
	spaCode := func() string { return w.code(alice, w.authorizeURL(spaID, spaRedirect)) }
	nativeCode := func() string { return w.code(alice, w.authorizeURL(nativeID, nativeRedirect)) }
	tests := map[string]struct {
		form    func() url.Values
		headers []string
		want    refusal
	}{
		"no code":                        {func() url.Values { return w.webForm("") }, nil, refusal{900144, "invalid_request", 400}},
		"unknown code":                   {func() url.Values { return w.webForm("1.abc") }, nil, refusal{70000, "invalid_grant", 400}},
		"another client's code":          {func() url.Values { return w.webForm(spaCode()) }, nil, refusal{70000, "invalid_grant", 400}},
		"web without credential":         {func() url.Values { return with(w.webForm(webCode()), "client_secret", "") }, nil, refusal{7000218, "invalid_client", 401}},
		"web with a wrong secret":        {func() url.Values { return with(w.webForm(webCode()), "client_secret", "x") }, nil, refusal{7000215, "invalid_client", 401}},
		"web from a browser":             {func() url.Values { return w.webForm(webCode()) }, []string{"Origin", "https://web.example"}, refusal{9002326, "invalid_request", 400}},
		"native from a browser":          {func() url.Values { return codeForm(nativeID, nativeRedirect, nativeCode()) }, []string{"Origin", "http://localhost"}, refusal{9002326, "invalid_request", 400}},
		"native with a secret":           {func() url.Values { return with(codeForm(nativeID, nativeRedirect, nativeCode()), "client_secret", "x") }, nil, refusal{700025, "invalid_client", 401}},
		"single page not from a browser": {func() url.Values { return codeForm(spaID, spaRedirect, spaCode()) }, nil, refusal{9002327, "invalid_request", 400}},
		"single page with a secret":      {func() url.Values { return with(codeForm(spaID, spaRedirect, spaCode()), "client_secret", "x") }, []string{"Origin", "https://spa.example"}, refusal{700025, "invalid_client", 401}},
		"another redirect URI":           {func() url.Values { return with(w.webForm(webCode()), "redirect_uri", webRedirect+"/") }, nil, refusal{500112, "invalid_client", 400}},
		"no redirect URI":                {func() url.Values { return with(w.webForm(webCode()), "redirect_uri", "") }, nil, refusal{500112, "invalid_client", 400}},
		"another port than before":       {func() url.Values { return codeForm(nativeID, nativeRedirect+":1", nativeCode()) }, nil, refusal{500112, "invalid_client", 400}},
		"wrong verifier":                 {func() url.Values { return with(w.webForm(webCode()), "code_verifier", challenge) }, nil, refusal{501481, "invalid_grant", 400}},
		"no verifier":                    {func() url.Values { return with(w.webForm(webCode()), "code_verifier", "") }, nil, refusal{501481, "invalid_grant", 400}},
		"verifier without a challenge": {func() url.Values {
			return w.webForm(w.code(alice, w.authorizeURL(webID, webRedirect, "code_challenge", "", "code_challenge_method", "")))
		}, nil, refusal{501481, "invalid_grant", 400}},
		"scopes of two resources":           {func() url.Values { return with(w.webForm(webCode()), "scope", apiURI+"/Orders.Read User.Read") }, nil, refusal{28000, "invalid_request", 400}},
		"a scope that was not granted":      {func() url.Values { return with(w.webForm(webCode()), "scope", apiURI+"/Orders.Write") }, nil, refusal{65001, "invalid_grant", 400}},
		"a scope that does not exist":       {func() url.Values { return with(w.webForm(webCode()), "scope", apiURI+"/Orders.Burn") }, nil, refusal{650053, "invalid_client", 400}},
		"a resource that does not exist":    {func() url.Values { return with(w.webForm(webCode()), "scope", "api://nobody/.default") }, nil, refusal{500011, "invalid_resource", 400}},
		"a resource without any permission": {func() url.Values { return with(w.webForm(webCode()), "scope", legacyID+"/.default") }, nil, refusal{650057, "invalid_resource", 400}},
		"a scope that is not well formed":   {func() url.Values { return with(w.webForm(webCode()), "scope", "api://x") }, nil, refusal{70011, "invalid_scope", 400}},
		".default together with other scope": {func() url.Values {
			return with(w.webForm(webCode()), "scope", apiURI+"/.default "+apiURI+"/Orders.Read")
		}, nil, refusal{70011, "invalid_scope", 400}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireRefused(t, test.want, w.token(test.form(), test.headers...))
		})
	}
	requireRefused(t, refusal{700016, "unauthorized_client", 400}, w.tokenAt(fabrikam, w.webForm(webCode())))
	requireRefused(t, refusal{50194, "invalid_request", 400}, w.tokenAt("common", w.webForm(webCode())))
}

func TestCodeIsForOneUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.webForm(w.code(alice, w.authorizeURL(webID, webRedirect)))
	requireRefused(t, refusal{7000215, "invalid_client", 401}, w.token(with(f, "client_secret", "x")))
	requireToken(t, w.token(f))
	requireRefused(t, refusal{54005, "invalid_grant", 400}, w.token(f))

	f = w.webForm(w.code(alice, w.authorizeURL(webID, webRedirect)))
	var redeemed atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if w.token(f).status == http.StatusOK {
				redeemed.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, redeemed.Load())
}

func TestCodeExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.webForm(w.code(alice, w.authorizeURL(webID, webRedirect)))
	w.clock.Advance(10*time.Minute + time.Second)
	requireRefused(t, refusal{70008, "invalid_grant", 400}, w.token(f))
}

func TestWhatChangedSinceTheSignInCounts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*directory.State)
		want   refusal
	}{
		"user disabled":       {func(st *directory.State) { st.UserByName(alice).AccountEnabled = false }, refusal{50057, "invalid_grant", 400}},
		"user deleted":        {func(st *directory.State) { delete(st.Users, st.UserByName(alice).ID) }, refusal{50034, "invalid_grant", 400}},
		"grant revoked":       {func(st *directory.State) { delete(st.Grants, "grant-"+webID+"-"+apiID) }, refusal{65001, "invalid_grant", 400}},
		"sign-in not granted": {func(st *directory.State) { delete(st.Grants, "grant-"+webID+"-"+directory.GraphAppID) }, refusal{65001, "invalid_grant", 400}},
		"scope retired": {func(st *directory.State) {
			st.ApplicationByAppID(apiID).API.OAuth2PermissionScopes[0].IsEnabled = false
		}, refusal{650053, "invalid_client", 400}},
		"assignment required": {func(st *directory.State) { st.ServicePrincipalByAppID(apiID).AppRoleAssignmentRequired = true }, refusal{50105, "invalid_grant", 400}},
		"client disabled":     {func(st *directory.State) { st.ServicePrincipalByAppID(webID).AccountEnabled = false }, refusal{7000112, "unauthorized_client", 400}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			f := w.webForm(w.code(alice, w.authorizeURL(webID, webRedirect)))
			w.change(test.change)
			got := w.token(f)
			requireRefused(t, test.want, got)
			if test.want.code == 65001 {
				require.Equal(t, "consent_required", got.body["suberror"])
			}
		})
	}
}

func TestScopesOfTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.change(func(st *directory.State) { grantAll(st, webID, apiID, "Orders.Read Orders.Write Orders.Old") })
	redeem := func(scope string) reply {
		return w.token(w.webForm(w.code(alice, w.authorizeURL(webID, webRedirect, "scope", scope))))
	}
	byDefault := redeem("openid " + apiURI + "/.default")
	require.Equal(t, "Orders.Read Orders.Write", requireToken(t, byDefault)["scp"], "a disabled scope is in no token")
	require.Equal(t, apiURI+"/Orders.Read "+apiURI+"/Orders.Write "+apiURI+"/.default openid", byDefault.text("scope"))
	require.NotContains(t, byDefault.body, "refresh_token")
	byGUID := redeem(apiID + "/orders.read")
	require.Equal(t, "Orders.Read Orders.Write", requireToken(t, byGUID)["scp"], "a token has every granted scope of its resource")
	require.NotContains(t, byGUID.body, "id_token")
	require.NotContains(t, claimsOf(t, byGUID.text("access_token")), "preferred_username")
	graph := redeem("openid User.Read")
	require.Equal(t, "openid profile email User.Read", requireToken(t, graph)["scp"])
	require.Equal(t, directory.GraphAppID, claimsOf(t, graph.text("access_token"))["aud"])
	require.Equal(t, "user", claimsOf(t, graph.text("access_token"))["idtyp"])
}

func TestUsersRolesAndGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.change(func(st *directory.State) {
		assign(st, "group", "60000000-0000-4000-8000-000000000002", st.StableID("group/"+directory.GroupName))
		assign(st, "alice", "60000000-0000-4000-8000-000000000003", st.UserByName(alice).ID)
		st.ServicePrincipalByAppID(apiID).AppRoleAssignmentRequired = true
		st.ApplicationByAppID(apiID).GroupMembershipClaims = new("SecurityGroup")
	})
	token := func(person string) map[string]any {
		return requireToken(t, w.token(w.webForm(w.code(person, w.authorizeURL(webID, webRedirect)))))
	}
	require.Equal(t, []any{"Orders.Approve"}, token(bob)["roles"])
	require.Len(t, token(bob)["groups"], 1)
	require.NotContains(t, token(alice), "roles", "a role without a value never shows")
	require.NotContains(t, token(alice), "groups")
	_, err := w.signIn(carol, w.authorizeURL(webID, webRedirect))
	require.ErrorContains(t, err, "AADSTS50105")
}

func TestPreauthorizedClientNeedsNoConsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app(apiID, func(a *directory.Application) {
		a.API.PreAuthorizedApplications = []directory.PreAuthorizedApp{{AppID: webID, DelegatedPermissionIDs: []string{a.API.OAuth2PermissionScopes[1].ID}}}
	})
	got := w.token(w.webForm(w.code(alice, w.authorizeURL(webID, webRedirect, "scope", apiURI+"/Orders.Write"))))
	require.Equal(t, "Orders.Read Orders.Write", requireToken(t, got)["scp"])
}

func TestHybridFlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := w.authorizeURL(webID, webRedirect, "response_type", "code id_token", "response_mode", "form_post", "client_info", "1")
	arrived, err := w.signIn(alice, url)
	require.NoError(t, err)
	require.Contains(t, arrived.Query().Get("error_description"), "AADSTS700054")
	w.app(webID, func(a *directory.Application) { a.Web.ImplicitGrantSettings.EnableIDTokenIssuance = true })
	arrived, err = w.signIn(alice, url)
	require.NoError(t, err)
	id := claimsOf(t, arrived.Query().Get("id_token"))
	sum := sha256.Sum256([]byte(arrived.Query().Get("code")))
	require.Equal(t, base64.RawURLEncoding.EncodeToString(sum[:16]), id["c_hash"])
	require.NotEmpty(t, arrived.Query().Get("client_info"))
	got := w.token(with(w.webForm(arrived.Query().Get("code")), "client_info", "1"))
	requireToken(t, got)
	require.NotEmpty(t, got.body["client_info"])
}

func TestRefreshTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.token(w.webForm(w.code(alice, w.authorizeURL(webID, webRedirect))))
	f := form("grant_type", "refresh_token", "client_id", webID, "client_secret", w.secrets[webID], "refresh_token", first.text("refresh_token"))
	w.clock.Advance(2 * time.Hour)
	second := w.token(f)
	require.Equal(t, "Orders.Read", requireToken(t, second)["scp"])
	require.NotEqual(t, first.text("refresh_token"), second.text("refresh_token"))
	require.NotContains(t, claimsOf(t, second.text("id_token")), "nonce")
	requireToken(t, w.token(f)) // the old one stays valid
	graph := w.token(with(f, "refresh_token", second.text("refresh_token"), "scope", "https://graph.microsoft.com/User.Read"))
	require.Equal(t, "https://graph.microsoft.com", requireToken(t, graph)["aud"], "a refresh token is for every resource")
	require.Equal(t, "https://graph.microsoft.com/User.Read", strings.Fields(graph.text("scope"))[3])
	require.NotEmpty(t, graph.text("refresh_token"))

	for name, test := range map[string]struct {
		form    url.Values
		headers []string
		want    refusal
	}{
		"none":              {with(f, "refresh_token", ""), nil, refusal{900144, "invalid_request", 400}},
		"unknown":           {with(f, "refresh_token", "1.x"), nil, refusal{70000, "invalid_grant", 400}},
		"a code":            {with(f, "refresh_token", w.code(alice, w.authorizeURL(webID, webRedirect))), nil, refusal{70000, "invalid_grant", 400}},
		"another client's":  {with(f, "client_id", daemonID, "client_secret", w.secrets[daemonID]), nil, refusal{70000, "invalid_grant", 400}},
		"without secret":    {with(f, "client_secret", ""), nil, refusal{7000218, "invalid_client", 401}},
		"with wrong secret": {with(f, "client_secret", "x"), nil, refusal{7000215, "invalid_client", 401}},
		"from a browser":    {f, []string{"Origin", "https://web.example"}, refusal{9002326, "invalid_request", 400}},
		"more than granted": {with(f, "scope", apiURI+"/Orders.Write"), nil, refusal{65001, "invalid_grant", 400}},
		"several resources": {with(f, "scope", apiURI+"/Orders.Write User.Read"), nil, refusal{28000, "invalid_request", 400}},
	} {
		t.Run(name, func(t *testing.T) {
			requireRefused(t, test.want, w.token(test.form, test.headers...))
		})
	}
	w.clock.Advance(91 * 24 * time.Hour)
	requireRefused(t, refusal{700082, "invalid_grant", 400}, w.token(with(f, "refresh_token", second.text("refresh_token"))))
}

func TestRefreshTokenOfASinglePageApplicationEndsAfterADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	origin := []string{"Origin", "https://spa.example"}
	got := w.token(codeForm(spaID, spaRedirect, w.code(alice, w.authorizeURL(spaID, spaRedirect))), origin...)
	f := func() url.Values {
		return form("grant_type", "refresh_token", "client_id", spaID, "refresh_token", got.text("refresh_token"))
	}
	requireRefused(t, refusal{9002327, "invalid_request", 400}, w.token(f()))
	w.clock.Advance(23 * time.Hour)
	got = w.token(f(), origin...)
	requireToken(t, got)
	w.clock.Advance(2 * time.Hour)
	requireRefused(t, refusal{700084, "invalid_grant", 400}, w.token(f(), origin...))
}
