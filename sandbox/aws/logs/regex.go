package logs

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// What regular expressions of filter patterns may be, see
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/regex-expressions.html.
// Which letters may follow a backslash is a guess.
const (
	maxRegexes      = 2 // in a pattern
	maxRegexFilters = 5 // with any, of a log group
)

var regexText = regexp.MustCompile(`^(?:\\[dDsSwW]|\\x[0-9A-Fa-f]{2}|\\[:_#=@/;,\-^$?\[\]{}|\\*+.]|[A-Za-z0-9:_#=@/;,\-^$?\[\]{}|*+.])+$`)

// takeRegex takes a regular expression between % off the front of s.
func takeRegex(s string) (re *regexp.Regexp, rest string, err error) {
	text, rest, closed := strings.Cut(s[1:], "%")
	if !closed {
		return nil, "", fmt.Errorf("got an open %% in %q", s)
	}
	if !regexText.MatchString(text) {
		return nil, "", fmt.Errorf("got the regular expression %q, want letters, digits, the symbols : _ # = @ / ; , - and the operators ^ $ ? [ ] { } | \\ * + . only", text)
	}
	if re, err = regexp.Compile(text); err != nil {
		return nil, "", errors.New(strings.TrimPrefix(err.Error(), "error parsing "))
	}
	return re, rest, nil
}
