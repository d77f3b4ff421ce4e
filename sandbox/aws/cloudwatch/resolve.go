package cloudwatch

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// kind is what an expression gives.
type kind int

const (
	aNumber kind = iota
	aSeries
	anArray // of series
)

// shape is an expression of which it is known what it gives: its node, or one for
// each series of an array. What METRICS and lists stand for is put in.
type shape struct {
	kind   kind
	nodes  []node
	weight int // how many parts are evaluated for a point
}

func one(k kind, n node, weight int) shape { return shape{k, []node{n}, weight} }

// each is a shape of the same kind with other nodes, which have all of the others
// in them.
func (s shape) each(fn func(node) node, others ...shape) shape {
	nodes := make([]node, len(s.nodes))
	for i, n := range s.nodes {
		nodes[i] = fn(n)
	}
	each := 1
	for _, other := range others {
		each += other.weight
	}
	return shape{s.kind, nodes, s.weight + each*len(nodes)}
}

// maxWeight bounds what nested arrays multiply to.
const maxWeight = 10_000

// resolve finds out what an expression gives, and refuses what the table of
// functions has not.
func (p *program) resolve(n node) (shape, error) {
	found, err := p.shapeOf(n)
	if err == nil && found.weight > maxWeight {
		err = errUnsupported
	}
	return found, err
}

func (p *program) shapeOf(n node) (shape, error) {
	switch n := n.(type) {
	case constant:
		return one(aNumber, n, 1), nil
	case reference:
		return one(aSeries, n, 1), nil
	case operation:
		return p.resolveOperation(n)
	case list:
		return p.resolveList(n)
	case call:
		return p.resolveCall(n)
	}
	return shape{}, errUnsupported
}

func (p *program) resolveOperation(o operation) (shape, error) {
	left, err := p.resolve(o.left)
	if err != nil {
		return shape{}, err
	}
	right, err := p.resolve(o.right)
	if err != nil {
		return shape{}, err
	}
	o.leftNumber, o.rightNumber = left.kind == aNumber, right.kind == aNumber
	switch arithmetic := strings.Contains("+-*/", o.operator); {
	case left.kind == anArray && (right.kind == anArray || !arithmetic), right.kind == anArray && !arithmetic:
		return shape{}, errUnsupported // the table has pairs of series or numbers
	case left.kind == anArray:
		return left.each(func(n node) node { o.left, o.right = n, right.nodes[0]; return o }, right), nil
	case right.kind == anArray:
		return right.each(func(n node) node { o.left, o.right = left.nodes[0], n; return o }, left), nil
	}
	o.left, o.right = left.nodes[0], right.nodes[0]
	return one(max(left.kind, right.kind), o, left.weight+right.weight+1), nil
}

// maxSeries is how many series an array may have: as many as there are of
// metrics and expressions.
const maxSeries = maxQueries

func (p *program) resolveList(l list) (shape, error) {
	all := shape{kind: anArray}
	for _, item := range l {
		items, err := p.resolve(item)
		switch {
		case err != nil:
			return shape{}, err
		case items.kind == aNumber:
			return shape{}, errUnsupported // a list is of series
		}
		all.nodes = append(all.nodes, items.nodes...)
		all.weight += items.weight
		if len(all.nodes) > maxSeries {
			return shape{}, errors.New("it has more than 500 series")
		}
	}
	return all, nil
}

func (p *program) resolveCall(c call) (shape, error) {
	var given []shape
	for _, argument := range c.arguments {
		each, err := p.resolve(argument)
		if err != nil {
			return shape{}, err
		}
		given = append(given, each)
	}
	apply := func(first node) node {
		nodes := []node{first}
		for _, each := range given[1:] {
			nodes = append(nodes, each.nodes...)
		}
		return call{function: c.function, arguments: nodes}
	}
	switch c.function {
	case "METRICS":
		return p.metricsWith(c.text), nil
	case bandFunction:
		return p.bandOf(c, given)
	case "ABS", "CEIL", "FLOOR":
		if given[0].kind == aNumber {
			return shape{}, errors.New(c.function + " takes a series")
		}
		return given[0].each(apply, given[1:]...), nil
	case "FILL":
		if given[0].kind == aNumber {
			return shape{}, errors.New("FILL takes a series")
		}
		if given[1].kind == anArray {
			return shape{}, errUnsupported
		}
		return given[0].each(apply, given[1:]...), nil
	case "IF":
		return choice(given, apply)
	}
	// One series has a sum too: a number, of all its points.
	if given[0].kind != anArray {
		return shape{}, errUnsupported
	}
	switch items := given[0].nodes; {
	case c.function != "FIRST" && c.function != "LAST":
		return one(aSeries, call{function: c.function, arguments: items}, given[0].weight+1), nil
	case len(items) == 0:
		return shape{}, errors.New(c.function + " takes an array that is not empty")
	case c.function == "FIRST":
		return one(aSeries, items[0], given[0].weight), nil
	default:
		return one(aSeries, items[len(items)-1], given[0].weight), nil
	}
}

// choice is IF. On a number, which is the same for all points, it is not needed.
func choice(given []shape, apply func(node) node) (shape, error) {
	series, weight := false, 1
	for _, each := range given {
		weight += each.weight
		if each.kind == anArray {
			return shape{}, errors.New("IF takes series and numbers, got an array")
		}
		series = series || each.kind == aSeries
	}
	switch {
	case !series:
		return shape{}, errors.New("IF takes at least one series")
	case given[0].kind == aNumber:
		return shape{}, errUnsupported
	}
	return one(aSeries, apply(given[0].nodes[0]), weight), nil
}

// metricsWith is METRICS: the metrics whose id contains a text, in order of their
// ids (a guess).
func (p *program) metricsWith(text string) shape {
	all := shape{kind: anArray}
	for _, id := range slices.Sorted(maps.Keys(p.stats)) {
		if strings.Contains(id, text) {
			all.nodes = append(all.nodes, reference(id))
		}
	}
	all.weight = len(all.nodes)
	return all
}

// defaultWidth is that of a band which says none.
const defaultWidth = 2

// bandOf is ANOMALY_DETECTION_BAND: the upper edge, then the lower.
func (p *program) bandOf(c call, given []shape) (shape, error) {
	of, isReference := c.arguments[0].(reference)
	if !isReference {
		return shape{}, errors.New(bandFunction + " takes the id of a metric or expression")
	}
	width := constant(defaultWidth)
	if len(given) > 1 {
		var isConstant bool
		if width, isConstant = c.arguments[1].(constant); !isConstant || width <= 0 {
			return shape{}, errors.New(bandFunction + " takes a number of standard deviations above 0")
		}
	}
	upper := edge{of: string(of), width: float64(width), upper: true}
	lower := upper
	lower.upper = false
	p.learns = true
	return shape{anArray, []node{upper, lower}, 2}, nil
}
