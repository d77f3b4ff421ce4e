package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/entragate/entragate/access"
)

// models finds what differs between the access models, as findings and as edits
// by which cells are explained.
func (c *comparison) models() {
	c.delta = newDelta(c.before.Model, c.after.Model)
	c.clientPresence = map[string]*Finding{}
	c.moved = map[string]*Finding{}
	c.instead = map[*Finding]string{}
	if c.first {
		c.firstDeployment()
		return
	}
	c.catalogues()
	c.clients()
	c.routes()
	c.assignment()
	c.decisionCache()
	c.backends()
}

func (c *comparison) firstDeployment() {
	c.find(Finding{
		Rule: "first-deployment", Subject: "stack", Cause: "nothing is deployed", Setting: "routes",
		Words:  fmt.Sprintf("Nothing is deployed yet: %s new.", counted(len(c.after.Model.Routes), "route is", "routes are")),
		Tokens: "There are no tokens for an API that is not there.",
		Unseen: "nobody may call any route but a public one",
	})
	for i, r := range c.after.Model.Routes {
		if r.IsPublic() {
			c.public(i, r, "new")
		}
	}
}

// catalogues compares scopes and roles.
func (c *comparison) catalogues() {
	d := &c.delta
	for _, value := range d.scopeOrder {
		c.catalogued("scope", value, d.scopes[value])
	}
	for _, value := range d.roleOrder {
		c.catalogued("role", value, d.roles[value])
	}
}

// catalogued compares a scope or a role, which is what noun says.
func (c *comparison) catalogued(noun, value string, p pair[catalogued]) {
	d := &c.delta
	setting := noun + "s"
	if p.after != nil {
		setting = fmt.Sprintf("%ss[%d]", noun, p.after.index)
	}
	f := Finding{Subject: value, Setting: setting, Resource: c.resources.api()}
	switch {
	case p.before == nil:
		f.Rule, f.Cause = noun+"-added", fmt.Sprintf("%s %q added", noun, value)
		f.Words = fmt.Sprintf("The %s %s is declared.", noun, value)
		f.Tokens = c.tokens.none()
		d.add(editKey{editDeclared, "", value}, c.find(f))
		return
	case p.after == nil:
		d.add(editKey{editRemoved, "", value}, c.find(c.removed(noun, value, *p.before, f)))
		return
	}
	if p.before.retired != p.after.retired {
		g := f
		g.Rule, g.Cause = noun+"-retired", fmt.Sprintf("%s %q retired", noun, value)
		g.Words = fmt.Sprintf("The %s %s is retired: no new token carries it%s.", noun, value, c.heldBy(c.after.Model, value))
		g.Tokens, g.Setting = c.tokens.loses(), setting+".state"
		if !p.after.retired {
			g.Rule, g.Cause = noun+"-reactivated", fmt.Sprintf("%s %q is active again", noun, value)
			g.Words = fmt.Sprintf("The %s %s is active again: new tokens carry it%s.", noun, value, c.heldBy(c.after.Model, value))
			g.Tokens = c.tokens.gains()
		}
		g.Unseen = c.unused(noun, value)
		d.add(editKey{editState, "", value}, c.find(g))
	}
	if p.before.consent != p.after.consent {
		g := f
		g.Setting = setting + ".consent"
		g.Rule, g.Cause = "scope-consent-opened", fmt.Sprintf("consent of scope %q from admin to user", value)
		g.Words = fmt.Sprintf("Users may consent to the scope %s, so any client that they sign in to may come to hold it.", value)
		g.Tokens = c.tokens.gains()
		if p.after.consent != access.ConsentUser {
			g.Rule, g.Cause = "scope-consent-closed", fmt.Sprintf("consent of scope %q from user to admin", value)
			g.Words = fmt.Sprintf("Only administrators may consent to the scope %s. What users have consented to stays until it is revoked.", value)
			g.Tokens = c.tokens.loses() + " Consents that users gave go on yielding tokens until they are revoked."
		}
		g.Unseen = c.unused(noun, value)
		d.add(editKey{editConsent, "", value}, c.find(g))
	}
	if p.before.texts != p.after.texts {
		f.Rule, f.Cause, f.Tokens = "scope-text-changed", fmt.Sprintf("text of %s %q changed", noun, value), c.tokens.none()
		f.Words = fmt.Sprintf("The %s %s reads %q in place of %q.", noun, value, strings.TrimSpace(p.after.title), strings.TrimSpace(p.before.title))
		if p.before.title == p.after.title {
			f.Words = fmt.Sprintf("The description of the %s %s is another.", noun, value)
		}
		c.find(f)
	}
}

