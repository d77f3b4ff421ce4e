package signin

import (
	"net/http"
	"strconv"
)

// tokenV1 is the token endpoint of v1.0, which names a resource and no scope.
// Only client credentials are served: what still uses it are old daemons.
func (s *Server) tokenV1(w http.ResponseWriter, r *http.Request, at realm) {
	if !s.readTokenRequest(w, r) {
		return
	}
	answer, refusal, err := s.answerTokenV1(r, at)
	switch {
	case err != nil:
		http.Error(w, "issuing token: "+err.Error(), http.StatusInternalServerError)
	case refusal != nil:
		s.writeError(w, r, refusal)
	default:
		now := s.now().Unix()
		writeJSON(w, http.StatusOK, map[string]string{
			"token_type": "Bearer", "resource": r.PostForm.Get("resource"), "access_token": answer.AccessToken,
			"expires_in": strconv.FormatInt(answer.ExpiresIn, 10), "ext_expires_in": strconv.FormatInt(answer.ExtExpiresIn, 10),
			"expires_on": strconv.FormatInt(now+answer.ExpiresIn+1, 10), "not_before": strconv.FormatInt(now, 10),
		})
	}
}

func (s *Server) answerTokenV1(r *http.Request, at realm) (tokenResponse, *Error, error) {
	switch grantType := r.PostForm.Get("grant_type"); {
	case grantType == "":
		return tokenResponse{}, missing("grant_type"), nil
	case grantType != "client_credentials":
		return tokenResponse{}, notImplemented("grant type " + grantType + " at the v1.0 token endpoint (use /oauth2/v2.0/token)"), nil
	case r.PostForm.Get("resource") == "":
		return tokenResponse{}, missing("resource"), nil
	}
	p, refusal := readPresented(r)
	if refusal != nil {
		return tokenResponse{}, refusal, nil
	}
	return s.clientCredentials(r, at, p, r.PostForm.Get("resource"))
}
