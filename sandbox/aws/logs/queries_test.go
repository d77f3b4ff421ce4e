package logs_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/stretchr/testify/require"
)

// query starts a query on /g over the hour around the start.
func (b *bench) query(text string, change ...func(*cloudwatchlogs.StartQueryInput)) (string, error) {
	in := &cloudwatchlogs.StartQueryInput{
		LogGroupName: aws.String("/g"), QueryString: &text,
		StartTime: aws.Int64(start.Add(-time.Hour).Unix()), EndTime: aws.Int64(start.Add(time.Hour).Unix()),
	}
	for _, c := range change {
		c(in)
	}
	out, err := b.StartQuery(b.t.Context(), in)
	if err != nil {
		return "", err
	}
	return *out.QueryId, nil
}

// rows are the results of a query, without @ptr.
func (b *bench) rows(id string) (rows []string) {
	b.t.Helper()
	out, err := b.GetQueryResults(b.t.Context(), &cloudwatchlogs.GetQueryResultsInput{QueryId: &id})
	require.NoError(b.t, err)
	require.Equal(b.t, types.QueryStatusComplete, out.Status)
	for _, fields := range out.Results {
		text := ""
		for _, f := range fields {
			if *f.Field != "@ptr" {
				text += fmt.Sprintf("%s=%s ", *f.Field, *f.Value)
			}
		}
		rows = append(rows, text)
	}
	return rows
}

func TestAQueryIsAnswered(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.group("/g")
	b.deliver(0, `{"status":"403","path":"/a"}`)
	b.deliver(time.Second, `{"status":"200","path":"/a"}`)
	b.deliver(2*time.Second, `{"status":"401","path":"/a"}`)
	b.deliver(3*time.Second, `{"status":"403","path":"/b"}`)

	id, err := b.query(`filter status like /^4/ | stats count(*) as n by path | sort n desc`)
	require.NoError(t, err)
	out, err := b.GetQueryResults(t.Context(), &cloudwatchlogs.GetQueryResultsInput{QueryId: &id})
	require.NoError(t, err)
	require.Equal(t, float64(4), out.Statistics.RecordsScanned)
	require.Equal(t, float64(3), out.Statistics.RecordsMatched)
	require.Equal(t, float64(2), out.Statistics.ResultCount)
	require.Positive(t, out.Statistics.BytesScanned)
	require.Equal(t, []string{"path=/a n=2 ", "path=/b n=1 "}, b.rows(id))

	id, err = b.query(`fields @timestamp, @logStream, @log, status | sort @timestamp`, func(in *cloudwatchlogs.StartQueryInput) {
		in.StartTime, in.EndTime = aws.Int64(start.Add(time.Second).Unix()), aws.Int64(start.Add(2*time.Second).Unix())
	})
	require.NoError(t, err)
	require.Equal(t, []string{
		"@timestamp=2026-03-01 12:00:01.000 @logStream=s @log=000000000000:/g status=200 ",
		"@timestamp=2026-03-01 12:00:02.000 @logStream=s @log=000000000000:/g status=401 ",
	}, b.rows(id), "both ends are included")

	_, err = b.PutRetentionPolicy(t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("/g"), RetentionInDays: aws.Int32(1)})
	require.NoError(t, err)
	b.clock.move(48 * time.Hour)
	id, err = b.query("fields @message")
	require.NoError(t, err)
	require.Empty(t, b.rows(id), "retention has ended them")
}

func TestAQueryIsOnSeveralGroups(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.group("/g")
	b.group("/h")
	b.deliver(0, "one")
	require.NoError(t, b.service.Deliver(prefix+"/h", "s", start.Add(time.Second), "two"))
	for name, change := range map[string]func(*cloudwatchlogs.StartQueryInput){
		"by name":       func(in *cloudwatchlogs.StartQueryInput) { in.LogGroupNames = []string{"/g", "/h"} },
		"by identifier": func(in *cloudwatchlogs.StartQueryInput) { in.LogGroupIdentifiers = []string{"/g", prefix + "/h"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id, err := b.query("fields @message | sort @timestamp", func(in *cloudwatchlogs.StartQueryInput) { in.LogGroupName = nil }, change)
			require.NoError(t, err)
			require.Equal(t, []string{"@message=one ", "@message=two "}, b.rows(id))
		})
	}
}

