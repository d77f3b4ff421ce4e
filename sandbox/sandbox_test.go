package sandbox_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/internal/filelock"
	"github.com/entragate/entragate/sandbox"
)

// serve opens a sandbox and serves it until the returned function is called.
func serve(t *testing.T, o sandbox.Options) (s *sandbox.Sandbox, stop func()) {
	t.Helper()
	s, err := sandbox.Open(o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			require.NoError(t, <-done)
		}
	}
	t.Cleanup(stop)
	return s, stop
}

func environment(t *testing.T, dir string) map[string]string {
	t.Helper()
	env, err := sandbox.ReadEnvironment(dir)
	require.NoError(t, err)
	return env
}

// signIn asks for a token by client credentials and returns the status.
func signIn(t *testing.T, dir, id, secret string) int {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: trusting(t, dir)}}
	env := environment(t, dir)
	res, err := client.PostForm(env["ENTRA_AUTHORITY"]+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret},
		"scope": {"https://graph.microsoft.com/.default"},
	})
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode
}

func TestASecondProcessIsKeptAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, stop := serve(t, sandbox.Options{Dir: dir})
	_, err := sandbox.Open(sandbox.Options{Dir: dir})
	require.ErrorIs(t, err, filelock.ErrHeld)

	stop()
	s, err := sandbox.Open(sandbox.Options{Dir: dir})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "twice does no harm")
}

func TestARestartKeepsAddressesTenantsAndTheDeployer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, stop := serve(t, sandbox.Options{Dir: dir})
	settings, env := first.Settings, environment(t, dir)
	require.NotEqual(t, settings.TenantID, settings.OtherTenantID)
	stop()

	second, _ := serve(t, sandbox.Options{Dir: dir})
	require.Equal(t, settings, second.Settings)
	require.Equal(t, env, environment(t, dir))
	require.Equal(t, http.StatusOK, signIn(t, dir, env["ARM_CLIENT_ID"], env["ARM_CLIENT_SECRET"]))
	require.Equal(t, http.StatusUnauthorized, signIn(t, dir, env["ARM_CLIENT_ID"], env["ARM_CLIENT_SECRET"]+"x"))
}

func TestALostEnvironmentFileGetsTheDeployerANewSecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, stop := serve(t, sandbox.Options{Dir: dir})
	lost := environment(t, dir)
	stop()
	require.NoError(t, os.Remove(sandbox.EnvironmentFile(dir)))

	serve(t, sandbox.Options{Dir: dir})
	env := environment(t, dir)
	require.Equal(t, lost["ARM_CLIENT_ID"], env["ARM_CLIENT_ID"])
	require.NotEqual(t, lost["ARM_CLIENT_SECRET"], env["ARM_CLIENT_SECRET"])
	require.Equal(t, http.StatusOK, signIn(t, dir, env["ARM_CLIENT_ID"], env["ARM_CLIENT_SECRET"]))
	require.Equal(t, http.StatusUnauthorized, signIn(t, dir, env["ARM_CLIENT_ID"], lost["ARM_CLIENT_SECRET"]))
}

func TestOnlyTheOwnerCanReadWhatIsKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "sandbox")
	_, stop := serve(t, sandbox.Options{Dir: dir})
	env := environment(t, dir)
	stop()
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, "%s is %v", path, info.Mode())
		if d.IsDir() || path == sandbox.EnvironmentFile(dir) {
			return nil
		}
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NotContains(t, string(content), env["ARM_CLIENT_SECRET"], "%s holds the deployer's secret", path)
		return nil
	}))
}

func TestEveryListenerTellsWhomItServes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := serve(t, sandbox.Options{Dir: dir, Build: "b1"})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: trusting(t, dir)}}
	edge := "https://localhost" + s.EdgeAddr[strings.LastIndex(s.EdgeAddr, ":"):]
	for _, base := range []string{s.EntraURL(), s.AWSURL(), edge} {
		res, err := client.Get(base + sandbox.HealthPath)
		require.NoError(t, err)
		var health sandbox.Health
		require.NoError(t, json.NewDecoder(res.Body).Decode(&health))
		require.NoError(t, res.Body.Close())
		require.Equal(t, sandbox.Health{Dir: dir, PID: os.Getpid(), Build: "b1"}, health)
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { taken.Close() })
	used := t.TempDir()
	s, err := sandbox.Open(sandbox.Options{Dir: used})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	moved, err := net.Listen("tcp", s.AWSAddr)
	require.NoError(t, err)
	t.Cleanup(func() { moved.Close() })

	for name, tc := range map[string]struct {
		options sandbox.Options
		want    string
	}{
		"a port that is taken":          {sandbox.Options{EntraAddr: taken.Addr().String()}, "listening for entra"},
		"a remembered port that is":     {sandbox.Options{Dir: used}, "end the program that took it"},
		"an address of the network":     {sandbox.Options{EdgeAddr: "0.0.0.0:0"}, "want a loopback address"},
		"no address":                    {sandbox.Options{AWSAddr: "nowhere"}, "listening for aws"},
		"an account of too few digits":  {sandbox.Options{Account: "1234"}, `account: got "1234"`},
		"a region that is none":         {sandbox.Options{Region: "europe"}, `region: got "europe"`},
		"another region than before":    {sandbox.Options{Dir: used, Region: "us-east-1"}, `got region "us-east-1", but it was made for "eu-west-1"`},
		"another account than before":   {sandbox.Options{Dir: used, Account: "000000000000"}, `got account "000000000000"`},
		"a directory that cannot exist": {sandbox.Options{Dir: "/dev/null/sandbox"}, "opening the sandbox"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.options.Dir == "" {
				tc.options.Dir = t.TempDir()
			}
			_, err := sandbox.Open(tc.options)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestARefusedFirstStartCanBeMadeAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := sandbox.Open(sandbox.Options{Dir: dir, Region: "europe"})
	require.ErrorContains(t, err, `region: got "europe"`)
	s, err := sandbox.Open(sandbox.Options{Dir: dir, Region: "eu-central-1"})
	require.NoError(t, err)
	require.Equal(t, "eu-central-1", s.Region)
	require.NoError(t, s.Close())
}

func TestADirectoryWithBrokenSettingsIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "sandbox.json"), []byte("{"), 0o600))
	_, err := sandbox.Open(sandbox.Options{Dir: dir})
	require.ErrorContains(t, err, "sandbox.json")
}

func TestAnEnvironmentFileThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := sandbox.ReadEnvironment(dir)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, os.WriteFile(sandbox.EnvironmentFile(dir), []byte("A=1\nexport\n"), 0o600))
	_, err = sandbox.ReadEnvironment(dir)
	require.ErrorContains(t, err, "want NAME=value")
}

func TestCertificatesAreMadeAnewBeforeTheyExpire(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Now()
	open := func() (authority, server string) {
		s, err := sandbox.Open(sandbox.Options{Dir: dir, Now: func() time.Time { return now }})
		require.NoError(t, err)
		require.NoError(t, s.Close())
		a, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
		require.NoError(t, err)
		b, err := os.ReadFile(filepath.Join(dir, "server.pem"))
		require.NoError(t, err)
		return string(a), string(b)
	}
	authority, server := open()
	again, same := open()
	require.Equal(t, authority, again)
	require.Equal(t, server, same)

	now = now.Add(380 * 24 * time.Hour)
	again, renewed := open()
	require.Equal(t, authority, again, "what clients trust stays")
	require.NotEqual(t, server, renewed)

	now = now.Add(10 * 365 * 24 * time.Hour)
	again, _ = open()
	require.NotEqual(t, authority, again)
}
