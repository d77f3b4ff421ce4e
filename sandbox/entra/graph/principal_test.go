package graph_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

func TestAServicePrincipalShowsItsApplication(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	appObjectID, appID := g.app(object{
		"displayName": "Orders",
		"api":         object{"requestedAccessTokenVersion": 2, "oauth2PermissionScopes": []any{scope(id1, "Orders.Read", true)}},
		"appRoles":    []any{role(id2, "Orders.Run", true, "Application")},
		"web":         object{"redirectUris": []any{"https://example.com/cb"}},
	})
	g.do(204, "PATCH", "/applications/"+appObjectID, object{"identifierUris": []any{"api://" + appID}})
	p := g.do(201, "POST", "/servicePrincipals", object{
		"appId": appID, "accountEnabled": true, "appRoleAssignmentRequired": true, "description": "TERRAFORM_UPDATE_1", "tags": []any{"a"},
		"alternativeNames": []any{}, "loginUrl": nil, "notes": nil, "notificationEmailAddresses": []any{}, "preferredSingleSignOnMode": nil, "samlSingleSignOnSettings": nil,
	})
	path := "/servicePrincipals/" + p["id"].(string)
	g.do(204, "PATCH", path, object{"id": p["id"], "description": nil})
	read := g.do(200, "GET", path, nil)
	require.Nil(t, read["description"])
	require.Equal(t, true, read["appRoleAssignmentRequired"])
	require.Equal(t, []any{"api://" + appID, appID}, read["servicePrincipalNames"])
	require.Equal(t, []any{"https://example.com/cb"}, read["replyUrls"])
	require.Equal(t, tenantID, read["appOwnerOrganizationId"])
	require.Equal(t, id1, read["oauth2PermissionScopes"].([]any)[0].(object)["id"])
	require.Equal(t, id2, read["appRoles"].([]any)[0].(object)["id"])

	g.do(204, "PATCH", "/applications/"+appObjectID, object{"displayName": "Renamed", "web": object{"redirectUris": []any{}}})
	require.Equal(t, []any{}, g.do(200, "GET", path, nil)["replyUrls"])
	require.Equal(t, "Renamed", g.do(200, "GET", path, nil)["displayName"])
	graph := g.do(200, "GET", "/servicePrincipals(appId='"+directory.GraphAppID+"')", nil)
	require.Equal(t, "Microsoft Graph", graph["displayName"])
	require.NotEqual(t, tenantID, graph["appOwnerOrganizationId"])
}

func TestServicePrincipalRules(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	p, _, appID := g.principal(object{})
	g.refuses(400, "NoBackingApplicationObject", "The appId '"+id1+"' of the service principal does not reference a valid application object.", "POST", "/servicePrincipals", object{"appId": id1})
	g.refuses(400, "Request_BadRequest", "A value is required for property 'appId'", "POST", "/servicePrincipals", object{})
	g.refuses(409, "Request_MultipleObjectsWithSameKeyValue", appID+" is already in use", "POST", "/servicePrincipals", object{"appId": appID})
	g.refuses(400, "Request_BadRequest", "Property 'appId' is read-only", "PATCH", "/servicePrincipals/"+p, object{"appId": id1})
	g.refuses(400, "Request_BadRequest", "accountEnabled", "PATCH", "/servicePrincipals/"+p, object{"accountEnabled": "yes"})
	g.refuses(400, "Request_BadRequest", "Invalid property 'nope'", "PATCH", "/servicePrincipals/"+p, object{"nope": 1})
	g.refuses(400, "DuplicateValue", "", "PATCH", "/servicePrincipals/"+p, object{"tags": []any{"a", "a"}})
}

