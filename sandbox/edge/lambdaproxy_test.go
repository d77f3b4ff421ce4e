package edge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
	"github.com/entragate/entragate/sandbox/edge"
)

// byFunction answers by the function's ARN.
func byFunction(answers map[string]string) func(context.Context, string) (string, error) {
	return func(_ context.Context, arn string) (string, error) { return answers[arn], nil }
}

func TestAnswersOfBackendFunctions(t *testing.T) {
	t.Parallel()
	const jsonType, textType = "application/json", "text/plain;charset=utf-8"
	for name, test := range map[string]struct {
		answer            string
		status            int
		contentType, body string
	}{
		"inferred text":            {`"Hello from Lambda!"`, 200, jsonType, "Hello from Lambda!"},
		"an inferred object":       {`{ "message": "Hello from Lambda!" }`, 200, jsonType, `{ "message": "Hello from Lambda!" }`},
		"an inferred list":         {`[{"statusCode":404}]`, 200, jsonType, `[{"statusCode":404}]`},
		"an inferred number":       {`1.50`, 200, jsonType, `1.50`},
		"inferred null":            {`null`, 200, jsonType, `null`},
		"a body without a status":  {`{"body":"a"}`, 200, jsonType, `{"body":"a"}`},
		"a status in another case": {`{"statuscode":404}`, 200, jsonType, `{"statuscode":404}`},
		"a status alone":           {`{"statusCode":204}`, 204, "", ""},
		"a body":                   {`{"statusCode":404,"body":"no"}`, 404, textType, "no"},
		"a content type":           {`{"statusCode":200,"headers":{"content-type":"text/html"},"body":"<p>"}`, 200, "text/html", "<p>"},
		"base64":                   {`{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`, 200, textType, "hi"},
		"not base64":               {`{"statusCode":200,"body":"aGk=","isBase64Encoded":false}`, 200, textType, "aGk="},
		"null members":             {`{"statusCode":200,"headers":null,"cookies":null,"body":null,"isBase64Encoded":null}`, 200, "", ""},
		"unknown members":          {`{"statusCode":201,"statusDescription":"x","body":"a"}`, 201, textType, "a"},
		"a redirect":               {`{"statusCode":302,"headers":{"location":"/x"}}`, 302, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := logging(served(apiOf("GET /orders => none")),
				"$context.integration.status|$context.integration.integrationStatus|$context.integrationStatus|$context.integrationErrorMessage|$context.responseLength")
			w := newWorld(t, api, running(answering(test.answer, nil)))
			rec := w.do("GET", "/orders")
			require.Equal(t, test.status, rec.Code)
			require.Equal(t, test.contentType, rec.Header().Get("Content-Type"))
			require.Equal(t, test.body, rec.Body.String())
			require.True(t, strings.HasSuffix(w.sink.last(t), fmt.Sprintf("|%d|200|200|-|%d", test.status, len(test.body))), w.sink.last(t))
			require.Zero(t, w.backend.calls)
		})
	}
}

func TestHeadersOfBackendFunctions(t *testing.T) {
	t.Parallel()
	api := served(apiOf("GET /orders => none"), func(i *apigateway.Integration) {
		i.ResponseParameters = map[string]map[string]string{"200": {"append:header.x-added": "$response.header.x-text", "overwrite:statuscode": "202"}}
	})
	api.Stages[0].Deployment.CORSConfiguration = &apigateway.CORS{AllowOrigins: []string{"https://app.example"}}
	w := newWorld(t, api, running(answering(`{"statusCode":200,"headers":{"X-Text":"a","x-number":1.50,"x-bool":true,"Connection":"close","Content-Length":"99",
		"Access-Control-Allow-Origin":"*"},"multiValueHeaders":{"x-many":["a"]},"cookies":["a=1; Path=/","b=2"],"body":"hi"}`, nil)))
	rec := w.do("GET", "/orders", "Origin", "https://app.example")
	require.Equal(t, 202, rec.Code)
	for name, want := range map[string][]string{
		"X-Text": {"a"}, "X-Number": {"1.50"}, "X-Bool": {"true"}, "X-Added": {"a"}, "Connection": nil, "X-Many": nil, "Content-Length": {"2"},
		"Set-Cookie": {"a=1; Path=/", "b=2"}, "Access-Control-Allow-Origin": {"https://app.example"},
	} {
		require.Equal(t, want, rec.Header().Values(name), name)
	}
}

