package components

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/functions"
	"github.com/entragate/entragate/issuer"
)

// protectedAPIType is in every URN: changing it replaces everything below.
const protectedAPIType = "entragate:index:ProtectedApi"

// ProtectedApi is an HTTP API that only those may call whom its arguments name:
// the API and its clients in Entra, and the gateway that trusts the tenant's
// tokens for it.
type ProtectedApi struct {
	pulumi.ResourceState

	// URL is where the API answers, without a slash at the end.
	URL pulumi.StringOutput `pulumi:"url"`
	// APIID is the HTTP API's id in API Gateway.
	APIID pulumi.StringOutput `pulumi:"apiId"`
	// ClientID is the API's client id, and the audience of its tokens.
	ClientID pulumi.StringOutput `pulumi:"clientId"`
	// Issuer is what the tokens name as iss.
	Issuer pulumi.StringOutput `pulumi:"issuer"`
	// ScopeURIs maps each active scope to what a client asks for, such as
	// "api://<client id>/Orders.Read".
	ScopeURIs pulumi.StringMapOutput `pulumi:"scopeUris"`
	// ClientIDs maps the name of each client to its client id.
	ClientIDs pulumi.StringMapOutput `pulumi:"clientIds"`
	// LogGroupName is the CloudWatch log group of the access log.
	LogGroupName pulumi.StringOutput `pulumi:"logGroupName"`
	// AuthorizerLogGroupName is the log group of the Lambda authorizer, which says
	// why it refuses; empty where no route has roles.
	AuthorizerLogGroupName pulumi.StringOutput `pulumi:"authorizerLogGroupName"`
	// AlarmTopicARN is the SNS topic that alarms go to.
	AlarmTopicARN pulumi.StringOutput `pulumi:"alarmTopicArn"`
	// DashboardURL opens the dashboard in the console.
	DashboardURL pulumi.StringOutput `pulumi:"dashboardUrl"`
	// Credentials say how each confidential client, and the rotator of their
	// secrets, proves itself: kind, clientId, and secretArn where there is a secret.
	Credentials pulumi.StringMapMapOutput `pulumi:"credentials"`
	// Access is who can call what: route key, caller, words.
	Access pulumi.StringMapMapOutput `pulumi:"access"`
	// Administrator lists the commands that an administrator must run; empty
	// unless grants are external.
	Administrator pulumi.StringArrayOutput `pulumi:"administrator"`

	tenantID string
	grants   Grants
	declared pulumi.Output
}

// ProtectedApiArgs configures a [ProtectedApi].
type ProtectedApiArgs struct {
	// Tenant is where callers sign in.
	Tenant issuer.Tenant `pulumi:"tenant"`
	// DisplayName is shown in Entra. It is unique in the tenant, so stacks that
	// share one say which they are. Default: the component's name.
	DisplayName string `pulumi:"displayName,optional"`
	// Deployer is the object id of the user or service principal that deploys:
	// an owner of every application, or it could not change them again.
	Deployer string `pulumi:"deployer"`
	// Owners are object ids of further owners.
	Owners []string `pulumi:"owners,optional"`

	// Scopes are the delegated permissions that the API exposes.
	Scopes []access.Scope `pulumi:"scopes,optional"`
	// Roles are the app roles for daemons.
	Roles []access.Role `pulumi:"roles,optional"`
	// Clients are the applications that call the API.
	Clients []access.Client `pulumi:"clients,optional"`
	// Backends are where allowed requests go.
	Backends []access.Backend `pulumi:"backends"`
	// Functions are deployed with the API, for backends to refer to.
	Functions []BackendFunction `pulumi:"functions,optional"`
	// FunctionARNs are those of further Lambda functions, such as what the program
	// creates itself, by the names that backends refer to them by.
	FunctionARNs pulumi.StringMap `pulumi:"functionArns,optional"`
	// Routes say who may call what.
	Routes []access.Route `pulumi:"routes"`
	// Assignment says which users and groups get a token at all. Default:
	// assignment is required, and nobody is assigned.
	Assignment access.Assignment `pulumi:"assignment,optional"`

	// Grants says who consents and assigns. Default: managed.
	Grants Grants `pulumi:"grants,optional"`
	// CORS lets browsers of other origins call. Default: none may.
	CORS *CORS `pulumi:"cors,optional"`
	// Throttle limits each route that has no throttle of its own. Default: 500
	// requests a second, 1000 at once.
	Throttle *access.Throttle `pulumi:"throttle,optional"`
	// AccessLog says how the access log is kept. There always is one.
	AccessLog AccessLogSettings `pulumi:"accessLog,optional"`
	// Alarms say who is told when something is wrong, and when. There always are
	// alarms.
	Alarms Alarms `pulumi:"alarms,optional"`
	// Authorizer configures the Lambda authorizer of routes with roles.
	Authorizer RoleAuthorizer `pulumi:"authorizer,optional"`
	// Credentials configures how clients prove themselves, and how their secrets
	// are rotated.
	Credentials Credentials `pulumi:"credentials,optional"`
	// Architecture is what functions run on. Default: arm64.
	Architecture functions.Architecture `pulumi:"architecture,optional"`
	// Protect refuses the removal of a scope or role that is not retired, and the
	// deletion of the whole: `pulumi destroy`, also with --skip-preview, and the
	// component's removal from the program. To destroy it all the same, set it
	// to false and run `pulumi up` first.
	//
	// It keeps nothing else as it is: clients, routes, grants and settings follow
	// the program, a replacement is not refused, and neither are changes made
	// elsewhere, `pulumi state unprotect`, and operations with --target.
	// Default: false.
	Protect bool `pulumi:"protect,optional"`
	// AllowLocalhost permits localhost in redirect URIs and CORS origins, for
	// development. Default: false.
	AllowLocalhost bool `pulumi:"allowLocalhost,optional"`
	// Tags are put on everything, beside [TagProject] and [TagStack].
	Tags map[string]string `pulumi:"tags,optional"`
	// HTTPClient reads the tenant's discovery document. Default:
	// [http.DefaultClient].
	HTTPClient *http.Client
}