func TestOwners(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	p, id, _ := g.principal(object{"owners@odata.bind": []any{g.url + "/v1.0/" + tenantID + "/directoryObjects/" + g.id("user/alice")}})
	for _, path := range []string{"/applications/" + id, "/servicePrincipals/" + p} {
		link := func(name string) object {
			return object{"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/" + g.id(name)}
		}
		g.do(204, "POST", path+"/owners/$ref", link("user/bob"))
		g.refuses(400, "Request_BadRequest", "One or more added object references already exist", "POST", path+"/owners/$ref", link("user/bob"))
		g.refuses(404, "Request_ResourceNotFound", id1, "POST", path+"/owners/$ref", object{"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/" + id1})
		g.refuses(404, "Request_ResourceNotFound", "", "POST", path+"/owners/$ref", link("group/orders-team"))
		g.refuses(400, "Request_BadRequest", "@odata.id", "POST", path+"/owners/$ref", object{})
		g.do(200, "GET", path+"/owners/"+g.id("user/bob")+"/$ref", nil)
		g.do(204, "DELETE", path+"/owners/"+g.id("user/bob")+"/$ref", nil)
		g.refuses(404, "Request_ResourceNotFound", "", "GET", path+"/owners/"+g.id("user/bob")+"/$ref", nil)
		g.refuses(400, "Request_BadRequest", "One or more removed object references do not exist", "DELETE", path+"/owners/"+g.id("user/bob")+"/$ref", nil)
	}
	require.Equal(t, []string{"Alice"}, names(g.do(200, "GET", "/applications/"+id+"/owners", nil)))
	require.Empty(t, values(g.do(200, "GET", "/servicePrincipals/"+p+"/owners", nil)))
	g.do(204, "DELETE", "/applications/"+id+"/owners/"+g.id("user/alice")+"/$ref", nil)
	require.Empty(t, values(g.do(200, "GET", "/applications/"+id+"/owners", nil)))
	g.refuses(400, "Request_BadRequest", "owners reference", "PATCH", "/applications/"+id, object{"owners@odata.bind": []any{}})
}

func TestOwnersWhoMayNotBeReadShowTheirIDOnly(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	id, _ := g.app(object{"owners@odata.bind": []any{"directoryObjects/" + g.id("user/alice")}})
	g.as("Application.Read.All")
	require.Equal(t, []any{object{"@odata.type": "#microsoft.graph.user", "id": g.id("user/alice")}}, values(g.do(200, "GET", "/applications/"+id+"/owners", nil)))
}

func TestAppRoleAssignments(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	api, _, appID := g.principal(object{"appRoles": []any{
		role(id1, "Users", true, "User"), role(id2, "Daemons", true, "Application"), role(id3, "Off", false, "User", "Application"),
	}})
	daemon, _, _ := g.principal(object{"displayName": "daemon"})
	bare, _, bareApp := g.principal(object{"displayName": "bare"})
	alice, team := g.id("user/alice"), g.id("group/orders-team")
	path := "/servicePrincipals/" + api + "/appRoleAssignedTo"
	assign := func(principal, role string) object {
		return object{"principalId": principal, "resourceId": api, "appRoleId": role}
	}
	notFound := "Permission being assigned was not found on application '" + appID + "'."
	refused := map[string]struct {
		body    object
		message string
	}{
		"a user to a role for daemons":  {assign(alice, id2), notFound},
		"a daemon to a role for users":  {assign(daemon, id1), notFound},
		"a group to a role for daemons": {assign(team, id2), notFound},
		"a disabled role":               {assign(alice, id3), notFound},
		"an unknown role":               {assign(alice, "0f0f0f0f-0000-4000-8000-000000000009"), notFound},
		"the default role":              {assign(alice, uuid.Nil.String()), notFound},
		"an unknown principal":          {assign(id1, id1), "Not a valid reference update"},
		"another resource":              {object{"principalId": alice, "resourceId": daemon, "appRoleId": id1}, "resourceId"},
		"no principal":                  {object{"resourceId": api, "appRoleId": id1}, "A value is required for property 'principalId'"},
		"a role that is no GUID":        {assign(alice, "Users"), "appRoleId"},
	}
	for name, tc := range refused {
		t.Run(name, func(*testing.T) { g.refuses(400, "Request_BadRequest", tc.message, "POST", path, tc.body) })
	}
	made := g.do(201, "POST", path, assign(team, id1))
	require.Equal(t, "Group", made["principalType"])
	require.Equal(t, "orders-team", made["principalDisplayName"])
	require.Equal(t, "Orders", made["resourceDisplayName"])
	require.GreaterOrEqual(t, len(made["id"].(string)), 22)
	g.refuses(400, "Request_BadRequest", "Permission being assigned already exists on the object", "POST", path, assign(team, id1))
	g.do(201, "POST", "/servicePrincipals/"+daemon+"/appRoleAssignments", assign(daemon, id2))
	g.do(201, "POST", "/users/alice@contoso.onmicrosoft.com/appRoleAssignments", assign(alice, id1))
	g.do(201, "POST", "/servicePrincipals/"+bare+"/appRoleAssignedTo", object{"principalId": alice, "appRoleId": uuid.Nil.String()})

	one := g.do(200, "GET", path+"?$filter=id eq '"+made["id"].(string)+"'", nil)
	require.Equal(t, team, values(one)[0].(object)["principalId"])
	require.Len(t, values(one), 1)
	require.Len(t, values(g.do(200, "GET", path, nil)), 3)
	require.Len(t, values(g.do(200, "GET", "/users/"+alice+"/appRoleAssignments", nil)), 2)
	require.Len(t, values(g.do(200, "GET", "/servicePrincipals(appId='"+bareApp+"')/appRoleAssignments", nil)), 0)
	g.do(200, "GET", path+"/"+made["id"].(string), nil)
	g.refuses(404, "Request_ResourceNotFound", "", "DELETE", "/servicePrincipals/"+bare+"/appRoleAssignedTo/"+made["id"].(string), nil)
	g.do(204, "DELETE", path+"/"+made["id"].(string), nil)
	g.refuses(404, "Request_ResourceNotFound", "", "GET", path+"/"+made["id"].(string), nil)
}

