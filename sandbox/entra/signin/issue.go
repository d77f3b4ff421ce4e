package signin

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/entra/token"
)

// tokenResponse is the answer of the token endpoint.
type tokenResponse struct {
	TokenType    string `json:"token_type"`
	Scope        string `json:"scope,omitempty"`
	ExpiresIn    int64  `json:"expires_in"`
	ExtExpiresIn int64  `json:"ext_expires_in"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	ClientInfo   string `json:"client_info,omitempty"`
}

// delegation is what a person let a client do: the content of a code, a refresh
// token or an approved device code.
type delegation struct {
	tenant *tenant
	appID  string
	userID string
	scope  scopeRequest
	nonce  string
	// platform is where the redirect URI was registered.
	platform platform
	auth     token.ClientAuth
	// clientInfo asks for the user's ids beside the tokens, as MSAL does.
	clientInfo bool
	// expires is when refreshing ends for a single-page application.
	expires time.Time
}

// claimsOf are the payloads of one answer, before they are signed.
type claimsOf struct {
	access, id token.Claims
	scope      string
}

// delegated issues tokens for a user, if everything that was so when they
// signed in still is.
func (s *Server) delegated(d delegation) (tokenResponse, *Error, error) {
	now, lifetime := s.now(), s.lifetime()
	var claims claimsOf
	var refusal *Error
	elsewhere := s.registrationElsewhere(d.tenant.id, d.appID)
	d.tenant.dir.View(func(st *directory.State) {
		claims, refusal = s.delegatedClaims(issuance{st, now, lifetime}, d, elsewhere)
	})
	if refusal != nil {
		return tokenResponse{}, refusal, nil
	}
	answer := tokenResponse{TokenType: "Bearer", Scope: claims.scope, ExpiresIn: seconds(lifetime), ExtExpiresIn: seconds(lifetime)}
	var err error
	if answer.AccessToken, err = d.tenant.sign(claims.access); err != nil {
		return tokenResponse{}, nil, err
	}
	if claims.id != nil {
		if answer.IDToken, err = d.tenant.sign(claims.id); err != nil {
			return tokenResponse{}, nil, err
		}
	}
	if d.clientInfo {
		answer.ClientInfo = clientInfo(d)
	}
	return answer, nil, nil
}

func clientInfo(d delegation) string {
	raw, err := json.Marshal(map[string]string{"uid": d.userID, "utid": d.tenant.id})
	if err != nil { // never: two strings
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// seconds is the expires_in of a lifetime: Entra counts from just after issue,
// so an hour is 3599.
func seconds(lifetime time.Duration) int64 { return int64(lifetime/time.Second) - 1 }

// issuance is what the tokens of one answer share. It may be used only inside
// the View that its directory is of.
type issuance struct {
	directory *directory.State
	at        time.Time
	lifetime  time.Duration
}

func (s *Server) delegatedClaims(i issuance, d delegation, elsewhere *directory.Application) (claimsOf, *Error) {
	st := i.directory
	may, refusal := permitted(st, d, elsewhere)
	if refusal != nil {
		return claimsOf{}, refusal
	}
	c, resource := may.client, may.resource
	if len(may.consent.missing) > 0 {
		return claimsOf{}, notConsented(c)
	}
	u := *may.user
	access := s.access(i, c, resource, d.scope.Resource)
	access.ClientAuth = d.auth
	access.User, access.Profile = &u, d.scope.has("profile")
	// A token names every scope granted for its resource, also those that
	// this request did not ask for. offline_access is in no token.
	access.Scopes = slices.DeleteFunc(slices.Clone(may.consent.granted), func(v string) bool { return v == "offline_access" })
	access.Roles = st.RoleValues(resource, d.userID)
	api := st.ApplicationByAppID(resource.AppID)
	access.Groups = groupsOf(st, api, d.userID)
	out := claimsOf{access: access.Claims(), scope: scopeAnswer(d.scope, access.Scopes)}
	if d.scope.has("openid") {
		out.id = s.idToken(i, c, d, &u, "")
	}
	return out, nil
}

// permit is everything that a delegation touches, and what of it was
// consented to. It may be read only inside its View.
type permit struct {
	client   client
	resource *directory.ServicePrincipal
	user     *directory.User
	consent  consent
}

// permitted checks a delegation against the directory as it is now: client,
// resource, user and assignments. Whether consent is missing it leaves to the
// caller, who may ask for it.
func permitted(st *directory.State, d delegation, elsewhere *directory.Application) (permit, *Error) {
	c, refusal := clientOf(st, d.appID, elsewhere)
	if refusal != nil {
		return permit{}, refusal
	}
	resource, refusal := resourceOf(st, d.scope.Resource)
	if refusal != nil {
		return permit{}, refusal
	}
	user, refusal := userMay(st, c, resource, d.userID)
	if refusal != nil {
		return permit{}, refusal
	}
	agreed, refusal := consentFor(st, c, d.scope, resource, d.userID)
	return permit{c, resource, user, agreed}, refusal
}

// access fills in what every access token of a client for a resource has. name
// is the resource as the client named it.
func (s *Server) access(i issuance, c client, resource *directory.ServicePrincipal, name string) token.Access {
	st := i.directory
	a := token.Access{
		BaseURL: s.baseURL, TenantID: st.Tenant.ID, Version: 1, Audience: name, ResourceAppID: resource.AppID,
		ClientAppID: c.app.AppID, ClientObjectID: c.sp.ID, IssuedAt: i.at, Lifetime: i.lifetime,
	}
	if name == "" {
		a.Audience = resource.AppID
	}
	api := st.ApplicationByAppID(resource.AppID)
	if api == nil {
		// Microsoft Graph's tokens are v1 and always say what kind they are.
		a.Optional = []directory.OptionalClaim{{Name: "idtyp", AdditionalProperties: []string{"include_user_token"}}}
		return a
	}
	if v := api.API.RequestedAccessTokenVersion; v != nil && *v == 2 {
		a.Version, a.Audience = 2, resource.AppID
	}
	if api.OptionalClaims != nil {
		a.Optional = api.OptionalClaims.AccessToken
	}
	return a
}

func (s *Server) idToken(i issuance, c client, d delegation, u *directory.User, code string) token.Claims {
	st := i.directory
	id := token.ID{
		BaseURL: s.baseURL, TenantID: st.Tenant.ID, Version: 2, ClientAppID: c.app.AppID, User: u,
		Profile: d.scope.has("profile"), Email: d.scope.has("email"), Nonce: d.nonce, Code: code,
		Roles: st.RoleValues(c.sp, u.ID), Groups: groupsOf(st, c.app, u.ID), IssuedAt: i.at, Lifetime: i.lifetime,
	}
	if c.app.OptionalClaims != nil {
		id.Optional = c.app.OptionalClaims.IDToken
	}
	return id.Claims()
}

// scopeAnswer is the scope member of an answer: the granted scopes with the
// resource as the client named it, and .default if that was asked for, without
// which MSAL takes the request for declined.
func scopeAnswer(q scopeRequest, granted []string) string {
	prefix := ""
	if q.Resource != "" {
		prefix = q.Resource + "/"
	}
	var out []string
	for _, v := range granted {
		if !slices.Contains(oidcScopes, v) {
			v = prefix + v
		}
		out = append(out, v)
	}
	for _, asked := range q.Asked {
		if !slices.ContainsFunc(out, func(v string) bool { return strings.EqualFold(v, asked) }) {
			out = append(out, asked)
		}
	}
	for _, v := range q.OIDC {
		if v != "offline_access" && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return strings.Join(out, " ")
}

// appOnly issues a token for the client itself.
func (s *Server) appOnly(t *tenant, appID, resourceName string, auth token.ClientAuth) (tokenResponse, *Error, error) {
	now, lifetime := s.now(), s.lifetime()
	var claims token.Claims
	var refusal *Error
	elsewhere := s.registrationElsewhere(t.id, appID)
	t.dir.View(func(st *directory.State) {
		var c client
		if c, refusal = clientOf(st, appID, elsewhere); refusal == nil {
			claims, refusal = s.appOnlyClaims(issuance{st, now, lifetime}, c, resourceName, auth)
		}
	})
	if refusal != nil {
		return tokenResponse{}, refusal, nil
	}
	raw, err := t.sign(claims)
	if err != nil {
		return tokenResponse{}, nil, err
	}
	return tokenResponse{TokenType: "Bearer", ExpiresIn: seconds(lifetime), ExtExpiresIn: seconds(lifetime), AccessToken: raw}, nil, nil
}

func (s *Server) appOnlyClaims(i issuance, c client, name string, auth token.ClientAuth) (token.Claims, *Error) {
	st := i.directory
	resource, refusal := resourceOf(st, name)
	if refusal != nil {
		return nil, refusal
	}
	// Without this setting a client gets a token without roles, which is
	// Entra's default and a trap for APIs that check the audience only.
	// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
	if resource.AppRoleAssignmentRequired && len(st.AssignmentsTo(resource, c.sp.ID)) == 0 {
		return nil, refuse(501051, "Application '%s'(%s) is not assigned to a role for the application '%s'(%s).", c.app.AppID, c.app.DisplayName, name, resource.DisplayName)
	}
	access := s.access(i, c, resource, name)
	access.ClientAuth = auth
	access.Roles = st.RoleValues(resource, c.sp.ID)
	return access.Claims(), nil
}
