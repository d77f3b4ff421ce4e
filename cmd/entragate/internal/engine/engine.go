// Package engine runs the real Pulumi engine on a stack of the sandbox: the
// real CLI, driven through the Automation API with the program inside this
// process, the real provider plugins, a state of its own, and an environment in
// which nothing but the sandbox is known.
package engine

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/cmd/entragate/internal/runs"
	"github.com/entragate/entragate/internal/toolchain"
	"github.com/entragate/entragate/sandbox/store"
)

// Options say which stack to work on.
type Options struct {
	// Project and Stack are the names in Pulumi.yaml and of the stack.
	Project, Stack string
	// WorkDir holds Pulumi.yaml and Pulumi.<stack>.yaml. It is written to.
	WorkDir string
	// StateDir holds the state of all stacks and the passphrase of their secrets.
	StateDir string
	// Tools are the CLI and the plugins.
	Tools toolchain.Tools
	// Clouds is the environment by which the providers find the clouds.
	Clouds map[string]string
	// Program is what is deployed.
	Program pulumi.RunFunc
	// Run guards the stack.
	Run *runs.Run
	// Progress gets a line for each resource that changes.
	Progress io.Writer
}

// Engine works on one stack.
type Engine struct {
	options Options
	command *command
	stack   auto.Stack
}

// Open selects the stack and makes it if need be.
func Open(ctx context.Context, o Options) (*Engine, error) {
	env, err := environment(o)
	if err == nil {
		err = mendState(o.StateDir, o.Project, o.Stack)
	}
	if err != nil {
		return nil, fmt.Errorf("opening stack %s: %w", o.Stack, err)
	}
	version, err := semver.ParseTolerant(o.Tools.Programs[0].Version)
	if err != nil {
		return nil, fmt.Errorf("opening stack %s: the pulumi CLI's version: %w", o.Stack, err)
	}
	e := &Engine{options: o, command: &command{
		path: o.Tools.Pulumi, version: version, env: env, run: o.Run, grace: interruptGrace,
	}}
	w, err := auto.NewLocalWorkspace(ctx, auto.WorkDir(o.WorkDir), auto.PulumiHome(o.Tools.PulumiHome),
		auto.Pulumi(e.command), auto.Program(o.Program))
	if err != nil {
		return nil, fmt.Errorf("opening stack %s: %w", o.Stack, err)
	}
	switch _, found := os.Stat(stateFile(o.StateDir, o.Project, o.Stack)); {
	case errors.Is(found, fs.ErrNotExist):
		e.stack, err = auto.NewStack(ctx, o.Stack, w)
	default:
		e.stack, err = auto.SelectStack(ctx, o.Stack, w)
	}
	if err != nil {
		return nil, fmt.Errorf("opening stack %s: %w", o.Stack, err)
	}
	return e, nil
}

// environment is all that the CLI and the providers see: neither the user's
// credentials nor proxies, which would lead away from the sandbox.
func environment(o Options) ([]string, error) {
	passphrase, err := passphraseFile(o.StateDir)
	if err != nil {
		return nil, err
	}
	variables := map[string]string{
		"PULUMI_BACKEND_URL":            backendURL(o.StateDir),
		"PULUMI_CONFIG_PASSPHRASE_FILE": passphrase,
		"AWS_CONFIG_FILE":               os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE":   os.DevNull,
		"AWS_EC2_METADATA_DISABLED":     "true",
	}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "USER", "LANG"} {
		if value, ok := os.LookupEnv(name); ok {
			variables[name] = value
		}
	}
	for _, more := range []map[string]string{o.Tools.Env(), o.Clouds} {
		maps.Copy(variables, more)
	}
	env := make([]string, 0, len(variables))
	for name, value := range variables {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	return env, nil
}

// backendURL is where the state is. It is without metadata files: they are not
// written in one step, and the CLI stops at one that was cut off.
// https://pkg.go.dev/gocloud.dev/blob/fileblob#URLOpener
func backendURL(stateDir string) string {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(stateDir), RawQuery: "metadata=skip"}
	return u.String()
}

