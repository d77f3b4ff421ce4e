package accesslog_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access/policy"
	"github.com/entragate/entragate/accesslog"
	"github.com/entragate/entragate/functions/authorize"
	"github.com/entragate/entragate/sandbox/aws/apigateway"
	"github.com/entragate/entragate/sandbox/aws/logs"
	"github.com/entragate/entragate/sandbox/edge"
)

const (
	tenant   = "11111111-1111-4111-8111-111111111111"
	api      = "22222222-2222-4222-8222-222222222222"
	spa      = "33333333-3333-4333-8333-333333333333"
	alice    = "44444444-4444-4444-8444-444444444444"
	daemon   = "55555555-5555-4555-8555-555555555555"
	issuer   = "https://login.example.com/" + tenant + "/v2.0"
	keysURL  = "https://login.example.com/" + tenant + "/discovery/v2.0/keys"
	apiID    = "a1b2c3d4e5"
	function = "arn:aws:lambda:eu-west-1:123456789012:function:roles"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)

// keyPairs are made once, since that takes long.
var keyPairs = sync.OnceValue(func() map[string]*rsa.PrivateKey {
	pairs := map[string]*rsa.PrivateKey{}
	for _, id := range []string{"one", "forged"} {
		pair, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		pairs[id] = pair
	}
	return pairs
})

// world is the sandbox's gateway with the access log's format, before a backend
// and with the role authorizer.
type world struct {
	*edge.Edge
	lines       []string
	functionLog bytes.Buffer
	failure     error // of the role authorizer's function
	keysDown    bool  // for the role authorizer
	answer      func(*http.Request) (*http.Response, error)
	roles       *authorize.Authorizer
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{}
	var err error
	w.roles, err = authorize.New(authorize.Config{
		Issuer: issuer, Audience: api, TenantID: tenant, Policy: policy.Policy{Routes: map[string]policy.Route{
			"GET /roles/{id}": {Scopes: []string{"Orders.Read"}, Roles: []string{"Orders.Export"}},
		}},
	}, authorize.Options{
		Client: &http.Client{Transport: issuerDocuments{w}}, Now: now, Log: slog.New(slog.NewJSONHandler(&w.functionLog, nil)),
	})
	require.NoError(t, err)
	w.Edge, err = edge.New(edge.Options{
		Source: source{served()}, Sink: w, Now: now, Keys: keySource{}, Region: "eu-west-1", Account: "123456789012",
		Client: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) { return w.answer(r) })}, Functions: w,
	})
	require.NoError(t, err)
	return w
}

func now() time.Time { return start }

// Deliver implements [edge.LogSink].
func (w *world) Deliver(_, _ string, _ time.Time, line string) error {
	w.lines = append(w.lines, line)
	return nil
}

// Invoke implements [edge.Functions]: it runs the real role authorizer.
func (w *world) Invoke(ctx context.Context, _, _ string, payload []byte) ([]byte, error) {
	if w.failure != nil {
		return nil, w.failure
	}
	var event events.APIGatewayV2CustomAuthorizerV2Request
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	answer, err := w.roles.Handle(ctx, event)
	if err != nil {
		return nil, &edge.FunctionError{Kind: "Unhandled"}
	}
	return json.Marshal(answer)
}

// source has one API.
type source struct{ api edge.Served }

func (s source) Generation() uint64 { return 1 }

func (s source) Served(string) (edge.Served, uint64, bool) { return s.api, 1, true }

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// issuerDocuments are what the role authorizer fetches.
type issuerDocuments struct{ world *world }

func (d issuerDocuments) RoundTrip(r *http.Request) (*http.Response, error) {
	if d.world.keysDown {
		return nil, errors.New("connection refused")
	}
	if r.URL.String() == keysURL {
		raw, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: keyPairs()["one"].Public(), KeyID: "one", Use: "sig"}}})
		return response(http.StatusOK, string(raw)), err
	}
	return response(http.StatusOK, `{"issuer":"`+issuer+`","jwks_uri":"`+keysURL+`"}`), nil
}

// keySource are the JWT authorizer's keys; ids say what goes wrong.
type keySource struct{}

func (keySource) Key(_, id string) (*rsa.PublicKey, error) {
	switch id {
	case "one":
		return &keyPairs()["one"].PublicKey, nil
	case "discovery down":
		return nil, edge.ErrDiscovery
	case "another issuer":
		return nil, &edge.IssuerMismatchError{Want: issuer, Got: issuer + "/"}
	case "keys down":
		return nil, edge.ErrKeySet
	}
	return nil, edge.ErrUnknownKey
}

func response(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ProtoMajor: 1}
}

