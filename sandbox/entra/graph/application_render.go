package graph

import (
	"maps"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

// applicationMembers are the properties of an application.
// https://learn.microsoft.com/graph/api/resources/application
var applicationMembers = withStored(members{
	"displayName": typed, "description": typed, "signInAudience": typed, "identifierUris": typed, "appRoles": typed,
	"requiredResourceAccess": typed, "optionalClaims": typed, "isFallbackPublicClient": typed, "notes": typed,
	"groupMembershipClaims": typed, "serviceManagementReference": typed, "tags": typed,
	"api": merged, "web": merged, "spa": merged, "publicClient": merged,
	"id": fixed, "appId": fixed, "createdDateTime": fixed, "deletedDateTime": fixed, "publisherDomain": fixed,
	"disabledByMicrosoftStatus": fixed, "createdByAppId": fixed, "certification": fixed, "verifiedPublisher": fixed,
	"passwordCredentials": special, "keyCredentials": special, "owners@odata.bind": special,
}, applicationDefaults)

// applicationDefaults are the properties that Graph stores and sign-in does
// not use, with what they answer until they are set.
var applicationDefaults = map[string]any{
	"addIns":                            []any{},
	"applicationTemplateId":             nil,
	"authenticationBehaviors":           nil,
	"defaultRedirectUri":                nil,
	"isAuthorizationServiceEnabled":     false,
	"isDeviceOnlyAuthSupported":         nil,
	"isManagementRestricted":            nil,
	"nativeAuthenticationApisEnabled":   nil,
	"oauth2RequirePostResponse":         false, // its name in beta
	"oauth2RequiredPostResponse":        false, // its name in v1.0
	"onPremisesPublishing":              nil,
	"requestSignatureVerification":      nil,
	"samlMetadataUrl":                   nil,
	"servicePrincipalLockConfiguration": nil,
	"tokenEncryptionKeyId":              nil,
	"uniqueName":                        nil,
	"info": map[string]any{
		"logoUrl": nil, "marketingUrl": nil, "privacyStatementUrl": nil, "supportUrl": nil, "termsOfServiceUrl": nil,
	},
	"parentalControlSettings": map[string]any{"countriesBlockedForMinors": []any{}, "legalAgeGroupRule": "Allow"},
}

// applicationNulls are answered as null where they are not set.
var applicationNulls = []string{
	"description", "deletedDateTime", "optionalClaims", "isFallbackPublicClient", "groupMembershipClaims", "notes",
	"serviceManagementReference", "disabledByMicrosoftStatus", "publisherDomain", "certification",
}

var applications = entity{
	kind: "application",
	set:  "applications",
	filterable: []string{
		"id", "appId", "displayName", "tags", "identifierUris", "uniqueName", "publisherDomain", "signInAudience",
		"applicationTemplateId", "disabledByMicrosoftStatus", "description", "keyCredentials", "passwordCredentials",
		"appRoles", "requiredResourceAccess", "serviceManagementReference", "isFallbackPublicClient",
	},
	sample: func(c *call) map[string]any { return c.renderApplication(&directory.Application{}) },
}

// withStored adds the stored properties to a resource type's members.
func withStored(m members, defaults map[string]any) members {
	for name := range defaults {
		m[name] = stored
	}
	return m
}

// renderApplication is an application as Graph answers it.
func (c *call) renderApplication(a *directory.Application) map[string]any {
	m := toMap(a)
	for _, internal := range []string{"ownerIds", "extra", "federatedIdentityCredentials"} {
		delete(m, internal)
	}
	fillAbsent(m, applicationNulls)
	renderExtra(m, a.Extra, applicationDefaults)
	m["verifiedPublisher"] = map[string]any{"displayName": nil, "verifiedPublisherId": nil, "addedDateTime": nil}
	m["passwordCredentials"] = c.renderPasswords(a.PasswordCredentials)
	m["keyCredentials"] = c.renderKeys(a.KeyCredentials)
	if api, ok := m["api"].(map[string]any); ok {
		api["oauth2PermissionScopes"] = renderScopes(a.API.OAuth2PermissionScopes)
	}
	m["appRoles"] = renderRoles(a.AppRoles)
	return m
}

func fillAbsent(m map[string]any, names []string) {
	for _, name := range names {
		if _, ok := m[name]; !ok {
			m[name] = nil
		}
	}
}

// renderExtra puts stored properties, or their defaults, among the others.
func renderExtra(m, extra, defaults map[string]any) {
	for name, value := range defaults {
		given, ok := extra[name]
		if object, isObject := value.(map[string]any); isObject {
			object = maps.Clone(object)
			if members, isGiven := given.(map[string]any); isGiven {
				maps.Copy(object, members)
			}
			value = object
		} else if ok {
			value = given
		}
		m[name] = value
	}
}

// renderScopes answers null for texts that are empty. Graph documents them as
// nullable; that "" reads back as null is an inference from how clients of it
// compare them.
func renderScopes(scopes []directory.PermissionScope) []any {
	out := make([]any, 0, len(scopes))
	for _, s := range scopes {
		m := toMap(s)
		for _, text := range []string{
			"adminConsentDescription", "adminConsentDisplayName", "userConsentDescription", "userConsentDisplayName",
		} {
			if m[text] == "" {
				m[text] = nil
			}
		}
		out = append(out, m)
	}
	return out
}

func renderRoles(roles []directory.AppRole) []any {
	out := make([]any, 0, len(roles))
	for _, r := range roles {
		m := toMap(r)
		m["origin"] = "Application"
		out = append(out, m)
	}
	return out
}
