package diagnose

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
)

func names(checks []Check) (names []CheckName) {
	for _, c := range checks {
		names = append(names, c.Name)
	}
	return names
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	jwt := []CheckName{
		CheckForm, CheckAlgorithm, CheckKeys, CheckKey, CheckSignature, CheckExpiry, CheckNotBefore, CheckIssuedAt, CheckIssuer, CheckAudience,
		CheckScope,
	}
	lambda := func(last CheckName) []CheckName {
		return []CheckName{
			CheckForm, CheckAlgorithm, CheckKeys, CheckKey, CheckSignature, CheckIssuer, CheckAudience, CheckExpiry, CheckNotBefore, CheckIssuedAt,
			CheckTenant, CheckVersion, CheckCaller, last,
		}
	}
	user, app := userToken(), appToken()
	for name, tt := range map[string]struct {
		token, request, route, authorizer, by, client, summary string
		checks                                                 []CheckName
	}{
		"by a scope":           {sign(user), "GET /orders", "GET /orders", AuthorizerJWT, "Orders.Read", "portal (spa)", "by scope Orders.Read", jwt},
		"a concrete request":   {sign(user), "get https://x.example.com/orders/17?y=1", "GET /orders/{id}", AuthorizerJWT, "Orders.Read", "portal (spa)", "by scope", jwt},
		"by a retired scope":   {sign(user.with("scp", "X Orders.Old")), "GET /old", "GET /old", AuthorizerJWT, "Orders.Old", "portal (spa)", "retired", jwt},
		"of a stranger":        {sign(user.with("azp", stranger)), "GET /orders", "GET /orders", AuthorizerJWT, "Orders.Read", "a client that this stack does not know: " + stranger, "", jwt},
		"by a role":            {sign(app), "POST /export", "POST /export", AuthorizerLambda, "Orders.Export", "export (daemon)", "by role Orders.Export", lambda(CheckRole)},
		"by a retired role":    {sign(app.with("roles", []string{"Orders.Legacy"})), "GET /legacy", "GET /legacy", AuthorizerLambda, "Orders.Legacy", "export (daemon)", "retired", lambda(CheckRole)},
		"a user where both do": {sign(user), "GET /both", "GET /both", AuthorizerLambda, "Orders.Read", "portal (spa)", "by scope", lambda(CheckScope)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// However it is written.
			for _, text := range []string{tt.token, "Bearer " + tt.token + "\n", "\ufeff\"" + tt.token + "\"\r\n", ` 'bearer  ` + tt.token + `' `} {
				report, err := newWorld().stack().Explain(t.Context(), text, tt.request)
				require.NoError(t, err)
				requireDiscreet(t, report, tt.token)
				require.True(t, report.Allowed)
				require.True(t, report.Verified)
				require.Equal(t, http.StatusOK, report.Status)
				require.Equal(t, []string{tt.route, tt.authorizer, tt.by, tt.client}, []string{report.Route, report.Authorizer, report.By, report.Client})
				require.Contains(t, report.Summary, tt.summary)
				require.Empty(t, report.Cause)
				require.Equal(t, tt.checks, names(report.Checks))
				for _, c := range report.Checks {
					require.True(t, c.OK)
				}
			}
		})
	}
}

func TestAPublicRouteNeedsNoToken(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", "garbage", sign(graphToken())} {
		w := newWorld()
		report, err := w.stack().Explain(t.Context(), token, "GET /health")
		require.NoError(t, err)
		require.True(t, report.Allowed)
		require.Equal(t, AuthorizerNone, report.Authorizer)
		require.Contains(t, report.Summary, "no token is needed")
		require.Empty(t, report.Claims)
		require.Empty(t, w.requests, "nothing is fetched")
	}
}

func TestClaimsThatAreShown(t *testing.T) {
	t.Parallel()
	claims := appToken().with("scp", "x\x1b[31m\u202e").with("appid", strings.Repeat("a", 500)).with("ver", 2).with("nonce", "n").with("unique_name", "u")
	roles := make([]string, 100)
	for i := range roles {
		roles[i] = "R"
	}
	token := sign(claims.with("roles", roles))
	report, err := newWorld().stack().Explain(t.Context(), token, readRoute)
	require.NoError(t, err)
	require.Equal(t, "x�[31m�", report.Claims["scp"], "nothing that a terminal obeys")
	require.Equal(t, strings.Repeat("a", maxShownRunes)+"…", report.Claims["appid"])
	require.Equal(t, json.Number("2"), report.Claims["ver"])
	require.Len(t, report.Claims["roles"], maxShownTexts+1)
	for name := range report.Claims {
		require.Contains(t, shownClaims, name)
	}
	require.NotContains(t, report.Claims, "sub")

	// A token cannot have a report repeat itself.
	token = sign(userToken().with("azp", strings.Split(sign(userToken()), ".")[0]))
	report, err = newWorld().stack().Explain(t.Context(), token, writeRoute)
	require.NoError(t, err)
	requireDiscreet(t, report, token)
	require.Equal(t, "(a part of the token)", report.Claims["azp"])

	digits := strings.Repeat("9", 300)
	token = sign(userToken().with("exp", json.Number(digits)))
	report, err = newWorld().stack().Explain(t.Context(), token, readRoute)
	require.NoError(t, err)
	require.True(t, report.Allowed)
	requireDiscreet(t, report, token) // which marshals it
}

func TestIssuersThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(map[string]string)
		cause  Cause
		words  string
	}{
		"unreachable":         {func(d map[string]string) { delete(d, discoveryURL) }, CauseIssuerUnreachable, "connection refused"},
		"broken":              {func(d map[string]string) { d[discoveryURL] = "broken" }, CauseIssuerUnreachable, "got status 503"},
		"no JSON":             {func(d map[string]string) { d[discoveryURL] = "<html>" }, CauseIssuerUnreachable, "invalid character"},
		"another issuer":      {func(d map[string]string) { d[discoveryURL] = `{"issuer":"https://x/{tenantid}/v2.0"}` }, CauseIssuerMismatch, "https://x/{tenantid}/v2.0"},
		"no keys":             {func(d map[string]string) { delete(d, keysURL) }, CauseKeysUnavailable, "connection refused"},
		"a key set too large": {func(d map[string]string) { d[keysURL] += strings.Repeat(" ", 150_000) }, CauseKeysUnavailable, "more than 150000 bytes"},
	} {
		for route, status := range map[string]int{readRoute: 401, bothRoute: 500} {
			t.Run(name+", "+route, func(t *testing.T) {
				t.Parallel()
				w := newWorld()
				tt.change(w.documents)
				token := sign(userToken().with("exp", 1))
				report, err := w.stack().Explain(t.Context(), token, route)
				require.NoError(t, err)
				requireDiscreet(t, report, token)
				require.Equal(t, status, report.Status)
				require.Equal(t, tt.cause, report.Cause)
				require.False(t, report.Verified)
				var failing []CheckName
				for _, c := range report.Checks {
					if c.Decides {
						require.Contains(t, c.Got, tt.words)
					}
					if !c.OK {
						failing = append(failing, c.Name)
					}
				}
				require.Equal(t, []CheckName{CheckKeys, CheckExpiry}, failing)
				require.NotContains(t, names(report.Checks), CheckSignature, "it was not looked at")
			})
		}
	}
}

// late answers when nobody waits any more.
type late struct{ ask func() }

func (l late) RoundTrip(*http.Request) (*http.Response, error) {
	l.ask()
	return nil, context.DeadlineExceeded
}

func TestAnIssuerThatIsLate(t *testing.T) {
	t.Parallel()
	s := newWorld().stack()
	s.HTTP = &http.Client{Transport: late{func() {}}}
	report, err := s.Explain(t.Context(), sign(userToken()), readRoute)
	require.NoError(t, err)
	require.Equal(t, CauseIssuerUnreachable, report.Cause)
	last := report.Checks[2]
	require.Equal(t, CheckKeys, last.Name)
	require.Contains(t, last.Why, "longer from here")
	require.Contains(t, last.Want, "1500 ms")
}

func TestAnInterruptionIsNoVerdict(t *testing.T) {
	t.Parallel()
	for _, route := range []string{readRoute, bothRoute} {
		ctx, cancel := context.WithCancel(t.Context())
		s := newWorld().stack()
		s.HTTP = &http.Client{Transport: late{cancel}}
		_, err := s.Explain(ctx, sign(userToken()), route)
		require.ErrorIs(t, err, context.Canceled)
	}
}

func TestUnverifiedClaimsAreCalledSo(t *testing.T) {
	t.Parallel()
	report, err := newWorld().stack().Explain(t.Context(), cut(sign(userToken()), 8), readRoute)
	require.NoError(t, err)
	require.False(t, report.Verified)
	var text bytes.Buffer
	require.NoError(t, report.Write(&text))
	require.Contains(t, text.String(), "not verified")

	report, err = newWorld().stack().Explain(t.Context(), sign(userToken().with("exp", 1)), readRoute)
	require.NoError(t, err)
	require.True(t, report.Verified, "who signed it is known, though it has expired")
}

