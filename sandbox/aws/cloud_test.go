package aws_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws"
	"github.com/entragate/entragate/sandbox/edge"
)

const region = "eu-west-1"

var (
	_ edge.Source    = (*aws.Cloud)(nil)
	_ edge.LogSink   = (*aws.Cloud)(nil)
	_ edge.Functions = (*aws.Cloud)(nil)
)

// open opens a cloud over dir and serves it.
func open(t *testing.T, dir string) (*aws.Cloud, string) {
	t.Helper()
	cloud, err := aws.New(aws.Options{
		Region:      region,
		Dir:         dir,
		CheckIssuer: func(context.Context, string) error { return nil },
		Endpoint:    func(apiID string) string { return "https://" + apiID + ".execute-api." + region + ".localhost" },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cloud.Close()) })
	server := httptest.NewServer(cloud)
	t.Cleanup(server.Close)
	return cloud, server.URL
}

// config is what an SDK reads from the environment.
func config(url string) sdk.Config {
	return sdk.Config{
		Region:           region,
		BaseEndpoint:     &url,
		RetryMaxAttempts: 1,
		Credentials:      credentials.NewStaticCredentialsProvider(aws.AccessKeyID, aws.SecretAccessKey, ""),
	}
}

func TestAnAPIIsServedOnceItIsDeployed(t *testing.T) {
	t.Parallel()
	cloud, url := open(t, "")
	ctx := t.Context()
	gateway := apigatewayv2.NewFromConfig(config(url))

	api, err := gateway.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: sdk.String("orders"), ProtocolType: types.ProtocolTypeHttp})
	require.NoError(t, err)
	require.Equal(t, "https://"+*api.ApiId+".execute-api."+region+".localhost", *api.ApiEndpoint)
	before := cloud.Generation()
	_, err = gateway.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api.ApiId, StageName: sdk.String("$default"), AutoDeploy: sdk.Bool(true)})
	require.NoError(t, err)
	served, _, ok := cloud.Served(*api.ApiId)
	require.True(t, ok)
	require.Empty(t, served.Stages, "an API without routes cannot be deployed")

	_, err = gateway.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: api.ApiId, RouteKey: sdk.String("GET /orders")})
	require.NoError(t, err)
	served, generation, ok := cloud.Served(*api.ApiId)
	require.True(t, ok)
	require.Greater(t, generation, before)
	require.Equal(t, generation, cloud.Generation())
	require.Len(t, served.Stages, 1)
	require.Len(t, served.Stages[0].Deployment.Routes, 1)
	require.Nil(t, served.API.Routes, "routes are in the deployments")

	_, _, ok = cloud.Served("absent0000")
	require.False(t, ok)
}

func TestCallerIdentity(t *testing.T) {
	t.Parallel()
	_, url := open(t, "")
	who, err := sts.NewFromConfig(config(url)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	require.NoError(t, err)
	require.Equal(t, "000000000000", *who.Account)
	require.Equal(t, "arn:aws:iam::000000000000:user/sandbox", *who.Arn)

	_, err = sts.NewFromConfig(config(url)).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
	requireCode(t, err, "NotImplemented")
}

func requireCode(t *testing.T, err error, code string) {
	t.Helper()
	var refusal smithy.APIError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, code, refusal.ErrorCode(), refusal.ErrorMessage())
}

func TestUnauthenticatedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	_, url := open(t, "")
	wrongSecret, wrongKey, wrongRegion := config(url), config(url), config(url)
	wrongSecret.Credentials = credentials.NewStaticCredentialsProvider(aws.AccessKeyID, "guessed", "")
	wrongKey.Credentials = credentials.NewStaticCredentialsProvider("somebody", aws.SecretAccessKey, "")
	wrongRegion.Region = "us-west-2"

	for name, test := range map[string]struct {
		config            sdk.Config
		rest, json, query string
	}{
		"wrong secret": {wrongSecret, "InvalidSignatureException", "InvalidSignatureException", "SignatureDoesNotMatch"},
		"unknown key":  {wrongKey, "UnrecognizedClientException", "UnrecognizedClientException", "InvalidClientTokenId"},
		"other region": {wrongRegion, "InvalidSignatureException", "InvalidSignatureException", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := apigatewayv2.NewFromConfig(test.config).GetApis(t.Context(), &apigatewayv2.GetApisInput{})
			requireCode(t, err, test.rest)
			_, err = cloudwatchlogs.NewFromConfig(test.config).DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{})
			requireCode(t, err, test.json)
			_, err = sts.NewFromConfig(test.config).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			if test.query == "" {
				require.NoError(t, err, "STS is global")
				return
			}
			requireCode(t, err, test.query)
		})
	}
}

