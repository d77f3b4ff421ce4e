package insights_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/logs/insights"
)

func TestQueriesThatAreRefused(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"":                             `line 1, column 1: got the end, want a command: fields,`,
		" # only a comment":            `got the end, want a command`,
		"|":                            `got "|", want a command`,
		"fields a |":                   `line 1, column 11: got the end, want a command`,
		"fields a\n|  filtr b":         `line 2, column 4: got "filtr", want a command`,
		"fields é | é":                 `line 1, column 8: got "é", want a field`,
		"fields a fields b":            `got "fields", want "|" or the end`,
		"fields":                       `got the end, want a field`,
		"fields a,":                    `got the end, want a field`,
		"fields *":                     `got "*", want a field`,
		"head 5":                       `got the command "head", which is not implemented by the sandbox`,
		"SOURCE logGroups()":           `not implemented`,
		"fields a | pattern @message":  `not implemented`,
		"fields a | unmask a":          `not implemented`,
		"fields a | FILTERINDEX a = 1": `not implemented`,
		strings.Repeat(" ", 10_001):    `got a query of 10001 characters, want at most 10000`,

		"parse a '*\xc4' as b":             `line 1, column 11: got a byte that is not UTF-8`,
		"fields `a":                        `got an open backtick`,
		"fields ``":                        `got no name in backticks`,
		"fields a-":                        `got the end, want a field`,
		"fields foo-1x":                    `got "1x", want a number`,
		"fields a.":                        `got ".", want "|" or the end`,
		"fields a.`b-c`":                   `got ".", want`,
		"fields @duration":                 `got the field "@duration", which is not implemented by the sandbox; want @timestamp,`,
		"fields @`aws.tag.a:b`":            `got the field "@aws.tag.a:b", which is not implemented`,
		"fields @entity.Attributes.Name":   `not implemented`,
		"fields by":                        `got the keyword "by", want a field`,
		"filter a = true":                  `got the keyword "true"`,
		"fields a as":                      `got the end, want a name`,
		"fields a as 1":                    `got "1", want a name`,
		"fields a as b, c as b":            `got the name "b" a second time`,
		"fields a as b | parse a '*' as b": `got the name "b" a second time`,
		"fields 1 as @timestamp":           `got the name "@timestamp", which every event has`,
		"fields abs(a) as b, abs(a) as b":  `line 1, column 21: got the name "b" a second time`,

		`fields "a`:                          `got an open quote`,
		`fields "a\`:                         `got a backslash`,
		`fields "\n"`:                        `got a backslash, want \\, \" or \'`,
		`fields 5m`:                          `got "5m", want a number; a period`,
		`fields 1.`:                          `got "1.", want a number`,
		`fields .5`:                          `got ".5", want a field`,
		`fields 1e3`:                         `got "1e3", want a number`,
		`fields -a`:                          `got "a", want a number after "-"`,
		`fields - 1`:                         `want a number after "-"`,
		`fields +1`:                          `got "+", want a field`,
		`fields ` + strings.Repeat("9", 400): `want a number that is not as large`,
		`fields (a`:                          `got the end, want ")"`,
		`fields a)`:                          `got ")", want "|" or the end`,
		`fields a + `:                        `got the end, want a field`,
		`fields a && b`:                      `got "&", want`,
		`fields ` + strings.Repeat("(", 101) + "a":        `got an expression in more than 100 others`,
		`filter ` + strings.Repeat("not ", 101) + "a = 1": `in more than 100 others`,
		`fields ` + strings.Repeat("2 ^ ", 101) + "a":     `in more than 100 others`,

		"filter":                `got the end, want a field`,
		"filter a":              `got "a", want a condition`,
		"filter 1":              `got "1", want a condition`,
		"filter a + 1":          `got "a + 1", want a condition`,
		"filter (a)":            `got "(a)", want a condition`,
		"filter a and b = 1":    `got "a", want a condition`,
		"filter a = 1 or b":     `got "b", want a condition`,
		"filter not a":          `got "a", want a condition`,
		"filter toupper(a)":     `got "toupper(a)", want a condition`,
		"filter a == 1":         `got "=", want a field`,
		"filter a <> 1":         `got ">", want a field`,
		"filter a = 1 = 1":      `got "=", want one comparison`,
		"filter 1 < a < 3":      `got "<", want one comparison`,
		"filter !ispresent(a)":  `got "!", want a field`,
		"filter a = b c":        `got "c", want "|" or the end`,
		"filter a not 1":        `got "1", want "like" or "in" after "not"`,
		"filter a not = 1":      `got "=", want "like" or "in" after "not"`,
		"filter a like b":       `got "b", want text in quotes or a regular expression`,
		"filter a like":         `got the end, want text`,
		"filter a =~ 'x'":       `got "'", want a regular expression in slashes`,
		"filter a like /x":      `got an open regular expression`,
		"filter a like /x\n/":   `got an open regular expression`,
		"filter a like //":      `got an empty regular expression`,
		"filter a like /(/":     `got a regular expression that the sandbox cannot read`,
		"filter a like /(?=x)/": `got a regular expression that the sandbox cannot read`,
		"filter a in 1":         `got "1", want a list such as [401, 403]`,
		"filter 'x' in tags":    `lists in fields are not implemented`,
		"filter a in []":        `got "]", want a field`,
		"filter a in [b]":       `got "b" in a list, want text in quotes or a number`,
		"filter a in [1, 2":     `got the end, want "," or "]"`,

		"fields foo(a)":                          `got the function foo(), which does not exist or is not implemented`,
		"fields now()":                           `got the function now(), which does not exist or is not implemented`,
		"fields jsonParse(a)":                    `not implemented by the sandbox`,
		"fields abs()":                           `got 0 arguments of abs(), want one`,
		"fields abs(a, b)":                       `got 2 arguments of abs(), want one`,
		"fields trim(a, b, c)":                   `got 3 arguments of trim(), want one or two`,
		"fields concat()":                        `got 0 arguments of concat(), want at least one`,
		"fields abs(a":                           `got the end, want "," or ")"`,
		"fields ispresent(1)":                    `got "1" in ispresent(), want the name of a field`,
		"fields ispresent(abs(a))":               `want the name of a field`,
		`fields isIpInSubnet(a, b)`:              `got "b", want a subnet`,
		`fields isIpInSubnet(a, "x")`:            `got the subnet "x"`,
		`fields isIpv4InSubnet(a, "::/0")`:       `got the subnet "::/0"`,
		`fields isIpv6InSubnet(a, "10.0.0.0/8")`: `got the subnet`,
		"fields bin()":                           `got "", want a period such as 30s`,
		"fields bin(5)":                          `got "5", want a period`,
		"fields bin(0m)":                         `got "0m", want a period`,
		"fields bin(5x)":                         `got "5x", want a period`,
		"fields bin(1.5h)":                       `got "1.5h", want a period`,
		"fields bin(ms)":                         `got "ms", want a period`,
		"fields bin(5ds)":                        `got "5ds", want a period`,
		"fields bin(9999999d)":                   `want a period`,
		"fields bin(5m, a)":                      `got ",", want ")"`,
		"fields datefloor(a)":                    `got ")", want a comma and a period`,

		"display abs(a)":         `got "abs(a)" in display, want a field`,
		"display a as b":         `got "as", want "|" or the end`,
		"parse 'x*' as a":        `got "'x*'", want the field to parse`,
		"parse /x/":              `got "/", want a field`,
		"parse a":                `got the end, want a glob in quotes or a regular expression`,
		"parse a b":              `got "b", want a glob`,
		"parse a 'x' as b":       `got a glob without *`,
		"parse a '*'":            `got the end, want "as" and a name for each *`,
		"parse a '* *' as b":     `got 1 names for the 2 * of the glob`,
		"parse a '*' as b, c":    `got 2 names for the 1 *`,
		"parse a '*' as b-c":     `got "-", want "|" or the end`,
		"parse a '* *' as b, b":  `got the name "b" a second time`,
		"parse a /x/":            `got a regular expression without named groups`,
		"parse a /(x)/ as b":     `got a regular expression without named groups`,
		"parse a /(?<b>x)/ as b": `got as after a regular expression`,

		"sort":               `got the end, want a field`,
		"sort a up":          `got "up", want "|" or the end`,
		"sort a desc asc":    `got "asc", want "|" or the end`,
		"sort count(*)":      `got count() here, want it in stats`,
		"limit":              `got the end, want a whole number from 1 to 10000`,
		"limit 0":            `got "0", want a whole number`,
		"limit -1":           `got "-", want a whole number`,
		"limit 1.5":          `got "1.5", want a whole number`,
		"limit 10001":        `got "10001", want a whole number`,
		"limit a":            `got "a", want a whole number`,
		"dedup":              `got the end, want a field`,
		"dedup abs(a)":       `got "abs(a)" in dedup, want a field`,
		"dedup a | fields b": `got "fields" after dedup, want nothing but limit`,

		"stats":                     `got the end, want a field`,
		"stats a":                   `got a field outside of an aggregate`,
		"stats 1":                   `got "1", want an aggregate`,
		"stats abs(1)":              `got "abs(1)", want an aggregate`,
		"stats count(*) + a":        `line 1, column 18: got a field outside of an aggregate`,
		"stats sum(a) / toupper(b)": `got a field outside of an aggregate`,
		"stats count(*), bin(5m)":   `line 1, column 17: got a field outside of an aggregate`,
		"stats sum(a), a like 'x'":  `got a field outside of an aggregate`,
		"stats count(*":             `got the end, want ")"`,
		"stats count(*, a)":         `got ",", want ")"`,
		"stats sum(*)":              `got "*", want a field`,
		"stats sum()":               `got 0 arguments of sum(), want 1`,
		"stats sum(1)":              `got "1" in sum(), want a field`,
		"stats sum(max(a))":         `got max() here, want it in stats, before by and in no other aggregate`,
		"stats pct(a)":              `got 1 arguments of pct(), want 2`,
		"stats pct(a, b)":           `got the percentile "b"`,
		"stats pct(a, 101)":         `got the percentile "101", want a number from 0 to 100`,
		"stats median(a)":           `got the function median(), which does not exist or is not implemented`,
		"stats count(*) by":         `got the end, want a field`,
		"stats count(*) by sum(a)":  `got sum() here`,
		"stats count(*) by a, a":    `got the name "a" a second time`,
		"stats count(*) as a by a":  `got the name "a" a second time`,
		"stats count(*), count(*)":  `got the name "count(*)" a second time`,
		"fields count(*)":           `got count() here, want it in stats`,
		"filter sum(a) > 1":         `got sum() here`,

		"stats count(*) as n by b | filter c = 1":                          `got the field "c" after stats, want one that stats defines: b, n`,
		"stats count(*) as n | sort @timestamp":                            `got the field "@timestamp" after stats`,
		"stats count(*) as n | stats sum(n) by bin(5m)":                    `got the field "@timestamp" after stats`,
		"stats sum(a) as s | sort sum(a)":                                  `got sum() here, want it in stats`,
		"stats sum(a) as s | fields s as s2 | stats max(strlen(@message))": `got the field "@message" after stats`,
		"stats sum(a) as s by b | stats latest(b)":                         `got latest() after stats, want it in the first`,
		"stats sum(a) as s | stats sum(s) as u | stats sum(u)":             `got a third stats`,
		"stats sum(a) as s | sort s | stats sum(s)":                        `got stats after sort, want sort after the second stats`,
		"stats sum(a) as s | limit 5 | stats sum(s)":                       `got stats after limit`,
	} {
		name := query
		if len(name) > 60 {
			name = name[:60]
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, err := insights.Parse(query)
			require.ErrorContains(t, err, want)
			require.Nil(t, q)
			require.Regexp(t, `^line \d+, column \d+: got `, err.Error())

			var refusal *insights.Error
			require.ErrorAs(t, err, &refusal)
			require.GreaterOrEqual(t, refusal.Start, 0)
			require.LessOrEqual(t, refusal.Start, refusal.End)
			require.LessOrEqual(t, refusal.End, len(query))
		})
	}
}

func TestAnErrorSaysWhere(t *testing.T) {
	t.Parallel()
	query := "fields a # comment\n| filter 'é' = 1 | filter wrong(a)"
	_, err := insights.Parse(query)
	require.EqualError(t, err, "line 2, column 27: got the function wrong(), which does not exist or is not implemented by the sandbox")
	var refusal *insights.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, "wrong(", query[refusal.Start:refusal.End])
}
