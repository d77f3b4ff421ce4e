package access_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
)

// randomModel returns a valid model.
func randomModel(r *rand.Rand) access.Model {
	var m access.Model
	pick := func(values []string, most int) []string {
		var out []string
		for _, i := range r.Perm(len(values)) {
			if len(out) < most && r.IntN(2) == 0 {
				out = append(out, values[i])
			}
		}
		return out
	}
	state := func() access.State {
		return []access.State{"", access.StateActive, access.StateRetired}[r.IntN(3)]
	}
	var scopes, roles []string
	for i := range r.IntN(12) {
		scopes = append(scopes, fmt.Sprintf("Scope.%d", i))
		consent := []access.Consent{"", access.ConsentAdmin, access.ConsentUser}[r.IntN(3)]
		m.Scopes = append(m.Scopes, access.Scope{Value: scopes[i], Title: "x", Consent: consent, State: state()})
	}
	for i := range r.IntN(4) {
		roles = append(roles, fmt.Sprintf("Role.%d", i))
		m.Roles = append(m.Roles, access.Role{Value: roles[i], Title: "x", State: state()})
	}
	for i := range r.IntN(6) {
		c := access.Client{Name: fmt.Sprintf("c%d", i)}
		switch c.Kind = []access.ClientKind{access.ClientSPA, access.ClientWeb, access.ClientNative, access.ClientDaemon}[r.IntN(4)]; c.Kind {
		case access.ClientDaemon:
			c.Roles = pick(roles, len(roles))
		default:
			c.Scopes = pick(scopes, len(scopes))
			c.RedirectURIs = []string{"https://app.example.com/"}
		}
		m.Clients = append(m.Clients, c)
	}
	m.Backends = []access.Backend{{Name: "b", URL: "https://b.example.com"}}
	for i := range 1 + r.IntN(8) {
		route := access.Route{Key: fmt.Sprintf("GET /r%d", i)}
		route.Scopes = pick(scopes, access.MaxScopesPerRoute)
		if r.IntN(2) == 0 {
			route.Roles = pick(roles, len(roles))
		}
		if len(route.Scopes)+len(route.Roles) == 0 {
			route.Public = "because"
		}
		m.Routes = append(m.Routes, route)
	}
	required := r.IntN(2) == 0
	m.Assignment.Required = &required
	if r.IntN(2) == 0 {
		m.Assignment.Users = []string{aliceID}
	}
	return m
}

// token is what the gateway reads of a caller's token for the API.
type token struct {
	appOnly    bool
	scp, roles []string
}

// tokenOf says, from the rules of Entra alone, what a caller's new token for the
// API carries, and whether Entra issues one at all.
func tokenOf(m access.Model, c access.Caller, client string) (t token, issued bool) {
	active := map[string]access.Consent{}
	for _, s := range m.Scopes {
		if s.State != access.StateRetired {
			active[s.Value] = s.Consent
		}
	}
	required := m.Assignment.Required == nil || *m.Assignment.Required
	somebody := len(m.Assignment.Users)+len(m.Assignment.Groups) > 0
	var own access.Client
	for _, candidate := range m.Clients {
		if candidate.Name == client {
			own = candidate
		}
	}
	outside := func() {
		for value, consent := range active {
			if consent == access.ConsentUser {
				t.scp = append(t.scp, value)
			}
		}
	}
	switch c.Kind {
	case access.CallerDaemon:
		for _, r := range m.Roles {
			if r.State != access.StateRetired && slices.Contains(own.Roles, r.Value) {
				t.roles = append(t.roles, r.Value)
			}
		}
		t.appOnly = true
		return t, len(t.roles) > 0 || !required
	case access.CallerWrongRole: // made, not issued
		return token{appOnly: true, roles: []string{"Another"}}, true
	case access.CallerUnassignedDaemon:
		return token{appOnly: true}, !required
	case access.CallerUnassignedUser:
		if required {
			return t, false
		}
	case access.CallerUser, access.CallerOtherClient:
		if required && !somebody {
			return t, false
		}
	}
	if own.Name == "" && c.Kind != access.CallerUserWithRoles {
		outside()
	}
	for _, value := range own.Scopes {
		if _, ok := active[value]; ok {
			t.scp = append(t.scp, value)
		}
	}
	if c.Kind == access.CallerUserWithRoles { // made, not issued
		for _, r := range m.Roles {
			t.roles = append(t.roles, r.Value)
		}
		return t, true
	}
	return t, len(t.scp) > 0
}