// Export exports what callers of the API, and `entragate verify`, need: url,
// apiId, tenantId, issuer, audience, clients, scopes, access, credentials,
// logGroup, authorizerLogGroup, alarmTopic and dashboard, and administrator where
// grants are external; and, for `entragate review`, declared: its Deployment. A program of several such APIs exports what it wants by
// itself.
func (p *ProtectedApi) Export(ctx *pulumi.Context) {
	ctx.Export("url", p.URL)
	ctx.Export("apiId", p.APIID)
	ctx.Export("tenantId", pulumi.String(p.tenantID))
	ctx.Export("issuer", p.Issuer)
	ctx.Export("audience", p.ClientID)
	ctx.Export("clients", p.ClientIDs)
	ctx.Export("scopes", p.ScopeURIs)
	ctx.Export("access", p.Access)
	ctx.Export("declared", p.declared)
	ctx.Export("logGroup", p.LogGroupName)
	ctx.Export("authorizerLogGroup", p.AuthorizerLogGroupName)
	ctx.Export("alarmTopic", p.AlarmTopicARN)
	ctx.Export("dashboard", p.DashboardURL)
	ctx.Export("credentials", p.Credentials)
	if p.grants == GrantsExternal {
		ctx.Export("administrator", p.Administrator)
	}
}

// Model is the access model of what the arguments make: what they declare and,
// where CORS is configured, public OPTIONS routes for preflight requests to
// protected $default and ANY routes.
func (args *ProtectedApiArgs) Model() access.Model {
	m := args.declared()
	m.Routes = allRoutes(args.CORS, args.Routes)
	return m
}

// declared is the access model as it was written, which is what can be wrong.
func (args *ProtectedApiArgs) declared() access.Model {
	return access.Model{
		Scopes: args.Scopes, Roles: args.Roles, Clients: args.Clients,
		Backends: args.Backends, Routes: args.Routes, Assignment: args.Assignment,
		Functions: args.functionNames(), DecisionCacheSeconds: args.Authorizer.CacheSeconds,
	}
}

