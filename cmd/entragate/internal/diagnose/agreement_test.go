package diagnose

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/functions/authorize"
	"github.com/entragate/entragate/sandbox/aws/apigateway"
	"github.com/entragate/entragate/sandbox/edge"
	"github.com/entragate/entragate/sandbox/entra/directory"
	entra "github.com/entragate/entragate/sandbox/entra/token"
)

// agreementTokens is how many tokens are generated. Each is sent to every one of
// agreementRequests, through the whole data plane.
const agreementTokens = 150

var agreementRequests = []string{
	"GET /orders", "GET /orders/17", "GET /orders/latest", "GET /orders/", "POST /orders", "POST /export", "GET /both", "PUT /both",
	"GET /legacy", "GET /health", "GET /files/a/b", "PUT /files/a/b", "GET /files/", "DELETE /nothing", "GET /orders/%6Catest", "GET /old",
}

// TestAgreesWithTheGateway generates tokens and wants each report to say what the
// gateway does: the route, the status, and that it is refused no more once all
// that the report names is put right.
func TestAgreesWithTheGateway(t *testing.T) {
	t.Parallel()
	w := newWorld()
	gateway := newGateway(t, w)
	stack := w.stack()
	g := generator{rand.New(rand.NewPCG(7, 8))}
	statuses, causes, repaired := map[int]int{}, map[Cause]int{}, 0
	for range agreementTokens {
		raw := g.sign(g.claims())
		for _, request := range agreementRequests {
			status, route := gateway.call(t, request, raw)
			report, err := stack.Explain(t.Context(), raw, request)
			require.NoError(t, err)
			require.Equal(t, status, report.Status, "%s, %s: %s", request, raw, report.Summary)
			require.Equal(t, route, report.Route, request)
			require.Equal(t, status == 200, report.Allowed)
			requireDiscreet(t, report, raw)
			statuses[status]++
			causes[report.Cause]++
			if status == 200 || route == "" {
				continue
			}
			fixed, last := repairedBy(report, parseToken(raw).claims)
			if fixed == "" {
				continue
			}
			repaired++
			status, _ = gateway.call(t, request, fixed)
			require.Equal(t, !last, status == 200, "%s, %s: %+v", request, fixed, report.Checks)
		}
	}
	t.Logf("statuses %v\ncauses %v\nrepaired %d", statuses, causes, repaired)
	for _, status := range []int{200, 401, 403, 404} {
		require.Greater(t, statuses[status], agreementTokens/10, status)
	}
	require.Greater(t, len(causes), 20, "the tokens must not be all alike")
	require.Greater(t, repaired, agreementTokens)
}

// repairedBy makes a token that has nothing of what a report says is wrong, or
// returns "" where that cannot be told of it; last is whether the report says
// that even then the caller may not.
func repairedBy(report Report, claims object) (fixed string, last bool) {
	if claims == nil {
		return "", false
	}
	claims = maps.Clone(claims)
	for _, c := range report.Checks {
		if c.OK {
			continue
		}
		switch c.Name {
		case CheckExpiry:
			claims["exp"] = start.Unix() + 1
		case CheckNotBefore:
			claims["nbf"] = start.Unix()
		case CheckIssuedAt:
			claims["iat"] = start.Unix()
		case CheckIssuer:
			claims["iss"] = ourIssuer
		case CheckAudience:
			claims["aud"] = api
		case CheckTenant:
			claims["tid"] = tenant
		case CheckVersion:
			claims["ver"] = "2.0"
		case CheckScope, CheckRole, CheckCaller:
			last = true
		}
	}
	return sign(claims), last
}

// gateway is the sandbox's data plane with the stack's routes.
type gateway struct {
	edge *edge.Edge
	log  *lastLine
}

const (
	gatewayHost = "a1b2c3d4e5.execute-api.eu-central-1.localhost"
	functionARN = "arn:aws:lambda:eu-central-1:123456789012:function:authorize"
)

