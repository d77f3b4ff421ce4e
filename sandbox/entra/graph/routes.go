package graph

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// route is one operation: a method, a path below the version, and what it does.
type route struct {
	method string
	path   string
	access access
	// reads: it changes nothing.
	reads  bool
	handle func(*call) (answer, error)
}

func get(path string, a access, h func(*call) (answer, error)) route {
	return route{http.MethodGet, path, a, true, h}
}

func post(path string, a access, h func(*call) (answer, error)) route {
	return route{http.MethodPost, path, a, false, h}
}

func patch(path string, a access, h func(*call) (answer, error)) route {
	return route{http.MethodPatch, path, a, false, h}
}

func remove(path string, a access, h func(*call) (answer, error)) route {
	return route{http.MethodDelete, path, a, false, h}
}

// routes are all operations. A {parameter} matches one segment; fixed segments
// win over parameters because they come first.
var routes = []route{
	get("applications", readApplications, (*call).listApplications),
	post("applications", writeApplications, (*call).createApplication),
	get("applications/{id}", readApplications, (*call).getApplication),
	patch("applications/{id}", writeApplications, (*call).updateApplication),
	remove("applications/{id}", writeApplications, (*call).deleteApplication),
	post("applications/{id}/addPassword", writeApplications, (*call).addPassword),
	post("applications/{id}/removePassword", writeApplications, (*call).removePassword),
	get("applications/{id}/owners", readApplications, (*call).listApplicationOwners),
	post("applications/{id}/owners/$ref", writeApplications, (*call).addApplicationOwner),
	get("applications/{id}/owners/{owner}/$ref", readApplications, (*call).getApplicationOwner),
	remove("applications/{id}/owners/{owner}/$ref", writeApplications, (*call).removeApplicationOwner),
	get("applications/{id}/federatedIdentityCredentials", readApplications, (*call).listFederated),
	post("applications/{id}/federatedIdentityCredentials", writeApplications, (*call).createFederated),
	get("applications/{id}/federatedIdentityCredentials/{credential}", readApplications, (*call).getFederated),
	patch("applications/{id}/federatedIdentityCredentials/{credential}", writeApplications, (*call).updateFederated),
	remove("applications/{id}/federatedIdentityCredentials/{credential}", writeApplications, (*call).deleteFederated),

	get("servicePrincipals", readApplications, (*call).listPrincipals),
	post("servicePrincipals", writeApplications, (*call).createPrincipal),
	get("servicePrincipals/{id}", readApplications, (*call).getPrincipal),
	patch("servicePrincipals/{id}", writeApplications, (*call).updatePrincipal),
	remove("servicePrincipals/{id}", writeApplications, (*call).deletePrincipal),
	get("servicePrincipals/{id}/owners", readApplications, (*call).listPrincipalOwners),
	post("servicePrincipals/{id}/owners/$ref", writeApplications, (*call).addPrincipalOwner),
	get("servicePrincipals/{id}/owners/{owner}/$ref", readApplications, (*call).getPrincipalOwner),
	remove("servicePrincipals/{id}/owners/{owner}/$ref", writeApplications, (*call).removePrincipalOwner),
	get("servicePrincipals/{id}/appRoleAssignedTo", readAssignments, (*call).listAssignedTo),
	post("servicePrincipals/{id}/appRoleAssignedTo", writeAssignments, (*call).createAssignedTo),
	get("servicePrincipals/{id}/appRoleAssignedTo/{assignment}", readAssignments, (*call).getAssignedTo),
	remove("servicePrincipals/{id}/appRoleAssignedTo/{assignment}", writeAssignments, (*call).deleteAssignedTo),
	get("servicePrincipals/{id}/appRoleAssignments", readAssignments, (*call).listAssignments),
	post("servicePrincipals/{id}/appRoleAssignments", writeAssignments, (*call).createAssignment),
	remove("servicePrincipals/{id}/appRoleAssignments/{assignment}", writeAssignments, (*call).deleteAssignment),
	get("servicePrincipals/{id}/oauth2PermissionGrants", readGrants, (*call).listGrantsOf),

	get("oauth2PermissionGrants", readGrants, (*call).listGrants),
	post("oauth2PermissionGrants", writeGrants, (*call).createGrant),
	get("oauth2PermissionGrants/{id}", readGrants, (*call).getGrant),
	patch("oauth2PermissionGrants/{id}", writeGrants, (*call).updateGrant),
	remove("oauth2PermissionGrants/{id}", writeGrants, (*call).deleteGrant),

	get("directory/deletedItems/microsoft.graph.application", readApplications, (*call).listDeletedApplications),
	get("directory/deletedItems/microsoft.graph.servicePrincipal", readApplications, (*call).listDeletedPrincipals),
	get("directory/deletedItems/{id}", readApplications, (*call).getDeleted),
	remove("directory/deletedItems/{id}", writeApplications, (*call).purgeDeleted),
	post("directory/deletedItems/{id}/restore", writeApplications, (*call).restoreDeleted),

	get("users", readUsers, (*call).listUsers),
	post("users", writeUsers, (*call).createUser),
	get("users/{id}", readUsers, (*call).getUser),
	remove("users/{id}", writeUsers, (*call).deleteUser),
	get("users/{id}/appRoleAssignments", readAssignments, (*call).listAssignments),
	post("users/{id}/appRoleAssignments", writeAssignments, (*call).createAssignment),
	remove("users/{id}/appRoleAssignments/{assignment}", writeAssignments, (*call).deleteAssignment),
	get("groups", readGroups, (*call).listGroups),
	post("groups", writeGroups, (*call).createGroup),
	get("groups/{id}", readGroups, (*call).getGroup),
	remove("groups/{id}", writeGroups, (*call).deleteGroup),
	get("groups/{id}/members", readGroups, (*call).listMembers),
	post("groups/{id}/members/$ref", writeMembers, (*call).addMember),
	get("groups/{id}/members/{member}/$ref", readGroups, (*call).getMember),
	remove("groups/{id}/members/{member}/$ref", writeMembers, (*call).removeMember),
	get("groups/{id}/appRoleAssignments", readAssignments, (*call).listAssignments),
	post("groups/{id}/appRoleAssignments", writeAssignments, (*call).createAssignment),
	remove("groups/{id}/appRoleAssignments/{assignment}", writeAssignments, (*call).deleteAssignment),

	get("directoryObjects/{id}", readObjects, (*call).getObject),
	{http.MethodPost, "directoryObjects/getByIds", readObjects, true, (*call).getObjectsByIDs},
	get("organization", readOrganization, (*call).listOrganization),
	get("organization/{id}", readOrganization, (*call).getOrganization),
	get("domains", readDomains, (*call).listDomains),
	get("domains/{id}", readDomains, (*call).getDomain),
	get("me", readMe, (*call).getMe),
}

