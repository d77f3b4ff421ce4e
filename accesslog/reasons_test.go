package accesslog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/accesslog"
)

// reasons are all but the empty one.
var reasons = []accesslog.Reason{
	accesslog.NoToken, accesslog.Malformed, accesslog.Expired, accesslog.NotYetValid, accesslog.WrongAudience, accesslog.WrongIssuer,
	accesslog.BadSignature, accesslog.IssuerUnavailable, accesslog.MissingScope, accesslog.RoleRefused, accesslog.Throttled,
	accesslog.NoRoute, accesslog.Other, accesslog.AuthorizerFailed, accesslog.IntegrationFailed, accesslog.BackendRefused,
	accesslog.BackendFailed, accesslog.MissingRole, accesslog.WrongToken,
}

func TestEveryReasonHasWordsAndAdvice(t *testing.T) {
	t.Parallel()
	seen := map[string]accesslog.Reason{}
	for _, r := range reasons {
		require.NotEmpty(t, r.Words(), r)
		require.NotEmpty(t, r.Advice(), r)
		require.NotContains(t, seen, r.Words(), "the words of %q", r)
		seen[r.Words()] = r
	}
	require.Equal(t, "answered", accesslog.Reason("").Words())
	require.Empty(t, accesslog.Reason("").Advice(), "there is nothing to do")
}
