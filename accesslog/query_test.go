package accesslog_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/accesslog"
	"github.com/entragate/entragate/sandbox/aws/logs/insights"
)

// logged are the lines of all outcomes, a second apart.
func logged(t *testing.T) (events []insights.Event, lines []accesslog.Line) {
	t.Helper()
	all := outcomes()
	for i, name := range slices.Sorted(maps.Keys(all)) {
		message := all[name].request(t, newWorld(t))
		line, err := accesslog.Parse(message)
		require.NoError(t, err)
		at := start.UnixMilli() + int64(i)*1000
		events = append(events, insights.Event{Timestamp: at, Ingested: at, Message: message, Stream: "s", Log: "1:orders", Ptr: strconv.Itoa(i)})
		lines = append(lines, line)
	}
	return events, lines
}

// row is a row by the names of its fields.
func row(fields []insights.Field) map[string]string {
	named := map[string]string{}
	for _, f := range fields {
		named[f.Name] = f.Value
	}
	return named
}

// run runs a saved query.
func run(t *testing.T, text string, events []insights.Event) []map[string]string {
	t.Helper()
	q, err := insights.Parse(text)
	require.NoError(t, err)
	rows := []map[string]string{}
	for _, fields := range q.Run(events).Rows {
		rows = append(rows, row(fields))
	}
	return rows
}

// counts are what a column counts by others; it wants the most first.
func counts(t *testing.T, rows []map[string]string, column string, by ...string) map[string]int {
	t.Helper()
	found, before := map[string]int{}, 1<<30
	for _, r := range rows {
		n, err := strconv.Atoi(r[column])
		require.NoError(t, err, "%v", r)
		require.LessOrEqual(t, n, before, "in order")
		before = n
		var key []string
		for _, name := range by {
			require.Contains(t, r, name)
			key = append(key, r[name])
		}
		found[strings.Join(key, "|")] = n
	}
	require.Len(t, found, len(rows), "each once")
	return found
}

// dashed is a value as the log has it.
func dashed(value string) string {
	if value == "" {
		return "-"
	}
	return value
}

func TestSavedQueries(t *testing.T) {
	t.Parallel()
	events, lines := logged(t)
	refusedBy := func(key func(accesslog.Line) []string) map[string]int {
		want := map[string]int{}
		for _, l := range lines {
			if l.Refused() {
				want[strings.Join(key(l), "|")]++
			}
		}
		return want
	}
	of := func(wanted func(accesslog.Line) bool) []string { // the latest first
		var ids []string
		for _, l := range slices.Backward(lines) {
			if wanted(l) {
				ids = append(ids, l.RequestID)
			}
		}
		return ids
	}
	idsIn := func(rows []map[string]string) (ids []string) {
		for _, r := range rows {
			ids = append(ids, r["requestId"])
		}
		return ids
	}
	tests := map[string]func(*testing.T, []map[string]string){
		accesslog.QueryDeniedByReason: func(t *testing.T, rows []map[string]string) {
			require.Equal(t, refusedBy(func(l accesslog.Line) []string {
				return []string{strconv.Itoa(l.Status), dashed(l.AuthorizerError), l.ErrorType}
			}), counts(t, rows, "refused", "status", "authorizerError", "errorType"))
			for _, r := range rows {
				require.Equal(t, "1", r["addresses"])
				require.NotEmpty(t, r["last"])
			}
		},
		accesslog.QueryDeniedByCaller: func(t *testing.T, rows []map[string]string) {
			require.Equal(t, refusedBy(func(l accesslog.Line) []string {
				return []string{l.IP, strconv.Itoa(l.Status), dashed(l.AuthorizerError)}
			}), counts(t, rows, "refused", "ip", "status", "authorizerError"))
		},
		accesslog.QueryDeniedByRoute: func(t *testing.T, rows []map[string]string) {
			require.Equal(t, refusedBy(func(l accesslog.Line) []string {
				return []string{dashed(l.RouteKey), strconv.Itoa(l.Status), dashed(l.AuthorizerError)}
			}), counts(t, rows, "refused", "routeKey", "status", "authorizerError"))
		},
		accesslog.QueryCallers: func(t *testing.T, rows []map[string]string) {
			calls := 0
			for _, n := range counts(t, rows, "calls", "clientId", "roleClientId", "appId", "userId", "roleUserId", "routeKey") {
				calls += n
			}
			require.Len(t, of(func(l accesslog.Line) bool { return l.IntegrationStatus != 0 }), calls)
			found := counts(t, rows, "calls", "clientId", "roleClientId", "appId", "userId", "roleUserId", "routeKey")
			require.Equal(t, 2, found[strings.Join([]string{spa, "-", "-", alice, "-", "GET /orders/{id}"}, "|")])
			require.Equal(t, 1, found[strings.Join([]string{"-", "-", spa, alice, "-", "GET /orders/{id}"}, "|")])
			require.Equal(t, 1, found[strings.Join([]string{"-", daemon, "-", "-", daemon, "GET /roles/{id}"}, "|")])
		},
		accesslog.QuerySlowest: func(t *testing.T, rows []map[string]string) {
			want := map[string]string{}
			for _, l := range lines {
				if l.IntegrationLatency != nil {
					n, _ := strconv.Atoi(want[l.RouteKey])
					want[l.RouteKey] = strconv.Itoa(n + 1)
				}
			}
			got := map[string]string{}
			for _, r := range rows {
				got[r["routeKey"]] = r["calls"]
				require.Equal(t, "0 0 0 0", fmt.Sprint(r["p50"], " ", r["p95"], " ", r["p99"], " ", r["backend"]), "the clock stands still")
			}
			require.Equal(t, want, got)
		},
		accesslog.QueryFailures: func(t *testing.T, rows []map[string]string) {
			require.Equal(t, of(func(l accesslog.Line) bool { return l.Status/100 == 5 }), idsIn(rows))
		},
		accesslog.QueryOneCaller: func(t *testing.T, rows []map[string]string) {
			require.Empty(t, rows, "nobody is put in")
			for _, q := range accesslog.Queries() {
				const nobody = "<client id, user id or address>"
				if q.Name != accesslog.QueryOneCaller {
					continue
				}
				require.Contains(t, q.Text, nobody)
				for _, id := range []string{spa, alice, daemon, "192.0.2.1", "192.0.2.2"} {
					rows := run(t, strings.ReplaceAll(q.Text, nobody, id), events)
					require.Equal(t, of(func(l accesslog.Line) bool {
						return l.Caller.ClientID == id || l.Caller.UserID == id || l.IP == id
					}), idsIn(rows), id)
				}
			}
		},
	}
	require.Len(t, accesslog.Queries(), len(tests))
	for _, q := range accesslog.Queries() {
		t.Run(q.Name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, tests, q.Name)
			require.True(t, strings.HasPrefix(q.Text, "# "), "it says what it is")
			// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutQueryDefinition.html
			require.LessOrEqual(t, len(q.Text), 10_000)
			rows := run(t, q.Text, events)
			tests[q.Name](t, rows)
		})
	}
}
