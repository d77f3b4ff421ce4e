package verify

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
)

func (r *real) jwt(t *testing.T, audience ...string) {
	t.Helper()
	found, err := r.clouds.Gateway.GetAuthorizers(t.Context(), &apigatewayv2.GetAuthorizersInput{ApiId: &r.apiID})
	require.NoError(t, err)
	_, err = r.clouds.Gateway.UpdateAuthorizer(t.Context(), &apigatewayv2.UpdateAuthorizerInput{
		ApiId: &r.apiID, AuthorizerId: found.Items[0].AuthorizerId,
		JwtConfiguration: &types.JWTConfiguration{Issuer: aws.String(r.tenant.Issuer()), Audience: audience},
	})
	require.NoError(t, err)
}

func (r *real) patch(t *testing.T, path string, in object) {
	t.Helper()
	r.graph(t, http.MethodPatch, path, in)
}

// TestWhatIsReadImpliesWhatIsSeen proves the decisions that stand in for calls:
// after each change, every caller calls, and what was read says what they see.
func TestWhatIsReadImpliesWhatIsSeen(t *testing.T) {
	t.Parallel()
	application := func(clientID string) string { return "/applications(appId='" + clientID + "')" }
	principal := func(clientID string) string { return "/servicePrincipals(appId='" + clientID + "')" }
	for name, change := range map[string]func(*testing.T, *real){
		"nothing": func(*testing.T, *real) {},
		"an open route": func(t *testing.T, r *real) {
			_, err := r.clouds.Gateway.UpdateRoute(t.Context(), &apigatewayv2.UpdateRouteInput{
				ApiId: &r.apiID, RouteId: aws.String(r.routes["GET /orders"]), AuthorizationType: types.AuthorizationTypeNone, AuthorizationScopes: []string{},
			})
			require.NoError(t, err)
		},
		"no scope, and nobody need be assigned": func(t *testing.T, r *real) {
			_, err := r.clouds.Gateway.UpdateRoute(t.Context(), &apigatewayv2.UpdateRouteInput{
				ApiId: &r.apiID, RouteId: aws.String(r.routes["GET /orders"]), AuthorizationScopes: []string{},
			})
			require.NoError(t, err)
			r.patch(t, principal(r.target.Audience), object{"appRoleAssignmentRequired": false})
		},
		"another scope": func(t *testing.T, r *real) {
			_, err := r.clouds.Gateway.UpdateRoute(t.Context(), &apigatewayv2.UpdateRouteInput{
				ApiId: &r.apiID, RouteId: aws.String(r.routes["GET /orders"]), AuthorizationScopes: []string{"Orders.Write"},
			})
			require.NoError(t, err)
		},
		"another audience": func(t *testing.T, r *real) { r.jwt(t, "api://"+r.target.Audience) },
		"the client's too": func(t *testing.T, r *real) { r.jwt(t, r.target.Audience, r.target.Clients["portal"]) },
		"nobody is assigned": func(t *testing.T, r *real) {
			r.patch(t, principal(r.target.Audience), object{"appRoleAssignmentRequired": false})
		},
		"tokens of v1": func(t *testing.T, r *real) {
			r.patch(t, application(r.target.Audience), object{"api": object{"requestedAccessTokenVersion": 1}})
		},
		"users may consent": func(t *testing.T, r *real) {
			scope := object{
				"id": readScope, "value": "Orders.Read", "type": "Admin", "isEnabled": false, "adminConsentDisplayName": "r", "adminConsentDescription": "r",
			}
			expose := func() {
				r.patch(t, application(r.target.Audience), object{"api": object{"oauth2PermissionScopes": []object{scope}}})
			}
			expose() // Entra wants it so
			scope["type"], scope["isEnabled"], scope["userConsentDisplayName"], scope["userConsentDescription"] = "User", true, "r", "r"
			expose()
		},
		"the endpoint is off": func(t *testing.T, r *real) {
			_, err := r.clouds.Gateway.UpdateApi(t.Context(), &apigatewayv2.UpdateApiInput{ApiId: &r.apiID, DisableExecuteApiEndpoint: aws.Bool(true)})
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReal(t)
			change(t, r)
			r.target.Secrets = map[string]string{}
			model := r.target.Model
			model.Routes = model.Routes[:2] // whose backend answers with success
			tokens := NewSandbox(r.target, r.settings, r.env, r.clouds)
			t.Cleanup(func() { require.NoError(t, tokens.Close(t.Context())) })
			// What was read is what a caller does by it: who signs in by which client.
			implied := r.deployment(t, AccountsOptions{}).State.Implied(model, r.tenant.Issuer())
			require.Empty(t, implied.Unknown)
			mx := model.Matrix()
			mx.Cells = implied.Matrix.Cells
			observed, err := (&Prober{URL: r.target.URL, Tokens: tokens, HTTP: r.clouds.HTTP}).Observe(t.Context(), mx)
			require.NoError(t, err)
			for _, route := range mx.Routes {
				for _, caller := range mx.Callers {
					decision, known := implied.Matrix.At(route, caller.ID)
					require.True(t, known, "%s as %s", route, caller.ID)
					o := observed[route][caller.ID]
					if o.Status == http.StatusNotFound { // of the gateway, since no backend here answers so
						o.Outcome = access.OutcomeRefused
					}
					if name == "the endpoint is off" && o.Outcome == access.OutcomeNoToken {
						continue // it does not come so far
					}
					require.True(t, decision.Agrees(o), "%s as %s: implied %s, observed %+v", route, caller.ID, decision.Words, o)
				}
			}
		})
	}
}
