package edge_test

import (
	"bytes"
	"crypto"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/edge"
)

// agreementTokens is how many tokens are generated; signing them takes most of
// the time. Each is sent to every request of agreementRequests.
const agreementTokens = 3_400

// agreementRoutes are those of the API; see [apiOf].
var agreementRoutes = []string{
	"GET /orders => Orders.Read",
	"POST /orders => Orders.Write Orders.ReadWrite",
	"ANY /orders => Orders.Admin",
	"GET /orders/{id} => Orders.Read Orders.Write",
	"GET /orders/latest => Orders.ReadAll",
	"DELETE /orders/{id} => jwt",
	"GET /orders/{id}/lines/{line} => Orders.Read",
	"GET /orders/{proxy+} => Orders.Admin",
	"ANY /api/{proxy+} => api://orders/Orders.Read",
	"GET /api/v1/{proxy+} => orders.read",
	"GET /health => none",
	"GET / => jwt",
	"$default => Orders.Fallback",
}

// agreementRequests say which route each request belongs to, by the priority
// rules as AWS writes them, worked out by hand.
var agreementRequests = []struct{ method, path, route string }{
	{"GET", "/orders", "GET /orders"},
	{"POST", "/orders", "POST /orders"},
	{"PUT", "/orders", "ANY /orders"},
	{"HEAD", "/orders", "ANY /orders"},
	{"GET", "/orders/7", "GET /orders/{id}"},
	{"GET", "/orders/latest", "GET /orders/latest"},
	{"DELETE", "/orders/7", "DELETE /orders/{id}"},
	{"DELETE", "/orders/latest", "DELETE /orders/{id}"},
	{"PUT", "/orders/7", "$default"},
	{"GET", "/orders/7/lines/1", "GET /orders/{id}/lines/{line}"},
	{"GET", "/orders/7/lines", "GET /orders/{proxy+}"},
	{"GET", "/orders/7/lines/1/2", "GET /orders/{proxy+}"},
	{"DELETE", "/orders/7/lines/1", "$default"},
	{"GET", "/api/v1/orders", "GET /api/v1/{proxy+}"},
	{"POST", "/api/v1/orders", "ANY /api/{proxy+}"},
	{"GET", "/api/v1", "ANY /api/{proxy+}"},
	{"GET", "/api/v2/orders", "ANY /api/{proxy+}"},
	{"GET", "/api", "$default"},
	{"GET", "/health", "GET /health"},
	{"POST", "/health", "$default"},
	{"GET", "/", "GET /"},
	{"GET", "/orders/", "$default"},
	{"GET", "/Orders", "$default"},
	{"GET", "/nothing", "$default"},
	{"GET", "/orders/a%2Fb", "GET /orders/{id}"},
	{"GET", "/orders/%6Catest", "GET /orders/latest"},
	{"GET", "/orders/Latest", "GET /orders/{id}"},
	{"POST", "/orders/7/lines/1", "$default"},
	{"GET", "/api/v1/", "ANY /api/{proxy+}"},
	{"DELETE", "/orders", "ANY /orders"},
}

// TestAgreesWithAnIndependentVerifier sends generated tokens to every route
// and compares the edge with jwx, which judges signatures, times and issuer,
// and with rules written out here for what is AWS's own.
func TestAgreesWithAnIndependentVerifier(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apiOf(agreementRoutes...), func(o *edge.Options) {
		o.Throttle = edge.Throttle{Rate: 1e9, Burst: 1e9}
		o.Sink = nil
	})
	oracle := newVerifier(t)

	const workers = 4
	var mu sync.Mutex
	outcomes := map[int]int{}
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			// A fixed seed: what differs once differs again.
			generate := &generator{rand.New(rand.NewPCG(2026, uint64(worker)))}
			counted := map[int]int{}
			for range agreementTokens / workers {
				token := generate.token()
				valid, scopes := oracle.judge(token)
				for _, request := range agreementRequests {
					want := expect(request.route, valid, scopes)
					rec := w.do(request.method, request.path, "Authorization", "Bearer "+token)
					counted[want]++
					if rec.Code != want {
						t.Errorf("%s %s on %s: got %d, want %d (%s)\n%s", request.method, request.path, request.route,
							rec.Code, want, rec.Header().Get("www-authenticate"), token)
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			for status, n := range counted {
				outcomes[status] += n
			}
		})
	}
	group.Wait()
	total := outcomes[200] + outcomes[401] + outcomes[403]
	t.Logf("%d decisions: %v", total, outcomes)
	require.GreaterOrEqual(t, total, 100_000)
	for _, status := range []int{200, 401, 403} {
		require.Greater(t, outcomes[status], total/20, "the tokens must not be all alike")
	}
}

// TestEveryRequestOfTheAgreementReachesItsRoute makes sure that agreement on
// the status is agreement on the route too.
func TestEveryRequestOfTheAgreementReachesItsRoute(t *testing.T) {
	t.Parallel()
	w := newWorld(t, logging(apiOf(agreementRoutes...), "$context.routeKey"))
	for _, request := range agreementRequests {
		w.do(request.method, request.path)
		_, route, _ := strings.Cut(w.sink.last(t), "|")
		require.Equal(t, request.route, route, "%s %s", request.method, request.path)
	}
}

