package logs_test

import (
	"net/http"
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
