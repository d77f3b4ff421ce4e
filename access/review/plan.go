package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/entragate/entragate/access"
)

// Plan finds scopes that are renamed or split between what is deployed and what
// is wanted, and whether there are any: a scope goes, and the routes that it
// opens take others. It tells the steps, and which one comes next, also where
// some are done already: before has both scopes then.
//
// Each step lets in everybody whom the one before does, up to the retirement of
// the old scope; and from then on everybody whom the wanted configuration lets
// in. So who may call before and after may call all the way. Whatever else
// differs comes with the last step.
func Plan(before *Deployment, after Deployment) (*SafeOrder, bool) {
	if before == nil {
		return nil, false
	}
	p := &planner{
		before: before.Model, after: after.Model, d: newDelta(before.Model, after.Model),
		options: access.ValidateOptions{AllowLocalhost: true, OutboundIssuer: after.Credentials.OutboundIssuer},
		tokens:  newTokens(Options{}, after.Grants),
	}
	p.renames()
	if len(p.renamed) == 0 {
		return nil, false
	}
	return p.order(), true
}

// planner is one run of [Plan].
type planner struct {
	before, after access.Model
	d             delta
	options       access.ValidateOptions
	tokens        tokens

	renamed []Rename
	old     []string
	routes  []string // that the old scopes open and that stay
	fresh   []string // scopes that these routes take afterwards
}

// renames finds the scopes that go.
func (p *planner) renames() {
	for _, s := range p.before.Scopes {
		if p.d.scopes[s.Value].after != nil {
			continue
		}
		r := Rename{Old: s.Value, Clients: holdersOf(p.before, s.Value)}
		for _, key := range routesOf(p.before, s.Value) {
			if p.d.routes[key].after != nil {
				r.Routes = append(r.Routes, key)
			}
		}
		r.New = p.successors(r)
		if len(r.New) == 0 {
			continue
		}
		p.renamed = append(p.renamed, r)
		p.old = append(p.old, r.Old)
		for _, key := range r.Routes {
			p.routes = with(p.routes, key)
			p.fresh = joined(p.fresh, p.d.routes[key].after.Scopes)
		}
	}
}

// successors are the scopes that take the place of one that goes: those that come
// to its routes with the change, or, where the stack is in the middle already,
// those that who holds the old one holds afterwards, too; of these rather the
// ones that are on no other route.
func (p *planner) successors(r Rename) []string {
	var come, kept, own []string
	for _, key := range r.Routes {
		route := p.d.routes[key]
		for _, value := range route.after.Scopes {
			switch {
			case !slices.Contains(route.before.Scopes, value):
				come = with(come, value)
			case p.inherited(value, r.Clients):
				kept = with(kept, value)
				if !slices.ContainsFunc(routesOf(p.after, value), func(key string) bool { return !slices.Contains(r.Routes, key) }) {
					own = with(own, value)
				}
			}
		}
	}
	switch {
	case len(come) > 0:
		return come
	case len(own) > 0:
		return own
	default:
		return kept
	}
}

// inherited reports whether one of the clients holds the value afterwards.
func (p *planner) inherited(value string, clients []string) bool {
	return slices.ContainsFunc(clients, func(name string) bool {
		client := p.d.clients[name].after
		return client != nil && slices.Contains(client.Scopes, value)
	})
}

// order lays out the steps.
func (p *planner) order() *SafeOrder {
	o := &SafeOrder{Renames: p.renamed, Model: p.before}
	// What each deployment brings, one on top of the other.
	added := p.declare(p.before)
	granted := p.grant(added)
	either := p.accept(granted)
	retired := p.retire(either)
	for _, m := range []access.Model{added, granted, either, retired} {
		if err := m.Validate(p.options); err != nil {
			o.Problem = "old and new cannot be there together: " + strings.ReplaceAll(err.Error(), "\n", "; ")
			o.Words = fmt.Sprintf("%s cannot be renamed in the safe order, since %s.", listed(p.old), o.Problem)
			return o
		}
	}
	o.Steps = p.steps()
	o.Next = p.next(added, granted, either, retired)
	o.Model = []access.Model{
		atAdd: added, atGrant: granted, atAccept: either,
		atWaitClients: retired, atRetire: retired, atWaitTokens: p.after, atRemove: p.after,
	}[o.Next]
	for i := range o.Steps {
		switch {
		case i < o.Next:
			o.Steps[i].State = StepDone
		case i == o.Next:
			o.Steps[i].State = StepNext
		default:
			o.Steps[i].State = StepLater
		}
	}
	o.Words = fmt.Sprintf("%s: step %d of %d, %s.", p.words(), o.Next+1, len(o.Steps), o.Steps[o.Next].Name)
	return o
}

// steps words all of them.
func (p *planner) steps() []Step {
	fresh, old, t := listed(p.comes()), listed(p.old), p.tokens
	either := "Tokens with either are good."
	return []Step{
		{Name: StepAdd, Deploy: true, Tokens: t.none(), Words: fmt.Sprintf("Declare %s beside %s.", fresh, old)},
		{
			Name: StepGrant, Deploy: true, Tokens: t.gains(),
			Words: fmt.Sprintf("Grant %s to the clients that will hold it, beside %s.", fresh, old),
		},
		{Name: StepAcceptEither, Deploy: true, Tokens: t.atOnce(), Words: fmt.Sprintf("Let %s take either.", routesWords(p.routes))},
		{
			Name: StepWaitClients, Tokens: either,
			Words: fmt.Sprintf("Wait until the programs of the clients ask for %s. Nothing is deployed; the access log names the scopes of each call.", fresh),
		},
		{
			Name: StepRetire, Deploy: true, Tokens: t.loses(),
			Words: fmt.Sprintf("Retire %s: clients that still ask for it get an error at sign-in.", old),
		},
		{
			Name: StepWaitTokens, Tokens: either,
			Words: fmt.Sprintf("Wait until no token carries %s: %s after it was retired.", old, t.long()),
		},
		{
			Name: StepRemove, Deploy: true, Tokens: t.gone(),
			Words: fmt.Sprintf("Remove %s from routes, clients and the declaration. Whatever else changes comes with it.", old),
		},
	}
}

