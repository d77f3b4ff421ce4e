package edge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/edge"
)

// provider is an issuer, as a transport that counts.
type provider struct {
	discovery, jwks atomic.Int64
	keys            atomic.Pointer[keys]
	answer          func(r *http.Request) *document // instead of the usual, when it is not nil
}

// document is what an identity provider answers.
type document struct {
	status int
	text   string
}

func newProvider() *provider {
	p := &provider{}
	k := publicKeys()
	p.keys.Store(&k)
	return p
}

func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	isDiscovery := strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration")
	if isDiscovery {
		p.discovery.Add(1)
	} else {
		p.jwks.Add(1)
	}
	if p.answer != nil {
		if d := p.answer(r); d != nil {
			return response(d.status, d.text, "Location", "https://else.example"), nil
		}
	}
	if isDiscovery {
		return response(200, fmt.Sprintf(`{"issuer":%q,"jwks_uri":"https://login.example/keys"}`, issuer)), nil
	}
	return response(200, p.keys.Load().jwks()), nil
}

func keySets(p http.RoundTripper, c *clock, change ...func(*edge.KeySetOptions)) *edge.KeySets {
	options := edge.KeySetOptions{Client: &http.Client{Transport: p}, Now: c.now}
	for _, ch := range change {
		ch(&options)
	}
	return edge.NewKeySets(options)
}

func TestKeysAreFetchedOnceInTwoHours(t *testing.T) {
	t.Parallel()
	p, c := newProvider(), &clock{}
	sets := keySets(p, c)
	for range 3 {
		key, err := sets.Key(issuer, "key-1")
		require.NoError(t, err)
		require.True(t, key.Equal(&signingKeys()["key-1"].PublicKey))
	}
	require.EqualValues(t, 1, p.discovery.Load())
	c.advance(2*time.Hour - time.Second)
	_, err := sets.Key(issuer, "key-2")
	require.NoError(t, err)
	require.EqualValues(t, 1, p.jwks.Load())
	c.advance(time.Second)
	_, err = sets.Key(issuer, "key-2")
	require.NoError(t, err)
	require.EqualValues(t, 2, p.jwks.Load())
	require.EqualValues(t, 2, p.discovery.Load())
}

func TestConcurrentRequestsFetchOnce(t *testing.T) {
	t.Parallel()
	p := newProvider()
	sets := keySets(p, &clock{})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { _, _ = sets.Key(issuer, "key-1") })
	}
	wg.Wait()
	require.EqualValues(t, 1, p.discovery.Load())
	require.EqualValues(t, 1, p.jwks.Load())
}

func TestStaleKeysStayForTwoHoursByDefault(t *testing.T) {
	t.Parallel()
	p, c := newProvider(), &clock{}
	sets := keySets(p, c)
	_, err := sets.Key(issuer, "key-1")
	require.NoError(t, err)

	rolled := keys{"key-3": &signingKeys()["key-of-another-issuer"].PublicKey}
	p.keys.Store(&rolled)
	_, err = sets.Key(issuer, "key-3")
	require.ErrorIs(t, err, edge.ErrUnknownKey, "the new key is not seen yet")
	_, err = sets.Key(issuer, "key-1")
	require.NoError(t, err, "the old key still counts")
	c.advance(2 * time.Hour)
	_, err = sets.Key(issuer, "key-3")
	require.NoError(t, err)
	_, err = sets.Key(issuer, "key-1")
	require.ErrorIs(t, err, edge.ErrUnknownKey)
}

func TestUnknownKeysCanBeFetchedAgain(t *testing.T) {
	t.Parallel()
	p, c := newProvider(), &clock{}
	sets := keySets(p, c, func(o *edge.KeySetOptions) { o.RefetchUnknown = 5 * time.Minute })
	_, err := sets.Key(issuer, "key-1")
	require.NoError(t, err)
	rolled := keys{"key-3": &signingKeys()["key-of-another-issuer"].PublicKey}
	p.keys.Store(&rolled)
	_, err = sets.Key(issuer, "key-3")
	require.ErrorIs(t, err, edge.ErrUnknownKey)
	require.EqualValues(t, 1, p.jwks.Load(), "not within five minutes")
	c.advance(5 * time.Minute)
	_, err = sets.Key(issuer, "key-3")
	require.NoError(t, err)
	_, err = sets.Key(issuer, "key-9")
	require.ErrorIs(t, err, edge.ErrUnknownKey)
	require.EqualValues(t, 2, p.jwks.Load(), "unknown ids cannot flood the issuer")
}

func TestFailuresAreNotKept(t *testing.T) {
	t.Parallel()
	p := newProvider()
	failing := true
	p.answer = func(*http.Request) *document {
		if failing {
			return &document{503, ""}
		}
		return nil
	}
	sets := keySets(p, &clock{})
	_, err := sets.Key(issuer, "key-1")
	require.ErrorIs(t, err, edge.ErrDiscovery)
	failing = false
	_, err = sets.Key(issuer, "key-1")
	require.NoError(t, err)
}

