package graph_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// providerBody is what the azuread provider 2.53.1 sends for an application
// with every optional argument left out.
const providerBody = `{"owners@odata.bind":["%[1]s/v1.0/` + tenantID + `/directoryObjects/%[2]s"],"displayName":"Orders",
"api":{"acceptMappedClaims":false,"knownClientApplications":[],"oauth2PermissionScopes":[],"requestedAccessTokenVersion":2},
"appRoles":[],"description":null,"groupMembershipClaims":null,"identifierUris":[],
"info":{"marketingUrl":null,"privacyStatementUrl":null,"supportUrl":null,"termsOfServiceUrl":null},
"isDeviceOnlyAuthSupported":false,"isFallbackPublicClient":false,"oauth2RequirePostResponse":false,"optionalClaims":{},
"notes":null,"publicClient":{"redirectUris":[]},"requiredResourceAccess":[],"serviceManagementReference":null,
"signInAudience":"AzureADMyOrg","spa":{"redirectUris":[]},"tags":[],
"web":{"homePageUrl":null,"implicitGrantSettings":{"enableAccessTokenIssuance":false,"enableIdTokenIssuance":false},"logoutUrl":null,"redirectUris":[]}}`

func TestWhatTheProviderDoesToAnApplication(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	g.caller = "deployer"
	deployer := g.callers["deployer"].ObjectID

	require.Equal(t, "#microsoft.graph.servicePrincipal", g.do(200, "GET", "/directoryObjects/"+deployer, nil)["@odata.type"])
	resp, app := g.send(201, "POST", "/beta/applications", fmt.Sprintf(providerBody, g.url, deployer))
	id := app["id"].(string)
	require.Equal(t, g.url+"/beta/applications/"+id, resp.Header.Get("Location"))
	require.Equal(t, []any{}, app["passwordCredentials"])
	require.Nil(t, app["optionalClaims"])
	for _, name := range []string{"TERRAFORM_UPDATE_7d1b", "Orders"} {
		g.do(204, "PATCH", "/beta/applications/"+id, object{"id": id, "displayName": name})
		require.Equal(t, name, g.do(200, "GET", "/beta/applications/"+id, nil)["displayName"])
	}
	owners := values(g.do(200, "GET", "/beta/applications/"+id+"/owners?$select=id", nil))
	require.Equal(t, []any{object{"@odata.type": "#microsoft.graph.servicePrincipal", "id": deployer}}, owners)

	secret := g.do(200, "POST", "/beta/applications/"+id+"/addPassword", object{"passwordCredential": object{"displayName": "one"}})
	for range 5 {
		listed := g.do(200, "GET", "/beta/applications/"+id, nil)["passwordCredentials"].([]any)
		require.Equal(t, secret["keyId"], listed[0].(object)["keyId"])
		require.Nil(t, listed[0].(object)["secretText"])
	}
	g.do(204, "DELETE", "/beta/applications/"+id, nil)
	for range 5 {
		g.refuses(404, "Request_ResourceNotFound", id, "GET", "/beta/applications/"+id, nil)
	}
}

