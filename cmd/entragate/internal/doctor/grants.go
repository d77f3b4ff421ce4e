package doctor

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
)

// delegatedGrant is consent to scopes of a resource.
type delegatedGrant struct {
	ClientID    string `json:"clientId"` // of the service principal
	ConsentType string `json:"consentType"`
	ResourceID  string `json:"resourceId"`
	Scope       string `json:"scope"`
}

// forEverybody is the consent type of an administrator's grant.
const forEverybody = "AllPrincipals"

func (g delegatedGrant) scopes() []string { return strings.Fields(g.Scope) }

// assignment is that of an app role.
type assignment struct {
	RoleID        string `json:"appRoleId"`
	PrincipalID   string `json:"principalId"`
	PrincipalType string `json:"principalType"`
	PrincipalName string `json:"principalDisplayName"`
}

// grants looks whether who should have a permission has it, and who else has.
func (x *examination) grants(ctx context.Context) {
	if x.GrantsExternal {
		x.info("grants", "an administrator makes them, and takes them away: the stack does not", x.grantFix())
	}
	subject := "service principal of the API"
	api, err := x.principal(ctx, x.Outputs.Audience)
	switch {
	case gone(err):
		x.fail(subject, "it does not exist: nobody gets a token for the API", deploy)
		return
	case err != nil:
		x.unable(subject, err)
		return
	case !api.Enabled:
		x.fail(subject, "it is disabled: nobody gets a token for the API", enable(api))
	default:
		x.ok(subject, "is enabled")
	}
	clients := x.clientPrincipals(ctx)
	// https://learn.microsoft.com/graph/api/oauth2permissiongrant-list
	ofAPI := url.QueryEscape("resourceId eq '" + api.ID + "'")
	grants, err := clouds.List[delegatedGrant](ctx, x.Clouds.Graph, "/oauth2PermissionGrants?$filter="+ofAPI)
	if err != nil {
		x.unable("delegated grants", err)
	} else {
		x.delegated(ctx, grants, clients)
	}
	assigned, err := clouds.List[assignment](ctx, x.Clouds.Graph, "/servicePrincipals/"+api.ID+"/appRoleAssignedTo")
	if err != nil {
		x.unable("assignments", err)
		return
	}
	x.assignments(assigned, api, clients)
}

// enable is how a service principal is enabled.
func enable(p servicePrincipal) string {
	return "enable it in Entra: `az ad sp update --id " + p.ID + " --set accountEnabled=true`"
}

// grantFix is how a missing grant is made.
func (x *examination) grantFix() string {
	if x.GrantsExternal {
		return "an administrator runs what `pulumi stack output administrator` lists"
	}
	return deploy
}

// clientPrincipals are the service principals of the model's clients, by object
// id.
func (x *examination) clientPrincipals(ctx context.Context) map[string]access.Client {
	found := map[string]access.Client{}
	for _, c := range x.Model.Clients {
		subject := clientSubject(c.Name, x.Outputs.Clients[c.Name])
		principal, err := x.principal(ctx, x.Outputs.Clients[c.Name])
		switch {
		case x.Outputs.Clients[c.Name] == "" || gone(err):
			x.fail(subject, "it has no service principal: nobody can sign in to it", deploy)
			continue
		case err != nil:
			x.unable(subject, err)
			continue
		case !principal.Enabled:
			x.fail(subject, "its service principal is disabled: it gets no token (AADSTS7000112)", enable(principal))
		default:
			x.ok(subject, "its service principal is enabled")
		}
		found[principal.ID] = c
		if c.Kind.IsDelegated() {
			x.signInGrant(ctx, subject, principal)
		}
	}
	return found
}

// signIn is what users need of Microsoft Graph to sign in at all.
// https://learn.microsoft.com/entra/identity-platform/scopes-oidc
var signIn = []string{"offline_access", "openid", "profile"}

// signInGrant looks whether users meet a consent prompt, or a wall, when they
// first sign in.
func (x *examination) signInGrant(ctx context.Context, subject string, principal servicePrincipal) {
	grants, err := clouds.List[delegatedGrant](ctx, x.Clouds.Graph, "/servicePrincipals/"+principal.ID+"/oauth2PermissionGrants")
	if err != nil {
		x.unable(subject, err)
		return
	}
	var has []string
	for _, g := range grants {
		if g.ConsentType == forEverybody {
			has = append(has, g.scopes()...)
		}
	}
	if missing := without(signIn, has); len(missing) > 0 {
		x.warn(subject, fmt.Sprintf("its users meet a consent prompt, or a wall: nobody granted %s of Microsoft Graph", strings.Join(missing, ", ")),
			x.grantFix())
		return
	}
	x.ok(subject, "its users can sign in without a prompt")
}

