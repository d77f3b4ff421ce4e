package doctor

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/components"
)

// application is what Microsoft Graph tells of one.
type application struct {
	SignInAudience string   `json:"signInAudience"`
	IdentifierURIs []string `json:"identifierUris"`
	API            struct {
		TokenVersion *int         `json:"requestedAccessTokenVersion"`
		Scopes       []permission `json:"oauth2PermissionScopes"`
	} `json:"api"`
	Roles []permission `json:"appRoles"`
	Web   struct {
		Implicit struct {
			AccessTokens bool `json:"enableAccessTokenIssuance"`
			IDTokens     bool `json:"enableIdTokenIssuance"`
		} `json:"implicitGrantSettings"`
	} `json:"web"`
	OptionalClaims *struct {
		AccessToken []struct {
			Name string `json:"name"`
		} `json:"accessToken"`
	} `json:"optionalClaims"`
}

// permission is a scope, or an app role.
type permission struct {
	ID      string   `json:"id"`
	Value   string   `json:"value"`
	Enabled bool     `json:"isEnabled"`
	Members []string `json:"allowedMemberTypes"`
}

// servicePrincipal is an application in its tenant.
type servicePrincipal struct {
	ID                 string       `json:"id"`
	AppID              string       `json:"appId"`
	DisplayName        string       `json:"displayName"`
	Enabled            bool         `json:"accountEnabled"`
	AssignmentRequired bool         `json:"appRoleAssignmentRequired"`
	Roles              []permission `json:"appRoles"`
}

func (x *examination) application(ctx context.Context, clientID string) (application, error) {
	var a application
	path := "/applications(appId='" + url.PathEscape(clientID) + "')?$select=signInAudience,identifierUris,api,appRoles,web,optionalClaims"
	err := x.Clouds.Graph.Call(ctx, http.MethodGet, path, nil, &a)
	return a, err
}

func (x *examination) principal(ctx context.Context, clientID string) (servicePrincipal, error) {
	var p servicePrincipal
	path := "/servicePrincipals(appId='" + url.PathEscape(clientID) + "')?$select=id,appId,displayName,accountEnabled,appRoleAssignmentRequired,appRoles"
	err := x.Clouds.Graph.Call(ctx, http.MethodGet, path, nil, &p)
	return p, err
}

// apiSubject is how findings name the API's application.
func (x *examination) apiSubject() string {
	return "application of the API (" + x.Outputs.Audience + ")"
}

// tokens looks at what the API's application makes of tokens, which the gateway
// compares with its routes.
func (x *examination) tokens(ctx context.Context) {
	subject := x.apiSubject()
	app, err := x.application(ctx, x.Outputs.Audience)
	switch {
	case gone(err):
		x.fail(subject, "it does not exist in this tenant: nobody gets a token", "see whether it was deleted: it can be restored for 30 days")
		return
	case err != nil:
		x.unable(subject, err)
		return
	}
	version := "null"
	if app.API.TokenVersion != nil {
		version = fmt.Sprint(*app.API.TokenVersion)
	}
	// https://learn.microsoft.com/entra/identity-platform/access-tokens#token-formats
	x.want(subject, "requestedAccessTokenVersion", version, "2", "tokens name the issuer of v1, and are all refused: "+deploy)
	for _, s := range x.Model.Scopes {
		x.permission("scope "+s.Value, app.API.Scopes, s.Value, s.Retired())
	}
	roles := slices.DeleteFunc(app.Roles, func(r permission) bool { return !slices.Contains(r.Members, "Application") })
	for _, r := range x.Model.Roles {
		x.permission("role "+r.Value, roles, r.Value, r.Retired())
	}
	if len(x.Model.Policy().Routes) > 0 {
		x.tokenKind(subject, app)
	}
}

// permission looks whether Entra has a scope or role as the model says. The
// model's own validation sees to it that routes name no others.
func (x *examination) permission(subject string, exposed []permission, value string, retired bool) {
	i := slices.IndexFunc(exposed, func(p permission) bool { return p.Value == value })
	switch {
	case i < 0 && retired:
		x.ok(subject, "retired, and gone from Entra")
	case i < 0:
		x.fail(subject, "Entra does not have it: no token carries it, and routes that want it refuse everybody", deploy)
	case exposed[i].Enabled == retired:
		x.warn(subject, fmt.Sprintf("enabled in Entra: %t, want %t", exposed[i].Enabled, !retired), deploy)
	case retired:
		x.ok(subject, "disabled in Entra, since it is retired")
	default:
		x.ok(subject, "enabled in Entra")
	}
}

