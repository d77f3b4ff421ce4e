package graph_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/entra/graph"
	"github.com/entragate/entragate/sandbox/store"
)

const tenantID = "6f3c1c4e-0a55-4c1c-9a39-0d7a5b8a3c11"

// seeded is one seeded tenant as JSON: keys are slow to make, so tests share it.
var seeded = func() []byte {
	s, _, err := directory.Seed(directory.SeedOptions{
		TenantID: tenantID,
		GraphURL: "https://localhost:8443",
		Now:      func() time.Time { return start.Add(-24 * time.Hour) },
	})
	if err != nil {
		panic(err)
	}
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return raw
}()

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// tenant is a Microsoft Graph under test.
type tenant struct {
	t       *testing.T
	url     string
	dir     *directory.Directory
	now     time.Time
	lag     time.Duration
	callers map[string]graph.Caller
	// caller is whose token the next requests carry.
	caller string
	header http.Header
}

func newTenant(t *testing.T) *tenant {
	t.Helper()
	state := &directory.State{}
	require.NoError(t, json.Unmarshal(seeded, state))
	dir, err := store.Open("", state)
	require.NoError(t, err)
	g := &tenant{t: t, dir: dir, now: start, callers: map[string]graph.Caller{}, caller: "admin", header: http.Header{}}
	deployer := state.StableID("principal/" + directory.DeployerName)
	g.callers["deployer"] = graph.Caller{
		ObjectID: deployer, AppID: state.StableID("client/" + directory.DeployerName), TenantID: tenantID,
		Roles: state.RoleValues(state.ServicePrincipalByAppID(directory.GraphAppID), deployer),
	}
	g.callers["admin"] = graph.Caller{ObjectID: deployer, TenantID: tenantID, Roles: []string{
		"Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "Directory.ReadWrite.All",
	}}
	g.callers["alice"] = graph.Caller{ObjectID: state.StableID("user/alice"), TenantID: tenantID, Scopes: []string{"User.Read"}}
	server := httptest.NewServer(graph.New(graph.Options{
		Directory: dir,
		Now:       func() time.Time { return g.now },
		Lag:       func() time.Duration { return g.lag },
		Authenticate: func(r *http.Request) (graph.Caller, error) {
			caller, ok := g.callers[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
			if !ok {
				return graph.Caller{}, errors.New("Access token is empty.")
			}
			return caller, nil
		},
	}))
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

// as makes a caller with these application permissions the next one.
func (g *tenant) as(roles ...string) {
	g.caller = strings.Join(roles, "+")
	g.callers[g.caller] = graph.Caller{ObjectID: g.id("principal/" + directory.OtherClientName), TenantID: tenantID, Roles: roles}
}

// id is the id of a seeded object.
func (g *tenant) id(name string) string {
	s := &directory.State{Tenant: directory.Tenant{ID: tenantID}}
	return s.StableID(name)
}

type object = map[string]any

// do sends a request and requires its status; it returns the answer's object.
func (g *tenant) do(status int, method, path string, body any) object {
	g.t.Helper()
	_, out := g.send(status, method, path, body)
	return out
}

func (g *tenant) send(status int, method, path string, body any) (*http.Response, object) {
	g.t.Helper()
	var reader io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(body)
	default:
		raw, err := json.Marshal(body)
		require.NoError(g.t, err)
		reader = bytes.NewReader(raw)
	}
	if !strings.HasPrefix(path, "http") {
		if !strings.HasPrefix(path, "/beta/") && !strings.HasPrefix(path, "/v1.0/") {
			path = "/v1.0" + path
		}
		path = g.url + path
	}
	r, err := http.NewRequest(method, strings.ReplaceAll(path, " ", "%20"), reader)
	require.NoError(g.t, err)
	r.Header = g.header.Clone()
	r.Header.Set("Authorization", "Bearer "+g.caller)
	if body != nil {
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	resp, err := http.DefaultClient.Do(r)
	require.NoError(g.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(g.t, err)
	require.Equal(g.t, status, resp.StatusCode, "%s %s: %s", method, path, raw)
	var out object
	if len(raw) > 0 {
		require.NoError(g.t, json.Unmarshal(raw, &out))
	}
	return resp, out
}

// refuses requires a refusal with this code and a part of its message.
func (g *tenant) refuses(status int, code, message, method, path string, body any) {
	g.t.Helper()
	out := g.do(status, method, path, body)
	failure, ok := out["error"].(object)
	require.True(g.t, ok, "no error in %v", out)
	require.Equal(g.t, code, failure["code"], "%v", failure["message"])
	require.Contains(g.t, failure["message"], message)
}

// app registers an application and returns its object id and client id.
func (g *tenant) app(members object) (id, appID string) {
	g.t.Helper()
	if members["displayName"] == nil {
		members["displayName"] = "Orders"
	}
	out := g.do(201, "POST", "/applications", members)
	return out["id"].(string), out["appId"].(string)
}

// principal registers an application with a service principal.
func (g *tenant) principal(members object) (id, appObjectID, appID string) {
	g.t.Helper()
	appObjectID, appID = g.app(members)
	return g.do(201, "POST", "/servicePrincipals", object{"appId": appID})["id"].(string), appObjectID, appID
}

func scope(id, value string, enabled bool) object {
	return object{
		"id": id, "value": value, "type": "Admin", "isEnabled": enabled,
		"adminConsentDescription": "read them", "adminConsentDisplayName": "Read",
		"userConsentDescription": "read them", "userConsentDisplayName": "Read",
	}
}

func role(id, value string, enabled bool, kinds ...string) object {
	return object{
		"id": id, "value": value, "displayName": "Run", "description": "run it", "isEnabled": enabled, "allowedMemberTypes": kinds,
	}
}

// Ids for scopes and roles in tests.
const (
	id1 = "0f0f0f0f-0000-4000-8000-000000000001"
	id2 = "0f0f0f0f-0000-4000-8000-000000000002"
	id3 = "0f0f0f0f-0000-4000-8000-000000000003"
)

func values(out object) []any {
	list, _ := out["value"].([]any)
	return list
}

// names are the display names in a collection.
func names(out object) []string {
	found := []string{}
	for _, v := range values(out) {
		found = append(found, v.(object)["displayName"].(string))
	}
	return found
}