func TestAnApplicationReadsBackAsWritten(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	written := object{
		"displayName": "Orders", "description": "orders", "notes": "n", "serviceManagementReference": "ref",
		"signInAudience": "AzureADMyOrg", "tags": []any{"b", "a"}, "groupMembershipClaims": "SecurityGroup,ApplicationGroup",
		"isFallbackPublicClient": true, "isDeviceOnlyAuthSupported": false, "uniqueName": "orders-api",
		"api": object{
			"requestedAccessTokenVersion": 2.0, "acceptMappedClaims": true, "knownClientApplications": []any{id3},
			"oauth2PermissionScopes":    []any{scope(id1, "Orders.Read", true)},
			"preAuthorizedApplications": []any{object{"appId": id3, "delegatedPermissionIds": []any{id1}}},
		},
		"web":            object{"redirectUris": []any{"https://example.com/cb"}, "logoutUrl": "https://example.com/out", "homePageUrl": "https://example.com", "implicitGrantSettings": object{"enableIdTokenIssuance": true, "enableAccessTokenIssuance": false}},
		"spa":            object{"redirectUris": []any{"http://localhost:3000"}},
		"publicClient":   object{"redirectUris": []any{"http://localhost"}},
		"optionalClaims": object{"accessToken": []any{object{"name": "idtyp", "source": nil, "essential": false, "additionalProperties": []any{}}}, "idToken": []any{}, "saml2Token": []any{}},
		"requiredResourceAccess": []any{object{
			"resourceAppId": "00000003-0000-0000-c000-000000000000", "resourceAccess": []any{object{"id": id2, "type": "Scope"}},
		}},
	}
	id, _ := g.app(written)
	read := g.do(200, "GET", "/applications/"+id, nil)
	for name, value := range written {
		require.Equal(t, value, read[name], name)
	}
	// What is read may be written back, as clients that change one member do.
	delete(read, "@odata.context")
	g.do(204, "PATCH", "/applications/"+id, read)
	again := g.do(200, "GET", "/applications/"+id, nil)
	delete(again, "@odata.context")
	require.Equal(t, read, again)

	// Members of complex properties change one by one, collections whole.
	g.do(204, "PATCH", "/applications/"+id, object{
		"api": object{"acceptMappedClaims": nil}, "tags": []any{"c"}, "description": nil, "notes": "", "info": object{"supportUrl": "https://example.com/help"},
		"optionalClaims": object{}, "groupMembershipClaims": nil,
	})
	changed := g.do(200, "GET", "/applications/"+id, nil)
	require.Nil(t, changed["api"].(object)["acceptMappedClaims"])
	require.Len(t, changed["api"].(object)["oauth2PermissionScopes"], 1)
	require.Equal(t, []any{"c"}, changed["tags"])
	require.Nil(t, changed["description"])
	require.Nil(t, changed["groupMembershipClaims"])
	require.Nil(t, changed["optionalClaims"])
	require.Equal(t, "https://example.com/help", changed["info"].(object)["supportUrl"])
	require.Contains(t, changed["info"], "logoUrl")
}

func TestAnsweredDefaults(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	id, appID := g.app(object{"displayName": "bare"})
	read := g.do(200, "GET", "/applications/"+id, nil)
	require.NotEqual(t, id, appID)
	require.Equal(t, "AzureADMyOrg", read["signInAudience"])
	require.Equal(t, "contoso.onmicrosoft.com", read["publisherDomain"])
	require.Equal(t, "2026-03-01T12:00:00Z", read["createdDateTime"])
	require.Nil(t, read["api"].(object)["requestedAccessTokenVersion"])
	for _, collection := range []string{"identifierUris", "appRoles", "tags", "passwordCredentials", "keyCredentials", "requiredResourceAccess"} {
		require.Equal(t, []any{}, read[collection], collection)
	}
	raw, err := json.Marshal(read)
	require.NoError(t, err)
	for _, internal := range []string{"ownerIds", "extra", "secretSha256", "addedAt"} {
		require.NotContains(t, string(raw), internal)
	}
}

