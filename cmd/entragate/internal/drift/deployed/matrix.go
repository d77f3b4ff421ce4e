package deployed

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/policy"
)

// Reasons beside those of the access model, which knows no broken deployment.
const (
	// ReasonOff: the gateway does not serve the route.
	ReasonOff access.Reason = "not-served"
	// ReasonThrottled: its throttle is zero.
	ReasonThrottled access.Reason = "throttled"
	// ReasonDisabled: Entra gives no token of a disabled application.
	ReasonDisabled access.Reason = "disabled"
	// ReasonAnyToken: the route asks for no scope.
	ReasonAnyToken access.Reason = "any-token"
)

// fromHeader is where authorizers find the token.
const fromHeader = "$request.header.Authorization"

// Implied is who can call by what was read.
type Implied struct {
	// Matrix has the routes and callers of the declared model, and all others that
	// were found. Cells that what was read does not decide are left out.
	Matrix access.Matrix
	// Unknown says why, by route.
	Unknown map[string]string
}

// Implied decides what was read, as API Gateway and Entra do by their
// documentation. The issuer is what tokens of the tenant name.
func (s *State) Implied(declared access.Model, issuer string) Implied {
	effective := s.effective(declared)
	in := Implied{Matrix: effective.Matrix(), Unknown: map[string]string{}}
	for _, route := range effective.Routes {
		g := gate{state: s, declared: declared, issuer: issuer, route: route}
		if why := g.open(); why != "" {
			in.Unknown[route.Key] = why
			in.Matrix.Cells[route.Key] = map[string]access.Decision{}
			continue
		}
		row := in.Matrix.Cells[route.Key]
		for _, c := range in.Matrix.Callers {
			decision, known := g.decide(c, row[c.ID])
			if !known {
				delete(row, c.ID)
				continue
			}
			row[c.ID] = decision
		}
	}
	return in
}

// gate is what stands before one route.
type gate struct {
	state    *State
	declared access.Model
	issuer   string
	route    access.Route

	found      types.Route
	stage      types.Stage
	authorizer types.Authorizer
	// off refuses everybody.
	off *access.Decision
}

// open finds what stands before the route, or says why that is not known.
func (g *gate) open() string {
	s := g.state
	for _, part := range []Part{PartAPI, PartRoutes, PartStages, PartAuthorizers, PartApplication, PartGrants, PartAssignments} {
		if !s.Knows(part) {
			return fmt.Sprintf("%s could not be read", part)
		}
	}
	var routed, staged bool
	g.found, routed = s.Gateway.Route(g.route.Key)
	g.stage, staged = s.Gateway.Stage(DefaultStage)
	switch rate, burst := Throttle(g.stage, g.route.Key); {
	case !s.Gateway.Found:
		g.refuse(404, ReasonOff, "there is no such API")
	case s.Gateway.EndpointOff && s.URL == s.Gateway.Endpoint:
		g.refuse(404, ReasonOff, "the endpoint is turned off")
	case !staged:
		g.refuse(404, ReasonOff, "the API has no stage "+DefaultStage)
	case !aws.ToBool(g.stage.AutoDeploy):
		return "the stage does not deploy by itself, so that it may serve other routes than those that were read"
	case !routed:
		return "the API has no such route, and its requests go to whichever other takes them"
	case rate <= 0 || burst <= 0:
		g.refuse(429, ReasonThrottled, "its throttle is zero")
	}
	if g.off != nil || isOpen(g.found) {
		return ""
	}
	var ok bool
	g.authorizer, ok = s.Gateway.Authorizer(aws.ToString(g.found.AuthorizerId))
	switch g.found.AuthorizationType {
	case types.AuthorizationTypeAwsIam:
		g.refuse(403, ReasonOff, "it takes requests that are signed for AWS, and no tokens")
	case types.AuthorizationTypeJwt:
		if !ok || g.authorizer.JwtConfiguration == nil {
			return "its JWT authorizer is not among those of the API"
		}
	case types.AuthorizationTypeCustom:
		return g.openCustom(ok)
	default:
		return fmt.Sprintf("its authorization type is %s", g.found.AuthorizationType)
	}
	if g.off == nil && !slices.Equal(g.authorizer.IdentitySource, []string{fromHeader}) {
		return "its authorizer looks for tokens elsewhere: " + strings.Join(g.authorizer.IdentitySource, " ")
	}
	return ""
}

// openCustom looks at what a Lambda authorizer decides by. Its program is what
// the policy's hash says: the stage variable changes after it.
func (g *gate) openCustom(found bool) string {
	s := g.state
	_, inPolicy := g.declared.Policy().Routes[g.route.Key]
	variables, read := s.Gateway.Functions[FunctionOf(g.authorizer)]
	switch {
	case !found || !s.Knows(PartFunctions) || !read:
		return "the function of its authorizer could not be read"
	case g.stage.StageVariables[policy.HashVariable] != g.declared.Policy().Hash():
		return "the policy in force is not the configuration's"
	case variables["ISSUER"] != g.issuer || variables["AUDIENCE"] != s.Audience:
		g.refuse(403, access.ReasonWrongAudience, "its authorizer wants another issuer or audience")
	case !inPolicy:
		g.refuse(403, ReasonOff, "the policy of its authorizer does not know it")
	}
	return ""
}

