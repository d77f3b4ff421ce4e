package apigateway_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
)

func TestAStageIsAnsweredAsItWasCreated(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.route("GET /a")
	b.stage("$default", func(in *apigatewayv2.CreateStageInput) {
		in.AutoDeploy = aws.Bool(true)
		in.AccessLogSettings = &types.AccessLogSettings{DestinationArn: aws.String(groupARN), Format: aws.String(format)}
		in.DefaultRouteSettings = &types.RouteSettings{ThrottlingBurstLimit: aws.Int32(5), ThrottlingRateLimit: aws.Float64(2.5)}
		in.RouteSettings = map[string]types.RouteSettings{"GET /a": {DetailedMetricsEnabled: aws.Bool(true)}}
		in.StageVariables = map[string]string{"host": "a.example:8080"}
		in.Tags = map[string]string{"k": "v"}
	})
	got, err := b.GetStage(t.Context(), &apigatewayv2.GetStageInput{ApiId: &b.apiID, StageName: aws.String("$default")})
	require.NoError(t, err)
	require.Equal(t, groupARN, *got.AccessLogSettings.DestinationArn)
	require.Equal(t, []string{groupARN}, b.logs.allowed)
	require.Equal(t, 2.5, *got.DefaultRouteSettings.ThrottlingRateLimit)
	require.Nil(t, got.RouteSettings["GET /a"].ThrottlingBurstLimit, "a route's settings inherit nothing")
	require.Equal(t, "Successfully deployed stage with deployment ID '"+*got.DeploymentId+"'", *got.LastDeploymentStatusMessage)
	require.Equal(t, map[string]string{"k": "v"}, got.Tags)
}

func TestStagesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.stage("taken", nil)
	many := map[string]string{}
	for i := range 101 {
		many[fmt.Sprint(i)] = "v"
	}
	logging := func(arn, format string) func(*apigatewayv2.CreateStageInput) {
		return func(in *apigatewayv2.CreateStageInput) {
			in.AccessLogSettings = &types.AccessLogSettings{DestinationArn: &arn, Format: &format}
		}
	}
	settings := func(s types.RouteSettings) func(*apigatewayv2.CreateStageInput) {
		return func(in *apigatewayv2.CreateStageInput) { in.DefaultRouteSettings = &s }
	}
	variables := func(v map[string]string) func(*apigatewayv2.CreateStageInput) {
		return func(in *apigatewayv2.CreateStageInput) { in.StageVariables = v }
	}
	for name, test := range map[string]struct {
		change func(*apigatewayv2.CreateStageInput)
		want   string
	}{
		"name":               {func(in *apigatewayv2.CreateStageInput) { in.StageName = aws.String("a b") }, "Stage name only allows"},
		"long name":          {func(in *apigatewayv2.CreateStageInput) { in.StageName = aws.String(strings.Repeat("n", 129)) }, "Stage name only allows"},
		"other $ name":       {func(in *apigatewayv2.CreateStageInput) { in.StageName = aws.String("$prod") }, "Stage name only allows"},
		"client certificate": {func(in *apigatewayv2.CreateStageInput) { in.ClientCertificateId = aws.String("x") }, "not supported"},
		"long description":   {func(in *apigatewayv2.CreateStageInput) { in.Description = aws.String(strings.Repeat("d", 1025)) }, "description"},
		"deployment and auto": {func(in *apigatewayv2.CreateStageInput) {
			in.AutoDeploy, in.DeploymentId = aws.Bool(true), aws.String("x")
		}, "auto-deploy enabled"},
		"tag of AWS":     {func(in *apigatewayv2.CreateStageInput) { in.Tags = map[string]string{"aws:x": ""} }, "reserved"},
		"execution logs": {settings(types.RouteSettings{LoggingLevel: types.LoggingLevelInfo}), "Execution logs are not supported on protocolType HTTP"},
		"data trace":     {settings(types.RouteSettings{DataTraceEnabled: aws.Bool(true)}), "Execution logs are not supported on protocolType HTTP"},
		"negative burst": {settings(types.RouteSettings{ThrottlingBurstLimit: aws.Int32(-1)}), "throttlingBurstLimit"},
		"negative rate":  {settings(types.RouteSettings{ThrottlingRateLimit: aws.Float64(-0.5)}), "throttlingRateLimit"},
		"variable name":  {variables(map[string]string{"a-b": "v"}), "Stage variable name"},
		"variable value": {variables(map[string]string{"a": "b c"}), "Stage variable value"},
		"long variable":  {variables(map[string]string{"a": strings.Repeat("v", 513)}), "Stage variable value"},
		"101 variables":  {variables(many), "got 101, want at most 100"},

		"group ARN with :*":      {logging(groupARN+":*", format), "Access Log destination must only contain characters a-z, A-Z, 0-9, '_', '-', '/', '.': '/aws/vendedlogs/api:*'"},
		"group name":             {logging("/aws/vendedlogs/api", format), "Invalid ARN specified in the request."},
		"absent group":           {logging(strings.Replace(groupARN, "api", "absent", 1), format), "does not exist"},
		"group of other region":  {logging(strings.Replace(groupARN, region, "us-east-1", 1), format), "must be in region eu-west-1"},
		"group of other account": {logging(strings.Replace(groupARN, account, "999999999999", 1), format), "must be in region eu-west-1 of account 000000000000"},
		"no format":              {logging(groupARN, ""), "both required"},
		"two lines":              {logging(groupARN, "$context.requestId\n$context.status"), "Access Log format must be single line, new line character is allowed only at end of the format"},
		"no request id":          {logging(groupARN, "$context.status"), "at least $context.requestId"},
		"unknown variable":       {logging(groupARN, "$context.requestId $context.resourcePath"), "$context.resourcePath is not a context variable"},
		"longer variable":        {logging(groupARN, "$context.requestId $context.requestIdentity"), "$context.requestIdentity is not"},
		"the context itself":     {logging(groupARN, "$context.requestId $context"), "$context is not a context variable"},
		"over 3 KB":              {logging(groupARN, "$context.requestId"+strings.Repeat("x", 3072)), "want at most 3072"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &apigatewayv2.CreateStageInput{ApiId: &b.apiID, StageName: aws.String("fresh")}
			test.change(in)
			_, err := b.CreateStage(t.Context(), in)
			refused[*types.BadRequestException](t, err, test.want)
		})
	}
	_, err := b.CreateStage(t.Context(), &apigatewayv2.CreateStageInput{ApiId: &b.apiID, StageName: aws.String("taken")})
	refused[*types.ConflictException](t, err, "Stage already exists")
	_, err = b.CreateStage(t.Context(), &apigatewayv2.CreateStageInput{ApiId: &b.apiID, StageName: aws.String("x"), DeploymentId: aws.String("absent")})
	refused[*types.NotFoundException](t, err, "Invalid Deployment identifier")
	_, err = b.CreateStage(t.Context(), &apigatewayv2.CreateStageInput{
		ApiId: &b.apiID, StageName: aws.String("x"), RouteSettings: map[string]types.RouteSettings{"GET /x": {}},
	})
	refused[*types.NotFoundException](t, err, "Unable to find Route by key GET /x within the provided RouteSettings")
}

func TestTheEleventhStageIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 10 {
		b.stage(fmt.Sprint(i), nil)
	}
	_, err := b.CreateStage(t.Context(), &apigatewayv2.CreateStageInput{ApiId: &b.apiID, StageName: aws.String("10")})
	refused[*types.TooManyRequestsException](t, err, "Maximum number of Stages for this API has been reached.")
}

func TestLoggingThatDeliveryRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.logs.refusal = errors.New("Cannot enable logging. Policy document length breaking Cloudwatch Logs Constraints, either < 1 or > 5120")
	_, err := b.CreateStage(t.Context(), &apigatewayv2.CreateStageInput{
		ApiId: &b.apiID, StageName: aws.String("x"),
		AccessLogSettings: &types.AccessLogSettings{DestinationArn: aws.String(groupARN), Format: aws.String(format)},
	})
	refused[*types.BadRequestException](t, err, "Cannot enable logging. Policy document length")
	_, err = b.GetStage(t.Context(), &apigatewayv2.GetStageInput{ApiId: &b.apiID, StageName: aws.String("x")})
	refused[*types.NotFoundException](t, err, "Stage")
}

