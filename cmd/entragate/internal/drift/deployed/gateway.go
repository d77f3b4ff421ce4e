package deployed

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// DefaultStage is the only stage that a stack deploys.
const DefaultStage = "$default"

// Gateway is an HTTP API of API Gateway.
type Gateway struct {
	Found bool
	// Endpoint is the address that API Gateway gave it; EndpointOff says that it
	// answers nothing there.
	Endpoint    string
	EndpointOff bool
	CORS        *types.Cors
	Authorizers []types.Authorizer
	Routes      []types.Route
	Stages      []types.Stage
	// Functions are the environment variables of the authorizers' functions, by
	// ARN; a function that does not exist is not among them.
	Functions map[string]map[string]string
}

// Authorizer finds one by id.
func (g Gateway) Authorizer(id string) (types.Authorizer, bool) {
	for _, a := range g.Authorizers {
		if aws.ToString(a.AuthorizerId) == id {
			return a, true
		}
	}
	return types.Authorizer{}, false
}

// Route finds one by key.
func (g Gateway) Route(key string) (types.Route, bool) {
	for _, r := range g.Routes {
		if aws.ToString(r.RouteKey) == key {
			return r, true
		}
	}
	return types.Route{}, false
}

// Stage finds one by name.
func (g Gateway) Stage(name string) (types.Stage, bool) {
	for _, s := range g.Stages {
		if aws.ToString(s.StageName) == name {
			return s, true
		}
	}
	return types.Stage{}, false
}

// Throttle is what limits a route: its own settings, or those of the stage. A
// limit that is left out is zero.
// https://github.com/pulumi/pulumi-aws/issues/2363
func Throttle(s types.Stage, route string) (rate float64, burst int) {
	settings, own := s.RouteSettings[route]
	if !own && s.DefaultRouteSettings != nil {
		settings = *s.DefaultRouteSettings
	}
	return aws.ToFloat64(settings.ThrottlingRateLimit), int(aws.ToInt32(settings.ThrottlingBurstLimit))
}

// FunctionOf is the ARN of the function that an authorizer calls, or "". Its URI
// is such as "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/<arn>/invocations".
func FunctionOf(a types.Authorizer) string {
	_, rest, _ := strings.Cut(aws.ToString(a.AuthorizerUri), "/functions/")
	function, ok := strings.CutSuffix(rest, "/invocations")
	if !ok {
		return ""
	}
	return function
}

func (s *State) readGateway(ctx context.Context, from Source) {
	client, id := from.Clouds.Gateway, aws.String(from.APIID)
	s.part(PartAPI, readGateway, func() error {
		api, err := client.GetApi(ctx, &apigatewayv2.GetApiInput{ApiId: id})
		if _, gone := errors.AsType[*types.NotFoundException](err); gone {
			return nil
		}
		if err != nil {
			return err
		}
		s.Gateway.Found, s.Gateway.Endpoint = true, aws.ToString(api.ApiEndpoint)
		s.Gateway.EndpointOff, s.Gateway.CORS = aws.ToBool(api.DisableExecuteApiEndpoint), api.CorsConfiguration
		return nil
	})
	if !s.Gateway.Found && s.Knows(PartAPI) {
		return // there is nothing to read of it
	}
	s.part(PartAuthorizers, readGateway, func() (err error) {
		s.Gateway.Authorizers, err = pages(func(next *string) ([]types.Authorizer, *string, error) {
			page, err := client.GetAuthorizers(ctx, &apigatewayv2.GetAuthorizersInput{ApiId: id, NextToken: next})
			if err != nil {
				return nil, nil, err
			}
			return page.Items, page.NextToken, nil
		})
		return err
	})
	s.part(PartRoutes, readGateway, func() (err error) {
		s.Gateway.Routes, err = pages(func(next *string) ([]types.Route, *string, error) {
			page, err := client.GetRoutes(ctx, &apigatewayv2.GetRoutesInput{ApiId: id, NextToken: next})
			if err != nil {
				return nil, nil, err
			}
			return page.Items, page.NextToken, nil
		})
		return err
	})
	s.part(PartStages, readGateway, func() (err error) {
		s.Gateway.Stages, err = pages(func(next *string) ([]types.Stage, *string, error) {
			page, err := client.GetStages(ctx, &apigatewayv2.GetStagesInput{ApiId: id, NextToken: next})
			if err != nil {
				return nil, nil, err
			}
			return page.Items, page.NextToken, nil
		})
		return err
	})
	s.part(PartFunctions, readFunction, func() error { return s.readFunctions(ctx, from.Clouds.Lambda) })
}

func (s *State) readFunctions(ctx context.Context, client *lambda.Client) error {
	s.Gateway.Functions = map[string]map[string]string{}
	for _, a := range s.Gateway.Authorizers {
		function := FunctionOf(a)
		if function == "" {
			continue
		}
		found, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &function})
		if _, gone := errors.AsType[*lambdatypes.ResourceNotFoundException](err); gone {
			continue
		}
		if err != nil {
			return err
		}
		s.Gateway.Functions[function] = map[string]string{}
		if found.Environment != nil {
			s.Gateway.Functions[function] = found.Environment.Variables
		}
	}
	return nil
}

// pages reads every page of a list; none follows when fetch returns no token.
func pages[T any](fetch func(next *string) ([]T, *string, error)) ([]T, error) {
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
