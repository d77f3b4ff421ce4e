package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/entragate/entragate/access/review"
)

// MaxMarkdown is how long the Markdown gets, in bytes. GitHub takes comments of
// 65,536 characters, GitLab of about a million.
// https://github.com/orgs/community/discussions/27190
// https://docs.gitlab.com/administration/instance_limits/
const MaxMarkdown = 60_000

// Markdown writes the review as a comment for a pull request of GitHub or a merge
// request of GitLab, which fold the long parts. It is at most [MaxMarkdown] bytes
// and says what was cut.
func Markdown(w io.Writer, r review.Review) error {
	parts := []part{{head: "## " + escape(headline(r)) + "\n", rows: verdictRows(r)}}
	for _, q := range summarize(r).questions() {
		p := part{what: "entries of \"" + q.Title + "\"", head: "\n### " + q.Title + "\n\n"}
		if len(q.Entries) == 0 {
			p.head += q.None + "\n"
		}
		for _, e := range q.Entries {
			p.rows = append(p.rows, entryRow(q.Mark, e))
		}
		parts = append(parts, p)
	}
	parts = append(parts, findingsPart(r.Findings), orderPart(r.Order), cellsPart(r), resourcesPart(r.Resources))
	_, err := io.WriteString(w, fit(parts, MaxMarkdown))
	return err
}

func verdictRows(r review.Review) []string {
	if r.Verdict.Words == "" {
		return nil
	}
	return []string{"\n**Verdict.** " + prose(r.Verdict.Words) + "\n"}
}

func entryRow(mark string, e entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "- **%s** %s: %s\n", mark, codes(e.subject), prose(e.says))
	for _, because := range e.Because {
		fmt.Fprintf(&b, "  - Cause: %s\n", prose(because))
	}
	for _, tokens := range e.Tokens {
		fmt.Fprintf(&b, "  - Tokens already issued: %s\n", prose(tokens))
	}
	return b.String()
}

func findingsPart(findings []review.Finding) part {
	if len(findings) == 0 {
		return part{}
	}
	p := part{
		what: "findings",
		head: fmt.Sprintf("\n<details>\n<summary>Findings (%d)</summary>\n\n", len(findings)) +
			"| Kind | Rule | What happens | Why | Tokens already issued | Answered for |\n| --- | --- | --- | --- | --- | --- |\n",
		foot: "\n</details>\n",
	}
	for _, f := range findings {
		var why []string
		for _, fact := range facts(f) {
			switch fact.Name {
			case "resource":
				why = append(why, fact.Name+": "+code(fact.Text))
			case "cause", "no cell", "because":
				why = append(why, fact.Name+": "+prose(fact.Text))
			}
		}
		rule := code(f.Rule)
		if f.Subject != "" {
			rule += " " + code(f.Subject)
		}
		p.rows = append(p.rows, row("**"+escape(symbol(f.Kind)+" "+kindWords(f))+"**", rule, prose(f.Words),
			strings.Join(why, "<br>"), prose(f.Tokens), prose(acknowledgement(f))))
	}
	return p
}

func orderPart(order *review.SafeOrder) part {
	if order == nil {
		return part{}
	}
	p := part{what: "steps", head: "\n### " + orderTitle + "\n\n**Now.** " + prose(order.Words) + "\n\n"}
	for i, step := range order.Steps {
		tokens := ""
		if step.Tokens != "" {
			tokens = " Tokens already issued: " + prose(step.Tokens)
		}
		p.rows = append(p.rows, fmt.Sprintf("%d. %s%s\n", i+1, prose(stepWords(step)), tokens))
	}
	return p
}

func cellsPart(r review.Review) part {
	if len(r.Cells) == 0 {
		return part{}
	}
	p := part{
		what: "changed cells",
		head: fmt.Sprintf("\n<details>\n<summary>Changed cells (%d)</summary>\n\n", len(r.Cells)) +
			"| Change | Route | Caller | Before | After |\n| --- | --- | --- | --- | --- |\n",
		foot: "\n</details>\n",
	}
	for _, change := range r.Cells {
		c := newCell(r, change.Route, change.Caller, &change)
		p.rows = append(p.rows, row("**"+escape(symbol(change.Kind)+" "+verb(change.Kind))+"**", code(change.Route), code(change.Caller),
			prose(long(c.before)+by(c.beforeBy)), prose(long(c.after)+by(c.afterBy))))
	}
	return p
}

func resourcesPart(changes []review.Change) part {
	if len(changes) == 0 {
		return part{}
	}
	p := part{
		what: "resources",
		head: fmt.Sprintf("\n<details>\n<summary>Resources that Pulumi changes (%d)</summary>\n\n", len(changes)) +
			"| Operation | Type | Name | Inputs |\n| --- | --- | --- | --- |\n",
		foot: "\n</details>\n",
	}
	for _, c := range changes {
		p.rows = append(p.rows, row(escape(c.Op), code(c.Type), code(c.Name), codes(c.Keys)))
	}
	return p
}

// row is a row of a table.
func row(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |\n" }
