package graph_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func newUser(name string) object {
	return object{
		"accountEnabled": true, "displayName": name, "mailNickname": name, "userPrincipalName": name + "@contoso.onmicrosoft.com",
		"passwordProfile": object{"password": "not kept", "forceChangePasswordNextSignIn": true},
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	require.ElementsMatch(t, []string{"Alice", "Bob", "Carol"}, names(g.do(200, "GET", "/users", nil)))
	require.Equal(t, g.id("user/bob"), g.do(200, "GET", "/users/BOB@contoso.onmicrosoft.com", nil)["id"])
	require.Equal(t, []string{"Bob"}, names(g.do(200, "GET", "/users?$filter=mailNickname eq 'bob'", nil)))
	dave := g.do(201, "POST", "/users", newUser("dave"))
	require.NotContains(t, dave, "passwordProfile")
	for _, member := range []string{"accountEnabled", "displayName", "mailNickname", "userPrincipalName", "passwordProfile"} {
		body := newUser("erin")
		delete(body, member)
		g.refuses(400, "Request_BadRequest", "A value is required for property '"+member+"'", "POST", "/users", body)
	}
	g.refuses(400, "Request_BadRequest", "Another object with the same value for property userPrincipalName", "POST", "/users", newUser("DAVE"))
	foreign := newUser("erin")
	foreign["userPrincipalName"] = "erin@example.com"
	g.refuses(400, "Request_BadRequest", "domain portion", "POST", "/users", foreign)
	g.do(204, "DELETE", "/users/"+dave["id"].(string), nil)
	g.refuses(404, "Request_ResourceNotFound", "", "GET", "/users/dave@contoso.onmicrosoft.com", nil)
}

func TestGroupsAndMembers(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	team := g.id("group/orders-team")
	require.Equal(t, []string{"Bob"}, names(g.do(200, "GET", "/groups/"+team+"/members", nil)))
	link := func(name string) object { return object{"@odata.id": g.url + "/v1.0/directoryObjects/" + g.id(name)} }
	g.do(204, "POST", "/groups/"+team+"/members/$ref", link("user/alice"))
	g.refuses(400, "Request_BadRequest", "One or more added object references already exist", "POST", "/groups/"+team+"/members/$ref", link("user/alice"))
	g.refuses(404, "Request_ResourceNotFound", "", "POST", "/groups/"+team+"/members/$ref", link("group/orders-team"))
	g.do(200, "GET", "/groups/"+team+"/members/"+g.id("user/alice")+"/$ref", nil)
	g.do(204, "DELETE", "/groups/"+team+"/members/"+g.id("user/alice")+"/$ref", nil)
	g.refuses(404, "Request_ResourceNotFound", "", "DELETE", "/groups/"+team+"/members/"+g.id("user/alice")+"/$ref", nil)

	body := object{
		"displayName": "auditors", "mailEnabled": false, "securityEnabled": true, "mailNickname": "auditors",
		"members@odata.bind": []any{g.url + "/v1.0/directoryObjects/" + g.id("user/carol")},
	}
	made := g.do(201, "POST", "/groups", body)
	require.Equal(t, []string{"Carol"}, names(g.do(200, "GET", "/groups/"+made["id"].(string)+"/members", nil)))
	require.Equal(t, []string{"auditors"}, names(g.do(200, "GET", "/groups?$filter=displayName eq 'auditors'", nil)))
	g.do(204, "DELETE", "/users/"+g.id("user/carol"), nil)
	require.Empty(t, values(g.do(200, "GET", "/groups/"+made["id"].(string)+"/members", nil)))
	g.do(204, "DELETE", "/groups/"+made["id"].(string), nil)

	for member, value := range map[string]any{"displayName": "", "mailNickname": "a b", "mailEnabled": nil, "securityEnabled": nil} {
		wrong := object{"displayName": "x", "mailEnabled": false, "securityEnabled": true, "mailNickname": "x"}
		wrong[member] = value
		g.refuses(400, "Request_BadRequest", member, "POST", "/groups", wrong)
	}
	g.refuses(501, "NotImplemented", "security groups", "POST", "/groups", object{"displayName": "x", "mailEnabled": true, "securityEnabled": false, "mailNickname": "x", "groupTypes": []any{"Unified"}})
}

func TestAGroupThatGoesTakesItsAssignmentsAlong(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	api, _, _ := g.principal(object{"appRoles": []any{role(id1, "Users", true, "User")}})
	team := g.id("group/orders-team")
	g.do(201, "POST", "/groups/"+team+"/appRoleAssignments", object{"principalId": team, "resourceId": api, "appRoleId": id1})
	g.do(204, "DELETE", "/groups/"+team, nil)
	require.Empty(t, values(g.do(200, "GET", "/servicePrincipals/"+api+"/appRoleAssignedTo", nil)))
}

func TestDirectoryObjects(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	id, _ := g.app(object{})
	kinds := map[string]string{
		g.id("user/alice"): "user", g.id("group/orders-team"): "group", id: "application", g.id("principal/Sandbox Deployer"): "servicePrincipal",
	}
	ids := []any{id1}
	for id, kind := range kinds {
		ids = append(ids, id)
		require.Equal(t, "#microsoft.graph."+kind, g.do(200, "GET", "/directoryObjects/"+id, nil)["@odata.type"])
	}
	g.refuses(404, "Request_ResourceNotFound", id1, "GET", "/directoryObjects/"+id1, nil)
	require.Len(t, values(g.do(200, "POST", "/directoryObjects/getByIds", object{"ids": ids})), 4)
	require.Len(t, values(g.do(200, "POST", "/directoryObjects/getByIds", object{"ids": ids, "types": []any{"user", "group"}})), 2)
	g.refuses(400, "Request_BadRequest", "ids", "POST", "/directoryObjects/getByIds", object{})

	// A caller may always read itself.
	g.as("User.Read.All")
	self := g.callers[g.caller].ObjectID
	require.Equal(t, self, g.do(200, "GET", "/directoryObjects/"+self, nil)["id"])
}

func TestOrganizationAndDomains(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	organization := values(g.do(200, "GET", "/organization", nil))[0].(object)
	require.Equal(t, tenantID, organization["id"])
	g.do(200, "GET", "/organization/"+tenantID, nil)
	g.refuses(404, "Request_ResourceNotFound", "", "GET", "/organization/"+id1, nil)
	require.Equal(t, true, g.do(200, "GET", "/domains/contoso.onmicrosoft.com", nil)["isInitial"])
	require.Len(t, values(g.do(200, "GET", "/domains", nil)), 1)
	g.refuses(404, "Request_ResourceNotFound", "", "GET", "/domains/example.com", nil)
}
