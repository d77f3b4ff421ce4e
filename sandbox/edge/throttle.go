package edge

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
)

// Limits of an account in a region, unless it asked for more.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const (
	DefaultAccountRate  = 10_000 // requests a second
	DefaultAccountBurst = 5_000  // requests at once
)

// Throttle is a token bucket.
type Throttle struct {
	Rate  float64 // requests a second
	Burst int     // requests at once
}

// buckets keep what routes have left, over changes of the API.
type buckets struct{ byRoute sync.Map } // bucketKey -> *rate.Limiter

type bucketKey struct{ apiID, stage, routeKey string }

// bucket returns the bucket of a route, nil when only the account limits it.
// Each route has its own bucket, also when its limits are the stage's
// defaults: "throttling limits are applied at the API method level for a
// stage".
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
func (b *buckets) bucket(key bucketKey, stage *apigateway.Stage, account Throttle, now time.Time) *rate.Limiter {
	settings := settingsOf(stage, key.routeKey)
	if settings == nil || (settings.ThrottlingRateLimit == nil && settings.ThrottlingBurstLimit == nil) {
		b.byRoute.Delete(key)
		return nil
	}
	limits := account
	if settings.ThrottlingRateLimit != nil {
		limits.Rate = *settings.ThrottlingRateLimit
	}
	if settings.ThrottlingBurstLimit != nil {
		limits.Burst = *settings.ThrottlingBurstLimit
	}
	kept, loaded := b.byRoute.LoadOrStore(key, rate.NewLimiter(rate.Limit(limits.Rate), limits.Burst))
	limiter := kept.(*rate.Limiter)
	if loaded && (limiter.Limit() != rate.Limit(limits.Rate) || limiter.Burst() != limits.Burst) {
		limiter.SetLimitAt(now, rate.Limit(limits.Rate))
		limiter.SetBurstAt(now, limits.Burst)
	}
	return limiter
}

// forget drops the buckets of an API that is gone.
func (b *buckets) forget(apiID string) {
	b.byRoute.Range(func(key, _ any) bool {
		if key.(bucketKey).apiID == apiID {
			b.byRoute.Delete(key)
		}
		return true
	})
}
