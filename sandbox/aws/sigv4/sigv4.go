// Package sigv4 verifies AWS Signature Version 4 as the services do, so that a
// client that signs wrongly is found in the sandbox. See
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"

	// maxSkew is how far a request's time may be from the service's.
	maxSkew = 15 * time.Minute
)

// Failure is why a request is not authenticated.
type Failure int

// Why requests are not authenticated.
const (
	Missing    Failure = iota + 1 // no Authorization header
	Malformed                     // not the form of Signature Version 4
	UnknownKey                    // the access key id or the session token is not known
	Expired                       // the session has ended
	WrongScope                    // signed for another region
	Skewed                        // signed too long ago, or in the future
	Mismatch                      // the signature is not that of the request
)

// Error says why a request is refused.
type Error struct {
	Failure Failure
	Message string
}

// Error returns the message, in AWS's words.
func (e *Error) Error() string { return e.Message }

// Credential is the parsed Authorization header.
type Credential struct {
	AccessKeyID string
	Date        string // yyyymmdd
	Region      string
	Service     string

	signedHeaders []string
	signature     string
}

// Parse reads the Authorization header without verifying it.
func Parse(r *http.Request) (Credential, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return Credential{}, &Error{Missing, "Missing Authentication Token"}
	}
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return Credential{}, &Error{Malformed, "Authorization header requires the algorithm " + algorithm}
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return Credential{}, &Error{Malformed, fmt.Sprintf("%q not a valid key=value pair (missing equal-sign) in Authorization header", strings.TrimSpace(part))}
		}
		fields[name] = value
	}
	for _, name := range []string{"Credential", "SignedHeaders", "Signature"} {
		if fields[name] == "" {
			return Credential{}, &Error{Malformed, "Authorization header requires '" + name + "' parameter"}
		}
	}
	scope := strings.Split(fields["Credential"], "/")
	if len(scope) != 5 || scope[4] != "aws4_request" || slices.Contains(scope, "") {
		return Credential{}, &Error{Malformed, fmt.Sprintf("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got %q", fields["Credential"])}
	}
	return Credential{
		AccessKeyID: scope[0], Date: scope[1], Region: scope[2], Service: scope[3],
		signedHeaders: strings.Split(fields["SignedHeaders"], ";"),
		signature:     fields["Signature"],
	}, nil
}

// TokenHeader carries the token of a session's credentials.
const TokenHeader = "X-Amz-Security-Token" //nolint:gosec // a name, not a token

// Verifier knows one access key.
type Verifier struct {
	AccessKeyID     string
	SecretAccessKey string
	Token           string    // of a session; "" for a key that lasts
	Expires         time.Time // of a session
	Now             func() time.Time

	// Clients is the clock of clients, when the service's was moved away from it:
	// what is on time by either is taken. Nil means that there is one clock.
	Clients func() time.Time
}

// Verify checks the signature of a request whose body has been read. The
// credential comes from [Parse] of the same request.
func (v Verifier) Verify(r *http.Request, body []byte, c Credential) error {
	token := r.Header.Get(TokenHeader)
	if c.AccessKeyID != v.AccessKeyID || !hmac.Equal([]byte(token), []byte(v.Token)) {
		return &Error{UnknownKey, "The security token included in the request is invalid."}
	}
	if !slices.Contains(c.signedHeaders, "host") {
		return &Error{Malformed, "'Host' must be a 'SignedHeader' in the AWS Authorization."}
	}
	at, err := time.Parse(timeFormat, r.Header.Get("X-Amz-Date"))
	if err != nil {
		return &Error{Malformed, fmt.Sprintf("Date must be in ISO-8601 'basic format'. Got '%s'.", r.Header.Get("X-Amz-Date"))}
	}
	if at.Format("20060102") != c.Date {
		return &Error{Mismatch, fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s'.", c.Date, at.Format("20060102"))}
	}
	if !v.timely(at) {
		return &Error{Skewed, fmt.Sprintf("Signature expired: %s is not within 15 min. of %s",
			at.Format(timeFormat), v.Now().UTC().Format(timeFormat))}
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	if sent := r.Header.Get("X-Amz-Content-Sha256"); sent != "" && sent != hash {
		return &Error{Mismatch, "The provided 'x-amz-content-sha256' header does not match what was computed."}
	}
	if v.Token != "" && !v.Now().Before(v.Expires) {
		return &Error{Expired, "The security token included in the request is expired"}
	}
	want := v.sign(c, at, canonicalRequest(r, c.signedHeaders, hash))
	if !hmac.Equal([]byte(want), []byte(c.signature)) {
		return &Error{Mismatch, "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}
	}
	return nil
}

func (v Verifier) timely(at time.Time) bool {
	return v.Now().Sub(at).Abs() <= maxSkew || v.Clients != nil && v.Clients().Sub(at).Abs() <= maxSkew
}

func (v Verifier) sign(c Credential, at time.Time, canonical string) string {
	sum := sha256.Sum256([]byte(canonical))
	scope := strings.Join([]string{c.Date, c.Region, c.Service, "aws4_request"}, "/")
	text := strings.Join([]string{algorithm, at.Format(timeFormat), scope, hex.EncodeToString(sum[:])}, "\n")
	key := []byte("AWS4" + v.SecretAccessKey)
	for _, part := range []string{c.Date, c.Region, c.Service, "aws4_request"} {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, text))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func canonicalRequest(r *http.Request, signedHeaders []string, bodyHash string) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n")
	b.WriteString(canonicalPath(r.URL) + "\n")
	b.WriteString(canonicalQuery(r.URL.RawQuery) + "\n")
	for _, name := range signedHeaders {
		b.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(signedHeaders, ";") + "\n" + bodyHash)
	return b.String()
}

// headerValue returns a header as it is signed. Go takes the host and the
// length out of the header map.
func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return fmt.Sprint(r.ContentLength)
	}
	values := slices.Clone(r.Header.Values(name))
	for i, value := range values {
		values[i] = strings.Join(strings.Fields(value), " ")
	}
	return strings.Join(values, ",")
}

// canonicalPath encodes the path once more than it is sent, which is the rule
// of every service but S3.
func canonicalPath(u *url.URL) string {
	path := u.EscapedPath()
	if path == "" {
		return "/"
	}
	return escape(path, true)
}

func canonicalQuery(raw string) string {
	if raw == "" {
		return ""
	}
	var pairs []string
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		pairs = append(pairs, reescape(name)+"="+reescape(value))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// reescape brings a query part to the one form that is signed.
func reescape(part string) string {
	plain, err := url.QueryUnescape(part)
	if err != nil {
		return part
	}
	return escape(plain, false)
}

func escape(s string, keepSlash bool) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			strings.IndexByte("-._~", c) >= 0, c == '/' && keepSlash:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return b.String()
}