func TestDelegatedGrants(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	client, _, _ := g.principal(object{"displayName": "client"})
	api, _, _ := g.principal(object{"displayName": "api"})
	alice, bob := g.id("user/alice"), g.id("user/bob")
	grant := func(kind string, principal any, scope string) object {
		return object{"clientId": client, "consentType": kind, "principalId": principal, "resourceId": api, "scope": scope}
	}
	with := func(o object, name string, value any) object { o[name] = value; return o }
	const bad = "Request_BadRequest"
	all := g.do(201, "POST", "/oauth2PermissionGrants", grant("AllPrincipals", nil, "Orders.Read Orders.Write"))
	require.NotEmpty(t, all["id"])
	g.refuses(409, "Request_MultipleObjectsWithSameKeyValue", "Permission entry already exists.", "POST", "/oauth2PermissionGrants", grant("AllPrincipals", nil, "other"))
	g.do(201, "POST", "/oauth2PermissionGrants", grant("Principal", alice, "Orders.Read"))
	g.do(201, "POST", "/oauth2PermissionGrants", grant("Principal", bob, "Orders.Read"))
	g.refuses(409, "Request_MultipleObjectsWithSameKeyValue", "", "POST", "/oauth2PermissionGrants", grant("Principal", alice, "x"))
	g.refuses(400, bad, "consentType", "POST", "/oauth2PermissionGrants", grant("Everyone", nil, "x"))
	g.refuses(400, bad, "principalId", "POST", "/oauth2PermissionGrants", grant("Principal", nil, "x"))
	g.refuses(400, bad, "principalId", "POST", "/oauth2PermissionGrants", grant("AllPrincipals", alice, "x"))
	g.refuses(400, bad, "Resource '"+id1+"' does not exist", "POST", "/oauth2PermissionGrants", grant("Principal", id1, "x"))
	g.refuses(400, bad, "Resource '"+id1+"' does not exist", "POST", "/oauth2PermissionGrants", with(grant("AllPrincipals", nil, "x"), "clientId", id1))
	g.refuses(400, bad, "Resource '"+id1+"' does not exist", "POST", "/oauth2PermissionGrants", with(grant("AllPrincipals", nil, "x"), "resourceId", id1))
	g.refuses(400, bad, "A value is required for property 'clientId'", "POST", "/oauth2PermissionGrants", with(grant("AllPrincipals", nil, "x"), "clientId", ""))

	path := "/oauth2PermissionGrants/" + all["id"].(string)
	g.do(204, "PATCH", path, object{"id": all["id"], "clientId": client, "resourceId": api, "consentType": "AllPrincipals", "scope": "Orders.Read"})
	require.Equal(t, "Orders.Read", g.do(200, "GET", path, nil)["scope"])
	g.refuses(400, bad, "Property 'resourceId' is read-only", "PATCH", path, object{"resourceId": client})
	require.Len(t, values(g.do(200, "GET", "/oauth2PermissionGrants?$filter=clientId eq '"+client+"' and consentType eq 'AllPrincipals'", nil)), 1)
	require.Len(t, values(g.do(200, "GET", "/servicePrincipals/"+client+"/oauth2PermissionGrants", nil)), 3)
	require.Empty(t, values(g.do(200, "GET", "/servicePrincipals/"+api+"/oauth2PermissionGrants", nil)))
	g.do(204, "DELETE", path, nil)
	g.refuses(404, "Request_ResourceNotFound", "", "DELETE", path, nil)
}