func TestResultsArePagedAndLimited(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.group("/g")
	for i := range 7 {
		b.deliver(time.Duration(i)*time.Second, fmt.Sprint("m", i))
	}
	id, err := b.query("fields @message | sort @timestamp", func(in *cloudwatchlogs.StartQueryInput) { in.Limit = aws.Int32(5) })
	require.NoError(t, err)
	in := &cloudwatchlogs.GetQueryResultsInput{QueryId: &id, MaxItems: aws.Int32(2)}
	var sizes []int
	for {
		out, err := b.GetQueryResults(t.Context(), in)
		require.NoError(t, err)
		sizes = append(sizes, len(out.Results))
		require.Equal(t, "@message", *out.Results[0][0].Field)
		require.Equal(t, fmt.Sprint("m", 2*len(sizes)-2), *out.Results[0][0].Value)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	require.Equal(t, []int{2, 2, 1}, sizes)
	in.NextToken = aws.String("!")
	_, err = b.GetQueryResults(t.Context(), in)
	invalid(t, err, "nextToken")
	in.NextToken, in.MaxItems = nil, aws.Int32(10_001)
	_, err = b.GetQueryResults(t.Context(), in)
	invalid(t, err, "between 1 and 10000")
}

func TestQueriesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.group("/g")
	_, err := b.query("filter (")
	var malformed *types.MalformedQueryException
	require.ErrorAs(t, err, &malformed)
	require.NotEmpty(t, malformed.ErrorMessage())
	require.Equal(t, malformed.ErrorMessage(), *malformed.QueryCompileError.Message)
	require.Equal(t, int32(8), *malformed.QueryCompileError.Location.EndCharOffset)

	for want, change := range map[string]func(*cloudwatchlogs.StartQueryInput){
		"must be specified, got 0": func(in *cloudwatchlogs.StartQueryInput) { in.LogGroupName = nil },
		"must be specified, got 2": func(in *cloudwatchlogs.StartQueryInput) { in.LogGroupNames = []string{"/g"} },
		"got 51, want 1 to 50": func(in *cloudwatchlogs.StartQueryInput) {
			in.LogGroupName, in.LogGroupNames = nil, make([]string, 51)
		},
		"Invalid resource ARN": func(in *cloudwatchlogs.StartQueryInput) {
			in.LogGroupName, in.LogGroupIdentifiers = nil, []string{prefix + "/g:*"}
		},
		"the start not after the end":  func(in *cloudwatchlogs.StartQueryInput) { *in.StartTime = *in.EndTime + 1 },
		"between 1 and 100000":         func(in *cloudwatchlogs.StartQueryInput) { in.Limit = aws.Int32(100_001) },
		"got 0 characters, want 1 to ": func(in *cloudwatchlogs.StartQueryInput) { in.QueryString = aws.String("") },
	} {
		_, err := b.query("fields @message", change)
		invalid(t, err, want)
	}
	_, err = b.query("fields @message", func(in *cloudwatchlogs.StartQueryInput) { in.LogGroupName = aws.String("/absent") })
	missing(t, err, "log group")
	_, err = b.query("x", func(in *cloudwatchlogs.StartQueryInput) { in.QueryLanguage = types.QueryLanguagePpl })
	notImplemented(t, err, "queryLanguage PPL")
	_, err = b.GetQueryResults(t.Context(), &cloudwatchlogs.GetQueryResultsInput{QueryId: aws.String("absent")})
	missing(t, err, "The specified query does not exist.")
	_, err = b.StopQuery(t.Context(), &cloudwatchlogs.StopQueryInput{QueryId: aws.String("absent")})
	missing(t, err, "query")
	id, err := b.query("fields @message")
	require.NoError(t, err)
	_, err = b.StopQuery(t.Context(), &cloudwatchlogs.StopQueryInput{QueryId: &id})
	invalid(t, err, "is not running")
}

func TestTheLatestHundredQueriesAreRemembered(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	b.group("/g")
	b.group("/h")
	first, err := b.query("fields @message")
	require.NoError(t, err)
	for range 99 {
		b.clock.move(time.Millisecond)
		_, err := b.query("fields @message")
		require.NoError(t, err)
	}
	require.Empty(t, b.rows(first))
	b.clock.move(time.Millisecond)
	last, err := b.query("fields @timestamp", func(in *cloudwatchlogs.StartQueryInput) { in.LogGroupName = aws.String("/h") })
	require.NoError(t, err)
	_, err = b.GetQueryResults(ctx, &cloudwatchlogs.GetQueryResultsInput{QueryId: &first})
	missing(t, err, "query")

	describe := func(in cloudwatchlogs.DescribeQueriesInput) *cloudwatchlogs.DescribeQueriesOutput {
		out, err := b.DescribeQueries(ctx, &in)
		require.NoError(t, err)
		return out
	}
	all := describe(cloudwatchlogs.DescribeQueriesInput{})
	require.Len(t, all.Queries, 100)
	require.Equal(t, types.QueryInfo{
		QueryId: &last, QueryString: aws.String("fields @timestamp"), QueryLanguage: types.QueryLanguageCwli, Status: types.QueryStatusComplete,
		CreateTime: aws.Int64(start.UnixMilli() + 100), LogGroupName: aws.String("/h"), BytesScanned: aws.Float64(0),
	}, all.Queries[0])
	require.Len(t, describe(cloudwatchlogs.DescribeQueriesInput{LogGroupName: aws.String("/g")}).Queries, 99)
	require.Empty(t, describe(cloudwatchlogs.DescribeQueriesInput{Status: types.QueryStatusRunning}).Queries)
	page := describe(cloudwatchlogs.DescribeQueriesInput{MaxResults: aws.Int32(99), Status: types.QueryStatusComplete})
	require.Len(t, describe(cloudwatchlogs.DescribeQueriesInput{NextToken: page.NextToken}).Queries, 1)
	_, err = b.DescribeQueries(ctx, &cloudwatchlogs.DescribeQueriesInput{Status: "Lost"})
	invalid(t, err, "status: got")
	_, err = b.DescribeQueries(ctx, &cloudwatchlogs.DescribeQueriesInput{NextToken: aws.String("!")})
	invalid(t, err, "nextToken")
}
