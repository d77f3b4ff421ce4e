package components

import (
	"fmt"
	"strconv"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/secretsmanager"
	"github.com/pulumi/pulumi-azuread/sdk/v5/go/azuread"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/functions"
	"github.com/entragate/entragate/issuer"
)

// rotatorType is in every URN: changing it replaces everything below.
const rotatorType = "entragate:index:Rotator"

// rotatePackage is the program of the rotation function.
const rotatePackage = "github.com/entragate/entragate/functions/rotate/bootstrap"

// Rotator replaces the secrets of clients before they expire: a Lambda function
// that Secrets Manager calls, and what it is in Entra, an application that owns
// the clients whose secrets it replaces and no others.
//
// Ownership allows more than secrets: an owner may change everything about an
// application. A custom role with microsoft.directory/applications/credentials/update
// alone, assigned for each application, is narrower; it takes Entra ID P1.
// https://learn.microsoft.com/entra/identity/role-based-access-control/custom-available-permissions
type Rotator struct {
	pulumi.ResourceState

	// FunctionARN names the function, FunctionName is the last part of it.
	FunctionARN  pulumi.StringOutput `pulumi:"functionArn"`
	FunctionName pulumi.StringOutput `pulumi:"functionName"`
	// AlarmARN is the alarm on failed rotations and secrets that expire soon.
	AlarmARN pulumi.StringOutput `pulumi:"alarmArn"`
	// RoleARN and RoleName are those of the role that the function runs with.
	RoleARN  pulumi.StringOutput `pulumi:"roleArn"`
	RoleName pulumi.StringOutput `pulumi:"roleName"`
	// ServicePrincipalID is the object id under which the rotator owns clients.
	ServicePrincipalID pulumi.StringOutput `pulumi:"servicePrincipalId"`
	// ClientID is the rotator's client id in Entra.
	ClientID pulumi.StringOutput `pulumi:"clientId"`
	// SecretARN is where its own secret is kept; empty if it has none.
	SecretARN pulumi.StringOutput `pulumi:"secretArn"`
	// Administrator lists the commands that an administrator must run; empty
	// unless grants are external.
	Administrator pulumi.StringArrayOutput `pulumi:"administrator"`

	// What must be there before it can rotate.
	ready []pulumi.Resource
	// What nothing else here depends on, for the guard.
	last []pulumi.Resource
}

// RotatorArgs configures a [Rotator].
type RotatorArgs struct {
	// Tenant is where the clients are.
	Tenant issuer.Tenant `pulumi:"tenant"`
	// DisplayName is shown in Entra.
	DisplayName string `pulumi:"displayName"`
	// Owners are object ids, at least one: see [ApiApplicationArgs].
	Owners []string `pulumi:"owners"`
	// Credentials say how often, and how the rotator proves itself: by outbound
	// identity federation if its issuer is known, else by a secret of its own,
	// which it rotates with the rest.
	Credentials Credentials `pulumi:"credentials,optional"`
	// KeyARN is the customer-managed key of the secrets, if there is one.
	KeyARN pulumi.StringInput
	// Grants says who gives the rotator its permission. Default: managed.
	Grants Grants `pulumi:"grants,optional"`
	// Architecture is what the function runs on. Default: arm64.
	Architecture functions.Architecture `pulumi:"architecture,optional"`
	// AlarmTopic is the ARN of the SNS topic that is told of failed rotations and
	// of secrets that are about to expire. Default: alarms tell nobody.
	AlarmTopic pulumi.StringInput `pulumi:"alarmTopic,optional"`
	// LogRetentionDays is how long the function's log is kept unless the settings
	// of credentials say otherwise. Default: 30.
	LogRetentionDays int `pulumi:"logRetentionDays,optional"`
	// LogKeyARN is the KMS key that encrypts the function's log, whose policy lets
	// CloudWatch Logs use it. Default: AWS's own.
	LogKeyARN pulumi.StringInput `pulumi:"logKeyArn,optional"`
	// Tags are those of everything that is made.
	Tags map[string]string `pulumi:"tags,optional"`
}

