package access_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/policy"
)

func TestMatrixDecidesEveryCallerOnEveryRoute(t *testing.T) {
	t.Parallel()
	const (
		required    = "assignment required"
		notRequired = "assignment not required"
	)
	models := map[string]access.Model{required: orders(), notRequired: optional()}
	for _, tt := range []struct {
		model, route, caller, words string
		want                        access.Decision
	}{
		{required, "GET /health", "anonymous", "allowed: public", access.Decision{Allowed: true, By: "public", Reason: access.ReasonPublic}},
		{required, "GET /health", "expired-token", "allowed: public", access.Decision{Allowed: true, By: "public", Reason: access.ReasonPublic}},
		{required, "GET /health", "unassigned-user", "allowed: public", access.Decision{Allowed: true, By: "public", Reason: access.ReasonPublic}},
		{required, "GET /orders/{id}", "anonymous", "refused 401: no token", access.Decision{Status: 401, Reason: access.ReasonNoToken}},
		{required, "GET /orders/{id}", "spa:user", "allowed by Orders.Read", access.Decision{Allowed: true, By: "Orders.Read", Reason: access.ReasonScope}},
		{required, "POST /orders", "spa:user", "refused 403: has Orders.Read, needs Orders.Write", access.Decision{Status: 403, Reason: access.ReasonMissingScope}},
		{required, "POST /orders", "web:user", "allowed by Orders.Write", access.Decision{Allowed: true, By: "Orders.Write", Reason: access.ReasonScope}},
		{required, "GET /old", "cli:user", "refused 403: has Profile.Read, needs Orders.Old (retired)", access.Decision{Status: 403, Reason: access.ReasonMissingScope}},
		{required, "GET /me", "spa:user", "refused 403: has Orders.Read, needs Profile.Read; users may consent to Profile.Read", access.Decision{Status: 403, Reason: access.ReasonMissingScope}},
		{required, "ANY /files/{proxy+}", "cli:user", "refused 403: has Profile.Read, needs Orders.Read or Orders.Old (retired)", access.Decision{Status: 403, Reason: access.ReasonMissingScope}},
		{required, "POST /orders", "export:app", "refused 403: an app-only token has no scope, needs Orders.Write", access.Decision{Status: 403, Reason: access.ReasonAppOnly}},
		{required, "POST /orders", "unassigned-user", "no token: not assigned to the API (AADSTS50105)", access.Decision{Reason: access.ReasonNotAssigned}},
		{required, "POST /orders", "unassigned-daemon", "no token: holds no role of the API (AADSTS501051)", access.Decision{Reason: access.ReasonNotAssigned}},
		{required, "GET /me", "other-client", "allowed by Profile.Read, to which assigned users may be able to consent", access.Decision{Allowed: true, By: "Profile.Read", Reason: access.ReasonScope, Uncertain: true}},
		{required, "POST /orders", "other-client", "refused 403: users may consent to Profile.Read only, needs Orders.Write", access.Decision{Status: 403, Reason: access.ReasonMissingScope, Uncertain: true}},
		{required, "POST /orders", "graph-token", "refused 401: the token is for Microsoft Graph", access.Decision{Status: 401, Reason: access.ReasonWrongAudience}},
		{required, "POST /orders", "other-tenant", "refused 401: the token is of another tenant", access.Decision{Status: 401, Reason: access.ReasonWrongIssuer}},
		{required, "POST /orders", "v1-token", "refused 401: a v1 token names another issuer", access.Decision{Status: 401, Reason: access.ReasonWrongIssuer}},
		{required, "POST /orders", "id-token", "refused 401: an ID token is for the client, not the API", access.Decision{Status: 401, Reason: access.ReasonWrongAudience}},
		{required, "POST /orders", "expired-token", "refused 401: the token has expired", access.Decision{Status: 401, Reason: access.ReasonExpired}},

		{required, "GET /exports", "anonymous", "refused 401: no token", access.Decision{Status: 401, Reason: access.ReasonNoToken}},
		{required, "GET /exports", "export:app", "allowed by role Orders.Export", access.Decision{Allowed: true, By: "Orders.Export", Reason: access.ReasonRole}},
		{required, "POST /imports", "export:app", "refused 403: has Orders.Export, needs role Orders.Import (retired)", access.Decision{Status: 403, Reason: access.ReasonMissingRole}},
		{required, "GET /exports", "spa:user", "refused 403: has Orders.Read, and only daemons may call: needs role Orders.Export or role Orders.Import (retired)", access.Decision{Status: 403, Reason: access.ReasonDaemonsOnly}},
		{required, "GET /exports", "user-with-roles", "refused 403: a user's roles count for nothing, and only daemons may call: needs role Orders.Export or role Orders.Import (retired)", access.Decision{Status: 403, Reason: access.ReasonDaemonsOnly}},
		{required, "GET /exports", "wrong-role", "refused 403: has a role that no route asks for, needs role Orders.Export or role Orders.Import (retired)", access.Decision{Status: 403, Reason: access.ReasonMissingRole}},
		{required, "GET /exports", "unassigned-daemon", "no token: holds no role of the API (AADSTS501051)", access.Decision{Reason: access.ReasonNotAssigned}},
		{required, "GET /exports", "other-client", "refused 403: users may consent to Profile.Read only, and only daemons may call: needs role Orders.Export or role Orders.Import (retired)", access.Decision{Status: 403, Reason: access.ReasonDaemonsOnly, Uncertain: true}},
		{required, "GET /exports", "graph-token", "refused 403: the token is for Microsoft Graph", access.Decision{Status: 403, Reason: access.ReasonWrongAudience}},
		{required, "GET /exports", "other-tenant", "refused 403: the token is of another tenant", access.Decision{Status: 403, Reason: access.ReasonWrongIssuer}},
		{required, "GET /exports", "v1-token", "refused 403: a v1 token names another issuer", access.Decision{Status: 403, Reason: access.ReasonWrongIssuer}},
		{required, "GET /exports", "id-token", "refused 403: an ID token is for the client, not the API", access.Decision{Status: 403, Reason: access.ReasonWrongAudience}},
		{required, "GET /exports", "expired-token", "refused 403: the token has expired; who was allowed before it did may be for 60 s more", access.Decision{Status: 403, Reason: access.ReasonExpired}},
		{required, "GET /report", "spa:user", "allowed by Orders.Read", access.Decision{Allowed: true, By: "Orders.Read", Reason: access.ReasonScope}},
		{required, "GET /report", "user-with-roles", "allowed by Orders.Read", access.Decision{Allowed: true, By: "Orders.Read", Reason: access.ReasonScope}},
		{required, "GET /report", "export:app", "allowed by role Orders.Export", access.Decision{Allowed: true, By: "Orders.Export", Reason: access.ReasonRole}},
		{required, "GET /report", "cli:user", "refused 403: has Profile.Read, needs Orders.Read or role Orders.Export", access.Decision{Status: 403, Reason: access.ReasonMissingScope}},
		{required, "POST /orders", "user-with-roles", "refused 403: a user's roles count for nothing, needs Orders.Write", access.Decision{Status: 403, Reason: access.ReasonMissingScope}},
		{required, "POST /orders", "wrong-role", "refused 403: an app-only token has no scope, needs Orders.Write", access.Decision{Status: 403, Reason: access.ReasonAppOnly}},

		{notRequired, "GET /exports", "unassigned-daemon", "refused 403: has no role, needs role Orders.Export or role Orders.Import (retired)", access.Decision{Status: 403, Reason: access.ReasonMissingRole}},
		{notRequired, "POST /orders", "web:user", "allowed by Orders.Write", access.Decision{Allowed: true, By: "Orders.Write", Reason: access.ReasonScope}},
		{notRequired, "POST /orders", "unassigned-user", "allowed by Orders.Write through web", access.Decision{Allowed: true, By: "Orders.Write", Reason: access.ReasonScope, Client: "web"}},
		{notRequired, "GET /old", "unassigned-user", "refused 403: has Orders.Read, needs Orders.Old (retired)", access.Decision{Status: 403, Reason: access.ReasonMissingScope, Client: "spa"}},
		{notRequired, "POST /orders", "unassigned-daemon", "refused 403: an app-only token has no scope, needs Orders.Write", access.Decision{Status: 403, Reason: access.ReasonAppOnly}},
		{notRequired, "GET /me", "other-client", "allowed by Profile.Read, to which any user may consent", access.Decision{Allowed: true, By: "Profile.Read", Reason: access.ReasonScope}},
		{notRequired, "POST /orders", "other-client", "refused 403: users may consent to Profile.Read only, needs Orders.Write", access.Decision{Status: 403, Reason: access.ReasonMissingScope}},
	} {
		t.Run(tt.model+", "+tt.caller+" calls "+tt.route, func(t *testing.T) {
			t.Parallel()
			got, ok := models[tt.model].Matrix().At(tt.route, tt.caller)
			require.True(t, ok)
			tt.want.Words = tt.words
			require.Equal(t, tt.want, got)
		})
	}
}

