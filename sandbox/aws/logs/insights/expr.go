package insights

import (
	"math"
	"slices"
	"strings"
)

// expr gives the value of an expression for a row.
type expr func(*row) value

// node is an expression that was read.
type node struct {
	eval       expr
	start, end int
	condition  bool   // its value is true or false
	field      string // its name, if it is a field alone
	constant   *value
	// outside is where an expression of stats names a field outside of an
	// aggregate, plus 1.
	outside int
}

// maxNesting is how deep expressions may be, so that none exhausts the stack.
const maxNesting = 100

func (p *parser) nest(start int) {
	p.depth++
	if p.depth > maxNesting {
		p.fail(start, "got an expression in more than %d others, want a simpler one", maxNesting)
	}
}

// condition reads an expression that is true or false.
func (p *parser) condition() node {
	n := p.expression()
	p.isCondition(n)
	return n
}

func (p *parser) isCondition(n node) {
	if !n.condition {
		p.fail(n.start, "got %q, want a condition: a comparison, like, in, or a function that is true or false", p.text[n.start:n.end])
	}
}

// joined is the node of an operator and what stands on its sides.
func joined(a, b node, condition bool, eval expr) node {
	return node{eval: eval, start: a.start, end: b.end, condition: condition, outside: max(a.outside, b.outside)}
}

// expression reads or, which binds least, then and, not, comparisons, + and -,
// then * / %, then ^. The order is not documented (a guess).
func (p *parser) expression() node {
	p.nest(p.pos)
	defer func() { p.depth-- }()
	n := p.and()
	for p.keyword("or") {
		p.isCondition(n)
		a, b := n, p.and()
		p.isCondition(b)
		n = joined(a, b, true, func(r *row) value { return truthOf(a.eval(r).number != 0 || b.eval(r).number != 0) })
	}
	return n
}

func (p *parser) and() node {
	n := p.not()
	for p.keyword("and") {
		p.isCondition(n)
		a, b := n, p.not()
		p.isCondition(b)
		n = joined(a, b, true, func(r *row) value { return truthOf(a.eval(r).number != 0 && b.eval(r).number != 0) })
	}
	return n
}

func (p *parser) not() node {
	p.skip()
	start := p.pos
	if !p.keyword("not") {
		return p.comparison()
	}
	p.nest(start)
	a := p.not()
	p.depth--
	p.isCondition(a)
	return node{
		eval: func(r *row) value { return truthOf(a.eval(r).number == 0) }, start: start, end: a.end,
		condition: true, outside: a.outside,
	}
}

func (p *parser) comparison() node {
	a := p.sum()
	p.skip()
	at := p.pos
	for _, operator := range []string{"=~", "!=", "<=", ">=", "=", "<", ">"} {
		if !p.take(operator) {
			continue
		}
		if operator == "=~" {
			return p.like(a, false, false)
		}
		b := p.sum()
		if c := p.peek(); c == '=' || c == '<' || c == '>' || c == '!' {
			p.unexpected("one comparison")
		}
		return joined(a, b, true, func(r *row) value { return truthOf(compare(operator, a.eval(r), b.eval(r))) })
	}
	negated := p.keyword("not")
	switch {
	case p.keyword("like"):
		return p.like(a, negated, true)
	case p.keyword("in"):
		return p.in(a, negated)
	case negated:
		p.unexpected(`"like" or "in" after "not"`)
	}
	p.pos = at
	return a
}

// like reads what text is searched for. A field that is absent holds nothing,
// so that "not like" is true of it (a guess).
func (p *parser) like(a node, negated, plain bool) node {
	c := p.peek()
	var found func(string) bool
	switch {
	case c == '/':
		found = p.pattern().MatchString
	case plain && (c == '"' || c == '\''):
		part := p.quotedText()
		found = func(s string) bool { return strings.Contains(s, part) }
	case plain:
		p.unexpected("text in quotes or a regular expression in slashes")
	default:
		p.unexpected("a regular expression in slashes")
	}
	n := joined(a, a, true, func(r *row) value {
		v := a.eval(r)
		return truthOf((v.kind != absent && found(v.String())) != negated)
	})
	n.end = p.pos
	return n
}

