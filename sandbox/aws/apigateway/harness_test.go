package apigateway_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
)

const (
	account    = "000000000000"
	region     = "eu-west-1"
	goodIssuer = "https://login.example/tenant/v2.0"
	groupARN   = "arn:aws:logs:" + region + ":" + account + ":log-group:/aws/vendedlogs/api"
	format     = `{"id":"$context.requestId"}`
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// logGroups is a CloudWatch Logs with one group, which may refuse delivery.
type logGroups struct {
	mu      sync.Mutex
	refusal error
	allowed []string
}

func (l *logGroups) HasGroup(name string) bool { return name == "/aws/vendedlogs/api" }

func (l *logGroups) AllowDelivery(arn string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.allowed = append(l.allowed, arn)
	return l.refusal
}

// bench is a control plane and a real client of it.
type bench struct {
	*apigatewayv2.Client
	t       *testing.T
	service *apigateway.Service
	logs    *logGroups
	apiID   string
}

func options(path string, logs *logGroups) apigateway.Options {
	return apigateway.Options{
		Account: account, Region: region, Path: path, Logs: logs,
		Now: func() time.Time { return start },
		CheckIssuer: func(_ context.Context, issuer string) error {
			if issuer == goodIssuer || issuer == goodIssuer+"/" {
				return nil
			}
			return errors.New("no such host")
		},
		Endpoint: func(apiID string) string { return "https://" + apiID + ".example" },
	}
}

// newBench starts a control plane with one empty API.
func newBench(t *testing.T, change ...func(*apigateway.Options)) *bench {
	t.Helper()
	logs := &logGroups{}
	o := options("", logs)
	for _, fn := range change {
		fn(&o)
	}
	service, err := apigateway.New(o)
	require.NoError(t, err)
	b := &bench{Client: client(t, service), t: t, service: service, logs: logs}
	api, err := b.CreateApi(t.Context(), &apigatewayv2.CreateApiInput{Name: aws.String("orders"), ProtocolType: types.ProtocolTypeHttp})
	require.NoError(t, err)
	b.apiID = *api.ApiId
	return b
}

func client(t *testing.T, service *apigateway.Service) *apigatewayv2.Client {
	t.Helper()
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	return apigatewayv2.New(apigatewayv2.Options{
		Region: region, BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
	})
}

// authorizer creates a JWT authorizer and returns its id.
func (b *bench) authorizer(name string) *string {
	b.t.Helper()
	a, err := b.CreateAuthorizer(b.t.Context(), b.jwt(name))
	require.NoError(b.t, err)
	return a.AuthorizerId
}

func (b *bench) jwt(name string) *apigatewayv2.CreateAuthorizerInput {
	return &apigatewayv2.CreateAuthorizerInput{
		ApiId: &b.apiID, AuthorizerType: types.AuthorizerTypeJwt, Name: &name,
		IdentitySource:   []string{"$request.header.Authorization"},
		JwtConfiguration: &types.JWTConfiguration{Issuer: aws.String(goodIssuer), Audience: []string{"client"}},
	}
}

// lambda is a REQUEST authorizer.
func (b *bench) lambda(name string) *apigatewayv2.CreateAuthorizerInput {
	return &apigatewayv2.CreateAuthorizerInput{
		ApiId: &b.apiID, AuthorizerType: types.AuthorizerTypeRequest, Name: &name,
		IdentitySource:                 []string{"$request.header.Authorization", "$context.routeKey"},
		AuthorizerUri:                  aws.String("arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:000000000000:function:authorize/invocations"),
		AuthorizerPayloadFormatVersion: aws.String("2.0"),
		EnableSimpleResponses:          aws.Bool(true),
		AuthorizerResultTtlInSeconds:   aws.Int32(0),
	}
}

func (b *bench) proxy() *apigatewayv2.CreateIntegrationInput {
	return &apigatewayv2.CreateIntegrationInput{
		ApiId: &b.apiID, IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("ANY"),
		IntegrationUri: aws.String("http://127.0.0.1:8080/{proxy}"), PayloadFormatVersion: aws.String("1.0"),
	}
}

// integration creates an HTTP proxy integration and returns its id.
func (b *bench) integration() *string {
	b.t.Helper()
	i, err := b.CreateIntegration(b.t.Context(), b.proxy())
	require.NoError(b.t, err)
	return i.IntegrationId
}

// route creates a route without authorization and returns its id.
func (b *bench) route(key string) *string {
	b.t.Helper()
	r, err := b.CreateRoute(b.t.Context(), &apigatewayv2.CreateRouteInput{ApiId: &b.apiID, RouteKey: &key})
	require.NoError(b.t, err)
	return r.RouteId
}

// stage creates a stage.
func (b *bench) stage(name string, change func(*apigatewayv2.CreateStageInput)) *apigatewayv2.CreateStageOutput {
	b.t.Helper()
	in := &apigatewayv2.CreateStageInput{ApiId: &b.apiID, StageName: &name}
	if change != nil {
		change(in)
	}
	stage, err := b.CreateStage(b.t.Context(), in)
	require.NoError(b.t, err)
	return stage
}

// refused requires that err is of the exception E and says want.
func refused[E error](t *testing.T, err error, want string) {
	t.Helper()
	var exception E
	require.ErrorAs(t, err, &exception)
	require.Contains(t, exception.Error(), want)
}

// conflicts requires that err is a ConflictException that says want. The SDK
// has no type for it in operations that delete, since their model names none.
func conflicts(t *testing.T, err error, want string) {
	t.Helper()
	var refusal smithy.APIError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, "ConflictException", refusal.ErrorCode())
	require.Contains(t, refusal.ErrorMessage(), want)
	var response *smithyhttp.ResponseError
	require.ErrorAs(t, err, &response)
	require.Equal(t, http.StatusConflict, response.HTTPStatusCode())
}
