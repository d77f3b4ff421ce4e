package runner

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/logs"
)

// open returns a runner whose log goes to the returned function.
func open(t *testing.T, change func(*Options)) (*Runner, func() string) {
	t.Helper()
	var mu sync.Mutex
	var log strings.Builder
	options := Options{
		Region: "eu-west-1", Now: time.Now, Drained: func() {},
		Credentials: func(Function) (Credentials, error) { return Credentials{"id", "secret", "token"}, nil },
		Log: func(_ Function, _ string, lines []logs.Line) {
			mu.Lock()
			defer mu.Unlock()
			for _, line := range lines {
				log.WriteString(line.Text + "\n")
			}
		},
	}
	if change != nil {
		change(&options)
	}
	r := New(options)
	t.Cleanup(r.Close)
	return r, func() string {
		mu.Lock()
		defer mu.Unlock()
		return log.String()
	}
}

// script is a function whose program is a shell script, for what no runtime
// would do.
func script(t *testing.T, text string) Resolve {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bootstrap"), []byte("#!/bin/sh\n"+text), 0o700))
	fn := Function{
		Name: "f", Version: "$LATEST", Folder: dir, Handler: "h", Architecture: architectures[runtime.GOARCH], MemoryMB: 128, Timeout: 5 * time.Second,
	}
	return func() (string, Function, error) { return "f", fn, nil }
}

func TestAProgramThatNeverAsks(t *testing.T) {
	t.Parallel()
	r, log := open(t, func(o *Options) { o.InitTimeout = 50 * time.Millisecond })
	result, err := r.Invoke(t.Context(), script(t, "echo started; exec sleep 1000"), Event{RequestID: "id"})
	require.NoError(t, err)
	require.Equal(t, "Unhandled", result.Failure)
	require.JSONEq(t, `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: id Error: Task timed out after 0.05 seconds"}`, string(result.Payload))
	require.Contains(t, log(), "Status: timeout")
}

func TestProcessesThatAProgramStartedEndWithIt(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED, NOT TESTED: process groups are used on Linux only")
	}
	r, _ := open(t, nil)
	child := filepath.Join(t.TempDir(), "child")
	result, err := r.Invoke(t.Context(), script(t, "sleep 1000 &\necho $! > "+child+"; exit 4"), Event{RequestID: "id"})
	require.NoError(t, err)
	require.Contains(t, string(result.Payload), "exit status 4")
	raw, err := os.ReadFile(child)
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	require.NoError(t, err)
	require.Eventually(t, func() bool { // whoever inherited it has yet to see that it ended
		state, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return err != nil || strings.Contains(string(state), ") Z ")
	}, 10*time.Second, time.Millisecond)
}

