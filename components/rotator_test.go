package components_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/internal/recorder"
	"github.com/entragate/entragate/issuer"
)

const (
	principalType  = "azuread:index/servicePrincipal:ServicePrincipal"
	ownerType      = "azuread:index/applicationOwner:ApplicationOwner"
	federationType = "azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential"
	alarmType      = "aws:cloudwatch/metricAlarm:MetricAlarm"
	permissionType = "aws:lambda/permission:Permission"

	ownedBy = "18a4783c-866b-4cc7-a460-3d5e5662c884"
)

func rotatorArgs(t testing.TB) *components.RotatorArgs {
	return &components.RotatorArgs{
		Tenant:      issuer.Tenant{ID: tenantID},
		DisplayName: "Orders rotator",
		Owners:      []string{deployer},
		Credentials: components.Credentials{OutboundIssuer: outboundIssuer, Binary: recorder.Program(t)},
		Tags:        map[string]string{"team": "orders"},
	}
}

// ownSecret are the arguments of a rotator that has a secret of its own.
func ownSecret(t testing.TB) *components.RotatorArgs {
	args := rotatorArgs(t)
	args.Credentials.OutboundIssuer = ""
	return args
}

func newRotator(args *components.RotatorArgs) (*recorder.Recorder, error) {
	return recorder.Run(func(ctx *pulumi.Context) error {
		rotator, err := components.NewRotator(ctx, "rotator", args)
		if err != nil {
			return err
		}
		ctx.Export("secretArn", rotator.SecretARN)
		ctx.Export("administrator", rotator.Administrator)
		return nil
	})
}

// below is the only registration of a type, a name and a parent's type.
func below(t *testing.T, r *recorder.Recorder, parent, kind, name string) recorder.Registration {
	t.Helper()
	var found []recorder.Registration
	for _, registration := range r.Registrations() {
		if registration.Type == kind && registration.Name == name && strings.HasPrefix(registration.Parent, parent+"::") {
			found = append(found, registration)
		}
	}
	require.Len(t, found, 1, "%s %s below %s", kind, name, parent)
	return found[0]
}

// statementsOf are those of a policy.
func statementsOf(t *testing.T, policy any) (all []map[string]any) {
	t.Helper()
	var document struct{ Statement []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(policy.(string)), &document))
	return document.Statement
}

func TestRotatorByFederation(t *testing.T) {
	t.Parallel()
	r, err := newRotator(rotatorArgs(t))
	require.NoError(t, err)
	r.Golden(t, "rotator_federated")
	require.Zero(t, count(r, secretType), "it has no secret")
	require.Empty(t, r.Exports()["secretArn"])

	require.Equal(t, map[string]any{
		"applicationId": "/applications/" + recorder.GUID(applicationType, "rotator"), "displayName": "rotator",
		"issuer": outboundIssuer, "subject": "arn:aws:iam::123456789012:role/rotator-1234567",
		"audiences": []any{"api://AzureADTokenExchange"},
	}, r.Find(t, federationType, "rotator").Inputs, "it is the role of its function and nobody else")
	require.Equal(t, []map[string]any{
		writesItsLog("rotator"),
		{
			"Sid": "ProveItself", "Effect": "Allow", "Action": "sts:GetWebIdentityToken", "Resource": "*",
			"Condition": map[string]any{
				"ForAllValues:StringEquals": map[string]any{"sts:IdentityTokenAudience": "api://AzureADTokenExchange"},
				"StringEquals":              map[string]any{"sts:SigningAlgorithm": "RS256"},
			},
		},
	}, statements(t, r, "rotator"), "what it may do to a secret comes with the secret")
	require.Equal(t, map[string]any{
		"GRAPH_URL": "https://graph.microsoft.com", "LIFETIME_DAYS": "211", "INTERVAL_DAYS": "90", "OVERLAP_DAYS": "89",
		"ROTATOR_CLIENT_ID": recorder.GUID("client", "rotator"), "ROTATOR_AUTHORITY": "https://login.microsoftonline.com/" + tenantID,
	}, environment(t, r))
}

func writesItsLog(name string) map[string]any {
	return map[string]any{
		"Sid": "WriteItsLog", "Effect": "Allow", "Action": []any{"logs:CreateLogStream", "logs:PutLogEvents"},
		"Resource": "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/entragate-test-" + name + ":*",
	}
}

