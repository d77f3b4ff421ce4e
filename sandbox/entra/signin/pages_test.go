package signin_test

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/entra/browser"
	"github.com/entragate/entragate/sandbox/entra/directory"
)

// openPage gets a page in a browser and returns it with its text.
func (w *world) openPage(c *http.Client, address string) (*http.Response, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, address, nil)
	require.NoError(w.t, err)
	req.Header.Set("Accept", "text/html")
	res, err := c.Do(req)
	require.NoError(w.t, err)
	return res, w.read(res)
}

func (w *world) read(res *http.Response) string {
	w.t.Helper()
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(w.t, err)
	return html.UnescapeString(string(raw))
}

func (w *world) post(c *http.Client, path string, v url.Values) (*http.Response, string) {
	w.t.Helper()
	res, err := c.PostForm(w.base+path, v)
	require.NoError(w.t, err)
	return res, w.read(res)
}

var requestField = regexp.MustCompile(`name="request" value="([^"]+)"`)

func requestOf(t *testing.T, page string) string {
	t.Helper()
	found := requestField.FindStringSubmatch(page)
	require.Len(t, found, 2, page)
	return found[1]
}

func (w *world) userID(upn string) string {
	id := ""
	w.contoso.View(func(st *directory.State) { id = st.UserByName(upn).ID })
	return id
}

func TestRequestsThatAreShownToThePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tests := map[string]struct{ url, want string }{
		"no client":                      {w.authorizeURL("", webRedirect), "AADSTS900144"},
		"unknown client":                 {w.authorizeURL(contoso, webRedirect), "AADSTS700016"},
		"no redirect URI":                {w.authorizeURL(webID, ""), "AADSTS900971"},
		"unregistered redirect URI":      {w.authorizeURL(webID, "https://evil.example/"), "AADSTS50011"},
		"redirect URI with a slash more": {w.authorizeURL(webID, webRedirect+"/"), "AADSTS50011"},
		"redirect URI in another case":   {w.authorizeURL(webID, "https://web.example/Callback"), "AADSTS50011"},
		"redirect URI with a query":      {w.authorizeURL(webID, webRedirect+"?x=1"), "AADSTS50011"},
		"another client's redirect URI":  {w.authorizeURL(webID, spaRedirect), "AADSTS50011"},
		"loopback by https":              {w.authorizeURL(nativeID, "https://localhost"), "AADSTS50011"},
		"loopback with another path":     {w.authorizeURL(nativeID, "http://localhost:1/other"), "AADSTS50011"},
		"a name like loopback":           {w.authorizeURL(nativeID, "http://localhost.evil.example"), "AADSTS50011"},
		"loopback with a user":           {w.authorizeURL(nativeID, "http://localhost@evil.example"), "AADSTS50011"},
		"parameter twice":                {w.authorizeURL(webID, webRedirect) + "&state=2", "AADSTS9002313"},
		"single-tenant in common":        {strings.Replace(w.authorizeURL(webID, webRedirect), contoso, "common", 1), "AADSTS50194"},
		"unknown tenant":                 {strings.Replace(w.authorizeURL(webID, webRedirect), contoso, "nobody.example", 1), "AADSTS90002"},
		"client of another tenant":       {strings.Replace(w.authorizeURL(webID, webRedirect), contoso, fabrikam, 1), "AADSTS700016"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, page := w.openPage(w.newBrowser(), test.url)
			require.Equal(t, http.StatusBadRequest, res.StatusCode)
			require.Empty(t, res.Header.Get("Location"))
			require.Contains(t, page, test.want+": ")
			require.Contains(t, page, `role="alert"`)
			require.Contains(t, page, "Trace ID: ")
		})
	}
}

func TestRequestsThatAreSentBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app(webID, func(a *directory.Application) { a.Web.ImplicitGrantSettings.EnableIDTokenIssuance = true })
	tests := map[string]struct {
		url   string
		code  string
		oauth string
	}{
		"no response type":             {w.authorizeURL(webID, webRedirect, "response_type", ""), "AADSTS900144", "invalid_request"},
		"unknown response type":        {w.authorizeURL(webID, webRedirect, "response_type", "magic"), "AADSTS70005", "unsupported_response_type"},
		"implicit access token":        {w.authorizeURL(webID, webRedirect, "response_type", "token"), "AADSTS700051", "unsupported_response_type"},
		"implicit ID token":            {w.authorizeURL(spaID, spaRedirect, "response_type", "id_token"), "AADSTS700054", "unsupported_response_type"},
		"ID token without nonce":       {w.authorizeURL(webID, webRedirect, "response_type", "id_token", "nonce", ""), "AADSTS900144", "invalid_request"},
		"ID token without openid":      {w.authorizeURL(webID, webRedirect, "response_type", "id_token", "scope", apiURI+"/Orders.Read"), "AADSTS70005", "unsupported_response_type"},
		"ID token in the query":        {w.authorizeURL(webID, webRedirect, "response_type", "id_token", "response_mode", "query"), "AADSTS70007", "invalid_request"},
		"unknown response mode":        {w.authorizeURL(webID, webRedirect, "response_mode", "smoke"), "AADSTS70007", "invalid_request"},
		"no scope":                     {w.authorizeURL(webID, webRedirect, "scope", ""), "AADSTS900144", "invalid_request"},
		"scopes of two resources":      {w.authorizeURL(webID, webRedirect, "scope", apiURI+"/Orders.Read User.Read"), "AADSTS700022", "invalid_request"},
		"malformed scope":              {w.authorizeURL(webID, webRedirect, "scope", apiURI+"/"), "AADSTS70011", "invalid_scope"},
		"unknown prompt":               {w.authorizeURL(webID, webRedirect, "prompt", "maybe"), "AADSTS90023", "invalid_request"},
		"single page without PKCE":     {w.authorizeURL(spaID, spaRedirect, "code_challenge", ""), "AADSTS9002325", "invalid_request"},
		"short challenge":              {w.authorizeURL(webID, webRedirect, "code_challenge", "short"), "AADSTS501491", "invalid_request"},
		"unknown challenge method":     {w.authorizeURL(webID, webRedirect, "code_challenge_method", "S512"), "AADSTS501491", "invalid_request"},
		"silent without a session":     {w.authorizeURL(webID, webRedirect, "prompt", "none"), "AADSTS50058", "login_required"},
		"silent with an unknown scope": {w.authorizeURL(webID, webRedirect, "prompt", "none", "scope", "api://x"), "AADSTS70011", "invalid_scope"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, _ := w.openPage(w.newBrowser(), test.url)
			require.Equal(t, http.StatusFound, res.StatusCode)
			location, err := res.Location()
			require.NoError(t, err)
			params := location.Query()
			if location.Fragment != "" {
				params, err = url.ParseQuery(location.EscapedFragment())
				require.NoError(t, err)
			}
			require.True(t, strings.HasPrefix(params.Get("error_description"), test.code+": "), params)
			require.Equal(t, test.oauth, params.Get("error"))
			require.Equal(t, "st-1", params.Get("state"))
			require.NotEmpty(t, params.Get("error_uri"))
			require.Empty(t, params.Get("code"))
		})
	}
}

func TestRefusalsAfterTheSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.change(func(st *directory.State) { st.UserByName(carol).AccountEnabled = false })
	_, err := w.signIn(carol, w.authorizeURL(webID, webRedirect))
	var page *browser.PageError
	require.ErrorAs(t, err, &page)
	require.Contains(t, page.Text, "AADSTS50057")

	for scope, want := range map[string]string{
		apiURI + "/Orders.Burn":    "AADSTS650053",
		apiURI + "/Orders.Old":     "AADSTS650053",
		"api://nobody/Orders.Read": "AADSTS500011",
		legacyID + "/.default":     "AADSTS650057",
		"No.Such.Graph.Permission": "AADSTS650053",
	} {
		arrived, err := w.signIn(alice, w.authorizeURL(webID, webRedirect, "scope", scope))
		require.NoError(t, err)
		require.Contains(t, arrived.Query().Get("error_description"), want+": ", scope)
	}
	_, err = w.signIn("mallory@contoso.onmicrosoft.com", w.authorizeURL(webID, webRedirect))
	require.ErrorContains(t, err, "no button for mallory")
}

func TestUserConsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := w.authorizeURL(webID, webRedirect, "scope", apiURI+"/Orders.Note")
	arrived, err := w.signIn(alice, url+"&prompt=none")
	require.NoError(t, err)
	require.Contains(t, arrived.Query().Get("error_description"), "AADSTS50058")

	got := w.token(w.webForm(w.code(alice, url)))
	require.Equal(t, "Orders.Read Orders.Note", requireToken(t, got)["scp"])
	w.contoso.View(func(st *directory.State) {
		var made []*directory.Grant
		for _, g := range st.Grants {
			if g.ConsentType == "Principal" {
				made = append(made, g)
			}
		}
		require.Len(t, made, 1)
		require.Equal(t, "Orders.Note", made[0].Scope)
		require.Equal(t, st.UserByName(alice).ID, *made[0].PrincipalID)
		require.Equal(t, "principal-"+webID, made[0].ClientID)
		require.Equal(t, "principal-"+apiID, made[0].ResourceID)
	})
	// Once given it is not asked for again, and it is nobody else's.
	c := w.newBrowser()
	_, err = browser.SignIn(t.Context(), c, url, alice)
	require.NoError(t, err)
	silent, err := browser.SignIn(t.Context(), c, url+"&prompt=none", alice)
	require.NoError(t, err)
	require.NotEmpty(t, silent.Query().Get("code"))
	c = w.newBrowser()
	_, page := w.openPage(c, url)
	_, page = w.post(c, "/"+contoso+"/login", form("request", requestOf(t, page), "user", w.userID(bob)))
	require.Contains(t, page, "Permissions requested")
	require.Contains(t, page, "Orders.Note")
	require.Contains(t, page, bob)
	_, again := w.openPage(c, url+"&prompt=none")
	require.Empty(t, again)
	declined, _ := w.post(c, "/"+contoso+"/consent", form("request", requestOf(t, page), "decision", "cancel"))
	location, err := declined.Location()
	require.NoError(t, err)
	require.Equal(t, "access_denied", location.Query().Get("error"))
	require.Equal(t, "cancel", location.Query().Get("error_subcode"))
	require.Contains(t, location.Query().Get("error_description"), "AADSTS65004")
}

func TestSignInScopesNeedConsentToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.change(func(st *directory.State) { delete(st.Grants, "grant-"+webID+"-"+directory.GraphAppID) })
	c := w.newBrowser()
	_, page := w.openPage(c, w.authorizeURL(webID, webRedirect))
	_, page = w.post(c, "/"+contoso+"/login", form("request", requestOf(t, page), "user", w.userID(alice)))
	require.Contains(t, page, "Permissions requested")
	require.Contains(t, page, "Maintain access to data you have given it access to")
	requireToken(t, w.token(w.webForm(w.code(alice, w.authorizeURL(webID, webRedirect)))))
}

func TestAdministratorConsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := w.authorizeURL(webID, webRedirect, "scope", apiURI+"/Orders.Write "+apiURI+"/Orders.Note")
	_, err := w.signIn(alice, url)
	require.ErrorContains(t, err, "AADSTS90094")
	require.ErrorContains(t, err, "Need admin approval")

	c := w.newBrowser()
	_, page := w.openPage(c, url)
	_, page = w.post(c, "/"+contoso+"/login", form("request", requestOf(t, page), "user", w.userID(alice)))
	require.NotContains(t, page, `value="accept"`)
	res, _ := w.post(c, "/"+contoso+"/consent", form("request", requestOf(t, page), "decision", "accept"))
	location, err := res.Location()
	require.NoError(t, err)
	require.Contains(t, location.Query().Get("error_description"), "AADSTS90094", "a forged form does not consent")
	w.contoso.View(func(st *directory.State) {
		for _, g := range st.Grants {
			require.NotEqual(t, "Principal", g.ConsentType)
		}
	})

	silent, err := browser.SignIn(t.Context(), c, url+"&prompt=none", alice)
	require.NoError(t, err)
	require.Equal(t, "consent_required", silent.Query().Get("error"))
	require.Contains(t, silent.Query().Get("error_description"), "AADSTS65001")
}

func TestDefaultScopeAsksForWhatIsRegistered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app(webID, func(a *directory.Application) {
		a.RequiredResourceAccess = []directory.RequiredAccess{{ResourceAppID: legacyID, ResourceAccess: []directory.ResourceAccess{{ID: scope(5, "", "").ID, Type: "Scope"}}}}
	})
	got := w.token(w.webForm(w.code(alice, w.authorizeURL(webID, webRedirect, "scope", "api://"+legacyID+"/.default"))))
	claims := requireToken(t, got)
	require.Equal(t, "Legacy.Read", claims["scp"])
	require.Equal(t, "1.0", claims["ver"])
	require.Equal(t, alice, claims["upn"])
}

func TestSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.newBrowser()
	url := w.authorizeURL(webID, webRedirect)
	_, err := browser.SignIn(t.Context(), c, url, alice)
	require.NoError(t, err)
	tests := map[string]struct {
		changes []string
		asked   bool
	}{
		"nothing said":     {nil, false},
		"silent":           {[]string{"prompt", "none"}, false},
		"the same person":  {[]string{"login_hint", alice}, false},
		"somebody else":    {[]string{"login_hint", bob}, true},
		"choose":           {[]string{"prompt", "select_account"}, true},
		"sign in again":    {[]string{"prompt", "login"}, true},
		"another response": {[]string{"response_mode", "fragment"}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			res, page := w.openPage(c, w.authorizeURL(webID, webRedirect, test.changes...))
			require.Equal(t, test.asked, strings.Contains(page, "Pick an account"))
			require.Equal(t, test.asked, res.StatusCode == http.StatusOK)
		})
	}
	res, page := w.openPage(c, w.base+"/"+contoso+"/oauth2/v2.0/logout")
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Contains(t, page, "You signed out")
	_, page = w.openPage(c, url)
	require.Contains(t, page, "Pick an account")
}

func TestLogoutGoesOnlyToRegisteredAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := func(target, client string) *http.Response {
		res, _ := w.openPage(w.newBrowser(), w.base+"/"+contoso+"/oauth2/v2.0/logout?"+form("post_logout_redirect_uri", target, "client_id", client, "state", "s").Encode())
		return res
	}
	require.Equal(t, webRedirect+"?state=s", out(webRedirect, "").Header.Get("Location"))
	require.Equal(t, webRedirect+"?state=s", out(webRedirect, webID).Header.Get("Location"))
	require.Empty(t, out(webRedirect, spaID).Header.Get("Location"))
	require.Empty(t, out("https://evil.example/", "").Header.Get("Location"))
}

func TestHintedUserComesFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.openPage(w.newBrowser(), w.authorizeURL(webID, webRedirect, "login_hint", carol))
	require.Less(t, strings.Index(page, carol), strings.Index(page, alice))
	require.Contains(t, page, "autofocus")
	require.Contains(t, page, "Orders Web")
	require.Contains(t, page, `<html lang="en">`)
}

func TestFormsAreForOneUseInOneBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine, theirs := w.newBrowser(), w.newBrowser()
	_, page := w.openPage(mine, w.authorizeURL(webID, webRedirect))
	f := form("request", requestOf(t, page), "user", w.userID(alice))
	// The other browser has a mark of its own.
	w.openPage(theirs, w.authorizeURL(webID, webRedirect))
	for name, c := range map[string]*http.Client{"another browser": theirs, "no browser": w.client()} {
		res, page := w.post(c, "/"+contoso+"/login", f)
		require.Equal(t, http.StatusBadRequest, res.StatusCode, name)
		require.Contains(t, page, "belongs to another browser", name)
	}
	res, _ := w.post(mine, "/"+contoso+"/login", f)
	require.Equal(t, http.StatusFound, res.StatusCode)
	res, _ = w.post(mine, "/"+contoso+"/login", f)
	require.Equal(t, http.StatusBadRequest, res.StatusCode, "a form is for one use")
	res, _ = w.post(mine, "/"+contoso+"/login", form("request", "guessed", "user", w.userID(alice)))
	require.Equal(t, http.StatusBadRequest, res.StatusCode)

	_, page = w.openPage(mine, w.authorizeURL(webID, webRedirect, "prompt", "login"))
	w.clock.Advance(time.Hour)
	res, _ = w.post(mine, "/"+contoso+"/login", form("request", requestOf(t, page), "user", w.userID(alice)))
	require.Equal(t, http.StatusBadRequest, res.StatusCode, "a form expires")

	_, page = w.openPage(mine, w.authorizeURL(webID, webRedirect, "prompt", "login"))
	res, page = w.post(mine, "/"+contoso+"/login", form("request", requestOf(t, page), "user", "nobody"))
	require.Equal(t, http.StatusBadRequest, res.StatusCode)
	require.Contains(t, page, "AADSTS50034")
	// Consent cannot be given before anybody signed in.
	res, _ = w.post(mine, "/"+contoso+"/consent", form("request", requestOf(t, page), "decision", "accept"))
	require.Contains(t, res.Header.Get("Location"), "AADSTS65004")
}

