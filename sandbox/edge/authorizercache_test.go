package edge_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
	"github.com/entragate/entragate/sandbox/edge"
)

func TestADecisionCarriesOver(t *testing.T) {
	t.Parallel()
	const header, routeKey, variable = "$request.header.Authorization", "$context.routeKey", "$stageVariables.env"
	for name, test := range map[string]struct {
		sources        []string
		method, target string
		token          string
		again          bool // the function is invoked again
	}{
		"to the same request":           {[]string{header}, "GET", "/orders", "ann", false},
		"to another query string":       {[]string{header}, "GET", "/orders?a=1", "ann", false},
		"to another route":              {[]string{header}, "POST", "/orders", "ann", false},
		"to another variable":           {[]string{header}, "GET", "/orders/7", "ann", false},
		"not to another token":          {[]string{header}, "GET", "/orders", "bob", true},
		"not to a token in other case":  {[]string{header}, "GET", "/orders", "Ann", true},
		"not to a route of the key":     {[]string{header, routeKey}, "POST", "/orders", "ann", true},
		"to a path of the keyed route":  {[]string{header, routeKey}, "GET", "/orders?b", "ann", false},
		"with a stage variable":         {[]string{header, variable}, "POST", "/orders", "ann", false},
		"not to another stage":          {[]string{header}, "GET", "/dev/orders", "ann", true},
		"not to values cut differently": {[]string{header, "$request.header.X-Rest"}, "GET", "/orders", "an", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := answering(`{"isAuthorized":true}`, nil)
			api := apiOf("GET /orders => jwt", "POST /orders => jwt", "GET /orders/{id} => jwt")
			dev := api.Stages[0]
			dev.Stage.StageName = "dev"
			api.Stages = append(api.Stages, dev)
			w := newWorld(t, guarded(api, identifiedBy(test.sources...)), running(f))
			rest := "x"
			require.Equal(t, 200, w.do("GET", "/orders", "Authorization", "ann", "X-Rest", rest).Code)
			if test.token == "an" {
				rest = "nx"
			}
			require.Equal(t, 200, w.do(test.method, test.target, "Authorization", test.token, "X-Rest", rest).Code)
			require.Equal(t, test.again, f.count() == 2)
		})
	}
}

func TestAPolicyIsAppliedToEachRoute(t *testing.T) {
	t.Parallel()
	f := answering(policyAnswer("Allow", "execute-api:Invoke", executeARN+"/$default/GET/*"), nil)
	w := newWorld(t, guarded(apiOf("GET /orders => jwt", "POST /orders => jwt"), withPolicies), running(f))
	require.Equal(t, 200, w.do("GET", "/orders", "Authorization", "x").Code)
	require.Equal(t, 403, w.do("POST", "/orders", "Authorization", "x").Code)
	require.Equal(t, 1, f.count(), "one decision, by the route that is asked for")
}

func TestADecisionOutlivesTheToken(t *testing.T) {
	t.Parallel()
	f := &functions{}
	w := newWorld(t, guarded(apiOf("GET /orders => jwt"), ttl(300)), running(f))
	expiry := start.Add(time.Minute)
	f.answer = func(context.Context, string) (string, error) {
		return fmt.Sprintf(`{"isAuthorized":%t}`, w.clock.now().Before(expiry)), nil
	}
	for _, step := range []struct {
		wait   time.Duration
		status int
	}{{59 * time.Second, 200}, {300*time.Second - 1, 200}, {1, 403}} {
		w.clock.advance(step.wait)
		require.Equal(t, step.status, w.do("GET", "/orders", "Authorization", "x").Code)
	}
}

