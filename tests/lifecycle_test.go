package tests

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
)

func TestLifeOfAStack(t *testing.T) {
	t.Parallel()
	p := newProject(t)

	first := p.up()
	require.Positive(t, first.Changes.Create)
	require.Zero(t, first.Changes.Update+first.Changes.Delete+first.Changes.Replace)
	require.Len(t, first.Cells, len(first.Matrix.Routes)*len(first.Matrix.Callers))

	t.Run("a second up changes nothing and proves the same", func(t *testing.T) {
		again := p.up()
		require.True(t, again.Changes.none(), again.Changes.touched())
		require.Equal(t, first.URL, again.URL)
		require.Equal(t, first.words(), again.words())
	})

	t.Run("the printed curl line works as pasted", func(t *testing.T) {
		if _, err := exec.LookPath("curl"); err != nil {
			t.Skip("SKIPPED: no curl on this machine")
		}
		cmd := exec.Command(program, "sandbox", "up", "--dir", p.dir)
		cmd.Dir = p.dir
		o := finish(t, cmd)
		require.Equal(t, exitOK, o.code, o.stderr)
		_, line, found := strings.Cut(o.stdout, "curl ")
		require.True(t, found, o.stdout)
		line, _, _ = strings.Cut(line, "\n")
		shell := exec.Command("sh", "-c", "curl --silent --show-error --fail "+line)
		shell.Dir = p.dir
		answer, err := shell.CombinedOutput()
		require.NoError(t, err, "curl %s\n%s", line, answer)
		require.True(t, json.Valid(answer), string(answer))
	})

	t.Run("a token is printed alone and says who it is for", func(t *testing.T) {
		cmd := exec.Command(program, "token", "portal:user", "--dir", p.dir)
		o := finish(t, cmd)
		require.Equal(t, exitOK, o.code, o.stderr)
		require.Len(t, strings.Split(strings.TrimSpace(o.stdout), "."), 3)

		var token struct {
			Claims struct{ Ver, Scp string }
		}
		p.run(&token, "token", "portal:user")
		require.Equal(t, "2.0", token.Claims.Ver)
		require.ElementsMatch(t, []string{"Orders.Browse", "Orders.Read"}, strings.Fields(token.Claims.Scp))

		o = p.try("token", "nobody:user")
		require.Equal(t, exitUsage, o.code)
		require.Contains(t, o.stderr, "portal:user", "it says who there is")
	})

	t.Run("a route's scope changes that route and its cells only", func(t *testing.T) {
		routes := p.list("routes")
		p.set("routes", with(t, routes, "route", "GET /orders/{id}", func(r map[string]any) {
			r["scopes"] = []string{"Orders.Write"}
		}))
		var seen preview
		p.run(&seen, "sandbox", "preview")
		changed := p.up()
		require.Equal(t, []string{"update Route orders-GET /orders/{id}"}, changed.Changes.touched())
		require.Equal(t, changed.Changes.touched(), seen.Changes.touched(), "what was previewed")

		before, after := first.words(), changed.words()
		var announced []string
		for _, a := range seen.Access {
			require.Equal(t, "GET /orders/{id}", a.Route)
			require.Equal(t, before[a.Route+" as "+a.Caller], a.Before)
			require.Equal(t, after[a.Route+" as "+a.Caller], a.After)
			announced = append(announced, a.Route+" as "+a.Caller)
		}
		require.ElementsMatch(t, differing(before, after), announced)
		require.NotEmpty(t, announced)
		p.set("routes", routes)
		require.Equal(t, before, p.up().words())
	})

	t.Run("a client that goes takes only what is its own", func(t *testing.T) {
		clients := p.list("clients")
		p.set("clients", with(t, clients, "name", "desktop", nil))
		removed := p.up()
		require.Zero(t, removed.Changes.Create+removed.Changes.Update+removed.Changes.Replace, removed.Changes.touched())
		for _, touched := range removed.Changes.touched() {
			require.True(t, strings.HasPrefix(touched, "delete ") && strings.Contains(touched, "desktop"), touched)
		}
		for _, c := range removed.Matrix.Callers {
			require.NotEqual(t, "desktop", c.Client)
		}
	})

	t.Run("a renamed scope leaves the ids of the others", func(t *testing.T) {
		p.set("scopes", with(t, p.list("scopes"), "value", "Orders.Write", func(s map[string]any) {
			s["value"] = "Orders.Change"
		}))
		p.set("routes", rename(p.list("routes")))
		p.set("clients", rename(p.list("clients")))
		renamed := p.up()
		require.Zero(t, renamed.Changes.Replace, renamed.Changes.touched())
		for _, r := range renamed.Changes.Resources {
			if strings.HasSuffix(r.Type, ":RandomUuid") {
				require.True(t, r.Op == "create" && strings.Contains(r.Name, "Orders.Change") ||
					r.Op == "delete" && strings.Contains(r.Name, "Orders.Write"), r)
			}
		}
	})

	t.Run("the clouds survive being killed", func(t *testing.T) {
		var before status
		p.run(&before, "sandbox", "status")
		require.True(t, before.Running)
		require.NoError(t, syscall.Kill(before.PID, syscall.SIGKILL))
		again := p.up()
		require.True(t, again.Changes.none(), again.Changes.touched())
		require.Equal(t, first.URL, again.URL)
	})

	t.Run("committed files are not written", func(t *testing.T) {
		raw, err := os.ReadFile(filepath.Join(p.dir, "Pulumi.yaml"))
		require.NoError(t, err)
		committed, err := os.ReadFile(filepath.Join("..", "Pulumi.yaml"))
		require.NoError(t, err)
		require.Equal(t, string(committed), string(raw))
		stack, err := os.ReadFile(filepath.Join(p.dir, "Pulumi.dev.yaml"))
		require.NoError(t, err)
		require.NotContains(t, string(stack), "loginHost")
	})

	t.Run("a route opened behind Pulumi's back is found", func(t *testing.T) {
		openRoute(t, p, "GET /health", "GET /orders")
		for _, command := range [][]string{{"verify"}, {"sandbox", "up"}} {
			o := p.try(command...)
			require.Equal(t, exitDiffer, o.code, o.stderr)
			var proof up
			require.NoError(t, o.into(&proof))
			for _, c := range proof.Cells {
				open := c.Route == "GET /orders" && !c.Predicted.Allowed && c.Predicted.Status != 0
				require.Equal(t, !open, c.Agree, "%s as %s", c.Route, c.Caller)
			}
		}
	})

	t.Run("down leaves nothing in either cloud", func(t *testing.T) {
		var destroyed down
		p.run(&destroyed, "sandbox", "down")
		require.Empty(t, destroyed.Left)
		require.True(t, destroyed.Stopped)
		require.Positive(t, destroyed.Changes.Delete)

		var after status
		p.run(&after, "sandbox", "status")
		require.False(t, after.Running)
		require.Empty(t, after.Stacks)

		var again down
		p.run(&again, "sandbox", "down")
		require.Zero(t, again.Changes.Delete, "a second down has nothing to do")
	})
}

