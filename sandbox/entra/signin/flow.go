package signin

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

// flow is a person's way through the pages, for a browser (request) or for a
// device. Between two pages it waits under a one-time id that stands in the
// form, and only the browser that began it may go on with it.
type flow struct {
	at        realm
	appID     string
	scope     scopeRequest
	prompt    string
	loginHint string
	browser   string
	request   *authorizeRequest // nil for a device
	device    string            // a device code, or ""
	// tenant and userID are set once the person has said who they are.
	tenant *tenant
	userID string
}

func (f flow) delegation() delegation {
	d := delegation{tenant: f.tenant, appID: f.appID, userID: f.userID, scope: f.scope}
	if f.request != nil {
		d.nonce, d.platform, d.clientInfo = f.request.nonce, f.request.platform, f.request.clientInfo
	}
	return d
}

// silent tells that the person must not be asked anything.
func (f flow) silent() bool { return f.prompt == "none" }

// begin goes on at once for a person who is signed in, or asks who they are.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, f flow) {
	if f.prompt != "login" && f.prompt != "select_account" {
		if signedIn, ok := s.session(r, f); ok {
			s.advance(w, r, signedIn)
			return
		}
	}
	if f.silent() {
		s.refuseFlow(w, r, f, refuse(50058, "A silent sign-in request was sent but no user is signed in."))
		return
	}
	s.choosePage(w, f, "")
}

// session is the flow as the person who is signed in to this browser, unless
// the application hints at somebody else.
func (s *Server) session(r *http.Request, f flow) (flow, bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return f, false
	}
	known, ok := s.memory.sessions.get(cookie.Value, s.now())
	if !ok || f.at.tenant != nil && f.at.tenant.id != known.tenantID {
		return f, false
	}
	f.tenant, f.userID = s.tenantByID(known.tenantID), known.userID
	if f.loginHint == "" {
		return f, true
	}
	hinted := false
	f.tenant.dir.View(func(st *directory.State) {
		u := st.UserByName(f.loginHint)
		hinted = u != nil && u.ID == f.userID
	})
	return f, hinted
}

// login is the person's answer to who they are.
func (s *Server) login(w http.ResponseWriter, r *http.Request, _ realm) {
	f, ok := s.resume(w, r)
	if !ok {
		return
	}
	chosen := r.PostForm.Get("user")
	for i, t := range s.tenants {
		if f.at.tenant != nil && f.at.tenant.id != t.id {
			continue
		}
		t.dir.View(func(st *directory.State) {
			if st.Users[chosen] != nil {
				f.tenant, f.userID = &s.tenants[i], chosen
			}
		})
	}
	if f.tenant == nil {
		s.choosePage(w, f, refuse(50034, "The user account does not exist in this directory.").Error())
		return
	}
	now := s.now()
	id := secret()
	s.memory.sessions.put(id, session{f.tenant.id, f.userID}, now, now.Add(sessionLifetime))
	s.setCookie(w, sessionCookie, id)
	s.advance(w, r, f)
}

// shown are the refusals that only the person can do something about: Entra
// shows them and does not tell the application.
var shown = []int{50034, 50057, 50105, 700016, 7000112, 7000229}

// advance checks whether the person may sign in to the application and asks for
// the consent that is missing.
func (s *Server) advance(w http.ResponseWriter, r *http.Request, f flow) {
	var refusal *Error
	var lacking consent
	var ask page
	public := false
	elsewhere := s.registrationElsewhere(f.tenant.id, f.appID)
	f.tenant.dir.View(func(st *directory.State) {
		var may permit
		if may, refusal = permitted(st, f.delegation(), elsewhere); refusal != nil {
			return
		}
		lacking = may.consent
		public = may.client.app.IsFallbackPublicClient != nil && *may.client.app.IsFallbackPublicClient
		ask = page{
			App: may.client.app.DisplayName, User: may.user.UserPrincipalName,
			Tenant: st.Tenant.DisplayName, Permissions: lacking.missing,
		}
	})
	lacks := len(lacking.missing) > 0
	switch {
	case refusal != nil:
		s.refuseFlow(w, r, f, refusal)
	case lacks && f.silent():
		e := refuse(65001, "The user or administrator has not consented to use the application with ID '%s' named '%s'. Send an interactive authorization request for this user and resource.", f.appID, ask.App)
		e.OAuth = "consent_required"
		s.refuseFlow(w, r, f, e)
	case lacks && lacking.needsAdmin():
		ask.Title = "Need admin approval"
		ask.Problem = refuse(90094, "%s needs permission to access resources in your organization that only an admin can grant. Please ask an admin to grant permission to this app before you can use it.", ask.App).Error()
		s.consentPage(w, f, "admin", ask)
	case lacks || f.prompt == "consent":
		ask.Title = "Permissions requested"
		s.consentPage(w, f, "consent", ask)
	default:
		s.finish(w, r, f, public)
	}
}

