package tests

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
)

// What `review --json` prints.
type reviewed struct {
	Verdict struct {
		Exit                                           int
		Widening, Breaking, Neutral                    int
		UnacknowledgedWidening, UnacknowledgedBreaking int
		Words                                          string
	}
	Findings []struct{ Rule, Kind, Subject, Words, Setting, Tokens string }
	Cells    []struct{ Route, Caller, Kind string }
	Before   access.Matrix
	After    access.Matrix
}

func (r reviewed) rules() []string {
	var rules []string
	for _, f := range r.Findings {
		rules = append(rules, f.Rule)
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}

// The exit codes of a review.
const (
	exitBreaking = 2
	exitWidening = 3
)

// review runs a review and returns its exit code too.
func (p *project) review(args ...string) (reviewed, int) {
	p.t.Helper()
	o := p.try(append([]string{"review"}, args...)...)
	require.NotEqual(p.t, exitFailed, o.code, o.stderr)
	var r reviewed
	require.NoError(p.t, o.into(&r), "%s\n%s", o.stderr, o.stdout)
	require.Equal(p.t, r.Verdict.Exit, o.code)
	return r, o.code
}

// judgement is what a review must say of a change.
type judgement struct {
	exit  int
	rules []string // of all findings but consequences
}

// toggle is a change and its reverse: two of the table.
type toggle struct {
	name        string
	settings    map[string]any // what differs from the base
	forth, back judgement
}

// base is a stack that deploys fast: no secrets, no functions but the role
// authorizer.
func base() map[string]any {
	return map[string]any{
		"functions": []map[string]any{},
		"backends":  []map[string]any{{"name": "orders", "url": "https://orders.example.com"}},
		"scopes":    scopesOf("Browse", "Read", "Write"),
		"roles": []map[string]any{
			{"value": "Orders.Export", "title": "Export orders"}, {"value": "Orders.Audit", "title": "Audit orders"},
		},
		"clients":    clients(nil),
		"routes":     routesOf(nil),
		"assignment": map[string]any{"required": true},
		"cors":       map[string]any{"allowOrigins": []string{"https://portal.dev.example.com"}},
		"throttle":   map[string]any{"rate": 50, "burst": 100},
		"accessLog":  map[string]any{"retentionDays": 30},
		"alarms":     map[string]any{},
		"authorizer": map[string]any{},
		"protect":    false,
	}
}

func scopesOf(names ...string) []map[string]any {
	var scopes []map[string]any
	for _, name := range names {
		scope := map[string]any{"value": "Orders." + name, "title": name + " orders"}
		if name == "Browse" {
			scope["consent"] = "user"
		}
		scopes = append(scopes, scope)
	}
	return scopes
}

// federated is a credential that needs nothing here.
var federated = map[string]any{"github": map[string]any{"repository": "contoso/orders", "branch": "main"}}

// clients are those of the base, each as edit makes it; nil leaves one out.
func clients(edit func(name string, client map[string]any) map[string]any, more ...map[string]any) []map[string]any {
	all := []map[string]any{
		{"name": "portal", "kind": "spa", "redirectUris": []string{"https://portal.dev.example.com/signed-in"}, "scopes": []string{"Orders.Browse", "Orders.Read"}},
		{"name": "backoffice", "kind": "web", "redirectUris": []string{"https://backoffice.dev.example.com/signin-oidc"}, "scopes": []string{"Orders.Read", "Orders.Write"}, "credential": federated},
		{"name": "desktop", "kind": "native", "redirectUris": []string{"http://localhost"}, "scopes": []string{"Orders.Browse"}},
		{"name": "export", "kind": "daemon", "roles": []string{"Orders.Export"}, "credential": federated},
	}
	return edited(all, "name", edit, more)
}

// routesOf are those of the base, each as edit makes it; nil leaves one out.
func routesOf(edit func(key string, route map[string]any) map[string]any, more ...map[string]any) []map[string]any {
	all := []map[string]any{
		{"route": "GET /health", "public": "load balancers and monitoring have no token"},
		{"route": "GET /orders", "scopes": []string{"Orders.Browse", "Orders.Read"}},
		{"route": "POST /orders", "scopes": []string{"Orders.Write"}},
		{"route": "GET /orders/{id}", "scopes": []string{"Orders.Read"}},
		{"route": "GET /orders/export", "roles": []string{"Orders.Export"}},
		{"route": "GET /files/{proxy+}", "scopes": []string{"Orders.Read"}, "roles": []string{"Orders.Export", "Orders.Audit"}},
	}
	return edited(all, "route", edit, more)
}

func edited(all []map[string]any, key string, edit func(string, map[string]any) map[string]any, more []map[string]any) []map[string]any {
	if edit == nil {
		return append(all, more...)
	}
	var kept []map[string]any
	for _, item := range all {
		if item = edit(item[key].(string), item); item != nil {
			kept = append(kept, item)
		}
	}
	return append(kept, more...)
}

// put changes one setting of one item.
func put(name, key string, value any) func(string, map[string]any) map[string]any {
	return func(got string, item map[string]any) map[string]any {
		if got != name {
			return item
		}
		item = maps.Clone(item)
		if value == nil {
			delete(item, key)
		} else {
			item[key] = value
		}
		return item
	}
}

// both applies two edits.
func both(a, b func(string, map[string]any) map[string]any) func(string, map[string]any) map[string]any {
	return func(name string, item map[string]any) map[string]any { return b(name, a(name, item)) }
}

func breaking(rules ...string) judgement { return judgement{exitBreaking, rules} }
func widening(rules ...string) judgement { return judgement{exitWidening, rules} }
func neutral(rules ...string) judgement  { return judgement{exitOK, rules} }

// The table, in parts that are deployed side by side.
func toggles() map[string][]toggle {
	public := both(put("GET /orders", "scopes", nil), put("GET /orders", "public", "everybody may look"))
	return map[string][]toggle{
		"routes": {
			{"a route turns public", map[string]any{"routes": routesOf(public)}, widening("route-public"), breaking("route-protected")},
			{
				"a scope is dropped from a route",
				map[string]any{"routes": routesOf(put("GET /orders", "scopes", []string{"Orders.Read"}))},
				breaking("route-scope-dropped"), widening("route-scope-added"),
			},
			{
				"a route takes daemons too",
				map[string]any{"routes": routesOf(put("POST /orders", "roles", []string{"Orders.Export"}))},
				widening("route-roles-added"), breaking("route-roles-removed"),
			},
			{
				"a role is dropped from a route",
				map[string]any{"routes": routesOf(put("GET /files/{proxy+}", "roles", []string{"Orders.Audit"}))},
				breaking("route-roles-removed"), widening("route-roles-added"),
			},
			{
				"a route comes",
				map[string]any{"routes": routesOf(nil, map[string]any{"route": "PUT /orders/{id}", "scopes": []string{"Orders.Write"}})},
				widening("route-added"), breaking("route-removed"),
			},
			{
				"a protected $default route comes",
				map[string]any{"routes": routesOf(nil, map[string]any{"route": "$default", "scopes": []string{"Orders.Read"}})},
				widening("route-added"), breaking("route-removed"),
			},
			{
				"a route is moved and opened at once",
				map[string]any{"routes": routesOf(put("POST /orders", "scopes", []string{"Orders.Write", "Orders.Browse"}), map[string]any{"route": "GET /status", "public": "for all"})},
				widening("route-scope-added", "route-public"), breaking("route-scope-dropped", "route-removed"),
			},
			{
				"the backend takes longer",
				map[string]any{"backends": []map[string]any{{"name": "orders", "url": "https://orders.example.com", "timeoutMillis": 5000}}},
				neutral(), neutral(),
			},
		},
		"clients": {
			{
				"a client is granted a scope",
				map[string]any{"clients": clients(put("desktop", "scopes", []string{"Orders.Browse", "Orders.Read"}))},
				widening("client-grant-added"), breaking("client-grant-removed"),
			},
			{
				"a client comes",
				map[string]any{"clients": clients(nil, map[string]any{"name": "tablet", "kind": "native", "redirectUris": []string{"http://localhost"}, "scopes": []string{"Orders.Read"}})},
				widening("client-added"), breaking("client-removed"),
			},
			{
				"a daemon is assigned a role",
				map[string]any{"clients": clients(put("export", "roles", []string{"Orders.Export", "Orders.Audit"}))},
				widening("role-assigned"), breaking("role-unassigned"),
			},
			{
				"a daemon has another role",
				map[string]any{"clients": clients(put("export", "roles", []string{"Orders.Audit"}))},
				widening("role-assigned", "role-unassigned"), widening("role-assigned", "role-unassigned"),
			},
			{
				"tokens may go to another place",
				map[string]any{"clients": clients(put("portal", "redirectUris", []string{"https://portal.dev.example.com/signed-in", "https://new.dev.example.com/"}))},
				widening("redirect-uri-added"), breaking("redirect-uri-removed"),
			},
			{
				"another repository proves itself",
				map[string]any{"clients": clients(put("export", "credential", map[string]any{"github": map[string]any{"repository": "contoso/other", "branch": "main"}}))},
				widening("credential-trust-changed"), widening("credential-trust-changed"),
			},
			{
				"assignment is not required",
				map[string]any{"assignment": map[string]any{"required": false}},
				widening("assignment-optional"), widening("assignment-required", "assigned-added"), // the sandbox then assigns somebody
			},
			{
				"a client gains while a route closes",
				map[string]any{
					"clients": clients(put("desktop", "scopes", []string{"Orders.Browse", "Orders.Write"})),
					"routes":  routesOf(put("GET /orders", "scopes", []string{"Orders.Read"})),
				},
				widening("client-grant-added", "route-scope-dropped"), widening("client-grant-removed", "route-scope-added"),
			},
		},
		"the rest": {
			{
				"a scope retires",
				map[string]any{"scopes": changed(scopesOf("Browse", "Read", "Write"), 0, "state", "retired")},
				breaking("scope-retired"), widening("scope-reactivated"),
			},
			{
				"a scope is for administrators to consent",
				map[string]any{"scopes": changed(scopesOf("Browse", "Read", "Write"), 0, "consent", "admin")},
				breaking("scope-consent-closed"), widening("scope-consent-opened"),
			},
			{
				"a scope comes",
				map[string]any{"scopes": scopesOf("Browse", "Read", "Write", "Report")},
				neutral("scope-added"), breaking("scope-removed-unretired"),
			},
			{
				"a scope is renamed in one go",
				map[string]any{
					"scopes":  scopesOf("Browse", "Read", "Change"),
					"clients": clients(put("backoffice", "scopes", []string{"Orders.Read", "Orders.Change"})),
					"routes":  routesOf(put("POST /orders", "scopes", []string{"Orders.Change"})),
				},
				widening("scope-removed-granted", "scope-added"), widening("scope-removed-granted", "scope-added"),
			},
			{
				"browsers of any origin may call",
				map[string]any{"cors": map[string]any{"allowOrigins": []string{"*"}}},
				widening("cors-loosened"), breaking("cors-tightened"),
			},
			{
				"more may be called at once",
				map[string]any{"throttle": map[string]any{"rate": 500, "burst": 1000}},
				widening("throttle-loosened"), breaking("throttle-tightened"),
			},
			{
				"alarms are later",
				map[string]any{"alarms": map[string]any{"thresholds": map[string]any{"refusedPercent": 90}}},
				neutral("alarm-loosened"), neutral("alarm-tightened"),
			},
			{
				"the log is kept for less long",
				map[string]any{"accessLog": map[string]any{"retentionDays": 7}},
				neutral("log-retention-shortened"), neutral("log-retention-extended"),
			},
			{
				"decisions are kept for longer",
				map[string]any{"authorizer": map[string]any{"cacheSeconds": 600}},
				widening("decision-cache-longer"), neutral("decision-cache-shorter"),
			},
		},
	}
}

// changed changes one setting of the item at an index.
func changed(items []map[string]any, i int, key string, value any) []map[string]any {
	items[i] = maps.Clone(items[i])
	items[i][key] = value
	return items
}

// Each change is reviewed, and then deployed: what the review predicts of the
// matrix is what `up` then observes of it, cell by cell.
func TestReviewsPredictWhatIsObserved(t *testing.T) {
	t.Parallel()
	for part, table := range toggles() {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			set := func(settings map[string]any) {
				for key, value := range base() {
					p.set(key, value)
				}
				for key, value := range settings {
					p.set(key, value)
				}
			}
			set(nil)
			first, code := p.review()
			require.Equal(t, exitWidening, code)
			require.Contains(t, first.rules(), "first-deployment")
			current := p.up()
			for _, change := range table {
				for _, way := range []struct {
					name     string
					settings map[string]any
					want     judgement
				}{{change.name, change.settings, change.forth}, {change.name + ", and back", nil, change.back}} {
					set(way.settings)
					r, code := p.review()
					require.Equal(t, way.want.exit, code, "%s: %s\n%v", way.name, r.Verdict.Words, r.rules())
					for _, rule := range way.want.rules {
						require.Contains(t, r.rules(), rule, way.name)
					}
					require.Equal(t, current.Matrix, r.Before, "%s: before", way.name)
					current = p.up() // which holds that every cell is as its matrix says
					require.Equal(t, current.Matrix, r.After, "%s: the prediction", way.name)
				}
			}
			r, code := p.review()
			require.Equal(t, exitOK, code)
			require.Empty(t, r.Findings)
			require.Empty(t, r.Cells)
		})
	}
}

