package apigateway_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
)

// FuzzRequests sends any body to every operation that reads one: nothing may
// break, and what is accepted must leave a state that can be read back.
func FuzzRequests(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `[]`, `{"name":"a","protocolType":"HTTP"}`, `{"routeKey":"GET /a","authorizationScopes":null}`,
		`{"stageName":"s","routeSettings":{"GET /a":null},"defaultRouteSettings":null,"autoDeploy":true}`,
		`{"integrationType":"HTTP_PROXY","integrationMethod":"GET","integrationUri":"http://a","payloadFormatVersion":"1.0","responseParameters":{"200":null}}`,
		`{"authorizerType":"JWT","name":"a","identitySource":["$request.header.a"],"jwtConfiguration":{"issuer":"https://login.example/tenant/v2.0","audience":["a"]}}`,
		`{"stageName":"s","accessLogSettings":{"destinationArn":"arn:aws:logs:eu-west-1:000000000000:log-group:/aws/vendedlogs/api","format":"$context.requestId"}}`,
		`{"tags":{"a":"b"}}`, `{"corsConfiguration":{"allowOrigins":["https://x"],"maxAge":1e9}}`, `{"timeoutInMillis":1.5}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		service, err := apigateway.New(options("", &logGroups{}))
		require.NoError(t, err)
		call := func(method, path, body string) map[string]any {
			r := httptest.NewRequest(method, path, strings.NewReader(body))
			w := httptest.NewRecorder()
			service.ServeHTTP(w, r)
			require.NotEqual(t, http.StatusInternalServerError, w.Code, w.Body.String())
			var answer map[string]any
			if w.Body.Len() > 0 {
				require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer), w.Body.String())
			}
			return answer
		}
		api := call(http.MethodPost, "/v2/apis", `{"name":"a","protocolType":"HTTP"}`)["apiId"].(string)
		root := "/v2/apis/" + api
		for _, kind := range []string{"authorizers", "integrations", "routes", "stages", "deployments"} {
			call(http.MethodPost, root+"/"+kind, body)
		}
		call(http.MethodPatch, root, body)
		call(http.MethodPost, "/v2/apis", body)
		call(http.MethodPost, "/v2/tags/"+strings.ReplaceAll(service.ARN(api), "/", "%2F"), body)
		for _, kind := range []string{"authorizers", "integrations", "routes", "stages", "deployments"} {
			require.Contains(t, call(http.MethodGet, root+"/"+kind, ""), "items")
			call(http.MethodPatch, root+"/"+kind+"/s", body)
		}
	})
}
