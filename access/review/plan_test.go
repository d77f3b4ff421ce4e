package review_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/review"
)

// orders is a valid model that tests change copies of.
func orders() access.Model {
	return access.Model{
		Scopes: []access.Scope{
			{Value: "Orders.Read", Title: "Read orders"},
			{Value: "Orders.Write", Title: "Change orders"},
			{Value: "Orders.Old", Title: "Read orders as before", State: access.StateRetired},
			{Value: "Orders.Spare", Title: "Nothing yet"},
			{Value: "Profile.Read", Title: "Read your profile", Consent: access.ConsentUser},
		},
		Roles: []access.Role{
			{Value: "Orders.Export", Title: "Export orders"},
			{Value: "Orders.Import", Title: "Import orders", State: access.StateRetired},
			{Value: "Orders.Audit", Title: "Audit orders"},
		},
		Clients: []access.Client{
			{Name: "spa", Kind: access.ClientSPA, RedirectURIs: []string{"https://orders.example.com/"}, Scopes: []string{"Orders.Read"}},
			{
				Name: "web", Kind: access.ClientWeb, RedirectURIs: []string{"https://back.example.com/in"}, Scopes: []string{"Orders.Read", "Orders.Write"},
				Credential: &access.Credential{Kind: access.CredentialSecret, Readers: []string{"arn:aws:iam::111122223333:role/web"}},
			},
			{Name: "cli", Kind: access.ClientNative, RedirectURIs: []string{"http://localhost"}, Scopes: []string{"Profile.Read"}},
			{
				Name: "export", Kind: access.ClientDaemon, Roles: []string{"Orders.Export"},
				Credential: &access.Credential{GitHub: &access.GitHub{Repository: "contoso/orders", Branch: "main"}},
			},
		},
		Backends: []access.Backend{{Name: "orders", URL: "https://orders.internal.example.com"}},
		Routes: []access.Route{
			{Key: "GET /health", Public: "load balancers ask without a token"},
			{Key: "GET /orders/{id}", Scopes: []string{"Orders.Read", "Orders.Write"}},
			{Key: "GET /orders", Scopes: []string{"Orders.Read"}},
			{Key: "POST /orders", Scopes: []string{"Orders.Write"}},
			{Key: "GET /me", Scopes: []string{"Profile.Read"}},
			{Key: "GET /exports", Roles: []string{"Orders.Export"}},
			{Key: "GET /report", Scopes: []string{"Orders.Read"}, Roles: []string{"Orders.Export"}},
		},
		Assignment: access.Assignment{Users: []string{aliceID}, Groups: []string{staffID}},
	}
}

// clone copies a model deeply.
func clone(m access.Model) access.Model {
	raw, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	var out access.Model
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(err)
	}
	return out
}

// renamed replaces a scope everywhere.
func renamed(m access.Model, old string, values ...string) access.Model {
	m = clone(m)
	var scopes []access.Scope
	for _, s := range m.Scopes {
		if s.Value != old {
			scopes = append(scopes, s)
			continue
		}
		for _, value := range values {
			scopes = append(scopes, access.Scope{Value: value, Title: s.Title, Consent: s.Consent})
		}
	}
	m.Scopes = scopes
	in := func(list []string) []string {
		var out []string
		for _, value := range list {
			if value == old {
				out = append(out, values...)
			} else {
				out = append(out, value)
			}
		}
		return out
	}
	for i := range m.Clients {
		m.Clients[i].Scopes = in(m.Clients[i].Scopes)
	}
	for i := range m.Routes {
		m.Routes[i].Scopes = in(m.Routes[i].Scopes)
	}
	return m
}

// walk deploys one step after the other, and checks that nobody who may call
// before and after may not in between. It returns the steps that were next.
func walk(t *testing.T, before, after access.Model) []review.StepName {
	t.Helper()
	var taken []review.StepName
	stands, first, last := before, before.Matrix(), after.Matrix()
	for range 10 {
		order, found := review.Plan(&review.Deployment{Model: stands}, review.Deployment{Model: after})
		if !found {
			return taken
		}
		if order.Problem != "" {
			require.Empty(t, order.Steps)
			require.Equal(t, stands, order.Model)
			return nil
		}
		taken = append(taken, order.Steps[order.Next].Name)
		require.NoError(t, order.Model.Validate(access.ValidateOptions{}), "%v", taken)
		for i, s := range order.Steps {
			require.Equal(t, map[bool]string{true: review.StepDone, false: review.StepLater}[i < order.Next], map[bool]string{true: s.State, false: review.StepLater}[i != order.Next])
			require.NotEmpty(t, s.Words)
			require.NotEmpty(t, s.Tokens)
		}
		stands = order.Model
		during := stands.Matrix()
		for _, route := range last.Routes {
			for _, caller := range last.Callers {
				if caller.Kind == access.CallerUserWithRoles {
					continue // stands for the first client, whichever that is
				}
				was, _ := first.At(route, caller.ID)
				will, _ := last.At(route, caller.ID)
				if !was.Allowed || !will.Allowed {
					continue
				}
				is, _ := during.At(route, caller.ID)
				other, _ := during.At(route, "other-client")
				if caller.Kind == access.CallerUnassignedUser && !stands.Assignment.IsRequired() && other.Allowed {
					continue // whichever client lets them in
				}
				if !is.Allowed {
					raw, err := json.Marshal(map[string]any{"before": before, "after": after, "stands": stands})
					require.NoError(t, err)
					require.Fail(t, "access is lost on the way", "%s calls %s after %v: %s in %s", caller.ID, route, taken, is.Words, raw)
				}
			}
		}
	}
	require.Fail(t, "no end", "%v", taken)
	return nil
}

