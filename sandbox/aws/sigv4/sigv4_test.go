package sigv4_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/sigv4"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// signed is a request as the AWS SDK signs it.
func signed(t *testing.T, method, url, body string, at time.Time) *http.Request {
	t.Helper()
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "Service.Operation")
	r.Header.Set("X-Spaced", "  a   b ")
	sum := sha256.Sum256([]byte(body))
	err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret"}, r, hex.EncodeToString(sum[:]), "service", "eu-west-1", at)
	require.NoError(t, err)
	return r
}

func verify(r *http.Request, body string) error {
	credential, err := sigv4.Parse(r)
	if err != nil {
		return err
	}
	verifier := sigv4.Verifier{AccessKeyID: "key", SecretAccessKey: "secret", Now: func() time.Time { return now }}
	return verifier.Verify(r, []byte(body), credential)
}

func TestWhatTheSDKSignsIsVerified(t *testing.T) {
	t.Parallel()
	for _, target := range []string{
		"http://h.example/", "http://h.example", "http://h.example:8080/v2/apis/a/stages/%24default?b=2&a=1&a=0&empty=&flag",
		"http://h.example/v2/tags/arn%3Aaws%3Aapigateway%3Aeu-west-1%3A%3A%2Fapis%2Fa?tagKeys=a%20b&tagKeys=%2B~*",
		"http://h.example/routesettings/GET%20%2Forders%2F%7Bid%7D",
	} {
		require.NoError(t, verify(signed(t, http.MethodPost, target, `{"a":1}`, now), `{"a":1}`), target)
		require.NoError(t, verify(signed(t, http.MethodGet, target, "", now.Add(-14*time.Minute)), ""), target)
	}
}

func TestWhatWasChangedIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*http.Request)
		body   string
		at     time.Time
		want   sigv4.Failure
	}{
		"path":                {change: func(r *http.Request) { r.URL.Path += "/x" }, want: sigv4.Mismatch},
		"query":               {change: func(r *http.Request) { r.URL.RawQuery = "a=2" }, want: sigv4.Mismatch},
		"method":              {change: func(r *http.Request) { r.Method = http.MethodDelete }, want: sigv4.Mismatch},
		"host":                {change: func(r *http.Request) { r.Host = "evil.example" }, want: sigv4.Mismatch},
		"signed header":       {change: func(r *http.Request) { r.Header.Set("X-Amz-Target", "Service.Other") }, want: sigv4.Mismatch},
		"body":                {body: "other", want: sigv4.Mismatch},
		"body with its hash":  {change: func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", strings.Repeat("0", 64)) }, want: sigv4.Mismatch},
		"too old":             {at: now.Add(-16 * time.Minute), want: sigv4.Skewed},
		"from the future":     {at: now.Add(16 * time.Minute), want: sigv4.Skewed},
		"no date":             {change: func(r *http.Request) { r.Header.Del("X-Amz-Date") }, want: sigv4.Malformed},
		"date of another day": {change: func(r *http.Request) { replace(r, "/20260301/", "/20260228/") }, want: sigv4.Mismatch},
		"other region":        {change: func(r *http.Request) { replace(r, "/eu-west-1/", "/us-east-1/") }, want: sigv4.Mismatch},
		"other key":           {change: func(r *http.Request) { replace(r, "Credential=key", "Credential=other") }, want: sigv4.UnknownKey},
		"host not signed":     {change: func(r *http.Request) { replace(r, "host;", "") }, want: sigv4.Malformed},
		"no signature":        {change: func(r *http.Request) { r.Header.Del("Authorization") }, want: sigv4.Missing},
		"another scheme":      {change: func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, want: sigv4.Malformed},
		"no scope":            {change: func(r *http.Request) { replace(r, "/aws4_request", "") }, want: sigv4.Malformed},
		"empty scope":         {change: func(r *http.Request) { replace(r, "/service/", "//") }, want: sigv4.Malformed},
		"no equal-sign":       {change: func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 x") }, want: sigv4.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.at.IsZero() {
				test.at = now
			}
			r := signed(t, http.MethodPost, "http://h.example/a?a=1", "body", test.at)
			if test.change != nil {
				test.change(r)
			}
			if test.body == "" {
				test.body = "body"
			}
			var failure *sigv4.Error
			require.ErrorAs(t, verify(r, test.body), &failure)
			require.Equal(t, test.want, failure.Failure, failure.Message)
		})
	}
}

func replace(r *http.Request, from, to string) {
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), from, to, 1))
}

// FuzzParse holds that no header breaks the parser or verifies by chance.
func FuzzParse(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=key/20260301/r/s/aws4_request, SignedHeaders=host;x, Signature=0", "a=%zz&b")
	f.Add("AWS4-HMAC-SHA256 =,=", "")
	f.Fuzz(func(t *testing.T, header, query string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.RawQuery = query
		r.Header.Set("Authorization", header)
		r.Header.Set("X-Amz-Date", "20260301T120000Z")
		require.Error(t, verify(r, ""))
	})
}
