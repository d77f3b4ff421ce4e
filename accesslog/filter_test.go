package accesslog_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/accesslog"
	gateway "github.com/entragate/entragate/sandbox/edge/accesslog"
)

// values are those of variables that are set.
type values map[string]string

// render makes the line that a gateway would write, if values were escaped.
func render(t testing.TB, v values) string {
	t.Helper()
	f, err := gateway.ParseFormat(accesslog.Format)
	require.NoError(t, err)
	all := values{"requestId": "RL2XYiwjPHcEMEQ=", "requestTimeEpoch": "1772366400123", "status": "401"}
	maps.Copy(all, v)
	return f.Render(func(name string) string {
		raw, err := json.Marshal(all[name])
		require.NoError(t, err)
		return strings.TrimSuffix(strings.TrimPrefix(string(raw), `"`), `"`)
	})
}

func TestTextsOfOneReason(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]accesslog.Reason{
		// Seen on AWS.
		"invalid_token: token contains an invalid number of segments":                                       accesslog.Malformed,
		"invalid_token: signing method ES256 is invalid":                                                    accesslog.Malformed,
		"invalid_token: the token does not have a valid audience":                                           accesslog.WrongAudience,
		"invalid_token: OIDC discovery endpoint communication error":                                        accesslog.IssuerUnavailable,
		"invalid_token: JWKS communication error":                                                           accesslog.IssuerUnavailable,
		"invalid_token: the issuer in the OIDC discovery endpoint does not match":                           accesslog.IssuerUnavailable,
		"invalid_token: crypto/rsa: verification error":                                                     accesslog.BadSignature,
		"invalid_token: Token is expired":                                                                   accesslog.Expired,
		"invalid_token: token is expired by 3h2m1s":                                                         accesslog.Expired,
		"invalid_token: Token used before issued":                                                           accesslog.NotYetValid,
		"invalid_token: Token is not valid yet":                                                             accesslog.NotYetValid,
		"invalid_token: the token does not have a valid issuer":                                             accesslog.WrongIssuer,
		"insufficient_scope: the token does not have any of the scopes":                                     accesslog.MissingScope,
		"invalid_token: token is malformed: could not base64 decode header: illegal base64 at input byte 4": accesslog.Malformed,
		// Nobody has seen these.
		"invalid_token: the moon is in the wrong phase": accesslog.Other,
		"x": accesslog.Other,
		// Letter case counts.
		"EXPIRED": accesslog.Other,
		// The first rule that matches counts.
		"the issuer in the token's signature has expired": accesslog.IssuerUnavailable,
		"expired before the audience had a scope":         accesslog.Expired,
	} {
		for _, status := range []string{"401", "403"} {
			message := render(t, values{"status": status, "authorizer.error": text})
			line, err := accesslog.Parse(message)
			require.NoError(t, err)
			require.Equal(t, want, line.Reason(), text)
			require.Equal(t, counted(line), matching(t, accesslog.Filters(), message), text)
		}
	}
}

func TestRefusalsWithoutAText(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		set  values
		want accesslog.Reason
	}{
		"401":                         {values{"status": "401"}, accesslog.NoToken},
		"403":                         {values{"status": "403"}, accesslog.RoleRefused},
		"404 without a route":         {values{"status": "404"}, accesslog.NoRoute},
		"404 on a route":              {values{"status": "404", "routeKey": "GET /orders"}, accesslog.Other},
		"429":                         {values{"status": "429"}, accesslog.Throttled},
		"400":                         {values{"status": "400"}, accesslog.Other},
		"431":                         {values{"status": "431"}, accesslog.Other},
		"429 with a text":             {values{"status": "429", "authorizer.error": "no"}, accesslog.Other},
		"429 with a text that counts": {values{"status": "429", "authorizer.error": "the token has expired"}, accesslog.Expired},
		"404 with a text":             {values{"status": "404", "authorizer.error": "no"}, accesslog.Other},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			message := render(t, test.set)
			line, err := accesslog.Parse(message)
			require.NoError(t, err)
			require.Equal(t, test.want, line.Reason())
			require.Equal(t, counted(line), matching(t, accesslog.Filters(), message))
		})
	}
}

