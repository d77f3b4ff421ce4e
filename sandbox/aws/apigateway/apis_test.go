package apigateway_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
)

func TestAnAPIIsAnsweredAsItWasCreated(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	created, err := b.CreateApi(t.Context(), &apigatewayv2.CreateApiInput{
		Name: aws.String("full"), ProtocolType: types.ProtocolTypeHttp, Description: aws.String("d"), Version: aws.String("1"),
		RouteSelectionExpression: aws.String("$request.method $request.path"), DisableExecuteApiEndpoint: aws.Bool(true),
		CorsConfiguration: &types.Cors{
			AllowOrigins: []string{"https://a.example", "https://*"}, AllowMethods: []string{"GET", "*"},
			AllowHeaders: []string{"authorization"}, AllowCredentials: aws.Bool(true), MaxAge: aws.Int32(-1),
		},
		Tags: map[string]string{"k": "v"},
	})
	require.NoError(t, err)
	require.Regexp(t, `^[a-z0-9]{10}$`, *created.ApiId)
	require.Equal(t, start, *created.CreatedDate)

	got, err := b.GetApi(t.Context(), &apigatewayv2.GetApiInput{ApiId: created.ApiId})
	require.NoError(t, err)
	require.Equal(t, "https://"+*created.ApiId+".example", *got.ApiEndpoint)
	require.Equal(t, created.CorsConfiguration, got.CorsConfiguration)
	require.Equal(t, "$request.header.x-api-key", *got.ApiKeySelectionExpression)
	require.Equal(t, types.IpAddressTypeIpv4, got.IpAddressType)
	require.Equal(t, map[string]string{"k": "v"}, got.Tags)
	require.True(t, *got.DisableExecuteApiEndpoint)
}

func TestAnUpdateChangesOnlyWhatItNames(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.UpdateApi(t.Context(), &apigatewayv2.UpdateApiInput{
		ApiId: &b.apiID, Description: aws.String("d"), CorsConfiguration: &types.Cors{AllowOrigins: []string{"*"}},
	})
	require.NoError(t, err)
	got, err := b.UpdateApi(t.Context(), &apigatewayv2.UpdateApiInput{ApiId: &b.apiID, Name: aws.String("renamed")})
	require.NoError(t, err)
	require.Equal(t, "renamed", *got.Name)
	require.Equal(t, "d", *got.Description)
	require.Equal(t, []string{"*"}, got.CorsConfiguration.AllowOrigins)

	_, err = b.DeleteCorsConfiguration(t.Context(), &apigatewayv2.DeleteCorsConfigurationInput{ApiId: &b.apiID})
	require.NoError(t, err)
	_, err = b.UpdateApi(t.Context(), &apigatewayv2.UpdateApiInput{ApiId: &b.apiID, CorsConfiguration: &types.Cors{}})
	require.NoError(t, err)
	after, err := b.GetApi(t.Context(), &apigatewayv2.GetApiInput{ApiId: &b.apiID})
	require.NoError(t, err)
	require.Nil(t, after.CorsConfiguration)
}

func TestAPIsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	tooMany := map[string]string{}
	for i := range 51 {
		tooMany[fmt.Sprint(i)] = ""
	}
	cors := func(change func(*types.Cors)) func(*apigatewayv2.CreateApiInput) {
		return func(in *apigatewayv2.CreateApiInput) {
			in.CorsConfiguration = &types.Cors{}
			change(in.CorsConfiguration)
		}
	}
	tags := func(tags map[string]string) func(*apigatewayv2.CreateApiInput) {
		return func(in *apigatewayv2.CreateApiInput) { in.Tags = tags }
	}
	for name, test := range map[string]struct {
		change func(*apigatewayv2.CreateApiInput)
		want   string
	}{
		"empty name":       {func(in *apigatewayv2.CreateApiInput) { in.Name = aws.String("") }, "Invalid name"},
		"long name":        {func(in *apigatewayv2.CreateApiInput) { in.Name = aws.String(strings.Repeat("n", 129)) }, "Invalid name"},
		"long description": {func(in *apigatewayv2.CreateApiInput) { in.Description = aws.String(strings.Repeat("n", 1025)) }, "Invalid description"},
		"long version":     {func(in *apigatewayv2.CreateApiInput) { in.Version = aws.String(strings.Repeat("n", 65)) }, "Invalid version"},
		"unknown protocol": {func(in *apigatewayv2.CreateApiInput) { in.ProtocolType = "SOAP" }, "Invalid protocolType"},
		"selection by body": {func(in *apigatewayv2.CreateApiInput) {
			in.RouteSelectionExpression = aws.String("$request.body.action")
		}, "routeSelectionExpression"},
		"schema validation":   {func(in *apigatewayv2.CreateApiInput) { in.DisableSchemaValidation = aws.Bool(true) }, "disableSchemaValidation is not supported"},
		"unknown IP type":     {func(in *apigatewayv2.CreateApiInput) { in.IpAddressType = "ipv6" }, "Invalid ipAddressType"},
		"CORS any with login": {cors(func(c *types.Cors) { c.AllowCredentials, c.AllowOrigins = aws.Bool(true), []string{"*"} }), "allow-credentials is not supported if 'allow-origin' is *"},
		"CORS origin":         {cors(func(c *types.Cors) { c.AllowOrigins = []string{"example.com"} }), "got \"example.com\""},
		"CORS origin path":    {cors(func(c *types.Cors) { c.AllowOrigins = []string{"https://example.com/"} }), "allowOrigins"},
		"CORS method":         {cors(func(c *types.Cors) { c.AllowMethods = []string{"get"} }), "allowMethods"},
		"CORS header":         {cors(func(c *types.Cors) { c.AllowHeaders = []string{"a b"} }), "CORS header"},
		"CORS exposed header": {cors(func(c *types.Cors) { c.ExposeHeaders = []string{""} }), "CORS header"},
		"CORS age":            {cors(func(c *types.Cors) { c.MaxAge = aws.Int32(86401) }), "-1 to 86400"},
		"51 tags":             {tags(tooMany), "got 51 tags, want at most 50"},
		"tag of AWS":          {tags(map[string]string{"aws:x": ""}), "reserved"},
		"tag without key":     {tags(map[string]string{"": "v"}), "want 1 to 128"},
		"long tag value":      {tags(map[string]string{"k": strings.Repeat("v", 257)}), "at most 256"},
		"tag characters":      {tags(map[string]string{"k": "a;b"}), "want letters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &apigatewayv2.CreateApiInput{Name: aws.String("n"), ProtocolType: types.ProtocolTypeHttp}
			test.change(in)
			_, err := b.CreateApi(t.Context(), in)
			refused[*types.BadRequestException](t, err, test.want)
		})
	}
}

func TestWhatIsNotImplementedSaysSo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	notImplemented := func(err error) {
		t.Helper()
		var refusal smithy.APIError
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, "NotImplemented", refusal.ErrorCode())
	}
	_, err := b.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("n"), ProtocolType: types.ProtocolTypeWebsocket})
	notImplemented(err)
	_, err = b.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("n"), ProtocolType: types.ProtocolTypeHttp, Target: aws.String("https://a.example")})
	notImplemented(err)
	_, err = b.ImportApi(ctx, &apigatewayv2.ImportApiInput{Body: aws.String("{}")})
	notImplemented(err)
	_, err = b.ReimportApi(ctx, &apigatewayv2.ReimportApiInput{ApiId: &b.apiID, Body: aws.String("{}")})
	notImplemented(err)
	_, err = b.CreateVpcLink(ctx, &apigatewayv2.CreateVpcLinkInput{Name: aws.String("n"), SubnetIds: []string{"s"}})
	notImplemented(err)
	_, err = b.ResetAuthorizersCache(ctx, &apigatewayv2.ResetAuthorizersCacheInput{ApiId: &b.apiID, StageName: aws.String("x")})
	notImplemented(err)
}

