package review

import (
	"slices"

	"github.com/entragate/entragate/access"
)

// trial decides cells of one route under some of the edits. Its model is small:
// it has the scopes and roles of the route, and of all others only whether there
// is one, which is all that a decision about the route depends on.
type trial struct {
	d       *delta
	route   pair[access.Route]
	clients map[string]pair[access.Client]
	order   []string // of the clients
	signsIn bool     // on both sides users sign in to some client
	made    bool     // made-up callers are decided, too
	scopes  []string
	roles   []string
	values  map[string]bool // scopes and roles
	others  map[string]*others
	edits   []*edit // that matter, the minor ones first
	numbers map[*edit]int
	rows    map[string]map[string]access.Decision
}

// The names by which the rest of the model stands in a trial.
const (
	probeRoute = "$probe" // makes the columns of roles appear
	otherHeld  = "~held"
	otherOpen  = "~open"
)

// ofClient is a trial of a route and the callers of one client: pair says how it
// is on both sides.
func (d *delta) ofClient(route pair[access.Route], client pair[access.Client]) *trial {
	t := d.newTrial(route)
	name := client.either().Name
	t.order, t.clients = []string{name}, map[string]pair[access.Client]{name: client}
	t.client(name, true)
	return t.ready()
}

// ofNobody is a trial of a route and the callers that use no client.
func (d *delta) ofNobody(route pair[access.Route]) *trial {
	t := d.newTrial(route)
	t.made = true
	t.open()
	return t.ready()
}

// ofAnybody is a trial of a route and the callers that use any client. Only of
// the first one matters what else it holds: it says why nobody is let in.
func (d *delta) ofAnybody(route pair[access.Route]) *trial {
	t := d.newTrial(route)
	t.made = true
	t.clients = map[string]pair[access.Client]{}
	first := map[string]bool{}
	for _, m := range []access.Model{d.before, d.after} {
		if i := slices.IndexFunc(d.delegatedOrder, func(name string) bool { return hasClient(m, name) }); i >= 0 {
			first[d.delegatedOrder[i]] = true
		}
	}
	for _, name := range d.delegatedOrder {
		p := d.clients[name]
		if !first[name] && !t.concerns(p.before) && !t.concerns(p.after) {
			continue
		}
		t.order, t.clients[name] = append(t.order, name), p
		t.client(name, first[name])
	}
	t.signsIn = len(first) > 0 && signsIn(d.before) && signsIn(d.after)
	t.open()
	return t.ready()
}

// concerns reports whether the client holds anything that the route asks for.
func (t *trial) concerns(c *access.Client) bool {
	return c != nil && slices.ContainsFunc(c.Scopes, func(value string) bool { return t.values[value] })
}

func hasClient(m access.Model, name string) bool {
	return slices.ContainsFunc(m.Clients, func(c access.Client) bool { return c.Name == name && c.Kind.IsDelegated() })
}

func (d *delta) newTrial(route pair[access.Route]) *trial {
	t := &trial{
		d: d, route: route, values: map[string]bool{}, others: map[string]*others{},
		numbers: map[*edit]int{}, rows: map[string]map[string]access.Decision{},
	}
	t.scopes = joined(route.before.Scopes, route.after.Scopes)
	t.roles = joined(route.before.Roles, route.after.Roles)
	if route.before != route.after {
		t.edits = append(t.edits, d.routeEdits[route.before.Key]...)
	}
	for _, value := range slices.Concat(t.scopes, t.roles) {
		t.values[value] = true
		t.edits = append(t.edits, d.valueEdits[value]...)
	}
	t.edits = append(t.edits, d.assignmentEdits...)
	return t
}

// client gathers the edits of a client.
func (t *trial) client(name string, rest bool) {
	p := t.clients[name]
	if p.before != p.after {
		for _, e := range t.d.clientEdits[name] {
			if e.value == "" || t.values[e.value] {
				t.edits = append(t.edits, e)
			}
		}
	}
	if !rest {
		return
	}
	o := &others{}
	t.others[name] = o
	if p.before != nil {
		o.before = t.holds(*p.before, func(p pair[catalogued]) *catalogued { return p.before })
	}
	if p.after != nil {
		o.after = t.holds(*p.after, func(p pair[catalogued]) *catalogued { return p.after })
	}
	if p.before == nil {
		o.before = o.after // as it will be, once it is there
	}
	if p.after == nil {
		o.after = o.before
	}
	if o.before == o.after {
		return
	}
	var changes []*edit
	if p.before != p.after {
		changes = append(changes, t.d.clientEdits[name]...)
	}
	for _, c := range []*access.Client{p.before, p.after} {
		if c != nil {
			for _, value := range slices.Concat(c.Scopes, c.Roles) {
				changes = append(changes, t.d.valueEdits[value]...)
			}
		}
	}
	t.bundle(o, changes)
}

// ready numbers the edits.
func (t *trial) ready() *trial {
	slices.SortStableFunc(t.edits, func(a, b *edit) int {
		switch {
		case a.minor == b.minor:
			return 0
		case a.minor:
			return -1
		default:
			return 1
		}
	})
	unique := t.edits[:0:0]
	for _, e := range t.edits {
		if _, known := t.numbers[e]; !known {
			t.numbers[e] = len(unique)
			unique = append(unique, e)
		}
	}
	t.edits = unique
	return t
}

