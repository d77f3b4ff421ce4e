package apigateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/stretchr/testify/require"
)

func TestAuthorizersThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.authorizer("taken")
	many := make([]string, 51)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	for name, test := range map[string]struct {
		lambda bool
		change func(*apigatewayv2.CreateAuthorizerInput)
		want   string
	}{
		"unknown type": {false, func(in *apigatewayv2.CreateAuthorizerInput) { in.AuthorizerType = "TOKEN" }, "want JWT or REQUEST"},
		"empty name":   {false, func(in *apigatewayv2.CreateAuthorizerInput) { in.Name = aws.String("") }, "Invalid name"},
		"taken name":   {false, func(in *apigatewayv2.CreateAuthorizerInput) { in.Name = aws.String("taken") }, "Authorizer name must be unique. Authorizer taken already exists in this RestApi."},
		"no source":    {false, func(in *apigatewayv2.CreateAuthorizerInput) { in.IdentitySource = []string{} }, "exactly one"},
		"two sources": {false, func(in *apigatewayv2.CreateAuthorizerInput) {
			in.IdentitySource = []string{"$request.header.A", "$request.header.B"}
		}, "exactly one"},
		"source of REST": {false, func(in *apigatewayv2.CreateAuthorizerInput) {
			in.IdentitySource = []string{"method.request.header.Authorization"}
		}, "exactly one"},
		"no configuration": {false, func(in *apigatewayv2.CreateAuthorizerInput) { in.JwtConfiguration = nil }, "issuer is required"},
		"plain issuer": {false, func(in *apigatewayv2.CreateAuthorizerInput) {
			in.JwtConfiguration.Issuer = aws.String("http://a.example")
		}, "scheme https"},
		"long issuer": {false, func(in *apigatewayv2.CreateAuthorizerInput) {
			in.JwtConfiguration.Issuer = aws.String("https://" + strings.Repeat("a", 2048))
		}, "at most 2048"},
		"no audience":    {false, func(in *apigatewayv2.CreateAuthorizerInput) { in.JwtConfiguration.Audience = nil }, "got 0 entries"},
		"empty audience": {false, func(in *apigatewayv2.CreateAuthorizerInput) { in.JwtConfiguration.Audience = []string{""} }, "empty entry"},
		"51 audiences":   {false, func(in *apigatewayv2.CreateAuthorizerInput) { in.JwtConfiguration.Audience = many }, "got 51 entries, want 1 to 50"},
		"JWT with URI":   {false, func(in *apigatewayv2.CreateAuthorizerInput) { in.AuthorizerUri = aws.String("arn:x") }, "only for REQUEST"},
		"JWT with cache": {false, func(in *apigatewayv2.CreateAuthorizerInput) { in.AuthorizerResultTtlInSeconds = aws.Int32(300) }, "only for REQUEST"},
		"validation":     {false, func(in *apigatewayv2.CreateAuthorizerInput) { in.IdentityValidationExpression = aws.String(".*") }, "not supported"},
		"issuer without discovery": {
			false, func(in *apigatewayv2.CreateAuthorizerInput) {
				in.JwtConfiguration.Issuer = aws.String("https://absent.example")
			},
			"Caught exception when connecting to https://absent.example/.well-known/openid-configuration for issuer https://absent.example. Please try again later. " +
				"Error: Invalid issuer: https://absent.example. Issuer must have a valid discovery endpoint ended with '/.well-known/openid-configuration'",
		},
		"Lambda with JWT":         {true, func(in *apigatewayv2.CreateAuthorizerInput) { in.JwtConfiguration = &types.JWTConfiguration{} }, "only for JWT"},
		"Lambda without URI":      {true, func(in *apigatewayv2.CreateAuthorizerInput) { in.AuthorizerUri = nil }, "Invalid Authorizer URI"},
		"Lambda without version":  {true, func(in *apigatewayv2.CreateAuthorizerInput) { in.AuthorizerPayloadFormatVersion = nil }, "want 1.0 or 2.0"},
		"simple responses of 1.0": {true, func(in *apigatewayv2.CreateAuthorizerInput) { in.AuthorizerPayloadFormatVersion = aws.String("1.0") }, "requires authorizerPayloadFormatVersion 2.0"},
		"Lambda source":           {true, func(in *apigatewayv2.CreateAuthorizerInput) { in.IdentitySource = []string{"header"} }, "Invalid identitySource"},
		"long cache":              {true, func(in *apigatewayv2.CreateAuthorizerInput) { in.AuthorizerResultTtlInSeconds = aws.Int32(3601) }, "0 to 3600"},
		"cache without source": {true, func(in *apigatewayv2.CreateAuthorizerInput) {
			in.IdentitySource, in.AuthorizerResultTtlInSeconds = []string{}, aws.Int32(1)
		}, "identitySource is required"},
		"credentials of no role": {true, func(in *apigatewayv2.CreateAuthorizerInput) {
			in.AuthorizerCredentialsArn = aws.String("arn:aws:s3:::x")
		}, "authorizerCredentialsArn"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := b.jwt(name)
			if test.lambda {
				in = b.lambda(name)
			}
			test.change(in)
			_, err := b.CreateAuthorizer(t.Context(), in)
			refused[*types.BadRequestException](t, err, test.want)
		})
	}
}

