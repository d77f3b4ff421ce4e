package access

import (
	"fmt"
	"slices"
	"strings"
)

// Warnings returns what is not wrong but probably not meant: what is declared
// and never used, who can never get a token, which route nobody may call, and
// which routes stand in each other's way. It expects a model that
// [Model.Validate] accepts.
func (m Model) Warnings() Problems {
	w := warner{model: m, decider: newDecider(m)}
	w.catalogue()
	w.clients()
	w.backends()
	w.routes()
	w.overlaps()
	w.preflight()
	w.assignment()
	return w.problems
}

type warner struct {
	model    Model
	decider  decider
	problems Problems
}

func (w *warner) add(path, message, got, want string) { w.problems.add(path, message, got, want) }

// catalogue looks for scopes and roles that nothing refers to.
func (w *warner) catalogue() {
	routed, granted := map[string]bool{}, map[string]bool{} // scopes and roles share one namespace
	for _, r := range w.model.Routes {
		mark(routed, r.Scopes)
		mark(routed, r.Roles)
	}
	for _, c := range w.model.Clients {
		mark(granted, c.Scopes)
		mark(granted, c.Roles)
	}
	for i, s := range w.model.Scopes {
		path := at("scopes", i, "value")
		switch {
		case s.Retired():
		case !routed[s.Value] && !granted[s.Value]:
			w.add(path, "scope is used nowhere", s.Value, "a route that asks for it, or its removal")
		case !routed[s.Value]:
			w.add(path, "scope is on no route, so it opens nothing", s.Value, "a route that asks for it")
		}
	}
	for i, r := range w.model.Roles {
		path := at("roles", i, "value")
		switch {
		case r.Retired():
		case !routed[r.Value] && !granted[r.Value]:
			w.add(path, "role is used nowhere", r.Value, "a route that asks for it, or its removal")
		case !routed[r.Value]:
			w.add(path, "role is on no route, so it opens nothing", r.Value, "a route that asks for it")
		}
	}
}

func mark(set map[string]bool, values []string) {
	for _, v := range values {
		set[v] = true
	}
}

func (w *warner) clients() {
	for i, c := range w.model.Clients {
		path := at("clients", i)
		for n, s := range c.Scopes {
			if _, live := w.decider.live[s]; !live && slices.Contains(w.model.scopeValues(), s) {
				w.add(at(path, "scopes", n), "retired scope is still granted: no new token carries it", s,
					"a grant of active scopes only")
			}
		}
		for n, r := range c.Roles {
			if !w.decider.roles[r] && slices.Contains(w.model.roleValues(), r) {
				w.add(at(path, "roles", n), "retired role is still held: no new token carries it", r, "active roles only")
			}
		}
		switch {
		case c.Kind.IsDelegated() && len(c.Scopes) == 0:
			w.add(at(path, "scopes"), "client is granted nothing, so its users get no token", c.Name, "at least one scope")
		case c.Kind == ClientDaemon && len(c.Roles) == 0 && w.model.Assignment.IsRequired():
			w.add(at(path, "roles"), "daemon holds no role and assignment is required, so it gets no token", c.Name,
				"at least one role")
		case c.Kind == ClientDaemon && len(c.Roles) == 0:
			w.add(at(path, "roles"), "daemon holds no role, so its token carries nothing", c.Name, "at least one role")
		}
	}
}

func (w *warner) backends() {
	used := map[string]bool{}
	for _, r := range w.model.Routes {
		used[r.Backend] = true
	}
	for i, b := range w.model.Backends {
		onlyOne := len(w.model.Backends) == 1 && used[""]
		if !used[b.Name] && !onlyOne {
			w.add(at("backends", i, "name"), "backend is used nowhere", b.Name, "a route to it, or its removal")
		}
	}
}

// routes looks for routes that nobody may call with a new token.
func (w *warner) routes() {
	open := map[string]bool{}
	mark(open, w.decider.user)
	for _, c := range w.model.Clients {
		mark(open, w.decider.liveScopes(c.Scopes))
		mark(open, w.decider.liveRoles(c.Roles))
	}
	isOpen := func(value string) bool { return open[value] }
	for i, r := range w.model.Routes {
		list := "scopes"
		if len(r.Scopes) == 0 {
			list = "roles"
		}
		if !r.IsPublic() && !slices.ContainsFunc(r.Scopes, isOpen) && !slices.ContainsFunc(r.Roles, isOpen) {
			w.add(at("routes", i, list), "no client may call the route", strings.Join(slices.Concat(r.Scopes, r.Roles), " "),
				"a client that is granted one of its scopes or holds one of its roles, active ones")
		}
	}
}

