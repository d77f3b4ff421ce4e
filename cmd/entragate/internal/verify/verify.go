// Package verify calls a deployed API as every caller of its access matrix
// would, and reports what it saw, cell by cell.
package verify

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/entragate/entragate/access"
)

const (
	// concurrency is how many calls and sign-ins go on at once.
	concurrency = 8
	// throttledFor is how long a call that was throttled is tried again: a
	// stage may allow one request a second.
	throttledFor = 30 * time.Second
	retryAfter   = 250 * time.Millisecond
)

// ProbeHeader carries an id that many backends repeat: an answer that has it was
// made by the backend, whatever its status.
const ProbeHeader = "X-Correlation-Id"

// Token is what a caller has got to call with.
type Token struct {
	// Access is the token; empty if Entra gave none.
	Access string
	// Refusal is why Entra gave none, such as "AADSTS50105".
	Refusal string
}

// TokenSource becomes a caller: it gets the token that the caller would present,
// signing in to client where the caller uses one of the model's. An error means
// that this could not be found out.
type TokenSource interface {
	Token(ctx context.Context, caller access.Caller, client string) (Token, error)
}

// Prober calls an API.
type Prober struct {
	// URL is where the API answers, without a slash at the end.
	URL    string
	Tokens TokenSource
	HTTP   *http.Client
}

// Observe tries every cell of the matrix.
func (p *Prober) Observe(ctx context.Context, mx access.Matrix) (map[string]map[string]access.Observation, error) {
	requests := map[string]request{}
	for _, route := range mx.Routes {
		r, err := requestFor(route, mx.Routes)
		if err != nil {
			return nil, err
		}
		requests[route] = r
	}
	observed := map[string]map[string]access.Observation{}
	for _, route := range mx.Routes {
		observed[route] = map[string]access.Observation{}
	}
	tokens := &tokenCache{source: p.Tokens, tokens: map[tokenKey]func() (Token, error){}}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	for _, caller := range mx.Callers {
		for _, route := range mx.Routes {
			group.Go(func() error {
				o := p.observe(ctx, mx, route, caller, requests[route], tokens)
				mu.Lock()
				defer mu.Unlock()
				observed[route][caller.ID] = o
				return ctx.Err()
			})
		}
	}
	return observed, group.Wait()
}

// observe tries one cell. A caller without a token calls without one where the
// route is public: that is all that remains to it.
func (p *Prober) observe(
	ctx context.Context, mx access.Matrix, route string, caller access.Caller, r request, tokens *tokenCache,
) access.Observation {
	token, err := tokens.get(ctx, caller, mx.Client(route, caller))
	if err != nil {
		return access.Observation{Outcome: access.OutcomeFailed, Detail: err.Error()}
	}
	decision, _ := mx.At(route, caller.ID)
	if token.Access == "" && caller.Kind != access.CallerAnonymous && decision.Reason != access.ReasonPublic {
		return access.Observation{Outcome: access.OutcomeNoToken, Detail: token.Refusal}
	}
	return p.call(ctx, r, token.Access)
}

// call sends the request, again while it is throttled.
func (p *Prober) call(ctx context.Context, r request, token string) access.Observation {
	until := time.Now().Add(throttledFor)
	for {
		o := p.callOnce(ctx, r, token)
		if o.Status != http.StatusTooManyRequests || time.Now().After(until) {
			return o
		}
		select {
		case <-ctx.Done():
			return o
		case <-time.After(retryAfter):
		}
	}
}

func (p *Prober) callOnce(ctx context.Context, r request, token string) access.Observation {
	o, _ := send(ctx, p.HTTP, p.URL, probing{request: r}, token)
	return o
}

// maxBody is how much of an answer is read.
const maxBody = 1 << 20

// send calls once and judges the answer, whose body it returns.
func send(ctx context.Context, client *http.Client, url string, r probing, token string) (access.Observation, []byte) {
	failed := func(err error) (access.Observation, []byte) {
		return access.Observation{Outcome: access.OutcomeFailed, Detail: err.Error()}, nil
	}
	var body io.Reader
	if r.body != "" {
		body = strings.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, url+r.path, body)
	if err != nil {
		return failed(err)
	}
	probe := uuid.NewString()
	req.Header.Set(ProbeHeader, probe)
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(req)
	if err != nil {
		return failed(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return failed(err)
	}
	return judge(res, probe), answer
}

// judge says what an answer means. The backend's echo shows that a call was
// allowed, and so does success, which the gateway does not answer by itself;
// without an echo the rest may be either's.
func judge(res *http.Response, probe string) access.Observation {
	o := access.Observation{Status: res.StatusCode}
	echo := res.Header.Get(ProbeHeader)
	switch {
	case echo == probe || echo == "" && res.StatusCode < http.StatusBadRequest:
		o.Outcome = access.OutcomeAllowed
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		o.Outcome = access.OutcomeRefused
		o.Detail = strings.TrimSpace(res.Header.Get("Www-Authenticate"))
	default:
		o.Outcome = access.OutcomeFailed
		o.Detail = fmt.Sprintf("got %s, which the gateway may have answered, want success, the backend's %s, 401 or 403",
			res.Status, ProbeHeader)
	}
	return o
}

// tokenCache gets each token once, however many cells need it at the same time.
type tokenCache struct {
	source TokenSource
	mu     sync.Mutex
	tokens map[tokenKey]func() (Token, error)
}

type tokenKey struct{ caller, client string }

func (c *tokenCache) get(ctx context.Context, caller access.Caller, client string) (Token, error) {
	if caller.Kind == access.CallerAnonymous {
		return Token{}, nil
	}
	c.mu.Lock()
	key := tokenKey{caller.ID, client}
	get, ok := c.tokens[key]
	if !ok {
		get = sync.OnceValues(func() (Token, error) { return c.source.Token(ctx, caller, client) })
		c.tokens[key] = get
	}
	c.mu.Unlock()
	return get()
}
