// Package runner runs the programs of functions as AWS Lambda does: processes
// that ask the runtime API for invocations
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html), one at a
// time each, kept for the next ones, and ended when they are idle for long, too
// slow, or of an earlier version of the function.
//
// A process is not confined as on AWS: its memory is not limited, it sees the
// host's files and network, and may write to its own folder. Not implemented:
// extensions, the telemetry API, streamed responses, and the steps of SnapStart.
package runner

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/entragate/entragate/sandbox/aws/logs"
)

const (
	// idleFor and usedFor are when processes are ended. AWS does not say when
	// it does, but that it does (both are guesses).
	idleFor = 5 * time.Minute
	usedFor = 2 * time.Hour
	// promptly is how long the caller of a function waits, at most, for what the
	// program does between its answer and asking for the next event.
	promptly = 100 * time.Millisecond
	// CredentialsFor is how long the credentials of a process must live.
	CredentialsFor = usedFor + time.Hour
	// maxInstances is how many processes a function without reserved
	// concurrency may have. On AWS it is what the account has left.
	maxInstances = 10
)

// ErrThrottled says that a function has as many invocations under way as its
// reserved concurrency allows.
var ErrThrottled = errors.New("rate exceeded")

// errClosed says that the sandbox ends.
var errClosed = errors.New("the sandbox is closing")

// Function is what is run: one version of a function.
type Function struct {
	Name, Version string
	Folder        string // holds the files of the archive
	Handler       string
	Architecture  string // x86_64 or arm64
	MemoryMB      int
	Timeout       time.Duration
	Variables     map[string]string
	Role          string // ARN
	LogGroup      string
	JSONLogs      bool
	Traced        bool
	Reserved      *int // concurrency; nil shares that of the account
}

// Credentials are those of the role of a function.
type Credentials struct{ AccessKeyID, SecretAccessKey, Token string }

// Event is what a function is invoked with.
type Event struct {
	RequestID     string
	ARN           string // of the function, as it was called
	TraceID       string // "" makes one
	ClientContext string
	Payload       []byte
}

// Result is what an invocation came to.
type Result struct {
	Payload []byte
	// Failure is "Unhandled" if the function failed; the payload then says how.
	Failure string
	// Tail is the end of the invocation's log.
	Tail []byte
	// Took is how long it took, without the start of a process.
	Took time.Duration
}

// Options configure a [Runner]. All but Finished and InitTimeout are required.
type Options struct {
	Region      string
	Environment map[string]string // of every process; a function's own variables replace them
	Now         func() time.Time
	// Credentials assumes the role of a function.
	Credentials func(Function) (Credentials, error)
	// Log keeps lines that a process wrote.
	Log func(fn Function, stream string, lines []logs.Line)
	// Drained is told that no process uses a folder any more that one did.
	Drained func()
	// Finished is told of every invocation that was run, also when its caller did
	// not wait. Nil tells nobody.
	Finished func(Function, Result)
	// InitTimeout is how long a program may take to ask for its first event.
	// Default: 10 s, see
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html.
	InitTimeout time.Duration
}

// Runner holds the processes. Close ends them.
type Runner struct {
	Options
	mu      sync.Mutex
	closed  bool
	pools   map[string]*pool // by revision
	retired map[*pool]bool   // those that are still busy
	gates   map[string]*gate // by name of the function
	stop    context.CancelFunc
	ended   sync.WaitGroup
}

// New returns a runner without processes.
func New(options Options) *Runner {
	options.InitTimeout = cmp.Or(options.InitTimeout, 10*time.Second)
	ctx, cancel := context.WithCancel(context.Background())
	r := &Runner{Options: options, pools: map[string]*pool{}, retired: map[*pool]bool{}, gates: map[string]*gate{}, stop: cancel}
	r.ended.Go(func() {
		ticks := time.NewTicker(time.Minute)
		defer ticks.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
				r.Sweep()
			}
		}
	})
	return r
}

// Resolve finds what is to be run. The revision tells one state of a function
// from another: processes are shared among invocations of the same. It is called
// with the runner locked, so that [Runner.Retire] misses none.
type Resolve func() (revision string, fn Function, err error)