// model is that of the trial with the chosen edits.
func (t *trial) model(on choice) access.Model {
	d := t.d
	m := access.Model{Assignment: d.assignment(on)}
	for _, value := range t.scopes {
		if s := d.declared(on, d.scopes[value], value); s != nil {
			m.Scopes = append(m.Scopes, access.Scope{Value: value, Consent: s.consent, State: state(s.retired)})
		}
	}
	for _, value := range t.roles {
		if r := d.declared(on, d.roles[value], value); r != nil {
			m.Roles = append(m.Roles, access.Role{Value: value, State: state(r.retired)})
		}
	}
	if t.others[""].level(on) == live {
		m.Scopes = append(m.Scopes, access.Scope{Value: otherOpen, Consent: access.ConsentUser})
	}
	m.Scopes = append(m.Scopes, access.Scope{Value: otherHeld})
	m.Roles = append(m.Roles, access.Role{Value: otherHeld})
	for _, name := range t.order {
		p := t.clients[name]
		there := p.before != nil && (p.after != nil || !d.has(on, editClientOff, name, ""))
		if p.before == nil {
			there = d.has(on, editClientOn, name, "")
		}
		if there {
			m.Clients = append(m.Clients, t.narrowed(on, p))
		}
	}
	if t.signsIn { // or the unassigned would turn to any other client half way
		m.Clients = append(m.Clients, access.Client{Name: otherHeld, Kind: access.ClientNative})
	}
	m.Routes = []access.Route{d.route(on, t.route)}
	if t.made && !m.Routes[0].HasRoles() {
		m.Routes = append(m.Routes, access.Route{Key: probeRoute, Roles: []string{"-"}})
	}
	return m
}

// narrowed is a client with the chosen edits, its scopes and roles narrowed down.
func (t *trial) narrowed(on choice, p pair[access.Client]) access.Client {
	c := t.d.client(on, p, t.values)
	rest := otherHeld
	switch t.others[c.Name].level(on) {
	case none:
		return c
	case retiree:
		rest = "~gone" // declared nowhere, which is as good as retired
	}
	if c.Kind.IsDelegated() {
		c.Scopes = append(c.Scopes, rest)
	} else {
		c.Roles = append(c.Roles, rest)
	}
	return c
}

func state(retired bool) access.State {
	if retired {
		return access.StateRetired
	}
	return access.StateActive
}

// decide is the cell of a caller with the chosen edits, numbered as t.edits are.
func (t *trial) decide(caller string, chosen []bool) access.Decision {
	mask := make([]byte, len(chosen))
	for i, on := range chosen {
		if on {
			mask[i] = 1
		}
	}
	row, known := t.rows[string(mask)]
	if !known {
		row = t.model(func(e *edit) bool {
			i, matters := t.numbers[e]
			return matters && chosen[i]
		}).Matrix().Cells[t.route.before.Key]
		t.rows[string(mask)] = row
	}
	return row[caller]
}

// ends are the cell without and with all edits.
func (t *trial) ends(caller string) (before, after access.Decision) {
	return t.decide(caller, make([]bool, len(t.edits))), t.decide(caller, all(len(t.edits)))
}

func all(n int) []bool { return slices.Repeat([]bool{true}, n) }

// causes are the edits that explain a cell: a smallest set that makes it what it
// becomes, and each other edit that would by itself. Where access changes, only
// whether the call is allowed counts, and else everything.
func (t *trial) causes(caller string) []*edit {
	before, after := t.ends(caller)
	same := func(a, b access.Decision) bool { return !differ(&a, &b) }
	if before.Allowed != after.Allowed {
		same = func(a, b access.Decision) bool { return a.Allowed == b.Allowed }
	}
	if same(before, after) {
		return nil
	}
	if len(t.edits) == 1 {
		return t.edits
	}
	needed := all(len(t.edits))
	for i := range needed {
		needed[i] = false
		if !same(t.decide(caller, needed), after) {
			needed[i] = true
		}
	}
	for i := range needed {
		if !needed[i] {
			alone := make([]bool, len(t.edits))
			alone[i] = true
			needed[i] = same(t.decide(caller, alone), after)
		}
	}
	var causes []*edit
	major := false
	for i, e := range t.edits {
		if needed[i] {
			causes = append(causes, e)
			major = major || !e.minor
		}
	}
	if major {
		causes = slices.DeleteFunc(causes, func(e *edit) bool { return e.minor })
	}
	return causes
}

// differ reports whether two decisions differ in whether the call is allowed, by
// what, or why not. Words differ more often: they list all that a caller has.
func differ(a, b *access.Decision) bool {
	switch {
	case a == nil && b == nil:
		return false
	case a == nil:
		return b.Allowed
	case b == nil:
		return a.Allowed
	}
	return a.Allowed != b.Allowed || a.Status != b.Status || a.Reason != b.Reason || a.By != b.By || a.Uncertain != b.Uncertain
}

// callerOf is the id of the caller that a client's users, or the daemon, are; ""
// for a kind that there is not.
func callerOf(c access.Client) string {
	switch {
	case c.Kind == access.ClientDaemon:
		return c.Name + ":app"
	case c.Kind.IsDelegated():
		return c.Name + ":user"
	default:
		return ""
	}
}
