package review

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/entragate/entragate/access"
)

// Compare judges what changes from before to after. before is nil where nothing
// is deployed. changes are what Pulumi would do, if that is known: they name the
// resource of each finding, and show what no setting tells, such as a
// replacement.
func Compare(before *Deployment, after Deployment, changes []Change, options Options) Review {
	c := &comparison{
		after: after, first: before == nil, changes: changes, options: options,
		tokens: newTokens(options, after.Grants), byID: map[string]*Finding{},
	}
	if before != nil {
		c.before = *before
	}
	c.matrixBefore, c.matrixAfter = c.before.Model.Matrix(), c.after.Model.Matrix()
	c.resources = newResources(changes, c.before.Model, c.after.Model)
	c.models()
	cells := c.cells()
	c.consequences(cells)
	if !c.first {
		c.tenant()
		c.gateway()
		c.watch()
	} else {
		c.cors(CORS{}, after.CORS)
	}
	c.pulumi()
	c.acknowledge()
	return c.review(cells)
}

// comparison is one run of [Compare].
type comparison struct {
	before, after Deployment
	first         bool // nothing is deployed
	changes       []Change
	options       Options
	tokens        tokens
	resources     resources

	matrixBefore, matrixAfter access.Matrix

	delta    delta
	findings []*Finding
	byID     map[string]*Finding

	clientPresence map[string]*Finding // by caller: that the client comes, goes or is of another kind
	moved          map[string]*Finding // by route: that it goes to the other authorizer
	instead        map[*Finding]string // the routes that take the requests of those that come or go
}

// find adds a finding. Its kind is that of its rule unless it says otherwise.
// One that is there already stays.
func (c *comparison) find(f Finding) *Finding {
	rule := ruleByID[f.Rule]
	f.ID = strings.TrimSpace(f.Rule + " " + f.Subject)
	if known, ok := c.byID[f.ID]; ok {
		return known
	}
	if f.Kind == "" {
		f.Kind, f.Dangerous = rule.Kind, rule.Dangerous
	}
	if f.Kind == Neutral {
		f.Unseen = ""
	}
	c.findings = append(c.findings, &f)
	c.byID[f.ID] = &f
	return &f
}

// review puts the result together, in an order that does not depend on that of
// the settings.
func (c *comparison) review(cells []CellChange) Review {
	// Lists that are empty are so in JSON, too.
	r := Review{After: c.matrixAfter, Cells: append([]CellChange{}, cells...), Resources: append([]Change{}, c.changes...)}
	if !c.first {
		r.Before = c.matrixBefore
		if order, found := Plan(&c.before, c.after); found {
			r.Order = order
		}
	}
	slices.SortStableFunc(c.findings, func(a, b *Finding) int {
		return cmp.Or(weight(a)-weight(b), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Subject, b.Subject))
	})
	r.Findings = make([]Finding, len(c.findings))
	for i, f := range c.findings {
		r.Findings[i] = *f
	}
	r.Verdict = verdict(r)
	return r
}

// weight orders findings: what opens before what closes, the dangerous first.
func weight(f *Finding) int {
	order := map[Kind]int{Widening: 0, Breaking: 2, Neutral: 4}[f.Kind]
	if !f.Dangerous {
		order++
	}
	return order
}

// verdict sums the findings up.
func verdict(r Review) Verdict {
	var v Verdict
	dangerous := 0
	for _, f := range r.Findings {
		open := f.Acknowledged == nil || f.Expired
		switch f.Kind {
		case Widening:
			v.Widening++
			if open {
				v.UnacknowledgedWidening++
			}
		case Breaking:
			v.Breaking++
			if open {
				v.UnacknowledgedBreaking++
			}
		default:
			v.Neutral++
		}
		if open && f.Dangerous && f.Kind != Neutral {
			dangerous++
		}
	}
	switch {
	case v.UnacknowledgedWidening > 0:
		v.Exit = ExitWidening
	case v.UnacknowledgedBreaking > 0:
		v.Exit = ExitBreaking
	}
	v.Words = v.words(r, dangerous)
	return v
}

func (v Verdict) words(r Review, dangerous int) string {
	if len(r.Findings) == 0 && len(r.Cells) == 0 {
		if len(r.Resources) > 0 {
			return "Nobody gains or loses access. " + counted(len(r.Resources), "resource changes", "resources change") + "."
		}
		return "Nothing changes: nobody gains or loses access."
	}
	gains, loses := 0, 0
	for _, cell := range r.Cells {
		switch cell.Kind {
		case Widening:
			gains++
		case Breaking:
			loses++
		}
	}
	words := "Nobody gains or loses access."
	if gains+loses > 0 {
		words = fmt.Sprintf("Of the access matrix, %s and %s.", counted(gains, "cell opens", "cells open"), counted(loses, "closes", "close"))
	}
	words += fmt.Sprintf(" Findings: %d widening, %d breaking, %d neutral", v.Widening, v.Breaking, v.Neutral)
	open := v.UnacknowledgedWidening + v.UnacknowledgedBreaking
	switch {
	case open == 0 && v.Widening+v.Breaking > 0:
		return words + "; all that widen or break are acknowledged."
	case open == 0:
		return words + "."
	case dangerous > 0:
		return words + fmt.Sprintf("; %d not acknowledged, %d of them dangerous.", open, dangerous)
	default:
		return words + fmt.Sprintf("; %d not acknowledged.", open)
	}
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