// Invoke runs a function and waits for its answer. When ctx ends first, the
// invocation goes on without its caller, as it does on AWS.
func (r *Runner) Invoke(ctx context.Context, resolve Resolve, event Event) (Result, error) {
	_, fn, err := resolve()
	if err != nil {
		return Result{}, err
	}
	g, err := r.gate(fn.Name)
	if err != nil {
		return Result{}, err
	}
	if err := g.enter(ctx, fn.Reserved); err != nil {
		return Result{}, err
	}
	answer := make(chan answered, 1)
	go func() {
		p, i, got := r.invoke(resolve, event)
		if got.err == nil && r.Finished != nil {
			r.Finished(fn, got.result)
		}
		// Most programs ask for more at once. Then this one is free before its
		// caller hears of it.
		prompt := i == nil || i.settled(promptly)
		if !prompt {
			answer <- got
			if !i.settled(i.fn.Timeout) {
				i.end()
			}
		}
		r.release(p, i)
		g.leave()
		if prompt {
			answer <- got
		}
	}()
	select {
	case got := <-answer:
		return got.result, got.err
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

// answered is what the caller of an invocation gets.
type answered struct {
	result Result
	err    error
}

// invoke runs one event in a process, which the caller releases.
func (r *Runner) invoke(resolve Resolve, event Event) (*pool, *instance, answered) {
	p, fn, i, err := r.take(resolve)
	if err != nil {
		return nil, nil, answered{err: err}
	}
	if i == nil {
		if i, err = r.start(fn); err != nil {
			return p, nil, answered{err: err}
		}
		if !r.keepTrack(p, i) {
			i.end()
			return p, i, answered{err: errClosed}
		}
	}
	return p, i, answered{result: i.run(event)}
}

func (r *Runner) gate(name string) (*gate, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errClosed
	}
	g := r.gates[name]
	if g == nil {
		g = &gate{changed: make(chan struct{})}
		r.gates[name] = g
	}
	return g, nil
}

// Retire ends the processes of the states that are not live. Those that are
// busy finish first.
func (r *Runner) Retire(live map[string]bool) {
	r.mu.Lock()
	var idle []*instance
	for revision, p := range r.pools {
		if live[revision] {
			continue
		}
		idle = append(idle, p.retire()...)
		delete(r.pools, revision)
		if p.busy > 0 {
			r.retired[p] = true
		}
	}
	r.mu.Unlock()
	for _, i := range idle {
		i.end()
	}
}

// Folders returns the folders that processes use.
func (r *Runner) Folders() map[string]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	folders := map[string]bool{}
	for p := range r.every() {
		folders[p.folder] = true
	}
	return folders
}

// every visits the pools, retired ones too.
func (r *Runner) every() iter.Seq[*pool] {
	return func(yield func(*pool) bool) {
		for _, p := range r.pools {
			if !yield(p) {
				return
			}
		}
		for p := range r.retired {
			if !yield(p) {
				return
			}
		}
	}
}

// Sweep ends the processes that have been idle for long.
func (r *Runner) Sweep() {
	now := r.Now()
	r.mu.Lock()
	var old []*instance
	for _, p := range r.pools {
		old = append(old, p.sweep(now)...)
	}
	r.mu.Unlock()
	for _, i := range old {
		i.end()
	}
}

// Kill kills all processes in the middle of whatever they do, as when the hosts
// of all fail at once, and waits until they are dead. The invocations that they
// are in fail; the next ones get processes of their own. A process that is just
// being started, for an invocation that it was not given yet, is spared.
func (r *Runner) Kill() {
	r.mu.Lock()
	all := r.instances()
	r.mu.Unlock()
	for _, i := range all {
		i.kill()
	}
}

// Close ends all processes, and waits until they have.
func (r *Runner) Close() {
	r.stop()
	r.mu.Lock()
	r.closed = true
	all := r.instances()
	r.mu.Unlock()
	for _, i := range all {
		i.end()
	}
	r.ended.Wait()
}

// instances returns the processes, busy ones too.
func (r *Runner) instances() (all []*instance) {
	for p := range r.every() {
		for i := range p.all {
			all = append(all, i)
		}
	}
	return all
}