// overlaps looks for two routes that match a common request where neither is
// the more specific one. API Gateway documents which of two routes wins only
// where one is more specific.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
func (w *warner) overlaps() {
	keys := w.keys()
	for i, a := range keys {
		for n := range i {
			b := keys[n]
			if ambiguous(a, b) && !sameAccess(w.model.Routes[i], w.model.Routes[n]) {
				w.add(at("routes", i, "route"),
					"route and "+at("routes", n, "route")+" match common requests, and which one wins is not documented",
					w.model.Routes[i].Key, "paths of which one is more specific than "+fmt.Sprintf("%q", w.model.Routes[n].Key))
			}
		}
	}
}

// keys parses the route keys; those that do not parse match nothing.
func (w *warner) keys() []RouteKey {
	keys := make([]RouteKey, len(w.model.Routes))
	for i, r := range w.model.Routes {
		if k, err := ParseRouteKey(r.Key); err == nil {
			keys[i] = k
		}
	}
	return keys
}

// ambiguous reports whether two paths without greedy variables match a common
// request, each being more specific than the other in one segment.
func ambiguous(a, b RouteKey) bool {
	if a.IsDefault() || b.IsDefault() || len(a.Segments) != len(b.Segments) {
		return false
	}
	if a.Method != b.Method && a.Method != "ANY" && b.Method != "ANY" {
		return false
	}
	var aFirst, bFirst bool
	for i, s := range a.Segments {
		t := b.Segments[i]
		switch {
		case s.Kind == Greedy || t.Kind == Greedy:
			return false
		case s.Kind == Literal && t.Kind == Variable:
			aFirst = true
		case s.Kind == Variable && t.Kind == Literal:
			bFirst = true
		case s.Kind == Literal && s.Name != t.Name:
			return false
		}
	}
	return aFirst && bFirst
}

func sameAccess(a, b Route) bool {
	return a.IsPublic() == b.IsPublic() && slices.Equal(a.Scopes, b.Scopes) && slices.Equal(a.Roles, b.Roles)
}

// preflight looks for routes that take a browser's OPTIONS request and answer
// 401 to it, since it carries no token, even where CORS is configured on the
// API. AWS says so of $default; that routes for ANY method do the same is a
// common report. A public OPTIONS route of the same path lifts that; for
// $default, so does one of all paths.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
func (w *warner) preflight() {
	browser := slices.ContainsFunc(w.model.Clients, func(c Client) bool { return c.Kind == ClientSPA })
	if !browser {
		return
	}
	keys := w.keys()
	public := map[string]bool{}
	for i, k := range keys {
		if k.Method == "OPTIONS" && w.model.Routes[i].IsPublic() {
			public[k.shape()] = true
		}
	}
	for i, r := range w.model.Routes {
		k := keys[i]
		takes := r.Key == DefaultRoute || k.Method == "ANY" || k.Method == "OPTIONS"
		lifted := public[k.shape()] || r.Key == DefaultRoute && public["/{+}"]
		if takes && !lifted && !r.IsPublic() {
			route := "OPTIONS " + k.Path()
			if r.Key == DefaultRoute {
				route = "OPTIONS /{proxy+}"
			}
			w.add(at("routes", i, "route"), "route takes the preflight requests of browsers, which carry no token", r.Key,
				fmt.Sprintf("a public route %q beside it", route))
		}
	}
}

func (w *warner) assignment() {
	a := w.model.Assignment
	daemons := slices.ContainsFunc(w.model.Clients, func(c Client) bool { return c.Kind == ClientDaemon && len(c.Roles) > 0 })
	switch {
	case a.IsRequired() && !a.hasUsers() && !daemons:
		w.add("assignment", "assignment is required and nobody is assigned, so nobody gets a token", "",
			"users, groups, or daemons with roles")
	case a.IsRequired() && !a.hasUsers() && len(w.decider.signIn) > 0:
		w.add("assignment", "assignment is required and no user is assigned: nobody gets a token through "+w.decider.signIn[0].Name,
			"", "users or groups")
	case !a.IsRequired() && a.hasUsers():
		w.add("assignment", "users or groups are assigned and assignment is not required, so every user of the tenant gets a token",
			"", "required, or no assignments")
	}
}
