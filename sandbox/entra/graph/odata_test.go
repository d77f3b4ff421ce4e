package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFilters(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	for i, name := range []string{"Alpha", "Beta", "It's"} {
		g.app(object{
			"displayName": name, "tags": []any{fmt.Sprint("n", i), "all"}, "uniqueName": "u-" + name,
			"api": object{"requestedAccessTokenVersion": 2}, "identifierUris": []any{"api://" + strings.ToLower(name[:2])},
			"appRoles": []any{role(fmt.Sprintf("0f0f0f0f-0000-4000-8000-00000000001%d", i), "Role"+name[:2], true, "User")},
		})
	}
	cases := map[string][]string{
		"displayName eq 'Alpha'":                                           {"Alpha"},
		"displayName eq 'alpha'":                                           {"Alpha"},
		"displayName eq 'It''s'":                                           {"It's"},
		"displayName eq 'Nobody'":                                          {},
		"startswith(displayName,'al')":                                     {"Alpha"},
		"startsWith(displayName, 'Sandbox')":                               {"Sandbox Deployer"},
		"tags/any(t:t eq 'n1')":                                            {"Beta"},
		"tags/any(t:startswith(t,'n')) and displayName eq 'Beta'":          {"Beta"},
		"tags/any(tag: tag eq 'all') and not (displayName eq 'Beta')":      nil,
		"identifierUris/any(u:u eq 'api://be')":                            {"Beta"},
		"uniqueName eq 'u-Alpha'":                                          {"Alpha"},
		"displayName eq 'Alpha' or displayName eq 'Beta'":                  {"Alpha", "Beta"},
		"displayName in ('Alpha','Beta')":                                  {"Alpha", "Beta"},
		"(displayName eq 'Alpha')":                                         {"Alpha"},
		"appRoles/any(r:r/value eq 'RoleBe')":                              {"Beta"},
		"startswith(displayName,'a') and signInAudience eq 'AzureADMyOrg'": {"Alpha"},
		"id eq " + id1:                                                     {},
		"tags/any(t:t eq 'all') and uniqueName eq null":                    {},
	}
	for filter, want := range cases {
		t.Run(filter, func(t *testing.T) {
			if want == nil {
				g.refuses(400, "Request_UnsupportedQuery", "Operator 'Not' is not supported", "GET", "/applications?$filter="+filter, nil)
				return
			}
			require.ElementsMatch(t, want, names(g.do(200, "GET", "/applications?$filter="+filter, nil)))
		})
	}
}

func TestAdvancedFiltersNeedCountAndConsistencyLevel(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	g.app(object{"displayName": "Alpha"})
	for _, filter := range []string{"not (displayName eq 'Alpha')", "displayName ne 'Alpha'", "endswith(mail,'x')"} {
		path := "/applications?$filter=" + filter
		if strings.HasPrefix(filter, "endswith") {
			path = "/users?$filter=" + filter
		}
		g.refuses(400, "Request_UnsupportedQuery", "ConsistencyLevel:eventual", "GET", path, nil)
		g.refuses(400, "Request_UnsupportedQuery", "", "GET", path+"&$count=true", nil)
	}
	g.header.Set("ConsistencyLevel", "eventual")
	out := g.do(200, "GET", "/applications?$count=true&$filter=displayName ne 'Alpha'", nil)
	require.ElementsMatch(t, []string{"Sandbox Deployer", "Contoso Notes"}, names(out))
	require.EqualValues(t, 2, out["@odata.count"])
}

func TestQueriesThatAreRefused(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	for query, message := range map[string]string{
		"$filter=":                                      "",
		"$filter=displayName":                           "Invalid filter clause",
		"$filter=displayName eq Alpha":                  "Invalid filter clause",
		"$filter=displayName eq 'Alpha":                 "Invalid filter clause",
		"$filter=displayName eq 'a' displayName eq 'b'": "Invalid filter clause",
		"$filter=displayName gt 'a'":                    "Invalid filter clause",
		"$filter=(displayName eq 'a'":                   "Invalid filter clause",
		"$filter=tags/any(t:t eq 'a'":                   "Invalid filter clause",
		"$filter=startswith(displayName)":               "Invalid filter clause",
		"$filter=startswith(displayName,5 eq":           "Invalid filter clause",
		"$filter=nope eq 'x'":                           "Could not find a property named 'nope' on type 'microsoft.graph.application'",
		"$filter=notes eq 'x'":                          "Unsupported or invalid query filter clause specified for property 'notes'",
		"$select=displayName,nope":                      "Could not find a property named 'nope'",
		"$top=0":                                        "Invalid page size specified: '0'",
		"$top=1000":                                     "Invalid page size specified: '1000'",
		"$top=many":                                     "Invalid page size specified: 'many'",
		"$skip=5":                                       "'$skip' is not supported by the service",
		"$skiptoken=%25":                                "page token",
	} {
		if message == "" {
			g.do(200, "GET", "/applications?"+query, nil)
			continue
		}
		out := g.do(400, "GET", "/applications?"+query, nil)
		require.Contains(t, out["error"].(object)["message"], message, query)
	}
	deep := strings.Repeat("(", 200) + "displayName eq 'a'" + strings.Repeat(")", 200)
	g.refuses(400, "BadRequest", "nested too deeply", "GET", "/applications?$filter="+deep, nil)
}

