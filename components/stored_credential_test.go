package components_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/internal/recorder"
	"github.com/entragate/entragate/issuer"
)

const (
	secretType       = "aws:secretsmanager/secret:Secret"
	secretPolicyType = "aws:secretsmanager/secretPolicy:SecretPolicy"
	rotationType     = "aws:secretsmanager/secretRotation:SecretRotation"

	secretARN  = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:export-AbCdEf"
	rotatorARN = "arn:aws:iam::123456789012:role/rotator-1234567"
	keyARN     = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-4333-8444-555555555555"
	alertsARN  = "arn:aws:iam::123456789012:role/jobs/alerts"
	exportARN  = "arn:aws:iam::123456789012:role/export"
)

func storedArgs() *components.StoredCredentialArgs {
	return &components.StoredCredentialArgs{
		ClientID: pulumi.String("client-1"), Tenant: issuer.Tenant{ID: tenantID}, Scope: pulumi.String("api://api-1/.default"),
		Tags: map[string]string{"team": "orders"},
	}
}

func newStored(t *testing.T, args *components.StoredCredentialArgs) (*recorder.Recorder, error) {
	t.Helper()
	return recorder.Run(func(ctx *pulumi.Context) error {
		rotator, err := components.NewRotator(ctx, "rotator", rotatorArgs(t))
		if err != nil {
			return err
		}
		args.Rotator = rotator
		stored, err := components.NewStoredCredential(ctx, "export", args)
		if err != nil {
			return err
		}
		ctx.Export("secretArn", stored.SecretARN)
		return nil
	})
}

// notPrincipals is true of everybody but these.
func notPrincipals(arns ...any) map[string]any {
	return map[string]any{"StringNotEquals": map[string]any{"aws:PrincipalArn": arns}}
}

func TestStoredCredential(t *testing.T) {
	t.Parallel()
	args := storedArgs()
	args.Readers = []string{exportARN, alertsARN}
	args.KeyARN = pulumi.String(keyARN)
	r, err := newStored(t, args)
	require.NoError(t, err)
	r.Golden(t, "stored_credential")
	require.Equal(t, secretARN, r.Exports()["secretArn"])

	require.Equal(t, map[string]any{
		"description": "Secret of a client in Entra, rotated by itself", "kmsKeyId": keyARN, "recoveryWindowInDays": 30.0,
		"tags": map[string]any{
			"entragate:clientId": "client-1", "entragate:tenantId": tenantID, "entragate:scope": "api://api-1/.default",
			"entragate:authority": "https://login.microsoftonline.com/" + tenantID, "team": "orders",
		},
	}, r.Find(t, secretType, "export").Inputs)

	policy := r.Find(t, secretPolicyType, "export").Inputs
	require.Equal(t, true, policy["blockPublicPolicy"])
	require.Equal(t, []map[string]any{
		{
			"Sid": "ReadersOnly", "Effect": "Deny", "Principal": "*", "Resource": "*",
			"Action":    []any{"secretsmanager:GetSecretValue"},
			"Condition": notPrincipals(rotatorARN, exportARN, alertsARN),
		},
		{
			"Sid": "RotatorWrites", "Effect": "Deny", "Principal": "*", "Resource": "*",
			"Action":    []any{"secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"},
			"Condition": notPrincipals(rotatorARN),
		},
	}, statementsOf(t, policy["policy"]), "it denies, and allows nobody anything")

	require.Equal(t, "rotator-1234567", r.Find(t, policyType, "export").Inputs["role"])
	require.Equal(t, []map[string]any{
		{
			"Sid": "RotateThisSecret", "Effect": "Allow", "Resource": secretARN,
			"Action": []any{
				"secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue",
				"secretsmanager:UpdateSecretVersionStage",
			},
		},
		{"Sid": "UseItsKey", "Effect": "Allow", "Resource": keyARN, "Action": []any{"kms:Decrypt", "kms:GenerateDataKey"}},
	}, statements(t, r, "export"))
	require.Equal(t, map[string]any{
		"action": "lambda:InvokeFunction", "function": "arn:aws:lambda:eu-west-1:123456789012:function:rotator-1234567",
		"principal": "secretsmanager.amazonaws.com", "sourceArn": secretARN,
	}, r.Find(t, permissionType, "export").Inputs, "for this secret and no other")
}

func TestStoredCredentialIsRotatedWhenAllIsThere(t *testing.T) {
	t.Parallel()
	r, err := newStored(t, storedArgs())
	require.NoError(t, err)
	rotation := r.Find(t, rotationType, "export")
	require.Equal(t, map[string]any{
		"secretId": secretARN, "rotationLambdaArn": "arn:aws:lambda:eu-west-1:123456789012:function:rotator-1234567",
		"rotationRules": map[string]any{"automaticallyAfterDays": 90.0}, "rotateImmediately": true,
	}, rotation.Inputs)
	require.Subset(t, rotation.DependsOn, []string{
		secretType + "::export", secretPolicyType + "::export", policyType + "::export", permissionType + "::export",
		functionType + "::rotator", federationType + "::rotator", assignmentType + "::rotator-graph", principalType + "::rotator",
	}, "the first rotation is at once")
	require.NotContains(t, r.Find(t, secretType, "export").Inputs, "kmsKeyId", "AWS's own key")
	require.Len(t, statements(t, r, "export"), 1, "which takes no permission")
	require.Equal(t, notPrincipals(rotatorARN), statementsOf(t, r.Find(t, secretPolicyType, "export").Inputs["policy"])[0]["Condition"],
		"without readers, nobody else reads it")
}

func TestStoredCredentialTakesItsSettings(t *testing.T) {
	t.Parallel()
	args := storedArgs()
	args.Credentials = components.Credentials{RotationDays: 30, LifetimeDays: 91, RecoveryDays: new(0)}
	r, err := newStored(t, args)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"automaticallyAfterDays": 30.0}, r.Find(t, rotationType, "export").Inputs["rotationRules"])
	require.Equal(t, 0.0, r.Find(t, secretType, "export").Inputs["recoveryWindowInDays"], "gone at once")
}

func TestStoredCredentialReportsEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	r, err := recorder.Run(func(ctx *pulumi.Context) error {
		_, err := components.NewStoredCredential(ctx, "export", &components.StoredCredentialArgs{
			Tenant:      issuer.Tenant{ID: "common"},
			Readers:     []string{exportARN, "*", exportARN},
			Credentials: components.Credentials{LifetimeDays: 210},
			Tags:        map[string]string{"entragate:clientId": "another"},
		})
		return err
	})
	require.ErrorContains(t, err, `stored credential "export": `)
	require.Equal(t, []string{
		"clientId", "scope", "rotator", "tenantId", "credentials.lifetimeDays", "readers[1]", "readers[2]", `tags["entragate:clientId"]`,
	}, paths(t, err))
	require.Empty(t, r.Registrations())
}

func paths(t *testing.T, err error) (all []string) {
	t.Helper()
	var found access.Problems
	require.ErrorAs(t, err, &found)
	for _, p := range found {
		all = append(all, p.Path)
	}
	return all
}
