//go:build !unix

package filelock

import (
	"errors"
	"os"
)

// lock fails: what needs it (the local clouds) runs on Linux only.
func lock(*os.File) error { return errors.ErrUnsupported }

func unlock(*os.File) error { return errors.ErrUnsupported }