// ownedBy is Microsoft Graph's permission to manage what one owns and nothing
// else: adding a secret to an application takes it or a wider one.
// https://learn.microsoft.com/graph/permissions-reference#applicationreadwriteownedby
const ownedBy = "18a4783c-866b-4cc7-a460-3d5e5662c884"

// defaultRotationSeconds leaves Entra two minutes to know of something new, twice.
const defaultRotationSeconds = 300

// NewRotator creates the rotator. It rotates what [NewStoredCredential] gives it.
func NewRotator(ctx *pulumi.Context, name string, args *RotatorArgs, opts ...pulumi.ResourceOption) (*Rotator, error) {
	if err := args.validate(name); err != nil {
		return nil, fmt.Errorf("rotator %q: %w", name, err)
	}
	rotator := &Rotator{}
	inputs := pulumi.Map{"displayName": pulumi.String(args.DisplayName)}
	if err := ctx.RegisterComponentResourceV2(rotatorType, name, inputs, rotator, opts...); err != nil {
		return nil, err
	}
	child := pulumi.Parent(rotator)

	var itsOwn []pulumi.ResourceOption
	if args.Credentials.OutboundIssuer == "" {
		// It owns itself too, since Microsoft Graph lets nobody but owners change an
		// application by Application.ReadWrite.OwnedBy, the application itself
		// included. That can be said only once it is there, and the list that it is
		// made with must not take it away again.
		itsOwn = append(itsOwn, pulumi.IgnoreChanges([]string{"owners"}))
	}
	application, err := azuread.NewApplication(ctx, name, &azuread.ApplicationArgs{
		DisplayName:           pulumi.String(args.DisplayName),
		SignInAudience:        pulumi.String("AzureADMyOrg"),
		PreventDuplicateNames: pulumi.Bool(true),
		Owners:                pulumi.ToStringArray(args.Owners),
		Tags:                  entraTags(args.Tags),
		RequiredResourceAccesses: azuread.ApplicationRequiredResourceAccessArray{
			azuread.ApplicationRequiredResourceAccessArgs{
				ResourceAppId: pulumi.String(graphAppID),
				ResourceAccesses: azuread.ApplicationRequiredResourceAccessResourceAccessArray{
					azuread.ApplicationRequiredResourceAccessResourceAccessArgs{Id: pulumi.String(ownedBy), Type: pulumi.String("Role")},
				},
			},
		},
	}, append(itsOwn, child)...)
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
	graph := azuread.LookupServicePrincipalOutput(ctx, azuread.LookupServicePrincipalOutputArgs{
		ClientId: pulumi.StringPtr(graphAppID),
	}, pulumi.Parent(rotator))
	permissions := []permission{roleAssignment{
		name: name + "-graph", principal: principal.ObjectId, resource: graph.ObjectId(), role: pulumi.String(ownedBy),
	}}
	if args.Credentials.OutboundIssuer == "" {
		permissions = append(permissions, ownership{name: name, application: application, owner: principal.ObjectId})
	}
	made, administrator, err := settle(ctx, args.Grants, args.Tenant.GraphURL(), permissions, child)
	if err != nil {
		return nil, err
	}
	own, err := args.ownSecret(ctx, name, application, child)
	if err != nil {
		return nil, err
	}
	function, err := NewFunction(ctx, name, args.function(application, own), child)
	if err != nil {
		return nil, err
	}
	rotator.FunctionARN, rotator.FunctionName = function.ARN, function.Name
	rotator.RoleARN, rotator.RoleName = function.RoleARN, function.RoleName
	rotator.ServicePrincipalID, rotator.ClientID = principal.ObjectId, application.ClientId
	rotator.Administrator = administrator
	rotator.SecretARN = pulumi.String("").ToStringOutput()
	rotator.ready = append(made, principal)
	if own == nil {
		federation, err := newFederation(ctx, name, application, args.Credentials.OutboundIssuer, function.RoleARN, child)
		if err != nil {
			return nil, err
		}
		rotator.ready = append(rotator.ready, federation)
	} else {
		stored := args.stored(application)
		stored.Rotator, stored.secret = rotator, own
		credential, err := NewStoredCredential(ctx, name, stored, child)
		if err != nil {
			return nil, err
		}
		rotator.SecretARN, rotator.last = own.Arn, credential.last
	}
	alarm, err := newRotationAlarm(ctx, name, args, function, child)
	if err != nil {
		return nil, err
	}
	rotator.AlarmARN, rotator.last = alarm.Arn, append(rotator.last, alarm)
	return rotator, ctx.RegisterResourceOutputs(rotator, pulumi.Map{
		"functionArn":        rotator.FunctionARN,
		"functionName":       rotator.FunctionName,
		"alarmArn":           rotator.AlarmARN,
		"roleArn":            rotator.RoleARN,
		"roleName":           rotator.RoleName,
		"servicePrincipalId": rotator.ServicePrincipalID,
		"clientId":           rotator.ClientID,
		"secretArn":          rotator.SecretARN,
		"administrator":      rotator.Administrator,
	})
}

