package orphans

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
)

// logGroupPrefixes are where the components put their log groups, and
// accessLogPrefix is where among them access logs are.
var logGroupPrefixes = []string{"/aws/vendedlogs/", "/aws/lambda/"}

const accessLogPrefix = "/aws/vendedlogs/apis/"

// logObjects are the stack's log groups, with what counts and shows their lines.
func logObjects(ctx context.Context, c *clouds.Clouds, mine tagged) ([]Object, error) {
	var objects []Object
	for _, prefix := range logGroupPrefixes {
		groups, err := logGroups(ctx, c.Logs, prefix, mine)
		if err != nil {
			return nil, err
		}
		for _, group := range groups {
			below, err := belowLogGroup(ctx, c, group)
			if err != nil {
				return nil, err
			}
			objects = append(objects, Object{
				Cloud: "aws", Type: typeLogGroup, ID: group.name, Name: group.name,
				importID: group.name, distinct: map[string]string{"name": group.name},
			})
			objects = append(objects, below...)
		}
	}
	return objects, nil
}

type logGroup struct{ name, arn string }

// logGroups are the stack's log groups whose names have the prefix.
func logGroups(ctx context.Context, client *cloudwatchlogs.Client, prefix string, mine tagged) ([]logGroup, error) {
	var groups []logGroup
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(client, &cloudwatchlogs.DescribeLogGroupsInput{
		LogGroupNamePrefix: aws.String(prefix),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, g := range page.LogGroups {
			resource := strings.TrimSuffix(aws.ToString(g.Arn), ":*")
			tags, err := client.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: &resource})
			if err != nil {
				if ignoreGone(err) == nil {
					continue
				}
				return nil, err
			}
			if mine(tags.Tags) {
				groups = append(groups, logGroup{aws.ToString(g.LogGroupName), resource})
			}
		}
	}
	return groups, nil
}

// belowLogGroup are the metric filters of a log group, and of an access log the
// saved queries and the dashboard. These two have no tags in AWS and do not go with
// the group: the components name them after it, as people hardly name their own.
func belowLogGroup(ctx context.Context, c *clouds.Clouds, group logGroup) ([]Object, error) {
	objects, err := filterObjects(ctx, c.Logs, group.name)
	if err != nil {
		return nil, err
	}
	name, isAccessLog := strings.CutPrefix(group.name, accessLogPrefix)
	if !isAccessLog {
		return objects, nil
	}
	queries, err := queryObjects(ctx, c.Logs, name, group)
	if err != nil {
		return nil, err
	}
	dashboards, err := dashboardObjects(ctx, c.CloudWatch, name, group.name)
	return append(append(objects, queries...), dashboards...), err
}

func filterObjects(ctx context.Context, client *cloudwatchlogs.Client, group string) ([]Object, error) {
	var objects []Object
	pages := cloudwatchlogs.NewDescribeMetricFiltersPaginator(client, &cloudwatchlogs.DescribeMetricFiltersInput{LogGroupName: &group})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, ignoreGone(err)
		}
		for _, f := range page.MetricFilters {
			name := aws.ToString(f.FilterName)
			objects = append(objects, Object{
				Cloud: "aws", Type: typeFilter, ID: name, Parent: group, Name: group + ": " + name, importID: group + ":" + name,
				distinct: map[string]string{"logGroupName": group, "name": name},
			})
		}
	}
	return objects, nil
}

// queryObjects are the saved queries of an access log. What `pulumi import` takes
// is an ARN, which no answer has.
func queryObjects(ctx context.Context, client *cloudwatchlogs.Client, name string, group logGroup) ([]Object, error) {
	of, err := arn.Parse(group.arn)
	if err != nil {
		return nil, err
	}
	saved, err := all(func(next *string) ([]logstypes.QueryDefinition, *string, error) {
		page, err := client.DescribeQueryDefinitions(ctx, &cloudwatchlogs.DescribeQueryDefinitionsInput{
			QueryDefinitionNamePrefix: aws.String(name + "/"), NextToken: next,
		})
		if err != nil {
			return nil, nil, err
		}
		return page.QueryDefinitions, page.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	var objects []Object
	for _, q := range saved {
		if !slices.Contains(q.LogGroupNames, group.name) {
			continue
		}
		of.Resource = "query-definition:" + aws.ToString(q.QueryDefinitionId)
		objects = append(objects, Object{
			Cloud: "aws", Type: typeQuery, ID: aws.ToString(q.QueryDefinitionId), Parent: group.name, Name: aws.ToString(q.Name),
			importID: of.String(), distinct: map[string]string{"name": aws.ToString(q.Name)},
		})
	}
	return objects, nil
}

// dashboardObjects are the dashboard with an access log's name, if there is one.
func dashboardObjects(ctx context.Context, client *cloudwatch.Client, name, group string) ([]Object, error) {
	if _, err := client.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: &name}); err != nil {
		return nil, ignoreGone(err)
	}
	return []Object{{
		Cloud: "aws", Type: typeDashboard, ID: name, Parent: group, Name: name, importID: name,
		distinct: map[string]string{"dashboardName": name},
	}}, nil
}