func (g *gate) refuse(status int, reason access.Reason, words string) {
	g.off = &access.Decision{Status: status, Reason: reason, Words: fmt.Sprintf("refused %d: %s", status, words)}
}

// decide decides one cell; base is what the effective model says of it.
func (g *gate) decide(c access.Caller, base access.Decision) (access.Decision, bool) {
	unasked := c.Kind == access.CallerAnonymous && g.found.AuthorizationType == types.AuthorizationTypeCustom
	switch {
	case g.off != nil && unasked && g.off.Status == 403:
		return base, true // a function is not asked about no token
	case g.off != nil:
		return *g.off, true
	case isOpen(g.found), c.Kind == access.CallerAnonymous:
		return base, true
	}
	if decision, none := g.noToken(c); none {
		return decision, true
	}
	if base.Outcome() == access.OutcomeNoToken {
		return base, true
	}
	if g.found.AuthorizationType == types.AuthorizationTypeCustom {
		return g.version(base)
	}
	return g.jwt(c, base)
}

// noToken says whether Entra gives the caller none, since something is disabled.
func (g *gate) noToken(c access.Caller) (access.Decision, bool) {
	disabled := func(words string) (access.Decision, bool) {
		return access.Decision{Reason: ReasonDisabled, Words: "no token: " + words}, true
	}
	switch c.Kind {
	case access.CallerUser, access.CallerDaemon, access.CallerUnassignedUser, access.CallerUnassignedDaemon, access.CallerOtherClient:
	default:
		return access.Decision{}, false // it has one already
	}
	if api := g.state.API; !api.HasPrincipal || !api.Principal.Enabled {
		return disabled("the API's service principal is disabled, or gone")
	}
	if app, ours := g.state.Clients[c.Client]; ours && (!app.HasPrincipal || !app.Principal.Enabled) {
		return disabled("the service principal of " + c.Client + " is disabled, or gone (AADSTS7000112)")
	}
	return access.Decision{}, false
}

// version refuses what is of v1, and so names another issuer.
// https://learn.microsoft.com/entra/identity-platform/access-tokens#token-formats
func (g *gate) version(base access.Decision) (access.Decision, bool) {
	if v := g.state.API.Registration.API.TokenVersion; goodToken(base) && (v == nil || *v != 2) {
		return g.bad(access.ReasonWrongIssuer, "tokens for the API are of v1, and name another issuer"), true
	}
	return base, true
}

// jwt applies what the JWT authorizer compares tokens with.
func (g *gate) jwt(c access.Caller, base access.Decision) (access.Decision, bool) {
	want := *g.authorizer.JwtConfiguration
	if aws.ToString(want.Issuer) != g.issuer {
		switch c.Kind {
		case access.CallerOtherTenant, access.CallerV1Token, access.CallerGraphToken:
			return base, false // it may be theirs
		}
		return g.bad(access.ReasonWrongIssuer, "its authorizer wants another issuer"), true
	}
	ours := slices.Contains(want.Audience, g.state.Audience)
	switch {
	case c.Kind == access.CallerIDToken && g.takesIDTokens(want.Audience):
		if len(g.found.AuthorizationScopes) == 0 {
			return access.Decision{Allowed: true, By: "any token", Reason: ReasonAnyToken, Words: "allowed: its authorizer takes ID tokens"}, true
		}
		return access.Decision{Status: 403, Reason: access.ReasonMissingScope, Words: "refused 403: an ID token has no scope"}, true
	case goodToken(base) && !ours:
		return g.bad(access.ReasonWrongAudience, "its authorizer wants another audience"), true
	}
	base, _ = g.version(base)
	if len(g.found.AuthorizationScopes) == 0 && (base.Reason == access.ReasonMissingScope || base.Reason == access.ReasonAppOnly) {
		return access.Decision{Allowed: true, By: "any token", Reason: ReasonAnyToken, Words: "allowed: it asks for no scope, so that any token for the API will do"}, true
	}
	return base, true
}

// takesIDTokens reports whether an audience is a client's.
func (g *gate) takesIDTokens(audience []string) bool {
	for _, c := range g.declared.Clients {
		if c.Kind.IsDelegated() && slices.Contains(audience, g.state.Clients[c.Name].Registration.AppID) {
			return true
		}
	}
	return false
}

// goodToken reports whether the token that a decision was made about is one for
// the API that is valid.
func goodToken(d access.Decision) bool {
	return d.Allowed || slices.Contains([]access.Reason{
		access.ReasonMissingScope, access.ReasonAppOnly, access.ReasonMissingRole, access.ReasonDaemonsOnly,
	}, d.Reason)
}

// bad refuses a token that is no good for the authorizer at all.
func (g *gate) bad(reason access.Reason, words string) access.Decision {
	status := 401
	if g.found.AuthorizationType == types.AuthorizationTypeCustom {
		status = 403
	}
	return access.Decision{Status: status, Reason: reason, Words: fmt.Sprintf("refused %d: %s", status, words)}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
