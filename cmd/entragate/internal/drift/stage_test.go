package drift

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/accesslog"
)

func (d *stack) accessLog(t *testing.T) {
	t.Helper()
	group := "/aws/vendedlogs/apis/" + d.name
	_, err := d.Clouds.Logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group})
	require.NoError(t, err)
	d.changeStage(t, apigatewayv2.UpdateStageInput{AccessLogSettings: &types.AccessLogSettings{
		DestinationArn: aws.String("arn:aws:logs:eu-west-1:123456789012:log-group:" + group), Format: aws.String(accesslog.Format),
	}})
}

func (d *stack) changeStage(t *testing.T, in apigatewayv2.UpdateStageInput) {
	t.Helper()
	in.ApiId, in.StageName = &d.APIID, aws.String("$default")
	_, err := d.Clouds.Gateway.UpdateStage(t.Context(), &in)
	require.NoError(t, err)
}

func (d *stack) changeRoute(t *testing.T, key string, in apigatewayv2.UpdateRouteInput) {
	t.Helper()
	in.ApiId, in.RouteId = &d.APIID, aws.String(d.routes[key])
	_, err := d.Clouds.Gateway.UpdateRoute(t.Context(), &in)
	require.NoError(t, err)
}

func (d *stack) changeAuthorizer(t *testing.T, id string, in apigatewayv2.UpdateAuthorizerInput) {
	t.Helper()
	in.ApiId, in.AuthorizerId = &d.APIID, &id
	_, err := d.Clouds.Gateway.UpdateAuthorizer(t.Context(), &in)
	require.NoError(t, err)
}

func (d *stack) changeAPI(t *testing.T, in apigatewayv2.UpdateApiInput) {
	t.Helper()
	in.ApiId = &d.APIID
	_, err := d.Clouds.Gateway.UpdateApi(t.Context(), &in)
	require.NoError(t, err)
}
