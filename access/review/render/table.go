package render

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/entragate/entragate/access/review"
)

// Table writes the review as plain text for a terminal of width columns (0: as
// wide as it takes): the verdict, the findings, and of the matrix those routes and
// callers of which a cell changes. Lines that hold one long word may be wider.
func Table(w io.Writer, r review.Review, width int) error {
	t := text{width: width}
	t.line("", clean(headline(r)))
	t.paragraph("", r.Verdict.Words)
	for _, q := range summarize(r).questions() {
		if len(r.Cells)+len(r.Findings) == 0 {
			break // it was said already
		}
		t.line("", "")
		t.line("", q.Title)
		if len(q.Entries) == 0 {
			t.line("  ", q.None)
		}
		for _, e := range q.Entries {
			t.paragraph("  "+q.Mark+" ", strings.Join(e.subject, ", "))
			t.paragraph("    ", e.says)
			for _, because := range e.Because {
				t.paragraph("    cause:  ", because)
			}
			for _, tokens := range e.Tokens {
				t.paragraph("    tokens: ", tokens)
			}
		}
	}
	t.findings(r.Findings)
	t.order(r.Order)
	t.cells(newGrid(r))
	t.resources(r.Resources)
	_, err := io.WriteString(w, t.b.String())
	return err
}

// text is plain text under way.
type text struct {
	b     strings.Builder
	width int
}

func (t *text) findings(findings []review.Finding) {
	if len(findings) == 0 {
		return
	}
	t.line("", "")
	t.line("", "Findings")
	for _, f := range findings {
		t.paragraph("  "+symbol(f.Kind)+" ", kindWords(f)+": "+about(f))
		t.paragraph("    ", f.Words)
		for _, fact := range facts(f) {
			t.paragraph(fmt.Sprintf("    %-9s ", fact.Name+":"), fact.Text)
		}
	}
}

func (t *text) order(order *review.SafeOrder) {
	if order == nil {
		return
	}
	t.line("", "")
	t.line("", orderTitle)
	t.paragraph("  ", order.Words)
	for i, step := range order.Steps {
		t.paragraph(fmt.Sprintf("  %d. ", i+1), stepWords(step))
		t.paragraph("     tokens: ", step.Tokens)
	}
}

// cells writes the routes and callers of which a cell changes.
func (t *text) cells(g grid) {
	var routes column
	routes.add("ROUTE")
	for _, route := range g.routes {
		if route.changed {
			routes.add(clean(route.id))
		}
	}
	if len(routes.cells) == 1 {
		return
	}
	var columns []column
	for j, caller := range g.callers {
		if !caller.changed {
			continue
		}
		var c column
		c.add(clean(caller.id))
		for i, route := range g.routes {
			if route.changed {
				c.add(g.cells[i][j].words())
			}
		}
		columns = append(columns, c)
	}
	t.line("", "")
	t.paragraph("", "Cells that change, in the rows and columns of the matrix that have one")
	for _, block := range blocks(routes, columns, t.width) {
		t.line("", "")
		for row := range block[0].cells {
			var line strings.Builder
			for _, c := range block {
				line.WriteString(pad(c.cells[row], c.width+gap))
			}
			t.line("", strings.TrimRight(line.String(), " "))
		}
	}
	t.line("", "")
	t.line("", "Callers")
	longest := 0
	for _, c := range columns {
		longest = max(longest, utf8.RuneCountInString(c.cells[0]))
	}
	for _, caller := range g.callers {
		if caller.changed {
			t.paragraph("  "+pad(clean(caller.id), longest+gap), caller.title)
		}
	}
	t.line("", "")
	t.line("", "Words of the cells")
	for _, l := range legend {
		t.paragraph("  "+pad(l.Name, 15), l.Text)
	}
}

// words are the cell as the terminal shows it.
func (c cell) words() string {
	if c.change == nil {
		if c.after == nil {
			return c.was()
		}
		return c.is()
	}
	return symbol(c.change.Kind) + " " + c.was() + " -> " + c.is()
}

func (t *text) resources(changes []review.Change) {
	if len(changes) == 0 {
		return
	}
	t.line("", "")
	t.line("", "Resources that Pulumi changes")
	for _, c := range changes {
		t.paragraph("  "+pad(clean(c.Op), 8), resourceWords(c))
	}
}

// resourceWords are the resource, and which of its inputs differ.
func resourceWords(c review.Change) string {
	words := c.Type + " " + c.Name
	if len(c.Keys) > 0 {
		words += ": " + strings.Join(c.Keys, ", ")
	}
	return words
}

// line writes one line as it is.
func (t *text) line(prefix, s string) { t.b.WriteString(prefix + s + "\n") }

// paragraph writes words between the prefix and the width; further lines are
// indented as far as the prefix is long.
func (t *text) paragraph(prefix, s string) {
	indent := strings.Repeat(" ", utf8.RuneCountInString(prefix))
	line, used := prefix, 0
	for word := range strings.FieldsSeq(clean(s)) {
		n := utf8.RuneCountInString(word)
		switch {
		case used == 0:
			line, used = line+word, n
		case t.width > 0 && len(indent)+used+1+n > t.width:
			t.line("", line)
			line, used = indent+word, n
		default:
			line, used = line+" "+word, used+1+n
		}
	}
	if used > 0 {
		t.line("", line)
	}
}

// column is one column of cells, and the width of the widest.
type column struct {
	cells []string
	width int
}

func (c *column) add(cell string) {
	c.cells = append(c.cells, cell)
	c.width = max(c.width, utf8.RuneCountInString(cell))
}

const gap = 2 // spaces between columns

// blocks divides the columns so that each block, with the first column repeated,
// is at most width wide. A block has at least one column besides the first.
func blocks(first column, columns []column, width int) [][]column {
	var out [][]column
	block, used := []column{first}, first.width
	for _, c := range columns {
		if width > 0 && len(block) > 1 && used+gap+c.width > width {
			out = append(out, block)
			block, used = []column{first}, first.width
		}
		block, used = append(block, c), used+gap+c.width
	}
	return append(out, block)
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(1, width-utf8.RuneCountInString(s)))
}
