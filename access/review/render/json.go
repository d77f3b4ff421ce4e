package render

import (
	"encoding/json"
	"io"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/review"
)

// document is what JSON writes. It decodes as a [review.Review].
type document struct {
	Verdict   verdict             `json:"verdict"`
	Findings  []review.Finding    `json:"findings"`
	Order     *review.SafeOrder   `json:"order,omitempty"`
	Cells     []review.CellChange `json:"cells"`
	Resources []review.Change     `json:"resources"`
	Before    access.Matrix       `json:"before"`
	After     access.Matrix       `json:"after"`
}

// verdict is that of the review, with the headline and who gains and loses.
type verdict struct {
	Headline string `json:"headline"`
	review.Verdict
	summary
}

// JSON writes the review for programs. The names and their meanings are stable:
// what is added is new names. Lists are never null, but for those within the safe
// order, and their order is that of the review.
func JSON(w io.Writer, r review.Review) error {
	doc := document{
		Verdict:   verdict{Headline: headline(r), Verdict: r.Verdict, summary: summarize(r)},
		Findings:  orEmpty(r.Findings),
		Order:     r.Order,
		Cells:     make([]review.CellChange, 0, len(r.Cells)),
		Resources: orEmpty(r.Resources),
		Before:    listed(r.Before),
		After:     listed(r.After),
	}
	for _, c := range r.Cells {
		c.Causes = orEmpty(c.Causes)
		doc.Cells = append(doc.Cells, c)
	}
	doc.Verdict.Unreachable = orEmpty(doc.Verdict.Unreachable)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(doc)
}

func listed(mx access.Matrix) access.Matrix {
	mx.Routes, mx.Callers = orEmpty(mx.Routes), orEmpty(mx.Callers)
	if mx.Cells == nil {
		mx.Cells = map[string]map[string]access.Decision{}
	}
	return mx
}
