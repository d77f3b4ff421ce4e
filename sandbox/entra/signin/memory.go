package signin

import (
	"crypto/rand"
	"encoding/base64"
	"sync"
	"time"
)

// How long things last.
const (
	// codeLifetime and deviceLifetime are documented by Microsoft.
	// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
	// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
	codeLifetime   = 10 * time.Minute
	deviceLifetime = 15 * time.Minute
	// https://learn.microsoft.com/entra/identity-platform/refresh-tokens
	refreshLifetime    = 90 * 24 * time.Hour
	refreshLifetimeSPA = 24 * time.Hour
	sessionLifetime    = 24 * time.Hour
	flowLifetime       = 15 * time.Minute
	// remembrance is how long something expired is still known as expired.
	remembrance = 24 * time.Hour
)

// memory is what the service forgets when it stops.
type memory struct {
	codes     expiring[code]
	refresh   expiring[refreshToken]
	devices   expiring[device]
	userCodes expiring[string] // user code -> device code
	flows     expiring[flow]
	sessions  expiring[session]
}

func newMemory() *memory { return &memory{} }

// code is an authorization code.
type code struct {
	delegation
	redirectURI     string
	challenge       string
	challengeMethod string
	expires         time.Time
	redeemed        bool
}

// refreshToken is a refresh token. Redeeming one gives another and leaves the
// old one valid, as Entra does.
type refreshToken struct {
	delegation
	issued  time.Time
	expires time.Time
}

// session is a browser in which a user signed in.
type session struct {
	tenantID, userID string
}

// Counts is how much the service keeps in memory, expired things included.
type Counts struct {
	Codes         int `json:"codes"`
	RefreshTokens int `json:"refreshTokens"`
	DeviceCodes   int `json:"deviceCodes"`
	Sessions      int `json:"sessions"`
}

// Counts tells how much the service keeps in memory.
func (s *Server) Counts() Counts {
	m := s.memory
	return Counts{m.codes.len(), m.refresh.len(), m.devices.len(), m.sessions.len()}
}

// secret is an unguessable name for a thing in memory: 256 random bits.
func secret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b)
}

// expiring is a map whose entries are forgotten in time. Its zero value is empty.
type expiring[T any] struct {
	mu      sync.Mutex
	entries map[string]expiringEntry[T]
	swept   time.Time
}

type expiringEntry[T any] struct {
	value  T
	forget time.Time
}

// sweepInterval is how often an insertion looks for what is to be forgotten.
const sweepInterval = time.Minute

// put keeps a value until forget.
func (e *expiring[T]) put(key string, value T, now, forget time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.entries == nil {
		e.entries = map[string]expiringEntry[T]{}
	}
	if now.Sub(e.swept) > sweepInterval {
		e.swept = now
		for k, entry := range e.entries {
			if now.After(entry.forget) {
				delete(e.entries, k)
			}
		}
	}
	e.entries[key] = expiringEntry[T]{value, forget}
}

// get returns a copy of a value.
func (e *expiring[T]) get(key string, now time.Time) (T, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	entry, ok := e.entries[key]
	if !ok || now.After(entry.forget) {
		var none T
		return none, false
	}
	return entry.value, true
}

// take removes and returns a value, so that only one caller gets it.
func (e *expiring[T]) take(key string, now time.Time) (T, bool) {
	value, ok := e.get(key, now)
	if !ok {
		return value, false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, still := e.entries[key]; !still {
		return value, false
	}
	delete(e.entries, key)
	return value, true
}

// change lets fn change a value in place and tells whether there was one.
func (e *expiring[T]) change(key string, fn func(*T)) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	entry, ok := e.entries[key]
	if !ok {
		return false
	}
	fn(&entry.value)
	e.entries[key] = entry
	return true
}

func (e *expiring[T]) len() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.entries)
}