func TestAStageIsUpdatedInParts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	b.route("GET /a")
	b.route("GET /b")
	b.stage("s", func(in *apigatewayv2.CreateStageInput) {
		in.DefaultRouteSettings = &types.RouteSettings{ThrottlingBurstLimit: aws.Int32(5), ThrottlingRateLimit: aws.Float64(2)}
		in.RouteSettings = map[string]types.RouteSettings{"GET /a": {ThrottlingBurstLimit: aws.Int32(1)}}
		in.StageVariables = map[string]string{"a": "1", "b": "2"}
		in.AccessLogSettings = &types.AccessLogSettings{DestinationArn: aws.String(groupARN), Format: aws.String(format)}
	})
	got, err := b.UpdateStage(ctx, &apigatewayv2.UpdateStageInput{
		ApiId: &b.apiID, StageName: aws.String("s"),
		DefaultRouteSettings: &types.RouteSettings{}, // removes no throttle
		RouteSettings:        map[string]types.RouteSettings{"GET /b": {}},
		StageVariables:       map[string]string{"a": "", "c": "3"},
		AccessLogSettings:    &types.AccessLogSettings{},
	})
	require.NoError(t, err)
	require.Equal(t, int32(5), *got.DefaultRouteSettings.ThrottlingBurstLimit)
	require.Len(t, got.RouteSettings, 2)
	require.Equal(t, map[string]string{"b": "2", "c": "3"}, got.StageVariables)
	require.Nil(t, got.AccessLogSettings)

	got, err = b.UpdateStage(ctx, &apigatewayv2.UpdateStageInput{
		ApiId: &b.apiID, StageName: aws.String("s"), DefaultRouteSettings: &types.RouteSettings{ThrottlingBurstLimit: aws.Int32(0)},
		AccessLogSettings: &types.AccessLogSettings{DestinationArn: aws.String(groupARN), Format: aws.String(format + "\n")},
	})
	require.NoError(t, err)
	require.Equal(t, int32(0), *got.DefaultRouteSettings.ThrottlingBurstLimit, "zero is a limit")
	require.Equal(t, 2.0, *got.DefaultRouteSettings.ThrottlingRateLimit)

	_, err = b.DeleteAccessLogSettings(ctx, &apigatewayv2.DeleteAccessLogSettingsInput{ApiId: &b.apiID, StageName: aws.String("s")})
	require.NoError(t, err)
	_, err = b.DeleteRouteSettings(ctx, &apigatewayv2.DeleteRouteSettingsInput{ApiId: &b.apiID, StageName: aws.String("s"), RouteKey: aws.String("GET /a")})
	require.NoError(t, err)
	_, err = b.DeleteRouteSettings(ctx, &apigatewayv2.DeleteRouteSettingsInput{ApiId: &b.apiID, StageName: aws.String("s"), RouteKey: aws.String("GET /a")})
	refused[*types.NotFoundException](t, err, "GET /a")
	after, err := b.GetStage(ctx, &apigatewayv2.GetStageInput{ApiId: &b.apiID, StageName: aws.String("s")})
	require.NoError(t, err)
	require.Nil(t, after.AccessLogSettings)
	require.Len(t, after.RouteSettings, 1)

	_, err = b.UpdateStage(ctx, &apigatewayv2.UpdateStageInput{ApiId: &b.apiID, StageName: aws.String("s"), RouteSettings: map[string]types.RouteSettings{"ANY /a": {}}})
	refused[*types.NotFoundException](t, err, "Unable to find Route by key ANY /a within the provided RouteSettings")
	_, err = b.UpdateStage(ctx, &apigatewayv2.UpdateStageInput{ApiId: &b.apiID, StageName: aws.String("s"), AccessLogSettings: &types.AccessLogSettings{DestinationArn: aws.String(groupARN)}})
	refused[*types.BadRequestException](t, err, "both required")
	_, err = b.DeleteStage(ctx, &apigatewayv2.DeleteStageInput{ApiId: &b.apiID, StageName: aws.String("s")})
	require.NoError(t, err)
}

// requireMessage is [refused] where the SDK has no type, see [conflicts].
func requireMessage(t *testing.T, err error, want string) {
	t.Helper()
	var refusal smithy.APIError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, "BadRequestException", refusal.ErrorCode())
	require.Contains(t, refusal.ErrorMessage(), want)
}

// deployment is what the stage serves.
func (b *bench) deployment(stageName string) *apigateway.Deployment {
	_, stages, _, _ := b.service.Deployed(b.apiID)
	for stage, deployment := range stages {
		if stage.StageName == stageName {
			return deployment
		}
	}
	return nil
}

