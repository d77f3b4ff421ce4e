package lambda_test

import (
	"encoding/json"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	lambdasdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"
)

// lines returns the events of a log group; one that is missing has none.
func (w *world) lines(t *testing.T, group string) (lines []string) {
	t.Helper()
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(w.logs, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			requireCode(t, err, "ResourceNotFoundException", "")
			return nil
		}
		for _, event := range page.Events {
			lines = append(lines, *event.Message)
		}
	}
	return lines
}

func TestWhatAFunctionWritesIsInItsLog(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t, mayLog)
	w.create(t, "f")
	out := w.do(t, "f", map[string]any{"do": "print", "text": "one\n\ntwo"})
	got := w.lines(t, "/aws/lambda/f")
	require.Len(t, got, 5)
	require.Regexp(t, `^START RequestId: [0-9a-f-]{36} Version: \$LATEST$`, got[0])
	require.Equal(t, []string{"one", "two"}, got[1:3])
	require.Regexp(t, `^END RequestId: [0-9a-f-]{36}$`, got[3])
	require.Regexp(t, `^REPORT RequestId: [0-9a-f-]{36}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: [1-9]\d* MB\tInit Duration: \d+\.\d\d ms\t$`, got[4])
	require.Equal(t, strings.Join(got[:5], "\n")+"\n", tail(t, out))

	again := w.do(t, "f", map[string]any{"do": "print", "text": "three"})
	require.Contains(t, w.lines(t, "/aws/lambda/f"), "no line endthree", "a line ends with a line end")
	require.NotContains(t, tail(t, again), "Init Duration")
	streams, err := w.logs.DescribeLogStreams(t.Context(), &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: sdk.String("/aws/lambda/f")})
	require.NoError(t, err)
	require.Len(t, streams.LogStreams, 1, "one process, one stream")
	require.Regexp(t, `^2025/03/01/\[\$LATEST\][0-9a-f]{32}$`, *streams.LogStreams[0].LogStreamName)
}

func TestLogsAreLostUnlessTheRoleMayWriteThem(t *testing.T) {
	t.Parallel()
	const stream = `"Resource":"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/f:log-stream:*"`
	allow := func(actions, resource string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` + actions + `],` + resource + `}]}`
	}
	for name, test := range map[string]struct {
		policies []string
		group    bool // exists before
		kept     bool
	}{
		"the least that is needed":            {[]string{allow(`"logs:CreateLogStream","logs:PutLogEvents"`, stream)}, true, true},
		"it may make the group":               {[]string{mayLog}, false, true},
		"no policy":                           {nil, true, false},
		"no group and no right to make it":    {[]string{allow(`"logs:CreateLogStream","logs:PutLogEvents"`, stream)}, false, false},
		"it may not make streams":             {[]string{allow(`"logs:PutLogEvents"`, stream)}, true, false},
		"it may not write":                    {[]string{allow(`"logs:CreateLogStream"`, stream)}, true, false},
		"of another group":                    {[]string{allow(`"logs:*"`, strings.Replace(stream, "lambda/f", "lambda/g", 1))}, true, false},
		"the group but not the streams in it": {[]string{allow(`"logs:*"`, `"Resource":"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/f"`)}, true, false},
		"it is denied":                        {[]string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"logs:Put*","Resource":"*"}]}`}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, "")
			w.role(t, test.policies...)
			w.create(t, "f")
			if test.group {
				_, err := w.logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: sdk.String("/aws/lambda/f")})
				require.NoError(t, err)
			}
			out := w.do(t, "f", map[string]any{"do": "print", "text": "hello"})
			require.Contains(t, tail(t, out), "hello", "the caller sees it anyway")
			if test.kept {
				require.Len(t, w.lines(t, "/aws/lambda/f"), 4)
			} else {
				require.Empty(t, w.lines(t, "/aws/lambda/f"))
			}
		})
	}
}

func TestLogsInJSONToAGroupOfOnesOwn(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t, mayLog)
	w.create(t, "f", func(in *lambdasdk.CreateFunctionInput) {
		in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatJson, LogGroup: sdk.String("/mine")}
	})
	w.do(t, "f", map[string]any{"do": "print", "text": "plain"})
	got := w.lines(t, "/mine")
	require.Len(t, got, 3)
	require.Equal(t, "plain", got[1])
	for i, kind := range map[int]string{0: "platform.start", 2: "platform.report"} {
		var line struct {
			Type   string
			Record struct{ RequestID, Status string }
		}
		require.NoError(t, json.Unmarshal([]byte(got[i]), &line), got[i])
		require.Equal(t, kind, line.Type)
		require.NotEmpty(t, line.Record.RequestID)
	}
}

func TestAFloodOfOutputIsCut(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t, mayLog)
	w.create(t, "f", func(in *lambdasdk.CreateFunctionInput) { in.Timeout = sdk.Int32(60) })
	out := w.do(t, "f", map[string]any{"do": "flood", "n": 3})
	require.Nil(t, out.FunctionError)
	require.LessOrEqual(t, len(tail(t, out)), 4096)
	size := 0
	for _, line := range w.lines(t, "/aws/lambda/f") {
		require.LessOrEqual(t, len(line), 256<<10)
		size += len(line)
	}
	require.Greater(t, size, 3<<20)
}
