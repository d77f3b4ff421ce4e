package authorize

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/stretchr/testify/require"
)

func TestAnswersHaveTheCallersIDs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		claims object
		route  string
		want   object
	}{
		"a user": {
			userToken(), both,
			object{"by": "Orders.Read", "idtyp": "user", "azp": spa, "oid": alice, "sub": "pairwise", "tid": tenant, "uti": "token-1", "scp": "Orders.Read openid.x"},
		},
		"a user with roles": {
			userToken().with("idtyp", "user").with("roles", []string{"A", "B"}), scopes,
			object{"by": "Orders.Read", "idtyp": "user", "azp": spa, "oid": alice, "sub": "pairwise", "tid": tenant, "uti": "token-1", "scp": "Orders.Read openid.x", "roles": "A B"},
		},
		"a daemon": {
			appToken().with("roles", []string{"Orders.Import", "Orders.Export"}), roles,
			object{"by": "Orders.Export", "idtyp": "app", "azp": daemon, "oid": daemon, "sub": daemon, "tid": tenant, "uti": "token-1", "roles": "Orders.Import Orders.Export"},
		},
		"a daemon of which little is said": {
			appToken().without("azp", "oid", "sub", "uti"), roles,
			object{"by": "Orders.Export", "idtyp": "app", "tid": tenant, "roles": "Orders.Export"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, err := json.Marshal(event("Bearer "+sign(tt.claims), tt.route))
			require.NoError(t, err)
			answer, err := lambda.NewHandler(newWorld(t).Handle).Invoke(t.Context(), raw)
			require.NoError(t, err)
			require.JSONEq(t, text(object{"isAuthorized": true, "context": tt.want}), string(answer))
		})
	}
}

func TestTokensAreTakenFromOneHeader(t *testing.T) {
	t.Parallel()
	token := sign(appToken())
	for name, tt := range map[string]struct {
		headers map[string]string
		want    Reason
	}{
		"Bearer":                            {map[string]string{"authorization": "Bearer " + token}, none},
		"bearer":                            {map[string]string{"authorization": "bearer " + token}, none},
		"BEARER":                            {map[string]string{"authorization": "BEARER " + token}, none},
		"the token alone":                   {map[string]string{"authorization": token}, none},
		"no headers":                        {nil, ReasonNoToken},
		"no such header":                    {map[string]string{"cookie": token}, ReasonNoToken},
		"empty":                             {map[string]string{"authorization": ""}, ReasonNoToken},
		"the scheme alone":                  {map[string]string{"authorization": "Bearer "}, ReasonNoToken},
		"the scheme, no space":              {map[string]string{"authorization": "Bearer"}, ReasonMalformed},
		"the scheme twice":                  {map[string]string{"authorization": "Bearer Bearer " + token}, ReasonMalformed},
		"two spaces":                        {map[string]string{"authorization": "Bearer  " + token}, ReasonMalformed},
		"a tab":                             {map[string]string{"authorization": "Bearer\t" + token}, ReasonMalformed},
		"another scheme":                    {map[string]string{"authorization": "Basic " + token}, ReasonMalformed},
		"a token and a comment":             {map[string]string{"authorization": "Bearer " + token + " x"}, ReasonMalformed},
		"two headers":                       {map[string]string{"authorization": "Bearer " + token + ",Bearer " + token}, ReasonMalformed},
		"a name as format 2.0 never has it": {map[string]string{"Authorization": "Bearer " + token}, ReasonNoToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := event("", roles)
			e.Headers = tt.headers
			_, reason := newWorld(t).handle(t, e)
			require.Equal(t, tt.want, reason)
		})
	}
}

func TestTokenElsewhereIsNotLookedAt(t *testing.T) {
	t.Parallel()
	e := event("", roles)
	e.IdentitySource = []string{"Bearer " + sign(appToken())}
	e.QueryStringParameters = map[string]string{"authorization": sign(appToken()), "access_token": sign(appToken())}
	e.Cookies = []string{"authorization=" + sign(appToken())}
	_, reason := newWorld(t).handle(t, e)
	require.Equal(t, ReasonNoToken, reason)
}

