package engine

import (
	"os"
	"os/exec"
	"syscall"
)

// isolate gives the command a process group of its own, and has it interrupted
// when this process is killed: it then finishes what is under way, writes its
// state and gives its lock up.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
}

func interrupt(p *os.Process) error { return p.Signal(syscall.SIGINT) }