// ownSecret is where the rotator keeps a secret of its own, or nil if it proves
// itself without one.
func (args *RotatorArgs) ownSecret(ctx *pulumi.Context, name string, application *azuread.Application, child pulumi.ResourceOption,
) (*secretsmanager.Secret, error) {
	if args.Credentials.OutboundIssuer != "" {
		return nil, nil
	}
	return newSecret(ctx, name, args.stored(application), child)
}

// stored is what the rotator's own secret is.
func (args *RotatorArgs) stored(application *azuread.Application) *StoredCredentialArgs {
	return &StoredCredentialArgs{
		ClientID: application.ClientId, Tenant: args.Tenant, Scope: pulumi.String(args.Tenant.GraphURL() + "/.default"),
		Credentials: args.Credentials, KeyARN: args.KeyARN, Tags: args.Tags,
	}
}

// function is the rotation function. What it may do to a secret comes with the
// secret: see [NewStoredCredential].
func (args *RotatorArgs) function(application *azuread.Application, own *secretsmanager.Secret) *FunctionArgs {
	c := args.Credentials
	settings := c.Settings
	settings.TimeoutSeconds = orDefault(settings.TimeoutSeconds, defaultRotationSeconds)
	settings.LogRetentionDays = orDefault(settings.LogRetentionDays, args.LogRetentionDays)
	program := functions.Program{Package: rotatePackage, Binary: c.Binary, Architecture: args.Architecture}
	if program.Binary != "" {
		program.Package = ""
	}
	overlap := max(1, c.rotationDays()-1) // what the rotation before replaced goes at the next
	fn := &FunctionArgs{
		Program:     program,
		Description: "Rotates the secrets of clients",
		Environment: pulumi.StringMap{
			"GRAPH_URL":         pulumi.String(args.Tenant.GraphURL()),
			"LIFETIME_DAYS":     pulumi.String(strconv.Itoa(c.lifetimeDays())),
			"INTERVAL_DAYS":     pulumi.String(strconv.Itoa(c.rotationDays())),
			"OVERLAP_DAYS":      pulumi.String(strconv.Itoa(overlap)),
			"ROTATOR_CLIENT_ID": application.ClientId,
			"ROTATOR_AUTHORITY": pulumi.String(args.Tenant.Authority()),
		},
		LogKeyARN: args.LogKeyARN,
		Settings:  settings,
		Tags:      args.Tags,
	}
	if own != nil {
		fn.Environment["ROTATOR_SECRET_ARN"] = own.Arn
	} else {
		// Tokens for Entra and for nobody else.
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound.html
		fn.Permissions = append(fn.Permissions, map[string]any{
			"Sid":      "ProveItself",
			"Effect":   "Allow",
			"Action":   "sts:GetWebIdentityToken",
			"Resource": "*",
			"Condition": map[string]any{
				"ForAllValues:StringEquals": map[string]any{"sts:IdentityTokenAudience": exchangeAudience},
				"StringEquals":              map[string]any{"sts:SigningAlgorithm": "RS256"},
			},
		})
	}
	return fn
}

