package drift

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/policy"
	"github.com/entragate/entragate/cmd/entragate/internal/drift/deployed"
)

// deploy is the fix of what Pulumi puts right.
const deploy = "run `pulumi refresh`, then `pulumi up`"

func (c *comparison) gateway() {
	if !c.state.Knows(deployed.PartAPI) {
		return
	}
	g := c.state.Gateway
	if !g.Found {
		c.add(Finding{
			Subject: "API " + c.APIID, What: Missing, Effect: Breaking, Want: c.URL,
			Access: "nobody can call: there is no such API in this account and region",
			Fix:    "look into another account or region, or " + deploy,
		})
		return
	}
	c.endpoint(g)
	c.cors(g.CORS)
	if c.state.Knows(deployed.PartRoutes) && c.state.Knows(deployed.PartAuthorizers) {
		c.routes(g)
		c.authorizers(g)
	}
	if c.state.Knows(deployed.PartStages) {
		c.stages(g)
	}
}

func (c *comparison) endpoint(g deployed.Gateway) {
	if g.EndpointOff == c.EndpointOff {
		return
	}
	on := map[bool]string{false: "it answers", true: "it is turned off"}
	f := Finding{Subject: "endpoint " + g.Endpoint, What: Changed, Effect: Widening, Got: on[g.EndpointOff], Want: on[c.EndpointOff], Fix: deploy}
	f.Access = "the API can be called there too, past whatever stands before its own domain"
	if g.EndpointOff {
		f.Effect, f.Access = Breaking, "nobody can call there: it answers 404"
	}
	c.add(f)
}

// authorizers compares what tokens are compared with.
func (c *comparison) authorizers(g deployed.Gateway) {
	for _, a := range g.Authorizers {
		routes := routesOf(g, aws.ToString(a.AuthorizerId))
		subject := fmt.Sprintf("authorizer %s (%s)", aws.ToString(a.Name), aws.ToString(a.AuthorizerId))
		if len(routes) == 0 && c.expected(g, a.AuthorizerType) {
			continue // its routes were taken away from it, which is found there
		}
		if len(routes) == 0 {
			c.add(Finding{
				Subject: subject, What: AddedOutside, Effect: Neutral, Got: string(a.AuthorizerType),
				Access: "nobody gains or loses: no route has it", Fix: "delete it in API Gateway",
			})
			continue
		}
		at := "on " + strings.Join(routes, ", ")
		if !slices.Equal(a.IdentitySource, c.identitySource(a)) {
			c.add(Finding{
				Subject: subject, What: Changed, Effect: Breaking, Got: "tokens in " + strings.Join(a.IdentitySource, " "),
				Want:   "tokens in " + strings.Join(c.identitySource(a), " "),
				Access: "callers who send their token in the header are refused, and decisions may be repeated where they were not meant, " + at, Fix: deploy,
			})
		}
		if a.AuthorizerType == types.AuthorizerTypeJwt {
			c.jwtAuthorizer(subject, at, a)
		} else {
			c.lambdaAuthorizer(subject, at, a)
		}
	}
}

// expected reports whether an authorizer of the type is declared that no route
// has any more.
func (c *comparison) expected(g deployed.Gateway, kind types.AuthorizerType) bool {
	used := slices.ContainsFunc(g.Authorizers, func(a types.Authorizer) bool {
		return a.AuthorizerType == kind && len(routesOf(g, aws.ToString(a.AuthorizerId))) > 0
	})
	return !used && slices.ContainsFunc(c.Model.Routes, func(r access.Route) bool {
		return !r.IsPublic() && r.HasRoles() == (kind == types.AuthorizerTypeRequest)
	})
}

func routesOf(g deployed.Gateway, authorizer string) []string {
	var keys []string
	for _, r := range g.Routes {
		if aws.ToString(r.AuthorizerId) == authorizer {
			keys = append(keys, aws.ToString(r.RouteKey))
		}
	}
	slices.Sort(keys)
	return keys
}

// identitySource is where an authorizer should find the token, and what else its
// decisions should be kept by, see the components.
func (c *comparison) identitySource(a types.Authorizer) []string {
	const header = "$request.header.Authorization"
	if a.AuthorizerType == types.AuthorizerTypeJwt {
		return []string{header}
	}
	want := []string{header, "$context.routeKey", "$stageVariables." + policy.HashVariable}
	if got := slices.Sorted(slices.Values(a.IdentitySource)); slices.Equal(got, slices.Sorted(slices.Values(want))) {
		return a.IdentitySource // their order means nothing
	}
	return want
}

func (c *comparison) jwtAuthorizer(subject, at string, a types.Authorizer) {
	var jwt types.JWTConfiguration
	if a.JwtConfiguration != nil {
		jwt = *a.JwtConfiguration
	}
	if got := aws.ToString(jwt.Issuer); got != c.Issuer {
		c.add(Finding{
			Subject: subject, What: Changed, Effect: Widening, Got: "issuer " + got, Want: "issuer " + c.Issuer,
			Access: "tokens that " + got + " signs get in, and those of the tenant are refused, " + at, Fix: deploy,
		})
	}
	if extra := without(jwt.Audience, []string{c.Audience}); len(extra) > 0 {
		c.add(Finding{
			Subject: subject, What: Changed, Effect: Widening,
			Got: "audience " + strings.Join(jwt.Audience, ", "), Want: "audience " + c.Audience,
			Access: "whoever holds a token for " + strings.Join(extra, ", ") + " gains access " + at + ", where its scopes have the same names",
			Fix:    deploy,
		})
	}
	if !slices.Contains(jwt.Audience, c.Audience) {
		c.add(Finding{
			Subject: subject, What: Changed, Effect: Breaking,
			Got: "audience " + strings.Join(jwt.Audience, ", "), Want: "audience " + c.Audience,
			Access: "everybody with a token for the API is refused with 401 " + at, Fix: deploy,
		})
	}
}

