package review_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/review"
)

func TestAcknowledgementsThatAreRefused(t *testing.T) {
	t.Parallel()
	good := review.Acknowledgement{Rule: "route-public", Subject: "GET /a", Reason: "open data", Expires: "2026-06-30"}
	tests := map[string]struct {
		change func(*review.Acknowledgement)
		want   string
	}{
		"unknown rule":          {func(a *review.Acknowledgement) { a.Rule = "route-pubic" }, `rule: unknown rule: got "route-pubic", want "route-public"`},
		"a rule like no other":  {func(a *review.Acknowledgement) { a.Rule = "everything" }, `rule: unknown rule: got "everything", want the id of a rule`},
		"every rule":            {func(a *review.Acknowledgement) { a.Rule = "*" }, `rule: unknown rule: got "*"`},
		"no rule":               {func(a *review.Acknowledgement) { a.Rule = "" }, `rule: unknown rule: want`},
		"no reason":             {func(a *review.Acknowledgement) { a.Reason = "" }, "reason: missing reason"},
		"a blank reason":        {func(a *review.Acknowledgement) { a.Reason = " \t" }, "reason: missing reason"},
		"no date":               {func(a *review.Acknowledgement) { a.Expires = "" }, "expires: malformed date"},
		"a time":                {func(a *review.Acknowledgement) { a.Expires = "2026-06-30T00:00:00Z" }, "expires: malformed date"},
		"a day that is not":     {func(a *review.Acknowledgement) { a.Expires = "2026-02-30" }, "expires: malformed date"},
		"more than a year away": {func(a *review.Acknowledgement) { a.Expires = "2027-03-02" }, "expires: more than a year ahead"},
		"for ever":              {func(a *review.Acknowledgement) { a.Expires = "9999-12-31" }, "expires: more than a year ahead"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := good
			test.change(&a)
			require.ErrorContains(t, a.Validate(now), test.want)
		})
	}
	require.NoError(t, good.Validate(now))
	good.Expires = "2027-03-01"
	require.NoError(t, good.Validate(now))
	good.Expires = "2020-01-01"
	require.NoError(t, good.Validate(now), "expired is not wrong: it does not count")
	var problems access.Problems
	require.ErrorAs(t, review.Acknowledgement{}.Validate(now), &problems)
	require.Len(t, problems, 3)
}

func TestAcknowledged(t *testing.T) {
	t.Parallel()
	public := func(d *review.Deployment) {
		d.Model.Routes[2] = access.Route{Key: "GET /orders", Public: "open data"}
	}
	grant := func(d *review.Deployment) { d.Model.Clients[1].Scopes = []string{"Orders.Read"} }
	ack := func(rule, subject, expires string) review.Acknowledgement {
		return review.Acknowledgement{Rule: rule, Subject: subject, Reason: "meant", Expires: expires}
	}
	tests := map[string]struct {
		changes      []func(*review.Deployment)
		acknowledged []review.Acknowledgement
		now          time.Time
		exit         int
		expired      []string
		unused       int
	}{
		"nothing":                         {changes: []func(*review.Deployment){public}, exit: 3},
		"the finding":                     {changes: []func(*review.Deployment){public}, acknowledged: []review.Acknowledgement{ack("route-public", "GET /orders", "2026-03-01")}},
		"every one of the rule":           {changes: []func(*review.Deployment){public}, acknowledged: []review.Acknowledgement{ack("route-public", "*", "2026-03-01")}},
		"the rule without a subject":      {changes: []func(*review.Deployment){public}, acknowledged: []review.Acknowledgement{ack("route-public", "", "2026-03-01")}},
		"another subject":                 {changes: []func(*review.Deployment){public}, acknowledged: []review.Acknowledgement{ack("route-public", "GET /ORDERS", "2026-03-01")}, exit: 3, unused: 1},
		"another rule":                    {changes: []func(*review.Deployment){public}, acknowledged: []review.Acknowledgement{ack("route-added", "GET /orders", "2026-03-01")}, exit: 3, unused: 1},
		"the consequence alone":           {changes: []func(*review.Deployment){public}, acknowledged: []review.Acknowledgement{ack("opens-to-everyone", "GET /orders", "2026-03-01")}, exit: 3},
		"what does not change any more":   {acknowledged: []review.Acknowledgement{ack("route-public", "GET /orders", "2026-03-01")}, unused: 1},
		"widening but not breaking":       {changes: []func(*review.Deployment){public, grant}, acknowledged: []review.Acknowledgement{ack("route-public", "", "2026-03-01")}, exit: 2},
		"breaking but not widening":       {changes: []func(*review.Deployment){public, grant}, acknowledged: []review.Acknowledgement{ack("client-grant-removed", "", "2026-03-01")}, exit: 3},
		"both":                            {changes: []func(*review.Deployment){public, grant}, acknowledged: []review.Acknowledgement{ack("client-grant-removed", "web Orders.Write", "2026-03-01"), ack("route-public", "", "2026-03-01")}},
		"expired":                         {changes: []func(*review.Deployment){public}, acknowledged: []review.Acknowledgement{ack("route-public", "", "2026-02-28")}, exit: 3, expired: []string{"route-public GET /orders"}},
		"the last moment":                 {changes: []func(*review.Deployment){public}, acknowledged: []review.Acknowledgement{ack("route-public", "", "2026-03-01")}, now: time.Date(2026, 3, 1, 23, 59, 59, 0, time.UTC)},
		"the moment after":                {changes: []func(*review.Deployment){public}, acknowledged: []review.Acknowledgement{ack("route-public", "", "2026-03-01")}, now: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), exit: 3, expired: []string{"route-public GET /orders"}},
		"expired and another that is not": {changes: []func(*review.Deployment){public}, acknowledged: []review.Acknowledgement{ack("route-public", "", "2026-02-28"), ack("route-public", "GET /orders", "2026-03-01")}},
		"no date":                         {changes: []func(*review.Deployment){public}, acknowledged: []review.Acknowledgement{ack("route-public", "", "")}, exit: 3, expired: []string{"route-public GET /orders"}},
		"no reason":                       {changes: []func(*review.Deployment){public}, acknowledged: []review.Acknowledgement{{Rule: "route-public", Expires: "2026-03-01"}}, exit: 3, expired: []string{"route-public GET /orders"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := deployed(), deployed()
			before.Model, after.Model = clone(before.Model), clone(after.Model)
			for _, change := range test.changes {
				change(&after)
			}
			if test.now.IsZero() {
				test.now = now
			}
			got := review.Compare(&before, after, nil, review.Options{Now: test.now, Acknowledged: test.acknowledged})
			require.Equal(t, test.exit, got.Verdict.Exit, got.Verdict.Words)
			var expired []string
			unused := 0
			for _, f := range got.Findings {
				if f.Expired {
					expired = append(expired, f.ID)
					require.NotNil(t, f.Acknowledged)
				}
				if f.Rule == "acknowledgement-unused" {
					unused++
				}
			}
			require.Equal(t, test.expired, expired)
			require.Equal(t, test.unused, unused)
		})
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	before, after := deployed(), deployed()
	after.Model.Routes[2] = access.Route{Key: "GET /orders", Public: "open data"}
	got := review.Compare(&before, after, nil, review.Options{Now: now}).Verdict
	require.Equal(t, 2, got.Widening)
	require.Equal(t, 2, got.UnacknowledgedWidening)
	require.Zero(t, got.Breaking)
	require.Contains(t, got.Words, "cells open and 0 close. Findings: 2 widening, 0 breaking, 0 neutral; 2 not acknowledged, 2 of them dangerous.")

	same := review.Compare(&before, before, []review.Change{{Op: review.OpUpdate, Type: "aws:lambda/function:Function"}}, review.Options{Now: now})
	require.Equal(t, "Nobody gains or loses access. 1 resource changes.", same.Verdict.Words)
	require.Equal(t, review.ExitOK, same.Verdict.Exit)
}

