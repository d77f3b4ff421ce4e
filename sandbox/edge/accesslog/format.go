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

// prefix starts a variable.
const prefix = "$context."

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

// ParseFormat parses the format of a stage's access log settings. It must be
// one line of at most [MaxFormatBytes] that contains $context.requestId or
// $context.extendedRequestId.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
//
// Unknown variables are no error here, for what AWS does about them is not
// documented: they render as "-" and [Format.Unknown] lists them.
func ParseFormat(format string) (*Format, error) {
	switch {
	case format == "":
		return nil, errors.New("access log format: got an empty string, want one line that contains $context.requestId")
	case len(format) > MaxFormatBytes:
		return nil, fmt.Errorf("access log format: got %d bytes, want at most %d", len(format), MaxFormatBytes)
	case strings.ContainsAny(format, "\r\n"):
		return nil, errors.New("access log format: got a line break, want a single line")
	}
	f := &Format{size: len(format)}
	hasRequestID := false
	for rest := format; rest != ""; {
		start := strings.Index(rest, prefix)
		if start < 0 {
			f.parts = append(f.parts, part{text: rest})
			break
		}
		name := scanName(rest[start+len(prefix):])
		if name == "" {
			end := start + len(prefix)
			f.parts = append(f.parts, part{text: rest[:end]})
			rest = rest[end:]
			continue
		}
		if start > 0 {
			f.parts = append(f.parts, part{text: rest[:start]})
		}
		f.parts = append(f.parts, part{name: name})
		if !KnownVariable(name) {
			f.unknown = append(f.unknown, prefix+name)
		}
		hasRequestID = hasRequestID || name == "requestId" || name == "extendedRequestId"
		rest = rest[start+len(prefix)+len(name):]
	}
	if !hasRequestID {
		return nil, fmt.Errorf("access log format: got %q, want it to contain $context.requestId", format)
	}
	return f, nil
}

// Unknown lists the variables of the format that HTTP APIs do not have, as
// they are written there.
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
