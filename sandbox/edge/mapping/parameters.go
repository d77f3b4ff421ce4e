package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
)

// Action is what a mapping does to its parameter.
type Action string

// The three actions of parameter mappings.
const (
	Append    Action = "append"
	Overwrite Action = "overwrite"
	Remove    Action = "remove"
)

// Target is what a mapping changes.
type Target string

// The four targets of parameter mappings.
const (
	TargetHeader      Target = "header"
	TargetQueryString Target = "querystring"
	TargetPath        Target = "path"
	TargetStatus      Target = "statuscode"
)

// Parameter is one parsed mapping.
type Parameter struct {
	Action Action
	Target Target
	Name   string // of the header (canonical) or the query string
	Value  Expression
}

// ParseRequest parses the requestParameters of an HTTP_PROXY integration, in
// a stable order. It returns every problem at once.
func ParseRequest(parameters map[string]string) ([]Parameter, error) {
	return parse(parameters, requestSide)
}

// ParseResponse parses the responseParameters of one status code.
func ParseResponse(parameters map[string]string) ([]Parameter, error) {
	return parse(parameters, responseSide)
}

func parse(parameters map[string]string, s side) ([]Parameter, error) {
	var parsed []Parameter
	var errs []error
	for _, key := range slices.SortedFunc(maps.Keys(parameters), cmp.Compare[string]) {
		p, err := parseKey(key, s)
		if err == nil && p.Action != Remove {
			p.Value, err = parseExpression(parameters[key], s)
		}
		if err == nil && p.Target == TargetStatus {
			err = validStatus(parameters[key])
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("parameter %q: %w", key, err))
			continue
		}
		parsed = append(parsed, p)
	}
	return parsed, errors.Join(errs...)
}

// ReservedError refuses a mapping of a header that may not be mapped.
type ReservedError struct {
	// Header is its name as it was given.
	Header string
}

func (e *ReservedError) Error() string {
	return "header " + e.Header + " is reserved and cannot be mapped"
}

// parseKey parses "action:target" or "action:target.name".
func parseKey(key string, s side) (Parameter, error) {
	action, rest, _ := strings.Cut(key, ":")
	target, name, _ := strings.Cut(rest, ".")
	p := Parameter{Action: Action(action), Target: Target(target), Name: name}
	switch {
	case p.Action != Append && p.Action != Overwrite && p.Action != Remove:
		return p, fmt.Errorf("got action %q, want append, overwrite or remove", action)
	case s == requestSide && rest == string(TargetPath) && p.Action == Overwrite:
		return p, nil
	case s == responseSide && rest == string(TargetStatus) && p.Action == Overwrite:
		return p, nil
	case p.Target == TargetHeader && isToken(name):
		p.Name = textproto.CanonicalMIMEHeaderKey(name)
		if isReserved(p.Name) {
			return p, &ReservedError{name}
		}
		return p, nil
	case p.Target == TargetQueryString && s == requestSide && isToken(name):
		return p, nil
	}
	want := "header.<name>, querystring.<name> or overwrite:path"
	if s == responseSide {
		want = "header.<name> or overwrite:statuscode"
	}
	return p, fmt.Errorf("got target %q, want %s", rest, want)
}

// isToken reports whether name can be the name of a header (RFC 9110, section
// 5.6.2). That names in query strings may have the same characters is a guess.
func isToken(name string) bool {
	for i := range len(name) {
		if !nameByte(name[i]) && !strings.ContainsRune("!#$%&'*+^`|~", rune(name[i])) {
			return false
		}
	}
	return name != ""
}

func validStatus(value string) error {
	status, err := strconv.Atoi(value)
	if err != nil || status < 200 || status > 599 {
		return fmt.Errorf("got status code %q, want a number from 200 to 599", value)
	}
	return nil
}

// reserved headers, and prefixes of reserved headers, in lower case.
var (
	reserved = map[string]bool{
		"authorization": true, "connection": true, "content-encoding": true, "content-length": true,
		"content-location": true, "forwarded": true, "keep-alive": true, "origin": true,
		"proxy-authenticate": true, "proxy-authorization": true, "te": true, "trailers": true,
		"transfer-encoding": true, "upgrade": true, "x-forwarded-for": true, "x-forwarded-host": true,
		"x-forwarded-proto": true, "via": true,
	}
	reservedPrefixes = []string{"access-control-", "apigw-", "x-amz-", "x-amzn-"}
)

// isReserved reports whether a header may not be mapped, in any letter case.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html#http-api-mapping-reserved-headers
func isReserved(header string) bool {
	header = strings.ToLower(header)
	return reserved[header] || slices.ContainsFunc(reservedPrefixes, func(p string) bool { return strings.HasPrefix(header, p) })
}
