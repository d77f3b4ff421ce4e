package verify

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/cmd/entragate/internal/drift/deployed"
	"github.com/entragate/entragate/cmd/entragate/internal/sandboxtest"
	"github.com/entragate/entragate/issuer"
	"github.com/entragate/entragate/sandbox"
)

type object = map[string]any

const (
	readScope  = "0c0f1b32-1111-4111-8111-111111111111"
	signedRole = "0c0f1b32-4444-4444-8444-444444444444"
)

// real is a deployment that was made by hand, in a sandbox that is taken for real
// accounts.
type real struct {
	env      map[string]string
	settings sandbox.Settings
	clouds   *clouds.Clouds
	tenant   issuer.Tenant
	target   Target
	apiID    string
	routes   map[string]string
}

func newReal(t *testing.T) *real {
	t.Helper()
	settings, env := sandboxtest.Serve(t)
	r := &real{settings: settings, env: env, routes: map[string]string{}}
	var err error
	r.clouds, err = clouds.Sandbox(r.env)
	require.NoError(t, err)
	r.tenant = issuer.Tenant{ID: settings.TenantID, LoginHost: r.env["ARM_METADATA_HOSTNAME"]}
	r.inEntra(t)
	r.inGateway(t)
	return r
}

func (r *real) graph(t *testing.T, method, path string, in any) object {
	t.Helper()
	out := object{}
	var into any = &out
	if method == http.MethodPatch {
		into = nil
	}
	require.NoError(t, r.clouds.Graph.Call(t.Context(), method, path, in, into))
	return out
}

func (r *real) register(t *testing.T, settings object) (app, clientID, principal string) {
	t.Helper()
	settings["signInAudience"] = "AzureADMyOrg"
	made := r.graph(t, http.MethodPost, "/applications", settings)
	sp := r.graph(t, http.MethodPost, "/servicePrincipals", object{"appId": made["appId"]})
	return made["id"].(string), made["appId"].(string), sp["id"].(string)
}

func (r *real) inEntra(t *testing.T) {
	t.Helper()
	api, audience, apiSP := r.register(t, object{
		"displayName": "orders",
		"api": object{"requestedAccessTokenVersion": 2, "oauth2PermissionScopes": []object{{
			"id": readScope, "value": "Orders.Read", "type": "Admin", "isEnabled": true, "adminConsentDisplayName": "r", "adminConsentDescription": "r",
		}}},
		"appRoles": []object{{
			"id": signedRole, "value": nil, "displayName": "a", "description": "a", "allowedMemberTypes": []string{"User"}, "isEnabled": true,
		}},
	})
	r.graph(t, http.MethodPatch, "/applications/"+api, object{"identifierUris": []string{"api://" + audience}})
	r.graph(t, http.MethodPatch, "/servicePrincipals/"+apiSP, object{"appRoleAssignmentRequired": true})
	_, portal, portalSP := r.register(t, object{
		"displayName": "portal", "isFallbackPublicClient": true, "publicClient": object{"redirectUris": []string{"http://localhost"}},
	})
	exportApp, export, _ := r.register(t, object{"displayName": "export"})
	graphSP := r.graph(t, http.MethodGet, "/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')", nil)["id"]
	for resource, scope := range map[any]string{apiSP: "Orders.Read", graphSP: "openid profile offline_access"} {
		r.graph(t, http.MethodPost, "/oauth2PermissionGrants", object{
			"clientId": portalSP, "consentType": "AllPrincipals", "resourceId": resource, "scope": scope,
		})
	}
	user := r.graph(t, http.MethodGet, "/users/"+Assigned, nil)["id"].(string)
	r.graph(t, http.MethodPost, "/servicePrincipals/"+apiSP+"/appRoleAssignedTo", object{
		"principalId": user, "resourceId": apiSP, "appRoleId": signedRole,
	})
	secret := r.graph(t, http.MethodPost, "/applications/"+exportApp+"/addPassword", object{"passwordCredential": object{"displayName": "x"}})
	stored, err := json.Marshal(object{
		"clientId": export, "tenantId": r.tenant.ID, "authority": r.env["ENTRA_AUTHORITY"], "scope": audience + "/.default",
		"clientSecret": secret["secretText"], "keyId": secret["keyId"], "expiresAt": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
	})
	require.NoError(t, err)
	kept, err := r.clouds.SecretsManager.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{
		Name: aws.String("export"), SecretString: aws.String(string(stored)),
	})
	require.NoError(t, err)
	r.target = Target{
		Audience: audience, Clients: map[string]string{"portal": portal, "export": export},
		Scopes: map[string]string{"Orders.Read": "api://" + audience + "/Orders.Read"}, Secrets: map[string]string{"export": *kept.ARN},
		Model: access.Model{
			Scopes: []access.Scope{{Value: "Orders.Read", Title: "r"}},
			Clients: []access.Client{
				{Name: "portal", Kind: access.ClientNative, Scopes: []string{"Orders.Read"}, RedirectURIs: []string{"http://localhost"}},
				{Name: "export", Kind: access.ClientDaemon},
			},
			Routes: []access.Route{
				{Key: "GET /health", Public: "load balancers have no token"},
				{Key: "GET /orders", Scopes: []string{"Orders.Read"}},
				{Key: "GET /orders/{id}", Scopes: []string{"Orders.Read"}},
				{Key: "POST /orders", Scopes: []string{"Orders.Read"}},
				{Key: "GET /gone", Scopes: []string{"Orders.Read"}},
				{Key: "GET /forbidden", Scopes: []string{"Orders.Read"}},
			},
			Assignment: access.Assignment{Users: []string{user}},
		},
	}
}

