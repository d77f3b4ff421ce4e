package render_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/entragate/entragate/access/review"
)

func parse(t *testing.T, page string) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	require.NoError(t, err)
	return doc
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

// elements are those of a name, in order; "" is all of them.
func elements(doc *html.Node, name string) []*html.Node {
	var out []*html.Node
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && (name == "" || n.Data == name) {
			out = append(out, n)
		}
	}
	return out
}

// problems are what a page has that a person with a screen reader or a keyboard
// trips over, and what it may not have at all. The browser's test looks at the rest.
func problems(doc *html.Node) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	ids := map[string]*html.Node{}
	for _, n := range elements(doc, "") {
		if id, ok := attribute(n, "id"); ok {
			if ids[id] != nil {
				add("id %q is there twice", id)
			}
			ids[id] = n
		}
	}
	last, first := 0, 0
	labels := map[string]bool{}
	for _, n := range elements(doc, "label") {
		to, _ := attribute(n, "for")
		labels[to] = textOf(n) != ""
	}
	for _, n := range elements(doc, "") {
		switch n.Data {
		case "html":
			if lang, _ := attribute(n, "lang"); lang == "" {
				add("html has no lang")
			}
		case "h1", "h2", "h3", "h4", "h5", "h6":
			level := int(n.Data[1] - '0')
			if level > last+1 {
				add("%s %q comes after h%d", n.Data, textOf(n), last)
			}
			if level == 1 {
				first++
			}
			if textOf(n) == "" {
				add("an empty %s", n.Data)
			}
			last = level
		case "th":
			if scope, _ := attribute(n, "scope"); scope != "col" && scope != "row" {
				add("th %q has no scope", textOf(n))
			}
		case "td":
			class, _ := attribute(n, "class")
			for kind, words := range map[string]string{"widening": "+ gains", "breaking": "- loses", "neutral": "~ differs"} {
				if slices.Contains(strings.Fields(class), kind) && !strings.Contains(textOf(n), words) {
					add("a cell of class %s says %q, not %q", kind, textOf(n), words)
				}
			}
		case "table":
			if len(elements(n, "caption")) != 1 || len(elements(n, "thead")) != 1 {
				add("a table without caption or thead")
			}
		case "input":
			if id, _ := attribute(n, "id"); !labels[id] {
				add("input %q has no label", id)
			}
		case "script", "img", "iframe", "object", "embed", "link", "base", "form", "video", "audio", "svg":
			add("an element %s", n.Data)
		}
		out = append(out, attributeProblems(n, ids)...)
	}
	if first != 1 {
		add("%d h1", first)
	}
	if titles := elements(doc, "title"); len(titles) != 1 || textOf(titles[0]) == "" {
		add("no title")
	}
	if len(elements(doc, "main")) != 1 {
		add("no main")
	}
	return out
}

func attributeProblems(n *html.Node, ids map[string]*html.Node) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, a := range n.Attr {
		switch {
		case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src", a.Key == "srcset", a.Key == "action":
			add("%s has the attribute %s", n.Data, a.Key)
		case a.Key == "href" && !strings.HasPrefix(a.Val, "#"):
			add("a link to %q", a.Val)
		case a.Key == "href" && ids[a.Val[1:]] == nil:
			add("a link to %q, which is nowhere", a.Val)
		case a.Key == "aria-labelledby" && (ids[a.Val] == nil || textOf(ids[a.Val]) == ""):
			add("aria-labelledby is %q, which is nowhere", a.Val)
		case a.Key == "tabindex" && a.Val != "0":
			add("tabindex is %q", a.Val)
		case a.Key == "tabindex":
			_, label := attribute(n, "aria-label")
			_, labelled := attribute(n, "aria-labelledby")
			if role, _ := attribute(n, "role"); role != "region" || !label && !labelled {
				add("%s takes the focus and has no role or name", n.Data)
			}
		}
	}
	return out
}

