// Package tests is the end-to-end proof: the entragate program as a user runs
// it, the real Pulumi engine and providers, the sandbox clouds, and callers
// with real tokens. Strategy: every test has a project and a sandbox of its
// own, and drives nothing but the command line; what it knows it reads from
// `--json`, exit codes and the clouds.
package tests

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/sandbox"
)

// The exit codes of entragate.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 64
	exitDiffer      = 3
	exitInterrupted = 130
)

// program is the entragate that all tests run.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		// In the checkout, where a program that is being worked on looks for the
		// source of functions.
		err := os.MkdirAll("../bin", 0o750)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		dir, err := os.MkdirTemp("../bin", "e2e-")
		if err == nil {
			dir, err = filepath.Abs(dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "entragate")
		build := exec.Command("go", "build", "-o", program, "../cmd/entragate")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "building entragate:", err)
			return 1
		}
		return m.Run()
	}())
}

// project is a copy of the committed project with a sandbox of its own.
type project struct {
	t   *testing.T
	dir string

	mu   sync.Mutex
	said []string // by commands

	explained []string // by explanations of tokens
}

func newProject(t *testing.T) *project {
	t.Helper()
	p := &project{t: t, dir: t.TempDir()}
	for _, name := range []string{"Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml"} {
		raw, err := os.ReadFile(filepath.Join("..", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(p.dir, name), raw, 0o600))
	}
	t.Cleanup(p.stop)
	return p
}

// stop ends the clouds, which outlive the commands that start them.
func (p *project) stop() {
	var s status
	if p.try("sandbox", "status").into(&s) == nil && s.Running {
		_ = syscall.Kill(s.PID, syscall.SIGKILL)
	}
	if p.t.Failed() {
		log, _ := os.ReadFile(filepath.Join(p.dir, ".entragate", "serve.log"))
		p.t.Logf("log of the sandbox:\n%s", log)
	}
}

// outcome is what a command left.
type outcome struct {
	code           int
	stdout, stderr string
}

func (o outcome) into(v any) error { return json.Unmarshal([]byte(o.stdout), v) }

// command prepares an entragate command with JSON output.
func (p *project) command(args ...string) *exec.Cmd {
	cmd := exec.Command(program, append(args, "--dir", p.dir, "--json")...)
	cmd.Dir = p.dir
	return cmd
}

func (p *project) try(args ...string) outcome {
	o := finish(p.t, p.command(args...))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = append(p.said, o.stdout, o.stderr)
	return o
}

func finish(t *testing.T, cmd *exec.Cmd) outcome {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// run runs a command that has to end with exit code 0.
func (p *project) run(v any, args ...string) {
	p.t.Helper()
	o := p.try(args...)
	require.Equal(p.t, exitOK, o.code, "entragate %s\n%s\n%s", strings.Join(args, " "), o.stderr, o.stdout)
	require.NoError(p.t, o.into(v), o.stdout)
}

// refused runs a command that has to fail, and returns what it said.
func (p *project) refused(args ...string) string {
	p.t.Helper()
	o := p.try(args...)
	require.Equal(p.t, exitFailed, o.code, "entragate %s\n%s\n%s", strings.Join(args, " "), o.stderr, o.stdout)
	return o.stderr
}

// up deploys, and holds that every cell is as predicted.
func (p *project) up() up {
	p.t.Helper()
	var u up
	p.run(&u, "sandbox", "up")
	require.NotEmpty(p.t, u.Cells)
	for _, c := range u.Cells {
		require.True(p.t, c.Agree, "%s as %s: predicted %+v, observed %s", c.Route, c.Caller, c.Predicted, c.Observed)
	}
	return u
}

// environment is what the sandbox says to unmodified clients.
func (p *project) environment() map[string]string {
	p.t.Helper()
	env, err := sandbox.ReadEnvironment(filepath.Join(p.dir, ".entragate"))
	require.NoError(p.t, err)
	return env
}

// aws is the configuration of AWS clients of the sandbox.
func (p *project) aws() aws.Config {
	p.t.Helper()
	env := p.environment()
	return aws.Config{
		Region: env["AWS_REGION"], BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL"]),
		Credentials: credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], ""),
	}
}