// in reads a list of texts and numbers.
func (p *parser) in(a node, negated bool) node {
	p.expect("[", "a list such as [401, 403]; lists in fields are not implemented by the sandbox")
	var list []value
	for {
		item := p.unary()
		if item.constant == nil {
			p.fail(item.start, "got %q in a list, want text in quotes or a number", p.text[item.start:item.end])
		}
		list = append(list, *item.constant)
		if !p.take(",") {
			break
		}
	}
	p.expect("]", `"," or "]"`)
	n := joined(a, a, true, func(r *row) value {
		v := a.eval(r)
		return truthOf(slices.ContainsFunc(list, func(item value) bool { return compare("=", v, item) }) != negated)
	})
	n.end = p.pos
	return n
}

func (p *parser) sum() node {
	return p.arithmetic(p.product, "+-")
}

func (p *parser) product() node {
	return p.arithmetic(p.power, "*/%")
}

func (p *parser) arithmetic(operand func() node, operators string) node {
	n := operand()
	for {
		operator := p.peek()
		if operator == 0 || strings.IndexByte(operators, operator) < 0 {
			return n
		}
		p.pos++
		a, b := n, operand()
		n = joined(a, b, false, calculation(operator, a.eval, b.eval))
	}
}

// power reads ^, which binds to the right as in mathematics (a guess).
func (p *parser) power() node {
	a := p.unary()
	if !p.take("^") {
		return a
	}
	p.nest(a.start)
	b := p.power()
	p.depth--
	return joined(a, b, false, calculation('^', a.eval, b.eval))
}

// calculation is absent where a side is no number (a guess).
func calculation(operator byte, a, b expr) expr {
	return func(r *row) value {
		x, xOK := a(r).num()
		y, yOK := b(r).num()
		if !xOK || !yOK {
			return value{}
		}
		switch operator {
		case '+':
			return numberOf(x + y)
		case '-':
			return numberOf(x - y)
		case '*':
			return numberOf(x * y)
		case '/':
			return numberOf(x / y)
		case '%':
			return numberOf(math.Mod(x, y))
		}
		return numberOf(math.Pow(x, y))
	}
}

// unary reads a number that may be negative (a minus before anything else is
// not documented), or any primary.
func (p *parser) unary() node {
	p.skip()
	start := p.pos
	if p.take("-") {
		if p.pos == len(p.text) || !digit(p.text[p.pos]) {
			p.unexpected(`a number after "-"`)
		}
		v := numberOf(-p.literalNumber())
		return p.literal(start, v)
	}
	return p.primary()
}

func (p *parser) literal(start int, v value) node {
	return node{eval: func(*row) value { return v }, start: start, end: p.pos, constant: &v}
}

func (p *parser) primary() node {
	c := p.peek()
	start := p.pos
	switch {
	case c == '(':
		p.pos++
		n := p.expression()
		p.expect(")", `")"`)
		n.start, n.end = start, p.pos
		n.field, n.constant = "", nil
		return n
	case c == '"' || c == '\'':
		return p.literal(start, textOf(p.quotedText()))
	case digit(c):
		return p.literal(start, numberOf(p.literalNumber()))
	}
	if n, ok := p.unnamedColumn(start); ok {
		return n
	}
	if word := p.word(); word != "" && !reserved[strings.ToLower(word)] {
		p.pos += len(word)
		if p.take("(") {
			return p.call(start, word)
		}
		p.pos = start
	}
	name := p.name("a field, a number, text in quotes or a function")
	n := node{start: start, end: p.pos, field: name}
	n.eval = p.resolve(name, start)
	if p.aggregates != nil {
		n.outside = start + 1
	}
	return n
}
