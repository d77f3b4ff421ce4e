package graph

import (
	"slices"
	"strings"
	"time"
)

// maxIDs is how many objects one getByIds may ask for.
const maxIDs = 1000

var directoryObjects = entity{
	kind:       "directoryObject",
	set:        "directoryObjects",
	filterable: []string{"id"},
	sample:     sampleObject,
}

// sampleObject has the properties of every kind of directory object, since a
// collection of directory objects may hold any.
func sampleObject(c *call) map[string]any {
	all := map[string]any{}
	for _, e := range []entity{applications, principals, users, groups} {
		for name := range e.sample(c) {
			all[name] = nil
		}
	}
	return all
}

// typedObject names the kind of an object where several kinds may stand.
func typedObject(kind string, object map[string]any) map[string]any {
	object["@odata.type"] = "#microsoft.graph." + kind
	return object
}

// object finds any directory object that has replicated, with its kind and
// the permissions that read it; nil where there is none.
func (c *call) object(id string) (object map[string]any, kind string, readers []string) {
	id = strings.ToLower(id)
	var created time.Time
	if u := c.state.Users[id]; u != nil {
		object, kind, readers, created = renderUser(u), "user", userReaders, u.CreatedDateTime
	}
	if g := c.state.Groups[id]; g != nil {
		object, kind, readers, created = renderGroup(g), "group", groupReaders, g.CreatedDateTime
	}
	if a := c.state.Applications[id]; a != nil {
		object, kind, readers, created = c.renderApplication(a), "application", applicationReaders, a.CreatedDateTime
	}
	if p := c.state.ServicePrincipals[id]; p != nil {
		object, kind, readers, created = c.renderPrincipal(p), "servicePrincipal", applicationReaders, p.CreatedDateTime
	}
	if object == nil || !c.visible(created) {
		return nil, "", nil
	}
	return typedObject(kind, object), kind, readers
}

// objects answers a collection of directory objects. What the caller may not
// read shows its id and kind only.
// https://learn.microsoft.com/graph/permissions-overview#limited-information-returned-for-inaccessible-member-objects
func (c *call) objects(ids []string) (answer, error) {
	var found []map[string]any
	for _, id := range ids {
		object, kind, readers := c.object(id)
		if object == nil {
			continue
		}
		if !c.holds(readers) && id != c.caller.ObjectID {
			object = typedObject(kind, map[string]any{"id": id})
		}
		found = append(found, object)
	}
	return c.collection(directoryObjects, found)
}

// getObject reads any object; a caller may always read itself.
// https://learn.microsoft.com/graph/api/directoryobject-get
func (c *call) getObject() (answer, error) {
	object, _, readers := c.object(c.params["id"])
	if object == nil {
		return answer{}, notFound(c.params["id"])
	}
	if !c.holds(readers) && !strings.EqualFold(c.params["id"], c.caller.ObjectID) {
		return answer{}, forbidden()
	}
	return c.entityAnswer(directoryObjects, object)
}

// getObjectsByIDs reads several; those that do not exist are left out.
// https://learn.microsoft.com/graph/api/directoryobject-getbyids
func (c *call) getObjectsByIDs() (answer, error) {
	ids, _, err := bodyMember[[]string](c, "ids", "DirectoryObject")
	if err != nil {
		return answer{}, err
	}
	types, _, err := bodyMember[[]string](c, "types", "DirectoryObject")
	if err != nil {
		return answer{}, err
	}
	if len(ids) == 0 {
		return answer{}, requiredProperty("ids", "DirectoryObject")
	}
	if len(ids) > maxIDs {
		return answer{}, badRequest("Too many ids: at most %d.", maxIDs)
	}
	wanted := slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		_, kind, _ := c.object(id)
		return len(types) > 0 && !slices.ContainsFunc(types, func(t string) bool { return strings.EqualFold(t, kind) })
	})
	for i, id := range wanted {
		wanted[i] = strings.ToLower(id)
	}
	slices.Sort(wanted)
	return c.objects(slices.Compact(wanted))
}

var organizations = entity{
	kind: "organization", set: "organization", filterable: []string{"id"},
	sample: func(c *call) map[string]any { return c.renderOrganization() },
}

var domains = entity{
	kind: "domain", set: "domains", filterable: []string{"id"},
	sample: func(*call) map[string]any { return renderDomain("", false) },
}

func (c *call) renderOrganization() map[string]any {
	t := c.state.Tenant
	verified := []any{}
	for _, d := range c.domainNames() {
		initial := d == t.InitialDomain
		verified = append(verified, map[string]any{
			"name": d, "isDefault": initial, "isInitial": initial, "type": "Managed", "capabilities": "Email, OfficeCommunicationsOnline",
		})
	}
	return map[string]any{
		"id": t.ID, "displayName": t.DisplayName, "tenantType": "AAD", "verifiedDomains": verified,
		"countryLetterCode": nil, "createdDateTime": nil, "deletedDateTime": nil,
	}
}

func (c *call) domainNames() []string {
	return append([]string{c.state.Tenant.InitialDomain}, c.state.Tenant.VerifiedDomains...)
}

func renderDomain(name string, initial bool) map[string]any {
	return map[string]any{
		"id": name, "authenticationType": "Managed", "isAdminManaged": true, "isDefault": initial, "isInitial": initial,
		"isRoot": true, "isVerified": true, "supportedServices": []string{},
	}
}

func (c *call) listOrganization() (answer, error) {
	return c.collection(organizations, []map[string]any{c.renderOrganization()})
}

func (c *call) getOrganization() (answer, error) {
	if !strings.EqualFold(c.params["id"], c.state.Tenant.ID) {
		return answer{}, notFound(c.params["id"])
	}
	return c.entityAnswer(organizations, c.renderOrganization())
}

func (c *call) listDomains() (answer, error) {
	var objects []map[string]any
	for _, d := range c.domainNames() {
		objects = append(objects, renderDomain(d, d == c.state.Tenant.InitialDomain))
	}
	return c.collection(domains, objects)
}

func (c *call) getDomain() (answer, error) {
	for _, d := range c.domainNames() {
		if strings.EqualFold(d, c.params["id"]) {
			return c.entityAnswer(domains, renderDomain(d, d == c.state.Tenant.InitialDomain))
		}
	}
	return answer{}, notFound(c.params["id"])
}
