package authorize

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

// TestTokenSeenBefore calls with a token again after something has changed.
func TestTokenSeenBefore(t *testing.T) {
	t.Parallel()
	token := sign(appToken())
	for name, tt := range map[string]struct {
		change func(*world)
		token  string
		route  string
		want   Reason
	}{
		"nothing":                     {func(*world) {}, token, roles, none},
		"the route":                   {func(*world) {}, token, scopes, ReasonMissingRole},
		"to a route that is unknown":  {func(*world) {}, token, unlisted, ReasonUnknownRoute},
		"it expired":                  {func(w *world) { w.pass(time.Hour) }, token, roles, ReasonExpired},
		"the clock was put back":      {func(w *world) { w.pass(-time.Hour) }, token, roles, ReasonNotYetValid},
		"one letter of the signature": {func(*world) {}, token[:len(token)-3] + "AAA", roles, ReasonSignature},
		"a space behind":              {func(*world) {}, token + " ", roles, ReasonMalformed},
		"the payload": {
			func(*world) {},
			strings.Replace(token, strings.Split(token, ".")[1], strings.Split(sign(appToken().with("x", 1)), ".")[1], 1), roles, ReasonSignature,
		},
		"the key was withdrawn": {
			func(w *world) {
				w.serve(keysURL, keySetOf(public("two")))
				w.pass(2 * time.Minute)
				w.decide(t.Context(), event(signRaw("{}", jose.RS256, key("two"), object{"kid": "made up"}), roles))
			},
			token, roles, ReasonUnknownKey,
		},
		"the key has another's id": {
			func(w *world) {
				stranger := public("stranger")
				stranger.KeyID = "one"
				w.serve(keysURL, keySetOf(stranger))
				w.pass(2 * time.Minute)
				w.decide(t.Context(), event(signRaw("{}", jose.RS256, key("two"), object{"kid": "made up"}), roles))
			},
			token, roles, ReasonSignature,
		},
		"the same keys were fetched anew": {
			func(w *world) {
				w.pass(2 * time.Minute)
				w.decide(t.Context(), event(signRaw("{}", jose.RS256, key("two"), object{"kid": "made up"}), roles))
			},
			token, roles, none,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.requireReason(t, token, none)
			tt.change(w)
			_, reason := w.call(t, tt.token, tt.route)
			require.Equal(t, tt.want, reason)
		})
	}
}

func TestOnlyVerifiedTokensAreRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, token := range []string{
		"garbage", signRaw("{}", jose.RS256, key("stranger"), object{"kid": "one"}), signRaw("[]", jose.RS256, key("one"), object{"kid": "one"}),
	} {
		w.call(t, token, roles)
	}
	require.Empty(t, w.seen.recent)
	w.requireReason(t, sign(appToken()), none)
	require.Len(t, w.seen.recent, 1)
}

func TestSeenTokensAreBounded(t *testing.T) {
	t.Parallel()
	var s seenTokens
	hash := func(i int) (h tokenHash) {
		binary.BigEndian.PutUint64(h[:], uint64(i))
		return h
	}
	const last = 10 * maxSeen
	for i := range last + 1 {
		s.add(hash(i), seenToken{})
		require.LessOrEqual(t, len(s.recent)+len(s.older), 2*maxSeen)
	}
	for _, i := range []int{last, last - 1, last - maxSeen} {
		_, ok := s.find(hash(i))
		require.True(t, ok, i)
	}
	_, ok := s.find(hash(last - 2*maxSeen))
	require.False(t, ok)
}
