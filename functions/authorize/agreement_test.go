package authorize

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/policy"
	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/entra/token"
)

const (
	loginHost   = "https://login.example.com"
	otherTenant = "66666666-6666-4666-8666-666666666666"
	graph       = "00000003-0000-0000-c000-000000000000"
)

// TestAgreesWithTheAccessModel generates models and the tokens that Entra would
// issue to each caller of the matrix, and wants the function to decide as the
// matrix says. Most cases begin after the signature, some thousand with a signed
// token.
func TestAgreesWithTheAccessModel(t *testing.T) {
	t.Parallel()
	const cases, signed = 120_000, 2_000
	r := rand.New(rand.NewPCG(5, 6))
	decided, through, allowed, roleRoutes := 0, 0, map[string]int{}, 0
	for decided < cases {
		g := generated{model: randomModel(r), r: r}
		require.NoError(t, g.model.Validate(access.ValidateOptions{}))
		config := policy.Policy{Routes: map[string]policy.Route{}}
		for _, route := range g.model.Routes {
			if !route.IsPublic() {
				config.Routes[route.Key] = policy.Route{Scopes: route.Scopes, Roles: route.Roles}
			}
		}
		if len(config.Routes) == 0 {
			continue
		}
		w := newWorld(t, func(c *Config) { c.Policy = config })
		tokens := map[[2]string]issuedToken{} // by caller and client
		mx := g.model.Matrix()
		for _, key := range slices.Sorted(maps.Keys(config.Routes)) {
			if len(config.Routes[key].Roles) > 0 {
				roleRoutes++
			}
			for _, caller := range mx.Callers {
				want, ok := mx.At(key, caller.ID)
				require.True(t, ok)
				client := mx.Client(key, caller)
				its, seen := tokens[[2]string{caller.ID, client}]
				if !seen {
					its.made, its.issued = g.token(caller, client)
					its.claims = read(t, its.made)
					tokens[[2]string{caller.ID, client}] = its
				}
				if !its.issued {
					require.False(t, want.Allowed, "%s calls %s without a token", caller.ID, key)
					continue
				}
				decided++
				var by string
				var reason Reason
				if through < signed && r.IntN(cases/signed/2) == 0 {
					through++
					var answer events.APIGatewayV2CustomAuthorizerSimpleResponse
					answer, reason = w.call(t, sign(object(its.made)), key)
					by, _ = answer.Context["by"].(string)
				} else {
					v := w.judge(its.claims, config.Routes[key], start)
					by, reason = v.by, v.reason
				}
				if want.Allowed != (reason == none) || want.By != by {
					require.Fail(t, "the function differs from the matrix", "%s calls %s: got %q by %q, want %+v\ntoken %v\nmodel %+v",
						caller.ID, key, reason, by, want, its.made, g.model)
				}
				if want.Allowed {
					allowed[string(want.Reason)]++
				}
			}
		}
	}
	t.Logf("%d cases, %d of them with signed tokens, %v allowed, %d routes with roles", decided, through, allowed, roleRoutes)
	require.Equal(t, signed, through)
	require.Greater(t, allowed[string(access.ReasonScope)], cases/20)
	require.Greater(t, allowed[string(access.ReasonRole)], cases/100)
}

// issuedToken is what a caller gets of Entra.
type issuedToken struct {
	made   token.Claims
	claims claims // the same as the function reads them
	issued bool
}

// read takes claims through JSON, as the payload of a token.
func read(t *testing.T, made token.Claims) claims {
	t.Helper()
	raw, err := json.Marshal(made)
	require.NoError(t, err)
	var c claims
	require.NoError(t, json.Unmarshal(raw, &c))
	return c
}

// generated is a model and what Entra makes of it.
type generated struct {
	model access.Model
	r     *rand.Rand
}