// expect is the rule table of routes: open; any valid token; any of the scopes.
func expect(route string, valid bool, scopes []string) int {
	for _, text := range agreementRoutes {
		key, auth, _ := strings.Cut(text, " => ")
		switch {
		case key != route:
			continue
		case auth == "none":
			return 200
		case !valid:
			return 401
		case auth == "jwt":
			return 200
		}
		for wanted := range strings.FieldsSeq(auth) {
			if slices.Contains(scopes, wanted) {
				return 200
			}
		}
		return 403
	}
	return 404
}

// verifier is the independent judgement.
type verifier struct{ keys jwk.Set }

func newVerifier(t *testing.T) verifier {
	t.Helper()
	set, err := jwk.ParseString(publicKeys().jwks())
	require.NoError(t, err)
	return verifier{set}
}

// judge says whether a token is valid for the authorizer, whatever the route,
// and which scopes it claims.
func (v verifier) judge(token string) (valid bool, scopes []string) {
	// Rule: three segments of base64url without padding.
	if strings.Count(token, ".") != 2 || strings.ContainsAny(token, "=+/\r\n ") {
		return false, nil
	}
	message, err := jws.ParseString(token)
	if err != nil || len(message.Signatures()) != 1 {
		return false, nil
	}
	headers := message.Signatures()[0].ProtectedHeaders()
	// Rule: RSA with PKCS #1 only.
	alg, ok := headers.Algorithm()
	if !ok || !slices.Contains([]string{"RS256", "RS384", "RS512"}, alg.String()) {
		return false, nil
	}
	// Rule: the key id must be there and be the issuer's.
	id, ok := headers.KeyID()
	if !ok || id == "" {
		return false, nil
	}
	key, ok := v.keys.LookupKeyID(id)
	if !ok {
		return false, nil
	}
	payload, err := jws.Verify([]byte(token), jws.WithKey(alg, key))
	if err != nil {
		return false, nil
	}
	var claims map[string]any
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	if err := decoder.Decode(&claims); err != nil || claims == nil {
		return false, nil
	}
	return v.judgeClaims(claims), claimedScopes(claims)
}

func (verifier) judgeClaims(claims map[string]any) bool {
	// Rule: exp must be there; times are numbers.
	if _, ok := claims["exp"]; !ok {
		return false
	}
	for _, name := range []string{"exp", "nbf", "iat"} {
		value, present := claims[name]
		number, isNumber := value.(json.Number)
		if present && !isNumber {
			return false
		}
		// jwx reads no time before 1970: for nbf and iat it is in the past.
		if present && name != "exp" && strings.HasPrefix(number.String(), "-") {
			delete(claims, name)
		}
	}
	// Rule: an audience is text, or an array of texts, one of which fits;
	// client_id counts only without aud, and only as text.
	if !fitsAudience(claims) {
		return false
	}
	delete(claims, "aud") // judged, and jwx has no "one of several"
	if _, isText := claims["iss"].(string); !isText {
		return false
	}
	raw, err := json.Marshal(claims)
	if err != nil {
		return false
	}
	parsed, err := jwt.ParseInsecure(raw)
	if err != nil {
		return false
	}
	return jwt.Validate(parsed, jwt.WithIssuer(issuer), jwt.WithClock(jwt.ClockFunc(func() time.Time { return start }))) == nil
}

func fitsAudience(claims map[string]any) bool {
	accepted := map[string]bool{audience: true, "api://orders": true}
	value, present := claims["aud"]
	if !present {
		id, _ := claims["client_id"].(string)
		return accepted[id]
	}
	if list, ok := value.([]any); ok {
		fits := false
		for _, element := range list {
			text, ok := element.(string)
			if !ok {
				return false
			}
			fits = fits || accepted[text]
		}
		return fits
	}
	text, _ := value.(string)
	return accepted[text]
}

// claimedScopes: scp if it is there, else scope; text or array.
func claimedScopes(claims map[string]any) []string {
	value, present := claims["scp"]
	if !present {
		value = claims["scope"]
	}
	if text, ok := value.(string); ok {
		return strings.Split(text, " ")
	}
	var scopes []string
	list, _ := value.([]any)
	for _, element := range list {
		if text, ok := element.(string); ok {
			scopes = append(scopes, text)
		}
	}
	return scopes
}

// generator makes tokens: most parts right most of the time, so that both
// valid ones and ones with a single fault are common.
type generator struct{ *rand.Rand }

// raw is a JSON value as it is written.
type raw = json.RawMessage

func (g *generator) pick(choices ...any) any { return choices[g.IntN(len(choices))] }

// often keeps the right value in most cases and else picks a wrong one.
func (g *generator) often(right any, wrong ...any) any {
	if g.Float64() < 0.9 {
		return right
	}
	return g.pick(wrong...)
}

