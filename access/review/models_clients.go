package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/entragate/entragate/access"
)

// clients compares the clients and what they hold.
func (c *comparison) clients() {
	d := &c.delta
	for _, name := range d.clientOrder {
		p := d.clients[name]
		setting := "clients"
		if p.after != nil {
			setting = fmt.Sprintf("clients[%d]", slices.IndexFunc(c.after.Model.Clients, func(x access.Client) bool { return x.Name == name }))
		}
		switch {
		case p.before == nil:
			f := c.clientAdded(*p.after, setting)
			c.clientPresence[callerOf(*p.after)] = f
			d.add(editKey{editClientOn, name, ""}, f)
		case p.after == nil:
			f := c.find(Finding{
				Rule: "client-removed", Subject: name, Setting: setting, Resource: c.resources.client(name),
				Cause:  fmt.Sprintf("client %q removed", name),
				Words:  fmt.Sprintf("The %s client %s is removed%s.", p.before.Kind, name, held(*p.before)),
				Tokens: c.tokens.stops(), Unseen: "it could call nothing",
			})
			c.clientPresence[callerOf(*p.before)] = f
			d.add(editKey{editClientOff, name, ""}, f)
		default:
			c.client(*p.before, *p.after, setting)
		}
	}
}

func held(c access.Client) string {
	values := slices.Concat(c.Scopes, c.Roles)
	if len(values) == 0 {
		return "; it holds nothing"
	}
	return "; it holds " + listed(values)
}

func (c *comparison) clientAdded(client access.Client, setting string) *Finding {
	f := Finding{
		Rule: "client-added", Subject: client.Name, Setting: setting, Resource: c.resources.client(client.Name),
		Cause:  fmt.Sprintf("client %q added", client.Name),
		Words:  fmt.Sprintf("The %s client %s is added%s.", client.Kind, client.Name, held(client)),
		Tokens: c.tokens.first(), Unseen: c.idle(client),
	}
	if len(client.RedirectURIs) > 0 {
		f.Words = strings.TrimSuffix(f.Words, ".") + "; sign-in returns to " + listed(client.RedirectURIs) + "."
	}
	return c.find(f)
}

// idle says why a client can call nothing.
func (c *comparison) idle(client access.Client) string {
	switch {
	case len(client.Scopes)+len(client.Roles) == 0:
		return "it holds nothing"
	case client.Kind.IsDelegated() && c.after.Model.Assignment.IsRequired() && len(assigned(c.after.Model)) == 0:
		return "no user is assigned"
	default:
		return "no route takes what it holds"
	}
}

// client compares a client that stays.
func (c *comparison) client(before, after access.Client, setting string) {
	if before.Kind != after.Kind {
		c.kind(before, after, setting)
	}
	if callerOf(before) == callerOf(after) {
		c.grants(before, after, setting)
	}
	if before.DisplayName != after.DisplayName {
		c.find(Finding{
			Rule: "client-renamed", Subject: after.Name, Setting: setting + ".displayName", Tokens: c.tokens.none(),
			Resource: c.resources.client(after.Name), Cause: fmt.Sprintf("displayName of client %q changed", after.Name),
			Words: fmt.Sprintf("The client %s is shown as %q in place of %q.", after.Name, after.DisplayName, before.DisplayName),
		})
	}
	c.redirects(before, after, setting)
	c.credential(before, after, setting)
}

// kind judges a client that is of another kind. Where a daemon becomes what users
// sign in to, or the other way, who calls is somebody else: one caller goes and
// another comes.
func (c *comparison) kind(before, after access.Client, setting string) {
	f := c.find(Finding{
		Rule: "client-kind-changed", Subject: after.Name, Setting: setting + ".kind", Resource: c.resources.client(after.Name),
		Cause:  fmt.Sprintf("kind of client %q from %s to %s", after.Name, before.Kind, after.Kind),
		Words:  fmt.Sprintf("The client %s is of kind %s in place of %s: its program has to sign in otherwise.", after.Name, after.Kind, before.Kind),
		Tokens: c.tokens.stops(), Unseen: "who signs in to it, and with what scopes, stays the same",
	})
	if callerOf(before) == callerOf(after) {
		return
	}
	c.clientPresence[callerOf(before)] = f
	now := c.clientAdded(after, setting)
	c.clientPresence[callerOf(after)] = now
	if after.Kind.IsDelegated() {
		c.delta.add(editKey{editClientOn, after.Name, ""}, now)
	} else {
		c.delta.add(editKey{editClientOff, after.Name, ""}, f)
	}
}