func TestAbsentThingsAreNotFound(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, api, id := t.Context(), &b.apiID, aws.String("absent")
	calls := map[string]func() error{
		"Invalid API identifier specified 000000000000:absent": func() error {
			_, err := b.GetApi(ctx, &apigatewayv2.GetApiInput{ApiId: id})
			return err
		},
		"Invalid API identifier specified 000000000000:absent, updated": func() error {
			_, err := b.UpdateApi(ctx, &apigatewayv2.UpdateApiInput{ApiId: id})
			return err
		},
		"Invalid API identifier specified 000000000000:absent, deleted": func() error {
			_, err := b.DeleteApi(ctx, &apigatewayv2.DeleteApiInput{ApiId: id})
			return err
		},
		"Invalid API identifier specified 000000000000:absent, listed": func() error {
			_, err := b.GetRoutes(ctx, &apigatewayv2.GetRoutesInput{ApiId: id})
			return err
		},
		"Invalid Authorizer identifier": func() error {
			_, err := b.GetAuthorizer(ctx, &apigatewayv2.GetAuthorizerInput{ApiId: api, AuthorizerId: id})
			return err
		},
		"Invalid Authorizer identifier, updated": func() error {
			_, err := b.UpdateAuthorizer(ctx, &apigatewayv2.UpdateAuthorizerInput{ApiId: api, AuthorizerId: id})
			return err
		},
		"Invalid Authorizer identifier, deleted": func() error {
			_, err := b.DeleteAuthorizer(ctx, &apigatewayv2.DeleteAuthorizerInput{ApiId: api, AuthorizerId: id})
			return err
		},
		"Invalid Integration identifier": func() error {
			_, err := b.GetIntegration(ctx, &apigatewayv2.GetIntegrationInput{ApiId: api, IntegrationId: id})
			return err
		},
		"Invalid Integration identifier, updated": func() error {
			_, err := b.UpdateIntegration(ctx, &apigatewayv2.UpdateIntegrationInput{ApiId: api, IntegrationId: id})
			return err
		},
		"Invalid Integration identifier, deleted": func() error {
			_, err := b.DeleteIntegration(ctx, &apigatewayv2.DeleteIntegrationInput{ApiId: api, IntegrationId: id})
			return err
		},
		"Invalid Route identifier": func() error {
			_, err := b.GetRoute(ctx, &apigatewayv2.GetRouteInput{ApiId: api, RouteId: id})
			return err
		},
		"Invalid Route identifier, updated": func() error {
			_, err := b.UpdateRoute(ctx, &apigatewayv2.UpdateRouteInput{ApiId: api, RouteId: id})
			return err
		},
		"Invalid Route identifier, deleted": func() error {
			_, err := b.DeleteRoute(ctx, &apigatewayv2.DeleteRouteInput{ApiId: api, RouteId: id})
			return err
		},
		"Invalid Stage identifier": func() error {
			_, err := b.GetStage(ctx, &apigatewayv2.GetStageInput{ApiId: api, StageName: id})
			return err
		},
		"Invalid Stage identifier, updated": func() error {
			_, err := b.UpdateStage(ctx, &apigatewayv2.UpdateStageInput{ApiId: api, StageName: id})
			return err
		},
		"Invalid Stage identifier, deleted": func() error {
			_, err := b.DeleteStage(ctx, &apigatewayv2.DeleteStageInput{ApiId: api, StageName: id})
			return err
		},
		"Invalid Stage identifier, logging": func() error {
			_, err := b.DeleteAccessLogSettings(ctx, &apigatewayv2.DeleteAccessLogSettingsInput{ApiId: api, StageName: id})
			return err
		},
		"Invalid Deployment identifier": func() error {
			_, err := b.GetDeployment(ctx, &apigatewayv2.GetDeploymentInput{ApiId: api, DeploymentId: id})
			return err
		},
		"Invalid Deployment identifier, updated": func() error {
			_, err := b.UpdateDeployment(ctx, &apigatewayv2.UpdateDeploymentInput{ApiId: api, DeploymentId: id})
			return err
		},
		"Invalid Deployment identifier, deleted": func() error {
			_, err := b.DeleteDeployment(ctx, &apigatewayv2.DeleteDeploymentInput{ApiId: api, DeploymentId: id})
			return err
		},
	}
	for want, call := range calls {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			text, _, _ := strings.Cut(want, ",")
			refused[*types.NotFoundException](t, call(), text)
		})
	}
}

func TestListsArePaged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 27 {
		b.route(fmt.Sprintf("GET /%d", i))
	}
	first, err := b.GetRoutes(t.Context(), &apigatewayv2.GetRoutesInput{ApiId: &b.apiID})
	require.NoError(t, err)
	require.Len(t, first.Items, 25, "the default page")
	rest, err := b.GetRoutes(t.Context(), &apigatewayv2.GetRoutesInput{ApiId: &b.apiID, NextToken: first.NextToken})
	require.NoError(t, err)
	require.Len(t, rest.Items, 2)
	require.Nil(t, rest.NextToken)

	seen := map[string]bool{}
	var token *string
	for {
		page, err := b.GetRoutes(t.Context(), &apigatewayv2.GetRoutesInput{ApiId: &b.apiID, MaxResults: aws.String("9"), NextToken: token})
		require.NoError(t, err)
		require.Len(t, page.Items, 9)
		for _, item := range page.Items {
			seen[*item.RouteId] = true
		}
		if token = page.NextToken; token == nil {
			break
		}
	}
	require.Len(t, seen, 27)

	for _, maximum := range []string{"0", "501", "many"} {
		_, err := b.GetApis(t.Context(), &apigatewayv2.GetApisInput{MaxResults: aws.String(maximum)})
		refused[*types.BadRequestException](t, err, "Invalid maxResults")
	}
	_, err = b.GetApis(t.Context(), &apigatewayv2.GetApisInput{NextToken: aws.String("!")})
	refused[*types.BadRequestException](t, err, "Invalid nextToken")
}