func TestApplicationRules(t *testing.T) {
	t.Parallel()
	invalid := func(property string) string {
		return "Invalid value specified for property '" + property + "' of resource 'Application'."
	}
	api := func(scopes ...object) object { return object{"oauth2PermissionScopes": scopes} }
	without := func(o object, name string) object { delete(o, name); return o }
	with := func(o object, name string, value any) object { o[name] = value; return o }
	many := func(n int, make func(i int) any) []any {
		out := []any{}
		for i := range n {
			out = append(out, make(i))
		}
		return out
	}
	const bad, dup = "Request_BadRequest", "DuplicateValue"
	cases := map[string]struct {
		body          object
		code, message string
	}{
		"no display name":                 {object{"displayName": ""}, bad, "A value is required for property 'displayName'"},
		"display name too long":           {object{"displayName": strings.Repeat("x", 121)}, bad, invalid("displayName")},
		"display name a number":           {object{"displayName": 5}, bad, invalid("displayName")},
		"unknown member":                  {object{"displayNam": "x"}, bad, "Invalid property 'displayNam'."},
		"unknown nested member":           {object{"api": object{"scopes": []any{}}}, bad, "The property 'scopes' does not exist"},
		"client id given":                 {object{"appId": id1}, bad, "Property 'appId' is read-only"},
		"unknown audience":                {object{"signInAudience": "Everyone"}, bad, invalid("signInAudience")},
		"token version 3":                 {object{"api": object{"requestedAccessTokenVersion": 3}}, "InvalidAccessTokenVersion", "Property api.requestedAccessTokenVersion is invalid."},
		"token version text":              {object{"api": object{"requestedAccessTokenVersion": "2"}}, bad, invalid("api.requestedAccessTokenVersion")},
		"personal accounts with v1":       {object{"signInAudience": "PersonalMicrosoftAccount"}, "InvalidAccessTokenVersion", ""},
		"scope id not a GUID":             {object{"api": api(scope("read", "Read", true))}, bad, invalid("api.oauth2PermissionScopes.id")},
		"scope value with a space":        {object{"api": api(scope(id1, "Orders Read", true))}, bad, invalid("api.oauth2PermissionScopes.value")},
		"scope value with a quote":        {object{"api": api(scope(id1, `a"b`, true))}, bad, invalid("api.oauth2PermissionScopes.value")},
		"scope value not ASCII":           {object{"api": api(scope(id1, "Bücher", true))}, bad, invalid("api.oauth2PermissionScopes.value")},
		"scope value with a leading dot":  {object{"api": api(scope(id1, ".default", true))}, bad, invalid("api.oauth2PermissionScopes.value")},
		"scope value empty":               {object{"api": api(scope(id1, "", true))}, bad, invalid("api.oauth2PermissionScopes.value")},
		"scope value too long":            {object{"api": api(scope(id1, strings.Repeat("x", 121), true))}, bad, invalid("api.oauth2PermissionScopes.value")},
		"scope type":                      {object{"api": api(with(scope(id1, "a", true), "type", "Everyone"))}, bad, invalid("api.oauth2PermissionScopes.type")},
		"scope without consent text":      {object{"api": api(without(scope(id1, "a", true), "adminConsentDescription"))}, bad, "A value is required for property 'api.oauth2PermissionScopes.adminConsentDescription'"},
		"scopes with one value":           {object{"api": api(scope(id1, "a", true), scope(id2, "a", true))}, dup, "duplicate values"},
		"scopes with one id":              {object{"api": api(scope(id1, "a", true), scope(id1, "b", true))}, dup, "duplicate values"},
		"role id not a GUID":              {object{"appRoles": []any{role("run", "Run", true, "User")}}, bad, invalid("appRoles.id")},
		"role id zero":                    {object{"appRoles": []any{role("00000000-0000-0000-0000-000000000000", "Run", true, "User")}}, bad, invalid("appRoles.id")},
		"role for nobody":                 {object{"appRoles": []any{role(id1, "Run", true)}}, bad, "A value is required for property 'appRoles.allowedMemberTypes'"},
		"role for a device":               {object{"appRoles": []any{role(id1, "Run", true, "Device")}}, bad, invalid("appRoles.allowedMemberTypes")},
		"role value with a space":         {object{"appRoles": []any{role(id1, "Run it", true, "User")}}, bad, invalid("appRoles.value")},
		"role without description":        {object{"appRoles": []any{without(role(id1, "Run", true, "User"), "description")}}, bad, "A value is required for property 'appRoles.description'"},
		"roles with one value":            {object{"appRoles": []any{role(id1, "Run", true, "User"), role(id2, "Run", true, "User")}}, dup, "duplicate values"},
		"scope and role with one value":   {object{"api": api(scope(id1, "Run", true)), "appRoles": []any{role(id2, "Run", true, "User")}}, dup, "duplicate values"},
		"scope and role with one id":      {object{"api": api(scope(id1, "Read", true)), "appRoles": []any{role(id1, "Run", true, "User")}}, bad, "The following values must match"},
		"scope and role that differ":      {object{"api": api(scope(id1, "Run", true)), "appRoles": []any{role(id1, "Run", true, "User")}}, bad, "The following values must match"},
		"pre-authorized for a lost scope": {object{"api": object{"preAuthorizedApplications": []any{object{"appId": id3, "delegatedPermissionIds": []any{id1}}}}}, bad, invalid("api.preAuthorizedApplications.delegatedPermissionIds")},
		"known client not a GUID":         {object{"api": object{"knownClientApplications": []any{"x"}}}, bad, invalid("api.knownClientApplications")},
		"required access of a bad kind":   {object{"requiredResourceAccess": []any{object{"resourceAppId": id1, "resourceAccess": []any{object{"id": id2, "type": "Thing"}}}}}, bad, invalid("requiredResourceAccess.resourceAccess")},
		"required access twice":           {object{"requiredResourceAccess": []any{object{"resourceAppId": id1}, object{"resourceAppId": id1}}}, dup, ""},
		"51 required resources": {object{"requiredResourceAccess": many(51, func(i int) any {
			return object{"resourceAppId": fmt.Sprintf("0f0f0f0f-0000-4000-8000-%012d", i)}
		})}, "Directory_ResourceSizeExceeded", "exceeded its limit"},
		"1001 tags":                  {object{"tags": many(1001, func(i int) any { return fmt.Sprint("t", i) })}, "Directory_ResourceSizeExceeded", "exceeded its limit"},
		"tag twice":                  {object{"tags": []any{"a", "a"}}, dup, ""},
		"tag long":                   {object{"tags": []any{strings.Repeat("x", 257)}}, bad, invalid("tags")},
		"membership claims":          {object{"groupMembershipClaims": "Everything"}, bad, invalid("groupMembershipClaims")},
		"a secret of one's own":      {object{"passwordCredentials": []any{object{"secretText": "hunter2"}}}, bad, "must be generated with service generated values"},
		"an owner that is not there": {object{"owners@odata.bind": []any{"https://graph.microsoft.com/v1.0/directoryObjects/" + id1}}, "Request_ResourceNotFound", id1},
	}
	g := newTenant(t)
	id, _ := g.app(object{"displayName": "target"})
	for name, tc := range cases {
		t.Run(name, func(*testing.T) {
			status := 400
			if tc.code == "Request_ResourceNotFound" {
				status = 404
			}
			body := object{"displayName": "Orders"}
			maps.Copy(body, tc.body)
			g.refuses(status, tc.code, tc.message, "POST", "/applications", body)
			if _, ok := tc.body["owners@odata.bind"]; !ok {
				g.refuses(status, tc.code, tc.message, "PATCH", "/applications/"+id, tc.body)
			}
		})
	}
	require.Len(t, values(g.do(200, "GET", "/applications?$filter=displayName eq 'Orders'", nil)), 0, "a refused request must leave nothing")
}