// checkCounts wants that a line counts as its reason says.
func checkCounts(t *testing.T, text string, status int, routeKey, integrationStatus string) {
	t.Helper()
	message := render(t, values{
		"status": strconv.Itoa(status), "authorizer.error": text, "routeKey": routeKey, "integration.status": integrationStatus,
	})
	line, err := accesslog.Parse(message)
	require.NoError(t, err)
	require.Equal(t, status/100 == 4 && line.IntegrationStatus == 0, line.Refused())
	require.Equal(t, counted(line), matching(t, accesslog.Filters(), message), message)
	require.NotEmpty(t, line.Reason().Words())
}

// TestEveryRefusalCountsOnce makes errors of the words that rules look for and of
// others, in any order.
func TestEveryRefusalCountsOnce(t *testing.T) {
	t.Parallel()
	words := []string{
		"invalid_token:", "expired", "audience", "issuer", "the issuer in", "signature", "key", "scope", "segments", "malformed",
		"signing method", "communication error", "not valid yet", "in the future", "before issued", "verification error", "moon", "-",
		"Expired", "*", "\"", "\\", "\n", "é", "",
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		var text []string
		for range r.IntN(4) {
			text = append(text, words[r.IntN(len(words))])
		}
		checkCounts(t, strings.Join(text, " "), 400+r.IntN(200), []string{"", "GET /orders"}[r.IntN(2)], []string{"", "", "", "403"}[r.IntN(4)])
	}
}

func FuzzEveryRefusalCountsOnce(f *testing.F) {
	for _, seed := range []string{"", "-", "expired", "invalid_token: the token does not have a valid audience", "the issuer in", "a*b", "\"", "\x00"} {
		f.Add(seed, 401, "", "")
		f.Add(seed, 429, "GET /orders", "200")
	}
	f.Fuzz(func(t *testing.T, text string, status int, routeKey, integrationStatus string) {
		if !utf8.ValidString(text) || !utf8.ValidString(routeKey) || status < 100 || status > 599 {
			t.Skip()
		}
		if n, err := strconv.Atoi(integrationStatus); integrationStatus != "" && (err != nil || n < 100 || n > 599) {
			t.Skip()
		}
		checkCounts(t, text, status, routeKey, integrationStatus)
	})
}

func TestFiltersAreWhatCloudWatchTakes(t *testing.T) {
	t.Parallel()
	for name, filters := range map[string][]accesslog.Filter{"access log": accesslog.Filters(), "function": accesslog.FunctionFilters()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := map[string]bool{}
			for _, f := range filters {
				require.LessOrEqual(t, len(f.Pattern), accesslog.MaxPatternBytes, f.Metric)
				require.Regexp(t, `^[A-Z][A-Za-z]+$`, f.Metric)
				require.NotEmpty(t, f.Title, f.Metric)
				require.False(t, seen[f.Metric], "%s is there twice", f.Metric)
				seen[f.Metric] = true
				for _, other := range filters {
					// The provider reads a filter back by its name as a prefix.
					require.False(t, other.Metric != f.Metric && strings.HasPrefix(other.Metric, f.Metric), "%s begins %s", f.Metric, other.Metric)
				}
			}
			// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
			require.LessOrEqual(t, len(filters), 100)
		})
	}
}

func TestEveryReasonHasItsMetric(t *testing.T) {
	t.Parallel()
	var metrics []string
	for _, f := range accesslog.Filters() {
		metrics = append(metrics, f.Metric)
	}
	of := map[string]accesslog.Reason{}
	for _, r := range reasons {
		metric := accesslog.MetricOf(r)
		require.Contains(t, metrics, metric, r)
		if metric != accesslog.MetricOther {
			require.Empty(t, of[metric], "%s is of %s too", metric, r)
			of[metric] = r
		}
	}
	require.Equal(t, accesslog.MetricOther, accesslog.MetricOf(accesslog.Other))
	require.Len(t, of, len(metrics)-4, fmt.Sprint(slices.Sorted(maps.Keys(of))))
}