// removed judges the removal of a scope or role.
func (c *comparison) removed(noun, value string, was catalogued, f Finding) Finding {
	holders := holdersOf(c.before.Model, value)
	f.Cause = fmt.Sprintf("%s %q removed", noun, value)
	f.Tokens = c.tokens.carried()
	guard := ""
	if c.before.Protect {
		guard = " The stack is protected, so Pulumi refuses it."
	}
	switch {
	case was.retired:
		f.Rule, f.Tokens = noun+"-removed", c.tokens.gone()
		f.Words = fmt.Sprintf("The retired %s %s is removed.", noun, value)
	case len(holders) > 0:
		f.Rule = noun + "-removed-granted"
		f.Words = fmt.Sprintf("The %s %s is removed or renamed while %s. It was not retired first.%s", noun, value, holding(holders), guard)
		f.Unseen = "whoever holds it holds something else, too, that opens the same routes; but tokens that carry it alone are refused, and clients ask for it by name"
	default:
		f.Rule = noun + "-removed-unretired"
		f.Words = fmt.Sprintf("The %s %s is removed without having been retired first.%s", noun, value, guard)
		f.Unseen = "no declared client holds it; clients outside the configuration may"
	}
	if len(routesOf(c.before.Model, value)) == 0 && f.Unseen != "" {
		f.Unseen = "no route asked for it"
	}
	return f
}

// unused says why a scope or role opens nothing, "" if it may.
func (c *comparison) unused(noun, value string) string {
	switch {
	case len(routesOf(c.before.Model, value)) == 0 && len(routesOf(c.after.Model, value)) == 0:
		return "no route asks for the " + noun
	case noun == "role" && len(holdersOf(c.after.Model, value)) == 0 && len(holdersOf(c.before.Model, value)) == 0:
		return "no daemon is assigned the role"
	default:
		return ""
	}
}

func holdersOf(m access.Model, value string) []string {
	var holders []string
	for _, client := range m.Clients {
		if slices.Contains(client.Scopes, value) || slices.Contains(client.Roles, value) {
			holders = append(holders, client.Name)
		}
	}
	return holders
}

func routesOf(m access.Model, value string) []string {
	var routes []string
	for _, r := range m.Routes {
		if slices.Contains(r.Scopes, value) || slices.Contains(r.Roles, value) {
			routes = append(routes, r.Key)
		}
	}
	return routes
}

// heldBy words who holds a value, with a comma before.
func (c *comparison) heldBy(m access.Model, value string) string {
	if holders := holdersOf(m, value); len(holders) > 0 {
		return ", and " + holding(holders)
	}
	return ", and no client holds it"
}

func holding(holders []string) string {
	if len(holders) == 1 {
		return holders[0] + " holds it"
	}
	return listed(holders) + " hold it"
}

// listed is a list as people read it, the first few of a long one.
func listed(values []string) string {
	const most = 6
	if len(values) > most {
		return strings.Join(values[:most], ", ") + fmt.Sprintf(" and %d more", len(values)-most)
	}
	if len(values) < 2 {
		return strings.Join(values, "")
	}
	return strings.Join(values[:len(values)-1], ", ") + " and " + values[len(values)-1]
}