func TestNearestRoutes(t *testing.T) {
	t.Parallel()
	for request, want := range map[string][]string{
		"DELETE /orders":    {"GET /orders", "POST /orders"},
		"GET /order":        {"GET /orders"},
		"PATCH /orders/17":  {"GET /orders/{id}"},
		"POST /exports":     {"POST /export"},
		"$default":          {},
		"GET /orders/17/18": {},
	} {
		report, err := newWorld().stack().Explain(t.Context(), "", request)
		require.NoError(t, err)
		require.Equal(t, 404, report.Status, request)
		require.Equal(t, CauseNoRoute, report.Cause)
		require.Len(t, report.Nearest, 3)
		if len(want) > 0 {
			require.Equal(t, want, report.Nearest[:len(want)], request)
		}
	}
}

func TestWhatCannotBeExplained(t *testing.T) {
	t.Parallel()
	token := sign(userToken())
	good := newWorld().stack()
	for name, tt := range map[string]struct {
		change         func(*Stack)
		token, request string
		want           string
	}{
		"a token too long":             {nil, strings.Repeat("a", MaxTokenBytes+1), readRoute, "token: got 65537 bytes, want at most 65536"},
		"a file":                       {nil, strings.Repeat(" ", 1<<20), readRoute, "token: got 1048576 bytes"},
		"no request":                   {nil, token, "", `route: got "", want "METHOD /path"`},
		"a method alone":               {nil, token, "GET", `route: got "GET"`},
		"a path alone":                 {nil, token, "/orders", `route: got "/orders"`},
		"a path without a slash":       {nil, token, "GET orders", "want"},
		"a method that is none":        {nil, token, "G3T /orders", "want"},
		"more behind":                  {nil, token, "GET /orders /x", "want"},
		"an address of another scheme": {nil, token, "GET ftp://x/orders", "want"},
		"an address that is none":      {nil, token, "GET https://[x/orders", "cannot be read"},
		"control characters":           {nil, token, "GET /orders\x1b[31m", "want"},
		"the token for a route":        {nil, readRoute, token, "route: got what looks like a token"},
		"no tenant":                    {func(s *Stack) { s.Tenant.ID = "common" }, token, readRoute, "tenant id"},
		"no audience":                  {func(s *Stack) { s.Audience = "" }, token, readRoute, `audience: got ""`},
		"an audience that is a URI":    {func(s *Stack) { s.Audience = "api://" + api }, token, readRoute, "want the client id"},
		"a route without a decision": {
			func(s *Stack) { s.Model.Routes = []access.Route{{Key: readRoute}} }, token, readRoute, "got neither scopes, roles nor public",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := good
			if tt.change != nil {
				tt.change(&s)
			}
			_, err := s.Explain(t.Context(), tt.token, tt.request)
			require.ErrorContains(t, err, tt.want)
			for segment := range strings.SplitSeq(token, ".") {
				require.NotContains(t, err.Error(), segment)
			}
		})
	}
}

func TestTheClockIsTheRealOneUnlessTold(t *testing.T) {
	t.Parallel()
	s := newWorld().stack()
	s.Now = nil
	soon := time.Now().Add(time.Minute).Unix()
	report, err := s.Explain(t.Context(), sign(userToken().with("exp", soon).without("iat", "nbf")), readRoute)
	require.NoError(t, err)
	require.True(t, report.Allowed)
}

func TestPermissionsForAnotherAPIAreCalledSo(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ token, route, words string }{
		"scopes": {signedByGraph(graphToken()), readRoute, "its scopes are those of the API that it is for: " + graphID + " (Microsoft Graph)"},
		"roles":  {sign(appToken().with("aud", graphID).with("roles", []string{"User.Read.All"})), roleRoute, "its roles are those of"},
	} {
		report, err := newWorld().stack().Explain(t.Context(), tt.token, tt.route)
		require.NoError(t, err, name)
		last := report.Checks[len(report.Checks)-1]
		require.Equal(t, CauseGraphToken, last.Cause, name)
		require.Contains(t, last.Why, tt.words)
	}
}

// TestTheSameFixIsWrittenOnce, so that a reader sees what differs.
func TestTheSameFixIsWrittenOnce(t *testing.T) {
	t.Parallel()
	report, err := newWorld().stack().Explain(t.Context(), signedByGraph(graphToken()), readRoute)
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, report.Write(&text))
	require.Equal(t, 1, strings.Count(text.String(), report.Checks[4].Fix))
	require.Equal(t, 3, strings.Count(text.String(), "as above"))
	require.NotContains(t, text.String(), " \n", "no space at the end of lines")
	require.Contains(t, text.String(), "portal (spa), as it says")
}
