package edge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
	"github.com/entragate/entragate/sandbox/edge"
)

const (
	unauthorized = `{"message":"Unauthorized"}`
	forbidden    = `{"message":"Forbidden"}`
	failure      = `{"message":"Internal Server Error"}`
)

// policyAnswer is an answer with an IAM policy of one statement.
func policyAnswer(effect, action, resource string) string {
	return fmt.Sprintf(`{"principalId":"p","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":%q,"Action":%q,"Resource":%q}]}}`,
		effect, action, resource)
}

// TestAuthorizerOutcomes checks every outcome with every kind of caching.
func TestAuthorizerOutcomes(t *testing.T) {
	t.Parallel()
	thrown := &edge.FunctionError{Kind: "Unhandled", Payload: []byte(`{"errorMessage":"Unauthorized: s3cret"}`)}
	for name, test := range map[string]struct {
		functions *functions
		change    func(*apigateway.Authorizer)
		status    int
		body, log string
		cached    bool // with a time to live
	}{
		"yes":                        {answering(`{"isAuthorized":true}`, nil), nil, 200, `{"ok":true}`, "-", true},
		"yes and no context":         {answering(`{"isAuthorized":true,"context":null}`, nil), nil, 200, `{"ok":true}`, "-", true},
		"yes and more":               {answering(`{"isAuthorized":true,"other":1}`, nil), nil, 200, `{"ok":true}`, "-", true},
		"no":                         {answering(`{"isAuthorized":false}`, nil), nil, 403, forbidden, "-", true},
		"yes in text":                {answering(`{"isAuthorized":"true"}`, nil), nil, 500, failure, "returned an invalid answer", false},
		"yes as a number":            {answering(`{"isAuthorized":1}`, nil), nil, 500, failure, "returned an invalid answer", false},
		"null":                       {answering(`{"isAuthorized":null}`, nil), nil, 500, failure, "returned an invalid answer", false},
		"yes in another case":        {answering(`{"isauthorized":true}`, nil), nil, 500, failure, "returned an invalid answer", false},
		"an empty object":            {answering(`{}`, nil), nil, 500, failure, "want isAuthorized with true or false", false},
		"a list":                     {answering(`[{"isAuthorized":true}]`, nil), nil, 500, failure, "want a JSON object", false},
		"true alone":                 {answering(`true`, nil), nil, 500, failure, "want a JSON object", false},
		"nothing":                    {answering(``, nil), nil, 500, failure, "want JSON", false},
		"text that is no JSON":       {answering(`yes`, nil), nil, 500, failure, "want JSON", false},
		"two values":                 {answering(`{"isAuthorized":true}{}`, nil), nil, 500, failure, "want JSON", false},
		"a context in text":          {answering(`{"isAuthorized":true,"context":"x"}`, nil), nil, 500, failure, "want a context", false},
		"no with a context in text":  {answering(`{"isAuthorized":false,"context":[]}`, nil), nil, 500, failure, "want a context", false},
		"a policy unasked for":       {answering(policyAnswer("Allow", "*", "*"), nil), nil, 500, failure, "returned an invalid answer", false},
		"an error":                   {answering("", thrown), nil, 500, failure, "function failed: Unhandled", false},
		"an answer with an error":    {answering(`{"isAuthorized":true}`, thrown), nil, 500, failure, "function failed: Unhandled", false},
		"an error at the end":        {failingLate(), nil, 500, failure, "function failed: Unhandled", false},
		"no permission":              {answering("", fmt.Errorf("lambda: %w", edge.ErrNotPermitted)), nil, 500, failure, "does not have permission", false},
		"too many requests":          {answering("", errors.New("rate exceeded")), nil, 500, failure, "could not be invoked: rate exceeded", false},
		"no answer in time":          {waiting(), nil, 500, failure, "timed out: the function did not answer within 1ms", false},
		"a policy that allows":       {answering(policyAnswer("Allow", "execute-api:Invoke", executeARN+"/*"), nil), withPolicies, 200, `{"ok":true}`, "-", true},
		"a policy that denies":       {answering(policyAnswer("Deny", "execute-api:Invoke", executeARN+"/*"), nil), withPolicies, 403, forbidden, "-", true},
		"a policy of something else": {answering(policyAnswer("Allow", "s3:*", "*"), nil), withPolicies, 403, forbidden, "-", true},
		"yes in place of a policy":   {answering(`{"isAuthorized":true}`, nil), withPolicies, 500, failure, "want principalId", false},
		"a policy without principal": {answering(`{"policyDocument":{"Statement":[]}}`, nil), withPolicies, 500, failure, "want principalId", false},
		"a principal alone":          {answering(`{"principalId":"p"}`, nil), withPolicies, 500, failure, "want a policyDocument", false},
	} {
		for _, caching := range []struct {
			name  string
			ttl   *int
			keeps time.Duration
		}{{"default", nil, 300 * time.Second}, {"none", new(int), 0}, {"an hour", new(3600), time.Hour}} {
			t.Run(name+"/"+caching.name, func(t *testing.T) {
				t.Parallel()
				f := &functions{answer: test.functions.answer}
				api := guarded(apiOf("GET /orders => jwt"), func(a *apigateway.Authorizer) {
					a.AuthorizerResultTTLInSeconds = caching.ttl
					if test.change != nil {
						test.change(a)
					}
				})
				w := newWorld(t, api, running(f), func(o *edge.Options) {
					o.AuthorizerTimeout = time.Minute
					if name == "no answer in time" || name == "an error at the end" {
						o.AuthorizerTimeout = time.Millisecond
					}
				})
				want := 0
				for _, step := range []struct {
					wait time.Duration
					kept bool
				}{{0, false}, {max(caching.keeps-1, 0), true}, {1, false}, {1, true}} {
					w.clock.advance(step.wait)
					if !step.kept || !test.cached || caching.keeps == 0 {
						want++
					}
					rec := w.do("GET", "/orders", "Authorization", "Bearer x")
					require.Equal(t, test.status, rec.Code)
					require.JSONEq(t, test.body, rec.Body.String())
					require.Empty(t, rec.Header().Values("www-authenticate"))
					require.Contains(t, w.sink.last(t), fmt.Sprintf("|GET /orders|%d|", test.status))
					require.Contains(t, w.sink.last(t), test.log)
					require.NotContains(t, w.sink.last(t), "s3cret")
					require.Equal(t, want, f.count())
				}
				require.Equal(t, test.status == 200, w.backend.calls == 4, "only what is allowed reaches the backend")
			})
		}
	}
}

