// Package diagnose decides about a token as the gateway of a stack would, and
// says in plain words which check fails and what to do.
//
// It states no rule of its own. The JWT authorizer's decision is the sandbox's,
// in sandbox/edge, and that of routes with roles is the Lambda authorizer's own
// program, functions/authorize. What is here are the words.
//
// Nothing of the token is sent anywhere: only the tenant's discovery document and
// its keys are fetched, as API Gateway does. Neither the token nor its signature
// is in a report, an error or a log, and of its claims only those that tell
// tokens apart, none that names a person.
package diagnose

import (
	"cmp"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/issuer"
	"github.com/entragate/entragate/sandbox/edge"
)

// MaxTokenBytes is how long a token may be to be looked at.
const MaxTokenBytes = 64 * 1024

// Stack is what tokens are for.
type Stack struct {
	// Model says who may call what.
	Model access.Model
	// Tenant is where callers sign in. The issuer is its v2 issuer.
	Tenant issuer.Tenant
	// Audience is the client id of the API.
	Audience string
	// Clients are client ids, by the names of the model.
	Clients map[string]string
	// HTTP fetches the discovery document and the keys; nil means
	// [http.DefaultClient]. Redirects are not followed.
	HTTP *http.Client
	// Now is when the gateway decides; nil means [time.Now].
	Now func() time.Time
}

