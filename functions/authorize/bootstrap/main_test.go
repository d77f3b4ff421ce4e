package main

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
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
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/functions"
)

const (
	tenant = "11111111-1111-4111-8111-111111111111"
	api    = "22222222-2222-4222-8222-222222222222"
	policy = `{"routes":{"GET /export":{"roles":["Orders.Export"]}}}`
)

// unpacked is the function as Lambda unpacks it.
func unpacked(t *testing.T) (folder string, zipped int) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: functions run on Linux only, so that the program was not started")
	}
	architecture := map[string]functions.Architecture{"amd64": functions.X8664, "arm64": functions.ARM64}[runtime.GOARCH]
	path, err := functions.Program{
		Package:      "github.com/entragate/entragate/functions/authorize/bootstrap",
		Architecture: architecture, Files: map[string][]byte{"policy.json": []byte(policy)},
	}.Archive(t.Context())
	require.NoError(t, err)
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	require.NoError(t, err)
	folder = t.TempDir()
	for _, file := range archive.File {
		in, err := file.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(in)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, file.Name), content, file.Mode()))
	}
	return folder, len(raw)
}

// lambdaAPI stands for the part of Lambda that the program talks to.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type lambdaAPI struct {
	*httptest.Server
	ready   chan struct{} // closed when the program first asks for an event
	once    sync.Once
	events  chan []byte
	answers chan string
}

func newLambdaAPI(t *testing.T) *lambdaAPI {
	t.Helper()
	l := &lambdaAPI{ready: make(chan struct{}), events: make(chan []byte), answers: make(chan string, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		l.once.Do(func() { close(l.ready) })
		select {
		case event := <-l.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "invocation-1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(10*time.Second).UnixMilli(), 10))
			_, _ = w.Write(event)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/invocation-1/{kind}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		l.answers <- r.PathValue("kind") + " " + strings.TrimSpace(string(body))
	})
	l.Server = httptest.NewServer(mux)
	t.Cleanup(l.Close)
	return l
}

// instance is a running program.
type instance struct {
	*lambdaAPI
	cmd   *exec.Cmd
	log   *bytes.Buffer
	began time.Duration // from start to the first request for an event
}

func start(t *testing.T, folder string, env ...string) *instance {
	t.Helper()
	i := &instance{lambdaAPI: newLambdaAPI(t), log: &bytes.Buffer{}}
	i.cmd = exec.Command(filepath.Join(folder, "bootstrap"))
	i.cmd.Env = append([]string{
		"LAMBDA_TASK_ROOT=" + folder, "AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(i.URL, "http://"),
	}, env...)
	i.cmd.Stderr = i.log
	at := time.Now()
	require.NoError(t, i.cmd.Start())
	t.Cleanup(func() { i.stop() })
	<-i.ready
	i.began = time.Since(at)
	return i
}

func (i *instance) stop() {
	_ = i.cmd.Process.Kill()
	_ = i.cmd.Wait() // and with it the log is complete
	i.CloseClientConnections()
}

func (i *instance) invoke(t *testing.T, authorization string) string {
	t.Helper()
	event := events.APIGatewayV2CustomAuthorizerV2Request{
		Version: "2.0", RouteKey: "GET /export", Headers: map[string]string{"authorization": authorization},
	}
	event.RequestContext.RequestID = "request-1"
	raw, err := json.Marshal(event)
	require.NoError(t, err)
	i.events <- raw
	return <-i.answers
}

// entra serves the two documents, and signs tokens.
type entra struct {
	*httptest.Server
	signer jose.Signer
}

func newEntra(t *testing.T) *entra {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	e := &entra{}
	e.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "one"))
	require.NoError(t, err)
	e.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/keys") {
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "one", Use: "sig"}}})
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": e.issuer(), "jwks_uri": e.URL + "/keys"})
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *entra) issuer() string { return e.URL + "/" + tenant + "/v2.0" }

// env is the environment of a function that trusts the server.
func (e *entra) env(t *testing.T) []string {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: e.Certificate().Raw}), 0o600))
	return []string{"ISSUER=" + e.issuer(), "AUDIENCE=" + api, "TENANT_ID=" + tenant, "SSL_CERT_FILE=" + ca}
}

func (e *entra) token(t *testing.T, role string) string {
	t.Helper()
	now := time.Now()
	token, err := jwt.Signed(e.signer).Claims(map[string]any{
		"iss": e.issuer(), "aud": api, "tid": tenant, "ver": "2.0", "idtyp": "app", "roles": []string{role}, "uti": rand.Text(),
		"iat": now.Add(-time.Minute).Unix(), "nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(time.Hour).Unix(),
	}).Serialize()
	require.NoError(t, err)
	return token
}

