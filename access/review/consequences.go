package review

import (
	"fmt"
	"slices"

	"github.com/entragate/entragate/access"
)

// consequences finds what the cells amount to: what opens to everyone, and what
// becomes unreachable.
func (c *comparison) consequences(cells []CellChange) {
	rows := map[string][]CellChange{}
	columns := map[string][]CellChange{}
	for _, cell := range cells {
		rows[cell.Route] = append(rows[cell.Route], cell)
		columns[cell.Caller] = append(columns[cell.Caller], cell)
	}
	before, after := reachOf(c.matrixBefore), reachOf(c.matrixAfter)
	for _, key := range joined(names(c.after.Model.Routes, routeKey), names(c.before.Model.Routes, routeKey)) {
		c.opens(key, rows[key])
		if p := c.delta.routes[key]; p.after != nil && before.routes[key] && !after.routes[key] && breaks(rows[key]) {
			c.find(Finding{
				Rule: "route-unreachable", Subject: key, Route: key, Routes: []string{key}, Callers: callersOf(rows[key], Breaking),
				Setting: "routes", Resource: c.resources.route(key), Because: becauseOf(rows[key], Breaking), Cause: "all who could call lose it",
				Words:  fmt.Sprintf("Nobody can call %s any more: no client holds what it asks for.", key),
				Tokens: "See the findings that it comes of: tokens already issued may still be good.",
			})
		}
	}
	for _, client := range c.after.Model.Clients {
		id := callerOf(client)
		if p := c.delta.clients[client.Name]; p.before == nil || !before.callers[id] || after.callers[id] || !breaks(columns[id]) {
			continue
		}
		c.find(Finding{
			Rule: "client-cut-off", Subject: client.Name, Routes: routesIn(columns[id], Breaking), Callers: []string{id},
			Setting: "clients", Resource: c.resources.client(client.Name), Because: becauseOf(columns[id], Breaking), Cause: "it loses all that it could call",
			Words:  fmt.Sprintf("The client %s can call nothing any more but what is public.", client.Name),
			Tokens: "See the findings that it comes of: tokens already issued may still be good.",
		})
	}
}

// opens reports a route that opens to everybody, or to users of any client.
func (c *comparison) opens(key string, row []CellChange) {
	for _, to := range []struct{ caller, rule, words string }{
		{"anonymous", "opens-to-everyone", "Calls of %s without a token are allowed, and were not."},
		{"other-client", "opens-to-any-client", "Users of any client of the tenant may call %s, and could not: they need only consent."},
	} {
		i := slices.IndexFunc(row, func(cell CellChange) bool { return cell.Caller == to.caller && cell.Kind == Widening })
		if i < 0 {
			continue
		}
		cell := row[i]
		f := Finding{
			Rule: to.rule, Subject: key, Route: key, Routes: []string{key}, Callers: []string{to.caller}, Setting: "routes",
			Resource: c.resources.route(key), Because: cell.Causes, Cause: "see the findings that it comes of", Words: fmt.Sprintf(to.words, key),
			Tokens: "See the findings that it comes of.",
		}
		if cell.After.Uncertain {
			f.Words += " Microsoft's documentation leaves it open whether they can consent while assignment is required; this is the most that may be allowed."
		}
		c.find(f)
		return // everybody is also every client
	}
}

// reach is which routes somebody can call, and who can call anything that is not
// public.
type reach struct{ routes, callers map[string]bool }

func reachOf(mx access.Matrix) reach {
	r := reach{routes: map[string]bool{}, callers: map[string]bool{}}
	for _, caller := range mx.Callers {
		switch caller.Kind {
		case access.CallerUserWithRoles, access.CallerWrongRole: // made, not issued
			continue
		}
		for _, route := range mx.Routes {
			if d := mx.Cells[route][caller.ID]; d.Allowed {
				r.routes[route] = true
				r.callers[caller.ID] = r.callers[caller.ID] || d.Reason != access.ReasonPublic
			}
		}
	}
	return r
}

// breaks reports whether any of the cells closes.
func breaks(cells []CellChange) bool {
	return slices.ContainsFunc(cells, func(cell CellChange) bool { return cell.Kind == Breaking })
}

func callersOf(cells []CellChange, kind Kind) []string {
	var out []string
	for _, cell := range cells {
		if cell.Kind == kind {
			out = with(out, cell.Caller)
		}
	}
	return out
}

func routesIn(cells []CellChange, kind Kind) []string {
	var out []string
	for _, cell := range cells {
		if cell.Kind == kind {
			out = with(out, cell.Route)
		}
	}
	return out
}

func becauseOf(cells []CellChange, kind Kind) []string {
	var out []string
	for _, cell := range cells {
		if cell.Kind == kind {
			for _, id := range cell.Causes {
				out = with(out, id)
			}
		}
	}
	return out
}
