package orphans

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	gatewaytypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/components"
)

// pageSize is what one page of a list of API Gateway holds at most.
const pageSize = "500"

// awsObjects are the stack's HTTP APIs and functions with all below them, the
// roles of functions, and log groups.
func awsObjects(ctx context.Context, c *clouds.Clouds, s Stack) ([]Object, error) {
	mine := func(tags map[string]string) bool {
		return tags[components.TagProject] == s.Project && tags[components.TagStack] == s.Name
	}
	apis, err := all(func(next *string) ([]gatewaytypes.Api, *string, error) {
		page, err := c.Gateway.GetApis(ctx, &apigatewayv2.GetApisInput{MaxResults: aws.String(pageSize), NextToken: next})
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
		below, err := belowAPI(ctx, c.Gateway, aws.ToString(api.ApiId))
		if err != nil {
			return nil, err
		}
		objects = append(objects, below...)
	}
	functions, err := functionObjects(ctx, c.Lambda, mine)
	if err != nil {
		return nil, err
	}
	roles, err := roleObjects(ctx, c.IAM, mine)
	if err != nil {
		return nil, err
	}
	objects = slices.Concat(objects, functions, roles)
	for _, prefix := range logGroupPrefixes {
		groups, err := logGroups(ctx, c.Logs, prefix, mine)
		if err != nil {
			return nil, err
		}
		objects = append(objects, groups...)
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

func logGroups(ctx context.Context, logs *cloudwatchlogs.Client, prefix string, mine func(map[string]string) bool,
) ([]Object, error) {
	var objects []Object
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(logs, &cloudwatchlogs.DescribeLogGroupsInput{
		LogGroupNamePrefix: aws.String(prefix),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, g := range page.LogGroups {
			arn := strings.TrimSuffix(aws.ToString(g.Arn), ":*")
			tags, err := logs.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: &arn})
			if _, gone := errors.AsType[*logstypes.ResourceNotFoundException](err); gone {
				continue
			}
			if err != nil {
				return nil, err
			}
			if mine(tags.Tags) {
				objects = append(objects, Object{
					Cloud: "aws", Type: typeLogGroup, ID: aws.ToString(g.LogGroupName), Name: aws.ToString(g.LogGroupName),
					importID: aws.ToString(g.LogGroupName), distinct: map[string]string{"name": aws.ToString(g.LogGroupName)},
				})
			}
		}
	}
	return objects, nil
}

// logGroupPrefixes are where the components put their log groups.
var logGroupPrefixes = []string{"/aws/vendedlogs/", "/aws/lambda/"}

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
	case typePermission:
		_, err = c.Lambda.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: &o.Parent, StatementId: &o.ID})
	case typeFunction:
		_, err = c.Lambda.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &o.ID})
	case typeRolePolicy:
		_, err = c.IAM.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &o.Parent, PolicyName: &o.ID})
	case typeRole:
		_, err = c.IAM.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &o.ID})
	case typeLogGroup:
		_, err = c.Logs.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &o.ID})
	}
	return ignoreGone(err)
}

// ignoreGone drops the error that what was asked for does not exist: another
// deletion took it along.
func ignoreGone(err error) error {
	var gateway *gatewaytypes.NotFoundException
	var logs *logstypes.ResourceNotFoundException
	var function *lambdatypes.ResourceNotFoundException
	var role *iamtypes.NoSuchEntityException
	if errors.As(err, &gateway) || errors.As(err, &logs) || errors.As(err, &function) || errors.As(err, &role) {
		return nil
	}
	return err
}
