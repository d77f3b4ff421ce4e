package edge

import (
	"container/list"
	"crypto/sha256"
	"encoding/binary"
	"reflect"
	"sync"
	"time"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
)

// maxDecisions is how many decisions an authorizer keeps on a stage. What AWS
// keeps is not documented (a guess).
const maxDecisions = 4096

// authorizerCaches keep what Lambda authorizers decided, over changes of the
// API. The zero value is empty.
type authorizerCaches struct {
	mu    sync.Mutex
	byAPI map[string]map[authorizerKey]*authorizerCache
}

type authorizerKey struct{ stage, authorizerID string }

// authorizerCache is the cache of an authorizer as it is configured.
type authorizerCache struct {
	authorizer *apigateway.Authorizer
	decisions  *decisionCache
}

// renew returns the caches of an API's authorizers. One that is the same as
// before keeps its decisions, whatever else of the API changed; those of one
// that was changed or deleted are dropped (a guess).
func (c *authorizerCaches) renew(served *Served) map[authorizerKey]*authorizerCache {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, now := c.byAPI[served.API.APIID], map[authorizerKey]*authorizerCache{}
	for i := range served.Stages {
		for id, a := range served.Stages[i].Deployment.Authorizers {
			if a.AuthorizerType != "REQUEST" {
				continue
			}
			key := authorizerKey{served.Stages[i].Stage.StageName, id}
			if kept := before[key]; kept != nil && reflect.DeepEqual(kept.authorizer, a) {
				now[key] = kept
			} else {
				now[key] = &authorizerCache{a, newDecisionCache(maxDecisions)}
			}
		}
	}
	if c.byAPI == nil {
		c.byAPI = map[string]map[authorizerKey]*authorizerCache{}
	}
	c.byAPI[served.API.APIID] = now
	return now
}

// forget drops the caches of an API that is gone.
func (c *authorizerCaches) forget(apiID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byAPI, apiID)
}

// decisionCache keeps decisions by identity. All live equally long, so the
// oldest is also the first to expire.
type decisionCache struct {
	mu     sync.Mutex
	limit  int
	byKey  map[[sha256.Size]byte]*list.Element
	oldest *list.List // of *cachedDecision, the oldest in front
}

type cachedDecision struct {
	key      [sha256.Size]byte
	decision *decision
	expires  time.Time
}

func newDecisionCache(limit int) *decisionCache {
	return &decisionCache{limit: limit, byKey: map[[sha256.Size]byte]*list.Element{}, oldest: list.New()}
}

// get returns nil when there is no decision or it has expired.
func (c *decisionCache) get(key [sha256.Size]byte, now time.Time) *decision {
	c.mu.Lock()
	defer c.mu.Unlock()
	element := c.byKey[key]
	if element == nil {
		return nil
	}
	if kept := element.Value.(*cachedDecision); now.Before(kept.expires) {
		return kept.decision
	}
	return nil
}

// put keeps a decision and drops what has expired or is too much.
func (c *decisionCache) put(key [sha256.Size]byte, d *decision, now, expires time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if element := c.byKey[key]; element != nil {
		c.remove(element)
	}
	c.byKey[key] = c.oldest.PushBack(&cachedDecision{key, d, expires})
	for front := c.oldest.Front(); front != nil; front = c.oldest.Front() {
		if len(c.byKey) <= c.limit && now.Before(front.Value.(*cachedDecision).expires) {
			return
		}
		c.remove(front)
	}
}

func (c *decisionCache) remove(element *list.Element) {
	delete(c.byKey, element.Value.(*cachedDecision).key)
	c.oldest.Remove(element)
}

// identityKey is a digest, so that no token stays in memory for being cached.
// Lengths keep ("a", "bc") and ("ab", "c") apart.
func identityKey(values []string) (key [sha256.Size]byte) {
	h := sha256.New()
	for _, value := range values {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(value)))
		h.Write(length[:])
		h.Write([]byte(value))
	}
	h.Sum(key[:0])
	return key
}
