package render

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page and its style
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"github.com/entragate/entragate/access/review"
)

//go:embed page.html
var pageFile string

//go:embed page.css
var pageStyle string

var page = template.Must(template.New("page").Funcs(template.FuncMap{"clean": clean}).Parse(pageFile))

// policy lets the page's own style in and nothing else: no script, no picture, no
// other address, even if a name got past the escaping.
func policy() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}

// HTML writes the review as one page that needs nothing else, not even a script:
// both matrices side by side, with the cells that change marked in words. It is
// for light and dark screens, for paper and for the keyboard.
func HTML(w io.Writer, r review.Review) error {
	var b bytes.Buffer
	if err := page.Execute(&b, newPage(r)); err != nil {
		return fmt.Errorf("writing the page of a review: %w", err)
	}
	_, err := w.Write(bytes.TrimLeft(b.Bytes(), "\n"))
	return err
}

// pageData is what the page shows.
type pageData struct {
	Title, Words, Policy string
	CSS                  template.CSS
	Questions            []pageQuestion
	Findings             []pageFinding
	Order                *pageOrder
	Changes              []pageChange
	ChangesCaption       string
	Before, After        pageMatrix
	Legend, Callers      []fact
	Resources            []fact
}

type pageQuestion struct {
	Title, None, Mark string
	Entries           []pageEntry
}

type pageEntry struct {
	Subject         []string
	Says            string
	Because, Tokens []string
}

type pageFinding struct {
	ID, Kind, Mark, About, Words string
	Facts                        []fact
}

type pageOrder struct {
	Title, Words string
	Steps        []fact
}

type pageChange struct {
	Class, Other, Text string
	Route, Caller      string
	Before, After      string
	Causes             []pageCause
}

type pageCause struct{ ID, Name string }

type pageMatrix struct {
	ID, Title, Caption string
	Callers            []pageLine
	Rows               []pageRow
}

type pageLine struct {
	Name string
	Same bool // no cell of it changes
}

type pageRow struct {
	pageLine
	Cells []pageCell
}

// pageCell is a cell; one that changes has an id, and that of the same cell on the
// other side.
type pageCell struct{ Class, ID, Other, Text, Note string }

// newPage makes what the page shows of a review.
func newPage(r review.Review) pageData {
	g := newGrid(r)
	p := pageData{
		Title: headline(r), Words: r.Verdict.Words, Policy: policy(),
		CSS:    template.CSS(pageStyle), //nolint:gosec // it is ours
		Legend: legend,
		Before: pageMatrix{ID: "before", Title: "Before", Caption: "Who can call what as it is deployed"},
		After:  pageMatrix{ID: "after", Title: "After", Caption: "Who could call what with the change"},
	}
	for _, q := range summarize(r).questions() {
		question := pageQuestion{Title: q.Title, None: q.None, Mark: q.Mark}
		for _, e := range q.Entries {
			question.Entries = append(question.Entries, pageEntry{Subject: e.subject, Says: e.says, Because: e.Because, Tokens: e.Tokens})
		}
		p.Questions = append(p.Questions, question)
	}
	ids := map[string]pageCause{}
	for i, f := range r.Findings {
		id := fmt.Sprintf("f%d", i+1)
		ids[f.ID] = pageCause{ID: id, Name: clean(about(f))}
		p.Findings = append(p.Findings, pageFinding{
			ID: id, Kind: class(f.Kind), Mark: symbol(f.Kind) + " " + kindWords(f), About: about(f), Words: f.Words, Facts: facts(f),
		})
	}
	if r.Order != nil {
		p.Order = &pageOrder{Title: orderTitle, Words: r.Order.Words}
		for _, step := range r.Order.Steps {
			p.Order.Steps = append(p.Order.Steps, fact{stepWords(step), step.Tokens})
		}
	}
	for _, c := range g.callers {
		p.Callers = append(p.Callers, fact{c.id, c.title})
	}
	for _, c := range r.Resources {
		p.Resources = append(p.Resources, fact{c.Op, resourceWords(c)})
	}
	p.matrices(g)
	p.changes(g, len(r.Cells), ids)
	return p
}
