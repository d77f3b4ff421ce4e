package edge_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/entragate/entragate/sandbox/edge"
)

// BenchmarkAuthorizedRequest measures a whole authorized request on every
// core: route, signature of a 2048 bit key, claims, scopes, a backend that
// answers at once, and the access log line. It reports requests a second.
//
//	go test -run '^$' -bench AuthorizedRequest -cpu 2 ./sandbox/edge
func BenchmarkAuthorizedRequest(b *testing.B) {
	w := newWorld(b, apiOf("GET /orders => Orders.Read", "GET /orders/{id} => Orders.Read", "POST /orders => Orders.Write", "GET /health => none"),
		func(o *edge.Options) {
			o.Throttle = edge.Throttle{Rate: 1e9, Burst: 1e9}
			o.Sink = discard{}
			o.Client = &http.Client{Transport: trivial{}}
		})
	token := "Bearer " + mint(goodClaims())
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		request := newRequest("GET", "/orders/7", "Authorization", token)
		for pb.Next() {
			rec := httptest.NewRecorder()
			w.ServeHTTP(rec, request)
			if rec.Code != http.StatusOK {
				b.Errorf("got status %d, want 200", rec.Code)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

// BenchmarkDecide measures the authorizer alone, on one core.
func BenchmarkDecide(b *testing.B) {
	a := authorizer()
	token := mint(goodClaims())
	routeScopes := []string{"Orders.Read"}
	b.ReportAllocs()
	for b.Loop() {
		if _, refusal := a.Decide(token, routeScopes); refusal != nil {
			b.Fatal(refusal.Description)
		}
	}
}

// trivial answers at once.
type trivial struct{}

func (trivial) RoundTrip(*http.Request) (*http.Response, error) {
	return response(http.StatusOK, `{"ok":true}`, "Content-Type", "application/json"), nil
}

// discard takes lines and keeps none.
type discard struct{}

func (discard) Deliver(string, string, time.Time, string) error { return nil }

// BenchmarkCachedAuthorizedRequest measures a whole request on every core that
// a Lambda authorizer decided on before.
func BenchmarkCachedAuthorizedRequest(b *testing.B) {
	f := answering(`{"isAuthorized":true,"context":{"caller":"ann"}}`, nil)
	api := guarded(apiOf("GET /orders => jwt", "GET /orders/{id} => jwt"), identifiedBy("$request.header.Authorization", "$context.routeKey", "$stageVariables.env"))
	w := newWorld(b, api, running(f), func(o *edge.Options) {
		o.Throttle = edge.Throttle{Rate: 1e9, Burst: 1e9}
		o.Sink = discard{}
		o.Client = &http.Client{Transport: trivial{}}
	})
	token := "Bearer " + mint(goodClaims())
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		request := newRequest("GET", "/orders/7", "Authorization", token)
		for pb.Next() {
			rec := httptest.NewRecorder()
			w.ServeHTTP(rec, request)
			if rec.Code != http.StatusOK {
				b.Errorf("got status %d, want 200", rec.Code)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}
