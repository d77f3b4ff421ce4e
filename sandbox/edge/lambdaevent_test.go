package edge_test

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
	"github.com/entragate/entragate/sandbox/edge"
)

const returned = `{"statusCode":200}`

// richRequest has something of everything.
func richRequest() *http.Request {
	r := httptest.NewRequest("POST", "https://"+host+"/dev/orders/a%20b?x=1&x=2&y=%26&z", strings.NewReader(`{"n":"<1>"}`))
	for _, h := range [][2]string{
		{"Authorization", "Bearer x"},
		{"Content-Type", "application/json"},
		{"X-Many", "1"},
		{"X-Many", "2"},
		{"User-Agent", "curl/8"},
		{"Cookie", "a=1; b=2"},
		{"Cookie", "c=3;"},
		{"Connection", "close"},
		{"X-Forwarded-For", "9.9.9.9"},
		{"X-Forwarded-Proto", "gopher"},
		{"X-Amzn-Trace-Id", "Root=1-a"},
	} {
		r.Header.Add(h[0], h[1])
	}
	r.RemoteAddr = "203.0.113.9:5000"
	r.TLS = &tls.ConnectionState{}
	return r
}

func devAPI(routes ...string) edge.Served {
	return withStage(apiOf(routes...), func(s *edge.ServedStage) { s.Stage.StageName = "dev" })
}

// wantHeaders are those of richRequest in an event.
var wantHeaders = map[string]string{
	"authorization": "Bearer x", "content-length": "11", "content-type": "application/json", "host": host, "user-agent": "curl/8", "x-many": "1,2",
	"x-amzn-trace-id": "Root=1-a", "x-forwarded-for": "9.9.9.9, 203.0.113.9", "x-forwarded-port": "8443", "x-forwarded-proto": "https",
}

func wantContext(rec *httptest.ResponseRecorder) events.APIGatewayV2HTTPRequestContext {
	return events.APIGatewayV2HTTPRequestContext{
		RouteKey: "POST /orders/{id}", AccountID: "123456789012", Stage: "dev", RequestID: rec.Header().Get("apigw-requestid"), APIID: apiID,
		DomainName: strings.TrimSuffix(host, ":8443"), DomainPrefix: apiID, Time: "22/Nov/2026:10:00:00 +0000", TimeEpoch: 1795341600000,
		HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
			Method: "POST", Path: "/dev/orders/a b", Protocol: "HTTP/1.1", SourceIP: "203.0.113.9", UserAgent: "curl/8",
		},
	}
}

func TestWhatAnAuthorizerGets(t *testing.T) {
	t.Parallel()
	f := answering(`{"isAuthorized":true}`, nil)
	w := newWorld(t, guarded(devAPI("POST /orders/{id} => jwt"), identifiedBy("$request.header.X-Many", "$context.routeKey")), running(f))
	rec := w.send(richRequest())
	require.Equal(t, 200, rec.Code)
	var got events.APIGatewayV2CustomAuthorizerV2Request
	f.last(t, &got)
	require.Equal(t, events.APIGatewayV2CustomAuthorizerV2Request{
		Version: "2.0", Type: "REQUEST", RouteArn: executeARN + "/dev/POST/orders/a%20b", IdentitySource: []string{"1,2", "POST /orders/{id}"},
		RouteKey: "POST /orders/{id}", RawPath: "/dev/orders/a b", RawQueryString: "x=1&x=2&y=%26&z", Cookies: []string{"a=1", "b=2", "c=3"},
		Headers: wantHeaders, QueryStringParameters: map[string]string{"x": "1,2", "y": "&", "z": ""}, RequestContext: wantContext(rec),
		PathParameters: map[string]string{"id": "a b"}, StageVariables: map[string]string{"env": "dev"},
	}, got)
	require.Equal(t, `{"n":"<1>"}`, string(w.backend.body), "the body is still there for the backend")
}

