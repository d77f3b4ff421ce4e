package insights

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

type kind uint8

const (
	absent kind = iota
	text
	number
	moment // ms since 1970
)

// value is what a field or an expression has. A number of a message keeps its
// text, since it is shown as it was written.
type value struct {
	kind   kind
	text   string
	number float64
}

func textOf(s string) value { return value{kind: text, text: s} }

// numberOf is absent for what is no number, such as a division by zero (a guess).
func numberOf(f float64) value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return value{}
	}
	return value{kind: number, number: f}
}

// truthOf is 1 or 0, as documented for functions that say so; that JSON's true
// is 1 too is a guess.
func truthOf(b bool) value {
	if b {
		return value{kind: number, number: 1}
	}
	return value{kind: number}
}

func momentOf(ms float64) value {
	// time.UnixMilli cannot show what is outside.
	if !(math.Abs(ms) < 1<<53) {
		return value{}
	}
	return value{kind: moment, number: math.Trunc(ms)}
}

// String is the value as rows show it. Numbers have at most four decimals (a guess).
func (v value) String() string {
	switch v.kind {
	case number:
		if v.text == "" {
			rounded := v.number
			if scaled := math.Round(v.number * 1e4); math.Abs(scaled) < 1<<53 {
				rounded = scaled/1e4 + 0 // no -0
			}
			return strconv.FormatFloat(rounded, 'f', -1, 64)
		}
	case moment:
		return time.UnixMilli(int64(v.number)).UTC().Format("2006-01-02 15:04:05.000")
	}
	return v.text
}

// num is the value as a number. Text counts if it reads as one (a guess: an example
// of AWS compares a quoted status with numbers, and access logs quote theirs).
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Filter.html
func (v value) num() (float64, bool) {
	switch v.kind {
	case number, moment:
		return v.number, true
	case text:
		return numeric(v.text)
	}
	return 0, false
}

// numeric reads a decimal number; unlike strconv it takes no Inf, NaN or 0x10.
func numeric(s string) (float64, bool) {
	if s == "" || s[0] > '9' || s == "-" {
		return 0, false
	}
	digits := 0.0
	for i := range len(s) {
		c := s[i]
		if c < '0' || c > '9' || i == 15 { // more do not fit exactly
			if strings.Trim(s, "0123456789+-.eE") != "" {
				return 0, false
			}
			f, err := strconv.ParseFloat(s, 64)
			return f, err == nil
		}
		digits = digits*10 + float64(c-'0')
	}
	return digits, true
}

// compare applies = != < <= > or >=. Two numbers compare as numbers, also if
// one or, with < and >, both are text; other text by its bytes. A comparison with
// what is absent is false, even with !=, and so is the order of text and a number
// (guesses).
func compare(operator string, a, b value) bool {
	if a.kind == absent || b.kind == absent {
		return false
	}
	equality := operator == "=" || operator == "!="
	if a.kind == text && b.kind == text && equality {
		return (a.text == b.text) == (operator == "=")
	}
	x, xOK := a.num()
	y, yOK := b.num()
	order := 0
	switch {
	case xOK && yOK:
		order = cmp.Compare(x, y)
	case a.kind == text && b.kind == text:
		order = cmp.Compare(a.text, b.text)
	default:
		return operator == "!="
	}
	switch operator {
	case "=":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// rank is a value prepared to be sorted.
type rank struct {
	group  int // 0 absent, 1 text, 2 number
	number float64
	text   string
}

func rankOf(v value) rank {
	if v.kind == absent {
		return rank{}
	}
	if f, ok := v.num(); ok {
		return rank{2, f, v.text}
	}
	return rank{1, 0, v.text}
}

// compare is the order of sort: what is absent first (a guess), then text, in
// which runs of digits compare by length and then by value, then numbers. Equal
// numbers are in the order of their text, so that 01 comes before 1.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Sort.html
func (a rank) compare(b rank) int {
	if a.group != b.group {
		return cmp.Compare(a.group, b.group)
	}
	if a.group == 2 {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.text, b.text))
	}
	return natural(a.text, b.text)
}

func natural(a, b string) int {
	// What both begin with decides nothing, unless a run of digits goes on.
	same := 0
	for same < len(a) && same < len(b) && a[same] == b[same] {
		same++
	}
	for same > 0 && (digit(a[same-1]) || a[same-1] >= utf8.RuneSelf) {
		same--
	}
	a, b = a[same:], b[same:]
	for a != "" && b != "" {
		x, y := leadingDigits(a), leadingDigits(b)
		if x > 0 && y > 0 {
			if c := cmp.Or(cmp.Compare(x, y), cmp.Compare(a[:x], b[:y])); c != 0 {
				return c
			}
			a, b = a[x:], b[y:]
			continue
		}
		r, n := utf8.DecodeRuneInString(a)
		s, m := utf8.DecodeRuneInString(b)
		if r != s {
			return cmp.Compare(r, s)
		}
		a, b = a[n:], b[m:]
	}
	return cmp.Compare(len(a), len(b))
}

func leadingDigits(s string) int {
	n := 0
	for n < len(s) && digit(s[n]) {
		n++
	}
	return n
}