// expect is the gateway's side of the rule, written out a second time.
func expect(m access.Model, r access.Route, c access.Caller, client string) (allowed bool, status int) {
	if r.Public != "" {
		return true, 0
	}
	switch c.Kind {
	case access.CallerAnonymous:
		return false, 401
	case access.CallerGraphToken, access.CallerOtherTenant, access.CallerV1Token, access.CallerIDToken, access.CallerExpired:
		if len(r.Roles) > 0 {
			return false, 403
		}
		return false, 401
	}
	t, issued := tokenOf(m, c, client)
	if !issued {
		return false, 0
	}
	asked, has := r.Scopes, t.scp
	if t.appOnly {
		asked, has = r.Roles, t.roles
	}
	for _, s := range asked {
		if slices.Contains(has, s) {
			return true, 0
		}
	}
	return false, 403
}

func TestMatrixFollowsTheRulesOnRandomModels(t *testing.T) {
	t.Parallel()
	const models = 3000
	r := rand.New(rand.NewPCG(1, 2))
	cells := 0
	for range models {
		m := randomModel(r)
		require.NoError(t, m.Validate(access.ValidateOptions{}))
		mx := m.Matrix()
		require.Equal(t, mx, m.Matrix(), "the same model has the same matrix")
		require.Len(t, mx.Routes, len(m.Routes))
		for i, key := range mx.Routes {
			require.Len(t, mx.Cells[key], len(mx.Callers))
			for _, c := range mx.Callers {
				cells++
				got, ok := mx.At(key, c.ID)
				require.True(t, ok)
				client := mx.Client(key, c)
				allowed, status := expect(m, m.Routes[i], c, client)
				if c.Kind == access.CallerUnassignedUser && !allowed { // whichever client lets them furthest
					for _, other := range m.Clients {
						if other.Kind.IsDelegated() {
							may, _ := expect(m, m.Routes[i], c, other.Name)
							require.False(t, may, "%s could call %s through %s", c.ID, key, other.Name)
						}
					}
				}
				right := allowed == got.Allowed && status == got.Status && allowed == (got.By != "") && got.Words != "" && got.Reason != "" &&
					(got.Reason != access.ReasonScope || slices.Contains(m.Routes[i].Scopes, got.By)) &&
					(got.Reason != access.ReasonRole || slices.Contains(m.Routes[i].Roles, got.By))
				if !right {
					require.Fail(t, "wrong decision", "%s calls %s: got %+v, want allowed %v, status %d, in %+v", c.ID, key, got, allowed, status, m)
				}
			}
		}
	}
	t.Logf("%d models, %d cells", models, cells)
}

// TestWordsChangeWithAccess changes one thing in random models: where that
// changes who may call, the words change too.
func TestWordsChangeWithAccess(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	changed := 0
	for range 1000 {
		m := randomModel(r)
		before := m.Matrix()
		switch route := &m.Routes[r.IntN(len(m.Routes))]; r.IntN(3) {
		case 0:
			flipped := !*m.Assignment.Required
			m.Assignment.Required = &flipped
		case 1:
			route.Scopes, route.Roles, route.Public = nil, nil, "opened"
		case 2:
			for i := range m.Scopes {
				m.Scopes[i].State = access.StateRetired
			}
		}
		after := m.Matrix()
		for _, key := range before.Routes {
			for id, was := range before.Cells[key] {
				if is := after.Cells[key][id]; is.Allowed != was.Allowed || is.Status != was.Status {
					changed++
					require.NotEqual(t, was.Words, is.Words, "%s calls %s", id, key)
				}
			}
		}
	}
	require.Positive(t, changed)
}

func TestCallersHaveDifferentIDs(t *testing.T) {
	t.Parallel()
	m := orders()
	for _, name := range []string{"anonymous", "other-client", "unassigned-user", "id-token"} {
		m.Clients = append(m.Clients, access.Client{Name: name, Kind: access.ClientNative})
	}
	seen := map[string]bool{}
	for _, c := range m.Matrix().Callers {
		require.False(t, seen[c.ID], c.ID)
		seen[c.ID] = true
	}
}

