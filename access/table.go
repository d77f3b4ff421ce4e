package access

import (
	"fmt"
	"io"
	"maps"
	"strings"
	"unicode/utf8"
)

// Outcome is what became of a call.
type Outcome string

// The outcomes.
const (
	OutcomeAllowed Outcome = "allowed"  // the backend answered
	OutcomeRefused Outcome = "refused"  // the gateway answered 401 or 403
	OutcomeNoToken Outcome = "no-token" // there was no token to call with
	OutcomeFailed  Outcome = "failed"   // neither: a network error, 404, 429, 5xx
)

// Outcome returns what the decision predicts.
func (d Decision) Outcome() Outcome {
	switch {
	case d.Allowed:
		return OutcomeAllowed
	case d.Status != 0:
		return OutcomeRefused
	default:
		return OutcomeNoToken
	}
}

// Observation is what was seen when a cell of the matrix was tried.
type Observation struct {
	Outcome Outcome `json:"outcome"`
	// Status is the HTTP status of the answer, if there was one.
	Status int `json:"status,omitempty"`
	// Detail is shown for people: why there was no token, such as
	// "AADSTS50105", or what failed.
	Detail string `json:"detail,omitempty"`
}

// Agrees reports whether the observation is what the decision predicts. Where
// the decision is uncertain, less access than predicted agrees too.
func (d Decision) Agrees(o Observation) bool {
	if o.Outcome == d.Outcome() && (o.Outcome != OutcomeRefused || o.Status == d.Status) {
		return true
	}
	return d.Uncertain && (o.Outcome == OutcomeRefused || o.Outcome == OutcomeNoToken)
}

// Table is an access matrix to print, with what was observed beside it if that
// is known.
type Table struct {
	Matrix Matrix `json:"matrix"`
	// Observed is keyed as Matrix.Cells is; nil if nothing was tried.
	Observed map[string]map[string]Observation `json:"observed,omitempty"`
}

// Difference is a cell whose observation is not what was predicted.
type Difference struct {
	Route     string       `json:"route"`
	Caller    string       `json:"caller"`
	Predicted Decision     `json:"predicted"`
	Observed  *Observation `json:"observed"` // nil: the cell was not tried
}

// Differences returns the cells that differ, row by row. With observations, a
// cell without one differs.
func (t Table) Differences() []Difference {
	if t.Observed == nil {
		return nil
	}
	var differences []Difference
	for _, route := range t.Matrix.Routes {
		for _, c := range t.Matrix.Callers {
			d, ok := t.Matrix.At(route, c.ID)
			if !ok {
				continue
			}
			if o, tried := t.Observed[route][c.ID]; !tried {
				differences = append(differences, Difference{Route: route, Caller: c.ID, Predicted: d})
			} else if !d.Agrees(o) {
				differences = append(differences, Difference{Route: route, Caller: c.ID, Predicted: d, Observed: &o})
			}
		}
	}
	return differences
}

