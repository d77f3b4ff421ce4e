package insights

import (
	"encoding/binary"
	"slices"
	"strings"
)

// stats groups rows.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html
type stats struct {
	by         []expr
	aggregates []aggregate
	results    []expr
}

// aggregate is what is computed over the rows of a group.
type aggregate struct {
	of   expr // nil for count(*)
	make func() accumulator
}

// aggregators are the functions of stats; pct is apart, since it takes a number.
var aggregators = map[string]func() accumulator{
	"count":          func() accumulator { return new(count) },
	"count_distinct": func() accumulator { return distinct{} },
	"sum":            func() accumulator { return &moments{result: (*moments).total} },
	"avg":            func() accumulator { return &moments{result: (*moments).average} },
	"stddev":         func() accumulator { return &moments{result: (*moments).deviation} },
	"min":            func() accumulator { return &extreme{sign: -1, numbers: true} },
	"max":            func() accumulator { return &extreme{sign: 1, numbers: true} },
	"sortsfirst":     func() accumulator { return &extreme{sign: -1} },
	"sortslast":      func() accumulator { return &extreme{sign: 1} },
	"earliest":       func() accumulator { return &edge{sign: -1} },
	"latest":         func() accumulator { return &edge{sign: 1} },
}

// aggregateCall reads a function of stats, whose parenthesis was read.
func (p *parser) aggregateCall(start int, name string) (node, bool) {
	create, ok := aggregators[name]
	if !ok && name != "pct" {
		return node{}, false
	}
	if p.aggregates == nil {
		p.fail(start, "got %s() here, want it in stats, before by and in no other aggregate; "+
			"afterwards its value is called by its name", name)
	}
	if (name == "earliest" || name == "latest") && p.scope.after {
		p.fail(start, "got %s() after stats, want it in the first, which knows the time of events", name)
	}
	all := p.aggregates
	p.aggregates = nil // there is none within
	of := aggregate{make: create}
	if name == "count" && (p.take("*") || p.peek() == ')') {
		p.expect(")", `")"`)
	} else {
		of.of, of.make = p.aggregated(start, name, create)
	}
	p.aggregates = all
	*all = append(*all, of)
	place := len(*all) - 1
	return node{eval: func(r *row) value { return r.results[place] }, start: start, end: p.pos}, true
}

// aggregated reads the arguments of an aggregate.
func (p *parser) aggregated(start int, name string, create func() accumulator) (expr, func() accumulator) {
	args := p.arguments()
	want := 1
	if name == "pct" {
		want = 2
	}
	if len(args) != want {
		p.fail(start, "got %d arguments of %s(), want %d", len(args), name, want)
	}
	if args[0].constant != nil {
		p.fail(args[0].start, "got %q in %s(), want a field", p.text[args[0].start:args[0].end], name)
	}
	if name != "pct" {
		return args[0].eval, create
	}
	percent := args[1].constant
	if percent == nil || percent.kind != number || percent.number < 0 || percent.number > 100 {
		p.fail(args[1].start, "got the percentile %q, want a number from 0 to 100", p.text[args[1].start:args[1].end])
	}
	return args[0].eval, func() accumulator { return &percentile{percent: percent.number} }
}

// stats reads what follows the word, and opens the scope of what follows stats:
// the fields to group by come first, as in the rows of AWS (a guess).
func (p *parser) stats() *stats {
	s := &stats{}
	type named struct {
		node
		name string
	}
	var results, by []named
	p.aggregates = &s.aggregates
	for {
		n := p.expression()
		if n.outside > 0 {
			p.pos = n.end
			p.fail(n.outside-1, "got a field outside of an aggregate, want count(*), sum(x) and the like, and other fields after by")
		}
		if n.constant != nil || len(s.aggregates) == 0 {
			p.fail(n.start, "got %q, want an aggregate such as count(*)", p.text[n.start:n.end])
		}
		name, _ := p.alias(n)
		results = append(results, named{n, name})
		s.results = append(s.results, n.eval)
		if !p.take(",") {
			break
		}
	}
	p.aggregates = nil
	if p.keyword("by") {
		for {
			n := p.expression()
			name, _ := p.alias(n)
			by = append(by, named{n, name})
			s.by = append(s.by, n.eval)
			if !p.take(",") {
				break
			}
		}
	}
	p.scope = newScope()
	p.scope.after = true
	for _, n := range slices.Concat(by, results) {
		p.define(n.name, n.start)
	}
	return s
}

// alias reads the name of an expression, which without "as" is its text.
func (p *parser) alias(n node) (name string, given bool) {
	if p.keyword("as") {
		return p.name("a name"), true
	}
	if n.field != "" {
		return n.field, false
	}
	return strings.Join(strings.Fields(p.text[n.start:n.end]), " "), false
}

// grouping is stats at work.
type grouping struct {
	stats  *stats
	groups map[string]*group
	order  []*group
	key    []byte
}

type group struct {
	by           []value
	accumulators []accumulator
}

func (g *grouping) add(r *row) {
	var buffer [4]value
	by := buffer[:0]
	g.key = g.key[:0]
	for _, field := range g.stats.by {
		v := field(r)
		by = append(by, v)
		s := v.String()
		g.key = append(g.key, min(byte(v.kind), 1)) // absent is not empty
		g.key = binary.AppendUvarint(g.key, uint64(len(s)))
		g.key = append(g.key, s...)
	}
	found, ok := g.groups[string(g.key)]
	if !ok {
		found = g.open(slices.Clone(by))
	}
	for i, a := range g.stats.aggregates {
		v := value{}
		if a.of != nil {
			v = a.of(r)
			if v.kind == absent {
				continue
			}
		}
		found.accumulators[i].add(v, r)
	}
}

func (g *grouping) open(by []value) *group {
	opened := &group{by: by}
	for _, a := range g.stats.aggregates {
		opened.accumulators = append(opened.accumulators, a.make())
	}
	if g.groups == nil {
		g.groups = map[string]*group{}
	}
	g.groups[string(g.key)] = opened
	g.order = append(g.order, opened)
	return opened
}

// rows are the groups in the order in which they were first seen, so that
// without sort the newest are first. Without events there is no row (guesses).
func (g *grouping) rows() []*row {
	rows := make([]*row, 0, len(g.order))
	for _, found := range g.order {
		r := &row{slots: found.by}
		for _, a := range found.accumulators {
			r.results = append(r.results, a.value())
		}
		for _, result := range g.stats.results {
			r.slots = append(r.slots, result(r))
		}
		r.results = nil
		rows = append(rows, r)
	}
	return rows
}
