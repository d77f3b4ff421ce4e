//go:build !linux

package runs

import (
	"context"
	"errors"
	"time"
)

// The local clouds run on Linux only, so nothing is ever left running here.

func interrupt(context.Context, string, int, time.Duration) error { return errors.ErrUnsupported }

func killAll(context.Context, string) error { return errors.ErrUnsupported }
