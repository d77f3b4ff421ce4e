package authorize

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
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access/policy"
)

const (
	tenant   = "11111111-1111-4111-8111-111111111111"
	api      = "22222222-2222-4222-8222-222222222222"
	spa      = "33333333-3333-4333-8333-333333333333"
	alice    = "44444444-4444-4444-8444-444444444444"
	daemon   = "55555555-5555-4555-8555-555555555555"
	issuer   = "https://login.example.com/" + tenant + "/v2.0"
	keysURL  = "https://login.example.com/" + tenant + "/discovery/v2.0/keys"
	scopes   = "GET /scopes"
	roles    = "GET /roles"
	both     = "GET /both"
	unlisted = "GET /unlisted"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var keyPairs sync.Map

// key returns a key that is generated once, since that takes long.
func key(id string) *rsa.PrivateKey {
	once, _ := keyPairs.LoadOrStore(id, sync.OnceValue(func() *rsa.PrivateKey {
		pair, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return pair
	}))
	return once.(func() *rsa.PrivateKey)()
}

func public(id string) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key(id).Public(), KeyID: id, Use: "sig"}
}

func keySetOf(keys ...jose.JSONWebKey) string {
	raw, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// world is an authorizer with everything around it.
type world struct {
	*Authorizer
	mu        sync.Mutex
	now       time.Time
	documents map[string]string // by address; an address that is missing cannot be reached
	fetched   []string
	log       bytes.Buffer
	during    func() // runs while a document is fetched
}

func newWorld(t testing.TB, change ...func(*Config)) *world {
	t.Helper()
	w := &world{now: start, documents: map[string]string{
		issuer + "/.well-known/openid-configuration": `{"issuer":"` + issuer + `","jwks_uri":"` + keysURL + `"}`,
		keysURL: keySetOf(public("one"), public("two")),
	}}
	config := Config{Issuer: issuer, Audience: api, TenantID: tenant, Policy: policy.Policy{Routes: map[string]policy.Route{
		scopes: {Scopes: []string{"Orders.Read", "Orders.Write"}},
		roles:  {Roles: []string{"Orders.Export", "Orders.Import"}},
		both:   {Scopes: []string{"Orders.Read"}, Roles: []string{"Orders.Export"}},
	}}}
	for _, f := range change {
		f(&config)
	}
	var err error
	w.Authorizer, err = New(config, Options{
		Client: &http.Client{Transport: w}, Now: w.clock,
		Log: slog.New(slog.NewJSONHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	require.NoError(t, err)
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// serve puts a document at an address; "" takes it away.
func (w *world) serve(address, document string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.documents[address] = document
}

func (w *world) fetches() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.fetched)
}

// RoundTrip implements [http.RoundTripper].
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.during != nil {
		w.during()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fetched = append(w.fetched, r.URL.String())
	body := w.documents[r.URL.String()]
	status := http.StatusOK
	switch {
	case body == "":
		return nil, errors.New("connection refused")
	case body == "broken":
		status = http.StatusServiceUnavailable
	case strings.HasPrefix(body, "https://"):
		return &http.Response{
			StatusCode: http.StatusFound, Header: http.Header{"Location": {body}}, Body: http.NoBody, Request: r,
		}, nil
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// call handles a request with the token for a route.
func (w *world) call(t testing.TB, token, route string) (events.APIGatewayV2CustomAuthorizerSimpleResponse, Reason) {
	t.Helper()
	return w.handle(t, event("Bearer "+token, route))
}

func (w *world) handle(
	t testing.TB, e events.APIGatewayV2CustomAuthorizerV2Request,
) (events.APIGatewayV2CustomAuthorizerSimpleResponse, Reason) {
	t.Helper()
	v := w.decide(t.Context(), e)
	answer, err := w.Handle(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, v.reason == none, answer.IsAuthorized)
	return answer, v.reason
}

func event(authorization, route string) events.APIGatewayV2CustomAuthorizerV2Request {
	e := events.APIGatewayV2CustomAuthorizerV2Request{
		Version: "2.0", Type: "REQUEST", RouteKey: route, Headers: map[string]string{"host": "api.example.com"},
	}
	if authorization != "" {
		e.Headers["authorization"] = authorization
	}
	e.RequestContext.RequestID = "request-1"
	return e
}

// object is a JSON object.
type object map[string]any

func (o object) with(name string, value any) object {
	changed := maps.Clone(o)
	changed[name] = value
	return changed
}

func (o object) without(names ...string) object {
	changed := maps.Clone(o)
	for _, name := range names {
		delete(changed, name)
	}
	return changed
}

// base are the claims of every token that Entra issues for the API.
func base() object {
	return object{
		"iss": issuer, "aud": api, "tid": tenant, "ver": "2.0", "uti": "token-1", "aio": "x", "rh": "1.x",
		"iat": start.Add(-5 * time.Minute).Unix(), "nbf": start.Add(-5 * time.Minute).Unix(), "exp": start.Add(time.Hour).Unix(),
	}
}

// userToken are the claims of a user's access token.
func userToken() object {
	return base().with("azp", spa).with("azpacr", "0").with("oid", alice).with("sub", "pairwise").with("scp", "Orders.Read openid.x")
}

// appToken are the claims of an app-only access token.
func appToken() object {
	return base().with("azp", daemon).with("azpacr", "1").with("oid", daemon).with("sub", daemon).with("idtyp", "app").
		with("roles", []string{"Orders.Export"})
}

// idToken are the claims of an ID token of an application that signs users in
// to itself: the audience is the API's own client id.
func idToken() object {
	return base().with("sub", "pairwise").with("oid", alice).with("name", "Alice").with("nonce", "n")
}

// sign makes a token of claims, with the key "one" and RS256.
func sign(c object) string {
	raw, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return signRaw(string(raw), jose.RS256, key("one"), object{"kid": "one"})
}

func signRaw(payload string, algorithm jose.SignatureAlgorithm, key any, header object) string {
	opts := (&jose.SignerOptions{}).WithType("JWT")
	for name, value := range header {
		opts = opts.WithHeader(jose.HeaderKey(name), value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, opts)
	if err != nil {
		panic(err)
	}
	signed, err := signer.Sign([]byte(payload))
	if err != nil {
		panic(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return token
}

// roundTripper fails every request.
type roundTripper func(ctx context.Context) error

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return nil, f(r.Context()) }
