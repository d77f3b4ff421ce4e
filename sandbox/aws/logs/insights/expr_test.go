package insights_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const one = `{"n":7,"f":2.50,"neg":-3,"quoted":"401","text":"Some Text","empty":"","blank":" \t","yes":true,"no":false,` +
	`"none":null,"deep":{"er":{"x":"y"},"list":[1,{"id":"i"}]},"odd-name":"odd","sp ace":1,"@at":"own","dot.ted":5,` +
	`"twice":1,"twice":2,"esc":"a\"\u00e9\n","ip":"192.0.2.77","six":"2001:db8::1","big":1e999,"ms":"1700000000123"}`

func TestExpressions(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		"n":                   "7",
		"f":                   "2.50", // as it was written
		"f + 0":               "2.5",
		"yes":                 "1",
		"no":                  "0",
		"none":                "",
		"deep":                "",
		"deep.er.x":           "y",
		"deep.list.0":         "1",
		"deep.list.1.id":      "i",
		"deep.list.2.id":      "",
		"`odd-name`":          "odd",
		"`sp ace`":            "1",
		"@@at":                "own",
		"dot.ted":             "5",
		"twice":               "2",
		"esc":                 "a\"é\n",
		"big":                 "1e999",
		"1 + 2 * 3 ^ 2":       "19",
		"2 ^ 3 ^ 2":           "512",
		"(1 + 2) * 3":         "9",
		"10 % 3":              "1",
		"10 - 4 - 3":          "3",
		"n - -3":              "10",
		"neg + 3":             "0",
		"0 * -1":              "0",
		"-0.00001":            "0",
		"1 / 3":               "0.3333",
		"2 / 3":               "0.6667",
		"n / 0":               "",
		"n + text":            "",
		"n + absent":          "",
		"quoted + 1":          "402",
		"123456789012 * 1000": "123456789012000",

		"abs(neg)":                             "3",
		"ceil(f)":                              "3",
		"floor(f)":                             "2",
		"sqrt(9)":                              "3",
		"log(1)":                               "0",
		"sqrt(neg)":                            "",
		"greatest(1, n, f)":                    "7",
		"least(n, neg, text)":                  "-3",
		"least(text)":                          "",
		"ispresent(n)":                         "1",
		"isPresent(absent)":                    "0",
		"isempty(empty)":                       "1",
		"isempty(absent)":                      "1",
		"isempty(blank)":                       "0",
		"isblank(blank)":                       "1",
		"coalesce(absent, none, n)":            "7",
		"concat(n, '-', absent, text)":         "7-Some Text",
		`ltrim("xyZxyfooxyZ", "xyZ")`:          "fooxyZ",
		`rtrim("xyZfooxyxyZ", "xyZ")`:          "xyZfoo",
		`trim("xyZxyfooxyxyZ", "xyZ")`:         "foo",
		`trim("  a b ")`:                       "a b",
		"strlen('é\\'')":                       "2",
		"toupper(text)":                        "SOME TEXT",
		"tolower(text)":                        "some text",
		"toupper(absent)":                      "",
		`substr("xyZfooxyZ", 3, 3)`:            "foo",
		`substr(text, 5)`:                      "Text",
		`substr(text, 99, 1)`:                  `""`,
		`substr(text, 5, 99)`:                  "Text",
		`substr(text, -1, 2)`:                  "So",
		`replace("foo", "o", "0")`:             "f00",
		`replace("foo", "", "0")`:              "foo",
		`strcontains(text, "Text")`:            "1",
		`strcontains(text, "text")`:            "0",
		`strcontains(absent, "")`:              "0",
		`isValidIp(ip)`:                        "1",
		`isValidIpV4(six)`:                     "0",
		`isValidIpV6(six)`:                     "1",
		`isIpInSubnet(ip, "192.0.2.0/24")`:     "1",
		`isIpv4InSubnet(ip, "192.0.3.0/24")`:   "0",
		`isIpv6InSubnet(six, "2001:db8::/32")`: "1",
		`isIpv4InSubnet(text, "192.0.2.0/24")`: "0",

		"@timestamp":                         "2026-03-04 12:00:00.000",
		"toMillis(@timestamp)":               "1772625600000",
		"toMillis(text)":                     "",
		"fromMillis(ms)":                     "2023-11-14 22:13:20.123",
		"fromMillis(text)":                   "",
		"fromMillis(10 ^ 300)":               "",
		"datefloor(@timestamp, 1d)":          "2026-03-04 00:00:00.000",
		"dateceil(@timestamp, 1h)":           "2026-03-04 12:00:00.000",
		"dateceil(@timestamp, 7hours)":       "2026-03-04 17:00:00.000",
		"datefloor(@timestamp, 1w)":          "2026-03-02 00:00:00.000",
		"datefloor(@timestamp, 1mo)":         "2026-03-01 00:00:00.000",
		"dateceil(@timestamp, 1month)":       "2026-04-01 00:00:00.000",
		"dateceil(@timestamp, 1qtr)":         "2026-04-01 00:00:00.000",
		"datefloor(@timestamp, 2yrs)":        "2026-01-01 00:00:00.000",
		"datefloor(fromMillis(-1), 1hr)":     "1969-12-31 23:00:00.000",
		"datefloor(fromMillis(ms), 50msecs)": "2023-11-14 22:13:20.100",
		"bin(30s)":                           "2026-03-04 12:00:00.000",
		"datefloor(text, 1h)":                "",

		"n = 7":                          "1",
		"n != 7":                         "0",
		"quoted = 401":                   "1",
		"quoted = '401'":                 "1",
		"quoted = '0401'":                "0", // text is compared as text
		"quoted >= 400":                  "1",
		"quoted < '1000'":                "1", // both read as numbers
		"text = 7":                       "0",
		"text != 7":                      "1",
		"text > 7":                       "0",
		"text < 'Z'":                     "1",
		"absent = 1":                     "0",
		"absent != 1":                    "0",
		"absent = absent":                "0",
		"none = ''":                      "0",
		"yes = 1":                        "1",
		"(n = 7) = 1":                    "1",
		"ispresent(n) + 1":               "2",
		"@timestamp > 1772625599999":     "1",
		"@timestamp > '2020-01-01'":      "0", // AWS does not compare with these
		"text like 'Text'":               "1",
		"text like 'text'":               "0",
		"text like /(?i)^some/":          "1",
		"text =~ /t$/":                   "1",
		"text not like 'Text'":           "0",
		"absent like ''":                 "0",
		"absent not like 'x'":            "1",
		"n like /^7$/":                   "1",
		`"a/b" like /a\/b/`:              "1",
		"n in [6, 7]":                    "1",
		"n in ['7']":                     "1",
		"quoted in [401]":                "1",
		"text not in ['a', -1]":          "1",
		"absent not in [1]":              "1",
		"not n = 7":                      "0",
		"not not n = 7":                  "1",
		"n = 1 or n = 7 and f = 1":       "0",
		"(n = 7 or n = 1) and f > 2":     "1",
		"NOT n = 1 AND f = 2.5 OR n = 0": "1",
	} {
		t.Run(expression, func(t *testing.T) {
			t.Parallel()
			got, _ := run(t, `fields `+expression+` as x | display x`, events(one))
			switch want {
			case "": // absent
			case `""`:
				want = "x="
			default:
				want = "x=" + want
			}
			require.Equal(t, want, got)
		})
	}
}

// The examples of AWS's page on sort, in the order that it gives.
func TestSortIsNatural(t *testing.T) {
	t.Parallel()
	want := []string{"!:", "#", "*%04", "0#", "5A", "111A", "2345_", "@", "@_", "A", "A9876fghj", "a12345hfh", "0", "01", "1", "2", "3"}
	var messages []string
	for i := range want {
		messages = append(messages, want[(i*7)%len(want)])
	}
	var ascending, descending string
	for i := range want {
		ascending += "@message=" + want[i] + "\n"
		descending += "@message=" + want[len(want)-1-i] + "\n"
	}
	got, _ := run(t, `fields @message | sort @message`, events(messages...))
	require.Equal(t, ascending, got+"\n")
	got, _ = run(t, `fields @message | sort @message desc`, events(messages...))
	require.Equal(t, descending, got+"\n")
}
