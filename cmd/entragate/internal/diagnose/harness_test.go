package diagnose

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/issuer"
)

const (
	tenant       = "11111111-1111-4111-8111-111111111111"
	api          = "22222222-2222-4222-8222-222222222222"
	portal       = "33333333-3333-4333-8333-333333333333"
	console      = "33333333-3333-4333-8333-444444444444"
	export       = "55555555-5555-4555-8555-555555555555"
	syncer       = "55555555-5555-4555-8555-666666666666"
	stranger     = "77777777-7777-4777-8777-777777777777"
	alice        = "44444444-4444-4444-8444-444444444444"
	homeTenant   = "66666666-6666-4666-8666-666666666666"
	loginHost    = "login.example.com"
	ourIssuer    = "https://" + loginHost + "/" + tenant + "/v2.0"
	discoveryURL = ourIssuer + "/.well-known/openid-configuration"
	keysURL      = "https://" + loginHost + "/" + tenant + "/discovery/v2.0/keys"
)

var start = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// orders is the model of all tests here.
var orders = access.Model{
	Scopes: []access.Scope{
		{Value: "Orders.Read", Title: "Read"},
		{Value: "Orders.Write", Title: "Write"},
		{Value: "Orders.Comment", Title: "Comment", Consent: access.ConsentUser},
		{Value: "Orders.Old", Title: "Old", State: access.StateRetired},
	},
	Roles: []access.Role{
		{Value: "Orders.Export", Title: "Export"},
		{Value: "Orders.Import", Title: "Import"},
		{Value: "Orders.Legacy", Title: "Legacy", State: access.StateRetired},
	},
	Clients: []access.Client{
		{Name: "portal", Kind: access.ClientSPA, RedirectURIs: []string{"https://p.example.com/"}, Scopes: []string{"Orders.Read", "Orders.Old"}},
		{Name: "console", Kind: access.ClientWeb, RedirectURIs: []string{"https://c.example.com/"}, Scopes: []string{"Orders.Read", "Orders.Write"}},
		{Name: "export", Kind: access.ClientDaemon, Roles: []string{"Orders.Export"}},
		{Name: "sync", Kind: access.ClientDaemon, Roles: []string{"Orders.Legacy"}},
	},
	Backends: []access.Backend{{Name: "b", URL: "https://backend.example.com"}},
	Routes: []access.Route{
		{Key: "GET /orders", Scopes: []string{"Orders.Read"}},
		{Key: "GET /orders/{id}", Scopes: []string{"Orders.Read"}},
		{Key: "GET /orders/latest", Scopes: []string{"Orders.Write"}},
		{Key: "POST /orders", Scopes: []string{"Orders.Write"}},
		{Key: "POST /comments", Scopes: []string{"Orders.Comment"}},
		{Key: "GET /old", Scopes: []string{"Orders.Old"}},
		{Key: "POST /old", Scopes: []string{"Orders.Old", "Orders.Write"}},
		{Key: "POST /export", Roles: []string{"Orders.Export"}},
		{Key: "GET /both", Scopes: []string{"Orders.Read"}, Roles: []string{"Orders.Export"}},
		{Key: "PUT /both", Scopes: []string{"Orders.Write"}, Roles: []string{"Orders.Import"}},
		{Key: "GET /legacy", Roles: []string{"Orders.Legacy"}},
		{Key: "GET /health", Public: "load balancers ask without a token"},
		{Key: "ANY /files/{path+}", Scopes: []string{"Orders.Write"}},
		{Key: "GET /files/{path+}", Scopes: []string{"Orders.Read"}},
	},
}

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

// world is the network: the tenant's documents, and a backend.
type world struct {
	mu        sync.Mutex
	documents map[string]string // by address; one that is missing cannot be reached
	requests  []*http.Request
}

func newWorld() *world {
	var set jose.JSONWebKeySet
	for _, id := range []string{"one", "two"} {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key(id).Public(), KeyID: id, Use: "sig"})
	}
	raw, err := json.Marshal(set)
	if err != nil {
		panic(err)
	}
	return &world{documents: map[string]string{
		discoveryURL: `{"issuer":"` + ourIssuer + `","jwks_uri":"` + keysURL + `"}`, keysURL: string(raw),
	}}
}

