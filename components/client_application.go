package components

import (
	"fmt"

	"github.com/pulumi/pulumi-azuread/sdk/v5/go/azuread"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/access"
)

// clientApplicationType is in every URN: changing it replaces everything below.
const clientApplicationType = "entragate:index:ClientApplication"

// ClientApplication is an application that calls an API: its registration with
// the redirect URIs of its kind, its service principal, and what it is granted.
// It holds no secret.
type ClientApplication struct {
	pulumi.ResourceState

	// ClientID is what the client signs in with.
	ClientID pulumi.StringOutput `pulumi:"clientId"`
	// ServicePrincipalID is the object id of the client's service principal.
	ServicePrincipalID pulumi.StringOutput `pulumi:"servicePrincipalId"`
	// Administrator lists the commands that an administrator must run; empty
	// unless grants are external.
	Administrator pulumi.StringArrayOutput `pulumi:"administrator"`

	// What nothing else here depends on, for the guard.
	last []pulumi.Resource
}

// ClientApplicationArgs configures a [ClientApplication].
type ClientApplicationArgs struct {
	// API is the API that the client calls.
	API *ApiApplication `pulumi:"api"`
	// Client is the kind, the redirect URIs, and the scopes or roles, of which
	// retired ones are left out. Its name is not used; its display name is
	// required.
	Client access.Client `pulumi:"client"`
	// Owners are object ids, at least one: see [ApiApplicationArgs].
	Owners []string `pulumi:"owners"`
	// Rotator rotates the secret of a client that has one: it becomes an owner
	// too. Default: nothing makes or rotates a secret.
	Rotator *Rotator
	// OutboundIssuer is that of [Credentials], for clients that are roles of AWS.
	OutboundIssuer string `pulumi:"outboundIssuer,optional"`
	// Grants says who consents and assigns. Default: managed.
	Grants Grants `pulumi:"grants,optional"`
	// GraphURL is where the commands for an administrator point. Default:
	// "https://graph.microsoft.com", the public cloud.
	GraphURL string `pulumi:"graphUrl,optional"`
	// AllowLocalhost permits localhost redirect URIs of web and single-page
	// clients, for development. Default: false.
	AllowLocalhost bool `pulumi:"allowLocalhost,optional"`
	// Tags become "key=value" tags of the application and its service principal.
	Tags map[string]string `pulumi:"tags,optional"`
}

// NewClientApplication registers a client in Entra.
func NewClientApplication(ctx *pulumi.Context, name string, args *ClientApplicationArgs,
	opts ...pulumi.ResourceOption,
) (*ClientApplication, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("client application %q: %w", name, err)
	}
	read, _ := withCertificates([]access.Client{args.Client}) // validated
	args = args.with(read[0])
	client := &ClientApplication{}
	inputs := pulumi.Map{
		"displayName": pulumi.String(args.Client.DisplayName),
		"kind":        pulumi.String(args.Client.Kind),
	}
	if err := ctx.RegisterComponentResourceV2(clientApplicationType, name, inputs, client, opts...); err != nil {
		return nil, err
	}
	child := pulumi.Parent(client)

	application, err := azuread.NewApplication(ctx, name, args.registration(), child)
	if err != nil {
		return nil, err
	}
	principal, err := azuread.NewServicePrincipal(ctx, name, &azuread.ServicePrincipalArgs{
		ClientId: application.ClientId,
		Owners:   pulumi.ToStringArray(args.Owners),
		Tags:     entraTags(args.Tags),
	}, child, goesWith(application))
	if err != nil {
		return nil, err
	}
	made, administrator, err := settle(ctx, args.Grants, args.GraphURL,
		args.permissions(ctx, name, principal.ObjectId, pulumi.Parent(client)), child)
	if err != nil {
		return nil, err
	}
	credential, err := args.newCredential(ctx, name, application, child)
	if err != nil {
		return nil, err
	}
	made = append(made, credential...)

	client.last = append(made, principal)
	client.Administrator = administrator
	client.ClientID = application.ClientId
	client.ServicePrincipalID = principal.ObjectId
	return client, ctx.RegisterResourceOutputs(client, pulumi.Map{
		"clientId":           client.ClientID,
		"servicePrincipalId": client.ServicePrincipalID,
		"administrator":      client.Administrator,
	})
}

func (args *ClientApplicationArgs) with(client access.Client) *ClientApplicationArgs {
	changed := *args
	changed.Client = client
	return &changed
}

// newCredential makes what the client proves itself by; a secret is none of it.
func (args *ClientApplicationArgs) newCredential(ctx *pulumi.Context, name string, application *azuread.Application,
	child pulumi.ResourceOption,
) ([]pulumi.Resource, error) {
	var made pulumi.Resource
	var err error
	switch args.Client.CredentialKind(args.OutboundIssuer) {
	case access.CredentialCertificate:
		made, err = newCertificate(ctx, name, application, *args.Client.Credential, child)
	case access.CredentialFederated:
		issuer, subject := args.Client.Credential.Federation(args.OutboundIssuer)
		made, err = newFederation(ctx, name, application, issuer, pulumi.String(subject), child)
	case access.CredentialSecret:
		return nil, nil
	default:
		return nil, nil
	}
	return []pulumi.Resource{made}, err
}

