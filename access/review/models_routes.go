package review

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/entragate/entragate/access"
)

// routes compares the routes.
func (c *comparison) routes() {
	d := &c.delta
	indexAfter := indices(c.after.Model)
	before, after := newRouting(c.before.Model), newRouting(c.after.Model)
	for _, key := range d.routeOrder {
		p := d.routes[key]
		switch {
		case p.before == nil:
			f := c.routeAdded(indexAfter[key], *p.after)
			if instead := before.instead(key); instead != "" {
				c.instead[f] = instead
			}
		case p.after == nil:
			f := c.find(Finding{
				Rule: "route-removed", Subject: key, Route: key, Setting: "routes", Resource: c.resources.route(key),
				Cause:  fmt.Sprintf("route %q removed", key),
				Words:  fmt.Sprintf("The route %s is removed.", key),
				Tokens: c.tokens.atOnce(), Unseen: "nobody could call it",
			})
			if instead := after.instead(key); instead != "" {
				c.instead[f] = instead
			}
		default:
			c.route(indexAfter[key], *p.before, *p.after)
		}
	}
}

func indices(m access.Model) map[string]int {
	byKey := map[string]int{}
	for i, r := range m.Routes {
		if _, ok := byKey[r.Key]; !ok {
			byKey[r.Key] = i
		}
	}
	return byKey
}

// asks words what a route asks for.
func asks(r access.Route) string {
	words := slices.Clone(r.Scopes)
	for _, role := range r.Roles {
		words = append(words, "role "+role)
	}
	if len(words) == 0 {
		return "nothing that is declared"
	}
	return strings.Join(words, " or ")
}

func (c *comparison) routeAdded(i int, r access.Route) *Finding {
	if r.IsPublic() {
		return c.public(i, r, "new")
	}
	return c.find(Finding{
		Rule: "route-added", Subject: r.Key, Route: r.Key, Setting: fmt.Sprintf("routes[%d]", i), Resource: c.resources.route(r.Key),
		Cause:  fmt.Sprintf("route %q added", r.Key),
		Words:  fmt.Sprintf("The route %s is added. It asks for %s.", r.Key, asks(r)),
		Tokens: c.tokens.atOnce(), Unseen: "nobody may call it: no client holds what it asks for",
	})
}

// public reports a route that turns public, or is so from the beginning.
func (c *comparison) public(i int, r access.Route, how string) *Finding {
	return c.find(Finding{
		Rule: "route-public", Subject: r.Key, Route: r.Key, Setting: fmt.Sprintf("routes[%d].public", i), Resource: c.resources.route(r.Key),
		Cause:  fmt.Sprintf("route %q is %s and public", r.Key, how),
		Words:  fmt.Sprintf("Everybody may call %s, without a token. The reason given: %s.", r.Key, strings.TrimSuffix(r.Public, ".")),
		Tokens: c.tokens.atOnce() + " No token is needed.",
	})
}

// comes is the finding about a route that was not declared.
func (c *comparison) comes(r access.Route, cell CellChange) *Finding {
	switch {
	case cell.Kind == Breaking:
		return c.find(Finding{
			Rule: "route-taken-over", Subject: r.Key, Route: r.Key, Setting: c.byID[c.newRoute(r)].Setting, Resource: c.resources.route(r.Key),
			Cause:  fmt.Sprintf("route %q added beside %q", r.Key, cell.Instead),
			Words:  fmt.Sprintf("The new route %s takes requests that %s took, and refuses callers that it let through.", r.Key, cell.Instead),
			Tokens: c.tokens.atOnce(),
		})
	case c.first && !r.IsPublic():
		return c.byID["first-deployment stack"]
	default:
		return c.byID[c.newRoute(r)]
	}
}

// newRoute is the id of the finding that a route is there.
func (c *comparison) newRoute(r access.Route) string {
	if r.IsPublic() {
		return "route-public " + r.Key
	}
	return "route-added " + r.Key
}