// Write prints the table as plain text: routes down, callers across, in as many
// blocks as it takes to stay within width columns (0: one block), and a legend.
// A cell is the prediction and, with observations, what was observed after a
// slash; "!!" marks one that differs.
func (t Table) Write(w io.Writer, width int) error {
	first := make([]string, 0, len(t.Matrix.Routes)+1)
	first = append(first, "ROUTE")
	first = append(first, t.Matrix.Routes...)
	columns := make([]column, len(t.Matrix.Callers))
	for i, c := range t.Matrix.Callers {
		cells := make([]string, 0, len(first))
		cells = append(cells, c.ID)
		for _, route := range t.Matrix.Routes {
			cells = append(cells, t.cell(route, c.ID))
		}
		columns[i] = newColumn(cells)
	}
	var b strings.Builder
	for i, block := range blocks(newColumn(first), columns, width) {
		if i > 0 {
			b.WriteByte('\n')
		}
		writeBlock(&b, block)
	}
	t.legend(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// cell returns the short words of a cell.
func (t Table) cell(route, caller string) string {
	d, ok := t.Matrix.At(route, caller)
	if !ok {
		return "-"
	}
	words := d.Short()
	if t.Observed == nil {
		return words
	}
	o, tried := t.Observed[route][caller]
	switch {
	case !tried:
		return "!! " + words + " / not tried"
	case d.Agrees(o):
		return words + " / " + o.short()
	default:
		return "!! " + words + " / " + o.short()
	}
}

// shortReasons are the reasons in a word or two.
var shortReasons = map[Reason]string{
	ReasonNoToken:       "no token",
	ReasonNotAssigned:   "not assigned",
	ReasonNotConsented:  "no consent",
	ReasonMissingScope:  "scope",
	ReasonAppOnly:       "app-only",
	ReasonMissingRole:   "role",
	ReasonDaemonsOnly:   "daemons only",
	ReasonWrongAudience: "audience",
	ReasonWrongIssuer:   "issuer",
	ReasonExpired:       "expired",
}

// Short is the decision in a word or two, such as "yes Orders.Read" or "403
// scope", with a question mark where it is uncertain.
func (d Decision) Short() string {
	mark := ""
	if d.Uncertain {
		mark = "?"
	}
	switch d.Outcome() {
	case OutcomeAllowed:
		return "yes " + d.By + mark
	case OutcomeRefused:
		return fmt.Sprintf("%d %s%s", d.Status, shortReasons[d.Reason], mark)
	default:
		return "no token: " + shortReasons[d.Reason] + mark
	}
}

func (o Observation) short() string {
	switch {
	case o.Outcome == OutcomeNoToken && strings.HasPrefix(o.Detail, "AADSTS") && !strings.Contains(o.Detail, " "):
		return o.Detail
	case o.Outcome == OutcomeNoToken:
		return "no token"
	case o.Outcome == OutcomeFailed && o.Status == 0:
		return "failed"
	default:
		return fmt.Sprint(o.Status)
	}
}

// legend explains the callers and the words that the table uses.
func (t Table) legend(b *strings.Builder) {
	b.WriteString("\nCallers\n")
	longest := 0
	for _, c := range t.Matrix.Callers {
		longest = max(longest, utf8.RuneCountInString(c.ID))
	}
	for _, c := range t.Matrix.Callers {
		fmt.Fprintf(b, "  %s%s  %s\n", c.ID, spaces(longest-utf8.RuneCountInString(c.ID)), c.Title)
	}
	b.WriteString("\nCells\n")
	b.WriteString("  yes NAME         allowed, by that scope or role; yes public: without a token\n")
	b.WriteString("  401, 403 WHY     refused by the gateway\n")
	b.WriteString("  no token: WHY    Entra gives the caller no token to call with\n")
	if t.uncertain() {
		b.WriteString("  ?                Microsoft's documentation leaves it open; this is the most that may be allowed\n")
	}
	if t.Observed != nil {
		b.WriteString("  a / b            a was predicted, b observed\n")
	}
	for _, d := range t.Differences() {
		fmt.Fprintf(b, "!! %s, %s: predicted %s; observed %s\n", d.Route, d.Caller, d.Predicted.Words, d.Observed.long())
	}
}

func (o *Observation) long() string {
	if o == nil {
		return "nothing, the cell was not tried"
	}
	words := string(o.Outcome)
	if o.Status != 0 {
		words += fmt.Sprintf(" %d", o.Status)
	}
	if o.Detail != "" {
		words += ": " + o.Detail
	}
	return words
}

func (t Table) uncertain() bool {
	for row := range maps.Values(t.Matrix.Cells) {
		for d := range maps.Values(row) {
			if d.Uncertain {
				return true
			}
		}
	}
	return false
}

// column is one column of text and the width of its widest cell.
type column struct {
	cells []string
	width int
}

func newColumn(cells []string) column {
	c := column{cells: cells}
	for _, cell := range cells {
		c.width = max(c.width, utf8.RuneCountInString(cell))
	}
	return c
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
		block = append(block, c)
		used += gap + c.width
	}
	return append(out, block)
}

func writeBlock(b *strings.Builder, block []column) {
	for row := range block[0].cells {
		var line strings.Builder
		for i, c := range block {
			if i > 0 {
				line.WriteString(spaces(gap))
			}
			line.WriteString(c.cells[row])
			line.WriteString(spaces(c.width - utf8.RuneCountInString(c.cells[row])))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

func spaces(n int) string { return strings.Repeat(" ", max(0, n)) }