func TestAllowedCallsAreLoggedAtDebugLevelOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Authorizer.log = slog.New(slog.NewJSONHandler(&w.log, nil))
	w.call(t, sign(appToken()), roles)
	require.Empty(t, w.log.String())
	w.call(t, sign(appToken()), scopes)
	require.Equal(t, 1, strings.Count(w.log.String(), "\n"))
	require.Contains(t, w.log.String(), `"oid":"`+daemon+`"`)
}

func TestTokensAreJudgedByTheClockOfTheGateway(t *testing.T) {
	t.Parallel()
	token := "Bearer " + sign(appToken())
	for name, tt := range map[string]struct {
		received time.Time
		reason   Reason
	}{
		"as the function's clock says": {start, none},
		"after it expired":             {start.Add(2 * time.Hour), ReasonExpired},
		"before it was issued":         {start.Add(-2 * time.Hour), ReasonNotYetValid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := event(token, roles)
			e.RequestContext.TimeEpoch = tt.received.UnixMilli()
			_, reason := newWorld(t).handle(t, e)
			require.Equal(t, tt.reason, reason)
		})
	}
}

func TestNewFillsInWhatRunsInLambda(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, err := New(w.config, Options{})
	require.NoError(t, err)
	require.NotNil(t, a.now)
	require.NotNil(t, a.log)
	require.Nil(t, http.DefaultClient.CheckRedirect, "the client that others use is not changed")
	answer, err := a.Handle(t.Context(), event("", roles))
	require.NoError(t, err)
	require.Equal(t, events.APIGatewayV2CustomAuthorizerSimpleResponse{}, answer)
}

// FuzzHandle gives the handler any event. Whatever comes, nothing is allowed:
// nobody but the issuer can sign, and the seeds that would be are for a route
// that is not in the policy.
func FuzzHandle(f *testing.F) {
	for _, tt := range decisions(f) {
		raw, err := json.Marshal(event("Bearer "+tt.token, unlisted))
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Add([]byte(`{"headers":{"authorization":["x"]}}`))
	f.Add([]byte(`{"routeKey":"GET /roles","headers":{"authorization":"Bearer ` + appSignedBy("stranger") + `"}}`))
	w := newWorld(f)
	handler := lambda.NewHandler(w.Handle)
	f.Fuzz(func(t *testing.T, raw []byte) {
		w.log.Reset()
		answer, err := handler.Invoke(t.Context(), raw)
		if err != nil {
			return // not an event
		}
		require.Equal(t, `{"isAuthorized":false}`, strings.TrimSpace(string(answer)))
		require.Equal(t, 1, strings.Count(w.log.String(), "\n"))
	})
}

// FuzzClaims gives any claims, as if Entra had signed them. Nobody gets in but
// an access token, and by nothing but what the route says.
func FuzzClaims(f *testing.F) {
	for _, c := range []object{userToken(), appToken(), idToken(), userToken().with("idtyp", "app"), appToken().with("scp", nil)} {
		f.Add(text(c))
	}
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, payload string) {
		var c claims
		if json.Unmarshal([]byte(payload), &c) != nil {
			return
		}
		for name, route := range w.config.Policy.Routes {
			v := w.judge(c, route, start)
			if v.reason != none {
				require.Empty(t, v.by)
				continue
			}
			scp, delegated := c["scp"].(string)
			if delegated {
				require.Contains(t, route.Scopes, v.by, name)
				require.Contains(t, " "+scp+" ", " "+v.by+" ")
				require.NotEqual(t, "app", c["idtyp"])
			} else {
				require.Contains(t, route.Roles, v.by, name)
				require.Contains(t, c["roles"], v.by)
				require.Equal(t, "app", c["idtyp"])
				require.NotContains(t, c, "scp")
			}
			require.Equal(t, []any{issuer, api, tenant}, []any{c["iss"], c["aud"], c["tid"]})
		}
	})
}
