package guard

import (
	"fmt"
	"slices"
	"strings"
)

const (
	apiType   = "aws:apigatewayv2/api:Api"
	routeType = "aws:apigatewayv2/route:Route"
	stageType = "aws:apigatewayv2/stage:Stage"
)

// gateway are the rules on APIs of API Gateway's second version.
var gateway = []Rule{
	{
		ID:        "route-authorization",
		Title:     "routes have an authorizer",
		Fix:       "set authorizationType to JWT, CUSTOM or AWS_IAM, or allow the route in the pack's configuration with the reason why it is public",
		URL:       "https://docs.aws.amazon.com/securityhub/latest/userguide/apigateway-controls.html#apigateway-8",
		Severity:  High,
		Mandatory: true,
		Public:    []string{"APIGateway.8", "API_GWV2_AUTHORIZATION_TYPE_CONFIGURED", "CKV_AWS_309", "AwsSolutions-APIG4"},
		types:     []string{routeType, apiType},
		one:       routeAuthorization,
	},
	{
		ID:       "route-declared",
		Title:    "routes are resources, which rules can judge",
		Fix:      "make a Route of each, in place of the OpenAPI document",
		URL:      "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-open-api.html",
		Severity: Medium,
		types:    []string{apiType},
		one:      routeDeclared,
	},
	{
		ID:       "route-scopes",
		Title:    "routes with a JWT authorizer ask for scopes",
		Fix:      "set authorizationScopes; a route for daemons needs an authorizer that looks at roles, since their tokens have no scopes",
		URL:      "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html",
		Severity: Medium,
		types:    []string{routeType},
		one:      routeScopes,
	},
	{
		ID:        "jwt-issuer",
		Title:     "JWT authorizers trust one tenant, over https, and its v2.0 tokens",
		Fix:       "set issuer to https://login.microsoftonline.com/<tenant id>/v2.0",
		URL:       "https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-issuer",
		Severity:  Critical,
		Mandatory: true,
		types:     []string{"aws:apigatewayv2/authorizer:Authorizer"},
		one:       jwtIssuer,
	},
	{
		ID:        "jwt-audience",
		Title:     "JWT authorizers take tokens for their own API only",
		Fix:       "set audiences to the client id of the API's application",
		URL:       "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html",
		Severity:  Critical,
		Mandatory: true,
		types:     []string{"aws:apigatewayv2/authorizer:Authorizer"},
		one:       jwtAudience,
	},
	{
		ID:        "stage-throttle",
		Title:     "stages limit requests, and to more than none",
		Fix:       "set throttlingRateLimit and throttlingBurstLimit, both, above 0: the provider sends a missing one as 0",
		URL:       "https://github.com/pulumi/pulumi-aws/issues/2363",
		Severity:  Medium,
		Mandatory: true,
		Public:    []string{"Serverless-APIGWDefaultThrottling"},
		types:     []string{stageType},
		one:       stageThrottle,
	},
	{
		ID:        "stage-access-log",
		Title:     "stages log every request",
		Fix:       "set accessLogSettings",
		URL:       "https://docs.aws.amazon.com/securityhub/latest/userguide/apigateway-controls.html#apigateway-9",
		Severity:  Medium,
		Mandatory: true,
		Public: []string{
			"APIGateway.9", "API_GWV2_ACCESS_LOGS_ENABLED", "CKV_AWS_76", "AVD-AWS-0001", "AwsSolutions-APIG1",
			"apigatewayv2_api_access_logging_enabled",
		},
		types: []string{stageType},
		one:   stageAccessLog,
	},
	{
		ID:       "stage-log-refusals",
		Title:    "access logs say why a token was refused",
		Fix:      "put $context.authorizer.error into the format",
		URL:      "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html",
		Severity: Low,
		types:    []string{stageType},
		one:      stageLogRefusals,
	},
	{
		ID:        "cors-any-origin",
		Title:     "no origin may call with the credentials of a browser unless it is named",
		Fix:       "name the origins, or leave allowCredentials out: bearer tokens do not need it",
		URL:       "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html",
		Severity:  High,
		Mandatory: true,
		types:     []string{apiType},
		one:       corsAnyOrigin,
	},
}

