// Package mapping parses and evaluates the parameter mappings of HTTP API
// integrations. It knows nothing of the control plane, so that the control
// plane can validate with it what the data plane evaluates.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html
package mapping

import (
	"errors"
	"fmt"
	"strings"
)

// Kind is where the value of a reference comes from.
type Kind int

// The sources of values. Bodies, which are another on AWS, are not implemented,
// see [ErrBody].
const (
	Header          Kind = iota // $request.header.name
	QueryString                 // $request.querystring.name
	Path                        // $request.path, without the stage name
	PathParameter               // $request.path.name
	Context                     // $context.name
	StageVariable               // $stageVariables.name
	ResponseHeader              // $response.header.name
	URIPathVariable             // {name} or {name+}, in integration URIs only
)

// Lookup returns the value of a reference, and whether there is one.
type Lookup func(kind Kind, name string) (string, bool)

// Expression is a parsed value: text, references, or a mixture. It is
// immutable and safe for concurrent use.
type Expression struct{ terms []term }

// term is literal text, or a reference when ref is set.
type term struct {
	text string
	ref  bool
	kind Kind
	name string
}

// Eval returns the value. ok is false when nothing but references is in the
// expression and none of them has a value: AWS then makes no change (a guess).
func (e Expression) Eval(lookup Lookup) (value string, ok bool) {
	if len(e.terms) == 1 && !e.terms[0].ref {
		return e.terms[0].text, true
	}
	var b strings.Builder
	for _, t := range e.terms {
		if !t.ref {
			b.WriteString(t.text)
			ok = true
			continue
		}
		if v, found := lookup(t.kind, t.name); found {
			b.WriteString(v)
			ok = true
		}
	}
	return b.String(), ok
}

// side tells which sources an expression may use.
type side int

const (
	requestSide side = iota
	responseSide
)

// parseExpression parses a value. References are written $source or ${source};
// several in one value need the braces, since a name without them ends only at
// a character that cannot be in it.
func parseExpression(value string, s side) (Expression, error) {
	var e Expression
	for rest := value; rest != ""; {
		start := strings.IndexByte(rest, '$')
		if start < 0 {
			e.terms = append(e.terms, term{text: rest})
			break
		}
		if start > 0 {
			e.terms = append(e.terms, term{text: rest[:start]})
		}
		rest = rest[start+1:]
		var source string
		if strings.HasPrefix(rest, "{") {
			end := strings.IndexByte(rest, '}')
			if end < 0 {
				return Expression{}, fmt.Errorf("mapping value %q: a brace is not closed", value)
			}
			source, rest = rest[1:end], rest[end+1:]
		} else {
			end := 0
			for end < len(rest) && nameByte(rest[end]) {
				end++
			}
			// A full stop at the end belongs to the text around it.
			source = strings.TrimRight(rest[:end], ".")
			rest = rest[len(source):]
		}
		t, err := parseSource(source, s)
		if err != nil {
			return Expression{}, fmt.Errorf("mapping value %q: %w", value, err)
		}
		e.terms = append(e.terms, t)
	}
	if len(e.terms) == 0 {
		e.terms = []term{{}}
	}
	return e, nil
}

// ErrBody refuses $request.body and $response.body: AWS has them, this package
// has not.
var ErrBody = errors.New("mapping from a body is not implemented")

// bodies are where the bodies are on each side.
var bodies = map[side]string{requestSide: "request.body", responseSide: "response.body"}

// parseSource parses what follows the dollar sign.
func parseSource(source string, s side) (term, error) {
	if source == bodies[s] || strings.HasPrefix(source, bodies[s]+".") {
		return term{}, ErrBody
	}
	if source == "request.path" && s == requestSide {
		return term{ref: true, kind: Path}, nil
	}
	prefixes := []struct {
		prefix string
		kind   Kind
		side   side
	}{
		{"request.header.", Header, requestSide},
		{"request.querystring.", QueryString, requestSide},
		{"request.path.", PathParameter, requestSide},
		{"response.header.", ResponseHeader, responseSide},
		{"context.", Context, s},
		{"stageVariables.", StageVariable, s},
	}
	for _, p := range prefixes {
		name, ok := strings.CutPrefix(source, p.prefix)
		if ok && p.side == s && validName(name) {
			return term{ref: true, kind: p.kind, name: name}, nil
		}
	}
	return term{}, fmt.Errorf("got source %q, want one such as %s", "$"+source, examples[s])
}

var examples = map[side]string{
	requestSide:  "$request.header.name, $request.querystring.name, $request.path.name, $context.name or $stageVariables.name",
	responseSide: "$response.header.name, $context.name or $stageVariables.name",
}

func validName(name string) bool {
	if name == "" {
		return false
	}
	for i := range len(name) {
		if !nameByte(name[i]) {
			return false
		}
	}
	return true
}

// nameByte reports whether c can be in the name of a source.
func nameByte(c byte) bool {
	return c == '.' || c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
