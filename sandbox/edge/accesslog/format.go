// Package accesslog renders the access log lines of HTTP APIs. It knows the
// $context variables and the rules of a format, and nothing of requests, so
// that the control plane can validate with it what the data plane renders.
package accesslog

import (
	"errors"
	"fmt"
	"strings"
)

// MaxFormatBytes is the quota of an access log template.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const MaxFormatBytes = 3 * 1024

// unset is what a variable without a value renders as. AWS shows it in its
// examples of lines but does not document it for each variable (a guess).
const unset = "-"

// reference starts a variable.
const reference = "$context"

// Format is a parsed access log format. It is immutable and safe for
// concurrent use.
type Format struct {
	parts   []part
	size    int
	unknown []string
}

// part is literal text, or a variable when name is set.
type part struct {
	text string
	name string // without "$context."
}

// Refusals of formats that are told apart, for AWS has a text for each.
var (
	ErrLines       = errors.New("got a line break, want a single line, which a line feed may end")
	ErrNoRequestID = errors.New("got neither $context.requestId nor $context.extendedRequestId, want at least one")
)

// ParseFormat parses the format of a stage's access log settings. It must be
// one line of at most [MaxFormatBytes] that contains $context.requestId or
// $context.extendedRequestId; line feeds may end it, and are not rendered (a
// guess). Errors are, or wrap, [ErrLines] and [ErrNoRequestID].
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
//
// Unknown variables are no error here, for what AWS does about them is not
// documented: they render as "-" and [Format.Unknown] lists them.
func ParseFormat(format string) (*Format, error) {
	if len(format) > MaxFormatBytes {
		return nil, fmt.Errorf("access log format: got %d bytes, want at most %d", len(format), MaxFormatBytes)
	}
	format = strings.TrimRight(format, "\n")
	if strings.ContainsAny(format, "\r\n") {
		return nil, fmt.Errorf("access log format: %w", ErrLines)
	}
	f := &Format{size: len(format)}
	hasRequestID := false
	for rest := format; rest != ""; {
		text, after, found := strings.Cut(rest, reference)
		if !found {
			f.parts = append(f.parts, part{text: rest})
			break
		}
		name := ""
		if dotted, ok := strings.CutPrefix(after, "."); ok {
			name = scanName(dotted)
		}
		if name == "" {
			f.parts = append(f.parts, part{text: text + reference})
			f.unknown = append(f.unknown, reference)
			rest = after
			continue
		}
		if text != "" {
			f.parts = append(f.parts, part{text: text})
		}
		f.parts = append(f.parts, part{name: name})
		if !KnownVariable(name) {
			f.unknown = append(f.unknown, reference+"."+name)
		}
		hasRequestID = hasRequestID || name == "requestId" || name == "extendedRequestId"
		rest = after[1+len(name):]
	}
	if !hasRequestID {
		return nil, fmt.Errorf("access log format %q: %w", format, ErrNoRequestID)
	}
	return f, nil
}

// Unknown lists the variables of the format that HTTP APIs do not have, as
// they are written there, "$context" itself among them.
func (f *Format) Unknown() []string { return f.unknown }

// Render writes a line, asking value for each variable by its name without
// "$context.". An empty value renders as "-". Values are not escaped: a quote
// in a user agent ends up in the line as it is, as it does on AWS (a guess).
func (f *Format) Render(value func(name string) string) string {
	var line strings.Builder
	line.Grow(2 * f.size)
	for _, p := range f.parts {
		if p.name == "" {
			line.WriteString(p.text)
			continue
		}
		v := ""
		if KnownVariable(p.name) {
			v = value(p.name)
		}
		if v == "" {
			v = unset
		}
		line.WriteString(v)
	}
	return line.String()
}

// scanName returns the variable name at the start of s: letters, digits,
// underscores, and dots and colons that another name character follows (as in
// authorizer.claims.cognito:username, or a sentence's full stop after a name).
func scanName(s string) string {
	i := 0
	for i < len(s) {
		joins := s[i] == '.' || (s[i] == ':' && strings.HasPrefix(s, claimsPrefix))
		if !nameByte(s[i]) && (i == 0 || !joins || i+1 >= len(s) || !nameByte(s[i+1])) {
			break
		}
		i++
	}
	return s[:i]
}

func nameByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