func TestTheTableOfReviewsIsLarge(t *testing.T) {
	t.Parallel()
	changes := 0
	for _, part := range toggles() {
		changes += 2 * len(part)
	}
	require.GreaterOrEqual(t, changes, 40)
}

// What somebody changes past the program is drift: who gains by it, and what to do.
func TestVerifyReportsDrift(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	for key, value := range base() {
		p.set(key, value)
	}
	p.up()
	type verified struct {
		Differ int
		Drift  struct {
			Widening int
			Findings []struct{ Subject, Effect, Got, Want, Access, Fix string }
		}
	}
	var v verified
	p.run(&v, "verify")
	require.Empty(t, v.Drift.Findings)

	gateway := apigatewayv2.NewFromConfig(p.aws())
	apis, err := gateway.GetApis(t.Context(), &apigatewayv2.GetApisInput{})
	require.NoError(t, err)
	require.Len(t, apis.Items, 1)
	routes, err := gateway.GetRoutes(t.Context(), &apigatewayv2.GetRoutesInput{ApiId: apis.Items[0].ApiId})
	require.NoError(t, err)
	i := slices.IndexFunc(routes.Items, func(r types.Route) bool { return aws.ToString(r.RouteKey) == "GET /orders/export" })
	_, err = gateway.UpdateRoute(t.Context(), &apigatewayv2.UpdateRouteInput{
		ApiId: apis.Items[0].ApiId, RouteId: routes.Items[i].RouteId, AuthorizationType: types.AuthorizationTypeNone,
	})
	require.NoError(t, err)
	o := p.try("verify")
	require.Equal(t, exitDiffer, o.code, o.stderr)
	require.NoError(t, o.into(&v))
	require.Positive(t, v.Differ, "callers get in")
	require.Positive(t, v.Drift.Widening)
	found := v.Drift.Findings[0]
	require.Contains(t, found.Subject+found.Access, "GET /orders/export")
	require.NotEmpty(t, found.Fix)
	require.Contains(t, p.doctor(exitDiffer), "gateway error")
	require.Equal(t, exitUsage, p.try("verify", "--dry-run").code, "there is nothing to be careful with")
}