// assignment compares who gets tokens at all.
func (c *comparison) assignment() {
	d := &c.delta
	before, after := c.before.Model.Assignment, c.after.Model.Assignment
	f := Finding{Subject: "assignment", Setting: "assignment.required", Resource: c.resources.principal()}
	switch {
	case before.IsRequired() && !after.IsRequired():
		f.Rule, f.Cause, f.Tokens = "assignment-optional", "assignment no longer required", c.tokens.gains()
		f.Words = "Assignment is no longer required: every user of the tenant gets a token from the clients declared here, and every application of the tenant one without roles."
		f.Unseen = "no route takes what unassigned callers would hold"
		d.add(editKey{editRequired, "", ""}, c.find(f))
	case !before.IsRequired() && after.IsRequired():
		f.Rule, f.Cause, f.Tokens = "assignment-required", "assignment required", c.tokens.stops()
		f.Words = "Assignment is required: who is not assigned gets no token."
		f.Unseen = "nobody who is not assigned could call"
		d.add(editKey{editRequired, "", ""}, c.find(f))
	}
	was, is := assigned(c.before.Model), assigned(c.after.Model)
	var gained, lost []*Finding
	for _, id := range is {
		if !slices.Contains(was, id) {
			gained = append(gained, c.assign("assigned-added", id, after))
		}
	}
	for _, id := range was {
		if !slices.Contains(is, id) {
			lost = append(lost, c.assign("assigned-removed", id, before))
		}
	}
	if len(gained) > 0 {
		d.add(editKey{editUsersOn, "", ""}, gained...)
	}
	if len(lost) > 0 {
		d.add(editKey{editUsersOff, "", ""}, lost...)
	}
}

func (c *comparison) assign(rule, id string, a access.Assignment) *Finding {
	who, setting := "user", "assignment.users"
	if slices.ContainsFunc(a.Groups, func(group string) bool { return strings.EqualFold(group, id) }) {
		who, setting = "group", "assignment.groups"
	}
	f := Finding{
		Rule: rule, Subject: id, Setting: setting, Resource: c.resources.assignment(id),
		Cause:  who + " " + id + " assigned",
		Words:  fmt.Sprintf("The %s %s is assigned.", who, id),
		Tokens: c.tokens.gains(),
		Unseen: "the matrix has one column for the assigned users of a client, whoever they are",
	}
	if rule == "assigned-removed" {
		f.Cause = who + " " + id + " no longer assigned"
		f.Words, f.Tokens = fmt.Sprintf("The %s %s is no longer assigned.", who, id), c.tokens.stops()
	}
	if !c.after.Model.Assignment.IsRequired() {
		f.Unseen = "assignment is not required, so who is assigned does not matter"
	}
	return c.find(f)
}

func (c *comparison) decisionCache() {
	was, is := c.before.Model.CacheSeconds(), c.after.Model.CacheSeconds()
	f := Finding{
		Subject: "authorizer", Setting: "authorizer.cacheSeconds", Tokens: c.tokens.expiry(is),
		Cause:  fmt.Sprintf("cacheSeconds from %d to %d", was, is),
		Words:  fmt.Sprintf("Decisions about routes with roles are repeated for %d seconds in place of %d.", is, was),
		Unseen: "the matrix says who may call, not for how long a decision is repeated",
	}
	switch {
	case is > was:
		f.Rule = "decision-cache-longer"
		c.find(f)
	case is < was:
		f.Rule = "decision-cache-shorter"
		c.find(f)
	}
}

// reordered explains cells that differ though nothing but an order does.
func (c *comparison) reordered(standsForAnother bool, caller access.Caller) *Finding {
	if standsForAnother {
		return c.find(Finding{
			Rule: "caller-stands-for-another", Subject: caller.ID, Setting: "clients", Tokens: c.tokens.none(),
			Cause: "another client is the first one",
			Words: fmt.Sprintf("The column %q, %s, uses the scopes of another client than before.", caller.ID, caller.Title),
		})
	}
	return c.find(Finding{
		Rule: "order-changed", Subject: "order", Setting: "routes", Tokens: c.tokens.none(), Cause: "another order",
		Words: "Scopes, roles or clients are declared in another order, so the matrix names another scope or role by which a caller gets in.",
	})
}