func environment(t *testing.T, r *recorder.Recorder) any {
	t.Helper()
	return r.Find(t, functionType, "rotator").Inputs["environment"].(map[string]any)["variables"]
}

func TestRotatorByItsOwnSecret(t *testing.T) {
	t.Parallel()
	r, err := newRotator(ownSecret(t))
	require.NoError(t, err)
	r.Golden(t, "rotator_own_secret")
	require.Zero(t, count(r, federationType))
	arn := r.Exports()["secretArn"]
	require.Equal(t, "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rotator-AbCdEf", arn)
	require.Equal(t, arn, environment(t, r).(map[string]any)["ROTATOR_SECRET_ARN"])
	require.Equal(t, []map[string]any{writesItsLog("rotator")},
		statementsOf(t, below(t, r, "entragate:index:Function", policyType, "rotator").Inputs["policy"]), "it asks for no token")

	tags := r.Find(t, secretType, "rotator").Inputs["tags"].(map[string]any)
	require.Equal(t, recorder.GUID("client", "rotator"), tags["entragate:clientId"])
	require.Equal(t, "https://graph.microsoft.com/.default", tags["entragate:scope"])

	// Whoever deploys writes the first value, so that is not denied; reading is.
	policy := statementsOf(t, r.Find(t, secretPolicyType, "rotator").Inputs["policy"])
	require.Len(t, policy, 1)
	require.Equal(t, "ReadersOnly", policy[0]["Sid"])
	require.Equal(t, notPrincipals("arn:aws:iam::123456789012:role/rotator-1234567"), policy[0]["Condition"])
}

// Application.ReadWrite.OwnedBy reaches what one owns: the rotator's own
// application too, if the secret is there.
func TestRotatorThatHasASecretOwnsItself(t *testing.T) {
	t.Parallel()
	principal := recorder.GUID(principalType, "rotator")
	r, err := newRotator(ownSecret(t))
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"applicationId": "/applications/" + recorder.GUID(applicationType, "rotator"), "ownerObjectId": principal,
	}, r.Find(t, ownerType, "rotator").Inputs)
	require.Equal(t, []string{"owners"}, r.Find(t, applicationType, "rotator").IgnoreChanges, "it would be removed again")
	require.Contains(t, r.Find(t, rotationType, "rotator").DependsOn, ownerType+"::rotator")

	r, err = newRotator(rotatorArgs(t))
	require.NoError(t, err)
	require.Zero(t, count(r, ownerType))
	require.Equal(t, []any{deployer}, r.Find(t, applicationType, "rotator").Inputs["owners"])
	require.Empty(t, r.Find(t, applicationType, "rotator").IgnoreChanges)
}

func TestRotatorMayManageWhatItOwns(t *testing.T) {
	t.Parallel()
	r, err := newRotator(rotatorArgs(t))
	require.NoError(t, err)
	require.Equal(t, 1, count(r, assignmentType), "and nothing else")
	require.Equal(t, map[string]any{
		"principalObjectId": recorder.GUID(principalType, "rotator"), "resourceObjectId": recorder.GraphServicePrincipal, "appRoleId": ownedBy,
	}, r.Find(t, assignmentType, "rotator-graph").Inputs)
	require.Empty(t, r.Exports()["administrator"])

	args := rotatorArgs(t)
	args.Grants, args.Tenant.Cloud = components.GrantsExternal, issuer.CloudUSGovernment
	r, err = newRotator(args)
	require.NoError(t, err)
	require.Zero(t, count(r, assignmentType))
	commands := r.Exports()["administrator"].([]string)
	require.Len(t, commands, 1)
	require.Contains(t, commands[0], "'https://graph.microsoft.us/v1.0/servicePrincipals/"+recorder.GraphServicePrincipal+"/appRoleAssignedTo'")
	require.Contains(t, commands[0], `"appRoleId":"`+ownedBy+`"`)

	without := ownSecret(t)
	without.Grants = components.GrantsExternal
	own, err := newRotator(without)
	require.NoError(t, err)
	require.Zero(t, count(own, ownerType), "adding an owner takes more than owning")
	commands = own.Exports()["administrator"].([]string)
	require.Len(t, commands, 2)
	require.Equal(t, `az rest --method POST --url 'https://graph.microsoft.com/v1.0/applications/`+recorder.GUID(applicationType, "rotator")+
		`/owners/$ref' --headers Content-Type=application/json --body '{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/`+
		recorder.GUID(principalType, "rotator")+`"}'`, commands[1])
	require.Equal(t, "https://graph.microsoft.us", environment(t, r).(map[string]any)["GRAPH_URL"])
}

