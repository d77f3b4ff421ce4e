package edge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
	"github.com/entragate/entragate/sandbox/edge"
)

// limits are the settings of a route.
func limits(rate float64, burst int) *apigateway.RouteSettings {
	return &apigateway.RouteSettings{ThrottlingRateLimit: &rate, ThrottlingBurstLimit: &burst}
}

// allowed counts how many of n requests are not throttled.
func allowed(w *world, target string, n int) int {
	count := 0
	for range n {
		if w.do("GET", target).Code != 429 {
			count++
		}
	}
	return count
}

func TestThrottledRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withStage(apiOf("GET /orders => jwt"), func(s *edge.ServedStage) { s.Stage.DefaultRouteSettings = limits(1, 2) }))
	require.Equal(t, 401, w.do("GET", "/orders").Code)
	require.Equal(t, 401, w.do("GET", "/orders").Code)
	rec := w.do("GET", "/orders")
	require.Equal(t, 429, rec.Code, "before the authorizer")
	require.JSONEq(t, `{"message":"Too Many Requests"}`, rec.Body.String())
	require.Empty(t, rec.Header().Get("www-authenticate"))
	require.Contains(t, w.sink.last(t), "|GET /orders|429|-|-")
	require.Equal(t, 404, w.do("GET", "/nope").Code, "only routes are throttled")

	w.clock.advance(time.Second)
	require.Equal(t, 1, allowed(w, "/orders", 5))
	w.clock.advance(time.Hour)
	require.Equal(t, 2, allowed(w, "/orders", 5), "no more than the burst")
}

func TestEachRouteHasItsOwnBucket(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withStage(apiOf("GET /a => none", "GET /b => none", "GET /c => none"), func(s *edge.ServedStage) {
		s.Stage.DefaultRouteSettings = limits(1, 2)
		s.Stage.RouteSettings = map[string]*apigateway.RouteSettings{"GET /c": limits(1, 5)}
	}))
	require.Equal(t, 2, allowed(w, "/a", 10))
	require.Equal(t, 2, allowed(w, "/b", 10))
	require.Equal(t, 5, allowed(w, "/c", 10))
}

func TestLimitsOfZeroRefuseEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withStage(apiOf("GET /a => none"), func(s *edge.ServedStage) { s.Stage.DefaultRouteSettings = limits(0, 0) }))
	require.Zero(t, allowed(w, "/a", 3))
	w.clock.advance(time.Hour)
	require.Zero(t, allowed(w, "/a", 3))
}

func TestLimitsThatAreNotSetAreTheAccounts(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]*apigateway.RouteSettings{
		"no settings":  nil,
		"only metrics": {DetailedMetricsEnabled: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, withStage(apiOf("GET /a => none"), func(s *edge.ServedStage) {
				s.Stage.DefaultRouteSettings = limits(1, 1)
				s.Stage.RouteSettings = map[string]*apigateway.RouteSettings{"GET /a": settings}
				if settings == nil {
					s.Stage.DefaultRouteSettings = nil
				}
			}))
			require.Equal(t, 10, allowed(w, "/a", 10), "settings of a route replace the defaults as a whole")
		})
	}
	w := newWorld(t, withStage(apiOf("GET /a => none"), func(s *edge.ServedStage) {
		burst := 3
		s.Stage.DefaultRouteSettings = &apigateway.RouteSettings{ThrottlingBurstLimit: &burst}
	}))
	require.Equal(t, 3, allowed(w, "/a", 10), "only a burst")
}

func TestTheAccountIsThrottled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apiOf("GET /a => none"), func(o *edge.Options) { o.Throttle = edge.Throttle{Rate: 2, Burst: 3} })
	require.Equal(t, 3, allowed(w, "/a", 10))
	require.Equal(t, 3, w.sink.count(), "an account over its limit is not logged")
	w.clock.advance(time.Second)
	require.Equal(t, 2, allowed(w, "/a", 10))
	require.Zero(t, allowed(w, "/nope", 5))
}

func TestBucketsOutliveAChangeOfTheAPI(t *testing.T) {
	t.Parallel()
	limited := func(settings *apigateway.RouteSettings) edge.Served {
		return withStage(apiOf("GET /a => none"), func(s *edge.ServedStage) { s.Stage.DefaultRouteSettings = settings })
	}
	w := newWorld(t, limited(limits(0.001, 2)))
	require.Equal(t, 2, allowed(w, "/a", 3))
	w.source.put(apiID, limited(limits(0.001, 2)))
	require.Zero(t, allowed(w, "/a", 3), "a deployment does not fill the bucket")
	w.source.put(apiID, limited(limits(5, 5)))
	require.Zero(t, allowed(w, "/a", 3), "nor do new limits")
	w.clock.advance(time.Second)
	require.Equal(t, 5, allowed(w, "/a", 10), "which take effect from then on")
	w.source.put(apiID, limited(nil))
	require.Equal(t, 10, allowed(w, "/a", 10), "limits can be removed")
	w.source.put(apiID, limited(limits(0.001, 2)))
	require.Equal(t, 2, allowed(w, "/a", 10))
	w.source.remove(apiID)
	require.Equal(t, 403, w.do("GET", "/a").Code)
	w.source.put(apiID, limited(limits(0.001, 2)))
	require.Equal(t, 2, allowed(w, "/a", 10), "an API that is made anew starts anew")
}
