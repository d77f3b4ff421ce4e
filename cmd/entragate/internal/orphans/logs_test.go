package orphans

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/cmd/entragate/internal/engine"
)

const (
	shopLog     = "/aws/vendedlogs/apis/shop-api1"
	functionLog = "/aws/lambda/shop-dev-authorizer"
)

// makeLog makes a log group with one metric filter.
func makeLog(t *testing.T, c *clouds.Clouds, name, filter string, tags map[string]string) {
	t.Helper()
	_, err := c.Logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &name, Tags: tags})
	require.NoError(t, err)
	_, err = c.Logs.PutMetricFilter(t.Context(), &cloudwatchlogs.PutMetricFilterInput{
		LogGroupName: &name, FilterName: &filter, FilterPattern: aws.String(`{ $.status = "401" }`),
		MetricTransformations: []logstypes.MetricTransformation{{
			MetricNamespace: aws.String("Entragate/shop"), MetricName: &filter, MetricValue: aws.String("1"),
		}},
	})
	require.NoError(t, err)
}

// saveQuery saves a query of log groups and returns its id.
func saveQuery(t *testing.T, c *clouds.Clouds, name string, groups ...string) string {
	t.Helper()
	saved, err := c.Logs.PutQueryDefinition(t.Context(), &cloudwatchlogs.PutQueryDefinitionInput{
		Name: &name, LogGroupNames: groups, QueryString: aws.String("fields @message"),
	})
	require.NoError(t, err)
	return *saved.QueryDefinitionId
}

func makeDashboard(t *testing.T, c *clouds.Clouds, name string) {
	t.Helper()
	_, err := c.CloudWatch.PutDashboard(t.Context(), &cloudwatch.PutDashboardInput{
		DashboardName: &name,
		DashboardBody: aws.String(`{"widgets":[{"type":"text","properties":{"markdown":"x"}}]}`),
	})
	require.NoError(t, err)
}

func queriesLeft(t *testing.T, c *clouds.Clouds) []string {
	t.Helper()
	listed, err := c.Logs.DescribeQueryDefinitions(t.Context(), &cloudwatchlogs.DescribeQueryDefinitionsInput{})
	require.NoError(t, err)
	names := []string{}
	for _, q := range listed.QueryDefinitions {
		names = append(names, *q.Name)
	}
	return names
}

func TestLogsAreFoundAndDeletedWithAllThatReadsThem(t *testing.T) {
	t.Parallel()
	c := newClouds(t)
	const theirLog = "/aws/vendedlogs/apis/shop-api2"
	makeLog(t, c, shopLog, "Expired", stackTags)
	makeLog(t, c, functionLog, "Expired", stackTags)
	makeLog(t, c, theirLog, "Expired", otherTags)
	denied := saveQuery(t, c, "shop-api1/denied", shopLog)
	for _, theirs := range []struct{ name, group string }{
		{"shop-api2/denied", theirLog},
		{"shop-api1/of another log", theirLog},
		{"shop-api11/denied", shopLog},
		{"a person's own", shopLog},
		{"shop-dev-authorizer/a person's own", functionLog},
	} {
		saveQuery(t, c, theirs.name, theirs.group)
	}
	for _, name := range []string{"shop-api1", "shop-api2", "Copy_of_shop-api1", "shop-dev-authorizer"} {
		makeDashboard(t, c, name)
	}

	objects, err := List(t.Context(), c, stack)
	require.NoError(t, err)
	require.ElementsMatch(t, [][2]string{
		{typeLogGroup, shopLog},
		{typeFilter, "Expired"},
		{typeQuery, denied},
		{typeDashboard, "shop-api1"},
		{typeLogGroup, functionLog},
		{typeFilter, "Expired"},
	}, found(objects))
	known := []engine.Resource{
		{URN: "log", Type: typeLogGroup, ID: shopLog},
		{URN: "filter", Type: typeFilter, ID: "Expired", Outputs: map[string]any{"logGroupName": shopLog}},
		{URN: "query", Type: typeQuery, ID: denied},
		{URN: "dashboard", Type: typeDashboard, ID: "shop-api1"},
		{URN: "function log", Type: typeLogGroup, ID: functionLog},
		{URN: "function filter", Type: typeFilter, ID: "Expired", Outputs: map[string]any{"logGroupName": functionLog}},
	}
	require.Empty(t, Find(objects, known))
	require.Empty(t, Gone(objects, known))

	filterOf := func(group string) map[string]any { return map[string]any{"logGroupName": group, "name": "Expired"} }
	require.Equal(t, map[string]string{
		"filter": shopLog + ":Expired", "function filter": functionLog + ":Expired", "dashboard": "shop-api1",
		"query": "arn:aws:logs:eu-west-1:000000000000:query-definition:" + denied,
	}, Adoptable(objects, []engine.Operation{
		pending(apitype.OperationTypeCreating, "filter", typeFilter, filterOf(shopLog)),
		pending(apitype.OperationTypeCreating, "function filter", typeFilter, filterOf(functionLog)),
		pending(apitype.OperationTypeCreating, "query", typeQuery, map[string]any{"name": "shop-api1/denied"}),
		pending(apitype.OperationTypeCreating, "dashboard", typeDashboard, map[string]any{"dashboardName": "shop-api1"}),
	}))

	require.NoError(t, Delete(t.Context(), c, Find(objects, nil)))
	left, err := List(t.Context(), c, stack)
	require.NoError(t, err)
	require.Empty(t, left)
	require.NoError(t, Delete(t.Context(), c, Find(objects, nil)), "what is gone is no error")
	require.Len(t, queriesLeft(t, c), 5)
	require.NotContains(t, queriesLeft(t, c), "shop-api1/denied")
	dashboards, err := c.CloudWatch.ListDashboards(t.Context(), &cloudwatch.ListDashboardsInput{})
	require.NoError(t, err)
	require.Len(t, dashboards.DashboardEntries, 3)
	others, err := List(t.Context(), c, Stack{Project: stack.Project, Name: "prod"})
	require.NoError(t, err)
	require.Len(t, others, 4)
}

