package apigateway

import (
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/wire"
	"github.com/entragate/entragate/sandbox/edge/accesslog"
	"github.com/entragate/entragate/sandbox/edge/mapping"
)

func checkRequestParameters(parameters map[string]string) error {
	parsed, err := mapping.ParseRequest(parameters)
	return checkMappings(parsed, err)
}

func checkResponseParameters(parameters map[string]map[string]string) error {
	for status, mappings := range parameters {
		if n, err := strconv.Atoi(status); err != nil || n < 200 || n > 599 {
			return badRequest("Invalid responseParameters: got the selection key %q, want an HTTP status code of 200 to 599", status)
		}
		parsed, err := mapping.ParseResponse(mappings)
		if err := checkMappings(parsed, err); err != nil {
			return err
		}
	}
	return nil
}

// checkMappings answers what parsing came to, and refuses context variables
// that HTTP APIs do not have.
func checkMappings(parsed []mapping.Parameter, err error) error {
	var reserved *mapping.ReservedError
	switch {
	case errors.Is(err, mapping.ErrBody):
		return wire.NotImplemented("parameter mapping from a request or response body")
	case errors.As(err, &reserved):
		return invalidMapping("Operations on header " + strings.ToLower(reserved.Header) + " are restricted")
	case err != nil:
		return invalidMapping(strings.ReplaceAll(err.Error(), "\n", ", "))
	}
	for _, p := range parsed {
		for _, name := range p.Value.References(mapping.Context) {
			if !accesslog.KnownVariable(name) {
				return invalidMapping("got the value $context." + name + ", want a context variable of HTTP APIs")
			}
		}
	}
	return nil
}

// invalidMapping has the frame that AWS puts around such errors, see
// https://github.com/hashicorp/terraform-provider-aws/pull/17997.
func invalidMapping(what string) error {
	return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [%s]", what)
}

// checkBackend refuses what is not a URL once the variables are filled in.
func checkBackend(uri string) error {
	parsed, err := mapping.ParseURI(uri)
	if err != nil {
		return badRequest("Invalid HTTP endpoint specified for URI: %s", uri)
	}
	filled, _ := parsed.Eval(func(mapping.Kind, string) (string, bool) { return "x", true })
	u, err := url.Parse(filled)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || strings.ContainsAny(filled, "{} ") {
		return badRequest("Invalid HTTP endpoint specified for URI: %s", uri)
	}
	return nil
}
