package review

import (
	"slices"
	"strings"

	"github.com/entragate/entragate/access"
)

// delta is the difference of two models as single edits, so that models with
// only some of them can be made: which edits explain a changed cell is found by
// trying.
type delta struct {
	before, after access.Model

	scopes, roles map[string]pair[catalogued]
	clients       map[string]pair[access.Client]
	routes        map[string]pair[access.Route]

	// The orders are of those before, then of those that come.
	scopeOrder, roleOrder, clientOrder, routeOrder []string
	delegatedOrder                                 []string // clients that users sign in to
	openOrder                                      []string // scopes that users may consent to

	edits           map[editKey]*edit
	routeEdits      map[string][]*edit
	clientEdits     map[string][]*edit
	valueEdits      map[string][]*edit // of scopes and roles
	assignmentEdits []*edit
}

// pair is something on both sides, or on one.
type pair[T any] struct{ before, after *T }

// only returns the pair of what stays as it is.
func only[T any](value *T) pair[T] { return pair[T]{value, value} }

// either returns what is there, the one after if both are.
func (p pair[T]) either() *T {
	if p.after != nil {
		return p.after
	}
	return p.before
}

// catalogued is what matters of a scope or a role.
type catalogued struct {
	retired bool
	consent access.Consent
	title   string
	texts   string
	index   int
}

// edit is one change of a model.
type edit struct {
	editKey
	// findings explain the cells that the edit changes.
	findings []*Finding
	// minor edits explain only what nothing else does.
	minor bool
}

// editKey says what an edit is of.
type editKey struct {
	what          editKind
	target, value string // a route or a client, and a scope or a role
}

type editKind int

const (
	editDeclared      editKind = iota // value is declared
	editRemoved                       // value is not declared any more, nor used
	editState                         // value is retired, or active again
	editConsent                       // who may consent to value
	editAuthorization                 // route is public, or no longer
	editScopeOn                       // route takes scope
	editScopeOff
	editRoleOn
	editRoleOff
	editClientOn // client is declared
	editClientOff
	editGrantOn // client holds scope or role
	editGrantOff
	editRequired // assignment is required, or no longer
	editUsersOn  // users or groups are assigned
	editUsersOff
)

func catalogue(m access.Model) (scopes, roles map[string]*catalogued, scopeOrder, roleOrder []string) {
	scopes, roles = map[string]*catalogued{}, map[string]*catalogued{}
	for i, s := range m.Scopes {
		consent := s.Consent
		if consent == "" {
			consent = access.ConsentAdmin
		}
		scopes[s.Value] = &catalogued{s.Retired(), consent, s.Title, text(s.Title, s.Description), i}
		scopeOrder = append(scopeOrder, s.Value)
	}
	for i, r := range m.Roles {
		roles[r.Value] = &catalogued{r.Retired(), "", r.Title, text(r.Title, r.Description), i}
		roleOrder = append(roleOrder, r.Value)
	}
	return scopes, roles, scopeOrder, roleOrder
}

// text is what people read of a scope or role: its description is its title
// unless it says otherwise.
func text(title, description string) string {
	if description == "" {
		description = title
	}
	return title + "\n" + description
}

func newDelta(before, after access.Model) delta {
	d := delta{
		before: before, after: after, edits: map[editKey]*edit{},
		routeEdits: map[string][]*edit{}, clientEdits: map[string][]*edit{}, valueEdits: map[string][]*edit{},
	}
	beforeScopes, beforeRoles, scopesBefore, rolesBefore := catalogue(before)
	afterScopes, afterRoles, scopesAfter, rolesAfter := catalogue(after)
	d.scopeOrder, d.roleOrder = joined(scopesBefore, scopesAfter), joined(rolesBefore, rolesAfter)
	d.scopes, d.roles = pairs(beforeScopes, afterScopes), pairs(beforeRoles, afterRoles)
	clientsBefore, clientsAfter := index(before.Clients, clientName), index(after.Clients, clientName)
	d.clientOrder = joined(names(before.Clients, clientName), names(after.Clients, clientName))
	d.clients = pairs(clientsBefore, clientsAfter)
	routesBefore, routesAfter := index(before.Routes, routeKey), index(after.Routes, routeKey)
	d.routeOrder = joined(names(before.Routes, routeKey), names(after.Routes, routeKey))
	d.routes = pairs(routesBefore, routesAfter)
	for _, value := range d.scopeOrder {
		s := d.scopes[value]
		if s.before != nil && s.before.consent == access.ConsentUser || s.after != nil && s.after.consent == access.ConsentUser {
			d.openOrder = append(d.openOrder, value)
		}
	}
	for _, name := range d.clientOrder {
		c := d.clients[name]
		if c.before != nil && c.before.Kind.IsDelegated() || c.after != nil && c.after.Kind.IsDelegated() {
			d.delegatedOrder = append(d.delegatedOrder, name)
		}
	}
	return d
}

func clientName(c access.Client) string { return c.Name }
func routeKey(r access.Route) string    { return r.Key }

// index maps the names of things to them; the first of two counts, as it does in
// a matrix.
func index[T any](list []T, name func(T) string) map[string]*T {
	byName := map[string]*T{}
	for i := range list {
		if _, ok := byName[name(list[i])]; !ok {
			byName[name(list[i])] = &list[i]
		}
	}
	return byName
}

func names[T any](list []T, name func(T) string) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = name(list[i])
	}
	return out
}

