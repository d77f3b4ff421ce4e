package graph

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

const (
	grantResource = "OAuth2PermissionGrant"
	// maxGrantScope is the longest scope string of a grant.
	// https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant
	maxGrantScope = 3850
)

var grants = entity{
	kind:       "oAuth2PermissionGrant",
	set:        "oauth2PermissionGrants",
	filterable: []string{"id", "clientId", "consentType", "principalId", "resourceId", "scope"},
	sample:     func(*call) map[string]any { return renderGrant(&directory.Grant{}) },
}

func renderGrant(g *directory.Grant) map[string]any {
	return toMap(g)
}

// grantRequest is the body of a new grant. The times are required by beta and
// ignored by it.
type grantRequest struct {
	ID          *string `json:"id"`
	ClientID    string  `json:"clientId"`
	ConsentType string  `json:"consentType"`
	PrincipalID *string `json:"principalId"`
	ResourceID  string  `json:"resourceId"`
	Scope       string  `json:"scope"`
	StartTime   *string `json:"startTime"`
	ExpiryTime  *string `json:"expiryTime"`
}

func (c *call) listGrants() (answer, error) {
	return c.listGrantsWhere(func(*directory.Grant) bool { return true })
}

// listGrantsOf are those of the client that the path names.
func (c *call) listGrantsOf() (answer, error) {
	p, err := c.principal()
	if err != nil {
		return answer{}, err
	}
	return c.listGrantsWhere(func(g *directory.Grant) bool { return g.ClientID == p.ID })
}

func (c *call) listGrantsWhere(match func(*directory.Grant) bool) (answer, error) {
	var objects []map[string]any
	for _, g := range c.state.Grants {
		if match(g) {
			objects = append(objects, renderGrant(g))
		}
	}
	return c.collection(grants, objects)
}

func (c *call) grant() (*directory.Grant, error) {
	g := c.state.Grants[c.params["id"]]
	if g == nil {
		return nil, notFound(c.params["id"])
	}
	return g, nil
}

func (c *call) getGrant() (answer, error) {
	g, err := c.grant()
	if err != nil {
		return answer{}, err
	}
	return c.entityAnswer(grants, renderGrant(g))
}

// createGrant consents to scopes for everyone or for one user. There is one
// grant for a client, a resource and everyone or that user. The scopes are not
// compared with those of the resource (a guess): sign-in leaves out what the
// resource does not have.
// https://learn.microsoft.com/graph/api/oauth2permissiongrant-post
func (c *call) createGrant() (answer, error) {
	r, err := decodeBody[grantRequest](c, grantResource)
	if err != nil {
		return answer{}, err
	}
	g := &directory.Grant{
		ClientID:    strings.ToLower(r.ClientID),
		ConsentType: r.ConsentType,
		PrincipalID: r.PrincipalID,
		ResourceID:  strings.ToLower(r.ResourceID),
		Scope:       r.Scope,
	}
	for name, id := range map[string]string{"clientId": g.ClientID, "resourceId": g.ResourceID} {
		if id == "" {
			return answer{}, requiredProperty(name, grantResource)
		}
	}
	for _, id := range []string{g.ClientID, g.ResourceID} {
		if p := c.state.ServicePrincipals[id]; p == nil || !c.visible(p.CreatedDateTime) {
			return answer{}, badRequest("Resource '%s' does not exist or one of its queried reference-property objects are not present.", id)
		}
	}
	if err := c.checkConsent(g); err != nil {
		return answer{}, err
	}
	for _, other := range c.state.Grants {
		if other.ClientID == g.ClientID && other.ResourceID == g.ResourceID && samePrincipal(other, g) {
			return answer{}, conflict("Permission entry already exists.")
		}
	}
	sum := sha256.Sum256([]byte(newID()))
	g.ID = base64.RawURLEncoding.EncodeToString(sum[:])
	if c.state.Grants == nil {
		c.state.Grants = map[string]*directory.Grant{}
	}
	c.state.Grants[g.ID] = g
	return c.created(grants, renderGrant(g)), nil
}

// checkConsent: everyone and no user, or one user of the tenant.
func (c *call) checkConsent(g *directory.Grant) error {
	switch g.ConsentType {
	case "AllPrincipals":
		if g.PrincipalID != nil && *g.PrincipalID != "" {
			return invalidProperty("principalId", grantResource)
		}
		g.PrincipalID = nil
	case "Principal":
		if g.PrincipalID == nil {
			return requiredProperty("principalId", grantResource)
		}
		id := strings.ToLower(*g.PrincipalID)
		if u := c.state.Users[id]; u == nil || !c.visible(u.CreatedDateTime) {
			return badRequest("Resource '%s' does not exist or one of its queried reference-property objects are not present.", id)
		}
		g.PrincipalID = &id
	default:
		return invalidProperty("consentType", grantResource)
	}
	return checkGrantScope(g.Scope)
}

func checkGrantScope(scope string) error {
	if len(scope) > maxGrantScope {
		return invalidProperty("scope", grantResource)
	}
	return nil
}

func samePrincipal(a, b *directory.Grant) bool {
	if a.PrincipalID == nil || b.PrincipalID == nil {
		return a.PrincipalID == b.PrincipalID
	}
	return *a.PrincipalID == *b.PrincipalID
}

var grantMembers = members{
	"scope": typed, "id": fixed, "clientId": fixed, "consentType": fixed, "principalId": fixed, "resourceId": fixed,
}

// updateGrant replaces the scopes; nothing else of a grant may change.
// https://learn.microsoft.com/graph/api/oauth2permissiongrant-update
func (c *call) updateGrant() (answer, error) {
	old, err := c.grant()
	if err != nil {
		return answer{}, err
	}
	g, err := changed(old, grantResource, grantMembers, c.body)
	if err != nil {
		return answer{}, err
	}
	if err := checkGrantScope(g.Scope); err != nil {
		return answer{}, err
	}
	c.state.Grants[g.ID] = g
	return noContent, nil
}

func (c *call) deleteGrant() (answer, error) {
	g, err := c.grant()
	if err != nil {
		return answer{}, err
	}
	delete(c.state.Grants, g.ID)
	return noContent, nil
}
