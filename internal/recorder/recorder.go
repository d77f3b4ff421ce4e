// Package recorder runs Pulumi programs in tests without an engine and records
// what they register, to be compared with golden files.
package recorder

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// GraphServicePrincipal is the object id under which programs find Microsoft
// Graph's service principal.
const GraphServicePrincipal = "99999999-0000-4000-8000-000000000003"

// Tenant and Caller are whose credentials the azuread provider has.
const (
	Tenant = "11111111-2222-4333-8444-555555555555"
	Caller = "aaaaaaaa-0000-4000-8000-000000000001"
)

// Registration is one registered resource.
type Registration struct {
	Type          string         `json:"type"`
	Name          string         `json:"name"`
	Parent        string         `json:"parent,omitempty"`
	Protect       bool           `json:"protect,omitempty"`
	IgnoreChanges []string       `json:"ignoreChanges,omitempty"`
	DependsOn     []string       `json:"dependsOn,omitempty"`
	DeletedWith   string         `json:"deletedWith,omitempty"`
	Inputs        map[string]any `json:"inputs"`
}

// Recorder records registrations. It plays the engine and every provider.
type Recorder struct {
	mu            sync.Mutex
	registrations map[string]Registration // by URN
	exports       map[string]any
}

// Run runs a program of project "entragate" and stack "test" unless options say
// otherwise, and returns what it registered with the program's error.
func Run(program pulumi.RunFunc, options ...pulumi.RunOption) (*Recorder, error) {
	r := &Recorder{registrations: map[string]Registration{}}
	all := append([]pulumi.RunOption{pulumi.WithMocks("entragate", "test", r)}, options...)
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		if err := program(ctx); err != nil {
			return err
		}
		exports := pulumi.Map{}
		maps.Copy(exports, ctx.GetCurrentExportMap())
		exports.ToMapOutput().ApplyT(func(values map[string]any) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.exports = values
			return nil
		})
		return nil
	}, all...)
	return r, err
}

// WithConfig gives the program a configuration, such as "entragate:protect".
func WithConfig(config map[string]string) pulumi.RunOption {
	return func(info *pulumi.RunInfo) { info.Config = config }
}

// WithStack names the stack.
func WithStack(stack string) pulumi.RunOption {
	return func(info *pulumi.RunInfo) { info.Stack = stack }
}

// Exports are the outputs of the stack.
func (r *Recorder) Exports() map[string]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.exports)
}

// Registrations are in the order of their URNs.
func (r *Recorder) Registrations() []Registration {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Registration
	for _, urn := range slices.Sorted(maps.Keys(r.registrations)) {
		all = append(all, r.registrations[urn])
	}
	return all
}

// Find returns the only registration of a type and name.
func (r *Recorder) Find(t *testing.T, kind, name string) Registration {
	t.Helper()
	var found []Registration
	for _, registration := range r.Registrations() {
		if registration.Type == kind && registration.Name == name {
			found = append(found, registration)
		}
	}
	require.Len(t, found, 1, "%s %s", kind, name)
	return found[0]
}

// Golden compares the registrations with testdata/<name>.json; `go test
// -update` writes it.
func (r *Recorder) Golden(t *testing.T, name string) {
	t.Helper()
	got, err := json.MarshalIndent(r.Registrations(), "", "  ")
	require.NoError(t, err)
	got = append(got, '\n')
	file := filepath.Join("testdata", name+".json")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(file, got, 0o644))
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "run the test with -update if the change is meant")
}

// NewResource implements [pulumi.MockResourceMonitor]. A second resource of one
// URN is an error, as it is to the engine.
func (r *Recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	rpc := args.RegisterRPC
	urn := urnOf(rpc.GetParent(), args.TypeToken, args.Name)
	var dependsOn []string
	for _, dependency := range rpc.GetDependencies() {
		dependsOn = append(dependsOn, shortURN(dependency))
	}
	slices.Sort(dependsOn)
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, twice := r.registrations[urn]; twice {
		return "", nil, fmt.Errorf("%s is registered twice", urn)
	}
	r.registrations[urn] = Registration{
		Type: args.TypeToken, Name: args.Name, Parent: shortURN(rpc.GetParent()), Protect: rpc.GetProtect(),
		IgnoreChanges: rpc.GetIgnoreChanges(), DependsOn: slices.Compact(dependsOn),
		DeletedWith: shortURN(rpc.GetDeletedWith()), Inputs: withoutArchives(args.Inputs.Mappable()).(map[string]any),
	}
	if !args.Custom {
		return "", args.Inputs, nil
	}
	return r.created(args)
}

