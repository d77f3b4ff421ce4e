package directory

// Values of the Microsoft Graph application permissions that the sandbox
// enforces.
// https://learn.microsoft.com/graph/permissions-reference
const (
	ApplicationReadAll               = "Application.Read.All"
	ApplicationReadWriteAll          = "Application.ReadWrite.All"
	ApplicationReadWriteOwnedBy      = "Application.ReadWrite.OwnedBy"
	AppRoleAssignmentReadWriteAll    = "AppRoleAssignment.ReadWrite.All"
	DelegatedPermissionGrantReadAll  = "DelegatedPermissionGrant.Read.All"
	DelegatedPermissionGrantWriteAll = "DelegatedPermissionGrant.ReadWrite.All"
	DirectoryReadAll                 = "Directory.Read.All"
	DirectoryReadWriteAll            = "Directory.ReadWrite.All"
	DomainReadAll                    = "Domain.Read.All"
	GroupReadAll                     = "Group.Read.All"
	GroupReadWriteAll                = "Group.ReadWrite.All"
	GroupMemberReadAll               = "GroupMember.Read.All"
	GroupMemberReadWriteAll          = "GroupMember.ReadWrite.All"
	OrganizationReadAll              = "Organization.Read.All"
	UserReadAll                      = "User.Read.All"
	UserReadWriteAll                 = "User.ReadWrite.All"
)

// graphPermission is one permission that Microsoft Graph itself exposes.
type graphPermission struct{ id, value, title string }

// graphScopes are delegated permissions of Microsoft Graph, with the ids they
// have in every tenant.
var graphScopes = []graphPermission{
	{"37f7f235-527c-4136-accd-4a02d197296e", "openid", "Sign users in"},
	{"14dad69e-099b-42c9-810b-d002981feec1", "profile", "View users' basic profile"},
	{"64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0", "email", "View users' email address"},
	{"7427e0e9-2fba-42fe-b0c0-848c9e6a8182", "offline_access", "Maintain access to data you have given it access to"},
	{"e1fe6dd8-ba31-4d61-89e7-88639da4683d", "User.Read", "Sign in and read user profile"},
}

// graphRoles are application permissions of Microsoft Graph, with the ids they
// have in every tenant.
var graphRoles = []graphPermission{
	{"9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30", ApplicationReadAll, "Read all applications"},
	{"1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9", ApplicationReadWriteAll, "Read and write all applications"},
	{"18a4783c-866b-4cc7-a460-3d5e5662c884", ApplicationReadWriteOwnedBy, "Manage apps that this app creates or owns"},
	{"06b708a9-e830-4db3-a914-8e69da51d44f", AppRoleAssignmentReadWriteAll, "Manage app permission grants and app role assignments"},
	{"81b4724a-58aa-41c1-8a55-84ef97466587", DelegatedPermissionGrantReadAll, "Read all delegated permission grants"},
	{"8e8e4742-1d95-4f68-9d56-6ee75648c72a", DelegatedPermissionGrantWriteAll, "Manage all delegated permission grants"},
	{"7ab1d382-f21e-4acd-a863-ba3e13f7da61", DirectoryReadAll, "Read directory data"},
	{"19dbc75e-c2e2-444c-a770-ec69d8559fc7", DirectoryReadWriteAll, "Read and write directory data"},
	{"dbb9058a-0e50-45d7-ae91-66909b5d4664", DomainReadAll, "Read domains"},
	{"5b567255-7703-4780-807c-7be8301ae99b", GroupReadAll, "Read all groups"},
	{"62a82d76-70ea-41e2-9197-370581804d09", GroupReadWriteAll, "Read and write all groups"},
	{"98830695-27a2-44f7-8c18-0c3ebc9698f6", GroupMemberReadAll, "Read all group memberships"},
	{"dbaae8cf-10b5-4b86-a4a1-f871c94c6695", GroupMemberReadWriteAll, "Read and write all group memberships"},
	{"498476ce-e0fe-48b0-b801-37ba7e2685c6", OrganizationReadAll, "Read organization information"},
	{"df021288-bdef-4463-88db-98f22de89214", UserReadAll, "Read all users' full profiles"},
	{"741f803b-c850-494e-b5df-cde7c675a1ca", UserReadWriteAll, "Read and write all users' full profiles"},
}

// deployerPermissions are the least that a program needs to register
// applications of its own, grant consent and assign roles.
var deployerPermissions = []string{
	ApplicationReadWriteOwnedBy,
	ApplicationReadAll,
	AppRoleAssignmentReadWriteAll,
	DelegatedPermissionGrantWriteAll,
	UserReadAll,
	GroupReadAll,
}