func TestTagsOfAPIsAndStages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	b.stage("$default", nil)
	for _, arn := range []string{b.service.ARN(b.apiID), b.service.ARN(b.apiID) + "/stages/$default"} {
		_, err := b.TagResource(ctx, &apigatewayv2.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"a": "1", "b": "2"}})
		require.NoError(t, err)
		_, err = b.TagResource(ctx, &apigatewayv2.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"b": "3", "c": "4"}})
		require.NoError(t, err)
		_, err = b.UntagResource(ctx, &apigatewayv2.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"a", "absent"}})
		require.NoError(t, err)
		got, err := b.GetTags(ctx, &apigatewayv2.GetTagsInput{ResourceArn: &arn})
		require.NoError(t, err)
		require.Equal(t, map[string]string{"b": "3", "c": "4"}, got.Tags)
		_, err = b.TagResource(ctx, &apigatewayv2.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"AWS:x": "1"}})
		refused[*types.BadRequestException](t, err, "reserved")
	}
	_, err := b.GetTags(ctx, &apigatewayv2.GetTagsInput{ResourceArn: aws.String("arn:aws:sns:x")})
	refused[*types.BadRequestException](t, err, "Invalid ARN")
	_, err = b.GetTags(ctx, &apigatewayv2.GetTagsInput{ResourceArn: aws.String(b.service.ARN("absent"))})
	refused[*types.NotFoundException](t, err, "Invalid API identifier")
	_, err = b.GetTags(ctx, &apigatewayv2.GetTagsInput{ResourceArn: aws.String(b.service.ARN(b.apiID) + "/stages/absent")})
	refused[*types.NotFoundException](t, err, "Invalid Stage identifier")
}

func TestAConcurrentChangeIsAConflictThatAsksToTryAgain(t *testing.T) {
	t.Parallel()
	meets := false
	b := newBench(t, func(o *apigateway.Options) {
		o.Interfere = func(operation string) bool { return meets && operation == "DeleteRoute" }
	})
	id := b.route("GET /a")
	meets = true
	_, err := b.DeleteRoute(t.Context(), &apigatewayv2.DeleteRouteInput{ApiId: &b.apiID, RouteId: id})
	conflicts(t, err, "Unable to complete operation due to concurrent modification. Please try again later.")
	_, err = b.GetRoute(t.Context(), &apigatewayv2.GetRouteInput{ApiId: &b.apiID, RouteId: id})
	require.NoError(t, err, "it is still there")
	meets = false
	_, err = b.DeleteRoute(t.Context(), &apigatewayv2.DeleteRouteInput{ApiId: &b.apiID, RouteId: id})
	require.NoError(t, err)
}

func TestTheControlPlaneOutlivesAReopen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "apigateway.json")
	b := newBench(t, func(o *apigateway.Options) { o.Path = path })
	b.stage("$default", func(in *apigatewayv2.CreateStageInput) { in.AutoDeploy = aws.Bool(true) })
	id := b.integration()
	_, err := b.CreateRoute(t.Context(), &apigatewayv2.CreateRouteInput{ApiId: &b.apiID, RouteKey: aws.String("GET /a"), Target: aws.String("integrations/" + *id)})
	require.NoError(t, err)
	_, before, _, _ := b.service.Deployed(b.apiID)

	again, err := apigateway.New(options(path, b.logs))
	require.NoError(t, err)
	_, after, _, ok := again.Deployed(b.apiID)
	require.True(t, ok)
	require.JSONEq(t, served(t, before), served(t, after))
	// The empty maps were not stored; writing to them must work.
	_, err = client(t, again).CreateAuthorizer(t.Context(), b.jwt("a"))
	require.NoError(t, err)
}

// served is what is served, in a form that can be compared.
func served(t *testing.T, stages map[*apigateway.Stage]*apigateway.Deployment) string {
	t.Helper()
	plain := map[string]any{}
	for stage, deployment := range stages {
		plain[stage.StageName] = []any{stage, deployment}
	}
	raw, err := json.Marshal(plain)
	require.NoError(t, err)
	return string(raw)
}

func TestABrokenStateIsNamed(t *testing.T) {
	t.Parallel()
	_, err := apigateway.New(options(t.TempDir(), nil))
	require.ErrorContains(t, err, "opening store")
}
