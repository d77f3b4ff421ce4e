package logs_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/logs"
)

func open(t *testing.T, dir string) *logs.Service {
	t.Helper()
	service, err := logs.New(logs.Options{Account: "123456789012", Region: "eu-west-1", Dir: dir, Now: time.Now})
	require.NoError(t, err)
	t.Cleanup(func() { _ = service.Close() }) // a test may have closed it
	return service
}

func TestLinesOfFunctionsNeedAGroup(t *testing.T) {
	t.Parallel()
	service := open(t, "")
	line := []logs.Line{{At: time.Now(), Text: "x"}}
	require.ErrorContains(t, service.Append("/g", "s", false, line), "The specified log group does not exist.")
	require.NoError(t, service.Append("/g", "s", true, line))
	require.NoError(t, service.Append("/g", "s", true, line), "it is there now")
	require.NoError(t, service.Append("/g", "t", false, line))
	require.ErrorContains(t, service.Append("/g", "a:b", true, line), "logStreamName")
	require.ErrorContains(t, service.Append("a b", "s", true, line), "logGroupName")
}

// TestAFloodOfLinesIsBounded writes more than is kept; both the memory and the
// file forget the oldest.
func TestAFloodOfLinesIsBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	service := open(t, dir)
	text := strings.Repeat("x", 256<<10)
	for range 10 {
		lines := make([]logs.Line, 32)
		for i := range lines {
			lines[i] = logs.Line{At: time.Now(), Text: text}
		}
		require.NoError(t, service.Append("/g", "s", true, lines))
	}
	files, err := filepath.Glob(filepath.Join(dir, "events-*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	require.LessOrEqual(t, info.Size(), int64(96<<20))
	require.NoError(t, service.Close())

	again := open(t, dir) // which writes what it keeps
	require.NoError(t, again.Append("/g", "s", false, nil))
	info, err = os.Stat(files[0])
	require.NoError(t, err)
	require.LessOrEqual(t, info.Size(), int64(65<<20))
	require.Greater(t, info.Size(), int64(60<<20))
}

func TestWhatRequestsDoAndToWhat(t *testing.T) {
	t.Parallel()
	service := open(t, "")
	const group = "arn:aws:logs:eu-west-1:123456789012:log-group:"
	for name, test := range map[string]struct{ operation, body, resource string }{
		"a stream":  {"PutLogEvents", `{"logGroupName":"/g","logStreamName":"s"}`, group + "/g:log-stream:s"},
		"a group":   {"CreateLogGroup", `{"logGroupName":"/g"}`, group + "/g:log-stream:"},
		"no group":  {"DescribeLogGroups", `{}`, group + ":log-stream:"},
		"malformed": {"PutLogEvents", `{`, group + ":log-stream:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &http.Request{Header: http.Header{"X-Amz-Target": {logs.Target + test.operation}}}
			action, resource := service.Request(r, []byte(test.body))
			require.Equal(t, "logs:"+test.operation, action)
			require.Equal(t, test.resource, resource)
		})
	}
}
