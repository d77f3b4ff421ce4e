package access_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
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
