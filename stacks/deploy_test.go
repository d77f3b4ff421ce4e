package stacks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/internal/recorder"
	"github.com/entragate/entragate/issuer"
)

func TestDeployCommittedStacks(t *testing.T) {
	t.Parallel()
	for _, stack := range []string{"dev", "prod"} {
		t.Run(stack, func(t *testing.T) {
			t.Parallel()
			r, err := deploy(directory(t), stack, settings(t, stack))
			require.NoError(t, err)
			r.Golden(t, stack)
		})
	}
}

func TestDeployExports(t *testing.T) {
	t.Parallel()
	r, err := deploy(directory(t), "dev", settings(t, "dev"))
	require.NoError(t, err)
	exports := r.Exports()
	clientID := recorder.GUID("client", "orders")
	require.Equal(t, "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com", exports["url"])
	require.Equal(t, "a1b2c3d4e5", exports["apiId"])
	require.Equal(t, tenantID, exports["tenantId"])
	require.Equal(t, "https://login.microsoftonline.com/"+tenantID+"/v2.0", exports["issuer"])
	require.Equal(t, clientID, exports["audience"])
	require.Equal(t, "/aws/vendedlogs/apis/orders-a1b2c3d4e5", exports["logGroup"])
	require.Equal(t, map[string]string{
		"portal":     recorder.GUID("client", "orders-portal"),
		"backoffice": recorder.GUID("client", "orders-backoffice"),
		"desktop":    recorder.GUID("client", "orders-desktop"),
		"export":     recorder.GUID("client", "orders-export"),
	}, exports["clients"])
	require.Equal(t, map[string]string{
		"Orders.Browse": "api://" + clientID + "/Orders.Browse",
		"Orders.Read":   "api://" + clientID + "/Orders.Read",
		"Orders.Write":  "api://" + clientID + "/Orders.Write",
	}, exports["scopes"])
	require.NotContains(t, exports, "administrator")

	access, ok := exports["access"].(map[string]map[string]string)
	require.True(t, ok, "%T", exports["access"])
	require.Len(t, access, 8)
	require.Equal(t, "allowed: public", access["GET /health"]["anonymous"])
	require.Equal(t, "allowed by Orders.Read", access["GET /orders/{id}"]["portal:user"])
	require.Contains(t, access["DELETE /orders/{id}"]["portal:user"], "refused 403")
	require.Contains(t, access["GET /orders"]["export:app"], "refused 403")
	require.Contains(t, access["GET /orders"]["anonymous"], "refused 401")
	require.Equal(t, "allowed by role Orders.Export", access["GET /orders/export"]["export:app"])
}

func TestDeployShowsTheOpenPreflightRoutes(t *testing.T) {
	t.Parallel()
	r, err := deploy(directory(t), "dev", with(settings(t, "dev"), map[string]string{
		"entragate:routes": `[{"route":"ANY /orders/{id}","scopes":["Orders.Read"]}]`,
	}))
	require.NoError(t, err)
	access, ok := r.Exports()["access"].(map[string]map[string]string)
	require.True(t, ok, "%T", r.Exports()["access"])
	require.Equal(t, "allowed: public", access["OPTIONS /orders/{id}"]["anonymous"])
	require.Contains(t, access["ANY /orders/{id}"]["anonymous"], "refused 401")
}

func TestDeployWithExternalGrants(t *testing.T) {
	t.Parallel()
	r, err := deploy(directory(t), "dev", with(settings(t, "dev"), map[string]string{"entragate:grants": "external"}))
	require.NoError(t, err)
	for _, registration := range r.Registrations() {
		require.NotContains(t, registration.Type, "Grant")
		require.NotContains(t, registration.Type, "appRoleAssignment")
	}
	commands, ok := r.Exports()["administrator"].([]string)
	require.True(t, ok)
	// A user's assignment, two grants for each of three clients, a daemon's role,
	// and since there are secrets, the rotator's permission and its ownership of
	// itself.
	require.Len(t, commands, 1+3*2+1+2)
	for _, command := range commands {
		require.Contains(t, command, "az rest --method POST --url 'https://graph.microsoft.com/v1.0/")
		require.NotContains(t, command, "%!")
	}
}

