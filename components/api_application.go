package components

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-azuread/sdk/v5/go/azuread"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/access"
)

// apiApplicationType is in every URN: changing it replaces everything below.
const apiApplicationType = "entragate:index:ApiApplication"

// ApiApplication is an API's registration in Entra: v2 tokens, scopes and app
// roles with ids that never change, the identifier URI api://<client id>, the
// service principal, and who is assigned to it.
type ApiApplication struct {
	pulumi.ResourceState

	// ClientID is the audience that access tokens for the API carry.
	ClientID pulumi.StringOutput `pulumi:"clientId"`
	// ServicePrincipalID is the object id of the API's service principal.
	ServicePrincipalID pulumi.StringOutput `pulumi:"servicePrincipalId"`
	// ScopeIDs maps each scope value to its id, retired ones too.
	ScopeIDs pulumi.StringMapOutput `pulumi:"scopeIds"`
	// ScopeURIs maps each active scope value to what a client asks for, such
	// as "api://<client id>/Orders.Read".
	ScopeURIs pulumi.StringMapOutput `pulumi:"scopeUris"`
	// RoleIDs maps each role value to its id, retired ones too.
	RoleIDs pulumi.StringMapOutput `pulumi:"roleIds"`
	// Administrator lists the commands that an administrator must run; empty
	// unless grants are external.
	Administrator pulumi.StringArrayOutput `pulumi:"administrator"`

	// The same ids one by one, so that a new scope leaves the others known at
	// preview.
	scopeIDs, roleIDs pulumi.StringMap
	// retired are the values of scopes and roles that Entra does not grant.
	retired map[string]bool
	// What nothing else here depends on, for the guard.
	last []pulumi.Resource
}

// ApiApplicationArgs configures an [ApiApplication].
type ApiApplicationArgs struct {
	// DisplayName is shown in Entra, and to users who consent. It is unique in
	// the tenant: a second application of the same name is refused.
	DisplayName string `pulumi:"displayName"`
	// Scopes are the delegated permissions that the API exposes.
	Scopes []access.Scope `pulumi:"scopes,optional"`
	// Roles are the app roles for applications.
	Roles []access.Role `pulumi:"roles,optional"`
	// Assignment says who must be assigned, and who is. Default: required.
	Assignment access.Assignment `pulumi:"assignment,optional"`
	// Owners are object ids, at least one. The principal that deploys must be
	// among them: the provider drops a caller that is not listed, and one that
	// holds Application.ReadWrite.OwnedBy would lock itself out.
	Owners []string `pulumi:"owners"`
	// Grants says who assigns users and groups. Default: managed.
	Grants Grants `pulumi:"grants,optional"`
	// GraphURL is where the commands for an administrator point. Default:
	// "https://graph.microsoft.com", the public cloud.
	GraphURL string `pulumi:"graphUrl,optional"`
	// Protect refuses the removal of a scope or role that is not retired. Unlike
	// [ProtectedApiArgs.Protect] it does not keep the rest from being deleted.
	Protect bool `pulumi:"protect,optional"`
	// Tags become "key=value" tags of the application and its service principal.
	Tags map[string]string `pulumi:"tags,optional"`
}

