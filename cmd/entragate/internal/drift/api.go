package drift

import (
	"fmt"
	"slices"
	"strings"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/drift/deployed"
)

// api compares the API's application.
func (c *comparison) api() {
	if !c.state.Knows(deployed.PartApplication) {
		return
	}
	app := c.state.API
	subject := "application of the API (" + c.Audience + ")"
	if !c.exists(subject, app, "nobody gets a token for the API") {
		return
	}
	c.registration(subject, app)
	c.redirects(subject, app.Registration, access.Client{})
	c.proofs(subject, app, proofs{})
	c.owners(subject, app, c.Owners)
	c.tokens(subject, app.Registration)
	c.uris(subject, app.Registration)
	c.permissions(app.Registration)
	if got, want := app.Principal.AssignmentRequired, c.Model.Assignment.IsRequired(); got != want {
		f := Finding{
			Subject: "service principal of the API", What: Changed, Effect: Breaking,
			Got: fmt.Sprintf("appRoleAssignmentRequired: %t", got), Want: fmt.Sprint(want),
			Access: "users and daemons who are not assigned get no token any more (AADSTS50105)", Fix: deploy,
		}
		if want {
			f.Effect = Widening
			f.Access = "every user of the tenant gets a token by a client that is granted a scope, and every daemon one without a role"
		}
		c.add(f)
	}
}

// exists reports whether an application and its service principal are there, and
// says so if not, or if it is disabled.
func (c *comparison) exists(subject string, app deployed.Application, consequence string) bool {
	switch {
	case !app.Registered:
		c.add(Finding{
			Subject: subject, What: Missing, Effect: Breaking, Want: "an application", Access: consequence,
			Fix: "see whether it was deleted, as it can be restored for 30 days, or " + deploy,
		})
		return false
	case !app.HasPrincipal:
		c.add(Finding{Subject: subject, What: Missing, Effect: Breaking, Want: "a service principal", Access: consequence, Fix: deploy})
		return false
	case !app.Principal.Enabled:
		c.add(Finding{
			Subject: subject, What: Changed, Effect: Breaking, Got: "its service principal is disabled", Want: "enabled", Access: consequence,
			Fix: "`az ad sp update --id " + app.Principal.ID + " --set accountEnabled=true`",
		})
	}
	return true
}

// registration compares what is the same for every application here.
func (c *comparison) registration(subject string, app deployed.Application) {
	r := app.Registration
	if r.SignInAudience != "AzureADMyOrg" {
		c.add(Finding{
			Subject: subject, What: Changed, Effect: Widening, Got: "signInAudience " + r.SignInAudience, Want: "AzureADMyOrg",
			Access: "accounts of other tenants may sign in to it", Fix: deploy,
		})
	}
	// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-implicit-grant-flow
	if r.Web.Implicit.AccessTokens || r.Web.Implicit.IDTokens {
		c.add(Finding{
			Subject: subject, What: Changed, Effect: Widening, Want: "no implicit grant",
			Got:    fmt.Sprintf("implicit grant: access tokens %t, ID tokens %t", r.Web.Implicit.AccessTokens, r.Web.Implicit.IDTokens),
			Access: "whoever sees an address that a sign-in returned to has its token", Fix: deploy,
		})
	}
}

// tokens compares the form of tokens.
func (c *comparison) tokens(subject string, r deployed.Registration) {
	version := "null"
	if r.API.TokenVersion != nil {
		version = fmt.Sprint(*r.API.TokenVersion)
	}
	// https://learn.microsoft.com/entra/identity-platform/access-tokens#token-formats
	if version != "2" {
		c.add(Finding{
			Subject: subject, What: Changed, Effect: Breaking, Got: "requestedAccessTokenVersion " + version, Want: "2",
			Access: "everybody who gets a token from now on is refused: it is of v1, and names another issuer", Fix: deploy,
		})
	}
	if len(c.Model.Policy().Routes) == 0 {
		return
	}
	if r.OptionalClaims != nil {
		for _, claim := range r.OptionalClaims.AccessToken {
			if claim.Name == "idtyp" {
				return
			}
		}
	}
	c.add(Finding{
		Subject: subject, What: Missing, Effect: Breaking, Want: "the optional claim idtyp in access tokens",
		Access: "daemons are refused: the role authorizer cannot tell that their tokens are app-only", Fix: deploy,
	})
}

func (c *comparison) uris(subject string, r deployed.Registration) {
	want := []string{"api://" + c.Audience}
	if gone := without(want, r.IdentifierURIs); len(gone) > 0 {
		c.add(Finding{
			Subject: subject, What: Missing, Effect: Breaking, Got: "identifier URIs " + strings.Join(r.IdentifierURIs, ", "), Want: want[0],
			Access: "clients that ask for " + gone[0] + "/… get no token (AADSTS500011)", Fix: deploy,
		})
	}
	if extra := without(r.IdentifierURIs, want); len(extra) > 0 {
		c.add(Finding{
			Subject: subject, What: AddedOutside, Effect: Neutral, Got: "identifier URI " + strings.Join(extra, ", "), Want: want[0],
			Access: "nobody gains or loses: clients may ask for its scopes by another name", Fix: "remove it in Entra",
		})
	}
}

