// Package cli is the command line: it reads flags, composes what the other
// packages do, and prints. Results go to stdout, progress to stderr.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/project"
)

// The exit codes.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 64 // EX_USAGE of sysexits.h; 2 and 3 are what a review found
	exitDiffers     = 3
	exitInterrupted = 130
)

const defaultStack = "dev"

// errDiffers is what a command returns when it ran well and found what should
// not be: a cell of the access matrix, or an orphan.
var errDiffers = errors.New("differs")

// usageError is a mistake in arguments or flags.
type usageError struct{ error }

// app holds what all commands share.
type app struct {
	stdout, stderr io.Writer

	dir        string
	stack      string
	json       bool
	verbose    bool
	sandboxDir string
	cache      string
}

// Run runs the command line and returns the exit code.
func Run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second Ctrl-C ends this process at once.
	context.AfterFunc(ctx, stop)

	a := &app{stdout: stdout, stderr: stderr}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var usage usageError
	var found judged
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &found):
		return int(found)
	case errors.Is(err, errDiffers):
		return exitDiffers
	case ctx.Err() != nil:
		a.interrupted(err)
		return exitInterrupted
	case errors.As(err, &usage):
		a.fail(err)
		return exitUsage
	default:
		a.fail(err)
		return exitFailure
	}
}

// interrupted says what was cut off. The rest of the error repeats what the
// Pulumi CLI printed all along.
func (a *app) interrupted(err error) {
	what := err.Error()
	if !a.verbose {
		what, _, _ = strings.Cut(what, "\n")
	}
	fmt.Fprintf(a.stderr, "interrupted: %s\nRun it again: it goes on from what is there.\n", what)
}

// failure is what every command prints with --json when it fails, so that a
// program need not read prose.
type failure struct {
	Error string `json:"error"`
	// Problems are those of a configuration, if that is what was wrong.
	Problems access.Problems `json:"problems,omitempty"`
}

// fail prints an error; the problems of a configuration one a line.
func (a *app) fail(err error) {
	var problems access.Problems
	errors.As(err, &problems)
	if a.json {
		if err := a.print(failure{err.Error(), problems}, nil); err != nil {
			fmt.Fprintf(a.stderr, "error: %v\n", err)
		}
	}
	if len(problems) > 1 {
		fmt.Fprintf(a.stderr, "error: %d problems\n", len(problems))
		for _, p := range problems {
			fmt.Fprintf(a.stderr, "  %v\n", p)
		}
		return
	}
	fmt.Fprintf(a.stderr, "error: %v\n", err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "entragate",
		Short: "Microsoft Entra ID in front of AWS HTTP APIs: see who may call, deploy, prove it",
		Long: `Entragate shows who may call an API before it is deployed, deploys it with the real
Pulumi engine and providers into clouds on this machine, and calls it as every
caller would.

Exit codes: 0 all is well; 1 it failed; 3 something is not as it should be (a cell of
the access matrix, a credential, an orphan); 64 wrong arguments; 130 interrupted. Of a
review, 2 says that callers would lose access, 3 that more could call.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArgs,
		RunE:          help,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.dir, "dir", "", "project folder (default the nearest parent with a Pulumi.yaml)")
	flags.StringVar(&a.stack, "stack", defaultStack, "stack")
	flags.BoolVar(&a.json, "json", false, "print the result, or what went wrong, as JSON")
	flags.BoolVar(&a.verbose, "verbose", false, "say more about what is done")
	flags.StringVar(&a.sandboxDir, "sandbox-dir", "", "folder of the sandbox (default .entragate in the project folder)")
	flags.StringVar(&a.cache, "cache", "", "folder of built programs (default entragate in the user's cache folder)")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.CompletionOptions.HiddenDefaultCmd = true

	clouds := &cobra.Command{Use: "sandbox", Short: "The clouds on this machine, and stacks in them", Args: noArgs, RunE: help}
	clouds.AddCommand(a.upCommand(), a.previewCommand(), a.downCommand(), a.serveCommand(), a.statusCommand(), a.clockCommand())
	root.AddCommand(clouds, a.accessCommand(), a.reviewCommand(), a.verifyCommand(), a.tokenCommand(),
		a.logsCommand(), a.explainCommand(), a.doctorCommand(), a.credentialsCommand(), a.rotateCommand(), a.orphansCommand())
	return root
}

func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s: unknown command or argument %q; see --help", cmd.CommandPath(), args[0])}
	}
	return nil
}

// project finds the project and where its sandbox is.
func (a *app) project() (project.Project, layout, error) {
	p, err := project.Find(a.dir)
	if err != nil {
		return p, layout{}, err
	}
	dir, err := a.sandboxFolder()
	return p, layout{dir}, err
}

// sandboxFolder is where the sandbox is. Without a project it must be said.
func (a *app) sandboxFolder() (string, error) {
	if a.sandboxDir != "" {
		return filepath.Abs(a.sandboxDir)
	}
	p, err := project.Find(a.dir)
	if err != nil {
		return "", err
	}
	return filepath.Join(p.Dir, ".entragate"), nil
}

// layout is where things are below the folder of a sandbox.
type layout struct{ dir string }

// state holds the Pulumi state of all stacks.
func (l layout) state() string { return filepath.Join(l.dir, "state") }

// stack holds what runs on one stack leave.
func (l layout) stack(project, stack string) string {
	return filepath.Join(l.dir, "stacks", project, stack)
}

// work holds the copy of a stack's configuration.
func (l layout) work(project, stack string) string {
	return filepath.Join(l.stack(project, stack), "work")
}

// backend is where the address of the orders service is kept.
func (l layout) backend() string { return filepath.Join(l.dir, "backend.addr") }

// progress prints one line to stderr.
func (a *app) progress(format string, args ...any) { fmt.Fprintf(a.stderr, format+"\n", args...) }

// print writes the result: as JSON, or as text makes it.
func (a *app) print(result any, text func(io.Writer) error) error {
	if !a.json {
		return text(a.stdout)
	}
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(result)
}

// defaultWidth is that of a table where the terminal has none.
const defaultWidth = 120

// width is how wide a table may be.
func (a *app) width() int {
	if f, ok := a.stdout.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			return w
		}
	}
	return defaultWidth
}
