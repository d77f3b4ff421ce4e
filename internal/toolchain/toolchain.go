// Package toolchain finds the programs that Pulumi programs need to run, the pulumi CLI and the provider plugins, or
// builds them from their published Go modules.
//
// Nothing is downloaded but Go modules. What is built is kept in a cache, keyed by all that determines it, and appears
// there in one step, so that a build that was interrupted, or that runs beside another one, leaves nothing half done.
package toolchain

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Options say where to look and where to build. The zero value is what a user wants.
type Options struct {
	// Cache is the folder where built programs are kept; entragate in os.UserCacheDir if empty.
	Cache string
	// Env is the environment in which to look for installed programs and to build; os.Environ() if nil.
	Env []string
	// Progress gets a line at the start and the end of every build, and one every 15 seconds between; never two
	// at a time. It may be nil.
	Progress func(line string)

	beat   time.Duration // between heartbeats
	goTool goFunc
	verify func(dir string) error // checks the files of the AWS provider's module
}

// Tools is where the programs are.
type Tools struct {
	// Pulumi is the path of the CLI.
	Pulumi string `json:"pulumi"`
	// Root is a folder with bin/pulumi in it, as auto.PulumiCommandOptions wants it.
	Root string `json:"root"`
	// PulumiHome is the value for PULUMI_HOME. Its plugins folder holds the three plugins and nothing else.
	PulumiHome string `json:"pulumiHome"`
	// Programs are all four, the CLI first.
	Programs []Program `json:"programs"`
}

// A Program is one that Ensure found or built.
type Program struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Path    string `json:"path"`
	Origin  Origin `json:"origin"`
}

// Origin says where a program comes from.
type Origin string

// The origins of a program.
const (
	Installed Origin = "installed" // was on the machine
	Cached    Origin = "cached"    // was built earlier
	Built     Origin = "built"     // was built just now
)

// Env is what the CLI and the Automation API need in their environment to use these tools and no others.
func (t Tools) Env() map[string]string {
	return map[string]string{
		"PULUMI_HOME": t.PulumiHome,
		// The CLI downloads plugins that it does not find, and would prefer plugins on PATH to those in PULUMI_HOME.
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
		"PULUMI_IGNORE_AMBIENT_PLUGINS":               "true",
		"PULUMI_SKIP_UPDATE_CHECK":                    "true",
	}
}

// Ensure finds the CLI and the plugins or builds what is missing, which takes minutes the first time. It may run at the
// same time in any number of processes. When ctx ends it stops what it started.
func Ensure(ctx context.Context, opts Options) (Tools, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return Tools{}, err
	}
	cli, err := ensureCLI(ctx, opts)
	if err != nil {
		return Tools{}, err
	}
	programs, err := ensurePlugins(ctx, opts)
	if err != nil {
		return Tools{}, err
	}
	programs = append([]Program{cli}, programs...)
	home, err := assemble(ctx, opts, programs)
	if err != nil {
		return Tools{}, fmt.Errorf("assemble PULUMI_HOME: %w", err)
	}
	return Tools{
		Pulumi:     filepath.Join(home, "bin", "pulumi"),
		Root:       home,
		PulumiHome: home,
		Programs:   programs,
	}, nil
}

func ensureCLI(ctx context.Context, opts Options) (Program, error) {
	if cli, ok := findCLI(ctx, opts); ok {
		return cli, nil
	}
	module, err := openModule(ctx, opts, cliModule)
	if err != nil {
		return Program{}, err
	}
	programs, err := module.ensure(ctx, []target{cliTarget()})
	if err != nil {
		return Program{}, err
	}
	return programs[0], nil
}

func ensurePlugins(ctx context.Context, opts Options) ([]Program, error) {
	var found []Program
	var missing []target
	for _, p := range plugins {
		if program, ok := findPlugin(opts, p); ok {
			found = append(found, program)
		} else {
			missing = append(missing, p.target())
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	module, err := openModule(ctx, opts, pluginsModule)
	if err != nil {
		return nil, err
	}
	built, err := module.ensure(ctx, missing)
	return append(found, built...), err
}

func (o Options) withDefaults() (Options, error) {
	if o.Cache == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return o, fmt.Errorf("no folder for the cache: %w", err)
		}
		o.Cache = filepath.Join(base, "entragate")
	}
	var err error
	if o.Cache, err = filepath.Abs(o.Cache); err != nil { // builds run in other folders
		return o, err
	}
	if o.Env == nil {
		o.Env = os.Environ()
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.beat == 0 {
		o.beat = 15 * time.Second
	}
	if o.goTool == nil {
		o.goTool = runGo
	}
	if o.verify == nil {
		o.verify = verifyAWS
	}
	return o, os.MkdirAll(o.Cache, 0o750)
}
