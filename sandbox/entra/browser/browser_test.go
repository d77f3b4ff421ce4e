package browser_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/entra/browser"
)

// site answers with pages by path, and says what was posted.
func site(t *testing.T, pages map[string]string) (*httptest.Server, *[]url.Values) {
	t.Helper()
	posted := &[]url.Values{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_ = r.ParseForm()
			*posted = append(*posted, r.PostForm)
		}
		page, ok := pages[r.URL.Path]
		switch {
		case !ok:
			http.NotFound(w, r)
		case page[0] == '>':
			http.Redirect(w, r, page[1:], http.StatusFound)
		default:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte(page))
		}
	}))
	t.Cleanup(server.Close)
	return server, posted
}

const choose = `<title>Pick an account</title><form method=post action=/login><input type=hidden name=request value=r-1>
<button name=user value=1>Al <span>al@x.example</span></button><button name=user value=2>Bo <span>bo@x.example</span></button></form>`

func signIn(t *testing.T, server *httptest.Server, person string) (*url.URL, error) {
	t.Helper()
	return browser.SignIn(t.Context(), server.Client(), server.URL+"/authorize?redirect_uri="+url.QueryEscape("https://app.example/cb"), person)
}

func TestSignInPressesTheButtonOfThePerson(t *testing.T) {
	t.Parallel()
	server, posted := site(t, map[string]string{"/authorize": choose, "/login": ">https://app.example/cb?code=c#f"})
	arrived, err := signIn(t, server, "BO@x.example")
	require.NoError(t, err)
	require.Equal(t, "https://app.example/cb?code=c#f", arrived.String())
	require.Equal(t, []url.Values{{"request": {"r-1"}, "user": {"2"}}}, *posted)
}

func TestSignInReadsFormPost(t *testing.T) {
	t.Parallel()
	server, _ := site(t, map[string]string{
		"/authorize": ">/login", "/login": `<form method=post action=https://app.example/cb><input type=hidden name=code value=c><button>Continue</button></form>`,
	})
	arrived, err := signIn(t, server, "al@x.example")
	require.NoError(t, err)
	require.Equal(t, "https://app.example/cb?code=c", arrived.String())
}

func TestSignInRefusals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pages  map[string]string
		person string
		want   string
	}{
		"a page with an alert":     {map[string]string{"/authorize": `<title>Sorry</title><p role=alert>AADSTS50011: no</p>`}, "al@x.example", `sign-in page "Sorry": AADSTS50011: no`},
		"nobody of that name":      {map[string]string{"/authorize": choose}, "mallory", "no button for mallory"},
		"the choice comes again":   {map[string]string{"/authorize": choose, "/login": choose}, "al@x.example", "no button for al@x.example"},
		"a page that leads no way": {map[string]string{"/authorize": `<title>Done</title>`}, "al@x.example", "ended before the application"},
		"redirects without an end": {map[string]string{"/authorize": ">/authorize"}, "al@x.example", "more than 20"},
		"no page at all":           {map[string]string{}, "al@x.example", "status 404"},
		"another application":      {map[string]string{"/authorize": ">/elsewhere"}, "al@x.example", "status 404"},
		"a page asking for a code": {map[string]string{"/authorize": `<title>Code</title><form><input type=text name=otc></form>`}, "al@x.example", `"Code"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, _ := site(t, test.pages)
			_, err := signIn(t, server, test.person)
			require.ErrorContains(t, err, test.want)
		})
	}
	_, err := browser.SignIn(t.Context(), nil, "://", "al")
	require.ErrorContains(t, err, "authorize URL")
}

func TestDeviceTypesTheCode(t *testing.T) {
	t.Parallel()
	server, posted := site(t, map[string]string{
		"/device": `<form method=post action=/code><input type=text name=otc><button>Next</button></form>`,
		"/code":   choose, "/login": `<title>Done</title>`,
	})
	require.NoError(t, browser.Device(t.Context(), server.Client(), server.URL+"/device", "ABC", "al@x.example"))
	require.Equal(t, []url.Values{{"otc": {"ABC"}}, {"request": {"r-1"}, "user": {"1"}}}, *posted)
}

func TestDeviceRefusals(t *testing.T) {
	t.Parallel()
	server, _ := site(t, map[string]string{
		"/device": `<form method=post action=/code><input type=text name=otc></form>`,
		"/code":   `<title>Code</title><p role=alert>AADSTS70018: wrong</p><form><input type=text name=otc></form>`,
		"/done":   `<title>Done</title>`,
	})
	err := browser.Device(t.Context(), server.Client(), server.URL+"/device", "ABC", "al@x.example")
	require.ErrorContains(t, err, "AADSTS70018")
	var page *browser.PageError
	require.ErrorAs(t, err, &page)
	require.Equal(t, "Code", page.Title)
	require.ErrorContains(t, browser.Device(t.Context(), server.Client(), server.URL+"/done", "ABC", "al@x.example"), "asked for no account")
	require.ErrorContains(t, browser.Device(t.Context(), nil, "://", "", ""), "verification URI")
}
