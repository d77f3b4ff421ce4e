package accesslog_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/accesslog"
	"github.com/entragate/entragate/functions/authorize"
)

// functionRefusal is a request that the role authorizer refuses.
type functionRefusal struct {
	authorization string
	name          authorize.Reason
	reason        accesslog.Reason
	target        string // "" for a route of the policy
}

func functionRefusals() []functionRefusal {
	one := keyPairs()["one"]
	return []functionRefusal{
		{"Bearer ", authorize.ReasonNoToken, accesslog.NoToken, ""},
		{bearer(app()), authorize.ReasonUnknownRoute, accesslog.Other, "/unlisted"},
		{"Bearer opaque", authorize.ReasonMalformed, accesslog.Malformed, ""},
		{"Bearer " + sign(app(), jose.HS256, []byte(strings.Repeat("k", 32)), "one"), authorize.ReasonAlgorithm, accesslog.Malformed, ""},
		{"Bearer " + sign(app(), jose.RS256, one, "two"), authorize.ReasonUnknownKey, accesslog.BadSignature, ""},
		{"Bearer " + sign(app(), jose.RS256, keyPairs()["forged"], "one"), authorize.ReasonSignature, accesslog.BadSignature, ""},
		{bearer(app().with("iss", "https://sts.windows.net/"+tenant+"/")), authorize.ReasonWrongIssuer, accesslog.WrongIssuer, ""},
		{bearer(app().with("aud", "api://"+api)), authorize.ReasonWrongAudience, accesslog.WrongAudience, ""},
		{bearer(app().with("exp", start.Unix())), authorize.ReasonExpired, accesslog.Expired, ""},
		{bearer(app().with("nbf", start.Unix()+1)), authorize.ReasonNotYetValid, accesslog.NotYetValid, ""},
		{bearer(app().with("iat", start.Unix()+1)), authorize.ReasonIssuedInFuture, accesslog.NotYetValid, ""},
		{bearer(app().with("tid", alice)), authorize.ReasonWrongTenant, accesslog.WrongIssuer, ""},
		{bearer(app().with("ver", "1.0")), authorize.ReasonWrongVersion, accesslog.WrongIssuer, ""},
		{bearer(app().with("idtyp", nil)), authorize.ReasonNotAnAccessToken, accesslog.WrongToken, ""},
		{bearer(user().with("scp", "Orders.Write")), authorize.ReasonMissingScope, accesslog.MissingScope, ""},
		{bearer(app().with("roles", []string{"Orders.Import"})), authorize.ReasonMissingRole, accesslog.MissingRole, ""},
	}
}

// TestTheRoleAuthorizersLogIsCounted wants that each line that the function
// really writes counts for its reason, once, and leads from the access log.
func TestTheRoleAuthorizersLogIsCounted(t *testing.T) {
	t.Parallel()
	for _, test := range functionRefusals() {
		t.Run(string(test.name), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			target := test.target
			if target == "" {
				target = "/roles/1"
			}
			line, err := accesslog.Parse(w.do(t, http.MethodGet, target, authorization, test.authorization))
			require.NoError(t, err)
			require.Equal(t, accesslog.RoleRefused, line.Reason())

			message := strings.TrimSpace(w.functionLog.String())
			var logged struct{ RequestID, Reason string }
			require.NoError(t, json.Unmarshal([]byte(message), &logged), message)
			require.Equal(t, line.RequestID, logged.RequestID)
			require.Equal(t, string(test.name), logged.Reason)
			require.NotContains(t, message, "eyJ", "the beginning of a token")
			require.Equal(t, test.reason, accesslog.FunctionReason(logged.Reason))
			require.Equal(t, []string{accesslog.FunctionMetricOf(test.reason)}, matching(t, accesslog.FunctionFilters(), message))
		})
	}
}

func TestEveryRefusalOfTheRoleAuthorizerIsKnown(t *testing.T) {
	t.Parallel()
	var tested []authorize.Reason
	for _, test := range functionRefusals() {
		tested = append(tested, test.name)
	}
	all := []authorize.Reason{
		authorize.ReasonNoToken, authorize.ReasonUnknownRoute, authorize.ReasonMalformed, authorize.ReasonAlgorithm, authorize.ReasonUnknownKey,
		authorize.ReasonSignature, authorize.ReasonWrongIssuer, authorize.ReasonWrongAudience, authorize.ReasonExpired, authorize.ReasonNotYetValid,
		authorize.ReasonIssuedInFuture, authorize.ReasonWrongTenant, authorize.ReasonWrongVersion, authorize.ReasonNotAnAccessToken,
		authorize.ReasonMissingScope, authorize.ReasonMissingRole,
	}
	require.ElementsMatch(t, all, tested)
	for _, name := range all {
		known := accesslog.FunctionReason(string(name)) != accesslog.Other
		require.Equal(t, name != authorize.ReasonUnknownRoute, known, name)
	}
	require.Equal(t, accesslog.Other, accesslog.FunctionReason("moon-phase"))
}

func TestWhatIsNoRefusalByTheFunctionIsNotCounted(t *testing.T) {
	t.Parallel()
	for name, message := range map[string]string{
		"a report of Lambda":   "REPORT RequestId: 8f50 Duration: 2.00 ms Billed Duration: 3 ms Memory Size: 128 MB",
		"an allowed call":      `{"level":"DEBUG","msg":"allowed","requestId":"1","by":"Orders.Export"}`,
		"a line of the access": render(t, values{"status": "403"}),
	} {
		require.Empty(t, matching(t, accesslog.FunctionFilters(), message), name)
	}
	w := newWorld(t)
	w.keysDown = true
	w.do(t, http.MethodGet, "/roles/1", authorization, bearer(app()))
	require.Contains(t, w.functionLog.String(), `"not decided"`)
	require.Empty(t, matching(t, accesslog.FunctionFilters(), strings.TrimSpace(w.functionLog.String())), "a failure is an error of the function")
}

func TestARefusalThatNobodyKnowsIsCountedAsOther(t *testing.T) {
	t.Parallel()
	message := `{"msg":"refused","requestId":"1","reason":"moon-phase"}`
	require.Equal(t, []string{accesslog.FunctionMetricOf(accesslog.Other)}, matching(t, accesslog.FunctionFilters(), message))
}

// TestLinesThatAreNotJSON states what a quote in an error does: the line cannot be
// read, and only the count of lines, which an alarm compares with that of
// requests, shows that there is one.
func TestLinesThatAreNotJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.failure = errors.New(`dial tcp: lookup "lambda"`)
	message := w.do(t, http.MethodGet, "/roles/1", authorization, bearer(app()))
	require.False(t, json.Valid([]byte(message)))
	_, err := accesslog.Parse(message)
	require.Error(t, err)
	require.Equal(t, []string{accesslog.MetricLines}, matching(t, accesslog.Filters(), message))
}
