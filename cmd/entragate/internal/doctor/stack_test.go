package doctor

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	gatewaytypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/accesslog"
	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/cmd/entragate/internal/credentials"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/functions/rotate"
	"github.com/entragate/entragate/issuer"
)

// deployed is a stack that was made by hand, as the components make it.
type deployed struct {
	Doctor
	wire  *wire
	clock *patience
	// otherTenant is one that is not the stack's.
	otherTenant string

	// Ids of what tests break.
	apiObject, apiPrincipal           string // of the API in Entra
	portalPrincipal, exportPrincipal  string
	exportObject, portalObject        string
	scopeGrant, roleAssignment, graph string
	userID                            string
	jwtAuthorizer, roleAuthorizer     string
	integration, function, key        string
	routes                            map[string]string
	alarm                             string
}

type object = map[string]any

const (
	readScope  = "0c0f1b32-1111-4111-8111-111111111111"
	oldScope   = "0c0f1b32-2222-4222-8222-222222222222"
	exportRole = "0c0f1b32-3333-4333-8333-333333333333"
	signedRole = "0c0f1b32-4444-4444-8444-444444444444"
	version    = "11111111-1111-4111-8111-111111111111"
	topicARN   = "arn:aws:sns:eu-west-1:123456789012:alarms"
)

// model is who may call what.
func model(user string) access.Model {
	return access.Model{
		Scopes:   []access.Scope{{Value: "Orders.Read"}, {Value: "Orders.Old", State: access.StateRetired}},
		Roles:    []access.Role{{Value: "Orders.Export"}},
		Backends: []access.Backend{{Name: "orders", URL: "http://127.0.0.1:1"}},
		Clients: []access.Client{
			{Name: "portal", Kind: access.ClientSPA, Scopes: []string{"Orders.Read", "Orders.Old"}},
			{Name: "export", Kind: access.ClientDaemon, Roles: []string{"Orders.Export"}},
		},
		Routes: []access.Route{
			{Key: "GET /health", Public: "load balancers have no token"},
			{Key: "GET /orders/{id}", Scopes: []string{"Orders.Read", "Orders.Old"}, Throttle: &access.Throttle{Rate: 5, Burst: 10}},
			{Key: "GET /export", Roles: []string{"Orders.Export"}},
		},
		Assignment: access.Assignment{Users: []string{user}},
	}
}

// deploy makes a healthy stack.
func (w world) deploy(t *testing.T) *deployed {
	t.Helper()
	c, between := w.clients(t)
	name := "orders-" + uuid.NewString()[:8]
	d := &deployed{wire: between, clock: &patience{}, otherTenant: w.settings.OtherTenantID, routes: map[string]string{}}
	d.Doctor = Doctor{
		Clouds: c, HTTP: c.HTTP, Project: "shop", Stack: name,
		Outputs:   Outputs{TenantID: w.settings.TenantID, LogGroup: "/aws/vendedlogs/apis/" + name},
		Tenant:    issuer.Tenant{ID: w.settings.TenantID, LoginHost: w.env["ARM_METADATA_HOSTNAME"]},
		LogFormat: accesslog.Format, Now: d.clock.now, Poll: time.Second, Patience: time.Minute, Wait: d.clock.wait,
	}
	d.Outputs.Issuer = d.Tenant.Issuer()
	d.inEntra(t, name)
	d.Model = model(d.userID)
	d.roleFunction(t, name)
	d.inGateway(t, name)
	d.watched(t, name)
	return d
}

// register makes an application with its service principal.
func register(t *testing.T, c *clouds.Clouds, settings object) (objectID, clientID, principal string) {
	t.Helper()
	app := graph(t, c, http.MethodPost, "/applications", settings)
	made := graph(t, c, http.MethodPost, "/servicePrincipals", object{"appId": app["appId"]})
	return app["id"].(string), app["appId"].(string), made["id"].(string)
}