// The issue lists what must be refused before anything is registered.
func TestDeployRefusesBadInput(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		key, value, want string
		stack            string // default dev
	}{
		"a route without scopes or a public reason": {
			key: "routes", value: `[{"route":"GET /orders"}]`,
			want: "entragate:routes[0]: route says nothing about who may call it",
		},
		"scopes on a public route": {
			key: "routes", value: `[{"route":"GET /orders","scopes":["Orders.Read"],"public":"why not"}]`,
			want: "entragate:routes[0].scopes: scopes on a public route",
		},
		"an unknown scope": {
			key: "routes", value: `[{"route":"GET /orders","scopes":["Orders.Raed"]}]`,
			want: `entragate:routes[0].scopes[0]: unknown scope: got "Orders.Raed", want "Orders.Read"`,
		},
		"a duplicate scope": {
			key: "scopes", value: `[{"value":"Orders.Read","title":"a"},{"value":"Orders.Read","title":"b"}]`,
			want: "entragate:scopes[1].value: value is declared twice",
		},
		"more than 10 scopes on a route": {
			key: "routes", value: `[{"route":"GET /orders","scopes":["a","b","c","d","e","f","g","h","i","j","k"]}]`,
			want: "entragate:routes[0].scopes: too many scopes: got \"11\", want at most 10",
		},
		"a malformed route key": {
			key: "routes", value: `[{"route":"GET orders","scopes":["Orders.Read"]}]`,
			want: `entragate:routes[0].route: path without a leading slash: got "GET orders"`,
		},
		"a duplicate route key": {
			key: "routes", value: `[{"route":"GET /a","public":"x"},{"route":"GET /a","public":"x"}]`,
			want: "entragate:routes[1].route: route is declared twice",
		},
		"a greedy path that is not last": {
			key: "routes", value: `[{"route":"GET /{proxy+}/a","public":"x"}]`,
			want: "entragate:routes[0].route: greedy variable is not last",
		},
		"common as tenant": {
			key: "tenantId", value: "common", want: `entragate:tenantId: got "common", want the tenant's GUID`,
		},
		"a redirect URI that Entra refuses": {
			key: "clients", value: `[{"name":"portal","kind":"spa","redirectUris":["http://portal.example.com/"]}]`,
			want: "entragate:clients[0].redirectUris[0]: redirect URI would carry the code unencrypted",
		},
		"localhost in prod": {
			stack: "prod",
			key:   "clients", value: `[{"name":"portal","kind":"spa","redirectUris":["http://localhost:3000/a"]}]`,
			want: "entragate:clients[0].redirectUris[0]: localhost in a redirect URI, where it is not allowed",
		},
		"a daemon with delegated scopes": {
			key: "clients", value: `[{"name":"export","kind":"daemon","scopes":["Orders.Read"]}]`,
			want: "entragate:clients[0].scopes: delegated scopes on a daemon",
		},
		"a single-page client with roles": {
			key: "clients", value: `[{"name":"portal","kind":"spa","redirectUris":["https://a.example/b"],"roles":["Orders.Export"]}]`,
			want: "entragate:clients[0].roles: roles on a spa client",
		},
		"CORS * with credentials": {
			key: "cors", value: `{"allowOrigins":["*"],"allowCredentials":true}`,
			want: "entragate:cors.allowOrigins[0]: any origin with credentials",
		},
		"throttle 0": {
			key: "throttle", value: `{"rate":0,"burst":0}`,
			want: "entragate:throttle.rate: throttle refuses every request",
		},
		"throttle with one limit": {
			key: "throttle", value: `{"rate":10}`,
			want: "entragate:throttle.burst: throttle refuses every request",
		},
		"throttle 0 on a route": {
			key: "routes", value: `[{"route":"GET /a","public":"x","throttle":{"rate":0,"burst":1}}]`,
			want: "entragate:routes[0].throttle.rate: throttle refuses every request",
		},
		"a name that Entra refuses": {
			key: "api", value: `{"name":"orders","displayName":" "}`,
			want: "entragate:api.displayName: missing name",
		},
		"a client called as the API and the stack": {
			key: "clients", value: `[{"name":"export","kind":"daemon","displayName":"Orders DEV"}]`,
			want: `entragate:clients[0].displayName: name is shown twice: got "Orders DEV", want another name than the API's`,
		},
		"a client called as another by default": {
			key: "clients", value: `[{"name":"export","kind":"daemon"},{"name":"other","kind":"daemon","displayName":"Orders dev export"}]`,
			want: `entragate:clients[1].displayName: name is shown twice: got "Orders dev export", want another name than that of clients[0]`,
		},
		"a name that AWS refuses": {
			key: "api", value: `{"name":"My Orders"}`, want: "entragate:api.name: malformed name",
		},
		"a tag that AWS refuses": {
			key: "tags", value: `{"aws:team":"a"}`, want: `entragate:tags["aws:team"]: key that AWS refuses`,
		},
		"a tag that would be overwritten": {
			key: "tags", value: `{"entragate:stack":"a"}`, want: `entragate:tags["entragate:stack"]: key that Entragate sets itself`,
		},
		"a scope value equal to a role value": {
			key: "roles", value: `[{"value":"Orders.Read","title":"a"}]`,
			want: "entragate:roles[0].value: value is declared twice",
		},
		"an unknown role on a route": {
			key: "routes", value: `[{"route":"GET /orders","roles":["Orders.Exprot"]}]`,
			want: `entragate:routes[0].roles[0]: unknown role: got "Orders.Exprot", want "Orders.Export"`,
		},
		"decisions kept too long": {
			key: "authorizer", value: `{"cacheSeconds":3601}`,
			want: `entragate:authorizer.cacheSeconds: time out of range: got "3601", want 0 to 3600 seconds`,
		},
		"a misspelt setting of the authorizer": {
			key: "authorizer", value: `{"cacheSecond":60}`,
			want: `entragate:authorizer.cacheSecond: unknown setting: got "cacheSecond", want "cacheSeconds"`,
		},
		"a misspelt setting of a function": {
			key: "functions", value: `[{"name":"orders","package":"github.com/entragate/entragate/examples/orders/bootstrap","settings":{"memory":512}}]`,
			want: `entragate:functions[0].settings.memory: unknown setting: got "memory", want "memoryMB"`,
		},
		"a backend of an unknown function": {
			key: "backends", value: `[{"name":"orders","function":"oders"}]`,
			want: `entragate:backends[0].function: unknown function: got "oders", want "orders"`,
		},
		"secrets that would expire": {
			key: "credentials", value: `{"rotationDays":60,"lifetimeDays":150}`,
			want: `entragate:credentials.lifetimeDays: secrets would expire before they are replaced, or nearly: got "150", want at least 151 days`,
		},
		"a misspelt setting of credentials": {
			key: "credentials", value: `{"rotationDay":60}`,
			want: `entragate:credentials.rotationDay: unknown setting: got "rotationDay", want "rotationDays"`,
		},
		"a misspelt setting of a credential": {
			key: "clients", value: `[{"name":"export","kind":"daemon","credential":{"github":{"repository":"a/b","branches":"main"}}}]`,
			want: `entragate:clients[0].credential.github.branches: unknown setting: got "branches", want "branch"`,
		},
		"a credential of a single-page client": {
			key: "clients", value: `[{"name":"portal","kind":"spa","redirectUris":["https://a.example/b"],"credential":{"kind":"secret"}}]`,
			want: "entragate:clients[0].credential: credential of a spa client: it runs where nobody can keep one",
		},
		"a certificate that is not there": {
			key: "clients", value: `[{"name":"export","kind":"daemon","credential":{"file":"nowhere.pem"}}]`,
			want: "entragate:clients[0].credential.file: open nowhere.pem",
		},
		"an unknown architecture": {
			key: "architecture", value: `amd64`,
			want: `entragate:architecture: unknown architecture: got "amd64", want "arm64" or "x86_64"`,
		},
		"a log retention that CloudWatch does not know": {
			key: "accessLog", value: `{"retentionDays":31}`,
			want: `entragate:accessLog.retentionDays: period that CloudWatch Logs does not know: got "31"`,
		},
		"a key and one to be made": {
			key: "accessLog", value: `{"kmsKey":"arn:aws:kms:eu-west-1:123456789012:key/1","createKey":true}`,
			want: `entragate:accessLog.kmsKey: a key is given and one is to be made`,
		},
		"an alarm that nobody can be told of": {
			key: "alarms", value: `{"subscriptions":[{"protocol":"slack","endpoint":"#ops"}]}`,
			want: `entragate:alarms.subscriptions[0].protocol: unknown protocol: got "slack", want email, email-json, https, sms, sqs or lambda`,
		},
		"a misspelt threshold": {
			key: "alarms", value: `{"thresholds":{"refused":20}}`,
			want: `entragate:alarms.thresholds.refused: unknown setting: got "refused"`,
		},
		"grants that are neither": {
			key: "grants", value: "none", want: `entragate:grants: unknown value: got "none", want "managed" or "external"`,
		},
		"a deployer that is not an object id": {
			key: "deployer", value: "me@example.com", want: "entragate:deployer: malformed object id",
		},
		"an unknown key inside a setting": {
			key: "routes", value: `[{"route":"GET /a","scope":["Orders.Read"]}]`,
			want: `entragate:routes[0].scope: unknown setting: got "scope", want "scopes"`,
		},
		"a list where a text belongs": {
			key: "routes", value: `[{"route":["GET /a"],"public":"x"}]`,
			want: `entragate:routes[0].route: wrong type: got "[\"GET /a\"]", want a text`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := test.stack
			if stack == "" {
				stack = "dev"
			}
			bad := with(settings(t, stack), map[string]string{"entragate:" + test.key: test.value})
			r, err := deploy(directory(t), stack, bad)
			require.ErrorContains(t, err, test.want)
			require.Empty(t, r.Registrations())
		})
	}
}