// match finds the operation of a request and its path parameters.
func (c *call) match() (route, error) {
	segments, err := pathSegments(c.request.URL.EscapedPath())
	if err != nil || len(segments) == 0 {
		return route{}, notImplemented("this path")
	}
	c.version = strings.ToLower(segments[0])
	if c.version != "v1.0" && c.version != "beta" {
		return route{}, badRequest("Invalid version: %s", segments[0])
	}
	for _, rt := range routes {
		if rt.method != c.request.Method {
			continue
		}
		if params, ok := matchPath(strings.Split(rt.path, "/"), segments[1:]); ok {
			c.params = params
			return rt, nil
		}
	}
	return route{}, notImplemented(c.request.Method + " /" + strings.Join(segments[1:], "/"))
}

// matchPath matches segments as Graph does, whatever the case of fixed ones.
func matchPath(pattern, segments []string) (map[string]string, bool) {
	if len(pattern) != len(segments) {
		return nil, false
	}
	params := map[string]string{}
	for i, p := range pattern {
		switch {
		case strings.HasPrefix(p, "{"):
			if segments[i] == "" || strings.HasPrefix(segments[i], "$") {
				return nil, false
			}
			params[strings.Trim(p, "{}")] = segments[i]
		case !strings.EqualFold(p, segments[i]):
			return nil, false
		}
	}
	return params, true
}

// keyed is a segment with its key in parentheses: applications(appId='...')
// or applications('...').
var keyed = regexp.MustCompile(`^(\w+)\((?:(\w+)=)?'((?:[^']|'')*)'\)$`)

// pathSegments splits a path. A key in parentheses becomes a segment of its
// own, as name=value where the key is named.
func pathSegments(escaped string) ([]string, error) {
	var segments []string
	for part := range strings.SplitSeq(strings.Trim(escaped, "/"), "/") {
		segment, err := url.PathUnescape(part)
		if err != nil {
			return nil, err
		}
		m := keyed.FindStringSubmatch(segment)
		if m == nil {
			segments = append(segments, segment)
			continue
		}
		key := strings.ReplaceAll(m[3], "''", "'")
		if m[2] != "" {
			key = m[2] + "=" + key
		}
		segments = append(segments, m[1], key)
	}
	return segments, nil
}

// alternateKey splits a parameter such as appId=... from [pathSegments].
func alternateKey(param, name string) (string, bool) {
	key, value, found := strings.Cut(param, "=")
	return value, found && strings.EqualFold(key, name)
}
