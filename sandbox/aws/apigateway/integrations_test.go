package apigateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

func TestIntegrationsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	request := func(key, value string) func(*apigatewayv2.CreateIntegrationInput) {
		return func(in *apigatewayv2.CreateIntegrationInput) { in.RequestParameters = map[string]string{key: value} }
	}
	response := func(status, key, value string) func(*apigatewayv2.CreateIntegrationInput) {
		return func(in *apigatewayv2.CreateIntegrationInput) {
			in.ResponseParameters = map[string]map[string]string{status: {key: value}}
		}
	}
	toLambda := func(change func(*apigatewayv2.CreateIntegrationInput)) func(*apigatewayv2.CreateIntegrationInput) {
		return func(in *apigatewayv2.CreateIntegrationInput) {
			in.IntegrationType = types.IntegrationTypeAwsProxy
			in.IntegrationUri = aws.String("arn:aws:lambda:eu-west-1:000000000000:function:orders")
			change(in)
		}
	}
	for name, test := range map[string]struct {
		change func(*apigatewayv2.CreateIntegrationInput)
		want   string
	}{
		"mock":                  {func(in *apigatewayv2.CreateIntegrationInput) { in.IntegrationType = types.IntegrationTypeMock }, "want HTTP_PROXY or AWS_PROXY"},
		"no method":             {func(in *apigatewayv2.CreateIntegrationInput) { in.IntegrationMethod = nil }, "Invalid HTTP method"},
		"lower-case method":     {func(in *apigatewayv2.CreateIntegrationInput) { in.IntegrationMethod = aws.String("get") }, "Invalid HTTP method"},
		"no URI":                {func(in *apigatewayv2.CreateIntegrationInput) { in.IntegrationUri = nil }, "integrationUri"},
		"URI of no host":        {func(in *apigatewayv2.CreateIntegrationInput) { in.IntegrationUri = aws.String("https:///x") }, "Invalid HTTP endpoint"},
		"URI of another scheme": {func(in *apigatewayv2.CreateIntegrationInput) { in.IntegrationUri = aws.String("ftp://a.example") }, "Invalid HTTP endpoint"},
		"URI with open brace":   {func(in *apigatewayv2.CreateIntegrationInput) { in.IntegrationUri = aws.String("https://a.example/{id") }, "Invalid HTTP endpoint"},
		"no payload version":    {func(in *apigatewayv2.CreateIntegrationInput) { in.PayloadFormatVersion = nil }, "PayloadFormatVersion is a required"},
		"version 2.0 for HTTP":  {func(in *apigatewayv2.CreateIntegrationInput) { in.PayloadFormatVersion = aws.String("2.0") }, "want 1.0 for integrationType HTTP_PROXY"},
		"version 3.0":           {toLambda(func(in *apigatewayv2.CreateIntegrationInput) { in.PayloadFormatVersion = aws.String("3.0") }), "want 1.0 or 2.0"},
		"short timeout":         {func(in *apigatewayv2.CreateIntegrationInput) { in.TimeoutInMillis = aws.Int32(49) }, "between 50 ms and 30000 ms"},
		"long timeout":          {func(in *apigatewayv2.CreateIntegrationInput) { in.TimeoutInMillis = aws.Int32(30001) }, "between 50 ms and 30000 ms"},
		"long description":      {func(in *apigatewayv2.CreateIntegrationInput) { in.Description = aws.String(strings.Repeat("d", 1025)) }, "description"},
		"Lambda of no ARN":      {toLambda(func(in *apigatewayv2.CreateIntegrationInput) { in.IntegrationUri = aws.String("orders") }), "ARN of a Lambda function"},
		"role of no ARN":        {toLambda(func(in *apigatewayv2.CreateIntegrationInput) { in.CredentialsArn = aws.String("admin") }), "credentialsArn"},
		"content handling":      {func(in *apigatewayv2.CreateIntegrationInput) { in.ContentHandlingStrategy = "CONVERT_TO_TEXT" }, "not supported"},
		"request templates":     {func(in *apigatewayv2.CreateIntegrationInput) { in.RequestTemplates = map[string]string{"a": "b"} }, "not supported"},
		"template selection":    {func(in *apigatewayv2.CreateIntegrationInput) { in.TemplateSelectionExpression = aws.String("x") }, "not supported"},
		"connection id":         {func(in *apigatewayv2.CreateIntegrationInput) { in.ConnectionId = aws.String("x") }, "only for connectionType VPC_LINK"},
		"TLS of a public host": {func(in *apigatewayv2.CreateIntegrationInput) {
			in.TlsConfig = &types.TlsConfigInput{ServerNameToVerify: aws.String("x")}
		}, "only for private"},
		"unknown connection": {func(in *apigatewayv2.CreateIntegrationInput) { in.ConnectionType = "PIGEON" }, "Invalid connectionType"},

		"mapping of REST":      {request("integration.request.header.x", "'a'"), "Invalid mapping expression specified"},
		"mapping of the body":  {request("overwrite:body", "a"), "Invalid mapping expression specified"},
		"appended path":        {request("append:path", "/a"), "Invalid mapping expression specified"},
		"Authorization":        {request("overwrite:header.Authorization", "a"), "Operations on header authorization are restricted"},
		"x-amz- header":        {request("append:header.X-Amz-Date", "a"), "are restricted"},
		"removed Via":          {request("remove:header.via", "''"), "are restricted"},
		"unknown variable":     {request("append:header.x", "$request.cookie.a"), `got source "$request.cookie.a"`},
		"unknown context":      {request("append:header.x", "$context.resourcePath"), "got the value $context.resourcePath"},
		"response in request":  {request("append:header.x", "$response.header.a"), `got source "$response.header.a"`},
		"status of no number":  {response("2xx", "append:header.x", "a"), "200 to 599"},
		"status 600":           {response("600", "append:header.x", "a"), "200 to 599"},
		"response query":       {response("200", "append:querystring.x", "a"), "Invalid mapping expression"},
		"status code of 99":    {response("200", "overwrite:statuscode", "99"), "want a number from 200 to 599"},
		"response context":     {response("200", "append:header.x", "a ${context.resourcePath}"), "got the value $context.resourcePath"},
		"reserved in response": {response("200", "overwrite:header.access-control-allow-origin", "*"), "are restricted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := b.proxy()
			test.change(in)
			_, err := b.CreateIntegration(t.Context(), in)
			refused[*types.BadRequestException](t, err, test.want)
		})
	}
}

func TestIntegrationsThatAreTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	in := b.proxy()
	in.IntegrationUri = aws.String("https://${stageVariables.host}/v1/{proxy}?x={id}")
	in.PassthroughBehavior = types.PassthroughBehaviorWhenNoMatch // what terraform-provider-aws sends
	in.RequestParameters = map[string]string{
		"overwrite:header.x-client": "$context.authorizer.claims.azp", "append:querystring.q": "$request.header.a ${context.requestId}",
		"overwrite:path": "$request.path.proxy", "remove:header.x-debug": "''", "append:header.x-static": "text 1.0",
	}
	in.ResponseParameters = map[string]map[string]string{"403": {"append:header.x": "$context.authorizer.error", "overwrite:statuscode": "404"}}
	created, err := b.CreateIntegration(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, int32(30000), *created.TimeoutInMillis)
	require.Equal(t, types.ConnectionTypeInternet, created.ConnectionType)
	require.Empty(t, created.PassthroughBehavior)

	updated, err := b.UpdateIntegration(t.Context(), &apigatewayv2.UpdateIntegrationInput{
		ApiId: &b.apiID, IntegrationId: created.IntegrationId, TimeoutInMillis: aws.Int32(50),
		RequestParameters:  map[string]string{"remove:header.x-debug": "", "append:header.x-static": "2"},
		ResponseParameters: map[string]map[string]string{"403": {}},
	})
	require.NoError(t, err)
	require.Len(t, updated.RequestParameters, 4, `"" removes one`)
	require.Equal(t, "2", updated.RequestParameters["append:header.x-static"])
	require.Empty(t, updated.ResponseParameters)
	require.Equal(t, int32(50), *updated.TimeoutInMillis)

	_, err = b.UpdateIntegration(t.Context(), &apigatewayv2.UpdateIntegrationInput{ApiId: &b.apiID, IntegrationId: created.IntegrationId, IntegrationUri: aws.String("nowhere")})
	refused[*types.BadRequestException](t, err, "Invalid HTTP endpoint")

	function, err := b.CreateIntegration(t.Context(), &apigatewayv2.CreateIntegrationInput{
		ApiId: &b.apiID, IntegrationType: types.IntegrationTypeAwsProxy, PayloadFormatVersion: aws.String("2.0"),
		IntegrationUri: aws.String("arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:000000000000:function:f/invocations"),
	})
	require.NoError(t, err)
	require.Equal(t, "POST", *function.IntegrationMethod)
}

func TestWhatIntegrationsDoNotImplementIsSaid(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	private := b.proxy()
	private.ConnectionType = types.ConnectionTypeVpcLink
	queue := b.proxy()
	queue.IntegrationType, queue.IntegrationSubtype = types.IntegrationTypeAwsProxy, aws.String("SQS-SendMessage")
	body := b.proxy()
	body.RequestParameters = map[string]string{"append:header.x": "$request.body.a"}
	for _, in := range []*apigatewayv2.CreateIntegrationInput{private, queue, body} {
		_, err := b.CreateIntegration(t.Context(), in)
		var refusal smithy.APIError
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, "NotImplemented", refusal.ErrorCode())
	}
}

func TestAnIntegrationInUseCannotBeDeleted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.integration()
	route, err := b.CreateRoute(t.Context(), &apigatewayv2.CreateRouteInput{ApiId: &b.apiID, RouteKey: aws.String("GET /a"), Target: aws.String("integrations/" + *id)})
	require.NoError(t, err)
	remove := &apigatewayv2.DeleteIntegrationInput{ApiId: &b.apiID, IntegrationId: id}
	_, err = b.DeleteIntegration(t.Context(), remove)
	conflicts(t, err, "Cannot delete Integration because it is referenced by the following Routes with Ids: ["+*route.RouteId+"]")
	_, err = b.DeleteRoute(t.Context(), &apigatewayv2.DeleteRouteInput{ApiId: &b.apiID, RouteId: route.RouteId})
	require.NoError(t, err)
	_, err = b.DeleteIntegration(t.Context(), remove)
	require.NoError(t, err)
}

func TestTheIntegrationAfterTheQuotaIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for range 300 {
		b.integration()
	}
	_, err := b.CreateIntegration(t.Context(), b.proxy())
	refused[*types.TooManyRequestsException](t, err, "Maximum number of Integrations for this API has been reached.")
}

func TestTheRouteAfterTheQuotaIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 300 {
		b.route(fmt.Sprintf("GET /%d", i))
	}
	_, err := b.CreateRoute(t.Context(), &apigatewayv2.CreateRouteInput{ApiId: &b.apiID, RouteKey: aws.String("GET /300")})
	refused[*types.TooManyRequestsException](t, err, "Maximum number of Routes for this API has been reached.")
}
