package graph

import (
	"net/http"
	"strings"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

func (c *call) listDeletedApplications() (answer, error) {
	objects := make([]map[string]any, 0, len(c.state.Deleted))
	for _, a := range c.state.Deleted {
		objects = append(objects, c.renderApplication(a))
	}
	return c.collection(applications, objects)
}

func (c *call) listDeletedPrincipals() (answer, error) {
	objects := make([]map[string]any, 0, len(c.state.DeletedServicePrincipals))
	for _, p := range c.state.DeletedServicePrincipals {
		objects = append(objects, c.renderPrincipal(p))
	}
	return c.collection(principals, objects)
}

func (c *call) getDeleted() (answer, error) {
	id := strings.ToLower(c.params["id"])
	if a := c.state.Deleted[id]; a != nil {
		return c.entityAnswer(applications, typedObject("application", c.renderApplication(a)))
	}
	if p := c.state.DeletedServicePrincipals[id]; p != nil {
		return c.entityAnswer(principals, typedObject("servicePrincipal", c.renderPrincipal(p)))
	}
	return answer{}, notFound(c.params["id"])
}

// purgeDeleted deletes for good.
// https://learn.microsoft.com/graph/api/directory-deleteditems-delete
func (c *call) purgeDeleted() (answer, error) {
	id := strings.ToLower(c.params["id"])
	if a := c.state.Deleted[id]; a != nil {
		if err := c.manages(a.OwnerIDs); err != nil {
			return answer{}, err
		}
		delete(c.state.Deleted, id)
		return noContent, nil
	}
	if p := c.state.DeletedServicePrincipals[id]; p != nil {
		if err := c.manages(p.OwnerIDs); err != nil {
			return answer{}, err
		}
		delete(c.state.DeletedServicePrincipals, id)
		return noContent, nil
	}
	return answer{}, notFound(c.params["id"])
}

// restoreDeleted brings an application or a service principal back; each is
// restored by itself, and without what was granted or assigned.
// https://learn.microsoft.com/graph/api/directory-deleteditems-restore
func (c *call) restoreDeleted() (answer, error) {
	id := strings.ToLower(c.params["id"])
	if a := c.state.Deleted[id]; a != nil {
		if err := c.manages(a.OwnerIDs); err != nil {
			return answer{}, err
		}
		if err := c.checkIdentifierURIs(a, a); err != nil {
			return answer{}, err
		}
		a.DeletedDateTime = nil
		delete(c.state.Deleted, id)
		c.state.Applications[id] = a
		return answer{status: http.StatusOK, body: typedObject("application", c.renderApplication(a))}, nil
	}
	if p := c.state.DeletedServicePrincipals[id]; p != nil {
		return c.restorePrincipal(p)
	}
	return answer{}, notFound(c.params["id"])
}

func (c *call) restorePrincipal(p *directory.ServicePrincipal) (answer, error) {
	if err := c.manages(p.OwnerIDs); err != nil {
		return answer{}, err
	}
	if c.state.ApplicationByAppID(p.AppID) == nil {
		return answer{}, badRequest("The appId '%s' of the service principal does not reference a valid application object.", p.AppID)
	}
	if c.state.ServicePrincipalByAppID(p.AppID) != nil {
		return answer{}, conflict("The service principal cannot be created, updated, or restored because the service principal name " + p.AppID + " is already in use.")
	}
	p.DeletedDateTime = nil
	delete(c.state.DeletedServicePrincipals, p.ID)
	c.state.ServicePrincipals[p.ID] = p
	return answer{status: http.StatusOK, body: typedObject("servicePrincipal", c.renderPrincipal(p))}, nil
}
