package verify

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
)

func TestOnlyWhatIsHarmlessIsCalled(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		route  string
		others []string
		probe  *Probe
		want   probing
		why    string
		fails  string
	}{
		"a plain path":        {route: "GET /orders", want: probing{request: request{"GET", "/orders"}}},
		"the root":            {route: "HEAD /", want: probing{request: request{"HEAD", "/"}}},
		"any method":          {route: "ANY /orders", want: probing{request: request{"GET", "/orders"}}},
		"any method but GET":  {route: "ANY /orders", others: []string{"GET /orders"}, want: probing{request: request{"HEAD", "/orders"}}},
		"no method left":      {route: "ANY /orders", others: []string{"GET /orders", "HEAD /orders"}, why: "takes a probe"},
		"another method":      {route: "DELETE /orders", why: "DELETE may change something"},
		"a variable":          {route: "GET /orders/{id}", why: "nobody says what stands for /orders/{id}"},
		"a greedy variable":   {route: "GET /files/{path+}", why: "takes a probe"},
		"the default":         {route: "$default", why: "takes a probe"},
		"a probed variable":   {route: "GET /orders/{id}", probe: &Probe{Path: "/orders/0"}, want: probing{request: request{"GET", "/orders/0"}}},
		"a probe with query":  {route: "GET /orders", probe: &Probe{Path: "/orders?top=1"}, want: probing{request: request{"GET", "/orders?top=1"}}},
		"a probed method":     {route: "POST /orders", probe: &Probe{Path: "/orders", Body: "{}", ContentType: "application/json"}, want: probing{request{"POST", "/orders"}, "{}", "application/json"}},
		"a probed default":    {route: "$default", others: []string{"GET /orders"}, probe: &Probe{Path: "/x"}, want: probing{request: request{"GET", "/x"}}},
		"not of the route":    {route: "GET /orders/{id}", probe: &Probe{Path: "/orders"}, fails: "one that the route takes"},
		"of another route":    {route: "GET /orders/{id}", others: []string{"GET /orders/0"}, probe: &Probe{Path: "/orders/0"}, fails: "no other route takes"},
		"a default's other":   {route: "$default", others: []string{"ANY /x"}, probe: &Probe{Path: "/x"}, fails: "no other route takes"},
		"beside a greedy one": {route: "GET /a/{id}", others: []string{"GET /{p+}"}, probe: &Probe{Path: "/a/0"}, want: probing{request: request{"GET", "/a/0"}}},
		"an address":          {route: "GET /orders", probe: &Probe{Path: "https://evil.example.com/orders"}, fails: `a path such as "/orders/0"`},
		"another host":        {route: "GET /{p+}", probe: &Probe{Path: "//evil.example.com"}, fails: `a path such as`},
		"a fragment":          {route: "GET /orders", probe: &Probe{Path: "/orders#x"}, fails: `a path such as`},
		"none":                {route: "GET /orders", probe: &Probe{}, fails: `got "", want`},
		"a key that is none":  {route: "FETCH /orders", fails: "FETCH"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, why, err := realRequest(tc.route, append([]string{tc.route}, tc.others...), tc.probe)
			if tc.fails != "" {
				require.ErrorContains(t, err, tc.fails)
				return
			}
			require.NoError(t, err)
			require.Contains(t, why, tc.why)
			require.Equal(t, tc.why == "", why == "")
			if why == "" {
				require.Equal(t, tc.want, got)
			}
		})
	}
}

func TestCallsAreFiveASecond(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	var waits []time.Duration
	p := &pacer{now: func() time.Time { return now }, wait: func(ctx context.Context, d time.Duration) error {
		waits = append(waits, d)
		return ctx.Err()
	}}
	for range 3 {
		require.NoError(t, p.take(t.Context()))
	}
	now = now.Add(time.Minute)
	require.NoError(t, p.take(t.Context()))
	require.Equal(t, []time.Duration{0, 200 * time.Millisecond, 400 * time.Millisecond, 0}, waits)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, p.take(ctx), context.Canceled)
	require.ErrorIs(t, wait(ctx, time.Hour), context.Canceled)
	require.NoError(t, wait(t.Context(), 0))
}

// tokenOf is a token with claims. Nobody here looks at its signature.
func tokenOf(t testing.TB, claims map[string]any) string {
	t.Helper()
	raw, err := json.Marshal(claims)
	require.NoError(t, err)
	return "e30." + base64.RawURLEncoding.EncodeToString(raw) + ".c2ln"
}

func TestSuppliedTokensAreRead(t *testing.T) {
	t.Parallel()
	token := tokenOf(t, map[string]any{"aud": "x"})
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(token+"\n"), 0o600))
	got, err := ReadTokens([]string{"portal:user=" + file, "id-token=-"}, strings.NewReader(" "+token))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"portal:user": token, "id-token": token}, got)
	for name, tc := range map[string]struct {
		values []string
		stdin  string
		want   string
	}{
		"a token by mistake": {[]string{token}, "", "a value of another form"},
		"no file":            {[]string{"portal:user="}, "", "want CALLER=FILE"},
		"stdin twice":        {[]string{"a=-", "b=-"}, token, `got "-" twice`},
		"a caller twice":     {[]string{"a=" + file, "a=" + file}, "", "got two for a"},
		"a file that is not": {[]string{"a=" + file + ".absent"}, "", "no such file"},
		"no token":           {[]string{"a=-"}, "secret-text", "no token: want three parts"},
		"too long":           {[]string{"a=-"}, strings.Repeat("a", maxTokenBytes+1), "got more than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadTokens(tc.values, strings.NewReader(tc.stdin))
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), token)
			require.NotContains(t, err.Error(), "secret-text")
		})
	}
}

