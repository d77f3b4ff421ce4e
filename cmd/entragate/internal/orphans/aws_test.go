package orphans

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventstypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secretstypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/cmd/entragate/internal/engine"
	"github.com/entragate/entragate/components"
)

// made are the ids of what a stack has for its secrets.
type made struct{ secret, key, rule, target, alarm string }

const rotateARN = "arn:aws:lambda:eu-west-1:000000000000:function:rotate"

// makeSecret makes a secret with all around it, with these tags.
func makeSecret(t *testing.T, c *clouds.Clouds, name string, tags map[string]string) made {
	t.Helper()
	var (
		ofKeys    []kmstypes.Tag
		ofSecrets []secretstypes.Tag
		ofRules   []eventstypes.Tag
		ofAlarms  []cloudwatchtypes.Tag
	)
	for k, v := range tags {
		ofKeys = append(ofKeys, kmstypes.Tag{TagKey: &k, TagValue: &v})
		ofSecrets = append(ofSecrets, secretstypes.Tag{Key: &k, Value: &v})
		ofRules = append(ofRules, eventstypes.Tag{Key: &k, Value: &v})
		ofAlarms = append(ofAlarms, cloudwatchtypes.Tag{Key: &k, Value: &v})
	}
	key, err := c.KMS.CreateKey(t.Context(), &kms.CreateKeyInput{Description: &name, Tags: ofKeys})
	require.NoError(t, err)
	secret, err := c.SecretsManager.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &name, Tags: ofSecrets})
	require.NoError(t, err)
	_, err = c.SecretsManager.PutResourcePolicy(t.Context(), &secretsmanager.PutResourcePolicyInput{
		SecretId: secret.ARN,
		ResourcePolicy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*",` +
			`"Action":"secretsmanager:PutSecretValue","Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalArn":"arn:aws:iam::000000000000:role/r"}}}]}`),
	})
	require.NoError(t, err)
	_, err = c.Events.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: &name, ScheduleExpression: aws.String("rate(1 day)"), Tags: ofRules})
	require.NoError(t, err)
	put, err := c.Events.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
		Rule: &name, Targets: []eventstypes.Target{{Id: aws.String("daily-check"), Arn: aws.String(rotateARN)}},
	})
	require.NoError(t, err)
	require.Zero(t, put.FailedEntryCount)
	_, err = c.CloudWatch.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: &name, Namespace: aws.String("AWS/Lambda"), MetricName: aws.String("Errors"),
		Statistic: cloudwatchtypes.StatisticSum, Period: aws.Int32(300), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1),
		ComparisonOperator: cloudwatchtypes.ComparisonOperatorGreaterThanOrEqualToThreshold, Tags: ofAlarms,
	})
	require.NoError(t, err)
	return made{secret: *secret.ARN, key: *key.KeyMetadata.KeyId, rule: name, target: "daily-check", alarm: name}
}

