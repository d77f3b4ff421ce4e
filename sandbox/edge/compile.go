package edge

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
	"github.com/entragate/entragate/sandbox/edge/accesslog"
	"github.com/entragate/entragate/sandbox/edge/routekey"
)

// compiledAPI is what one API serves, ready to be used and immutable.
type compiledAPI struct {
	generation uint64
	id         string
	disabled   bool              // disableExecuteApiEndpoint
	stages     map[string]*stage // keyed by name
}

// stage is a stage with the deployment it serves.
type stage struct {
	name      string
	variables map[string]string
	cors      *corsPolicy // may be nil
	routes    *routeTable
	log       *accesslog.Format // nil: no access log
	logGroup  string            // ARN
}

// route is a route with all it needs. It is open when it has neither a jwt nor
// a lambda authorizer, and no authorizerFault.
type route struct {
	key         string
	parsed      routekey.Key  // unless the key is $default
	bucket      *rate.Limiter // nil: only the account limits it
	jwt         *jwtAuthorizer
	scopes      []string // of jwt
	lambda      *lambdaAuthorizer
	integration *integration
	source      string // ARN in whose name a function is invoked
	detailed    bool   // has metrics of its own
	// What makes the route answer 500, as the access log tells it.
	authorizerFault string
}

// jwtAuthorizer is an authorizer and where it finds the token.
type jwtAuthorizer struct {
	Authorizer
	source identitySource
}

// api returns the compiled form of an API, from the last time when nothing
// has changed since. ok is false when there is no such API.
func (e *Edge) api(id string) (*compiledAPI, bool) {
	if cached, ok := e.apis.Load(id); ok {
		if api := cached.(*compiledAPI); api.generation == e.options.Source.Generation() {
			return api, true
		}
	}
	served, generation, ok := e.options.Source.Served(id)
	if !ok {
		if _, was := e.apis.LoadAndDelete(id); was {
			e.buckets.forget(id)
			e.authorizerCaches.forget(id)
		}
		return nil, false
	}
	api := e.compile(served, generation)
	e.apis.Store(id, api)
	return api, true
}

func (e *Edge) compile(served Served, generation uint64) *compiledAPI {
	api := &compiledAPI{
		generation: generation,
		id:         served.API.APIID,
		disabled:   served.API.DisableExecuteAPIEndpoint,
		stages:     make(map[string]*stage, len(served.Stages)),
	}
	now, caches := e.options.Now(), e.authorizerCaches.renew(&served)
	for i := range served.Stages {
		s := e.compileStage(api.id, &served.Stages[i], caches, now)
		api.stages[s.name] = s
	}
	return api
}

func (e *Edge) compileStage(apiID string, served *ServedStage, caches map[authorizerKey]*authorizerCache, now time.Time) *stage {
	deployment := &served.Deployment
	s := &stage{
		name:      served.Stage.StageName,
		variables: served.Stage.StageVariables,
		cors:      newCORSPolicy(deployment.CORSConfiguration),
	}
	authorizers := map[string]compiledAuthorizer{}
	for id, a := range deployment.Authorizers {
		authorizers[id] = e.compileAuthorizer(apiID, a, caches[authorizerKey{s.name, id}])
	}
	integrations := map[string]*integration{}
	for id, i := range deployment.Integrations {
		integrations[id] = newIntegration(i)
	}
	routes := make([]*route, 0, len(deployment.Routes))
	for _, r := range deployment.Routes {
		compiled := &route{
			key:         r.RouteKey,
			bucket:      e.buckets.bucket(bucketKey{apiID, s.name, r.RouteKey}, &served.Stage, e.options.Throttle, now),
			integration: integrations[strings.TrimPrefix(r.Target, "integrations/")],
			source:      e.executionARN(apiID, routeSource(s.name, r.RouteKey)),
		}
		if settings := settingsOf(&served.Stage, r.RouteKey); settings != nil {
			compiled.detailed = settings.DetailedMetricsEnabled
		}
		if compiled.integration == nil {
			compiled.integration = &integration{fault: fmt.Sprintf("route %s has no integration", r.RouteKey)}
		}
		compiled.authorize(r, authorizers)
		routes = append(routes, compiled)
	}
	s.routes = newRouteTable(routes)
	if settings := served.Stage.AccessLogSettings; settings != nil && settings.DestinationARN != "" {
		// The control plane lets no format in that does not parse.
		if format, err := accesslog.ParseFormat(settings.Format); err == nil {
			s.log = format
			s.logGroup = strings.TrimSuffix(settings.DestinationARN, ":*")
		}
	}
	return s
}

// authorize sets who decides on the route. What cannot be decided is refused:
// nothing but NONE leaves a route open.
func (r *route) authorize(from *apigateway.Route, authorizers map[string]compiledAuthorizer) {
	a := authorizers[from.AuthorizerID]
	switch from.AuthorizationType {
	case "NONE":
	case "JWT":
		r.scopes, r.jwt = from.AuthorizationScopes, a.jwt
		if r.jwt == nil {
			r.authorizerFault = fmt.Sprintf("authorizer %q is not a JWT authorizer of the deployment", from.AuthorizerID)
		}
	case "CUSTOM":
		r.lambda = a.lambda
		switch {
		case a.fault != nil:
			r.authorizerFault = fmt.Sprintf("authorizer %q: %v", from.AuthorizerID, a.fault)
		case r.lambda == nil:
			r.authorizerFault = fmt.Sprintf("authorizer %q is not a Lambda authorizer of the deployment", from.AuthorizerID)
		}
	default:
		r.authorizerFault = fmt.Sprintf("authorization type %q is not implemented by the sandbox", from.AuthorizationType)
	}
}

// compiledAuthorizer is an authorizer of either type, or neither when it is
// not usable.
type compiledAuthorizer struct {
	jwt    *jwtAuthorizer
	lambda *lambdaAuthorizer
	fault  error // what the sandbox cannot do of a Lambda authorizer
}

func (e *Edge) compileAuthorizer(apiID string, a *apigateway.Authorizer, cache *authorizerCache) compiledAuthorizer {
	switch a.AuthorizerType {
	case "JWT":
		return compiledAuthorizer{jwt: e.compileJWTAuthorizer(a)}
	case "REQUEST":
		lambda, err := e.compileLambdaAuthorizer(apiID, a, cache.decisions)
		return compiledAuthorizer{lambda: lambda, fault: err}
	}
	return compiledAuthorizer{}
}

// compileJWTAuthorizer returns nil for what is not a usable JWT authorizer.
func (e *Edge) compileJWTAuthorizer(a *apigateway.Authorizer) *jwtAuthorizer {
	if a.JWTConfiguration == nil || len(a.IdentitySource) != 1 {
		return nil
	}
	source, err := parseIdentitySource(a.IdentitySource[0])
	if err != nil {
		return nil
	}
	return &jwtAuthorizer{
		source: source,
		Authorizer: Authorizer{
			Issuer: a.JWTConfiguration.Issuer, Audience: a.JWTConfiguration.Audience,
			Keys: e.options.Keys, Now: e.options.Now,
		},
	}
}
