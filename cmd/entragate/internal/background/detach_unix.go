//go:build unix

package background

import (
	"os"
	"os/exec"
	"syscall"
)

// detach gives the process a session of its own, which no terminal ends.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
