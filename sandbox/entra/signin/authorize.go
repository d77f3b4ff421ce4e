package signin

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

// authorizeRequest is what an application asks of the authorize endpoint.
type authorizeRequest struct {
	redirectURI string
	platform    platform
	// code and idToken are what response_type asks for.
	code, idToken   bool
	mode            string // query, fragment or form_post
	state, nonce    string
	challenge       string
	challengeMethod string
	clientInfo      bool
}

// authorize starts a sign-in in a browser. Until the redirect URI is known to
// be the application's, problems are shown to the person; then they are sent
// back to the application.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#request-an-authorization-code
func (s *Server) authorize(w http.ResponseWriter, r *http.Request, at realm) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		s.writeError(w, r, wrongMethod("GET, POST", r.Method))
		return
	}
	if err := r.ParseForm(); err != nil {
		s.errorPage(w, r, malformed("the parameters are not form-encoded"))
		return
	}
	for name, values := range r.Form {
		if len(values) > 1 {
			s.errorPage(w, r, malformed("parameter '"+name+"' is there more than once"))
			return
		}
	}
	appID := r.Form.Get("client_id")
	if appID == "" {
		s.errorPage(w, r, missing("client_id"))
		return
	}
	app, refusal := s.registration(at, appID)
	if refusal != nil {
		s.errorPage(w, r, refusal)
		return
	}
	req, refusal := redirectOf(app, r.Form)
	if refusal != nil {
		s.errorPage(w, r, refusal)
		return
	}
	f := flow{at: at, appID: app.AppID, request: &req, prompt: r.Form.Get("prompt"), loginHint: r.Form.Get("login_hint")}
	if refusal = req.read(app, r.Form); refusal == nil {
		f.scope, refusal = req.scope(r.Form.Get("scope"))
	}
	if refusal == nil && !slices.Contains([]string{"", "login", "none", "consent", "select_account"}, f.prompt) {
		refusal = refuse(90023, "Unsupported 'prompt' value '%s'.", f.prompt)
	}
	if refusal != nil {
		s.sendBack(w, r, req, s.errorParams(r, refusal))
		return
	}
	f.browser = s.browser(w, r)
	s.begin(w, r, f)
}

// redirectOf reads where the answer goes and in which form, so that also
// refusals can be sent there.
func redirectOf(app *directory.Application, form url.Values) (authorizeRequest, *Error) {
	req := authorizeRequest{redirectURI: form.Get("redirect_uri"), state: form.Get("state"), mode: form.Get("response_mode")}
	if req.redirectURI == "" {
		return req, refuse(900971, "No reply address provided.")
	}
	kind, ok := redirectPlatform(app, req.redirectURI)
	if !ok {
		return req, refuse(50011, "The redirect URI '%s' specified in the request does not match the redirect URIs configured for the application '%s'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal. Navigate to https://aka.ms/redirectUriMismatchError to learn more about how to troubleshoot this error.", req.redirectURI, app.AppID)
	}
	req.platform = kind
	types := strings.Fields(form.Get("response_type"))
	frontChannel := slices.ContainsFunc(types, func(t string) bool { return t != "code" })
	switch {
	case req.mode == "form_post", req.mode == "fragment", req.mode == "query":
	case frontChannel:
		req.mode = "fragment"
	default:
		req.mode = "query"
	}
	return req, nil
}

