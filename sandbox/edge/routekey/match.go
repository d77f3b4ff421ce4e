package routekey

import (
	"net/url"
	"strings"
)

// Path is the path of a request, split for [Key.Match].
type Path struct{ escaped, decoded []string }

// ParsePath splits an escaped path. Segments are decoded after that, so that
// an encoded slash does not make two of them (a guess). One that cannot be
// decoded stays as it is.
func ParsePath(escaped string) Path {
	words := split(escaped)
	p := Path{words, words}
	if strings.Contains(escaped, "%") {
		p.decoded = make([]string, len(words))
		for i, word := range words {
			p.decoded[i] = unescape(word)
		}
	}
	return p
}

func unescape(segment string) string {
	decoded, err := url.PathUnescape(segment)
	if err != nil {
		return segment
	}
	return decoded
}

// Variable is what a variable of a key's path stands for in a request.
type Variable struct {
	Name    string
	Escaped string // as in the request, for URIs
	Value   string // decoded
}

// Match reports whether a path is of the key, whatever the method, and returns
// its variables. Variables match only what is not empty, so a path with a slash
// at its end is another path (a guess: AWS does not document it, but such
// requests are commonly reported as "Not Found").
func (k Key) Match(p Path) ([]Variable, bool) {
	if len(p.decoded) < len(k.segments) || (len(p.decoded) > len(k.segments) && !k.isGreedy()) {
		return nil, false
	}
	variables := 0
	for i, s := range k.segments {
		switch {
		case s.kind == static && s.text != p.decoded[i]:
			return nil, false
		case s.kind == variable && p.decoded[i] == "":
			return nil, false
		case s.kind == greedy && p.decoded[i] == "" && i == len(p.decoded)-1:
			return nil, false
		case s.kind != static:
			variables++
		}
	}
	if variables == 0 {
		return nil, true
	}
	found := make([]Variable, 0, variables)
	for i, s := range k.segments {
		switch s.kind {
		case static:
		case variable:
			found = append(found, Variable{s.text, p.escaped[i], p.decoded[i]})
		case greedy:
			found = append(found, Variable{s.text, strings.Join(p.escaped[i:], "/"), strings.Join(p.decoded[i:], "/")})
		}
	}
	return found, true
}
