package graph

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

const applicationResource = "Application"

// application finds the application that the path names, by object id or by
// (appId='...').
func (c *call) application() (*directory.Application, error) {
	param := c.params["id"]
	a := c.state.Applications[strings.ToLower(param)]
	if appID, ok := alternateKey(param, "appId"); ok {
		param = appID
		a = c.state.ApplicationByAppID(appID)
	}
	if a == nil || !c.visible(a.CreatedDateTime) {
		return nil, notFound(param)
	}
	return a, nil
}

// managedApplication is [call.application] for a caller that is to change it.
func (c *call) managedApplication() (*directory.Application, error) {
	a, err := c.application()
	if err != nil {
		return nil, err
	}
	return a, c.manages(a.OwnerIDs)
}

func (c *call) listApplications() (answer, error) {
	objects := make([]map[string]any, 0, len(c.state.Applications))
	for _, a := range c.state.Applications {
		if c.visible(a.CreatedDateTime) {
			objects = append(objects, c.renderApplication(a))
		}
	}
	return c.collection(applications, objects)
}

func (c *call) getApplication() (answer, error) {
	a, err := c.application()
	if err != nil {
		return answer{}, err
	}
	return c.entityAnswer(applications, c.renderApplication(a))
}

// createApplication registers an application. A caller that holds only
// Application.ReadWrite.OwnedBy becomes an owner of it.
// https://learn.microsoft.com/graph/api/application-post-applications
func (c *call) createApplication() (answer, error) {
	blank := &directory.Application{SignInAudience: "AzureADMyOrg"}
	blank.FillCollections()
	c.enableByDefault()
	a, err := changed(blank, applicationResource, applicationMembers, c.body)
	if err != nil {
		return answer{}, err
	}
	if _, ok := c.body["signInAudience"]; !ok || a.SignInAudience == "" {
		a.SignInAudience = blank.SignInAudience
	}
	a.ID, a.AppID = newID(), newID()
	a.CreatedDateTime = c.now
	a.PublisherDomain = c.state.Tenant.InitialDomain
	if a.OwnerIDs, err = c.boundOwners(); err != nil {
		return answer{}, err
	}
	if c.owned && !slices.Contains(a.OwnerIDs, c.caller.ObjectID) {
		a.OwnerIDs = append(a.OwnerIDs, c.caller.ObjectID)
	}
	secrets, err := c.newPasswords(a)
	if err != nil {
		return answer{}, err
	}
	if a.KeyCredentials, err = c.replacedKeys(nil); err != nil {
		return answer{}, err
	}
	normalize(a)
	if err := c.checkApplication(a, blank); err != nil {
		return answer{}, err
	}
	c.state.Applications[a.ID] = a
	object := c.renderApplication(a)
	if len(secrets) > 0 {
		object["passwordCredentials"] = secrets
	}
	return c.created(applications, object), nil
}

// updateApplication replaces the members that the body names, collections whole.
// https://learn.microsoft.com/graph/api/application-update
func (c *call) updateApplication() (answer, error) {
	old, err := c.managedApplication()
	if err != nil {
		return answer{}, err
	}
	if _, ok := c.body["owners@odata.bind"]; ok {
		return answer{}, badRequest("Owners are changed through the owners reference, not by an update.")
	}
	c.enableByDefault()
	a, err := changed(old, applicationResource, applicationMembers, c.body)
	if err != nil {
		return answer{}, err
	}
	if a.PasswordCredentials, err = c.keptPasswords(old); err != nil {
		return answer{}, err
	}
	if a.KeyCredentials, err = c.replacedKeys(old); err != nil {
		return answer{}, err
	}
	normalize(a)
	if err := c.checkApplication(a, old); err != nil {
		return answer{}, err
	}
	c.state.Applications[a.ID] = a
	if p := c.state.ServicePrincipalByAppID(a.AppID); p != nil {
		p.DisplayName = a.DisplayName
	}
	return noContent, nil
}

// deleteApplication moves it to the deleted items, and its service principal
// with it; what was granted to or assigned on that is gone.
// https://learn.microsoft.com/graph/api/application-delete
func (c *call) deleteApplication() (answer, error) {
	a, err := c.managedApplication()
	if err != nil {
		return answer{}, err
	}
	if p := c.state.ServicePrincipalByAppID(a.AppID); p != nil {
		c.softDeletePrincipal(p)
	}
	now := c.now
	a.DeletedDateTime = &now
	delete(c.state.Applications, a.ID)
	if c.state.Deleted == nil {
		c.state.Deleted = map[string]*directory.Application{}
	}
	c.state.Deleted[a.ID] = a
	return noContent, nil
}

// enableByDefault sets isEnabled on the scopes and roles of a body that do not
// say it: true is its default.
// https://learn.microsoft.com/graph/api/resources/approle
func (c *call) enableByDefault() {
	enable := func(list any) {
		entries, _ := list.([]any)
		for _, entry := range entries {
			if object, ok := entry.(map[string]any); ok && object["isEnabled"] == nil {
				object["isEnabled"] = true
			}
		}
	}
	for _, name := range []string{"appRoles", "api"} {
		value, err := decodeValue(c.body[name])
		if err != nil {
			continue // absent, or refused where it is applied
		}
		enable(value)
		if api, ok := value.(map[string]any); ok {
			enable(api["oauth2PermissionScopes"])
		}
		if raw, err := json.Marshal(value); err == nil {
			c.body[name] = raw
		}
	}
}

// normalize gives an application the form in which Graph keeps it.
func normalize(a *directory.Application) {
	a.FillCollections()
	for i := range a.AppRoles {
		role := &a.AppRoles[i]
		role.Origin = ""
		if role.Value != nil && *role.Value == "" {
			role.Value = nil
		}
		if role.AllowedMemberTypes == nil {
			role.AllowedMemberTypes = []string{}
		}
	}
	for i := range a.RequiredResourceAccess {
		if a.RequiredResourceAccess[i].ResourceAccess == nil {
			a.RequiredResourceAccess[i].ResourceAccess = []directory.ResourceAccess{}
		}
	}
	if claims := a.OptionalClaims; claims != nil {
		lists := []*[]directory.OptionalClaim{&claims.AccessToken, &claims.IDToken, &claims.SAML2Token}
		empty := true
		for _, list := range lists {
			empty = empty && len(*list) == 0
			if *list == nil {
				*list = []directory.OptionalClaim{}
			}
			for i := range *list {
				if (*list)[i].AdditionalProperties == nil {
					(*list)[i].AdditionalProperties = []string{}
				}
			}
		}
		if empty {
			a.OptionalClaims = nil
		}
	}
}

// bodyMember decodes one member of the body; ok is false where it is absent.
func bodyMember[T any](c *call, name, resource string) (value T, ok bool, err error) {
	raw, ok := c.body[name]
	if !ok {
		return value, false, nil
	}
	if json.Unmarshal(raw, &value) != nil {
		return value, true, invalidProperty(name, resource)
	}
	return value, true, nil
}
