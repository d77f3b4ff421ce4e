package apigateway

import (
	"regexp"
	"strconv"
	"strings"
)

// The rules of parameter mapping are those of
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html.
var (
	requestKey  = regexp.MustCompile("^((append|overwrite|remove):(header|querystring)\\.([A-Za-z0-9!#$%&'*+.^_`|~-]+)|overwrite:path)$")
	responseKey = regexp.MustCompile("^((append|overwrite|remove):(header)\\.([A-Za-z0-9!#$%&'*+.^_`|~-]+)|overwrite:statuscode)$")

	requestValue  = regexp.MustCompile(`^(request\.(header|querystring|body|path|multivaluequerystring|multivalueheader)(\.[A-Za-z0-9_.-]+)?|stageVariables\.[A-Za-z0-9_]+)$`)
	responseValue = regexp.MustCompile(`^(response\.(header\.[A-Za-z0-9_.-]+|body(\.[A-Za-z0-9_.-]+)?)|stageVariables\.[A-Za-z0-9_]+)$`)

	// variable finds $name and ${name} in a value.
	variable = regexp.MustCompile(`\$\{([A-Za-z0-9_.-]+)\}|\$([A-Za-z][A-Za-z0-9_.-]*)`)
)

// reservedHeaders cannot be mapped; those that end in "-" are prefixes.
var reservedHeaders = []string{
	"access-control-", "apigw-", "authorization", "connection", "content-encoding", "content-length",
	"content-location", "forwarded", "keep-alive", "origin", "proxy-authenticate", "proxy-authorization",
	"te", "trailers", "transfer-encoding", "upgrade", "x-amz-", "x-amzn-", "x-forwarded-for",
	"x-forwarded-host", "x-forwarded-proto", "via",
}

// ReservedHeader reports whether parameter mapping may not touch a header.
func ReservedHeader(name string) bool {
	name = strings.ToLower(name)
	for _, reserved := range reservedHeaders {
		if name == reserved || strings.HasSuffix(reserved, "-") && strings.HasPrefix(name, reserved) {
			return true
		}
	}
	return false
}

func checkRequestParameters(parameters map[string]string) error {
	for key, value := range parameters {
		if err := checkMapping(requestKey.FindStringSubmatch(key), requestValue, key, value); err != nil {
			return err
		}
	}
	return nil
}

func checkResponseParameters(parameters map[string]map[string]string) error {
	for status, mappings := range parameters {
		if n, err := strconv.Atoi(status); err != nil || n < 200 || n > 599 {
			return badRequest("Invalid responseParameters: got the selection key %q, want an HTTP status code of 200 to 599", status)
		}
		for key, value := range mappings {
			if err := checkMapping(responseKey.FindStringSubmatch(key), responseValue, key, value); err != nil {
				return err
			}
			if n, err := strconv.Atoi(value); key == "overwrite:statuscode" && !strings.HasPrefix(value, "$") && (err != nil || n < 200 || n > 599) {
				return invalidMapping("got the status code " + strconv.Quote(value) + ", want 200 to 599")
			}
		}
	}
	return nil
}

// checkMapping checks one mapping. parts is what its key matched.
func checkMapping(parts []string, values *regexp.Regexp, key, value string) error {
	if parts == nil {
		return invalidMapping("got the key " + strconv.Quote(key) + ", want <action>:<location>.<name>")
	}
	action, location, name := parts[2], parts[3], parts[4]
	if location == "header" && ReservedHeader(name) {
		return invalidMapping("Operations on header " + strings.ToLower(name) + " are restricted")
	}
	if action == "remove" {
		return nil // the value is ignored; '' is the documented one
	}
	for _, found := range variable.FindAllStringSubmatch(value, -1) {
		name := found[1] + strings.TrimRight(found[2], ".-")
		if rest, ok := strings.CutPrefix(name, "context."); ok && knownVariable(rest) != "" {
			continue
		}
		if !values.MatchString(name) {
			return invalidMapping("got the value " + strconv.Quote(value) + " of " + key + ", want static text or a known variable")
		}
	}
	return nil
}

// invalidMapping has the frame that AWS puts around such errors, see
// https://github.com/hashicorp/terraform-provider-aws/pull/17997.
func invalidMapping(what string) error {
	return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [%s]", what)
}