// NewApiApplication registers an API in Entra.
func NewApiApplication(ctx *pulumi.Context, name string, args *ApiApplicationArgs,
	opts ...pulumi.ResourceOption,
) (*ApiApplication, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("api application %q: %w", name, err)
	}
	api := &ApiApplication{}
	inputs := pulumi.Map{"displayName": pulumi.String(args.DisplayName)}
	if err := ctx.RegisterComponentResourceV2(apiApplicationType, name, inputs, api, opts...); err != nil {
		return nil, err
	}
	child := pulumi.Parent(api)

	scopeIDs, err := newIDs(ctx, name+"-scope-", scopeStates(args.Scopes), args.Protect, child)
	if err != nil {
		return nil, err
	}
	roleIDs, err := newIDs(ctx, name+"-role-", roleStates(args.Roles), args.Protect, child)
	if err != nil {
		return nil, err
	}
	assigned, err := newAssignedRole(ctx, name, args.Assignment, child)
	if err != nil {
		return nil, err
	}
	application, err := newAPIRegistration(ctx, name, args, scopeIDs, roleIDs, assigned, child)
	if err != nil {
		return nil, err
	}
	uri, err := azuread.NewApplicationIdentifierUri(ctx, name, &azuread.ApplicationIdentifierUriArgs{
		ApplicationId: application.ID(),
		IdentifierUri: pulumi.Sprintf("api://%s", application.ClientId),
	}, child)
	if err != nil {
		return nil, err
	}
	principal, err := azuread.NewServicePrincipal(ctx, name, &azuread.ServicePrincipalArgs{
		ClientId:                  application.ClientId,
		AppRoleAssignmentRequired: pulumi.Bool(args.Assignment.IsRequired()),
		Owners:                    pulumi.ToStringArray(args.Owners),
		Tags:                      entraTags(args.Tags),
	}, child, goesWith(application))
	if err != nil {
		return nil, err
	}
	made, administrator, err := settle(ctx, args.Grants, args.GraphURL,
		assignments(name, args.Assignment, principal.ObjectId, assigned), child)
	if err != nil {
		return nil, err
	}

	api.last = append(made, uri, principal)
	api.Administrator = administrator
	api.ClientID = application.ClientId
	api.ServicePrincipalID = principal.ObjectId
	api.scopeIDs, api.roleIDs, api.retired = scopeIDs, roleIDs, args.retired()
	api.ScopeIDs = scopeIDs.ToStringMapOutput()
	api.RoleIDs = roleIDs.ToStringMapOutput()
	api.ScopeURIs = scopeURIs(uri.IdentifierUri, args.Scopes)
	return api, ctx.RegisterResourceOutputs(api, pulumi.Map{
		"clientId":           api.ClientID,
		"servicePrincipalId": api.ServicePrincipalID,
		"scopeIds":           api.ScopeIDs,
		"scopeUris":          api.ScopeURIs,
		"roleIds":            api.RoleIDs,
		"administrator":      api.Administrator,
	})
}

// newIDs gives each value an id that stays with it: in state, keyed by value,
// so that neither order nor texts change it. A protected stack refuses to
// delete the id of an active value; retiring the value lifts that.
func newIDs(ctx *pulumi.Context, prefix string, states map[string]access.State, protect bool,
	child pulumi.ResourceOption,
) (pulumi.StringMap, error) {
	ids := pulumi.StringMap{}
	for _, value := range slices.Sorted(maps.Keys(states)) {
		id, err := random.NewRandomUuid(ctx, prefix+value, &random.RandomUuidArgs{}, child,
			pulumi.Protect(protect && states[value] != access.StateRetired))
		if err != nil {
			return nil, err
		}
		ids[value] = id.Result
	}
	return ids, nil
}

// newAssignedRole makes the id of the app role that assigned users and groups
// get. The all-zero role will not do: Entra documents it for applications that
// declare no roles. It is nil where nobody needs it.
func newAssignedRole(ctx *pulumi.Context, name string, assignment access.Assignment,
	child pulumi.ResourceOption,
) (pulumi.StringInput, error) {
	if !assignment.IsRequired() && len(assignment.Users)+len(assignment.Groups) == 0 {
		return nil, nil
	}
	id, err := random.NewRandomUuid(ctx, name+"-assigned", &random.RandomUuidArgs{}, child)
	if err != nil {
		return nil, err
	}
	return id.Result, nil
}

// newAPIRegistration makes the application in one resource, since the
// provider's separate scope and role resources are always enabled and so
// cannot be retired.
func newAPIRegistration(ctx *pulumi.Context, name string, args *ApiApplicationArgs,
	scopeIDs, roleIDs pulumi.StringMap, assigned pulumi.StringInput, child pulumi.ResourceOption,
) (*azuread.Application, error) {
	guard, err := retireFirst(ctx, name, args.Protect)
	if err != nil {
		return nil, err
	}
	return azuread.NewApplication(ctx, name, &azuread.ApplicationArgs{
		DisplayName:           pulumi.String(args.DisplayName),
		SignInAudience:        pulumi.String("AzureADMyOrg"),
		PreventDuplicateNames: pulumi.Bool(true),
		Owners:                pulumi.ToStringArray(args.Owners),
		Tags:                  entraTags(args.Tags),
		Api: azuread.ApplicationApiArgs{
			RequestedAccessTokenVersion: pulumi.Int(2),
			Oauth2PermissionScopes:      permissionScopes(args.Scopes, scopeIDs),
		},
		AppRoles: appRoles(args.Roles, roleIDs, assigned),
		OptionalClaims: azuread.ApplicationOptionalClaimsTypeArgs{
			AccessTokens: azuread.ApplicationOptionalClaimsAccessTokenArray{
				azuread.ApplicationOptionalClaimsAccessTokenArgs{Name: pulumi.String("idtyp")},
			},
		},
	}, child, guard,
		// The URI holds the client id, which is known only afterwards: it is a
		// resource of its own, and this one must not remove it.
		pulumi.IgnoreChanges([]string{"identifierUris"}))
}