// RoundTrip implements [http.RoundTripper].
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	answer := func(status int, body string) *http.Response {
		return &http.Response{
			StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Header: http.Header{}, Request: r,
		}
	}
	if r.URL.Host == "backend.example.com" {
		return answer(http.StatusOK, `{"ok":true}`), nil
	}
	w.requests = append(w.requests, r)
	switch body := w.documents[r.URL.String()]; body {
	case "":
		return nil, errors.New("connection refused")
	case "broken":
		return answer(http.StatusServiceUnavailable, ""), nil
	default:
		return answer(http.StatusOK, body), nil
	}
}

func (w *world) client() *http.Client { return &http.Client{Transport: w} }

func (w *world) stack() Stack {
	return Stack{
		Model: orders, Tenant: issuer.Tenant{ID: strings.ToUpper(tenant), LoginHost: loginHost}, Audience: api,
		Clients: map[string]string{"portal": portal, "console": console, "export": export, "sync": syncer},
		HTTP:    w.client(), Now: func() time.Time { return start },
	}
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
		"iss": ourIssuer, "aud": api, "tid": tenant, "ver": "2.0", "uti": "token-1", "aio": "x", "rh": "1.x",
		"iat": start.Add(-5 * time.Minute).Unix(), "nbf": start.Add(-5 * time.Minute).Unix(), "exp": start.Add(time.Hour).Unix(),
	}
}

// userToken are the claims of a user's access token.
func userToken() object {
	return base().with("azp", portal).with("azpacr", "0").with("oid", alice).with("sub", "pairwise").with("scp", "Orders.Read").
		with("name", "Alice Adams").with("preferred_username", "alice@example.com").with("email", "alice@example.com").
		with("upn", "alice@example.com")
}

// appToken are the claims of an app-only access token.
func appToken() object {
	return base().with("azp", export).with("azpacr", "1").with("oid", export).with("sub", export).with("idtyp", "app").
		with("roles", []string{"Orders.Export"})
}

// v1 makes v1 claims of those of a v2 token.
func (o object) v1() object {
	return o.without("azp", "azpacr").with("appid", o["azp"]).with("ver", "1.0").with("iss", "https://sts.windows.net/"+tenant+"/")
}

// graphToken are the claims of a token for Microsoft Graph.
func graphToken() object {
	return userToken().v1().with("aud", graphID).with("scp", "User.Read openid profile email")
}

// idToken are the claims of an ID token of a client.
func idToken() object {
	return base().with("aud", portal).with("sub", "pairwise").with("oid", alice).with("name", "Alice Adams").
		with("preferred_username", "alice@example.com").with("nonce", "n")
}

// of makes claims those of another tenant.
func (o object) of(tid string) object {
	return o.with("tid", tid).with("iss", "https://login.microsoftonline.com/"+tid+"/v2.0")
}

func (o object) json() string {
	raw, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// sign makes a token of claims, with the key "one" and RS256.
func sign(claims object) string {
	return signRaw(claims.json(), jose.RS256, key("one"), object{"kid": "one"})
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

// signedByGraph is a token whose signature only Microsoft Graph can verify: it is
// over another nonce than the header has.
func signedByGraph(claims object) string {
	made := signRaw(claims.json(), jose.RS256, key("one"), object{"kid": "one", "nonce": "hash"})
	parts := strings.Split(made, ".")
	return encode(strings.Replace(decode(parts[0]), `"hash"`, `"sent"`, 1)) + "." + parts[1] + "." + parts[2]
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func decode(segment string) string {
	raw, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// requireDiscreet wants nothing of the token but what may be shown.
func requireDiscreet(t testing.TB, report Report, token string) {
	t.Helper()
	raw, err := json.Marshal(report)
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, report.Write(&text))
	for _, written := range []string{string(raw), text.String()} {
		for segment := range strings.SplitSeq(cleanToken(token), ".") {
			if len(segment) >= 16 {
				require.NotContains(t, written, segment)
			}
		}
		for _, private := range []string{"Alice", "alice@", "pairwise", "token-1"} {
			require.NotContains(t, written, private)
		}
	}
}