func TestIssuersThatDoNotAnswerAsTheyShould(t *testing.T) {
	t.Parallel()
	onDiscovery := func(status int, text string) func(*http.Request) *document {
		return func(r *http.Request) *document {
			if strings.Contains(r.URL.Path, "openid-configuration") {
				return &document{status, text}
			}
			return nil
		}
	}
	onKeys := func(status int, text string) func(*http.Request) *document {
		return func(r *http.Request) *document {
			if strings.Contains(r.URL.Path, "openid-configuration") {
				return nil
			}
			return &document{status, text}
		}
	}
	for name, test := range map[string]struct {
		answer func(*http.Request) *document
		is     error
		want   string
	}{
		"no discovery document":        {onDiscovery(404, "{}"), edge.ErrDiscovery, "got status 404"},
		"a redirect":                   {onDiscovery(302, ""), edge.ErrDiscovery, "got status 302"},
		"a document that is no JSON":   {onDiscovery(200, "<html>"), edge.ErrDiscovery, "invalid character"},
		"the issuer of common":         {onDiscovery(200, `{"issuer":"https://login.example/{tenantid}/v2.0"}`), edge.ErrDiscovery, "{tenantid}"},
		"an issuer with a slash more":  {onDiscovery(200, fmt.Sprintf(`{"issuer":"%s/"}`, issuer)), edge.ErrDiscovery, "want"},
		"no jwks_uri":                  {onDiscovery(200, fmt.Sprintf(`{"issuer":%q}`, issuer)), edge.ErrKeySet, "want an https URL"},
		"a jwks_uri without TLS":       {onDiscovery(200, fmt.Sprintf(`{"issuer":%q,"jwks_uri":"http://x/k"}`, issuer)), edge.ErrKeySet, "want an https URL"},
		"a document that is too large": {onDiscovery(200, strings.Repeat(" ", 150_001)), edge.ErrDiscovery, "more than 150000 bytes"},
		"no key set":                   {onKeys(500, ""), edge.ErrKeySet, "got status 500"},
		"a key set that is no JSON":    {onKeys(200, "[]"), edge.ErrKeySet, "cannot unmarshal"},
		"a key set that is too large":  {onKeys(200, publicKeys().jwks()+strings.Repeat(" ", 150_000)), edge.ErrKeySet, "more than 150000 bytes"},
		"an empty key set":             {onKeys(200, `{"keys":[]}`), edge.ErrUnknownKey, "has no RSA key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider()
			p.answer = test.answer
			_, err := keySets(p, &clock{}).Key(issuer, "key-1")
			require.ErrorIs(t, err, test.is)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestIssuersWithoutTLSAreNotAsked(t *testing.T) {
	t.Parallel()
	p := newProvider()
	_, err := keySets(p, &clock{}).Key("http://login.example", "key-1")
	require.ErrorIs(t, err, edge.ErrDiscovery)
	require.Zero(t, p.discovery.Load())
}

func TestAnIssuerThatEndsInASlash(t *testing.T) {
	t.Parallel()
	p := newProvider()
	var asked string
	p.answer = func(r *http.Request) *document {
		if strings.Contains(r.URL.Path, "openid-configuration") {
			asked = r.URL.String()
			return &document{200, `{"issuer":"https://sts.example/t/","jwks_uri":"https://login.example/keys"}`}
		}
		return nil
	}
	_, err := keySets(p, &clock{}).Key("https://sts.example/t/", "key-1")
	require.NoError(t, err)
	require.Equal(t, "https://sts.example/t/.well-known/openid-configuration", asked)
}

// stuck never answers.
type stuck struct{}

func (stuck) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestFetchesTimeOut(t *testing.T) {
	t.Parallel()
	sets := keySets(stuck{}, &clock{}, func(o *edge.KeySetOptions) { o.Timeout = time.Millisecond })
	_, err := sets.Key(issuer, "key-1")
	require.ErrorIs(t, err, edge.ErrDiscovery)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestKeysThatDoNotVerifyAreSkipped(t *testing.T) {
	t.Parallel()
	good := publicKeys()["key-1"]
	parts := strings.TrimSuffix(strings.TrimPrefix(keys{"good": good}.jwks(), `{"keys":[`), `]}`)
	p := newProvider()
	p.answer = func(r *http.Request) *document {
		if strings.Contains(r.URL.Path, "openid-configuration") {
			return nil
		}
		return &document{200, `{"keys":[1,{"kty":"EC","kid":"ec"},{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"RSA","kid":"enc","use":"enc","n":"AQAB","e":"AQAB"},
			{"kty":"RSA","kid":"no-n","e":"AQAB"},{"kty":"RSA","kid":"bad-n","n":"+","e":"AQAB"},{"kty":"RSA","kid":"bad-e","n":"AQAB","e":"AQABAQAB"},
			{"kty":"RSA","kid":"one","n":"AQAB","e":"AQ"},` + parts + `,{"kty":"RSA","kid":"good","n":"AQAB","e":"AQAB"}]}`}
	}
	sets := keySets(p, &clock{})
	key, err := sets.Key(issuer, "good")
	require.NoError(t, err)
	require.True(t, key.Equal(good), "of two keys with an id the first counts")
	for _, id := range []string{"", "ec", "enc", "no-n", "bad-n", "bad-e", "one"} {
		_, err := sets.Key(issuer, id)
		require.ErrorIs(t, err, edge.ErrUnknownKey, id)
	}
}

func TestCheckIssuerIsNotCached(t *testing.T) {
	t.Parallel()
	p := newProvider()
	sets := keySets(p, &clock{})
	require.NoError(t, sets.CheckIssuer(t.Context(), issuer))
	p.answer = func(*http.Request) *document { return &document{500, ""} }
	require.ErrorIs(t, sets.CheckIssuer(t.Context(), issuer), edge.ErrDiscovery)
	var mismatch *edge.IssuerMismatchError
	p.answer = func(*http.Request) *document { return &document{200, `{"issuer":"https://x"}`} }
	require.True(t, errors.As(sets.CheckIssuer(t.Context(), issuer), &mismatch))
	require.Equal(t, "https://x", mismatch.Got)
}
