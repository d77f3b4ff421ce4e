package apigateway_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/stretchr/testify/require"
)

func TestRoutesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	jwt := b.authorizer("jwt")
	lambda, err := b.CreateAuthorizer(t.Context(), b.lambda("lambda"))
	require.NoError(t, err)
	scopes := make([]string, 11)
	for i := range scopes {
		scopes[i] = fmt.Sprintf("Scope.%d", i)
	}
	const noJWT = "Invalid authorizer ID specified. Setting the authorization type to JWT requires a valid JWT authorizer."
	for name, test := range map[string]struct {
		change func(*apigatewayv2.CreateRouteInput)
		want   string
	}{
		"no authorizer":         {func(in *apigatewayv2.CreateRouteInput) { in.AuthorizerId = nil }, noJWT},
		"absent authorizer":     {func(in *apigatewayv2.CreateRouteInput) { in.AuthorizerId = aws.String("absent") }, noJWT},
		"Lambda authorizer":     {func(in *apigatewayv2.CreateRouteInput) { in.AuthorizerId = lambda.AuthorizerId }, noJWT},
		"custom without Lambda": {func(in *apigatewayv2.CreateRouteInput) { in.AuthorizationType = types.AuthorizationTypeCustom }, "to CUSTOM requires a valid authorizer"},
		"authorizer of none":    {func(in *apigatewayv2.CreateRouteInput) { in.AuthorizationType = types.AuthorizationTypeNone }, "NONE does not take an authorizer"},
		"unknown type":          {func(in *apigatewayv2.CreateRouteInput) { in.AuthorizationType = "COGNITO" }, "Invalid authorizationType"},
		"scopes without JWT": {func(in *apigatewayv2.CreateRouteInput) {
			in.AuthorizationType, in.AuthorizerId, in.AuthorizationScopes = "NONE", nil, []string{"a"}
		}, "Invalid Route authorization type specified. Authorization Scopes are only valid for COGNITO_USER_POOLS and JWT authorization types"},
		"11 scopes":              {func(in *apigatewayv2.CreateRouteInput) { in.AuthorizationScopes = scopes }, "got 11, want at most 10"},
		"long scope":             {func(in *apigatewayv2.CreateRouteInput) { in.AuthorizationScopes = []string{strings.Repeat("s", 65)} }, "want 1 to 64"},
		"empty scope":            {func(in *apigatewayv2.CreateRouteInput) { in.AuthorizationScopes = []string{""} }, "want 1 to 64"},
		"target of another form": {func(in *apigatewayv2.CreateRouteInput) { in.Target = aws.String("https://a.example") }, "want integrations/INTEGRATION_ID"},
		"API key":                {func(in *apigatewayv2.CreateRouteInput) { in.ApiKeyRequired = aws.Bool(true) }, "apiKeyRequired is not supported"},
		"model selection":        {func(in *apigatewayv2.CreateRouteInput) { in.ModelSelectionExpression = aws.String("x") }, "not supported"},
		"response selection":     {func(in *apigatewayv2.CreateRouteInput) { in.RouteResponseSelectionExpression = aws.String("x") }, "not supported"},
		"request models":         {func(in *apigatewayv2.CreateRouteInput) { in.RequestModels = map[string]string{"a": "b"} }, "not supported"},
		"request parameters": {func(in *apigatewayv2.CreateRouteInput) {
			in.RequestParameters = map[string]types.ParameterConstraints{"a": {}}
		}, "not supported"},
		"long operation name": {func(in *apigatewayv2.CreateRouteInput) { in.OperationName = aws.String(strings.Repeat("n", 65)) }, "operationName"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &apigatewayv2.CreateRouteInput{ApiId: &b.apiID, RouteKey: aws.String("GET /" + strings.ReplaceAll(name, " ", "-")), AuthorizationType: types.AuthorizationTypeJwt, AuthorizerId: jwt}
			test.change(in)
			_, err := b.CreateRoute(t.Context(), in)
			refused[*types.BadRequestException](t, err, test.want)
		})
	}
}

func TestRouteKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const format = `Format should be "<HTTP METHOD> /<RESOURCE PATH>" or "$default"`
	for key, want := range map[string]string{
		"":                     "Route key is required",
		"GET orders":           format,
		"$connect":             format,
		"GET /{proxy+}/orders": `Invalid route key "GET /{proxy+}/orders": the greedy path variable {proxy+} must be the last segment`,
		"GET /orders/":         `got the segment ""`,
		"GET /{a}/{a}":         "path variable a occurs twice",
	} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			_, err := b.CreateRoute(t.Context(), &apigatewayv2.CreateRouteInput{ApiId: &b.apiID, RouteKey: aws.String(key)})
			refused[*types.BadRequestException](t, err, want)
		})
	}
}

func TestRouteKeysThatAreTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, key := range []string{
		"$default", "GET /", "ANY /{proxy+}", "GET /orders", "POST /orders", "GET /orders/{id}",
		"DELETE /a/{b}/c/{d+}", "PATCH /v1.0/$metadata", "OPTIONS /{order-id}", "GET /a%20b",
	} {
		b.route(key)
	}
	_, err := b.CreateRoute(t.Context(), &apigatewayv2.CreateRouteInput{ApiId: &b.apiID, RouteKey: aws.String("GET /orders")})
	refused[*types.ConflictException](t, err, "Route with key GET /orders already exists for this API")
	_, err = b.CreateRoute(t.Context(), &apigatewayv2.CreateRouteInput{ApiId: &b.apiID, RouteKey: aws.String("GET /orders/{order}/lines")})
	refused[*types.ConflictException](t, err,
		`The provided route key "GET /orders/{order}/lines" has a conflicting variable on the same hierarchical level as "GET /orders/{id}"`)
}

func TestARouteIsUpdatedInParts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	jwt, backend := b.authorizer("jwt"), b.integration()
	created, err := b.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{
		ApiId: &b.apiID, RouteKey: aws.String("GET /a"), Target: aws.String("integrations/" + *backend),
		AuthorizationType: types.AuthorizationTypeJwt, AuthorizerId: jwt, AuthorizationScopes: []string{"Orders.Read"},
	})
	require.NoError(t, err)
	update := func(change func(*apigatewayv2.UpdateRouteInput)) (*apigatewayv2.UpdateRouteOutput, error) {
		in := &apigatewayv2.UpdateRouteInput{ApiId: &b.apiID, RouteId: created.RouteId}
		change(in)
		return b.UpdateRoute(ctx, in)
	}
	got, err := update(func(in *apigatewayv2.UpdateRouteInput) { in.AuthorizationScopes = []string{"Orders.Write"} })
	require.NoError(t, err)
	require.Equal(t, jwt, got.AuthorizerId)
	require.Equal(t, []string{"Orders.Write"}, got.AuthorizationScopes)

	_, err = update(func(in *apigatewayv2.UpdateRouteInput) { in.AuthorizerId = jwt })
	refused[*types.BadRequestException](t, err, "Unable to update route. Authorizer type is invalid or null.")
	_, err = update(func(in *apigatewayv2.UpdateRouteInput) { in.AuthorizationType = types.AuthorizationTypeNone })
	refused[*types.BadRequestException](t, err, "Authorization Scopes are only valid")
	_, err = update(func(in *apigatewayv2.UpdateRouteInput) { in.Target = aws.String("integrations/absent") })
	refused[*types.NotFoundException](t, err, "Invalid Integration identifier specified")
	b.route("GET /b")
	_, err = update(func(in *apigatewayv2.UpdateRouteInput) { in.RouteKey = aws.String("GET /b") })
	refused[*types.ConflictException](t, err, "Route with key GET /b already exists for this API")

	// As terraform-provider-aws takes the authorization off.
	got, err = update(func(in *apigatewayv2.UpdateRouteInput) {
		in.AuthorizationType, in.AuthorizerId, in.AuthorizationScopes = types.AuthorizationTypeNone, aws.String(""), []string{}
	})
	require.NoError(t, err)
	require.Equal(t, types.AuthorizationTypeNone, got.AuthorizationType)
	require.Empty(t, got.AuthorizationScopes)
	require.Equal(t, "integrations/"+*backend, *got.Target)

	got, err = update(func(in *apigatewayv2.UpdateRouteInput) { in.RouteKey = aws.String("GET /c") })
	require.NoError(t, err)
	require.Equal(t, "GET /c", *got.RouteKey)
}

func TestConcurrentChangesAreAllKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.stage("$default", func(in *apigatewayv2.CreateStageInput) { in.AutoDeploy = aws.Bool(true) })
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			_, err := b.CreateRoute(t.Context(), &apigatewayv2.CreateRouteInput{ApiId: &b.apiID, RouteKey: aws.String(fmt.Sprintf("GET /%d", i))})
			if err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			_, stages, _, _ := b.service.Deployed(b.apiID)
			for _, deployment := range stages {
				if deployment == nil {
					continue
				}
				for _, route := range deployment.Routes {
					_ = route.RouteKey
				}
			}
		})
	}
	wg.Wait()
	_, stages, _, _ := b.service.Deployed(b.apiID)
	for _, deployment := range stages {
		require.Len(t, deployment.Routes, 20)
	}
}