func TestClientsFollowTheClockOfTheCloud(t *testing.T) {
	t.Parallel()
	cloud, err := aws.New(aws.Options{
		Region: region, Now: func() time.Time { return time.Now().Add(2 * 365 * 24 * time.Hour) },
		CheckIssuer: func(context.Context, string) error { return nil },
		Endpoint:    func(string) string { return "" },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cloud.Close()) })
	server := httptest.NewServer(cloud)
	t.Cleanup(server.Close)
	ctx := t.Context()
	for name, test := range map[string]struct {
		call    func(sdk.Config) error
		refusal string
	}{
		"API Gateway": {func(c sdk.Config) error {
			_, err := apigatewayv2.NewFromConfig(c).GetApis(ctx, &apigatewayv2.GetApisInput{})
			return err
		}, "InvalidSignatureException"},
		"Lambda": {func(c sdk.Config) error {
			_, err := lambda.NewFromConfig(c).ListFunctions(ctx, &lambda.ListFunctionsInput{})
			return err
		}, "InvalidSignatureException"},
		"Logs": {func(c sdk.Config) error {
			_, err := cloudwatchlogs.NewFromConfig(c).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
			return err
		}, "InvalidSignatureException"},
		"Secrets Manager": {func(c sdk.Config) error {
			_, err := secretsmanager.NewFromConfig(c).ListSecrets(ctx, &secretsmanager.ListSecretsInput{})
			return err
		}, "InvalidSignatureException"},
		"KMS": {func(c sdk.Config) error {
			_, err := kms.NewFromConfig(c).ListKeys(ctx, &kms.ListKeysInput{})
			return err
		}, "InvalidSignatureException"},
		"EventBridge": {func(c sdk.Config) error {
			_, err := eventbridge.NewFromConfig(c).ListRules(ctx, &eventbridge.ListRulesInput{})
			return err
		}, "InvalidSignatureException"},
		"CloudWatch": {func(c sdk.Config) error {
			_, err := cloudwatch.NewFromConfig(c).DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{})
			return err
		}, "InvalidSignatureException"},
		"STS": {func(c sdk.Config) error {
			_, err := sts.NewFromConfig(c).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			return err
		}, "SignatureDoesNotMatch"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.call(config(server.URL))
			requireCode(t, err, test.refusal)
			require.ErrorContains(t, err, "Signature expired")
			usual := config(server.URL)
			usual.RetryMaxAttempts = 0
			require.NoError(t, test.call(usual), "clients correct their clock and try again")
		})
	}
}

func TestRequestsMayBeOnTimeByTheClockOfClients(t *testing.T) {
	t.Parallel()
	var clients atomic.Int64
	cloud, err := aws.New(aws.Options{
		Region: region, Now: func() time.Time { return time.Now().Add(48 * time.Hour) },
		ClientNow:   func() time.Time { return time.Now().Add(time.Duration(clients.Load())) },
		CheckIssuer: func(context.Context, string) error { return nil },
		Endpoint:    func(string) string { return "" },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cloud.Close()) })
	server := httptest.NewServer(cloud)
	t.Cleanup(server.Close)
	call := func() error {
		_, err := apigatewayv2.NewFromConfig(config(server.URL)).GetApis(t.Context(), &apigatewayv2.GetApisInput{})
		return err
	}
	require.NoError(t, call())
	clients.Store(int64(time.Hour))
	requireCode(t, call(), "InvalidSignatureException")
}

