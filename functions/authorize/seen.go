package authorize

import (
	"crypto/rsa"
	"crypto/sha256"
	"sync"
)

// seenTokens remembers tokens whose signature was verified, since a caller sends
// the same token again and again, and the signature is most of the work.
// Nothing else is remembered: the claims are judged anew each time, and the key
// must still be the one that the issuer publishes.
//
// It knows tokens by their hash, so that it holds none.
type seenTokens struct {
	mu            sync.Mutex // guards what follows
	recent, older map[tokenHash]seenToken
}

type tokenHash [sha256.Size]byte

type seenToken struct {
	keyID  string
	key    *rsa.PublicKey
	claims claims // never changed
}

// maxSeen is how many tokens a generation has. There are two, which a daemon's
// and some hundred users' tokens fit in, and which are a few megabytes.
const maxSeen = 256

func (s *seenTokens) find(hash tokenHash) (seenToken, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.recent[hash]; ok {
		return t, true
	}
	t, ok := s.older[hash]
	return t, ok
}

func (s *seenTokens) add(hash tokenHash, t seenToken) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.recent == nil || len(s.recent) >= maxSeen {
		s.recent, s.older = make(map[tokenHash]seenToken, maxSeen), s.recent
	}
	s.recent[hash] = t
}
