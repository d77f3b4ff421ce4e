package apigateway

import (
	"regexp"
	"strings"
)

// contextVariables are the variables of an access log format that have fixed
// names, see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html.
var contextVariables = makeSet(`accountId apiId authorizer awsEndpointRequestId awsEndpointRequestId2
	customDomain.basePathMatched dataProcessed domainName domainPrefix
	error.message error.messageString error.responseType extendedRequestId httpMethod
	identity.accountId identity.caller identity.cognitoAuthenticationProvider identity.cognitoAuthenticationType
	identity.cognitoIdentityId identity.cognitoIdentityPoolId identity.principalOrgId
	identity.clientCert.clientCertPem identity.clientCert.subjectDN identity.clientCert.issuerDN
	identity.clientCert.serialNumber identity.clientCert.validity.notBefore identity.clientCert.validity.notAfter
	identity.sourceIp identity.user identity.userAgent identity.userArn
	integration.error integration.integrationStatus integration.latency integration.requestId integration.status
	integrationErrorMessage integrationLatency integrationStatus path protocol
	requestId requestTime requestTimeEpoch responseLatency responseLength routeKey stage status`)

func makeSet(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}

var (
	contextReference = regexp.MustCompile(`\$context(\.[A-Za-z0-9_.:/-]*)?`)
	logDestination   = regexp.MustCompile(`^arn:aws[a-z-]*:logs:([a-z0-9-]+):(\d{12}):log-group:(.+)$`)
	logGroupName     = regexp.MustCompile(`^[a-zA-Z0-9_/.#-]+$`)
)

// knownVariable returns the context variable that text, which follows
// "$context.", begins with, or "". Authorizers add properties of any name.
func knownVariable(text string) string {
	if strings.HasPrefix(text, "authorizer.") {
		if name := strings.TrimRight(text, ".:/-"); name != "authorizer" {
			return name
		}
	}
	// No fixed name holds one of these, so they are text behind it.
	end := strings.IndexAny(text, "-:/")
	if end < 0 {
		end = len(text)
	}
	if name := strings.TrimRight(text[:end], "."); contextVariables[name] {
		return name
	}
	return ""
}

// CheckLogFormat refuses an access log format that API Gateway would refuse.
// The text about lines is AWS's (public reports quote it); that an unknown
// variable is refused, rather than logged as "-", is a guess.
func CheckLogFormat(format string) error {
	if len(format) > maxLogFormat {
		return badRequest("Invalid access log format: got %d bytes, want at most %d", len(format), maxLogFormat)
	}
	if strings.ContainsAny(strings.TrimRight(format, "\n"), "\n\r") {
		return badRequest("Access Log format must be single line, new line character is allowed only at end of the format")
	}
	hasID := false
	for _, found := range contextReference.FindAllStringSubmatch(format, -1) {
		name := knownVariable(strings.TrimPrefix(found[1], "."))
		if name == "" {
			return badRequest("Invalid access log format: %s is not a context variable of HTTP APIs", found[0])
		}
		hasID = hasID || name == "requestId" || name == "extendedRequestId"
	}
	if !hasID {
		return badRequest("Access Log format must include at least $context.requestId or $context.extendedRequestId")
	}
	return nil
}

// checkDestination refuses a destination that no access log can be written to
// and returns nil only for an existing log group of this account and region.
// The text about characters is AWS's: it is what the ":*" at the end of some
// log group ARNs meets.
func (s *Service) checkDestination(arn string) error {
	parts := logDestination.FindStringSubmatch(arn)
	if parts == nil {
		return badRequest("Invalid ARN specified in the request. ARNs must start with 'arn:' and contain at least 6 elements separated by colons. Got '%s', want arn:aws:logs:REGION:ACCOUNT:log-group:NAME", arn)
	}
	region, account, name := parts[1], parts[2], parts[3]
	if !logGroupName.MatchString(name) {
		return badRequest("Access Log destination must only contain characters a-z, A-Z, 0-9, '_', '-', '/', '.': '%s'", name)
	}
	if region != s.Region || account != s.Account {
		return badRequest("Access Log destination must be in region %s of account %s: '%s'", s.Region, s.Account, arn)
	}
	if !s.Logs.HasGroup(name) {
		return badRequest("Access Log destination log group does not exist: '%s'", name)
	}
	return nil
}

// enableLogging checks access log settings and lets API Gateway write there,
// as AWS does when a stage is given a log group.
func (s *Service) enableLogging(settings *AccessLogSettings) error {
	if settings == nil {
		return nil
	}
	if settings.DestinationARN == "" || settings.Format == "" {
		return badRequest("Invalid access log settings: destinationArn and format are both required")
	}
	if err := s.checkDestination(settings.DestinationARN); err != nil {
		return err
	}
	if err := CheckLogFormat(settings.Format); err != nil {
		return err
	}
	if err := s.Logs.AllowDelivery(settings.DestinationARN); err != nil {
		return badRequest("%v", err)
	}
	return nil
}