func TestAFilterIsDeletedFromALogThatStays(t *testing.T) {
	t.Parallel()
	c := newClouds(t)
	makeLog(t, c, shopLog, "Expired", stackTags)
	makeLog(t, c, functionLog, "Expired", stackTags)
	objects, err := List(t.Context(), c, stack)
	require.NoError(t, err)
	require.NoError(t, Delete(t.Context(), c, Find(objects, []engine.Resource{
		{Type: typeLogGroup, ID: shopLog},
		{Type: typeLogGroup, ID: functionLog},
		{Type: typeFilter, ID: "Expired", Outputs: map[string]any{"logGroupName": functionLog}},
	})))
	left, err := List(t.Context(), c, stack)
	require.NoError(t, err)
	require.Equal(t, [][2]string{{typeLogGroup, shopLog}, {typeLogGroup, functionLog}, {typeFilter, "Expired"}}, found(left))
}

// Without its log group, nothing would tell whose a dashboard or a query is.
func TestALogStaysWhileItsDashboardCannotBeDeleted(t *testing.T) {
	t.Parallel()
	c := newClouds(t)
	makeLog(t, c, shopLog, "Expired", stackTags)
	makeLog(t, c, functionLog, "Expired", stackTags)
	saveQuery(t, c, "shop-api1/denied", shopLog)
	makeDashboard(t, c, "shop-api1")
	objects, err := List(t.Context(), c, stack)
	require.NoError(t, err)

	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(refusing.Close)
	closed := *c
	closed.CloudWatch = cloudwatch.New(cloudwatch.Options{
		Region: region, BaseEndpoint: &refusing.URL, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	})
	require.ErrorContains(t, Delete(t.Context(), &closed, Find(objects, nil)), "deleting "+typeDashboard+" shop-api1")
	left, err := List(t.Context(), c, stack)
	require.NoError(t, err)
	require.Contains(t, found(left), [2]string{typeDashboard, "shop-api1"})
	require.Contains(t, found(left), [2]string{typeLogGroup, shopLog})
	require.NotContains(t, found(left), [2]string{typeLogGroup, functionLog})
	require.Empty(t, queriesLeft(t, c))

	require.NoError(t, Delete(t.Context(), c, Find(left, nil)))
	left, err = List(t.Context(), c, stack)
	require.NoError(t, err)
	require.Empty(t, left)
}
