package lambda_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	iamsdk "github.com/aws/aws-sdk-go-v2/service/iam"
	lambdasdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"
)

func TestAProcessIsKeptForTheNextInvocation(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t, mayLog)
	w.create(t, "f")
	first := parse[answer](t, w.do(t, "f", map[string]any{"text": "a"}))
	second := parse[answer](t, w.do(t, "f", map[string]any{"text": "b"}))
	require.Equal(t, answer{1, first.PID, "a"}, first)
	require.Equal(t, answer{2, first.PID, "b"}, second)

	w.clock.advance(4 * time.Minute)
	w.service.Sweep()
	require.Equal(t, first.PID, parse[answer](t, w.do(t, "f", map[string]any{})).PID)
	w.clock.advance(6 * time.Minute)
	w.service.Sweep()
	require.ErrorIs(t, syscall.Kill(first.PID, 0), syscall.ESRCH, "an idle process is ended")
	require.Equal(t, 1, parse[answer](t, w.do(t, "f", map[string]any{})).Calls)
}

func TestAProcessIsNotKeptWhenTheClockIsMoved(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t, mayLog)
	w.create(t, "f")
	last := parse[answer](t, w.do(t, "f", map[string]any{}))
	for name, by := range map[string]time.Duration{"idle for long": 6 * time.Minute, "with expired credentials": 24 * time.Hour} {
		w.clock.advance(by)
		next := parse[answer](t, w.do(t, "f", map[string]any{}))
		require.NotEqual(t, last.PID, next.PID, name)
		require.Equal(t, 1, next.Calls, name)
		last = next
	}
	for range 30 { // never idle for long, and used up
		w.clock.advance(4*time.Minute + 30*time.Second)
		last = parse[answer](t, w.do(t, "f", map[string]any{}))
	}
	require.Less(t, last.Calls, 30)
}

// failure is what Lambda answers in place of a function.
type failure struct{ ErrorType, ErrorMessage string }

func TestFailuresOfAFunction(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t)
	for name, test := range map[string]struct {
		event     map[string]any
		variables map[string]string
		kind      string
		message   string
		log       string
		survives  bool
	}{
		"it returns an error":         {event: map[string]any{"do": "fail", "text": "no stock"}, kind: "errorString", message: "no stock", survives: true},
		"it panics":                   {event: map[string]any{"do": "panic", "text": "oh"}, kind: "string", message: "oh"},
		"it ends":                     {event: map[string]any{"do": "exit", "n": 3}, kind: "Runtime.ExitError", message: "Error: Runtime exited with error: exit status 3", log: "Status: error\tError Type: Runtime.ExitError"},
		"it ends as if all were well": {event: map[string]any{"do": "exit"}, kind: "Runtime.ExitError", message: "Error: Runtime exited without providing a reason"},
		"it takes too long":           {event: map[string]any{"do": "sleep"}, kind: "Sandbox.Timedout", message: "Error: Task timed out after 1.00 seconds", log: "Status: timeout"},
		"it answers too much":         {event: map[string]any{"do": "large", "n": 6291556}, kind: "Function.ResponseSizeTooLarge", message: "Response payload size exceeded maximum allowed payload size (6291556 bytes)."},
		"it ends at the start":        {variables: map[string]string{"AT_START": "exit"}, kind: "Runtime.ExitError", message: "exit status 3"},
		"it panics at the start":      {variables: map[string]string{"AT_START": "panic"}, kind: "Runtime.ExitError", message: "exit status 2", log: "panic: at start"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			function := strings.ReplaceAll(name, " ", "-")
			w.create(t, function, func(in *lambdasdk.CreateFunctionInput) {
				in.Timeout = sdk.Int32(1)
				in.Environment = &types.Environment{Variables: test.variables}
			})
			out := w.do(t, function, test.event)
			require.NotNil(t, out.FunctionError, string(out.Payload))
			require.Equal(t, "Unhandled", *out.FunctionError)
			require.EqualValues(t, 200, out.StatusCode)
			var got failure
			require.NoError(t, json.Unmarshal(out.Payload, &got), string(out.Payload))
			require.Equal(t, test.kind, got.ErrorType)
			require.Contains(t, got.ErrorMessage, test.message)
			require.Contains(t, tail(t, out), test.log)
			if test.variables == nil {
				calls := 1
				if test.survives {
					calls = 2
				}
				require.Equal(t, calls, parse[answer](t, w.do(t, function, map[string]any{})).Calls)
			}
		})
	}
}