func TestAScopeAndARoleMayShareIDAndValueWhenAllAgrees(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	s, r := scope(id1, "Run", true), role(id1, "Run", true, "Application")
	r["displayName"], r["description"] = s["adminConsentDisplayName"], s["adminConsentDescription"]
	g.app(object{"api": object{"oauth2PermissionScopes": []any{s}}, "appRoles": []any{r}})
}

func TestEnabledScopesAndRolesMustBeDisabledFirst(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	scopes := func(s ...object) object { return object{"api": object{"oauth2PermissionScopes": s}} }
	roles := func(r ...object) object { return object{"appRoles": r} }
	const code = "CannotDeleteOrUpdateEnabledEntitlement"
	const message = "Permission (scope or role) cannot be deleted or updated unless disabled first."
	one, two := scope(id1, "One", true), scope(id2, "Two", true)
	id, _ := g.app(object{"api": object{"oauth2PermissionScopes": []any{one, two}}, "appRoles": []any{role(id3, "Run", true, "User")}})
	path := "/applications/" + id

	refused := map[string]object{
		"removing a scope":              scopes(one),
		"removing all scopes":           scopes(),
		"changing a value":              scopes(scope(id1, "Other", true), two),
		"disabling and changing":        scopes(scope(id1, "Other", false), two),
		"removing the role":             roles(),
		"changing the role's value":     roles(role(id3, "Walk", true, "User")),
		"changing who may have a role":  roles(role(id3, "Run", true, "Application")),
		"replacing a scope's id":        scopes(scope("0f0f0f0f-0000-4000-8000-000000000009", "One", true), two),
		"changing who consents":         scopes(func() object { s := scope(id1, "One", true); s["type"] = "User"; return s }(), two),
		"disabling and removing anyway": scopes(scope(id1, "One", false)),
	}
	for name, body := range refused {
		t.Run(name, func(*testing.T) { g.refuses(400, code, message, "PATCH", path, body) })
	}
	text := scope(id1, "One", true)
	text["adminConsentDescription"] = "another text"
	g.do(204, "PATCH", path, scopes(text, two))
	g.do(204, "PATCH", path, scopes(scope(id1, "One", false), two))
	g.do(204, "PATCH", path, scopes(two))
	g.do(204, "PATCH", path, roles(role(id3, "Run", false, "User")))
	g.do(204, "PATCH", path, roles(role(id3, "Walk", true, "Application")))
}

