package graph

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

// Limits of an application object.
// https://learn.microsoft.com/entra/identity-platform/supported-accounts-validation
const (
	maxDisplayName   = 120
	maxValue         = 120
	maxTag           = 256
	maxResources     = 50
	maxPermissions   = 400
	maxItems         = 1000
	maxPersonalScope = 40
)

var audiences = []string{"AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount"}

// permissionValue has the characters that the value of a scope or role may have.
// https://learn.microsoft.com/graph/api/resources/permissionscope
var permissionValue = regexp.MustCompile("^[A-Za-z0-9:!#$%&'()*+,\\-./;<=>?@\\[\\]^_`{|}~]+$")

// checkApplication applies every rule that a single application must meet; old
// is what it was before, blank for a new one.
func (c *call) checkApplication(a, old *directory.Application) error {
	checks := []func(a, old *directory.Application) error{
		checkBasics, checkVersion, checkScopes, checkRoles, checkNamespace, checkEntitlements,
		checkPreAuthorized, checkRequiredAccess, checkRedirectURIs, c.checkIdentifierURIs, checkSize,
	}
	for _, check := range checks {
		if err := check(a, old); err != nil {
			return err
		}
	}
	return nil
}

func personal(a *directory.Application) bool {
	return a.SignInAudience == "AzureADandPersonalMicrosoftAccount" || a.SignInAudience == "PersonalMicrosoftAccount"
}

func checkBasics(a, _ *directory.Application) error {
	if strings.TrimSpace(a.DisplayName) == "" {
		return requiredProperty("displayName", applicationResource)
	}
	if len([]rune(a.DisplayName)) > maxDisplayName {
		return invalidProperty("displayName", applicationResource)
	}
	if !slices.Contains(audiences, a.SignInAudience) {
		return invalidProperty("signInAudience", applicationResource)
	}
	for i, tag := range a.Tags {
		if tag == "" || len(tag) > maxTag {
			return invalidProperty("tags", applicationResource)
		}
		if slices.Contains(a.Tags[:i], tag) {
			return duplicateValue("tags")
		}
	}
	if a.GroupMembershipClaims != nil {
		for claim := range strings.SplitSeq(*a.GroupMembershipClaims, ",") {
			if !slices.Contains([]string{"None", "SecurityGroup", "DirectoryRole", "ApplicationGroup", "All"}, strings.TrimSpace(claim)) {
				return invalidProperty("groupMembershipClaims", applicationResource)
			}
		}
	}
	for _, id := range a.API.KnownClientApplications {
		if !isGUID(id) {
			return invalidProperty("api.knownClientApplications", applicationResource)
		}
	}
	return nil
}

// checkVersion: null or 1 means v1 tokens, 2 means v2, and applications for
// personal accounts must have 2. The error's code is a guess.
// https://learn.microsoft.com/graph/api/resources/apiapplication
func checkVersion(a, _ *directory.Application) error {
	version := a.API.RequestedAccessTokenVersion
	valid := version == nil || *version == 1 || *version == 2
	if !valid || personal(a) && (version == nil || *version != 2) {
		return &Error{
			Status: http.StatusBadRequest, Code: "InvalidAccessTokenVersion",
			Message: "Property api.requestedAccessTokenVersion is invalid.", Target: "api.requestedAccessTokenVersion",
		}
	}
	return nil
}

func checkScopes(a, _ *directory.Application) error {
	limit := maxValue
	if personal(a) {
		limit = maxPersonalScope
	}
	for _, s := range a.API.OAuth2PermissionScopes {
		switch {
		case !isGUID(s.ID):
			return invalidProperty("api.oauth2PermissionScopes.id", applicationResource)
		case !validValue(s.Value, limit):
			return invalidProperty("api.oauth2PermissionScopes.value", applicationResource)
		case s.Type != "User" && s.Type != "Admin":
			return invalidProperty("api.oauth2PermissionScopes.type", applicationResource)
		case s.AdminConsentDescription == "":
			return requiredProperty("api.oauth2PermissionScopes.adminConsentDescription", applicationResource)
		case s.AdminConsentDisplayName == "":
			return requiredProperty("api.oauth2PermissionScopes.adminConsentDisplayName", applicationResource)
		}
	}
	return nil
}