func tail(t *testing.T, out *lambdasdk.InvokeOutput) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(*out.LogResult)
	require.NoError(t, err)
	return string(raw)
}

func TestArchivesThatCannotStart(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t)
	binary, err := program()
	require.NoError(t, err)
	other := types.ArchitectureArm64
	if hostArchitecture() == other {
		other = types.ArchitectureX8664
	}
	for name, test := range map[string]struct {
		files []file
		arch  types.Architecture
		want  string
	}{
		"no-bootstrap":          {[]file{{"main", 0o755, binary}}, hostArchitecture(), "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"},
		"bootstrap-in-a-folder": {[]file{{"bin/bootstrap", 0o755, binary}}, hostArchitecture(), "Couldn't find valid bootstrap(s)"},
		"not-executable":        {[]file{{"bootstrap", 0o644, binary}}, hostArchitecture(), "fork/exec /var/task/bootstrap: permission denied"},
		"only-for-its-owner":    {[]file{{"bootstrap", 0o700, binary}}, hostArchitecture(), "fork/exec /var/task/bootstrap: permission denied"},
		"not-a-program":         {[]file{{"bootstrap", 0o755, []byte("text")}}, hostArchitecture(), "fork/exec /var/task/bootstrap: exec format error"},
		"of-the-other-kind":     {[]file{{"bootstrap", 0o755, binary}}, other, "The function is for " + string(other)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w.create(t, name, func(in *lambdasdk.CreateFunctionInput) {
				in.Code.ZipFile, in.Architectures = archive(t, test.files...), []types.Architecture{test.arch}
			})
			out := w.do(t, name, map[string]any{})
			require.Equal(t, "Unhandled", *out.FunctionError)
			var got failure
			require.NoError(t, json.Unmarshal(out.Payload, &got))
			require.Equal(t, "Runtime.InvalidEntrypoint", got.ErrorType)
			require.Contains(t, got.ErrorMessage, test.want)
		})
	}
}

func TestTheEnvironmentIsThatOfLambdaOnly(t *testing.T) {
	t.Setenv("OF_THE_TEST", "must not be seen")
	w := open(t, "")
	w.role(t)
	w.create(t, "f", func(in *lambdasdk.CreateFunctionInput) {
		in.Environment = &types.Environment{Variables: map[string]string{"MINE": "a b", "SHARED": "function", "LANG": "C"}}
		in.MemorySize = sdk.Int32(256)
	})
	got := map[string]string{}
	for _, line := range parse[[]string](t, w.do(t, "f", map[string]any{"do": "environment"})) {
		name, value, _ := strings.Cut(line, "=")
		got[name] = value
	}
	for name, want := range map[string]string{
		"MINE": "a b", "SHARED": "function", "OF_THE_SANDBOX": "yes", "LANG": "C", "TZ": ":UTC",
		"_HANDLER": "bootstrap", "AWS_REGION": region, "AWS_DEFAULT_REGION": region, "AWS_LAMBDA_FUNCTION_NAME": "f",
		"AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "LAMBDA_RUNTIME_DIR": "/var/runtime", "AWS_LAMBDA_LOG_FORMAT": "Text",
	} {
		require.Equal(t, want, got[name], name)
		delete(got, name)
	}
	require.True(t, strings.HasPrefix(got["AWS_ACCESS_KEY_ID"], "ASIA"))
	require.Regexp(t, `^2025/03/01/\[\$LATEST\][0-9a-f]{32}$`, got["AWS_LAMBDA_LOG_STREAM_NAME"])
	for _, name := range []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_LOG_STREAM_NAME",
		"LAMBDA_TASK_ROOT", "PATH", "_X_AMZN_TRACE_ID", // the last is set by the program
	} {
		require.NotEmpty(t, got[name], name)
		delete(got, name)
	}
	require.Empty(t, got, "nothing else, of the test's own environment in particular")
}

func TestWhatAProgramIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir)
	w.role(t)
	w.create(t, "f", func(in *lambdasdk.CreateFunctionInput) { in.Timeout, in.Publish = sdk.Int32(60), true })
	_, err := w.CreateAlias(t.Context(), &lambdasdk.CreateAliasInput{FunctionName: sdk.String("f"), Name: sdk.String("live"), FunctionVersion: sdk.String("1")})
	require.NoError(t, err)
	type told struct {
		ARN, ID, Folder, Trace string
		Left                   float64
		Client                 map[string]string
	}
	out, err := w.Invoke(t.Context(), &lambdasdk.InvokeInput{
		FunctionName: sdk.String("f"), Qualifier: sdk.String("live"), Payload: []byte(`{"do":"context"}`),
		ClientContext: sdk.String(base64.StdEncoding.EncodeToString([]byte("{\"custom\": {\n\"a\":\"b\"}}"))),
	})
	require.NoError(t, err)
	require.Equal(t, "1", *out.ExecutedVersion)
	got := parse[told](t, out)
	require.Equal(t, "arn:aws:lambda:"+region+":"+account+":function:f:live", got.ARN)
	require.NotEmpty(t, got.ID)
	require.InDelta(t, 60, got.Left, 10)
	require.Equal(t, map[string]string{"a": "b"}, got.Client)
	require.Regexp(t, `^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$`, got.Trace)
	require.Equal(t, filepath.Join(dir, "lambda"), filepath.Dir(got.Folder))
	info, err := os.Stat(filepath.Join(dir, "lambda"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

func TestInvocationsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t)
	w.create(t, "f")
	for name, test := range map[string]struct {
		change     func(*lambdasdk.InvokeInput)
		code, text string
	}{
		"no such function":   {func(in *lambdasdk.InvokeInput) { in.FunctionName = sdk.String("g") }, "ResourceNotFoundException", "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:g"},
		"no such version":    {func(in *lambdasdk.InvokeInput) { in.Qualifier = sdk.String("7") }, "ResourceNotFoundException", "function:f:7"},
		"no such alias":      {func(in *lambdasdk.InvokeInput) { in.Qualifier = sdk.String("live") }, "ResourceNotFoundException", "Cannot find alias arn"},
		"of another account": {func(in *lambdasdk.InvokeInput) { in.FunctionName = sdk.String("999999999999:function:f") }, "ResourceNotFoundException", ""},
		"two qualifiers":     {func(in *lambdasdk.InvokeInput) { in.FunctionName, in.Qualifier = sdk.String("f:1"), sdk.String("2") }, "InvalidParameterValueException", "does not match"},
		"not a name":         {func(in *lambdasdk.InvokeInput) { in.FunctionName = sdk.String("f f") }, "ValidationException", "functionName"},
		"not JSON":           {func(in *lambdasdk.InvokeInput) { in.Payload = []byte("{") }, "InvalidRequestContentException", "Could not parse request body into json"},
		"too large":          {func(in *lambdasdk.InvokeInput) { in.Payload = []byte(`"` + strings.Repeat("x", 6291456) + `"`) }, "RequestTooLargeException", "6291456"},
		"too large an event": {func(in *lambdasdk.InvokeInput) {
			in.InvocationType, in.Payload = types.InvocationTypeEvent, []byte(`"`+strings.Repeat("x", 262144)+`"`)
		}, "RequestTooLargeException", "262144"},
		"unknown type":         {func(in *lambdasdk.InvokeInput) { in.InvocationType = "Later" }, "ValidationException", "invocationType"},
		"unknown kind of log":  {func(in *lambdasdk.InvokeInput) { in.LogType = "Head" }, "ValidationException", "logType"},
		"not a client context": {func(in *lambdasdk.InvokeInput) { in.ClientContext = sdk.String("{}") }, "InvalidRequestContentException", "Client context"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &lambdasdk.InvokeInput{FunctionName: sdk.String("f"), Payload: []byte("{}")}
			test.change(in)
			_, err := w.Invoke(t.Context(), in)
			requireCode(t, err, test.code, test.text)
		})
	}
}