// token makes the token that a caller gets through a client, if Entra issues one
// at all. Wrong tokens lack nothing but what makes them wrong.
func (g generated) token(caller access.Caller, clientName string) (token.Claims, bool) {
	a := token.Access{
		BaseURL: loginHost, TenantID: tenant, Version: 2, Audience: api, ResourceAppID: api, ClientAppID: spa, ClientAuth: token.PublicClient,
		ClientObjectID: daemon, Optional: []directory.OptionalClaim{{Name: "idtyp"}}, IssuedAt: start, Lifetime: time.Hour,
	}
	if g.r.IntN(2) == 0 {
		a.Optional[0].AdditionalProperties = []string{"include_user_token"}
	}
	user := &directory.User{ID: alice, UserPrincipalName: "alice@example.com", DisplayName: "Alice"}
	var client access.Client
	if i := slices.IndexFunc(g.model.Clients, func(c access.Client) bool { return c.Name == clientName }); i >= 0 {
		client = g.model.Clients[i]
	}
	required := g.model.Assignment.IsRequired()
	nobody := required && len(g.model.Assignment.Users)+len(g.model.Assignment.Groups) == 0
	switch caller.Kind {
	case access.CallerUser:
		a.User, a.Scopes = user, g.scopes(client.Scopes)
		return a.Claims(), !nobody && len(a.Scopes) > 0
	case access.CallerUnassignedUser:
		a.User, a.Scopes = user, g.scopes(client.Scopes)
		if client.Name == "" {
			a.Scopes = g.consentable()
		}
		return a.Claims(), !required && len(a.Scopes) > 0
	case access.CallerOtherClient:
		a.User, a.Scopes = user, g.consentable()
		return a.Claims(), !nobody && len(a.Scopes) > 0
	case access.CallerUserWithRoles:
		a.User, a.Scopes, a.Roles = user, g.scopes(client.Scopes), g.allRoles()
		return a.Claims(), true
	case access.CallerDaemon:
		a.Roles = g.roles(client.Roles)
		return a.Claims(), !required || len(a.Roles) > 0
	case access.CallerUnassignedDaemon:
		return a.Claims(), !required
	case access.CallerWrongRole:
		a.Roles = []string{"Another"}
		return a.Claims(), true
	case access.CallerAnonymous:
		return nil, false
	case access.CallerIDToken:
		id := token.ID{
			BaseURL: loginHost, TenantID: tenant, Version: 2, ClientAppID: spa, User: user, Profile: true, Roles: g.allRoles(),
			IssuedAt: start, Lifetime: time.Hour,
		}
		if g.r.IntN(2) == 0 { // of an API that signs users in to itself
			id.ClientAppID = api
		}
		return id.Claims(), true
	}
	if g.r.IntN(2) == 0 {
		a.User, a.Scopes = user, g.allScopes()
	}
	a.Roles = g.allRoles()
	switch caller.Kind {
	case access.CallerGraphToken:
		a.Audience = graph
	case access.CallerOtherTenant:
		a.TenantID = otherTenant
	case access.CallerV1Token:
		a.Version = 1
	case access.CallerExpired:
		a.IssuedAt = start.Add(-time.Hour - time.Duration(g.r.IntN(10_000))*time.Second)
	default:
		panic("no token for callers of kind " + caller.Kind)
	}
	return a.Claims(), true
}

// scopes are those of the values that Entra puts into new tokens.
func (g generated) scopes(values []string) (active []string) {
	for _, s := range g.model.Scopes {
		if s.State != access.StateRetired && slices.Contains(values, s.Value) {
			active = append(active, s.Value)
		}
	}
	return active
}

// consentable are the scopes that any client gets.
func (g generated) consentable() (active []string) {
	for _, s := range g.model.Scopes {
		if s.State != access.StateRetired && s.Consent == access.ConsentUser {
			active = append(active, s.Value)
		}
	}
	return active
}

func (g generated) allScopes() (values []string) {
	for _, s := range g.model.Scopes {
		values = append(values, s.Value)
	}
	return values
}

func (g generated) roles(values []string) (active []string) {
	for _, role := range g.model.Roles {
		if role.State != access.StateRetired && slices.Contains(values, role.Value) {
			active = append(active, role.Value)
		}
	}
	return active
}

func (g generated) allRoles() (values []string) {
	for _, role := range g.model.Roles {
		values = append(values, role.Value)
	}
	return values
}

// randomModel returns a valid model.
func randomModel(r *rand.Rand) access.Model {
	var m access.Model
	pick := func(values []string, most int) (picked []string) {
		for _, i := range r.Perm(len(values)) {
			if len(picked) < most && r.IntN(2) == 0 {
				picked = append(picked, values[i])
			}
		}
		return picked
	}
	state := func() access.State {
		return []access.State{"", access.StateActive, access.StateRetired}[r.IntN(3)]
	}
	var scopes, roles []string
	for i := range r.IntN(8) {
		scopes = append(scopes, fmt.Sprintf("Scope.%d", i))
		consent := []access.Consent{"", access.ConsentAdmin, access.ConsentUser}[r.IntN(3)]
		m.Scopes = append(m.Scopes, access.Scope{Value: scopes[i], Title: "x", Consent: consent, State: state()})
	}
	for i := range r.IntN(5) {
		roles = append(roles, fmt.Sprintf("Role.%d", i))
		m.Roles = append(m.Roles, access.Role{Value: roles[i], Title: "x", State: state()})
	}
	for i := range r.IntN(7) {
		c := access.Client{Name: fmt.Sprintf("c%d", i)}
		c.Kind = []access.ClientKind{access.ClientSPA, access.ClientWeb, access.ClientNative, access.ClientDaemon, access.ClientDaemon}[r.IntN(5)]
		if c.Kind == access.ClientDaemon {
			c.Roles = pick(roles, len(roles))
		} else {
			c.Scopes = pick(scopes, len(scopes))
			c.RedirectURIs = []string{"https://app.example.com/"}
		}
		m.Clients = append(m.Clients, c)
	}
	m.Backends = []access.Backend{{Name: "b", URL: "https://b.example.com"}}
	for i := range 1 + r.IntN(8) {
		route := access.Route{Key: fmt.Sprintf("GET /r%d", i)}
		switch r.IntN(3) {
		case 0:
			route.Scopes = pick(scopes, access.MaxScopesPerRoute)
		case 1:
			route.Roles = pick(roles, len(roles))
		default:
			route.Scopes, route.Roles = pick(scopes, access.MaxScopesPerRoute), pick(roles, len(roles))
		}
		if len(route.Scopes)+len(route.Roles) == 0 {
			route.Public = "because"
		}
		m.Routes = append(m.Routes, route)
	}
	required := r.IntN(2) == 0
	m.Assignment.Required = &required
	if r.IntN(2) == 0 {
		m.Assignment.Users = []string{alice}
	}
	return m
}
