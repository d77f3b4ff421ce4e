package issuer

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// API Gateway's own limits when it fetches the two documents.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const (
	// MaxKeySetBytes is the largest key set that API Gateway reads.
	MaxKeySetBytes = 150_000
	// MaxAnswerTime is how long API Gateway waits for either document.
	MaxAnswerTime = 1500 * time.Millisecond
)

// maxDiscoveryBytes is far above any discovery document; AWS names no limit.
const maxDiscoveryBytes = 1_000_000

// patience is how long one document may take before the check gives up. It is
// above [MaxAnswerTime] because the check runs where the program runs, which
// may be further from Entra than API Gateway is.
const patience = 15 * time.Second

// Report is what [Tenant.Check] found to be right, and doubtful.
type Report struct {
	// Issuer is the issuer of the discovery document: [Tenant.Issuer].
	Issuer string
	// KeySetURL is where the signing keys are.
	KeySetURL string
	// KeyIDs are the ids of the keys that API Gateway can use, in the order of
	// the key set.
	KeyIDs []string
	// Warnings are what did not stop the check and may stop API Gateway: an
	// answer that took longer than [MaxAnswerTime] from here.
	Warnings []string
}

// Check fetches the tenant's discovery document and key set, as API Gateway
// does when an authorizer is created, and returns an error where API Gateway
// would refuse the authorizer or, later, every token. It runs before anything
// is created. AWS would report a wrong tenant only after the program has
// created half of the stack.
//
// The issuer is compared byte for byte. A slow answer is a warning and not an
// error: API Gateway fetches from elsewhere, and its limit of [MaxAnswerTime]
// says nothing about the network here. A key set above [MaxKeySetBytes] is an
// error, since it is the same size from everywhere.
//
// A nil client is [http.DefaultClient]. Redirects to another host are not
// followed: an authority that answers from elsewhere is a proxy's sign-in page
// or worse.
func (t Tenant) Check(ctx context.Context, client *http.Client) (Report, error) {
	return t.check(ctx, fetcher{client: withoutForeignRedirects(client), now: time.Now})
}

func (t Tenant) check(ctx context.Context, f fetcher) (Report, error) {
	if err := t.Validate(); err != nil {
		return Report{}, err
	}
	report := Report{Issuer: t.Issuer()}

	discoveryURL := t.DiscoveryURL()
	body, err := f.get(ctx, discoveryURL, maxDiscoveryBytes)
	if err != nil {
		return Report{}, err
	}
	var discovery struct {
		Issuer     string   `json:"issuer"`
		KeySetURL  string   `json:"jwks_uri"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := json.Unmarshal(body, &discovery); err != nil {
		return Report{}, notJSON(discoveryURL, err)
	}
	if discovery.Issuer != report.Issuer {
		return Report{}, t.wrongIssuer(discovery.Issuer)
	}
	if !slices.Contains(discovery.Algorithms, "RS256") {
		return Report{}, fmt.Errorf("%s: got signing algorithms %q, want RS256 among them: API Gateway verifies RSA signatures only",
			discoveryURL, discovery.Algorithms)
	}
	report.KeySetURL = discovery.KeySetURL
	if u, err := url.Parse(discovery.KeySetURL); err != nil || u.Scheme != "https" || u.Hostname() == "" {
		return Report{}, fmt.Errorf("%s: got jwks_uri %q, want an https address", discoveryURL, discovery.KeySetURL)
	}

	body, err = f.get(ctx, discovery.KeySetURL, MaxKeySetBytes)
	if err != nil {
		return Report{}, err
	}
	if report.KeyIDs, err = usableKeys(body); err != nil {
		return Report{}, fmt.Errorf("%s: %w", discovery.KeySetURL, err)
	}
	report.Warnings = f.slow
	return report, nil
}

// wrongIssuer explains the most likely ways to another issuer.
func (t Tenant) wrongIssuer(got string) error {
	hint := "check the tenant id and the cloud"
	switch u, err := url.Parse(got); {
	case strings.Contains(got, "{tenantid}"):
		hint = "the host answers for all tenants at once, as it does for \"common\"; check the login host"
	case strings.Contains(got, "//sts."):
		hint = "this is the issuer of v1 tokens, and the v2.0 document was asked for; check for a proxy that rewrites paths"
	case err == nil && !strings.EqualFold(u.Host, hostOf(t.Issuer())):
		hint = fmt.Sprintf("the tenant is in the cloud whose login host is %s, so check the cloud setting", u.Host)
	case err == nil && !strings.Contains(u.Path, strings.ToLower(t.ID)):
		hint = "this is another tenant, so check the tenant id"
	}
	return fmt.Errorf("%s: got issuer %q, want %q byte for byte: %s", t.DiscoveryURL(), got, t.Issuer(), hint)
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

// usableKeys returns the ids of the RSA signing keys of a key set. Keys without
// an alg are usable: Entra publishes none.
func usableKeys(body []byte) ([]string, error) {
	var set struct {
		Keys []struct {
			Type      string `json:"kty"`
			Use       string `json:"use"`
			Algorithm string `json:"alg"`
			ID        string `json:"kid"`
			Modulus   string `json:"n"`
			Exponent  string `json:"e"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, fmt.Errorf("got what is not a JSON key set, want {\"keys\": […]}: %w", err)
	}
	var ids []string
	for _, k := range set.Keys {
		signs := (k.Use == "" || k.Use == "sig") && (k.Algorithm == "" || k.Algorithm == "RS256")
		if k.Type == "RSA" && signs && k.ID != "" && number(k.Modulus) && number(k.Exponent) {
			ids = append(ids, k.ID)
		}
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("got %d keys, want at least one RSA signing key with a kid: API Gateway verifies no token without one",
			len(set.Keys))
	}
	return ids, nil
}

