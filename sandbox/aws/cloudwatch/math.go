package cloudwatch

import (
	"errors"
	"math"
	"slices"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// node is a part of an expression that gives one number at a time. What was not
// resolved gives none.
type node interface {
	value(at moment) (float64, bool)
}

// moment is a point in time, for which metrics and expressions may have data.
type moment interface {
	of(id string) (float64, bool)
	band(id string, width float64) (lower, upper float64, ok bool)
}

// edge is a side of a band.
type edge struct {
	of    string
	width float64
	upper bool
}

func (c constant) value(moment) (float64, bool)     { return float64(c), true }
func (r reference) value(at moment) (float64, bool) { return at.of(string(r)) }
func (list) value(moment) (float64, bool)           { return 0, false }

func (e edge) value(at moment) (float64, bool) {
	lower, upper, ok := at.band(e.of, e.width)
	if e.upper {
		return upper, ok
	}
	return lower, ok
}

// value takes 0 for a series without data if the other side is a series that has
// them. A division by zero has none.
func (o operation) value(at moment) (float64, bool) {
	left, leftOK := o.left.value(at)
	right, rightOK := o.right.value(at)
	if !leftOK && (!rightOK || o.rightNumber) || !rightOK && o.leftNumber {
		return 0, false
	}
	if !leftOK {
		left = 0
	}
	if !rightOK {
		right = 0
	}
	switch o.operator {
	case "+":
		return finite(left + right)
	case "-":
		return finite(left - right)
	case "*":
		return finite(left * right)
	case "/":
		return finite(left / right)
	}
	if o.holds(left, right) {
		return 1, true
	}
	return 0, true
}

// holds is of operators that give a truth.
func (o operation) holds(left, right float64) bool {
	switch o.operator {
	case "<":
		return left < right
	case "<=":
		return left <= right
	case ">":
		return left > right
	case ">=":
		return left >= right
	case "==":
		return left == right
	case "&&":
		return left != 0 && right != 0
	case "||":
		return left != 0 || right != 0
	}
	return left != right
}

func finite(f float64) (float64, bool) { return f, !math.IsNaN(f) && !math.IsInf(f, 0) }

func (c call) value(at moment) (float64, bool) {
	switch c.function {
	case "FILL":
		if value, ok := c.arguments[0].value(at); ok {
			return value, true
		}
		return c.arguments[1].value(at)
	case "IF":
		return c.choose(at)
	case "ABS":
		value, ok := c.arguments[0].value(at)
		return math.Abs(value), ok
	case "CEIL":
		value, ok := c.arguments[0].value(at)
		return math.Ceil(value), ok
	case "FLOOR":
		value, ok := c.arguments[0].value(at)
		return math.Floor(value), ok
	}
	return c.aggregate(at)
}

// choose is IF. What is missing where the condition holds is 0, and dropped where
// it does not.
func (c call) choose(at moment) (float64, bool) {
	condition, ok := c.arguments[0].value(at)
	switch {
	case !ok:
		return 0, false
	case condition != 0:
		value, ok := c.arguments[1].value(at)
		if !ok {
			value = 0
		}
		return value, true
	case len(c.arguments) > 2:
		return c.arguments[2].value(at)
	}
	return 0, false
}

// aggregate is of several series. Those without data count as 0 in an average;
// that they do not in MIN and MAX, and that there are none if all are without, is
// a guess.
func (c call) aggregate(at moment) (float64, bool) {
	values := make([]float64, 0, len(c.arguments))
	sum := 0.0
	for _, each := range c.arguments {
		if value, ok := each.value(at); ok {
			values = append(values, value)
			sum += value
		}
	}
	if len(values) == 0 {
		return 0, false
	}
	switch c.function {
	case "MIN":
		return slices.Min(values), true
	case "MAX":
		return slices.Max(values), true
	case "AVG":
		return finite(sum / float64(len(c.arguments)))
	}
	return finite(sum)
}

// has reports whether an expression or a part of it is something.
func has(n node, is func(node) bool) bool {
	if is(n) {
		return true
	}
	part := func(n node) bool { return has(n, is) }
	switch n := n.(type) {
	case operation:
		return part(n.left) || part(n.right)
	case call:
		return slices.ContainsFunc(n.arguments, part)
	case list:
		return slices.ContainsFunc(n, part)
	}
	return false
}

func isCall(n node, function string) bool {
	c, is := n.(call)
	return is && c.function == function
}

// walk calls fn with the references of an expression.
func walk(n node, fn func(id string)) {
	has(n, func(n node) bool {
		switch n := n.(type) {
		case reference:
			fn(string(n))
		case edge:
			fn(n.of)
		}
		return false
	})
}

func badExpression(id string, err error) error {
	if errors.Is(err, errUnsupported) {
		return wire.NotImplemented("the metric math of '" + id + "'")
	}
	return invalid("Error in expression '%s': %v", id, err)
}
