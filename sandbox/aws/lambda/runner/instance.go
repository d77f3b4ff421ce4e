package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/entragate/entragate/sandbox/aws/logs"
)

// taskRoot is where a function's files are on AWS, and in its messages.
const taskRoot = "/var/task"

// instance is a process with its runtime API.
type instance struct {
	fn      Function
	process *process // nil when there is none, see unstartable
	server  *http.Server
	output  *output
	born    time.Time // by the sandbox's clock
	used    time.Time // by the sandbox's clock; the runner's lock guards it
	began   time.Time
	ran     bool // at least one invocation; they come one by one

	unstartable *failure
	work        chan *invocation
	asks        chan struct{} // gets one whenever the program asks for an event
	broken      chan []byte   // gets what the program says when it cannot start
	over        chan struct{} // closed when the instance is ended
	ending      sync.Once
	initTimeout time.Duration

	mu      sync.Mutex
	asked   bool        // for a first event
	current *invocation // that the program has and did not answer
}

// invocation is one event on its way through a process.
type invocation struct {
	event    Event
	deadline time.Time
	done     chan outcome // has room for one
}

// outcome is what the program or Lambda made of an invocation.
type outcome struct {
	payload []byte
	failed  bool     // the program reported an error
	failure *failure // Lambda did; the process is of no further use
}

// failure is an error of a function that Lambda itself reports.
type failure struct {
	kind, message string
	status        string // in the report
}

// payload is what the caller gets, see
// https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html.
func (f *failure) payload(requestID string) []byte {
	raw, err := json.Marshal(struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{f.kind, "RequestId: " + requestID + " Error: " + f.message})
	if err != nil {
		panic(err) // impossible: texts only
	}
	return raw
}

func invalidEntrypoint(message string) *failure {
	return &failure{kind: "Runtime.InvalidEntrypoint", message: message, status: "error"}
}

func timedOut(after time.Duration) *failure {
	return &failure{kind: "Sandbox.Timedout", message: fmt.Sprintf("Task timed out after %.2f seconds", after.Seconds()), status: "timeout"}
}

// architectures are the names that Lambda has for those of Go.
var architectures = map[string]string{"amd64": "x86_64", "arm64": "arm64"}

// start starts a process. That it cannot be is for its invocation to tell.
func (r *Runner) start(fn Function) (*instance, error) {
	credentials, err := r.Credentials(fn)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting function %s: %w", fn.Name, err)
	}
	stream := streamName(r.Now(), fn.Version)
	out, err := newOutput(r.Now, func(lines []logs.Line) { r.Log(fn, stream, lines) })
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting function %s: %w", fn.Name, err), listener.Close())
	}
	i := &instance{
		fn: fn, output: out, born: r.Now(), began: time.Now(), work: make(chan *invocation),
		asks: make(chan struct{}, 1), broken: make(chan []byte, 1), over: make(chan struct{}), initTimeout: r.InitTimeout,
	}
	i.server = &http.Server{Handler: i.api(), ReadHeaderTimeout: time.Minute}
	go func() { _ = i.server.Serve(listener) }() // until end closes it
	path, failed := bootstrap(fn)
	if failed == nil {
		command := exec.Command(path) //nolint:gosec // running it is the purpose
		command.Dir = fn.Folder
		command.Env = environment(r.Options, fn, credentials, listener.Addr().String(), stream)
		command.Stdout, command.Stderr = out.write, out.write
		if i.process, err = startProcess(command); err != nil {
			i.process, failed = nil, invalidEntrypoint("fork/exec "+taskRoot+"/bootstrap: "+reason(err))
		}
	}
	i.unstartable = failed
	return i, nil
}

// reason is an error without the paths of the host.
func reason(err error) string {
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		return cause.Err.Error()
	}
	return err.Error()
}

// bootstrap returns the program of a function, or why there is none that could
// run here. On AWS a program for another architecture fails with the first of
// the two sentences.
func bootstrap(fn Function) (string, *failure) {
	if host := architectures[runtime.GOARCH]; fn.Architecture != host {
		return "", invalidEntrypoint(fmt.Sprintf(
			"fork/exec %s/bootstrap: exec format error. The function is for %s and the host of the sandbox is %s", taskRoot, fn.Architecture, host))
	}
	path := filepath.Join(fn.Folder, "bootstrap")
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return "", invalidEntrypoint("Couldn't find valid bootstrap(s): [" + taskRoot + "/bootstrap /opt/bootstrap]")
	}
	return path, nil
}

