package verify

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Result is what is known of a real deployment.
type Result struct {
	URL   string `json:"url"`
	Cells []Cell `json:"cells"`
	// Observed, Configured and NotCalled are how many cells are known from where;
	// Differ is how many of them are not as the matrix says.
	Observed   int `json:"observed"`
	Configured int `json:"configured"`
	NotCalled  int `json:"notCalled"`
	Differ     int `json:"differ"`
	// Callers are what was missing to become a caller, Routes why a route was not
	// called.
	Callers map[string]string `json:"callers"`
	Routes  map[string]string `json:"routes"`
	// Unclear are routes whose answer does not tell who made it.
	Unclear map[string]string `json:"unclear"`
}

func newResult(plan Plan, cells []Cell) Result {
	r := Result{URL: plan.URL, Cells: cells, Callers: map[string]string{}, Routes: plan.NotCalled, Unclear: map[string]string{}}
	for _, w := range plan.Ways {
		if !w.Possible {
			r.Callers[w.Caller] = w.Way
		}
	}
	for _, c := range cells {
		switch c.How {
		case Observed:
			r.Observed++
		case Configured:
			r.Configured++
		case NotCalled:
			r.NotCalled++
		}
		if !c.Agree {
			r.Differ++
		}
		if c.missing {
			r.Callers[c.Caller] = c.Why
		}
		if c.unclear {
			r.Unclear[c.Route] = c.Why
		}
	}
	return r
}

// Write writes the result as text: what differs, and what was not called; verbose,
// every cell.
func (r Result) Write(w io.Writer, verbose bool) error {
	var b strings.Builder
	route := ""
	for _, c := range r.Cells {
		if c.Agree && !verbose {
			continue
		}
		if c.Route != route {
			route = c.Route
			fmt.Fprintln(&b, route)
		}
		mark := "  "
		if !c.Agree {
			mark = "!!"
		}
		fmt.Fprintf(&b, "%s %s: predicted %s; %s\n", mark, c.Caller, c.Predicted.Words, c.known())
	}
	if route != "" {
		b.WriteByte('\n')
	}
	section := func(heading string, of map[string]string) {
		if len(of) == 0 {
			return
		}
		fmt.Fprintln(&b, heading)
		for _, name := range slices.Sorted(maps.Keys(of)) {
			fmt.Fprintf(&b, "  %s: %s\n", name, of[name])
		}
		b.WriteByte('\n')
	}
	section("Callers that did not call", r.Callers)
	section("Routes that were not called", r.Routes)
	section("Routes whose answer says nothing", r.Unclear)
	if r.Differ > 0 {
		fmt.Fprintf(&b, "%d of %d cells differ from the matrix", r.Differ, len(r.Cells))
	} else {
		fmt.Fprintf(&b, "no cell of %d differs from the matrix", len(r.Cells))
	}
	fmt.Fprintf(&b, ": %d observed, %d by the deployed configuration, %d not known\n", r.Observed, r.Configured, r.NotCalled)
	_, err := io.WriteString(w, b.String())
	return err
}

// known is what is known of a cell, in words.
func (c Cell) known() string {
	switch {
	case c.Observed != nil:
		o := *c.Observed
		words := string(Observed) + " " + string(o.Outcome)
		if o.Status != 0 {
			words += fmt.Sprintf(" %d", o.Status)
		}
		if o.Detail != "" {
			words += " (" + o.Detail + ")"
		}
		return words
	case c.Configured != nil:
		return string(Configured) + " " + c.Configured.Words
	default:
		return string(NotCalled) + ": " + c.Why
	}
}

// Write writes the plan as text.
func (p Plan) Write(w io.Writer) error {
	var b strings.Builder
	n := 0
	for _, c := range p.Calls {
		n += c.Callers
	}
	fmt.Fprintf(&b, "Would call %s %d times, at most 5 times a second\n", p.URL, n)
	for _, c := range p.Calls {
		fmt.Fprintf(&b, "  %s: %s %s, by %d callers\n", c.Route, c.Method, c.Path, c.Callers)
	}
	if len(p.NotCalled) > 0 {
		b.WriteString("\nRoutes that are checked by the deployed configuration\n")
		for _, route := range slices.Sorted(maps.Keys(p.NotCalled)) {
			fmt.Fprintf(&b, "  %s: %s\n", route, p.NotCalled[route])
		}
	}
	b.WriteString("\nCallers\n")
	for _, way := range p.Ways {
		how := way.Way
		if !way.Possible {
			how = "not called: " + how
		}
		fmt.Fprintf(&b, "  %s: %s\n", way.Caller, how)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
