package orphans

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	gatewaytypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/components"
)

// pageSize is what one page of a list of API Gateway holds at most.
const pageSize = "500"

// tagged tells by its tags whether something belongs to the stack.
type tagged func(tags map[string]string) bool

// tagsOf are tags as a map; each SDK has its own form of them.
func tagsOf[T any](tags []T, of func(T) (key, value *string)) map[string]string {
	result := map[string]string{}
	for _, tag := range tags {
		key, value := of(tag)
		result[aws.ToString(key)] = aws.ToString(value)
	}
	return result
}

// awsObjects are the stack's HTTP APIs, functions, secrets, rules, topics and log
// groups with all below them, the roles of functions, alarms and keys.
func awsObjects(ctx context.Context, c *clouds.Clouds, s Stack) ([]Object, error) {
	mine := tagged(func(tags map[string]string) bool {
		return tags[components.TagProject] == s.Project && tags[components.TagStack] == s.Name
	})
	var objects []Object
	for _, list := range []func() ([]Object, error){
		func() ([]Object, error) { return apiObjects(ctx, c.Gateway, mine) },
		func() ([]Object, error) { return functionObjects(ctx, c.Lambda, mine) },
		func() ([]Object, error) { return roleObjects(ctx, c.IAM, mine) },
		func() ([]Object, error) { return secretObjects(ctx, c.SecretsManager, mine) },
		func() ([]Object, error) { return ruleObjects(ctx, c.Events, mine) },
		func() ([]Object, error) { return alarmObjects(ctx, c.CloudWatch, mine) },
		func() ([]Object, error) { return topicObjects(ctx, c.SNS, mine) },
		func() ([]Object, error) { return logObjects(ctx, c, mine) },
		func() ([]Object, error) { return keyObjects(ctx, c.KMS, mine) },
	} {
		listed, err := list()
		if err != nil {
			return nil, err
		}
		objects = append(objects, listed...)
	}
	return objects, nil
}

// apiObjects are the stack's HTTP APIs with all below them.
func apiObjects(ctx context.Context, gateway *apigatewayv2.Client, mine tagged) ([]Object, error) {
	apis, err := all(func(next *string) ([]gatewaytypes.Api, *string, error) {
		page, err := gateway.GetApis(ctx, &apigatewayv2.GetApisInput{MaxResults: aws.String(pageSize), NextToken: next})
		if err != nil {
			return nil, nil, err
		}
		return page.Items, page.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	var objects []Object
	for _, api := range apis {
		if !mine(api.Tags) {
			continue
		}
		objects = append(objects, Object{
			Cloud: "aws", Type: typeAPI, ID: aws.ToString(api.ApiId), Name: aws.ToString(api.Name),
			importID: aws.ToString(api.ApiId), distinct: map[string]string{"name": aws.ToString(api.Name)},
		})
		below, err := belowAPI(ctx, gateway, aws.ToString(api.ApiId))
		if err != nil {
			return nil, err
		}
		objects = append(objects, below...)
	}
	return objects, nil
}

// belowAPI lists what an API consists of. Of these only stages can carry tags.
func belowAPI(ctx context.Context, gateway *apigatewayv2.Client, api string) ([]Object, error) {
	var objects []Object
	add := func(kind string, id, name *string, property string) {
		objects = append(objects, Object{
			Cloud: "aws", Type: kind, ID: aws.ToString(id), Parent: api, Name: aws.ToString(name),
			importID: api + "/" + aws.ToString(id),
			distinct: map[string]string{"apiId": api, property: aws.ToString(name)},
		})
	}
	size := aws.String(pageSize)
	routes, err := all(func(next *string) ([]gatewaytypes.Route, *string, error) {
		page, err := gateway.GetRoutes(ctx, &apigatewayv2.GetRoutesInput{ApiId: &api, MaxResults: size, NextToken: next})
		if err != nil {
			return nil, nil, ignoreGone(err)
		}
		return page.Items, page.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	integrations, err := all(func(next *string) ([]gatewaytypes.Integration, *string, error) {
		page, err := gateway.GetIntegrations(ctx, &apigatewayv2.GetIntegrationsInput{ApiId: &api, MaxResults: size, NextToken: next})
		if err != nil {
			return nil, nil, ignoreGone(err)
		}
		return page.Items, page.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	authorizers, err := all(func(next *string) ([]gatewaytypes.Authorizer, *string, error) {
		page, err := gateway.GetAuthorizers(ctx, &apigatewayv2.GetAuthorizersInput{ApiId: &api, MaxResults: size, NextToken: next})
		if err != nil {
			return nil, nil, ignoreGone(err)
		}
		return page.Items, page.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	stages, err := all(func(next *string) ([]gatewaytypes.Stage, *string, error) {
		page, err := gateway.GetStages(ctx, &apigatewayv2.GetStagesInput{ApiId: &api, MaxResults: size, NextToken: next})
		if err != nil {
			return nil, nil, ignoreGone(err)
		}
		return page.Items, page.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	for _, r := range routes {
		add(typeRoute, r.RouteId, r.RouteKey, "routeKey")
	}
	for _, i := range integrations {
		add(typeIntegration, i.IntegrationId, i.IntegrationUri, "integrationUri")
	}
	for _, a := range authorizers {
		add(typeAuthorizer, a.AuthorizerId, a.Name, "name")
	}
	for _, s := range stages {
		add(typeStage, s.StageName, s.StageName, "name")
	}
	return objects, nil
}

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
		if following == nil {
			return items, nil
		}
		next = following
	}
}
