package verify

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/entragate/entragate/access"
)

// claims are what a token says of itself. Nobody checks its signature here: the
// gateway does.
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
type claims struct {
	Audience string   `json:"aud"`
	Tenant   string   `json:"tid"`
	Version  string   `json:"ver"`
	Party    string   `json:"azp"`
	AppID    string   `json:"appid"` // in place of azp in v1
	Scope    string   `json:"scp"`
	Roles    []string `json:"roles"`
	Expires  float64  `json:"exp"`
}

// client is who got the token.
func (c claims) client() string {
	if c.Party != "" {
		return c.Party
	}
	return c.AppID
}

// errNoToken says what a token looks like, and nothing of what was given.
var errNoToken = errors.New("got something that is no token: want three parts with dots between, in JSON and base64url")

func readClaims(token string) (claims, error) {
	var c claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, errNoToken
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return c, errNoToken
	}
	return c, nil
}

// graphAppID is Microsoft Graph's application id, the same in every tenant.
// https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
const graphAppID = "00000003-0000-0000-c000-000000000000"

// suits returns nil if a token is one that the caller could have. One that was
// supplied for the wrong caller would prove something else.
func (a *Accounts) suits(caller access.Caller, c claims) error {
	var wrong []string
	want := func(claim, got, want string, ok bool) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf("%s: got %q, want %s", claim, got, want))
		}
	}
	target := a.options.Target
	ours := slices.Sorted(maps.Values(target.Clients))
	expired := !a.options.Now().Before(time.Unix(int64(c.Expires), 0))
	want("exp", time.Unix(int64(c.Expires), 0).UTC().Format(time.RFC3339), map[bool]string{true: "one that is over", false: "one to come"}[caller.Kind == access.CallerExpired],
		expired == (caller.Kind == access.CallerExpired))
	if caller.Kind != access.CallerOtherTenant {
		want("tid", c.Tenant, a.options.TenantID, c.Tenant == a.options.TenantID)
	}
	forAPI := func() { want("aud", c.Audience, target.Audience+", the API", c.Audience == target.Audience) }
	of := func(name string) {
		want("azp", c.client(), target.Clients[name]+", "+name, name != "" && c.client() == target.Clients[name])
	}
	stranger := func() { want("azp", c.client(), "a client outside the model", !slices.Contains(ours, c.client())) }
	user := func() { want("scp", c.Scope, "scopes: it is a user's", c.Scope != "") }
	app := func() { want("scp", c.Scope, "none: it is app-only", c.Scope == "") }
	switch caller.Kind {
	case access.CallerUser:
		forAPI()
		of(caller.Client)
		user()
	case access.CallerDaemon:
		forAPI()
		of(caller.Client)
		app()
	case access.CallerUnassignedUser:
		forAPI()
		user()
	case access.CallerUnassignedDaemon:
		forAPI()
		stranger()
		app()
		want("roles", strings.Join(c.Roles, " "), "none", len(c.Roles) == 0)
	case access.CallerOtherClient:
		forAPI()
		stranger()
		user()
	case access.CallerUserWithRoles:
		forAPI()
		user()
		want("roles", "", "some", len(c.Roles) > 0)
	case access.CallerWrongRole:
		forAPI()
		app()
		want("roles", strings.Join(c.Roles, " "), "one that no route asks for", len(c.Roles) > 0 && !a.anyRole(c.Roles))
	case access.CallerGraphToken:
		want("aud", c.Audience, "Microsoft Graph", c.Audience == graphAppID || strings.TrimSuffix(c.Audience, "/") == a.options.Graph.Endpoint)
	case access.CallerOtherTenant:
		want("tid", c.Tenant, "another tenant than "+a.options.TenantID, c.Tenant != "" && c.Tenant != a.options.TenantID)
	case access.CallerV1Token:
		want("ver", c.Version, "1.0", c.Version == "1.0")
		user()
	case access.CallerIDToken:
		want("aud", c.Audience, "a client of the model", slices.Contains(ours, c.Audience))
		app()
	case access.CallerExpired:
		forAPI()
	case access.CallerAnonymous:
		wrong = append(wrong, "got a token, want none: it is who has none")
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}

// anyRole reports whether a route takes one of the roles.
func (a *Accounts) anyRole(roles []string) bool {
	return slices.ContainsFunc(a.options.Target.Model.Routes, func(r access.Route) bool {
		return slices.ContainsFunc(r.Roles, func(role string) bool { return slices.Contains(roles, role) })
	})
}
