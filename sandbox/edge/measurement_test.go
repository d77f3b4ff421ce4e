package edge_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
	"github.com/entragate/entragate/sandbox/edge"
)

// slow answers a fixed time after the request came.
type slow struct {
	clock *clock
	took  time.Duration
}

func (s *slow) RoundTrip(*http.Request) (*http.Response, error) {
	s.clock.advance(s.took)
	return response(http.StatusOK, `{"ok":true}`, "Content-Type", "application/json"), nil
}

func TestWhatIsMeasured(t *testing.T) {
	t.Parallel()
	var got []edge.Measurement
	detailed := func(on bool) *apigateway.RouteSettings { return &apigateway.RouteSettings{DetailedMetricsEnabled: on} }
	api := withStage(apiOf("GET /orders/{id} => none", "POST /orders => jwt", "ANY /any => none", "GET /plain => none", "$default => jwt"), func(s *edge.ServedStage) {
		s.Stage.DefaultRouteSettings = detailed(true)
		s.Stage.RouteSettings = map[string]*apigateway.RouteSettings{"GET /plain": detailed(false)}
		s.Deployment.CORSConfiguration = &apigateway.CORS{AllowOrigins: []string{"https://app.example"}, AllowMethods: []string{"GET"}}
	})
	backend := &slow{took: 70 * time.Millisecond}
	w := newWorld(t, api, func(o *edge.Options) {
		o.Measure = func(m edge.Measurement) { got = append(got, m) }
		o.Client = &http.Client{Transport: backend}
	})
	backend.clock = w.clock
	const refused = int64(len(`{"message":"Unauthorized"}`))
	for _, test := range []struct {
		method, target, body string
		want                 edge.Measurement
	}{
		{"GET", "/orders/7", "", edge.Measurement{Method: "GET", Resource: "/orders/{id}", Status: 200, Integrated: true, Bytes: 11}},
		{"POST", "/orders", "12345", edge.Measurement{Method: "POST", Resource: "/orders", Status: 401, Bytes: refused + 5}},
		{"DELETE", "/any", "12345", edge.Measurement{Method: "ANY", Resource: "/any", Status: 200, Integrated: true, Bytes: 16}},
		{"GET", "/plain", "", edge.Measurement{Status: 200, Integrated: true, Bytes: 11}},
		{"GET", "/nowhere", "", edge.Measurement{Method: "$default", Resource: "$default", Status: 401, Bytes: refused}},
	} {
		r := newRequest(test.method, test.target)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(test.body)), int64(len(test.body))
		got = nil
		w.send(r)
		test.want.APIID, test.want.Stage = apiID, "$default"
		if test.want.Integrated {
			test.want.Took, test.want.IntegrationTook = backend.took, backend.took
		}
		require.Equal(t, []edge.Measurement{test.want}, got, "%s %s", test.method, test.target)
	}
	got = nil
	w.send(newRequest("OPTIONS", "/orders/7", "Origin", "https://app.example", "Access-Control-Request-Method", "GET"))
	require.Len(t, got, 1)
	got = nil
	r := newRequest("GET", "/orders/7")
	r.Host = "other.execute-api.eu-central-1.localhost"
	w.send(r)
	require.Empty(t, got, "it reached no stage")
}
