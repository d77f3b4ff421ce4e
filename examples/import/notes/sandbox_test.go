package notes_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"gopkg.in/yaml.v3"

	"github.com/entragate/entragate/internal/toolchain"
)

// root is Entragate's own project.
const root = "../../.."

// sandbox is one of a test's own, and Entragate's dev stack to deploy there.
type sandbox struct {
	t       *testing.T
	program string // entragate
	dir     string // of the copy of Entragate's project
	env     map[string]string
	http    *http.Client // trusts the sandbox
}

// newSandbox prepares a copy of the project, with some settings of its dev
// stack replaced. The sandbox runs once `sandbox up` was called.
func newSandbox(t *testing.T, settings map[string]any) *sandbox {
	t.Helper()
	s := &sandbox{t: t, program: os.Getenv("ENTRAGATE"), dir: t.TempDir()}
	if s.program == "" {
		// In the checkout, where a program that is being worked on looks for the
		// source of functions.
		require.NoError(t, os.MkdirAll(filepath.Join(root, "bin"), 0o750))
		dir, err := os.MkdirTemp(filepath.Join(root, "bin"), "e2e-")
		require.NoError(t, err)
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		s.program, err = filepath.Abs(filepath.Join(dir, "entragate"))
		require.NoError(t, err)
		build := exec.Command("go", "build", "-trimpath", "-o", s.program, "./cmd/entragate")
		build.Dir = root
		out, err := build.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	copyProject(t, root, s.dir, settings)
	t.Cleanup(s.stop)
	return s
}

// copyProject copies Pulumi.yaml and the dev stack's file, with some settings
// replaced.
func copyProject(t *testing.T, from, to string, settings map[string]any) {
	t.Helper()
	project, err := os.ReadFile(filepath.Join(from, "Pulumi.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(to, "Pulumi.yaml"), project, 0o600))
	raw, err := os.ReadFile(filepath.Join(from, "Pulumi.dev.yaml"))
	require.NoError(t, err)
	var stack struct {
		Config map[string]any `yaml:"config"`
	}
	require.NoError(t, yaml.Unmarshal(raw, &stack))
	maps.Copy(stack.Config, settings)
	raw, err = yaml.Marshal(stack)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(to, "Pulumi.dev.yaml"), raw, 0o600))
}

// result is what `sandbox up` and `verify` print.
type result struct {
	Changes struct{ Create, Update, Delete, Replace, Same int }
	Cells   []struct {
		Route, Caller       string
		Predicted, Observed struct {
			Words, Outcome string
			Status         int
		}
		Agree bool
	}
}

// run runs entragate, which has to end with this exit code.
func (s *sandbox) run(code int, args ...string) result {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(s.program, append(args, "--dir", s.dir, "--json")...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := new(exec.ExitError); !errors.As(err, &exit) {
		require.NoError(s.t, err)
	}
	require.Equal(s.t, code, cmd.ProcessState.ExitCode(), "entragate %s\n%s\n%s", strings.Join(args, " "), &stderr, &stdout)
	var r result
	require.NoError(s.t, json.Unmarshal(stdout.Bytes(), &r), "%s", &stdout)
	return r
}

// up deploys the dev stack, and reads how to reach the clouds.
func (s *sandbox) up(code int) result {
	s.t.Helper()
	r := s.run(code, "sandbox", "up")
	raw, err := os.ReadFile(filepath.Join(s.dir, ".entragate", "sandbox.env"))
	require.NoError(s.t, err)
	s.env = map[string]string{}
	for line := range strings.Lines(string(raw)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		s.env[name] = value
	}
	authority, err := os.ReadFile(s.env["SSL_CERT_FILE"])
	require.NoError(s.t, err)
	pool := x509.NewCertPool()
	require.True(s.t, pool.AppendCertsFromPEM(authority))
	s.http = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool},
		// Not every resolver knows that names below localhost are loopback.
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		},
	}}
	return r
}

// stop ends the clouds, which outlive the command that starts them.
func (s *sandbox) stop() {
	var status struct {
		Running bool
		PID     int
	}
	out, err := exec.Command(s.program, "sandbox", "status", "--dir", s.dir, "--json").Output()
	if err == nil && json.Unmarshal(out, &status) == nil && status.Running {
		_ = syscall.Kill(status.PID, syscall.SIGKILL)
	}
	if s.t.Failed() {
		log, _ := os.ReadFile(filepath.Join(s.dir, ".entragate", "serve.log"))
		s.t.Logf("log of the sandbox:\n%s", log)
	}
}

// graph calls Microsoft Graph as the deployer; the answer has to be a success.
func (s *sandbox) graph(method, url, body string, answer any) {
	s.t.Helper()
	deployer := clientcredentials.Config{
		ClientID: s.env["ARM_CLIENT_ID"], ClientSecret: s.env["ARM_CLIENT_SECRET"],
		TokenURL: s.env["ENTRA_AUTHORITY"] + "/oauth2/v2.0/token", Scopes: []string{s.env["GRAPH_ENDPOINT"] + "/.default"},
	}
	client := deployer.Client(s.context())
	req, err := http.NewRequestWithContext(s.t.Context(), method, url, strings.NewReader(body))
	require.NoError(s.t, err)
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	require.NoError(s.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	require.Equal(s.t, 2, res.StatusCode/100, "%s %s\n%s\n%s", method, url, body, raw)
	if answer != nil {
		require.NoError(s.t, json.Unmarshal(raw, answer))
	}
}

// find returns the object id at a path of Microsoft Graph.
func (s *sandbox) find(path string) string {
	s.t.Helper()
	var object struct{ ID string }
	s.graph(http.MethodGet, s.env["GRAPH_ENDPOINT"]+"/v1.0"+path, "", &object)
	require.NotEmpty(s.t, object.ID, path)
	return object.ID
}

// tools finds the Pulumi CLI and the providers, or builds them.
func tools(t *testing.T) toolchain.Tools {
	t.Helper()
	tools, err := toolchain.Ensure(t.Context(), toolchain.Options{Progress: func(line string) { t.Log(line) }})
	require.NoError(t, err)
	return tools
}

// context has OAuth clients trust the sandbox.
func (s *sandbox) context() context.Context {
	return context.WithValue(s.t.Context(), oauth2.HTTPClient, s.http)
}
