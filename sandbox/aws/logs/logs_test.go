package logs_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/logs"
)

const prefix = "arn:aws:logs:eu-west-1:000000000000:log-group:"

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// clock is the time of a bench, which tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is a CloudWatch Logs and a real client of it.
type bench struct {
	*cloudwatchlogs.Client
	t       *testing.T
	service *logs.Service
	clock   *clock
}

func newBench(t *testing.T, dir string) *bench {
	t.Helper()
	c := &clock{now: start}
	service, err := logs.New(logs.Options{Account: "000000000000", Region: "eu-west-1", Dir: dir, Now: c.read})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, service.Close()) })
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	return &bench{t: t, service: service, clock: c, Client: cloudwatchlogs.New(cloudwatchlogs.Options{
		Region: "eu-west-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
	})}
}

func (b *bench) group(name string) {
	b.t.Helper()
	_, err := b.CreateLogGroup(b.t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &name})
	require.NoError(b.t, err)
}

// lines are the messages of a group that a pattern matches.
func (b *bench) lines(group, pattern string) []string {
	b.t.Helper()
	out, err := b.FilterLogEvents(b.t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group, FilterPattern: &pattern})
	require.NoError(b.t, err)
	lines := []string{}
	for _, e := range out.Events {
		lines = append(lines, *e.Message)
	}
	return lines
}

func invalid(t *testing.T, err error, want string) {
	t.Helper()
	var exception *types.InvalidParameterException
	require.ErrorAs(t, err, &exception)
	require.Contains(t, exception.ErrorMessage(), want)
}

func missing(t *testing.T, err error, want string) {
	t.Helper()
	var exception *types.ResourceNotFoundException
	require.ErrorAs(t, err, &exception)
	require.Contains(t, exception.ErrorMessage(), want)
}

func TestALogGroupIsDescribedAsItIs(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	key := "arn:aws:kms:eu-west-1:000000000000:key/0f1e2d3c-0000-0000-0000-000000000000"
	_, err := b.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{
		LogGroupName: aws.String("/aws/vendedlogs/api"), LogGroupClass: types.LogGroupClassInfrequentAccess, KmsKeyId: &key,
	})
	require.NoError(t, err)
	_, err = b.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("/aws/vendedlogs/api"), RetentionInDays: aws.Int32(14)})
	require.NoError(t, err)
	b.group("/other")

	out, err := b.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/aws")})
	require.NoError(t, err)
	require.Len(t, out.LogGroups, 1)
	group := out.LogGroups[0]
	require.Equal(t, prefix+"/aws/vendedlogs/api:*", *group.Arn)
	require.Equal(t, prefix+"/aws/vendedlogs/api", *group.LogGroupArn)
	require.Equal(t, int32(14), *group.RetentionInDays)
	require.Equal(t, key, *group.KmsKeyId)
	require.Equal(t, start.UnixMilli(), *group.CreationTime)
	require.Equal(t, types.LogGroupClassInfrequentAccess, group.LogGroupClass)

	_, err = b.DeleteRetentionPolicy(ctx, &cloudwatchlogs.DeleteRetentionPolicyInput{LogGroupName: group.LogGroupName})
	require.NoError(t, err)
	_, err = b.DisassociateKmsKey(ctx, &cloudwatchlogs.DisassociateKmsKeyInput{LogGroupName: group.LogGroupName})
	require.NoError(t, err)
	out, err = b.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePattern: aws.String("VENDED")})
	require.NoError(t, err)
	require.Nil(t, out.LogGroups[0].RetentionInDays)
	require.Nil(t, out.LogGroups[0].KmsKeyId)
	_, err = b.AssociateKmsKey(ctx, &cloudwatchlogs.AssociateKmsKeyInput{LogGroupName: group.LogGroupName, KmsKeyId: &key})
	require.NoError(t, err)

	_, err = b.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: group.LogGroupName})
	require.NoError(t, err)
	require.False(t, b.service.HasGroup("/aws/vendedlogs/api"))
	require.True(t, b.service.HasGroup("/other"))
}

func TestGroupsArePaged(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	for i := range 7 {
		b.group(fmt.Sprintf("/g%d", i))
	}
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(b.Client, &cloudwatchlogs.DescribeLogGroupsInput{Limit: aws.Int32(3)})
	var names []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, group := range page.LogGroups {
			names = append(names, *group.LogGroupName)
		}
	}
	require.Equal(t, []string{"/g0", "/g1", "/g2", "/g3", "/g4", "/g5", "/g6"}, names)
}

func TestGroupOperationsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	b.group("/g")
	_, err := b.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/g")})
	var exists *types.ResourceAlreadyExistsException
	require.ErrorAs(t, err, &exists)
	require.Equal(t, "The specified log group already exists", exists.ErrorMessage())

	for name, in := range map[string]*cloudwatchlogs.CreateLogGroupInput{
		"failed to satisfy constraint": {LogGroupName: aws.String("a b")},
		"between 1 and 512":            {LogGroupName: aws.String(strings.Repeat("n", 513))},
		"reserved for AWS":             {LogGroupName: aws.String("aws/x")},
		"logGroupClass":                {LogGroupName: aws.String("x"), LogGroupClass: "COLD"},
		"KMS key ARN":                  {LogGroupName: aws.String("x"), KmsKeyId: aws.String("alias/x")},
		"reserved for AWS use":         {LogGroupName: aws.String("x"), Tags: map[string]string{"aws:x": ""}},
	} {
		_, err := b.CreateLogGroup(ctx, in)
		invalid(t, err, name)
	}
	_, err = b.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("/g"), RetentionInDays: aws.Int32(8)})
	invalid(t, err, "got 8, want one of [1 3 5 7")
	_, err = b.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("/absent"), RetentionInDays: aws.Int32(7)})
	missing(t, err, "The specified log group does not exist.")
	_, err = b.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String("/absent")})
	missing(t, err, "The specified log group does not exist.")
	_, err = b.AssociateKmsKey(ctx, &cloudwatchlogs.AssociateKmsKeyInput{LogGroupName: aws.String("/g"), KmsKeyId: aws.String("x")})
	invalid(t, err, "KMS key")
	_, err = b.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{Limit: aws.Int32(51)})
	invalid(t, err, "between 1 and 50")
	_, err = b.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("a"), LogGroupNamePattern: aws.String("b")})
	invalid(t, err, "mutually exclusive")
	_, err = b.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{NextToken: aws.String("!")})
	invalid(t, err, "nextToken")
}

func TestTagsByARNAndByName(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ctx := t.Context()
	b.group("/g")
	arn := aws.String(prefix + "/g")
	_, err := b.TagResource(ctx, &cloudwatchlogs.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "1", "b": "2"}})
	require.NoError(t, err)
	_, err = b.UntagResource(ctx, &cloudwatchlogs.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}})
	require.NoError(t, err)
	_, err = b.TagLogGroup(ctx, &cloudwatchlogs.TagLogGroupInput{LogGroupName: aws.String("/g"), Tags: map[string]string{"c": "3", "d": "4"}})
	require.NoError(t, err)
	_, err = b.UntagLogGroup(ctx, &cloudwatchlogs.UntagLogGroupInput{LogGroupName: aws.String("/g"), Tags: []string{"d"}})
	require.NoError(t, err)
	want := map[string]string{"b": "2", "c": "3"}
	byARN, err := b.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: arn})
	require.NoError(t, err)
	require.Equal(t, want, byARN.Tags)
	byName, err := b.ListTagsLogGroup(ctx, &cloudwatchlogs.ListTagsLogGroupInput{LogGroupName: aws.String("/g")})
	require.NoError(t, err)
	require.Equal(t, want, byName.Tags)

	_, err = b.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: aws.String(prefix + "/g:*")})
	invalid(t, err, "Invalid resource ARN")
	_, err = b.TagResource(ctx, &cloudwatchlogs.TagResourceInput{ResourceArn: aws.String(prefix + "/absent"), Tags: map[string]string{"a": "1"}})
	missing(t, err, "log group")
	_, err = b.TagResource(ctx, &cloudwatchlogs.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a;": "1"}})
	invalid(t, err, "want letters")
}

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

func TestOnlyTheLatestEventsAreKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newBench(t, dir)
	b.group("/g")
	const total = 20_050
	for i := range total {
		require.NoError(t, b.service.Deliver(prefix+"/g", "s", start.Add(time.Duration(i)*time.Millisecond), fmt.Sprint(i)))
	}
	lines := b.lines("/g", "")
	require.Len(t, lines, 10_000)
	require.Equal(t, fmt.Sprint(total-1), lines[len(lines)-1])
	require.Len(t, newBench(t, dir).lines("/g", ""), 10_000)
	files, err := filepath.Glob(filepath.Join(dir, "events-*.ndjson"))
	require.NoError(t, err)
	raw, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.Less(t, strings.Count(string(raw), "\n"), total, "the file is rewritten")
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

func TestOperationsThatAreNotImplementedSaySo(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	_, err := b.PutMetricFilter(t.Context(), &cloudwatchlogs.PutMetricFilterInput{
		LogGroupName: aws.String("/g"), FilterName: aws.String("f"), FilterPattern: aws.String(""), MetricTransformations: []types.MetricTransformation{{MetricName: aws.String("m"), MetricNamespace: aws.String("n"), MetricValue: aws.String("1")}},
	})
	var refusal smithy.APIError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, "NotImplemented", refusal.ErrorCode())
}
