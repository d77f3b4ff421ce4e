package cloudwatch

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/scanner"
)

// An expression is metric math of one point in time, the subset of
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
// that needs no other points: arithmetic, comparisons, IF, FILL with a number,
// ABS, CEIL, FLOOR, and SUM, AVG, MIN and MAX of a list.

// point gives the value of a metric or expression; without data there is none.
type point func(id string) (float64, bool)

// node is a part of an expression.
type node interface {
	value(at point) (float64, bool)
}

type (
	constant  float64
	reference string
	operation struct {
		operator    string
		left, right node
	}
	call struct {
		function  string
		arguments []node
	}
	list []node
)

// errUnsupported says that an expression may be fine and is not evaluated.
var errUnsupported = errors.New("not evaluated by the sandbox")

// bandFunction makes the band of an anomaly.
const bandFunction = "ANOMALY_DETECTION_BAND"

// arities are the functions and how many arguments they take.
var arities = map[string]int{
	"SUM": 1, "AVG": 1, "MIN": 1, "MAX": 1, "ABS": 1, "CEIL": 1, "FLOOR": 1, "FILL": 2, "IF": 3, bandFunction: 2,
}

const maxNesting = 50

// parseExpression reads an expression.
func parseExpression(text string) (node, error) {
	if strings.HasPrefix(strings.ToUpper(strings.TrimSpace(text)), "SELECT ") {
		return nil, errUnsupported
	}
	p := &expressionParser{}
	p.scan.Init(strings.NewReader(text))
	p.scan.Mode = scanner.ScanIdents | scanner.ScanInts | scanner.ScanFloats | scanner.ScanStrings
	p.scan.Error = func(*scanner.Scanner, string) {} // what is no token is refused below
	p.next()
	n, err := p.comparison(0)
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

func (p *expressionParser) next() { p.token, p.text = p.scan.Scan(), p.scan.TokenText() }

func (p *expressionParser) unexpected() error {
	switch p.token {
	case scanner.String, '^', '&', '|':
		return errUnsupported // labels, powers and AND and OR
	case scanner.EOF:
		return errors.New("it ends too early")
	}
	return fmt.Errorf("unexpected %q at character %d", p.text, p.scan.Offset+1)
}

// binary reads operands with the operators of one rank between them.
func (p *expressionParser) binary(depth int, operators string, operand func(int) (node, error)) (node, error) {
	left, err := operand(depth)
	for err == nil && p.token > 0 && strings.ContainsRune(operators, p.token) {
		operator := p.text
		p.next()
		if strings.Contains("<>=!", operator) && p.token == '=' {
			operator += "="
			p.next()
		}
		if operator == "=" || operator == "!" {
			return nil, fmt.Errorf("%q is no operator", operator)
		}
		var right node
		if right, err = operand(depth); err == nil {
			left = operation{operator, left, right}
		}
	}
	return left, err
}

func (p *expressionParser) comparison(depth int) (node, error) {
	if depth > maxNesting {
		return nil, errors.New("it nests too deep")
	}
	return p.binary(depth, "<>=!", p.sum)
}

func (p *expressionParser) sum(depth int) (node, error) { return p.binary(depth, "+-", p.product) }

func (p *expressionParser) product(depth int) (node, error) { return p.binary(depth, "*/", p.operand) }

func (p *expressionParser) operand(depth int) (node, error) {
	switch text := p.text; p.token {
	case scanner.Int, scanner.Float:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, err
		}
		p.next()
		return constant(f), nil
	case scanner.Ident:
		p.next()
		if p.token != '(' {
			if !queryID.MatchString(text) {
				return nil, errUnsupported // REPEAT, LINEAR and the like
			}
			return reference(text), nil
		}
		arity, known := arities[text]
		if !known {
			return nil, errUnsupported
		}
		arguments, err := p.items(depth, ')')
		if err != nil {
			return nil, err
		}
		if len(arguments) != arity {
			return nil, fmt.Errorf("%s takes %d arguments, got %d", text, arity, len(arguments))
		}
		return call{text, arguments}.checked()
	case '(':
		p.next()
		inner, err := p.comparison(depth + 1)
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
		return operation{"-", constant(0), inner}, err
	}
	return nil, p.unexpected()
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
		item, err := p.comparison(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	p.next()
	return items, nil
}

// checked refuses arguments of another kind. One series has a sum too, which is
// of all its points.
func (c call) checked() (node, error) {
	for i, argument := range c.arguments {
		_, isList := argument.(list)
		ofLists := slices.Contains([]string{"SUM", "AVG", "MIN", "MAX"}, c.function)
		if ofLists != isList {
			return nil, errUnsupported
		}
		_, isReference := argument.(reference)
		if c.function == bandFunction && i == 0 && !isReference {
			return nil, errors.New(bandFunction + " takes the id of a metric")
		}
	}
	return c, nil
}
