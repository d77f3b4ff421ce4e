package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/entragate/entragate/access"
)

const (
	// pageSize is what one page of a list of API Gateway holds at most.
	pageSize = "500"
	// defaultStage is the only stage.
	defaultStage = "$default"
	// fromHeader is where authorizers find the token.
	fromHeader = "$request.header.Authorization"
)

// all reads every page of a list; none follows when fetch returns no token.
func all[T any](fetch func(next *string) ([]T, *string, error)) ([]T, error) {
	var items []T
	var next *string
	for {
		page, following, err := fetch(next)
		if err != nil {
			return nil, err
		}
		items = append(items, page...)
		if aws.ToString(following) == "" {
			return items, nil
		}
		next = following
	}
}

// gateway looks at the API, its authorizers and its routes, and at what Entra
// must have for them.
func (x *examination) gateway(ctx context.Context) {
	x.tokens(ctx)
	subject := "api " + x.Outputs.APIID
	api, err := x.Clouds.Gateway.GetApi(ctx, &apigatewayv2.GetApiInput{ApiId: &x.Outputs.APIID})
	switch {
	case gone(err):
		x.fail(subject, "there is no such API in this account and region",
			"look into another account or region, or run `pulumi refresh`, then `pulumi up`")
		return
	case err != nil:
		x.unable(subject, err)
		return
	case aws.ToBool(api.DisableExecuteApiEndpoint) && x.Outputs.URL == aws.ToString(api.ApiEndpoint):
		x.fail(subject, "its endpoint is turned off, and callers are told "+x.Outputs.URL, deploy)
	default:
		x.ok(subject, "exists")
	}
	authorizers, err := x.authorizers(ctx)
	if err != nil {
		x.unable("authorizers", err)
		return
	}
	for _, a := range authorizers {
		if a.AuthorizerType == types.AuthorizerTypeJwt {
			x.jwtAuthorizer(a)
		} else {
			x.lambdaAuthorizer(ctx, a)
		}
	}
	routes, err := x.gatewayRoutes(ctx)
	if err != nil {
		x.unable("routes", err)
		return
	}
	x.routes(routes, authorizers)
	x.policyInForce(ctx)
}

func (x *examination) authorizers(ctx context.Context) ([]types.Authorizer, error) {
	return all(func(next *string) ([]types.Authorizer, *string, error) {
		page, err := x.Clouds.Gateway.GetAuthorizers(ctx, &apigatewayv2.GetAuthorizersInput{
			ApiId: &x.Outputs.APIID, MaxResults: aws.String(pageSize), NextToken: next,
		})
		if err != nil {
			return nil, nil, err
		}
		return page.Items, page.NextToken, nil
	})
}

func (x *examination) gatewayRoutes(ctx context.Context) ([]types.Route, error) {
	return all(func(next *string) ([]types.Route, *string, error) {
		page, err := x.Clouds.Gateway.GetRoutes(ctx, &apigatewayv2.GetRoutesInput{
			ApiId: &x.Outputs.APIID, MaxResults: aws.String(pageSize), NextToken: next,
		})
		if err != nil {
			return nil, nil, err
		}
		return page.Items, page.NextToken, nil
	})
}

func authorizerSubject(a types.Authorizer) string {
	return fmt.Sprintf("authorizer %s (%s)", aws.ToString(a.Name), aws.ToString(a.AuthorizerId))
}

// jwtAuthorizer compares what API Gateway compares tokens with.
func (x *examination) jwtAuthorizer(a types.Authorizer) {
	subject := authorizerSubject(a)
	var jwt types.JWTConfiguration
	if a.JwtConfiguration != nil {
		jwt = *a.JwtConfiguration
	}
	x.want(subject, "issuer", aws.ToString(jwt.Issuer), x.Tenant.Issuer(), "every token is refused with 401: "+deploy)
	// Any further audience would let tokens of another API in.
	x.want(subject, "audience", strings.Join(jwt.Audience, " "), x.Outputs.Audience,
		"it is the API's client id, not its URI, and nothing besides: "+deploy)
	x.want(subject, "identity source", strings.Join(a.IdentitySource, " "), fromHeader, deploy)
}

// routes compares the routes with the model, both ways.
func (x *examination) routes(found []types.Route, authorizers []types.Authorizer) {
	byKey := map[string]types.Route{}
	for _, r := range found {
		byKey[aws.ToString(r.RouteKey)] = r
	}
	declared := map[string]bool{}
	for _, route := range x.Model.Routes {
		declared[route.Key] = true
		got, ok := byKey[route.Key]
		if !ok {
			x.fail("route "+route.Key, "the API has no such route", deploy)
			continue
		}
		x.route(route, got, authorizers)
	}
	for _, r := range found {
		key := aws.ToString(r.RouteKey)
		switch {
		case declared[key]:
		case r.AuthorizationType == types.AuthorizationTypeNone || r.AuthorizationType == "":
			x.fail("route "+key, "it is open to everybody, and the configuration does not know it",
				"delete it, or declare who may call it")
		default:
			x.warn("route "+key, fmt.Sprintf("the configuration does not know it; its authorization type is %s", r.AuthorizationType),
				"delete it, or declare who may call it")
		}
	}
}

// route compares one route with the model.
func (x *examination) route(want access.Route, got types.Route, authorizers []types.Authorizer) {
	subject := "route " + want.Key
	kind, authorizer := types.AuthorizationTypeJwt, types.AuthorizerTypeJwt
	var scopes []string
	switch {
	case want.IsPublic():
		kind = types.AuthorizationTypeNone
	case want.HasRoles():
		kind, authorizer = types.AuthorizationTypeCustom, types.AuthorizerTypeRequest
	default:
		scopes = want.Scopes
	}
	if got.AuthorizationType == types.AuthorizationTypeNone && kind != types.AuthorizationTypeNone {
		x.fail(subject, fmt.Sprintf("it is open to everybody: authorization type NONE, want %s", kind), deploy)
		return
	}
	if !x.want(subject, "authorization type", string(got.AuthorizationType), string(kind), deploy) || kind == types.AuthorizationTypeNone {
		return
	}
	if !slices.ContainsFunc(authorizers, func(a types.Authorizer) bool {
		return aws.ToString(a.AuthorizerId) == aws.ToString(got.AuthorizerId) && a.AuthorizerType == authorizer
	}) {
		x.fail(subject, fmt.Sprintf("authorizer: got %q, want one of type %s", aws.ToString(got.AuthorizerId), authorizer), deploy)
	}
	if kind == types.AuthorizationTypeJwt {
		why := deploy
		if len(got.AuthorizationScopes) == 0 {
			why = "any token for the API may call, whatever its scopes: " + deploy
		}
		x.want(subject, "scopes", sorted(got.AuthorizationScopes), sorted(scopes), why)
	}
}

// sorted are values in one text, whatever their order.
func sorted(values []string) string {
	return strings.Join(slices.Sorted(slices.Values(values)), " ")
}

// stage is the API's only stage.
func (x *examination) stage(ctx context.Context) (*apigatewayv2.GetStageOutput, bool) {
	stage, err := x.Clouds.Gateway.GetStage(ctx, &apigatewayv2.GetStageInput{ApiId: &x.Outputs.APIID, StageName: aws.String(defaultStage)})
	switch {
	case gone(err):
		x.fail("stage "+defaultStage, "the API has no such stage, and answers 404 to everything", deploy)
	case err != nil:
		x.unable("stage "+defaultStage, err)
	}
	return stage, err == nil
}
