package logs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/stretchr/testify/require"
)

func TestEventsAreReadBackByTime(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	b.group("/g")
	require.NoError(t, b.service.Deliver(prefix+"/g", "b", start.Add(time.Second), "second"))
	require.NoError(t, b.service.Deliver(prefix+"/g", "a", start, "first"))
	require.NoError(t, b.service.Deliver(prefix+"/g", "b", start.Add(2*time.Second), "third \xff"))

	require.Equal(t, []string{"first", "second", "third \uFFFD"}, b.lines("/g", ""))
	out, err := b.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupIdentifier: aws.String(prefix + "/g"), LogStreamNames: []string{"b"},
		StartTime: aws.Int64(start.UnixMilli()), EndTime: aws.Int64(start.Add(time.Second).UnixMilli()),
	})
	require.NoError(t, err)
	require.Len(t, out.Events, 1)
	require.Equal(t, "b", *out.Events[0].LogStreamName)
	require.Equal(t, start.Add(time.Second).UnixMilli(), *out.Events[0].Timestamp)

	first, err := b.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/g"), Limit: aws.Int32(2)})
	require.NoError(t, err)
	require.Len(t, first.Events, 2)
	rest, err := b.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/g"), Limit: aws.Int32(2), NextToken: first.NextToken})
	require.NoError(t, err)
	require.Len(t, rest.Events, 1)
	require.Nil(t, rest.NextToken)

	streams, err := b.DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String("/g"), OrderBy: types.OrderByLastEventTime, Descending: aws.Bool(true)})
	require.NoError(t, err)
	require.Len(t, streams.LogStreams, 2)
	require.Equal(t, "b", *streams.LogStreams[0].LogStreamName)
	require.Equal(t, start.Add(time.Second).UnixMilli(), *streams.LogStreams[0].FirstEventTimestamp)
	require.Equal(t, start.Add(2*time.Second).UnixMilli(), *streams.LogStreams[0].LastEventTimestamp)
	require.Equal(t, prefix+"/g:log-stream:b", *streams.LogStreams[0].Arn)

	_, err = b.DeleteLogStream(ctx, &cloudwatchlogs.DeleteLogStreamInput{LogGroupName: aws.String("/g"), LogStreamName: aws.String("b")})
	require.NoError(t, err)
	require.Equal(t, []string{"first"}, b.lines("/g", ""))
}

func TestAStreamIsPagedBothWays(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	b.group("/g")
	_, err := b.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("/g"), LogStreamName: aws.String("s")})
	require.NoError(t, err)
	var events []types.InputLogEvent
	for i := range 5 {
		events = append(events, types.InputLogEvent{Timestamp: aws.Int64(start.UnixMilli() + int64(i)), Message: aws.String(fmt.Sprint(i))})
	}
	put, err := b.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("/g"), LogStreamName: aws.String("s"), LogEvents: events})
	require.NoError(t, err)
	require.Nil(t, put.RejectedLogEventsInfo)
	get := func(head bool, token *string) (messages string, forward, backward *string) {
		out, err := b.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{
			LogGroupName: aws.String("/g"), LogStreamName: aws.String("s"), Limit: aws.Int32(2), StartFromHead: &head, NextToken: token,
		})
		require.NoError(t, err)
		for _, e := range out.Events {
			messages += *e.Message
		}
		return messages, out.NextForwardToken, out.NextBackwardToken
	}
	latest, forward, backward := get(false, nil)
	require.Equal(t, "34", latest)
	older, _, backward := get(false, backward)
	require.Equal(t, "12", older)
	oldest, _, backward := get(false, backward)
	require.Equal(t, "0", oldest)
	none, _, same := get(false, backward)
	require.Empty(t, none)
	require.Equal(t, backward, same, "the token stays at the end")
	none, same, _ = get(false, forward)
	require.Empty(t, none)
	require.Equal(t, forward, same)
	head, forward, _ := get(true, nil)
	require.Equal(t, "01", head)
	next, _, _ := get(true, forward)
	require.Equal(t, "23", next)

	_, err = b.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("/g"), LogStreamName: aws.String("s"), NextToken: aws.String("x")})
	invalid(t, err, "nextToken")
	_, err = b.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("/g"), LogStreamName: aws.String("absent")})
	missing(t, err, "log stream")
}

func TestEventsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	b.group("/g")
	_, err := b.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("/g"), LogStreamName: aws.String("s")})
	require.NoError(t, err)
	_, err = b.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("/g"), LogStreamName: aws.String("s")})
	var exists *types.ResourceAlreadyExistsException
	require.ErrorAs(t, err, &exists)
	_, err = b.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("/g"), LogStreamName: aws.String("a:b")})
	invalid(t, err, "logStreamName")

	at := func(offset time.Duration, message string) types.InputLogEvent {
		return types.InputLogEvent{Timestamp: aws.Int64(start.Add(offset).UnixMilli()), Message: &message}
	}
	put := func(stream string, events ...types.InputLogEvent) (*cloudwatchlogs.PutLogEventsOutput, error) {
		return b.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("/g"), LogStreamName: &stream, LogEvents: events})
	}
	_, err = put("absent", at(0, "x"))
	missing(t, err, "log stream")
	_, err = put("s", []types.InputLogEvent{}...)
	invalid(t, err, "got 0, want 1 to 10000")
	_, err = put("s", at(0, ""))
	invalid(t, err, "message")
	_, err = put("s", at(time.Second, "x"), at(0, "y"))
	invalid(t, err, "chronological order")
	_, err = put("s", at(0, strings.Repeat("x", 1<<20)))
	invalid(t, err, "Upload too large")
	require.Empty(t, b.lines("/g", ""))

	out, err := put("s", at(-15*24*time.Hour, "old"), at(0, "kept"), at(3*time.Hour, "new"))
	require.NoError(t, err)
	require.Equal(t, int32(1), *out.RejectedLogEventsInfo.TooOldLogEventEndIndex)
	require.Equal(t, int32(2), *out.RejectedLogEventsInfo.TooNewLogEventStartIndex)
	require.Equal(t, []string{"kept"}, b.lines("/g", ""))

	_, err = b.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/g"), LogStreamNames: []string{"absent"}})
	missing(t, err, "log stream")
	_, err = b.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/g"), FilterPattern: aws.String("{ $.a")})
	invalid(t, err, "Invalid filter pattern")
	_, err = b.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/g"), NextToken: aws.String("!")})
	invalid(t, err, "nextToken")
	_, err = b.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/g"), LogGroupIdentifier: aws.String("/g")})
	invalid(t, err, "mutually exclusive")
	_, err = b.DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String("/g"), OrderBy: types.OrderByLastEventTime, LogStreamNamePrefix: aws.String("s")})
	invalid(t, err, "LastEventTime")

	require.ErrorContains(t, b.service.Deliver(prefix+"/absent", "s", start, "x"), "delivering to log group /absent: ResourceNotFoundException")
	require.ErrorContains(t, b.service.Deliver("arn:aws:sns:x", "s", start, "x"), "Invalid resource ARN")
	require.ErrorContains(t, b.service.Deliver(prefix+"/g", "a*", start, "x"), "logStreamName")
}

func TestRetentionEndsEvents(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.group("/g")
	require.NoError(t, b.service.Deliver(prefix+"/g", "s", start, "old"))
	_, err := b.PutRetentionPolicy(t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("/g"), RetentionInDays: aws.Int32(1)})
	require.NoError(t, err)
	b.clock.move(23 * time.Hour)
	require.NoError(t, b.service.Deliver(prefix+"/g", "s", b.clock.read(), "new"))
	require.Equal(t, []string{"old", "new"}, b.lines("/g", ""))
	b.clock.move(2 * time.Hour)
	require.Equal(t, []string{"new"}, b.lines("/g", ""))
}

func TestEventsOutliveAReopenAndACutLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newBench(t, dir)
	b.group("/g")
	require.NoError(t, b.service.Deliver(prefix+"/g", "s", start, "one"))
	require.NoError(t, b.service.Deliver(prefix+"/g", "s", start, "two"))
	files, err := filepath.Glob(filepath.Join(dir, "events-*.ndjson"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	f, err := os.OpenFile(files[0], os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"id":3,"stream":"s","mess`)
	require.NoError(t, err)
	require.NoError(t, f.Close())

	again := newBench(t, dir)
	require.NoError(t, again.service.Deliver(prefix+"/g", "s", start, "three"))
	require.Equal(t, []string{"one", "two", "three"}, again.lines("/g", ""))
	third := newBench(t, dir)
	require.Equal(t, []string{"one", "two", "three"}, third.lines("/g", ""))

	_, err = third.DeleteLogGroup(t.Context(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String("/g")})
	require.NoError(t, err)
	require.NoFileExists(t, files[0])
	third.group("/g")
	require.Empty(t, third.lines("/g", ""), "a new group of the name is empty")
}

func TestConcurrentDeliveriesAreAllKept(t *testing.T) {
	t.Parallel()
	b := newBench(t, t.TempDir())
	b.group("/g")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				if err := b.service.Deliver(prefix+"/g", fmt.Sprint("s", i%3), start, "x"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.Len(t, b.lines("/g", ""), 160)
}
