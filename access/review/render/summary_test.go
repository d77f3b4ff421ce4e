package render_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/review"
)

// summaryOf are the sentences of a review: who gains, who loses, what opens and
// what becomes unreachable.
func summaryOf(t *testing.T, r review.Review) map[string][]string {
	t.Helper()
	type entry struct{ Words string }
	var doc struct {
		Verdict struct{ Gains, Loses, Opens, Unreachable []entry }
	}
	require.NoError(t, json.Unmarshal([]byte(render4(t, "json", r)), &doc))
	out := map[string][]string{}
	for name, entries := range map[string][]entry{
		"gains": doc.Verdict.Gains, "loses": doc.Verdict.Loses, "opens": doc.Verdict.Opens, "unreachable": doc.Verdict.Unreachable,
	} {
		for _, e := range entries {
			out[name] = append(out[name], e.Words)
		}
	}
	return out
}

func TestSummarySaysWhoGainsAndLoses(t *testing.T) {
	t.Parallel()
	no := false
	for name, tt := range map[string]struct {
		before, after func(m *access.Model)
		want          map[string][]string
	}{
		"nothing changes": {want: map[string][]string{}},
		"a route turns public": {
			after: func(m *access.Model) { m.Routes[2].Scopes, m.Routes[2].Public = nil, "because" },
			want: map[string][]string{
				"gains": {"POST /orders: everyone, even without a token"},
				"opens": {"POST /orders: everyone, even without a token"},
			},
		},
		"a public route is protected": {
			before: func(m *access.Model) { m.Routes[2].Scopes, m.Routes[2].Public = nil, "because" },
			want: map[string][]string{
				"loses": {
					"POST /orders: anonymous, spa:user, export:app, unassigned-user, unassigned-daemon, other-client, callers with any wrong token",
				},
				"unreachable": {"POST /orders: nobody can call it any more"},
			},
		},
		"two routes take a scope that a client holds": {
			after: func(m *access.Model) {
				m.Routes[2].Scopes, m.Routes[3].Scopes = []string{"Orders.Read"}, []string{"Orders.Read"}
			},
			want: map[string][]string{"gains": {"POST /orders, GET /me: spa:user"}},
		},
		"a daemon loses its role": {
			after: func(m *access.Model) { m.Clients[1].Roles = nil },
			want: map[string][]string{
				"loses":       {"GET /exports: export:app"},
				"unreachable": {"GET /exports: nobody can call it any more", "export:app: can call nothing any more that needs a token"},
			},
		},
		"a client is removed": {
			after: func(m *access.Model) { m.Clients = m.Clients[1:] },
			want: map[string][]string{
				"loses": {"GET /health: spa:user", "GET /orders/{id}, GET /old: spa:user"},
				"unreachable": {
					"GET /orders/{id}, GET /old: nobody can call it any more", "spa:user: can call nothing any more that needs a token",
				},
			},
		},
		"a route goes": {
			after: func(m *access.Model) { m.Routes = m.Routes[:5] },
			want: map[string][]string{
				"loses": {"GET /old: spa:user"}, "unreachable": {"GET /old: the route is gone"},
			},
		},
		"a route goes that nobody could call": {
			after: func(m *access.Model) { m.Routes = append(m.Routes[:2:2], m.Routes[3:]...) },
			want:  map[string][]string{},
		},
		"a new route that nobody can call": {
			after: func(m *access.Model) {
				m.Routes = append(m.Routes, access.Route{Key: "PUT /orders", Scopes: []string{"Orders.Write"}})
			},
			want: map[string][]string{},
		},
		"assignment is no longer required": {
			after: func(m *access.Model) { m.Assignment = access.Assignment{Required: &no} },
			want: map[string][]string{
				"gains": {"GET /orders/{id}, GET /old: unassigned-user"},
				"opens": {"GET /orders/{id}, GET /old: every user of the tenant, assigned or not"},
			},
		},
		"users may consent, where assignment is required": {
			after: func(m *access.Model) { m.Scopes[1].Consent = access.ConsentUser },
			want: map[string][]string{
				"gains": {"POST /orders: other-client"},
				"opens": {"POST /orders: users of any client of the tenant, as far as Microsoft documents it"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := deployed(), deployed()
			if tt.before != nil {
				tt.before(&before)
			}
			if tt.after != nil {
				tt.after(&after)
			}
			require.Equal(t, tt.want, summaryOf(t, compare(before, after, func(string, string) []string { return []string{"x"} })))
		})
	}
}

// TestWiderRouteTakesTheRequests: what is gone may be decided by a wider route.
func TestWiderRouteTakesTheRequests(t *testing.T) {
	t.Parallel()
	before, after := deployed(), deployed()
	before.Routes = append(before.Routes, access.Route{Key: "$default", Public: "a page"})
	after.Routes = append(after.Routes[:5], before.Routes[6])
	r := compare(before, after, func(string, string) []string { return []string{"route-uncovered GET /old"} })
	page := access.Decision{Allowed: true, By: "public", Reason: access.ReasonPublic, Words: "allowed: public"}
	r.Cells = nil
	for _, caller := range []string{"anonymous", "spa:user"} {
		was, _ := r.Before.At("GET /old", caller)
		kind := review.Widening
		if was.Allowed {
			kind = review.Neutral
		}
		r.Cells = append(r.Cells, review.CellChange{
			Route: "GET /old", Caller: caller, Before: &was, After: &page, Instead: "$default", Kind: kind, Causes: []string{"route-uncovered GET /old"},
		})
	}
	require.Equal(t, map[string][]string{
		"gains": {"GET /old: everyone, even without a token"}, "opens": {"GET /old: everyone, even without a token"},
	}, summaryOf(t, r))
	require.Contains(t, render4(t, "txt", r), "+ 401 no token -> yes public by $default")
	require.Contains(t, render4(t, "html", r), "yes public by $default")
	require.Contains(t, render4(t, "md", r), `| refused 401: no token | allowed: public by \$&#8203;default |`)
}

func TestHeadlineNamesTheVerdict(t *testing.T) {
	t.Parallel()
	finding := []review.Finding{{ID: "x", Rule: "x"}}
	for want, r := range map[string]review.Review{
		"no change (exit code 0)":             {},
		"neutral (exit code 0)":               {Findings: finding, Verdict: review.Verdict{Neutral: 1}},
		"acknowledged (exit code 0)":          {Findings: finding, Verdict: review.Verdict{Widening: 1}},
		"breaking (exit code 2)":              {Findings: finding, Verdict: review.Verdict{Breaking: 1, UnacknowledgedBreaking: 1, Exit: 2}},
		"widening (exit code 3)":              {Findings: finding, Verdict: review.Verdict{Widening: 1, UnacknowledgedWidening: 1, Exit: 3}},
		"widening and breaking (exit code 3)": {Findings: finding, Verdict: review.Verdict{UnacknowledgedWidening: 1, UnacknowledgedBreaking: 1, Exit: 3}},
	} {
		for format := range formats {
			require.Contains(t, render4(t, format, r), want, format)
		}
	}
}

func TestJSONIsTheReview(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]review.Review{"change": example(), "first": first(), "vast": vast()} {
		var got review.Review
		raw := render4(t, "json", want)
		require.NoError(t, json.Unmarshal([]byte(raw), &got))
		require.Equal(t, want.Cells, got.Cells, name)
		require.Equal(t, want.Verdict, got.Verdict, name)
		require.Equal(t, want.Findings, got.Findings, name)
		require.Equal(t, want.After, got.After, name)
		require.Equal(t, raw, render4(t, "json", want), "the same review is the same JSON")
	}
	require.NotContains(t, render4(t, "json", review.Review{}), "null")
}
