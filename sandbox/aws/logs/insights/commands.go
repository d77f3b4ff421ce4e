package insights

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxText is how long a query may be.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
const maxText = 10_000

// elsewhere are the commands of AWS that the sandbox lacks.
var elsewhere = strings.Fields("anomaly diff filterIndex head join lookup order pattern search source tail unmask unnest")

const commandNames = "fields, display, filter, parse, stats, sort, limit or dedup"

// reading is what the commands so far make of a query.
type reading struct {
	query   *Query
	stage   *stage
	shown   []column // what fields and parse show
	display []column // of the last display
	stats   int
	fixed   string // the command, if any, that must come after the last stats
	deduped bool
}

func (p *parser) query() *Query {
	if n := len([]rune(p.text)); n > maxText {
		p.fail(0, "got a query of %d characters, want at most %d", n, maxText)
	}
	for i, c := range p.text {
		if c == utf8.RuneError && !strings.HasPrefix(p.text[i:], string(utf8.RuneError)) {
			p.fail(i, "got a byte that is not UTF-8, want text")
		}
	}
	r := &reading{query: &Query{finder: p.finder}, stage: &stage{}}
	for {
		p.command(r)
		if p.peek() == 0 {
			break
		}
		p.expect("|", `"|" or the end`)
	}
	r.close(p)
	return r.query
}

// command reads one command.
func (p *parser) command(r *reading) {
	word := p.word()
	start := p.pos
	if word == "" {
		p.unexpected("a command: " + commandNames)
	}
	p.pos += len(word)
	name := strings.ToLower(word)
	if r.deduped && name != "limit" {
		p.fail(start, "got %q after dedup, want nothing but limit", word)
	}
	switch name {
	case "fields":
		p.fields(r)
	case "display":
		p.display(r)
	case "filter":
		c := p.condition()
		r.stage.steps = append(r.stage.steps, step{keep: func(r *row) bool { return c.eval(r).number != 0 }})
	case "parse":
		p.parse(r)
	case "stats":
		p.statsCommand(r, start)
	case "sort":
		r.stage.steps = append(r.stage.steps, p.sort())
		r.fixed = "sort"
	case "limit":
		r.stage.steps = append(r.stage.steps, p.limit())
		r.fixed = "limit"
	case "dedup":
		r.stage.steps = append(r.stage.steps, p.dedup())
		r.deduped = true
	default:
		if slices.ContainsFunc(elsewhere, func(command string) bool { return strings.EqualFold(command, word) }) {
			p.fail(start, "got the command %q, which is not implemented by the sandbox; want %s", word, commandNames)
		}
		p.fail(start, "got %q, want a command: %s", word, commandNames)
	}
}

// close ends the query. Without fields and display, events show @timestamp and
// @message, as documented, and then what parse found (a guess).
func (r *reading) close(p *parser) {
	r.stage.slots = len(p.scope.slots)
	columns := r.shown
	if r.display != nil {
		columns = r.display
	}
	if !p.scope.after {
		if r.display == nil && !slices.ContainsFunc(columns, func(c column) bool { return !c.parsed }) {
			columns = slices.Concat([]column{
				{name: "@timestamp", eval: system["@timestamp"]},
				{name: "@message", eval: system["@message"]},
			}, columns)
		}
		columns = append(slices.Clone(columns), column{name: "@ptr", eval: system["@ptr"]})
	}
	for _, c := range columns {
		if !slices.ContainsFunc(r.stage.columns, func(other column) bool { return other.name == c.name }) {
			r.stage.columns = append(r.stage.columns, c)
		}
	}
	r.query.stages = append(r.query.stages, r.stage)
}

// fields shows fields, and defines what has a name. Several add up.
func (p *parser) fields(r *reading) {
	for {
		n := p.expression()
		start, eval := n.start, n.eval
		name, given := p.alias(n)
		if given {
			slot := p.define(name, start)
			r.stage.steps = append(r.stage.steps, step{keep: func(r *row) bool {
				r.set(slot, n.eval(r))
				return true
			}})
			eval = p.resolve(name, start)
		}
		r.shown = append(r.shown, column{name: name, eval: eval})
		if !p.take(",") {
			return
		}
	}
}

func (r *row) set(slot int, v value) {
	for len(r.slots) <= slot {
		r.slots = append(r.slots, value{})
	}
	r.slots[slot] = v
}