func newGateway(t *testing.T, w *world) gateway {
	t.Helper()
	decider, err := authorize.New(authorize.Config{Issuer: ourIssuer, Audience: api, TenantID: tenant, Policy: orders.Policy()}, authorize.Options{
		Client: w.client(), Now: func() time.Time { return start }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	require.NoError(t, err)
	log := &lastLine{}
	e, err := edge.New(edge.Options{
		Source: deployed{}, Sink: log, Client: w.client(), Functions: function{decider}, Region: "eu-central-1", Account: "123456789012",
		Now: func() time.Time { return start }, Throttle: edge.Throttle{Rate: 1e9, Burst: 1e9}, AuthorizerTimeout: time.Minute,
	})
	require.NoError(t, err)
	return gateway{e, log}
}

// call returns the status and the route of a request with the token.
func (g gateway) call(t *testing.T, request, token string) (status int, route string) {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	r := httptest.NewRequestWithContext(t.Context(), method, "https://"+gatewayHost+path, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	rec := httptest.NewRecorder()
	g.edge.ServeHTTP(rec, r)
	_, route, _ = strings.Cut(g.log.line, "|")
	return rec.Code, strings.TrimPrefix(route, "-")
}

// lastLine is an [edge.LogSink].
type lastLine struct{ line string }

func (l *lastLine) Deliver(_, _ string, _ time.Time, line string) error {
	l.line = line
	return nil
}

// function is the Lambda authorizer, as [edge.Functions].
type function struct{ decider *authorize.Authorizer }

func (f function) Invoke(ctx context.Context, _, _ string, payload []byte) ([]byte, error) {
	var event events.APIGatewayV2CustomAuthorizerV2Request
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	answer, err := f.decider.Handle(ctx, event)
	if err != nil {
		return nil, &edge.FunctionError{Kind: "Unhandled"}
	}
	return json.Marshal(answer)
}

// deployed is the stack's API, as [edge.Source].
type deployed struct{}

func (deployed) Generation() uint64 { return 1 }

func (deployed) Served(string) (edge.Served, uint64, bool) {
	none := 0
	d := apigateway.Deployment{
		Authorizers: map[string]*apigateway.Authorizer{
			"jwt": {
				AuthorizerID: "jwt", AuthorizerType: "JWT", IdentitySource: []string{"$request.header.Authorization"},
				JWTConfiguration: &apigateway.JWT{Issuer: ourIssuer, Audience: []string{api}},
			},
			"roles": {
				AuthorizerID: "roles", AuthorizerType: "REQUEST", IdentitySource: []string{"$request.header.Authorization"},
				AuthorizerURI: "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/" + functionARN + "/invocations",

				AuthorizerPayloadFormatVersion: "2.0", EnableSimpleResponses: true, AuthorizerResultTTLInSeconds: &none,
			},
		},
		Integrations: map[string]*apigateway.Integration{"b": {
			IntegrationID: "b", IntegrationType: "HTTP_PROXY", IntegrationMethod: "ANY", ConnectionType: "INTERNET",
			IntegrationURI: "https://backend.example.com/", TimeoutInMillis: 30000,
		}},
		Routes: map[string]*apigateway.Route{},
	}
	for i, r := range orders.Routes {
		route := &apigateway.Route{
			RouteID: fmt.Sprint(i), RouteKey: r.Key, AuthorizationType: "JWT", AuthorizerID: "jwt", AuthorizationScopes: r.Scopes, Target: "integrations/b",
		}
		switch {
		case r.IsPublic():
			route.AuthorizationType, route.AuthorizerID = "NONE", ""
		case r.HasRoles():
			route.AuthorizationType, route.AuthorizerID, route.AuthorizationScopes = "CUSTOM", "roles", nil
		}
		d.Routes[route.RouteID] = route
	}
	return edge.Served{
		API: apigateway.API{APIID: "a1b2c3d4e5", Name: "orders"},
		Stages: []edge.ServedStage{{
			Stage: apigateway.Stage{
				StageName: "$default", AutoDeploy: true,
				AccessLogSettings: &apigateway.AccessLogSettings{
					DestinationARN: "arn:aws:logs:eu-central-1:123456789012:log-group:x", Format: "$context.requestId|$context.routeKey",
				},
			},
			Deployment: d,
		}},
	}, 1, true
}

// generator makes tokens: most parts right most of the time, so that both good
// ones and ones with a single fault are common.
type generator struct{ *rand.Rand }

func pick[T any](g generator, choices ...T) T { return choices[g.IntN(len(choices))] }

// claims are of a token as Entra makes them, often with changes.
func (g generator) claims() object {
	a := entra.Access{
		BaseURL: "https://" + loginHost, TenantID: tenant, Version: 2, Audience: api, ResourceAppID: api, ClientObjectID: export,
		ClientAppID: pick(g, portal, console, export, syncer, stranger), ClientAuth: entra.PublicClient,
		Optional: []directory.OptionalClaim{{Name: "idtyp"}}, IssuedAt: start, Lifetime: time.Hour,
	}
	user := &directory.User{ID: alice, UserPrincipalName: "alice@example.com", DisplayName: "Alice Adams"}
	scopes := []string{"Orders.Read", "Orders.Write", "Orders.Comment", "Orders.Old"}
	roles := []string{"Orders.Export", "Orders.Import", "Orders.Legacy"}
	if g.IntN(2) == 0 {
		a.User, a.Scopes = user, scopes[g.IntN(2):1+g.IntN(4)/2+1]
	}
	if a.User == nil || g.IntN(4) == 0 {
		a.Roles = roles[g.IntN(2) : 1+g.IntN(3)]
	}
	if g.IntN(6) == 0 {
		a.Version = 1
	}
	if g.IntN(8) == 0 {
		a.Audience = pick(g, graphID, "https://graph.microsoft.com", "api://"+api, stranger, portal)
	}
	if g.IntN(10) == 0 {
		a.TenantID = pick(g, homeTenant, personalTenant)
	}
	if g.IntN(6) == 0 {
		a.IssuedAt = start.Add(pick(g, -2*time.Hour, -time.Hour, 6*time.Minute, 48*time.Hour))
	}
	made := a.Claims()
	if g.IntN(10) == 0 {
		id := entra.ID{
			BaseURL: a.BaseURL, TenantID: a.TenantID, Version: a.Version, ClientAppID: pick(g, portal, api), User: user, Profile: true,
			Nonce: pick(g, "", "n"), Roles: a.Roles, IssuedAt: a.IssuedAt, Lifetime: time.Hour,
		}
		made = id.Claims()
	}
	claims := object(made)
	for g.IntN(4) == 0 {
		name := pick(g, "iss", "aud", "exp", "nbf", "iat", "ver", "tid", "azp", "idtyp", "scp", "roles", "oid", "scope", "client_id")
		claims[name] = pick[any](g, nil, "", 1, api, "app", "user", "Orders.Read", start.Unix(), 1e40, -1, []string{api}, []any{"Orders.Export", 1}, true, object{"a": 1})
		if g.IntN(3) == 0 {
			delete(claims, name)
		}
	}
	return claims
}

// sign signs claims, mostly as Entra does, and damages some tokens.
func (g generator) sign(claims object) string {
	if g.IntN(3) > 0 {
		return sign(claims)
	}
	switch g.IntN(10) {
	case 0:
		return signRaw(claims.json(), jose.RS512, key("two"), object{"kid": "two"})
	case 1:
		return signRaw(claims.json(), jose.RS256, key("stranger"), object{"kid": pick(g, "one", "stranger")})
	case 2:
		return signRaw(claims.json(), jose.PS256, key("one"), object{"kid": "one"})
	case 3:
		return signRaw(claims.json(), jose.RS256, key("one"), object{})
	case 4:
		return signedByGraph(claims)
	case 5: // a name twice
		name := pick(g, slices.Sorted(maps.Keys(claims))...)
		return signRaw(fmt.Sprintf("{%q:1,%s", name, claims.json()[1:]), jose.RS256, key("one"), object{"kid": "one"})
	case 6:
		return encode(`{"alg":"none","kid":"one"}`) + "." + encode(claims.json()) + "."
	}
	made := sign(claims)
	parts := strings.Split(made, ".")
	return pick(g,
		parts[0]+"."+parts[1], made+".x", made+"=", parts[0]+" ."+parts[1]+"."+parts[2], cut(made, 5), parts[0]+"."+parts[1]+".",
		parts[0]+"."+encode("[]")+"."+parts[2], encode("{}")+"."+parts[1]+"."+parts[2], "x"+made, "{}", "0.Axxxxxxxxxxxxxxxxxxx", parts[1]+"."+parts[0]+"."+parts[2],
	)
}