// joined returns what is in either, in the order of the first and then the
// second, each once.
func joined(before, after []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, value := range slices.Concat(before, after) {
		if !seen[value] {
			seen[value] = true
			out = append(out, value)
		}
	}
	return out
}

func pairs[T any](before, after map[string]*T) map[string]pair[T] {
	out := make(map[string]pair[T], len(before)+len(after))
	for name, b := range before {
		out[name] = pair[T]{b, after[name]}
	}
	for name, a := range after {
		if before[name] == nil {
			out[name] = pair[T]{nil, a}
		}
	}
	return out
}

// add records an edit and what it touches.
func (d *delta) add(key editKey, findings ...*Finding) *edit {
	e := &edit{editKey: key, findings: findings, minor: key.what == editDeclared}
	d.edits[key] = e
	switch key.what {
	case editDeclared, editRemoved, editState, editConsent:
		d.valueEdits[key.value] = append(d.valueEdits[key.value], e)
	case editAuthorization, editScopeOn, editScopeOff, editRoleOn, editRoleOff:
		d.routeEdits[key.target] = append(d.routeEdits[key.target], e)
	case editClientOn, editClientOff, editGrantOn, editGrantOff:
		d.clientEdits[key.target] = append(d.clientEdits[key.target], e)
	default:
		d.assignmentEdits = append(d.assignmentEdits, e)
	}
	return e
}

// choice says which edits a model has.
type choice func(*edit) bool

// has reports whether the edit is there and chosen.
func (d *delta) has(on choice, what editKind, target, value string) bool {
	e := d.edits[editKey{what, target, value}]
	return e != nil && on(e)
}

// declared is a scope or role in a model with the chosen edits, nil if it is not
// in it.
func (d *delta) declared(on choice, p pair[catalogued], value string) *catalogued {
	switch {
	case p.before == nil && p.after == nil:
		return nil
	case p.before == nil:
		if d.has(on, editDeclared, "", value) {
			return p.after
		}
		return nil
	case p.after == nil:
		if d.has(on, editRemoved, "", value) {
			return nil
		}
		return p.before
	}
	made := *p.before
	if d.has(on, editState, "", value) {
		made.retired = p.after.retired
	}
	if d.has(on, editConsent, "", value) {
		made.consent = p.after.consent
	}
	return &made
}

// chosen merges two lists under the chosen edits: what goes is in it until its
// edit is chosen, or that of the removal of the value itself, and what comes once
// its edit is. Those before come first.
func (d *delta) chosen(on choice, before, after []string, add, drop editKind, target string) []string {
	var out []string
	for _, value := range before {
		gone := !slices.Contains(after, value) &&
			(d.has(on, drop, target, value) || d.has(on, editRemoved, "", value))
		if !gone {
			out = append(out, value)
		}
	}
	for _, value := range after {
		if !slices.Contains(before, value) && d.has(on, add, target, value) {
			out = append(out, value)
		}
	}
	return out
}

// route is a route with the chosen edits.
func (d *delta) route(on choice, p pair[access.Route]) access.Route {
	if p.before == p.after {
		return *p.before
	}
	made := *p.before
	if d.edits[editKey{editAuthorization, made.Key, ""}] != nil {
		if d.has(on, editAuthorization, made.Key, "") {
			return *p.after
		}
		return made
	}
	made.Scopes = d.chosen(on, p.before.Scopes, p.after.Scopes, editScopeOn, editScopeOff, made.Key)
	made.Roles = d.chosen(on, p.before.Roles, p.after.Roles, editRoleOn, editRoleOff, made.Key)
	return made
}

// client is a client with the chosen edits, narrowed down to some scopes and
// roles.
func (d *delta) client(on choice, p pair[access.Client], values map[string]bool) access.Client {
	made := *p.either()
	was, is := &made, &made
	if p.before != nil && p.after != nil {
		was, is = p.before, p.after
	}
	made.Scopes = d.chosen(on, within(was.Scopes, values), within(is.Scopes, values), editGrantOn, editGrantOff, made.Name)
	made.Roles = d.chosen(on, within(was.Roles, values), within(is.Roles, values), editGrantOn, editGrantOff, made.Name)
	return made
}

// within are those of a list that are among some values.
func within(list []string, values map[string]bool) []string {
	var out []string
	for _, value := range list {
		if values[value] {
			out = append(out, value)
		}
	}
	return out
}

// assignment is the assignment with the chosen edits. Whether anybody is
// assigned is all that cells depend on.
func (d *delta) assignment(on choice) access.Assignment {
	required := d.before.Assignment.IsRequired()
	if d.has(on, editRequired, "", "") {
		required = d.after.Assignment.IsRequired()
	}
	before, after := assigned(d.before), assigned(d.after)
	var users []string
	for _, id := range before {
		if slices.Contains(after, id) || !d.has(on, editUsersOff, "", "") {
			users = append(users, id)
			break
		}
	}
	if len(after) > 0 && d.has(on, editUsersOn, "", "") {
		users = append(users, after[0])
	}
	return access.Assignment{Required: &required, Users: users}
}

// assigned are the object ids of users and groups. Letter case means nothing in
// a GUID.
func assigned(m access.Model) []string {
	ids := slices.Concat(m.Assignment.Users, m.Assignment.Groups)
	for i, id := range ids {
		ids[i] = strings.ToLower(id)
	}
	return ids
}
