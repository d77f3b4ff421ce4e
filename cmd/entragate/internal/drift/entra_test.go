package drift

import (
	"net/http"
	"testing"

	"github.com/google/uuid"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/credentials"
	"github.com/entragate/entragate/components"
)

// patch changes an object of Microsoft Graph.
func patch(path func(*stack) string, in object) func(*testing.T, *stack) {
	return func(t *testing.T, d *stack) { d.graph(t, http.MethodPatch, path(d), in) }
}

func ofAPI(d *stack) string    { return "/applications/" + d.api }
func ofPortal(d *stack) string { return "/applications/" + d.portal }
func ofAPISP(d *stack) string  { return "/servicePrincipals/" + d.apiSP }

func exposed(scopes ...object) object { return object{"api": object{"oauth2PermissionScopes": scopes}} }

var changedEntra = map[string]change{
	"a scope is disabled": {
		patch(ofAPI, exposed(scope(readScope, "Orders.Read", false), scope(oldScope, "Orders.Old", false))),
		[]want{{Changed, Breaking, "scope Orders.Read", "disabled", "users of portal lose what it allows once their tokens end"}},
		[]string{"GET /orders, portal:user: no token"},
	},
	"a retired scope is enabled": {
		patch(ofAPI, exposed(scope(readScope, "Orders.Read", true), scope(oldScope, "Orders.Old", true))),
		[]want{{Changed, Widening, "scope Orders.Old", "enabled", "users of portal get tokens with it again"}},
		nil,
	},
	"users may consent": {
		func(t *testing.T, d *stack) {
			open := scope(readScope, "Orders.Read", true)
			open["type"], open["userConsentDisplayName"], open["userConsentDescription"] = "User", "r", "r"
			patch(ofAPI, exposed(scope(readScope, "Orders.Read", false), scope(oldScope, "Orders.Old", false)))(t, d) // Entra wants it so
			patch(ofAPI, exposed(open, scope(oldScope, "Orders.Old", false)))(t, d)
		},
		[]want{{Changed, Widening, "scope Orders.Read", "consent User", "for any client they sign in to"}},
		[]string{"GET /orders, other-client: allowed by Orders.Read"},
	},
	"a scope is added": {
		patch(ofAPI, exposed(scope(readScope, "Orders.Read", true), scope(oldScope, "Orders.Old", false), scope(signedRole[:35]+"9", "Orders.New", true))),
		[]want{{AddedOutside, Neutral, "scope Orders.New", "enabled", "no declared route takes it"}},
		nil,
	},
	"a role is added and one opened to users": {
		func(t *testing.T, d *stack) {
			closed, open := role(exportRole, "Orders.Export", "Application"), role(exportRole, "Orders.Export", "Application")
			open["allowedMemberTypes"], closed["isEnabled"] = []string{"Application", "User"}, false
			patch(ofAPI, object{"appRoles": []object{closed, role(signedRole, nil, "User")}})(t, d) // Entra wants it so
			patch(ofAPI, object{"appRoles": []object{open, role(signedRole, nil, "User"), role(signedRole[:35]+"9", "Orders.Purge", "Application")}})(t, d)
		},
		[]want{
			{AddedOutside, Neutral, "role Orders.Purge", "enabled", "no declared route takes it"},
			{Changed, Neutral, "role Orders.Export", "User", "count for nothing"},
		},
		nil,
	},
	"a role is not exposed": {
		func(_ *testing.T, d *stack) {
			d.Model.Roles = append(d.Model.Roles, access.Role{Value: "Orders.Purge"})
		},
		[]want{{Missing, Breaking, "role Orders.Purge", "", "no token carries it"}},
		nil,
	},
	"tokens of v1, that do not say what they are": {
		patch(ofAPI, object{"api": object{"requestedAccessTokenVersion": 1}, "optionalClaims": nil}),
		[]want{
			{Changed, Breaking, "application of the API", "requestedAccessTokenVersion 1", "names another issuer"},
			{Missing, Breaking, "application of the API", "", "daemons are refused"},
		},
		[]string{"GET /orders, portal:user: refused 401", "GET /export, export:app: refused 403"},
	},
	"another identifier uri": {
		patch(ofAPI, object{"identifierUris": []string{"api://contoso.onmicrosoft.com/other"}}),
		[]want{
			{Missing, Breaking, "application of the API", "other", "AADSTS500011"},
			{AddedOutside, Neutral, "application of the API", "other", "another name"},
		},
		nil,
	},
	"nobody needs to be assigned": {
		patch(ofAPISP, object{"appRoleAssignmentRequired": false}),
		[]want{{Changed, Widening, "service principal of the API", "appRoleAssignmentRequired: false", "every user of the tenant gets a token"}},
		[]string{"GET /orders, unassigned-user: allowed by Orders.Read"},
	},
	"the API is disabled": {
		patch(ofAPISP, object{"accountEnabled": false}),
		[]want{{Changed, Breaking, "application of the API", "disabled", "nobody gets a token"}},
		[]string{"GET /orders, portal:user: no token", "GET /export, export:app: no token"},
	},
	"other tenants, and tokens in addresses": {
		patch(ofPortal, object{"signInAudience": "AzureADMultipleOrgs", "web": object{"implicitGrantSettings": object{"enableIdTokenIssuance": true}}}),
		[]want{
			{Changed, Widening, "client portal", "AzureADMultipleOrgs", "other tenants"},
			{Changed, Widening, "client portal", "ID tokens true", "has its token"},
		},
		nil,
	},
	"the API's application is gone": {
		func(t *testing.T, d *stack) { d.graph(t, http.MethodDelete, ofAPI(d), nil) },
		[]want{
			{Missing, Breaking, "application of the API", "", "nobody gets a token"},
			{Missing, Breaking, "client portal", "", "lose what Orders.Read allows"},
			{Missing, Breaking, "client export", "", "loses what Orders.Export allows"},
			{Missing, Breaking, "user or group", "", "AADSTS50105"},
		},
		[]string{"GET /orders, portal:user: no token"},
	},
}

