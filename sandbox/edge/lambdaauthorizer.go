package edge

import (
	"errors"
	"fmt"
	"time"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
)

// lambdaAuthorizer is a compiled Lambda authorizer: type REQUEST, payload
// format 2.0.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
type lambdaAuthorizer struct {
	function string // ARN
	source   string // ARN in whose name the function is invoked
	identity []requestSource
	simple   bool          // answers isAuthorized, else an IAM policy
	ttl      time.Duration // 0: every request invokes the function
	cache    *decisionCache
}

// defaultResultTTL is how long results are kept when the authorizer does not
// say. AWS documents it for REST APIs and terraform-provider-aws for HTTP APIs.
// https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/apigatewayv2_authorizer
const defaultResultTTL = 300 * time.Second

// compileLambdaAuthorizer returns an error for what the sandbox cannot serve.
func (e *Edge) compileLambdaAuthorizer(apiID string, a *apigateway.Authorizer, cache *decisionCache) (*lambdaAuthorizer, error) {
	switch {
	case a.AuthorizerPayloadFormatVersion != payloadFormat:
		return nil, fmt.Errorf("authorizer payload format version %q is not implemented by the sandbox", a.AuthorizerPayloadFormatVersion)
	case a.AuthorizerCredentialsARN != "":
		return nil, errors.New("credentials of an authorizer are not implemented by the sandbox")
	}
	function, err := functionARN(a.AuthorizerURI)
	if err != nil {
		return nil, err
	}
	compiled := &lambdaAuthorizer{
		function: function, source: e.executionARN(apiID, "authorizers/"+a.AuthorizerID),
		simple: a.EnableSimpleResponses, ttl: defaultResultTTL, cache: cache,
	}
	for _, text := range a.IdentitySource {
		source, err := parseRequestSource(text)
		if err != nil {
			return nil, err
		}
		compiled.identity = append(compiled.identity, source)
	}
	if ttl := a.AuthorizerResultTTLInSeconds; ttl != nil {
		compiled.ttl = time.Duration(*ttl) * time.Second
	}
	if len(compiled.identity) == 0 {
		compiled.ttl = 0 // "To enable caching, your authorizer must have at least one identity source."
	}
	return compiled, nil
}

// authorizeByFunction lets the request through as the function, or what it
// answered before to the same identity, says. None of the refusals has a
// challenge (a guess: none is documented).
func (x *exchange) authorizeByFunction(a *lambdaAuthorizer) bool {
	identity, ok := x.identity(a.identity)
	if !ok {
		// Without an error, as the authorizer has not been called:
		// https://github.com/awsdocs/amazon-api-gateway-developer-guide/pull/152
		x.refuse(errUnauthorized)
		return false
	}
	decision, err := x.decide(a, identity)
	if err != nil {
		x.authorizerError = authorizerFailure(err)
		x.refuse(errAuthorizer)
		return false
	}
	if !decision.allows(x.routeARN()) {
		// That the context of a refusal is not logged is a guess, on the
		// careful side.
		x.refuse(errForbidden)
		return false
	}
	x.decision = decision
	return true
}

// identity returns the values of identity sources; ok is false when any is
// missing or empty.
func (x *exchange) identity(sources []requestSource) (values []string, ok bool) {
	for _, source := range sources {
		value, _ := x.lookup(source.kind, source.name)
		if value == "" {
			return nil, false
		}
		values = append(values, value)
	}
	return values, true
}

// decide returns the function's decision, a cached one when there is one.
// Failures are not kept (a guess).
func (x *exchange) decide(a *lambdaAuthorizer, identity []string) (*decision, error) {
	if a.ttl == 0 {
		return x.ask(a, identity)
	}
	key := identityKey(identity)
	if kept := a.cache.get(key, x.edge.options.Now()); kept != nil {
		return kept, nil
	}
	made, err := x.ask(a, identity)
	if err != nil {
		return nil, err
	}
	now := x.edge.options.Now()
	a.cache.put(key, made, now, now.Add(a.ttl))
	return made, nil
}

// ask invokes the function.
func (x *exchange) ask(a *lambdaAuthorizer, identity []string) (*decision, error) {
	answer, err := x.edge.invoke(x.r.Context(), a.function, a.source, x.authorizerEvent(identity), x.edge.options.AuthorizerTimeout)
	if err != nil {
		return nil, err
	}
	if a.simple {
		return parseSimpleAnswer(answer)
	}
	return parsePolicyAnswer(answer)
}

// authorizerFailure is $context.authorizer.error of an authorizer that failed.
// AWS documents what it tells apart, not the texts (guesses). That a function
// which fails with "Unauthorized" makes a 401 is documented for REST APIs
// only: here it is a failure like any other.
func authorizerFailure(err error) string {
	var failed *FunctionError
	var late *timeoutError
	switch {
	case errors.Is(err, ErrNotPermitted):
		return "API Gateway does not have permission to invoke the authorizer's function"
	case errors.As(err, &failed):
		return "the authorizer's function failed: " + failed.Kind
	case errors.As(err, &late):
		return "the authorizer timed out: " + err.Error()
	case errors.Is(err, errInvalidAnswer):
		return "the authorizer's function returned an " + err.Error()
	}
	return "the authorizer's function could not be invoked: " + err.Error()
}