// NewProtectedApi puts Entra in front of an HTTP API. Before it registers
// anything it validates all arguments, reporting every problem at once, and
// reads the tenant's discovery document, as API Gateway will.
func NewProtectedApi(ctx *pulumi.Context, name string, args *ProtectedApiArgs, opts ...pulumi.ResourceOption,
) (*ProtectedApi, error) {
	if err := args.Validate(name); err != nil {
		return nil, fmt.Errorf("protected api %q: %w", name, err)
	}
	args = args.withDefaultName(name)
	args.Clients, _ = withCertificates(args.Clients) // validated
	report, err := args.Tenant.Check(ctx.Context(), args.HTTPClient)
	if err != nil {
		return nil, fmt.Errorf("protected api %q: %w", name, err)
	}
	protected := &ProtectedApi{tenantID: args.Tenant.ID, grants: args.Grants}
	if protected.declared, err = declared(args.Deployment()); err != nil {
		return nil, fmt.Errorf("protected api %q: %w", name, err)
	}
	inputs := pulumi.Map{
		"displayName": pulumi.String(args.DisplayName),
		"issuer":      pulumi.String(report.Issuer),
	}
	if err := ctx.RegisterComponentResourceV2(protectedAPIType, name, inputs, protected, opts...); err != nil {
		return nil, err
	}
	if err := args.warn(ctx, protected, report.Warnings); err != nil {
		return nil, err
	}
	child := pulumi.Parent(protected)
	tags := withStackTags(ctx, args.Tags)

	api, err := NewApiApplication(ctx, name, args.apiApplication(tags), child)
	if err != nil {
		return nil, err
	}
	last := api.last
	administrator := pulumi.StringArrayArray{api.Administrator}
	watch, err := args.newWatch(ctx, name, tags, child)
	if err != nil {
		return nil, err
	}
	secrets, err := newStoredSecrets(ctx, name, args, watch, tags, child)
	if err != nil {
		return nil, err
	}
	if secrets != nil {
		administrator = append(administrator, secrets.rotator.Administrator)
	}
	clientIDs, credentials := pulumi.StringMap{}, pulumi.StringMapMap{}
	for _, c := range args.Clients {
		client, err := NewClientApplication(ctx, name+"-"+c.Name, args.clientApplication(c, api, secrets, tags), child)
		if err != nil {
			return nil, err
		}
		last = append(last, client.last...)
		clientIDs[c.Name] = client.ClientID
		administrator = append(administrator, client.Administrator)
		switch kind := c.CredentialKind(args.Credentials.OutboundIssuer); kind {
		case "":
		case access.CredentialSecret:
			stored, err := secrets.store(ctx, name+"-"+c.Name, c, client, api)
			if err != nil {
				return nil, err
			}
			last = append(last, stored.last...)
			credentials[c.Name] = pulumi.StringMap{
				"kind": pulumi.String(kind), "clientId": client.ClientID, "secretArn": stored.SecretARN,
			}
		default:
			credentials[c.Name] = pulumi.StringMap{"kind": pulumi.String(kind), "clientId": client.ClientID}
		}
	}
	secrets.declare(credentials)
	checked, err := secrets.check(ctx)
	if err != nil {
		return nil, err
	}
	last = append(last, checked...)
	functionARNs, err := args.newBackendFunctions(ctx, name, watch.keys.logs, tags, child)
	if err != nil {
		return nil, err
	}
	gateway, err := NewGateway(ctx, name, &GatewayArgs{
		Issuer:           report.Issuer,
		Audience:         api.ClientID,
		TenantID:         args.Tenant.ID,
		Backends:         args.Backends,
		FunctionARNs:     functionARNs,
		Routes:           args.Routes,
		Authorizer:       args.Authorizer,
		Architecture:     args.Architecture,
		CORS:             args.CORS,
		Throttle:         args.Throttle,
		LogRetentionDays: args.AccessLog.retention(),
		LogKeyARN:        watch.keys.logs,
		AllowLocalhost:   args.AllowLocalhost,
		Tags:             tags,
	}, child)
	if err != nil {
		return nil, err
	}
	monitor, err := NewMonitor(ctx, name, args.monitor(gateway, watch, secrets, tags), child)
	if err != nil {
		return nil, err
	}
	if err := guard(ctx, name, args.Protect, slices.Concat(last, gateway.last, monitor.last), child); err != nil {
		return nil, err
	}

	protected.URL, protected.APIID, protected.LogGroupName = gateway.URL, gateway.APIID, gateway.LogGroupName
	protected.AuthorizerLogGroupName, protected.DashboardURL = gateway.AuthorizerLogGroupName, monitor.DashboardURL
	protected.AlarmTopicARN = watch.topic.ToStringOutput()
	protected.ClientID, protected.ScopeURIs = api.ClientID, api.ScopeURIs
	protected.Issuer = pulumi.String(report.Issuer).ToStringOutput()
	protected.ClientIDs = clientIDs.ToStringMapOutput()
	protected.Credentials = credentials.ToStringMapMapOutput()
	protected.Access = words(args.Model().Matrix()).ToStringMapMapOutput()
	protected.Administrator = flatten(administrator)
	return protected, ctx.RegisterResourceOutputs(protected, pulumi.Map{
		"url":                    protected.URL,
		"apiId":                  protected.APIID,
		"clientId":               protected.ClientID,
		"issuer":                 protected.Issuer,
		"scopeUris":              protected.ScopeURIs,
		"clientIds":              protected.ClientIDs,
		"logGroupName":           protected.LogGroupName,
		"authorizerLogGroupName": protected.AuthorizerLogGroupName,
		"alarmTopicArn":          protected.AlarmTopicARN,
		"dashboardUrl":           protected.DashboardURL,
		"credentials":            protected.Credentials,
		"access":                 protected.Access,
		"administrator":          protected.Administrator,
	})
}

