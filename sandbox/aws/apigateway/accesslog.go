package apigateway

import (
	"errors"
	"regexp"

	"github.com/entragate/entragate/sandbox/edge/accesslog"
)

var (
	logDestination = regexp.MustCompile(`^arn:aws[a-z-]*:logs:([a-z0-9-]+):(\d{12}):log-group:(.+)$`)
	logGroupName   = regexp.MustCompile(`^[a-zA-Z0-9_/.#-]+$`)
)

// checkLogFormat refuses an access log format that API Gateway would refuse.
// The texts about lines and the request id are AWS's (public reports quote
// them); that an unknown variable is refused, rather than logged as "-", is a
// guess.
func checkLogFormat(format string) error {
	parsed, err := accesslog.ParseFormat(format)
	switch {
	case errors.Is(err, accesslog.ErrLines):
		return badRequest("Access Log format must be single line, new line character is allowed only at end of the format")
	case errors.Is(err, accesslog.ErrNoRequestID):
		return badRequest("Access Log format must include at least $context.requestId or $context.extendedRequestId")
	case err != nil:
		return badRequest("Invalid %v", err)
	}
	if unknown := parsed.Unknown(); len(unknown) > 0 {
		return badRequest("Invalid access log format: %s is not a context variable of HTTP APIs", unknown[0])
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
	if err := checkLogFormat(settings.Format); err != nil {
		return err
	}
	if err := s.Logs.AllowDelivery(settings.DestinationARN); err != nil {
		return badRequest("%v", err)
	}
	return nil
}