func TestWhatIsKilledFailsAndIsReplaced(t *testing.T) {
	t.Parallel()
	r, log := open(t, nil)
	started := filepath.Join(t.TempDir(), "started")
	endless := script(t, "touch "+started+"; exec sleep 1000")
	done := make(chan Result, 1)
	go func() {
		result, err := r.Invoke(t.Context(), endless, Event{RequestID: "id"})
		if err != nil {
			result.Failure = err.Error()
		}
		done <- result
	}()
	require.Eventually(t, func() bool {
		_, err := os.Stat(started)
		r.mu.Lock()
		defer r.mu.Unlock()
		return err == nil && len(r.instances()) == 1
	}, 10*time.Second, time.Millisecond)
	r.Kill()
	result := <-done
	require.Equal(t, "Unhandled", result.Failure)
	require.JSONEq(t, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: id Error: Runtime exited with error: signal: killed"}`, string(result.Payload))
	require.Contains(t, log(), "signal: killed")

	r.Kill() // none is left
	result, err := r.Invoke(t.Context(), script(t, "exit 3"), Event{RequestID: "next"})
	require.NoError(t, err)
	require.Contains(t, string(result.Payload), "exit status 3", "another process was started")
	r.Close()
	r.Kill()
}

func TestWithoutCredentialsNothingStarts(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	r, _ := open(t, func(o *Options) {
		o.Credentials = func(Function) (Credentials, error) { return Credentials{}, refused }
	})
	for range maxInstances + 1 { // none of them keeps a place
		_, err := r.Invoke(t.Context(), script(t, "exit 0"), Event{})
		require.ErrorIs(t, err, refused)
	}
	require.Equal(t, 1, len(r.pools))
	r.Close()
	_, err := r.Invoke(t.Context(), script(t, "exit 0"), Event{})
	require.ErrorIs(t, err, errClosed)
}

// serve starts only the runtime API of an instance.
func serve(t *testing.T) *instance {
	t.Helper()
	return &instance{work: make(chan *invocation, 1), asks: make(chan struct{}, 1), broken: make(chan []byte, 1), over: make(chan struct{})}
}

// call makes a request of the runtime API.
func call(t *testing.T, i *instance, method, path, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://api/2018-06-01/runtime"+path, strings.NewReader(body))
	require.NoError(t, err)
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	i.api().ServeHTTP(w, r)
	return w.status, w.body.String()
}

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

func TestTheRuntimeAPIKeepsToItsOrder(t *testing.T) {
	t.Parallel()
	i := serve(t)
	status, body := call(t, i, "POST", "/invocation/id/response", "{}")
	require.Equal(t, 400, status)
	require.JSONEq(t, `{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}`, body)

	inv := &invocation{event: Event{RequestID: "id", Payload: []byte("event")}, deadline: time.UnixMilli(7), done: make(chan outcome, 1)}
	i.work <- inv
	status, body = call(t, i, "GET", "/invocation/next", "")
	require.Equal(t, 200, status)
	require.Equal(t, "event", body)
	status, _ = call(t, i, "GET", "/invocation/next", "")
	require.Equal(t, 403, status, "the first is not answered")
	status, _ = call(t, i, "POST", "/init/error", "{}")
	require.Equal(t, 403, status, "it has started already")
	status, _ = call(t, i, "POST", "/invocation/other/response", "{}")
	require.Equal(t, 400, status)
	status, body = call(t, i, "POST", "/invocation/id/response", "answer")
	require.Equal(t, 202, status)
	require.JSONEq(t, `{"status":"OK"}`, body)
	require.Equal(t, "answer", string((<-inv.done).payload))
	status, _ = call(t, i, "POST", "/invocation/id/response", "again")
	require.Equal(t, 400, status)

	failed := &invocation{event: Event{RequestID: "b"}, done: make(chan outcome, 1)}
	i.work <- failed
	call(t, i, "GET", "/invocation/next", "")
	status, _ = call(t, i, "POST", "/invocation/b/error", `{"errorType":"T"}`)
	require.Equal(t, 202, status)
	require.Equal(t, outcome{payload: []byte(`{"errorType":"T"}`), failed: true}, <-failed.done)

	status, _ = call(t, i, "GET", "/extension/register", "")
	require.Equal(t, 404, status)
	fresh := serve(t)
	status, _ = call(t, fresh, "POST", "/init/error", `{"errorType":"Init"}`)
	require.Equal(t, 202, status)
	require.JSONEq(t, `{"errorType":"Init"}`, string(<-fresh.broken))
	close(fresh.over)
	status, body = call(t, fresh, "GET", "/invocation/next", "")
	require.Equal(t, 200, status)
	require.Empty(t, body, "nothing more comes")
}

func TestTracesAreSampledIfTheFunctionTraces(t *testing.T) {
	t.Parallel()
	i := serve(t)
	require.True(t, strings.HasSuffix(i.trace(Event{}), ";Sampled=0"))
	i.fn.Traced = true
	require.True(t, strings.HasSuffix(i.trace(Event{}), ";Sampled=1"))
	require.Equal(t, "given", i.trace(Event{TraceID: "given"}))
}

// FuzzOutput writes output in pieces, with marks between them, and compares the
// lines with what was written.
func FuzzOutput(f *testing.F) {
	f.Add("one\ntwo", "\n\nthree", uint(3))
	f.Add(strings.Repeat("x", maxLine+5), "\n", uint(1000))
	f.Fuzz(func(t *testing.T, first, second string, at uint) {
		o := &output{mark: []byte("\x00mark\x00")}
		if strings.Contains(first+second, string(o.mark)) || strings.Contains(first+second, "\x00m") {
			t.Skip()
		}
		whole := first + string(o.mark) + second
		cut := int(at % uint(len(whole)+1))
		var pending []byte
		var lines []string
		searched, marks := 0, 0
		for _, piece := range []string{whole[:cut], whole[cut:], "\n"} {
			var found []string
			var marked bool
			pending, searched, found, marked = o.split(append(pending, piece...), searched)
			lines = append(lines, found...)
			if marked {
				marks++
			}
		}
		if len(first+second) <= maxLine {
			require.Equal(t, 1, marks)
			require.Equal(t, strings.ReplaceAll(first+second, "\n", ""), strings.Join(lines, ""))
		}
		for _, line := range lines {
			require.LessOrEqual(t, len(line), maxLine)
		}
		require.LessOrEqual(t, len(pending), maxLine)
	})
}

func TestALineIsCutWhereItIsTooLong(t *testing.T) {
	t.Parallel()
	var kept []logs.Line
	o, err := newOutput(time.Now, func(lines []logs.Line) { kept = append(kept, lines...) })
	require.NoError(t, err)
	_, err = io.WriteString(o.write, strings.Repeat("x", maxLine)+"y\nz")
	require.NoError(t, err)
	o.drain()
	o.close()
	require.Len(t, kept, 3)
	require.Len(t, kept[0].Text, maxLine)
	require.Equal(t, "y", kept[1].Text)
	require.Equal(t, "z", kept[2].Text, "what has no end is kept at the end")
	o.drain() // after the end nothing is waited for
	require.LessOrEqual(t, len(o.finish("end")), maxTail)
}
