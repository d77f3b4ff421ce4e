package review_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/review"
)

// large is a model at the limits of one API: 300 routes, each of other scopes,
// and 30 clients.
func large() access.Model {
	var m access.Model
	var scopes []string
	for i := range 310 {
		scopes = append(scopes, fmt.Sprintf("Scope.%d", i))
		m.Scopes = append(m.Scopes, access.Scope{Value: scopes[i], Title: "x"})
	}
	m.Roles = []access.Role{{Value: "Role", Title: "x"}}
	for i := range 30 {
		c := access.Client{
			Name: fmt.Sprintf("c%d", i), Kind: access.ClientSPA, RedirectURIs: []string{"https://a.example.com/"},
			Scopes: scopes[i*9 : i*9+40],
		}
		if i%4 == 3 {
			c = access.Client{Name: c.Name, Kind: access.ClientDaemon, Roles: []string{"Role"}}
		}
		m.Clients = append(m.Clients, c)
	}
	m.Backends = []access.Backend{{Name: "b", URL: "https://b.example.com"}}
	for i := range access.MaxRoutes {
		r := access.Route{Key: fmt.Sprintf("GET /r%d/{id}", i), Scopes: scopes[i : i+10]}
		if i%3 == 0 {
			r.Roles = []string{"Role"}
		}
		m.Routes = append(m.Routes, r)
	}
	m.Assignment.Users = []string{aliceID}
	return m
}

// upheaval changes something about every cell of a large model: every route and
// client, scopes, and who must be assigned.
func upheaval() access.Model {
	m := large()
	no := false
	m.Assignment.Required = &no
	for i := range m.Scopes {
		switch i % 5 {
		case 0:
			m.Scopes[i].Consent = access.ConsentUser
		case 1:
			m.Scopes[i].State = access.StateRetired
		}
	}
	for i := range m.Routes {
		r := &m.Routes[i]
		switch i % 4 {
		case 0:
			r.Roles = nil
			r.Scopes = r.Scopes[2:]
		case 1:
			r.Roles = []string{"Role"}
		case 2:
			r.Scopes = append([]string{"Scope.0", "Scope.300"}, r.Scopes[4:]...)
			if i == 298 || i >= 290 {
				r.Scopes = r.Scopes[:1]
			}
		default:
			if i%20 == 3 {
				r.Scopes, r.Roles, r.Public = nil, nil, "opened"
			}
		}
	}
	for i := range m.Clients {
		if c := &m.Clients[i]; c.Kind.IsDelegated() {
			c.Scopes = c.Scopes[5:35]
		}
	}
	return m
}

// TestLargeModelsAreComparedQuickly has a bound that a slow machine keeps, too;
// the benchmark tells how long it takes.
func TestLargeModelsAreComparedQuickly(t *testing.T) {
	before, after := large(), upheaval()
	require.NoError(t, before.Validate(access.ValidateOptions{}))
	require.NoError(t, after.Validate(access.ValidateOptions{}))
	started := time.Now()
	got := compare(before, after)
	took := time.Since(started)
	check(t, before, after, got)
	t.Logf("%d cells, %d findings in %v", len(got.Cells), len(got.Findings), took)
	require.Less(t, took, 20*time.Second)
}

func BenchmarkCompareUpheaval(b *testing.B) { benchmark(b, upheaval()) }

func BenchmarkCompareNothing(b *testing.B) { benchmark(b, large()) }

func BenchmarkCompareOneGrant(b *testing.B) {
	after := large()
	after.Clients[0].Scopes = append(after.Clients[0].Scopes[:40:40], "Scope.200")
	benchmark(b, after)
}

func BenchmarkCompareAssignment(b *testing.B) {
	after := large()
	after.Assignment.Users = nil
	benchmark(b, after)
}

func benchmark(b *testing.B, after access.Model) {
	b.Helper()
	before, now := review.Deployment{Model: large()}, review.Deployment{Model: after}
	for b.Loop() {
		review.Compare(&before, now, nil, review.Options{})
	}
}
