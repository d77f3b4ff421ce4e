package edge_test

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
	"github.com/entragate/entragate/sandbox/edge"
)

func TestNewRefusesIncompleteOptions(t *testing.T) {
	t.Parallel()
	_, err := edge.New(edge.Options{Region: "eu-central-1"})
	require.ErrorContains(t, err, "got no source")
	_, err = edge.New(edge.Options{Source: &source{}})
	require.ErrorContains(t, err, "got no region")
}

func TestTheHostChoosesTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apiOf("GET /orders => none"))
	for name, test := range map[string]struct {
		host   string
		status int
	}{
		"with a port":      {apiID + ".execute-api.eu-central-1.localhost:8443", 200},
		"without a port":   {apiID + ".execute-api.eu-central-1.localhost", 200},
		"in upper case":    {strings.ToUpper(apiID) + ".Execute-Api.eu-central-1.LOCALHOST", 200},
		"unknown API":      {"zzzzzzzzzz.execute-api.eu-central-1.localhost", 403},
		"another region":   {apiID + ".execute-api.us-east-1.localhost", 403},
		"another suffix":   {apiID + ".execute-api.eu-central-1.localhost.evil", 403},
		"a longer prefix":  {"x." + apiID + ".execute-api.eu-central-1.localhost", 403},
		"no API":           {".execute-api.eu-central-1.localhost", 403},
		"only the suffix":  {"localhost", 403},
		"an empty host":    {"", 403},
		"an IPv6 loopback": {"[::1]:8443", 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRequest("GET", "/orders")
			r.Host = test.host
			rec := w.send(r)
			require.Equal(t, test.status, rec.Code)
			if test.status == 403 {
				require.JSONEq(t, `{"message":"Forbidden"}`, rec.Body.String())
			}
		})
	}
}

func TestADisabledEndpointIsNotFound(t *testing.T) {
	t.Parallel()
	api := apiOf("GET /orders => none")
	api.API.DisableExecuteAPIEndpoint = true
	w := newWorld(t, api)
	rec := w.do("GET", "/orders")
	require.Equal(t, 404, rec.Code)
	require.Zero(t, w.backend.calls)
}

func TestGatewayAnswersHaveTheHeadersOfAPIGateway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apiOf("GET /orders => jwt"))
	for _, target := range []string{"/orders", "/nope"} {
		rec := w.do("GET", target)
		require.Regexp(t, `^[\w-]{15}=$`, rec.Header().Get("apigw-requestid"))
		require.Equal(t, "application/json", rec.Header().Get("Content-Type"))
	}
	first, second := w.do("GET", "/nope"), w.do("GET", "/nope")
	require.NotEqual(t, first.Header().Get("apigw-requestid"), second.Header().Get("apigw-requestid"))
	ok := w.do("GET", "/orders", "Authorization", "Bearer "+mint(goodClaims()))
	require.Equal(t, 200, ok.Code)
	require.NotEmpty(t, ok.Header().Get("apigw-requestid"))
}

func TestHeadersAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apiOf("GET /orders => none"))
	small := w.do("GET", "/orders", "X-Big", strings.Repeat("x", 10_000))
	require.Equal(t, 200, small.Code)
	big := w.do("GET", "/orders", "X-Big", strings.Repeat("x", 10_240))
	require.Equal(t, 431, big.Code)
	many := newRequest("GET", "/orders")
	for range 300 {
		many.Header.Add("X-Many", strings.Repeat("y", 30))
	}
	require.Equal(t, 431, w.send(many).Code)
	require.Equal(t, 431, w.do("GET", "/orders?q="+strings.Repeat("x", 10_240)).Code)
	require.Equal(t, 1, w.backend.calls)
}

func TestBodiesAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apiOf("POST /orders => none"))
	body := func(n int) *strings.Reader { return strings.NewReader(strings.Repeat("x", n)) }
	for name, test := range map[string]struct {
		bytes  int
		stream bool
		status int
	}{
		"ten MB":                       {10 << 20, false, 200},
		"ten MB of unknown length":     {10 << 20, true, 200},
		"more":                         {10<<20 + 1, false, 413},
		"more, and of unknown length":  {10<<20 + 1, true, 413},
		"nothing":                      {0, false, 200},
		"nothing, of unknown length":   {0, true, 200},
		"a little, of unknown length":  {5, true, 200},
		"a little, of declared length": {5, false, 200},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRequest("POST", "/orders")
			r.Body, r.ContentLength = readCloser{body(test.bytes)}, int64(test.bytes)
			if test.stream {
				r.ContentLength = -1
			}
			before := w.sink.count()
			rec := w.send(r)
			require.Equal(t, test.status, rec.Code)
			if test.status == 413 {
				require.JSONEq(t, `{"message":"Request Entity Too Large"}`, rec.Body.String())
				require.Equal(t, before, w.sink.count(), "a 413 is not logged")
				return
			}
			require.Len(t, w.backend.body, test.bytes)
		})
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func TestStages(t *testing.T) {
	t.Parallel()
	api := apiOf("GET /orders => none")
	dev := apiOf("GET /orders => jwt", "GET / => none").Stages[0]
	dev.Stage.StageName = "dev"
	api.Stages = append(api.Stages, dev)
	w := newWorld(t, api)
	require.Equal(t, 200, w.do("GET", "/orders").Code, "the default stage")
	require.Equal(t, 401, w.do("GET", "/dev/orders").Code, "the named stage")
	require.Equal(t, 200, w.do("GET", "/dev").Code, "a stage without a path")
	require.Equal(t, 200, w.do("GET", "/dev/").Code)
	require.Equal(t, 404, w.do("GET", "/devel/orders").Code, "a prefix is not a stage")
	require.Equal(t, 404, w.do("GET", "/$default/orders").Code, "$default has no path")

	api.Stages = api.Stages[1:]
	w.source.put(apiID, api)
	lines := w.sink.count()
	rec := w.do("GET", "/orders")
	require.Equal(t, 404, rec.Code, "no default stage")
	require.JSONEq(t, `{"message":"Not Found"}`, rec.Body.String())
	require.Equal(t, lines, w.sink.count(), "without a stage there is no log")
}

func TestWhatCannotBeDecidedIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*apigateway.Deployment)
		log    string
	}{
		"IAM authorization":    {func(d *apigateway.Deployment) { d.Routes["id00000"].AuthorizationType = "AWS_IAM" }, `"AWS_IAM" is not implemented`},
		"a Lambda authorizer":  {func(d *apigateway.Deployment) { d.Routes["id00000"].AuthorizationType = "CUSTOM" }, `"auth01" is not a Lambda authorizer`},
		"no authorization":     {func(d *apigateway.Deployment) { d.Routes["id00000"].AuthorizationType = "" }, `"" is not implemented`},
		"no such authorizer":   {func(d *apigateway.Deployment) { d.Routes["id00000"].AuthorizerID = "gone" }, `"gone" is not a JWT authorizer`},
		"a REQUEST authorizer": {func(d *apigateway.Deployment) { d.Authorizers["auth01"].AuthorizerType = "REQUEST" }, "is not a JWT authorizer"},
		"no JWT configuration": {func(d *apigateway.Deployment) { d.Authorizers["auth01"].JWTConfiguration = nil }, "is not a JWT authorizer"},
		"no identity source":   {func(d *apigateway.Deployment) { d.Authorizers["auth01"].IdentitySource = nil }, "is not a JWT authorizer"},
		"a body as identity source": {
			func(d *apigateway.Deployment) {
				d.Authorizers["auth01"].IdentitySource = []string{"$request.body.token"}
			}, "is not a JWT authorizer",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, withStage(apiOf("GET /orders => Orders.Read"), func(s *edge.ServedStage) { test.change(&s.Deployment) }))
			rec := w.do("GET", "/orders", "Authorization", "Bearer "+mint(goodClaims()))
			require.Equal(t, 500, rec.Code)
			require.JSONEq(t, `{"message":"Internal Server Error"}`, rec.Body.String())
			require.Zero(t, w.backend.calls)
			require.Contains(t, w.sink.last(t), test.log)
		})
	}
}

func TestAnAPIIsCompiledOncePerGeneration(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apiOf("GET /orders => none"))
	for range 5 {
		require.Equal(t, 200, w.do("GET", "/orders").Code)
	}
	require.Equal(t, 1, w.source.served)

	w.source.put(apiID, apiOf("GET /orders => jwt"))
	require.Equal(t, 401, w.do("GET", "/orders").Code, "a change takes effect at once")
	w.source.remove(apiID)
	require.Equal(t, 403, w.do("GET", "/orders").Code, "a deleted API is gone at once")
}

func TestChangesUnderLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apiOf("GET /orders => none"))
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 100 {
				if code := w.do("GET", "/orders").Code; code != 200 && code != 401 {
					t.Errorf("got status %d, want that of one of the two deployments", code)
				}
			}
		})
	}
	for i := range 50 {
		w.source.put(apiID, apiOf("GET /orders => "+[]string{"none", "jwt"}[i%2]))
	}
	group.Wait()
	require.Equal(t, 401, w.do("GET", "/orders").Code, "the last change counts")
}

func TestALogThatCannotBeDeliveredIsReported(t *testing.T) {
	t.Parallel()
	var report strings.Builder
	w := newWorld(t, apiOf("GET /orders => none"), func(o *edge.Options) { o.Logger = slog.New(slog.NewTextHandler(&report, nil)) })
	w.sink.err = errors.New("the group is gone")
	require.Equal(t, http.StatusOK, w.do("GET", "/orders").Code)
	require.Contains(t, report.String(), "the group is gone")
	require.Contains(t, report.String(), logGroup)
}