// goesWith spares deleting a service principal whose application goes too: Entra
// deletes both, and the provider would wait twenty seconds for each.
// https://learn.microsoft.com/entra/identity-platform/howto-remove-app
func goesWith(application *azuread.Application) pulumi.ResourceOption {
	return pulumi.DeletedWith(application)
}

// permissionScopes sets all four texts of every scope: the provider takes a
// missing text and an empty one for different, and would disable the scope for
// a moment to change it.
func permissionScopes(scopes []access.Scope, ids pulumi.StringMap) azuread.ApplicationApiOauth2PermissionScopeArray {
	sorted := slices.SortedFunc(slices.Values(scopes), func(a, b access.Scope) int {
		return strings.Compare(a.Value, b.Value)
	})
	var result azuread.ApplicationApiOauth2PermissionScopeArray
	for _, s := range sorted {
		description := orDefault(s.Description, s.Title)
		consent := "Admin"
		if s.Consent == access.ConsentUser {
			consent = "User"
		}
		result = append(result, azuread.ApplicationApiOauth2PermissionScopeArgs{
			Id:                      ids[s.Value],
			Value:                   pulumi.String(s.Value),
			Type:                    pulumi.String(consent),
			Enabled:                 pulumi.Bool(!s.Retired()),
			AdminConsentDisplayName: pulumi.String(s.Title),
			AdminConsentDescription: pulumi.String(description),
			UserConsentDisplayName:  pulumi.String(s.Title),
			UserConsentDescription:  pulumi.String(description),
		})
	}
	return result
}

// appRoles are the roles for applications, and one for assigned users and
// groups that has no value, so that it never shows in a token.
func appRoles(roles []access.Role, ids pulumi.StringMap, assigned pulumi.StringInput,
) azuread.ApplicationAppRoleTypeArray {
	var result azuread.ApplicationAppRoleTypeArray
	if assigned != nil {
		result = append(result, azuread.ApplicationAppRoleTypeArgs{
			Id:                 assigned,
			DisplayName:        pulumi.String("Assigned"),
			Description:        pulumi.String("May sign in to call the API. What a caller may do is decided by scopes."),
			AllowedMemberTypes: pulumi.ToStringArray([]string{"User"}),
			Enabled:            pulumi.Bool(true),
		})
	}
	sorted := slices.SortedFunc(slices.Values(roles), func(a, b access.Role) int {
		return strings.Compare(a.Value, b.Value)
	})
	for _, r := range sorted {
		result = append(result, azuread.ApplicationAppRoleTypeArgs{
			Id:                 ids[r.Value],
			Value:              pulumi.String(r.Value),
			DisplayName:        pulumi.String(r.Title),
			Description:        pulumi.String(orDefault(r.Description, r.Title)),
			AllowedMemberTypes: pulumi.ToStringArray([]string{"Application"}),
			Enabled:            pulumi.Bool(!r.Retired()),
		})
	}
	return result
}

// assignments are the app role assignments of users and groups.
func assignments(name string, assignment access.Assignment, resource pulumi.StringOutput,
	role pulumi.StringInput,
) []permission {
	var result []permission
	for _, id := range assignment.Users {
		result = append(result, roleAssignment{name + "-user-" + id, pulumi.String(id), resource, role})
	}
	for _, id := range assignment.Groups {
		result = append(result, roleAssignment{name + "-group-" + id, pulumi.String(id), resource, role})
	}
	return result
}

func scopeURIs(identifierURI pulumi.StringOutput, scopes []access.Scope) pulumi.StringMapOutput {
	uris := pulumi.StringMap{}
	for _, s := range scopes {
		if !s.Retired() {
			uris[s.Value] = pulumi.Sprintf("%s/%s", identifierURI, s.Value)
		}
	}
	return uris.ToStringMapOutput()
}

// live leaves out what is retired, and sorts: Entra grants and assigns only what
// is enabled.
func (api *ApiApplication) live(values []string) []string {
	live := slices.DeleteFunc(slices.Clone(values), func(value string) bool { return api.retired[value] })
	slices.Sort(live)
	return live
}

func (args *ApiApplicationArgs) retired() map[string]bool {
	retired := map[string]bool{}
	for _, s := range args.Scopes {
		retired[s.Value] = s.Retired()
	}
	for _, r := range args.Roles {
		retired[r.Value] = r.Retired()
	}
	return retired
}

func scopeStates(scopes []access.Scope) map[string]access.State {
	states := map[string]access.State{}
	for _, s := range scopes {
		states[s.Value] = s.State
	}
	return states
}

func roleStates(roles []access.Role) map[string]access.State {
	states := map[string]access.State{}
	for _, r := range roles {
		states[r.Value] = r.State
	}
	return states
}
