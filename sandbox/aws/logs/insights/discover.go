package insights

import (
	"encoding/json"
	"strconv"
)

// maxFields is how many fields of a message are found, in the order in which
// they are written (the order is a guess); parse reaches the others. Older pages
// of AWS say 100, and only groups of the Standard class have any.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
const maxFields = 200

// maxDepth is how deep a message may nest to be taken for JSON (a guess).
const maxDepth = 100

// finder finds fields in messages: by their paths, as userIdentity.type and
// items.0.id.
type finder struct {
	names map[string]int // their places in what find fills
}

// find reads a message once, for all fields. One that is not a whole JSON object
// has none (a guess: AWS reads the first JSON in a line of Lambda).
func (f *finder) find(r *row) {
	message, found := r.event.Message, r.found
	clear(found)
	d := document{s: message, path: r.path[:0], names: f.names, found: found}
	defer func() { r.path = d.path }()
	d.space()
	if d.i == len(d.s) || d.s[d.i] != '{' || !d.value() {
		clear(found)
		return
	}
	if d.space(); d.i != len(d.s) {
		clear(found)
	}
}

// document is a message that is being read. It is read by hand, since making
// maps of 50,000 messages takes several times as long.
type document struct {
	s      string
	i      int
	path   []byte
	depth  int
	leaves int
	names  map[string]int
	found  []value
}

func (d *document) space() {
	for d.i < len(d.s) && (d.s[d.i] == ' ' || d.s[d.i] == '\n' || d.s[d.i] == '\t' || d.s[d.i] == '\r') {
		d.i++
	}
}

func (d *document) take(c byte) bool {
	if d.space(); d.i < len(d.s) && d.s[d.i] == c {
		d.i++
		return true
	}
	return false
}

// value reads any value and reports whether it is JSON.
func (d *document) value() bool {
	d.space()
	if d.i == len(d.s) {
		return false
	}
	switch d.s[d.i] {
	case '{':
		return d.object()
	case '[':
		return d.array()
	case '"':
		raw, escaped, ok := d.quoted()
		if !ok {
			return false
		}
		if place, wanted := d.leaf(); wanted {
			d.found[place] = textOf(unescape(raw, escaped))
		}
		return true
	case 't':
		return d.word("true", truthOf(true))
	case 'f':
		return d.word("false", truthOf(false))
	case 'n':
		return d.word("null", value{}) // as if it were not there (a guess)
	}
	return d.number()
}

// leaf counts a field, and gives its place if the query names it. The last
// field of a name wins, as it does for most readers (a guess).
func (d *document) leaf() (place int, wanted bool) {
	d.leaves++
	if d.leaves > maxFields {
		return 0, false
	}
	place, wanted = d.names[string(d.path)]
	return place, wanted
}

func (d *document) object() bool {
	d.i++
	d.depth++
	before := len(d.path)
	if d.depth > maxDepth {
		return false
	}
	for first := true; !d.take('}'); first = false {
		if !first && !d.take(',') {
			return false
		}
		d.space()
		key, escaped, ok := d.quoted()
		if !ok || !d.take(':') {
			return false
		}
		d.step(unescape(key, escaped))
		if !d.value() {
			return false
		}
		d.path = d.path[:before]
	}
	d.depth--
	return true
}

func (d *document) array() bool {
	d.i++
	d.depth++
	before := len(d.path)
	if d.depth > maxDepth {
		return false
	}
	for n := 0; !d.take(']'); n++ {
		if n > 0 && !d.take(',') {
			return false
		}
		d.step(strconv.Itoa(n))
		if !d.value() {
			return false
		}
		d.path = d.path[:before]
	}
	d.depth--
	return true
}

func (d *document) step(name string) {
	if d.depth > 1 {
		d.path = append(d.path, '.')
	}
	d.path = append(d.path, name...)
}

// quoted reads a string and gives what is between the quotes.
func (d *document) quoted() (raw string, escaped, ok bool) {
	if d.i == len(d.s) || d.s[d.i] != '"' {
		return "", false, false
	}
	start := d.i + 1
	for i := start; i < len(d.s); i++ {
		switch c := d.s[i]; {
		case c == '"':
			d.i = i + 1
			raw = d.s[start:i]
			return raw, escaped, !escaped || json.Valid([]byte(d.s[start-1:d.i]))
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return "", false, false
		}
	}
	return "", false, false
}

func unescape(raw string, escaped bool) string {
	if !escaped {
		return raw
	}
	var s string
	if json.Unmarshal([]byte(`"`+raw+`"`), &s) != nil {
		return raw
	}
	return s
}

func (d *document) word(word string, v value) bool {
	if len(d.s)-d.i < len(word) || d.s[d.i:d.i+len(word)] != word {
		return false
	}
	d.i += len(word)
	if place, wanted := d.leaf(); wanted {
		d.found[place] = v
	}
	return true
}

func (d *document) number() bool {
	start := d.i
	for d.i < len(d.s) && (d.s[d.i] >= '0' && d.s[d.i] <= '9' || d.s[d.i] == '-' || d.s[d.i] == '+' ||
		d.s[d.i] == '.' || d.s[d.i] == 'e' || d.s[d.i] == 'E') {
		d.i++
	}
	raw := d.s[start:d.i]
	if !json.Valid([]byte(raw)) {
		return false
	}
	place, wanted := d.leaf()
	if !wanted {
		return true
	}
	if f, ok := numeric(raw); ok {
		d.found[place] = value{kind: number, text: raw, number: f}
	} else {
		d.found[place] = textOf(raw) // too large for a number
	}
	return true
}
