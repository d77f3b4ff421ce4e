package authorize

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

const discovery = issuer + "/.well-known/openid-configuration"

// appSignedBy is an app-only token with a long life, signed by a key.
func appSignedBy(id string) string {
	claims := appToken().with("exp", start.Add(100*time.Hour).Unix())
	return signRaw(text(claims), jose.RS256, key(id), object{"kid": id})
}

// requireFailure calls with the token and wants that nothing is decided.
func (w *world) requireFailure(t *testing.T, token, want string) {
	t.Helper()
	_, err := w.Handle(t.Context(), event("Bearer "+token, roles))
	require.ErrorIs(t, err, errKeysUnavailable)
	require.ErrorContains(t, err, want)
	last := w.log.String()[strings.LastIndex(strings.TrimSpace(w.log.String()), "\n")+1:]
	require.Contains(t, last, `"reason":"keys-unavailable"`)
	require.Contains(t, last, `"level":"ERROR"`)
	require.NotContains(t, w.log.String(), token)
}

func (w *world) requireReason(t *testing.T, token string, want Reason) {
	t.Helper()
	_, reason := w.call(t, token, roles)
	require.Equal(t, want, reason)
}

func TestNothingIsFetchedBeforeTheFirstToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Zero(t, w.fetches())
	for _, token := range []string{"", "garbage", encode(`{"alg":"none","kid":"one"}`) + ".e30.", encode(`{"alg":"RS256"}`) + ".e30.AAAA"} {
		w.call(t, token, roles)
		w.call(t, appSignedBy("one"), unlisted)
	}
	require.Zero(t, w.fetches(), "what is refused anyway asks Entra for nothing")
	w.requireReason(t, appSignedBy("one"), none)
	require.Equal(t, []string{discovery, keysURL}, w.fetched)
}

func TestKeysAreKeptForAnHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.requireReason(t, appSignedBy("one"), none)
	w.pass(time.Hour - time.Second)
	w.requireReason(t, appSignedBy("two"), none)
	require.Equal(t, 2, w.fetches())
	w.pass(time.Second)
	w.requireReason(t, appSignedBy("one"), none)
	require.Equal(t, 4, w.fetches())
}

func TestUnknownKeysAreLookedForOnceAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.requireReason(t, appSignedBy("one"), none)
	for i := range 100 { // made up by a caller
		w.requireReason(t, signRaw("{}", jose.RS256, key("stranger"), object{"kid": fmt.Sprint(i)}), ReasonUnknownKey)
	}
	require.Equal(t, 2, w.fetches(), "the first fetch was just now")
	w.pass(time.Minute)
	for i := range 100 {
		w.requireReason(t, signRaw("{}", jose.RS256, key("stranger"), object{"kid": fmt.Sprint(i)}), ReasonUnknownKey)
	}
	require.Equal(t, 4, w.fetches())
	w.pass(time.Minute - time.Second)
	w.requireReason(t, signRaw("{}", jose.RS256, key("stranger"), object{"kid": "x"}), ReasonUnknownKey)
	require.Equal(t, 4, w.fetches())
}

func TestEmergencyRoll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.requireReason(t, appSignedBy("one"), none)
	w.serve(keysURL, keySetOf(public("three")))
	w.pass(5 * time.Minute)
	w.requireReason(t, appSignedBy("one"), none) // nothing said yet that there are new keys
	w.requireReason(t, appSignedBy("three"), none)
	w.requireReason(t, appSignedBy("one"), ReasonUnknownKey) // withdrawn
	w.requireReason(t, appSignedBy("two"), ReasonUnknownKey)
}

func TestWithdrawnKeysAreRefusedWithinAnHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.requireReason(t, appSignedBy("one"), none)
	w.serve(keysURL, keySetOf(public("two")))
	w.pass(time.Hour)
	w.requireReason(t, appSignedBy("one"), ReasonUnknownKey)
}

func TestKeysOutliveEntraByADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.requireReason(t, appSignedBy("one"), none)
	w.serve(discovery, "")
	w.pass(time.Hour)
	w.requireReason(t, appSignedBy("one"), none)
	w.requireReason(t, appSignedBy("one"), none)
	require.Equal(t, 3, w.fetches(), "one attempt, which failed")
	require.Contains(t, w.log.String(), `"msg":"keys not fetched"`)
	require.Contains(t, w.log.String(), "connection refused")
	w.requireReason(t, appSignedBy("three"), ReasonUnknownKey)

	w.pass(23*time.Hour - time.Second)
	w.requireReason(t, appSignedBy("one"), none)
	require.Equal(t, 4, w.fetches())
	w.pass(time.Second)
	w.requireFailure(t, appSignedBy("one"), "connection refused")

	w.serve(discovery, `{"issuer":"`+issuer+`","jwks_uri":"`+keysURL+`"}`)
	w.requireFailure(t, appSignedBy("one"), "connection refused") // it was tried just now
	w.pass(time.Minute)
	w.requireReason(t, appSignedBy("one"), none)
}

func TestClockThatWasPutBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pass(10 * time.Hour)
	w.requireReason(t, appSignedBy("one"), none)
	w.serve(keysURL, keySetOf(public("two")))
	w.pass(-10 * time.Hour)
	w.requireReason(t, appSignedBy("one"), ReasonUnknownKey)
	require.Equal(t, 4, w.fetches())
	w.requireReason(t, appSignedBy("one"), ReasonUnknownKey)
	require.Equal(t, 4, w.fetches())
}

func TestKeysThatCannotBeHad(t *testing.T) {
	t.Parallel()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	keySet := func(change func(*jose.JSONWebKey)) string {
		k := public("one")
		change(&k)
		return keySetOf(k)
	}
	for name, tt := range map[string]struct{ address, document, want string }{
		"no answer":                     {discovery, "", "connection refused"},
		"an error":                      {discovery, "broken", "got status 503, want 200"},
		"a redirect":                    {discovery, "https://elsewhere.example.com", "got status 302, want 200"},
		"no JSON":                       {discovery, "<html>", discovery},
		"another issuer":                {discovery, `{"issuer":"https://login.example.com/x/v2.0","jwks_uri":"` + keysURL + `"}`, `got issuer "https://login.example.com/x/v2.0", want "` + issuer},
		"another issuer by a slash":     {discovery, `{"issuer":"` + issuer + `/","jwks_uri":"` + keysURL + `"}`, "got issuer"},
		"no issuer":                     {discovery, `{"jwks_uri":"` + keysURL + `"}`, `got issuer ""`},
		"issuer in other letters":       {discovery, `{"ISSUER":"` + issuer + `","jwks_uri":"` + keysURL + `"}`, `got issuer ""`},
		"issuer twice":                  {discovery, `{"issuer":"x","issuer":"` + issuer + `","jwks_uri":"` + keysURL + `"}`, "duplicate key"},
		"keys without TLS":              {discovery, `{"issuer":"` + issuer + `","jwks_uri":"http://login.example.com/keys"}`, "want an https address"},
		"keys nowhere":                  {discovery, `{"issuer":"` + issuer + `","jwks_uri":"https://"}`, "want an https address"},
		"an oversized discovery":        {discovery, `{"issuer":"` + strings.Repeat("x", 150_000), "got more than 150000 bytes"},
		"no answer for keys":            {keysURL, "", "connection refused"},
		"an error for keys":             {keysURL, "broken", "got status 503"},
		"a redirect for keys":           {keysURL, "https://elsewhere.example.com/keys", "got status 302"},
		"an oversized key set":          {keysURL, keySetOf(public("one")) + strings.Repeat(" ", 150_000), "got more than 150000 bytes"},
		"half a key set":                {keysURL, keySetOf(public("one"))[:200], keysURL},
		"no keys":                       {keysURL, `{"keys":[]}`, "got 0 keys and no RSA signing key"},
		"keys that are text":            {keysURL, `{"keys":["one"]}`, "got 1 keys and no RSA signing key"},
		"keys that are an object":       {keysURL, `{"keys":{}}`, keysURL},
		"a key for encryption":          {keysURL, keySet(func(k *jose.JSONWebKey) { k.Use = "enc" }), "no RSA signing key"},
		"a key without an id":           {keysURL, keySet(func(k *jose.JSONWebKey) { k.KeyID = "" }), "no RSA signing key"},
		"a small key":                   {keysURL, keySet(func(k *jose.JSONWebKey) { k.Key = small.Public() }), "no RSA signing key"},
		"an elliptic key":               {keysURL, keySet(func(k *jose.JSONWebKey) { k.Key = ec.Public() }), "no RSA signing key"},
		"a secret key":                  {keysURL, keySet(func(k *jose.JSONWebKey) { k.Key = []byte(strings.Repeat("k", 300)) }), "no RSA signing key"},
		"the private key, by accident?": {keysURL, keySet(func(k *jose.JSONWebKey) { k.Key = key("one") }), "no RSA signing key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			right := w.documents[tt.address]
			w.serve(tt.address, tt.document)
			w.requireFailure(t, appSignedBy("one"), tt.want)
			attempts := w.fetches()
			w.requireFailure(t, appSignedBy("one"), tt.want)
			require.Equal(t, attempts, w.fetches(), "it is not tried again at once")
			w.serve(tt.address, right)
			w.pass(firstEvery)
			w.requireReason(t, appSignedBy("one"), none)

			w.serve(tt.address, tt.document) // what is wrong now does not push out what was right
			w.pass(time.Hour)
			w.requireReason(t, appSignedBy("one"), none)
		})
	}
}

func TestUsableKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	without := public("one")
	without.Use = "" // Entra's keys do not all say what they are for
	var one object
	require.NoError(t, json.Unmarshal([]byte(text(object{"k": without})), &one))
	entra := one["k"].(map[string]any)
	entra["issuer"], entra["cloud_instance_name"] = "https://login.microsoftonline.com/{tenantid}/v2.0", "microsoftonline.com"
	stranger := public("stranger")
	stranger.KeyID = "one" // the first of two keys with an id is the one
	w.serve(keysURL, `{"keys":[{"kty":"unheard of","kid":"x"},7,null,`+text(object(entra))+`,`+strings.TrimPrefix(keySetOf(stranger), `{"keys":[`))
	w.requireReason(t, appSignedBy("one"), none)
	w.requireReason(t, signRaw("{}", jose.RS256, key("stranger"), object{"kid": "one"}), ReasonSignature)
	w.requireReason(t, signRaw("{}", jose.RS256, key("stranger"), object{"kid": "x"}), ReasonUnknownKey)
}

func TestRequestsAtOnceShareOneFetch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := appSignedBy("one")
	let := make(chan struct{})
	w.during = func() { <-let }
	var group sync.WaitGroup
	var allowed atomic.Int32
	for range 50 {
		group.Go(func() {
			if answer, err := w.Handle(context.Background(), event("Bearer "+token, roles)); err == nil && answer.IsAuthorized {
				allowed.Add(1)
			}
		})
	}
	close(let)
	group.Wait()
	require.Equal(t, int32(50), allowed.Load())
	require.Equal(t, 2, w.fetches())
}

func TestRequestThatIsGivenUpLeavesTheFetchToOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	let, fetching := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.during = func() {
		once.Do(func() { close(fetching) })
		<-let
	}
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := w.Handle(ctx, event("Bearer "+appSignedBy("one"), roles))
		failed <- err
	}()
	<-fetching
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	close(let)
	w.requireReason(t, appSignedBy("one"), none)
	require.Equal(t, 2, w.fetches())
}

func TestFetchGivesUpAfterItsTime(t *testing.T) {
	t.Parallel()
	deadline := make(chan time.Duration, 2)
	w := newWorld(t)
	w.keys.client.Transport = roundTripper(func(ctx context.Context) error {
		until, ok := ctx.Deadline()
		require.True(t, ok)
		deadline <- time.Until(until)
		return context.DeadlineExceeded
	})
	w.requireFailure(t, appSignedBy("one"), context.DeadlineExceeded.Error())
	require.LessOrEqual(t, <-deadline, 1500*time.Millisecond)
}
