package signin

import (
	"crypto/rand"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/entragate/entragate/sandbox/entra/token"
)

// deviceState is how far the person at a device has come.
type deviceState int

const (
	devicePending deviceState = iota
	deviceApproved
	deviceDeclined
	deviceRedeemed
)

// device is a device code.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
type device struct {
	state    deviceState
	appID    string
	at       realm
	scope    scopeRequest
	userCode string
	expires  time.Time
	polled   time.Time
	// approved is what the person let the client do.
	approved delegation
}

// deviceCode starts a device's sign-in.
func (s *Server) deviceCode(w http.ResponseWriter, r *http.Request, at realm) {
	if !s.readTokenRequest(w, r) {
		return
	}
	appID, scope := r.PostForm.Get("client_id"), r.PostForm.Get("scope")
	switch {
	case appID == "":
		s.writeError(w, r, missing("client_id"))
		return
	case strings.TrimSpace(scope) == "":
		s.writeError(w, r, missing("scope"))
		return
	}
	q, refusal := parseScope(scope, 70011)
	if refusal == nil {
		_, refusal = s.registration(at, appID)
	}
	if refusal != nil {
		s.writeError(w, r, refusal)
		return
	}
	now := s.now()
	d := device{appID: appID, at: at, scope: q, userCode: userCode(), expires: now.Add(deviceLifetime)}
	raw := secret()
	s.memory.devices.put(raw, d, now, d.expires.Add(remembrance))
	s.memory.userCodes.put(d.userCode, raw, now, d.expires)
	page := s.baseURL + "/common/oauth2/deviceauth"
	writeJSON(w, http.StatusOK, map[string]any{
		"user_code": d.userCode, "device_code": raw, "verification_uri": page,
		"expires_in": int64(deviceLifetime / time.Second), "interval": int64(s.deviceInterval / time.Second),
		"message": "To sign in, use a web browser to open the page " + page + " and enter the code " + d.userCode + " to authenticate.",
	})
}

// userCodeAlphabet has no vowels and no look-alikes.
const userCodeAlphabet = "BCDFGHJKLMNPQRSTVWXZ23456789"

// userCode is nine characters that a person types.
func userCode() string {
	b := make([]byte, 9)
	for i := range b {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(userCodeAlphabet))))
		if err != nil { // never: see crypto/rand
			return ""
		}
		b[i] = userCodeAlphabet[n.Int64()]
	}
	return string(b)
}

func (s *Server) redeemDeviceCode(_ http.ResponseWriter, r *http.Request, at realm, p presented) (tokenResponse, *Error, error) {
	raw := r.PostForm.Get("device_code")
	if raw == "" {
		raw = r.PostForm.Get("code") // the name in v1, which MSAL still sends beside the other
	}
	if raw == "" {
		return tokenResponse{}, missing("device_code"), nil
	}
	app, refusal := s.registration(at, p.appID)
	if refusal != nil {
		return tokenResponse{}, refusal, nil
	}
	// The flow has no redirect URI to tell the client's type by, so the
	// registration must allow public client flows.
	// https://learn.microsoft.com/graph/api/resources/application (isFallbackPublicClient)
	public := app.IsFallbackPublicClient != nil && *app.IsFallbackPublicClient
	switch {
	case r.Header.Get("Origin") != "":
		return tokenResponse{}, crossOrigin(r), nil
	case public && p.any():
		return tokenResponse{}, publicWithCredential(), nil
	case !public && !p.any():
		return tokenResponse{}, credentialWanted(), nil
	}
	d, refusal := s.pollDevice(raw, p.appID)
	if refusal != nil {
		return tokenResponse{}, refusal, nil
	}
	if at.tenant != nil && at.tenant.id != d.approved.tenant.id {
		return tokenResponse{}, refuse(70000, "The provided value for the 'device_code' parameter is not valid."), nil
	}
	auth := token.PublicClient
	if !public {
		if auth, refusal = s.authenticate(r.Context(), at, d.approved.tenant, p, s.endpoint(r)); refusal != nil {
			return tokenResponse{}, refusal, nil
		}
	}
	first := false
	s.memory.devices.change(raw, func(d *device) { first, d.state = d.state == deviceApproved, deviceRedeemed })
	if !first {
		return tokenResponse{}, redeemedAlready(), nil
	}
	granted := d.approved
	granted.auth, granted.clientInfo = auth, wantsClientInfo(r)
	return s.delegatedWithRefresh(granted, s.now())
}

// pollDevice is one look at a device code; it is refused until the person has
// signed in. Who looks too often is told to slow down, RFC 8628 section 3.5.
func (s *Server) pollDevice(raw, appID string) (device, *Error) {
	now := s.now()
	known, ok := s.memory.devices.get(raw, now)
	if !ok || !sameApp(known.appID, appID) {
		return device{}, refuse(70018, "Invalid verification code due to User typing in wrong user code for device code flow. Authorization isn't approved.")
	}
	var before device
	s.memory.devices.change(raw, func(d *device) { before, d.polled = *d, now })
	switch {
	case before.state == deviceDeclined:
		e := refuse(65004, "User declined to consent to access the app.")
		e.OAuth = "authorization_declined"
		return device{}, e
	case before.state == deviceRedeemed:
		return device{}, redeemedAlready()
	case now.After(before.expires):
		return device{}, refuse(70019, "Verification code expired. Have the user retry the sign-in.")
	case before.state == deviceApproved:
		return before, nil
	case !before.polled.IsZero() && now.Sub(before.polled) < s.deviceInterval:
		e := refuse(70016, "OAuth 2.0 device flow error. Authorization is pending. Poll no more often than every %d seconds.", int64(s.deviceInterval/time.Second))
		e.OAuth = "slow_down"
		return device{}, e
	default:
		return device{}, refuse(70016, "OAuth 2.0 device flow error. Authorization is pending. Continue polling.")
	}
}

// devicePage is where a person types the code of a device.
func (s *Server) devicePage(w http.ResponseWriter, r *http.Request, at realm) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		s.render(w, http.StatusOK, "device", page{Title: "Enter code", Action: "/" + at.name + "/oauth2/deviceauth"})
		return
	case http.MethodPost:
	default:
		s.writeError(w, r, wrongMethod("GET, POST", r.Method))
		return
	}
	now := s.now()
	typed := strings.ToUpper(strings.TrimSpace(r.PostFormValue("otc")))
	raw, known := s.memory.userCodes.get(typed, now)
	d, ok := s.memory.devices.get(raw, now)
	if !known || !ok || d.state != devicePending || now.After(d.expires) {
		s.render(w, http.StatusBadRequest, "device", page{
			Title: "Enter code", Action: "/" + at.name + "/oauth2/deviceauth",
			Problem: refuse(70018, "That code is not right, or it has expired or been used. Check the code and try again.").Error(),
		})
		return
	}
	s.begin(w, r, flow{at: d.at, appID: d.appID, scope: d.scope, device: raw, prompt: "select_account", browser: s.browser(w, r)})
}
