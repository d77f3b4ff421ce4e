package signin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"mime"
	"net/http"

	"github.com/entragate/entragate/sandbox/entra/token"
)

// grantDevice is the grant type of a device code, RFC 8628.
const grantDevice = "urn:ietf:params:oauth:grant-type:device_code"

// tokenV2 is the token endpoint.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#redeem-a-code-for-an-access-token
func (s *Server) tokenV2(w http.ResponseWriter, r *http.Request, at realm) {
	if !s.readTokenRequest(w, r) {
		return
	}
	if r.PostForm.Get("resource") != "" {
		s.writeError(w, r, refuse(901002, "The 'resource' request parameter isn't supported."))
		return
	}
	answer, refusal, err := s.answerToken(w, r, at)
	switch {
	case err != nil:
		http.Error(w, "issuing token: "+err.Error(), http.StatusInternalServerError)
	case refusal != nil:
		s.writeError(w, r, refusal)
	default:
		writeJSON(w, http.StatusOK, answer)
	}
}

// readTokenRequest reads the form of a token request; otherwise it has answered.
func (s *Server) readTokenRequest(w http.ResponseWriter, r *http.Request) bool {
	switch r.Method {
	case http.MethodPost:
	case http.MethodOptions:
		// The preflight of a page: whether it may have the token is decided
		// when the request itself says which client it is.
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Allow-Methods", "POST, OPTIONS")
		h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
		w.WriteHeader(http.StatusNoContent)
		return false
	default:
		s.writeError(w, r, wrongMethod("POST, OPTIONS", r.Method))
		return false
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		s.writeError(w, r, missing("grant_type"))
		return false
	}
	if err := r.ParseForm(); err != nil {
		s.writeError(w, r, malformed("the body is not form-encoded"))
		return false
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			s.writeError(w, r, malformed("parameter '"+name+"' is there more than once"))
			return false
		}
	}
	return true
}

func (s *Server) answerToken(w http.ResponseWriter, r *http.Request, at realm) (tokenResponse, *Error, error) {
	grantType := r.PostForm.Get("grant_type")
	if grantType == "" {
		return tokenResponse{}, missing("grant_type"), nil
	}
	var redeem func(http.ResponseWriter, *http.Request, realm, presented) (tokenResponse, *Error, error)
	switch grantType {
	case "client_credentials":
		redeem = s.redeemClientCredentials
	case "authorization_code":
		redeem = s.redeemCode
	case "refresh_token":
		redeem = s.redeemRefreshToken
	case grantDevice, "device_code":
		redeem = s.redeemDeviceCode
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		return tokenResponse{}, notImplemented("the on-behalf-of flow (grant type " + grantType + ")"), nil
	case "password":
		return tokenResponse{}, notImplemented("the resource owner password flow (grant type password)"), nil
	default:
		return tokenResponse{}, refuse(70003, "The app requested an unsupported grant type '%s'.", grantType), nil
	}
	p, refusal := readPresented(r)
	if refusal != nil {
		return tokenResponse{}, refusal, nil
	}
	return redeem(w, r, at, p)
}

func (s *Server) redeemClientCredentials(_ http.ResponseWriter, r *http.Request, at realm, p presented) (tokenResponse, *Error, error) {
	resource, refusal := appOnlyResource(r.PostForm.Get("scope"))
	if refusal != nil {
		return tokenResponse{}, refusal, nil
	}
	return s.clientCredentials(r, at, p, resource)
}

// clientCredentials issues an app-only token for a resource.
func (s *Server) clientCredentials(r *http.Request, at realm, p presented, resource string) (tokenResponse, *Error, error) {
	if _, refusal := s.registration(at, p.appID); refusal != nil {
		return tokenResponse{}, refusal, nil
	}
	switch {
	case at.tenant == nil:
		// Documented for /common; that /organizations refuses too is a guess.
		return tokenResponse{}, refuse(9001023, "The grant type isn't supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint."), nil
	case !p.any():
		return tokenResponse{}, refuse(7000216, "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type."), nil
	case r.Header.Get("Origin") != "":
		return tokenResponse{}, crossOrigin(r), nil
	}
	auth, refusal := s.authenticate(r.Context(), at, at.tenant, p, s.endpoint(r))
	if refusal != nil {
		return tokenResponse{}, refusal, nil
	}
	return s.appOnly(at.tenant, p.appID, resource, auth)
}

// endpoint is the public URL of the endpoint that a request came to.
func (s *Server) endpoint(r *http.Request) string { return s.baseURL + r.URL.Path }

func crossOrigin(r *http.Request) *Error {
	return refuse(9002326, "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type. Request origin: '%s'.", r.Header.Get("Origin"))
}