func TestIdentifierURIs(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	g.app(object{"displayName": "first", "api": object{"requestedAccessTokenVersion": 2}, "identifierUris": []any{"api://taken"}})
	policy := "All newly added URIs must contain a tenant verified domain, tenant ID, or app ID"
	domain := "must use a verified domain of the organization or its subdomain"
	cases := map[string]struct {
		uri           string
		version       int
		code, message string
	}{
		"v1 without anything of ours": {"api://orders", 1, "Request_BadRequest", policy},
		"v1 foreign domain":           {"https://example.com/orders", 1, "HostNameNotOnVerifiedDomain", domain},
		"v1 look-alike domain":        {"https://evilcontoso.onmicrosoft.com/orders", 1, "HostNameNotOnVerifiedDomain", domain},
		"v1 tenant id":                {"api://" + tenantID + "/orders", 1, "", ""},
		"v1 initial domain":           {"https://contoso.onmicrosoft.com/orders", 1, "", ""},
		"v1 subdomain":                {"https://api.contoso.onmicrosoft.com", 1, "", ""},
		"v2 free text":                {"api://orders", 2, "", ""},
		"foreign GUID":                {"api://" + id1, 2, "Request_BadRequest", "identifierUris"},
		"slash at the end":            {"api://orders/", 2, "Request_BadRequest", "identifierUris"},
		"a wildcard":                  {"https://*.contoso.onmicrosoft.com", 2, "Request_BadRequest", "identifierUris"},
		"a space":                     {"api://or ders", 2, "Request_BadRequest", "identifierUris"},
		"empty":                       {"", 2, "Request_BadRequest", "identifierUris"},
		"too long":                    {"api://" + strings.Repeat("x", 250), 2, "Request_BadRequest", "identifierUris"},
		"taken":                       {"api://taken", 2, "Request_BadRequest", "Another object with the same value for property identifierUris already exists."},
		"taken in another case":       {"API://TAKEN", 2, "Request_BadRequest", "Another object with the same value"},
	}
	for name, tc := range cases {
		t.Run(name, func(*testing.T) {
			body := object{"displayName": "x", "identifierUris": []any{tc.uri}, "api": object{"requestedAccessTokenVersion": tc.version}}
			if tc.code == "" {
				g.do(204, "DELETE", "/applications/"+g.do(201, "POST", "/applications", body)["id"].(string), nil)
				return
			}
			g.refuses(400, tc.code, tc.message, "POST", "/applications", body)
		})
	}
	g.refuses(400, "DuplicateValue", "", "POST", "/applications", object{
		"displayName": "x", "api": object{"requestedAccessTokenVersion": 2}, "identifierUris": []any{"api://a", "api://a"},
	})
}