// http is a client that trusts the sandbox. Not every resolver knows that names
// below localhost are loopback.
func (p *project) http() *http.Client {
	p.t.Helper()
	authority, err := os.ReadFile(p.environment()["SSL_CERT_FILE"])
	require.NoError(p.t, err)
	pool := x509.NewCertPool()
	require.True(p.t, pool.AppendCertsFromPEM(authority))
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: pool},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		},
	}}
}

// set changes one setting of the dev stack, as an editor would.
func (p *project) set(key string, value any) {
	p.t.Helper()
	path := filepath.Join(p.dir, "Pulumi.dev.yaml")
	raw, err := os.ReadFile(path)
	require.NoError(p.t, err)
	var file struct {
		Config map[string]any `yaml:"config"`
	}
	require.NoError(p.t, yaml.Unmarshal(raw, &file))
	file.Config["entragate:"+key] = value
	raw, err = yaml.Marshal(file)
	require.NoError(p.t, err)
	require.NoError(p.t, os.WriteFile(path, raw, 0o600))
}

// list returns a list setting as it is in force: from the stack's file, or the
// project's default.
func (p *project) list(key string) []map[string]any {
	p.t.Helper()
	var stack struct {
		Config map[string]any `yaml:"config"`
	}
	raw, err := os.ReadFile(filepath.Join(p.dir, "Pulumi.dev.yaml"))
	require.NoError(p.t, err)
	require.NoError(p.t, yaml.Unmarshal(raw, &stack))
	value, ok := stack.Config["entragate:"+key]
	if !ok {
		var project struct {
			Config map[string]struct {
				Default any `yaml:"default"`
			} `yaml:"config"`
		}
		raw, err := os.ReadFile(filepath.Join(p.dir, "Pulumi.yaml"))
		require.NoError(p.t, err)
		require.NoError(p.t, yaml.Unmarshal(raw, &project))
		value = project.Config[key].Default
	}
	var items []map[string]any
	for _, item := range value.([]any) {
		items = append(items, item.(map[string]any))
	}
	require.NotEmpty(p.t, items, key)
	return items
}

// with returns the items, that whose name is value changed by edit, or left
// out when edit is nil.
func with(t *testing.T, items []map[string]any, name, value string, edit func(map[string]any)) []map[string]any {
	t.Helper()
	i := slices.IndexFunc(items, func(item map[string]any) bool { return item[name] == value })
	require.GreaterOrEqual(t, i, 0, "no %s %s", name, value)
	changed := slices.Clone(items)
	if edit == nil {
		return slices.Delete(changed, i, i+1)
	}
	changed[i] = maps.Clone(items[i])
	edit(changed[i])
	return changed
}

// What the commands print with --json.
type (
	changes struct {
		Create, Update, Delete, Replace, Same int
		Resources                             []struct {
			Op, Type, Name string
			Keys           []string
		}
	}
	cell struct {
		Route, Caller string
		Predicted     access.Decision
		Observed      json.RawMessage
		Agree         bool
	}
	up struct {
		URL       string
		Changes   changes
		Matrix    access.Matrix
		Cells     []cell
		Durations map[string]float64
	}
	preview struct {
		Changes changes
		Access  []struct{ Route, Caller, Before, After string }
	}
	down struct {
		Changes changes
		Left    []json.RawMessage
		Stopped bool
	}
	orphans struct{ Orphans []json.RawMessage }
	status  struct {
		Running bool
		PID     int
		Stacks  []struct {
			Name               string
			Resources, Pending int
		}
	}
)

// none reports whether nothing changed.
func (c changes) none() bool { return c.Create+c.Update+c.Delete+c.Replace == 0 }

// touched are "op type name" of what changed, sorted; type without its package.
func (c changes) touched() []string {
	var touched []string
	for _, r := range c.Resources {
		touched = append(touched, r.Op+" "+r.Type[strings.LastIndex(r.Type, ":")+1:]+" "+r.Name)
	}
	slices.Sort(touched)
	return touched
}

// words are the cells of a matrix, by "route as caller".
func (u up) words() map[string]string {
	words := map[string]string{}
	for _, c := range u.Cells {
		words[c.Route+" as "+c.Caller] = c.Predicted.Words
	}
	return words
}
