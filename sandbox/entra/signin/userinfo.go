package signin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/entra/token"
)

// Verifier checks tokens that this service issued for Microsoft Graph: those
// whose audience is its application id or a name of its service principal.
func (s *Server) Verifier() token.Verifier {
	return token.Verifier{BaseURL: s.baseURL, Key: s.Key, Now: s.now, Accepts: s.isGraphAudience}
}

func (s *Server) isGraphAudience(tenantID, audience string) bool {
	t := s.tenantByID(tenantID)
	if t == nil {
		return false
	}
	accepted := false
	t.dir.View(func(st *directory.State) {
		p := st.ServicePrincipalByAppID(directory.GraphAppID)
		accepted = p != nil && (audience == p.AppID || slices.Contains(p.ServicePrincipalNames, audience))
	})
	return accepted
}

// userinfo is the OpenID Connect UserInfo endpoint, which Entra serves on
// Microsoft Graph.
// https://learn.microsoft.com/entra/identity-platform/userinfo
func (s *Server) userinfo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Allow-Headers", "Authorization")
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	refuseToken := func(status int, why string) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="`+strings.ReplaceAll(why, `"`, "'")+`"`)
		writeJSON(w, status, map[string]any{"error": map[string]string{"code": "InvalidAuthenticationToken", "message": why}})
	}
	scheme, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || raw == "" {
		refuseToken(http.StatusUnauthorized, "Access token is empty.")
		return
	}
	claims, err := s.Verifier().Verify(raw)
	if err != nil {
		refuseToken(http.StatusUnauthorized, err.Error())
		return
	}
	scopes := strings.Fields(claims.String("scp"))
	if !slices.Contains(scopes, "openid") {
		refuseToken(http.StatusForbidden, "The token lacks the openid scope.")
		return
	}
	var user *directory.User
	if t := s.tenantByID(claims.String("tid")); t != nil {
		t.dir.View(func(st *directory.State) {
			if u := st.Users[claims.String("oid")]; u != nil && u.AccountEnabled {
				copied := *u
				user = &copied
			}
		})
	}
	if user == nil {
		refuseToken(http.StatusUnauthorized, "The user of the token does not exist or is disabled.")
		return
	}
	// The subject is that of the client's ID tokens, as OpenID Connect wants.
	info := map[string]string{"sub": token.Pairwise(claims.String("tid"), claims.String("appid"), user.ID)}
	if slices.Contains(scopes, "profile") {
		info["name"] = user.DisplayName
	}
	if slices.Contains(scopes, "email") && user.Mail != "" {
		info["email"] = user.Mail
	}
	writeJSON(w, http.StatusOK, info)
}

// logout ends the browser's session. It goes on to the address that the
// application asks for only if an application has it registered as a redirect
// URI: the one named by client_id, or any of the tenant.
// https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#send-a-sign-out-request
func (s *Server) logout(w http.ResponseWriter, r *http.Request, at realm) {
	if err := r.ParseForm(); err != nil {
		s.errorPage(w, r, malformed("the parameters are not form-encoded"))
		return
	}
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		s.memory.sessions.take(cookie.Value, s.now())
	}
	s.setCookie(w, sessionCookie, "")
	target := r.Form.Get("post_logout_redirect_uri")
	if target != "" && s.mayReturnTo(at, r.Form.Get("client_id"), target) {
		s.sendBack(w, r, authorizeRequest{redirectURI: target, mode: "query", state: r.Form.Get("state")}, url.Values{})
		return
	}
	s.render(w, http.StatusOK, "done", page{Title: "You signed out", Text: "You signed out of your account. It's a good idea to close all browser windows."})
}

func (s *Server) mayReturnTo(at realm, clientID, target string) bool {
	allowed := false
	for _, t := range s.tenants {
		if at.tenant != nil && at.tenant.id != t.id {
			continue
		}
		t.dir.View(func(st *directory.State) {
			for _, a := range st.Applications {
				_, registered := redirectPlatform(a, target)
				if registered && (clientID == "" || sameApp(clientID, a.AppID)) {
					allowed = true
				}
			}
		})
	}
	return allowed
}
