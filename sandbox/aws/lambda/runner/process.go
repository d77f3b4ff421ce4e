package runner

import (
	"os/exec"
	"runtime"
)

// process is a started command.
type process struct {
	command *exec.Cmd
	exited  chan struct{} // closed when it has ended
	err     error         // why it ended; to read once exited
}

// startProcess starts a command in a process group of its own, which ends with
// the sandbox, however that ends.
func startProcess(command *exec.Cmd) (*process, error) {
	isolate(command)
	p := &process{command: command, exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel ends the process with the thread that started it, so that
		// thread must not end before.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = command.Wait()
		killGroup(command.Process.Pid) // what it left behind
		close(p.exited)
	}()
	return p, <-started
}

// kill ends the process and those that it started.
func (p *process) kill() {
	select {
	case <-p.exited:
		return
	default:
	}
	killGroup(p.command.Process.Pid)
	_ = p.command.Process.Kill() // it may have ended by itself
}