// display shows the fields that it names and no others; the last one counts.
func (p *parser) display(r *reading) {
	r.display = nil
	for _, n := range p.names("display", "an expression is not implemented by the sandbox here, so name it with fields") {
		r.display = append(r.display, column{name: n.field, eval: n.eval})
	}
}

// names reads fields.
func (p *parser) names(command, note string) []node {
	var names []node
	for {
		n := p.primary()
		if n.field == "" {
			p.fail(n.start, "got %q in %s, want a field; %s", p.text[n.start:n.end], command, note)
		}
		names = append(names, n)
		if !p.take(",") {
			return names
		}
	}
}

// parse takes text out of a field: with a glob, of which each * is a name, or
// with the named groups of a regular expression. Both may match anywhere.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Parse.html
func (p *parser) parse(r *reading) {
	of := p.primary()
	if of.field == "" {
		p.fail(of.start, "got %q, want the field to parse", p.text[of.start:of.end])
	}
	var pattern *regexp.Regexp
	var names []string
	p.skip()
	start := p.pos
	switch p.peek() {
	case '/':
		pattern = p.pattern()
		names = pattern.SubexpNames()[1:]
		if !slices.ContainsFunc(names, func(name string) bool { return name != "" }) {
			p.fail(start, "got a regular expression without named groups, want one such as (?<status>[0-9]+)")
		}
		if p.keyword("as") {
			p.fail(start, "got as after a regular expression, which is not implemented by the sandbox; want named groups only")
		}
	case '"', '\'':
		pattern, names = p.glob()
	default:
		p.unexpected("a glob in quotes or a regular expression in slashes")
	}
	slots := make([]int, len(names))
	for i, name := range names {
		if name != "" {
			slots[i] = p.define(name, start)
			r.shown = append(r.shown, column{name: name, eval: p.resolve(name, start), parsed: true})
		}
	}
	r.stage.steps = append(r.stage.steps, step{keep: func(r *row) bool {
		found := of.eval(r).String()
		match := pattern.FindStringSubmatchIndex(found)
		for i, name := range names {
			if name == "" {
				continue
			}
			v := value{}
			if match != nil && match[2*i+2] >= 0 {
				v = textOf(found[match[2*i+2]:match[2*i+3]])
			}
			r.set(slots[i], v)
		}
		return true
	}})
}

// glob reads text with stars and as many names. A star takes as little as it
// can, one at the end all there is (a guess); the examples of AWS do so.
func (p *parser) glob() (*regexp.Regexp, []string) {
	start := p.pos
	parts := strings.Split(p.quotedText(), "*")
	if len(parts) == 1 {
		p.fail(start, "got a glob without *, want one for each value")
	}
	if !p.keyword("as") {
		p.unexpected(`"as" and a name for each * of the glob`)
	}
	var names []string
	for {
		names = append(names, p.name("a name"))
		if !p.take(",") {
			break
		}
	}
	if len(names) != len(parts)-1 {
		p.fail(start, "got %d names for the %d * of the glob, want as many", len(names), len(parts)-1)
	}
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	source := strings.Join(parts, "(.*?)")
	if parts[len(parts)-1] == "" {
		source = strings.TrimSuffix(source, "?)") + ")"
	}
	return regexp.MustCompile("(?s)" + source), names
}

// statsCommand ends the stage. There are at most two, and what bounds rows comes
// after the second.
func (p *parser) statsCommand(r *reading, start int) {
	if r.stats == 2 {
		p.fail(start, "got a third stats, want at most two")
	}
	if r.stats == 1 && r.fixed != "" {
		p.fail(start, "got stats after %s, want %s after the second stats", r.fixed, r.fixed)
	}
	r.stats++
	slots := len(p.scope.slots)
	r.stage.stats = p.stats()
	r.stage.slots = slots
	r.query.stages = append(r.query.stages, r.stage)
	r.stage, r.shown, r.display, r.fixed = &stage{}, nil, nil, ""
	for _, name := range p.scope.names() {
		r.shown = append(r.shown, column{name: name, eval: p.resolve(name, start)})
	}
}

// limit bounds the rows.
func (p *parser) limit() step {
	p.skip()
	start := p.pos
	digits := wordLength(p.text[p.pos:])
	p.pos += digits
	n, err := strconv.Atoi(p.text[start:p.pos])
	if err != nil || n < 1 || n > MaxRows {
		p.pos = start
		p.unexpected("a whole number from 1 to " + strconv.Itoa(MaxRows))
	}
	return step{all: func(rows []*row) []*row { return rows[:min(len(rows), n)] }}
}
