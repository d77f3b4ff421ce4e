package cloudwatch

import (
	"errors"
	"math"
	"slices"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

func (c constant) value(point) (float64, bool)     { return float64(c), true }
func (r reference) value(at point) (float64, bool) { return at(string(r)) }
func (list) value(point) (float64, bool)           { return 0, false } // lists are of functions

// value has data where both sides have; a division by zero has none.
func (o operation) value(at point) (float64, bool) {
	left, ok := o.left.value(at)
	if !ok {
		return 0, false
	}
	right, ok := o.right.value(at)
	if !ok {
		return 0, false
	}
	is := func(truth bool) (float64, bool) {
		if truth {
			return 1, true
		}
		return 0, true
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
	case "<":
		return is(left < right)
	case "<=":
		return is(left <= right)
	case ">":
		return is(left > right)
	case ">=":
		return is(left >= right)
	case "==":
		return is(left == right)
	}
	return is(left != right)
}

func finite(f float64) (float64, bool) { return f, !math.IsNaN(f) && !math.IsInf(f, 0) }

func (c call) value(at point) (float64, bool) {
	first, ok := c.arguments[0].value(at)
	switch c.function {
	case "FILL":
		if !ok {
			return c.arguments[1].value(at)
		}
	case "IF":
		if !ok {
			return 0, false
		}
		if first != 0 {
			return c.arguments[1].value(at)
		}
		return c.arguments[2].value(at)
	case "ABS":
		return math.Abs(first), ok
	case "CEIL":
		return math.Ceil(first), ok
	case "FLOOR":
		return math.Floor(first), ok
	case bandFunction:
		return 0, false // there is no model of what is usual
	default:
		return aggregate(c.function, c.arguments[0], at)
	}
	return first, ok
}

// aggregate is of those of a list that have data.
func aggregate(function string, of node, at point) (float64, bool) {
	items, _ := of.(list)
	var values []float64
	for _, item := range items {
		if value, ok := item.value(at); ok {
			values = append(values, value)
		}
	}
	if len(values) == 0 {
		return 0, false
	}
	sum := 0.0
	for _, value := range values {
		sum += value
	}
	switch function {
	case "MIN":
		return slices.Min(values), true
	case "MAX":
		return slices.Max(values), true
	case "AVG":
		return finite(sum / float64(len(values)))
	}
	return finite(sum)
}

// walk calls fn with the references of an expression.
func walk(n node, fn func(reference)) {
	switch n := n.(type) {
	case reference:
		fn(n)
	case operation:
		walk(n.left, fn)
		walk(n.right, fn)
	case call:
		for _, argument := range n.arguments {
			walk(argument, fn)
		}
	case list:
		for _, item := range n {
			walk(item, fn)
		}
	}
}

func badExpression(id string, err error) error {
	if errors.Is(err, errUnsupported) {
		return wire.NotImplemented("the metric math of '" + id + "'")
	}
	return invalid("Error in expression '%s': %v", id, err)
}