func TestAnIssuerWithASlashIsAskedWithoutASecond(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	in := b.jwt("a")
	in.JwtConfiguration.Issuer = aws.String("https://absent.example/")
	_, err := b.CreateAuthorizer(t.Context(), in)
	refused[*types.BadRequestException](t, err, "connecting to https://absent.example/.well-known/openid-configuration for issuer https://absent.example/.")
	in.JwtConfiguration.Issuer = aws.String(goodIssuer + "/")
	_, err = b.CreateAuthorizer(t.Context(), in)
	require.NoError(t, err)
}

func TestAnUpdateOfTheIssuerIsCheckedToo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.authorizer("a")
	_, err := b.UpdateAuthorizer(t.Context(), &apigatewayv2.UpdateAuthorizerInput{
		ApiId: &b.apiID, AuthorizerId: id, JwtConfiguration: &types.JWTConfiguration{Issuer: aws.String("https://absent.example"), Audience: []string{"b"}},
	})
	refused[*types.BadRequestException](t, err, "Caught exception when connecting")
	got, err := b.GetAuthorizer(t.Context(), &apigatewayv2.GetAuthorizerInput{ApiId: &b.apiID, AuthorizerId: id})
	require.NoError(t, err)
	require.Equal(t, []string{"client"}, got.JwtConfiguration.Audience)

	updated, err := b.UpdateAuthorizer(t.Context(), &apigatewayv2.UpdateAuthorizerInput{
		ApiId: &b.apiID, AuthorizerId: id, Name: aws.String("b"),
		JwtConfiguration: &types.JWTConfiguration{Issuer: aws.String(goodIssuer), Audience: []string{"b", "c"}},
	})
	require.NoError(t, err)
	require.Equal(t, "b", *updated.Name)
	require.Equal(t, []string{"$request.header.Authorization"}, updated.IdentitySource)

	_, err = b.UpdateAuthorizer(t.Context(), &apigatewayv2.UpdateAuthorizerInput{ApiId: &b.apiID, AuthorizerId: id, AuthorizerType: types.AuthorizerTypeRequest})
	refused[*types.BadRequestException](t, err, "cannot be changed from JWT to REQUEST")
}

func TestAnAuthorizerInUseCannotBeDeleted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.authorizer("entra")
	route, err := b.CreateRoute(t.Context(), &apigatewayv2.CreateRouteInput{
		ApiId: &b.apiID, RouteKey: aws.String("POST /pdf"), AuthorizationType: types.AuthorizationTypeJwt, AuthorizerId: id,
	})
	require.NoError(t, err)
	remove := &apigatewayv2.DeleteAuthorizerInput{ApiId: &b.apiID, AuthorizerId: id}
	_, err = b.DeleteAuthorizer(t.Context(), remove)
	conflicts(t, err, "Cannot delete authorizer 'entra', is referenced in route: POST /pdf")

	updated, err := b.UpdateRoute(t.Context(), &apigatewayv2.UpdateRouteInput{ApiId: &b.apiID, RouteId: route.RouteId, AuthorizationType: types.AuthorizationTypeNone})
	require.NoError(t, err)
	require.Nil(t, updated.AuthorizerId, "NONE takes the authorizer off")
	_, err = b.DeleteAuthorizer(t.Context(), remove)
	require.NoError(t, err)
}

func TestTheEleventhAuthorizerIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 10 {
		b.authorizer(fmt.Sprint(i))
	}
	_, err := b.CreateAuthorizer(t.Context(), b.jwt("10"))
	refused[*types.TooManyRequestsException](t, err, "Maximum number of Authorizers for this API has been reached.")
}