func TestDryRunsAndEvents(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t, mayLog)
	w.create(t, "f")
	dry, err := w.Invoke(t.Context(), &lambdasdk.InvokeInput{FunctionName: sdk.String("f"), InvocationType: types.InvocationTypeDryRun})
	require.NoError(t, err)
	require.EqualValues(t, 204, dry.StatusCode)

	fifo := filepath.Join(t.TempDir(), "go")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	event, err := w.Invoke(t.Context(), &lambdasdk.InvokeInput{
		FunctionName: sdk.String("f"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"do":"wait","text":"` + fifo + `"}`),
	})
	require.NoError(t, err)
	require.EqualValues(t, 202, event.StatusCode)
	require.Empty(t, event.Payload)
	require.Eventually(t, func() bool { return len(w.lines(t, "/aws/lambda/f")) == 3 }, 10*time.Second, 5*time.Millisecond)
}

func TestARoleIsNeededToRun(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t)
	w.create(t, "f")
	_, err := w.iam.DeleteRole(t.Context(), &iamsdk.DeleteRoleInput{RoleName: sdk.String("role")})
	require.NoError(t, err)
	_, err = w.Invoke(t.Context(), &lambdasdk.InvokeInput{FunctionName: sdk.String("f")})
	requireCode(t, err, "AccessDeniedException", "cannot be assumed by Lambda")
	w.role(t)
	require.Equal(t, 1, parse[answer](t, w.do(t, "f", map[string]any{})).Calls)
}

// waiting starts an invocation that ends once the returned function is called,
// and waits until the program has it.
func (w *world) waiting(t *testing.T, name string) (result <-chan *lambdasdk.InvokeOutput, proceed func()) {
	t.Helper()
	gate := filepath.Join(t.TempDir(), "gate")
	answers := make(chan *lambdasdk.InvokeOutput, 1)
	go func() {
		payload, _ := json.Marshal(map[string]any{"do": "wait", "text": gate})
		out, err := w.Invoke(context.WithoutCancel(t.Context()), &lambdasdk.InvokeInput{FunctionName: &name, Payload: payload})
		if err == nil {
			answers <- out
		}
		close(answers)
	}()
	require.Eventually(t, func() bool { _, err := os.Stat(gate + ".seen"); return err == nil }, 20*time.Second, time.Millisecond)
	return answers, func() { require.NoError(t, os.WriteFile(gate, nil, 0o600)) }
}

func TestEachProcessHasOneInvocationAtATime(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t)
	w.create(t, "f", func(in *lambdasdk.CreateFunctionInput) { in.Timeout = sdk.Int32(30) })
	first, proceed := w.waiting(t, "f")
	require.Equal(t, 1, parse[answer](t, w.do(t, "f", map[string]any{})).Calls, "of a second process")
	require.Equal(t, 2, parse[answer](t, w.do(t, "f", map[string]any{})).Calls)
	proceed()
	require.Equal(t, 1, parse[int](t, <-first))

	var wait sync.WaitGroup
	for range 30 { // more than there may be processes: some wait
		wait.Go(func() {
			out, err := w.Invoke(t.Context(), &lambdasdk.InvokeInput{FunctionName: sdk.String("f"), Payload: []byte(`{}`)})
			require.NoError(t, err)
			require.Nil(t, out.FunctionError)
		})
	}
	wait.Wait()
}

func TestReservedConcurrencyIsALimit(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t)
	w.create(t, "f", func(in *lambdasdk.CreateFunctionInput) { in.Timeout = sdk.Int32(30) })
	reserve := func(n int32) {
		_, err := w.PutFunctionConcurrency(t.Context(), &lambdasdk.PutFunctionConcurrencyInput{FunctionName: sdk.String("f"), ReservedConcurrentExecutions: &n})
		require.NoError(t, err)
	}
	invoke := func() error {
		_, err := w.Invoke(t.Context(), &lambdasdk.InvokeInput{FunctionName: sdk.String("f"), Payload: []byte(`{}`)})
		return err
	}
	reserve(0)
	requireCode(t, invoke(), "TooManyRequestsException", "Rate Exceeded.")
	var throttled *types.TooManyRequestsException
	require.ErrorAs(t, invoke(), &throttled)
	require.Equal(t, types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded, throttled.Reason)
	reserve(1)
	first, proceed := w.waiting(t, "f")
	requireCode(t, invoke(), "TooManyRequestsException", "")
	proceed()
	require.NotNil(t, <-first)
	require.NoError(t, invoke())
}

func TestAnInvocationUnderWayOutlivesAnUpdate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir)
	w.role(t)
	w.create(t, "f", func(in *lambdasdk.CreateFunctionInput) { in.Timeout = sdk.Int32(30) })
	idle := parse[answer](t, w.do(t, "f", map[string]any{}))
	first, proceed := w.waiting(t, "f")

	_, err := w.UpdateFunctionConfiguration(t.Context(), &lambdasdk.UpdateFunctionConfigurationInput{FunctionName: sdk.String("f"), MemorySize: sdk.Int32(256)})
	require.NoError(t, err)
	fresh := parse[answer](t, w.do(t, "f", map[string]any{}))
	require.Equal(t, 1, fresh.Calls, "of a process with the new settings")
	require.NotEqual(t, idle.PID, fresh.PID)
	_, err = w.UpdateFunctionCode(t.Context(), &lambdasdk.UpdateFunctionCodeInput{FunctionName: sdk.String("f"), ZipFile: programZip(t)})
	require.NoError(t, err)
	require.ErrorIs(t, syscall.Kill(fresh.PID, 0), syscall.ESRCH, "idle processes of the old code are ended")
	folders, err := os.ReadDir(filepath.Join(dir, "lambda"))
	require.NoError(t, err)
	require.Len(t, folders, 2, "the old code stays while it is used")

	proceed()
	require.Equal(t, 2, parse[int](t, <-first))
	require.Eventually(t, func() bool {
		folders, err = os.ReadDir(filepath.Join(dir, "lambda"))
		return err == nil && len(folders) == 1
	}, 10*time.Second, time.Millisecond)
	_, err = w.DeleteFunction(t.Context(), &lambdasdk.DeleteFunctionInput{FunctionName: sdk.String("f")})
	require.NoError(t, err)
	folders, err = os.ReadDir(filepath.Join(dir, "lambda"))
	require.NoError(t, err)
	require.Empty(t, folders)
}

func TestFunctionsOutliveAReopen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir)
	w.role(t)
	w.create(t, "f", func(in *lambdasdk.CreateFunctionInput) { in.Publish = true })
	before := parse[answer](t, w.do(t, "f", map[string]any{}))
	require.NoError(t, w.service.Close())
	require.ErrorIs(t, syscall.Kill(before.PID, 0), syscall.ESRCH, "no process outlives the service")
	_, err := w.Invoke(t.Context(), &lambdasdk.InvokeInput{FunctionName: sdk.String("f")})
	require.Error(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "lambda", "cut-short"), 0o700))

	again := open(t, dir)
	require.Equal(t, 1, parse[answer](t, again.do(t, "f:1", map[string]any{})).Calls)
	require.NoDirExists(t, filepath.Join(dir, "lambda", "cut-short"))
}

func TestACallerWhoLeavesDoesNotStopTheFunction(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t)
	w.create(t, "f")
	w.allow(t, "f", "")
	ctx, cancel := context.WithCancel(t.Context())
	gate := filepath.Join(t.TempDir(), "gate")
	ended := make(chan error, 1)
	go func() {
		_, err := w.service.InvokeAs(ctx, apiGateway, source, arnOf("f"), []byte(`{"do":"wait","text":"`+gate+`"}`))
		ended <- err
	}()
	require.Eventually(t, func() bool { _, err := os.Stat(gate + ".seen"); return err == nil }, 20*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	require.Eventually(t, func() bool { // the process goes on, and is used again
		return parse[answer](t, w.do(t, "f", map[string]any{})).Calls > 1
	}, 10*time.Second, time.Millisecond)
}