// gone reports whether no further invocation can be run.
func (i *instance) gone() bool {
	if i.process == nil {
		return true
	}
	select {
	case <-i.process.exited:
		return true
	case <-i.over:
		return true
	default:
		return false
	}
}

// kill kills the process and waits until it has ended. Nobody else is told.
func (i *instance) kill() {
	if i.process != nil {
		i.process.kill()
		<-i.process.exited
	}
}

// end kills the process, and ends what served it.
func (i *instance) end() {
	i.ending.Do(func() { close(i.over) })
	i.kill()
	_ = i.server.Close() // closes its listener too
	i.output.close()
}

// run runs one invocation.
func (i *instance) run(event Event) Result {
	rep := report{fn: i.fn, requestID: event.RequestID, cold: !i.ran}
	var out *outcome
	i.output.begin()
	if rep.cold {
		i.ran = true
		rep.init, out = i.initialise()
	}
	i.output.queue(rep.start(i.output.now())...)
	began := time.Now()
	if out == nil {
		out = i.deliver(event, began)
		rep.took = time.Since(began)
	}
	rep.failure = out.failure
	result := Result{Payload: out.payload, Took: rep.took}
	if out.failed || out.failure != nil {
		result.Failure = "Unhandled"
	}
	if i.process != nil {
		rep.memory = peakMemory(i.process.command.Process.Pid)
	}
	i.output.drain()
	if out.failure != nil { // what the process does next is for nobody
		result.Payload = out.failure.payload(event.RequestID)
		i.end()
	}
	result.Tail = i.output.finish(rep.end(i.output.now())...)
	return result
}

// initialise waits until the program asks for its first event. It returns
// how long that took, and the outcome of the invocation if it failed. On AWS a
// program that takes too long is started once more (not so here).
func (i *instance) initialise() (time.Duration, *outcome) {
	if i.unstartable != nil {
		return 0, &outcome{failure: i.unstartable}
	}
	timer := time.NewTimer(i.initTimeout)
	defer timer.Stop()
	select {
	case <-i.asks:
		return time.Since(i.began), nil
	case said := <-i.broken:
		i.end()
		return time.Since(i.began), &outcome{payload: said, failed: true}
	case <-i.process.exited:
		select {
		case said := <-i.broken: // and then it ended, as it should
			i.end()
			return time.Since(i.began), &outcome{payload: said, failed: true}
		default:
			return time.Since(i.began), &outcome{failure: i.exit()}
		}
	case <-timer.C:
		return i.initTimeout, &outcome{failure: timedOut(i.initTimeout)}
	}
}

// deliver gives the program an event and waits for its answer.
func (i *instance) deliver(event Event, began time.Time) *outcome {
	inv := &invocation{event: event, deadline: began.Add(i.fn.Timeout), done: make(chan outcome, 1)}
	timer := time.NewTimer(i.fn.Timeout)
	defer timer.Stop()
	next := i.work
	for {
		select {
		case next <- inv:
			next = nil // it has it
		case out := <-inv.done:
			return &out
		case <-i.process.exited:
			select {
			case out := <-inv.done: // and then it ended
				return &out
			default:
				return &outcome{failure: i.exit()}
			}
		case <-timer.C:
			return &outcome{failure: timedOut(i.fn.Timeout)}
		}
	}
}

// settled waits until the program asks for the next event or has ended, and
// reports whether it did in time. Only then is it free: what a program does after
// its answer is part of the invocation
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
func (i *instance) settled(within time.Duration) bool {
	if i.gone() {
		return true
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-i.asks:
	case <-i.process.exited:
	case <-i.over:
	case <-timer.C:
		return false
	}
	return true
}

// exit is the failure of a process that ended by itself.
func (i *instance) exit() *failure {
	if i.process.err == nil {
		return &failure{kind: "Runtime.ExitError", message: "Runtime exited without providing a reason", status: "error"}
	}
	return &failure{kind: "Runtime.ExitError", message: "Runtime exited with error: " + i.process.err.Error(), status: "error"}
}