// number reports whether s is a positive number as RFC 7518 writes it.
func number(s string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil && new(big.Int).SetBytes(raw).Sign() > 0
}

// fetcher gets documents and notes which were slow.
type fetcher struct {
	client *http.Client
	now    func() time.Time
	slow   []string
}

// get returns the body of a document of at most limit bytes.
func (f *fetcher) get(ctx context.Context, address string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	req.Header.Set("Accept", "application/json")
	start := f.now()
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, unreachable(address, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, unreachable(address, err)
	}
	switch {
	case resp.StatusCode == http.StatusBadRequest && strings.Contains(string(body), "AADSTS90002"):
		return nil, fmt.Errorf("%s: got 400 AADSTS90002, want 200: there is no such tenant, so check the tenant id and the cloud",
			address)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s: got %s, want 200: check the tenant id, the cloud and any proxy in between", address, resp.Status)
	case int64(len(body)) > limit:
		return nil, fmt.Errorf("%s: got more than %d bytes, want at most that; API Gateway reads %d bytes of a key set",
			address, limit, MaxKeySetBytes)
	}
	if took := f.now().Sub(start); took > MaxAnswerTime {
		f.slow = append(f.slow, fmt.Sprintf("%s: answered after %s; API Gateway waits %s and then answers 401 to every request",
			address, took.Round(time.Millisecond), MaxAnswerTime))
	}
	return body, nil
}

func unreachable(address string, err error) error {
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err // which would repeat the address
	}
	return fmt.Errorf("%s: %w: check the network, any proxy (HTTPS_PROXY) and the certificates that it is trusted by", address, err)
}

func notJSON(address string, err error) error {
	return fmt.Errorf("%s: got what is not a JSON document, want an OpenID Connect discovery document: "+
		"a proxy may have answered in Entra's place: %w", address, err)
}

// withoutForeignRedirects returns a client that follows redirects on one host
// and over https only.
func withoutForeignRedirects(client *http.Client) *http.Client {
	if client == nil {
		client = http.DefaultClient
	}
	c := *client
	c.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if req.URL.Scheme != "https" || req.URL.Host != via[0].URL.Host {
			return fmt.Errorf("got a redirect to %s://%s, want an answer from %s itself", req.URL.Scheme, req.URL.Host, via[0].URL.Host)
		}
		if len(via) >= 5 {
			return errors.New("got more than 5 redirects")
		}
		return nil
	}
	return &c
}
