package insights_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/logs/insights"
)

// What is read can be run, and what is refused says where.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"fields @timestamp, `a-b`, abs(a - -1.5) as b | filter b in [1, 'x'] and not a like /^4\\// or c not like \"\\\"\" | sort b desc, a",
		`parse @message "[*] *" as x, y | parse y /(?<z>\d+)/ | dedup x, z | limit 5`,
		`stats count(*) as n, pct(a, 95), sum(a)/count() by bin(5m) as t, b | filter n > 1 | stats max(n), avg(n) by dateceil(t, 1mo) | sort max(n)`,
		"# comment\nSTATS earliest(a), latest(@timestamp), stddev(a), sortsFirst(a) by isIpInSubnet(ip, '10.0.0.0/8') | display `latest(@timestamp)`",
		`fields substr(a, 1, 2), replace(a, "b", "c"), fromMillis(a ^ 9 % 7), datefloor(fromMillis(-10 ^ 15), 7q), greatest(a, 2), coalesce(x, y)`,
		"filter ((a = 1)", "fields \xff", "parse a \"*\xc4\" as b", "", "|", "fields `", "stats a by count(*)", "limit 99999999999999999999",
	} {
		f.Add(seed)
	}
	few := append(events(one, `{"a":"1","b":[2]}`, "text \xff", `{"a":-1e300,"ip":"10.1.1.1"}`, ""), calls...)
	few[0].Timestamp, few[1].Timestamp = -1<<62, 1<<62
	f.Fuzz(func(t *testing.T, query string) {
		q, err := insights.Parse(query)
		if err != nil {
			var refusal *insights.Error
			require.ErrorAs(t, err, &refusal)
			require.True(t, 0 <= refusal.Start && refusal.Start <= refusal.End && refusal.End <= len(query))
			return
		}
		result := q.Run(few)
		require.Equal(t, len(few), result.RecordsScanned)
		require.LessOrEqual(t, result.RecordsMatched, len(few))
		require.LessOrEqual(t, len(result.Rows), len(few))
		require.Equal(t, result, q.Run(few), "a query has no memory")
	})
}

// A message is JSON for the package exactly if it is for Go, and a field that is
// found is the one that Go finds.
func FuzzDiscover(f *testing.F) {
	for _, seed := range []string{one, `{"a":1}`, `{"a":"x\u00e9"} `, `{"a":1.5e+7,"b":{"a":[]}}`, `{"a":"\ud800"}`, `{"A":1,"a":null}`, `{"a":-0}`} {
		f.Add(seed)
	}
	q, err := insights.Parse("fields a | filter ispresent(a)")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, message string) {
		rows := q.Run([]insights.Event{{Message: message}}).Rows
		var document map[string]json.RawMessage
		if json.Unmarshal([]byte(message), &document) != nil {
			require.Empty(t, rows)
			return
		}
		if strings.Count(message, "[")+strings.Count(message, "{") > 50 || strings.Count(message, ",") > 100 ||
			strings.Count(message, `"a"`)+strings.Count(message, `\u`) > 1 {
			return // beyond the bounds, or the name is there twice
		}
		raw := string(document["a"])
		switch {
		case raw == "" || raw == "null" || raw[0] == '{' || raw[0] == '[':
			require.Empty(t, rows)
		case raw[0] == '"':
			if strings.ContainsRune(raw, '\\') {
				var want string
				require.NoError(t, json.Unmarshal([]byte(raw), &want))
				require.Equal(t, want, rows[0][0].Value)
			} else {
				require.Equal(t, raw[1:len(raw)-1], rows[0][0].Value)
			}
		case raw == "true":
			require.Equal(t, "1", rows[0][0].Value)
		case raw == "false":
			require.Equal(t, "0", rows[0][0].Value)
		default:
			require.Equal(t, raw, rows[0][0].Value)
		}
	})
}

// accessLog is lines of about 900 bytes, of which a fifth is refused.
func accessLog(n int) []insights.Event {
	all := make([]insights.Event, n)
	for i := range all {
		status, reason, latency := "200", "-", fmt.Sprint(i%97)
		if i%5 == 0 {
			status, reason, latency = "401", fmt.Sprintf("reason %d", i%7), "-"
		}
		message := fmt.Sprintf(`{"path":"/orders/%d","authorizerError":"%s","errorMessage":"-","requestId":"%032d","time":"04/Mar/2026:12:00:00 +0000",`+
			`"ip":"10.0.%d.%d","method":"GET","routeKey":"GET /orders/{id}","status":"%s","clientId":"11111111-2222-3333-4444-55555555%04d",`+
			`"responseLatency":"%s","integrationLatency":"%s"`, i, reason, i, i%4, i%200, status, i%50, latency, latency)
		for filler := 0; len(message) < 860; filler++ {
			message += fmt.Sprintf(`,"claim%d":"a0b1c2d3-0000-0000-0000-%012d"`, filler, filler)
		}
		all[i] = insights.Event{Timestamp: noon + int64(i), Message: message + "}", Stream: "s", Log: "1:/g", Ptr: "p"}
	}
	return all
}

// 50,000 lines are to be queried in well under a second.
func BenchmarkRun(b *testing.B) {
	lines := accessLog(50_000)
	for name, query := range map[string]string{
		"stats": `filter status like /^4/ | stats count(*) as n, count_distinct(ip) as ips, latest(@timestamp) as last by status, authorizerError | sort n desc`,
		"pct":   `filter integrationLatency != "-" | stats pct(responseLatency, 95) as p95, max(integrationLatency) by routeKey, clientId | sort p95 desc`,
		"sort":  `fields @timestamp, requestId, path, status | sort clientId, @timestamp desc | limit 1000`,
		"like":  `filter @message like "reason 3" | limit 20`,
	} {
		b.Run(name, func(b *testing.B) {
			q, err := insights.Parse(query)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				require.NotEmpty(b, q.Run(lines).Rows)
			}
		})
	}
}