func TestIdentitySourcesOfLambdaAuthorizers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sources []string
		target  string
		headers []string
		want    []string // nil: 401
	}{
		"none":                         {nil, "/orders", nil, []string{}},
		"a header":                     {[]string{"$request.header.Authorization"}, "/orders", []string{"authorization", "Bearer x"}, []string{"Bearer x"}},
		"a header in another case":     {[]string{"$request.header.x-key"}, "/orders", []string{"X-KEY", "k"}, []string{"k"}},
		"a header twice":               {[]string{"$request.header.X-Key"}, "/orders", []string{"X-Key", "a", "X-Key", "b"}, []string{"a,b"}},
		"no header":                    {[]string{"$request.header.Authorization"}, "/orders", nil, nil},
		"an empty header":              {[]string{"$request.header.Authorization"}, "/orders", []string{"Authorization", ""}, nil},
		"another header":               {[]string{"$request.header.Authorization"}, "/orders", []string{"X-Authorization", "x"}, nil},
		"a query string":               {[]string{"$request.querystring.Key"}, "/orders?Key=a%20b", nil, []string{"a b"}},
		"a query string in other case": {[]string{"$request.querystring.Key"}, "/orders?key=a", nil, nil},
		"an empty query string":        {[]string{"$request.querystring.Key"}, "/orders?Key=", nil, nil},
		"context":                      {[]string{"$context.routeKey", "$context.stage"}, "/orders", nil, []string{"GET /orders", "$default"}},
		"context that is not set":      {[]string{"$context.authorizer.claims.sub"}, "/orders", nil, nil},
		"context that does not exist":  {[]string{"$context.nonesuch"}, "/orders", nil, nil},
		"a stage variable":             {[]string{"$stageVariables.env"}, "/orders", nil, []string{"dev"}},
		"a stage variable not set":     {[]string{"$stageVariables.ENV"}, "/orders", nil, nil},
		"several": {
			[]string{"$stageVariables.env", "$request.header.A", "$context.routeKey"},
			"/orders",
			[]string{"A", "1"},
			[]string{"dev", "1", "GET /orders"},
		},
		"one of several missing": {[]string{"$stageVariables.env", "$request.header.A"}, "/orders", []string{"B", "1"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := answering(`{"isAuthorized":true}`, nil)
			w := newWorld(t, guarded(apiOf("GET /orders => jwt"), identifiedBy(test.sources...)), running(f))
			rec := w.do("GET", test.target, test.headers...)
			if test.want == nil {
				require.Equal(t, 401, rec.Code)
				require.JSONEq(t, unauthorized, rec.Body.String())
				require.Empty(t, rec.Header().Values("www-authenticate"))
				require.Zero(t, f.count(), "the function is not invoked")
				require.Zero(t, w.backend.calls)
				require.Contains(t, w.sink.last(t), "|GET /orders|401|-|-")
				return
			}
			require.Equal(t, 200, rec.Code)
			var event struct{ IdentitySource []string }
			f.last(t, &event)
			require.ElementsMatch(t, test.want, event.IdentitySource)
		})
	}
}