// consentDecision is the person's answer to what an application asks for.
func (s *Server) consentDecision(w http.ResponseWriter, r *http.Request, _ realm) {
	f, ok := s.resume(w, r)
	if !ok {
		return
	}
	if f.tenant == nil || r.PostForm.Get("decision") != "accept" {
		e := refuse(65004, "User declined to consent to access the app.")
		e.Suberror = "cancel"
		s.refuseFlow(w, r, f, e)
		return
	}
	elsewhere := s.registrationElsewhere(f.tenant.id, f.appID)
	var refusal *Error
	err := f.tenant.dir.Update(func(st *directory.State) error {
		may, bad := permitted(st, f.delegation(), elsewhere)
		if bad == nil && may.consent.needsAdmin() {
			bad = refuse(90094, "The grant requires administrator permission.")
		}
		if bad != nil {
			refusal = bad
			return bad
		}
		grant(st, may.client.sp.ID, f.userID, may.consent.missing)
		return nil
	})
	switch {
	case refusal != nil:
		s.refuseFlow(w, r, f, refusal)
	case err != nil:
		http.Error(w, "recording consent: "+err.Error(), http.StatusInternalServerError)
	default:
		f.prompt = ""
		s.advance(w, r, f)
	}
}

// finish ends a flow: with a code for the application, or by letting the
// device have its tokens.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, f flow, public bool) {
	now := s.now()
	d := f.delegation()
	if f.request == nil {
		d.platform = platformWeb
		if public {
			d.platform = platformPublic
		}
		approved := s.memory.devices.change(f.device, func(v *device) {
			if v.state == devicePending && now.Before(v.expires) {
				v.state, v.approved = deviceApproved, d
			}
		})
		if !approved {
			s.refuseFlow(w, r, f, refuse(70019, "Verification code expired. Have the user retry the sign-in."))
			return
		}
		s.render(w, http.StatusOK, "done", page{Title: "You have signed in", Text: "You have signed in on your device. You may now close this window."})
		return
	}
	params := url.Values{"session_state": {uuid.NewString()}}
	raw := ""
	if f.request.code {
		raw = "1." + secret()
		s.memory.codes.put(raw, code{
			delegation: d, redirectURI: f.request.redirectURI, challenge: f.request.challenge,
			challengeMethod: f.request.challengeMethod, expires: now.Add(codeLifetime),
		}, now, now.Add(codeLifetime+remembrance))
		params.Set("code", raw)
	}
	if f.request.idToken {
		signed, err := s.frontChannelIDToken(d, raw)
		if err != nil {
			http.Error(w, "issuing token: "+err.Error(), http.StatusInternalServerError)
			return
		}
		params.Set("id_token", signed)
	}
	if f.request.clientInfo {
		params.Set("client_info", clientInfo(d))
	}
	s.sendBack(w, r, *f.request, params)
}

func (s *Server) frontChannelIDToken(d delegation, raw string) (string, error) {
	now, lifetime := s.now(), s.lifetime()
	elsewhere := s.registrationElsewhere(d.tenant.id, d.appID)
	var claims map[string]any
	var refusal *Error
	d.tenant.dir.View(func(st *directory.State) {
		var may permit
		if may, refusal = permitted(st, d, elsewhere); refusal == nil {
			u := *may.user
			claims = s.idToken(issuance{st, now, lifetime}, may.client, d, &u, raw)
		}
	})
	if refusal != nil {
		return "", refusal
	}
	return d.tenant.sign(claims)
}

// refuseFlow tells of a refusal: to the application where it has a redirect
// URI and may know, else to the person.
func (s *Server) refuseFlow(w http.ResponseWriter, r *http.Request, f flow, e *Error) {
	if f.device != "" && e.Code == 65004 {
		s.memory.devices.change(f.device, func(v *device) { v.state = deviceDeclined })
	}
	if f.request == nil || slices.Contains(shown, e.Code) && !f.silent() {
		s.errorPage(w, r, e)
		return
	}
	s.sendBack(w, r, *f.request, s.errorParams(r, e))
}

// wait keeps a flow until its form comes back, and returns the form's id.
func (s *Server) wait(f flow) string {
	now := s.now()
	id := secret()
	s.memory.flows.put(id, f, now, now.Add(flowLifetime))
	return id
}

// resume takes up the flow of a form, once, in the browser that began it. When
// it cannot, it has answered.
func (s *Server) resume(w http.ResponseWriter, r *http.Request) (flow, bool) {
	if err := r.ParseForm(); err != nil {
		s.errorPage(w, r, malformed("the form cannot be read"))
		return flow{}, false
	}
	id := r.PostForm.Get("request")
	f, ok := s.memory.flows.get(id, s.now())
	cookie, err := r.Cookie(browserCookie)
	if !ok || err != nil || subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(f.browser)) != 1 {
		s.errorPage(w, r, malformed("this page was used already, is too old or belongs to another browser. Start again from the application"))
		return flow{}, false
	}
	if f, ok = s.memory.flows.take(id, s.now()); !ok {
		s.errorPage(w, r, malformed("this page was used already"))
		return flow{}, false
	}
	return f, true
}

const (
	// browserCookie ties the forms of a flow to the browser that began it.
	browserCookie = "sandbox_browser"
	// sessionCookie is who is signed in.
	sessionCookie = "sandbox_session"
)

// browser returns the mark of this browser and sets it if it has none.
func (s *Server) browser(w http.ResponseWriter, r *http.Request) string {
	if cookie, err := r.Cookie(browserCookie); err == nil && len(cookie.Value) >= 43 {
		return cookie.Value
	}
	mark := secret()
	s.setCookie(w, browserCookie, mark)
	return mark
}

func (s *Server) setCookie(w http.ResponseWriter, name, value string) {
	c := &http.Cookie{ //nolint:gosec // G124: Secure wherever the sandbox is served over TLS
		Name: name, Value: value, Path: "/", HttpOnly: true,
		Secure: strings.HasPrefix(s.baseURL, "https://"), SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