func FuzzClaims(f *testing.F) {
	f.Add("a.b.c")
	f.Add(tokenOf(f, map[string]any{"aud": "x", "exp": 1e300, "roles": []string{"r"}}))
	f.Fuzz(func(t *testing.T, token string) {
		c, err := readClaims(token)
		if err != nil {
			require.Equal(t, errNoToken, err)
			return
		}
		a := &Accounts{options: AccountsOptions{Now: time.Now, Graph: &clouds.Graph{}}}
		require.Error(t, a.suits(access.Caller{Kind: access.CallerAnonymous}, c))
	})
}

func TestATokenIsTakenForItsOwnCallerOnly(t *testing.T) {
	t.Parallel()
	const tenant, api, app, job = "tenant", "api", "app-id", "job-id"
	now := time.Unix(1_000_000, 0)
	user := map[string]any{"aud": api, "tid": tenant, "azp": app, "scp": "Read", "ver": "2.0", "exp": now.Unix() + 60}
	daemon := map[string]any{"aud": api, "tid": tenant, "azp": job, "roles": []string{"Export"}, "exp": now.Unix() + 60}
	with := func(of map[string]any, changes ...any) map[string]any {
		changed := map[string]any{}
		maps.Copy(changed, of)
		for i := 0; i < len(changes); i += 2 {
			changed[changes[i].(string)] = changes[i+1]
		}
		return changed
	}
	options := AccountsOptions{
		TenantID: tenant, Graph: &clouds.Graph{Endpoint: "https://graph.microsoft.com"}, Now: func() time.Time { return now },
		Target: Target{Audience: api, Clients: map[string]string{"app": app, "job": job}, Model: access.Model{
			Scopes: []access.Scope{{Value: "Read"}}, Roles: []access.Role{{Value: "Export"}},
			Clients: []access.Client{{Name: "app", Kind: access.ClientNative, Scopes: []string{"Read"}}, {Name: "job", Kind: access.ClientDaemon, Roles: []string{"Export"}}},
			Routes:  []access.Route{{Key: "GET /r", Scopes: []string{"Read"}}, {Key: "GET /e", Roles: []string{"Export"}}},
		}},
	}
	for name, tc := range map[string]struct {
		caller string
		claims map[string]any
		fails  string
	}{
		"a user's":                           {"app:user", user, ""},
		"of another client":                  {"app:user", with(user, "azp", "x"), `azp: got "x", want app-id, app`},
		"a daemon's for a user":              {"app:user", daemon, "scp: got"},
		"one that is over":                   {"app:user", with(user, "exp", now.Unix()), "one to come"},
		"for another API":                    {"app:user", with(user, "aud", "x"), "api, the API"},
		"of another tenant":                  {"app:user", with(user, "tid", "x"), "want tenant"},
		"a daemon's":                         {"job:app", daemon, ""},
		"a user's for a daemon":              {"job:app", with(user, "azp", job), "app-only"},
		"one that is over, wanted":           {"expired-token", with(user, "exp", now.Unix()-1), ""},
		"one that is not over":               {"expired-token", user, "one that is over"},
		"another tenant's":                   {"other-tenant", with(user, "tid", "x"), ""},
		"this tenant's for another":          {"other-tenant", user, "another tenant than tenant"},
		"v1":                                 {"v1-token", with(user, "ver", "1.0"), ""},
		"v2 for v1":                          {"v1-token", user, "want 1.0"},
		"an ID token":                        {"id-token", map[string]any{"aud": app, "tid": tenant, "exp": now.Unix() + 1}, ""},
		"an access token for an ID token":    {"id-token", user, "a client of the model"},
		"Graph's":                            {"graph-token", with(user, "aud", "https://graph.microsoft.com/"), ""},
		"the API's for Graph's":              {"graph-token", user, "Microsoft Graph"},
		"a stranger's":                       {"other-client", with(user, "azp", "x"), ""},
		"ours for a stranger's":              {"other-client", user, "outside the model"},
		"a daemon's without a role":          {"unassigned-daemon", with(daemon, "azp", "x", "roles", nil), ""},
		"a daemon's with a role":             {"unassigned-daemon", with(daemon, "azp", "x"), `roles: got "Export", want none`},
		"a role that no route wants":         {"wrong-role", with(daemon, "roles", []string{"Other"}), ""},
		"a role that a route wants":          {"wrong-role", daemon, "no route asks for"},
		"a user's with roles":                {"user-with-roles", with(user, "roles", []string{"Export"}), ""},
		"a user's without roles":             {"user-with-roles", user, "want some"},
		"an unassigned user's":               {"unassigned-user", user, ""},
		"somebody's who has none":            {"anonymous", user, "want none"},
		"somebody's who is not in the model": {"x:user", user, "one of the access matrix"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options
			o.Supplied = map[string]string{tc.caller: tokenOf(t, tc.claims)}
			_, err := NewAccounts(o)
			if tc.fails == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.fails)
			require.NotContains(t, err.Error(), o.Supplied[tc.caller])
		})
	}
	for name, want := range map[string]string{"job": "want a native client", "x": "want a client of the model"} {
		o := options
		o.SignIn = []string{name}
		_, err := NewAccounts(o)
		require.ErrorContains(t, err, want)
	}
}

func sortedNames(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