var changedGrants = map[string]change{
	"a stranger is granted a scope": {
		func(t *testing.T, d *stack) {
			_, _, sp := d.register(t, object{"displayName": "Stranger " + d.name})
			d.grant(t, sp, "Orders.Read", "")
		},
		[]want{{AddedOutside, Widening, "client Stranger", "granted Orders.Read for all users", "the client is not declared"}},
		[]string{"GET /orders, Stranger …:user: allowed by Orders.Read"},
	},
	"a stranger needs no consent": {
		func(t *testing.T, d *stack) {
			_, id, _ := d.register(t, object{"displayName": "Stranger " + d.name})
			patch(ofAPI, object{"api": object{"preAuthorizedApplications": []object{{"appId": id, "delegatedPermissionIds": []string{readScope}}}}})(t, d)
		},
		[]want{{AddedOutside, Widening, "client ", "pre-authorized for Orders.Read", "without anybody's consent"}},
		[]string{"GET /orders, …:user: allowed by Orders.Read"},
	},
	"a user consents to a stranger": {
		func(t *testing.T, d *stack) {
			_, _, sp := d.register(t, object{"displayName": "Stranger " + d.name})
			d.grant(t, sp, "Orders.Read", d.userID)
		},
		[]want{{AddedOutside, Widening, "client Stranger", "consented to by user", "which nobody declared"}},
		nil,
	},
	"a user consents to more": {
		func(t *testing.T, d *stack) { d.grant(t, d.portalSP, "Orders.Read Orders.Old", d.userID) },
		[]want{{AddedOutside, Widening, "client portal", "Orders.Old, consented to by user", "tokens with Orders.Old by portal"}},
		nil,
	},
	"more is granted": {
		func(t *testing.T, d *stack) {
			d.graph(t, http.MethodPatch, "/oauth2PermissionGrants/"+d.scopeGrant, object{"scope": "Orders.Read Orders.Old"})
		},
		[]want{{AddedOutside, Widening, "client portal", "granted Orders.Read, Orders.Old", "gain what Orders.Old allows"}},
		nil,
	},
	"a grant is gone": {
		func(t *testing.T, d *stack) {
			d.graph(t, http.MethodDelete, "/oauth2PermissionGrants/"+d.scopeGrant, nil)
		},
		[]want{{Missing, Breaking, "client portal", "", "lose what Orders.Read allows"}},
		[]string{"GET /orders, portal:user: no token"},
	},
	"a stranger is assigned a role": {
		func(t *testing.T, d *stack) {
			_, _, sp := d.register(t, object{"displayName": "Stranger " + d.name})
			d.assign(t, sp, exportRole)
		},
		[]want{{AddedOutside, Widening, "application Stranger", "role Orders.Export", "gains what Orders.Export allows, by app-only tokens"}},
		[]string{"GET /export, Stranger …:app: allowed by role Orders.Export"},
	},
	"a stranger is assigned, to no role": {
		func(t *testing.T, d *stack) {
			both := role(signedRole, nil, "User")
			both["allowedMemberTypes"], both["isEnabled"] = []string{"User", "Application"}, true
			off := role(signedRole, nil, "User")
			off["isEnabled"] = false
			for _, r := range []object{off, both} { // Entra wants it so
				patch(ofAPI, object{"appRoles": []object{role(exportRole, "Orders.Export", "Application"), r}})(t, d)
			}
			_, _, sp := d.register(t, object{"displayName": "Stranger " + d.name})
			d.assign(t, sp, signedRole)
		},
		[]want{{AddedOutside, Widening, "application Stranger", "assigned to the API", "app-only tokens for the API, with no role"}},
		nil,
	},
	"a client is assigned a role that is not its own": {
		func(t *testing.T, d *stack) { d.assign(t, d.portalSP, exportRole) },
		[]want{{AddedOutside, Widening, "client portal", "role Orders.Export", "by app-only tokens"}},
		[]string{"GET /export, portal as itself:app: allowed by role Orders.Export"},
	},
	"a role is taken away": {
		func(t *testing.T, d *stack) {
			d.graph(t, http.MethodDelete, "/servicePrincipals/"+d.apiSP+"/appRoleAssignedTo/"+d.roleGrant, nil)
		},
		[]want{{Missing, Breaking, "client export", "", "loses what Orders.Export allows"}},
		[]string{"GET /export, export:app: no token"},
	},
	"another user is assigned": {
		func(t *testing.T, d *stack) {
			d.assign(t, d.graph(t, http.MethodGet, "/users/carol@contoso.onmicrosoft.com", nil)["id"].(string), signedRole)
		},
		[]want{{AddedOutside, Widening, "user Carol", "assigned to the API", "gets tokens for the API"}},
		nil,
	},
	"a user and a group are not assigned": {
		func(_ *testing.T, d *stack) {
			d.Model.Assignment.Users = append(d.Model.Assignment.Users, "somebody")
			d.Model.Assignment.Groups = []string{"some"}
		},
		[]want{
			{Missing, Breaking, "user or group somebody", "", "AADSTS50105"},
			{Missing, Breaking, "user or group some", "", "AADSTS50105"},
		},
		nil,
	},
}

