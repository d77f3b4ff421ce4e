package lambda_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	iamsdk "github.com/aws/aws-sdk-go-v2/service/iam"
	lambdasdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/iam"
	"github.com/entragate/entragate/sandbox/aws/lambda"
	"github.com/entragate/entragate/sandbox/aws/logs"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

const (
	region  = "eu-west-1"
	account = "123456789012"
	trust   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	mayLog  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}`
	roleARN = "arn:aws:iam::" + account + ":role/role"
)

// program is the built testdata/function.
var program = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "function-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "bootstrap"), "./testdata/function")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "bootstrap"))
})

// file is an entry of an archive.
type file struct {
	name    string
	mode    fs.FileMode
	content []byte
}

func archive(t testing.TB, files ...file) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		header.SetMode(f.mode)
		entry, err := w.CreateHeader(header)
		require.NoError(t, err)
		_, err = entry.Write(f.content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

// programZip is a working archive.
func programZip(t testing.TB) []byte {
	t.Helper()
	binary, err := program()
	require.NoError(t, err)
	zipped.Do(func() { zipped.bytes = archive(t, file{"bootstrap", 0o755, binary}) })
	return zipped.bytes
}

// zipped is the working archive, once it was made.
var zipped struct {
	sync.Once
	bytes []byte
}

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is Lambda with the services that it needs, and real clients of them.
type world struct {
	*lambdasdk.Client
	iam     *iamsdk.Client
	logs    *cloudwatchlogs.Client
	service *lambda.Service
	clock   *clock
}

// open opens the services over dir. Requests are not authenticated here.
func open(t testing.TB, dir string) *world {
	t.Helper()
	c := &clock{at: time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)}
	path := ""
	if dir != "" {
		path = filepath.Join(dir, "iam.json")
	}
	roles, err := iam.New(iam.Options{Account: account, Path: path, Now: c.now})
	require.NoError(t, err)
	logging, err := logs.New(logs.Options{Account: account, Region: region, Dir: dir, Now: c.now})
	require.NoError(t, err)
	service, err := lambda.New(lambda.Options{
		Account: account, Region: region, Dir: dir, Now: c.now, Roles: roles, Logs: logging,
		Environment: map[string]string{"OF_THE_SANDBOX": "yes", "SHARED": "sandbox"},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, service.Close()) })
	serve := func(handler http.Handler) sdk.Config {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(wire.RequestIDHeader, uuid.NewString())
			handler.ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		return sdk.Config{
			Region: region, BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		}
	}
	return &world{
		Client: lambdasdk.NewFromConfig(serve(service)), iam: iamsdk.NewFromConfig(serve(roles)),
		logs: cloudwatchlogs.NewFromConfig(serve(logging)), service: service, clock: c,
	}
}

// role makes the role that functions have. With policies, they are inline.
func (w *world) role(t testing.TB, policies ...string) {
	t.Helper()
	_, err := w.iam.CreateRole(t.Context(), &iamsdk.CreateRoleInput{RoleName: sdk.String("role"), AssumeRolePolicyDocument: sdk.String(trust)})
	require.NoError(t, err)
	for _, policy := range policies {
		_, err := w.iam.PutRolePolicy(t.Context(), &iamsdk.PutRolePolicyInput{
			RoleName: sdk.String("role"), PolicyName: sdk.String("p"), PolicyDocument: sdk.String(policy),
		})
		require.NoError(t, err)
	}
}

// hostArchitecture is what programs that tests build are for.
func hostArchitecture() types.Architecture {
	if runtime.GOARCH == "arm64" {
		return types.ArchitectureArm64
	}
	return types.ArchitectureX8664
}

// input is a request for a working function.
func input(t testing.TB, name string, changes ...func(*lambdasdk.CreateFunctionInput)) *lambdasdk.CreateFunctionInput {
	t.Helper()
	in := &lambdasdk.CreateFunctionInput{
		FunctionName: &name, Role: sdk.String(roleARN), Runtime: types.RuntimeProvidedal2023, Handler: sdk.String("bootstrap"),
		Architectures: []types.Architecture{hostArchitecture()}, Code: &types.FunctionCode{ZipFile: programZip(t)},
	}
	for _, change := range changes {
		change(in)
	}
	return in
}

// create makes a working function.
func (w *world) create(t *testing.T, name string, changes ...func(*lambdasdk.CreateFunctionInput)) *lambdasdk.CreateFunctionOutput {
	t.Helper()
	out, err := w.CreateFunction(t.Context(), input(t, name, changes...))
	require.NoError(t, err)
	return out
}

// do invokes a function with an event and returns what it answers.
func (w *world) do(t *testing.T, name string, event map[string]any) *lambdasdk.InvokeOutput {
	t.Helper()
	payload, err := json.Marshal(event)
	require.NoError(t, err)
	out, err := w.Invoke(t.Context(), &lambdasdk.InvokeInput{FunctionName: &name, Payload: payload, LogType: types.LogTypeTail})
	require.NoError(t, err)
	return out
}

func requireCode(t *testing.T, err error, code, text string) {
	t.Helper()
	var refusal smithy.APIError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, code, refusal.ErrorCode(), refusal.ErrorMessage())
	require.Contains(t, refusal.ErrorMessage(), text)
}

// answer is what the test program answers unless it is told otherwise.
type answer struct {
	Calls int
	PID   int
	Text  string
}

func parse[T any](t *testing.T, out *lambdasdk.InvokeOutput) (v T) {
	t.Helper()
	require.Nil(t, out.FunctionError, string(out.Payload))
	require.NoError(t, json.Unmarshal(out.Payload, &v), string(out.Payload))
	return v
}