// The name of a stack is part of the names that are shown by default.
func TestDefaultNamesOfALongStackAreRefused(t *testing.T) {
	t.Parallel()
	stack := strings.Repeat("s", 100)
	const api = "orders-and-returns" // 18, and " export" is 7 more
	want := access.Problem{
		Path: "entragate:clients[3].displayName", Message: "name is too long",
		Got: api + " " + stack + " export", Want: "at most 120 characters",
	}
	r, err := deploy(directory(t), stack, with(settings(t, "dev"), map[string]string{
		"entragate:api": `{"name":"` + api + `"}`,
	}))
	require.ErrorContains(t, err, want.Error())
	require.Empty(t, r.Registrations())

	dir := t.TempDir()
	project, err := os.ReadFile("../Pulumi.yaml")
	require.NoError(t, err)
	dev, err := os.ReadFile("../Pulumi.dev.yaml")
	require.NoError(t, err)
	dev = append(dev, "\n  entragate:api: {name: "+api+"}\n"...)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), project, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi."+stack+".yaml"), dev, 0o600))
	_, err = ReadFiles(dir, stack)
	var found access.Problems
	require.ErrorAs(t, err, &found)
	require.Contains(t, found, want)
}

func TestDeployReportsEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	r, err := deploy(directory(t), "dev", with(settings(t, "dev"), map[string]string{
		"entragate:tenantId": "organizations",
		"entragate:throttle": `{"rate":0,"burst":0}`,
		"entragate:routes":   `[{"route":"GET /a"},{"route":"GET /b","scopes":["Nope"]}]`,
	}))
	for _, want := range []string{
		"entragate:tenantId: ", "entragate:throttle.rate: ", "entragate:throttle.burst: ",
		"entragate:routes[0]: ", "entragate:routes[1].scopes[0]: ",
	} {
		require.ErrorContains(t, err, want)
	}
	require.Empty(t, r.Registrations())
}

