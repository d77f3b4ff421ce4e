package graph

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Bounds on the nesting of a filter and, since each multiplies the work, of
// the lambdas in it.
const (
	maxFilterDepth = 64
	maxLambdaDepth = 2
)

// token is a word, a quoted string or one of the marks ( ) , : /.
var token = regexp.MustCompile(`^(?:'(?:[^']|'')*'|[A-Za-z0-9_@.\-$+]+|[(),:/])`)

// parser reads a filter token by token.
type parser struct {
	tokens  []string
	depth   int
	lambdas int
}

// parseFilter parses a $filter expression.
func parseFilter(text string) (filter, error) {
	p := &parser{}
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		t := token.FindString(rest)
		if t == "" {
			return nil, fmt.Errorf("syntax error at %q", rest)
		}
		p.tokens = append(p.tokens, t)
		rest = rest[len(t):]
	}
	f, err := p.or()
	if err != nil {
		return nil, err
	}
	if len(p.tokens) > 0 {
		return nil, fmt.Errorf("syntax error at %q", p.tokens[0])
	}
	return f, nil
}

func (p *parser) peek() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

func (p *parser) next() string {
	t := p.peek()
	if t != "" {
		p.tokens = p.tokens[1:]
	}
	return t
}

// accept takes the next token when it is this one, whatever its case.
func (p *parser) accept(t string) bool {
	if !strings.EqualFold(p.peek(), t) {
		return false
	}
	p.next()
	return true
}

func (p *parser) expect(t string) error {
	if !p.accept(t) {
		return fmt.Errorf("got %q, want %q", p.peek(), t)
	}
	return nil
}

func (p *parser) or() (filter, error) {
	if p.depth++; p.depth > maxFilterDepth {
		return nil, errors.New("the expression is nested too deeply")
	}
	defer func() { p.depth-- }()
	left, err := p.and()
	for err == nil && p.accept("or") {
		var right filter
		right, err = p.and()
		left = or{left, right}
	}
	return left, err
}

func (p *parser) and() (filter, error) {
	left, err := p.unary()
	for err == nil && p.accept("and") {
		var right filter
		right, err = p.unary()
		left = and{left, right}
	}
	return left, err
}

func (p *parser) unary() (filter, error) {
	negated := false
	for p.accept("not") {
		negated = !negated
	}
	f, err := p.primary()
	if err == nil && negated {
		f = not{f}
	}
	return f, err
}

func (p *parser) primary() (filter, error) {
	if p.accept("(") {
		f, err := p.or()
		if err != nil {
			return nil, err
		}
		return f, p.expect(")")
	}
	name := strings.ToLower(p.peek())
	if slices.Contains([]string{"startswith", "endswith", "contains"}, name) {
		p.next()
		return p.function(name)
	}
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	if last := strings.ToLower(path[len(path)-1]); len(path) > 1 && (last == "any" || last == "all") && p.peek() == "(" {
		return p.lambda(path[:len(path)-1], last == "all")
	}
	switch op := strings.ToLower(p.next()); op {
	case "eq", "ne":
		value, err := p.literal()
		return compare{path, op, value}, err
	case "in":
		values, err := p.list()
		return oneOf{path, values}, err
	default:
		return nil, fmt.Errorf("got operator %q, want eq, ne or in", op)
	}
}

func (p *parser) function(name string) (filter, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	if err := p.expect(","); err != nil {
		return nil, err
	}
	value, err := p.literal()
	if err != nil {
		return nil, err
	}
	text, ok := value.(string)
	if !ok {
		return nil, fmt.Errorf("%s: want a string", name)
	}
	return function{name, path, text}, p.expect(")")
}

func (p *parser) lambda(path []string, all bool) (filter, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	if !all && p.accept(")") {
		return lambda{path: path}, nil
	}
	if p.lambdas++; p.lambdas > maxLambdaDepth {
		return nil, errors.New("the expression is nested too deeply")
	}
	defer func() { p.lambdas-- }()
	variable, err := p.word()
	if err != nil {
		return nil, err
	}
	if err := p.expect(":"); err != nil {
		return nil, err
	}
	body, err := p.or()
	if err != nil {
		return nil, err
	}
	return lambda{path, all, variable, body}, p.expect(")")
}

func (p *parser) path() ([]string, error) {
	var path []string
	for {
		word, err := p.word()
		if err != nil {
			return nil, err
		}
		path = append(path, word)
		if !p.accept("/") {
			return path, nil
		}
	}
}

// identifier is the name of a property or variable.
var identifier = regexp.MustCompile(`^[A-Za-z_@$][A-Za-z0-9_.$@]*$`)

func (p *parser) word() (string, error) {
	t := p.next()
	if !identifier.MatchString(t) {
		return "", fmt.Errorf("got %q, want a name", t)
	}
	return t, nil
}

func (p *parser) list() ([]any, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var values []any
	for {
		value, err := p.literal()
		if err != nil {
			return nil, err
		}
		values = append(values, value)
		if !p.accept(",") {
			return values, p.expect(")")
		}
	}
}

// literal reads 'text', true, false, null, or a bare GUID, date or number,
// which compare as text.
func (p *parser) literal() (any, error) {
	t := p.next()
	switch strings.ToLower(t) {
	case "", "(", ")", ",", ":", "/":
		return nil, fmt.Errorf("got %q, want a value", t)
	case "null":
		return nil, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	if strings.HasPrefix(t, "'") {
		return strings.ReplaceAll(t[1:len(t)-1], "''", "'"), nil
	}
	if t[0] < '0' || t[0] > '9' {
		if !bareGUID.MatchString(t) {
			return nil, fmt.Errorf("got %q, want a value in quotes", t)
		}
	}
	return t, nil
}

var bareGUID = regexp.MustCompile(`^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
