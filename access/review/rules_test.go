package review_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/review"
)

const tenant = "https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/v2.0"

// deployed is a deployment of orders with everything that can change.
func deployed() review.Deployment {
	return review.Deployment{
		Model: orders(), Issuer: tenant, Audience: "aaaaaaaa-0000-4000-8000-000000000001",
		Throttle: access.Throttle{Rate: 500, Burst: 1000},
		CORS: review.CORS{
			AllowOrigins: []string{"https://orders.example.com"}, AllowMethods: []string{"GET"},
			AllowHeaders: []string{"authorization"}, MaxAgeSeconds: 600,
		},
		Grants: review.GrantsManaged, Log: review.Log{RetentionDays: 365, Encrypted: true},
		Alarms:      review.Alarms{Told: 2, Thresholds: map[string]float64{"refusedPercent": 25, "failedPercent": 5}},
		Credentials: review.Credentials{RotationDays: 60, LifetimeDays: 211}, Protect: true,
	}
}

// finding is what a test wants of a finding.
type finding struct {
	kind     review.Kind
	unseen   bool
	callers  []string
	contains string
}

func drop[T any](list []T, is func(T) bool) []T { return slices.DeleteFunc(list, is) }

func isScope(value string) func(access.Scope) bool {
	return func(s access.Scope) bool { return s.Value == value }
}

func isRole(value string) func(access.Role) bool {
	return func(r access.Role) bool { return r.Value == value }
}

// ofResource is a change of one resource with the URN that Pulumi gives it.
func ofResource(op, kind, name, parent string) review.Change {
	return review.Change{
		Op: op, Type: kind, Name: name, Keys: []string{"name"},
		URN: "urn:pulumi:prod::orders::entragate:index:ProtectedApi$" + parent + kind + "::" + name,
	}
}