func checkRoles(a, _ *directory.Application) error {
	for _, r := range a.AppRoles {
		switch {
		case !isGUID(r.ID) || r.ID == directory.DefaultAccessRoleID:
			return invalidProperty("appRoles.id", applicationResource)
		case r.Value != nil && !validValue(*r.Value, maxValue):
			return invalidProperty("appRoles.value", applicationResource)
		case r.DisplayName == "":
			return requiredProperty("appRoles.displayName", applicationResource)
		case r.Description == "":
			return requiredProperty("appRoles.description", applicationResource)
		case len(r.AllowedMemberTypes) == 0:
			return requiredProperty("appRoles.allowedMemberTypes", applicationResource)
		}
		for i, t := range r.AllowedMemberTypes {
			if t != "User" && t != "Application" || slices.Contains(r.AllowedMemberTypes[:i], t) {
				return invalidProperty("appRoles.allowedMemberTypes", applicationResource)
			}
		}
	}
	return nil
}

func validValue(value string, limit int) bool {
	return permissionValue.MatchString(value) && len(value) <= limit && !strings.HasPrefix(value, ".")
}

func isGUID(s string) bool {
	_, err := uuid.Parse(s)
	return err == nil && len(s) == 36
}

// checkNamespace: ids and values are unique among scopes, and among roles. One
// scope and one role may share both id and value, when the rest agrees too;
// sharing only one of them is refused.
// https://github.com/hashicorp/terraform-provider-azuread/pull/971
func checkNamespace(a, _ *directory.Application) error {
	scopes, roles := a.API.OAuth2PermissionScopes, a.AppRoles
	for i, s := range scopes {
		for _, other := range scopes[:i] {
			if strings.EqualFold(s.ID, other.ID) || s.Value == other.Value {
				return duplicateValue("api.oauth2PermissionScopes")
			}
		}
	}
	for i, r := range roles {
		for _, other := range roles[:i] {
			if strings.EqualFold(r.ID, other.ID) || r.Value != nil && other.Value != nil && *r.Value == *other.Value {
				return duplicateValue("appRoles")
			}
		}
	}
	for _, s := range scopes {
		for _, r := range roles {
			sameID := strings.EqualFold(s.ID, r.ID)
			sameValue := r.Value != nil && s.Value == *r.Value
			if sameValue && !sameID {
				return duplicateValue("appRoles")
			}
			if sameID && (!sameValue || s.IsEnabled != r.IsEnabled ||
				s.AdminConsentDescription != r.Description || s.AdminConsentDisplayName != r.DisplayName) {
				return badRequest("The following values must match for the 'oauth2Permissions' and 'appRoles' properties with identifier '%s': (description, adminConsentDescription),(displayName, adminConsentDisplayName),(isEnabled, isEnabled),(origin, origin),(value, value). Ensure that you are intending to have entries with the same identifier, and if so, are updating them together.", s.ID)
			}
		}
	}
	return nil
}

// checkEntitlements: a scope or role must have been disabled by an earlier
// request before it is removed, or its value or kind changed. That texts may
// change while it is enabled is a guess: public reports differ.
// https://learn.microsoft.com/graph/api/resources/permissionscope
func checkEntitlements(a, old *directory.Application) error {
	refusal := &Error{
		Status: http.StatusBadRequest, Code: "CannotDeleteOrUpdateEnabledEntitlement",
		Message: "Permission (scope or role) cannot be deleted or updated unless disabled first.",
	}
	for _, before := range old.API.OAuth2PermissionScopes {
		same := func(s directory.PermissionScope) bool { return strings.EqualFold(s.ID, before.ID) }
		i := slices.IndexFunc(a.API.OAuth2PermissionScopes, same)
		if !before.IsEnabled {
			continue
		}
		if i < 0 || a.API.OAuth2PermissionScopes[i].Value != before.Value || a.API.OAuth2PermissionScopes[i].Type != before.Type {
			refusal.Target = "api.oauth2PermissionScopes"
			return refusal
		}
	}
	for _, before := range old.AppRoles {
		i := slices.IndexFunc(a.AppRoles, func(r directory.AppRole) bool { return strings.EqualFold(r.ID, before.ID) })
		if !before.IsEnabled {
			continue
		}
		if i < 0 || !sameRole(a.AppRoles[i], before) {
			refusal.Target = "appRoles"
			return refusal
		}
	}
	return nil
}

