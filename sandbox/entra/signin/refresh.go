package signin

import (
	"net/http"
	"time"
)

// delegatedWithRefresh issues tokens and, where offline_access was asked for, a
// refresh token.
func (s *Server) delegatedWithRefresh(d delegation, now time.Time) (tokenResponse, *Error, error) {
	answer, refusal, err := s.delegated(d)
	if refusal == nil && err == nil && d.scope.has("offline_access") {
		answer.RefreshToken = s.newRefreshToken(d, now)
	}
	return answer, refusal, err
}

func (s *Server) newRefreshToken(d delegation, now time.Time) string {
	expires := now.Add(refreshLifetime)
	if d.platform == platformSPA {
		// A single-page application's right to refresh ends a day after the
		// sign-in, however often it refreshes.
		if d.expires.IsZero() {
			d.expires = now.Add(refreshLifetimeSPA)
		}
		expires = d.expires
	}
	d.nonce = "" // of the sign-in, not of later ID tokens
	raw := "1." + secret()
	s.memory.refresh.put(raw, refreshToken{delegation: d, issued: now, expires: expires}, now, expires.Add(remembrance))
	return raw
}

func (s *Server) redeemRefreshToken(w http.ResponseWriter, r *http.Request, at realm, p presented) (tokenResponse, *Error, error) {
	raw := r.PostForm.Get("refresh_token")
	if raw == "" {
		return tokenResponse{}, missing("refresh_token"), nil
	}
	if _, refusal := s.registration(at, p.appID); refusal != nil {
		return tokenResponse{}, refusal, nil
	}
	now := s.now()
	kept, ok := s.memory.refresh.get(raw, now)
	switch {
	case !ok || !sameApp(kept.appID, p.appID), at.tenant != nil && at.tenant.id != kept.tenant.id:
		return tokenResponse{}, refuse(70000, "The provided value for the 'refresh_token' parameter is not valid."), nil
	case now.After(kept.expires) && kept.platform == platformSPA:
		return tokenResponse{}, refuse(700084, "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of 1.00:00:00, which can't be extended. It is now expired and a new sign in request must be sent by the SPA to the sign in page. The token was issued on %s.", kept.issued.UTC().Format(time.RFC3339)), nil
	case now.After(kept.expires):
		return tokenResponse{}, refuse(700082, "The refresh token has expired due to inactivity. The token was issued on %s and was inactive for 90.00:00:00.", kept.issued.UTC().Format(time.RFC3339)), nil
	}
	auth, refusal := s.proveByPlatform(w, r, at, kept.tenant, kept.platform, p)
	if refusal != nil {
		return tokenResponse{}, refusal, nil
	}
	d := kept.delegation
	d.auth, d.clientInfo = auth, wantsClientInfo(r)
	if d.scope, refusal = narrowed(d.scope, r.PostForm.Get("scope")); refusal != nil {
		return tokenResponse{}, refusal, nil
	}
	answer, refusal, err := s.delegated(d)
	if refusal == nil && err == nil {
		next := d
		next.scope = withOffline(next.scope)
		answer.RefreshToken = s.newRefreshToken(next, now)
	}
	return answer, refusal, err
}

// withOffline keeps the right to refresh in the next refresh token although the
// request did not name it again.
func withOffline(q scopeRequest) scopeRequest {
	if !q.has("offline_access") {
		q.OIDC = append(append([]string{}, q.OIDC...), "offline_access")
	}
	return q
}
