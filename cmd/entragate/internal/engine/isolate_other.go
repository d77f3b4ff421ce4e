//go:build !linux

package engine

import (
	"os"
	"os/exec"
)

func isolate(*exec.Cmd) {}

func interrupt(p *os.Process) error { return p.Signal(os.Interrupt) }