func TestLambdaAuthorizersThatCannotWork(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*apigateway.Authorizer)
		log    string
	}{
		"payload format 1.0": {func(a *apigateway.Authorizer) { a.AuthorizerPayloadFormatVersion = "1.0" }, `version "1.0" is not implemented`},
		"no payload format":  {func(a *apigateway.Authorizer) { a.AuthorizerPayloadFormatVersion = "" }, `version "" is not implemented`},
		"credentials": {
			func(a *apigateway.Authorizer) { a.AuthorizerCredentialsARN = "arn:aws:iam::123456789012:role/r" },
			"credentials of an authorizer are not implemented",
		},
		"another URI": {func(a *apigateway.Authorizer) { a.AuthorizerURI = "https://example.com" }, "want the invocation ARN of a Lambda function"},
		"another service": {func(a *apigateway.Authorizer) {
			a.AuthorizerURI = invocationURI("arn:aws:sqs:eu-central-1:123456789012:q:x:y")
		}, "want the invocation ARN"},
		"a body as identity": {identifiedBy("$request.body.token"), `identity source: got "$request.body.token"`},
		"a nameless header":  {identifiedBy("$request.header."), `identity source: got "$request.header."`},
		"a JWT authorizer":   {func(a *apigateway.Authorizer) { a.AuthorizerType = "JWT" }, `"auth02" is not a Lambda authorizer`},
		"an unknown type":    {func(a *apigateway.Authorizer) { a.AuthorizerType = "TOKEN" }, `"auth02" is not a Lambda authorizer`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := answering(`{"isAuthorized":true}`, nil)
			w := newWorld(t, guarded(apiOf("GET /orders => jwt", "GET /health => none"), test.change), running(f))
			rec := w.do("GET", "/orders", "Authorization", "x")
			require.Equal(t, 500, rec.Code)
			require.JSONEq(t, failure, rec.Body.String())
			require.Contains(t, w.sink.last(t), test.log)
			require.Zero(t, f.count())
			require.Zero(t, w.backend.calls)
			require.Equal(t, 200, w.do("GET", "/health").Code, "other routes work")
		})
	}
	w := newWorld(t, guarded(apiOf("GET /orders => jwt")))
	require.Equal(t, 500, w.do("GET", "/orders", "Authorization", "x").Code)
	require.Contains(t, w.sink.last(t), "could not be invoked: there is no Lambda")
	require.Equal(t, 401, w.do("GET", "/orders").Code)
}

func TestAuthorizersAreInvokedInTheirName(t *testing.T) {
	t.Parallel()
	f := answering(`{"isAuthorized":true}`, nil)
	w := newWorld(t, guarded(apiOf("GET /orders => jwt")), running(f))
	require.Equal(t, 200, w.do("GET", "/orders", "Authorization", "x").Code)
	call := f.last(t, &struct{}{})
	require.Equal(t, authorizerARN, call.arn)
	require.Equal(t, executeARN+"/authorizers/auth02", call.source)
}

func TestWithoutIdentityNothingIsCached(t *testing.T) {
	t.Parallel()
	for _, seconds := range []*int{nil, new(60)} {
		f := answering(`{"isAuthorized":true}`, nil)
		api := guarded(apiOf("GET /orders => jwt"), identifiedBy(), func(a *apigateway.Authorizer) { a.AuthorizerResultTTLInSeconds = seconds })
		w := newWorld(t, api, running(f))
		for range 3 {
			require.Equal(t, 200, w.do("GET", "/orders").Code)
		}
		require.Equal(t, 3, f.count())
	}
}

func TestAuthorizersHaveTenSeconds(t *testing.T) {
	t.Parallel()
	var left time.Duration
	f := &functions{answer: func(ctx context.Context, _ string) (string, error) {
		deadline, _ := ctx.Deadline()
		left = time.Until(deadline)
		return `{"isAuthorized":true}`, nil
	}}
	w := newWorld(t, guarded(apiOf("GET /orders => jwt")), running(f))
	require.Equal(t, 200, w.do("GET", "/orders", "Authorization", "x").Code)
	require.InDelta(t, 10, left.Seconds(), 5)
}