var changedClients = map[string]change{
	"a redirect uri is added and one gone": {
		patch(ofPortal, object{"spa": object{"redirectUris": []string{"https://evil.example.com/cb"}}}),
		[]want{
			{AddedOutside, Widening, "client portal", "single-page redirect URI https://evil.example.com/cb", "gets the sign-ins of its users"},
			{Missing, Breaking, "client portal", "", "AADSTS50011"},
		},
		nil,
	},
	"a redirect uri of another platform": {
		patch(ofPortal, object{"web": object{"redirectUris": []string{"https://evil.example.com/cb"}}}),
		[]want{{AddedOutside, Widening, "client portal", "web redirect URI", "gets the sign-ins"}},
		nil,
	},
	"a public client": {
		patch(ofPortal, object{"isFallbackPublicClient": true}),
		[]want{{Changed, Widening, "client portal", "isFallbackPublicClient: true", "without its secret"}},
		nil,
	},
	"a secret is added": {
		func(t *testing.T, d *stack) { d.addSecret(t, d.export, "temporary") },
		[]want{{AddedOutside, Widening, "client export", "secret temporary", "whoever holds it can sign in as this application"}},
		nil,
	},
	"a secret is added where there should be none": {
		func(t *testing.T, d *stack) { d.addSecret(t, d.portal, "") },
		[]want{{AddedOutside, Widening, "client portal", "secret without a name", "whoever holds it"}},
		nil,
	},
	"a secret of the API": {
		func(t *testing.T, d *stack) { d.addSecret(t, d.api, "temporary") },
		[]want{{AddedOutside, Widening, "application of the API", "secret temporary", "whoever holds it"}},
		nil,
	},
	"its secret is gone": {
		func(t *testing.T, d *stack) {
			found := d.graph(t, http.MethodGet, "/applications/"+d.export, nil)["passwordCredentials"].([]any)
			d.change(t, "/applications/"+d.export+"/removePassword", object{"keyId": found[0].(object)["keyId"]})
		},
		[]want{{Missing, Breaking, "client export", "", "cannot sign in"}},
		nil,
	},
	"a federated credential is added": {
		func(t *testing.T, d *stack) {
			d.graph(t, http.MethodPost, "/applications/"+d.export+"/federatedIdentityCredentials", object{
				"name": "workflow", "issuer": "https://token.actions.githubusercontent.com", "subject": "repo:x/y:ref:refs/heads/main",
				"audiences": []string{"api://AzureADTokenExchange"},
			})
		},
		[]want{{AddedOutside, Widening, "client export", "repo:x/y", "can sign in as this application"}},
		nil,
	},
	"a federated credential is gone": {
		func(_ *testing.T, d *stack) {
			d.Model.Clients[1].Credential = &access.Credential{Issuer: "https://i.example.com", Subject: "s"}
		},
		[]want{
			{Missing, Breaking, "client export", "", "cannot sign in"},
			{AddedOutside, Widening, "client export", "secret ", "whoever holds it"},
		},
		nil,
	},
	"a certificate is gone": {
		func(_ *testing.T, d *stack) {
			d.Model.Clients[1].Credential = &access.Credential{Kind: access.CredentialCertificate}
		},
		[]want{
			{Missing, Breaking, "client export", "", "cannot sign in"},
			{AddedOutside, Widening, "client export", "secret ", "whoever holds it"},
		},
		nil,
	},
	"the rotator is gone": {
		func(_ *testing.T, d *stack) {
			d.Credentials = map[string]credentials.Declared{components.RotatorName: {Kind: access.CredentialFederated, ClientID: uuid.NewString()}}
		},
		[]want{{Missing, Breaking, components.RotatorName, "", "not rotated any more"}},
		nil,
	},
	"the rotator takes other tokens": {
		func(t *testing.T, d *stack) {
			_, rotator, _ := d.register(t, object{"displayName": "rotator " + d.name, "spa": object{"redirectUris": []string{callback}}})
			d.OutboundIssuer = "https://i.example.com"
			d.Model.Clients[1].Credential = &access.Credential{Kind: access.CredentialSecret}
			d.Credentials = map[string]credentials.Declared{components.RotatorName: {Kind: access.CredentialFederated, ClientID: rotator}}
		},
		[]want{
			{Missing, Breaking, components.RotatorName, "", "cannot sign in"},
			{AddedOutside, Widening, components.RotatorName, "single-page redirect URI", "gets the sign-ins"},
			{Missing, Neutral, "client export", "", "cannot change it any more"},
		},
		nil,
	},
	"another owner": {
		func(t *testing.T, d *stack) {
			d.change(t, "/applications/"+d.export+"/owners/$ref", object{
				"@odata.id": d.Clouds.Graph.Endpoint + "/v1.0/directoryObjects/" + d.userID,
			})
		},
		[]want{{AddedOutside, Widening, "client export", "owner Alice", "can give it secrets"}},
		nil,
	},
	"an owner that is none": {
		func(_ *testing.T, d *stack) { d.Owners = append(d.Owners, "somebody") },
		[]want{
			{Missing, Neutral, "application of the API", "", "somebody cannot change it"},
			{Missing, Neutral, "application of the API", "", "somebody cannot change it"},
			{Missing, Neutral, "client portal", "", "somebody cannot change it"},
			{Missing, Neutral, "client portal", "", "somebody cannot change it"},
			{Missing, Neutral, "client export", "", "somebody cannot change it"},
			{Missing, Neutral, "client export", "", "somebody cannot change it"},
		},
		nil,
	},
	"a client is disabled": {
		func(t *testing.T, d *stack) {
			d.graph(t, http.MethodPatch, "/servicePrincipals/"+d.exportSP, object{"accountEnabled": false})
		},
		[]want{{Changed, Breaking, "client export", "disabled", "daemon export get no token"}},
		[]string{"GET /export, export:app: no token"},
	},
	"a client is gone": {
		func(t *testing.T, d *stack) { d.graph(t, http.MethodDelete, ofPortal(d), nil) },
		[]want{
			{Missing, Breaking, "client portal", "", "users of portal get no token"},
			{Missing, Breaking, "client portal", "", "lose what Orders.Read allows"},
		},
		[]string{"GET /orders, portal:user: no token"},
	},
}