func TestWhatABackendFunctionGets(t *testing.T) {
	t.Parallel()
	f := answering(returned, nil)
	w := newWorld(t, served(devAPI("POST /orders/{id} => none")), running(f))
	rec := w.send(richRequest())
	require.Equal(t, 200, rec.Code)
	var got events.APIGatewayV2HTTPRequest
	call := f.last(t, &got)
	require.Equal(t, backendARN, call.arn)
	require.Equal(t, executeARN+"/dev/POST/orders/{id}", call.source)
	require.Equal(t, events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "POST /orders/{id}", RawPath: "/dev/orders/a b", RawQueryString: "x=1&x=2&y=%26&z",
		Cookies: []string{"a=1", "b=2", "c=3"}, Headers: wantHeaders, QueryStringParameters: map[string]string{"x": "1,2", "y": "&", "z": ""},
		RequestContext: wantContext(rec), PathParameters: map[string]string{"id": "a b"}, StageVariables: map[string]string{"env": "dev"},
		Body: `{"n":"<1>"}`,
	}, got)
}

// TestAPlainRequestLeavesMembersOut compares the members of an event with
// those of events that were seen.
func TestAPlainRequestLeavesMembersOut(t *testing.T) {
	t.Parallel()
	f := answering(returned, nil)
	api := withStage(served(apiOf("$default => none")), func(s *edge.ServedStage) { s.Stage.StageVariables = nil })
	w := newWorld(t, api, running(f))
	require.Equal(t, 200, w.do("GET", "/").Code)
	var got map[string]json.RawMessage
	call := f.last(t, &got)
	require.Equal(t, executeARN+"/$default/$default", call.source)
	members := make([]string, 0, len(got))
	for name := range got {
		members = append(members, name)
	}
	require.ElementsMatch(t, []string{"version", "routeKey", "rawPath", "rawQueryString", "headers", "requestContext", "isBase64Encoded"}, members)
	var headers map[string]string
	require.NoError(t, json.Unmarshal(got["headers"], &headers))
	require.Regexp(t, `^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$`, headers["x-amzn-trace-id"])
	require.Equal(t, "0", headers["content-length"])
	require.NotContains(t, string(got["requestContext"]), "authorizer")
}

func TestSourcesOfBackendInvocations(t *testing.T) {
	t.Parallel()
	for route, test := range map[string]struct{ target, want string }{
		"GET /":                     {"/", "/$default/GET/"},
		"ANY /orders":               {"/orders", "/$default/*/orders"},
		"GET /orders/{id}":          {"/orders/7", "/$default/GET/orders/{id}"},
		"GET /orders/{id}/{proxy+}": {"/orders/7/a/b", "/$default/GET/orders/{id}/{proxy+}"},
		"ANY /{proxy+}":             {"/orders/7", "/$default/*/{proxy+}"},
		"$default":                  {"/orders/7", "/$default/$default"},
	} {
		f := answering(returned, nil)
		w := newWorld(t, served(apiOf(route+" => none")), running(f))
		require.Equal(t, 200, w.do("GET", test.target).Code, route)
		require.Equal(t, executeARN+test.want, f.last(t, &struct{}{}).source)
	}
}

