package edge_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
	"github.com/entragate/entragate/sandbox/edge"
)

// What every test shares.
const (
	apiID    = "a1b2c3d4e5"
	host     = apiID + ".execute-api.eu-central-1.localhost:8443"
	issuer   = "https://login.example/11111111-1111-1111-1111-111111111111/v2.0"
	audience = "22222222-2222-2222-2222-222222222222"
	logGroup = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/vendedlogs/apis/orders"
)

// start is when every test's clock starts.
var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// signingKeys are made once: making RSA keys is slow.
var signingKeys = sync.OnceValue(func() map[string]*rsa.PrivateKey {
	keys := map[string]*rsa.PrivateKey{}
	for _, id := range []string{"key-1", "key-2", "key-of-another-issuer"} {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[id] = key
	}
	return keys
})

// keys is a [edge.KeySource] over a fixed set.
type keys map[string]*rsa.PublicKey

func (k keys) Key(_, keyID string) (*rsa.PublicKey, error) {
	if key := k[keyID]; key != nil {
		return key, nil
	}
	return nil, edge.ErrUnknownKey
}

func publicKeys() keys {
	return keys{"key-1": &signingKeys()["key-1"].PublicKey, "key-2": &signingKeys()["key-2"].PublicKey}
}

// jwks is the key set document of the keys.
func (k keys) jwks() string {
	var published []map[string]string
	for id, key := range k {
		published = append(published, map[string]string{
			"kty": "RSA", "use": "sig", "kid": id,
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
		})
	}
	raw, err := json.Marshal(map[string]any{"keys": published})
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// clock is a clock that tests move.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return start.Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// source is a [edge.Source] in memory.
type source struct {
	mu         sync.Mutex
	generation atomic.Uint64
	apis       map[string]edge.Served
	served     int
}

func (s *source) Generation() uint64 { return s.generation.Load() }

func (s *source) Served(id string) (edge.Served, uint64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.served++
	api, ok := s.apis[id]
	return api, s.generation.Load(), ok
}

func (s *source) put(id string, api edge.Served) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apis[id] = api
	s.generation.Add(1)
}

func (s *source) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.apis, id)
	s.generation.Add(1)
}

// sink keeps the access log.
type sink struct {
	mu     sync.Mutex
	groups []string
	lines  []string
	stream string
	err    error
}

func (s *sink) Deliver(group, stream string, _ time.Time, line string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups, s.lines, s.stream = append(s.groups, group), append(s.lines, line), stream
	return s.err
}

// last is the last line.
func (s *sink) last(t *testing.T) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NotEmpty(t, s.lines, "no access log line")
	return s.lines[len(s.lines)-1]
}

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.lines)
}

// backend is the world outside: it answers as told and keeps what came.
type backend struct {
	mu     sync.Mutex
	last   *http.Request
	body   []byte
	calls  int
	answer func(*http.Request) (*http.Response, error)
}

func (b *backend) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last, b.body = r, body
	b.calls++
	if b.answer != nil {
		return b.answer(r)
	}
	return response(http.StatusOK, `{"ok":true}`, "Content-Type", "application/json"), nil
}

func response(status int, body string, headers ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Add(headers[i], headers[i+1])
	}
	return &http.Response{
		StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), ProtoMajor: 1,
	}
}

// world is an edge with all around it.
type world struct {
	*edge.Edge
	clock   *clock
	source  *source
	sink    *sink
	backend *backend
}

// newWorld serves one API; change may alter the API and the options first.
func newWorld(t testing.TB, api edge.Served, change ...func(*edge.Options)) *world {
	t.Helper()
	w := &world{clock: &clock{}, source: &source{apis: map[string]edge.Served{}}, sink: &sink{}, backend: &backend{}}
	w.source.put(apiID, api)
	options := edge.Options{
		Source: w.source, Sink: w.sink, Now: w.clock.now, Keys: publicKeys(), Region: "eu-central-1", Account: "123456789012",
		Client: &http.Client{Transport: w.backend},
	}
	for _, c := range change {
		c(&options)
	}
	e, err := edge.New(options)
	require.NoError(t, err)
	w.Edge = e
	return w
}

// do sends a request; headers are name and value in turn.
func (w *world) do(method, target string, headers ...string) *httptest.ResponseRecorder {
	return w.send(newRequest(method, target, headers...))
}

