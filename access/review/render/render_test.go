package render_test

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/review"
	"github.com/entragate/entragate/access/review/render"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// formats are the four, each with a terminal's width where that matters.
var formats = map[string]func(io.Writer, review.Review) error{
	"txt":  func(w io.Writer, r review.Review) error { return render.Table(w, r, 100) },
	"md":   render.Markdown,
	"json": render.JSON,
	"html": render.HTML,
}

func render4(t *testing.T, format string, r review.Review) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, formats[format](&b, r))
	return b.String()
}

// deployed is a small model, and wanted what it is to become: a route turns public,
// a client is granted a scope, a daemon loses its role, a route goes and one comes.
func deployed() access.Model {
	return access.Model{
		Scopes: []access.Scope{
			{Value: "Orders.Read", Title: "Read orders"},
			{Value: "Orders.Write", Title: "Change orders"},
			{Value: "Profile.Read", Title: "Read your profile"},
		},
		Roles: []access.Role{{Value: "Orders.Export", Title: "Export orders"}},
		Clients: []access.Client{
			{Name: "spa", Kind: access.ClientSPA, RedirectURIs: []string{"https://orders.example.com/"}, Scopes: []string{"Orders.Read"}},
			{Name: "export", Kind: access.ClientDaemon, Roles: []string{"Orders.Export"}},
		},
		Backends: []access.Backend{{Name: "orders", URL: "https://orders.internal.example.com"}},
		Routes: []access.Route{
			{Key: "GET /health", Public: "load balancers ask without a token"},
			{Key: "GET /orders/{id}", Scopes: []string{"Orders.Read"}},
			{Key: "POST /orders", Scopes: []string{"Orders.Write"}},
			{Key: "GET /me", Scopes: []string{"Profile.Read"}},
			{Key: "GET /exports", Roles: []string{"Orders.Export"}},
			{Key: "GET /old", Scopes: []string{"Orders.Read"}},
		},
		Assignment: access.Assignment{Users: []string{"a0000000-0000-4000-8000-000000000001"}},
	}
}

func wanted() access.Model {
	m := deployed()
	m.Scopes[2].Consent = access.ConsentUser
	m.Clients[0].Scopes = []string{"Orders.Read", "Orders.Write"}
	m.Clients[1].Roles = nil
	m.Routes[1].Public, m.Routes[1].Scopes = "a catalogue", nil
	m.Routes[5] = access.Route{Key: "DELETE /orders/{id}", Scopes: []string{"Orders.Write"}}
	return m
}

// compare makes a review with the cells that differ. cause names the findings that
// explain a cell.
func compare(before, after access.Model, cause func(route, caller string) []string) review.Review {
	r := review.Review{Before: before.Matrix(), After: after.Matrix()}
	routes := slices.Clone(r.After.Routes)
	for _, route := range r.Before.Routes {
		if !slices.Contains(routes, route) {
			routes = append(routes, route)
		}
	}
	callers := slices.Clone(r.After.Callers)
	for _, c := range r.Before.Callers {
		if !slices.ContainsFunc(callers, func(known access.Caller) bool { return known.ID == c.ID }) {
			callers = append(callers, c)
		}
	}
	for _, route := range routes {
		for _, c := range callers {
			was, had := r.Before.At(route, c.ID)
			is, has := r.After.At(route, c.ID)
			if was == is || !had && !is.Allowed || !has && !was.Allowed {
				continue
			}
			change := review.CellChange{Route: route, Caller: c.ID, Kind: review.Neutral, Causes: cause(route, c.ID)}
			if had {
				change.Before = &was
			}
			if has {
				change.After = &is
			}
			switch {
			case is.Allowed && !was.Allowed:
				change.Kind = review.Widening
			case was.Allowed && !is.Allowed:
				change.Kind = review.Breaking
			}
			r.Cells = append(r.Cells, change)
		}
	}
	return r
}

const (
	lasting = "tokens issued before carry it until they expire, up to 90 minutes"
	atOnce  = "nothing to do: the gateway decides about the next call"
)

