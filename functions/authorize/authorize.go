// Package authorize is the Lambda authorizer of routes that have roles. API
// Gateway's own JWT authorizer never looks at roles, so it can neither let a
// daemon through nor keep one out.
//
// It verifies an access token of one Entra tenant for one API, and applies the
// policy that lies beside the program: a user's token needs one of the route's
// scopes, an app-only token one of its roles, never one for the other. All else
// is refused.
//
// It speaks payload format 2.0 with simple responses.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
package authorize

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Authorizer decides requests. It is safe for concurrent use; [New] makes one.
type Authorizer struct {
	config Config
	keys   *keyCache
	seen   seenTokens
	now    func() time.Time
	log    *slog.Logger
}

// Options are what the authorizer works with. The zero value is what runs in
// Lambda.
type Options struct {
	// Client fetches the signing keys; nil means [http.DefaultClient]. It never
	// follows redirects.
	Client *http.Client
	// Now is the clock that keys are kept by, and for requests that say no time;
	// nil means [time.Now].
	Now func() time.Time
	// Log gets one line for each refusal; nil means [slog.Default]. Allowed calls
	// are logged at debug level only.
	Log *slog.Logger
}

// New makes an authorizer, or says everything that is wrong with the
// configuration. It fetches nothing: an instance must start fast, and when
// Entra is down too.
func New(config Config, opts Options) (*Authorizer, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	if opts.Client == nil {
		opts.Client = http.DefaultClient
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	return &Authorizer{
		config: config,
		keys:   newKeyCache(config.Issuer, opts),
		now:    opts.Now,
		log:    opts.Log,
	}, nil
}

// Handle answers one event of API Gateway. An error says that nothing could be
// decided, which is not the caller's fault: API Gateway then answers 500 and
// keeps nothing, whereas it may keep a refusal as long as the authorizer's time
// to live.
func (a *Authorizer) Handle(
	ctx context.Context, event events.APIGatewayV2CustomAuthorizerV2Request,
) (events.APIGatewayV2CustomAuthorizerSimpleResponse, error) {
	verdict := a.decide(ctx, event)
	a.report(ctx, event, verdict)
	switch {
	case verdict.err != nil:
		return events.APIGatewayV2CustomAuthorizerSimpleResponse{}, verdict.err
	case verdict.reason != none:
		return events.APIGatewayV2CustomAuthorizerSimpleResponse{}, nil
	default:
		return events.APIGatewayV2CustomAuthorizerSimpleResponse{IsAuthorized: true, Context: verdict.caller.context(verdict.by)}, nil
	}
}

// verdict is what became of one request.
type verdict struct {
	reason Reason // none when the call is allowed
	by     string // the scope or role that allows the call
	claims claims // nil until the signature is verified
	caller caller // set when the call is allowed
	err    error  // why nothing could be decided
}

func (a *Authorizer) decide(ctx context.Context, event events.APIGatewayV2CustomAuthorizerV2Request) verdict {
	token := bearerToken(event.Headers)
	if token == "" {
		return verdict{reason: ReasonNoToken}
	}
	route, ok := a.config.Policy.Routes[event.RouteKey]
	if !ok {
		return verdict{reason: ReasonUnknownRoute}
	}
	claims, reason, err := a.verify(ctx, token)
	if reason != none || err != nil {
		return verdict{reason: reason, err: err}
	}
	return a.judge(claims, route, a.timeOf(event))
}

// timeOf is when the gateway got the request: its clock is the one that its own
// JWT authorizer goes by.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func (a *Authorizer) timeOf(event events.APIGatewayV2CustomAuthorizerV2Request) time.Time {
	if at := event.RequestContext.TimeEpoch; at > 0 {
		return time.UnixMilli(at)
	}
	return a.now()
}

// report writes the one line that says what became of a request. It holds
// nothing of a token that is not verified, and of one that is only ids.
func (a *Authorizer) report(ctx context.Context, event events.APIGatewayV2CustomAuthorizerV2Request, v verdict) {
	level, message := slog.LevelWarn, "refused"
	switch {
	case v.err != nil:
		level, message = slog.LevelError, "not decided"
	case v.reason == none:
		level, message = slog.LevelDebug, "allowed"
	}
	if !a.log.Enabled(ctx, level) {
		return
	}
	fields := []slog.Attr{
		slog.String("requestId", event.RequestContext.RequestID),
		slog.String("routeKey", event.RouteKey),
	}
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, slog.String(name, value))
		}
	}
	add("reason", string(v.reason))
	add("by", v.by)
	for _, name := range []string{"azp", "oid", "tid"} {
		value, _ := v.claims[name].(string)
		add(name, value)
	}
	if v.err != nil {
		add("error", v.err.Error())
	}
	a.log.LogAttrs(ctx, level, message, fields...)
}

// errKeysUnavailable says that there is no key set to verify with.
var errKeysUnavailable = errors.New("the signing keys of the issuer cannot be had")