// tokenKind looks whether tokens say that they are app-only, by which the role
// authorizer tells daemons from users.
func (x *examination) tokenKind(subject string, app application) {
	if app.OptionalClaims != nil {
		for _, claim := range app.OptionalClaims.AccessToken {
			if claim.Name == "idtyp" {
				x.ok(subject, "tokens carry the optional claim idtyp")
				return
			}
		}
	}
	x.fail(subject, "access tokens lack the optional claim idtyp: the role authorizer refuses daemons", deploy)
}

// applications looks at the settings of all applications that keep strangers out.
func (x *examination) applications(ctx context.Context) {
	x.registration(ctx, x.apiSubject(), x.Outputs.Audience, func(subject string, app application) {
		uri := "api://" + x.Outputs.Audience
		if slices.Contains(app.IdentifierURIs, uri) {
			x.ok(subject, "has identifier URI "+uri)
		} else {
			x.fail(subject, fmt.Sprintf("identifier URIs: got %q, want %s among them: clients that ask for its scopes get AADSTS500011",
				app.IdentifierURIs, uri), deploy)
		}
	})
	for _, name := range slices.Sorted(maps.Keys(x.Outputs.Clients)) {
		x.registration(ctx, clientSubject(name, x.Outputs.Clients[name]), x.Outputs.Clients[name], nil)
	}
	if rotator, ok := x.Outputs.Credentials[components.RotatorName]; ok {
		x.registration(ctx, clientSubject(components.RotatorName, rotator.ClientID), rotator.ClientID, nil)
	}
	x.assignmentRequired(ctx)
}

// clientSubject is how findings name a client.
func clientSubject(name, clientID string) string { return "client " + name + " (" + clientID + ")" }

// registration looks at one application; more looks at what only it has.
func (x *examination) registration(ctx context.Context, subject, clientID string, more func(string, application)) {
	app, err := x.application(ctx, clientID)
	switch {
	case gone(err):
		x.fail(subject, "its application does not exist in this tenant", "see whether it was deleted: it can be restored for 30 days")
		return
	case err != nil:
		x.unable(subject, err)
		return
	}
	x.want(subject, "signInAudience", app.SignInAudience, "AzureADMyOrg", "accounts of other tenants may sign in to it: "+deploy)
	// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-implicit-grant-flow
	if app.Web.Implicit.AccessTokens || app.Web.Implicit.IDTokens {
		x.fail(subject, fmt.Sprintf("the implicit grant is on: access tokens %t, id tokens %t", app.Web.Implicit.AccessTokens, app.Web.Implicit.IDTokens),
			"turn it off: tokens in addresses leak; "+deploy)
	} else {
		x.ok(subject, "the implicit grant is off")
	}
	if more != nil {
		more(subject, app)
	}
}

// assignmentRequired looks whether Entra asks for an assignment as the model
// says.
func (x *examination) assignmentRequired(ctx context.Context) {
	subject := "service principal of the API"
	principal, err := x.principal(ctx, x.Outputs.Audience)
	switch {
	case gone(err):
		x.fail(subject, "it does not exist: nobody gets a token for the API", deploy)
	case err != nil:
		x.unable(subject, err)
	default:
		fix := "users and daemons without an assignment get tokens: " + deploy
		if principal.AssignmentRequired {
			fix = deploy
		}
		x.want(subject, "appRoleAssignmentRequired", fmt.Sprint(principal.AssignmentRequired), fmt.Sprint(x.Model.Assignment.IsRequired()), fix)
	}
}

// live are those of the values that are not retired, in order.
func live(values []string, m access.Model) []string {
	retired := map[string]bool{}
	for _, s := range m.Scopes {
		retired[s.Value] = s.Retired()
	}
	for _, r := range m.Roles {
		retired[r.Value] = r.Retired()
	}
	kept := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return retired[v] })
	slices.SortFunc(kept, strings.Compare)
	return kept
}