// The indices of the steps.
const (
	atAdd = iota
	atGrant
	atAccept
	atWaitClients
	atRetire
	atWaitTokens
	atRemove
)

// next is the index of the step to take: the first whose model is not deployed.
// The order in which things are declared does not count.
func (p *planner) next(added, granted, either, retired access.Model) int {
	switch {
	case !p.deployed(added):
		return atAdd
	case !p.deployed(granted):
		return atGrant
	case !p.deployed(either):
		return atAccept
	case !p.deployed(retired):
		return atWaitClients
	default:
		return atWaitTokens
	}
}

// deployed reports whether a step changes nothing any more.
func (p *planner) deployed(step access.Model) bool {
	d := newDelta(p.before, step)
	for _, s := range d.scopes {
		if s.before == nil || s.after == nil || *s.before != *s.after {
			return false
		}
	}
	for _, c := range d.clients {
		if c.before == nil || !sameSet(c.before.Scopes, c.after.Scopes) {
			return false
		}
	}
	for _, r := range d.routes {
		if !sameSet(r.before.Scopes, r.after.Scopes) || r.before.IsPublic() != r.after.IsPublic() {
			return false
		}
	}
	return true
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// comes are the scopes that take the place of others.
func (p *planner) comes() []string {
	var out []string
	for _, r := range p.renamed {
		out = joined(out, r.New)
	}
	return out
}

func (p *planner) words() string {
	var out []string
	for _, r := range p.renamed {
		how := "is renamed to "
		if len(r.New) > 1 {
			how = "is split into "
		}
		out = append(out, r.Old+" "+how+listed(r.New))
	}
	return strings.Join(out, "; ")
}

func routesWords(keys []string) string {
	if len(keys) == 1 {
		return "the route " + keys[0]
	}
	return "the routes " + listed(keys)
}

// declare adds the scopes that the routes take afterwards, as active and as open
// as they are on either side.
func (p *planner) declare(m access.Model) access.Model {
	m.Scopes = slices.Clone(m.Scopes)
	for _, s := range p.after.Scopes {
		if !slices.Contains(p.fresh, s.Value) {
			continue
		}
		i := slices.IndexFunc(m.Scopes, func(known access.Scope) bool { return known.Value == s.Value })
		if i < 0 {
			m.Scopes = append(m.Scopes, s)
			continue
		}
		if !s.Retired() {
			m.Scopes[i].State = s.State
		}
		if s.Consent == access.ConsentUser {
			m.Scopes[i].Consent = s.Consent
		}
	}
	return m
}

// grant gives clients what they hold afterwards of these scopes.
func (p *planner) grant(m access.Model) access.Model {
	m.Clients = slices.Clone(m.Clients)
	for i, c := range m.Clients {
		after := p.d.clients[c.Name].after
		if after == nil || !c.Kind.IsDelegated() {
			continue
		}
		for _, value := range after.Scopes {
			if slices.Contains(p.fresh, value) && !slices.Contains(c.Scopes, value) {
				m.Clients[i].Scopes = append(slices.Clip(m.Clients[i].Scopes), value)
			}
		}
	}
	return m
}

// accept lets the routes take either, and adds clients that come and hold what
// takes the place of the old: they may be what old clients are renamed to.
func (p *planner) accept(m access.Model) access.Model {
	m.Routes = slices.Clone(m.Routes)
	for i, r := range m.Routes {
		if !slices.Contains(p.routes, r.Key) {
			continue
		}
		after := p.d.routes[r.Key].after
		if after.IsPublic() {
			m.Routes[i].Public, m.Routes[i].Scopes, m.Routes[i].Roles = after.Public, nil, nil
			continue
		}
		m.Routes[i].Scopes = p.either(r.Scopes, after.Scopes)
	}
	m.Clients = slices.Clone(m.Clients)
	for _, c := range p.after.Clients {
		if p.d.clients[c.Name].before != nil || !slices.ContainsFunc(c.Scopes, func(v string) bool { return slices.Contains(p.fresh, v) }) {
			continue
		}
		c.Scopes = slices.DeleteFunc(slices.Clone(c.Scopes), func(value string) bool { return !declares(m, value) })
		m.Clients = append(m.Clients, c)
	}
	return m
}

// either is what a route takes in between. Where that is more than API Gateway
// takes, what goes and is not renamed makes room: who held only that holds
// something of the new.
func (p *planner) either(before, after []string) []string {
	both := joined(before, after)
	for i := len(both) - 1; i >= 0 && len(both) > access.MaxScopesPerRoute; i-- {
		if !slices.Contains(after, both[i]) && !slices.Contains(p.old, both[i]) {
			both = slices.Delete(both, i, i+1)
		}
	}
	return both
}

// retire retires the old scopes.
func (p *planner) retire(m access.Model) access.Model {
	m.Scopes = slices.Clone(m.Scopes)
	for i, s := range m.Scopes {
		if slices.Contains(p.old, s.Value) {
			m.Scopes[i].State = access.StateRetired
		}
	}
	return m
}
