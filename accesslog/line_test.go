package accesslog_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/accesslog"
	gateway "github.com/entragate/entragate/sandbox/edge/accesslog"
)

func TestTheFormatIsOneThatAWSTakes(t *testing.T) {
	t.Parallel()
	require.Less(t, len(accesslog.Format), accesslog.MaxFormatBytes)
	require.Equal(t, gateway.MaxFormatBytes, accesslog.MaxFormatBytes)
	require.NotContains(t, accesslog.Format, "\n")
	require.True(t, json.Valid([]byte(accesslog.Format)))
	require.Contains(t, accesslog.Format, `"$context.requestId"`)
	parsed, err := gateway.ParseFormat(accesslog.Format)
	require.NoError(t, err)
	require.Empty(t, parsed.Unknown(), "variables that HTTP APIs do not have")
}

// TestTheFormatHoldsNoSecret wants that no variable is in it that a caller could
// put a token into: a header, a cookie or the query.
func TestTheFormatHoldsNoSecret(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"header", "userAgent", "user", "query", "cookie", "authorization", "token\"", "clientCert", "$request", "caller", "body"} {
		for name := range strings.SplitSeq(accesslog.Format, `"`) {
			if strings.HasPrefix(name, "$") {
				require.NotContains(t, strings.ToLower(name), strings.ToLower(word), name)
			}
		}
	}
}

// TestNothingOverwritesWhatFollows wants that a value which closes its quote, as
// only those in the beginning could, changes nothing of what the gateway says.
func TestNothingOverwritesWhatFollows(t *testing.T) {
	t.Parallel()
	const forged = `x","status":"200","integrationStatus":"200","requestId":"forged","clientId":"someone","y":"`
	f, err := gateway.ParseFormat(accesslog.Format)
	require.NoError(t, err)
	for _, variable := range []string{"path", "authorizer.error", "error.message", "integrationErrorMessage"} {
		message := f.Render(func(name string) string {
			return map[string]string{"requestId": "real", "requestTimeEpoch": "0", "status": "404", variable: forged}[name]
		})
		line, err := accesslog.Parse(message)
		require.NoError(t, err, variable)
		require.Equal(t, "real", line.RequestID, variable)
		require.Equal(t, 404, line.Status, variable)
		require.True(t, line.Refused(), variable)
		require.False(t, line.Caller.Known(), variable)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	good := render(t, nil)
	_, err := accesslog.Parse(good)
	require.NoError(t, err)
	for name, message := range map[string]string{
		"nothing":              "",
		"text":                 "REPORT RequestId: 1 Duration: 2 ms",
		"another format":       `127.0.0.1 - - [01/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 2`,
		"a list":               `[]`,
		"null":                 `null`,
		"an empty object":      `{}`,
		"half a line":          good[:len(good)-10],
		"two lines":            good + good,
		"an open quote":        strings.Replace(good, `"path":"-"`, `"path":"/""`, 1),
		"no request id":        strings.Replace(good, `"requestId":"RL2XYiwjPHcEMEQ="`, `"requestId":""`, 1),
		"a request id unset":   strings.Replace(good, `"requestId":"RL2XYiwjPHcEMEQ="`, `"requestId":"-"`, 1),
		"no time":              strings.Replace(good, `"timeEpoch":"1772366400123"`, `"timeEpoch":"-"`, 1),
		"a time after 9999":    strings.Replace(good, `"timeEpoch":"1772366400123"`, `"timeEpoch":"1772366400123000"`, 1),
		"a time before 1970":   strings.Replace(good, `"timeEpoch":"1772366400123"`, `"timeEpoch":"-1"`, 1),
		"no status":            strings.Replace(good, `"status":"401"`, `"status":"-"`, 1),
		"a status in a number": strings.Replace(good, `"status":"401"`, `"status":401`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NotEqual(t, good, message)
			_, err := accesslog.Parse(message)
			require.ErrorContains(t, err, "not a line of the access log")
		})
	}
}

// FuzzParse wants that nothing makes it panic, and that what a gateway put in
// comes out.
func FuzzParse(f *testing.F) {
	f.Add("{}", "/orders", "GET /orders", "expired", 401, int64(1772366400123), "Orders.Read Orders.Write")
	f.Add(`{"requestId":"1","timeEpoch":"9999999999999999","status":"9"}`, `"`, "-", "\\", 0, int64(-1), "[a b]")
	f.Add("[", "\x00", "", "\n", 599, int64(1)<<52, "")
	f.Fuzz(func(t *testing.T, message, path, routeKey, failure string, status int, at int64, scopes string) {
		if line, err := accesslog.Parse(message); err == nil {
			_, err := json.Marshal(line)
			require.NoError(t, err)
			require.NotEmpty(t, line.RequestID)
		}
		if at < 0 || at > time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() {
			t.Skip()
		}
		for _, text := range []string{path, routeKey, failure, scopes} {
			if !utf8.ValidString(text) {
				t.Skip()
			}
		}
		line, err := accesslog.Parse(render(t, values{
			"path": path, "routeKey": routeKey, "authorizer.error": failure, "status": strconv.Itoa(status),
			"requestTimeEpoch": strconv.FormatInt(at, 10), "authorizer.claims.scp": scopes, "integrationLatency": strconv.Itoa(status),
		}))
		require.NoError(t, err)
		unset := func(text string) string {
			if text == "-" {
				return ""
			}
			return text
		}
		require.Equal(t, unset(path), line.Path)
		require.Equal(t, unset(routeKey), line.RouteKey)
		require.Equal(t, unset(failure), line.AuthorizerError)
		require.Equal(t, status, line.Status)
		require.Equal(t, time.UnixMilli(at).UTC(), line.Time)
		require.Equal(t, strings.Join(strings.Fields(strings.Trim(unset(scopes), "[]")), " "), strings.Join(line.Caller.Scopes, " "))
		require.Equal(t, status, *line.IntegrationLatency)
	})
}