func TestPagesHoldEachObjectOnce(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	for i := range 7 {
		g.app(object{"displayName": fmt.Sprint("app ", i), "tags": []any{"paged"}})
	}
	var seen []string
	path := "/applications?$top=3&$select=id,displayName&$filter=tags/any(t:t eq 'paged')"
	for pages := 0; path != ""; pages++ {
		require.Less(t, pages, 3)
		out := g.do(200, "GET", path, nil)
		require.LessOrEqual(t, len(values(out)), 3)
		for _, v := range values(out) {
			require.Len(t, v, 2, "only what was selected")
		}
		seen = append(seen, names(out)...)
		path, _ = out["@odata.nextLink"].(string)
	}
	require.ElementsMatch(t, []string{"app 0", "app 1", "app 2", "app 3", "app 4", "app 5", "app 6"}, seen)
}

// Replication: an object is not found until the lag has passed, with the
// answers that clients retry on.
func TestReplicationLag(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	g.lag = 30 * time.Second
	appObjectID, appID := g.app(object{})
	g.refuses(404, "Request_ResourceNotFound", appObjectID, "GET", "/applications/"+appObjectID, nil)
	g.refuses(404, "Request_ResourceNotFound", appObjectID, "PATCH", "/applications/"+appObjectID, object{"displayName": "x"})
	g.refuses(404, "Request_ResourceNotFound", "", "POST", "/applications/"+appObjectID+"/addPassword", object{})
	require.Empty(t, names(g.do(200, "GET", "/applications?$filter=appId eq '"+appID+"'", nil)))
	g.refuses(400, "NoBackingApplicationObject", "does not reference a valid application object", "POST", "/servicePrincipals", object{"appId": appID})

	g.now = g.now.Add(29 * time.Second)
	g.do(404, "GET", "/applications/"+appObjectID, nil)
	g.now = g.now.Add(time.Second)
	g.do(200, "GET", "/applications/"+appObjectID, nil)

	p := g.do(201, "POST", "/servicePrincipals", object{"appId": appID})["id"].(string)
	deployer := g.id("principal/Sandbox Deployer")
	grant := object{"clientId": p, "resourceId": deployer, "consentType": "AllPrincipals", "scope": "a"}
	assignment := object{"principalId": p, "resourceId": deployer, "appRoleId": "00000000-0000-0000-0000-000000000000"}
	g.refuses(404, "Request_ResourceNotFound", p, "PATCH", "/servicePrincipals/"+p, object{"notes": "x"})
	g.refuses(400, "Request_BadRequest", "Resource '"+p+"' does not exist or one of its queried reference-property objects are not present.", "POST", "/oauth2PermissionGrants", grant)
	g.refuses(400, "Request_BadRequest", "Not a valid reference update", "POST", "/servicePrincipals/"+deployer+"/appRoleAssignedTo", assignment)
	g.refuses(404, "Request_ResourceNotFound", p, "POST", "/applications/"+appObjectID+"/owners/$ref", object{"@odata.id": "directoryObjects/" + p})
	secret := g.do(200, "POST", "/applications/"+appObjectID+"/addPassword", object{})
	require.Empty(t, g.do(200, "GET", "/applications/"+appObjectID, nil)["passwordCredentials"])

	g.now = g.now.Add(30 * time.Second)
	require.Equal(t, secret["keyId"], g.do(200, "GET", "/applications/"+appObjectID, nil)["passwordCredentials"].([]any)[0].(object)["keyId"])
	made := g.do(201, "POST", "/oauth2PermissionGrants", grant)
	g.do(200, "GET", "/oauth2PermissionGrants/"+made["id"].(string), nil)
	g.do(201, "POST", "/servicePrincipals/"+deployer+"/appRoleAssignedTo", assignment)
	require.Len(t, values(g.do(200, "GET", "/servicePrincipals/"+deployer+"/appRoleAssignedTo", nil)), 1)
}
