package drift

import (
	"fmt"
	"slices"
	"strings"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/drift/deployed"
)

// withdraw is how something is taken away that Pulumi does not know of.
func (c *comparison) withdraw(path string) string {
	return "`az rest --method DELETE --url " + c.Clouds.Graph.Endpoint + "/v1.0" + path + "`, or declare it"
}

// missing is how something is made again.
func (c *comparison) missing() string {
	if c.GrantsExternal {
		return "an administrator runs what `pulumi stack output administrator` lists"
	}
	return deploy
}

// grants compares every delegated grant on the API, whoever holds it.
func (c *comparison) grants() {
	if !c.state.Knows(deployed.PartGrants) {
		return
	}
	has := map[string][]string{} // for everybody, by client
	for _, g := range c.state.Grants {
		path := "/oauth2PermissionGrants/" + g.ID
		name := c.state.ClientOf(g.ClientID)
		client, declared := c.declared(name)
		switch scopes := strings.Join(g.Scopes(), ", "); {
		case !g.ForEverybody() && !declared:
			c.add(Finding{
				Subject: "client " + c.state.NameOf(g.ClientID), What: AddedOutside, Effect: Widening,
				Got:    scopes + ", consented to by user " + g.PrincipalID,
				Access: "user " + g.PrincipalID + " gets tokens with " + scopes + " by this client, which nobody declared", Fix: c.withdraw(path),
			})
		case !g.ForEverybody():
			if extra := without(g.Scopes(), c.live(client.Scopes)); len(extra) > 0 {
				c.add(Finding{
					Subject: c.subject(name), What: AddedOutside, Effect: Widening,
					Got:    strings.Join(extra, ", ") + ", consented to by user " + g.PrincipalID,
					Want:   strings.Join(c.live(client.Scopes), ", "),
					Access: "user " + g.PrincipalID + " gets tokens with " + strings.Join(extra, ", ") + " by " + name, Fix: c.withdraw(path),
				})
			}
		case !declared:
			c.add(Finding{
				Subject: "client " + c.state.NameOf(g.ClientID), What: AddedOutside, Effect: Widening, Got: "granted " + scopes + " for all users",
				Access: "its users gain what " + scopes + " allows: the client is not declared", Fix: c.withdraw(path),
			})
		default:
			has[name] = append(has[name], g.Scopes()...)
			if extra := without(g.Scopes(), c.live(client.Scopes)); len(extra) > 0 {
				c.add(Finding{
					Subject: c.subject(name), What: AddedOutside, Effect: Widening,
					Got: "granted " + scopes, Want: strings.Join(c.live(client.Scopes), ", "),
					Access: "its users gain what " + strings.Join(extra, ", ") + " allows", Fix: c.withdraw(path),
				})
			}
		}
	}
	for _, client := range c.Model.Clients {
		if !client.Kind.IsDelegated() || !c.state.Knows(deployed.OfClient(client.Name)) {
			continue
		}
		if gone := without(c.live(client.Scopes), has[client.Name]); len(gone) > 0 {
			c.add(Finding{
				Subject: c.subject(client.Name), What: Missing, Effect: Breaking,
				Got: strings.Join(has[client.Name], ", "), Want: "granted " + strings.Join(gone, ", "),
				Access: "its users lose what " + strings.Join(gone, ", ") + " allows once their tokens end (AADSTS65001)", Fix: c.missing(),
			})
		}
	}
}

// declared finds a client of the model by its name.
func (c *comparison) declared(name string) (access.Client, bool) {
	i := slices.IndexFunc(c.Model.Clients, func(client access.Client) bool { return client.Name == name })
	if i < 0 {
		return access.Client{}, false
	}
	return c.Model.Clients[i], true
}

func (c *comparison) subject(name string) string {
	return "client " + name + " (" + c.Clients[name] + ")"
}

// live are those of the values that are not retired, which Entra grants.
func (c *comparison) live(values []string) []string {
	retired := map[string]bool{}
	for _, s := range c.Model.Scopes {
		retired[s.Value] = s.Retired()
	}
	for _, r := range c.Model.Roles {
		retired[r.Value] = r.Retired()
	}
	return slices.Sorted(slices.Values(slices.DeleteFunc(slices.Clone(values), func(v string) bool { return retired[v] })))
}

// assignments compares who is assigned to the API: people, and applications.
func (c *comparison) assignments() {
	if !c.state.Knows(deployed.PartAssignments) {
		return
	}
	people := slices.Concat(c.Model.Assignment.Users, c.Model.Assignment.Groups)
	has := map[string][]string{} // values, by principal
	for _, a := range c.state.Assignments {
		role := c.state.Role(a.RoleID)
		has[a.PrincipalID] = append(has[a.PrincipalID], role.Value)
		fix := c.withdraw("/servicePrincipals/" + c.state.API.Principal.ID + "/appRoleAssignedTo/" + a.ID)
		if a.ToApplication() {
			c.assignedApplication(a, role.Value, fix)
		} else if !slices.Contains(people, a.PrincipalID) {
			kind := strings.ToLower(a.PrincipalType)
			who := a.PrincipalName
			if kind == "group" {
				who = "every member of " + who
			}
			c.add(Finding{
				Subject: fmt.Sprintf("%s %s (%s)", kind, a.PrincipalName, a.PrincipalID), What: AddedOutside, Effect: Widening,
				Got:    "assigned to the API",
				Access: who + " gets tokens for the API by its clients, and gains what those are granted", Fix: fix,
			})
		}
	}
	for _, id := range people {
		if len(has[id]) == 0 {
			c.add(Finding{
				Subject: "user or group " + id, What: Missing, Effect: Breaking, Want: "assigned to the API",
				Access: id + " gets no token any more (AADSTS50105)", Fix: c.missing(),
			})
		}
	}
	for _, client := range c.Model.Clients {
		app := c.state.Clients[client.Name]
		if !app.HasPrincipal {
			continue
		}
		if gone := without(c.live(client.Roles), has[app.Principal.ID]); len(gone) > 0 {
			c.add(Finding{
				Subject: c.subject(client.Name), What: Missing, Effect: Breaking, Want: "assigned to role " + strings.Join(gone, ", "),
				Access: "it loses what " + strings.Join(gone, ", ") + " allows once its token ends", Fix: c.missing(),
			})
		}
	}
}

func (c *comparison) assignedApplication(a deployed.Assignment, role, fix string) {
	name := c.state.ClientOf(a.PrincipalID)
	client, declared := c.declared(name)
	if declared && slices.Contains(c.live(client.Roles), role) {
		return
	}
	f := Finding{
		Subject: fmt.Sprintf("application %s (%s)", a.PrincipalName, a.PrincipalID), What: AddedOutside, Effect: Widening,
		Got: "assigned to role " + role, Access: "it gains what " + role + " allows, by app-only tokens", Fix: fix,
	}
	if role == "" {
		f.Got, f.Access = "assigned to the API", "it gets app-only tokens for the API, with no role"
	}
	if declared {
		f.Subject, f.Want = c.subject(name), strings.Join(c.live(client.Roles), ", ")
	}
	c.add(f)
}