// ruleTests are one change a rule, or several of one, and what is found then:
// everything, by id.
var ruleTests = map[string]struct {
	change  func(*review.Deployment)
	before  func(*review.Deployment) // makes it different first
	changes []review.Change
	exit    int
	want    map[string]finding
}{
	"a route turns public": {
		change: func(d *review.Deployment) {
			d.Model.Routes[2] = access.Route{Key: "GET /orders", Public: "open data"}
		},
		exit: 3,
		want: map[string]finding{
			"route-public GET /orders":      {kind: review.Widening, contains: "open data"},
			"opens-to-everyone GET /orders": {kind: review.Widening, callers: []string{"anonymous"}},
		},
	},
	"a public route is protected": {
		change: func(d *review.Deployment) {
			d.Model.Routes[0] = access.Route{Key: "GET /health", Scopes: []string{"Orders.Read"}}
		},
		exit: 2,
		want: map[string]finding{"route-protected GET /health": {kind: review.Breaking}},
	},
	"a route is added": {
		change: func(d *review.Deployment) {
			d.Model.Routes = append(d.Model.Routes, access.Route{Key: "GET /new", Scopes: []string{"Orders.Write"}})
		},
		exit: 3,
		want: map[string]finding{"route-added GET /new": {kind: review.Widening, callers: []string{"web:user"}}},
	},
	"a route is added that nobody can call": {
		change: func(d *review.Deployment) {
			d.Model.Routes = append(d.Model.Routes, access.Route{Key: "GET /new", Scopes: []string{"Orders.Spare"}})
		},
		exit: 3,
		want: map[string]finding{"route-added GET /new": {kind: review.Widening, unseen: true}},
	},
	"a public route is added": {
		change: func(d *review.Deployment) {
			d.Model.Routes = append(d.Model.Routes, access.Route{Key: "GET /new", Public: "because"})
		},
		exit: 3,
		want: map[string]finding{
			"route-public GET /new": {kind: review.Widening}, "opens-to-everyone GET /new": {kind: review.Widening},
		},
	},
	"a route is removed": {
		change: func(d *review.Deployment) { d.Model.Routes = slices.Delete(d.Model.Routes, 3, 4) },
		exit:   2,
		want:   map[string]finding{"route-removed POST /orders": {kind: review.Breaking, callers: []string{"web:user"}}},
	},
	"a route is removed before a public one": {
		before: func(d *review.Deployment) {
			d.Model.Routes = append(d.Model.Routes, access.Route{Key: "$default", Public: "a page"})
		},
		change: func(d *review.Deployment) { d.Model.Routes = slices.Delete(d.Model.Routes, 3, 4) },
		exit:   3,
		want: map[string]finding{
			"route-removed POST /orders":     {kind: review.Neutral, contains: "$default"},
			"route-uncovered POST /orders":   {kind: review.Widening, contains: "$default"},
			"opens-to-everyone POST /orders": {kind: review.Widening},
		},
	},
	"a route is added before a public one": {
		before: func(d *review.Deployment) {
			d.Model.Routes = append(d.Model.Routes, access.Route{Key: "ANY /{proxy+}", Public: "a page"})
		},
		change: func(d *review.Deployment) {
			d.Model.Routes = append(d.Model.Routes, access.Route{Key: "GET /new", Scopes: []string{"Orders.Write"}})
		},
		exit: 2,
		want: map[string]finding{
			"route-added GET /new":      {kind: review.Neutral},
			"route-taken-over GET /new": {kind: review.Breaking, contains: "ANY /{proxy+}"},
		},
	},
	"a variable is renamed": {
		change: func(d *review.Deployment) { d.Model.Routes[1].Key = "GET /orders/{orderId}" },
		exit:   0,
		want: map[string]finding{
			"route-added GET /orders/{orderId}": {kind: review.Neutral, contains: "GET /orders/{id}"},
			"route-removed GET /orders/{id}":    {kind: review.Neutral, contains: "GET /orders/{orderId}"},
		},
	},
	"a scope is dropped from a route": {
		change: func(d *review.Deployment) { d.Model.Routes[1].Scopes = []string{"Orders.Write"} },
		exit:   2,
		want:   map[string]finding{"route-scope-dropped GET /orders/{id} Orders.Read": {kind: review.Breaking, callers: []string{"spa:user", "user-with-roles"}}},
	},
	"a scope is dropped that nobody needs": {
		change: func(d *review.Deployment) { d.Model.Routes[1].Scopes = []string{"Orders.Read"} },
		exit:   2,
		want:   map[string]finding{"route-scope-dropped GET /orders/{id} Orders.Write": {kind: review.Breaking, unseen: true}},
	},
	"a route takes a scope to which users may consent, in place of another": {
		change: func(d *review.Deployment) { d.Model.Routes[3].Scopes = []string{"Profile.Read"} },
		exit:   3,
		want: map[string]finding{
			"route-scope-dropped POST /orders Orders.Write": {kind: review.Breaking, callers: []string{"web:user"}},
			"route-scope-added POST /orders Profile.Read":   {kind: review.Widening, callers: []string{"cli:user", "other-client"}},
			"opens-to-any-client POST /orders":              {kind: review.Widening, contains: "leaves it open"},
		},
	},
	"a route takes a scope that nobody holds": {
		change: func(d *review.Deployment) { d.Model.Routes[3].Scopes = []string{"Orders.Write", "Orders.Spare"} },
		exit:   3,
		want:   map[string]finding{"route-scope-added POST /orders Orders.Spare": {kind: review.Widening, unseen: true, contains: "too"}},
	},
	"a route gets roles": {
		change: func(d *review.Deployment) { d.Model.Routes[2].Roles = []string{"Orders.Export"} },
		exit:   3,
		want: map[string]finding{
			"route-roles-added GET /orders Orders.Export": {kind: review.Widening, callers: []string{"export:app"}},
			"route-moved-to-lambda GET /orders":           {kind: review.Neutral, contains: "403 in place of 401"},
		},
	},
	"a route loses its roles": {
		change: func(d *review.Deployment) { d.Model.Routes[6].Roles = nil },
		exit:   2,
		want: map[string]finding{
			"route-roles-removed GET /report Orders.Export": {kind: review.Breaking, callers: []string{"export:app"}},
			"route-moved-to-jwt GET /report":                {kind: review.Neutral},
		},
	},
	"the reason of a public route changes": {
		change: func(d *review.Deployment) { d.Model.Routes[0].Public = "monitoring" },
		want:   map[string]finding{"route-reason-changed GET /health": {kind: review.Neutral, contains: "monitoring"}},
	},
	"nobody can call a route any more": {
		change: func(d *review.Deployment) { d.Model.Routes[3].Scopes = []string{"Orders.Spare"} },
		exit:   3,
		want: map[string]finding{
			"route-scope-dropped POST /orders Orders.Write": {kind: review.Breaking, callers: []string{"web:user"}},
			"route-scope-added POST /orders Orders.Spare":   {kind: review.Widening, unseen: true},
			"route-unreachable POST /orders":                {kind: review.Breaking},
		},
	},
	"a backend is elsewhere": {
		change: func(d *review.Deployment) { d.Model.Backends[0].URL = "https://elsewhere.example.com" },
		want:   map[string]finding{"backend-changed orders": {kind: review.Neutral, contains: "https://elsewhere.example.com"}},
	},
	"a route has another backend": {
		before: func(d *review.Deployment) {
			d.Model.Backends = append(d.Model.Backends, access.Backend{Name: "new", Function: "new"})
			d.Model.Functions = []string{"new"}
			for i := range d.Model.Routes {
				d.Model.Routes[i].Backend = "orders"
			}
		},
		change: func(d *review.Deployment) { d.Model.Routes[1].Backend = "new" },
		want:   map[string]finding{"backend-changed GET /orders/{id}": {kind: review.Neutral, contains: "the function new"}},
	},
	"a scope is added": {
		change: func(d *review.Deployment) {
			d.Model.Scopes = append(d.Model.Scopes, access.Scope{Value: "Orders.More", Title: "x"})
		},
		want: map[string]finding{"scope-added Orders.More": {kind: review.Neutral}},
	},
	"a scope is removed while clients hold it": {
		change: func(d *review.Deployment) {
			d.Model = renamed(d.Model, "Orders.Read")
			d.Model.Routes[2].Scopes = []string{"Orders.Write"}
		},
		exit: 3,
		want: map[string]finding{
			"scope-removed-granted Orders.Read":          {kind: review.Breaking, contains: "Pulumi refuses"},
			"client-cut-off spa":                         {kind: review.Breaking},
			"route-scope-added GET /orders Orders.Write": {kind: review.Widening, unseen: true},
		},
	},
	"a scope is renamed at once": {
		change: func(d *review.Deployment) { d.Model = renamed(d.Model, "Profile.Read", "Profile.View") },
		exit:   3,
		want: map[string]finding{
			"scope-added Profile.View":               {kind: review.Neutral},
			"scope-removed-granted Profile.Read":     {kind: review.Breaking, unseen: true, contains: "cli holds it"},
			"route-scope-added GET /me Profile.View": {kind: review.Widening, unseen: true},
			"client-grant-added cli Profile.View":    {kind: review.Widening, unseen: true},
		},
	},
	"an active scope is removed that nobody holds": {
		change: func(d *review.Deployment) { d.Model.Scopes = drop(d.Model.Scopes, isScope("Orders.Spare")) },
		exit:   2,
		want:   map[string]finding{"scope-removed-unretired Orders.Spare": {kind: review.Breaking, unseen: true}},
	},
	"a retired scope is removed": {
		change: func(d *review.Deployment) { d.Model.Scopes = drop(d.Model.Scopes, isScope("Orders.Old")) },
		want:   map[string]finding{"scope-removed Orders.Old": {kind: review.Neutral, contains: "retired"}},
	},
	"a scope is retired": {
		change: func(d *review.Deployment) { d.Model.Scopes[1].State = access.StateRetired },
		exit:   2,
		want: map[string]finding{
			"scope-retired Orders.Write":     {kind: review.Breaking, callers: []string{"web:user"}},
			"route-unreachable POST /orders": {kind: review.Breaking},
		},
	},
	"a scope is active again": {
		before: func(d *review.Deployment) { d.Model.Scopes[1].State = access.StateRetired },
		change: func(d *review.Deployment) { d.Model.Scopes[1].State = access.StateActive },
		exit:   3,
		want:   map[string]finding{"scope-reactivated Orders.Write": {kind: review.Widening, callers: []string{"web:user"}}},
	},
	"users may consent": {
		change: func(d *review.Deployment) { d.Model.Scopes[1].Consent = access.ConsentUser },
		exit:   3,
		want: map[string]finding{
			"scope-consent-opened Orders.Write":    {kind: review.Widening, callers: []string{"other-client"}},
			"opens-to-any-client GET /orders/{id}": {kind: review.Widening},
			"opens-to-any-client POST /orders":     {kind: review.Widening},
		},
	},
	"users may no longer consent": {
		change: func(d *review.Deployment) { d.Model.Scopes[4].Consent = access.ConsentAdmin },
		exit:   2,
		want:   map[string]finding{"scope-consent-closed Profile.Read": {kind: review.Breaking, callers: []string{"other-client"}}},
	},
	"a title changes": {
		change: func(d *review.Deployment) { d.Model.Scopes[0].Title = "See orders" },
		want:   map[string]finding{"scope-text-changed Orders.Read": {kind: review.Neutral, contains: `"See orders"`}},
	},
	"a role is added": {
		change: func(d *review.Deployment) {
			d.Model.Roles = append(d.Model.Roles, access.Role{Value: "Orders.More", Title: "x"})
		},
		want: map[string]finding{"role-added Orders.More": {kind: review.Neutral}},
	},
	"a role is removed while a daemon holds it": {
		change: func(d *review.Deployment) {
			d.Model.Roles = drop(d.Model.Roles, isRole("Orders.Export"))
			d.Model.Clients[3].Roles = nil
			d.Model.Routes[5].Roles = []string{"Orders.Audit"}
			d.Model.Routes[6].Roles = nil
		},
		exit: 3,
		want: map[string]finding{
			"role-removed-granted Orders.Export":          {kind: review.Breaking, callers: []string{"export:app"}},
			"route-roles-added GET /exports Orders.Audit": {kind: review.Widening, unseen: true},
			"route-moved-to-jwt GET /report":              {kind: review.Neutral},
			"route-unreachable GET /exports":              {kind: review.Breaking},
			"client-cut-off export":                       {kind: review.Breaking},
		},
	},
	"an active role is removed that nobody holds": {
		change: func(d *review.Deployment) { d.Model.Roles = drop(d.Model.Roles, isRole("Orders.Audit")) },
		exit:   2,
		want:   map[string]finding{"role-removed-unretired Orders.Audit": {kind: review.Breaking, unseen: true}},
	},
	"a retired role is removed": {
		change: func(d *review.Deployment) { d.Model.Roles = drop(d.Model.Roles, isRole("Orders.Import")) },
		want:   map[string]finding{"role-removed Orders.Import": {kind: review.Neutral}},
	},
	"a role is retired": {
		change: func(d *review.Deployment) { d.Model.Roles[0].State = access.StateRetired },
		exit:   2,
		want: map[string]finding{
			"role-retired Orders.Export":     {kind: review.Breaking, callers: []string{"export:app"}},
			"route-unreachable GET /exports": {kind: review.Breaking},
			"client-cut-off export":          {kind: review.Breaking},
		},
	},
	"a role is active again": {
		change: func(d *review.Deployment) { d.Model.Roles[1].State = access.StateActive },
		exit:   3,
		want:   map[string]finding{"role-reactivated Orders.Import": {kind: review.Widening, unseen: true}},
	},
	"a client is added": {
		change: func(d *review.Deployment) {
			d.Model.Clients = append(d.Model.Clients, access.Client{Name: "app", Kind: access.ClientSPA, RedirectURIs: []string{"https://app.example.com/"}, Scopes: []string{"Orders.Write"}})
		},
		exit: 3,
		want: map[string]finding{"client-added app": {kind: review.Widening, callers: []string{"app:user"}, contains: "https://app.example.com/"}},
	},
	"a daemon is added that holds nothing": {
		change: func(d *review.Deployment) {
			d.Model.Clients = append(d.Model.Clients, access.Client{Name: "job", Kind: access.ClientDaemon})
		},
		exit: 3,
		want: map[string]finding{"client-added job": {kind: review.Widening, unseen: true}},
	},
	"a client is removed": {
		change: func(d *review.Deployment) { d.Model.Clients = slices.Delete(d.Model.Clients, 1, 2) },
		exit:   2,
		want: map[string]finding{
			"client-removed web":             {kind: review.Breaking, callers: []string{"web:user"}},
			"route-unreachable POST /orders": {kind: review.Breaking},
		},
	},
	"the first client is removed": {
		change: func(d *review.Deployment) { d.Model.Clients = slices.Delete(d.Model.Clients, 0, 1) },
		exit:   2,
		want:   map[string]finding{"client-removed spa": {kind: review.Breaking, callers: []string{"spa:user"}}},
	},
	"a client is of another kind": {
		change: func(d *review.Deployment) { d.Model.Clients[0].Kind = access.ClientNative },
		exit:   2,
		want:   map[string]finding{"client-kind-changed spa": {kind: review.Breaking, unseen: true}},
	},
	"a client becomes a daemon": {
		change: func(d *review.Deployment) {
			d.Model.Clients[2] = access.Client{Name: "cli", Kind: access.ClientDaemon, Roles: []string{"Orders.Export"}}
		},
		exit: 3,
		want: map[string]finding{
			"client-kind-changed cli":                   {kind: review.Breaking, callers: []string{"cli:user"}},
			"client-added cli":                          {kind: review.Widening, callers: []string{"cli:app"}},
			"credential-changed cli":                    {kind: review.Breaking, unseen: true},
			"redirect-uri-removed cli http://localhost": {kind: review.Breaking, unseen: true},
		},
	},
	"a grant is added": {
		change: func(d *review.Deployment) { d.Model.Clients[0].Scopes = []string{"Orders.Read", "Orders.Write"} },
		exit:   3,
		want:   map[string]finding{"client-grant-added spa Orders.Write": {kind: review.Widening, callers: []string{"spa:user", "user-with-roles"}}},
	},
	"a grant is added that opens nothing": {
		change: func(d *review.Deployment) { d.Model.Clients[0].Scopes = []string{"Orders.Read", "Orders.Spare"} },
		exit:   3,
		want:   map[string]finding{"client-grant-added spa Orders.Spare": {kind: review.Widening, unseen: true}},
	},
	"a grant is removed": {
		change: func(d *review.Deployment) { d.Model.Clients[1].Scopes = []string{"Orders.Read"} },
		exit:   2,
		want: map[string]finding{
			"client-grant-removed web Orders.Write": {kind: review.Breaking, callers: []string{"web:user"}},
			"route-unreachable POST /orders":        {kind: review.Breaking},
		},
	},
	"a role is assigned": {
		before: func(d *review.Deployment) { d.Model.Clients[3].Roles = nil },
		change: func(d *review.Deployment) { d.Model.Clients[3].Roles = []string{"Orders.Export"} },
		exit:   3,
		want:   map[string]finding{"role-assigned export Orders.Export": {kind: review.Widening, callers: []string{"export:app"}}},
	},
	"a role is no longer assigned": {
		change: func(d *review.Deployment) { d.Model.Clients[3].Roles = []string{"Orders.Audit"} },
		exit:   3,
		want: map[string]finding{
			"role-unassigned export Orders.Export": {kind: review.Breaking, callers: []string{"export:app"}},
			"role-assigned export Orders.Audit":    {kind: review.Widening, unseen: true},
			"route-unreachable GET /exports":       {kind: review.Breaking},
			"client-cut-off export":                {kind: review.Breaking},
		},
	},
	"a client is shown under another name": {
		change: func(d *review.Deployment) { d.Model.Clients[0].DisplayName = "Shop" },
		want:   map[string]finding{"client-renamed spa": {kind: review.Neutral}},
	},
	"a redirect URI is another": {
		change: func(d *review.Deployment) { d.Model.Clients[0].RedirectURIs = []string{"https://evil.example.com/"} },
		exit:   3,
		want: map[string]finding{
			"redirect-uri-added spa https://evil.example.com/":     {kind: review.Widening, unseen: true},
			"redirect-uri-removed spa https://orders.example.com/": {kind: review.Breaking, unseen: true},
		},
	},
	"a client proves itself otherwise": {
		change: func(d *review.Deployment) {
			d.Model.Clients[1].Credential = &access.Credential{GitHub: &access.GitHub{Repository: "contoso/web", Environment: "prod"}}
		},
		exit: 2,
		want: map[string]finding{"credential-changed web": {kind: review.Breaking, unseen: true, contains: "a federated credential in place of a secret"}},
	},
	"another workflow is trusted": {
		change: func(d *review.Deployment) {
			d.Model.Clients[3].Credential = &access.Credential{GitHub: &access.GitHub{Repository: "evil/orders", Branch: "main"}}
		},
		exit: 3,
		want: map[string]finding{"credential-trust-changed export": {kind: review.Widening, unseen: true, contains: "repo:evil/orders"}},
	},
	"another role reads a secret": {
		change: func(d *review.Deployment) {
			d.Model.Clients[1].Credential = &access.Credential{Kind: access.CredentialSecret, Readers: []string{"arn:aws:iam::111122223333:role/other"}}
		},
		exit: 3,
		want: map[string]finding{
			"secret-reader-added web arn:aws:iam::111122223333:role/other": {kind: review.Widening, unseen: true},
			"secret-reader-removed web arn:aws:iam::111122223333:role/web": {kind: review.Breaking, unseen: true},
		},
	},
	"assignment is no longer required": {
		change: func(d *review.Deployment) { no := false; d.Model.Assignment.Required = &no },
		exit:   3,
		want:   map[string]finding{"assignment-optional assignment": {kind: review.Widening, callers: []string{"unassigned-user"}}},
	},
	"assignment is required": {
		before: func(d *review.Deployment) { no := false; d.Model.Assignment.Required = &no },
		change: func(d *review.Deployment) { yes := true; d.Model.Assignment.Required = &yes },
		exit:   2,
		want:   map[string]finding{"assignment-required assignment": {kind: review.Breaking, callers: []string{"unassigned-user"}}},
	},
	"somebody is assigned": {
		change: func(d *review.Deployment) { d.Model.Assignment.Users = []string{aliceID, bobID} },
		exit:   3,
		want:   map[string]finding{"assigned-added " + bobID: {kind: review.Widening, unseen: true}},
	},
	"nobody is assigned any more": {
		change: func(d *review.Deployment) { d.Model.Assignment.Users, d.Model.Assignment.Groups = nil, nil },
		exit:   2,
		want: map[string]finding{
			"assigned-removed " + aliceID:        {kind: review.Breaking, callers: []string{"spa:user", "web:user", "cli:user", "other-client"}},
			"assigned-removed " + staffID:        {kind: review.Breaking},
			"route-unreachable GET /orders/{id}": {kind: review.Breaking}, "route-unreachable GET /orders": {kind: review.Breaking},
			"route-unreachable POST /orders": {kind: review.Breaking}, "route-unreachable GET /me": {kind: review.Breaking},
			"client-cut-off spa": {kind: review.Breaking}, "client-cut-off web": {kind: review.Breaking}, "client-cut-off cli": {kind: review.Breaking},
		},
	},
	"another tenant": {
		change: func(d *review.Deployment) {
			d.Issuer = strings.Replace(tenant, "1111", "9999", 1)
		},
		exit: 3,
		want: map[string]finding{
			"issuer-changed issuer": {kind: review.Breaking, unseen: true}, "issuer-trusted issuer": {kind: review.Widening, unseen: true},
		},
	},
	"another host of the same tenant": {
		change: func(d *review.Deployment) { d.Issuer = strings.Replace(tenant, ".com", ".us", 1) },
		exit:   2,
		want:   map[string]finding{"issuer-changed issuer": {kind: review.Breaking, unseen: true}},
	},
	"another audience": {
		change: func(d *review.Deployment) { d.Audience = "aaaaaaaa-0000-4000-8000-000000000002" },
		exit:   2,
		want:   map[string]finding{"audience-changed audience": {kind: review.Breaking, unseen: true}},
	},
	"an audience that is not known yet": {
		change: func(d *review.Deployment) { d.Audience = "" },
		want:   map[string]finding{},
	},
	"the API's application is made anew": {
		change:  func(*review.Deployment) {},
		changes: []review.Change{ofResource(review.OpReplace, "azuread:index/application:Application", "orders", "entragate:index:ApiApplication$")},
		exit:    2,
		want:    map[string]finding{"application-replaced orders": {kind: review.Breaking, unseen: true, contains: "audience"}},
	},
	"a client's application is made anew": {
		change:  func(*review.Deployment) {},
		changes: []review.Change{ofResource(review.OpReplace, "azuread:index/application:Application", "orders-spa", "entragate:index:ClientApplication$")},
		exit:    2,
		want:    map[string]finding{"application-replaced orders-spa": {kind: review.Breaking, unseen: true, contains: "of a client"}},
	},
	"a service principal is made anew": {
		change:  func(*review.Deployment) {},
		changes: []review.Change{ofResource(review.OpReplace, "azuread:index/servicePrincipal:ServicePrincipal", "orders", "entragate:index:ApiApplication$")},
		exit:    2,
		want:    map[string]finding{"principal-replaced orders": {kind: review.Breaking, unseen: true}},
	},
	"the API is made anew": {
		change:  func(*review.Deployment) {},
		changes: []review.Change{ofResource(review.OpReplace, "aws:apigatewayv2/api:Api", "orders", "entragate:index:Gateway$")},
		exit:    2,
		want:    map[string]finding{"api-replaced orders": {kind: review.Breaking, unseen: true}},
	},
	"a stage is made anew": {
		change:  func(*review.Deployment) {},
		changes: []review.Change{ofResource(review.OpReplace, "aws:apigatewayv2/stage:Stage", "orders", "entragate:index:Gateway$")},
		want:    map[string]finding{"resource-replaced Stage orders": {kind: review.Neutral}},
	},
	"an update of anything": {
		change:  func(*review.Deployment) {},
		changes: []review.Change{ofResource(review.OpUpdate, "aws:apigatewayv2/api:Api", "orders", "entragate:index:Gateway$")},
		want:    map[string]finding{},
	},
	"a log is removed": {
		change:  func(*review.Deployment) {},
		changes: []review.Change{ofResource(review.OpDelete, "aws:cloudwatch/logGroup:LogGroup", "orders", "entragate:index:AccessLog$")},
		exit:    3,
		want:    map[string]finding{"log-removed LogGroup orders": {kind: review.Widening, unseen: true}},
	},
	"an alarm is removed": {
		change:  func(*review.Deployment) {},
		changes: []review.Change{ofResource(review.OpDelete, "aws:cloudwatch/metricAlarm:MetricAlarm", "orders-refused", "entragate:index:Monitor$")},
		exit:    3,
		want:    map[string]finding{"alarm-removed orders-refused": {kind: review.Widening, unseen: true}},
	},
	"grants are external": {
		change: func(d *review.Deployment) { d.Grants = review.GrantsExternal },
		exit:   2,
		want:   map[string]finding{"grants-external grants": {kind: review.Breaking, unseen: true, contains: "administrator"}},
	},
	"grants are managed": {
		before: func(d *review.Deployment) { d.Grants = review.GrantsExternal },
		change: func(d *review.Deployment) { d.Grants = review.GrantsManaged },
		want:   map[string]finding{"grants-managed grants": {kind: review.Neutral}},
	},
	"the outbound issuer is another": {
		change: func(d *review.Deployment) { d.Credentials.OutboundIssuer = "https://x.tokens.sts.global.api.aws" },
		want:   map[string]finding{"outbound-issuer-changed outboundIssuer": {kind: review.Neutral}},
	},
	"secrets live longer": {
		change: func(d *review.Deployment) { d.Credentials.RotationDays, d.Credentials.LifetimeDays = 90, 180 },
		want: map[string]finding{
			"rotation-slower rotationDays": {kind: review.Neutral}, "rotation-faster lifetimeDays": {kind: review.Neutral},
		},
	},
	"the endpoint is opened": {
		change: func(d *review.Deployment) { d.Endpoint = true },
		exit:   3,
		want:   map[string]finding{"endpoint-opened endpoint": {kind: review.Widening, unseen: true}},
	},
	"the endpoint is closed": {
		before: func(d *review.Deployment) { d.Endpoint = true },
		change: func(d *review.Deployment) { d.Endpoint = false },
		exit:   2,
		want:   map[string]finding{"endpoint-closed endpoint": {kind: review.Breaking, unseen: true}},
	},
	"CORS is loosened": {
		change: func(d *review.Deployment) {
			d.CORS.AllowOrigins, d.CORS.AllowHeaders, d.CORS.AllowCredentials = []string{"*"}, []string{"Authorization", "x-a"}, true
		},
		exit: 3,
		want: map[string]finding{
			"cors-loosened allowOrigins *":   {kind: review.Widening, unseen: true},
			"cors-loosened allowHeaders x-a": {kind: review.Widening, unseen: true},
			"cors-loosened allowCredentials": {kind: review.Widening, unseen: true},
		},
	},
	"CORS is taken away": {
		change: func(d *review.Deployment) { d.CORS = review.CORS{} },
		exit:   2,
		want:   map[string]finding{"cors-tightened allowOrigins https://orders.example.com": {kind: review.Breaking, unseen: true}},
	},
	"browsers keep CORS for longer": {
		change: func(d *review.Deployment) { d.CORS.MaxAgeSeconds = 86400 },
		want:   map[string]finding{"cors-max-age-changed maxAgeSeconds": {kind: review.Neutral}},
	},
	"the throttle is loosened and tightened": {
		change: func(d *review.Deployment) { d.Throttle = access.Throttle{Rate: 1000, Burst: 10} },
		exit:   3,
		want: map[string]finding{
			"throttle-loosened default": {kind: review.Widening, unseen: true}, "throttle-tightened default": {kind: review.Breaking, unseen: true},
		},
	},
	"the throttle of a route is loosened": {
		change: func(d *review.Deployment) { d.Model.Routes[1].Throttle = &access.Throttle{Rate: 1000, Burst: 1000} },
		exit:   3,
		want:   map[string]finding{"throttle-loosened GET /orders/{id}": {kind: review.Widening, unseen: true}},
	},
	"decisions are repeated for longer": {
		change: func(d *review.Deployment) { s := 3600; d.Model.DecisionCacheSeconds = &s },
		exit:   3,
		want:   map[string]finding{"decision-cache-longer authorizer": {kind: review.Widening, unseen: true}},
	},
	"decisions are not repeated": {
		change: func(d *review.Deployment) { s := 0; d.Model.DecisionCacheSeconds = &s },
		want:   map[string]finding{"decision-cache-shorter authorizer": {kind: review.Neutral}},
	},
	"logs are kept shorter and unencrypted": {
		change: func(d *review.Deployment) { d.Log = review.Log{RetentionDays: 30} },
		exit:   3,
		want: map[string]finding{
			"log-retention-shortened accessLog": {kind: review.Neutral, contains: "30 days"}, "log-unencrypted accessLog": {kind: review.Widening, unseen: true},
		},
	},
	"logs are kept longer and encrypted": {
		before: func(d *review.Deployment) { d.Log = review.Log{RetentionDays: 30} },
		change: func(d *review.Deployment) { d.Log = review.Log{RetentionDays: 0, Encrypted: true} },
		want: map[string]finding{
			"log-retention-extended accessLog": {kind: review.Neutral, contains: "ever"}, "log-encrypted accessLog": {kind: review.Neutral},
		},
	},
	"nobody is told of alarms": {
		change: func(d *review.Deployment) { d.Alarms.Told = 0 },
		exit:   3,
		want:   map[string]finding{"alarm-removed subscriptions": {kind: review.Widening, unseen: true}},
	},
	"alarms go off later and earlier": {
		change: func(d *review.Deployment) {
			d.Alarms.Thresholds = map[string]float64{"refusedPercent": 50, "failedPercent": 1}
		},
		want: map[string]finding{
			"alarm-loosened refusedPercent": {kind: review.Neutral}, "alarm-tightened failedPercent": {kind: review.Neutral},
		},
	},
	"protection is taken away": {
		change: func(d *review.Deployment) { d.Protect = false },
		want:   map[string]finding{"protect-off protect": {kind: review.Neutral}},
	},
	"protection is put on": {
		before: func(d *review.Deployment) { d.Protect = false },
		change: func(d *review.Deployment) { d.Protect = true },
		want:   map[string]finding{"protect-on protect": {kind: review.Neutral}},
	},
	"another order": {
		change: func(d *review.Deployment) {
			d.Model.Routes[1].Scopes = []string{"Orders.Write", "Orders.Read"}
		},
		want: map[string]finding{"order-changed order": {kind: review.Neutral}},
	},
	"another first client": {
		change: func(d *review.Deployment) {
			d.Model.Clients[0], d.Model.Clients[2] = d.Model.Clients[2], d.Model.Clients[0]
		},
		want: map[string]finding{"caller-stands-for-another user-with-roles": {kind: review.Neutral}},
	},
}

