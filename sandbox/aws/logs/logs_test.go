package logs_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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
	t       testing.TB
	service *logs.Service
	clock   *clock
	metrics *metrics
}

// whole sends requests in one piece. The SDK closes the body of a request once
// an answer begins. Were it not in memory, net/http might still look for its end
// then, and end the connection in the middle of a large answer.
type whole struct{ client *http.Client }

func (w whole) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return w.client.Do(r)
}

func newBench(t testing.TB, dir string) *bench {
	t.Helper()
	c, m := &clock{now: start}, &metrics{}
	service, err := logs.New(logs.Options{Account: "000000000000", Region: "eu-west-1", Dir: dir, Now: c.read, Record: m.record})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, service.Close()) })
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	return &bench{t: t, service: service, clock: c, metrics: m, Client: cloudwatchlogs.New(cloudwatchlogs.Options{
		Region: "eu-west-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1, HTTPClient: whole{server.Client()},
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
	_, err = b.TagLogGroup(ctx, &cloudwatchlogs.TagLogGroupInput{LogGroupName: aws.String("/g"), Tags: map[string]string{"c": "3", "d": "4"}}) //nolint:staticcheck // deprecated, and still sent by older clients
	require.NoError(t, err)
	_, err = b.UntagLogGroup(ctx, &cloudwatchlogs.UntagLogGroupInput{LogGroupName: aws.String("/g"), Tags: []string{"d"}}) //nolint:staticcheck // deprecated, and still sent by older clients
	require.NoError(t, err)
	want := map[string]string{"b": "2", "c": "3"}
	byARN, err := b.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: arn})
	require.NoError(t, err)
	require.Equal(t, want, byARN.Tags)
	byName, err := b.ListTagsLogGroup(ctx, &cloudwatchlogs.ListTagsLogGroupInput{LogGroupName: aws.String("/g")}) //nolint:staticcheck // deprecated, and still sent by older clients
	require.NoError(t, err)
	require.Equal(t, want, byName.Tags)

	_, err = b.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: aws.String(prefix + "/g:*")})
	invalid(t, err, "Invalid resource ARN")
	_, err = b.TagResource(ctx, &cloudwatchlogs.TagResourceInput{ResourceArn: aws.String(prefix + "/absent"), Tags: map[string]string{"a": "1"}})
	missing(t, err, "log group")
	_, err = b.TagResource(ctx, &cloudwatchlogs.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a;": "1"}})
	invalid(t, err, "want letters")
}

func TestOperationsThatAreNotImplementedSaySo(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	_, err := b.PutSubscriptionFilter(t.Context(), &cloudwatchlogs.PutSubscriptionFilterInput{
		LogGroupName: aws.String("/g"), FilterName: aws.String("f"), FilterPattern: aws.String(""), DestinationArn: aws.String("arn"),
	})
	notImplemented(t, err, "PutSubscriptionFilter")
}

func notImplemented(t *testing.T, err error, what string) {
	t.Helper()
	var refusal smithy.APIError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, "NotImplemented", refusal.ErrorCode())
	require.Contains(t, refusal.ErrorMessage(), what)
}