func TestBackendFunctionsThatFail(t *testing.T) {
	t.Parallel()
	const permission = "The IAM role configured on the integration or API Gateway doesn't have permissions to call the integration."
	for name, test := range map[string]struct {
		functions *functions
		status    int
		log       string
		apiStatus string
	}{
		"nothing":                   {answering(``, nil), 500, "want JSON", "200"},
		"no JSON":                   {answering(`<p>`, nil), 500, "want JSON", "200"},
		"two values":                {answering(`{"statusCode":200} {}`, nil), 500, "want JSON", "200"},
		"a status in text":          {answering(`{"statusCode":"200"}`, nil), 500, "want a statusCode of 200 to 599", "200"},
		"a null status":             {answering(`{"statusCode":null}`, nil), 500, "want a statusCode", "200"},
		"a fraction":                {answering(`{"statusCode":200.5}`, nil), 500, "want a statusCode", "200"},
		"an informational status":   {answering(`{"statusCode":101}`, nil), 500, "want a statusCode", "200"},
		"a status too large":        {answering(`{"statusCode":600}`, nil), 500, "want a statusCode", "200"},
		"zero":                      {answering(`{"statusCode":0}`, nil), 500, "want a statusCode", "200"},
		"a list of headers":         {answering(`{"statusCode":200,"headers":[]}`, nil), 500, "want headers in an object", "200"},
		"a header of several":       {answering(`{"statusCode":200,"headers":{"a":["b"]}}`, nil), 500, `header "a"`, "200"},
		"a null header":             {answering(`{"statusCode":200,"headers":{"a":null}}`, nil), 500, `header "a"`, "200"},
		"a single cookie":           {answering(`{"statusCode":200,"cookies":"a=b"}`, nil), 500, "want cookies in a list", "200"},
		"a number as cookie":        {answering(`{"statusCode":200,"cookies":[1]}`, nil), 500, "want text as a cookie", "200"},
		"an object as body":         {answering(`{"statusCode":200,"body":{}}`, nil), 500, "want text as the body", "200"},
		"base64 that is none":       {answering(`{"statusCode":200,"body":"?","isBase64Encoded":true}`, nil), 500, "want a body in base64", "200"},
		"base64 in text":            {answering(`{"statusCode":200,"body":"a","isBase64Encoded":"true"}`, nil), 500, "want isBase64Encoded", "200"},
		"more than 10 MB":           {answering(`{"statusCode":200,"body":"`+strings.Repeat("x", edge.MaxPayloadBytes+1)+`"}`, nil), 500, "longer than 10 MB", "200"},
		"more than 10 MB, inferred": {answering(`"`+strings.Repeat("x", edge.MaxPayloadBytes+1)+`"`, nil), 500, "longer than 10 MB", "200"},
		"an error":                  {answering(``, &edge.FunctionError{Kind: "Unhandled", Payload: []byte("s3cret")}), 500, "the function failed: Unhandled", "200"},
		"an error at the end":       {failingLate(), 500, "the function failed: Unhandled", "200"},
		"no permission":             {answering(``, fmt.Errorf("lambda: %w", edge.ErrNotPermitted)), 500, permission, "-"},
		"too many requests":         {answering(``, errors.New("rate exceeded")), 500, "rate exceeded", "-"},
		"no answer in time":         {waiting(), 503, "the function did not answer within 1ms", "-"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := logging(served(apiOf("GET /orders => none"), func(i *apigateway.Integration) {
				if name == "no answer in time" || name == "an error at the end" {
					i.TimeoutInMillis = 1
				}
			}), "$context.integrationErrorMessage|$context.integration.status|$context.integrationStatus")
			w := newWorld(t, api, running(test.functions))
			rec := w.do("GET", "/orders")
			require.Equal(t, test.status, rec.Code)
			want := failure
			if test.status == 503 {
				want = `{"message":"Service Unavailable"}`
			}
			require.JSONEq(t, want, rec.Body.String())
			require.Contains(t, w.sink.last(t), test.log)
			require.NotContains(t, w.sink.last(t), "s3cret")
			require.True(t, strings.HasSuffix(w.sink.last(t), "|-|"+test.apiStatus), w.sink.last(t))
		})
	}
}

