package insights

import (
	"math"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// function is one of those that stand in any expression.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
type function struct {
	least, most int // arguments; most 0 is any number
	condition   bool
	field       bool // whether the arguments are fields rather than expressions
	apply       func(args []value) value
}

// functions are keyed by their names in lower case: AWS writes ispresent,
// isPresent and SUM (that case never matters is a guess).
var functions = map[string]function{
	"abs":      {1, 1, false, false, mathematics(math.Abs)},
	"ceil":     {1, 1, false, false, mathematics(math.Ceil)},
	"floor":    {1, 1, false, false, mathematics(math.Floor)},
	"log":      {1, 1, false, false, mathematics(math.Log)},
	"sqrt":     {1, 1, false, false, mathematics(math.Sqrt)},
	"greatest": {1, 0, false, false, choice(1)},
	"least":    {1, 0, false, false, choice(-1)},

	"ispresent": {1, 1, true, true, func(a []value) value { return truthOf(a[0].kind != absent) }},
	"isempty":   {1, 1, true, false, func(a []value) value { return truthOf(a[0].String() == "") }},
	"isblank":   {1, 1, true, false, func(a []value) value { return truthOf(strings.TrimSpace(a[0].String()) == "") }},
	"coalesce":  {1, 0, false, false, coalesce},

	"concat":      {1, 0, false, false, concat},
	"ltrim":       {1, 2, false, false, trim(strings.TrimLeft)},
	"rtrim":       {1, 2, false, false, trim(strings.TrimRight)},
	"trim":        {1, 2, false, false, trim(strings.Trim)},
	"strlen":      {1, 1, false, false, strlen},
	"toupper":     {1, 1, false, false, onText(func(a []value) value { return textOf(strings.ToUpper(a[0].String())) })},
	"tolower":     {1, 1, false, false, onText(func(a []value) value { return textOf(strings.ToLower(a[0].String())) })},
	"substr":      {2, 3, false, false, onText(substr)},
	"replace":     {3, 3, false, false, onText(replace)},
	"strcontains": {2, 2, true, false, func(a []value) value { return truthOf(contains(a)) }},

	"frommillis": {1, 1, false, false, fromMillis},
	"tomillis":   {1, 1, false, false, toMillis},

	"isvalidip":      {1, 1, true, false, address(func(netip.Addr) bool { return true })},
	"isvalidipv4":    {1, 1, true, false, address(netip.Addr.Is4)},
	"isvalidipv6":    {1, 1, true, false, address(netip.Addr.Is6)},
	"isipinsubnet":   {2, 2, true, false, subnet(func(netip.Addr) bool { return true })},
	"isipv4insubnet": {2, 2, true, false, subnet(netip.Addr.Is4)},
	"isipv6insubnet": {2, 2, true, false, subnet(netip.Addr.Is6)},
}

// call reads the arguments of a function, whose parenthesis was read.
func (p *parser) call(start int, name string) node {
	lower := strings.ToLower(name)
	if n, ok := p.periodCall(start, lower); ok {
		return n
	}
	if n, ok := p.aggregateCall(start, lower); ok {
		return n
	}
	f, ok := functions[lower]
	if !ok {
		p.fail(start, "got the function %s(), which does not exist or is not implemented by the sandbox", name)
	}
	args := p.arguments()
	if len(args) < f.least || f.most > 0 && len(args) > f.most {
		p.fail(start, "got %d arguments of %s(), want %s", len(args), name, f.arity())
	}
	if strings.HasSuffix(lower, "insubnet") {
		p.isSubnet(args[1], lower)
	}
	n := node{start: start, end: p.pos, condition: f.condition}
	for _, a := range args {
		if f.field && a.field == "" {
			p.fail(a.start, "got %q in %s(), want the name of a field", p.text[a.start:a.end], name)
		}
		n.outside = max(n.outside, a.outside)
	}
	n.eval = func(r *row) value {
		var buffer [4]value
		values := buffer[:0]
		for _, a := range args {
			values = append(values, a.eval(r))
		}
		return f.apply(values)
	}
	return n
}

// arguments reads expressions up to the closing parenthesis.
func (p *parser) arguments() []node {
	if p.take(")") {
		return nil
	}
	var args []node
	for {
		args = append(args, p.expression())
		if !p.take(",") {
			break
		}
	}
	p.expect(")", `"," or ")"`)
	return args
}

func (f function) arity() string {
	words := []string{"none", "one", "two", "three"}
	switch {
	case f.most == 0:
		return "at least " + words[f.least]
	case f.least == f.most:
		return words[f.least]
	}
	return words[f.least] + " or " + words[f.most]
}

// mathematics, like all that follows, is absent where an argument is no number
// (a guess).
func mathematics(f func(float64) float64) func([]value) value {
	return func(a []value) value {
		if x, ok := a[0].num(); ok {
			return numberOf(f(x))
		}
		return value{}
	}
}

// choice passes over what is no number (a guess).
func choice(sign float64) func([]value) value {
	return func(a []value) value {
		best := math.Inf(-1)
		for _, v := range a {
			if x, ok := v.num(); ok {
				best = max(best, sign*x)
			}
		}
		return numberOf(sign * best)
	}
}

func coalesce(a []value) value {
	for _, v := range a {
		if v.kind != absent {
			return v
		}
	}
	return value{}
}

// concat takes what is absent for empty (a guess).
func concat(a []value) value {
	var b strings.Builder
	for _, v := range a {
		b.WriteString(v.String())
	}
	return textOf(b.String())
}

// onText leaves absent what is done to an absent field (a guess).
func onText(f func([]value) value) func([]value) value {
	return func(a []value) value {
		if a[0].kind == absent {
			return value{}
		}
		return f(a)
	}
}

// trim removes white space, or each of the characters of the second argument,
// as the examples of AWS show.
func trim(f func(s, cutset string) string) func([]value) value {
	return onText(func(a []value) value {
		cutset := " \t\r\n\v\f"
		if len(a) > 1 {
			cutset = a[1].String()
		}
		return textOf(f(a[0].String(), cutset))
	})
}

func strlen(a []value) value {
	if a[0].kind == absent {
		return value{}
	}
	return numberOf(float64(utf8.RuneCountInString(a[0].String())))
}

// substr counts in characters from 0; outside of the text there is nothing (a guess).
func substr(a []value) value {
	characters := []rune(a[0].String())
	size := float64(len(characters))
	from, ok := a[1].num()
	if !ok {
		return value{}
	}
	from = min(max(from, 0), size)
	to := size
	if len(a) > 2 {
		length, ok := a[2].num()
		if !ok {
			return value{}
		}
		to = min(from+max(length, 0), size)
	}
	return textOf(string(characters[int(from):int(to)]))
}

func replace(a []value) value {
	old := a[1].String()
	if old == "" {
		return textOf(a[0].String())
	}
	return textOf(strings.ReplaceAll(a[0].String(), old, a[2].String()))
}

func contains(a []value) bool {
	return a[0].kind != absent && a[1].kind != absent && strings.Contains(a[0].String(), a[1].String())
}

func fromMillis(a []value) value {
	if ms, ok := a[0].num(); ok {
		return momentOf(ms)
	}
	return value{}
}

func toMillis(a []value) value {
	if a[0].kind == moment {
		return numberOf(a[0].number)
	}
	return value{}
}

func address(is func(netip.Addr) bool) func([]value) value {
	return func(a []value) value {
		ip, err := netip.ParseAddr(a[0].String())
		return truthOf(err == nil && ip.Zone() == "" && is(ip))
	}
}

func subnet(is func(netip.Addr) bool) func([]value) value {
	return func(a []value) value {
		ip, err := netip.ParseAddr(a[0].String())
		prefix, prefixErr := netip.ParsePrefix(a[1].String())
		return truthOf(err == nil && prefixErr == nil && is(ip) && prefix.Contains(ip))
	}
}

// isSubnet refuses what could hold no address.
func (p *parser) isSubnet(n node, function string) {
	if n.constant == nil || n.constant.kind != text {
		p.fail(n.start, "got %q, want a subnet such as \"192.0.2.0/24\" in quotes", p.text[n.start:n.end])
	}
	prefix, err := netip.ParsePrefix(n.constant.text)
	if err != nil || function == "isipv4insubnet" && !prefix.Addr().Is4() || function == "isipv6insubnet" && !prefix.Addr().Is6() {
		p.fail(n.start, "got the subnet %q, want one of %s such as 192.0.2.0/24 or 2001:db8::/32", n.constant.text, function)
	}
}
