// Package insights is the query language of CloudWatch Logs Insights, as far as
// saved queries over access logs need it: fields, display, filter, parse, stats,
// sort, limit and dedup, with expressions. What it does not know it refuses; it
// ignores nothing, since a query that loses a condition answers something else.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
//
// Not implemented, and refused as such: pattern, diff, anomaly, join, lookup,
// unnest, subqueries, SOURCE and the like; maps, lists and the functions on JSON;
// the fields that AWS discovers in logs that are not JSON, in entities and in tags.
// Regular expressions are those of Go, which lack what RE2 lacks.
package insights

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// MaxRows is how many rows a query returns at most, and when it says no limit.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Limit.html
const MaxRows = 10_000

// Event is a log event as queries see it.
type Event struct {
	// Timestamp and Ingested are in milliseconds since 1970.
	Timestamp, Ingested int64

	// Message is searched for fields if it is a JSON object. Stream is the name of
	// the log stream, Log is account:group, Ptr names the event.
	Message, Stream, Log, Ptr string
}

// Field is a named value of a row.
type Field struct{ Name, Value string }

// Result is what a query found.
type Result struct {
	// Rows have no field where the value is absent (a guess).
	Rows [][]Field

	// RecordsMatched are the events that passed the filters, whatever the limit.
	RecordsMatched, RecordsScanned int
	BytesScanned                   int64 // of messages
}

// Query is a query that was read. It may be run by several goroutines at once.
type Query struct {
	finder *finder
	stages []*stage
}

// Error is why a query is refused, and where: offsets in bytes, as the location
// in a QueryCompileError.
type Error struct {
	Start, End int
	Message    string // begins with the line and column
}

func (e *Error) Error() string { return e.Message }

// Parse reads a query. The text of its error, which is an [*Error], is what a
// MalformedQueryException says.
func Parse(text string) (query *Query, err error) {
	p := &parser{text: text, scope: newScope(), finder: &finder{names: map[string]int{}}}
	defer func() {
		if recovered := recover(); recovered != nil {
			refusal, ok := recovered.(*Error)
			if !ok {
				panic(recovered)
			}
			query, err = nil, refusal
		}
	}()
	return p.query(), nil
}

// fail ends parsing; [Parse] returns the error.
func (p *parser) fail(start int, format string, args ...any) {
	before := p.text[:start]
	line := 1 + strings.Count(before, "\n")
	column := 1 + len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))
	message := fmt.Sprintf("line %d, column %d: ", line, column) + fmt.Sprintf(format, args...)
	panic(&Error{Start: start, End: max(p.pos, start), Message: message})
}

// row is an event on its way through the commands, or a group after stats.
type row struct {
	event   *Event
	scanned bool
	found   []value // of the fields of the message that the query names, once scanned
	path    []byte  // where the scan puts paths, so that it need not allocate
	slots   []value // of what the query defines
	results []value // of the aggregates, while a row of stats is made
}

func (r *row) clone() *row {
	c := *r
	c.found, c.slots = slices.Clone(r.found), slices.Clone(r.slots)
	return &c
}

// stage is a part of a query that ends with stats or with the query.
type stage struct {
	slots   int
	steps   []step
	stats   *stats
	columns []column // of the last stage
}

// step is a command. One of its functions is set: keep looks at one row, all
// needs every row.
type step struct {
	keep func(*row) bool
	all  func([]*row) []*row
}

type column struct {
	name   string
	eval   expr
	parsed bool // made by parse, so that it does not stand for the event
}

// Run queries events, which may be in any order.
func (q *Query) Run(events []Event) Result {
	result := Result{RecordsScanned: len(events)}
	// Results are newest first unless the query sorts. Of events at the same time,
	// what arrived last comes first (a guess).
	order := make([]int, len(events))
	for i := range events {
		order[i] = i
		result.BytesScanned += int64(len(events[i].Message))
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(
			cmp.Compare(events[b].Timestamp, events[a].Timestamp),
			cmp.Compare(events[b].Ingested, events[a].Ingested),
			cmp.Compare(b, a))
	})

	first := q.stages[0]
	scratch := &row{
		found: make([]value, len(q.finder.names)),
		path:  make([]byte, 0, 128),
		slots: make([]value, first.slots),
	}
	rows := first.run(func(yield func(*row)) {
		for _, i := range order {
			scratch.event, scratch.scanned = &events[i], false
			clear(scratch.slots)
			yield(scratch)
		}
	}, &result.RecordsMatched)
	for _, s := range q.stages[1:] {
		groups := rows
		rows = s.run(func(yield func(*row)) {
			for _, r := range groups {
				yield(r)
			}
		}, new(int))
	}

	last := q.stages[len(q.stages)-1]
	for _, r := range rows[:min(len(rows), MaxRows)] {
		result.Rows = append(result.Rows, last.fields(r))
	}
	return result
}

// run gives the rows that pass the commands, or their groups. The source may
// use one row for all events, so a row that is kept is copied.
func (s *stage) run(source func(yield func(*row)), matched *int) []*row {
	streamed := 0
	for streamed < len(s.steps) && s.steps[streamed].keep != nil {
		streamed++
	}
	grouped := s.stats != nil && streamed == len(s.steps)
	groups := grouping{stats: s.stats}
	var rows []*row
	source(func(r *row) {
		for _, step := range s.steps[:streamed] {
			if !step.keep(r) {
				return
			}
		}
		*matched++
		if grouped {
			groups.add(r)
		} else {
			rows = append(rows, r.clone())
		}
	})
	for _, step := range s.steps[streamed:] {
		if step.all != nil {
			rows = step.all(rows)
			continue
		}
		rows = slices.DeleteFunc(rows, func(r *row) bool { return !step.keep(r) })
		*matched = len(rows)
	}
	if s.stats == nil {
		return rows
	}
	for _, r := range rows {
		groups.add(r)
	}
	return groups.rows()
}

// fields are those of a row that are shown.
func (s *stage) fields(r *row) []Field {
	fields := make([]Field, 0, len(s.columns))
	for _, c := range s.columns {
		if v := c.eval(r); v.kind != absent {
			fields = append(fields, Field{c.name, v.String()})
		}
	}
	return fields
}