func TestTokensAreOfTheLifetimeThatIsGiven(t *testing.T) {
	t.Parallel()
	before, after := deployed(), deployed()
	after.Model.Clients[1].Scopes = []string{"Orders.Read"}
	tokens := func(o review.Options, grants string) string {
		after.Grants, before.Grants = grants, grants
		for _, f := range review.Compare(&before, after, nil, o).Findings {
			if f.Rule == "client-grant-removed" {
				return f.Tokens
			}
		}
		return ""
	}
	require.Contains(t, tokens(review.Options{}, review.GrantsManaged), "up to 90 minutes, or up to 24 hours under a token lifetime policy")
	require.Contains(t, tokens(review.Options{TokenLifetime: 4 * time.Hour}, review.GrantsManaged), "up to 240 minutes. ")
	require.Contains(t, tokens(review.Options{}, review.GrantsExternal), "until an administrator does it")
}

// TestFindingsNameTheirResource: by the names that the components give.
func TestFindingsNameTheirResource(t *testing.T) {
	t.Parallel()
	before, after := deployed(), deployed()
	after.Model = clone(after.Model)
	after.Model.Clients[0].RedirectURIs = append(after.Model.Clients[0].RedirectURIs, "https://new.example.com/")
	after.Model.Clients = append(after.Model.Clients, access.Client{Name: "new-spa", Kind: access.ClientNative, Scopes: []string{"Orders.Read"}})
	after.Model.Routes[2].Scopes = []string{"Orders.Write"}
	changes := []review.Change{
		ofResource(review.OpCreate, "azuread:index/application:Application", "orders-new-spa", "entragate:index:ClientApplication$"),
		ofResource(review.OpUpdate, "azuread:index/application:Application", "orders-spa", "entragate:index:ClientApplication$"),
		ofResource(review.OpUpdate, "aws:apigatewayv2/route:Route", "orders-GET /orders", "entragate:index:Gateway$"),
	}
	for _, f := range review.Compare(&before, after, changes, review.Options{Now: now}).Findings {
		switch f.Rule {
		case "client-added":
			require.Equal(t, changes[0].URN, f.Resource)
		case "redirect-uri-added":
			require.Equal(t, changes[1].URN, f.Resource)
		case "route-scope-dropped", "route-scope-added":
			require.Equal(t, changes[2].URN, f.Resource)
		}
	}
}
