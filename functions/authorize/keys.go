package authorize

import (
	"context"
	"crypto/rsa"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// How long keys are kept. Microsoft recommends to keep them for 24 hours and to
// look for new ones every hour, and to look also when a key is unknown, but not
// each time, since callers make up key ids.
// https://learn.microsoft.com/entra/identity-platform/signing-key-rollover
const (
	// refreshAfter is the age from which keys are fetched again.
	refreshAfter = time.Hour
	// keepFor is the age from which keys are not used any more.
	keepFor = 24 * time.Hour
	// attemptEvery is the shortest time between two attempts to fetch, whether
	// they succeed or not, whatever callers send; firstEvery is that of an
	// instance that has no keys yet and can decide nothing.
	attemptEvery = time.Minute
	firstEvery   = 5 * time.Second
)

// keyCache keeps the signing keys of one issuer.
type keyCache struct {
	issuer  string
	client  *http.Client
	now     func() time.Time
	log     *slog.Logger
	fetches singleflight.Group

	mu        sync.Mutex // guards what follows
	set       keySet
	attempted time.Time
	failure   error // of the last attempt
}

// keySet is never changed once it is made.
type keySet struct {
	keys    map[string]*rsa.PublicKey // by key id
	fetched time.Time
}

func newKeyCache(issuer string, opts Options) *keyCache {
	client := *opts.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &keyCache{
		issuer: issuer, client: &client, log: opts.Log,
		// Without its monotonic part, which may stand still while Lambda freezes
		// the instance (a guess).
		now: func() time.Time { return opts.Now().Round(0) },
	}
}

// get returns the key with an id, or nil when the issuer has no such key. The
// error says why there are no keys at all.
func (k *keyCache) get(ctx context.Context, id string) (*rsa.PublicKey, error) {
	set, _ := k.kept()
	if key := set.keys[id]; key != nil && k.younger(set.fetched, refreshAfter) {
		return key, nil
	}
	select {
	case <-k.fetches.DoChan("", func() (any, error) {
		k.refresh(context.WithoutCancel(ctx)) // it is for all who wait, not only for who came first
		return nil, nil
	}):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	set, failure := k.kept()
	if !k.younger(set.fetched, keepFor) {
		return nil, failure
	}
	return set.keys[id], nil
}

func (k *keyCache) kept() (keySet, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.set, k.failure
}

// younger reports whether something that was done at a time was done less than
// age ago. What was done in the future was done by a clock that was put back.
func (k *keyCache) younger(at time.Time, age time.Duration) bool {
	since := k.now().Sub(at)
	return !at.IsZero() && since >= 0 && since < age
}

// refresh fetches the keys, unless that was tried just now. Keys that are there
// are kept when it fails.
func (k *keyCache) refresh(ctx context.Context) {
	k.mu.Lock()
	floor := attemptEvery
	if k.set.fetched.IsZero() {
		floor = firstEvery
	}
	tried := k.younger(k.attempted, floor)
	if !tried {
		k.attempted = k.now()
	}
	at := k.attempted
	k.mu.Unlock()
	if tried {
		return
	}
	keys, err := k.fetch(ctx)
	if err != nil {
		k.log.LogAttrs(ctx, slog.LevelWarn, "keys not fetched", slog.String("error", err.Error()))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failure = err; err == nil {
		k.set = keySet{keys: keys, fetched: at}
	}
}