func TestDeployRefusesATenantWhoseDocumentNamesAnotherIssuer(t *testing.T) {
	t.Parallel()
	want := issuer.Tenant{ID: tenantID}.Issuer()
	other := "https://sts.windows.net/" + tenantID + "/"
	r, err := deploy(recorder.DirectoryNaming(t, want, other), "dev", settings(t, "dev"))
	require.ErrorContains(t, err, `got issuer "`+other+`", want "`+want+`"`)
	require.Empty(t, r.Registrations())
}

func TestDeployRefusesCredentialsOfAnotherTenant(t *testing.T) {
	t.Parallel()
	const other = "22222222-2222-4333-8444-555555555555"
	tenant := issuer.Tenant{ID: other}
	bad := with(settings(t, "dev"), map[string]string{"entragate:tenantId": other})
	r, err := deploy(recorder.Directory(t, tenant.Issuer()), "dev", bad)
	require.ErrorContains(t, err, `entragate:tenantId: the azuread provider has credentials of another tenant, `+
		`where the applications would be out of reach of callers: got "`+other+`", want "`+recorder.Tenant+`"`)
	require.Empty(t, r.Registrations())
}

func TestDeployByAnotherThanTheDeployerWarns(t *testing.T) {
	t.Parallel()
	cfg := Config{TenantID: tenantID, Deployer: deployer, Owners: []string{alice}, project: "entragate"}
	for _, owner := range []string{deployer, alice, strings.ToUpper(deployer)} {
		warning, err := cfg.judgeCaller(tenantID, owner)
		require.NoError(t, err)
		require.Empty(t, warning)
	}
	warning, err := cfg.judgeCaller(tenantID, "bbbbbbbb-0000-4000-8000-000000000001")
	require.NoError(t, err)
	require.Contains(t, warning, "entragate:deployer: whoever deploys now, bbbbbbbb-0000-4000-8000-000000000001")
}