func TestUnsignedRequestsAreRefusedInEachProtocol(t *testing.T) {
	t.Parallel()
	_, url := open(t, "")
	for name, test := range map[string]struct {
		header http.Header
		path   string
		status int
		want   string
	}{
		"rest":             {nil, "/v2/apis", 403, `{"message":"Missing Authentication Token"}`},
		"json":             {http.Header{"X-Amz-Target": {"Logs_20140328.DescribeLogGroups"}}, "/", 400, `"__type":"MissingAuthenticationTokenException"`},
		"query":            {http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "/", 403, "<Code>MissingAuthenticationToken</Code>"},
		"not a signature":  {http.Header{"Authorization": {"Bearer x"}}, "/v2/apis", 403, "AWS4-HMAC-SHA256"},
		"half a signature": {http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host"}}, "/v2/apis", 403, "requires 'Signature' parameter"},
		"malformed scope":  {http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0"}}, "/v2/apis", 403, "5 slash-delimited elements"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+test.path, strings.NewReader("{}"))
			require.NoError(t, err)
			r.Header = test.header
			response, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.Equal(t, test.status, response.StatusCode)
			require.Contains(t, string(body), test.want)
			require.NotEmpty(t, response.Header.Get("x-amzn-RequestId"))
		})
	}
}

func TestOtherServicesAndOperationsAreRefusedClearly(t *testing.T) {
	t.Parallel()
	_, url := open(t, "")
	_, err := iam.NewFromConfig(config(url)).GetUser(t.Context(), &iam.GetUserInput{})
	requireCode(t, err, "NotImplemented")
	require.ErrorContains(t, err, "IAM action GetUser is not implemented by the sandbox")
	require.Contains(t, signed(t, url, "dynamodb", "DynamoDB_20120810.ListTables", `{}`), "AWS service dynamodb is not implemented by the sandbox")
	_, err = apigatewayv2.NewFromConfig(config(url)).GetDomainNames(t.Context(), &apigatewayv2.GetDomainNamesInput{})
	requireCode(t, err, "NotImplemented")
	_, err = cloudwatchlogs.NewFromConfig(config(url)).DescribeSubscriptionFilters(t.Context(), &cloudwatchlogs.DescribeSubscriptionFiltersInput{LogGroupName: sdk.String("/g")})
	requireCode(t, err, "NotImplemented")
}

// findByTag calls the tagging API as its clients do.
func findByTag(t *testing.T, url, request string) (answer struct {
	PaginationToken        string
	ResourceTagMappingList []struct{ ResourceARN string }
},
) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(callTagging(t, url, request)), &answer))
	return answer
}

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func callTagging(t *testing.T, url, request string) string {
	t.Helper()
	return signed(t, url, "tagging", "ResourceGroupsTaggingAPI_20170126.GetResources", request)
}

// signed makes a JSON request of a service that has no SDK here.
func signed(t *testing.T, url, service, target, request string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(request))
	require.NoError(t, err)
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	key := sdk.Credentials{AccessKeyID: aws.AccessKeyID, SecretAccessKey: aws.SecretAccessKey}
	require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), key, r, sha256Hex(request), service, region, time.Now()))
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}