func TestStepsOfARename(t *testing.T) {
	t.Parallel()
	all := []review.StepName{review.StepAdd, review.StepGrant, review.StepAcceptEither, review.StepWaitClients, review.StepWaitTokens}
	tests := map[string]struct {
		before, after access.Model
		want          []review.StepName
	}{
		"a rename":             {orders(), renamed(orders(), "Orders.Read", "Orders.View"), all},
		"a split":              {orders(), renamed(orders(), "Orders.Write", "Orders.Place", "Orders.Cancel"), all},
		"a merge":              {orders(), renamed(renamed(orders(), "Orders.Write", "Orders.All"), "Orders.Read", "Orders.View"), all},
		"of a consented scope": {orders(), renamed(orders(), "Profile.Read", "Profile.View"), all},
		"declared already": {
			func() access.Model {
				m := orders()
				m.Scopes = append(m.Scopes, access.Scope{Value: "Orders.View", Title: "x"})
				return m
			}(), renamed(orders(), "Orders.Read", "Orders.View"), all[1:],
		},
		"both everywhere": {renamed(orders(), "Orders.Read", "Orders.Read", "Orders.View"), renamed(orders(), "Orders.Read", "Orders.View"), all[3:]},
		"retired": {
			func() access.Model {
				m := renamed(orders(), "Orders.Read", "Orders.Read", "Orders.View")
				m.Scopes[0].State = access.StateRetired
				return m
			}(), renamed(orders(), "Orders.Read", "Orders.View"), all[4:],
		},
		"nothing": {orders(), orders(), nil},
		"a scope that nobody uses goes": {orders(), func() access.Model {
			m := orders()
			m.Scopes = slices.Delete(m.Scopes, 3, 4)
			return m
		}(), nil},
		"a scope comes": {orders(), func() access.Model {
			m := orders()
			m.Scopes = append(m.Scopes, access.Scope{Value: "Orders.View", Title: "x"})
			return m
		}(), nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, test.before.Validate(access.ValidateOptions{}))
			require.NoError(t, test.after.Validate(access.ValidateOptions{}))
			require.Equal(t, test.want, walk(t, test.before, test.after))
		})
	}
}

func TestRoutesTakeTheOldScopeUntilItIsRemoved(t *testing.T) {
	t.Parallel()
	before, after := orders(), renamed(orders(), "Orders.Read", "Orders.View")
	stands := before
	for range 4 {
		order, found := review.Plan(&review.Deployment{Model: stands}, review.Deployment{Model: after})
		require.True(t, found)
		require.Equal(t, []review.Rename{{
			Old: "Orders.Read", New: []string{"Orders.View"},
			Routes: []string{"GET /orders/{id}", "GET /orders", "GET /report"}, Clients: []string{"spa", "web"},
		}}, order.Renames)
		stands = order.Model
		require.Contains(t, stands.Routes[2].Scopes, "Orders.Read", "tokens at hand carry it")
	}
	require.True(t, stands.Scopes[0].Retired())
	order, found := review.Plan(&review.Deployment{Model: stands}, review.Deployment{Model: after})
	require.True(t, found)
	require.Equal(t, after, order.Model)
	require.Equal(t, "Orders.Read is renamed to Orders.View: step 6 of 7, wait-tokens.", order.Words)
}

func TestRenamesThatCannotBeBothSay(t *testing.T) {
	t.Parallel()
	order, found := review.Plan(&review.Deployment{Model: orders()}, review.Deployment{Model: renamed(orders(), "Orders.Read", "Orders.READ")})
	require.True(t, found)
	require.Contains(t, order.Problem, "value is declared twice")
	require.Empty(t, order.Steps)
	require.Equal(t, orders(), order.Model)

	full := orders()
	for i := range access.MaxScopesPerRoute - 1 {
		value := fmt.Sprintf("More.%d", i)
		full.Scopes = append(full.Scopes, access.Scope{Value: value, Title: "x"})
		full.Routes[2].Scopes = append(full.Routes[2].Scopes, value)
	}
	order, found = review.Plan(&review.Deployment{Model: full}, review.Deployment{Model: renamed(full, "Orders.Read", "Orders.View")})
	require.True(t, found)
	require.Contains(t, order.Problem, "too many scopes")
}

func TestNothingDeployedHasNoPlan(t *testing.T) {
	t.Parallel()
	_, found := review.Plan(nil, review.Deployment{Model: orders()})
	require.False(t, found)
}

// TestNobodyLosesAccessOnTheWay plans between random models.
func TestNobodyLosesAccessOnTheWay(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(13, 14))
	walked := 0
	for range 1500 {
		before := randomModel(r)
		after := mutated(r, before)
		switch r.IntN(3) {
		case 0:
			after = randomModel(r)
		case 1:
			if len(before.Scopes) > 0 {
				after = renamed(after, before.Scopes[0].Value, "New.1", "New.2")
			}
		}
		if after.Validate(access.ValidateOptions{}) != nil {
			continue
		}
		if len(walk(t, before, after)) > 0 {
			walked++
		}
	}
	require.Greater(t, walked, 300)
}