func (d *deployed) inEntra(t *testing.T, name string) {
	t.Helper()
	c := d.Clouds
	scope := func(id, value string, enabled bool) object {
		return object{
			"id": id, "value": value, "type": "Admin", "isEnabled": enabled,
			"adminConsentDisplayName": value, "adminConsentDescription": value,
		}
	}
	role := func(id string, value any, member string) object {
		return object{"id": id, "value": value, "displayName": member, "description": member, "allowedMemberTypes": []string{member}, "isEnabled": true}
	}
	d.apiObject, d.Outputs.Audience, d.apiPrincipal = register(t, c, object{
		"displayName": name, "signInAudience": "AzureADMyOrg",
		"api": object{
			"requestedAccessTokenVersion": 2,
			"oauth2PermissionScopes":      []object{scope(readScope, "Orders.Read", true), scope(oldScope, "Orders.Old", false)},
		},
		"appRoles":       []object{role(exportRole, "Orders.Export", "Application"), role(signedRole, nil, "User")},
		"optionalClaims": object{"accessToken": []object{{"name": "idtyp"}}},
	})
	graph(t, c, http.MethodPatch, "/applications/"+d.apiObject, object{"identifierUris": []string{"api://" + d.Outputs.Audience}})
	graph(t, c, http.MethodPatch, "/servicePrincipals/"+d.apiPrincipal, object{"appRoleAssignmentRequired": true})

	var portal, export string
	d.portalObject, portal, d.portalPrincipal = register(t, c, object{"displayName": name + " portal", "signInAudience": "AzureADMyOrg"})
	d.exportObject, export, d.exportPrincipal = register(t, c, object{"displayName": name + " export", "signInAudience": "AzureADMyOrg"})
	d.Outputs.Clients = map[string]string{"portal": portal, "export": export}
	d.Outputs.Credentials = map[string]credentials.Declared{
		"export": {Kind: access.CredentialSecret, ClientID: export, SecretARN: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:export"},
	}
	d.secret(t, 200*24*time.Hour, true)

	d.userID = graph(t, c, http.MethodGet, "/users/alice@contoso.onmicrosoft.com", nil)["id"].(string)
	d.graph = graph(t, c, http.MethodGet, "/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')", nil)["id"].(string)
	d.scopeGrant = d.grant(t, d.portalPrincipal, d.apiPrincipal, "Orders.Read")
	d.grant(t, d.portalPrincipal, d.graph, "offline_access openid profile")
	d.roleAssignment = d.assign(t, d.exportPrincipal, exportRole)
	d.assign(t, d.userID, signedRole)
}

func (d *deployed) grant(t *testing.T, client, resource, scopes string) string {
	t.Helper()
	return graph(t, d.Clouds, http.MethodPost, "/oauth2PermissionGrants", object{
		"clientId": client, "consentType": "AllPrincipals", "resourceId": resource, "scope": scopes,
	})["id"].(string)
}

func (d *deployed) assign(t *testing.T, principal, role string) string {
	t.Helper()
	return graph(t, d.Clouds, http.MethodPost, "/servicePrincipals/"+d.apiPrincipal+"/appRoleAssignedTo", object{
		"principalId": principal, "resourceId": d.apiPrincipal, "appRoleId": role,
	})["id"].(string)
}

// secret gives export a secret, which Secrets Manager says is rotated.
func (d *deployed) secret(t *testing.T, lifetime time.Duration, rotated bool) {
	t.Helper()
	graph(t, d.Clouds, http.MethodPost, "/applications/"+d.exportObject+"/addPassword", object{"passwordCredential": object{
		"displayName": rotate.CredentialName(version), "endDateTime": time.Now().Add(lifetime).UTC().Format(time.RFC3339),
	}})
	d.wire.answer("secretsmanager:DescribeSecret", http.StatusOK, asJSON(t, object{
		"ARN": d.Outputs.Credentials["export"].SecretARN, "RotationEnabled": rotated,
		"VersionIdsToStages": object{version: []string{"AWSCURRENT"}},
		"LastRotatedDate":    time.Now().Unix(), "NextRotationDate": time.Now().Add(90 * 24 * time.Hour).Unix(),
	}))
}

// roleFunction makes the function of the role authorizer. Nothing calls it.
func (d *deployed) roleFunction(t *testing.T, name string) {
	t.Helper()
	role, err := d.Clouds.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: &name, AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
			`"Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
	})
	require.NoError(t, err)
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	_, err = w.Create("bootstrap")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	made, err := d.Clouds.Lambda.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: &name, Role: role.Role.Arn, Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Architectures: []lambdatypes.Architecture{lambdatypes.ArchitectureX8664}, Code: &lambdatypes.FunctionCode{ZipFile: archive.Bytes()},
		Environment: &lambdatypes.Environment{Variables: map[string]string{
			"ISSUER": d.Outputs.Issuer, "AUDIENCE": d.Outputs.Audience, "TENANT_ID": d.Outputs.TenantID,
		}},
	})
	require.NoError(t, err)
	d.function = *made.FunctionArn
}

func (d *deployed) inGateway(t *testing.T, name string) {
	t.Helper()
	ctx, gateway := t.Context(), d.Clouds.Gateway
	_, err := d.Clouds.Logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &d.Outputs.LogGroup})
	require.NoError(t, err)
	_, err = d.Clouds.Logs.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{
		LogGroupName: &d.Outputs.LogGroup, RetentionInDays: aws.Int32(30),
	})
	require.NoError(t, err)
	api, err := gateway.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: &name, ProtocolType: gatewaytypes.ProtocolTypeHttp})
	require.NoError(t, err)
	d.Outputs.APIID, d.Outputs.URL = *api.ApiId, *api.ApiEndpoint
	jwt, err := gateway.CreateAuthorizer(ctx, &apigatewayv2.CreateAuthorizerInput{
		ApiId: api.ApiId, Name: aws.String("jwt"), AuthorizerType: gatewaytypes.AuthorizerTypeJwt,
		IdentitySource:   []string{"$request.header.Authorization"},
		JwtConfiguration: &gatewaytypes.JWTConfiguration{Issuer: &d.Outputs.Issuer, Audience: []string{d.Outputs.Audience}},
	})
	require.NoError(t, err)
	roles, err := gateway.CreateAuthorizer(ctx, &apigatewayv2.CreateAuthorizerInput{
		ApiId: api.ApiId, Name: aws.String("roles"), AuthorizerType: gatewaytypes.AuthorizerTypeRequest,
		AuthorizerUri: aws.String("arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/" + d.function + "/invocations"),
		IdentitySource: []string{
			"$request.header.Authorization", "$context.routeKey", "$stageVariables.policyHash",
		},
		AuthorizerPayloadFormatVersion: aws.String("2.0"), EnableSimpleResponses: aws.Bool(true), AuthorizerResultTtlInSeconds: aws.Int32(60),
	})
	require.NoError(t, err)
	d.jwtAuthorizer, d.roleAuthorizer = *jwt.AuthorizerId, *roles.AuthorizerId
	d.permit(t, "allowed", d.Outputs.APIID+"/authorizers/"+d.roleAuthorizer)
	integration, err := gateway.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
		ApiId: api.ApiId, IntegrationType: gatewaytypes.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("ANY"),
		IntegrationUri: aws.String("http://127.0.0.1:1"), PayloadFormatVersion: aws.String("1.0"),
	})
	require.NoError(t, err)
	d.integration = *integration.IntegrationId
	d.route(t, "GET /health", gatewaytypes.AuthorizationTypeNone, "")
	d.route(t, "GET /orders/{id}", gatewaytypes.AuthorizationTypeJwt, d.jwtAuthorizer, "Orders.Old", "Orders.Read")
	d.route(t, "GET /export", gatewaytypes.AuthorizationTypeCustom, d.roleAuthorizer)
	_, err = gateway.CreateStage(ctx, &apigatewayv2.CreateStageInput{
		ApiId: api.ApiId, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true),
		DefaultRouteSettings: settings(50, 100), RouteSettings: map[string]gatewaytypes.RouteSettings{"GET /orders/{id}": *settings(5, 10)},
		StageVariables: map[string]string{"policyHash": d.Model.Policy().Hash()},
		AccessLogSettings: &gatewaytypes.AccessLogSettings{
			DestinationArn: aws.String("arn:aws:logs:eu-west-1:123456789012:log-group:" + d.Outputs.LogGroup), Format: aws.String(accesslog.Format),
		},
	})
	require.NoError(t, err)
}

func settings(rate float64, burst int32) *gatewaytypes.RouteSettings {
	return &gatewaytypes.RouteSettings{ThrottlingRateLimit: &rate, ThrottlingBurstLimit: &burst, DetailedMetricsEnabled: aws.Bool(true)}
}

// permit lets API Gateway call the function for what ends so.
func (d *deployed) permit(t *testing.T, id, source string) {
	t.Helper()
	_, err := d.Clouds.Lambda.AddPermission(t.Context(), &lambda.AddPermissionInput{
		FunctionName: &d.function, StatementId: &id, Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("apigateway.amazonaws.com"),
		SourceArn: aws.String("arn:aws:execute-api:eu-west-1:123456789012:" + source),
	})
	require.NoError(t, err)
}

func (d *deployed) route(t *testing.T, key string, kind gatewaytypes.AuthorizationType, authorizer string, scopes ...string) {
	t.Helper()
	in := &apigatewayv2.CreateRouteInput{
		ApiId: &d.Outputs.APIID, RouteKey: &key, AuthorizationType: kind, AuthorizationScopes: scopes, Target: aws.String("integrations/" + d.integration),
	}
	if authorizer != "" {
		in.AuthorizerId = &authorizer
	}
	made, err := d.Clouds.Gateway.CreateRoute(t.Context(), in)
	require.NoError(t, err)
	d.routes[key] = *made.RouteId
}

// alarmsKey is the policy of a key that alarms may use.
const alarmsKey = `{"Version":"2012-10-17","Statement":[` +
	`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"},` +
	`{"Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":["kms:Decrypt","kms:GenerateDataKey*"],"Resource":"*"}]}`

// alarmsTopic is the policy of a topic as the components make it.
const alarmsTopic = `{"Version":"2012-10-17","Statement":[` +
	`{"Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":"sns:Publish","Resource":"*","Condition":{` +
	`"StringEquals":{"aws:SourceAccount":"123456789012"},"ArnLike":{"aws:SourceArn":"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:*"}}},` +
	`{"Effect":"Deny","Principal":"*","Action":"sns:Publish","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`

// watched makes an alarm, and a topic that tells one reader.
func (d *deployed) watched(t *testing.T, name string) {
	t.Helper()
	key, err := d.Clouds.KMS.CreateKey(t.Context(), &kms.CreateKeyInput{Policy: aws.String(alarmsKey)})
	require.NoError(t, err)
	d.key, d.alarm = *key.KeyMetadata.Arn, name+"-refused"
	d.topicIs(alarmsTopic, d.key)
	d.subscribed([3]string{"arn:aws:sns:eu-west-1:123456789012:alarms:1", "email", "ops@example.com"})
	d.putAlarm(t, topicARN)
}

func (d *deployed) putAlarm(t *testing.T, actions ...string) {
	t.Helper()
	_, err := d.Clouds.CloudWatch.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: &d.alarm, Namespace: aws.String("AWS/Lambda"), MetricName: aws.String("Errors"), AlarmDescription: aws.String("Look at the log.\n\nhttps://x"),
		Statistic: cloudwatchtypes.StatisticSum, Period: aws.Int32(300), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1),
		ComparisonOperator: cloudwatchtypes.ComparisonOperatorGreaterThanOrEqualToThreshold, AlarmActions: actions,
		Tags: []cloudwatchtypes.Tag{
			{Key: aws.String(components.TagProject), Value: &d.Project}, {Key: aws.String(components.TagStack), Value: &d.Stack},
		},
	})
	require.NoError(t, err)
}

// topicIs has SNS say what a topic is.
func (d *deployed) topicIs(policy, key string) {
	entries := ""
	for name, value := range map[string]string{"Policy": policy, "KmsMasterKeyId": key} {
		if value != "" {
			entries += fmt.Sprintf("<entry><key>%s</key><value><![CDATA[%s]]></value></entry>", name, value)
		}
	}
	d.wire.answer("sns:GetTopicAttributes", http.StatusOK, `<GetTopicAttributesResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">`+
		`<GetTopicAttributesResult><Attributes>`+entries+`</Attributes></GetTopicAttributesResult></GetTopicAttributesResponse>`)
}

// subscribed has SNS say who is told: ARN, protocol and endpoint of each.
func (d *deployed) subscribed(all ...[3]string) {
	members := ""
	for _, s := range all {
		members += fmt.Sprintf("<member><SubscriptionArn>%s</SubscriptionArn><Protocol>%s</Protocol><Endpoint>%s</Endpoint></member>", s[0], s[1], s[2])
	}
	d.wire.answer("sns:ListSubscriptionsByTopic", http.StatusOK, `<ListSubscriptionsByTopicResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">`+
		`<ListSubscriptionsByTopicResult><Subscriptions>`+members+`</Subscriptions></ListSubscriptionsByTopicResult></ListSubscriptionsByTopicResponse>`)
}
