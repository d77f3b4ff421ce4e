package background_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/cmd/entragate/internal/background"
	"github.com/entragate/entragate/sandbox"
)

func TestASandboxRunsWhileItAnswersForItsDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, ok, err := background.Running(t.Context(), dir)
	require.NoError(t, err)
	require.False(t, ok, "there never was one")
	stopped, err := background.Stop(t.Context(), dir)
	require.NoError(t, err)
	require.False(t, stopped)

	s, err := sandbox.Open(sandbox.Options{Dir: dir, Build: "this"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	health, ok, err := background.Running(t.Context(), dir)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, sandbox.Health{Dir: dir, PID: os.Getpid(), Build: "this"}, health)

	cancel()
	require.NoError(t, <-done)
	_, ok, err = background.Running(t.Context(), dir)
	require.NoError(t, err)
	require.False(t, ok, "it has ended")
}

func TestAProgramThatTookThePortIsNotTheSandbox(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{"another sandbox": `{"dir":"/elsewhere","pid":1}`, "something else": "<html>"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
			t.Cleanup(stranger.Close)
			dir := t.TempDir()
			address := strings.TrimPrefix(stranger.URL, "http://")
			require.NoError(t, os.WriteFile(dir+"/sandbox.json", []byte(`{"awsAddr":"`+address+`"}`), 0o600))
			_, ok, err := background.Running(t.Context(), dir)
			require.NoError(t, err)
			require.False(t, ok)
			stopped, err := background.Stop(t.Context(), dir)
			require.NoError(t, err)
			require.False(t, stopped, "nobody else is ended")
		})
	}
}

func TestBrokenSettingsAreAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/sandbox.json", []byte("{"), 0o600))
	_, _, err := background.Running(t.Context(), dir)
	require.ErrorContains(t, err, "sandbox.json")
}
