package logs

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// condition is a part of a JSON filter pattern.
type condition func(document any) bool

// fieldParser reads a JSON filter pattern by recursive descent.
type fieldParser struct {
	rest   string
	filter *filter  // what was found so far
	needs  []string // texts without which nothing matches, see mayHold
}

func (p *fieldParser) space() { p.rest = strings.TrimLeft(p.rest, " \t") }

// take reads token if it comes next.
func (p *fieldParser) take(token string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, token)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *fieldParser) or() (condition, error) {
	needs := len(p.needs)
	left, err := p.and()
	for err == nil && p.take("||") {
		a, right := left, condition(nil)
		right, err = p.and()
		left = func(d any) bool { return a(d) || right(d) }
		p.needs = p.needs[:needs] // none of them on its own
	}
	return left, err
}

func (p *fieldParser) and() (condition, error) {
	left, err := p.single()
	for err == nil && p.take("&&") {
		a, right := left, condition(nil)
		right, err = p.single()
		left = func(d any) bool { return a(d) && right(d) }
	}
	return left, err
}

func (p *fieldParser) single() (condition, error) {
	if p.take("(") {
		inner, err := p.or()
		if err == nil && !p.take(")") {
			err = fmt.Errorf("got %q, want a closing parenthesis", p.rest)
		}
		return inner, err
	}
	path, err := p.selector()
	if err != nil {
		return nil, err
	}
	if p.keyword("NOT") {
		if !p.keyword("EXISTS") {
			return nil, fmt.Errorf("got %q, want EXISTS after NOT", p.rest)
		}
		return func(d any) bool { _, ok := lookup(d, path); return !ok }, nil
	}
	if p.keyword("EXISTS") {
		return func(d any) bool { _, ok := lookup(d, path); return ok }, nil
	}
	if p.keyword("IS") {
		for word, want := range map[string]any{"TRUE": true, "FALSE": false, "NULL": nil} {
			if p.keyword(word) {
				return func(d any) bool { got, ok := lookup(d, path); return ok && got == want }, nil
			}
		}
		return nil, fmt.Errorf("got %q, want TRUE, FALSE or NULL after IS", p.rest)
	}
	return p.comparison(path)
}

var (
	keywordEnd = regexp.MustCompile(`^[A-Za-z0-9_]`)
	selectors  = regexp.MustCompile(`^\$((?:\.[A-Za-z0-9_-]+|\[\d{1,6}\]|\['[^']+'\])*)`)
	steps      = regexp.MustCompile(`\.([A-Za-z0-9_-]+)|\[(\d+)\]|\['([^']+)'\]`)
	bareValue  = regexp.MustCompile(`^[A-Za-z0-9_.*:/@+-]+`)
)

// keyword reads a word, in either case, if it comes next as a whole.
func (p *fieldParser) keyword(word string) bool {
	p.space()
	if len(p.rest) < len(word) || !strings.EqualFold(p.rest[:len(word)], word) || keywordEnd.MatchString(p.rest[len(word):]) {
		return false
	}
	p.rest = p.rest[len(word):]
	return true
}

// step is one part of a selector: a name, or an index when the name is "".
type step struct {
	name  string
	index int
}

func (p *fieldParser) selector() ([]step, error) {
	p.space()
	found := selectors.FindStringSubmatch(p.rest)
	if found == nil {
		return nil, fmt.Errorf("got %q, want a selector such as $.status", p.rest)
	}
	p.rest = p.rest[len(found[0]):]
	path := []step{}
	for _, part := range steps.FindAllStringSubmatch(found[1], -1) {
		if part[2] != "" {
			index, err := strconv.Atoi(part[2])
			if err != nil {
				return nil, err
			}
			path = append(path, step{index: index})
			continue
		}
		path = append(path, step{name: part[1] + part[3]})
	}
	p.filter.selectors = append(p.filter.selectors, selector{found[0], path})
	return path, nil
}

func lookup(value any, path []step) (any, bool) {
	for _, s := range path {
		switch container := value.(type) {
		case map[string]any:
			inner, ok := container[s.name]
			if !ok || s.name == "" {
				return nil, false
			}
			value = inner
		case []any:
			if s.name != "" || s.index >= len(container) {
				return nil, false
			}
			value = container[s.index]
		default:
			return nil, false
		}
	}
	return value, true
}

// comparison reads an operator and a value. A number compares with numbers
// only, text with text only; a field that is absent matches nothing, not even
// "!=" (a guess).
func (p *fieldParser) comparison(path []step) (condition, error) {
	p.space()
	operator := ""
	for _, candidate := range []string{"!=", ">=", "<=", "=", ">", "<"} {
		if p.take(candidate) {
			operator = candidate
			break
		}
	}
	if operator == "" {
		return nil, fmt.Errorf("got %q, want a comparison", p.rest)
	}
	p.space()
	if strings.HasPrefix(p.rest, `"`) {
		text, rest, err := quoted(p.rest)
		if err != nil {
			return nil, err
		}
		p.rest = rest
		return p.compareText(path, operator, text)
	}
	if strings.HasPrefix(p.rest, "%") {
		return p.regex(path, operator)
	}
	bare := bareValue.FindString(p.rest)
	if bare == "" {
		return nil, fmt.Errorf("got %q, want a number or text", p.rest)
	}
	p.rest = p.rest[len(bare):]
	if number, err := strconv.ParseFloat(bare, 64); err == nil {
		return compareNumber(path, operator, number), nil
	}
	if bare == "*" && operator == "=" {
		return func(d any) bool { got, _ := lookup(d, path); return plain(got) }, nil
	}
	return p.compareText(path, operator, bare)
}

func compareNumber(path []step, operator string, number float64) condition {
	return func(d any) bool {
		got, _ := lookup(d, path)
		field, ok := got.(float64)
		if !ok {
			return false
		}
		switch operator {
		case "=":
			return field == number
		case "!=":
			return field != number
		case ">":
			return field > number
		case ">=":
			return field >= number
		case "<":
			return field < number
		}
		return field <= number
	}
}