func TestAnActiveScopeOfAProtectedStackStays(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.set("protect", true)
	scopes := append(p.list("scopes"), map[string]any{"value": "Orders.Audit", "title": "Audit orders"})
	p.set("scopes", scopes)
	first := p.up()

	p.set("scopes", with(t, scopes, "value", "Orders.Audit", nil))
	said := p.refused("sandbox", "up")
	require.Contains(t, said, "protect")
	require.Contains(t, said, "Orders.Audit")

	p.set("scopes", with(t, scopes, "value", "Orders.Audit", func(s map[string]any) { s["state"] = "retired" }))
	retired := p.up()
	require.Zero(t, retired.Changes.Delete+retired.Changes.Replace, retired.Changes.touched())
	require.Equal(t, first.words(), retired.words())

	p.set("scopes", with(t, scopes, "value", "Orders.Audit", nil))
	removed := p.up()
	require.Equal(t, 1, removed.Changes.Delete, removed.Changes.touched())
	require.Zero(t, removed.Changes.Replace)

	require.Contains(t, p.refused("sandbox", "down"), "protect", "a protected stack is not destroyed by accident")
	var destroyed down
	p.run(&destroyed, "sandbox", "down", "--unprotect")
	require.Empty(t, destroyed.Left)
}

func TestBadInputIsRefusedBeforeAnythingIsCreated(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	routes := p.list("routes")
	p.set("routes", with(t, with(t, routes, "route", "GET /orders", func(r map[string]any) {
		r["scopes"] = []string{"Orders.Raed"}
	}), "route", "POST /orders", func(r map[string]any) { delete(r, "scopes") }))
	p.set("throttle", map[string]any{"rate": 0, "burst": 10})
	for _, command := range [][]string{{"access"}, {"sandbox", "preview"}, {"sandbox", "up"}} {
		said := p.refused(command...)
		require.Contains(t, said, "entragate:routes[1].scopes[0]")
		require.Contains(t, said, "Orders.Read", "the nearest match")
		require.Contains(t, said, "entragate:routes[2]")
		require.Contains(t, said, "entragate:throttle.rate")
	}
	var s status
	p.run(&s, "sandbox", "status")
	require.Empty(t, s.Stacks)
}

func TestAccessNeedsNoCloud(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	cmd := p.command("access")
	cmd.Env = []string{"PATH=/nonexistent", "HOME=" + t.TempDir()}
	o := finish(t, cmd)
	require.Equal(t, exitOK, o.code, o.stderr)
	var result struct{ Matrix access.Matrix }
	require.NoError(t, o.into(&result))
	require.NotEmpty(t, result.Matrix.Cells)
	require.NoDirExists(t, filepath.Join(p.dir, ".entragate"))
}

// openRoute gives a route the authorization of another, public one, as somebody
// in a console might.
func openRoute(t *testing.T, p *project, public, route string) {
	t.Helper()
	client := apigatewayv2.NewFromConfig(p.aws())
	apis, err := client.GetApis(t.Context(), &apigatewayv2.GetApisInput{})
	require.NoError(t, err)
	require.Len(t, apis.Items, 1)
	routes, err := client.GetRoutes(t.Context(), &apigatewayv2.GetRoutesInput{ApiId: apis.Items[0].ApiId})
	require.NoError(t, err)
	byKey := map[string]types.Route{}
	for _, r := range routes.Items {
		byKey[*r.RouteKey] = r
	}
	_, err = client.UpdateRoute(t.Context(), &apigatewayv2.UpdateRouteInput{
		ApiId: apis.Items[0].ApiId, RouteId: byKey[route].RouteId,
		AuthorizationType: byKey[public].AuthorizationType, AuthorizationScopes: []string{},
	})
	require.NoError(t, err)
}

// differing are the keys under which two maps differ.
func differing(a, b map[string]string) []string {
	var keys []string
	for key := range a {
		if a[key] != b[key] {
			keys = append(keys, key)
		}
	}
	return keys
}

// rename gives Orders.Write its new name wherever items list scopes.
func rename(items []map[string]any) []map[string]any {
	for _, item := range items {
		scopes, _ := item["scopes"].([]any)
		for i, s := range scopes {
			if s == "Orders.Write" {
				scopes[i] = "Orders.Change"
			}
		}
	}
	return items
}