// read reads the rest of the request.
func (req *authorizeRequest) read(app *directory.Application, form url.Values) *Error {
	types := strings.Fields(form.Get("response_type"))
	if len(types) == 0 {
		return missing("response_type")
	}
	for _, t := range types {
		switch t {
		case "code":
			req.code = true
		case "id_token":
			req.idToken = true
		case "token":
			if !app.Web.ImplicitGrantSettings.EnableAccessTokenIssuance {
				return refuse(700051, "response_type 'token' is not enabled for the application.")
			}
			return &Error{OAuth: "unsupported_response_type", Message: "response_type 'token' is not implemented by this sandbox"}
		default:
			return refuse(70005, "The app requested an unsupported response type '%s'.", form.Get("response_type"))
		}
	}
	posts := strings.HasPrefix(req.redirectURI, "https://") || strings.HasPrefix(req.redirectURI, "http://")
	if mode := form.Get("response_mode"); mode != "" && mode != req.mode || req.idToken && mode == "query" || mode == "form_post" && !posts {
		req.mode = "fragment"
		return refuse(70007, "'%s' is not a supported value of 'response_mode' when requesting a token.", mode)
	}
	req.nonce = form.Get("nonce")
	switch {
	case req.idToken && !app.Web.ImplicitGrantSettings.EnableIDTokenIssuance:
		return refuse(700054, "response_type 'id_token' is not enabled for the application.")
	case req.idToken && req.nonce == "":
		return missing("nonce")
	}
	req.clientInfo = form.Get("client_info") == "1"
	return req.readChallenge(form)
}

// readChallenge reads PKCE's parameters. Only single-page applications must
// use it; for others it is recommended.
func (req *authorizeRequest) readChallenge(form url.Values) *Error {
	req.challenge, req.challengeMethod = form.Get("code_challenge"), form.Get("code_challenge_method")
	if req.challenge == "" {
		if req.platform == platformSPA && req.code {
			return refuse(9002325, "Proof Key for Code Exchange is required for cross-origin authorization code redemption.")
		}
		return nil
	}
	if req.challengeMethod == "" {
		req.challengeMethod = "plain" // RFC 7636 section 4.3
	}
	if size := len(req.challenge); size < 43 || size > 128 || req.challengeMethod != "plain" && req.challengeMethod != "S256" {
		return refuse(501491, "Invalid size of Code_Challenge parameter.")
	}
	return nil
}

func (req *authorizeRequest) scope(raw string) (scopeRequest, *Error) {
	if strings.TrimSpace(raw) == "" {
		return scopeRequest{}, missing("scope")
	}
	q, refusal := parseScope(raw, 700022)
	if refusal == nil && req.idToken && !q.has("openid") {
		refusal = refuse(70005, "The app requested an unsupported response type: response type 'id_token' requires the 'OpenID' scope.")
	}
	return q, refusal
}

// errorParams are the parameters that tell an application of a refusal.
func (s *Server) errorParams(r *http.Request, e *Error) url.Values {
	v := url.Values{"error": {e.OAuth}, "error_description": {e.describe(s.traceOf(r))}}
	if uri := s.errorURI(e); uri != "" {
		v.Set("error_uri", uri)
	}
	if e.Suberror != "" {
		v.Set("error_subcode", e.Suberror)
	}
	return v
}

// sendBack answers the application through the browser.
func (s *Server) sendBack(w http.ResponseWriter, r *http.Request, req authorizeRequest, params url.Values) {
	if req.state != "" {
		params.Set("state", req.state)
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cache-Control", "no-store, no-cache")
	target, err := url.Parse(req.redirectURI)
	if err != nil {
		s.errorPage(w, r, malformed("the redirect URI cannot be parsed"))
		return
	}
	switch req.mode {
	case "form_post":
		p := page{Title: "Working...", External: req.redirectURI}
		for _, name := range slices.Sorted(maps.Keys(params)) {
			p.Fields = append(p.Fields, field{name, params.Get(name)})
		}
		s.render(w, http.StatusOK, "form_post", p)
		return
	case "fragment":
		target.Fragment = ""
		w.Header().Set("Location", target.String()+"#"+params.Encode())
	default:
		query := target.Query()
		for name := range params {
			query.Set(name, params.Get(name))
		}
		target.RawQuery = query.Encode()
		w.Header().Set("Location", target.String())
	}
	w.WriteHeader(http.StatusFound)
}