// delegated compares the grants on the API with the model, both ways.
func (x *examination) delegated(ctx context.Context, grants []delegatedGrant, clients map[string]access.Client) {
	has := map[string][]string{} // for everybody, by client
	strangers := map[string][]string{}
	for _, g := range grants {
		_, known := clients[g.ClientID]
		switch {
		case !known:
			strangers[g.ClientID] = append(strangers[g.ClientID], g.scopes()...)
		case g.ConsentType == forEverybody:
			has[g.ClientID] = append(has[g.ClientID], g.scopes()...)
		} // what one user consented to is theirs
	}
	for _, id := range sortedKeys(clients) {
		c := clients[id]
		subject, wanted := clientSubject(c.Name, x.Outputs.Clients[c.Name]), live(c.Scopes, x.Model)
		if missing := without(wanted, has[id]); len(missing) > 0 {
			x.fail(subject, "its users get no token with "+strings.Join(missing, ", ")+": nobody granted it", x.grantFix())
		} else if len(wanted) > 0 {
			x.ok(subject, "is granted "+strings.Join(wanted, ", "))
		}
		if extra := without(has[id], wanted); len(extra) > 0 {
			x.warn(subject, "is granted "+strings.Join(extra, ", ")+", which the configuration does not say",
				"take it away in Entra, or declare it: "+deploy)
		}
	}
	for _, id := range sortedKeys(strangers) {
		x.warn("client "+x.nameOf(ctx, id), "the configuration does not know it, and it is granted "+sorted(without(strangers[id], nil)),
			"take the grant away in Entra, or declare the client")
	}
}

// nameOf is how a service principal is called; its id if that cannot be read.
func (x *examination) nameOf(ctx context.Context, id string) string {
	var p servicePrincipal
	if err := x.Clouds.Graph.Call(ctx, http.MethodGet, "/servicePrincipals/"+id+"?$select=appId,displayName", nil, &p); err != nil {
		return id // the grant is what matters
	}
	return fmt.Sprintf("%s (%s)", p.DisplayName, p.AppID)
}

// assignments compares who is assigned to the API with the model, both ways.
func (x *examination) assignments(found []assignment, api servicePrincipal, clients map[string]access.Client) {
	roles := map[string]string{} // values by id
	for _, r := range api.Roles {
		roles[r.ID] = r.Value
	}
	has := map[string][]string{} // roles, by whom they are assigned to
	for _, a := range found {
		has[a.PrincipalID] = append(has[a.PrincipalID], roles[a.RoleID])
	}
	for _, id := range sortedKeys(clients) {
		c := clients[id]
		subject, wanted := clientSubject(c.Name, x.Outputs.Clients[c.Name]), live(c.Roles, x.Model)
		if missing := without(wanted, has[id]); len(missing) > 0 {
			x.fail(subject, "it gets no token with role "+strings.Join(missing, ", ")+": it is not assigned to it", x.grantFix())
		} else if len(wanted) > 0 {
			x.ok(subject, "holds "+strings.Join(wanted, ", "))
		}
		if extra := without(has[id], wanted); len(extra) > 0 {
			x.warn(subject, "holds "+strings.Join(extra, ", ")+", which the configuration does not say",
				"take it away in Entra, or declare it: "+deploy)
		}
	}
	for kind, ids := range map[string][]string{"user": x.Model.Assignment.Users, "group": x.Model.Assignment.Groups} {
		for _, id := range ids {
			if len(has[id]) == 0 {
				x.fail(kind+" "+id, "is not assigned to the API, and gets no token (AADSTS50105)", x.grantFix())
			} else {
				x.ok(kind+" "+id, "is assigned to the API")
			}
		}
	}
	for _, a := range found {
		_, known := clients[a.PrincipalID]
		if known || slices.Contains(x.Model.Assignment.Users, a.PrincipalID) || slices.Contains(x.Model.Assignment.Groups, a.PrincipalID) {
			continue
		}
		what := "may get tokens for the API"
		if role := roles[a.RoleID]; role != "" {
			what = "holds " + role
		}
		x.warn(fmt.Sprintf("%s %s (%s)", strings.ToLower(a.PrincipalType), a.PrincipalName, a.PrincipalID),
			"the configuration does not know it, and it "+what, "take the assignment away in Entra, or declare it")
	}
}

// without are the values that are not among others, each once.
func without(values, others []string) []string {
	var left []string
	for _, v := range values {
		if !slices.Contains(others, v) && !slices.Contains(left, v) {
			left = append(left, v)
		}
	}
	return left
}