// goes is the finding about a route that is declared no longer.
func (c *comparison) goes(r access.Route, cell CellChange) *Finding {
	if cell.Kind != Widening {
		return c.byID["route-removed "+r.Key]
	}
	return c.find(Finding{
		Rule: "route-uncovered", Subject: r.Key, Route: r.Key, Setting: "routes", Resource: c.resources.route(r.Key),
		Cause:  fmt.Sprintf("route %q removed beside %q", r.Key, cell.Instead),
		Words:  fmt.Sprintf("Without the route %s its requests go to %s, which lets more call.", r.Key, cell.Instead),
		Tokens: c.tokens.atOnce(),
	})
}

// route compares a route that stays.
func (c *comparison) route(i int, before, after access.Route) {
	d, key := &c.delta, after.Key
	switch {
	case !before.IsPublic() && after.IsPublic():
		d.add(editKey{editAuthorization, key, ""}, c.public(i, after, "no longer protected"))
	case before.IsPublic() && !after.IsPublic():
		d.add(editKey{editAuthorization, key, ""}, c.find(Finding{
			Rule: "route-protected", Subject: key, Route: key, Setting: fmt.Sprintf("routes[%d]", i), Resource: c.resources.route(key),
			Cause:  fmt.Sprintf("route %q no longer public", key),
			Words:  fmt.Sprintf("The route %s is no longer public. It asks for %s.", key, asks(after)),
			Tokens: c.tokens.atOnce() + " Who calls without one is refused.",
		}))
	case before.Public != after.Public:
		c.find(Finding{
			Rule: "route-reason-changed", Subject: key, Route: key, Setting: fmt.Sprintf("routes[%d].public", i), Tokens: c.tokens.none(),
			Cause: fmt.Sprintf("reason of public route %q changed", key),
			Words: fmt.Sprintf("The route %s stays public, for another reason: %s.", key, strings.TrimSuffix(after.Public, ".")),
		})
	default:
		c.alternatives(i, key, "scope", before.Scopes, after.Scopes)
		c.alternatives(i, key, "role", before.Roles, after.Roles)
		c.authorizer(i, before, after)
	}
}

// alternatives compares the scopes or roles of a route. What is not declared any
// more can be on no route, and that is one finding, about the declaration.
func (c *comparison) alternatives(i int, key, noun string, before, after []string) {
	added, dropped, on, off := "route-scope-added", "route-scope-dropped", editScopeOn, editScopeOff
	if noun == "role" {
		added, dropped, on, off = "route-roles-added", "route-roles-removed", editRoleOn, editRoleOff
	}
	f := Finding{Route: key, Setting: fmt.Sprintf("routes[%d].%ss", i, noun), Resource: c.resources.route(key)}
	for _, value := range after {
		if slices.Contains(before, value) {
			continue
		}
		f.Rule, f.Subject = added, key+" "+value
		f.Cause = fmt.Sprintf("%s %q added to route %q", noun, value, key)
		f.Words = fmt.Sprintf("The route %s takes the %s %s, too.", key, noun, value)
		if len(before) == 0 {
			f.Words = fmt.Sprintf("The route %s takes the %s %s.", key, noun, value)
		}
		f.Tokens = c.tokens.atOnce()
		f.Unseen = c.idleAlternative(noun, value, c.after.Model)
		c.delta.add(editKey{on, key, value}, c.find(f))
	}
	for _, value := range before {
		if slices.Contains(after, value) || !declares(c.after.Model, value) {
			continue
		}
		g := f
		g.Rule, g.Subject, g.Kind, g.Dangerous = dropped, key+" "+value, "", false
		g.Cause = fmt.Sprintf("%s %q dropped from route %q", noun, value, key)
		g.Words = fmt.Sprintf("The route %s no longer takes the %s %s: who holds nothing else that it takes is refused.", key, noun, value)
		g.Tokens = c.tokens.carried()
		g.Unseen = c.idleAlternative(noun, value, c.before.Model)
		if retired(c.before.Model, value) && retired(c.after.Model, value) {
			g.Kind = Neutral
			g.Words, g.Tokens = fmt.Sprintf("The route %s no longer takes the %s %s, which is retired.", key, noun, value), c.tokens.gone()
		}
		c.delta.add(editKey{off, key, value}, c.find(g))
	}
}