// example is a review with something of everything.
func example() review.Review {
	r := compare(deployed(), wanted(), func(route, caller string) []string {
		switch {
		case route == "GET /orders/{id}":
			return []string{"route-public GET /orders/{id}"}
		case route == "GET /old":
			return []string{"route-removed GET /old"}
		case caller == "export:app":
			return []string{"role-unassigned export"}
		case caller == "other-client":
			return []string{"scope-consent-opened Profile.Read"}
		case route == "DELETE /orders/{id}":
			return []string{"client-grant-added spa", "route-added DELETE /orders/{id}"}
		default:
			return []string{"client-grant-added spa"}
		}
	})
	r.Findings = []review.Finding{
		{
			ID: "route-public GET /orders/{id}", Rule: "route-public", Kind: review.Widening, Dangerous: true, Subject: "GET /orders/{id}", Route: "GET /orders/{id}",
			Words: "GET /orders/{id} turns public: everybody may call it.", Cause: `public: "a catalogue"`, Setting: "routes[1].public",
			Resource: "urn:pulumi:dev::entragate::aws:apigatewayv2/route:Route::get-orders-id", Tokens: atOnce,
		},
		{
			ID: "scope-consent-opened Profile.Read", Rule: "scope-consent-opened", Kind: review.Widening, Dangerous: true, Subject: "Profile.Read",
			Words: "Users may consent to Profile.Read for any client.", Cause: "consent admin -> user", Setting: "scopes[2].consent", Callers: []string{"other-client"},
			Tokens:       lasting,
			Acknowledged: &review.Acknowledgement{Rule: "scope-consent-opened", Subject: "Profile.Read", Reason: "partners' clients show the profile", Expires: "2026-12-31"},
		},
		{
			ID: "client-grant-added spa", Rule: "client-grant-added", Kind: review.Widening, Subject: "spa", Words: "spa is granted Orders.Write.",
			Cause: "scope Orders.Write granted", Setting: "clients[0].scopes", Routes: []string{"POST /orders", "DELETE /orders/{id}"}, Callers: []string{"spa:user"}, Tokens: "users get it with their next token",
		},
		{
			ID: "route-added DELETE /orders/{id}", Rule: "route-added", Kind: review.Widening, Subject: "DELETE /orders/{id}", Route: "DELETE /orders/{id}",
			Words: "DELETE /orders/{id} is new.", Cause: "route added", Setting: "routes[5]", Tokens: atOnce,
		},
		{
			ID: "role-unassigned export", Rule: "role-unassigned", Kind: review.Breaking, Dangerous: true, Subject: "export", Words: "export no longer holds Orders.Export.",
			Cause: "role Orders.Export taken away", Setting: "clients[1].roles", Callers: []string{"export:app"}, Tokens: lasting, Expired: true,
			Acknowledged: &review.Acknowledgement{Rule: "role-unassigned", Reason: "the export moves", Expires: "2026-11-01"},
		},
		{
			ID: "route-removed GET /old", Rule: "route-removed", Kind: review.Breaking, Subject: "GET /old", Route: "GET /old", Words: "GET /old is gone.",
			Cause: "route removed", Setting: "routes[5]", Tokens: atOnce,
		},
		{
			ID: "client-cut-off export", Rule: "client-cut-off", Kind: review.Breaking, Dangerous: true, Subject: "export", Words: "export can call nothing any more.",
			Because: []string{"role-unassigned export"},
		},
		{
			ID: "throttle-loosened api", Rule: "throttle-loosened", Kind: review.Widening, Subject: "api", Words: "200 calls a second are let through, 100 before.",
			Cause: "throttle.rate 100 -> 200", Setting: "throttle.rate", Unseen: "the matrix does not show how often",
		},
		{ID: "scope-text-changed Orders.Read", Rule: "scope-text-changed", Kind: review.Neutral, Subject: "Orders.Read", Words: "The title of Orders.Read is another."},
	}
	r.Resources = []review.Change{
		{Op: review.OpUpdate, Type: "aws:apigatewayv2/route:Route", Name: "get-orders-id", URN: "urn:pulumi:dev::entragate::aws:apigatewayv2/route:Route::get-orders-id", Keys: []string{"authorizationType", "authorizerId"}},
		{Op: review.OpDelete, Type: "azuread:index/appRoleAssignment:AppRoleAssignment", Name: "export-orders-export", URN: "urn:pulumi:dev::entragate::azuread:index/appRoleAssignment:AppRoleAssignment::export-orders-export"},
	}
	r.Order = &review.SafeOrder{
		Renames: []review.Rename{{Old: "Orders.Read", New: []string{"Orders.View"}}}, Next: 1, Words: "Orders.Read becomes Orders.View: step 2 of 3 is next.",
		Steps: []review.Step{
			{Name: review.StepAdd, State: review.StepDone, Deploy: true, Words: "Declare Orders.View."},
			{Name: review.StepGrant, State: review.StepNext, Deploy: true, Words: "Grant Orders.View to spa."},
			{Name: review.StepWaitTokens, State: review.StepLater, Words: "Wait until no token carries Orders.Read.", Tokens: "90 minutes"},
		},
	}
	r.Verdict = review.Verdict{
		Widening: 5, Breaking: 3, Neutral: 1, UnacknowledgedWidening: 4, UnacknowledgedBreaking: 3, Exit: review.ExitWidening,
		Words: "Of the access matrix, 13 cells open and 2 close. Findings: 5 widening, 3 breaking, 1 neutral; 7 not acknowledged, 3 of them dangerous.",
	}
	return r
}

