package cloudwatch

import (
	"encoding/json"
	"math"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzExpression looks for metric math that does not end, or gives no number.
func FuzzExpression(f *testing.F) {
	for _, text := range []string{"m1", "IF(m1>0,100*FILL(m2,0)/m1,-1e3)", "SUM([m1,m2])", "((", "-----m1", "a==b!=c", `METRICS("x")`, "a>1 AND b>1 || z", "ANOMALY_DETECTION_BAND(a,3)", `FILL(METRICS("a")/2,[b])`, "SUM(METRICS()*SUM(METRICS()*SUM(METRICS()*a)))"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := resolved(text)
		if err != nil {
			return
		}
		for _, n := range got.nodes {
			walk(n, func(id string) { require.Regexp(t, queryID, id) })
			value, ok := n.value(values{"a": 2, "b": -1, "m1": 7, "z": 0})
			require.False(t, ok && math.IsNaN(value))
		}
	})
}

// FuzzCBOR looks for documents that are read and cannot be written as JSON.
func FuzzCBOR(f *testing.F) {
	f.Add(encodeCBOR(object{{"a", []any{int64(-300), 1.5, true, "x", time.Unix(5, 0)}}, {"b", table{"c": int64(70000)}}}))
	f.Add([]byte{0xbf, 0x61, 'a', 0x9f, 0xf9, 0x3c, 0x00, 0xff, 0x61, 'b', 0x7f, 0x61, 'x', 0xff, 0xff})
	f.Add([]byte{0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, raw []byte) {
		value, err := decodeCBOR(raw)
		if err != nil {
			return
		}
		_, err = json.Marshal(value)
		require.NoError(t, err)
	})
}

// FuzzRequest looks for requests that break the service, in Query and JSON.
func FuzzRequest(f *testing.F) {
	f.Add("PutMetricAlarm", `{"AlarmName":"x","Metrics":[{"Id":"m1","MetricStat":{"Metric":{"Namespace":"N","MetricName":"a"},"Period":60,"Stat":"Sum"}}],"EvaluationPeriods":1,"Threshold":1,"ComparisonOperator":"GreaterThanThreshold"}`)
	f.Add("GetMetricData", "StartTime=2026-03-01T00:00:00Z&EndTime=2026-03-02T00:00:00Z&MetricDataQueries.member.1.Id=m1&MetricDataQueries.member.1.MetricStat.Metric.Namespace=N&MetricDataQueries.member.1.MetricStat.Metric.MetricName=a&MetricDataQueries.member.1.MetricStat.Period=60&MetricDataQueries.member.1.MetricStat.Stat=p99")
	f.Add("PutDashboard", `{"DashboardName":"d","DashboardBody":"{\"widgets\":[{\"type\":\"text\",\"x\":1e99}]}"}`)
	f.Fuzz(func(t *testing.T, operation, body string) {
		s, err := New(Options{Account: "000000000000", Region: "eu-west-1", Now: func() time.Time { return time.Unix(1772366400, 0) }})
		require.NoError(t, err)
		asJSON := httptest.NewRequest("POST", "/", strings.NewReader(body))
		asJSON.Header.Set("X-Amz-Target", Target+operation)
		asForm := httptest.NewRequest("POST", "/", strings.NewReader("Action="+url.QueryEscape(operation)+"&"+body))
		for _, r := range []struct {
			name string
			in   func() (request, error)
		}{
			{"json", func() (request, error) { return parse(asJSON, []byte(body)) }},
			{"query", func() (request, error) { return parse(asForm, []byte("Action="+url.QueryEscape(operation)+"&"+body)) }},
		} {
			in, err := r.in()
			if err == nil && s.operations[in.operation] != nil {
				_, err = s.operations[in.operation](in)
			}
			if err != nil {
				w := httptest.NewRecorder()
				WriteError(w, asJSON, err)
				require.Less(t, w.Code, 500, "%s: %v", r.name, err)
				continue
			}
			require.NoError(t, s.Tick())
		}
	})
}

func TestCBORIsReadAsTheStandardSays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		raw  string
		want any
	}{ // of https://www.rfc-editor.org/rfc/rfc8949#appendix-A
		{"\x00", uint64(0)},
		{"\x18\x64", uint64(100)},
		{"\x1a\x00\x0f\x42\x40", uint64(1000000)},
		{"\x20", -1.0},
		{"\x38\x63", -100.0},
		{"\xf9\x3c\x00", 1.0},
		{"\xf9\x7b\xff", 65504.0},
		{"\xf9\x00\x01", 5.960464477539063e-08},
		{"\xf9\xc4\x00", -4.0},
		{"\xf9\x7c\x00", "Infinity"},
		{"\xf9\x7e\x00", "NaN"},
		{"\xfa\x47\xc3\x50\x00", 100000.0},
		{"\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a", 1.1},
		{"\xfb\xff\xf0\x00\x00\x00\x00\x00\x00", "-Infinity"},
		{"\xf4", false},
		{"\xf5", true},
		{"\xf6", nil},
		{"\xf7", nil},
		{"\xc1\x1a\x51\x4b\x67\xb0", uint64(1363896240)},
		{"\x44\x01\x02\x03\x04", "AQIDBA=="},
		{"\x62\xc3\xbc", "ü"},
		{"\x7f\x65strea\x64ming\xff", "streaming"},
		{"\x80", []any{}},
		{"\x82\x01\x9f\xff", []any{uint64(1), []any{}}},
		{"\xa1aa\x01", map[string]any{"a": uint64(1)}},
		{"\xbfaa\x01\xff", map[string]any{"a": uint64(1)}},
	} {
		got, err := decodeCBOR([]byte(test.raw))
		require.NoError(t, err, "%x", test.raw)
		require.Equal(t, test.want, got, "%x", test.raw)
	}
	for _, raw := range []string{
		"", "\x18", "\x1c", "\x00\x00", "\xff", "\x61", "\x61\xff", "\x9f\x00", "\xa1\x00\x00", "\x7f\x41a\xff", "\x7f\x7f\xff\xff", "\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
		"\xf8\x20", "\xe0", "\x1f", "\xdf\x00", strings.Repeat("\x81", 100),
	} {
		_, err := decodeCBOR([]byte(raw))
		require.Error(t, err, "%x", raw)
	}
	tree := object{{"a", []any{int64(-300), int64(5), 1.5, true, false, "x"}}, {"b", table{"c": int64(1 << 40)}}, {"d", time.UnixMilli(1500)}}
	got, err := decodeCBOR(encodeCBOR(tree))
	require.NoError(t, err)
	require.Equal(t, map[string]any{"a": []any{-300.0, uint64(5), 1.5, true, false, "x"}, "b": map[string]any{"c": uint64(1 << 40)}, "d": 1.5}, got)
}
