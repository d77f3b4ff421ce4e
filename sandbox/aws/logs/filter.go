package logs

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// message is what filters look at. All of them share one reading of its fields.
type message struct {
	text     string
	read     bool
	document any
	valid    bool
}

// fields is the message as JSON, if it is.
func (m *message) fields() (document any, ok bool) {
	if !m.read {
		m.read = true
		m.valid = json.Unmarshal([]byte(m.text), &m.document) == nil
	}
	return m.document, m.valid
}

// filter is a filter pattern.
type filter struct {
	matches   func(*message) bool
	selectors []selector // in the pattern
	regexes   int        // in the pattern
}

// selector is a field of a JSON message.
type selector struct {
	text string // such as $.status
	path []step
}

// selects returns the path of a field that the pattern names.
func (f *filter) selects(text string) ([]step, bool) {
	for _, s := range f.selectors {
		if s.text == text {
			return s.path, true
		}
	}
	return nil, false
}

// ParseFilter reads a filter pattern and returns what it matches: terms
// (error, "two words", -not, ?or), a regular expression (%4\d\d%) or a condition
// on the fields of a JSON message, as { $.status = "4*" && $.path != "/health" }.
// The grammar is that of
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html;
// its space-delimited patterns are not implemented.
func ParseFilter(pattern string) (matches func(message string) bool, err error) {
	f, err := parseFilter(pattern)
	if err != nil {
		return nil, err
	}
	return func(text string) bool { return f.matches(&message{text: text}) }, nil
}

func parseFilter(pattern string) (*filter, error) {
	trimmed := strings.TrimSpace(pattern)
	switch {
	case strings.HasPrefix(trimmed, "{"):
		return parseFields(trimmed)
	case strings.HasPrefix(trimmed, "["):
		return nil, errors.New("space-delimited patterns are not implemented by the sandbox")
	case strings.HasPrefix(trimmed, "%"):
		return parseRegexTerm(trimmed)
	}
	return parseTerms(trimmed)
}

// parseRegexTerm reads a pattern that is a regular expression. That none goes
// with other terms is a guess: the documentation shows it alone, or in fields.
func parseRegexTerm(pattern string) (*filter, error) {
	re, rest, err := takeRegex(pattern)
	if err != nil {
		return nil, err
	}
	if rest != "" {
		return nil, fmt.Errorf("got %q after a regular expression, want it alone", rest)
	}
	return &filter{matches: func(m *message) bool { return re.MatchString(m.text) }, regexes: 1}, nil
}

// parseTerms reads a pattern of terms. Terms with "?" count only when there
// are no others, as the documentation says.
func parseTerms(pattern string) (*filter, error) {
	var wanted, unwanted, optional []string
	for rest := pattern; rest != ""; rest = strings.TrimLeft(rest, " \t") {
		list := &wanted
		switch rest[0] {
		case '-':
			list, rest = &unwanted, rest[1:]
		case '?':
			list, rest = &optional, rest[1:]
		}
		if strings.HasPrefix(rest, "%") {
			return nil, fmt.Errorf("got %q, want a regular expression alone", rest)
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
	return &filter{matches: func(m *message) bool {
		for _, term := range wanted {
			if !strings.Contains(m.text, term) {
				return false
			}
		}
		for _, term := range unwanted {
			if strings.Contains(m.text, term) {
				return false
			}
		}
		for _, term := range optional {
			if strings.Contains(m.text, term) {
				return true
			}
		}
		return len(optional) == 0 || len(wanted)+len(unwanted) > 0
	}}, nil
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

func parseFields(pattern string) (*filter, error) {
	p := &fieldParser{rest: pattern[1:], filter: &filter{}}
	condition, err := p.or()
	if err != nil {
		return nil, err
	}
	if !p.take("}") || strings.TrimSpace(p.rest) != "" {
		return nil, fmt.Errorf("got %q, want && or || or the closing brace", p.rest)
	}
	if p.filter.regexes > maxRegexes {
		return nil, fmt.Errorf("got %d regular expressions, want at most %d", p.filter.regexes, maxRegexes)
	}
	p.filter.matches = func(m *message) bool {
		if !mayHold(m.text, p.needs) {
			return false
		}
		document, ok := m.fields()
		return ok && condition(document)
	}
	return p.filter, nil
}
