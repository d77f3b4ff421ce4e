package access_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
)

func TestValidModelHasNoProblems(t *testing.T) {
	t.Parallel()
	require.NoError(t, orders().Validate(access.ValidateOptions{}))
	require.NoError(t, optional().Validate(access.ValidateOptions{}))
}

func TestValidateAccepts(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*access.Model){
		"as many routes as API Gateway": func(m *access.Model) {
			m.Routes = nil
			for i := range access.MaxRoutes {
				m.Routes = append(m.Routes, access.Route{Key: fmt.Sprintf("GET /r%d", i), Scopes: []string{"Orders.Read"}})
			}
		},
		"$default":                         func(m *access.Model) { m.Routes[1].Key = "$default" },
		"ANY beside GET":                   func(m *access.Model) { m.Routes[2].Key = "ANY /orders/{id}" },
		"variable beside a greedy one":     func(m *access.Model) { m.Routes[2].Key = "GET /orders/{rest+}" },
		"native client without a redirect": func(m *access.Model) { m.Clients[2].RedirectURIs = nil },
		"native client's own schemes": func(m *access.Model) {
			m.Clients[2].RedirectURIs = []string{
				"msal72f988bf-86f1-41af-91ab-2d7cd011db47://auth", "msauth.com.example.orders://auth",
				"https://login.microsoftonline.com/common/oauth2/nativeclient", "http://localhost:1234/x",
			}
		},
		"query in a redirect URI": func(m *access.Model) { m.Clients[0].RedirectURIs = []string{"https://orders.example.com/?a=b"} },
		"loopback backend":        func(m *access.Model) { m.Backends[0].URL = "http://127.0.0.1:8080/base" },
		"IPv6 loopback backend":   func(m *access.Model) { m.Backends[0].URL = "http://[::1]:8080" },
		"shortest timeout":        func(m *access.Model) { m.Backends[0].TimeoutMillis = 50 },
		"longest timeout":         func(m *access.Model) { m.Backends[0].TimeoutMillis = 30000 },
		"the largest throttle":    func(m *access.Model) { m.Routes[1].Throttle = &access.Throttle{Rate: 1e9, Burst: math.MaxInt32} },
		"less than one a second":  func(m *access.Model) { m.Routes[1].Throttle = &access.Throttle{Rate: 0.5, Burst: 1} },
		"client granted nothing":  func(m *access.Model) { m.Clients[0].Scopes = nil },
		"no clients":              func(m *access.Model) { m.Clients = nil },
		"longest scope on a route": func(m *access.Model) {
			m.Scopes = append(m.Scopes, access.Scope{Value: strings.Repeat("x", 64), Title: "x"})
			m.Routes[1].Scopes = []string{strings.Repeat("x", 64)}
		},
		"scope too long for a route, on none": func(m *access.Model) {
			m.Scopes = append(m.Scopes, access.Scope{Value: strings.Repeat("x", 65), Title: "x"})
		},
		"value with punctuation": func(m *access.Model) {
			m.Scopes[3].Value = "a:/?#[]@!$&'()*+,;=~"
			m.Clients[2].Scopes = nil
			m.Routes[4].Scopes = []string{"Orders.Read"}
		},
		"several backends, chosen": func(m *access.Model) {
			m.Backends = append(m.Backends, access.Backend{Name: "files", URL: "https://files.example.com"})
			for i := range m.Routes {
				m.Routes[i].Backend = "files"
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := orders()
			change(&m)
			require.NoError(t, m.Validate(access.ValidateOptions{}))
		})
	}
}

