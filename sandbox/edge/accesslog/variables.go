package accesslog

import "strings"

const (
	authorizerPrefix = "authorizer."
	claimsPrefix     = "authorizer.claims."
)

// variables is the complete list of HTTP APIs, without the open-ended
// $context.authorizer.<property> and $context.authorizer.claims.<property>.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
var variables = map[string]bool{
	"accountId":                              true,
	"apiId":                                  true,
	"authorizer.claims":                      true, // always unset: only its properties hold values
	"authorizer.error":                       true,
	"authorizer.principalId":                 true,
	"awsEndpointRequestId":                   true,
	"awsEndpointRequestId2":                  true,
	"customDomain.basePathMatched":           true,
	"dataProcessed":                          true,
	"domainName":                             true,
	"domainPrefix":                           true,
	"error.message":                          true,
	"error.messageString":                    true,
	"error.responseType":                     true,
	"extendedRequestId":                      true,
	"httpMethod":                             true,
	"identity.accountId":                     true,
	"identity.caller":                        true,
	"identity.clientCert.clientCertPem":      true,
	"identity.clientCert.issuerDN":           true,
	"identity.clientCert.serialNumber":       true,
	"identity.clientCert.subjectDN":          true,
	"identity.clientCert.validity.notAfter":  true,
	"identity.clientCert.validity.notBefore": true,
	"identity.cognitoAuthenticationProvider": true,
	"identity.cognitoAuthenticationType":     true,
	"identity.cognitoIdentityId":             true,
	"identity.cognitoIdentityPoolId":         true,
	"identity.principalOrgId":                true,
	"identity.sourceIp":                      true,
	"identity.user":                          true,
	"identity.userAgent":                     true,
	"identity.userArn":                       true,
	"integration.error":                      true,
	"integration.integrationStatus":          true,
	"integration.latency":                    true,
	"integration.requestId":                  true,
	"integration.status":                     true,
	"integrationErrorMessage":                true,
	"integrationLatency":                     true,
	"integrationStatus":                      true,
	"path":                                   true,
	"protocol":                               true,
	"requestId":                              true,
	"requestTime":                            true,
	"requestTimeEpoch":                       true,
	"responseLatency":                        true,
	"responseLength":                         true,
	"routeKey":                               true,
	"stage":                                  true,
	"status":                                 true,
}

// restOnly are authorizer variables of REST APIs that HTTP APIs lack. They
// would otherwise pass for a property that a Lambda authorizer returned.
var restOnly = map[string]bool{
	"authorizer.integrationLatency": true,
	"authorizer.integrationStatus":  true,
	"authorizer.latency":            true,
	"authorizer.requestId":          true,
	"authorizer.status":             true,
}

// KnownVariable reports whether HTTP APIs have the variable. The name is
// given without "$context.".
func KnownVariable(name string) bool {
	if variables[name] {
		return true
	}
	if claim, ok := strings.CutPrefix(name, claimsPrefix); ok {
		return claim != ""
	}
	property, ok := strings.CutPrefix(name, authorizerPrefix)
	return ok && property != "" && !strings.Contains(property, ".") && !restOnly[name]
}

// Claim returns the claim that a variable names, as in
// "authorizer.claims.sub". ok is false for every other variable.
func Claim(name string) (claim string, ok bool) {
	claim, ok = strings.CutPrefix(name, claimsPrefix)
	return claim, ok && claim != ""
}