// sameRole compares what may not change while a role is enabled.
func sameRole(a, b directory.AppRole) bool {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	return text(a.Value) == text(b.Value) &&
		slices.Equal(slices.Sorted(slices.Values(a.AllowedMemberTypes)), slices.Sorted(slices.Values(b.AllowedMemberTypes)))
}

// checkPreAuthorized: a pre-authorized application is named once, with scopes
// that this application has. The message is a guess.
func checkPreAuthorized(a, _ *directory.Application) error {
	const property = "api.preAuthorizedApplications"
	for i, p := range a.API.PreAuthorizedApplications {
		if !isGUID(p.AppID) {
			return invalidProperty(property+".appId", applicationResource)
		}
		same := func(o directory.PreAuthorizedApp) bool { return strings.EqualFold(o.AppID, p.AppID) }
		if slices.ContainsFunc(a.API.PreAuthorizedApplications[:i], same) {
			return duplicateValue(property)
		}
		for _, id := range p.DelegatedPermissionIDs {
			if !slices.ContainsFunc(a.API.OAuth2PermissionScopes, func(s directory.PermissionScope) bool { return strings.EqualFold(s.ID, id) }) {
				return invalidProperty(property+".delegatedPermissionIds", applicationResource)
			}
		}
	}
	return nil
}

func checkRequiredAccess(a, _ *directory.Application) error {
	const property = "requiredResourceAccess"
	total := 0
	for i, r := range a.RequiredResourceAccess {
		if !isGUID(r.ResourceAppID) {
			return invalidProperty(property+".resourceAppId", applicationResource)
		}
		same := func(o directory.RequiredAccess) bool { return strings.EqualFold(o.ResourceAppID, r.ResourceAppID) }
		if slices.ContainsFunc(a.RequiredResourceAccess[:i], same) {
			return duplicateValue(property)
		}
		for j, p := range r.ResourceAccess {
			if !isGUID(p.ID) || p.Type != "Scope" && p.Type != "Role" {
				return invalidProperty(property+".resourceAccess", applicationResource)
			}
			if slices.Contains(r.ResourceAccess[:j], p) {
				return duplicateValue(property)
			}
		}
		total += len(r.ResourceAccess)
	}
	if len(a.RequiredResourceAccess) > maxResources || total > maxPermissions {
		return tooLarge(property)
	}
	return nil
}

// checkSize is the limit on all collections together, "about 1000 items".
func checkSize(a, _ *directory.Application) error {
	items := len(a.IdentifierURIs) + len(a.API.KnownClientApplications) + len(a.API.OAuth2PermissionScopes) +
		len(a.API.PreAuthorizedApplications) + len(a.AppRoles) + len(a.Web.RedirectURIs) + len(a.SPA.RedirectURIs) +
		len(a.PublicClient.RedirectURIs) + len(a.Tags) + len(a.PasswordCredentials) + len(a.KeyCredentials)
	for _, r := range a.RequiredResourceAccess {
		items += len(r.ResourceAccess)
	}
	if items > maxItems {
		return tooLarge("")
	}
	return nil
}

// tooLarge refuses an application with too much in it. The message is a guess.
func tooLarge(target string) error {
	return &Error{
		Status: http.StatusBadRequest, Code: "Directory_ResourceSizeExceeded", Target: target,
		Message: "The size of the object has exceeded its limit. Please reduce the number of values and retry your request.",
	}
}
