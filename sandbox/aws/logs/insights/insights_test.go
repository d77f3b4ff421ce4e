package insights_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/logs/insights"
)

// noon is the time of the first event; the others follow a minute apart.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC).UnixMilli()

func events(messages ...string) []insights.Event {
	var all []insights.Event
	for i, message := range messages {
		at := noon + int64(i)*60_000
		all = append(all, insights.Event{
			Timestamp: at, Ingested: at + 1500, Message: message,
			Stream: "s1", Log: "111122223333:/g", Ptr: fmt.Sprintf("p%d", i),
		})
	}
	return all
}

// calls are six access log lines: every value is quoted.
var calls = events(
	`{"status":"200","route":"GET /orders","latency":"10","ip":"10.0.0.1","error":"-"}`,
	`{"status":"401","route":"GET /orders","latency":"-","ip":"10.0.0.2","error":"Unauthorized"}`,
	`{"status":"403","route":"GET /orders","latency":"-","ip":"10.0.0.2","error":"Forbidden"}`,
	`{"status":"200","route":"POST /orders","latency":"30","ip":"10.0.1.1","error":"-"}`,
	`{"status":"401","route":"-","latency":"-","ip":"192.0.2.7","error":"Unauthorized"}`,
	`{"status":"500","route":"POST /orders","latency":"25","ip":"10.0.1.1","error":"-"}`,
)

// run gives the rows as text: a=1 b=2, one a line.
func run(t testing.TB, query string, events []insights.Event) (string, insights.Result) {
	t.Helper()
	q, err := insights.Parse(query)
	require.NoError(t, err, query)
	result := q.Run(events)
	var lines []string
	for _, row := range result.Rows {
		var fields []string
		for _, field := range row {
			if field.Name != "@ptr" {
				fields = append(fields, field.Name+"="+field.Value)
			}
		}
		lines = append(lines, strings.Join(fields, " "))
	}
	return strings.Join(lines, "\n"), result
}

func lines(all ...string) string { return strings.Join(all, "\n") }

