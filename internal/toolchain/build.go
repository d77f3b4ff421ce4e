package toolchain

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/entragate/entragate/internal/gocmd"
)

// A target is a program to build from a nested module.
type target struct {
	name    string // of the program's file
	version string
	label   string // what the user calls it
	folder  string // where the program goes, in the folder of the module's programs
	pkg     string
	ldflags string
	check   []string // arguments with which it prints its version
}

// cliTarget is the CLI. The Automation API refuses a CLI that does not know its version.
func cliTarget() target {
	return target{
		name: "pulumi", version: Version, label: "pulumi CLI " + Version, folder: "bin",
		pkg:     "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
		ldflags: "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=" + Version,
		check:   []string{"version"},
	}
}

func (p plugin) target() target {
	return target{
		name: p.binary(), version: p.version, label: p.String(), folder: p.folder(),
		pkg:     "./cmd/" + p.binary(),
		ldflags: "-s -w -X main.version=" + strings.TrimPrefix(p.version, "v"),
		check:   []string{"-version"},
	}
}

// path is where the program is once it is built.
func (m *nestedModule) path(t target) string {
	return filepath.Join(m.opts.Cache, "built", m.key, t.folder, t.name)
}

func (m *nestedModule) program(t target, origin Origin) Program {
	return Program{Name: t.name, Version: t.version, Path: m.path(t), Origin: origin}
}

// ensure returns the targets, those that are not there yet after building them.
func (m *nestedModule) ensure(ctx context.Context, targets []target) ([]Program, error) {
	if programs, missing := m.look(targets); len(missing) == 0 {
		return programs, nil
	}
	unlock, err := lock(ctx, m.opts)
	if err != nil {
		return nil, err
	}
	defer unlock()
	programs, missing := m.look(targets) // again: another process may have built them meanwhile
	if len(missing) == 0 {
		return programs, nil
	}
	scratch, err := cleanScratch(m.opts)
	if err != nil {
		return nil, err
	}
	defer remove(scratch)
	source := filepath.Join(scratch, "source")
	if err := m.unpack(source); err != nil {
		return nil, err
	}
	for _, i := range missing {
		if err := m.build(ctx, targets[i], source, scratch); err != nil {
			return nil, fmt.Errorf("build %s: %w", targets[i].label, err)
		}
		programs[i] = m.program(targets[i], Built)
	}
	return programs, nil
}

// look returns what is there already, and the indexes of what is not.
func (m *nestedModule) look(targets []target) (programs []Program, missing []int) {
	for i, t := range targets {
		programs = append(programs, m.program(t, Cached))
		if !gocmd.IsProgram(m.path(t)) {
			missing = append(missing, i)
		}
	}
	return programs, missing
}

// build makes one program in scratch and moves it to its place when it has shown that it starts.
func (m *nestedModule) build(ctx context.Context, t target, source, scratch string) error {
	return m.opts.announce(t.label, func() error {
		if err := m.prepare(ctx, source); err != nil {
			return err
		}
		out := filepath.Join(scratch, t.name)
		_, err := m.opts.goTool(ctx, source, gocmd.BuildEnv(m.opts.Env),
			"build", "-buildvcs=false", "-o", out, "-ldflags", t.ldflags, t.pkg)
		if err != nil {
			return err
		}
		if err := checkVersion(ctx, m.opts.Env, out, t); err != nil {
			return err
		}
		return publish(out, m.path(t))
	})
}

// checkVersion starts a program that was built, and compares its version.
func checkVersion(ctx context.Context, env []string, path string, t target) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, t.check...) //nolint:gosec // it has just been built
	cmd.Env = append(gocmd.Without(env), "PULUMI_SKIP_UPDATE_CHECK=true")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("start it: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	got, want := strings.TrimPrefix(strings.TrimSpace(string(out)), "v"), strings.TrimPrefix(t.version, "v")
	if got != want {
		return fmt.Errorf("it calls itself version %q, want %q", got, want)
	}
	return nil
}

// publish moves a finished program to its place in one step. It is written to disk first, since after a power failure a
// file may have its new name but not yet its content.
func publish(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return err
	}
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	err = file.Sync()
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(from, to)
}

// announce runs a long step and tells the user when it starts, that it goes on, and when it is done.
func (o Options) announce(label string, step func() error) error {
	start := time.Now()
	elapsed := func() time.Duration { return time.Since(start).Round(time.Second) }
	o.Progress("building " + label + " from its Go module, once")
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(o.beat)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				o.Progress(fmt.Sprintf("building %s: %s", label, elapsed()))
			}
		}
	}()
	err := step()
	close(done)
	<-stopped // so that no line comes after the last one
	if err != nil {
		o.Progress(fmt.Sprintf("building %s failed after %s", label, elapsed()))
		return err
	}
	o.Progress(fmt.Sprintf("built %s in %s", label, elapsed()))
	return nil
}
