package graph_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestRequestsWithoutAUsableTokenAreRefused(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	g.caller = "nobody"
	resp, out := g.send(401, "GET", "/applications", nil)
	require.Contains(t, resp.Header.Get("WWW-Authenticate"), "Bearer ")
	failure := out["error"].(object)
	require.Equal(t, "InvalidAuthenticationToken", failure["code"])
	require.Equal(t, "Access token is empty.", failure["message"])
}

func TestErrorsCarryTheRequestIDs(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	g.header.Set("client-request-id", "11111111-2222-3333-4444-555555555555")
	resp, out := g.send(404, "GET", "/applications/"+id1, nil)
	failure := out["error"].(object)
	inner := failure["innerError"].(object)
	require.Equal(t, "Request_ResourceNotFound", failure["code"])
	require.Equal(t, "Resource '"+id1+"' does not exist or one of its queried reference-property objects are not present.", failure["message"])
	require.Equal(t, "2026-03-01T12:00:00", inner["date"])
	require.Equal(t, resp.Header.Get("request-id"), inner["request-id"])
	require.Equal(t, "11111111-2222-3333-4444-555555555555", inner["client-request-id"])
	require.NoError(t, uuid.Validate(resp.Header.Get("request-id")))
}

func TestWhatIsNotImplementedSaysSo(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	id, _ := g.app(object{})
	for _, op := range []struct{ method, path string }{
		{"POST", "/$batch"},
		{"GET", "/applications/$count"},
		{"PUT", "/applications/" + id + "/logo"},
		{"PUT", "/applications/" + id},
		{"GET", "/applications/" + id + "/extensionProperties"},
		{"POST", "/servicePrincipals/" + id + "/addPassword"},
		{"GET", "/nothing"},
		{"GET", "/applications/" + id + "/owners/x/y/z"},
	} {
		g.refuses(501, "NotImplemented", op.method+" "+op.path, op.method, op.path, object{})
	}
	g.refuses(501, "NotImplemented", "$expand", "GET", "/applications?$expand=owners", nil)
	g.refuses(400, "Request_BadRequest", "Invalid version: v9", "GET", g.url+"/v9/applications", nil)
}

func TestBodiesMustBeJSONObjects(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	for name, body := range map[string]string{
		"broken": `{`, "an array": `[]`, "a string": `"x"`, "null": `null`, "trailing": `{} {}`,
	} {
		t.Run(name, func(*testing.T) {
			g.refuses(400, "BadRequest", "Unable to read JSON request payload", "POST", "/applications", body)
		})
	}
	g.refuses(413, "RequestEntityTooLarge", "", "POST", "/applications", `{"displayName":"`+strings.Repeat("x", 1<<20)+`"}`)
}

func TestAlternateKeysAndTheCaseOfSegments(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	p, id, appID := g.principal(object{})
	for _, path := range []string{
		"/applications/" + id, "/Applications/" + strings.ToUpper(id), "/applications('" + id + "')",
		"/applications(appId='" + appID + "')", "/applications(appId='" + strings.ToUpper(appID) + "')", "/beta/applications/" + id,
		"/applications(appId=%27" + appID + "%27)",
	} {
		require.Equal(t, id, g.do(200, "GET", path, nil)["id"], path)
	}
	require.Equal(t, p, g.do(200, "GET", "/serviceprincipals(appId='"+appID+"')", nil)["id"])
	g.refuses(404, "Request_ResourceNotFound", id1, "GET", "/applications(appId='"+id1+"')", nil)
	g.refuses(404, "Request_ResourceNotFound", "nonsense", "GET", "/applications(nonsense='"+id1+"')", nil)
}