// Explain decides about a token for a request: a route key such as
// "GET /orders/{id}", or a request line such as "GET /orders/17". Space, quotes
// and "Bearer" around the token are taken off first. The error says why nothing
// can be explained; it never repeats the token.
func (s Stack) Explain(ctx context.Context, text, request string) (Report, error) {
	if err := s.validate(); err != nil {
		return Report{}, err
	}
	// With room for what is taken off.
	if len(text) > 2*MaxTokenBytes {
		return Report{}, tooLong(len(text))
	}
	raw := cleanToken(text)
	if len(raw) > MaxTokenBytes {
		return Report{}, tooLong(len(raw))
	}
	line, err := parseRequest(request)
	if err != nil {
		return Report{}, err
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	x := &explainer{Stack: s, now: now(), report: Report{Request: line.String(), Checks: []Check{}}}
	route, ok := findRoute(s.Model.Routes, line)
	if !ok {
		x.unrouted(line)
		return x.report, nil
	}
	x.route, x.report.Route, x.report.Authorizer = route, route.Key, authorizerOf(route)
	switch {
	case route.IsPublic():
		x.public()
		return x.report, nil
	case len(route.Scopes)+len(route.Roles) == 0:
		return Report{}, fmt.Errorf("route %q: got neither scopes, roles nor public, want one of them", route.Key)
	}
	if err := x.explain(ctx, raw); err != nil {
		return Report{}, err
	}
	return x.report, nil
}

func (s Stack) validate() error {
	err := s.Tenant.Validate()
	if !isGUID(s.Audience) {
		err = errors.Join(err, fmt.Errorf("audience: got %q, want the client id of the API in lower case", s.Audience))
	}
	return err
}

func tooLong(got int) error {
	return fmt.Errorf("token: got %d bytes, want at most %d", got, MaxTokenBytes)
}

// The authorizers of routes.
const (
	AuthorizerJWT    = "jwt"    // API Gateway's own
	AuthorizerLambda = "lambda" // functions/authorize
	AuthorizerNone   = "none"   // public
)

func authorizerOf(r access.Route) string {
	switch {
	case r.IsPublic():
		return AuthorizerNone
	case r.HasRoles():
		return AuthorizerLambda
	}
	return AuthorizerJWT
}

// explainer explains one token on one route.
type explainer struct {
	Stack
	now    time.Time
	route  access.Route
	token  token
	report Report
	// partial is set where what is wrong beside the first failure is not known.
	partial bool
}

// explain decides, first as the gateway does, and then as it would if what it
// says were put right, until it says nothing more: so a user sees all that is
// wrong at once, and each of it is what the gateway says.
func (x *explainer) explain(ctx context.Context, raw string) error {
	x.token = parseToken(raw)
	x.report.Client, x.report.Claims = x.clientWords(), x.token.shown()
	if early := x.beforeAuthorizer(); early != nil {
		x.report.refuse(*early)
		return nil
	}
	gateway, err := x.authority(x.tenantKeys())
	if err != nil {
		return err
	}
	first := gateway.decide(ctx, raw)
	if err := ctx.Err(); err != nil {
		return err // what was decided may be for want of an answer
	}
	x.report.Allowed, x.report.Status, x.report.By = first.reason == "", first.status, first.by
	if x.report.Allowed {
		x.fill(nil)
		return nil
	}
	if first.reason == wantsSorting {
		if first.reason, err = x.sortMalformed(ctx); err != nil {
			return err
		}
	}
	if first.reason == CheckKeys && x.report.Authorizer == AuthorizerLambda {
		first.cause = x.whyNoKeys(ctx, first.cause)
	}
	failing := []failure{{first.reason, first.cause}}
	if x.token.claims != nil {
		more, err := x.rehearse(ctx, first.reason)
		if err != nil {
			return err
		}
		failing = append(failing, more...)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	x.fill(failing)
	return nil
}

// whyNoKeys looks again for why the keys cannot be had, since the Lambda
// authorizer says it in words only.
func (x *explainer) whyNoKeys(ctx context.Context, otherwise error) error {
	return cmp.Or(edge.NewKeySets(edge.KeySetOptions{Client: x.HTTP}).CheckIssuer(ctx, x.Tenant.Issuer()), otherwise)
}

// beforeAuthorizer is what is refused before anybody looks into the token.
func (x *explainer) beforeAuthorizer() *Check {
	switch {
	case x.token.raw == "":
		x.report.Status = http.StatusUnauthorized
		return &Check{
			Name: CheckToken, Cause: CauseNoToken, Want: "Authorization: Bearer <access token>",
			Why: "the request has no token, and the route is not public",
			Fix: "Send the access token in the header Authorization. The file is empty if the command that should have written it failed.",
		}
	case len(x.token.raw) > edge.MaxHeaderBytes:
		// Which status it is is not documented: 431 is a guess.
		x.report.Status = http.StatusRequestHeaderFieldsTooLarge
		return &Check{
			Name: CheckSize, Cause: CauseTooLarge, Got: fmt.Sprintf("%d bytes", len(x.token.raw)),
			Want: fmt.Sprintf("request line and headers of at most %d bytes", edge.MaxHeaderBytes),
			Why:  "the token alone is larger than what API Gateway takes of headers, so no authorizer sees it",
			Fix: "Find out what makes it large: mostly it is the groups claim. Have Entra send only groups that are assigned to the " +
				"application (groupMembershipClaims: ApplicationGroup), or none.",
		}
	}
	return nil
}

// failure is a check that fails, with an error that lies behind it, if any.
type failure struct {
	name  CheckName
	cause error
}

// fill writes the checks that were made, in the gateway's order.
func (x *explainer) fill(failing []failure) {
	x.report.Verified = len(failing) == 0 || !slices.Contains(unverified, failing[0].name)
	decided := len(failing) == 0 // whether what decides is in the report
	for _, name := range x.order() {
		i := slices.IndexFunc(failing, func(f failure) bool { return f.name == name })
		switch {
		case i >= 0:
			check := x.explainFailure(failing[i])
			check.Name = name
			if i == 0 {
				decided = true
				x.report.refuse(check)
				continue
			}
			x.report.Checks = append(x.report.Checks, check)
		case !x.made(name, failing, decided):
		default:
			x.report.Checks = append(x.report.Checks, x.passed(name))
		}
	}
	if len(failing) == 0 {
		x.report.Summary = x.allowedBy()
	}
}

// made reports whether a check that does not fail was made at all. What stands
// behind a failure to verify the token is not known, nor what it may do when its
// kind is not.
func (x *explainer) made(name CheckName, failing []failure, decided bool) bool {
	fails := func(names ...CheckName) bool {
		return slices.ContainsFunc(failing, func(f failure) bool { return slices.Contains(names, f.name) })
	}
	switch {
	case slices.Contains(unverified, name):
		noKeyID := name == CheckKeys && fails(CheckKey) && x.token.keyID() == "" // then none are fetched
		return !noKeyID && (!decided || !fails(unverified...))
	case x.token.claims == nil, x.partial, name == CheckOther:
		return false
	case name == CheckScope || name == CheckRole:
		return name == x.permission() && !fails(CheckForm, CheckCaller, CheckScope, CheckRole)
	}
	return true
}

// tenantKeys are those of the tenant.
func (x *explainer) tenantKeys() keySource {
	client := x.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	return keySource{client: client, keys: edge.NewKeySets(edge.KeySetOptions{Client: client})}
}

// keySource is where both authorizers get keys from.
type keySource struct {
	client *http.Client   // of the Lambda authorizer
	keys   edge.KeySource // of the JWT authorizer
}

// oneKey is a [edge.KeySource] with one key for everything.
type oneKey struct{ key *rsa.PublicKey }

// Key implements [edge.KeySource].
func (k oneKey) Key(string, string) (*rsa.PublicKey, error) { return k.key, nil }
