package review

import (
	"fmt"
	"slices"

	"github.com/entragate/entragate/access"
)

// side is the matrix of one model, with the columns of both.
type side struct {
	model   access.Model
	matrix  access.Matrix
	columns map[string]access.Caller
	routing routing
}

// newSide computes the matrix of a model, where it is known already, with the
// columns that there are only where routes have roles.
func newSide(m access.Model, matrix access.Matrix, roles bool) side {
	s := side{model: m, matrix: matrix, columns: map[string]access.Caller{}, routing: newRouting(m)}
	if roles && !slices.ContainsFunc(m.Routes, access.Route.HasRoles) {
		m.Routes = slices.Concat(m.Routes, []access.Route{{Key: probeRoute, Roles: []string{"-"}}})
		s.matrix = m.Matrix()
	}
	for _, caller := range s.matrix.Callers {
		s.columns[caller.ID] = caller
	}
	return s
}

// at is the decision about a caller, and the route that takes the requests in
// place of one that is not declared.
func (s side) at(route, caller string) (decision *access.Decision, instead string) {
	if _, there := s.matrix.Cells[route]; !there {
		if instead = s.routing.instead(route); instead == "" {
			return nil, ""
		}
		route = instead
	}
	if d, there := s.matrix.At(route, caller); there {
		return &d, instead
	}
	return nil, instead
}

// cells compares the matrices, and lets each finding know its cells.
func (c *comparison) cells() []CellChange {
	hasRoles := slices.ContainsFunc(c.before.Model.Routes, access.Route.HasRoles) ||
		slices.ContainsFunc(c.after.Model.Routes, access.Route.HasRoles)
	w := &weighing{
		c: c, seen: map[*Finding]*touched{},
		before: newSide(c.before.Model, c.matrixBefore, hasRoles), after: newSide(c.after.Model, c.matrixAfter, hasRoles),
	}
	if c.first {
		w.before.matrix = access.Matrix{}
	}
	// What is there afterwards comes first.
	routes := joined(names(c.after.Model.Routes, routeKey), c.delta.routeOrder)
	callers := slices.Clone(w.after.matrix.Callers)
	for _, caller := range w.before.matrix.Callers {
		if _, there := w.after.columns[caller.ID]; !there {
			callers = append(callers, caller)
		}
	}
	for _, route := range routes {
		w.row(route, callers)
	}
	w.tell()
	return w.cells
}

// weighing is the comparison of two matrices.
type weighing struct {
	c             *comparison
	before, after side
	cells         []CellChange
	seen          map[*Finding]*touched

	// Of the row that is weighed.
	route           pair[access.Route]
	anybody, nobody *trial
}

// touched are the rows and columns of a finding's cells: of those of its own
// kind, and of all.
type touched struct{ routes, callers, allRoutes, allCallers []string }

func (w *weighing) row(key string, callers []access.Caller) {
	w.route, w.anybody, w.nobody = w.c.delta.routes[key], nil, nil
	for _, caller := range callers {
		cell := CellChange{Route: key, Caller: caller.ID}
		var before, after string
		cell.Before, before = w.before.at(key, caller.ID)
		cell.After, after = w.after.at(key, caller.ID)
		if !differ(cell.Before, cell.After) || w.publicAnyway(cell, caller) {
			continue
		}
		cell.Instead = before + after // only one side is without the route
		cell.Kind = kindOf(allows(cell.Before), allows(cell.After))
		if w.standsForAnother(caller) || w.anyOther(w.before, key, before, caller) && w.anyOther(w.after, key, after, caller) {
			cell.Kind = Neutral
		}
		w.explain(&cell, caller)
		w.cells = append(w.cells, cell)
	}
}

// publicAnyway reports whether a client comes or goes that calls a public route:
// it needs no client for that.
func (w *weighing) publicAnyway(cell CellChange, caller access.Caller) bool {
	_, was := w.before.columns[caller.ID]
	_, is := w.after.columns[caller.ID]
	if was == is || w.c.first {
		return false
	}
	there := cell.Before
	if is {
		there = cell.After
	}
	return there.Reason == access.ReasonPublic
}

func kindOf(before, after bool) Kind {
	switch {
	case before == after:
		return Neutral
	case after:
		return Widening
	default:
		return Breaking
	}
}

func allows(d *access.Decision) bool { return d != nil && d.Allowed }

// anyOther reports whether an unassigned user may call by one client or another.
// They try the clients of the model, and where it has none any other; so where
// only one side has clients, the column stands for others than before, and what
// any other client may do on both sides is what they may do.
func (w *weighing) anyOther(s side, route, instead string, caller access.Caller) bool {
	if caller.Kind != access.CallerUnassignedUser || s.model.Assignment.IsRequired() ||
		signsIn(w.before.model) == signsIn(w.after.model) {
		return false
	}
	if instead != "" {
		route = instead
	}
	own, _ := s.matrix.At(route, caller.ID)
	other, _ := s.matrix.At(route, "other-client")
	return own.Allowed || other.Allowed
}

func signsIn(m access.Model) bool {
	return slices.ContainsFunc(m.Clients, func(c access.Client) bool { return c.Kind.IsDelegated() })
}

// standsForAnother reports whether a made-up caller is made up of another client
// than before.
func (w *weighing) standsForAnother(caller access.Caller) bool {
	if w.c.first || caller.Kind != access.CallerUserWithRoles {
		return false
	}
	return w.before.columns[caller.ID].Client != w.after.columns[caller.ID].Client
}