// passphraseFile makes, once, the passphrase of the secrets in the state.
func passphraseFile(stateDir string) (string, error) {
	path := filepath.Join(stateDir, "passphrase")
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	if err := os.MkdirAll(stateDir, 0o700); err != nil {
		return "", err
	}
	return path, store.WriteFile(path, []byte(rand.Text()))
}

// Up deploys.
func (e *Engine) Up(ctx context.Context) (Changes, error) {
	return e.follow(ctx, func(stream chan<- events.EngineEvent) error {
		_, err := e.stack.Up(ctx, optup.EventStreams(stream), optup.SuppressProgress(), optup.SuppressOutputs())
		return err
	})
}

// Preview says what Up would do.
func (e *Engine) Preview(ctx context.Context) (Changes, error) {
	return e.follow(ctx, func(stream chan<- events.EngineEvent) error {
		_, err := e.stack.Preview(ctx, optpreview.EventStreams(stream), optpreview.SuppressProgress(), optpreview.SuppressOutputs())
		return err
	})
}

// Destroy deletes all that the state knows.
func (e *Engine) Destroy(ctx context.Context) (Changes, error) {
	return e.follow(ctx, func(stream chan<- events.EngineEvent) error {
		_, err := e.stack.Destroy(ctx, optdestroy.EventStreams(stream), optdestroy.SuppressProgress(), optdestroy.SuppressOutputs())
		return err
	})
}

// Adopt takes objects into the state that creates which were cut off had made:
// ids says which object each became, by URN.
func (e *Engine) Adopt(ctx context.Context, ids map[string]string) error {
	return AdoptWith(func(stdin []byte, args ...string) ([]byte, error) { return e.cli(ctx, stdin, args...) }, ids)
}

// cli runs the CLI on the stack.
func (e *Engine) cli(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	stdout, _, _, err := e.command.Run(ctx, e.options.WorkDir, bytes.NewReader(stdin), nil, nil, nil,
		append(args, "--stack", e.options.Stack)...)
	return []byte(stdout), err
}

// Unprotect lifts the protection of everything in the stack, so that it can be
// destroyed.
func (e *Engine) Unprotect(ctx context.Context) error {
	_, err := e.cli(ctx, nil, "state", "unprotect", "--all", "--yes")
	return err
}

// Remove forgets the stack, which must be empty, and its history.
func (e *Engine) Remove(ctx context.Context) error {
	return e.stack.Workspace().RemoveStack(ctx, e.options.Stack)
}

// State reads what Pulumi knows to exist. Secrets stay encrypted.
func (e *Engine) State() (State, error) {
	return ReadState(e.options.StateDir, e.options.Project, e.options.Stack)
}

// Unlock clears the lock that a killed CLI left on the stack. The caller has
// seen to it that none is alive.
func (e *Engine) Unlock(ctx context.Context) (cleared bool, err error) {
	locks, err := fs.Glob(os.DirFS(e.options.StateDir), ".pulumi/locks/*/"+e.options.Project+"/"+e.options.Stack+"/*")
	if err != nil || len(locks) == 0 {
		return false, err
	}
	return true, e.stack.Cancel(ctx)
}

// follow runs an operation, prints its progress and counts its changes.
func (e *Engine) follow(ctx context.Context, operation func(chan<- events.EngineEvent) error) (Changes, error) {
	stream := make(chan events.EngineEvent, 64)
	p := newProgress(e.options.Progress)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.follow(stream)
	}()
	if err := operation(stream); err != nil {
		select {
		case <-done:
		case <-time.After(time.Second): // the CLI ended before it opened the stream, which stays open
			return Changes{}, err
		}
		if len(p.problems) > 0 && context.Cause(ctx) == nil {
			err = errors.New(strings.Join(p.problems, "\n"))
		}
		return p.changes, err
	}
	<-done
	return p.changes, nil
}