// backend repeats no probe, as real ones do not.
func backend(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/gone":
		w.WriteHeader(http.StatusNotFound)
	case "/forbidden":
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"error":"not yours"}`))
	}
}

func (r *real) inGateway(t *testing.T) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(backend))
	t.Cleanup(server.Close)
	ctx, gateway := t.Context(), r.clouds.Gateway
	api, err := gateway.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("orders"), ProtocolType: types.ProtocolTypeHttp})
	require.NoError(t, err)
	r.apiID, r.target.URL = *api.ApiId, *api.ApiEndpoint
	jwt, err := gateway.CreateAuthorizer(ctx, &apigatewayv2.CreateAuthorizerInput{
		ApiId: api.ApiId, Name: aws.String("jwt"), AuthorizerType: types.AuthorizerTypeJwt, IdentitySource: []string{"$request.header.Authorization"},
		JwtConfiguration: &types.JWTConfiguration{Issuer: aws.String(r.tenant.Issuer()), Audience: []string{r.target.Audience}},
	})
	require.NoError(t, err)
	for _, route := range r.target.Model.Routes {
		key, err := access.ParseRouteKey(route.Key)
		require.NoError(t, err)
		integration, err := gateway.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
			ApiId: api.ApiId, IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: aws.String(key.Method),
			IntegrationUri: aws.String(server.URL + key.Path()), PayloadFormatVersion: aws.String("1.0"),
		})
		require.NoError(t, err)
		in := &apigatewayv2.CreateRouteInput{
			ApiId: api.ApiId, RouteKey: &route.Key, AuthorizationType: types.AuthorizationTypeNone,
			Target: aws.String("integrations/" + *integration.IntegrationId),
		}
		if !route.IsPublic() {
			in.AuthorizationType, in.AuthorizerId, in.AuthorizationScopes = types.AuthorizationTypeJwt, jwt.AuthorizerId, route.Scopes
		}
		made, err := gateway.CreateRoute(ctx, in)
		require.NoError(t, err)
		r.routes[route.Key] = *made.RouteId
	}
	_, err = gateway.CreateStage(ctx, &apigatewayv2.CreateStageInput{
		ApiId: api.ApiId, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true),
		DefaultRouteSettings: &types.RouteSettings{ThrottlingRateLimit: aws.Float64(1000), ThrottlingBurstLimit: aws.Int32(1000)},
	})
	require.NoError(t, err)
}

// deployment reads back what there is, and lets calls go at once.
func (r *real) deployment(t *testing.T, o AccountsOptions) *Deployment {
	t.Helper()
	o.Target, o.TenantID, o.Authority, o.Graph, o.Stored = r.target, r.tenant.ID, r.env["ENTRA_AUTHORITY"], r.clouds.Graph, r.clouds.SecretsManager
	o.HTTP, o.Now = r.clouds.HTTP, r.settings.Now
	tokens, err := NewAccounts(o)
	require.NoError(t, err)
	state, err := deployed.Read(t.Context(), deployed.Source{
		Clouds: r.clouds, URL: r.target.URL, APIID: r.apiID, Audience: r.target.Audience, Clients: r.target.Clients,
	})
	require.NoError(t, err)
	require.Empty(t, state.Unread)
	return &Deployment{
		Target: r.target, Tokens: tokens, State: state, Issuer: r.tenant.Issuer(), HTTP: r.clouds.HTTP,
		Probes: map[string]Probe{"GET /orders/{id}": {Path: "/orders/0"}},
		pace:   func(ctx context.Context) error { return ctx.Err() },
	}
}