// Somebody answers for a finding, until a day; a rename is planned step by step.
func TestAReviewIsAcknowledgedAndPlanned(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	for key, value := range base() {
		p.set(key, value)
	}
	p.up()
	p.set("throttle", map[string]any{"rate": 500, "burst": 1000})
	_, code := p.review()
	require.Equal(t, exitWidening, code)
	acknowledge := func(expires string) {
		p.set("acknowledged", []map[string]any{{"rule": "throttle-loosened", "reason": "the campaign of June", "expires": expires}})
	}
	acknowledge("2020-01-01")
	_, code = p.review()
	require.Equal(t, exitWidening, code, "it has expired")
	acknowledge("2027-01-31")
	r, code := p.review()
	require.Equal(t, exitOK, code, r.Verdict.Words)
	p.set("acknowledged", []map[string]any{{"rule": "throttle-lossened", "expires": "soon"}})
	said := p.refused("review")
	for _, problem := range []string{"acknowledged[0].rule", `"throttle-loosened"`, "acknowledged[0].reason", "acknowledged[0].expires"} {
		require.Contains(t, said, problem)
	}
	p.set("acknowledged", []map[string]any{})

	for _, format := range []string{"table", "markdown", "json", "html"} {
		file := filepath.Join(t.TempDir(), "review."+format)
		cmd := p.command("review", "--format", format, "--output", file)
		cmd.Args = slices.DeleteFunc(cmd.Args, func(arg string) bool { return arg == "--json" })
		o := finish(t, cmd)
		require.Equal(t, exitWidening, o.code, o.stderr)
		require.Contains(t, o.stdout, "1 widening")
		written, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(written), "throttle-loosened")
	}
	require.Equal(t, exitUsage, p.try("review", "--format", "pdf").code)
	p.set("throttle", map[string]any{"rate": 50, "burst": 100})
	require.Contains(t, p.refused("review", "--plan"), "no scope is renamed")

	// The order that loses nobody: each step is deployed as it is printed.
	wanted := map[string]any{
		"scopes":  scopesOf("Browse", "Read", "Change"),
		"clients": clients(put("backoffice", "scopes", []string{"Orders.Read", "Orders.Change"})),
		"routes":  routesOf(put("POST /orders", "scopes", []string{"Orders.Change"})),
	}
	steps := 0
	for {
		for key, value := range wanted {
			p.set(key, value)
		}
		var plan struct {
			Next          int
			Steps         []struct{ Name, State string }
			Problem       string
			Configuration map[string]any
		}
		o := p.try("review", "--plan")
		if o.code == exitFailed && strings.Contains(o.stderr+o.stdout, "no scope is renamed") {
			break
		}
		require.NoError(t, o.into(&plan), o.stderr)
		require.Empty(t, plan.Problem)
		require.NotEmpty(t, plan.Configuration)
		for key, value := range plan.Configuration {
			p.set(strings.TrimPrefix(key, "entragate:"), value)
		}
		u := p.up()
		require.True(t, u.allowed("POST /orders", "backoffice:user"), "nobody loses access on the way")
		steps++
		require.LessOrEqual(t, steps, 8, "%+v", plan)
	}
	require.GreaterOrEqual(t, steps, 3)
	p.up()
	r, code = p.review()
	require.Equal(t, exitOK, code, r.Verdict.Words)
}

// allowed reports what a cell observed.
func (u up) allowed(route, caller string) bool {
	for _, c := range u.Cells {
		if c.Route == route && c.Caller == caller {
			return c.Predicted.Allowed && c.Agree
		}
	}
	return false
}