func TestLambdaIntegrationsThatCannotWork(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*apigateway.Integration)
		log    string
	}{
		"payload format 1.0": {func(i *apigateway.Integration) { i.PayloadFormatVersion = "1.0" }, `version "1.0" is not implemented`},
		"credentials": {
			func(i *apigateway.Integration) { i.CredentialsARN = "arn:aws:iam::*:user/*" }, "credentials of an integration are not implemented",
		},
		"a URL":      {func(i *apigateway.Integration) { i.IntegrationURI = "https://example.com" }, "want the invocation ARN of a Lambda function"},
		"a VPC link": {func(i *apigateway.Integration) { i.ConnectionType = "VPC_LINK" }, "AWS_PROXY over VPC_LINK is not implemented"},
		"a reserved header": {func(i *apigateway.Integration) {
			i.RequestParameters = map[string]string{"overwrite:header.authorization": "x"}
		}, "header authorization is reserved"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := answering(returned, nil)
			w := newWorld(t, logging(served(apiOf("GET /orders => none"), test.change), "$context.integrationErrorMessage"), running(f))
			require.Equal(t, 500, w.do("GET", "/orders").Code)
			require.Contains(t, w.sink.last(t), test.log)
			require.Zero(t, f.count())
		})
	}
	w := newWorld(t, logging(served(apiOf("GET /orders => none")), "$context.integrationErrorMessage"))
	require.Equal(t, 500, w.do("GET", "/orders").Code)
	require.Contains(t, w.sink.last(t), "there is no Lambda")
}

func TestFunctionsByTheirOwnARN(t *testing.T) {
	t.Parallel()
	f := answering(returned, nil)
	w := newWorld(t, served(apiOf("GET /orders => none"), func(i *apigateway.Integration) { i.IntegrationURI = backendARN }), running(f))
	require.Equal(t, 200, w.do("GET", "/orders").Code)
	require.Equal(t, backendARN, f.last(t, &struct{}{}).arn)
}

func TestLatencyOfFunctions(t *testing.T) {
	t.Parallel()
	f := answering(returned, nil)
	w := newWorld(t, logging(served(apiOf("GET /orders => none")), "$context.integrationLatency"), running(f))
	f.answer = func(context.Context, string) (string, error) {
		w.clock.advance(25 * time.Millisecond)
		return returned, nil
	}
	require.Equal(t, 200, w.do("GET", "/orders").Code)
	require.True(t, strings.HasSuffix(w.sink.last(t), "|25"))
}

func TestABodyThatBreaksOffReachesNoFunction(t *testing.T) {
	t.Parallel()
	f := answering(returned, nil)
	w := newWorld(t, served(apiOf("POST /orders => none")), running(f))
	r := httptest.NewRequest("POST", "https://"+host+"/orders", broken{})
	r.ContentLength = 5
	require.Equal(t, 400, w.send(r).Code)
	require.Zero(t, f.count())
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// FuzzFunctionAnswers answers what a function returned, or 500.
func FuzzFunctionAnswers(f *testing.F) {
	for _, seed := range []string{
		`"text"`, `{"a":1}`, `null`, ``, `{`, `{"statusCode":204}`, `{"statusCode":200,"headers":{"a b":"c\r\nd"},"cookies":["a\n"],"body":"x"}`,
		`{"statusCode":1e2}`, `{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`, `{"statusCode":-200}`, `{"statusCode":200,"statusCode":null}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		w := newWorld(t, served(apiOf("GET /orders => none")), running(answering(answer, nil)))
		rec := w.do("GET", "/orders")
		require.True(t, rec.Code >= 200 && rec.Code <= 599)
		if !json.Valid([]byte(answer)) {
			require.Equal(t, http.StatusInternalServerError, rec.Code)
			return
		}
		var got map[string]any
		if json.Unmarshal([]byte(answer), &got) != nil || got["statusCode"] == nil {
			require.Contains(t, []int{200, 500}, rec.Code)
		}
		if status, ok := got["statusCode"].(float64); ok && rec.Code != http.StatusInternalServerError {
			require.InDelta(t, status, float64(rec.Code), 0)
		}
	})
}