func TestResourcesOfAllServicesAreFoundByTag(t *testing.T) {
	t.Parallel()
	_, url := open(t, "")
	ctx := t.Context()
	gateway, logs := apigatewayv2.NewFromConfig(config(url)), cloudwatchlogs.NewFromConfig(config(url))
	mine := map[string]string{"project": "orders", "env": "dev"}
	api, err := gateway.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: sdk.String("a"), ProtocolType: types.ProtocolTypeHttp, Tags: mine})
	require.NoError(t, err)
	_, err = gateway.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: sdk.String("untagged"), ProtocolType: types.ProtocolTypeHttp})
	require.NoError(t, err)
	_, err = gateway.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api.ApiId, StageName: sdk.String("$default"), Tags: map[string]string{"project": "orders"}})
	require.NoError(t, err)
	_, err = logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: sdk.String("/g"), Tags: mine})
	require.NoError(t, err)
	_, err = logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: sdk.String("/other"), Tags: map[string]string{"project": "else"}})
	require.NoError(t, err)

	apiARN := "arn:aws:apigateway:eu-west-1::/apis/" + *api.ApiId
	stageARN := apiARN + "/stages/$default"
	groupARN := "arn:aws:logs:eu-west-1:000000000000:log-group:/g"
	for name, test := range map[string]struct {
		request string
		want    []string
	}{
		"by key and value": {`{"TagFilters":[{"Key":"project","Values":["orders"]}]}`, []string{apiARN, stageARN, groupARN}},
		"by two tags":      {`{"TagFilters":[{"Key":"project","Values":["orders","x"]},{"Key":"env"}]}`, []string{apiARN, groupARN}},
		"by service":       {`{"TagFilters":[{"Key":"env"}],"ResourceTypeFilters":["logs"]}`, []string{groupARN}},
		"by type":          {`{"ResourceTypeFilters":["apigateway:stages"]}`, []string{stageARN}},
		"by ARN":           {`{"ResourceARNList":["` + groupARN + `"]}`, []string{groupARN}},
		"none":             {`{"TagFilters":[{"Key":"absent"}]}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, found := range findByTag(t, url, test.request).ResourceTagMappingList {
				got = append(got, found.ResourceARN)
			}
			require.Equal(t, test.want, got)
		})
	}

	first := findByTag(t, url, `{"ResourcesPerPage":3}`)
	require.Len(t, first.ResourceTagMappingList, 3)
	second := findByTag(t, url, `{"ResourcesPerPage":3,"PaginationToken":"`+first.PaginationToken+`"}`)
	require.Len(t, second.ResourceTagMappingList, 1)
	require.Empty(t, second.PaginationToken)

	for _, request := range []string{
		`{"ResourcesPerPage":101}`, `{"TagFilters":[{"Key":""}]}`, `{"ResourceARNList":["x"],"ResourceTypeFilters":["logs"]}`,
	} {
		require.Contains(t, callTagging(t, url, request), "InvalidParameterException")
	}
	require.Contains(t, callTagging(t, url, `{"PaginationToken":"!"}`), "PaginationTokenExpiredException")
	require.Contains(t, callTagging(t, url, `{"TagFilters":1}`), "SerializationException")
	require.Contains(t, callTagging(t, url, `{"TagsPerPage":100}`), "NotImplemented")
}

func TestTheStateOutlivesAReopen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cloud, url := open(t, dir)
	ctx := t.Context()
	gateway, logs := apigatewayv2.NewFromConfig(config(url)), cloudwatchlogs.NewFromConfig(config(url))
	api, err := gateway.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: sdk.String("a"), ProtocolType: types.ProtocolTypeHttp})
	require.NoError(t, err)
	_, err = logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: sdk.String("/g")})
	require.NoError(t, err)
	group := "arn:aws:logs:eu-west-1:000000000000:log-group:/g"
	require.NoError(t, cloud.Deliver(group, "s", time.Now(), "a line"))
	require.Error(t, cloud.Deliver(group+"absent", "s", time.Now(), "lost"))

	again, url := open(t, dir) // the first is still open, as after a kill
	_, _, ok := again.Served(*api.ApiId)
	require.True(t, ok)
	gateway, logs = apigatewayv2.NewFromConfig(config(url)), cloudwatchlogs.NewFromConfig(config(url))
	_, err = gateway.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: api.ApiId, RouteKey: sdk.String("$default")})
	require.NoError(t, err)
	events, err := logs.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: sdk.String("/g")})
	require.NoError(t, err)
	require.Len(t, events.Events, 1)
	require.Equal(t, "a line", *events.Events[0].Message)
}

func TestBadOptionsAreRefused(t *testing.T) {
	t.Parallel()
	good := aws.Options{
		CheckIssuer: func(context.Context, string) error { return errors.New("unused") },
		Endpoint:    func(string) string { return "" },
	}
	for name, change := range map[string]func(*aws.Options){
		"account":         func(o *aws.Options) { o.Account = "12" },
		"region":          func(o *aws.Options) { o.Region = "mars" },
		"no issuer check": func(o *aws.Options) { o.CheckIssuer = nil },
		"no endpoint":     func(o *aws.Options) { o.Endpoint = nil },
		"no directory":    func(o *aws.Options) { o.Dir = "\x00" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := good
			change(&options)
			_, err := aws.New(options)
			require.ErrorContains(t, err, "opening aws: ")
		})
	}
}