func TestProgramDecides(t *testing.T) {
	folder, _ := unpacked(t)
	e := newEntra(t)
	i := start(t, folder, e.env(t)...)
	require.JSONEq(t,
		`{"isAuthorized":true,"context":{"by":"Orders.Export","idtyp":"app","roles":"Orders.Export","tid":"`+tenant+`","uti":"x"}}`,
		regexp.MustCompile(`"uti":"[^"]*"`).ReplaceAllString(strings.TrimPrefix(i.invoke(t, "Bearer "+e.token(t, "Orders.Export")), "response "), `"uti":"x"`))
	require.Equal(t, `response {"isAuthorized":false}`, i.invoke(t, "Bearer "+e.token(t, "Orders.Archive")))
	require.Equal(t, `response {"isAuthorized":false}`, i.invoke(t, ""))
	i.stop()
	require.Equal(t, 2, strings.Count(i.log.String(), "\n"), i.log.String())
	require.Contains(t, i.log.String(), `"requestId":"request-1","routeKey":"GET /export","reason":"missing-role","tid":"`+tenant+`"`)
	require.Contains(t, i.log.String(), `"reason":"no-token"`)
}

func TestProgramFailsWithoutKeys(t *testing.T) {
	folder, _ := unpacked(t)
	e := newEntra(t)
	token := e.token(t, "Orders.Export")
	env := e.env(t)
	e.Close()
	i := start(t, folder, env...) // although Entra is down
	answer := i.invoke(t, "Bearer "+token)
	require.Contains(t, answer, "error ")
	require.Contains(t, answer, "the signing keys of the issuer cannot be had")
	require.NotContains(t, answer, token)
	i.stop()
	require.Contains(t, i.log.String(), `"reason":"keys-unavailable"`)
	require.Contains(t, i.log.String(), "connection refused")
}

func TestProgramDoesNotStartUnconfigured(t *testing.T) {
	folder, _ := unpacked(t)
	require.NoError(t, os.Remove(filepath.Join(folder, "policy.json")))
	cmd := exec.CommandContext(t.Context(), filepath.Join(folder, "bootstrap"))
	cmd.Env = []string{"AUDIENCE=api"} // and no LAMBDA_TASK_ROOT: then it is where the program is
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 1, exit.ExitCode())
	for _, want := range []string{"ISSUER", "AUDIENCE", "TENANT_ID", filepath.Join(folder, "policy.json")} {
		require.Contains(t, string(out), want)
	}
}

// The limits that the authorizer promises to keep.
const (
	maxZipped   = 12 << 20
	maxResident = 64 << 10 // kB
	maxStart    = 100 * time.Millisecond
)

func TestProgramIsSmallAndFast(t *testing.T) {
	folder, zipped := unpacked(t)
	require.Less(t, zipped, maxZipped)
	e := newEntra(t)
	env := e.env(t)
	var starts []time.Duration
	for range 7 {
		i := start(t, folder, env...)
		i.stop()
		starts = append(starts, i.began)
	}
	slices.Sort(starts)
	// The fastest, since other tests run at the same time.
	require.Less(t, starts[0], maxStart, "%v", starts)

	i := start(t, folder, env...)
	var tokens []string
	for range 600 { // more than it remembers
		tokens = append(tokens, e.token(t, "Orders.Export"))
	}
	at := time.Now()
	for _, token := range tokens {
		require.Contains(t, i.invoke(t, "Bearer "+token), `"isAuthorized":true`)
	}
	each := time.Since(at) / time.Duration(len(tokens))
	resident := residentKB(t, i.cmd.Process.Pid)
	require.Less(t, resident, maxResident)
	t.Logf("zipped %d kB, starts in %v (median %v), resident at most %d kB, %v a request with the runtime API",
		zipped>>10, starts[0], starts[len(starts)/2], resident, each)
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

func TestLevel(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]slog.Level{
		"": slog.LevelInfo, "INFO": slog.LevelInfo, "TRACE": slog.LevelDebug, "DEBUG": slog.LevelDebug,
		"WARN": slog.LevelWarn, "ERROR": slog.LevelError, "FATAL": slog.LevelError, "debug": slog.LevelInfo,
	} {
		require.Equal(t, want, level(name), name)
	}
}
