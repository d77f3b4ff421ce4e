package sts_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	iamsdk "github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	stssdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/iam"
	"github.com/entragate/entragate/sandbox/aws/sts"
)

const (
	account  = "123456789012"
	region   = "eu-west-1"
	roleARN  = "arn:aws:iam::123456789012:role/apps/r"
	exchange = "api://AzureADTokenExchange"
	allowed  = `{"Effect":"Allow","Action":"sts:GetWebIdentityToken","Resource":"*"}`
)

// world is an STS with its issuer. Requests are of the account's user, or of the
// session that as says.
type world struct {
	service *sts.Service
	roles   *iam.Service
	issuer  string
	now     time.Time
	server  *httptest.Server
	iam     *iamsdk.Client
}

func open(t *testing.T, dir string) *world {
	t.Helper()
	w := &world{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	mux := http.NewServeMux()
	w.server = httptest.NewServer(mux)
	t.Cleanup(w.server.Close)
	w.issuer = w.server.URL + "/id"
	path := func(name string) string {
		if dir == "" {
			return ""
		}
		return filepath.Join(dir, name)
	}
	now := func() time.Time { return w.now }
	var err error
	w.roles, err = iam.New(iam.Options{Account: account, Path: path("iam.json"), Now: now, Issuer: w.issuer})
	require.NoError(t, err)
	w.service, err = sts.New(sts.Options{Account: account, Region: region, Path: path("sts.json"), Now: now, Roles: w.roles})
	require.NoError(t, err)
	mux.Handle("/id/", w.service.Issuer())
	mux.Handle("/iam", w.roles)
	mux.HandleFunc("/sts/{key}", func(rw http.ResponseWriter, r *http.Request) {
		if session, ok := w.roles.Session(r.PathValue("key")); ok {
			r = r.WithContext(iam.WithSession(r.Context(), session))
		}
		w.service.ServeHTTP(rw, r)
	})
	w.iam = iamsdk.NewFromConfig(w.config("/iam"))
	return w
}

func (w *world) config(path string) sdk.Config {
	return sdk.Config{
		Region: region, BaseEndpoint: sdk.String(w.server.URL + path), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	}
}

// user is a client of the account's user.
func (w *world) user() *stssdk.Client { return stssdk.NewFromConfig(w.config("/sts/user")) }

// session is a client of a new session of a role with a policy.
func (w *world) session(t *testing.T, statements string) *stssdk.Client {
	t.Helper()
	_, err := w.iam.CreateRole(t.Context(), &iamsdk.CreateRoleInput{
		RoleName: sdk.String("r"), Path: sdk.String("/apps/"),
		AssumeRolePolicyDocument: sdk.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}`),
	})
	require.NoError(t, err)
	_, err = w.iam.PutRolePolicy(t.Context(), &iamsdk.PutRolePolicyInput{
		RoleName: sdk.String("r"), PolicyName: sdk.String("p"), PolicyDocument: sdk.String(`{"Version":"2012-10-17","Statement":[` + statements + `]}`),
	})
	require.NoError(t, err)
	return w.assume(t, "lambda.amazonaws.com")
}

func (w *world) assume(t *testing.T, service string) *stssdk.Client {
	t.Helper()
	session, ok := w.roles.Assume(roleARN, service, "f", time.Hour)
	require.True(t, ok)
	return stssdk.NewFromConfig(w.config("/sts/" + session.AccessKeyID))
}

func request(change ...func(*stssdk.GetWebIdentityTokenInput)) *stssdk.GetWebIdentityTokenInput {
	in := &stssdk.GetWebIdentityTokenInput{Audience: []string{exchange}, SigningAlgorithm: sdk.String("RS256")}
	for _, fn := range change {
		fn(in)
	}
	return in
}

// verify checks a token as those do who it is for, and returns its claims.
func (w *world) verify(t *testing.T, token string) map[string]any {
	t.Helper()
	provider, err := oidc.NewProvider(t.Context(), w.issuer)
	require.NoError(t, err)
	verified, err := provider.Verifier(&oidc.Config{SkipClientIDCheck: true, Now: func() time.Time { return w.now }}).Verify(t.Context(), token)
	require.NoError(t, err)
	claims := map[string]any{}
	require.NoError(t, verified.Claims(&claims))
	return claims
}

func TestATokenTellsWhoARoleIs(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	client := w.session(t, allowed)
	out, err := client.GetWebIdentityToken(t.Context(), request())
	require.NoError(t, err)
	require.Equal(t, w.now.Add(5*time.Minute), *out.Expiration)
	claims := w.verify(t, *out.WebIdentityToken)
	require.NotEmpty(t, claims["jti"])
	delete(claims, "jti")
	require.Equal(t, map[string]any{
		"iss": w.issuer, "aud": exchange, "sub": roleARN, "iat": float64(w.now.Unix()), "exp": float64(w.now.Add(5 * time.Minute).Unix()),
		"https://sts.amazonaws.com/": map[string]any{
			"aws_account": account, "source_region": region, "lambda_source_function_arn": "arn:aws:lambda:eu-west-1:123456789012:function:f",
		},
	}, claims)
}

func TestATokenTellsMoreWhenThereIsMore(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.session(t, allowed+`,{"Effect":"Allow","Action":"sts:TagGetWebIdentityToken","Resource":"*"}`)
	_, err := w.iam.TagRole(t.Context(), &iamsdk.TagRoleInput{
		RoleName: sdk.String("r"), Tags: []iamtypes.Tag{{Key: sdk.String("team"), Value: sdk.String("shop")}},
	})
	require.NoError(t, err)
	client := w.assume(t, "ec2.amazonaws.com")
	for _, algorithm := range []string{"RS256", "ES384"} {
		out, err := client.GetWebIdentityToken(t.Context(), request(func(in *stssdk.GetWebIdentityTokenInput) {
			in.SigningAlgorithm, in.Audience, in.DurationSeconds = &algorithm, []string{"a", "b"}, sdk.Int32(3600)
			in.Tags = []types.Tag{{Key: sdk.String("job"), Value: sdk.String("1")}}
		}))
		require.NoError(t, err)
		require.Equal(t, w.now.Add(time.Hour), *out.Expiration)
		claims := w.verify(t, *out.WebIdentityToken)
		require.Equal(t, []any{"a", "b"}, claims["aud"])
		require.Equal(t, map[string]any{
			"aws_account": account, "source_region": region,
			"principal_tags": map[string]any{"team": "shop"}, "request_tags": map[string]any{"job": "1"},
		}, claims["https://sts.amazonaws.com/"])
	}
}

func TestTheUserHasTokensToo(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	out, err := w.user().GetWebIdentityToken(t.Context(), request())
	require.NoError(t, err)
	require.Equal(t, "arn:aws:iam::123456789012:user/sandbox", w.verify(t, *out.WebIdentityToken)["sub"])
}

func requireCode(t *testing.T, err error, code, text string) {
	t.Helper()
	var refusal smithy.APIError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, code, refusal.ErrorCode(), refusal.ErrorMessage())
	require.Contains(t, refusal.ErrorMessage(), text)
}

func TestRequestsForTokensThatAreRefused(t *testing.T) {
	t.Parallel()
	type input = stssdk.GetWebIdentityTokenInput
	w := open(t, "")
	client := w.user()
	for name, test := range map[string]struct {
		change func(*input)
		want   string
	}{
		"no audience":         {func(in *input) { in.Audience = []string{} }, "'audience'"},
		"an empty audience":   {func(in *input) { in.Audience = []string{""} }, "length between 1 and 1000"},
		"a long audience":     {func(in *input) { in.Audience = []string{strings.Repeat("x", 1001)} }, "length between 1 and 1000"},
		"eleven audiences":    {func(in *input) { in.Audience = strings.Split("a,b,c,d,e,f,g,h,i,j,k", ",") }, "length between 1 and 10"},
		"another algorithm":   {func(in *input) { in.SigningAlgorithm = sdk.String("RS384") }, "[RS256, ES384]"},
		"too short":           {func(in *input) { in.DurationSeconds = sdk.Int32(59) }, "between 60 and 3600"},
		"too long":            {func(in *input) { in.DurationSeconds = sdk.Int32(3601) }, "between 60 and 3600"},
		"a tag without a key": {func(in *input) { in.Tags = []types.Tag{{Key: sdk.String(""), Value: sdk.String("v")}} }, "tags.1.member.key"},
		"a strange key":       {func(in *input) { in.Tags = []types.Tag{{Key: sdk.String("a*"), Value: sdk.String("v")}} }, "tags.1.member.key"},
		"a strange value":     {func(in *input) { in.Tags = []types.Tag{{Key: sdk.String("a"), Value: sdk.String("<v>")}} }, "tags.1.member.value"},
		"a long value": {func(in *input) {
			in.Tags = []types.Tag{{Key: sdk.String("a"), Value: sdk.String(strings.Repeat("v", 257))}}
		}, "at most 256"},
		"more tags than may be": {func(in *input) { in.Tags = tags(51) }, "less than or equal to 50"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client.GetWebIdentityToken(t.Context(), request(test.change))
			requireCode(t, err, "ValidationError", test.want)
		})
	}
	_, err := client.GetWebIdentityToken(t.Context(), request(func(in *input) { in.Tags = append(tags(1), tags(1)...) }))
	requireCode(t, err, "InvalidParameterValue", "Duplicate tag keys")
	_, err = client.GetWebIdentityToken(t.Context(), request(func(in *input) { in.Tags = tags(50) }))
	require.NoError(t, err)
	_, err = client.GetSessionToken(t.Context(), &stssdk.GetSessionTokenInput{})
	requireCode(t, err, "NotImplemented", "STS action GetSessionToken")
}

func tags(n int) []types.Tag {
	var list []types.Tag
	for i := range n {
		list = append(list, types.Tag{Key: sdk.String("k" + strings.Repeat("x", i)), Value: sdk.String("")})
	}
	return list
}

func TestTokensThatTheRoleMayNotHave(t *testing.T) {
	t.Parallel()
	const narrow = `{"Effect":"Allow","Action":"sts:GetWebIdentityToken","Resource":"*","Condition":{` +
		`"ForAllValues:StringEquals":{"sts:IdentityTokenAudience":"api://AzureADTokenExchange"},` +
		`"StringEquals":{"sts:SigningAlgorithm":"RS256"},"NumericLessThanEquals":{"sts:DurationSeconds":300}}}`
	type input = stssdk.GetWebIdentityTokenInput
	for name, test := range map[string]struct {
		statements string
		change     func(*input)
		action     string // "" if it is allowed
	}{
		"what the condition says": {narrow, func(*input) {}, ""},
		"another audience":        {narrow, func(in *input) { in.Audience = []string{"https://a.example"} }, "GetWebIdentityToken"},
		"one audience more":       {narrow, func(in *input) { in.Audience = append(in.Audience, "https://a.example") }, "GetWebIdentityToken"},
		"another algorithm":       {narrow, func(in *input) { in.SigningAlgorithm = sdk.String("ES384") }, "GetWebIdentityToken"},
		"a longer one":            {narrow, func(in *input) { in.DurationSeconds = sdk.Int32(301) }, "GetWebIdentityToken"},
		"no permission":           {`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`, func(*input) {}, "GetWebIdentityToken"},
		"denied":                  {allowed + `,{"Effect":"Deny","Action":"sts:*","Resource":"*"}`, func(*input) {}, "GetWebIdentityToken"},
		"tags":                    {allowed, func(in *input) { in.Tags = tags(1) }, "TagGetWebIdentityToken"},
		"another tag": {
			allowed + `,{"Effect":"Allow","Action":"sts:TagGetWebIdentityToken","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/k":"v"}}}`,
			func(in *input) { in.Tags = tags(1) }, "TagGetWebIdentityToken",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, "")
			client := w.session(t, test.statements)
			_, err := client.GetWebIdentityToken(t.Context(), request(test.change))
			if test.action == "" {
				require.NoError(t, err)
				return
			}
			requireCode(t, err, "AccessDenied", "User: arn:aws:sts::123456789012:assumed-role/r/f is not authorized to perform: sts:"+test.action+" on resource: *")
		})
	}
}

func TestATokenCannotOutliveTheSession(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	client := w.session(t, allowed)
	w.now = w.now.Add(58 * time.Minute)
	_, err := client.GetWebIdentityToken(t.Context(), request())
	requireCode(t, err, "SessionDurationEscalationException", "exceeds the remaining duration")
	_, err = client.GetWebIdentityToken(t.Context(), request(func(in *stssdk.GetWebIdentityTokenInput) { in.DurationSeconds = sdk.Int32(120) }))
	require.NoError(t, err)
}

func TestWithoutTheSwitchThereAreNoTokens(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	before, err := w.user().GetWebIdentityToken(t.Context(), request())
	require.NoError(t, err)
	_, err = w.iam.DisableOutboundWebIdentityFederation(t.Context(), &iamsdk.DisableOutboundWebIdentityFederationInput{})
	require.NoError(t, err)
	_, err = w.user().GetWebIdentityToken(t.Context(), request())
	requireCode(t, err, "OutboundWebIdentityFederationDisabledException", "")
	w.verify(t, *before.WebIdentityToken)
}

func TestTheKeysOfTheIssuerStay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir)
	first := get(t, w.issuer+"/.well-known/jwks.json")
	require.Len(t, first["keys"], 2)
	for _, each := range first["keys"].([]any) {
		require.NotContains(t, each, "d", "private keys are not published")
	}
	require.Equal(t, first, get(t, open(t, dir).issuer+"/.well-known/jwks.json"))
	require.Equal(t, map[string]any{
		"issuer": w.issuer, "jwks_uri": w.issuer + "/.well-known/jwks.json", "response_types_supported": []any{"id_token"},
		"subject_types_supported": []any{"public"}, "id_token_signing_alg_values_supported": []any{"ES384", "RS256"},
	}, get(t, w.issuer+"/.well-known/openid-configuration"))
	for _, path := range []string{"/", "/.well-known/", "/.well-known/keys", "x/.well-known/jwks.json"} {
		res, err := http.Get(w.issuer + path)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusNotFound, res.StatusCode, path)
	}
	res, err := http.Post(w.issuer+"/.well-known/jwks.json", "", nil)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusMethodNotAllowed, res.StatusCode)
}

func get(t *testing.T, address string) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	answer := map[string]any{}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
	return answer
}