// permissions compares scopes and roles, both ways.
func (c *comparison) permissions(r deployed.Registration) {
	declared := map[string]bool{}
	for _, want := range c.Model.Scopes {
		declared[want.Value] = true
		got, ok := named(r.API.Scopes, want.Value)
		c.permission("scope "+want.Value, got, ok, want.Retired(), "users of "+c.clientsWith(want.Value))
		consent := map[bool]string{true: "User", false: "Admin"}[want.Consent == access.ConsentUser]
		if ok && got.Type != consent {
			f := Finding{
				Subject: "scope " + want.Value, What: Changed, Effect: Breaking, Got: "consent " + got.Type, Want: consent,
				Access: "users cannot consent to it by themselves any more", Fix: deploy,
			}
			if got.Type == "User" {
				f.Effect, f.Access = Widening, "users may consent to it for any client they sign in to, which gains what it allows"
			}
			c.add(f)
		}
	}
	for _, got := range r.API.Scopes {
		if !declared[got.Value] {
			c.add(Finding{
				Subject: "scope " + got.Value, What: AddedOutside, Effect: Neutral, Got: enabled(got.Enabled),
				Access: "nobody gains or loses: no declared route takes it", Fix: deploy,
			})
		}
	}
	for _, want := range c.Model.Roles {
		declared[want.Value] = true
		got, ok := named(r.Roles, want.Value)
		c.permission("role "+want.Value, got, ok, want.Retired(), "daemons "+c.clientsWith(want.Value))
		if ok && slices.Contains(got.Members, "User") {
			c.add(Finding{
				Subject: "role " + want.Value, What: Changed, Effect: Neutral,
				Got: "for " + strings.Join(got.Members, ", "), Want: "for Application",
				Access: "it can be assigned to users too, whose roles count for nothing here", Fix: deploy,
			})
		}
	}
	for _, got := range r.Roles {
		if got.Value != "" && !declared[got.Value] {
			c.add(Finding{
				Subject: "role " + got.Value, What: AddedOutside, Effect: Neutral, Got: enabled(got.Enabled),
				Access: "nobody gains or loses: no declared route takes it", Fix: deploy,
			})
		}
	}
	for _, pre := range r.API.PreAuthorized {
		c.preAuthorized(pre, r)
	}
}

func enabled(is bool) string {
	if is {
		return "enabled"
	}
	return "disabled"
}

func named(all []deployed.Permission, value string) (deployed.Permission, bool) {
	for _, p := range all {
		if p.Value == value {
			return p, true
		}
	}
	return deployed.Permission{}, false
}

// clientsWith are the names of the clients that are declared with a scope or role.
func (c *comparison) clientsWith(value string) string {
	var names []string
	for _, client := range c.Model.Clients {
		if slices.Contains(client.Scopes, value) || slices.Contains(client.Roles, value) {
			names = append(names, client.Name)
		}
	}
	if len(names) == 0 {
		return "any client"
	}
	return strings.Join(names, ", ")
}

func (c *comparison) permission(subject string, got deployed.Permission, found, retired bool, who string) {
	f := Finding{Subject: subject, What: Changed, Got: enabled(got.Enabled), Want: enabled(!retired), Fix: deploy}
	switch {
	case !found && retired: // it was to go
		return
	case !found:
		f.What, f.Got, f.Effect = Missing, "", Breaking
		f.Access = who + " lose what it allows: no token carries it any more"
	case got.Enabled && retired:
		f.Effect, f.Access = Widening, who+" get tokens with it again, and with them what it allows"
	case !got.Enabled && !retired:
		f.Effect, f.Access = Breaking, who+" lose what it allows once their tokens end: no new one carries it"
	default:
		return
	}
	c.add(f)
}

// preAuthorized is a grant by another name, of which none is declared.
// https://learn.microsoft.com/graph/api/resources/preauthorizedapplication
func (c *comparison) preAuthorized(pre deployed.PreAuthorized, r deployed.Registration) {
	var values []string
	for _, p := range r.API.Scopes {
		if slices.Contains(pre.ScopeIDs, p.ID) {
			values = append(values, p.Value)
		}
	}
	c.add(Finding{
		Subject: "client " + pre.AppID, What: AddedOutside, Effect: Widening, Got: "pre-authorized for " + strings.Join(values, ", "),
		Access: "its users get tokens with " + strings.Join(values, ", ") + " without anybody's consent",
		Fix:    "remove it from the API's authorized client applications (Expose an API) in Entra",
	})
}