func (c *comparison) lambdaAuthorizer(subject, at string, a types.Authorizer) {
	if got, want := int(aws.ToInt32(a.AuthorizerResultTtlInSeconds)), c.Model.CacheSeconds(); got != want {
		c.add(Finding{
			Subject: subject, What: Changed, Effect: effectOf(got > want),
			Got: fmt.Sprintf("decisions are repeated for %d s", got), Want: fmt.Sprintf("%d s", want),
			Access: fmt.Sprintf("who was allowed may be for up to %d s after the token ended, %s", got, at), Fix: deploy,
		})
	}
	if !c.state.Knows(deployed.PartFunctions) {
		return
	}
	function := deployed.FunctionOf(a)
	variables, found := c.state.Gateway.Functions[function]
	if !found {
		c.add(Finding{
			Subject: subject, What: Missing, Effect: Breaking, Want: "function " + function,
			Access: "everybody is answered 500 " + at, Fix: deploy,
		})
		return
	}
	for _, v := range []struct{ name, want string }{{"ISSUER", c.Issuer}, {"AUDIENCE", c.Audience}} {
		if got := variables[v.name]; got != v.want {
			c.add(Finding{
				Subject: "function " + function, What: Changed, Effect: Widening, Got: v.name + "=" + got, Want: v.name + "=" + v.want,
				Access: "tokens of another issuer, or for another audience, get in, and those for the API are refused with 403, " + at, Fix: deploy,
			})
		}
	}
}

// effectOf is widening or breaking.
func effectOf(wider bool) Effect {
	if wider {
		return Widening
	}
	return Breaking
}

// stages compares the only stage, and finds others.
func (c *comparison) stages(g deployed.Gateway) {
	for _, s := range g.Stages {
		if name := aws.ToString(s.StageName); name != deployed.DefaultStage {
			c.add(Finding{
				Subject: "stage " + name, What: AddedOutside, Effect: Widening, Got: "it serves " + g.Endpoint + "/" + name,
				Access: "the API can be called there too, with the routes and authorizers of whenever it was deployed, and other throttles and logs",
				Fix:    "delete it in API Gateway",
			})
		}
	}
	s, ok := g.Stage(deployed.DefaultStage)
	if !ok {
		c.add(Finding{
			Subject: "stage " + deployed.DefaultStage, What: Missing, Effect: Breaking, Want: "it serves the API",
			Access: "nobody can call: everything is answered with 404", Fix: deploy,
		})
		return
	}
	c.throttle("stage "+deployed.DefaultStage, s, "", c.Throttle)
	for _, r := range c.Model.Routes {
		want := c.Throttle
		if r.Throttle != nil {
			want = *r.Throttle
		}
		if _, own := s.RouteSettings[r.Key]; own || r.Throttle != nil {
			c.throttle("route "+r.Key, s, r.Key, want)
		}
	}
	c.stage(s)
}

func (c *comparison) throttle(subject string, s types.Stage, route string, want access.Throttle) {
	rate, burst := deployed.Throttle(s, route)
	if rate == want.Rate && burst == want.Burst {
		return
	}
	f := Finding{
		Subject: subject, What: Changed, Effect: Neutral, Fix: deploy,
		Got: fmt.Sprintf("%g requests a second, %d at once", rate, burst), Want: fmt.Sprintf("%g and %d", want.Rate, want.Burst),
	}
	switch {
	case rate <= 0 || burst <= 0:
		f.Effect, f.Access = Breaking, "nobody can call: every request is answered with 429"
	case rate > want.Rate || burst > want.Burst:
		f.Effect, f.Access = Widening, "nobody else can call, and who can may call more often"
	default:
		f.Effect, f.Access = Breaking, "who calls more often than that is answered with 429"
	}
	c.add(f)
}

func (c *comparison) stage(s types.Stage) {
	subject := "stage " + deployed.DefaultStage
	if !aws.ToBool(s.AutoDeploy) {
		c.add(Finding{
			Subject: subject, What: Changed, Effect: Neutral, Got: "changes are not deployed by themselves", Want: "they are",
			Access: "who can call is as it was at the last deployment, whatever the routes say since", Fix: deploy,
		})
	}
	if s.AccessLogSettings == nil || aws.ToString(s.AccessLogSettings.DestinationArn) == "" {
		c.add(Finding{
			Subject: subject, What: Missing, Effect: Neutral, Want: "an access log",
			Access: "nobody gains or loses, and nobody sees who calls and who is refused", Fix: deploy,
		})
	}
	declared := c.Model.Policy()
	if got := s.StageVariables[policy.HashVariable]; len(declared.Routes) > 0 && got != declared.Hash() {
		c.add(Finding{
			Subject: subject, What: Changed, Effect: Widening, Got: "policy " + got, Want: "policy " + declared.Hash(),
			Access: "routes with roles (" + strings.Join(sortedKeys(declared.Routes), ", ") +
				") may be decided by another policy than the configuration's",
			Fix: deploy,
		})
	}
}
