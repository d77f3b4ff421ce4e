package logs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/logs"
)

// search reads all pages of a search of /g.
func (b *bench) search(in cloudwatchlogs.FilterLogEventsInput) (events []types.FilteredLogEvent, pages []int) {
	b.t.Helper()
	in.LogGroupName = aws.String("/g")
	for {
		out, err := b.FilterLogEvents(b.t.Context(), &in)
		require.NoError(b.t, err)
		events = append(events, out.Events...)
		pages = append(pages, len(out.Events))
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return events, pages
		}
	}
}

func TestAnAnswerHasOneMegabyteOrTenThousandEvents(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text  string
		n     int
		pages []int
	}{
		"small events": {"x", 25_000, []int{10_000, 10_000, 5_000}},
		"all fit":      {"x", 10_000, []int{10_000}},
		"large events": {strings.Repeat("x", 300<<10), 7, []int{3, 3, 1}},
		"huge ones":    {strings.Repeat("x", 2<<20), 2, []int{1, 1}},
		"none":         {"", 0, []int{0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			b.group("/g")
			lines := make([]logs.Line, test.n)
			for i := range lines {
				lines[i] = logs.Line{At: start.Add(time.Duration(i/2) * time.Millisecond), Text: test.text}
			}
			require.NoError(t, b.service.Append("/g", "s", false, lines))
			events, pages := b.search(cloudwatchlogs.FilterLogEventsInput{})
			require.Equal(t, test.pages, pages)
			ids := map[string]bool{}
			for _, e := range events {
				ids[*e.EventId] = true
			}
			require.Len(t, ids, test.n, "each event once")

			var forward []int
			in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("/g"), LogStreamName: aws.String("s"), StartFromHead: aws.Bool(true)}
			for {
				out, err := b.GetLogEvents(t.Context(), in)
				require.NoError(t, err)
				if in.NextToken != nil && *in.NextToken == *out.NextForwardToken || in.NextToken == nil && len(out.Events) == 0 {
					break
				}
				in.NextToken = out.NextForwardToken
				forward = append(forward, len(out.Events))
			}
			if test.n > 0 {
				require.Equal(t, test.pages, forward)
			}
		})
	}
}

func TestASearchMayBeginWithTheLatest(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.group("/g")
	for i := range 10 {
		b.deliver(time.Duration(i)*time.Second, fmt.Sprint(i, []string{" even", " odd"}[i%2]))
	}
	in := cloudwatchlogs.FilterLogEventsInput{
		StartTime: aws.Int64(start.Add(time.Second).UnixMilli()), EndTime: aws.Int64(start.Add(8 * time.Second).UnixMilli()),
		StartFromHead: aws.Bool(false), FilterPattern: aws.String("even"), Limit: aws.Int32(3),
	}
	events, pages := b.search(in)
	require.Equal(t, []int{3, 1}, pages)
	var got []string
	for _, e := range events {
		got = append(got, strings.Fields(*e.Message)[0])
	}
	require.Equal(t, []string{"8", "6", "4", "2"}, got)

	in.LogGroupName = aws.String("/g")
	for _, at := range []*int64{nil, aws.Int64(time.Date(2023, 12, 31, 23, 59, 59, 0, time.UTC).UnixMilli())} {
		in.StartTime = at
		_, err := b.FilterLogEvents(t.Context(), &in)
		invalid(t, err, "startFromHead")
	}
	for _, token := range []string{"x/1-2", "f/1", "f1-2", "b/", "/1-2"} {
		_, err := b.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/g"), NextToken: &token})
		invalid(t, err, "nextToken")
	}
}

// TestAFollowerMissesNothing asks again from the last time that was seen, while
// others write.
func TestAFollowerMissesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.group("/g")
	const n = 500
	written := make(chan error, 1)
	go func() {
		var err error
		for i := range n {
			err = b.service.Deliver(prefix+"/g", "s", start.Add(time.Duration(i/7)*time.Millisecond), fmt.Sprint(i))
			if err != nil {
				break
			}
		}
		written <- err
	}()
	seen := map[string]bool{}
	from, done := int64(0), false
	for {
		events, _ := b.search(cloudwatchlogs.FilterLogEventsInput{StartTime: &from, Limit: aws.Int32(10)})
		for _, e := range events {
			seen[*e.EventId] = true
			require.GreaterOrEqual(t, *e.Timestamp, from)
			from = *e.Timestamp
		}
		if done {
			break
		}
		select {
		case err := <-written:
			require.NoError(t, err)
			done = true // and once more
		default:
		}
	}
	require.Len(t, seen, n)
}