// created returns the id and outputs that a provider would.
func (r *Recorder) created(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	outputs := args.Inputs.Copy()
	set := func(name, value string) { outputs[resource.PropertyKey(name)] = resource.NewProperty(value) }
	id := GUID(args.TypeToken, args.Name)
	switch args.TypeToken {
	case "random:index/randomUuid:RandomUuid":
		set("result", id)
	case "azuread:index/application:Application":
		set("clientId", GUID("client", args.Name))
		set("objectId", id)
		id = "/applications/" + id
	case "azuread:index/servicePrincipal:ServicePrincipal":
		set("objectId", id)
	case "aws:apigatewayv2/api:Api":
		id = "a1b2c3d4e5"
		set("apiEndpoint", "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com")
		set("executionArn", "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5")
	case "aws:cloudwatch/logGroup:LogGroup":
		id = args.Inputs["name"].StringValue()
		set("arn", "arn:aws:logs:eu-west-1:123456789012:log-group:"+id)
	case "aws:iam/role:Role":
		id = args.Name + "-1234567"
		set("name", id)
		set("arn", "arn:aws:iam::123456789012:role/"+id)
	case "aws:lambda/function:Function":
		id = args.Name + "-1234567"
		arn := "arn:aws:lambda:eu-west-1:123456789012:function:" + id
		set("name", id)
		set("arn", arn)
		set("invokeArn", "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/"+arn+"/invocations")
	case "aws:secretsmanager/secret:Secret":
		id = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:" + args.Name + "-AbCdEf"
		set("arn", id)
	case "aws:kms/key:Key":
		set("arn", "arn:aws:kms:eu-west-1:123456789012:key/"+id)
	case "aws:cloudwatch/eventRule:EventRule":
		id = args.Name + "-1234567"
		set("name", id)
		set("arn", "arn:aws:events:eu-west-1:123456789012:rule/"+id)
	case "aws:sns/topic:Topic":
		id = "arn:aws:sns:eu-west-1:123456789012:" + args.Name + "-1234567"
		set("arn", id)
	case "aws:cloudwatch/metricAlarm:MetricAlarm":
		id = args.Name + "-1234567"
		set("arn", "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:"+id)
	case "aws:cloudwatch/logMetricFilter:LogMetricFilter", "aws:cloudwatch/dashboard:Dashboard",
		"aws:cloudwatch/queryDefinition:QueryDefinition",
		"aws:sns/topicPolicy:TopicPolicy", "aws:sns/topicSubscription:TopicSubscription",
		"aws:secretsmanager/secretPolicy:SecretPolicy", "aws:secretsmanager/secretRotation:SecretRotation",
		"aws:cloudwatch/eventTarget:EventTarget",
		"azuread:index/applicationCertificate:ApplicationCertificate", "azuread:index/applicationOwner:ApplicationOwner",
		"azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential",
		"aws:iam/rolePolicy:RolePolicy", "aws:lambda/permission:Permission",
		"aws:apigatewayv2/authorizer:Authorizer", "aws:apigatewayv2/integration:Integration",
		"aws:apigatewayv2/route:Route", "aws:apigatewayv2/stage:Stage",
		"azuread:index/applicationIdentifierUri:ApplicationIdentifierUri",
		"azuread:index/appRoleAssignment:AppRoleAssignment",
		"azuread:index/servicePrincipalDelegatedPermissionGrant:ServicePrincipalDelegatedPermissionGrant":
	default:
		return "", nil, fmt.Errorf("%s %q: say in the recorder which outputs it has", args.TypeToken, args.Name)
	}
	return id, outputs, nil
}

// Call implements [pulumi.MockResourceMonitor].
func (r *Recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	switch args.Token {
	case "azuread:index/getServicePrincipal:getServicePrincipal":
		return resource.PropertyMap{
			"id":       resource.NewProperty(GraphServicePrincipal),
			"objectId": resource.NewProperty(GraphServicePrincipal),
		}, nil
	case "azuread:index/getClientConfig:getClientConfig":
		return resource.PropertyMap{
			"tenantId": resource.NewProperty(Tenant),
			"objectId": resource.NewProperty(Caller),
		}, nil
	case "aws:index/getCallerIdentity:getCallerIdentity":
		return resource.PropertyMap{
			"accountId": resource.NewProperty("123456789012"), "arn": resource.NewProperty("arn:aws:iam::123456789012:user/deployer"),
			"id": resource.NewProperty("123456789012"), "userId": resource.NewProperty("AIDA"),
		}, nil
	case "aws:index/getPartition:getPartition":
		return resource.PropertyMap{
			"partition": resource.NewProperty("aws"), "id": resource.NewProperty("aws"), "dnsSuffix": resource.NewProperty("amazonaws.com"),
		}, nil
	case "aws:index/getRegion:getRegion":
		return resource.PropertyMap{
			"name": resource.NewProperty("eu-west-1"), "id": resource.NewProperty("eu-west-1"),
			"endpoint": resource.NewProperty(""), "description": resource.NewProperty(""),
		}, nil
	}
	return nil, fmt.Errorf("%s: say in the recorder what it returns", args.Token)
}

// GUID is the id that the recorder gives to what is so called.
func GUID(parts ...string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(strings.Join(parts, " "))).String()
}

// urnOf names a resource as the engine does: by the types above it, not their
// names, so that equal names below two parents of one type collide.
func urnOf(parent, kind, name string) string {
	if parent := resource.URN(parent); parent != "" && parent.QualifiedType() != resource.RootStackType {
		kind = string(parent.QualifiedType()) + "$" + kind
	}
	return kind + "::" + name
}

// shortURN is the last type and the name of a URN.
func shortURN(urn string) string {
	if urn == "" || resource.URN(urn).Type() == resource.RootStackType {
		return ""
	}
	return string(resource.URN(urn).Type()) + "::" + resource.URN(urn).Name()
}