func TestThrottlesComeBeforeLambdaAuthorizers(t *testing.T) {
	t.Parallel()
	f := answering(`{"isAuthorized":true}`, nil)
	api := withStage(guarded(apiOf("GET /orders => jwt")), func(s *edge.ServedStage) {
		s.Stage.DefaultRouteSettings = &apigateway.RouteSettings{ThrottlingBurstLimit: new(int), ThrottlingRateLimit: new(float64)}
	})
	require.Equal(t, 429, newWorld(t, api, running(f)).do("GET", "/orders", "Authorization", "x").Code)
	require.Zero(t, f.count())
}

func TestTheContextOfALambdaAuthorizer(t *testing.T) {
	t.Parallel()
	const values = `{"text":"a\"b","number":1.50,"large":12345678901234567890,"yes":true,"list":["a",1],"map":{"k":"<v>"},"null":null,"error":"mine"}`
	names := []string{
		"authorizer.text", "authorizer.number", "authorizer.large", "authorizer.yes", "authorizer.list", "authorizer.map", "authorizer.null",
		"authorizer.none", "authorizer.error", "authorizer.principalId", "authorizer.claims.text",
	}
	want := map[string]string{
		"authorizer.text": `a"b`, "authorizer.number": "1.50", "authorizer.large": "12345678901234567890", "authorizer.yes": "true",
		"authorizer.list": `["a",1]`, "authorizer.map": `{"k":"<v>"}`, "authorizer.null": "-", "authorizer.none": "-", "authorizer.error": "-",
		"authorizer.principalId": "-", "authorizer.claims.text": "-",
	}
	api := guarded(apiOf("GET /orders => jwt"), ttl(0))
	integrationOf(api).RequestParameters = map[string]string{"overwrite:header.x-text": "$context.authorizer.text", "append:header.x-none": "$context.authorizer.none"}
	f := answering(`{"isAuthorized":true,"context":`+values+`}`, nil)
	w := newWorld(t, api, running(f))
	require.Equal(t, want, logged(t, w, newRequest("GET", "/orders", "Authorization", "x"), names...))
	require.Equal(t, `a"b`, w.backend.last.Header.Get("X-Text"))
	require.Empty(t, w.backend.last.Header.Values("X-None"))

	f.answer = answering(`{"isAuthorized":false,"context":`+values+`}`, nil).answer
	for name, value := range logged(t, w, newRequest("GET", "/orders", "Authorization", "x"), names...) {
		require.Equal(t, "-", value, "%s of a refusal", name)
	}

	policies := newWorld(t, guarded(apiOf("GET /orders => jwt"), withPolicies), running(answering(policyAnswer("Allow", "*", "*"), nil)))
	require.Equal(t, "p", logged(t, policies, newRequest("GET", "/orders", "Authorization", "x"), "authorizer.principalId")["authorizer.principalId"])
}

// FuzzAuthorizerAnswers lets nothing through that does not say so, and nothing
// that fails but as a 500.
func FuzzAuthorizerAnswers(f *testing.F) {
	for _, seed := range []string{
		`{"isAuthorized":true}`, `{"isAuthorized":false,"context":{"a":1}}`, `{"isAuthorized":true,"isAuthorized":false}`, ``, `null`, `[]`, `{"isAuthorized":1e999}`,
		policyAnswer("Allow", "execute-api:*", "*"), policyAnswer("Deny", "*", "**?"), `{"principalId":"","policyDocument":{"Statement":{"Effect":"Allow","Action":[],"Resource":["*"]}}}`,
		`{"principalId":"p","policyDocument":{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{}}]}}`,
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, answer string, simple bool) {
		api := guarded(apiOf("GET /orders => jwt"), ttl(0), func(a *apigateway.Authorizer) { a.EnableSimpleResponses = simple })
		w := newWorld(t, api, running(answering(answer, nil)))
		rec := w.do("GET", "/orders", "Authorization", "x")
		require.Contains(t, []int{200, 403, 500}, rec.Code)
		var got map[string]any
		err := json.Unmarshal([]byte(answer), &got)
		allowed, isBool := got["isAuthorized"].(bool)
		switch {
		case simple && rec.Code != http.StatusInternalServerError:
			require.NoError(t, err)
			require.True(t, isBool)
			require.Equal(t, allowed, rec.Code == http.StatusOK)
		case rec.Code == http.StatusOK:
			require.NoError(t, err)
			require.Contains(t, answer, "Allow")
		}
	})
}
