package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// again is this program with the flags that say which stack, for lines to paste.
func (a *app) again() string {
	line := quoted(programName())
	if a.dir != "" {
		line += " --dir " + quoted(a.dir)
	}
	if a.sandboxDir != "" {
		line += " --sandbox-dir " + quoted(a.sandboxDir)
	}
	if a.stack != defaultStack {
		line += " --stack " + a.stack
	}
	return line
}

// plainWord is what a shell takes for one word as it is.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,=-]+$`)

// quoted is a word for a shell.
func quoted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
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
