package mapping

import (
	"fmt"
	"strings"
)

// ParseURI parses the URI of an HTTP_PROXY integration, which may hold path
// variables of the route as {name} or {name+}, and ${stageVariables.name}.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-http.html
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-stages.stage-variables.html
func ParseURI(uri string) (Expression, error) {
	var e Expression
	for rest := uri; rest != ""; {
		start := strings.IndexByte(rest, '{')
		if start < 0 {
			e.terms = append(e.terms, term{text: rest})
			break
		}
		end := strings.IndexByte(rest[start:], '}')
		if end < 0 {
			return Expression{}, fmt.Errorf("integration URI %q: a brace is not closed", uri)
		}
		text, name := rest[:start], rest[start+1:start+end]
		rest = rest[start+end+1:]
		t := term{ref: true, kind: URIPathVariable, name: strings.TrimSuffix(name, "+")}
		if before, ok := strings.CutSuffix(text, "$"); ok {
			text = before
			t.kind = StageVariable
			t.name, ok = strings.CutPrefix(name, "stageVariables.")
			if !ok {
				return Expression{}, fmt.Errorf("integration URI %q: got ${%s}, want ${stageVariables.name}", uri, name)
			}
		}
		if !validName(t.name) {
			return Expression{}, fmt.Errorf("integration URI %q: got {%s}, want the name of a path variable", uri, name)
		}
		if text != "" {
			e.terms = append(e.terms, term{text: text})
		}
		e.terms = append(e.terms, t)
	}
	return e, nil
}

// References lists the names of a kind that the expression refers to.
func (e Expression) References(kind Kind) []string {
	var names []string
	for _, t := range e.terms {
		if t.ref && t.kind == kind {
			names = append(names, t.name)
		}
	}
	return names
}
