package cli

import (
	"os"
	"path/filepath"
	"strings"
)

// again is this program with the flags that say which stack, for lines to paste.
func (a *app) again() string {
	line := programName()
	if a.dir != "" {
		line += " --dir " + a.dir
	}
	if a.sandboxDir != "" {
		line += " --sandbox-dir " + a.sandboxDir
	}
	if a.stack != defaultStack {
		line += " --stack " + a.stack
	}
	return line
}

// programName is how this program is called from where the user is, for lines
// to paste.
func programName() string {
	program, err := os.Executable()
	if err != nil {
		return "entragate"
	}
	here, err := os.Getwd()
	if err != nil {
		return program
	}
	if relative, err := filepath.Rel(here, program); err == nil && !strings.HasPrefix(relative, "..") {
		return "./" + relative
	}
	return program
}