// grants compares what a client holds. What is not declared any more is not
// granted any more, either, and that is one finding, about the declaration.
func (c *comparison) grants(before, after access.Client, setting string) {
	d := &c.delta
	for _, list := range []struct {
		added, removed, name, noun string
		before, after              []string
	}{
		{"client-grant-added", "client-grant-removed", ".scopes", "scope", before.Scopes, after.Scopes},
		{"role-assigned", "role-unassigned", ".roles", "role", before.Roles, after.Roles},
	} {
		for _, value := range list.after {
			if slices.Contains(list.before, value) {
				continue
			}
			d.add(editKey{editGrantOn, after.Name, value}, c.find(Finding{
				Rule: list.added, Subject: after.Name + " " + value, Setting: setting + list.name, Tokens: c.tokens.gains(),
				Resource: c.resources.grant(after.Name, value),
				Cause:    fmt.Sprintf("%s %q given to client %q", list.noun, value, after.Name),
				Words:    fmt.Sprintf("The client %s is given the %s %s.", after.Name, list.noun, value),
				Unseen:   c.idleGrant(after, list.noun, value),
			}))
		}
		for _, value := range list.before {
			if slices.Contains(list.after, value) || !declares(c.after.Model, value) {
				continue
			}
			f := Finding{
				Rule: list.removed, Subject: after.Name + " " + value, Setting: setting + list.name, Tokens: c.tokens.loses(),
				Resource: c.resources.grant(after.Name, value),
				Cause:    fmt.Sprintf("%s %q taken from client %q", list.noun, value, after.Name),
				Words:    fmt.Sprintf("The client %s no longer has the %s %s.", after.Name, list.noun, value),
				Unseen:   c.idleGrant(before, list.noun, value),
			}
			if retired(c.before.Model, value) && retired(c.after.Model, value) {
				f.Kind, f.Words = Neutral, strings.TrimSuffix(f.Words, ".")+", which is retired."
			}
			d.add(editKey{editGrantOff, after.Name, value}, c.find(f))
		}
	}
}

func declares(m access.Model, value string) bool {
	return slices.ContainsFunc(m.Scopes, func(s access.Scope) bool { return s.Value == value }) ||
		slices.ContainsFunc(m.Roles, func(r access.Role) bool { return r.Value == value })
}

func retired(m access.Model, value string) bool {
	return slices.ContainsFunc(m.Scopes, func(s access.Scope) bool { return s.Value == value && s.Retired() }) ||
		slices.ContainsFunc(m.Roles, func(r access.Role) bool { return r.Value == value && r.Retired() })
}

// idleGrant says why it changes nothing that a client holds a scope or role.
func (c *comparison) idleGrant(client access.Client, noun, value string) string {
	switch {
	case retired(c.after.Model, value):
		return "the " + noun + " is retired: no new token carries it"
	case len(routesOf(c.after.Model, value)) == 0 && len(routesOf(c.before.Model, value)) == 0:
		return "no route asks for the " + noun
	case client.Kind.IsDelegated() && c.after.Model.Assignment.IsRequired() && len(assigned(c.after.Model)) == 0:
		return "no user is assigned"
	default:
		return "the client may call the same routes by what else it holds, or may not call them for another reason"
	}
}

// redirects compares where sign-in returns to.
func (c *comparison) redirects(before, after access.Client, setting string) {
	f := Finding{Setting: setting + ".redirectUris", Resource: c.resources.client(after.Name)}
	for _, uri := range after.RedirectURIs {
		if slices.Contains(before.RedirectURIs, uri) {
			continue
		}
		f.Rule, f.Subject = "redirect-uri-added", after.Name+" "+uri
		f.Cause = fmt.Sprintf("redirect URI added to client %q", after.Name)
		f.Words = fmt.Sprintf("Sign-in of %s may return to %s: whoever is there gets the tokens of users who sign in.", after.Name, uri)
		f.Tokens = c.tokens.none() + " Whoever is at the address gets new ones."
		f.Unseen = "the matrix says what a client may call, not where its tokens go"
		c.find(f)
	}
	for _, uri := range before.RedirectURIs {
		if slices.Contains(after.RedirectURIs, uri) {
			continue
		}
		f.Rule, f.Subject = "redirect-uri-removed", after.Name+" "+uri
		f.Cause = fmt.Sprintf("redirect URI removed from client %q", after.Name)
		f.Words = fmt.Sprintf("Sign-in of %s no longer returns to %s: programs that name it get AADSTS50011.", after.Name, uri)
		f.Tokens = c.tokens.none() + " New sign-ins there fail at once."
		f.Unseen = "the matrix says what a client may call, not where its tokens go"
		c.find(f)
	}
}
