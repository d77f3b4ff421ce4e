package orphans

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
)

// recoveryDays is how long a deleted secret or key can be restored: the shortest
// that AWS knows. Names are random, so that nothing waits for them.
const recoveryDays = 7

func deleteAWS(ctx context.Context, c *clouds.Clouds, o Object) error {
	var err error
	switch o.Type {
	case typeStage:
		_, err = c.Gateway.DeleteStage(ctx, &apigatewayv2.DeleteStageInput{ApiId: &o.Parent, StageName: &o.ID})
	case typeRoute:
		_, err = c.Gateway.DeleteRoute(ctx, &apigatewayv2.DeleteRouteInput{ApiId: &o.Parent, RouteId: &o.ID})
	case typeIntegration:
		_, err = c.Gateway.DeleteIntegration(ctx, &apigatewayv2.DeleteIntegrationInput{ApiId: &o.Parent, IntegrationId: &o.ID})
	case typeAuthorizer:
		_, err = c.Gateway.DeleteAuthorizer(ctx, &apigatewayv2.DeleteAuthorizerInput{ApiId: &o.Parent, AuthorizerId: &o.ID})
	case typeAPI:
		_, err = c.Gateway.DeleteApi(ctx, &apigatewayv2.DeleteApiInput{ApiId: &o.ID})
	case typeTarget:
		err = removeTarget(ctx, c.Events, o)
	case typeRule:
		_, err = c.Events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: &o.ID})
	case typeRotation:
		err = cancelRotation(ctx, c.SecretsManager, o.ID, rotationPolling)
	case typePolicy:
		_, err = c.SecretsManager.DeleteResourcePolicy(ctx, &secretsmanager.DeleteResourcePolicyInput{SecretId: &o.ID})
	case typeSecret:
		_, err = c.SecretsManager.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{
			SecretId: &o.ID, RecoveryWindowInDays: aws.Int64(recoveryDays),
		})
	case typePermission:
		_, err = c.Lambda.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: &o.Parent, StatementId: &o.ID})
	case typeFunction:
		_, err = c.Lambda.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &o.ID})
	case typeRolePolicy:
		_, err = c.IAM.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &o.Parent, PolicyName: &o.ID})
	case typeRole:
		_, err = c.IAM.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &o.ID})
	case typeAlarm:
		_, err = c.CloudWatch.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{o.ID}})
	case typeSubscription:
		_, err = c.SNS.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: &o.ID})
	case typeTopicPolicy:
		err = resetPolicy(ctx, c.SNS, o.ID)
	case typeTopic:
		_, err = c.SNS.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: &o.ID})
	case typeDashboard:
		_, err = c.CloudWatch.DeleteDashboards(ctx, &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{o.ID}})
	case typeQuery:
		_, err = c.Logs.DeleteQueryDefinition(ctx, &cloudwatchlogs.DeleteQueryDefinitionInput{QueryDefinitionId: &o.ID})
	case typeFilter:
		_, err = c.Logs.DeleteMetricFilter(ctx, &cloudwatchlogs.DeleteMetricFilterInput{LogGroupName: &o.Parent, FilterName: &o.ID})
	case typeLogGroup:
		_, err = c.Logs.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &o.ID})
	case typeKey:
		_, err = c.KMS.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &o.ID, PendingWindowInDays: aws.Int32(recoveryDays)})
	}
	return ignoreGone(err)
}

// goneCodes are how services say that something does not exist: API Gateway and
// KMS; IAM; alarms of CloudWatch, and tags of SNS; dashboards; SNS; all others.
var goneCodes = []string{
	"NotFoundException", "NoSuchEntity", "ResourceNotFound", "DashboardNotFoundError", "NotFound", "ResourceNotFoundException",
}

// ignoreGone drops the error that what was asked for does not exist: another
// deletion took it along.
func ignoreGone(err error) error {
	refusal, ok := errors.AsType[smithy.APIError](err)
	switch {
	case !ok:
		return err
	case slices.Contains(goneCodes, refusal.ErrorCode()):
		return nil
	// Secrets and keys wait for their end; only the text tells (a guess).
	case refusal.ErrorCode() == "InvalidRequestException" && strings.Contains(refusal.ErrorMessage(), "marked for deletion"),
		refusal.ErrorCode() == "KMSInvalidStateException" && strings.Contains(refusal.ErrorMessage(), "is pending deletion"):
		return nil
	}
	return err
}