func TestChangesAndCachedDecisions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(w *world, api edge.Served)
		again  bool
	}{
		"nothing": {func(w *world, api edge.Served) { w.source.put(apiID, api) }, false},
		"another route": {func(w *world, _ edge.Served) {
			w.source.put(apiID, guarded(apiOf("GET /orders => jwt", "GET /new => none")))
		}, false},
		"stage variable": {func(w *world, api edge.Served) { w.source.put(apiID, withVariable(api, "other", "1")) }, false},
		"time to live":   {func(w *world, _ edge.Served) { w.source.put(apiID, guarded(apiOf("GET /orders => jwt"), ttl(61))) }, true},
		"function": {func(w *world, _ edge.Served) {
			w.source.put(apiID, guarded(apiOf("GET /orders => jwt"), func(a *apigateway.Authorizer) { a.AuthorizerURI = invocationURI(authorizerARN + ":2") }))
		}, true},
		"another authorizer of that name": {func(w *world, _ edge.Served) {
			w.source.put(apiID, guarded(apiOf("GET /orders => none")))
			w.do("GET", "/orders")
			api := apiOf("GET /orders => none")
			w.source.put(apiID, api)
			w.do("GET", "/orders")
			w.source.put(apiID, guarded(apiOf("GET /orders => jwt")))
		}, true},
		"the API deleted": {func(w *world, api edge.Served) {
			w.source.remove(apiID)
			w.do("GET", "/orders")
			w.source.put(apiID, api)
		}, true},
		"no time to live": {func(w *world, _ edge.Served) { w.source.put(apiID, guarded(apiOf("GET /orders => jwt"), ttl(0))) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := answering(`{"isAuthorized":true}`, nil)
			api := guarded(apiOf("GET /orders => jwt"))
			w := newWorld(t, api, running(f))
			require.Equal(t, 200, w.do("GET", "/orders", "Authorization", "x").Code)
			test.change(w, api)
			require.Equal(t, 200, w.do("GET", "/orders", "Authorization", "x").Code)
			require.Equal(t, test.again, f.count() == 2)
		})
	}
}

// withVariable returns the API with one more stage variable, the old one
// unchanged.
func withVariable(api edge.Served, name, value string) edge.Served {
	changed := apiOf("GET /orders => jwt").Stages[0].Stage
	changed.StageVariables[name] = value
	stage := api.Stages[0]
	stage.Stage = changed
	api.Stages = []edge.ServedStage{stage}
	return api
}

func TestAStageVariableAsIdentityEndsOldDecisions(t *testing.T) {
	t.Parallel()
	f := answering(`{"isAuthorized":true}`, nil)
	api := guarded(apiOf("GET /orders => jwt"), identifiedBy("$request.header.Authorization", "$stageVariables.policy"))
	w := newWorld(t, api, running(f))
	require.Equal(t, 401, w.do("GET", "/orders", "Authorization", "x").Code, "it is not set yet")
	for i, policy := range []string{"a", "a", "b", "a"} {
		w.source.put(apiID, withVariable(api, "policy", policy))
		require.Equal(t, 200, w.do("GET", "/orders", "Authorization", "x").Code)
		require.Equal(t, []int{1, 1, 2, 2}[i], f.count(), "a value from before finds its decision until that expires")
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	t.Parallel()
	f := answering(`{"isAuthorized":false}`, nil)
	w := newWorld(t, guarded(apiOf("GET /orders => jwt")), running(f), func(o *edge.Options) {
		o.Throttle = edge.Throttle{Rate: 1e9, Burst: 1e9}
		o.Sink = nil
	})
	const limit = 4096
	do := func(i int) int {
		before := f.count()
		require.Equal(t, 403, w.do("GET", "/orders", "Authorization", fmt.Sprint(i)).Code)
		return f.count() - before
	}
	for i := range limit + 1 {
		require.Equal(t, 1, do(i))
	}
	require.Zero(t, do(limit), "the newest is there")
	require.Zero(t, do(1), "the second oldest is there")
	require.Equal(t, 1, do(0), "the oldest is gone")
	require.Equal(t, 1, do(1), "and now the next")
}

// TestConcurrentRequests is for the race detector; AWS gives no promise that
// requests which come at once share an invocation.
func TestConcurrentRequests(t *testing.T) {
	t.Parallel()
	f := answering(`{"isAuthorized":true,"context":{"a":"b"}}`, nil)
	api := guarded(apiOf("GET /orders => jwt"))
	w := newWorld(t, logging(api, "$context.authorizer.a"), running(f))
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 20 {
				if rec := w.do("GET", "/orders", "Authorization", fmt.Sprint(j%3)); rec.Code != 200 {
					t.Errorf("got status %d, want 200", rec.Code)
				}
				if i == 0 && j%5 == 0 {
					w.source.put(apiID, api)
				}
			}
		})
	}
	group.Wait()
	require.GreaterOrEqual(t, f.count(), 3)
	require.Contains(t, w.sink.last(t), "|b")
}
