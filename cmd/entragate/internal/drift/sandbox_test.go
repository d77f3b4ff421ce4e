package drift

import (
	"archive/zip"
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/cmd/entragate/internal/sandboxtest"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/functions/rotate"
	"github.com/entragate/entragate/issuer"
	"github.com/entragate/entragate/sandbox"
)

// world is a sandbox that tests share, each with a stack of its own.
type world struct {
	settings sandbox.Settings
	env      map[string]string
}

// newWorld serves a sandbox until the test and all below it have ended.
func newWorld(t *testing.T) world {
	t.Helper()
	settings, env := sandboxtest.Serve(t)
	return world{settings: settings, env: env}
}

type object = map[string]any

const (
	readScope  = "0c0f1b32-1111-4111-8111-111111111111"
	oldScope   = "0c0f1b32-2222-4222-8222-222222222222"
	exportRole = "0c0f1b32-3333-4333-8333-333333333333"
	signedRole = "0c0f1b32-4444-4444-8444-444444444444"
	callback   = "https://portal.example.com/callback"
	origin     = "https://portal.example.com"
)

// stack was made by hand, as the components make it.
type stack struct {
	Stack
	name string
	// Ids of what tests change.
	api, portal, export           string // applications
	apiSP, portalSP, exportSP     string // service principals
	scopeGrant, roleGrant, userID string
	deployer                      string
	jwt, roles, integration       string
	routes                        map[string]string
	function                      string
}

func (w world) deploy(t *testing.T) *stack {
	t.Helper()
	c, err := clouds.Sandbox(w.env)
	require.NoError(t, err)
	d := &stack{name: "orders-" + uuid.NewString()[:8], routes: map[string]string{}}
	tenant := issuer.Tenant{ID: w.settings.TenantID, LoginHost: w.env["ARM_METADATA_HOSTNAME"]}
	d.Stack = Stack{
		Clouds: c, Issuer: tenant.Issuer(), Throttle: access.Throttle{Rate: 50, Burst: 100},
		CORS: &components.CORS{AllowOrigins: []string{origin}},
	}
	d.inEntra(t, w.env["AZURE_CLIENT_ID"])
	d.Model = access.Model{
		Scopes: []access.Scope{{Value: "Orders.Read", Title: "r"}, {Value: "Orders.Old", Title: "o", State: access.StateRetired}},
		Roles:  []access.Role{{Value: "Orders.Export", Title: "e"}},
		Clients: []access.Client{
			{Name: "portal", Kind: access.ClientSPA, Scopes: []string{"Orders.Read", "Orders.Old"}, RedirectURIs: []string{callback}},
			{Name: "export", Kind: access.ClientDaemon, Roles: []string{"Orders.Export"}},
		},
		Backends: []access.Backend{{Name: "orders", URL: "https://orders.example.com"}},
		Routes: []access.Route{
			{Key: "GET /health", Public: "load balancers have no token"},
			{Key: "GET /orders", Scopes: []string{"Orders.Read"}},
			{Key: "GET /orders/{id}", Scopes: []string{"Orders.Read", "Orders.Old"}, Throttle: &access.Throttle{Rate: 5, Burst: 10}},
			{Key: "GET /export", Roles: []string{"Orders.Export"}},
		},
		Assignment: access.Assignment{Users: []string{d.userID}},
	}
	require.NoError(t, d.Model.Validate(access.ValidateOptions{}))
	d.Owners = []string{d.deployer}
	d.inGateway(t)
	return d
}

// graph calls Microsoft Graph and returns the answer.
func (d *stack) graph(t *testing.T, method, path string, in any) object {
	t.Helper()
	out := object{}
	var into any = &out
	if method == http.MethodPatch || method == http.MethodDelete {
		into = nil
	}
	require.NoError(t, d.Clouds.Graph.Call(t.Context(), method, path, in, into))
	return out
}

// change posts what has no answer.
func (d *stack) change(t *testing.T, path string, in any) {
	t.Helper()
	require.NoError(t, d.Clouds.Graph.Call(t.Context(), http.MethodPost, path, in, nil))
}