// redeemCode gives tokens for an authorization code, once.
func (s *Server) redeemCode(w http.ResponseWriter, r *http.Request, at realm, p presented) (tokenResponse, *Error, error) {
	raw := r.PostForm.Get("code")
	if raw == "" {
		return tokenResponse{}, missing("code"), nil
	}
	if _, refusal := s.registration(at, p.appID); refusal != nil {
		return tokenResponse{}, refusal, nil
	}
	now := s.now()
	c, ok := s.memory.codes.get(raw, now)
	switch redirect := r.PostForm.Get("redirect_uri"); {
	case !ok || !sameApp(c.appID, p.appID):
		// That a code of another client reads as no code is a guess.
		return tokenResponse{}, refuse(70000, "The provided value for the 'code' parameter is not valid."), nil
	case at.tenant != nil && at.tenant.id != c.tenant.id:
		return tokenResponse{}, refuse(700005, "Provided Authorization Code is intended to use against other tenant, thus rejected. OAuth2 Authorization Code must be redeemed against same tenant it was acquired for (/common or /{tenant-ID} as appropriate)."), nil
	case c.redeemed:
		return tokenResponse{}, redeemedAlready(), nil
	case now.After(c.expires):
		return tokenResponse{}, refuse(70008, "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource."), nil
	case redirect != c.redirectURI:
		return tokenResponse{}, refuse(500112, "The reply address '%s' does not match the reply address '%s' provided when requesting Authorization code.", redirect, c.redirectURI), nil
	}
	auth, refusal := s.proveByPlatform(w, r, at, c.tenant, c.platform, p)
	if refusal == nil {
		refusal = checkVerifier(c, r.PostForm.Get("code_verifier"))
	}
	if refusal != nil {
		return tokenResponse{}, refusal, nil
	}
	d := c.delegation
	if d.scope, refusal = narrowed(d.scope, r.PostForm.Get("scope")); refusal != nil {
		return tokenResponse{}, refusal, nil
	}
	first := false
	s.memory.codes.change(raw, func(c *code) { first, c.redeemed = !c.redeemed, true })
	if !first {
		return tokenResponse{}, redeemedAlready(), nil
	}
	d.auth, d.clientInfo = auth, wantsClientInfo(r)
	return s.delegatedWithRefresh(d, now)
}

func redeemedAlready() *Error {
	return refuse(54005, "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.")
}

// proveByPlatform checks the client's credential and origin as the platform of
// its redirect URI demands.
func (s *Server) proveByPlatform(
	w http.ResponseWriter, r *http.Request, at realm, t *tenant, kind platform, p presented,
) (token.ClientAuth, *Error) {
	origin := r.Header.Get("Origin")
	if kind == platformSPA {
		if origin == "" {
			return "", refuse(9002327, "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.")
		}
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Add("Vary", "Origin")
	} else if origin != "" {
		return "", crossOrigin(r)
	}
	if kind != platformWeb {
		if p.any() {
			return "", publicWithCredential()
		}
		return token.PublicClient, nil
	}
	if !p.any() {
		return "", credentialWanted()
	}
	return s.authenticate(r.Context(), at, t, p, s.endpoint(r))
}

func publicWithCredential() *Error {
	return refuse(700025, "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.")
}

func credentialWanted() *Error {
	return refuse(7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
}

// checkVerifier checks the PKCE verifier, RFC 7636. A verifier without a
// challenge is refused too, as RFC 9700 section 4.8.2 wants; that Entra does so
// is a guess.
func checkVerifier(c code, verifier string) *Error {
	computed := verifier
	if c.challengeMethod == "S256" {
		sum := sha256.Sum256([]byte(verifier))
		computed = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if c.challenge == "" && verifier == "" {
		return nil
	}
	if c.challenge == "" || verifier == "" || subtle.ConstantTimeCompare([]byte(computed), []byte(c.challenge)) != 1 {
		return refuse(501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request.")
	}
	return nil
}

// narrowed is the scope of a redemption: that of the sign-in, or another one
// that the request names. What was not consented to is refused later.
func narrowed(signedIn scopeRequest, raw string) (scopeRequest, *Error) {
	if raw == "" {
		return signedIn, nil
	}
	q, refusal := parseScope(raw, 28000)
	if refusal != nil {
		return scopeRequest{}, refusal
	}
	if !q.names() && signedIn.names() {
		// Only OpenID Connect scopes: the resource stays that of the sign-in.
		q.Resource, q.Values, q.Default, q.Asked = signedIn.Resource, signedIn.Values, signedIn.Default, signedIn.Asked
	}
	return q, nil
}

func wantsClientInfo(r *http.Request) bool { return r.PostForm.Get("client_info") == "1" }