// Validate returns nil, or [access.Problems] with everything that is wrong with
// the arguments of a component of that name. It needs no network.
func (args *ProtectedApiArgs) Validate(name string) error {
	args = args.withDefaultName(name)
	var p problems
	p.tenant(args.Tenant)
	p.displayName("displayName", args.DisplayName)
	p.objectID("deployer", args.Deployer)
	if len(args.Owners) > 0 {
		p.owners(args.Owners)
	}
	p.model(args.declared(), access.ValidateOptions{AllowLocalhost: args.AllowLocalhost, OutboundIssuer: args.Credentials.OutboundIssuer},
		"scopes", "roles", "clients", "backends", "routes", "assignment", "decisionCacheSeconds")
	p.functions(name, args)
	p.credentials(args.Credentials, args.Architecture)
	p.certificates(args.Clients, time.Now())
	p.clientDisplayNames(args)
	p.rotation(name, args)
	p.grants(args.Grants)
	p.accessLog(args.AccessLog)
	p.alarms(args.Alarms, args.AllowLocalhost)
	p.gateway(&GatewayArgs{
		Routes: args.Routes, CORS: args.CORS, Throttle: args.Throttle,
		Authorizer: args.Authorizer, Architecture: args.Architecture, AllowLocalhost: args.AllowLocalhost,
	})
	p.tagsBesideOurs(args.Tags, args.ourTags()...)
	return p.err()
}

// warn logs what is doubtful but not wrong.
func (args *ProtectedApiArgs) warn(ctx *pulumi.Context, protected *ProtectedApi, also []string) error {
	warnings := append(slices.Clone(also), certificateWarnings(args.Clients, time.Now())...)
	for _, w := range args.Model().Warnings() {
		warnings = append(warnings, w.Error())
	}
	for _, w := range warnings {
		if err := ctx.Log.Warn(w, &pulumi.LogArgs{Resource: protected}); err != nil {
			return err
		}
	}
	return nil
}

// withDefaultName returns the arguments with a display name, the component's
// unless they have one.
func (args *ProtectedApiArgs) withDefaultName(name string) *ProtectedApiArgs {
	named := *args
	named.DisplayName = orDefault(args.DisplayName, name)
	return &named
}

// clientDisplayName is what Entra shows of a client: by default, the API's name
// and the client's.
func (args *ProtectedApiArgs) clientDisplayName(c access.Client) string {
	return orDefault(c.DisplayName, args.DisplayName+" "+c.Name)
}

func (args *ProtectedApiArgs) owners() []string {
	owners := append([]string{args.Deployer}, args.Owners...)
	slices.Sort(owners)
	return slices.Compact(owners)
}

func (args *ProtectedApiArgs) apiApplication(tags map[string]string) *ApiApplicationArgs {
	return &ApiApplicationArgs{
		DisplayName: args.DisplayName,
		Scopes:      args.Scopes,
		Roles:       args.Roles,
		Assignment:  args.Assignment,
		Owners:      args.owners(),
		Grants:      args.Grants,
		GraphURL:    args.Tenant.GraphURL(),
		Protect:     args.Protect,
		Tags:        tags,
	}
}

func (args *ProtectedApiArgs) clientApplication(c access.Client, api *ApiApplication, secrets *storedSecrets, tags map[string]string,
) *ClientApplicationArgs {
	c.DisplayName = args.clientDisplayName(c)
	return &ClientApplicationArgs{
		API:            api,
		Client:         c,
		Rotator:        secrets.rotatorOf(),
		OutboundIssuer: args.Credentials.OutboundIssuer,
		Owners:         args.owners(),
		Grants:         args.Grants,
		GraphURL:       args.Tenant.GraphURL(),
		AllowLocalhost: args.AllowLocalhost,
		Tags:           tags,
	}
}

// tenant adds the problems of a tenant, with the names that the settings have.
func (p *problems) tenant(t issuer.Tenant) {
	err := t.Validate()
	if err == nil {
		return
	}
	settings := map[string]string{
		"tenant id": "tenantId", "cloud": "cloud", "login host": "loginHost", "graph host": "graphHost",
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		what, message, _ := strings.Cut(line, ": ")
		p.add(orDefault(settings[what], what), message, "", "")
	}
}

// words are the access matrix as a stack exports it.
func words(m access.Matrix) pulumi.StringMapMap {
	result := pulumi.StringMapMap{}
	for route, callers := range m.Words() {
		result[route] = pulumi.ToStringMap(callers)
	}
	return result
}

func flatten(lists pulumi.StringArrayArray) pulumi.StringArrayOutput {
	return lists.ToStringArrayArrayOutput().ApplyT(func(lists [][]string) []string {
		return slices.Concat(lists...)
	}).(pulumi.StringArrayOutput)
}