// register makes an application with its service principal, which the deployer
// owns.
func (d *stack) register(t *testing.T, settings object) (app, clientID, principal string) {
	t.Helper()
	owners := []string{d.Clouds.Graph.Endpoint + "/v1.0/directoryObjects/" + d.deployer}
	settings["signInAudience"], settings["owners@odata.bind"] = "AzureADMyOrg", owners
	made := d.graph(t, http.MethodPost, "/applications", settings)
	sp := d.graph(t, http.MethodPost, "/servicePrincipals", object{"appId": made["appId"], "owners@odata.bind": owners})
	return made["id"].(string), made["appId"].(string), sp["id"].(string)
}

func scope(id, value string, enabled bool) object {
	return object{
		"id": id, "value": value, "type": "Admin", "isEnabled": enabled, "adminConsentDisplayName": value, "adminConsentDescription": value,
	}
}

func role(id string, value any, member string) object {
	return object{"id": id, "value": value, "displayName": member, "description": member, "allowedMemberTypes": []string{member}, "isEnabled": true}
}

func (d *stack) inEntra(t *testing.T, deployer string) {
	t.Helper()
	d.deployer = d.graph(t, http.MethodGet, "/servicePrincipals(appId='"+deployer+"')", nil)["id"].(string)
	d.api, d.Audience, d.apiSP = d.register(t, object{
		"displayName": d.name,
		"api": object{
			"requestedAccessTokenVersion": 2,
			"oauth2PermissionScopes":      []object{scope(readScope, "Orders.Read", true), scope(oldScope, "Orders.Old", false)},
		},
		"appRoles":       []object{role(exportRole, "Orders.Export", "Application"), role(signedRole, nil, "User")},
		"optionalClaims": object{"accessToken": []object{{"name": "idtyp"}}},
	})
	d.graph(t, http.MethodPatch, "/applications/"+d.api, object{"identifierUris": []string{"api://" + d.Audience}})
	d.graph(t, http.MethodPatch, "/servicePrincipals/"+d.apiSP, object{"appRoleAssignmentRequired": true})
	var portal, export string
	d.portal, portal, d.portalSP = d.register(t, object{"displayName": d.name + " portal", "spa": object{"redirectUris": []string{callback}}})
	d.export, export, d.exportSP = d.register(t, object{"displayName": d.name + " export"})
	d.Clients = map[string]string{"portal": portal, "export": export}
	d.addSecret(t, d.export, rotate.CredentialName("11111111-1111-4111-8111-111111111111"))
	d.userID = d.graph(t, http.MethodGet, "/users/alice@contoso.onmicrosoft.com", nil)["id"].(string)
	d.scopeGrant = d.grant(t, d.portalSP, "Orders.Read", "")
	d.roleGrant = d.assign(t, d.exportSP, exportRole)
	d.assign(t, d.userID, signedRole)
}

func (d *stack) addSecret(t *testing.T, app, name string) {
	t.Helper()
	d.graph(t, http.MethodPost, "/applications/"+app+"/addPassword", object{"passwordCredential": object{
		"displayName": name, "endDateTime": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
	}})
}

// grant is for everybody, unless it is a user's.
func (d *stack) grant(t *testing.T, client, scopes, user string) string {
	t.Helper()
	in := object{"clientId": client, "consentType": "AllPrincipals", "resourceId": d.apiSP, "scope": scopes}
	if user != "" {
		in["consentType"], in["principalId"] = "Principal", user
	}
	return d.graph(t, http.MethodPost, "/oauth2PermissionGrants", in)["id"].(string)
}

func (d *stack) assign(t *testing.T, principal, role string) string {
	t.Helper()
	return d.graph(t, http.MethodPost, "/servicePrincipals/"+d.apiSP+"/appRoleAssignedTo", object{
		"principalId": principal, "resourceId": d.apiSP, "appRoleId": role,
	})["id"].(string)
}

