package render

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxProse and maxName are how many characters of a text and of a name a comment
// shows, maxNames is how many names of a list.
const (
	maxProse = 1500
	maxName  = 300
	maxNames = 40
)

// prose is text that is not ours, cut if it is very long.
func prose(s string) string {
	s, more := cut(s, maxProse)
	return escape(s) + more
}

// cut returns the first characters, and words that say so if there are more.
func cut(s string, limit int) (first, more string) {
	if utf8.RuneCountInString(s) <= limit {
		return s, ""
	}
	return string([]rune(s)[:limit]), " … (cut)"
}

// active are the characters of Markdown that mean something within a line. What
// means something at the start of a line needs no escape, since no line begins with
// text that is not ours: GitLab takes a line "/close" for a command.
var active = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;", `\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`,
	"|", `\|`, "~", `\~`, "!", `\!`, "#", `\#`, "$", `\$`, "^", `\^`, "@", `\@`, "://", `\://`,
)

// reference is what both services look for after Markdown has been made of the
// text, where escapes are gone: people (@), issues (#), merge requests (!), snippets
// ($), labels (~), milestones (%), epics (&), alerts (^), others ([kind:id]) and
// emoji (:name:). A character without width between the mark and the name ends that,
// as Renovate has it in its pull requests.
// https://docs.gitlab.com/user/markdown/#gitlab-specific-references
var reference = regexp.MustCompile(`[@#!$~%&^*][\pL\pN_"]|\[\pL|:[\w+-]+:`)

const zeroWidth = "\u200b"

// escape makes Markdown that shows the text as it is and does nothing else.
func escape(s string) string {
	s = reference.ReplaceAllStringFunc(clean(s), func(match string) string {
		return match[:1] + zeroWidth + match[1:]
	})
	return strings.ReplaceAll(active.Replace(s), zeroWidth, "&#8203;")
}

// code is a name, in which neither service looks for references. It is an element
// of HTML, since a code span could not hold a bar within a table.
func code(s string) string {
	s, more := cut(s, maxName)
	return "<code>" + active.Replace(clean(s)) + "</code>" + more
}

// codes are names, cut if there are very many.
func codes(names []string) string {
	var shown []string
	for i, name := range names {
		if i == maxNames {
			shown = append(shown, fmt.Sprintf("and %d more", len(names)-maxNames))
			break
		}
		shown = append(shown, code(name))
	}
	return strings.Join(shown, ", ")
}