func TestDeployReportsUnknownSettingsAndTheModelTogether(t *testing.T) {
	t.Parallel()
	r, err := deploy(directory(t), "dev", with(settings(t, "dev"), map[string]string{
		"entragate:tenantId": "organizations",
		"entragate:throttle": `{"rate":1,"burst":1,"brst":2}`,
	}))
	var found access.Problems
	require.ErrorAs(t, err, &found)
	require.Len(t, found, 2)
	require.Equal(t, "entragate:throttle.brst", found[0].Path)
	require.Equal(t, "entragate:tenantId", found[1].Path)
	require.Empty(t, r.Registrations())
}

// A language host hands unknown settings over in the environment; a context
// answers for known names only.
func TestDeployRefusesUnknownSettings(t *testing.T) {
	t.Setenv(pulumi.EnvConfig, `{"entragate:thrttle":"{}","entragat:protect":"true","aws:region":"eu-west-1"}`)
	r, err := deploy(directory(t), "dev", settings(t, "dev"))
	require.ErrorContains(t, err, `entragate:thrttle: unknown setting: got "thrttle", want "entragate:throttle"`)
	require.ErrorContains(t, err, `entragat:protect: namespace that is not the project's: got "entragat", want "entragate:protect"`)
	require.NotContains(t, err.Error(), "aws:region")
	require.Empty(t, r.Registrations())
}
