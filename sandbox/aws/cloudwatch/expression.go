package cloudwatch

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/scanner"
)

// An expression is metric math of one point in time, the subset of
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
// that needs no other points: arithmetic, comparisons, AND and OR, IF, METRICS,
// FILL with a number or a series, ABS, CEIL, FLOOR, FIRST and LAST, SUM, AVG, MIN
// and MAX of several series; and ANOMALY_DETECTION_BAND.

// Nodes of an expression as it is written.
type (
	constant  float64
	reference string
	operation struct {
		operator    string
		left, right node
		// Whether a side is a number and no series.
		leftNumber, rightNumber bool
	}
	call struct {
		function  string
		arguments []node
		text      string // that METRICS has in quotes
	}
	list []node
)

// errUnsupported says that an expression may be fine and is not evaluated.
var errUnsupported = errors.New("not evaluated by the sandbox")

// bandFunction makes the band of an anomaly.
const bandFunction = "ANOMALY_DETECTION_BAND"

// arities are the functions, and how few and how many arguments they take.
var arities = map[string][2]int{
	"SUM": {1, 1}, "AVG": {1, 1}, "MIN": {1, 1}, "MAX": {1, 1}, "ABS": {1, 1}, "CEIL": {1, 1}, "FLOOR": {1, 1},
	"FILL": {2, 2}, "IF": {2, 3}, "FIRST": {1, 1}, "LAST": {1, 1}, bandFunction: {1, 2},
}

// maxExpression is how long an expression may be, see
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html.
const (
	maxExpression = 2048
	maxNesting    = 50
)

// parseExpression reads an expression.
func parseExpression(text string) (node, error) {
	switch {
	case len(text) > maxExpression:
		return nil, fmt.Errorf("it has %d characters, want at most %d", len(text), maxExpression)
	case strings.HasPrefix(strings.ToUpper(strings.TrimSpace(text)), "SELECT "):
		return nil, errUnsupported
	}
	p := &expressionParser{}
	p.scan.Init(strings.NewReader(text))
	p.scan.Mode = scanner.ScanIdents | scanner.ScanInts | scanner.ScanFloats | scanner.ScanStrings
	p.scan.Error = func(*scanner.Scanner, string) {} // what is no token is refused below
	p.next()
	n, err := p.either(0)
	if err == nil && p.token != scanner.EOF {
		err = p.unexpected()
	}
	return n, err
}

type expressionParser struct {
	scan  scanner.Scanner
	token rune
	text  string
}

// next reads a token. Operators of two characters are one.
func (p *expressionParser) next() {
	p.token, p.text = p.scan.Scan(), p.scan.TokenText()
	if p.token > 0 && strings.ContainsRune("<>=!&|", p.token) {
		switch pair := p.text + string(p.scan.Peek()); pair {
		case "<=", ">=", "==", "!=", "&&", "||":
			p.scan.Next()
			p.text = pair
		}
	}
}

func (p *expressionParser) unexpected() error {
	switch {
	case p.token == scanner.String, p.token == '^':
		return errUnsupported // labels and powers
	case p.token == scanner.EOF:
		return errors.New("it ends too early")
	case len(p.text) == 1 && strings.Contains("=!&|", p.text):
		return fmt.Errorf("%q is no operator", p.text)
	}
	return fmt.Errorf("unexpected %q at character %d", p.text, p.scan.Offset+1)
}

// binary reads operands with the operators of one rank between them.
func (p *expressionParser) binary(depth int, operators map[string]string, operand func(int) (node, error)) (node, error) {
	if depth > maxNesting {
		return nil, errors.New("it nests too deep")
	}
	left, err := operand(depth)
	for err == nil && operators[p.text] != "" {
		operator := operators[p.text]
		p.next()
		var right node
		if right, err = operand(depth); err == nil {
			left = operation{operator: operator, left: left, right: right}
		}
	}
	return left, err
}

// The ranks of operators, the lowest first. That AND comes before OR is a guess.
var (
	disjunctions = map[string]string{"OR": "||", "||": "||"}
	conjunctions = map[string]string{"AND": "&&", "&&": "&&"}
	relations    = map[string]string{"<": "<", "<=": "<=", ">": ">", ">=": ">=", "==": "==", "!=": "!="}
	additions    = map[string]string{"+": "+", "-": "-"}
	products     = map[string]string{"*": "*", "/": "/"}
)

func (p *expressionParser) either(depth int) (node, error) {
	return p.binary(depth, disjunctions, p.both)
}

func (p *expressionParser) both(depth int) (node, error) {
	return p.binary(depth, conjunctions, p.comparison)
}

func (p *expressionParser) comparison(depth int) (node, error) {
	return p.binary(depth, relations, p.sum)
}

func (p *expressionParser) sum(depth int) (node, error) { return p.binary(depth, additions, p.product) }

func (p *expressionParser) product(depth int) (node, error) {
	return p.binary(depth, products, p.operand)
}

func (p *expressionParser) operand(depth int) (node, error) {
	switch text := p.text; p.token {
	case scanner.Int, scanner.Float:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", text)
		}
		p.next()
		return constant(f), nil
	case scanner.Ident:
		p.next()
		switch {
		case p.token == '(':
			return p.call(depth, text)
		case !queryID.MatchString(text):
			return nil, errUnsupported // REPEAT, LINEAR and the like
		}
		return reference(text), nil
	case '(':
		p.next()
		inner, err := p.either(depth + 1)
		if err == nil && p.token != ')' {
			err = p.unexpected()
		}
		p.next()
		return inner, err
	case '[':
		items, err := p.items(depth, ']')
		return list(items), err
	case '-':
		if depth > maxNesting {
			return nil, errors.New("it nests too deep")
		}
		p.next()
		inner, err := p.operand(depth + 1)
		return operation{operator: "-", left: constant(0), right: inner}, err
	}
	return nil, p.unexpected()
}

// call reads the arguments of a function, whose bracket is the token.
func (p *expressionParser) call(depth int, function string) (node, error) {
	if function == "METRICS" {
		return p.metrics()
	}
	arity, known := arities[function]
	if !known {
		return nil, errUnsupported
	}
	arguments, err := p.items(depth, ')')
	if err != nil {
		return nil, err
	}
	if n := len(arguments); n < arity[0] || n > arity[1] {
		want := strconv.Itoa(arity[0])
		if arity[0] != arity[1] {
			want += " or " + strconv.Itoa(arity[1])
		}
		return nil, fmt.Errorf("%s takes %s arguments, got %d", function, want, n)
	}
	return call{function: function, arguments: arguments}, nil
}

// metrics reads what METRICS has in brackets: nothing, or a text in quotes.
func (p *expressionParser) metrics() (node, error) {
	p.next()
	all := call{function: "METRICS"}
	if p.token == scanner.String {
		text, err := strconv.Unquote(p.text)
		if err != nil {
			return nil, fmt.Errorf("%s is no text", p.text)
		}
		all.text = text
		p.next()
	}
	if p.token != ')' {
		return nil, p.unexpected()
	}
	p.next()
	return all, nil
}

// items reads what stands between brackets, the first of which is the token.
func (p *expressionParser) items(depth int, end rune) ([]node, error) {
	var items []node
	p.next()
	for p.token != end {
		if len(items) > 0 {
			if p.token != ',' {
				return nil, p.unexpected()
			}
			p.next()
		}
		item, err := p.either(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	p.next()
	return items, nil
}
