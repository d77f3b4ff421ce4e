package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox"
	"github.com/entragate/entragate/sandbox/entra"
)

// control asks the control surface; the answer is decoded into out.
func control(t *testing.T, s *sandbox.Sandbox, dir, method, path, body string, out any) int {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: trusting(t, dir)}}
	req, err := http.NewRequestWithContext(t.Context(), method, s.EntraURL()+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+s.ControlKey)
	res, err := client.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, json.NewDecoder(bytes.NewReader(raw)).Decode(out), "%s", raw)
	return res.StatusCode
}

// move moves the clock.
func move(t *testing.T, s *sandbox.Sandbox, dir, by string) entra.ClockStatus {
	t.Helper()
	var moved entra.ClockStatus
	status := control(t, s, dir, http.MethodPost, "/_sandbox/clock", `{"advance":"`+by+`"}`, &moved)
	require.Equal(t, http.StatusOK, status)
	return moved
}

func TestTheClockIsThatOfTheWholeSandbox(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, stop := serve(t, sandbox.Options{Dir: dir})
	const years = 2 * 365 * 24 * time.Hour
	moved := move(t, s, dir, years.String())
	require.Equal(t, years.String(), moved.Offset)
	require.Equal(t, 730, moved.Steps, "a day at a time when nothing is due")
	require.WithinDuration(t, time.Now().Add(years), moved.Now, time.Minute)

	check := func(s *sandbox.Sandbox) {
		t.Helper()
		var status entra.ClockStatus
		require.Equal(t, http.StatusOK, control(t, s, dir, http.MethodGet, "/_sandbox/clock", "", &status))
		require.Equal(t, years.String(), status.Offset)
		require.WithinDuration(t, time.Now().Add(years), status.Now, time.Minute)
		var state entra.Status
		require.Equal(t, http.StatusOK, control(t, s, dir, http.MethodGet, "/_sandbox/state", "", &state))
		require.Equal(t, years.String(), state.Clock.Offset)

		client := &http.Client{Transport: &http.Transport{TLSClientConfig: trusting(t, dir)}}
		edge := "https://localhost" + s.EdgeAddr[strings.LastIndex(s.EdgeAddr, ":"):]
		for _, address := range []string{
			s.EntraURL() + "/v1.0/applications", s.EntraURL() + "/" + s.TenantID + "/v2.0/.well-known/openid-configuration",
			s.AWSURL() + "/v2/apis", s.AWSURL() + sandbox.HealthPath, edge + "/orders",
		} {
			res, err := client.Get(address)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			date, err := http.ParseTime(res.Header.Get("Date"))
			require.NoError(t, err, address)
			require.WithinDuration(t, time.Now().Add(years), date, time.Minute, address)
		}
	}
	check(s)
	stop()
	s, _ = serve(t, sandbox.Options{Dir: dir})
	check(s)
}

func TestMovesOfTheClockThatAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := serve(t, sandbox.Options{Dir: dir})
	for name, test := range map[string]struct{ body, want string }{
		"back":              {`{"advance":"-1h"}`, "the clock never goes back"},
		"nowhere":           {`{}`, `advance: got "", want a duration such as "2160h"`},
		"in days":           {`{"advance":"90d"}`, `advance: got "90d"`},
		"too far":           {`{"advance":"1000000h"}`, "want at most 438000h0m0s"},
		"no step":           {`{"advance":"1h","step":"0s"}`, `step: got "0s", want more than 0s`},
		"a step back":       {`{"advance":"1h","step":"-1h"}`, `step: got "-1h", want more than 0s`},
		"a step in days":    {`{"advance":"1h","step":"1d"}`, `step: got "1d"`},
		"too small steps":   {`{"advance":"1h","step":"1ms"}`, "want at least 1s"},
		"too many steps":    {`{"advance":"8760h","step":"1m"}`, "at most 20000 steps"},
		"an unknown member": {`{"advance":"1h","offset":"1h"}`, `unknown field "offset"`},
	} {
		t.Run(name, func(t *testing.T) {
			var refused struct{ Error string }
			require.Equal(t, http.StatusBadRequest, control(t, s, dir, http.MethodPost, "/_sandbox/clock", test.body, &refused))
			require.Contains(t, refused.Error, test.want)
		})
	}
	var status entra.ClockStatus
	control(t, s, dir, http.MethodGet, "/_sandbox/clock", "", &status)
	require.Equal(t, "0s", status.Offset)
	require.Equal(t, 36, moveBy(t, s, dir, "36h", "1h").Steps)
	require.Zero(t, move(t, s, dir, "0s").Steps)
	var refused struct{ Error string }
	control(t, s, dir, http.MethodPost, "/_sandbox/clock", `{"advance":"438000h"}`, &refused)
	require.Contains(t, refused.Error, "want at most 437964h0m0s", "36 hours are spent")
}

func moveBy(t *testing.T, s *sandbox.Sandbox, dir, by, step string) (moved entra.ClockStatus) {
	t.Helper()
	status := control(t, s, dir, http.MethodPost, "/_sandbox/clock", `{"advance":"`+by+`","step":"`+step+`"}`, &moved)
	require.Equal(t, http.StatusOK, status)
	return moved
}

func TestASandboxWhoseClockWasTamperedWithIsRefused(t *testing.T) {
	t.Parallel()
	for name, offset := range map[string]string{"back": "-1h", "no duration": "soon", "too far": "1000000h"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s, err := sandbox.Open(sandbox.Options{Dir: dir})
			require.NoError(t, err)
			require.NoError(t, s.Close())
			path := filepath.Join(dir, "sandbox.json")
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			raw = bytes.Replace(raw, []byte(`{`), []byte(`{"clockOffset":"`+offset+`",`), 1)
			require.NoError(t, os.WriteFile(path, raw, 0o600))
			_, err = sandbox.Open(sandbox.Options{Dir: dir})
			require.ErrorContains(t, err, `clockOffset: got "`+offset+`"`)
		})
	}
}

func TestUnmodifiedClientsWorkWhenTheClockIsYearsAhead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := serve(t, sandbox.Options{Dir: dir})
	move(t, s, dir, "17520h")
	runClients(t, dir)
}
