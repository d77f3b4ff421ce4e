package verify

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/sandbox/entra/browser"
)

// endpoints of a tenant, for the flows that clients use.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
type endpoints struct {
	// authority is such as "https://login.microsoftonline.com/<tenant id>".
	authority string
	http      *http.Client
}

// grant is what a token endpoint answers.
type grant struct {
	AccessToken string `json:"access_token"`
	IDToken     string `json:"id_token"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// refusal is why Entra gave no token.
type refusal struct{ code, description string }

func (r *refusal) Error() string { return r.description }

// aadsts finds Entra's code in a message. Microsoft advises against matching
// anything else of it.
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
var aadsts = regexp.MustCompile(`AADSTS\d+`)

func newRefusal(description string) *refusal {
	first, _, _ := strings.Cut(description, "\r\n")
	return &refusal{code: aadsts.FindString(description), description: first}
}

// decided are the codes by which Entra says that this caller may not have a
// token. Any other one means that something is wrong with the request.
var decided = []string{
	"AADSTS50105",  // the user is not assigned
	"AADSTS501051", // the application is not assigned
	"AADSTS65001",  // nobody consented
	"AADSTS650057", // there is nothing of the API to consent to: what the client asks for is retired
	"AADSTS65004",  // the user declined
	"AADSTS90094",  // an administrator must consent
	"AADSTS90008",  // an administrator must grant
}

// outcome is the token, or why there is none.
func outcome(token string, err error) (Token, error) {
	var r *refusal
	if errors.As(err, &r) && slices.Contains(decided, r.code) {
		return Token{Refusal: r.code}, nil
	}
	return Token{Access: token}, err
}

// client is an application as it proves itself.
type client struct {
	id     string
	kind   access.ClientKind
	secret string // web and daemon
	// redirect is where a sign-in returns to.
	redirect string
}

// daemonToken is the client credentials flow.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
func (e endpoints) daemonToken(ctx context.Context, c client, resource string) (string, error) {
	g, err := e.redeem(ctx, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {c.id}, "client_secret": {c.secret},
		"scope": {resource + "/.default"},
	}, "")
	return g.AccessToken, err
}

// userToken is the authorization code flow with PKCE, the user at a browser.
func (e endpoints) userToken(ctx context.Context, c client, user, scope string) (grant, error) {
	verifier, state := rand.Text()+rand.Text(), rand.Text()
	challenge := sha256.Sum256([]byte(verifier))
	authorize := e.authority + "/oauth2/v2.0/authorize?" + url.Values{
		"client_id": {c.id}, "response_type": {"code"}, "response_mode": {"query"}, "redirect_uri": {c.redirect},
		"scope": {scope}, "state": {state},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode()
	arrived, err := browser.SignIn(ctx, e.http, authorize, user)
	if page, ok := errors.AsType[*browser.PageError](err); ok {
		return grant{}, newRefusal(page.Text)
	}
	if err != nil {
		return grant{}, err
	}
	answer := arrived.Query()
	if answer.Get("error") != "" {
		return grant{}, newRefusal(answer.Get("error_description"))
	}
	if answer.Get("state") != state {
		return grant{}, fmt.Errorf("signing in: state: got %q, want the one that was sent", answer.Get("state"))
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {c.id}, "code": {answer.Get("code")},
		"redirect_uri": {c.redirect}, "code_verifier": {verifier}, "scope": {scope},
	}
	origin := ""
	switch c.kind {
	case access.ClientWeb:
		form.Set("client_secret", c.secret)
	case access.ClientSPA: // a page in a browser, whose requests name their origin
		if origin, err = originOf(c.redirect); err != nil {
			return grant{}, err
		}
	}
	return e.redeem(ctx, form, origin)
}

func originOf(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("redirect URI: %w", err)
	}
	return u.Scheme + "://" + u.Host, nil
}

// A secret that was just added may be unknown for a while.
const (
	replicationWait  = time.Minute
	replicationRetry = 500 * time.Millisecond
	unknownSecret    = "AADSTS7000215" //nolint:gosec // the code of a refusal
)

// redeem asks the token endpoint, again while it does not know the secret yet.
func (e endpoints) redeem(ctx context.Context, form url.Values, origin string) (grant, error) {
	until := time.Now().Add(replicationWait)
	for {
		g, err := e.redeemOnce(ctx, form, origin)
		var r *refusal
		if !errors.As(err, &r) || r.code != unknownSecret || time.Now().After(until) {
			return g, err
		}
		select {
		case <-ctx.Done():
			return g, ctx.Err()
		case <-time.After(replicationRetry):
		}
	}
}

func (e endpoints) redeemOnce(ctx context.Context, form url.Values, origin string) (grant, error) {
	var g grant
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.authority+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	if err != nil {
		return g, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	res, err := e.http.Do(req)
	if err != nil {
		return g, err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&g); err != nil {
		return grant{}, fmt.Errorf("token endpoint: %s: %w", res.Status, err)
	}
	if res.StatusCode != http.StatusOK {
		return grant{}, newRefusal(g.Description)
	}
	return g, nil
}