// newRotationAlarm tells of rotations that fail, and of secrets that are about to
// expire or were not rotated: a check every day fails then too.
func newRotationAlarm(ctx *pulumi.Context, name string, args *RotatorArgs, function *Function, child pulumi.ResourceOrInvokeOption,
) (*cloudwatch.MetricAlarm, error) {
	var actions pulumi.Array
	if args.AlarmTopic != nil {
		actions = pulumi.Array{args.AlarmTopic}
	}
	region := aws.GetRegionOutput(ctx, aws.GetRegionOutputArgs{}, child).Name()
	description := pulumi.All(region, function.LogGroupName).ApplyT(func(v []any) string {
		return "A secret of a client could not be rotated, or one expires soon. The function's log says which and why. " +
			"`entragate credentials` shows all of them, `entragate rotate <client>` tries again.\n\n" +
			queryLink(v[0].(string), v[1].(string), linkedErrors)
	}).(pulumi.StringOutput)
	return cloudwatch.NewMetricAlarm(ctx, name, &cloudwatch.MetricAlarmArgs{
		AlarmDescription:   description,
		Namespace:          pulumi.String("AWS/Lambda"),
		MetricName:         pulumi.String("Errors"),
		Dimensions:         pulumi.StringMap{"FunctionName": function.Name},
		Statistic:          pulumi.String("Sum"),
		Period:             pulumi.Int(300),
		EvaluationPeriods:  pulumi.Int(1),
		Threshold:          pulumi.Float64(1),
		ComparisonOperator: pulumi.String("GreaterThanOrEqualToThreshold"),
		TreatMissingData:   pulumi.String("notBreaching"),
		AlarmActions:       actions,
		OkActions:          actions,
		Tags:               awsTags(args.Tags),
	}, child)
}

// newDailyCheck has the rotator look at the secrets every day. It is no child of
// the rotator, which is complete before there are secrets.
func (r *Rotator) newDailyCheck(ctx *pulumi.Context, name string, secrets pulumi.StringArray, tags map[string]string,
	child pulumi.ResourceOption,
) (pulumi.Resource, error) {
	rule, err := cloudwatch.NewEventRule(ctx, name, &cloudwatch.EventRuleArgs{
		Description:        pulumi.String("Looks every day whether a secret of a client expires soon"),
		ScheduleExpression: pulumi.String("rate(1 day)"),
		Tags:               awsTags(tags),
	}, child)
	if err != nil {
		return nil, err
	}
	permission, err := lambda.NewPermission(ctx, name, &lambda.PermissionArgs{
		Action:    pulumi.String("lambda:InvokeFunction"),
		Function:  r.FunctionARN,
		Principal: pulumi.String("events.amazonaws.com"),
		SourceArn: rule.Arn,
	}, child)
	if err != nil {
		return nil, err
	}
	return cloudwatch.NewEventTarget(ctx, name, &cloudwatch.EventTargetArgs{
		Rule:  rule.Name,
		Arn:   r.FunctionARN,
		Input: pulumi.JSONMarshal(map[string]any{"check": secrets}),
	}, child, pulumi.DependsOn([]pulumi.Resource{permission}))
}

func (args *RotatorArgs) validate(name string) error {
	var p problems
	p.tenant(args.Tenant)
	p.functionName("name", name)
	p.displayName("displayName", args.DisplayName)
	p.owners(args.Owners)
	p.grants(args.Grants)
	p.credentials(args.Credentials, args.Architecture)
	p.architecture("architecture", args.Architecture)
	p.tagsBesideOurs(args.Tags, secretTags...)
	return p.err()
}
