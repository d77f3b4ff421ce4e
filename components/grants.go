package components

import (
	"strings"

	"github.com/pulumi/pulumi-azuread/sdk/v5/go/azuread"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Grants says who consents, and who assigns users, groups and daemons. Both need
// directory permissions that reach far beyond the applications made here:
// DelegatedPermissionGrant.ReadWrite.All and AppRoleAssignment.ReadWrite.All.
// https://learn.microsoft.com/graph/permissions-reference
type Grants string

// The values of [Grants].
const (
	// GrantsManaged makes grants and assignments in the program. The default.
	GrantsManaged Grants = "managed"
	// GrantsExternal makes none: the Administrator output lists the commands
	// that an administrator must run instead, all of them whenever anything
	// changes. Microsoft Graph refuses what exists already, which does no harm;
	// but a grant whose scopes changed has to be deleted first.
	//
	// Nothing is withdrawn, either: who is no longer in the program keeps what
	// was granted until an administrator takes it away, so the access matrix
	// tells what is meant, and is true once that is done.
	GrantsExternal Grants = "external"
)

// graphAppID is Microsoft Graph's application id, the same in every tenant.
// https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
const graphAppID = "00000003-0000-0000-c000-000000000000"

// defaultGraphURL is Microsoft Graph in the public cloud.
const defaultGraphURL = "https://graph.microsoft.com"

// signInScopes are the delegated permissions of Microsoft Graph without which
// users meet a consent prompt, or a wall, when they first sign in.
// https://learn.microsoft.com/entra/identity-platform/scopes-oidc
var signInScopes = []struct{ value, id string }{
	{"offline_access", "7427e0e9-2fba-42fe-b0c0-848c9e6a8182"},
	{"openid", "37f7f235-527c-4136-accd-4a02d197296e"},
	{"profile", "14dad69e-099b-42c9-810b-d002981feec1"},
}

// permission is what Entra calls a grant or an assignment: the program makes
// it, or an administrator does.
type permission interface {
	make(ctx *pulumi.Context, opts ...pulumi.ResourceOption) (pulumi.Resource, error)
	command(graphURL string) pulumi.StringOutput
}

// settle makes the permissions, or returns the commands that an administrator
// must run where grants are external.
func settle(ctx *pulumi.Context, grants Grants, graphURL string, permissions []permission,
	opts ...pulumi.ResourceOption,
) (made []pulumi.Resource, administrator pulumi.StringArrayOutput, err error) {
	commands := pulumi.StringArray{}
	for _, p := range permissions {
		if grants == GrantsExternal {
			commands = append(commands, p.command(orDefault(graphURL, defaultGraphURL)))
			continue
		}
		resource, err := p.make(ctx, opts...)
		if err != nil {
			return nil, administrator, err
		}
		made = append(made, resource)
	}
	return made, commands.ToStringArrayOutput(), nil
}

// delegatedGrant consents to scopes of a resource, for every user of a client.
type delegatedGrant struct {
	name             string
	client, resource pulumi.StringOutput // object ids of service principals
	scopes           []string            // sorted
}

func (d delegatedGrant) make(ctx *pulumi.Context, opts ...pulumi.ResourceOption) (pulumi.Resource, error) {
	return azuread.NewServicePrincipalDelegatedPermissionGrant(ctx, d.name,
		&azuread.ServicePrincipalDelegatedPermissionGrantArgs{
			ServicePrincipalObjectId:         d.client,
			ResourceServicePrincipalObjectId: d.resource,
			ClaimValues:                      pulumi.ToStringArray(d.scopes),
		}, opts...)
}

// https://learn.microsoft.com/graph/api/oauth2permissiongrant-post
func (d delegatedGrant) command(graphURL string) pulumi.StringOutput {
	return pulumi.Sprintf(`az rest --method POST --url '%s/v1.0/oauth2PermissionGrants' `+
		`--headers Content-Type=application/json `+
		`--body '{"clientId":"%s","consentType":"AllPrincipals","resourceId":"%s","scope":"%s"}'`,
		graphURL, d.client, d.resource, strings.Join(d.scopes, " "))
}

// roleAssignment assigns an app role of a resource to a user, a group or a
// service principal.
type roleAssignment struct {
	name                      string
	principal, resource, role pulumi.StringInput // object ids, and the role's id
}

func (r roleAssignment) make(ctx *pulumi.Context, opts ...pulumi.ResourceOption) (pulumi.Resource, error) {
	return azuread.NewAppRoleAssignment(ctx, r.name, &azuread.AppRoleAssignmentArgs{
		PrincipalObjectId: r.principal,
		ResourceObjectId:  r.resource,
		AppRoleId:         r.role,
	}, opts...)
}

// https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignedto
func (r roleAssignment) command(graphURL string) pulumi.StringOutput {
	return pulumi.Sprintf(`az rest --method POST --url '%s/v1.0/servicePrincipals/%s/appRoleAssignedTo' `+
		`--headers Content-Type=application/json `+
		`--body '{"principalId":"%s","resourceId":"%s","appRoleId":"%s"}'`,
		graphURL, r.resource, r.principal, r.resource, r.role)
}

// ownership makes a service principal an owner of an application that is there
// already.
type ownership struct {
	name        string
	application *azuread.Application
	owner       pulumi.StringInput // the service principal's object id
}

func (o ownership) make(ctx *pulumi.Context, opts ...pulumi.ResourceOption) (pulumi.Resource, error) {
	return azuread.NewApplicationOwner(ctx, o.name, &azuread.ApplicationOwnerArgs{
		ApplicationId: o.application.ID(), OwnerObjectId: o.owner,
	}, append(opts, goesWith(o.application))...)
}

// https://learn.microsoft.com/graph/api/application-post-owners
func (o ownership) command(graphURL string) pulumi.StringOutput {
	return pulumi.Sprintf(`az rest --method POST --url '%s/v1.0/applications/%s/owners/$ref' `+
		`--headers Content-Type=application/json `+
		`--body '{"@odata.id":"%s/v1.0/directoryObjects/%s"}'`,
		graphURL, o.application.ObjectId, graphURL, o.owner)
}