func TestAStageServesItsDeployment(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	b.stage("manual", nil)
	_, err := b.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: &b.apiID})
	refused[*types.BadRequestException](t, err, "At least one route is required before deploying the Api.")

	first := b.route("GET /a")
	require.Nil(t, b.deployment("manual"))
	deployed, err := b.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: &b.apiID, StageName: aws.String("manual"), Description: aws.String("v1")})
	require.NoError(t, err)
	require.Equal(t, types.DeploymentStatusDeployed, deployed.DeploymentStatus)
	_, err = b.UpdateRoute(ctx, &apigatewayv2.UpdateRouteInput{ApiId: &b.apiID, RouteId: first, RouteKey: aws.String("GET /b")})
	require.NoError(t, err)
	require.Equal(t, "GET /a", b.deployment("manual").Routes[*first].RouteKey, "a deployment does not change")

	_, err = b.DeleteDeployment(ctx, &apigatewayv2.DeleteDeploymentInput{ApiId: &b.apiID, DeploymentId: deployed.DeploymentId})
	requireMessage(t, err, "Active stages pointing to this deployment must be moved or deleted")

	second, err := b.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: &b.apiID})
	require.NoError(t, err)
	_, err = b.UpdateStage(ctx, &apigatewayv2.UpdateStageInput{ApiId: &b.apiID, StageName: aws.String("manual"), DeploymentId: second.DeploymentId})
	require.NoError(t, err)
	require.Equal(t, "GET /b", b.deployment("manual").Routes[*first].RouteKey)
	_, err = b.DeleteDeployment(ctx, &apigatewayv2.DeleteDeploymentInput{ApiId: &b.apiID, DeploymentId: deployed.DeploymentId})
	require.NoError(t, err)

	updated, err := b.UpdateDeployment(ctx, &apigatewayv2.UpdateDeploymentInput{ApiId: &b.apiID, DeploymentId: second.DeploymentId, Description: aws.String("v2")})
	require.NoError(t, err)
	require.Equal(t, "v2", *updated.Description)
	listed, err := b.GetDeployments(ctx, &apigatewayv2.GetDeploymentsInput{ApiId: &b.apiID})
	require.NoError(t, err)
	require.Len(t, listed.Items, 1)
}

func TestAutoDeployFollowsEveryChangeAndKeepsFewDeployments(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	stage := b.stage("$default", func(in *apigatewayv2.CreateStageInput) { in.AutoDeploy = aws.Bool(true) })
	require.Nil(t, stage.DeploymentId)
	require.Equal(t, "Deployment attempt failed: Unable to deploy API because no routes exist in this API", *stage.LastDeploymentStatusMessage)

	route := b.route("GET /a")
	require.Len(t, b.deployment("$default").Routes, 1)
	authorizer := b.authorizer("a")
	require.Contains(t, b.deployment("$default").Authorizers, *authorizer)
	backend := b.integration()
	require.Contains(t, b.deployment("$default").Integrations, *backend)
	_, err := b.UpdateApi(ctx, &apigatewayv2.UpdateApiInput{ApiId: &b.apiID, CorsConfiguration: &types.Cors{AllowOrigins: []string{"*"}}})
	require.NoError(t, err)
	require.NotNil(t, b.deployment("$default").CORSConfiguration)
	for i := range 10 {
		b.route(fmt.Sprintf("GET /%d", i))
	}
	listed, err := b.GetDeployments(ctx, &apigatewayv2.GetDeploymentsInput{ApiId: &b.apiID})
	require.NoError(t, err)
	require.Len(t, listed.Items, 4, "the one that is served and three before it")

	_, err = b.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: &b.apiID, StageName: aws.String("$default")})
	refused[*types.BadRequestException](t, err, "auto-deploy is enabled")

	_, err = b.UpdateStage(ctx, &apigatewayv2.UpdateStageInput{ApiId: &b.apiID, StageName: aws.String("$default"), AutoDeploy: aws.Bool(false)})
	require.NoError(t, err)
	_, err = b.DeleteRoute(ctx, &apigatewayv2.DeleteRouteInput{ApiId: &b.apiID, RouteId: route})
	require.NoError(t, err)
	require.Contains(t, b.deployment("$default").Routes, *route)
	on, err := b.UpdateStage(ctx, &apigatewayv2.UpdateStageInput{ApiId: &b.apiID, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true)})
	require.NoError(t, err)
	require.Equal(t, *on.DeploymentId, b.deployment("$default").DeploymentID)
	require.NotContains(t, b.deployment("$default").Routes, *route, "switching it on deploys")
}
