package logs

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ParseFilter reads a filter pattern and returns what it matches: terms
// (error, "two words", -not, ?or) or a condition on the fields of a JSON
// message, as { $.status = "4*" && $.path != "/health" }. The grammar is that of
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html;
// its space-delimited patterns and regular expressions are not implemented.
func ParseFilter(pattern string) (matches func(message string) bool, err error) {
	trimmed := strings.TrimSpace(pattern)
	switch {
	case strings.HasPrefix(trimmed, "{"):
		return parseFields(trimmed)
	case strings.HasPrefix(trimmed, "["):
		return nil, errors.New("space-delimited patterns are not implemented by the sandbox")
	}
	return parseTerms(trimmed)
}

// parseTerms reads a pattern of terms. Terms with "?" count only when there
// are no others, as the documentation says.
func parseTerms(pattern string) (func(string) bool, error) {
	var wanted, unwanted, optional []string
	for rest := pattern; rest != ""; rest = strings.TrimLeft(rest, " \t") {
		list := &wanted
		switch rest[0] {
		case '-':
			list, rest = &unwanted, rest[1:]
		case '?':
			list, rest = &optional, rest[1:]
		case '%':
			return nil, errors.New("regular expressions are not implemented by the sandbox")
		}
		var term string
		if strings.HasPrefix(rest, `"`) {
			var err error
			if term, rest, err = quoted(rest); err != nil {
				return nil, err
			}
		} else {
			end := strings.IndexAny(rest, " \t\"")
			if end < 0 {
				end = len(rest)
			}
			term, rest = rest[:end], rest[end:]
		}
		if term == "" {
			return nil, fmt.Errorf("got an empty term in %q", pattern)
		}
		*list = append(*list, term)
	}
	return func(message string) bool {
		for _, term := range wanted {
			if !strings.Contains(message, term) {
				return false
			}
		}
		for _, term := range unwanted {
			if strings.Contains(message, term) {
				return false
			}
		}
		for _, term := range optional {
			if strings.Contains(message, term) {
				return true
			}
		}
		return len(optional) == 0 || len(wanted)+len(unwanted) > 0
	}, nil
}

// quoted takes a string in double quotes off the front of s.
func quoted(s string) (text, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], nil
		case '\\':
			i++
			if i == len(s) {
				return "", "", errors.New("got a backslash at the end")
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", fmt.Errorf("got an open quote in %q", s)
}

func parseFields(pattern string) (func(string) bool, error) {
	p := &fieldParser{rest: pattern[1:]}
	condition, err := p.or()
	if err != nil {
		return nil, err
	}
	if !p.take("}") || strings.TrimSpace(p.rest) != "" {
		return nil, fmt.Errorf("got %q, want && or || or the closing brace", p.rest)
	}
	return func(message string) bool {
		var document any
		d := json.NewDecoder(strings.NewReader(message))
		if d.Decode(&document) != nil || d.More() {
			return false
		}
		return condition(document)
	}, nil
}
