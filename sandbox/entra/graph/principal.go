package graph

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

const (
	principalResource = "ServicePrincipal"
	// microsoftTenant owns Microsoft's own applications.
	microsoftTenant = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
)

// principalMembers are the properties of a service principal.
// https://learn.microsoft.com/graph/api/resources/serviceprincipal
var principalMembers = withStored(members{
	"description": typed, "accountEnabled": typed, "appRoleAssignmentRequired": typed, "tags": typed,
	"id": fixed, "appId": special, "displayName": fixed, "servicePrincipalType": special, "createdDateTime": fixed,
	"deletedDateTime": fixed, "owners@odata.bind": special,
}, principalDefaults)

// principalDefaults are the properties that Graph stores and sign-in does not
// use, with what they answer until they are set.
var principalDefaults = map[string]any{
	"addIns":                                 []any{},
	"alternativeNames":                       []any{},
	"applicationTemplateId":                  nil,
	"disabledByMicrosoftStatus":              nil,
	"errorUrl":                               nil,
	"loginUrl":                               nil,
	"notes":                                  nil,
	"notificationEmailAddresses":             []any{},
	"preferredSingleSignOnMode":              nil,
	"preferredTokenSigningKeyEndDateTime":    nil,
	"preferredTokenSigningKeyThumbprint":     nil,
	"resourceSpecificApplicationPermissions": []any{},
	"samlMetadataUrl":                        nil,
	"samlSingleSignOnSettings":               nil,
	"tokenEncryptionKeyId":                   nil,
}

var principals = entity{
	kind: "servicePrincipal",
	set:  "servicePrincipals",
	filterable: []string{
		"id", "appId", "displayName", "tags", "servicePrincipalNames", "servicePrincipalType", "accountEnabled",
		"appOwnerOrganizationId", "alternativeNames",
	},
	sample: func(c *call) map[string]any { return c.renderPrincipal(&directory.ServicePrincipal{}) },
}

// renderPrincipal is a service principal as Graph answers it. What its
// application defines is read from there.
func (c *call) renderPrincipal(p *directory.ServicePrincipal) map[string]any {
	m := toMap(p)
	for _, internal := range []string{"ownerIds", "extra", "oauth2PermissionScopes", "appRoles"} {
		delete(m, internal)
	}
	fillAbsent(m, []string{"createdDateTime", "deletedDateTime"})
	renderExtra(m, p.Extra, principalDefaults)
	maps.Copy(m, map[string]any{
		"appDescription":         nil,
		"appDisplayName":         p.DisplayName,
		"appOwnerOrganizationId": microsoftTenant,
		"homepage":               nil,
		"info":                   nil,
		"keyCredentials":         []any{},
		"logoutUrl":              nil,
		"passwordCredentials":    []any{},
		"replyUrls":              []string{},
		"servicePrincipalNames":  p.ServicePrincipalNames,
		"signInAudience":         "AzureADMultipleOrgs",
		"verifiedPublisher":      map[string]any{"displayName": nil, "verifiedPublisherId": nil, "addedDateTime": nil},
		"appRoles":               renderRoles(c.state.RolesOf(p)),
		"oauth2PermissionScopes": renderScopes(c.state.ScopesOf(p)),
	})
	if a := c.state.ApplicationByAppID(p.AppID); a != nil {
		m["displayName"] = a.DisplayName
		m["appDisplayName"] = a.DisplayName
		m["appOwnerOrganizationId"] = c.state.Tenant.ID
		m["homepage"] = a.Web.HomePageURL
		m["logoutUrl"] = a.Web.LogoutURL
		m["replyUrls"] = append(append(append([]string{}, a.Web.RedirectURIs...), a.SPA.RedirectURIs...), a.PublicClient.RedirectURIs...)
		m["servicePrincipalNames"] = append(slices.Clone(a.IdentifierURIs), a.AppID)
		m["signInAudience"] = a.SignInAudience
		if a.Description != "" {
			m["appDescription"] = a.Description
		}
	}
	return m
}

// principal finds the service principal that the path names, by object id or
// by (appId='...').
func (c *call) principal() (*directory.ServicePrincipal, error) {
	param := c.params["id"]
	p := c.state.ServicePrincipals[strings.ToLower(param)]
	if appID, ok := alternateKey(param, "appId"); ok {
		param = appID
		p = c.state.ServicePrincipalByAppID(appID)
	}
	if p == nil || !c.visible(p.CreatedDateTime) {
		return nil, notFound(param)
	}
	return p, nil
}

// managedPrincipal is [call.principal] for a caller that is to change it.
func (c *call) managedPrincipal() (*directory.ServicePrincipal, error) {
	p, err := c.principal()
	if err != nil {
		return nil, err
	}
	return p, c.manages(p.OwnerIDs)
}

func (c *call) listPrincipals() (answer, error) {
	objects := make([]map[string]any, 0, len(c.state.ServicePrincipals))
	for _, p := range c.state.ServicePrincipals {
		if c.visible(p.CreatedDateTime) {
			objects = append(objects, c.renderPrincipal(p))
		}
	}
	return c.collection(principals, objects)
}