func TestDeletedApplications(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	client, clientApp, _ := g.principal(object{"displayName": "client"})
	api, apiApp, appID := g.principal(object{"displayName": "api", "api": object{"requestedAccessTokenVersion": 2}, "identifierUris": []any{"api://orders"}})
	g.do(201, "POST", "/oauth2PermissionGrants", object{"clientId": client, "consentType": "AllPrincipals", "resourceId": api, "scope": "a"})
	g.do(201, "POST", "/servicePrincipals/"+api+"/appRoleAssignedTo", object{"principalId": client, "appRoleId": uuid.Nil.String()})
	g.do(204, "POST", "/applications/"+clientApp+"/owners/$ref", object{"@odata.id": "directoryObjects/" + api})

	g.do(204, "DELETE", "/applications/"+apiApp, nil)
	g.refuses(404, "Request_ResourceNotFound", apiApp, "GET", "/applications/"+apiApp, nil)
	g.refuses(404, "Request_ResourceNotFound", apiApp, "DELETE", "/applications/"+apiApp, nil)
	g.refuses(404, "Request_ResourceNotFound", api, "GET", "/servicePrincipals/"+api, nil)
	require.Empty(t, values(g.do(200, "GET", "/oauth2PermissionGrants", nil)))
	require.Empty(t, values(g.do(200, "GET", "/servicePrincipals/"+client+"/appRoleAssignments", nil)))
	require.Empty(t, values(g.do(200, "GET", "/applications/"+clientApp+"/owners", nil)))

	require.Equal(t, []string{"api"}, names(g.do(200, "GET", "/directory/deleteditems/microsoft.graph.application", nil)))
	require.Equal(t, []string{"api"}, names(g.do(200, "GET", "/directory/deletedItems/microsoft.graph.servicePrincipal", nil)))
	require.NotNil(t, g.do(200, "GET", "/directory/deletedItems/"+apiApp, nil)["deletedDateTime"])
	g.refuses(400, "Request_BadRequest", "does not reference a valid application object", "POST", "/directory/deletedItems/"+api+"/restore", nil)

	taken, _ := g.app(object{"api": object{"requestedAccessTokenVersion": 2}, "identifierUris": []any{"api://orders"}})
	g.refuses(400, "Request_BadRequest", "Another object with the same value for property identifierUris", "POST", "/directory/deletedItems/"+apiApp+"/restore", nil)
	g.do(204, "DELETE", "/applications/"+taken, nil)
	require.Equal(t, appID, g.do(200, "POST", "/directory/deletedItems/"+apiApp+"/restore", nil)["appId"])
	require.Nil(t, g.do(200, "GET", "/applications/"+apiApp, nil)["deletedDateTime"])
	g.do(200, "POST", "/directory/deletedItems/"+api+"/restore", nil)
	g.do(200, "GET", "/servicePrincipals/"+api, nil)
	g.refuses(404, "Request_ResourceNotFound", "", "GET", "/directory/deletedItems/"+apiApp, nil)

	g.do(204, "DELETE", "/servicePrincipals/"+api, nil)
	g.do(200, "GET", "/applications/"+apiApp, nil)
	g.do(204, "DELETE", "/directory/deletedItems/"+api, nil)
	g.do(204, "DELETE", "/directory/deletedItems/"+taken, nil)
	g.refuses(404, "Request_ResourceNotFound", "", "DELETE", "/directory/deletedItems/"+taken, nil)
	g.refuses(404, "Request_ResourceNotFound", "", "POST", "/directory/deletedItems/"+taken+"/restore", nil)
}