func TestProblemsOfPagesAreFound(t *testing.T) {
	t.Parallel()
	page := func(body string) string {
		return `<!DOCTYPE html><html lang="en"><head><title>x</title></head><body><main><h1 id="a">x</h1>` + body + `</main></body></html>`
	}
	require.Empty(t, problems(parse(t, page(""))))
	for name, tt := range map[string]struct{ page, want string }{
		"no language":                     {"<title>x</title><main><h1>x</h1></main>", "html has no lang"},
		"no title":                        {`<html lang="en"><main><h1>x</h1></main>`, "no title"},
		"no main":                         {`<html lang="en"><title>x</title><h1>x</h1>`, "no main"},
		"two first headings":              {page("<h1>y</h1>"), "2 h1"},
		"a heading of a level too low":    {page("<h3>y</h3>"), `h3 "y" comes after h1`},
		"an empty heading":                {page("<h2> </h2>"), "an empty h2"},
		"an id twice":                     {page(`<p id="a">`), `id "a" is there twice`},
		"a header cell without scope":     {page("<table><caption>c</caption><thead><tr><th>y</table>"), `th "y" has no scope`},
		"a table without caption":         {page("<table><thead><tr><td>y</table>"), "a table without caption or thead"},
		"a changed cell by colour alone":  {page(`<table><caption>c</caption><thead><tr><td class="widening">yes</table>`), `a cell of class widening says "yes", not "+ gains"`},
		"a script":                        {page("<script>1</script>"), "an element script"},
		"a handler":                       {page(`<p onclick="x">`), "p has the attribute onclick"},
		"a picture":                       {page(`<img alt="">`), "an element img"},
		"a link elsewhere":                {page(`<a href="https://example.com/">`), `a link to "https://example.com/"`},
		"a link to nowhere":               {page(`<a href="#b">`), `a link to "#b", which is nowhere`},
		"a box without label":             {page(`<input id="b">`), `input "b" has no label`},
		"a name that is nowhere":          {page(`<div aria-labelledby="b">`), `aria-labelledby is "b", which is nowhere`},
		"a focus without a name":          {page(`<div tabindex="0">`), "div takes the focus and has no role or name"},
		"a focus out of the page's order": {page(`<div tabindex="3">`), `tabindex is "3"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, problems(parse(t, tt.page)), tt.want)
		})
	}
}

func TestPageCanBeReadByEverybody(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]review.Review{"change": example(), "no change": unchanged(), "first": first(), "nothing": {}, "vast": vast()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, problems(parse(t, render4(t, "html", r))))
		})
	}
}

// TestMatricesHaveTheSameRowsAndColumns: what is side by side can be compared, and
// every cell that changes is marked on both sides and leads to the other.
func TestMatricesHaveTheSameRowsAndColumns(t *testing.T) {
	t.Parallel()
	r := example()
	doc := parse(t, render4(t, "html", r))
	var heads, rows [][]string
	marked := map[string]string{} // id -> href
	for _, n := range elements(doc, "div") {
		if class, _ := attribute(n, "class"); class != "pane" {
			continue
		}
		var columns, lines []string
		for _, th := range elements(n, "th") {
			if scope, _ := attribute(th, "scope"); scope == "col" {
				columns = append(columns, textOf(th))
			} else {
				lines = append(lines, textOf(th))
			}
		}
		heads, rows = append(heads, columns), append(rows, lines)
		for _, td := range elements(n, "td") {
			if id, ok := attribute(td, "id"); ok {
				marked[id], _ = attribute(elements(td, "a")[0], "href")
			}
		}
	}
	require.Len(t, heads, 2)
	require.Equal(t, heads[0], heads[1])
	require.Equal(t, rows[0], rows[1])
	require.Equal(t, append(slices.Clone(r.After.Routes), "GET /old"), rows[0])
	require.Len(t, marked, 2*len(r.Cells))
	for id, href := range marked {
		require.Equal(t, "#"+id, marked[href[1:]], "there and back")
	}
}