func TestTheClientIDIsAnIdentifierURIOnceItIsKnown(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	id, appID := g.app(object{})
	g.do(204, "PATCH", "/applications/"+id, object{"identifierUris": []any{"api://" + appID, "api://orders/" + appID}})
	// With v2 tokens the policy does not apply, and there is no way back then.
	g.do(204, "PATCH", "/applications/"+id, object{"api": object{"requestedAccessTokenVersion": 2}, "identifierUris": []any{"api://orders"}})
	g.refuses(400, "Request_BadRequest", "Failed to add identifier URI api://orders.", "PATCH", "/applications/"+id, object{"api": object{"requestedAccessTokenVersion": nil}})
}

func TestRedirectURIs(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	id, _ := g.app(object{})
	cases := map[string]map[string]bool{ // platform -> uri -> accepted
		"web": {
			"https://example.com/cb": true, "https://example.com/cb?x=1": true, "http://localhost": true, "http://localhost:8080/cb": true,
			"http://127.0.0.1/cb": true, "https://*.example.com/cb": true, "ms-appx-web://x/y": true,
			"http://example.com/cb": false, "http://[::1]/cb": false, "https://[::1]/cb": false, "https://example.com/cb#frag": false, "example.com": false,
			"https://": false, "myapp://auth": false, "https://example.com/a,b": false, "https://example.com/a(b)": false,
			"https://example.com/$x": false, "https://example.com/a!": false, "https://example.com/it's": false, "https://example.com/a;b": false,
			"http://localhost.example.com/cb": false, "": false,
		},
		"spa":          {"https://example.com": true, "http://localhost:3000/": true, "http://example.com": false, "custom://x": false},
		"publicClient": {"http://localhost": true, "msal" + id1 + "://auth": true, "urn:ietf:wg:oauth:2.0:oob": true, "com.example.app:/cb": true, "http://example.com": false, "javascript://x": false, "urn:other": false, "nothing": false},
	}
	for platform, uris := range cases {
		for uri, accepted := range uris {
			body := object{platform: object{"redirectUris": []any{uri}}}
			if accepted {
				g.do(204, "PATCH", "/applications/"+id, body)
				g.do(204, "PATCH", "/applications/"+id, object{platform: object{"redirectUris": []any{}}})
				continue
			}
			g.refuses(400, "Request_BadRequest", platform+".redirectUris", "PATCH", "/applications/"+id, body)
		}
	}
	g.refuses(400, "InvalidRedirectUri", "distinct", "PATCH", "/applications/"+id, object{
		"web": object{"redirectUris": []any{"https://example.com"}}, "spa": object{"redirectUris": []any{"https://example.com"}},
	})
	long := []any{}
	for i := range 257 {
		long = append(long, fmt.Sprintf("https://example.com/%d", i))
	}
	g.refuses(400, "Directory_ResourceSizeExceeded", "", "PATCH", "/applications/"+id, object{"web": object{"redirectUris": long}})
	g.refuses(400, "Request_BadRequest", "web.redirectUris", "PATCH", "/applications/"+id, object{"web": object{"redirectUris": []any{"https://example.com/" + strings.Repeat("x", 240)}}})
}

func TestReadOnlyMembersMayBeSentBackButNotChanged(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	id, appID := g.app(object{})
	g.do(204, "PATCH", "/applications/"+id, object{"id": id, "appId": appID})
	g.refuses(400, "Request_BadRequest", "Property 'id' is read-only", "PATCH", "/applications/"+id, object{"id": id1})
	g.refuses(400, "Request_BadRequest", "Property 'createdDateTime' is read-only", "PATCH", "/applications/"+id, object{"createdDateTime": "2020-01-01T00:00:00Z"})
}
