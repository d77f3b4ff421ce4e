package diagnose

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/entragate/entragate/functions/authorize"
	"github.com/entragate/entragate/sandbox/edge"
)

// authority decides about a token as an authorizer does.
type authority interface {
	decide(ctx context.Context, raw string) answer
}

// answer is what an authorizer says.
type answer struct {
	reason CheckName // what fails first; empty when the call is allowed
	status int
	by     string // the scope or role that allows the call
	cause  error  // what lies behind it, if anything
}

// wantsSorting stands for the Lambda authorizer's reason "malformed", which is
// of tokens that cannot be read and of times that are no numbers alike.
const wantsSorting CheckName = "malformed"

// authority is the authorizer of the route, with keys from a source.
func (x *explainer) authority(keys keySource) (authority, error) {
	now := func() time.Time { return x.now }
	if x.report.Authorizer == AuthorizerJWT {
		return jwtAuthority{edge.Authorizer{
			Issuer: x.Tenant.Issuer(), Audience: []string{x.Audience}, Keys: keys.keys, Now: now,
		}, x.route.Scopes}, nil
	}
	log := &reasonLog{}
	decider, err := authorize.New(authorize.Config{
		Issuer: x.Tenant.Issuer(), Audience: x.Audience, TenantID: x.tenantID(), Policy: x.Model.Policy(),
	}, authorize.Options{Client: keys.client, Now: now, Log: slog.New(log)})
	if err != nil {
		return nil, err
	}
	return lambdaAuthority{decider, log, x.route.Key, x.now}, nil
}

// jwtAuthority is API Gateway's own authorizer, as the sandbox has it.
type jwtAuthority struct {
	authorizer edge.Authorizer
	scopes     []string // of the route
}

var jwtChecks = map[edge.Reason]CheckName{
	edge.ReasonMalformed:      CheckForm,
	edge.ReasonAlgorithm:      CheckAlgorithm,
	edge.ReasonDiscovery:      CheckKeys,
	edge.ReasonKeySet:         CheckKeys,
	edge.ReasonUnknownKey:     CheckKey,
	edge.ReasonSignature:      CheckSignature,
	edge.ReasonExpired:        CheckExpiry,
	edge.ReasonNotYetValid:    CheckNotBefore,
	edge.ReasonIssuedInFuture: CheckIssuedAt,
	edge.ReasonIssuer:         CheckIssuer,
	edge.ReasonAudience:       CheckAudience,
	edge.ReasonScope:          CheckScope,
}

func (a jwtAuthority) decide(_ context.Context, raw string) answer {
	claims, refusal := a.authorizer.Decide(raw, a.scopes)
	if refusal != nil {
		return answer{reason: cmp.Or(jwtChecks[refusal.Reason], CheckOther), status: refusal.Status, cause: refusal.Cause}
	}
	has := claims.Scopes()
	i := slices.IndexFunc(has, func(scope string) bool { return slices.Contains(a.scopes, scope) })
	return answer{status: http.StatusOK, by: has[i]}
}

// lambdaAuthority is the program of the Lambda authorizer. It names its reasons
// in its log only.
type lambdaAuthority struct {
	authorizer *authorize.Authorizer
	log        *reasonLog
	route      string
	now        time.Time
}

var lambdaChecks = map[authorize.Reason]CheckName{
	authorize.ReasonMalformed:        wantsSorting,
	authorize.ReasonAlgorithm:        CheckAlgorithm,
	authorize.ReasonKeysUnavailable:  CheckKeys,
	authorize.ReasonUnknownKey:       CheckKey,
	authorize.ReasonSignature:        CheckSignature,
	authorize.ReasonWrongIssuer:      CheckIssuer,
	authorize.ReasonWrongAudience:    CheckAudience,
	authorize.ReasonExpired:          CheckExpiry,
	authorize.ReasonNotYetValid:      CheckNotBefore,
	authorize.ReasonIssuedInFuture:   CheckIssuedAt,
	authorize.ReasonWrongTenant:      CheckTenant,
	authorize.ReasonWrongVersion:     CheckVersion,
	authorize.ReasonNotAnAccessToken: CheckCaller,
	authorize.ReasonMissingScope:     CheckScope,
	authorize.ReasonMissingRole:      CheckRole,
}

// decide asks the function as API Gateway does. Where the function fails, API
// Gateway answers 500, and whatever it refuses, 403.
func (a lambdaAuthority) decide(ctx context.Context, raw string) answer {
	event := events.APIGatewayV2CustomAuthorizerV2Request{
		Version: "2.0", Type: "REQUEST", RouteKey: a.route, Headers: map[string]string{"authorization": "Bearer " + raw},
	}
	event.RequestContext.TimeEpoch = a.now.UnixMilli()
	said, err := a.authorizer.Handle(ctx, event)
	switch {
	case err != nil:
		return answer{reason: CheckKeys, status: http.StatusInternalServerError, cause: err}
	case !said.IsAuthorized:
		return answer{reason: cmp.Or(lambdaChecks[a.log.last()], CheckOther), status: http.StatusForbidden}
	}
	by, _ := said.Context["by"].(string)
	return answer{status: http.StatusOK, by: by}
}

// reasonLog is a [slog.Handler] that keeps the last reason and writes nothing.
type reasonLog struct {
	mu     sync.Mutex
	reason authorize.Reason
}

func (l *reasonLog) last() authorize.Reason {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reason
}

// Enabled implements [slog.Handler].
func (l *reasonLog) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements [slog.Handler].
func (l *reasonLog) Handle(_ context.Context, record slog.Record) error {
	record.Attrs(func(a slog.Attr) bool {
		if a.Key == "reason" {
			l.mu.Lock()
			l.reason = authorize.Reason(a.Value.String())
			l.mu.Unlock()
		}
		return true
	})
	return nil
}

// WithAttrs implements [slog.Handler]. The authorizer has none.
func (l *reasonLog) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements [slog.Handler]. The authorizer has none.
func (l *reasonLog) WithGroup(string) slog.Handler { return l }