func TestRotatorAlarm(t *testing.T) {
	t.Parallel()
	args := rotatorArgs(t)
	r, err := newRotator(args)
	require.NoError(t, err)
	alarm := r.Find(t, alarmType, "rotator").Inputs
	require.NotContains(t, alarm, "alarmActions")
	require.Equal(t, "AWS/Lambda Errors", alarm["namespace"].(string)+" "+alarm["metricName"].(string))
	require.Equal(t, map[string]any{"FunctionName": "rotator-1234567"}, alarm["dimensions"])
	require.Equal(t, 1.0, alarm["threshold"])
	require.Equal(t, "GreaterThanOrEqualToThreshold", alarm["comparisonOperator"])
	require.Equal(t, "notBreaching", alarm["treatMissingData"], "it runs seldom")

	const topic = "arn:aws:sns:eu-west-1:123456789012:alarms"
	args.AlarmTopic = pulumi.String(topic)
	r, err = newRotator(args)
	require.NoError(t, err)
	require.Equal(t, []any{topic}, r.Find(t, alarmType, "rotator").Inputs["alarmActions"])
	require.Equal(t, []any{topic}, r.Find(t, alarmType, "rotator").Inputs["okActions"])
}

func TestRotatorTakesItsSettings(t *testing.T) {
	t.Parallel()
	args := rotatorArgs(t)
	r, err := newRotator(args)
	require.NoError(t, err)
	require.Equal(t, 300.0, r.Find(t, functionType, "rotator").Inputs["timeout"], "Entra takes two minutes to know a secret")

	args.LogRetentionDays = 90
	args.Credentials.RotationDays, args.Credentials.LifetimeDays = 1, 33
	args.Credentials.Settings = components.FunctionSettings{TimeoutSeconds: 600, MemoryMB: 128}
	r, err = newRotator(args)
	require.NoError(t, err)
	function := r.Find(t, functionType, "rotator").Inputs
	require.Equal(t, 600.0, function["timeout"])
	require.Equal(t, 128.0, function["memorySize"])
	require.Equal(t, 90.0, r.Find(t, logGroupType, "rotator").Inputs["retentionInDays"])
	require.Subset(t, environment(t, r), map[string]any{"LIFETIME_DAYS": "33", "INTERVAL_DAYS": "1", "OVERLAP_DAYS": "1"})
}

func TestRotatorRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*components.RotatorArgs)
		want   string
	}{
		"common as tenant":    {func(a *components.RotatorArgs) { a.Tenant.ID = "common" }, `tenantId: got "common"`},
		"no name":             {func(a *components.RotatorArgs) { a.DisplayName = "" }, "displayName: missing name"},
		"nobody to own it":    {func(a *components.RotatorArgs) { a.Owners = nil }, "owners: no owner"},
		"grants of none":      {func(a *components.RotatorArgs) { a.Grants = "none" }, `grants: unknown value: got "none"`},
		"seldom rotations":    {func(a *components.RotatorArgs) { a.Credentials.RotationDays = 91 }, "credentials.rotationDays: interval out of range"},
		"an unknown machine":  {func(a *components.RotatorArgs) { a.Architecture = "mips" }, `architecture: unknown architecture: got "mips"`},
		"a tag of Amazon's":   {func(a *components.RotatorArgs) { a.Tags = map[string]string{"aws:x": "y"} }, `tags["aws:x"]: key that AWS refuses`},
		"a tag of its secret": {func(a *components.RotatorArgs) { a.Tags = map[string]string{"entragate:scope": "y"} }, `tags["entragate:scope"]: key that Entragate sets itself`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := rotatorArgs(t)
			tt.change(args)
			r, err := newRotator(args)
			require.ErrorContains(t, err, `rotator "rotator": `)
			require.ErrorContains(t, err, tt.want)
			require.Empty(t, r.Registrations(), "nothing is registered")
		})
	}
}
