package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
)

// Permission is what a check needs to read.
type Permission struct {
	Check string `json:"check"`
	// Name is an action of IAM, or an application permission of Microsoft Graph.
	Name string `json:"name"`
	// For is what is read by it.
	For string `json:"for"`
}

// What Microsoft Graph wants. The first is on the page of each operation; the
// grants of a service principal take the second, or one that may also write.
// https://learn.microsoft.com/graph/api/serviceprincipal-list-oauth2permissiongrants
const (
	readApplications = "Application.Read.All"
	readDirectory    = "Directory.Read.All"
)

// Permissions are all that a doctor needs. None of them changes anything, or
// reads a secret's value. Discovery and the call of the API need none.
var Permissions = []Permission{
	{CheckGateway, "apigateway:GET", "the API, its authorizers and routes, and the policy that is in force"},
	{CheckGateway, "lambda:GetFunctionConfiguration", "the role authorizer"},
	{CheckGateway, "lambda:GetPolicy", "whether API Gateway may call it"},
	{CheckGateway, readApplications, "token version, scopes and roles of the API"},
	{CheckApplications, readApplications, "applications, and the API's service principal"},
	{CheckGrants, readApplications, "service principals, and who is assigned to the API"},
	{CheckGrants, readDirectory, "delegated grants"},
	{CheckSecrets, "secretsmanager:DescribeSecret", "rotation of secrets"},
	{CheckSecrets, readApplications, "credentials of clients, without their values"},
	{CheckThrottles, "apigateway:GET", "the stage"},
	{CheckAccessLog, "apigateway:GET", "the stage"},
	{CheckAccessLog, "logs:DescribeLogGroups", "the log group"},
	{CheckDelivery, "logs:FilterLogEvents", "the line of the call"},
	{CheckAlarms, "cloudwatch:DescribeAlarms", "alarms"},
	{CheckAlarms, "cloudwatch:ListTagsForResource", "which of them are the stack's"},
	{CheckAlarms, "sns:GetTopicAttributes", "the topics that they go to"},
	{CheckAlarms, "sns:ListSubscriptionsByTopic", "who is told"},
	{CheckAlarms, "kms:DescribeKey", "the topics' keys"},
	{CheckAlarms, "kms:GetKeyPolicy", "whether alarms may use them"},
}

// prefixes are those of IAM actions, by the names that the SDK has for services.
var prefixes = map[string]string{
	"ApiGatewayV2": "apigateway", "CloudWatch": "cloudwatch", "CloudWatch Logs": "logs", "KMS": "kms", "Lambda": "lambda",
	"Secrets Manager": "secretsmanager", "SNS": "sns",
}

// needed is the permission that what failed takes, or "" if it takes none.
func needed(err error) string {
	if e, ok := errors.AsType[*smithy.OperationError](err); ok {
		prefix := prefixes[e.Service()]
		if prefix == "apigateway" { // its actions are methods
			return prefix + ":GET"
		}
		return prefix + ":" + e.Operation()
	}
	if e, ok := errors.AsType[*clouds.GraphError](err); ok {
		if strings.Contains(strings.ToLower(e.Path), "oauth2permissiongrants") {
			return readDirectory
		}
		return readApplications
	}
	return ""
}

// denied reports whether what failed was not permitted.
func denied(err error) bool {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return slices.Contains([]string{"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}, e.ErrorCode())
	}
	e, ok := errors.AsType[*clouds.GraphError](err)
	return ok && e.Status == http.StatusForbidden
}

// gone reports whether what was asked for does not exist, in the words of each
// service.
func gone(err error) bool {
	e, ok := errors.AsType[smithy.APIError](err)
	return clouds.IsNotFound(err) || ok && slices.Contains([]string{
		"NotFoundException", "NotFound", "ResourceNotFound", "ResourceNotFoundException",
	}, e.ErrorCode())
}

// unable says that a subject could not be checked, and what that takes.
func (x *examination) unable(subject string, err error) {
	permission, fix := needed(err), "see the error, and run it again"
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		fix = "it took too long: is the network slow, or the cloud down? Run it again"
	case permission == "":
	case denied(err):
		fix = fmt.Sprintf("let who runs this have %s", permission)
	default:
		fix += fmt.Sprintf("; it takes %s", permission)
	}
	x.fail(subject, "could not be checked: "+err.Error(), fix)
}
