package insights

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parser reads a query by recursive descent, character by character, since what
// a slash means depends on where it stands.
type parser struct {
	text  string
	pos   int
	depth int // of parentheses
	scope *scope

	finder     *finder
	aggregates *[]aggregate // of the stats that is being read
}

// skip passes over white space and comments, which end with the line.
func (p *parser) skip() {
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case ' ', '\t', '\r', '\n':
			p.pos++
		case '#':
			end := strings.IndexByte(p.text[p.pos:], '\n')
			if end < 0 {
				p.pos = len(p.text)
				return
			}
			p.pos += end
		default:
			return
		}
	}
}

// got is what comes next, for errors.
func (p *parser) got() string {
	p.skip()
	rest := p.text[p.pos:]
	if rest == "" {
		return "the end"
	}
	n := wordLength(rest)
	if n == 0 {
		_, n = utf8.DecodeRuneInString(rest)
	}
	return strconv.Quote(rest[:min(n, 60)])
}

// unexpected ends parsing with what comes next and what is wanted there.
func (p *parser) unexpected(want string) {
	got := p.got()
	p.fail(p.pos, "got %s, want %s", got, want)
}

// take reads a symbol if it comes next.
func (p *parser) take(symbol string) bool {
	p.skip()
	if !strings.HasPrefix(p.text[p.pos:], symbol) {
		return false
	}
	p.pos += len(symbol)
	return true
}

func (p *parser) expect(symbol, want string) {
	if !p.take(symbol) {
		p.unexpected(want)
	}
}

func (p *parser) peek() byte {
	p.skip()
	if p.pos == len(p.text) {
		return 0
	}
	return p.text[p.pos]
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '@'
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// wordLength is how long the word at the beginning of s is: a name, a keyword
// or a number. Underscores are in names of AWS's own examples.
func wordLength(s string) int {
	n := 0
	for n < len(s) && (letter(s[n]) || digit(s[n]) || s[n] == '.' && n+1 < len(s) && (letter(s[n+1]) || digit(s[n+1]))) {
		n++
	}
	return n
}

// word is the name or keyword that comes next, or "".
func (p *parser) word() string {
	if !letter(p.peek()) {
		return ""
	}
	return p.text[p.pos : p.pos+wordLength(p.text[p.pos:])]
}

// keyword reads a keyword, in either case, if it comes next.
func (p *parser) keyword(keyword string) bool {
	word := p.word()
	if !strings.EqualFold(word, keyword) {
		return false
	}
	p.pos += len(word)
	return true
}

// reserved are the words that are no names unless in backticks (a guess; true
// and false would be fields that no event has).
var reserved = map[string]bool{
	"and": true, "or": true, "not": true, "in": true, "like": true,
	"as": true, "by": true, "asc": true, "desc": true, "true": true, "false": true,
}

// name reads the name of a field: letters, digits, @ and periods; others are in
// backticks, as `foo-bar` and @`aws.tag.x`.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Guidelines.html
func (p *parser) name(want string) string {
	p.skip()
	start := p.pos
	at := ""
	if strings.HasPrefix(p.text[p.pos:], "@`") {
		at = "@"
		p.pos++
	}
	if strings.HasPrefix(p.text[p.pos:], "`") {
		end := strings.IndexByte(p.text[p.pos+1:], '`')
		if end < 0 {
			p.fail(start, "got an open backtick, want another at the end of the name")
		}
		if end == 0 {
			p.fail(start, "got no name in backticks, want one")
		}
		quoted := p.text[p.pos+1 : p.pos+1+end]
		p.pos += end + 2
		return at + quoted
	}
	word := p.word()
	if word == "" {
		p.unexpected(want)
	}
	p.pos += len(word)
	if reserved[strings.ToLower(word)] {
		p.fail(start, "got the keyword %q, want %s; a field of that name is in backticks", word, want)
	}
	return word
}

// quotedText reads text in double or single quotes. What a backslash does
// before anything but a quote or a backslash is not documented, so it is refused.
func (p *parser) quotedText() string {
	start := p.pos
	quote := p.text[p.pos]
	var b strings.Builder
	for p.pos++; p.pos < len(p.text); p.pos++ {
		c := p.text[p.pos]
		if c == quote {
			p.pos++
			return b.String()
		}
		if c == '\\' {
			p.pos++
			if p.pos == len(p.text) || !strings.ContainsRune(`\"'`, rune(p.text[p.pos])) {
				p.fail(p.pos-1, `got a backslash, want \\, \" or \' (others are not implemented by the sandbox)`)
			}
			c = p.text[p.pos]
		}
		b.WriteByte(c)
	}
	p.pos = start
	p.fail(start, "got an open quote, want another at the end of the text")
	return ""
}

// pattern reads a regular expression between slashes.
func (p *parser) pattern() *regexp.Regexp {
	start := p.pos
	for i := p.pos + 1; i < len(p.text) && p.text[i] != '\n'; i++ {
		switch p.text[i] {
		case '\\':
			i++
		case '/':
			source := p.text[start+1 : i] // where an escaped slash is a slash
			p.pos = i + 1
			if source == "" {
				p.fail(start, "got an empty regular expression, want a pattern")
			}
			pattern, err := regexp.Compile(source)
			if err != nil {
				p.fail(start, "got a regular expression that the sandbox cannot read (%s)", err)
			}
			return pattern
		}
	}
	p.fail(start, "got an open regular expression, want a slash at its end")
	return nil
}

// numberText reads digits, with a fraction if there is one.
func (p *parser) numberText() string {
	start := p.pos
	for p.pos < len(p.text) && digit(p.text[p.pos]) {
		p.pos++
	}
	if rest := p.text[p.pos:]; len(rest) > 1 && rest[0] == '.' && digit(rest[1]) {
		for p.pos++; p.pos < len(p.text) && digit(p.text[p.pos]); {
			p.pos++
		}
	}
	return p.text[start:p.pos]
}

// literalNumber reads a number that nothing follows at once.
func (p *parser) literalNumber() float64 {
	start := p.pos
	digits := p.numberText()
	if p.pos < len(p.text) && (letter(p.text[p.pos]) || p.text[p.pos] == '.') {
		end := p.pos + max(1, wordLength(p.text[p.pos:]))
		p.pos = end
		p.fail(start, "got %q, want a number; a period such as 5m is wanted only by bin, datefloor and dateceil", p.text[start:end])
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		p.fail(start, "got %q, want a number that is not as large", digits)
	}
	return f
}