func TestCommands(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ query, want string }{
		"refused by error": {
			`# Refused calls
			fields @timestamp, status
			| filter status like /^4/ # not 5xx
			| stats count(*) as refused, count_distinct(ip) as addresses, latest(@timestamp) as last by status, error
			| sort refused desc, status`,
			lines(
				"status=401 error=Unauthorized refused=2 addresses=2 last=2026-03-04 12:04:00.000",
				"status=403 error=Forbidden refused=1 addresses=1 last=2026-03-04 12:02:00.000"),
		},
		"percentiles without what is no number": {
			`filter latency != "-" | stats count(*) as calls, pct(latency, 50) as p50, max(latency) as worst by route | sort p50 desc`,
			lines("route=POST /orders calls=2 p50=25 worst=30", "route=GET /orders calls=1 p50=10 worst=10"),
		},
		"newest first without sort":   {`fields status | limit 2`, lines("status=500", "status=401")},
		"oldest first":                {`fields status | sort @timestamp asc | limit 2`, lines("status=200", "status=401")},
		"several fields commands":     {`fields status | fields ip | limit 1`, "status=500 ip=10.0.1.1"},
		"display replaces":            {`fields status, ip | display ip | display route | limit 1`, "route=POST /orders"},
		"no fields":                   {`filter status = 403 | parse error "For*" as rest`, "@timestamp=2026-03-04 12:02:00.000 @message=" + calls[2].Message + " rest=bidden"},
		"a field that is absent":      {`fields absent, status | limit 1`, "status=500"},
		"system fields":               {`fields @ingestionTime, @logStream, @log | limit 1`, "@ingestionTime=2026-03-04 12:05:01.500 @logStream=s1 @log=111122223333:/g"},
		"alias in filter and sort":    {`fields latency * 2 as twice | filter twice > 40 | sort twice`, lines("twice=50", "twice=60")},
		"alias hides no message":      {`filter status = 500 | fields "x" as status | display status`, "status=x"},
		"expression without alias":    {`fields abs( 1 - 3 ), status | limit 1`, "abs( 1 - 3 )=2 status=500"},
		"shown twice":                 {`fields abs(-1), status | fields status, abs(-1) | limit 1`, "abs(-1)=1 status=500"},
		"stats without by":            {`stats count(*), sum(latency), avg(latency), min(latency), max(latency)`, "count(*)=6 sum(latency)=65 avg(latency)=21.6667 min(latency)=10 max(latency)=30"},
		"stats of nothing":            {`filter status = 1 | stats count(*)`, ""},
		"sum without numbers":         {`filter latency = "-" | stats sum(latency) as s, count(latency) as n, avg(latency)`, "n=3"},
		"deviation":                   {`stats stddev(latency) as d`, "d=8.4984"},
		"text in min and max":         {`stats min(error) as a, max(error) as b`, "a=- b=Unauthorized"},
		"earliest and latest":         {`stats earliest(status) as first, latest(status) as last by ip | filter first != last`, "ip=10.0.1.1 first=200 last=500\nip=10.0.0.2 first=401 last=403"},
		"sortsFirst and sortsLast":    {`stats sortsFirst(latency) as a, sortsLast(latency) as b`, "a=- b=30"},
		"bins":                        {`stats count(*) as n by bin(2m) as at | sort at`, lines("at=2026-03-04 12:00:00.000 n=2", "at=2026-03-04 12:02:00.000 n=2", "at=2026-03-04 12:04:00.000 n=2")},
		"a bin has its text as name":  {`stats count(*) by bin(5m) | sort bin(5m) desc | limit 1`, "bin(5m)=2026-03-04 12:05:00.000 count(*)=1"},
		"unnamed results after stats": {`stats count(*) by route | filter count(*) > 1 | sort count(*) desc, route | limit 1`, "route=GET /orders count(*)=3"},
		"in backticks after stats":    {"stats count(*) by route | sort `count(*)` desc | limit 1 | display `count(*)`", "count(*)=3"},
		"arithmetic of aggregates":    {`stats sum(latency) / count(*) as mean`, "mean=10.8333"},
		"aggregates of conditions":    {`stats sum(status >= 500) as failed, count(*) as all`, "failed=1 all=6"},
		"two stats":                   {`STATS count(*) AS n BY ip, route | FILTER n > 1 | STATS max(n) AS most, count(*) AS groups`, "most=2 groups=2"},
		"two stats and a time":        {`stats max(@timestamp) as @t by route | stats count(*) as n by dateceil(@t, 1h) as hour`, "hour=2026-03-04 13:00:00.000 n=3"},
		"fields after stats":          {`stats count(*) as n | fields n * 2 as twice`, "n=6 twice=12"},
		"group of absent fields":      {`stats count(*) as n by absent`, "n=6"},
		"dedup":                       {`fields ip, status | sort status desc | dedup ip | limit 3`, lines("ip=10.0.1.1 status=500", "ip=10.0.0.2 status=403", "ip=192.0.2.7 status=401")},
		"dedup without sort":          {`fields @timestamp, ip | dedup ip, status`, lines("@timestamp=2026-03-04 12:05:00.000 ip=10.0.1.1", "@timestamp=2026-03-04 12:04:00.000 ip=192.0.2.7", "@timestamp=2026-03-04 12:03:00.000 ip=10.0.1.1", "@timestamp=2026-03-04 12:02:00.000 ip=10.0.0.2", "@timestamp=2026-03-04 12:01:00.000 ip=10.0.0.2", "@timestamp=2026-03-04 12:00:00.000 ip=10.0.0.1")},
		"dedup keeps what is absent":  {`fields status | dedup absent | limit 2`, lines("status=500", "status=401")},
		"glob":                        {`parse ip "*.*.*.*" as a, b, c, d | filter d = 7 | display a, d`, "a=192 d=7"},
		"glob in the middle":          {`parse route " /*" as rest | stats count(*) as n by rest | sort n desc`, lines("rest=orders n=5", "n=1")},
		"named groups":                {`parse route /^(?<verb>[A-Z]+) (?<path>.*)$/ | stats count(*) as n by verb | sort verb desc`, lines("verb=POST n=2", "verb=GET n=3", "n=1")},
		"sort puts absent text first": {`parse route /^(?<verb>[A-Z]+) / | display verb, status | sort verb, status | limit 2`, lines("status=401", "verb=GET status=200")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _ := run(t, test.query, calls)
			require.Equal(t, test.want, got)
			// The order of events does not matter.
			reversed := slices.Clone(calls)
			slices.Reverse(reversed)
			got, _ = run(t, test.query, reversed)
			require.Equal(t, test.want, got)
		})
	}
}

