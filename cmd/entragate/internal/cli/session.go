package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/entragate/entragate/cmd/entragate/internal/background"
	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/cmd/entragate/internal/engine"
	"github.com/entragate/entragate/cmd/entragate/internal/orphans"
	"github.com/entragate/entragate/cmd/entragate/internal/project"
	"github.com/entragate/entragate/cmd/entragate/internal/runs"
	"github.com/entragate/entragate/cmd/entragate/internal/verify"
	"github.com/entragate/entragate/functions"
	"github.com/entragate/entragate/internal/filelock"
	"github.com/entragate/entragate/internal/toolchain"
	"github.com/entragate/entragate/sandbox"
	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/stacks"
)

// leftoverGrace is how long the CLI of an interrupted run may finish what it
// is at, before it is killed.
const leftoverGrace = 30 * time.Second

// waitForOthers is how long a short command waits for others on the stack.
const waitForOthers = time.Minute

// session is one command at work on a stack of a running sandbox. It holds the
// stack's lock.
type session struct {
	app      *app
	project  project.Project
	layout   layout
	run      *runs.Run
	env      map[string]string
	settings sandbox.Settings
	clouds   *clouds.Clouds
	config   stacks.Config
	// timings are how long the phases took, in seconds.
	timings map[string]float64
}

