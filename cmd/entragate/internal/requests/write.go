package requests

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/entragate/entragate/accesslog"
)

// column is one of the table.
type column struct {
	title string
	cell  func(Request) string
	least int // how narrow it may be made; 0: not at all
	width int
	right bool
}

func columns() []column {
	return []column{
		{title: "TIME", cell: func(q Request) string { return q.Time.UTC().Format(time.DateTime) }},
		{title: "STATUS", cell: statusOf},
		{title: "MS", cell: latencyOf, right: true},
		{title: "REQUEST", cell: requestOf, least: 12},
		{title: "ROUTE", cell: routeOf, least: 8},
		{title: "CALLER", cell: callerOf, least: 8},
		{title: "ID", cell: func(q Request) string { return clean(q.RequestID) }},
		{title: "WHY", cell: reasonOf, least: 16},
	}
}

// Write prints a table, cut to stay within width columns if it can (0: as wide as
// it takes), and the notes.
func (l List) Write(w io.Writer, width int) error {
	var b strings.Builder
	if len(l.Requests) == 0 {
		b.WriteString("no requests\n")
	} else {
		l.table(&b, width)
	}
	if l.Unreadable > 0 {
		fmt.Fprintf(&b, "\n%d that could not be read: %s\n", l.Unreadable, wordsUnreadable)
	}
	for i, note := range l.Notes {
		if i == 0 {
			b.WriteByte('\n')
		}
		b.WriteString(clean(note) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (l List) table(b *strings.Builder, width int) {
	rows := make([][]string, len(l.Requests))
	var shown []column
	for _, c := range columns() {
		c.width = utf8.RuneCountInString(c.title)
		filled := false
		cells := make([]string, len(rows))
		for i, q := range l.Requests {
			cells[i] = c.cell(q)
			filled = filled || cells[i] != ""
			c.width = max(c.width, utf8.RuneCountInString(cells[i]))
		}
		if !filled {
			continue
		}
		shown = append(shown, c)
		for i := range rows {
			rows[i] = append(rows[i], cells[i])
		}
	}
	narrow(shown, width)
	titles := make([]string, len(shown))
	for i, c := range shown {
		titles[i] = c.title
	}
	writeRow(b, shown, titles)
	for _, row := range rows {
		writeRow(b, shown, row)
	}
}

const gap = "  " // between columns

// narrow takes width from the widest columns until all fit.
func narrow(shown []column, width int) {
	for width > 0 {
		total, widest := len(gap)*(len(shown)-1), -1
		for i, c := range shown {
			total += c.width
			if c.least > 0 && c.width > c.least && (widest < 0 || c.width > shown[widest].width) {
				widest = i
			}
		}
		if total <= width || widest < 0 {
			return
		}
		shown[widest].width--
	}
}

func writeRow(b *strings.Builder, shown []column, row []string) {
	var line strings.Builder
	for i, c := range shown {
		if i > 0 {
			line.WriteString(gap)
		}
		text := cut(row[i], c.width)
		padding := strings.Repeat(" ", c.width-utf8.RuneCountInString(text))
		if c.right {
			line.WriteString(padding + text)
		} else {
			line.WriteString(text + padding)
		}
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

// cut shortens text to a width.
func cut(text string, width int) string {
	if runes := []rune(text); len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return text
}

// Write prints the request on one line.
func (r Request) Write(w io.Writer) error {
	parts := []string{r.Time.UTC().Format(time.DateTime), statusOf(r), requestOf(r), callerOf(r)}
	if ms := latencyOf(r); ms != "" {
		parts = append(parts, ms+" ms")
	}
	parts = append(parts, clean(r.RequestID))
	line := strings.Join(parts, gap)
	if why := whyOf(r); why != "" {
		line += gap + why
	}
	_, err := io.WriteString(w, strings.TrimRight(line, " ")+"\n")
	return err
}

// Write prints what happened, why, and what to do, as paragraphs.
func (x Explanation) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d\n\n", requestOf(x.Request), x.Status)
	for _, row := range [][2]string{
		{"request", x.RequestID},
		{"time", x.Time.UTC().Format("2006-01-02 15:04:05.000 MST")},
		{"from", x.IP},
		{"route", x.RouteKey},
		{"client", strings.TrimSpace(x.Client + " " + x.Caller.ClientID)},
		{"user", userOf(x.Request)},
		{"scopes", strings.Join(x.Caller.Scopes, " ")},
		{"roles", strings.Join(x.Caller.Roles, " ")},
	} {
		if row[1] != "" {
			fmt.Fprintf(&b, "  %-8s %s\n", row[0], clean(row[1]))
		}
	}
	fmt.Fprintf(&b, "\n%s\n", clean(x.Cause))
	if len(x.Advice) > 0 {
		b.WriteString("\nWhat to do\n")
	}
	for i, step := range x.Advice {
		fmt.Fprintf(&b, "  %d. %s\n", i+1, clean(step))
	}
	if len(x.FunctionLines) > 0 {
		b.WriteString("\nThe role authorizer's log\n")
	}
	for _, line := range x.FunctionLines {
		text := strings.Join([]string{line.Time.UTC().Format(time.DateTime), line.Message, line.Reason, line.Error}, " ")
		fmt.Fprintf(&b, "  %s\n", clean(strings.Join(strings.Fields(text), " ")))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func statusOf(q Request) string {
	if q.Unreadable {
		return "?"
	}
	return strconv.Itoa(q.Status)
}

func latencyOf(q Request) string {
	if q.ResponseLatency == nil {
		return ""
	}
	return strconv.Itoa(*q.ResponseLatency)
}

func requestOf(q Request) string {
	if q.Unreadable {
		return cut(clean(q.Message), 100)
	}
	return clean(q.Method + " " + q.Path)
}

// routeOf is the route where the request does not say it.
func routeOf(q Request) string {
	if q.RouteKey == q.Method+" "+q.Path {
		return ""
	}
	return clean(q.RouteKey)
}

// callerOf is who called, as far as is known: at least from where.
func callerOf(q Request) string {
	name := q.Client
	if name == "" {
		name = q.Caller.ClientID
	}
	if name == "" && userOf(q) == "" {
		return clean(q.IP)
	}
	if user := userOf(q); user != "" {
		name = strings.TrimSpace(name + " " + user)
	}
	return clean(name)
}

// userOf is the user who called, of whom an app-only token has none.
func userOf(q Request) string {
	if q.Caller.TokenType == "app" || q.Caller.UserID == q.Caller.ClientID {
		return ""
	}
	return q.Caller.UserID
}

// reasonOf is why in few words, for a table.
func reasonOf(q Request) string {
	switch {
	case q.Reason == accesslog.RoleRefused && q.FunctionReason != "":
		return clean(string(accesslog.FunctionReason(q.FunctionReason)) + " (role authorizer)")
	case q.Reason == "" || q.Reason == accesslog.Other:
		return whyOf(q)
	}
	return string(q.Reason)
}

func whyOf(q Request) string {
	if q.Reason == "" && !q.Unreadable {
		return ""
	}
	if q.Reason == accesslog.Other && q.AuthorizerError != "" {
		return clean(q.Words + ": " + q.AuthorizerError)
	}
	return clean(q.Words)
}

// clean is text without anything that a terminal would obey: callers choose the
// path.
func clean(text string) string {
	if !strings.ContainsFunc(text, unprintable) && utf8.ValidString(text) {
		return text
	}
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}

// unprintable reports whether a character has no place in a line of text.
func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// shortened keeps a long value from filling the screen.
func shortened(value string) string { return cut(value, 100) }

func quotedList(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = strconv.Quote(v)
	}
	return strings.Join(quoted, ", ")
}