func (c *comparison) idleAlternative(noun, value string, m access.Model) string {
	switch {
	case retired(m, value):
		return "the " + noun + " is retired: no new token carries it"
	case len(holdersOf(m, value)) == 0:
		return "no declared client holds the " + noun
	default:
		return "whoever holds the " + noun + " may call the route by something else, or may not for another reason"
	}
}

// authorizer reports a route that goes from one authorizer to the other.
func (c *comparison) authorizer(i int, before, after access.Route) {
	if before.HasRoles() == after.HasRoles() {
		return
	}
	f := Finding{
		Rule: "route-moved-to-lambda", Subject: after.Key, Route: after.Key, Setting: fmt.Sprintf("routes[%d].roles", i),
		Resource: c.resources.route(after.Key), Cause: fmt.Sprintf("route %q got roles", after.Key), Tokens: c.tokens.atOnce(),
		Words: fmt.Sprintf("The Lambda authorizer decides about %s in place of API Gateway's own: wrong tokens get 403 in place of 401. "+
			"While it is deployed, for a few seconds, either decides (a guess), by the same tokens.", after.Key),
	}
	if before.HasRoles() {
		f.Rule, f.Cause = "route-moved-to-jwt", fmt.Sprintf("route %q lost its roles", after.Key)
		f.Words = fmt.Sprintf("API Gateway's own authorizer decides about %s in place of the Lambda authorizer: wrong tokens get 401 in place of 403. "+
			"While it is deployed, for a few seconds, either decides (a guess), by the same tokens.", after.Key)
	}
	c.moved[after.Key] = c.find(f)
}

// backends compares where allowed calls go.
func (c *comparison) backends() {
	before, after := c.before.Model, c.after.Model
	was := index(before.Backends, func(b access.Backend) string { return b.Name })
	for i, b := range after.Backends {
		old := was[b.Name]
		if old == nil || *old == b {
			continue
		}
		f := Finding{
			Rule: "backend-changed", Subject: b.Name, Setting: fmt.Sprintf("backends[%d]", i), Tokens: c.tokens.none(),
			Cause: fmt.Sprintf("backend %q changed", b.Name),
			Words: fmt.Sprintf("Calls to the backend %s go to %s in place of %s, with the callers' tokens.", b.Name, place(b), place(*old)),
			Kind:  Neutral, Dangerous: host(b) != host(*old),
		}
		if place(b) == place(*old) {
			f.Words = fmt.Sprintf("The backend %s has %d ms to answer in place of %d; 0 is the default.", b.Name, b.TimeoutMillis, old.TimeoutMillis)
		}
		c.find(f)
	}
	for _, key := range c.delta.routeOrder {
		p := c.delta.routes[key]
		if p.before == nil || p.after == nil {
			continue
		}
		if from, to := backendOf(before, *p.before), backendOf(after, *p.after); from.Name != to.Name {
			c.find(Finding{
				Rule: "backend-changed", Subject: key, Route: key, Setting: "routes", Resource: c.resources.route(key), Tokens: c.tokens.none(),
				Cause: fmt.Sprintf("backend of route %q from %s to %s", key, from.Name, to.Name),
				Words: fmt.Sprintf("Allowed calls of %s go to the backend %s, %s, in place of %s, with the callers' tokens.", key, to.Name, place(to), from.Name),
				Kind:  Neutral, Dangerous: host(from) != host(to),
			})
		}
	}
}

func backendOf(m access.Model, r access.Route) access.Backend {
	for _, b := range m.Backends {
		if b.Name == r.Backend || r.Backend == "" && len(m.Backends) == 1 {
			return b
		}
	}
	return access.Backend{Name: r.Backend}
}

func place(b access.Backend) string {
	if b.Function != "" {
		return "the function " + b.Function
	}
	return b.URL
}

// host is who gets the calls.
func host(b access.Backend) string {
	if u, err := url.Parse(b.URL); err == nil && b.URL != "" {
		return u.Host
	}
	return b.Function
}
