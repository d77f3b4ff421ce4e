package drift

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/entragate/entragate/cmd/entragate/internal/drift/deployed"
)

// What says in which way something is not as declared.
type What string

// The values of [What].
const (
	AddedOutside What = "added outside"
	Missing      What = "missing"
	Changed      What = "changed"
)

// Effect is what a finding means for access: the words of a review's kinds.
type Effect string

// The values of [Effect].
const (
	Widening Effect = "widening" // more can call, or come to
	Breaking Effect = "breaking" // fewer can call
	Neutral  Effect = "neutral"
)

func (e Effect) rank() int { return slices.Index([]Effect{Widening, Breaking, Neutral}, e) }

// Finding is one thing that is not as declared.
type Finding struct {
	Subject string `json:"subject"`
	What    What   `json:"what"`
	Effect  Effect `json:"effect"`
	// Got and Want are what is deployed and what is declared; empty if nothing is.
	Got  string `json:"got"`
	Want string `json:"want"`
	// Access says who gains or loses by it.
	Access string `json:"access"`
	// Fix is what to do.
	Fix string `json:"fix"`
}

// Cell is a cell of the access matrix that is not as declared, by all findings
// together.
type Cell struct {
	Route  string `json:"route"`
	Caller string `json:"caller"`
	Title  string `json:"title"`
	Effect Effect `json:"effect"`
	Got    string `json:"got"`
	Want   string `json:"want"`
}

// Report is what was found.
type Report struct {
	// Widening, Breaking and Neutral are how many findings are.
	Widening int       `json:"widening"`
	Breaking int       `json:"breaking"`
	Neutral  int       `json:"neutral"`
	Findings []Finding `json:"findings"`
	Cells    []Cell    `json:"cells"`
	// Unread could not be read, so that nobody knows.
	Unread []deployed.Unread `json:"unread"`
	// Skipped was not compared.
	Skipped []string `json:"skipped,omitempty"`
}

func (r *Report) count() {
	for _, f := range r.Findings {
		switch f.Effect {
		case Widening:
			r.Widening++
		case Breaking:
			r.Breaking++
		case Neutral:
			r.Neutral++
		}
	}
}

// Clean reports whether all was read, and is as declared.
func (r Report) Clean() bool { return len(r.Findings)+len(r.Unread) == 0 }

// shownCells is how many cells are written as text; JSON has all.
const shownCells = 40

// Write writes the report as text.
func (r Report) Write(w io.Writer) error {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s, %s: %s\n", f.Effect, f.What, f.Subject)
		for _, line := range []struct{ what, text string }{{"got", f.Got}, {"want", f.Want}, {"access", f.Access}, {"fix", f.Fix}} {
			if line.text != "" {
				fmt.Fprintf(&b, "  %-6s  %s\n", line.what, line.text)
			}
		}
		b.WriteByte('\n')
	}
	if len(r.Cells) > 0 {
		b.WriteString("By all of that together:\n")
		for _, c := range r.Cells[:min(len(r.Cells), shownCells)] {
			fmt.Fprintf(&b, "  %s, %s: %s; declared: %s\n", c.Route, c.Title, c.Got, c.Want)
		}
		if more := len(r.Cells) - shownCells; more > 0 {
			fmt.Fprintf(&b, "  and %d more\n", more)
		}
		b.WriteByte('\n')
	}
	for _, u := range r.Unread {
		fmt.Fprintf(&b, "not read: %s: %s\n  fix     %s\n\n", u.Part, u.Error, u.Fix())
	}
	for _, skipped := range r.Skipped {
		fmt.Fprintf(&b, "not compared: %s\n", skipped)
	}
	switch {
	case r.Clean():
		b.WriteString("no drift: what is deployed is what is declared\n")
	default:
		fmt.Fprintf(&b, "%d not as declared: %d widening, %d breaking, %d neutral; %d not read\n",
			len(r.Findings), r.Widening, r.Breaking, r.Neutral, len(r.Unread))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
