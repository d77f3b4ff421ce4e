package graph

import (
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

var assignments = entity{
	kind:       "appRoleAssignment",
	set:        "appRoleAssignments",
	filterable: []string{"id", "principalId", "resourceId", "appRoleId", "principalDisplayName"},
	sample:     func(*call) map[string]any { return renderAssignment(&directory.Assignment{}) },
}

func renderAssignment(a *directory.Assignment) map[string]any {
	m := toMap(a)
	m["deletedDateTime"] = nil
	return m
}

// assignmentRequest is the body of a new assignment.
type assignmentRequest struct {
	ID                   *string `json:"id"`
	AppRoleID            string  `json:"appRoleId"`
	PrincipalID          string  `json:"principalId"`
	ResourceID           string  `json:"resourceId"`
	PrincipalType        *string `json:"principalType"`
	PrincipalDisplayName *string `json:"principalDisplayName"`
	ResourceDisplayName  *string `json:"resourceDisplayName"`
}

// listAssignmentsWhere answers the assignments that match.
func (c *call) listAssignmentsWhere(match func(*directory.Assignment) bool) (answer, error) {
	var objects []map[string]any
	for _, a := range c.state.Assignments {
		if match(a) {
			objects = append(objects, renderAssignment(a))
		}
	}
	return c.collection(assignments, objects)
}

// listAssignedTo are the assignments on a resource.
func (c *call) listAssignedTo() (answer, error) {
	p, err := c.principal()
	if err != nil {
		return answer{}, err
	}
	return c.listAssignmentsWhere(func(a *directory.Assignment) bool { return a.ResourceID == p.ID })
}

// listAssignments are those that a user, group or service principal holds.
func (c *call) listAssignments() (answer, error) {
	id, err := c.holder()
	if err != nil {
		return answer{}, err
	}
	return c.listAssignmentsWhere(func(a *directory.Assignment) bool { return a.PrincipalID == id })
}

// holder is the principal that the path names.
func (c *call) holder() (string, error) {
	param := c.params["id"]
	if appID, ok := alternateKey(param, "appId"); ok {
		if p := c.state.ServicePrincipalByAppID(appID); p != nil {
			param = p.ID
		}
	}
	if u := c.state.UserByName(param); u != nil {
		param = u.ID
	}
	id := strings.ToLower(param)
	if kind, _, _ := c.assignee(id); kind == "" {
		return "", notFound(param)
	}
	return id, nil
}

// assignee is the type, display name and allowed member type of a principal
// that roles may be assigned to, or empty.
func (c *call) assignee(id string) (kind, name, memberType string) {
	if u := c.state.Users[id]; u != nil && c.visible(u.CreatedDateTime) {
		return "User", u.DisplayName, "User"
	}
	if g := c.state.Groups[id]; g != nil && c.visible(g.CreatedDateTime) {
		return "Group", g.DisplayName, "User"
	}
	if p := c.state.ServicePrincipals[id]; p != nil && c.visible(p.CreatedDateTime) {
		return "ServicePrincipal", p.DisplayName, "Application"
	}
	return "", "", ""
}

// createAssignedTo assigns a role of the resource that the path names.
// https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignedto
func (c *call) createAssignedTo() (answer, error) {
	p, err := c.principal()
	if err != nil {
		return answer{}, err
	}
	r, err := decodeBody[assignmentRequest](c, "AppRoleAssignment")
	if err != nil {
		return answer{}, err
	}
	if r.ResourceID != "" && !strings.EqualFold(r.ResourceID, p.ID) {
		return answer{}, invalidProperty("resourceId", "AppRoleAssignment")
	}
	r.ResourceID = p.ID
	return c.assign(r)
}

// createAssignment assigns a role to the principal that the path names.
// https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments
func (c *call) createAssignment() (answer, error) {
	id, err := c.holder()
	if err != nil {
		return answer{}, err
	}
	r, err := decodeBody[assignmentRequest](c, "AppRoleAssignment")
	if err != nil {
		return answer{}, err
	}
	if r.PrincipalID != "" && !strings.EqualFold(r.PrincipalID, id) {
		return answer{}, invalidProperty("principalId", "AppRoleAssignment")
	}
	r.PrincipalID = id
	return c.assign(r)
}

// assign checks that principal, resource and role exist and suit each other.
// That the default role is for resources without roles is documented; that
// Graph refuses it elsewhere, and what it says of a disabled role or a wrong
// kind of principal, are guesses.
func (c *call) assign(r *assignmentRequest) (answer, error) {
	principalID, resourceID, roleID := strings.ToLower(r.PrincipalID), strings.ToLower(r.ResourceID), strings.ToLower(r.AppRoleID)
	for name, id := range map[string]string{"principalId": principalID, "resourceId": resourceID, "appRoleId": roleID} {
		if id == "" {
			return answer{}, requiredProperty(name, "AppRoleAssignment")
		}
		if !isGUID(id) {
			return answer{}, invalidProperty(name, "AppRoleAssignment")
		}
	}
	resource := c.state.ServicePrincipals[resourceID]
	kind, name, memberType := c.assignee(principalID)
	if resource == nil || !c.visible(resource.CreatedDateTime) || kind == "" {
		return answer{}, badRequest("Not a valid reference update.")
	}
	roles := c.state.RolesOf(resource)
	if roleID != directory.DefaultAccessRoleID || len(roles) > 0 {
		i := slices.IndexFunc(roles, func(role directory.AppRole) bool {
			return strings.EqualFold(role.ID, roleID) && role.IsEnabled && slices.Contains(role.AllowedMemberTypes, memberType)
		})
		if i < 0 {
			return answer{}, badRequest("Permission being assigned was not found on application '%s'.", resource.AppID)
		}
		roleID = roles[i].ID
	}
	a := &directory.Assignment{
		ID:                   directory.AssignmentID(resourceID, principalID, roleID),
		AppRoleID:            roleID,
		CreatedDateTime:      c.now,
		PrincipalID:          principalID,
		PrincipalType:        kind,
		PrincipalDisplayName: name,
		ResourceID:           resourceID,
		ResourceDisplayName:  resource.DisplayName,
	}
	if c.state.Assignments[a.ID] != nil {
		return answer{}, badRequest("Permission being assigned already exists on the object")
	}
	if c.state.Assignments == nil {
		c.state.Assignments = map[string]*directory.Assignment{}
	}
	c.state.Assignments[a.ID] = a
	created := c.created(assignments, renderAssignment(a))
	created.location = "/servicePrincipals/" + resourceID + "/appRoleAssignedTo/" + a.ID
	return created, nil
}

// assignedTo finds an assignment below the resource that the path names.
func (c *call) assignedTo() (*directory.Assignment, error) {
	p, err := c.principal()
	if err != nil {
		return nil, err
	}
	a := c.state.Assignments[c.params["assignment"]]
	if a == nil || a.ResourceID != p.ID {
		return nil, notFound(c.params["assignment"])
	}
	return a, nil
}

func (c *call) getAssignedTo() (answer, error) {
	a, err := c.assignedTo()
	if err != nil {
		return answer{}, err
	}
	return c.entityAnswer(assignments, renderAssignment(a))
}

func (c *call) deleteAssignedTo() (answer, error) {
	a, err := c.assignedTo()
	if err != nil {
		return answer{}, err
	}
	delete(c.state.Assignments, a.ID)
	return noContent, nil
}

func (c *call) deleteAssignment() (answer, error) {
	id, err := c.holder()
	if err != nil {
		return answer{}, err
	}
	a := c.state.Assignments[c.params["assignment"]]
	if a == nil || a.PrincipalID != id {
		return answer{}, notFound(c.params["assignment"])
	}
	delete(c.state.Assignments, a.ID)
	return noContent, nil
}
