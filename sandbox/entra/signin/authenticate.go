package signin

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/entra/token"
)

// assertionType is the only client_assertion_type there is.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// presented is what a client says to prove itself.
type presented struct {
	appID, secret, assertion string
}

// any tells whether the client presented a credential.
func (p presented) any() bool { return p.secret != "" || p.assertion != "" }

// readPresented reads the client's id and credential from the body or, for a
// secret, from HTTP Basic (RFC 6749 section 2.3.1).
func readPresented(r *http.Request) (presented, *Error) {
	p := presented{
		appID: r.PostForm.Get("client_id"), secret: r.PostForm.Get("client_secret"), assertion: r.PostForm.Get("client_assertion"),
	}
	if user, password, ok := r.BasicAuth(); ok {
		id, idErr := url.QueryUnescape(user)
		secret, secretErr := url.QueryUnescape(password)
		if idErr != nil || secretErr != nil {
			return presented{}, malformed("the credentials in the Authorization header are not form-encoded")
		}
		if p.appID != "" && p.appID != id || p.any() {
			return presented{}, malformed("client credentials are both in the Authorization header and in the body")
		}
		p.appID, p.secret = id, secret
	}
	switch {
	case p.appID == "":
		return presented{}, missing("client_id")
	case p.secret != "" && p.assertion != "":
		return presented{}, malformed("both client_secret and client_assertion are presented")
	case p.assertion != "" && r.PostForm.Get("client_assertion_type") != assertionType:
		return presented{}, malformed("client_assertion_type must be " + assertionType)
	}
	return p, nil
}

func malformed(why string) *Error {
	return refuse(9002313, "Invalid request. Request is malformed or invalid: %s.", why)
}

// credentials are those of a registration, copied for use outside the View.
type credentials struct {
	appID     string
	passwords []directory.PasswordCredential
	keys      []directory.KeyCredential
	federated []directory.FederatedCredential
}

// authenticate checks a confidential client's credential. endpoint is the URL
// that the request came to: the audience of an assertion.
func (s *Server) authenticate(ctx context.Context, at realm, t *tenant, p presented, endpoint string) (token.ClientAuth, *Error) {
	var known credentials
	var refusal *Error
	elsewhere := s.registrationElsewhere(t.id, p.appID)
	t.dir.View(func(st *directory.State) {
		var c client
		if c, refusal = clientOf(st, p.appID, elsewhere); refusal == nil {
			known = credentials{
				c.app.AppID, slices.Clone(c.app.PasswordCredentials),
				slices.Clone(c.app.KeyCredentials), slices.Clone(c.app.FederatedCredentials),
			}
		}
	})
	if refusal != nil {
		return "", refusal
	}
	if p.assertion != "" {
		return token.ByAssertion, s.checkAssertion(ctx, at, t, known, p.assertion, endpoint)
	}
	return token.BySecret, s.checkSecret(known, p.secret)
}

// checkSecret looks for the secret among those that are valid now. A secret
// just added may not be known yet, which reads as a wrong one.
func (s *Server) checkSecret(known credentials, given string) *Error {
	now, lag := s.now(), s.lag()
	expired := false
	for _, c := range known.passwords {
		switch {
		case !c.Matches(given), now.Before(c.StartDateTime), lag > 0 && now.Sub(c.AddedAt) < lag:
		case now.After(c.EndDateTime):
			expired = true
		default:
			return nil
		}
	}
	if expired {
		return refuse(7000222, "The provided client secret keys for app '%s' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.", known.appID)
	}
	return refuse(7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", known.appID)
}

func within(now, from, until time.Time, skew time.Duration) bool {
	return !now.Add(skew).Before(from) && now.Add(-skew).Before(until)
}
