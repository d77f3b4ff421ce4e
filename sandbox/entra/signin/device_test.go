package signin_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/entra/browser"
	"github.com/entragate/entragate/sandbox/entra/directory"
)

const deviceScope = "openid profile offline_access " + apiURI + "/Orders.Read"

func (w *world) device(v url.Values) reply {
	w.t.Helper()
	return w.do(http.MethodPost, "/"+contoso+"/oauth2/v2.0/devicecode", nil, v.Encode())
}

func (w *world) startDevice() (poll url.Values, userCode string) {
	w.t.Helper()
	started := w.device(form("client_id", nativeID, "scope", deviceScope))
	require.Equal(w.t, http.StatusOK, started.status, started.body)
	require.Equal(w.t, w.base+"/common/oauth2/deviceauth", started.text("verification_uri"))
	require.InDelta(w.t, 5, started.body["interval"], 0)
	require.InDelta(w.t, 900, started.body["expires_in"], 0)
	require.Contains(w.t, started.text("message"), started.text("user_code"))
	return form("grant_type", "urn:ietf:params:oauth:grant-type:device_code", "client_id", nativeID, "device_code", started.text("device_code")), started.text("user_code")
}

func (w *world) atDevice(person, userCode string) error {
	return browser.Device(w.t.Context(), w.server.Client(), w.base+"/common/oauth2/deviceauth", userCode, person)
}

func TestDeviceCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	poll, userCode := w.startDevice()
	requireRefused(t, refusal{70016, "authorization_pending", 400}, w.token(poll))
	requireRefused(t, refusal{70016, "slow_down", 400}, w.token(poll))
	w.clock.Advance(6 * time.Second)
	requireRefused(t, refusal{70016, "authorization_pending", 400}, w.token(poll))
	require.NoError(t, w.atDevice(alice, userCode))
	got := w.token(poll)
	claims := requireToken(t, got)
	require.Equal(t, "Orders.Read", claims["scp"])
	require.Equal(t, "0", claims["azpacr"])
	require.NotEmpty(t, got.body["id_token"])
	requireRefused(t, refusal{54005, "invalid_grant", 400}, w.token(poll))
	requireToken(t, w.token(form("grant_type", "refresh_token", "client_id", nativeID, "refresh_token", got.text("refresh_token"))))
	require.ErrorContains(t, w.atDevice(alice, userCode), "AADSTS70018", "a user code is for one use")
}

func TestDeviceCodeRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, test := range map[string]struct {
		form url.Values
		want refusal
	}{
		"no client":        {form("scope", deviceScope), refusal{900144, "invalid_request", 400}},
		"no scope":         {form("client_id", nativeID), refusal{900144, "invalid_request", 400}},
		"unknown client":   {form("client_id", contoso, "scope", deviceScope), refusal{700016, "unauthorized_client", 400}},
		"malformed scope":  {form("client_id", nativeID, "scope", "api://x"), refusal{70011, "invalid_scope", 400}},
		"several resource": {form("client_id", nativeID, "scope", deviceScope+" User.Read"), refusal{70011, "invalid_scope", 400}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireRefused(t, test.want, w.device(test.form))
		})
	}
	poll, _ := w.startDevice()
	requireRefused(t, refusal{900144, "invalid_request", 400}, w.token(with(poll, "device_code", "")))
	requireRefused(t, refusal{70018, "bad_verification_code", 400}, w.token(with(poll, "device_code", "x")))
	requireRefused(t, refusal{7000218, "invalid_client", 401}, w.token(with(poll, "client_id", webID)))
	requireRefused(t, refusal{70018, "bad_verification_code", 400}, w.token(with(poll, "client_id", webID, "client_secret", w.secrets[webID])))
	requireRefused(t, refusal{700025, "invalid_client", 401}, w.token(with(poll, "client_secret", "x")))
	requireRefused(t, refusal{9002326, "invalid_request", 400}, w.token(poll, "Origin", "http://localhost"))
	require.ErrorContains(t, w.atDevice(alice, "WRONGCODE"), "AADSTS70018")
	require.ErrorContains(t, w.atDevice(alice, ""), "Enter code")
}

func TestDeviceCodeExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	poll, userCode := w.startDevice()
	w.clock.Advance(16 * time.Minute)
	requireRefused(t, refusal{70019, "expired_token", 400}, w.token(poll))
	require.ErrorContains(t, w.atDevice(alice, userCode), "AADSTS70018")
}

func TestDeviceDeclined(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.change(func(st *directory.State) { delete(st.Grants, "grant-"+nativeID+"-"+directory.GraphAppID) })
	poll, userCode := w.startDevice()
	c := w.newBrowser()
	_, page := w.post(c, "/common/oauth2/deviceauth", form("otc", userCode))
	require.Contains(t, page, "Orders Native")
	_, page = w.post(c, "/common/login", form("request", requestOf(t, page), "user", w.userID(alice)))
	require.Contains(t, page, "Permissions requested")
	_, page = w.post(c, "/common/consent", form("request", requestOf(t, page), "decision", "cancel"))
	require.Contains(t, page, "AADSTS65004")
	requireRefused(t, refusal{65004, "authorization_declined", 400}, w.token(poll))
}

func TestDeviceUserWithoutConsentOrAssignment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.principal(nativeID, func(p *directory.ServicePrincipal) { p.AppRoleAssignmentRequired = true })
	poll, userCode := w.startDevice()
	require.ErrorContains(t, w.atDevice(alice, userCode), "AADSTS50105")
	requireRefused(t, refusal{70016, "authorization_pending", 400}, w.token(poll))
}