// served is an API with a route of every kind.
func served() edge.Served {
	zero, burst, rate := 0, 1, 0.001
	d := apigateway.Deployment{
		Authorizers: map[string]*apigateway.Authorizer{
			"jwt": {
				AuthorizerID: "jwt", AuthorizerType: "JWT", IdentitySource: []string{"$request.header.Authorization"},
				JWTConfiguration: &apigateway.JWT{Issuer: issuer, Audience: []string{api}},
			},
			"roles": {
				AuthorizerID: "roles", AuthorizerType: "REQUEST", IdentitySource: []string{"$request.header.Authorization", "$context.routeKey"},
				AuthorizerURI:                  "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/" + function + "/invocations",
				AuthorizerPayloadFormatVersion: "2.0", EnableSimpleResponses: true, AuthorizerResultTTLInSeconds: &zero,
			},
		},
		Integrations: map[string]*apigateway.Integration{}, Routes: map[string]*apigateway.Route{},
		CORSConfiguration: &apigateway.CORS{AllowOrigins: []string{"https://app.example"}, AllowMethods: []string{"GET"}},
	}
	for key, r := range map[string]apigateway.Route{
		"GET /orders/{id}":     {AuthorizationType: "JWT", AuthorizerID: "jwt", AuthorizationScopes: []string{"Orders.Read"}},
		"GET /roles/{id}":      {AuthorizationType: "CUSTOM", AuthorizerID: "roles"},
		"GET /unlisted":        {AuthorizationType: "CUSTOM", AuthorizerID: "roles"},
		"GET /open/{proxy+}":   {AuthorizationType: "NONE"},
		"GET /slow":            {AuthorizationType: "NONE"},
		"GET /throttled":       {AuthorizationType: "NONE"},
		"GET /without-backend": {AuthorizationType: "NONE", Target: "integrations/none"},
	} {
		id := strconv.Itoa(len(d.Routes))
		r.RouteID, r.RouteKey = id, key
		if r.Target == "" {
			r.Target = "integrations/" + id
		}
		d.Routes[id] = &r
		d.Integrations[id] = &apigateway.Integration{
			IntegrationID: id, IntegrationType: "HTTP_PROXY", IntegrationMethod: "ANY", IntegrationURI: "http://backend.example/", TimeoutInMillis: 30_000,
		}
		if key == "GET /slow" {
			d.Integrations[id].TimeoutInMillis = 1
		}
	}
	return edge.Served{
		API: apigateway.API{APIID: apiID},
		Stages: []edge.ServedStage{{
			Stage: apigateway.Stage{
				StageName: "$default", AutoDeploy: true,
				AccessLogSettings: &apigateway.AccessLogSettings{
					DestinationARN: "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/vendedlogs/apis/orders", Format: accesslog.Format,
				},
				RouteSettings: map[string]*apigateway.RouteSettings{
					"GET /throttled": {ThrottlingBurstLimit: &burst, ThrottlingRateLimit: &rate},
				},
			},
			Deployment: d,
		}},
	}
}

// claims are those of a token.
type claims map[string]any

// with changes claims; nil takes one away.
func (c claims) with(name string, value any) claims {
	changed := maps.Clone(c)
	changed[name] = value
	if value == nil {
		delete(changed, name)
	}
	return changed
}

// user are the claims of a user's access token.
func user() claims {
	return claims{
		"iss": issuer, "aud": api, "tid": tenant, "ver": "2.0", "uti": "token-1", "azp": spa, "oid": alice, "sub": "pair-wise_1",
		"scp": "Orders.Read openid.x", "iat": start.Unix() - 300, "nbf": start.Unix() - 300, "exp": start.Unix() + 3600,
	}
}

// app are the claims of an app-only token.
func app() claims {
	return user().with("azp", daemon).with("oid", daemon).with("sub", daemon).with("scp", nil).with("idtyp", "app").
		with("roles", []string{"Orders.Export", "Orders.Import"})
}

// bearer signs claims for the header Authorization.
func bearer(c claims) string { return "Bearer " + sign(c, jose.RS256, keyPairs()["one"], "one") }

func sign(c claims, algorithm jose.SignatureAlgorithm, key any, id string) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", id))
	if err != nil {
		panic(err)
	}
	raw, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	signed, err := signer.Sign(raw)
	if err != nil {
		panic(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return token
}

// do sends a request; headers are name and value in turn. It returns the line
// that the request left.
func (w *world) do(t testing.TB, method, target string, headers ...string) string {
	t.Helper()
	if w.answer == nil {
		w.answer = func(*http.Request) (*http.Response, error) { return response(http.StatusOK, "{}"), nil }
	}
	r := httptest.NewRequest(method, "https://"+apiID+".execute-api.eu-west-1.localhost"+target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	before := len(w.lines)
	w.ServeHTTP(httptest.NewRecorder(), r)
	require.Len(t, w.lines, before+1, "lines of one request")
	return w.lines[before]
}

// matching are the metrics whose filters a message matches.
func matching(t testing.TB, filters []accesslog.Filter, message string) []string {
	t.Helper()
	found := []string{}
	for _, f := range filters {
		matches, known := compiled.Load(f.Pattern)
		if !known {
			parsed, err := logs.ParseFilter(f.Pattern)
			require.NoError(t, err, f.Metric)
			matches, _ = compiled.LoadOrStore(f.Pattern, parsed)
		}
		if matches.(func(string) bool)(message) {
			found = append(found, f.Metric)
		}
	}
	return found
}

// compiled are patterns as functions of a message.
var compiled sync.Map