func (c *call) getPrincipal() (answer, error) {
	p, err := c.principal()
	if err != nil {
		return answer{}, err
	}
	return c.entityAnswer(principals, c.renderPrincipal(p))
}

// createPrincipal makes the service principal of an application of this tenant.
// https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals
func (c *call) createPrincipal() (answer, error) {
	appID, ok, err := bodyMember[string](c, "appId", principalResource)
	if err != nil {
		return answer{}, err
	}
	if !ok || appID == "" {
		return answer{}, requiredProperty("appId", principalResource)
	}
	a := c.state.ApplicationByAppID(appID)
	if a == nil && c.owned {
		return answer{}, &Error{
			Status: http.StatusForbidden, Code: "Authorization_RequestDenied",
			Message: "When using this permission, the backing application of the service principal being created must in the local tenant",
		}
	}
	if a == nil || !c.visible(a.CreatedDateTime) {
		return answer{}, &Error{
			Status: http.StatusBadRequest, Code: "NoBackingApplicationObject",
			Message: "The appId '" + appID + "' of the service principal does not reference a valid application object.",
		}
	}
	if err := c.manages(a.OwnerIDs); err != nil {
		return answer{}, err
	}
	if c.state.ServicePrincipalByAppID(appID) != nil {
		return answer{}, conflict("The service principal cannot be created, updated, or restored because the service principal name " + appID + " is already in use.")
	}
	p, err := changed(&directory.ServicePrincipal{AccountEnabled: true}, principalResource, principalMembers, c.body)
	if err != nil {
		return answer{}, err
	}
	p.ID, p.AppID, p.DisplayName = newID(), a.AppID, a.DisplayName
	p.ServicePrincipalType = "Application"
	p.CreatedDateTime = c.now
	if p.OwnerIDs, err = c.boundOwners(); err != nil {
		return answer{}, err
	}
	if c.owned && !slices.Contains(p.OwnerIDs, c.caller.ObjectID) {
		p.OwnerIDs = append(p.OwnerIDs, c.caller.ObjectID)
	}
	if err := checkPrincipal(p); err != nil {
		return answer{}, err
	}
	c.state.ServicePrincipals[p.ID] = p
	return c.created(principals, c.renderPrincipal(p)), nil
}

// updatePrincipal replaces the members that the body names.
// https://learn.microsoft.com/graph/api/serviceprincipal-update
func (c *call) updatePrincipal() (answer, error) {
	old, err := c.managedPrincipal()
	if err != nil {
		return answer{}, err
	}
	p, err := changed(old, principalResource, principalMembers, c.body)
	if err != nil {
		return answer{}, err
	}
	if appID, ok, err := bodyMember[string](c, "appId", principalResource); err != nil || ok && !strings.EqualFold(appID, old.AppID) {
		return answer{}, badRequest("Property 'appId' is read-only and cannot be set.")
	}
	if err := checkPrincipal(p); err != nil {
		return answer{}, err
	}
	c.state.ServicePrincipals[p.ID] = p
	return noContent, nil
}

func checkPrincipal(p *directory.ServicePrincipal) error {
	if p.Tags == nil {
		p.Tags = []string{}
	}
	for i, tag := range p.Tags {
		if tag == "" || len(tag) > maxTag {
			return invalidProperty("tags", principalResource)
		}
		if slices.Contains(p.Tags[:i], tag) {
			return duplicateValue("tags")
		}
	}
	return nil
}

// deletePrincipal moves a service principal to the deleted items.
// https://learn.microsoft.com/graph/api/serviceprincipal-delete
func (c *call) deletePrincipal() (answer, error) {
	p, err := c.managedPrincipal()
	if err != nil {
		return answer{}, err
	}
	c.softDeletePrincipal(p)
	return noContent, nil
}

func (c *call) softDeletePrincipal(p *directory.ServicePrincipal) {
	c.forget(p.ID)
	now := c.now
	p.DeletedDateTime = &now
	delete(c.state.ServicePrincipals, p.ID)
	if c.state.DeletedServicePrincipals == nil {
		c.state.DeletedServicePrincipals = map[string]*directory.ServicePrincipal{}
	}
	c.state.DeletedServicePrincipals[p.ID] = p
}

// forget removes grants, assignments and memberships of an object that goes,
// and its ownership of others.
func (c *call) forget(id string) {
	maps.DeleteFunc(c.state.Grants, func(_ string, g *directory.Grant) bool {
		return g.ClientID == id || g.ResourceID == id || g.PrincipalID != nil && *g.PrincipalID == id
	})
	maps.DeleteFunc(c.state.Assignments, func(_ string, a *directory.Assignment) bool {
		return a.PrincipalID == id || a.ResourceID == id
	})
	without := func(ids []string) []string {
		return slices.DeleteFunc(slices.Clone(ids), func(other string) bool { return other == id })
	}
	for _, g := range c.state.Groups {
		g.MemberIDs = without(g.MemberIDs)
	}
	for _, a := range c.state.Applications {
		a.OwnerIDs = without(a.OwnerIDs)
	}
	for _, p := range c.state.ServicePrincipals {
		p.OwnerIDs = without(p.OwnerIDs)
	}
}
