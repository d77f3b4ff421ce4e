package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/functions"
)

const (
	tenant = "11111111-1111-4111-8111-111111111111"
	client = "22222222-2222-4222-8222-222222222222"
	arn    = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders-AbCdEf"
)

// unpacked is the function as Lambda unpacks it.
func unpacked(t *testing.T) (program string, zipped int) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: functions run on Linux only, so that the program was not started")
	}
	path, err := functions.Program{
		Package:      "github.com/entragate/entragate/functions/rotate/bootstrap",
		Architecture: map[string]functions.Architecture{"amd64": functions.X8664, "arm64": functions.ARM64}[runtime.GOARCH],
	}.Archive(t.Context())
	require.NoError(t, err)
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	require.NoError(t, err)
	require.Len(t, archive.File, 1)
	in, err := archive.File[0].Open()
	require.NoError(t, err)
	content, err := io.ReadAll(in)
	require.NoError(t, err)
	program = filepath.Join(t.TempDir(), archive.File[0].Name)
	require.NoError(t, os.WriteFile(program, content, archive.File[0].Mode()))
	return program, len(raw)
}

// instance is a running program, with what stands for the part of Lambda that it
// talks to.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type instance struct {
	cmd     *exec.Cmd
	log     bytes.Buffer
	events  chan string
	answers chan string
	began   time.Duration // from start to the first request for an event
}

func start(t *testing.T, program string, env ...string) *instance {
	t.Helper()
	i := &instance{events: make(chan string), answers: make(chan string, 1)}
	ready := make(chan struct{}, 100)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		ready <- struct{}{}
		select {
		case event := <-i.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(20*time.Second).UnixMilli(), 10))
			_, _ = io.WriteString(w, event)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/1/{kind}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		i.answers <- r.PathValue("kind") + " " + strings.TrimSpace(string(body))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i.cmd = exec.Command(program)
	i.cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(server.URL, "http://"), "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=x",
		"GRAPH_URL=https://graph.microsoft.com", "LIFETIME_DAYS=211", "INTERVAL_DAYS=90", "OVERLAP_DAYS=31",
		"ROTATOR_CLIENT_ID=" + client, "ROTATOR_AUTHORITY=https://login.microsoftonline.com/" + tenant,
	}, env...)
	i.cmd.Stderr = &i.log
	at := time.Now()
	require.NoError(t, i.cmd.Start())
	t.Cleanup(func() {
		i.stop()
		server.CloseClientConnections()
	})
	<-ready
	i.began = time.Since(at)
	return i
}

func (i *instance) stop() {
	_ = i.cmd.Process.Kill()
	_ = i.cmd.Wait() // and with it the log is complete
}

func (i *instance) invoke(event string) string {
	i.events <- event
	return <-i.answers
}

func TestProgramAnswersSecretsManager(t *testing.T) {
	program, _ := unpacked(t)
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if !strings.Contains(string(body), arn) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"AccessDeniedException","Message":"not authorized"}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"ARN":%q,"RotationEnabled":true,"VersionIdsToStages":{"v1":["AWSCURRENT"]},"Tags":[
			{"Key":"entragate:clientId","Value":%q},{"Key":"entragate:tenantId","Value":%q},
			{"Key":"entragate:authority","Value":"https://login.microsoftonline.com/%s"},{"Key":"entragate:scope","Value":"s"}]}`, arn, client, tenant, tenant)
	}))
	t.Cleanup(aws.Close)
	i := start(t, program, "AWS_ENDPOINT_URL="+aws.URL)
	require.Equal(t, "response null", i.invoke(`{"Step":"createSecret","SecretId":"`+arn+`","ClientRequestToken":"v1"}`))
	refused := i.invoke(`{"Step":"createSecret","SecretId":"` + arn + `","ClientRequestToken":"v2"}`)
	require.Contains(t, refused, "error ")
	require.Contains(t, refused, `ClientRequestToken: got \"v2\", want the id of a version`)
	require.Contains(t, i.invoke(`{"check":["another"]}`), "another: describe another: operation error Secrets Manager: DescribeSecret")
	i.stop()
	require.Contains(t, i.log.String(), `"level":"ERROR","msg":"failed","step":"createSecret","secret":"`+arn+`","version":"v2"`)
}

func TestProgramDoesNotStartUnconfigured(t *testing.T) {
	program, _ := unpacked(t)
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = []string{"LIFETIME_DAYS=many"}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 1, exit.ExitCode())
	for _, want := range []string{"GRAPH_URL", `LIFETIME_DAYS: got \"many\"`, "INTERVAL_DAYS", "OVERLAP_DAYS", "ROTATOR_CLIENT_ID", "ROTATOR_AUTHORITY"} {
		require.Contains(t, string(out), want)
	}
}

// The limits that the function promises to keep.
const (
	maxZipped   = 12 << 20
	maxResident = 64 << 10 // kB
	maxStart    = 150 * time.Millisecond
)

func TestProgramIsSmallAndFast(t *testing.T) {
	program, zipped := unpacked(t)
	require.Less(t, zipped, maxZipped)
	var starts []time.Duration
	resident := 0
	for range 7 {
		i := start(t, program)
		resident = max(resident, residentKB(t, i.cmd.Process.Pid))
		i.stop()
		starts = append(starts, i.began)
	}
	slices.Sort(starts)
	// The fastest, since other tests run at the same time.
	require.Less(t, starts[0], maxStart, "%v", starts)
	require.Less(t, resident, maxResident)
	t.Logf("zipped %d kB, starts in %v (median %v), resident at most %d kB before the first event",
		zipped>>10, starts[0], starts[len(starts)/2], resident)
}

// residentKB is the most memory that a process had.
func residentKB(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(t, found)
	kilobytes, err := strconv.Atoi(string(found[1]))
	require.NoError(t, err)
	return kilobytes
}