// openSoon is open for commands that call what is deployed and are soon done:
// they wait for others. Without a deployment no clouds are started.
func (a *app) openSoon(ctx context.Context) (*session, error) {
	if err := a.mustBeKnown(); err != nil {
		return nil, err
	}
	until := time.Now().Add(waitForOthers)
	for {
		s, err := a.open(ctx)
		if !errors.Is(err, filelock.ErrHeld) || time.Now().After(until) {
			return s, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// mustBeKnown returns an error for a stack that the sandbox has never seen.
func (a *app) mustBeKnown() error {
	p, l, err := a.project()
	if err != nil {
		return err
	}
	if _, err := p.StackFile(a.stack); err != nil {
		return err
	}
	names, err := engine.Stacks(l.state(), p.Name)
	if err == nil && !slices.Contains(names, a.stack) {
		err = fmt.Errorf("stack %s: %w", a.stack, errNotDeployed)
	}
	return err
}

// open takes the stack's lock, starts the sandbox if it does not run, and makes
// the copy of the configuration that is deployed there. A configuration that is
// wrong is refused before anything else is done.
func (a *app) open(ctx context.Context) (*session, error) {
	p, l, err := a.project()
	if err != nil {
		return nil, err
	}
	if _, err := p.StackFile(a.stack); err != nil {
		return nil, err
	}
	if _, err := stacks.ReadFiles(p.Dir, a.stack); err != nil {
		return nil, err
	}
	run, err := runs.Begin(ctx, l.stack(p.Name, a.stack), leftoverGrace)
	if errors.Is(err, filelock.ErrHeld) {
		return nil, fmt.Errorf("stack %s: another run is at work on it: %w", a.stack, err)
	}
	if err != nil {
		return nil, err
	}
	s := &session{app: a, project: p, layout: l, run: run, timings: map[string]float64{}}
	if err := s.connect(ctx); err != nil {
		return nil, errors.Join(err, run.End())
	}
	return s, nil
}

func (s *session) close() error { return s.run.End() }

// phase times a part of the work.
func (s *session) phase(name string, work func() error) error {
	start := time.Now()
	err := work()
	total := time.Duration(s.timings[name]*float64(time.Second)) + time.Since(start)
	s.timings[name] = total.Round(time.Millisecond).Seconds()
	return err
}

func (s *session) connect(ctx context.Context) error {
	err := s.phase("sandbox", func() error {
		args := []string{"sandbox", "serve", "--sandbox-dir", s.layout.dir}
		started, err := background.Start(ctx, s.layout.dir, args...)
		if started && err == nil {
			s.app.progress("sandbox: started, log in %s", background.LogFile(s.layout.dir))
		}
		return err
	})
	if err != nil {
		return err
	}
	if s.settings, err = sandbox.ReadSettings(s.layout.dir); err != nil {
		return err
	}
	if s.env, err = sandbox.ReadEnvironment(s.layout.dir); err != nil {
		return err
	}
	if s.clouds, err = clouds.Sandbox(s.env); err != nil {
		return err
	}
	return s.configure(ctx)
}

// configure copies the configuration and lays over it what the sandbox needs.
func (s *session) configure(ctx context.Context) error {
	committed, err := stacks.ReadFiles(s.project.Dir, s.app.stack)
	if err != nil {
		return err
	}
	here, err := s.here(ctx)
	if err != nil {
		return err
	}
	work := s.layout.work(s.project.Name, s.app.stack)
	keys, err := s.project.Copy(s.app.stack, work, here.Overlay(s.project.Name, committed))
	if err != nil {
		return err
	}
	if s.app.verbose {
		s.app.progress("config: %s, with these laid over it: %v", filepath.Join(work, "Pulumi."+s.app.stack+".yaml"), keys)
	}
	s.config, err = stacks.ReadFiles(work, s.app.stack)
	return err
}

// here is what a configuration must name in this sandbox.
func (s *session) here(ctx context.Context) (project.Sandbox, error) {
	id := func(path string) (string, error) {
		var object struct {
			ID string `json:"id"`
		}
		err := s.clouds.Graph.Call(ctx, http.MethodGet, path+"?$select=id", nil, &object)
		return object.ID, err
	}
	architecture, ok := architectures[runtime.GOARCH]
	if !ok {
		return project.Sandbox{}, fmt.Errorf("functions cannot run here: got a machine of architecture %s, want amd64 or arm64", runtime.GOARCH)
	}
	here := project.Sandbox{
		Architecture: architecture,
		Region:       s.settings.Region, LoginHost: s.env["ARM_METADATA_HOSTNAME"], TenantID: s.settings.TenantID,
		Reader: "arn:aws:iam::" + s.settings.Account + ":user/sandbox", OutboundIssuer: s.env["AWS_OUTBOUND_ISSUER"],
		Group: (&directory.State{Tenant: directory.Tenant{ID: s.settings.TenantID}}).StableID("group/" + directory.GroupName),
	}
	var err error
	if here.Backend, err = readBackend(s.layout.backend()); err != nil {
		return here, err
	}
	if here.Deployer, err = id("/servicePrincipals(appId='" + s.env["ARM_CLIENT_ID"] + "')"); err != nil {
		return here, fmt.Errorf("finding the deployer: %w", err)
	}
	if here.User, err = id("/users/" + verify.Assigned); err != nil {
		return here, fmt.Errorf("finding a user: %w", err)
	}
	return here, nil
}

// architectures are those of Lambda by what Go calls them.
var architectures = map[string]functions.Architecture{"amd64": functions.X8664, "arm64": functions.ARM64}

// engine finds or builds the tools and opens the stack.
func (s *session) engine(ctx context.Context) (*engine.Engine, error) {
	var tools toolchain.Tools
	err := s.phase("tools", func() (err error) {
		tools, err = toolchain.Ensure(ctx, toolchain.Options{
			Cache: s.app.cache, Progress: func(line string) { s.app.progress("tools: %s", line) },
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	var e *engine.Engine
	err = s.phase("open", func() (err error) {
		e, err = engine.Open(ctx, engine.Options{
			Project: s.project.Name, Stack: s.app.stack, WorkDir: s.layout.work(s.project.Name, s.app.stack),
			StateDir: s.layout.state(), Tools: tools, Clouds: s.providerEnvironment(),
			Program: stacks.DeployWith(s.clouds.HTTP), Run: s.run, Progress: s.app.stderr,
		})
		return err
	})
	return e, err
}

// providerEnvironment is the part of the sandbox's environment that the
// providers read.
func (s *session) providerEnvironment() map[string]string {
	env := map[string]string{}
	for _, name := range []string{
		"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		"ARM_METADATA_HOSTNAME", "ARM_TENANT_ID", "ARM_CLIENT_ID", "ARM_CLIENT_SECRET", "ARM_USE_CLI", "SSL_CERT_FILE",
	} {
		env[name] = s.env[name]
	}
	return env
}

// repair settles what an interrupted run left: its lock, objects that the
// state does not know, and operations that the state takes for unfinished.
func (s *session) repair(ctx context.Context, e *engine.Engine) error {
	return s.phase("repair", func() error {
		cleared, err := e.Unlock(ctx)
		if err != nil {
			return err
		}
		if cleared {
			s.app.progress("repair: cleared the lock of an interrupted run")
		}
		state, err := e.State()
		if err != nil {
			return err
		}
		if !s.run.Interrupted && len(state.Pending) == 0 {
			return nil
		}
		objects, err := s.objects(ctx)
		if err != nil {
			return err
		}
		found := orphans.Find(objects, state.Custom())
		if found, err = s.adoptRotations(ctx, e, found, state); err != nil {
			return err
		}
		for _, o := range found {
			s.app.progress("repair: deleting %s %s, which an interrupted run created", o.Type, o.Name)
		}
		if err := orphans.Delete(ctx, s.clouds, found); err != nil {
			return err
		}
		if state, err = e.State(); err != nil {
			return err
		}
		if gone := orphans.Gone(objects, state.Custom()); len(state.Pending) > 0 || len(gone) > 0 {
			s.app.progress("repair: %d operations were cut off; the state had %d resources that are gone", len(state.Pending), len(gone))
			if err := e.Settle(ctx, gone); err != nil {
				return err
			}
		}
		return s.run.Settled()
	})
}

// adoptRotations takes the rotations of secrets into the state, and returns the
// other orphans. A rotation that was turned on and has not succeeded yet, as that
// of a rotator without its first secret, can be turned off only by leaving a
// version behind that keeps it from being turned on again.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CancelRotateSecret.html
func (s *session) adoptRotations(
	ctx context.Context, e *engine.Engine, found []orphans.Object, state engine.State,
) ([]orphans.Object, error) {
	rotations, others := orphans.Rotations(found)
	adopted := orphans.Adoptable(rotations, state.Pending)
	if len(adopted) == 0 {
		return found, nil
	}
	s.app.progress("repair: adopting the rotations of %d secrets, which an interrupted run turned on", len(adopted))
	if err := e.Adopt(ctx, adopted); err != nil {
		return nil, err
	}
	left := slices.DeleteFunc(rotations, func(o orphans.Object) bool { return o.AdoptedBy(adopted) })
	return append(left, others...), nil
}

// objects are what the stack has in the clouds.
func (s *session) objects(ctx context.Context) ([]orphans.Object, error) {
	return orphans.List(ctx, s.clouds, stackOf(s.project.Name, s.app.stack, s.config))
}