func TestMatrixSurvivesJSON(t *testing.T) {
	t.Parallel()
	want := orders().Matrix()
	raw, err := json.Marshal(want)
	require.NoError(t, err)
	var got access.Matrix
	require.NoError(t, json.Unmarshal(raw, &got))
	require.Equal(t, want, got)
}

func TestMatrixHasNoCellOutsideIt(t *testing.T) {
	t.Parallel()
	mx := orders().Matrix()
	_, ok := mx.At("GET /nowhere", "anonymous")
	require.False(t, ok)
	_, ok = mx.At("GET /health", "nobody")
	require.False(t, ok)
	require.Empty(t, mx.Client("GET /nowhere", access.Caller{ID: "anonymous"}))
}

// TestInvalidModelOpensNothing: a model that Validate refuses may still be
// printed, and then nothing is open that is not public.
func TestInvalidModelOpensNothing(t *testing.T) {
	t.Parallel()
	m := access.Model{
		Clients: []access.Client{{Name: "spa", Kind: access.ClientSPA, Scopes: []string{"Gone"}}},
		Routes:  []access.Route{{Key: "GET /a"}, {Key: "GET /b", Scopes: []string{"Gone"}}, {Key: "GET /c", Roles: []string{"R"}}},
	}
	require.Error(t, m.Validate(access.ValidateOptions{}))
	for route, row := range m.Matrix().Cells {
		for caller, d := range row {
			require.False(t, d.Allowed, "%s calls %s", caller, route)
		}
	}
}

func FuzzModel(f *testing.F) {
	for _, m := range []access.Model{orders(), optional(), {}} {
		raw, err := json.Marshal(m)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m access.Model
		if json.Unmarshal(raw, &m) != nil {
			return
		}
		err := m.Validate(access.ValidateOptions{})
		for _, p := range m.Warnings() {
			require.NotEmpty(t, p.Message)
		}
		mx := m.Matrix()
		for route, row := range mx.Cells {
			for id, d := range row {
				require.NotEmpty(t, d.Words)
				require.False(t, d.Allowed && d.Status != 0, "%s calls %s", id, route)
			}
		}
		if err == nil {
			require.Len(t, mx.Routes, len(m.Routes))
			for _, r := range m.Routes {
				d, ok := mx.At(r.Key, "anonymous")
				require.True(t, ok)
				require.Equal(t, r.Public != "", d.Allowed, "only a public route is open to everybody")
			}
		}
		require.NoError(t, access.Table{Matrix: mx}.Write(discard{}, 80))
	})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// large is a model at the limits of one API: 300 routes of 10 scopes, 20
// clients.
func large() access.Model {
	var m access.Model
	var scopes []string
	for i := range 100 {
		scopes = append(scopes, fmt.Sprintf("Scope.%d", i))
		m.Scopes = append(m.Scopes, access.Scope{Value: scopes[i], Title: "x"})
	}
	m.Roles = []access.Role{{Value: "Role", Title: "x"}}
	for i := range 20 {
		c := access.Client{Name: fmt.Sprintf("c%d", i), Kind: access.ClientSPA, Scopes: scopes[i : i+30], RedirectURIs: []string{"https://a.example.com/"}}
		if i%4 == 3 {
			c = access.Client{Name: c.Name, Kind: access.ClientDaemon, Roles: []string{"Role"}}
		}
		m.Clients = append(m.Clients, c)
	}
	m.Backends = []access.Backend{{Name: "b", URL: "https://b.example.com"}}
	for i := range access.MaxRoutes {
		m.Routes = append(m.Routes, access.Route{Key: fmt.Sprintf("GET /r%d/{id}", i), Scopes: scopes[i%90 : i%90+10]})
	}
	m.Assignment.Users = []string{aliceID}
	return m
}

func BenchmarkMatrix(b *testing.B) {
	m := large()
	require.NoError(b, m.Validate(access.ValidateOptions{}))
	for b.Loop() {
		m.Matrix()
	}
}

func BenchmarkValidate(b *testing.B) {
	m := large()
	for b.Loop() {
		if err := m.Validate(access.ValidateOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWarnings(b *testing.B) {
	m := large()
	for b.Loop() {
		m.Warnings()
	}
}