// TestValidateRefuses changes a valid model in one way, and expects one problem.
func TestValidateRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 121)
	redirect := func(client int, uri string) func(*access.Model) {
		return func(m *access.Model) { m.Clients[client].RedirectURIs = []string{uri} }
	}
	const spa, web, cli, export = 0, 1, 2, 3
	for name, tt := range map[string]struct {
		change func(*access.Model)
		want   string // the whole problem, or its beginning
	}{
		// Routes.
		"route without auth or public reason": {
			func(m *access.Model) { m.Routes[1].Scopes = nil },
			`routes[1]: route says nothing about who may call it: got "GET /orders/{id}", want scopes, roles, or public with the reason`,
		},
		"public with a blank reason": {
			func(m *access.Model) { m.Routes[0].Public = " " },
			`routes[0].public: missing reason: got " ", want why`,
		},
		"scopes on a public route": {
			func(m *access.Model) { m.Routes[0].Scopes = []string{"Orders.Read"} },
			`routes[0].scopes: scopes on a public route: got "Orders.Read"`,
		},
		"unknown role on a route": {
			func(m *access.Model) { m.Routes[1].Roles = []string{"Orders.Exprot"} },
			`routes[1].roles[0]: unknown role: got "Orders.Exprot", want "Orders.Export"`,
		},
		"scope used as a role": {
			func(m *access.Model) { m.Routes[1].Roles = []string{"Orders.Read"} },
			`routes[1].roles[0]: unknown role: got "Orders.Read", want one of "Orders.Export", "Orders.Import"`,
		},
		"role twice on a route": {
			func(m *access.Model) { m.Routes[1].Roles = []string{"Orders.Export", "Orders.Export"} },
			`routes[1].roles[1]: role is listed twice: got "Orders.Export", want each role once`,
		},
		"decisions kept too long": {
			func(m *access.Model) { m.DecisionCacheSeconds = new(3601) },
			`decisionCacheSeconds: time out of range: got "3601", want 0 to 3600 seconds`,
		},
		"decisions kept for a negative time": {
			func(m *access.Model) { m.DecisionCacheSeconds = new(-1) },
			`decisionCacheSeconds: time out of range: got "-1"`,
		},
		"backend with a url and a function": {
			func(m *access.Model) { m.Backends[0].Function = "orders" },
			`backends[0]: backend has a url and a function: got "orders", want one of them`,
		},
		"unknown function": {
			func(m *access.Model) {
				m.Functions = []string{"orders", "files"}
				m.Backends[0] = access.Backend{Name: "orders", Function: "oders"}
			},
			`backends[0].function: unknown function: got "oders", want "orders"`,
		},
		"function where none is declared": {
			func(m *access.Model) { m.Backends[0] = access.Backend{Name: "orders", Function: "orders"} },
			`backends[0].function: unknown function: got "orders", want a declared function, and none is`,
		},
		"malformed ARN of a function": {
			func(m *access.Model) {
				m.Backends[0] = access.Backend{Name: "orders", Function: "arn:aws:lambda:eu-west-1:function:orders"}
			},
			`backends[0].function: malformed ARN of a function: got "arn:aws:lambda:eu-west-1:function:orders", want "arn:aws:lambda:<region>`,
		},
		"misspelt scope on a route": {
			func(m *access.Model) { m.Routes[1].Scopes[0] = "Orders.Raed" },
			`routes[1].scopes[0]: unknown scope: got "Orders.Raed", want "Orders.Read"`,
		},
		"scope in another letter case": {
			func(m *access.Model) { m.Routes[1].Scopes[0] = "orders.read" },
			`routes[1].scopes[0]: unknown scope: got "orders.read", want "Orders.Read"`,
		},
		"scope unlike any": {
			func(m *access.Model) { m.Routes[1].Scopes[0] = "Billing" },
			`routes[1].scopes[0]: unknown scope: got "Billing", want one of "Orders.Read", "Orders.Write", "Orders.Old", "Profile.Read"`,
		},
		"scope with the API's prefix": {
			func(m *access.Model) { m.Routes[1].Scopes[0] = "api://orders/Orders.Read" },
			`routes[1].scopes[0]: unknown scope`,
		},
		"empty scope": {
			func(m *access.Model) { m.Routes[1].Scopes[0] = "" },
			`routes[1].scopes[0]: unknown scope: want one of "Orders.Read"`,
		},
		"role used as a scope": {
			func(m *access.Model) { m.Routes[1].Scopes[0] = "Orders.Export" },
			`routes[1].scopes[0]: unknown scope: got "Orders.Export"`,
		},
		"scope too long for a route": {
			func(m *access.Model) {
				m.Scopes = append(m.Scopes, access.Scope{Value: long[:65], Title: "x"})
				m.Routes[1].Scopes = []string{"Orders.Read", long[:65]}
			},
			`routes[1].scopes[1]: scope is too long for a route: got "` + long[:65] + `", want at most 64 characters, not 65: API Gateway takes no more`,
		},
		"scope twice on a route": {
			func(m *access.Model) { m.Routes[1].Scopes[1] = "Orders.Read" },
			`routes[1].scopes[1]: scope is listed twice: got "Orders.Read"`,
		},
		"more scopes than a route may have": {
			func(m *access.Model) {
				m.Routes[1].Scopes = nil
				for i := range 11 {
					value := fmt.Sprintf("S%d", i)
					m.Scopes = append(m.Scopes, access.Scope{Value: value, Title: value})
					m.Routes[1].Scopes = append(m.Routes[1].Scopes, value)
				}
			},
			`routes[1].scopes: too many scopes: got "11", want at most 10, API Gateway's quota`,
		},
		"more routes than an API may have": {
			func(m *access.Model) {
				m.Routes = nil
				for i := range access.MaxRoutes + 1 {
					m.Routes = append(m.Routes, access.Route{Key: fmt.Sprintf("GET /r%d", i), Scopes: []string{"Orders.Read"}})
				}
			},
			`routes: too many routes: got "301", want at most 300, API Gateway's quota`,
		},
		"no routes":            {func(m *access.Model) { m.Routes = nil }, `routes: no routes: want at least one route`},
		"malformed route key":  {func(m *access.Model) { m.Routes[1].Key = "/orders" }, `routes[1].route: malformed route key: got "/orders", want "METHOD /path"`},
		"empty route key":      {func(m *access.Model) { m.Routes[1].Key = "" }, `routes[1].route: malformed route key: want "METHOD /path"`},
		"unknown method":       {func(m *access.Model) { m.Routes[1].Key = "POTS /orders" }, `routes[1].route: unknown method: got "POTS", want "POST"`},
		"greedy path not last": {func(m *access.Model) { m.Routes[5].Key = "ANY /{proxy+}/files" }, `routes[5].route: greedy variable is not last: got "ANY /{proxy+}/files"`},
		"duplicate route key":  {func(m *access.Model) { m.Routes[3].Key = "POST /orders" }, `routes[3].route: route is declared twice: got "POST /orders", want another one than routes[2].route`},
		"two default routes": {
			func(m *access.Model) { m.Routes[2].Key, m.Routes[3].Key = "$default", "$default" },
			`routes[3].route: route is declared twice: got "$default", want another one than routes[2].route`,
		},
		"same path, other variable name": {
			func(m *access.Model) { m.Routes[3].Key = "GET /orders/{order}" },
			`routes[3].route: route is declared twice: got "GET /orders/{order}", want another one than routes[1].route`,
		},
		"other variable name, other method": {
			func(m *access.Model) { m.Routes[3].Key = "PUT /orders/{order}" },
			`routes[3].route: variable has another name in routes[1].route: got "PUT /orders/{order}", want {id} in place of {order}, or API Gateway answers ConflictException`,
		},
		"other variable name, longer path": {
			func(m *access.Model) { m.Routes[3].Key = "GET /orders/{order}/lines" },
			`routes[3].route: variable has another name in routes[1].route`,
		},
		"other greedy name": {
			func(m *access.Model) { m.Routes[3].Key = "GET /files/{rest+}" },
			`routes[5].route: variable has another name in routes[3].route: got "ANY /files/{proxy+}", want {rest+} in place of {proxy+}`,
		},
		"probe without a path": {
			func(m *access.Model) { m.Routes[1].Probe = &access.Probe{Path: "orders/0"} },
			`routes[1].probe.path: malformed path: got "orders/0", want one such as "/orders/0"`,
		},
		"probe of another request": {
			func(m *access.Model) { m.Routes[1].Probe = &access.Probe{Path: "/orders HTTP/1.1"} },
			`routes[1].probe.path: malformed path`,
		},
		"probe with a type of nothing": {
			func(m *access.Model) { m.Routes[1].Probe = &access.Probe{Path: "/orders", ContentType: "text/plain"} },
			`routes[1].probe.contentType: content type without a body: got "text/plain"`,
		},
		"throttle rate 0": {
			func(m *access.Model) { m.Routes[1].Throttle = &access.Throttle{Burst: 1} },
			`routes[1].throttle.rate: throttle refuses every request: got "0", want requests per second, above 0`,
		},
		"throttle rate not a number": {
			func(m *access.Model) { m.Routes[1].Throttle = &access.Throttle{Rate: math.NaN(), Burst: 1} },
			`routes[1].throttle.rate: throttle refuses every request: got "NaN"`,
		},
		"throttle rate infinite": {
			func(m *access.Model) { m.Routes[1].Throttle = &access.Throttle{Rate: math.Inf(1), Burst: 1} },
			`routes[1].throttle.rate: throttle is more than API Gateway can hold: got "+Inf", want at most 1000000000`,
		},
		"throttle rate beyond the bound": {
			func(m *access.Model) { m.Routes[1].Throttle = &access.Throttle{Rate: 1e9 + 1, Burst: 1} },
			`routes[1].throttle.rate: throttle is more than API Gateway can hold: got "1.000000001e+09", want at most 1000000000`,
		},
		"throttle burst 0": {
			func(m *access.Model) { m.Routes[1].Throttle = &access.Throttle{Rate: 1} },
			`routes[1].throttle.burst: throttle refuses every request: got "0"`,
		},
		"throttle below 0": {
			func(m *access.Model) { m.Routes[1].Throttle = &access.Throttle{Rate: 1, Burst: -1} },
			`routes[1].throttle.burst: throttle refuses every request: got "-1"`,
		},

		// Backends.
		"unknown backend": {
			func(m *access.Model) { m.Routes[1].Backend = "order" },
			`routes[1].backend: unknown backend: got "order", want "orders"`,
		},
		"no backend chosen among several": {
			func(m *access.Model) {
				m.Backends = append(m.Backends, access.Backend{Name: "files", URL: "https://files.example.com"})
				for i := range m.Routes[1:] {
					m.Routes[i+1].Backend = "files"
				}
			},
			`routes[0].backend: no backend: want one of "orders", "files", since there are several`,
		},
		"duplicate backend": {
			func(m *access.Model) {
				m.Backends = append(m.Backends, m.Backends[0])
				for i := range m.Routes {
					m.Routes[i].Backend = "orders"
				}
			},
			`backends[1].name: name is declared twice: got "orders", want another name than backends[0].name`,
		},
		"backend without a url":      {func(m *access.Model) { m.Backends[0].URL = "" }, `backends[0].url: missing url`},
		"backend over http":          {func(m *access.Model) { m.Backends[0].URL = "http://orders.example.com" }, `backends[0].url: requests would travel unencrypted: got "http://orders.example.com", want https`},
		"backend like localhost":     {func(m *access.Model) { m.Backends[0].URL = "http://localhost.example.com" }, `backends[0].url: requests would travel unencrypted`},
		"backend of another scheme":  {func(m *access.Model) { m.Backends[0].URL = "ftp://orders.example.com" }, `backends[0].url: unknown scheme`},
		"backend without a host":     {func(m *access.Model) { m.Backends[0].URL = "https:///x" }, `backends[0].url: malformed url`},
		"backend with a query":       {func(m *access.Model) { m.Backends[0].URL = "https://orders.example.com/?a=b" }, `backends[0].url: url has a query or fragment`},
		"backend with a fragment":    {func(m *access.Model) { m.Backends[0].URL = "https://orders.example.com/#" }, `backends[0].url: url has a query or fragment`},
		"backend with a variable":    {func(m *access.Model) { m.Backends[0].URL = "https://orders.example.com/{id}" }, `backends[0].url: character not allowed`},
		"backend url too long":       {func(m *access.Model) { m.Backends[0].URL = "https://orders.example.com/" + strings.Repeat("x", 2048) }, `backends[0].url: url is too long`},
		"backend timeout too short":  {func(m *access.Model) { m.Backends[0].TimeoutMillis = 49 }, `backends[0].timeoutMillis: timeout out of range: got "49", want 50 to 30000 milliseconds`},
		"backend timeout too long":   {func(m *access.Model) { m.Backends[0].TimeoutMillis = 30001 }, `backends[0].timeoutMillis: timeout out of range`},
		"backend timeout below 0":    {func(m *access.Model) { m.Backends[0].TimeoutMillis = -1 }, `backends[0].timeoutMillis: timeout out of range`},
		"backend name in upper case": {func(m *access.Model) { m.Backends[0].Name = "Orders" }, `backends[0].name: malformed name: got "Orders"`},
		"more backends than AWS lets": {
			func(m *access.Model) {
				for i := range access.MaxBackends {
					m.Backends = append(m.Backends, access.Backend{Name: fmt.Sprintf("b%d", i), URL: "https://b.example.com"})
				}
				for i := range m.Routes {
					m.Routes[i].Backend = "orders"
				}
			},
			`backends: too many backends: got "301"`,
		},

		// Scopes and roles.
		"duplicate scope": {
			func(m *access.Model) { m.Scopes = append(m.Scopes, m.Scopes[0]) },
			`scopes[4].value: value is declared twice: got "Orders.Read", want another value than scopes[0].value`,
		},
		"duplicate scope in other letters": {
			func(m *access.Model) { m.Scopes = append(m.Scopes, access.Scope{Value: "ORDERS.READ", Title: "x"}) },
			`scopes[4].value: value is declared twice: got "ORDERS.READ"`,
		},
		"scope value equal to a role value": {
			func(m *access.Model) { m.Roles = append(m.Roles, access.Role{Value: "orders.read", Title: "x"}) },
			`roles[2].value: value is declared twice: got "orders.read", want another value than scopes[0].value`,
		},
		"duplicate role": {
			func(m *access.Model) { m.Roles = append(m.Roles, m.Roles[0]) },
			`roles[2].value: value is declared twice: got "Orders.Export", want another value than roles[0].value`,
		},
		"redirect URI with a port that cannot be": {
			redirect(web, "https://app.example.com:65536/in"),
			`clients[1].redirectUris[0]: port out of range in a redirect URI: got "https://app.example.com:65536/in", want a port from 1 to 65535, or none`,
		},
		"localhost with port 0": {redirect(cli, "http://localhost:0"), `clients[2].redirectUris[0]: port out of range`},
		"backend with a port that cannot be": {
			func(m *access.Model) { m.Backends[0].URL = "https://orders.example.com:70000" },
			`backends[0].url: port out of range: got "https://orders.example.com:70000", want a port from 1 to 65535, or none`,
		},
		"backend without a name": {func(m *access.Model) { m.Backends[0].Name = "" }, `backends[0].name: missing name: want a name such as "orders"`},
		"burst beyond 32 bits": {
			func(m *access.Model) { m.Routes[1].Throttle = &access.Throttle{Rate: 1, Burst: math.MaxInt32 + 1} },
			`routes[1].throttle.burst: throttle is more than API Gateway can hold: got "2147483648", want at most 2147483647`,
		},
		"two clients that show the same name": {
			func(m *access.Model) {
				m.Clients[0].DisplayName, m.Clients[1].DisplayName = "Orders Portal", "orders portal"
			},
			`clients[1].displayName: name is shown twice: got "orders portal", want another name than clients[0].displayName`,
		},
		"scope without a value":      {func(m *access.Model) { m.Scopes = append(m.Scopes, access.Scope{Title: "x"}) }, `scopes[4].value: missing value: want a name such as "Orders.Read"`},
		"scope with a space":         {func(m *access.Model) { m.Scopes = append(m.Scopes, access.Scope{Value: "Orders Read", Title: "x"}) }, `scopes[4].value: character not allowed in a value: got "Orders Read"`},
		"scope with a quote":         {func(m *access.Model) { m.Scopes = append(m.Scopes, access.Scope{Value: `a"b`, Title: "x"}) }, `scopes[4].value: character not allowed`},
		"scope with a backslash":     {func(m *access.Model) { m.Scopes = append(m.Scopes, access.Scope{Value: `a\b`, Title: "x"}) }, `scopes[4].value: character not allowed`},
		"scope beyond ASCII":         {func(m *access.Model) { m.Scopes = append(m.Scopes, access.Scope{Value: "Aufträge", Title: "x"}) }, `scopes[4].value: character not allowed`},
		"scope beginning with a dot": {func(m *access.Model) { m.Scopes = append(m.Scopes, access.Scope{Value: ".default", Title: "x"}) }, `scopes[4].value: value begins with a dot`},
		"scope too long":             {func(m *access.Model) { m.Scopes = append(m.Scopes, access.Scope{Value: long, Title: "x"}) }, `scopes[4].value: value is too long`},
		"scope of OpenID Connect":    {func(m *access.Model) { m.Scopes = append(m.Scopes, access.Scope{Value: "openid", Title: "x"}) }, `scopes[4].value: value is reserved by OpenID Connect: got "openid"`},
		"role of OpenID Connect":     {func(m *access.Model) { m.Roles = append(m.Roles, access.Role{Value: "Offline_Access", Title: "x"}) }, `roles[2].value: value is reserved by OpenID Connect`},
		"scope without a title":      {func(m *access.Model) { m.Scopes[0].Title = "" }, `scopes[0].title: missing text`},
		"role with a blank title":    {func(m *access.Model) { m.Roles[0].Title = " " }, `roles[0].title: missing text: got " "`},
		"scope title too long":       {func(m *access.Model) { m.Scopes[0].Title = long }, `scopes[0].title: text is too long`},
		"scope title of two lines":   {func(m *access.Model) { m.Scopes[0].Title = "a\nb" }, `scopes[0].title: text has control characters`},
		"blank description":          {func(m *access.Model) { m.Scopes[0].Description = "\t" }, `scopes[0].description: blank text`},
		"unknown consent":            {func(m *access.Model) { m.Scopes[0].Consent = "users" }, `scopes[0].consent: unknown consent: got "users", want "user"`},
		"unknown state of a scope":   {func(m *access.Model) { m.Scopes[0].State = "retried" }, `scopes[0].state: unknown state: got "retried", want "retired"`},
		"unknown state of a role":    {func(m *access.Model) { m.Roles[0].State = "off" }, `roles[0].state: unknown state: got "off", want one of "active", "retired"`},

		// Clients.
		"duplicate client": {
			func(m *access.Model) { m.Clients[web].Name = "spa" },
			`clients[1].name: name is declared twice: got "spa", want another name than clients[0].name`,
		},
		"client without a name":          {func(m *access.Model) { m.Clients[spa].Name = "" }, `clients[0].name: missing name`},
		"client name with a colon":       {func(m *access.Model) { m.Clients[spa].Name = "spa:user" }, `clients[0].name: malformed name: got "spa:user", want lower-case letters`},
		"client name beginning with 1":   {func(m *access.Model) { m.Clients[spa].Name = "1a" }, `clients[0].name: malformed name`},
		"client name ending in a dash":   {func(m *access.Model) { m.Clients[spa].Name = "spa-" }, `clients[0].name: malformed name`},
		"client name too long":           {func(m *access.Model) { m.Clients[spa].Name = long }, `clients[0].name: name is too long`},
		"client without a kind":          {func(m *access.Model) { m.Clients[spa].Kind = "" }, `clients[0].kind: missing kind: want one of "spa", "web", "native", "daemon"`},
		"unknown kind":                   {func(m *access.Model) { m.Clients[spa].Kind = "deamon" }, `clients[0].kind: unknown kind: got "deamon", want "daemon"`},
		"display name too long":          {func(m *access.Model) { m.Clients[spa].DisplayName = long }, `clients[0].displayName: text is too long`},
		"misspelt scope of a client":     {func(m *access.Model) { m.Clients[spa].Scopes[0] = "Orders.Reed" }, `clients[0].scopes[0]: unknown scope: got "Orders.Reed", want "Orders.Read"`},
		"scope twice in a client":        {func(m *access.Model) { m.Clients[web].Scopes[1] = "Orders.Read" }, `clients[1].scopes[1]: scope is listed twice`},
		"misspelt role of a daemon":      {func(m *access.Model) { m.Clients[export].Roles[0] = "Orders.Exprot" }, `clients[3].roles[0]: unknown role: got "Orders.Exprot", want "Orders.Export"`},
		"daemon with delegated scopes":   {func(m *access.Model) { m.Clients[export].Scopes = []string{"Orders.Read"} }, `clients[3].scopes: delegated scopes on a daemon: nobody signs in to it: got "Orders.Read", want roles`},
		"daemon with a redirect URI":     {redirect(export, "https://x.example.com/"), `clients[3].redirectUris: redirect URIs on a daemon: nobody signs in to it`},
		"single-page client with roles":  {func(m *access.Model) { m.Clients[spa].Roles = []string{"Orders.Export"} }, `clients[0].roles: roles on a spa client: a user's token carries scopes: got "Orders.Export"`},
		"web client with roles":          {func(m *access.Model) { m.Clients[web].Roles = []string{"Orders.Export"} }, `clients[1].roles: roles on a web client`},
		"native client with roles":       {func(m *access.Model) { m.Clients[cli].Roles = []string{"Orders.Export"} }, `clients[2].roles: roles on a native client`},
		"single-page without a redirect": {func(m *access.Model) { m.Clients[spa].RedirectURIs = nil }, `clients[0].redirectUris: no redirect URI on a spa client`},
		"web client without a redirect":  {func(m *access.Model) { m.Clients[web].RedirectURIs = nil }, `clients[1].redirectUris: no redirect URI on a web client`},
		"redirect URI twice": {func(m *access.Model) {
			m.Clients[spa].RedirectURIs = []string{"https://a.example.com/", "https://a.example.com/"}
		}, `clients[0].redirectUris[1]: redirect URI is listed twice`},
		"more redirect URIs than allowed": {
			func(m *access.Model) {
				for i := range access.MaxRedirectURIs {
					m.Clients[spa].RedirectURIs = append(m.Clients[spa].RedirectURIs, fmt.Sprintf("https://a%d.example.com/", i))
				}
			},
			`clients[0].redirectUris: too many redirect URIs: got "257", want at most 256`,
		},
		"redirect over http":                 {redirect(spa, "http://app.example.com/"), `clients[0].redirectUris[0]: redirect URI would carry the code unencrypted: got "http://app.example.com/", want https, or http://localhost`},
		"redirect to a host like localhost":  {redirect(cli, "http://localhost.example.com/"), `clients[2].redirectUris[0]: redirect URI would carry the code unencrypted`},
		"redirect to 127.0.0.1":              {redirect(cli, "http://127.0.0.1:1234"), `clients[2].redirectUris[0]: address not allowed in a redirect URI: got "http://127.0.0.1:1234", want http://localhost`},
		"redirect to [::1]":                  {redirect(cli, "http://[::1]:1234"), `clients[2].redirectUris[0]: IPv6 address in a redirect URI`},
		"redirect with a wildcard":           {redirect(web, "https://*.example.com/"), `clients[1].redirectUris[0]: wildcard in a redirect URI`},
		"redirect with a fragment":           {redirect(web, "https://a.example.com/#x"), `clients[1].redirectUris[0]: fragment in a redirect URI`},
		"redirect with an empty fragment":    {redirect(web, "https://a.example.com/#"), `clients[1].redirectUris[0]: fragment in a redirect URI`},
		"redirect with an exclamation mark":  {redirect(web, "https://a.example.com/!"), `clients[1].redirectUris[0]: character not allowed in a redirect URI: got "https://a.example.com/!", want none of ! $ ' ( ) , ;`},
		"redirect with a comma":              {redirect(cli, "https://a.example.com/a,b"), `clients[2].redirectUris[0]: character not allowed`},
		"redirect with a space":              {redirect(web, "https://a.example.com/a b"), `clients[1].redirectUris[0]: character not allowed`},
		"redirect with a backslash":          {redirect(web, `https://a.example.com/a\b`), `clients[1].redirectUris[0]: character not allowed`},
		"redirect with a user name":          {redirect(web, "https://user:secret@a.example.com/"), `clients[1].redirectUris[0]: user name in a redirect URI: got "…@a.example.com/"`},
		"redirect too long":                  {redirect(web, "https://a.example.com/"+strings.Repeat("x", 256)), `clients[1].redirectUris[0]: redirect URI is too long`},
		"redirect without a scheme":          {redirect(web, "a.example.com/in"), `clients[1].redirectUris[0]: malformed redirect URI`},
		"redirect to a path":                 {redirect(web, "/in"), `clients[1].redirectUris[0]: malformed redirect URI`},
		"empty redirect":                     {redirect(web, ""), `clients[1].redirectUris[0]: malformed redirect URI: want an absolute address`},
		"redirect with a port and no host":   {redirect(web, "https://:8443/"), `clients[1].redirectUris[0]: redirect URI without a host`},
		"redirect in upper case":             {redirect(web, "HTTPS://a.example.com/"), `clients[1].redirectUris[0]: malformed scheme`},
		"own scheme on a single-page client": {redirect(spa, "myapp://auth"), `clients[0].redirectUris[0]: scheme not allowed on a spa client`},
		"own scheme on a web client":         {redirect(web, "myapp://auth"), `clients[1].redirectUris[0]: scheme not allowed on a web client`},
		"script as a redirect":               {redirect(cli, "javascript://x/%0aalert"), `clients[2].redirectUris[0]: scheme not allowed`},
		"file as a redirect":                 {redirect(cli, "file://localhost/etc"), `clients[2].redirectUris[0]: scheme not allowed`},
		"urn as a redirect":                  {redirect(cli, "urn:ietf:wg:oauth:2.0:oob"), `clients[2].redirectUris[0]: malformed redirect URI`},
		"redirect without a path":            {redirect(spa, "https://a.example.com?x=1"), `clients[0].redirectUris[0]: redirect URI without a path: got "https://a.example.com?x=1", want "https://a.example.com/?x=1"`},
		"localhost in production, spa":       {redirect(spa, "http://localhost:5173/"), `clients[0].redirectUris[0]: localhost in a redirect URI, where it is not allowed: got "http://localhost:5173/"`},
		"localhost in production, web":       {redirect(web, "https://localhost/in"), `clients[1].redirectUris[0]: localhost in a redirect URI, where it is not allowed`},
		"localhost in upper case":            {redirect(web, "https://LOCALHOST/in"), `clients[1].redirectUris[0]: localhost in a redirect URI, where it is not allowed`},
		"loopback address in production":     {redirect(web, "https://127.0.0.1/in"), `clients[1].redirectUris[0]: localhost in a redirect URI, where it is not allowed`},

		// Assignment.
		"user by name":    {func(m *access.Model) { m.Assignment.Users[0] = "alice@example.com" }, `assignment.users[0]: malformed object id: got "alice@example.com", want the GUID`},
		"group by name":   {func(m *access.Model) { m.Assignment.Groups[0] = "staff" }, `assignment.groups[0]: malformed object id: got "staff"`},
		"user twice":      {func(m *access.Model) { m.Assignment.Users = []string{aliceID, strings.ToUpper(aliceID)} }, `assignment.users[1]: object id is listed twice`},
		"user as a group": {func(m *access.Model) { m.Assignment.Groups[0] = aliceID }, `assignment.groups[0]: object id is listed twice: got "` + aliceID + `", want another one than assignment.users[0]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := orders()
			tt.change(&m)
			var problems access.Problems
			require.True(t, errors.As(m.Validate(access.ValidateOptions{}), &problems))
			require.Len(t, problems, 1, "%v", problems)
			require.True(t, strings.HasPrefix(problems[0].Error(), tt.want), "got  %s\nwant %s", problems[0].Error(), tt.want)
		})
	}
}

func TestLocalhostIsAllowedWhereAskedFor(t *testing.T) {
	t.Parallel()
	m := orders()
	m.Clients[0].RedirectURIs = []string{"http://localhost:5173/"}
	m.Clients[1].RedirectURIs = []string{"https://localhost/in"}
	require.NoError(t, m.Validate(access.ValidateOptions{AllowLocalhost: true}))
	require.Error(t, m.Validate(access.ValidateOptions{}))
}

func TestModelWithoutBackendsIsRefusedAtEachRoute(t *testing.T) {
	t.Parallel()
	m := orders()
	m.Backends = nil
	var problems access.Problems
	require.True(t, errors.As(m.Validate(access.ValidateOptions{}), &problems))
	require.Len(t, problems, len(m.Routes))
	require.Equal(t, "routes[0].backend: no backend: want a declared backend, and none is", problems[0].Error())
}

func TestValidateReturnsEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	m := access.Model{
		Scopes:  []access.Scope{{Value: "A"}, {Value: "a", Title: "again"}},
		Clients: []access.Client{{Name: "Spa", Kind: "spa", Scopes: []string{"B"}}},
		Routes:  []access.Route{{Key: "GET /x/"}},
	}
	err := m.Validate(access.ValidateOptions{})
	var problems access.Problems
	require.True(t, errors.As(fmt.Errorf("configuration: %w", err), &problems))
	var paths []string
	for _, p := range problems.Prefix("entragate:") {
		paths = append(paths, p.Path)
	}
	require.Equal(t, []string{
		"entragate:scopes[0].title", "entragate:scopes[1].value", "entragate:clients[0].name", "entragate:clients[0].scopes[0]",
		"entragate:clients[0].redirectUris", "entragate:routes[0].route", "entragate:routes[0]", "entragate:routes[0].backend",
	}, paths)
	require.Len(t, strings.Split(err.Error(), "\n"), len(paths), "one line each")
	require.Equal(t, "scopes[0].title", problems[0].Path, "Prefix leaves the original alone")
	var one access.Problem
	require.True(t, errors.As(err, &one))
	require.Equal(t, problems[0], one)
}

func TestSecretsInRefusedAddressesAreNotShown(t *testing.T) {
	t.Parallel()
	m := orders()
	m.Backends[0].URL = "https://user:hunter2@orders.example.com"
	m.Clients[1].RedirectURIs = []string{"https://user:hunter2@a.example.com/", "https://user:hunter2@%zz/"}
	err := m.Validate(access.ValidateOptions{})
	require.ErrorContains(t, err, "url has a user name")
	require.NotContains(t, err.Error(), "hunter2")
}

func TestLongValuesAreShortened(t *testing.T) {
	t.Parallel()
	p := access.Problem{Path: "x", Message: "too long", Got: strings.Repeat("é", 1000)}
	require.Less(t, len([]rune(p.Error())), 130)
}