func TestRowsNameTheirEvents(t *testing.T) {
	t.Parallel()
	q, err := insights.Parse(`fields status | filter status = 403`)
	require.NoError(t, err)
	require.Equal(t, [][]insights.Field{{{Name: "status", Value: "403"}, {Name: "@ptr", Value: "p2"}}}, q.Run(calls).Rows)

	q, err = insights.Parse(`stats count(*) as n`)
	require.NoError(t, err)
	require.Equal(t, [][]insights.Field{{{Name: "n", Value: "6"}}}, q.Run(calls).Rows)
}

func TestCounts(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]int{
		`fields status`: 6,
		`fields status | filter status like /^4/ | limit 1`:       3,
		`filter status like /^4/ | stats count(*) as n | limit 1`: 3,
		`sort status | filter status = 200`:                       2,
		`stats count(*) as n by status | filter n > 1`:            6,
		`filter status = 401 | fields status | dedup status`:      2,
		`filter status = 1`: 0,
		`filter status != 200 | filter latency > 1 | sort latency`: 1,
	} {
		_, result := run(t, query, calls)
		require.Equal(t, want, result.RecordsMatched, query)
		require.Equal(t, 6, result.RecordsScanned)
		require.EqualValues(t, 506, result.BytesScanned)
	}
}

func TestRowsAreBounded(t *testing.T) {
	t.Parallel()
	many := events(slices.Repeat([]string{`{"a":1}`}, insights.MaxRows+5)...)
	_, result := run(t, `fields a`, many)
	require.Len(t, result.Rows, insights.MaxRows)
	require.Equal(t, insights.MaxRows+5, result.RecordsMatched)
	require.Equal(t, fmt.Sprintf("p%d", insights.MaxRows+4), result.Rows[0][1].Value)
}

func TestEventsAtTheSameTimeAreNewestFirst(t *testing.T) {
	t.Parallel()
	same := events("a", "b", "c")
	for i := range same {
		same[i].Timestamp = noon
	}
	got, _ := run(t, `fields @message`, same)
	require.Equal(t, "@message=c\n@message=b\n@message=a", got)
	got, _ = run(t, `stats earliest(@message) as first, latest(@message) as last`, same)
	require.Equal(t, "first=a last=c", got)
}

// What a filter takes and what its opposite takes are all events, none twice.
func TestAFilterAndItsOppositePartition(t *testing.T) {
	t.Parallel()
	mixed := append(events(`{"a":1}`, `{"a":"1"}`, `{"a":null}`, `{"b":2}`, `text`, `{"a":"x","b":"x"}`, `{"a":true,"b":1}`), calls...)
	for _, condition := range []string{
		`a = 1`, `a != 1`, `a < b`, `a >= "x"`, `a like "x"`, `a not like /[0-9]/`, `a in [1, "x"]`, `a not in [1]`,
		`ispresent(a)`, `isempty(b) or a = b`, `not a = 1 and b != 2`, `status >= 400 and latency = "-"`,
		`isIpv4InSubnet(ip, "10.0.0.0/16")`, `strcontains(@message, "a")`, `(a + b) ^ 2 > 1 or abs(status / latency) < 20`,
	} {
		_, taken := run(t, `filter `+condition, mixed)
		_, left := run(t, `filter not (`+condition+`)`, mixed)
		require.Equal(t, len(mixed), taken.RecordsMatched+left.RecordsMatched, condition)
		seen := map[string]bool{}
		for _, row := range append(taken.Rows, left.Rows...) {
			event := row[0].Value + row[1].Value
			require.False(t, seen[event], condition)
			seen[event] = true
		}
	}
}