func (g *generator) token() string {
	hash, alg := crypto.SHA256, "RS256"
	if other := g.IntN(10); other < 2 {
		hash, alg = []crypto.Hash{crypto.SHA384, crypto.SHA512}[other], []string{"RS384", "RS512"}[other]
	}
	key := g.pick("key-1", "key-2").(string)
	header := members{
		{"alg", g.often(alg, "none", "HS256", "ES256", "PS256", "rs256", "RS1", "RS256", "RS512", "", nil, 1)},
		{"kid", g.often(key, "key-1", "key-2", "key-of-another-issuer", "KEY-1", "", nil)},
		{"typ", g.often("JWT", nil, "at+jwt")},
	}
	if g.Float64() < 0.05 {
		key = "key-of-another-issuer"
	}
	signed := segment(header.json()) + "." + segment(g.claims().json())
	return g.corrupt(sign(signed, key, hash))
}

func (g *generator) claims() members {
	now := start.Unix()
	claims := members{
		{"iss", g.often(issuer, issuer+"/", strings.ToUpper(issuer), "https://sts.windows.net/t/", nil, "", []string{issuer}, 1)},
		{"aud", g.often(
			g.pick(audience, "api://orders", []string{audience}, []string{"x", "api://orders"}),
			"00000003-0000-0000-c000-000000000000", "", []string{}, []string{"x", "y"}, []any{audience, 1}, nil, nil, strings.ToUpper("api://orders"), 7, raw("null"),
		)},
		{"client_id", g.pick(nil, audience, "x", []string{audience})},
		{"exp", g.often(
			g.pick(now+1, now+3600, raw(fmt.Sprintf("%d.9", now+1))),
			now, now-1, 0, -1, raw(fmt.Sprintf("%d.5", now)), nil, fmt.Sprint(now+3600), raw("true"), raw("null"),
		)},
		{"nbf", g.often(g.pick(now, now-300, nil, 0, -5, raw(fmt.Sprintf("%d.5", now))), now+1, now+3600, "0", raw("null"))},
		{"iat", g.often(g.pick(now, now-300, nil, 0, -5), now+1, fmt.Sprint(now), raw("{}"))},
		{"scp", g.scopes()},
		{"scope", g.scopes()},
		{"roles", g.pick(nil, []string{"Orders.Read", "Orders.Admin"})},
		{"sub", "ann"},
	}
	if g.Float64() < 0.05 { // a name twice: the last value counts
		twice := claims[g.IntN(len(claims)-1)]
		claims = append(claims, member{twice.name, g.pick(twice.value, "x", now+60)})
	}
	g.Shuffle(len(claims), func(i, j int) { claims[i], claims[j] = claims[j], claims[i] })
	return claims
}

func (g *generator) scopes() any {
	words := []string{
		"Orders.Read", "Orders.Write", "Orders.ReadWrite", "Orders.ReadAll", "Orders.Admin", "Orders.Fallback",
		"orders.read", "api://orders/Orders.Read", "Orders", "Read", "Orders.Read,Orders.Write",
	}
	var some []string
	for range g.IntN(4) {
		some = append(some, words[g.IntN(len(words))])
	}
	switch g.IntN(10) {
	case 0, 1, 2, 3:
		return nil
	case 4:
		return append([]string{}, some...)
	case 5:
		return g.pick("", " ", []string{}, 1, raw("null"), []any{1, "Orders.Read"}, "  Orders.Read  Orders.Write ", []string{"Orders.Read Orders.Write"})
	default:
		return strings.Join(some, " ")
	}
}

// corrupt damages some tokens after they were signed.
func (g *generator) corrupt(token string) string {
	if g.Float64() < 0.85 {
		return token
	}
	parts := strings.Split(token, ".")
	switch g.IntN(10) {
	case 0:
		return parts[0] + "." + parts[1]
	case 1:
		return token + "." + parts[2]
	case 2:
		return parts[0] + "." + parts[1] + "."
	case 3:
		return token[:len(token)-1-g.IntN(20)]
	case 4:
		return token + "="
	case 5:
		return parts[0] + "=." + parts[1] + "." + parts[2]
	case 6:
		return parts[0] + "." + segment(g.claims().json()) + "." + parts[2]
	case 7:
		return parts[1] + "." + parts[0] + "." + parts[2]
	case 8:
		at := g.IntN(len(token))
		return token[:at] + "A" + token[at+1:]
	default:
		return segment(`{"alg":"none","kid":"key-1"}`) + "." + parts[1] + "."
	}
}

// members are those of a JSON object, which may have a name twice; nil leaves
// one out.
type members []member

type member struct {
	name  string
	value any
}

func (m members) json() string {
	var written []string
	for _, each := range m {
		if each.value == nil {
			continue
		}
		value, err := json.Marshal(each.value)
		if err != nil {
			panic(err)
		}
		written = append(written, fmt.Sprintf("%q:%s", each.name, value))
	}
	return "{" + strings.Join(written, ",") + "}"
}
