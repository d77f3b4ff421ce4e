package insights

import "strings"

// scope is what names mean at a place of the query.
type scope struct {
	slots map[string]int // what the query defined, by its name
	after bool           // after stats: nothing else is in reach
}

func newScope() *scope { return &scope{slots: map[string]int{}} }

// system are the fields of every event.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
var system = map[string]expr{
	"@timestamp":     func(r *row) value { return momentOf(float64(r.event.Timestamp)) },
	"@ingestionTime": func(r *row) value { return momentOf(float64(r.event.Ingested)) },
	"@message":       func(r *row) value { return textOf(r.event.Message) },
	"@logStream":     func(r *row) value { return textOf(r.event.Stream) },
	"@log":           func(r *row) value { return textOf(r.event.Log) },
	"@ptr":           func(r *row) value { return textOf(r.event.Ptr) },
}

// resolve gives the value of a name that was read at start.
func (p *parser) resolve(name string, start int) expr {
	if slot, ok := p.scope.slots[name]; ok {
		return func(r *row) value { return r.slots[slot] }
	}
	if p.scope.after {
		p.fail(start, "got the field %q after stats, want one that stats defines: %s", name, strings.Join(p.scope.names(), ", "))
	}
	if field, ok := system[name]; ok {
		return field
	}
	// A field of a message that begins with @ is shown with another.
	path, doubled := strings.CutPrefix(name, "@@")
	if doubled {
		path = "@" + path
	} else if strings.HasPrefix(name, "@") {
		p.fail(start, "got the field %q, which is not implemented by the sandbox; "+
			"want @timestamp, @ingestionTime, @message, @logStream, @log, @ptr, or one that the query defines", name)
	}
	place, ok := p.finder.names[path]
	if !ok {
		place = len(p.finder.names)
		p.finder.names[path] = place
	}
	f := p.finder
	return func(r *row) value {
		if !r.scanned {
			f.find(r)
			r.scanned = true
		}
		return r.found[place]
	}
}

// names are those of what was defined, in that order.
func (s *scope) names() []string {
	names := make([]string, len(s.slots))
	for name, slot := range s.slots {
		names[slot] = name
	}
	return names
}

// define gives a name a slot. That AWS refuses a name which the query already
// defined is from a public report; that it refuses those of the fields that every
// event has is a guess.
func (p *parser) define(name string, start int) int {
	if _, ok := p.scope.slots[name]; ok {
		p.fail(start, "got the name %q a second time, want another", name)
	}
	if _, ok := system[name]; ok && !p.scope.after {
		p.fail(start, "got the name %q, which every event has, want another", name)
	}
	slot := len(p.scope.slots)
	p.scope.slots[name] = slot
	return slot
}

// unnamedColumn reads what stats made without "as", which is called as it was
// written: count(*).
func (p *parser) unnamedColumn(start int) (node, bool) {
	longest := ""
	for name := range p.scope.slots {
		if p.scope.after && len(name) > len(longest) && wordLength(name) < len(name) && strings.HasPrefix(p.text[start:], name) {
			longest = name
		}
	}
	if longest == "" {
		return node{}, false
	}
	p.pos = start + len(longest)
	n := node{eval: p.resolve(longest, start), start: start, end: p.pos, field: longest}
	if p.aggregates != nil {
		n.outside = start + 1
	}
	return n, true
}