func TestRules(t *testing.T) {
	t.Parallel()
	for name, test := range ruleTests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := deployed(), deployed()
			if test.before != nil {
				test.before(&before)
				test.before(&after)
			}
			before.Model, after.Model = clone(before.Model), clone(after.Model)
			test.change(&after)
			require.NoError(t, before.Model.Validate(access.ValidateOptions{}))
			require.NoError(t, after.Model.Validate(access.ValidateOptions{}))
			got := review.Compare(&before, after, test.changes, review.Options{Now: now})
			check(t, before.Model, after.Model, got)
			var ids, want []string
			for _, f := range got.Findings {
				ids = append(ids, f.ID)
			}
			for id := range test.want {
				want = append(want, id)
			}
			require.ElementsMatch(t, want, ids)
			require.Equal(t, test.exit, got.Verdict.Exit, got.Verdict.Words)
			for _, f := range got.Findings {
				w := test.want[f.ID]
				require.Equal(t, w.kind, f.Kind, f.ID)
				require.Equal(t, w.unseen, f.Unseen != "", "%s: unseen %q, callers %v", f.ID, f.Unseen, f.Callers)
				require.Contains(t, f.Words, w.contains)
				if w.callers != nil {
					require.Equal(t, w.callers, f.Callers, f.ID)
				}
				for _, text := range []string{f.Words, f.Tokens} {
					require.True(t, strings.HasSuffix(text, "."), text)
					require.NotContains(t, text, "%!", f.ID)
				}
			}
		})
	}
}

func TestEveryRuleIsListedAndTried(t *testing.T) {
	t.Parallel()
	tried := map[string]bool{"first-deployment": true, "acknowledgement-unused": true} // have tests of their own
	for _, test := range ruleTests {
		for id := range test.want {
			rule, _, _ := strings.Cut(id, " ")
			tried[rule] = true
		}
	}
	last := ""
	kebab := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	for _, r := range review.Rules() {
		require.Regexp(t, kebab, r.ID)
		require.Less(t, last, r.ID)
		require.NotEmpty(t, r.Title)
		require.NotEmpty(t, r.Explanation)
		require.Contains(t, []review.Kind{review.Widening, review.Breaking, review.Neutral}, r.Kind)
		require.True(t, tried[r.ID], "%s has no test", r.ID)
		delete(tried, r.ID)
		last = r.ID
	}
	require.Empty(t, tried)
	require.Greater(t, len(review.Rules()), 40)
}