// unchanged is the review of a stack that stays as it is.
func unchanged() review.Review {
	mx := deployed().Matrix()
	return review.Review{Before: mx, After: mx, Verdict: review.Verdict{Words: "Nothing changes: nobody gains or loses access."}}
}

// first is the review of a stack of which nothing is deployed.
func first() review.Review {
	r := compare(access.Model{}, deployed(), func(string, string) []string { return []string{"first-deployment"} })
	r.Before = access.Matrix{}
	r.Findings = []review.Finding{{ID: "first-deployment", Rule: "first-deployment", Kind: review.Widening, Words: "Nothing is deployed yet."}}
	r.Verdict = review.Verdict{Widening: 1, UnacknowledgedWidening: 1, Exit: review.ExitWidening, Words: "All access is new."}
	return r
}

// vast is a review of 300 routes and 60 callers in which every cell changes.
func vast() review.Review { return large(300, 60) }

func large(routes, callers int) review.Review {
	var before, after access.Matrix
	for j := range callers {
		c := access.Caller{ID: fmt.Sprintf("client-%d:user", j), Title: fmt.Sprintf("user of client-%d", j), Kind: access.CallerUser, Client: fmt.Sprintf("client-%d", j)}
		before.Callers, after.Callers = append(before.Callers, c), append(after.Callers, c)
	}
	before.Cells, after.Cells = map[string]map[string]access.Decision{}, map[string]map[string]access.Decision{}
	denied := access.Decision{Status: 403, Reason: access.ReasonMissingScope, Words: "refused 403: has Orders.Read Invoices.Read, needs Customers.Manage"}
	allowed := access.Decision{Allowed: true, By: "Customers.Manage", Reason: access.ReasonScope, Words: "allowed by Customers.Manage"}
	var r review.Review
	for i := range routes {
		route := fmt.Sprintf("GET /tenants/{tenant}/customers/{customer}/records-%d", i)
		before.Routes, after.Routes = append(before.Routes, route), append(after.Routes, route)
		before.Cells[route], after.Cells[route] = map[string]access.Decision{}, map[string]access.Decision{}
		finding := review.Finding{
			ID: "route-scope-added " + route, Rule: "route-scope-added", Kind: review.Widening, Subject: route, Route: route, Words: route + " takes one more scope.",
			Cause: "scope Customers.Manage added", Setting: fmt.Sprintf("routes[%d].scopes", i), Tokens: atOnce,
		}
		for _, c := range before.Callers {
			before.Cells[route][c.ID], after.Cells[route][c.ID] = denied, allowed
			r.Cells = append(r.Cells, review.CellChange{Route: route, Caller: c.ID, Before: &denied, After: &allowed, Kind: review.Widening, Causes: []string{finding.ID}})
			finding.Callers = append(finding.Callers, c.ID)
		}
		r.Findings = append(r.Findings, finding)
	}
	r.Before, r.After = before, after
	r.Verdict = review.Verdict{Widening: routes, UnacknowledgedWidening: routes, Exit: review.ExitWidening, Words: "Every cell of the access matrix opens."}
	return r
}

func TestFormatsAreThoseThatReviewersRead(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]review.Review{"change": example(), "no-change": unchanged(), "first": first()} {
		for format := range formats {
			golden(t, name+"."+format, render4(t, format, r))
		}
	}
}
