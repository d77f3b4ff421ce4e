package graph

import (
	"net/http"
	"slices"
	"strings"
)

// reference is the object id at the end of a link such as
// https://graph.microsoft.com/v1.0/directoryObjects/{id}.
func reference(link string) string {
	id := link[strings.LastIndexByte(link, '/')+1:]
	if segments, err := pathSegments(id); err == nil && len(segments) == 2 {
		id = segments[1]
	}
	return strings.ToLower(id)
}

// boundOwners are the owners in the body of a creation.
func (c *call) boundOwners() ([]string, error) {
	return c.boundObjects("owners@odata.bind", c.mayOwn)
}

// boundObjects are the objects that a creation's body binds, which must exist
// and suit, and differ.
func (c *call) boundObjects(member string, suits func(id string) bool) ([]string, error) {
	links, _, err := bodyMember[[]string](c, member, "DirectoryObject")
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for _, link := range links {
		id := reference(link)
		if !suits(id) {
			return nil, notFound(id)
		}
		if slices.Contains(ids, id) {
			return nil, badRequest("One or more added object references already exist for the following modified properties: '%s'.", strings.TrimSuffix(member, "@odata.bind"))
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// mayOwn: users and service principals may own applications.
func (c *call) mayOwn(id string) bool {
	if u := c.state.Users[id]; u != nil {
		return c.visible(u.CreatedDateTime)
	}
	p := c.state.ServicePrincipals[id]
	return p != nil && c.visible(p.CreatedDateTime)
}

func (c *call) listApplicationOwners() (answer, error) {
	a, err := c.application()
	if err != nil {
		return answer{}, err
	}
	return c.objects(a.OwnerIDs)
}

func (c *call) getApplicationOwner() (answer, error) {
	a, err := c.application()
	if err != nil {
		return answer{}, err
	}
	return c.referenceAnswer(a.OwnerIDs, c.params["owner"])
}

func (c *call) addApplicationOwner() (answer, error) {
	a, err := c.managedApplication()
	if err != nil {
		return answer{}, err
	}
	return c.addReference(&a.OwnerIDs, "owners", c.mayOwn)
}

// removeApplicationOwner may remove the last owner too: the azuread provider
// leaves an application without owners when none are configured.
func (c *call) removeApplicationOwner() (answer, error) {
	a, err := c.managedApplication()
	if err != nil {
		return answer{}, err
	}
	return removeReference(&a.OwnerIDs, c.params["owner"], "owners")
}

func (c *call) listPrincipalOwners() (answer, error) {
	p, err := c.principal()
	if err != nil {
		return answer{}, err
	}
	return c.objects(p.OwnerIDs)
}

func (c *call) getPrincipalOwner() (answer, error) {
	p, err := c.principal()
	if err != nil {
		return answer{}, err
	}
	return c.referenceAnswer(p.OwnerIDs, c.params["owner"])
}

func (c *call) addPrincipalOwner() (answer, error) {
	p, err := c.managedPrincipal()
	if err != nil {
		return answer{}, err
	}
	return c.addReference(&p.OwnerIDs, "owners", c.mayOwn)
}

func (c *call) removePrincipalOwner() (answer, error) {
	p, err := c.managedPrincipal()
	if err != nil {
		return answer{}, err
	}
	return removeReference(&p.OwnerIDs, c.params["owner"], "owners")
}

// referenceAnswer is the link of one referenced object.
func (c *call) referenceAnswer(ids []string, id string) (answer, error) {
	id = strings.ToLower(id)
	if !slices.Contains(ids, id) {
		return answer{}, notFound(id)
	}
	return answer{status: http.StatusOK, body: map[string]any{
		"@odata.context": c.base() + "/$metadata#$ref",
		"@odata.id":      c.base() + "/directoryObjects/" + id,
	}}, nil
}

// addReference adds the object that the body links to.
func (c *call) addReference(ids *[]string, property string, suits func(id string) bool) (answer, error) {
	link, ok, err := bodyMember[string](c, "@odata.id", "DirectoryObject")
	if err != nil {
		return answer{}, err
	}
	if !ok || link == "" {
		return answer{}, requiredProperty("@odata.id", "DirectoryObject")
	}
	id := reference(link)
	if !suits(id) {
		return answer{}, notFound(id)
	}
	if slices.Contains(*ids, id) {
		return answer{}, badRequest("One or more added object references already exist for the following modified properties: '%s'.", property)
	}
	*ids = append(slices.Clone(*ids), id)
	return noContent, nil
}

func removeReference(ids *[]string, id, property string) (answer, error) {
	id = strings.ToLower(id)
	i := slices.Index(*ids, id)
	if i < 0 {
		return answer{}, badRequest("One or more removed object references do not exist for the following modified properties: '%s'.", property)
	}
	*ids = slices.Delete(slices.Clone(*ids), i, i+1)
	return noContent, nil
}