func TestWhatABackendFunctionLearnsOfTheCaller(t *testing.T) {
	t.Parallel()
	claims := map[string]any{"roles": []string{"A", "B"}, "object": map[string]any{"a": 1}, "gone": nil, "email_verified": true}
	for name, test := range map[string]struct {
		api    edge.Served
		answer string
		want   string
	}{
		"an open route": {apiOf("GET /orders => none"), "", ``},
		"a JWT authorizer": {apiOf("GET /orders => jwt"), "", `{"jwt":{"claims":{"aud":"22222222-2222-2222-2222-222222222222","email_verified":"true","exp":"1795345200",
			"iat":"1795341300","iss":"https://login.example/11111111-1111-1111-1111-111111111111/v2.0","nbf":"1795341300","object":"{\"a\":1}","roles":"[A B]",
			"scp":"Orders.Read Orders.Write","sub":"ann","tid":"11111111-1111-1111-1111-111111111111","ver":"2.0"},"scopes":null}}`},
		"scopes": {apiOf("GET /orders => Orders.Read"), "", `["Orders.Read","Orders.Write"]`},
		"a Lambda authorizer": {
			guarded(apiOf("GET /orders => jwt")), `{"isAuthorized":true,"context":{"a":"b","n":1.50,"l":[true,null],"m":{"k":"v"}}}`,
			`{"lambda":{"a":"b","n":1.50,"l":[true,null],"m":{"k":"v"}}}`,
		},
		"an empty context": {guarded(apiOf("GET /orders => jwt")), `{"isAuthorized":true,"context":{}}`, `{"lambda":{}}`},
		"no context":       {guarded(apiOf("GET /orders => jwt")), `{"isAuthorized":true}`, `{"lambda":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := answering(returned, nil)
			f.answer = byFunction(map[string]string{authorizerARN: test.answer, backendARN: returned})
			w := newWorld(t, served(test.api), running(f))
			require.Equal(t, 200, w.do("GET", "/orders", "Authorization", mint(but(claims))).Code)
			var got struct {
				RequestContext struct{ Authorizer json.RawMessage }
			}
			f.last(t, &got)
			switch authorizer := string(got.RequestContext.Authorizer); {
			case test.want == "":
				require.Empty(t, authorizer)
			case strings.HasPrefix(test.want, "["):
				require.Contains(t, authorizer, `"scopes":`+test.want)
			default:
				require.JSONEq(t, test.want, authorizer)
			}
		})
	}
}

func TestBodiesForFunctions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		contentType, body string
		text              bool
	}{
		"JSON":                   {"application/json", `{}`, true},
		"JSON with a charset":    {"Application/JSON; charset=utf-8", `{}`, true},
		"plain text":             {"text/plain", "grün", true},
		"text of any kind":       {"text/x-anything", "a", true},
		"JavaScript":             {"application/javascript", "a", true},
		"XML":                    {"application/xml", "<a/>", true},
		"no content type":        {"", "a", false},
		"a form":                 {"application/x-www-form-urlencoded", "a=b", false},
		"problem JSON":           {"application/problem+json", "{}", false},
		"bytes":                  {"application/octet-stream", "\x00\xff", false},
		"bytes called text":      {"text/plain", "\xff", false},
		"a malformed type":       {"text", "a", false},
		"a part of a known type": {"application/jsonl", "{}", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := answering(returned, nil)
			w := newWorld(t, served(apiOf("POST /orders => none")), running(f))
			r := httptest.NewRequest("POST", "https://"+host+"/orders", strings.NewReader(test.body))
			r.Header.Set("Content-Type", test.contentType)
			require.Equal(t, 200, w.send(r).Code)
			var got events.APIGatewayV2HTTPRequest
			f.last(t, &got)
			require.Equal(t, !test.text, got.IsBase64Encoded)
			if !test.text {
				decoded, err := base64.StdEncoding.DecodeString(got.Body)
				require.NoError(t, err)
				got.Body = string(decoded)
			}
			require.Equal(t, test.body, got.Body)
		})
	}
}

func TestRequestParametersOfFunctions(t *testing.T) {
	t.Parallel()
	f := answering(returned, nil)
	w := newWorld(t, served(apiOf("GET /orders/{id} => none"), func(i *apigateway.Integration) {
		i.RequestParameters = map[string]string{
			"append:header.x-id": "$request.path.id", "remove:header.x-secret": "''", "overwrite:querystring.page": "2", "overwrite:path": "/internal",
		}
	}), running(f))
	require.Equal(t, 200, w.do("GET", "/orders/7?page=1", "X-Secret", "s").Code)
	var got events.APIGatewayV2HTTPRequest
	f.last(t, &got)
	require.Equal(t, "7", got.Headers["x-id"])
	require.NotContains(t, got.Headers, "x-secret")
	require.Equal(t, map[string]string{"page": "2"}, got.QueryStringParameters)
	require.Equal(t, "/internal", got.RawPath)
	require.Equal(t, "/orders/7", got.RequestContext.HTTP.Path)
}

func TestAuthorizerAndBackendSeeOneTraceID(t *testing.T) {
	t.Parallel()
	f := &functions{answer: byFunction(map[string]string{authorizerARN: `{"isAuthorized":true}`, backendARN: returned})}
	w := newWorld(t, served(guarded(apiOf("GET /orders => jwt"))), running(f))
	require.Equal(t, 200, w.do("GET", "/orders", "Authorization", "x").Code)
	var ids []string
	for _, call := range f.calls {
		var event events.APIGatewayV2HTTPRequest
		require.NoError(t, json.Unmarshal(call.payload, &event))
		ids = append(ids, event.Headers["x-amzn-trace-id"])
	}
	require.Len(t, ids, 2)
	require.NotEmpty(t, ids[0])
	require.Equal(t, ids[0], ids[1])
}