func (w *world) send(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec
}

func newRequest(method, target string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "https://"+host+target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// apiOf makes an API with a $default stage. A route is a key, and after "=>"
// its scopes; "none" leaves it open and "jwt" asks for any valid token.
func apiOf(routes ...string) edge.Served {
	deployment := apigateway.Deployment{
		Authorizers: map[string]*apigateway.Authorizer{"auth01": {
			AuthorizerID: "auth01", AuthorizerType: "JWT", IdentitySource: []string{"$request.header.Authorization"},
			JWTConfiguration: &apigateway.JWT{Issuer: issuer, Audience: []string{audience, "api://orders"}},
		}},
		Integrations: map[string]*apigateway.Integration{},
		Routes:       map[string]*apigateway.Route{},
	}
	for i, text := range routes {
		key, auth, _ := strings.Cut(text, " => ")
		id := fmt.Sprintf("id%05d", i)
		r := &apigateway.Route{RouteID: id, RouteKey: key, AuthorizationType: "JWT", AuthorizerID: "auth01", Target: "integrations/" + id}
		switch auth {
		case "none":
			r.AuthorizationType, r.AuthorizerID = "NONE", ""
		case "jwt":
		default:
			r.AuthorizationScopes = strings.Fields(auth)
		}
		deployment.Routes[id] = r
		deployment.Integrations[id] = &apigateway.Integration{
			IntegrationID: id, IntegrationType: "HTTP_PROXY", IntegrationMethod: "ANY", ConnectionType: "INTERNET",
			IntegrationURI: "http://backend.example/" + id, TimeoutInMillis: 30000,
		}
	}
	return edge.Served{
		API: apigateway.API{APIID: apiID, Name: "orders"},
		Stages: []edge.ServedStage{{
			Stage: apigateway.Stage{
				StageName: "$default", AutoDeploy: true, StageVariables: map[string]string{"env": "dev"},
				AccessLogSettings: &apigateway.AccessLogSettings{
					DestinationARN: logGroup,
					Format:         "$context.requestId|$context.routeKey|$context.status|$context.authorizer.error|$context.authorizer.claims.sub",
				},
			},
			Deployment: deployment,
		}},
	}
}

// withStage returns the API with its only stage changed.
func withStage(api edge.Served, change func(*edge.ServedStage)) edge.Served {
	change(&api.Stages[0])
	return api
}

// logging sets the access log format.
func logging(api edge.Served, format string) edge.Served {
	return withStage(api, func(s *edge.ServedStage) { s.Stage.AccessLogSettings.Format = "$context.requestId|" + format })
}

// integrationOf returns the integration of the only route.
func integrationOf(api edge.Served) *apigateway.Integration {
	return api.Stages[0].Deployment.Integrations["id00000"]
}

// goodClaims are those of a valid user token.
func goodClaims() map[string]any {
	now := start.Unix()
	return map[string]any{
		"iss": issuer, "aud": audience, "sub": "ann", "exp": now + 3600, "nbf": now - 300, "iat": now - 300,
		"scp": "Orders.Read Orders.Write", "ver": "2.0", "tid": "11111111-1111-1111-1111-111111111111",
	}
}

// but returns good claims with changes; nil removes a claim.
func but(changes map[string]any) map[string]any {
	claims := goodClaims()
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

// mint signs claims with RS256 and key-1.
func mint(claims any) string {
	return mintWith(map[string]any{"typ": "JWT", "alg": "RS256", "kid": "key-1"}, claims, "key-1", crypto.SHA256)
}

// mintWith signs a header and claims, either of which may be raw JSON.
func mintWith(header, claims any, key string, hash crypto.Hash) string {
	return sign(segment(header)+"."+segment(claims), key, hash)
}

func sign(signed, key string, hash crypto.Hash) string {
	h := hash.New()
	h.Write([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, signingKeys()[key], hash, h.Sum(nil))
	if err != nil {
		panic(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func segment(value any) string {
	raw, ok := value.(string)
	if !ok {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(value); err != nil {
			panic(err)
		}
		raw = strings.TrimSuffix(b.String(), "\n")
	}
	return base64.RawURLEncoding.EncodeToString([]byte(raw))
}