func routeAuthorization(r Resource) []string {
	if r.Type == apiType {
		return quickRoute(r)
	}
	key, kind := r.at("routeKey"), r.at("authorizationType")
	if !kind.known || isMessage(key.text()) {
		return nil
	}
	if kind.text() != "" && kind.text() != "NONE" {
		return nil
	}
	message := "anybody may call " + described(key) + ", authorizationType: " + orUnset(kind)
	if !r.at("authorizerId").unset() {
		message += "; its authorizerId changes nothing"
	}
	return []string{message}
}

// quickRoute is the $default route that API Gateway makes of an API with a target.
// It has no authorizer.
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis.html
func quickRoute(r Resource) []string {
	if r.at("target").unset() {
		return nil
	}
	return []string{"anybody may call the route that an API with a target has"}
}

func routeDeclared(r Resource) []string {
	if r.at("body").unset() {
		return nil
	}
	return []string{"body: routes of an OpenAPI document are not judged"}
}

// isMessage reports whether the key is of a message in a WebSocket API, which
// only asks who calls when a connection is opened. $default is the key of either,
// and is judged as that of an HTTP API.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-control-access.html
func isMessage(key string) bool {
	return key != "" && key != "$default" && key != "$connect" && !strings.Contains(key, " ")
}

func routeScopes(r Resource) []string {
	scopes := r.at("authorizationScopes")
	if r.at("authorizationType").text() != "JWT" || !scopes.known || len(scopes.items()) > 0 {
		return nil
	}
	return []string{"any token for the audience may call " + described(r.at("routeKey")) + ", an ID token too"}
}

// described names a route by its key, where that is known.
func described(key value) string {
	if key.text() == "" || key.secret {
		return "the route"
	}
	return key.text()
}

func orUnset(v value) string {
	if v.unset() {
		return "not set"
	}
	return v.got()
}

func stageThrottle(r Resource) []string {
	problems := throttleProblems("defaultRouteSettings", r.at("defaultRouteSettings"))
	for _, settings := range r.at("routeSettings").items() {
		problems = append(problems, throttleProblems("routeSettings of "+described(settings.at("routeKey")), settings)...)
	}
	return problems
}

func throttleProblems(where string, settings value) []string {
	var problems []string
	for _, name := range []string{"throttlingRateLimit", "throttlingBurstLimit"} {
		limit := settings.at(name)
		switch {
		case !limit.known || limit.number() > 0:
		case limit.unset():
			problems = append(problems, fmt.Sprintf("%s: %s: not set", where, name))
		default:
			problems = append(problems, fmt.Sprintf("%s: %s: %s, with which every request is refused", where, name, limit.got()))
		}
	}
	return problems
}

func stageAccessLog(r Resource) []string {
	destination := r.at("accessLogSettings", "destinationArn")
	if !destination.known || destination.text() != "" {
		return nil
	}
	return []string{"accessLogSettings: not set"}
}

func stageLogRefusals(r Resource) []string {
	format := r.at("accessLogSettings", "format")
	if !format.known || format.unset() || strings.Contains(format.text(), "$context.authorizer.error") {
		return nil
	}
	return []string{"accessLogSettings: format: without $context.authorizer.error a 401 has no reason"}
}

func corsAnyOrigin(r Resource) []string {
	cors := r.at("corsConfiguration")
	if !cors.at("allowCredentials").isTrue() {
		return nil
	}
	var problems []string
	for _, origin := range cors.at("allowOrigins").items() {
		if slices.Contains([]string{"*", "https://*", "http://*"}, origin.text()) {
			problems = append(problems, "corsConfiguration: allowOrigins: "+origin.got()+" while allowCredentials is true")
		}
	}
	return problems
}
