package signin

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/store"
)

// FuzzParseScope checks that whatever parses names at most one resource and
// loses nothing.
func FuzzParseScope(f *testing.F) {
	for _, seed := range []string{
		"openid profile", "api://a/Orders.Read api://a/Orders.Write", "https://x//.default", "User.Read https://graph.microsoft.com/Mail.Read",
		"api://a/.default openid", "api://a", "/", "//", "a/", "/a", ".default", "\x00/x", "a/b c/d", "OPENID openid",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, refusal := parseScope(raw, 28000)
		if refusal != nil {
			if refusal.Code != 70011 && refusal.Code != 28000 {
				t.Fatalf("%q: got %v", raw, refusal)
			}
			return
		}
		if q.Default && len(q.Values) > 0 {
			t.Fatalf("%q: .default beside %q", raw, q.Values)
		}
		for _, asked := range q.Asked {
			resource, value := splitScope(asked)
			if value == "" || resource != "" && resource != q.Resource {
				t.Fatalf("%q: %q is not of resource %q", raw, asked, q.Resource)
			}
		}
		for scope := range strings.FieldsSeq(raw) {
			if !strings.Contains(strings.Join(append(q.Asked, q.OIDC...), " "), scope) && !q.has(strings.ToLower(scope)) {
				t.Fatalf("%q: lost %q", raw, scope)
			}
		}
	})
}

// FuzzReadAssertion checks that no assertion makes the parser fail otherwise
// than by refusing.
func FuzzReadAssertion(f *testing.F) {
	for _, seed := range []string{
		"", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJSUzI1NiIsIng1dCI6IkFBQUEifQ.eyJleHAiOjF9.AAAA",
		"eyJhbGciOiJSUzI1NiIsIng1dCI6MX0.eyJleHAiOjF9.AAAA", "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOiJ4In0.AAAA", `{"payload":"","signatures":[]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		a, refusal := readAssertion(raw)
		if refusal == nil && (a.claims.Expiry == nil || a.alg == "" || strings.EqualFold(a.alg, "none")) {
			t.Fatalf("%q: accepted %+v", raw, a)
		}
	})
}

// FuzzTokenRequest posts anything to the token endpoint: it must refuse with
// an OAuth error and never issue a token, for no request here knows the secret.
func FuzzTokenRequest(f *testing.F) {
	st, _, err := directory.Seed(directory.SeedOptions{TenantID: "c0000000-0000-4000-8000-000000000001"})
	if err != nil {
		f.Fatal(err)
	}
	dir, err := store.Open("", st)
	if err != nil {
		f.Fatal(err)
	}
	s, err := New(Options{Tenants: []*directory.Directory{dir}, BaseURL: "https://localhost", Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
	if err != nil {
		f.Fatal(err)
	}
	deployer := st.StableID("client/" + directory.DeployerName)
	other := st.StableID("client/" + directory.OtherClientName)
	graph := "&scope=" + url.QueryEscape("https://graph.microsoft.com/.default")
	for _, seed := range []string{
		"", "grant_type=client_credentials&client_id=" + deployer + "&client_secret=x" + graph,
		"grant_type=client_credentials&client_id=" + deployer + graph,
		"grant_type=client_credentials&client_id=" + deployer + "&client_assertion=a.b.c&client_assertion_type=" + url.QueryEscape(assertionType) + graph,
		"grant_type=authorization_code&client_id=" + other + "&code=1.x&redirect_uri=http://localhost",
		"grant_type=refresh_token&client_id=" + other + "&refresh_token=1.x", "grant_type=device_code&client_id=" + other + "&device_code=x",
		"grant_type=password&username=alice", "%zz", "grant_type=a&grant_type=b", "client_id=" + deployer,
	} {
		f.Add(seed, "", "")
		f.Add(seed, "Basic eDp5", "https://spa.example")
	}
	f.Fuzz(func(t *testing.T, body, authorization, origin string) {
		r := httptest.NewRequest(http.MethodPost, "/"+st.Tenant.ID+"/oauth2/v2.0/token", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header["Authorization"], r.Header["Origin"] = []string{authorization}, []string{origin}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest && w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), `"error":"`) || strings.Contains(w.Body.String(), "access_token\"") {
			t.Fatalf("%q: got %d %s", body, w.Code, w.Body)
		}
	})
}
