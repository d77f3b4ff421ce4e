package insights

import (
	"strconv"
	"strings"
	"time"
)

// period is a time such as 5m, either in milliseconds or in months.
type period struct {
	ms     int64
	months int64
}

// units are those of bin, each with its plural unless it is one letter.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html
var units = func() map[string]period {
	day := 24 * time.Hour.Milliseconds()
	all := map[string]period{}
	for _, unit := range []struct {
		names  string
		period period
	}{
		{"millisecond ms msec", period{ms: 1}},
		{"second s sec", period{ms: 1000}},
		{"minute m min", period{ms: 60_000}},
		{"hour h hr", period{ms: time.Hour.Milliseconds()}},
		{"day d", period{ms: day}},
		{"week w", period{ms: 7 * day}},
		{"month mo mon", period{months: 1}},
		{"quarter q qtr", period{months: 3}},
		{"year y yr", period{months: 12}},
	} {
		for name := range strings.FieldsSeq(unit.names) {
			all[name] = unit.period
			if len(name) > 1 {
				all[name+"s"] = unit.period
			}
		}
	}
	return all
}()

// maxPeriod keeps the arithmetic of periods far from overflow.
const maxPeriod = 1_000_000

func (p *parser) period() period {
	p.skip()
	start := p.pos
	digits := 0
	for start+digits < len(p.text) && digit(p.text[start+digits]) {
		digits++
	}
	p.pos += digits
	unit := p.text[p.pos : p.pos+wordLength(p.text[p.pos:])]
	count, err := strconv.ParseInt(p.text[start:p.pos], 10, 64)
	p.pos += len(unit)
	found, ok := units[strings.ToLower(unit)]
	if err != nil || count < 1 || count > maxPeriod || !ok {
		p.fail(start, "got %q, want a period such as 30s, 5m, 1h or 1d", p.text[start:p.pos])
	}
	return period{ms: found.ms * count, months: found.months * count}
}

// floor is where the period begins that a time is in, in UTC. Weeks begin on
// Monday; periods are counted from 1970, those of months from the year 0 (guesses).
func (p period) floor(ms int64) int64 {
	if p.months > 0 {
		t := time.UnixMilli(ms).UTC()
		month := int64(t.Year())*12 + int64(t.Month()) - 1
		month -= modulo(month, p.months)
		return time.Date(int(month/12), time.Month(month%12+1), 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	}
	offset := int64(0)
	if week := 7 * 24 * time.Hour.Milliseconds(); p.ms%week == 0 {
		offset = 4 * 24 * time.Hour.Milliseconds() // 1970-01-05 was the first Monday
	}
	return ms - modulo(ms-offset, p.ms)
}

// ceil is the beginning of the next period, unless one begins just then.
func (p period) ceil(ms int64) int64 {
	floor := p.floor(ms)
	if floor == ms {
		return ms
	}
	if p.months > 0 {
		return time.UnixMilli(floor).UTC().AddDate(0, int(p.months), 0).UnixMilli()
	}
	return floor + p.ms
}

func modulo(a, b int64) int64 { return (a%b + b) % b }

// periodCall reads the functions that take a period: bin(5m), which is of
// @timestamp, datefloor(x, 5m) and dateceil(x, 5m).
func (p *parser) periodCall(start int, name string) (node, bool) {
	var of node
	round := period.floor
	switch name {
	case "bin":
		of = node{eval: p.resolve("@timestamp", start)}
		if p.aggregates != nil {
			of.outside = start + 1
		}
	case "datefloor", "dateceil":
		of = p.expression()
		p.expect(",", "a comma and a period such as 5m")
		if name == "dateceil" {
			round = period.ceil
		}
	default:
		return node{}, false
	}
	by := p.period()
	p.expect(")", `")"`)
	return node{start: start, end: p.pos, outside: of.outside, eval: func(r *row) value {
		if v := of.eval(r); v.kind == moment {
			return momentOf(float64(round(by, int64(v.number))))
		}
		return value{}
	}}, true
}
