// Package sandboxtest serves sandboxes for tests.
package sandboxtest

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox"
)

// Serve serves a sandbox until the test and all below it have ended, and returns
// its settings and what is in its environment file.
func Serve(t *testing.T) (sandbox.Settings, map[string]string) {
	t.Helper()
	dir := t.TempDir()
	s, err := sandbox.Open(sandbox.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-served)
	})
	env, err := sandbox.ReadEnvironment(dir)
	require.NoError(t, err)
	return s.Settings, env
}
