package render

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/review"
)

// headline names the verdict in a few words.
func headline(r review.Review) string {
	v := r.Verdict
	var what string
	switch {
	case v.UnacknowledgedWidening > 0 && v.UnacknowledgedBreaking > 0:
		what = "widening and breaking"
	case v.UnacknowledgedWidening > 0:
		what = "widening"
	case v.UnacknowledgedBreaking > 0:
		what = "breaking"
	case v.Widening+v.Breaking > 0:
		what = "acknowledged"
	case len(r.Findings)+len(r.Cells) > 0:
		what = "neutral"
	default:
		what = "no change"
	}
	return fmt.Sprintf("Access review: %s (exit code %d)", what, v.Exit)
}

// question is one of the four that a review answers.
type question struct {
	Title, None string
	Mark        string
	Entries     []entry
}

func (s summary) questions() []question {
	return []question{
		{"Who gains", "Nobody.", "+", s.Gains},
		{"Who loses", "Nobody.", "-", s.Loses},
		{"What opens to everyone", "Nothing.", "+", s.Opens},
		{"What becomes unreachable", "Nothing.", "-", s.Unreachable},
	}
}

// symbol marks a kind without colour.
func symbol(k review.Kind) string {
	switch k {
	case review.Widening:
		return "+"
	case review.Breaking:
		return "-"
	default:
		return "~"
	}
}

// verb says what a change of the kind does to the caller of the cell.
func verb(k review.Kind) string {
	switch k {
	case review.Widening:
		return "gains"
	case review.Breaking:
		return "loses"
	default:
		return "differs"
	}
}

// kindWords are the kind of a finding, and how bad it is.
func kindWords(f review.Finding) string {
	words := string(f.Kind)
	if f.Dangerous {
		words += ", DANGEROUS"
	}
	return words
}

// acknowledgement says who answers for a finding, if anybody does.
func acknowledgement(f review.Finding) string {
	switch {
	case f.Acknowledged == nil:
		return ""
	case f.Expired:
		return fmt.Sprintf("the acknowledgement expired on %s: %s", f.Acknowledged.Expires, f.Acknowledged.Reason)
	default:
		return fmt.Sprintf("acknowledged until %s: %s", f.Acknowledged.Expires, f.Acknowledged.Reason)
	}
}

// fact is one line about a finding.
type fact struct{ Name, Text string }

// facts are what a finding says beside its words; what is unknown is left out.
func facts(f review.Finding) []fact {
	cause := f.Cause
	switch {
	case cause != "" && f.Setting != "":
		cause += " (" + f.Setting + ")"
	case cause == "":
		cause = f.Setting
	}
	routes := f.Routes
	if len(routes) == 1 && routes[0] == f.Route {
		routes = nil
	}
	all := []fact{
		{"cause", cause},
		{"resource", f.Resource},
		{"routes", strings.Join(routes, ", ")},
		{"callers", strings.Join(f.Callers, ", ")},
		{"tokens", f.Tokens},
		{"no cell", f.Unseen},
		{"because", strings.Join(f.Because, "; ")},
		{"answer", acknowledgement(f)},
	}
	return slices.DeleteFunc(all, func(f fact) bool { return f.Text == "" })
}

// about is the rule of a finding and what it is about.
func about(f review.Finding) string {
	words := f.Rule
	if f.Subject != "" {
		words += ": " + f.Subject
	}
	if f.Route != "" && f.Route != f.Subject {
		words += " on " + f.Route
	}
	return words
}

const orderTitle = "Safe order of the steps"

// stepWords are a step, and where the stack stands with it.
func stepWords(s review.Step) string {
	how := "a deployment"
	if !s.Deploy {
		how = "a wait"
	}
	return fmt.Sprintf("%s: %s (%s). %s", strings.ToUpper(s.State), s.Name, how, s.Words)
}

// absent is a cell that is in one of the matrices only.
const absent = "none"

// short is a decision in a word or two.
func short(d *access.Decision) string {
	if d == nil {
		return absent
	}
	return clean(d.Short())
}

// long is a decision in full.
func long(d *access.Decision) string {
	if d == nil {
		return absent
	}
	return d.Words
}

// legend explains the words of the cells.
var legend = []fact{
	{"+ gains", "the caller may call what it could not"},
	{"- loses", "the caller may no longer call what it could"},
	{"~ differs", "as closed or as open as before, in another way"},
	{"yes NAME", "allowed, by that scope or role; yes public: without a token"},
	{"401, 403 WHY", "refused by the gateway"},
	{"no token: WHY", "Entra gives the caller no token to call with"},
	{"none", "there is no such route or no such caller"},
	{"?", "Microsoft's documentation leaves it open; this is the most that may be allowed"},
}

// clean makes visible what a terminal obeys and what deceives a reader: control
// characters, and those that hide or turn text around. Names come from
// configuration, which is what is under review.
func clean(s string) string {
	hidden := func(r rune) bool {
		return r == unicode.ReplacementChar || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)
	}
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