func TestWhatAStackHasForItsSecretsIsFoundAndDeleted(t *testing.T) {
	t.Parallel()
	c := newClouds(t)
	ctx := t.Context()
	mine := makeSecret(t, c, "web", stackTags)
	theirs := makeSecret(t, c, "other", otherTags)
	makeSecret(t, c, "untagged", nil)

	objects, err := List(ctx, c, stack)
	require.NoError(t, err)
	require.ElementsMatch(t, [][2]string{
		{typeSecret, mine.secret},
		{typePolicy, mine.secret},
		{typeRule, mine.rule},
		{typeTarget, mine.target},
		{typeAlarm, mine.alarm},
		{typeKey, mine.key},
	}, found(objects))
	known := []engine.Resource{
		{URN: "secret", Type: typeSecret, ID: mine.secret},
		{URN: "policy", Type: typePolicy, ID: mine.secret},
		{URN: "rule", Type: typeRule, ID: mine.rule},
		{URN: "target", Type: typeTarget, ID: "web-daily-check", Outputs: map[string]any{"rule": "web", "targetId": "daily-check"}},
		{URN: "alarm", Type: typeAlarm, ID: mine.alarm},
		{URN: "key", Type: typeKey, ID: mine.key},
	}
	require.Empty(t, Find(objects, known))
	require.Empty(t, Gone(objects, known))

	require.Equal(t, map[string]string{
		"secret": mine.secret, "policy": mine.secret, "rule": "web", "target": "web/daily-check", "alarm": "web", "key": mine.key,
	}, Adoptable(objects, []engine.Operation{
		pending(apitype.OperationTypeCreating, "secret", typeSecret, map[string]any{"name": "web"}),
		pending(apitype.OperationTypeCreating, "policy", typePolicy, map[string]any{"secretArn": mine.secret}),
		pending(apitype.OperationTypeCreating, "rule", typeRule, map[string]any{"name": "web"}),
		pending(apitype.OperationTypeCreating, "target", typeTarget, map[string]any{"rule": "web", "arn": rotateARN}),
		pending(apitype.OperationTypeCreating, "alarm", typeAlarm, map[string]any{"name": "web"}),
		pending(apitype.OperationTypeCreating, "key", typeKey, map[string]any{"description": "web"}),
	}))

	require.NoError(t, Delete(ctx, c, Find(objects, nil)))
	left, err := List(ctx, c, stack)
	require.NoError(t, err)
	require.Empty(t, left)
	require.NoError(t, Delete(ctx, c, Find(objects, nil)), "what is gone is no error")

	secret, err := c.SecretsManager.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &mine.secret})
	require.NoError(t, err)
	require.NotNil(t, secret.DeletedDate, "it can be restored")
	_, err = c.SecretsManager.RestoreSecret(ctx, &secretsmanager.RestoreSecretInput{SecretId: &mine.secret})
	require.NoError(t, err)
	policy, err := c.SecretsManager.GetResourcePolicy(ctx, &secretsmanager.GetResourcePolicyInput{SecretId: &mine.secret})
	require.NoError(t, err)
	require.NotNil(t, policy.ResourcePolicy, "restored, it is as guarded as before")
	key, err := c.KMS.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &mine.key})
	require.NoError(t, err)
	require.Equal(t, kmstypes.KeyStatePendingDeletion, key.KeyMetadata.KeyState)

	others, err := List(ctx, c, Stack{Project: stack.Project, Name: "prod"})
	require.NoError(t, err)
	require.Contains(t, found(others), [2]string{typeSecret, theirs.secret})
	require.Len(t, others, 6)
}

func TestAPolicyIsDeletedFromASecretThatStays(t *testing.T) {
	t.Parallel()
	c := newClouds(t)
	secret := makeSecret(t, c, "web", stackTags).secret
	objects, err := List(t.Context(), c, stack)
	require.NoError(t, err)
	orphans := Find(objects, []engine.Resource{{Type: typeSecret, ID: secret}})
	require.NoError(t, Delete(t.Context(), c, orphans))
	left, err := List(t.Context(), c, stack)
	require.NoError(t, err)
	require.Equal(t, [][2]string{{typeSecret, secret}}, found(left))
}

func TestPoliciesOfOneRoleAreToldApart(t *testing.T) {
	t.Parallel()
	c := newClouds(t)
	var tags []iamtypes.Tag
	for k, v := range stackTags {
		tags = append(tags, iamtypes.Tag{Key: &k, Value: &v})
	}
	_, err := c.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("rotator"), Path: aws.String(components.RolePath), Tags: tags, AssumeRolePolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
	})
	require.NoError(t, err)
	_, err = c.IAM.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: aws.String("rotator"), PolicyName: aws.String("web"), PolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"secretsmanager:DescribeSecret","Resource":"*"}]}`),
	})
	require.NoError(t, err)
	objects, err := List(t.Context(), c, stack)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"web": "rotator:web"}, Adoptable(objects, []engine.Operation{
		pending(apitype.OperationTypeCreating, "web", typeRolePolicy, map[string]any{"role": "rotator", "name": "web"}),
		pending(apitype.OperationTypeCreating, "daemon", typeRolePolicy, map[string]any{"role": "rotator", "name": "daemon"}),
	}))
}