// explain names the findings that are the cause of a cell.
func (w *weighing) explain(cell *CellChange, caller access.Caller) {
	var causes []*Finding
	add := func(findings ...*Finding) {
		for _, f := range findings {
			if f != nil && !slices.Contains(causes, f) { // a model that is not valid has callers of no client
				causes = append(causes, f)
			}
		}
	}
	add(w.presence(*cell, caller)...)
	if w.c.first {
		w.caused(cell, causes)
		return
	}
	t := w.trial(caller)
	before, after := t.ends(caller.ID)
	// Where a row or column comes or goes, what else it takes to open or close the
	// cell is a cause as well.
	if len(causes) == 0 || cell.Kind != Neutral && before.Allowed != after.Allowed {
		for _, e := range t.causes(caller.ID) {
			add(e.findings...)
		}
	}
	if cell.Kind != Neutral && !slices.ContainsFunc(causes, func(f *Finding) bool { return f.Kind == cell.Kind }) {
		w.fallBack(cell, t, add)
	}
	if moved := w.c.moved[cell.Route]; moved != nil && cell.Kind == Neutral && len(causes) > 0 {
		add(moved)
	}
	if len(causes) == 0 {
		if before.Allowed == after.Allowed {
			cell.Kind = Neutral
		}
		add(w.c.reordered(w.standsForAnother(caller), caller))
	}
	w.caused(cell, causes)
}

// fallBack explains a cell of a column that stands for others than before, where
// no smallest set of edits does: by all that could have to do with it.
func (w *weighing) fallBack(cell *CellChange, t *trial, add func(...*Finding)) {
	found := false
	for _, e := range t.edits {
		for _, f := range e.findings {
			if f.Kind == cell.Kind {
				found = true
				add(f)
			}
		}
	}
	if !found {
		cell.Kind = Neutral
	}
}

// caused writes the causes into a cell, and the cell into the causes.
func (w *weighing) caused(cell *CellChange, causes []*Finding) {
	for _, f := range causes {
		cell.Causes = append(cell.Causes, f.ID)
		w.touch(f, *cell)
	}
}

func (w *weighing) touch(f *Finding, cell CellChange) {
	t := w.seen[f]
	if t == nil {
		t = &touched{}
		w.seen[f] = t
	}
	t.allRoutes, t.allCallers = with(t.allRoutes, cell.Route), with(t.allCallers, cell.Caller)
	if f.Kind == cell.Kind {
		t.routes, t.callers = with(t.routes, cell.Route), with(t.callers, cell.Caller)
	}
}

func with(list []string, value string) []string {
	if slices.Contains(list, value) {
		return list
	}
	return append(list, value)
}

// presence are the findings about a route or a client that is on one side only.
func (w *weighing) presence(cell CellChange, caller access.Caller) []*Finding {
	c := w.c
	var found []*Finding
	if w.route.before == nil {
		found = append(found, c.comes(*w.route.after, cell))
	}
	if w.route.after == nil {
		found = append(found, c.goes(*w.route.before, cell))
	}
	if caller.Kind != access.CallerUser && caller.Kind != access.CallerDaemon {
		return found
	}
	_, was := w.before.columns[caller.ID]
	_, is := w.after.columns[caller.ID]
	if was != is && !c.first {
		found = append(found, c.clientPresence[caller.ID])
	}
	return found
}

// trial is the one that the cell of a caller is explained by. A route or client
// that is on one side only is, for it, on both.
func (w *weighing) trial(caller access.Caller) *trial {
	route := w.route
	if route.before == nil || route.after == nil {
		route = only(route.either())
	}
	d := &w.c.delta
	switch caller.Kind {
	case access.CallerUser, access.CallerDaemon:
		return d.ofClient(route, w.clientOf(caller))
	case access.CallerUnassignedUser, access.CallerUserWithRoles:
		if w.anybody == nil {
			w.anybody = d.ofAnybody(route)
		}
		return w.anybody
	default:
		if w.nobody == nil {
			w.nobody = d.ofNobody(route)
		}
		return w.nobody
	}
}

// clientOf is the client of a caller, as it is on the sides where it is that
// caller.
func (w *weighing) clientOf(caller access.Caller) pair[access.Client] {
	p := w.c.delta.clients[caller.Client]
	switch {
	case p.before == nil || callerOf(*p.before) != caller.ID:
		return only(p.after)
	case p.after == nil || callerOf(*p.after) != caller.ID:
		return only(p.before)
	default:
		return p
	}
}

// tell writes into each finding which rows and columns it changes.
func (w *weighing) tell() {
	for f, t := range w.seen {
		f.Routes, f.Callers = t.routes, t.callers
		if len(t.routes) > 0 {
			f.Unseen = ""
			continue
		}
		f.Routes, f.Callers = t.allRoutes, t.allCallers
	}
	for f, instead := range w.c.instead {
		if w.seen[f] == nil || len(w.seen[f].routes) == 0 {
			f.Kind, f.Dangerous = Neutral, false
			f.Words += fmt.Sprintf(" Without it its requests go to %s, which lets in everybody whom it lets in.", instead)
		}
	}
	for _, f := range w.c.findings {
		if f.Kind != Neutral && f.Unseen == "" && (w.seen[f] == nil || len(w.seen[f].routes) == 0) {
			f.Unseen = "every cell that it could change has the same outcome for another reason"
		}
		if f.Kind == Neutral {
			f.Unseen = ""
		}
	}
}