func TestEveryOperationNeedsItsPermission(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	p, id, _ := g.principal(object{})
	deployer := g.id("principal/Sandbox Deployer")
	operations := []struct {
		method, path string
		body         any
		enough       []string
		notEnough    []string
	}{
		{"GET", "/applications/" + id, nil, []string{"Application.Read.All"}, []string{"User.Read.All"}},
		{"GET", "/applications/" + id, nil, []string{"Application.ReadWrite.OwnedBy"}, nil},
		{"GET", "/servicePrincipals", nil, []string{"Directory.Read.All"}, []string{"Group.ReadWrite.All"}},
		{"PATCH", "/applications/" + id, object{"notes": "x"}, []string{"Application.ReadWrite.All"}, []string{"Application.Read.All", "Directory.ReadWrite.All"}},
		{"PATCH", "/servicePrincipals/" + p, object{"notes": "x"}, []string{"Application.ReadWrite.All"}, []string{"Application.ReadWrite.OwnedBy"}},
		{"GET", "/servicePrincipals/" + p + "/appRoleAssignedTo", nil, []string{"AppRoleAssignment.ReadWrite.All"}, []string{"DelegatedPermissionGrant.ReadWrite.All"}},
		{"GET", "/oauth2PermissionGrants", nil, []string{"DelegatedPermissionGrant.Read.All"}, []string{"Application.ReadWrite.All"}},
		{"GET", "/users", nil, []string{"User.Read.All"}, []string{"Group.Read.All", "Application.ReadWrite.All"}},
		{"GET", "/groups", nil, []string{"GroupMember.Read.All"}, []string{"User.Read.All"}},
		{"GET", "/organization", nil, []string{"Organization.Read.All"}, []string{"Application.ReadWrite.All"}},
		{"GET", "/domains", nil, []string{"Domain.Read.All"}, []string{"Organization.Read.All"}},
		{"GET", "/directoryObjects/" + deployer, nil, []string{"Application.Read.All"}, []string{"User.Read.All"}},
		{"GET", "/directoryObjects/" + g.id("user/bob"), nil, []string{"User.Read.All"}, []string{"Application.ReadWrite.All"}},
		{
			"POST", "/servicePrincipals/" + p + "/appRoleAssignedTo",
			object{"principalId": deployer, "appRoleId": uuid.Nil.String()},
			[]string{"AppRoleAssignment.ReadWrite.All", "Application.Read.All"},
			[]string{"AppRoleAssignment.ReadWrite.All"},
		},
		{
			"POST", "/oauth2PermissionGrants",
			object{"clientId": p, "resourceId": p, "consentType": "AllPrincipals", "scope": "a"},
			[]string{"DelegatedPermissionGrant.ReadWrite.All"},
			[]string{"DelegatedPermissionGrant.Read.All", "Directory.Read.All", "Application.ReadWrite.All"},
		},
	}
	for _, op := range operations {
		for _, permission := range append([]string{"Nothing.At.All"}, op.notEnough...) {
			g.as(permission)
			g.refuses(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.", op.method, op.path, op.body)
		}
		g.as(op.enough...)
		status := map[string]int{"GET": 200, "PATCH": 204, "POST": 201}[op.method]
		g.do(status, op.method, op.path, op.body)
	}
}

func TestAUserMayReadHimselfAndNothingElse(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	g.refuses(400, "BadRequest", "delegated authentication flow", "GET", "/me", nil)
	g.caller = "alice"
	require.Equal(t, "alice@contoso.onmicrosoft.com", g.do(200, "GET", "/me", nil)["userPrincipalName"])
	g.refuses(403, "Authorization_RequestDenied", "", "GET", "/applications", nil)
	g.refuses(403, "Authorization_RequestDenied", "", "GET", "/users", nil)
	g.refuses(403, "Authorization_RequestDenied", "", "POST", "/applications", object{"displayName": "x"})
}

// The deployer holds Application.ReadWrite.OwnedBy: it manages what it made
// and loses that when it stops being an owner.
func TestOwnedByReachesOnlyOwnApplications(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	others, othersApp := g.app(object{"displayName": "theirs"})
	g.caller = "deployer"
	deployer := g.callers["deployer"].ObjectID

	own, ownApp := g.app(object{"displayName": "mine"})
	require.Len(t, values(g.do(200, "GET", "/applications/"+own+"/owners", nil)), 1)
	g.do(204, "PATCH", "/applications/"+own, object{"notes": "x"})
	secret := g.do(200, "POST", "/applications/"+own+"/addPassword", object{})
	p := g.do(201, "POST", "/servicePrincipals", object{"appId": ownApp})["id"].(string)
	g.do(204, "PATCH", "/servicePrincipals/"+p, object{"tags": []string{"t"}})

	require.Equal(t, "theirs", g.do(200, "GET", "/applications/"+others, nil)["displayName"])
	denied := func(method, path string, body any) {
		t.Helper()
		g.refuses(403, "Authorization_RequestDenied", "Insufficient privileges", method, path, body)
	}
	denied("PATCH", "/applications/"+others, object{"notes": "x"})
	denied("DELETE", "/applications/"+others, nil)
	denied("POST", "/applications/"+others+"/addPassword", object{})
	denied("POST", "/applications/"+others+"/owners/$ref", object{"@odata.id": g.url + "/v1.0/directoryObjects/" + deployer})
	denied("POST", "/applications/"+others+"/federatedIdentityCredentials", object{})
	denied("POST", "/servicePrincipals", object{"appId": othersApp})
	g.refuses(403, "Authorization_RequestDenied", "must in the local tenant", "POST", "/servicePrincipals", object{"appId": id1})

	g.do(204, "DELETE", "/applications/"+own+"/owners/"+deployer+"/$ref", nil)
	denied("PATCH", "/applications/"+own, object{"notes": "y"})
	denied("POST", "/applications/"+own+"/removePassword", object{"keyId": secret["keyId"]})
	denied("DELETE", "/applications/"+own, nil)
}

func TestConcurrentWritesAreAllKept(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	id, _ := g.app(object{})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			g.do(200, "POST", "/applications/"+id+"/addPassword", object{})
			g.do(200, "GET", "/applications", nil)
		})
	}
	wg.Wait()
	require.Len(t, g.do(200, "GET", "/applications/"+id, nil)["passwordCredentials"], 20)
}