func TestPagesCannotBeFramedOrCached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res, _ := w.openPage(w.newBrowser(), w.authorizeURL(webID, webRedirect))
	require.Contains(t, res.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
	require.Equal(t, "DENY", res.Header.Get("X-Frame-Options"))
	require.Equal(t, "no-store, no-cache", res.Header.Get("Cache-Control"))
	for _, c := range res.Cookies() {
		require.True(t, c.HttpOnly && c.Secure, c.Name)
		require.Equal(t, http.SameSiteLaxMode, c.SameSite)
	}
}

func TestNamesAreEscaped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app(webID, func(a *directory.Application) { a.DisplayName = `<script>alert(1)</script>` })
	res, err := w.newBrowser().Get(w.authorizeURL(webID, webRedirect))
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NotContains(t, string(raw), "<script>alert")
	require.Contains(t, string(raw), "&lt;script&gt;")
}

func TestCommonTakesUsersOfEveryTenantForMultiTenantApplications(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app(webID, func(a *directory.Application) { a.SignInAudience = "AzureADMultipleOrgs" })
	common := strings.Replace(w.authorizeURL(webID, webRedirect), contoso, "common", 1)
	code := w.code(alice, common)
	requireToken(t, w.tokenAt("common", w.webForm(code)))
	_, err := w.signIn("alice@fabrikam.onmicrosoft.com", common)
	require.ErrorContains(t, err, "AADSTS700016", "nobody installed it in fabrikam")
	require.NoError(t, w.fabrikam.Update(func(st *directory.State) error {
		st.ServicePrincipals["guest"] = &directory.ServicePrincipal{ID: "guest", AppID: webID, DisplayName: "Orders Web", AccountEnabled: true}
		return nil
	}))
	profile := strings.Replace(w.authorizeURL(webID, webRedirect, "scope", "openid profile"), contoso, "common", 1)
	code = w.code("alice@fabrikam.onmicrosoft.com", profile)
	requireRefused(t, refusal{700005, "invalid_grant", 400}, w.token(w.webForm(code)))
	got := w.tokenAt("common", w.webForm(code))
	require.Equal(t, fabrikam, requireToken(t, got)["tid"])
	require.Equal(t, w.base+"/"+fabrikam+"/v2.0", claimsOf(t, got.text("id_token"))["iss"])
}

func TestUserinfo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	signIn := func(scope string) reply {
		return w.token(w.webForm(w.code(alice, w.authorizeURL(webID, webRedirect, "scope", scope))))
	}
	ask := func(raw string) reply {
		return w.do(http.MethodGet, "/oidc/userinfo", http.Header{"Authorization": {"Bearer " + raw}}, "")
	}
	got := signIn("openid email User.Read")
	info := ask(got.text("access_token"))
	require.Equal(t, http.StatusOK, info.status, info.body)
	require.Equal(t, claimsOf(t, got.text("id_token"))["sub"], info.body["sub"])
	require.Equal(t, alice, info.body["email"])
	require.Equal(t, "Alice", info.body["name"])

	require.Equal(t, http.StatusUnauthorized, ask("").status)
	require.Equal(t, http.StatusUnauthorized, ask("abc").status)
	api := ask(signIn("openid " + apiURI + "/Orders.Read").text("access_token"))
	require.Equal(t, http.StatusUnauthorized, api.status, "a token for another API")
	require.Contains(t, api.header.Get("WWW-Authenticate"), "invalid_token")
	app := w.token(with(w.daemonForm(), "scope", "https://graph.microsoft.com/.default"))
	require.Equal(t, http.StatusForbidden, ask(app.text("access_token")).status)
	w.change(func(st *directory.State) { st.UserByName(alice).AccountEnabled = false })
	require.Equal(t, http.StatusUnauthorized, ask(got.text("access_token")).status)
	w.clock.Advance(2 * time.Hour)
	require.Equal(t, http.StatusUnauthorized, ask(got.text("access_token")).status)
}
