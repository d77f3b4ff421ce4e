package logs

import (
	"fmt"
	"regexp"
	"strings"
)

// plain reports whether a value is one that an asterisk alone stands for:
// { $.latency = * } is the documentation's, on a number. That it is not of null,
// lists and objects is a guess.
func plain(value any) bool {
	switch value.(type) {
	case string, float64, bool:
		return true
	}
	return false
}

// regex reads a regular expression, which matches text only (a guess).
func (p *fieldParser) regex(path []step, operator string) (condition, error) {
	re, rest, err := takeRegex(p.rest)
	if err != nil {
		return nil, err
	}
	p.rest = rest
	p.filter.regexes++
	return compare(path, operator, re.String(), re.MatchString)
}

// compareText compares with a text in which asterisks stand for anything.
func (p *fieldParser) compareText(path []step, operator, text string) (condition, error) {
	parts := strings.Split(text, "*")
	if operator == "=" {
		for i, part := range parts {
			if i == 0 {
				part = `"` + part
			}
			if verbatim.MatchString(part) {
				p.needs = append(p.needs, part)
			}
		}
	}
	return compare(path, operator, text, func(field string) bool { return glob(parts, field) })
}

func compare(path []step, operator, text string, like func(string) bool) (condition, error) {
	if operator != "=" && operator != "!=" {
		return nil, fmt.Errorf("got %s with the text %q, want = or !=", operator, text)
	}
	return func(d any) bool {
		got, _ := lookup(d, path)
		field, ok := got.(string)
		return ok && like(field) == (operator == "=")
	}, nil
}

// glob reports whether text is the parts with anything between them.
func glob(parts []string, text string) bool {
	last := len(parts) - 1
	if last == 0 {
		return text == parts[0]
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1:last] {
		if _, text, ok = strings.Cut(text, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(text, parts[last])
}

// verbatim is what stands in JSON as it is, unless something there is escaped: the
// beginning of a text, or a part of one.
var verbatim = regexp.MustCompile(`^(?:"[ !#-\[\]-~]+|[ !#-\[\]-~]+)$`)

// mayHold reports whether a message can have all texts that a pattern needs. It
// is much quicker than reading the message, and most are not looked for.
func mayHold(message string, needs []string) bool {
	if len(needs) == 0 || strings.Contains(message, `\`) {
		return true
	}
	for _, text := range needs {
		if !strings.Contains(message, text) {
			return false
		}
	}
	return true
}