func TestRolesBringTheirCallers(t *testing.T) {
	t.Parallel()
	ids := func(m access.Model) (ids []string) {
		for _, c := range m.Matrix().Callers {
			ids = append(ids, c.ID)
		}
		return ids
	}
	m := orders()
	require.Subset(t, ids(m), []string{"user-with-roles", "wrong-role"})
	m.Routes = m.Routes[:6]
	require.NotContains(t, ids(m), "user-with-roles", "no route reads roles")
	require.NotContains(t, ids(m), "wrong-role")
}

func TestTheMatrixSaysHowLongADecisionIsKept(t *testing.T) {
	t.Parallel()
	words := func(seconds *int) string {
		m := orders()
		m.DecisionCacheSeconds = seconds
		d, _ := m.Matrix().At("GET /exports", "expired-token")
		return d.Words
	}
	require.Contains(t, words(nil), "for 60 s more")
	require.Contains(t, words(new(300)), "for 300 s more")
	require.Equal(t, "refused 403: the token has expired", words(new(0)))
}

func TestThePolicyHoldsTheRoutesWithRoles(t *testing.T) {
	t.Parallel()
	p := orders().Policy()
	require.Equal(t, map[string]policy.Route{
		"GET /exports":  {Roles: []string{"Orders.Export", "Orders.Import"}},
		"GET /report":   {Scopes: []string{"Orders.Read"}, Roles: []string{"Orders.Export"}},
		"POST /imports": {Roles: []string{"Orders.Import"}},
	}, p.Routes)
	again, err := policy.Parse(p.JSON())
	require.NoError(t, err)
	require.Equal(t, p, again)
}