// owners are those that are named, and the rotator of a secret.
func (args *ClientApplicationArgs) owners() pulumi.StringArray {
	owners := pulumi.ToStringArray(args.Owners)
	if args.Rotator != nil && args.Client.CredentialKind(args.OutboundIssuer) == access.CredentialSecret {
		owners = append(owners, args.Rotator.ServicePrincipalID)
	}
	return owners
}

// registration is the application with the platform of its kind.
// https://learn.microsoft.com/entra/identity-platform/reply-url
func (args *ClientApplicationArgs) registration() *azuread.ApplicationArgs {
	application := &azuread.ApplicationArgs{
		DisplayName:              pulumi.String(args.Client.DisplayName),
		SignInAudience:           pulumi.String("AzureADMyOrg"),
		PreventDuplicateNames:    pulumi.Bool(true),
		Owners:                   args.owners(),
		Tags:                     entraTags(args.Tags),
		RequiredResourceAccesses: args.requiredAccess(),
	}
	uris := pulumi.ToStringArray(args.Client.RedirectURIs)
	switch args.Client.Kind {
	case access.ClientSPA:
		application.SinglePageApplication = azuread.ApplicationSinglePageApplicationArgs{RedirectUris: uris}
	case access.ClientWeb:
		application.Web = azuread.ApplicationWebArgs{RedirectUris: uris}
	case access.ClientNative:
		application.PublicClient = azuread.ApplicationPublicClientArgs{RedirectUris: uris}
		// The device code flow has no redirect URI that would tell Entra that
		// the client is public.
		application.FallbackPublicClientEnabled = pulumi.Bool(true)
	case access.ClientDaemon:
	}
	return application
}

// requiredAccess is what the client's consent page lists: it documents the
// grants and grants nothing.
func (args *ClientApplicationArgs) requiredAccess() azuread.ApplicationRequiredResourceAccessArray {
	var permissions azuread.ApplicationRequiredResourceAccessResourceAccessArray
	add := func(id pulumi.StringInput, kind string) {
		permissions = append(permissions, azuread.ApplicationRequiredResourceAccessResourceAccessArgs{
			Id: id, Type: pulumi.String(kind),
		})
	}
	for _, value := range args.API.live(args.Client.Scopes) {
		add(args.API.scopeIDs[value], "Scope")
	}
	for _, value := range args.API.live(args.Client.Roles) {
		add(args.API.roleIDs[value], "Role")
	}
	var required azuread.ApplicationRequiredResourceAccessArray
	if len(permissions) > 0 {
		required = append(required, azuread.ApplicationRequiredResourceAccessArgs{
			ResourceAppId: args.API.ClientID, ResourceAccesses: permissions,
		})
	}
	if args.Client.Kind.IsDelegated() {
		var signIn azuread.ApplicationRequiredResourceAccessResourceAccessArray
		for _, scope := range signInScopes {
			signIn = append(signIn, azuread.ApplicationRequiredResourceAccessResourceAccessArgs{
				Id: pulumi.String(scope.id), Type: pulumi.String("Scope"),
			})
		}
		required = append(required, azuread.ApplicationRequiredResourceAccessArgs{
			ResourceAppId: pulumi.String(graphAppID), ResourceAccesses: signIn,
		})
	}
	return required
}

// permissions are grants to the users of a delegated client, or the roles of a
// daemon.
func (args *ClientApplicationArgs) permissions(ctx *pulumi.Context, name string, principal pulumi.StringOutput,
	parent pulumi.InvokeOption,
) []permission {
	var result []permission
	for _, value := range args.API.live(args.Client.Roles) {
		result = append(result, roleAssignment{
			name:      name + "-" + value,
			principal: principal,
			resource:  args.API.ServicePrincipalID,
			role:      args.API.roleIDs[value],
		})
	}
	if !args.Client.Kind.IsDelegated() {
		return result
	}
	if scopes := args.API.live(args.Client.Scopes); len(scopes) > 0 {
		result = append(result, delegatedGrant{
			name:     name + "-api",
			client:   principal,
			resource: args.API.ServicePrincipalID,
			scopes:   scopes,
		})
	}
	graph := azuread.LookupServicePrincipalOutput(ctx, azuread.LookupServicePrincipalOutputArgs{
		ClientId: pulumi.StringPtr(graphAppID),
	}, parent)
	signIn := make([]string, len(signInScopes))
	for i, scope := range signInScopes {
		signIn[i] = scope.value
	}
	return append(result, delegatedGrant{
		name: name + "-sign-in", client: principal, resource: graph.ObjectId(), scopes: signIn,
	})
}