func (d *stack) roleFunction(t *testing.T) {
	t.Helper()
	made, err := d.Clouds.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: &d.name, AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
			`"Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
	})
	require.NoError(t, err)
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	_, err = w.Create("bootstrap")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	function, err := d.Clouds.Lambda.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: &d.name, Role: made.Role.Arn, Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Architectures: []lambdatypes.Architecture{lambdatypes.ArchitectureX8664}, Code: &lambdatypes.FunctionCode{ZipFile: archive.Bytes()},
		Environment: &lambdatypes.Environment{Variables: map[string]string{"ISSUER": d.Issuer, "AUDIENCE": d.Audience}},
	})
	require.NoError(t, err)
	d.function = *function.FunctionArn
}

func (d *stack) inGateway(t *testing.T) {
	t.Helper()
	d.roleFunction(t)
	ctx, gateway := t.Context(), d.Clouds.Gateway
	api, err := gateway.CreateApi(ctx, &apigatewayv2.CreateApiInput{
		Name: &d.name, ProtocolType: types.ProtocolTypeHttp, CorsConfiguration: &types.Cors{
			AllowOrigins: []string{origin}, AllowMethods: []string{"GET"}, AllowHeaders: []string{"authorization"}, MaxAge: aws.Int32(600),
		},
	})
	require.NoError(t, err)
	d.APIID, d.URL = *api.ApiId, *api.ApiEndpoint
	jwt, err := gateway.CreateAuthorizer(ctx, &apigatewayv2.CreateAuthorizerInput{
		ApiId: api.ApiId, Name: aws.String("jwt"), AuthorizerType: types.AuthorizerTypeJwt, IdentitySource: []string{"$request.header.Authorization"},
		JwtConfiguration: &types.JWTConfiguration{Issuer: &d.Issuer, Audience: []string{d.Audience}},
	})
	require.NoError(t, err)
	roles, err := gateway.CreateAuthorizer(ctx, &apigatewayv2.CreateAuthorizerInput{
		ApiId: api.ApiId, Name: aws.String("roles"), AuthorizerType: types.AuthorizerTypeRequest,
		AuthorizerUri:                  aws.String("arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/" + d.function + "/invocations"),
		IdentitySource:                 []string{"$context.routeKey", "$request.header.Authorization", "$stageVariables.policyHash"},
		AuthorizerPayloadFormatVersion: aws.String("2.0"), EnableSimpleResponses: aws.Bool(true), AuthorizerResultTtlInSeconds: aws.Int32(60),
	})
	require.NoError(t, err)
	d.jwt, d.roles = *jwt.AuthorizerId, *roles.AuthorizerId
	integration, err := gateway.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
		ApiId: api.ApiId, IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("ANY"),
		IntegrationUri: aws.String("http://127.0.0.1:1"), PayloadFormatVersion: aws.String("1.0"),
	})
	require.NoError(t, err)
	d.integration = *integration.IntegrationId
	d.route(t, "GET /health", types.AuthorizationTypeNone, "")
	d.route(t, "GET /orders", types.AuthorizationTypeJwt, d.jwt, "Orders.Read")
	d.route(t, "GET /orders/{id}", types.AuthorizationTypeJwt, d.jwt, "Orders.Old", "Orders.Read")
	d.route(t, "GET /export", types.AuthorizationTypeCustom, d.roles)
	_, err = gateway.CreateStage(ctx, &apigatewayv2.CreateStageInput{
		ApiId: api.ApiId, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true),
		DefaultRouteSettings: limits(50, 100), RouteSettings: map[string]types.RouteSettings{"GET /orders/{id}": *limits(5, 10)},
		StageVariables: map[string]string{"policyHash": d.Model.Policy().Hash()},
	})
	require.NoError(t, err)
	d.accessLog(t)
}

func limits(rate float64, burst int32) *types.RouteSettings {
	return &types.RouteSettings{ThrottlingRateLimit: &rate, ThrottlingBurstLimit: &burst}
}

func (d *stack) route(t *testing.T, key string, kind types.AuthorizationType, authorizer string, scopes ...string) {
	t.Helper()
	in := &apigatewayv2.CreateRouteInput{
		ApiId: &d.APIID, RouteKey: &key, AuthorizationType: kind, AuthorizationScopes: scopes, Target: aws.String("integrations/" + d.integration),
	}
	if authorizer != "" {
		in.AuthorizerId = &authorizer
	}
	made, err := d.Clouds.Gateway.CreateRoute(t.Context(), in)
	require.NoError(t, err)
	d.routes[key] = *made.RouteId
}
