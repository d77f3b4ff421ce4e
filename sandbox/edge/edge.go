package edge

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits of API Gateway on requests and responses.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const (
	MaxHeaderBytes  = 10_240           // request line and headers
	MaxPayloadBytes = 10 * 1024 * 1024 // of a request or a response
)

// Options configure an [Edge].
type Options struct {
	// Source holds the APIs. It is required.
	Source Source
	// Sink takes the access log; without one there is no access log.
	Sink LogSink
	// Measure takes what CloudWatch counts of a request that reached a stage; nil
	// counts nothing.
	Measure func(Measurement)
	// Now is the clock of tokens, of cached decisions, throttles and the access
	// log; nil means [time.Now]. Timeouts are those of the real clock.
	Now func() time.Time
	// Client calls backends and issuers; nil means [http.DefaultClient]. Only
	// its transport is used: redirects go to the caller.
	Client *http.Client
	// Keys finds the keys of issuers; nil means [NewKeySets] with Client and Now.
	Keys KeySource
	// Functions runs Lambda authorizers and Lambda backends; without one they
	// all answer 500, and the access log says why.
	Functions Functions
	// Region is in the host names of APIs, for example "eu-central-1".
	Region string
	// Account is the owner's account id, for the access log and the ARNs that
	// functions are invoked with.
	Account string
	// HostSuffix ends the host names of APIs; "localhost" by default, which
	// makes them <apiId>.execute-api.<region>.localhost.
	HostSuffix string
	// Throttle limits the account as a whole; by default
	// [DefaultAccountRate] and [DefaultAccountBurst].
	Throttle Throttle
	// AuthorizerTimeout is how long a Lambda authorizer may take, by the real
	// clock; [DefaultAuthorizerTimeout] by default.
	AuthorizerTimeout time.Duration
	// Preflight says who answers preflight requests.
	Preflight PreflightRule
	// Logger is told of access log lines that could not be delivered; nil
	// means [slog.Default].
	Logger *slog.Logger
}

// Edge serves the HTTP APIs of one account and region, as the data plane of
// API Gateway does. It is an [http.Handler]; create it with [New].
//
// A request passes, in this order: the size of its header (431) and body
// (413), the API (403, 404), the account's throttle (429), the stage (404),
// CORS for a preflight, the route (404), the route's throttle (429), the
// authorizer (401, 403, or 500 when its function fails), the integration (500,
// 503), and the access log. AWS documents the pieces, not the whole order.
//
// Routes are open or have a JWT or a Lambda authorizer; integrations are HTTP
// proxies over the internet or Lambda proxies. Not implemented are IAM
// authorization, payload format 1.0 of functions, credentials to invoke them
// with, conditions in the policies of authorizers, private integrations and
// those of AWS services: they answer 500, as API Gateway does when an
// authorizer or integration fails, and the access log says why.
type Edge struct {
	options          Options
	account          *rate.Limiter
	buckets          buckets
	authorizerCaches authorizerCaches
	apis             sync.Map // API id -> *compiledAPI
}

// New returns an edge.
func New(options Options) (*Edge, error) {
	if options.Source == nil {
		return nil, errors.New("edge: got no source, want one")
	}
	if options.Region == "" {
		return nil, errors.New("edge: got no region, want one such as eu-central-1")
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Client == nil {
		options.Client = http.DefaultClient
	}
	if options.Keys == nil {
		options.Keys = NewKeySets(KeySetOptions{Client: options.Client, Now: options.Now})
	}
	if options.HostSuffix == "" {
		options.HostSuffix = "localhost"
	}
	if options.Throttle == (Throttle{}) {
		options.Throttle = Throttle{Rate: DefaultAccountRate, Burst: DefaultAccountBurst}
	}
	if options.AuthorizerTimeout == 0 {
		options.AuthorizerTimeout = DefaultAuthorizerTimeout
	}
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	return &Edge{
		options: options,
		account: rate.NewLimiter(rate.Limit(options.Throttle.Rate), options.Throttle.Burst),
	}, nil
}

// ServeHTTP answers a request, counts it, and then writes its access log line.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := newExchange(e, w, r)
	x.serve()
	x.measure()
	x.log()
}

// apiID returns the API that a host names. ok is false for a host that is not
// of the form <apiId>.execute-api.<region>.<suffix>.
func (e *Edge) apiID(host string) (id string, ok bool) {
	id, rest, _ := strings.Cut(strings.ToLower(hostname(host)), ".")
	want := "execute-api." + e.options.Region + "." + e.options.HostSuffix
	return id, id != "" && rest == strings.ToLower(want)
}

// hostname cuts the port off a host.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}
