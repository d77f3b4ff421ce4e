package graph

import (
	"slices"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

// access says which permissions open an operation.
type access struct {
	// anyOf: one of these suffices.
	anyOf []string
	// and: one of these is needed besides, where not empty.
	and []string
	// owners: Application.ReadWrite.OwnedBy suffices for what the caller owns.
	owners bool
	// user: any user's token suffices; for /me.
	user bool
}

// The permissions are those of each operation's page in the Graph reference.
// Application.ReadWrite.OwnedBy reads everything and writes what is owned:
// https://learn.microsoft.com/graph/permissions-reference#applicationreadwriteownedby
var (
	applicationReaders = []string{
		directory.ApplicationReadAll, directory.ApplicationReadWriteAll, directory.ApplicationReadWriteOwnedBy,
		directory.DirectoryReadAll, directory.DirectoryReadWriteAll,
	}
	userReaders = []string{
		directory.UserReadAll, directory.UserReadWriteAll, directory.DirectoryReadAll, directory.DirectoryReadWriteAll,
	}
	groupReaders = []string{
		directory.GroupReadAll, directory.GroupReadWriteAll, directory.GroupMemberReadAll, directory.GroupMemberReadWriteAll,
		directory.DirectoryReadAll, directory.DirectoryReadWriteAll,
	}

	readApplications  = access{anyOf: applicationReaders}
	writeApplications = access{anyOf: []string{directory.ApplicationReadWriteAll}, owners: true}

	// Writing assignments takes a permission to read applications too:
	// https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/3476
	readAssignments  = access{anyOf: slices.Concat(applicationReaders, []string{directory.AppRoleAssignmentReadWriteAll})}
	writeAssignments = access{anyOf: []string{directory.AppRoleAssignmentReadWriteAll}, and: applicationReaders}

	readGrants = access{anyOf: []string{
		directory.DelegatedPermissionGrantReadAll, directory.DelegatedPermissionGrantWriteAll,
		directory.DirectoryReadAll, directory.DirectoryReadWriteAll,
	}}
	writeGrants = access{anyOf: []string{directory.DelegatedPermissionGrantWriteAll, directory.DirectoryReadWriteAll}}

	readUsers    = access{anyOf: userReaders}
	writeUsers   = access{anyOf: []string{directory.UserReadWriteAll, directory.DirectoryReadWriteAll}}
	readGroups   = access{anyOf: groupReaders}
	writeGroups  = access{anyOf: []string{directory.GroupReadWriteAll, directory.DirectoryReadWriteAll}}
	writeMembers = access{anyOf: []string{
		directory.GroupMemberReadWriteAll, directory.GroupReadWriteAll, directory.DirectoryReadWriteAll,
	}}

	readOrganization = access{anyOf: []string{
		directory.OrganizationReadAll, directory.DirectoryReadAll, directory.DirectoryReadWriteAll,
	}}
	readDomains = access{anyOf: []string{
		directory.DomainReadAll, directory.DirectoryReadAll, directory.DirectoryReadWriteAll,
	}}

	// Any directory object: what each may be read with is asked once it is found.
	readObjects = access{anyOf: slices.Concat(applicationReaders, userReaders, groupReaders)}
	readMe      = access{user: true}
)

// holds tells whether the caller has one of these permissions.
func (c *call) holds(permissions []string) bool {
	return slices.ContainsFunc(permissions, func(p string) bool { return slices.Contains(c.caller.Roles, p) })
}

// authorize refuses a caller without the permissions of an operation.
func (c *call) authorize(a access) error {
	switch {
	case a.user:
		if len(c.caller.Scopes) == 0 {
			return &Error{Status: 400, Code: "BadRequest", Message: "/me request is only valid with delegated authentication flow."}
		}
		return nil
	case c.holds(a.anyOf):
	case a.owners && c.holds([]string{directory.ApplicationReadWriteOwnedBy}):
		c.owned = true
	default:
		return forbidden()
	}
	if len(a.and) > 0 && !c.holds(a.and) {
		return forbidden()
	}
	return nil
}

// manages refuses a caller that may write only what it owns and does not own this.
func (c *call) manages(ownerIDs []string) error {
	if c.owned && !slices.Contains(ownerIDs, c.caller.ObjectID) {
		return forbidden()
	}
	return nil
}
