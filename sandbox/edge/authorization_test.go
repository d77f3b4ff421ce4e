package edge_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/edge"
)

func TestAuthorizationOverHTTP(t *testing.T) {
	t.Parallel()
	good := mint(goodClaims())
	const unauthorized, forbidden = `{"message":"Unauthorized"}`, `{"message":"Forbidden"}`
	for name, test := range map[string]struct {
		headers              []string
		status               int
		body, challenge, log string
	}{
		"a token":             {[]string{"Authorization", "Bearer " + good}, 200, `{"ok":true}`, "", "GET /orders|200|-|ann"},
		"without a prefix":    {[]string{"Authorization", good}, 200, `{"ok":true}`, "", "GET /orders|200|-|ann"},
		"prefix in any case":  {[]string{"Authorization", "bEARER " + good}, 200, `{"ok":true}`, "", "GET /orders|200|-|ann"},
		"header in any case":  {[]string{"authorization", "Bearer " + good}, 200, `{"ok":true}`, "", "GET /orders|200|-|ann"},
		"spaces around it":    {[]string{"Authorization", "Bearer   " + good + " "}, 200, `{"ok":true}`, "", "GET /orders|200|-|ann"},
		"no header":           {nil, 401, unauthorized, "Bearer", "GET /orders|401|-|-"},
		"an empty header":     {[]string{"Authorization", ""}, 401, unauthorized, "Bearer", "GET /orders|401|-|-"},
		"in the query string": {[]string{"X-Other", good}, 401, unauthorized, "Bearer", "GET /orders|401|-|-"},
		"the word Bearer alone": {
			[]string{"Authorization", "Bearer "},
			401, unauthorized,
			`Bearer scope="" error="invalid_token" error_description="token contains an invalid number of segments"`,
			"GET /orders|401|invalid_token: token contains an invalid number of segments|-",
		},
		"basic credentials": {
			[]string{"Authorization", "Basic YTpi"},
			401, unauthorized,
			`Bearer scope="" error="invalid_token" error_description="token contains an invalid number of segments"`,
			"GET /orders|401|invalid_token: token contains an invalid number of segments|-",
		},
		"two headers": {
			[]string{"Authorization", "Bearer " + good, "Authorization", "Bearer " + good},
			401, unauthorized,
			`Bearer scope="" error="invalid_token" error_description="token contains an invalid number of segments"`,
			"GET /orders|401|invalid_token: token contains an invalid number of segments|-",
		},
		"the wrong audience": {
			[]string{"Authorization", "Bearer " + mint(but(map[string]any{"aud": "x"}))},
			401, unauthorized,
			`Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience"`,
			"GET /orders|401|invalid_token: the token does not have a valid audience|-",
		},
		"no matching scope": {
			[]string{"Authorization", "Bearer " + mint(but(map[string]any{"scp": "Other"}))},
			403, forbidden,
			`Bearer scope="Orders.Read Orders.Write" error="insufficient_scope" error_description="the token does not have any of the scopes that the route requires"`,
			"GET /orders|403|insufficient_scope: the token does not have any of the scopes that the route requires|-",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, apiOf("GET /orders => Orders.Read Orders.Write"))
			rec := w.do("GET", "/orders", test.headers...)
			require.Equal(t, test.status, rec.Code)
			require.JSONEq(t, test.body, rec.Body.String())
			require.Equal(t, test.challenge, rec.Header().Get("www-authenticate"))
			require.Equal(t, rec.Header().Get("apigw-requestid")+"|"+test.log, w.sink.last(t))
			require.Equal(t, test.status == 200, w.backend.calls == 1, "only what is allowed reaches the backend")
		})
	}
}

func TestIdentitySources(t *testing.T) {
	t.Parallel()
	good := mint(goodClaims())
	for name, test := range map[string]struct {
		source, target string
		headers        []string
		status         int
	}{
		"a query string":                 {"$request.querystring.token", "/orders?token=" + good, nil, 200},
		"a query string with a prefix":   {"$request.querystring.token", "/orders?token=Bearer%20" + good, nil, 200},
		"a query string in another case": {"$request.querystring.token", "/orders?Token=" + good, nil, 401},
		"the header is not the source":   {"$request.querystring.token", "/orders", []string{"Authorization", good}, 401},
		"a header of its own":            {"$request.header.X-Token", "/orders", []string{"x-token", good}, 200},
		"another header":                 {"$request.header.X-Token", "/orders", []string{"Authorization", good}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, withStage(apiOf("GET /orders => jwt"), func(s *edge.ServedStage) {
				s.Deployment.Authorizers["auth01"].IdentitySource = []string{test.source}
			}))
			require.Equal(t, test.status, w.do("GET", test.target, test.headers...).Code)
		})
	}
}

func TestTheClockDecidesOnExpiry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apiOf("GET /orders => jwt"))
	token := "Bearer " + mint(goodClaims())
	require.Equal(t, 200, w.do("GET", "/orders", "Authorization", token).Code)
	w.clock.advance(time.Hour - time.Second)
	require.Equal(t, 200, w.do("GET", "/orders", "Authorization", token).Code)
	w.clock.advance(time.Second)
	require.Equal(t, 401, w.do("GET", "/orders", "Authorization", token).Code)
}

func TestNoAuthorizerWithoutARoute(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apiOf("GET /orders => jwt"))
	rec := w.do("POST", "/orders")
	require.Equal(t, 404, rec.Code, "there is no 405, and no authorizer either")
	require.JSONEq(t, `{"message":"Not Found"}`, rec.Body.String())
	require.Empty(t, rec.Header().Get("www-authenticate"))
}

func TestTheEdgeFetchesKeysThroughItsClient(t *testing.T) {
	t.Parallel()
	p := newProvider()
	w := newWorld(t, apiOf("GET /orders => jwt"), func(o *edge.Options) {
		o.Keys = nil
		o.Client = &http.Client{Transport: p}
	})
	p.answer = func(r *http.Request) *document {
		if r.URL.Host == "backend.example" {
			return &document{200, "{}"}
		}
		return nil
	}
	require.Equal(t, 200, w.do("GET", "/orders", "Authorization", "Bearer "+mint(goodClaims())).Code)
	require.EqualValues(t, 1, p.discovery.Load())
}
