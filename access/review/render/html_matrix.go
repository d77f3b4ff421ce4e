package render

import (
	"fmt"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/review"
)

// maxListed is how many changed cells are listed in full words. The matrices have
// all of them, in short.
const maxListed = 1000

// matrices lays both matrices out with the same rows and columns.
func (p *pageData) matrices(g grid) {
	for _, c := range g.callers {
		line := pageLine{Name: clean(c.id), Same: !c.changed}
		p.Before.Callers = append(p.Before.Callers, line)
		p.After.Callers = append(p.After.Callers, line)
	}
	for i, route := range g.routes {
		line := pageLine{Name: clean(route.id), Same: !route.changed}
		before := pageRow{pageLine: line, Cells: make([]pageCell, len(g.callers))}
		after := pageRow{pageLine: line, Cells: make([]pageCell, len(g.callers))}
		for j, c := range g.cells[i] {
			before.Cells[j] = pageCell{Class: outcome(c.before), Text: c.was()}
			after.Cells[j] = pageCell{Class: outcome(c.after), Text: c.is()}
			if c.change != nil {
				change := symbol(c.change.Kind) + " " + verb(c.change.Kind)
				before.Cells[j].changes(c.change.Kind, cellID("b", i, j), cellID("a", i, j), change+": "+c.is())
				after.Cells[j].changes(c.change.Kind, cellID("a", i, j), cellID("b", i, j), change+", was "+c.was())
			}
			if !g.callers[j].changed {
				before.Cells[j].Class += " s"
				after.Cells[j].Class += " s"
			}
		}
		p.Before.Rows = append(p.Before.Rows, before)
		p.After.Rows = append(p.After.Rows, after)
	}
}

func (c *pageCell) changes(kind review.Kind, id, other, note string) {
	c.Class, c.ID, c.Other, c.Note = class(kind), id, other, note
}

// changes lists the first of the cells that change, in full words.
func (p *pageData) changes(g grid, total int, ids map[string]pageCause) {
	for i, route := range g.routes {
		for j, caller := range g.callers {
			c := g.cells[i][j]
			if c.change == nil || len(p.Changes) == maxListed {
				continue
			}
			listed := pageChange{
				Class: class(c.change.Kind), Other: cellID("a", i, j), Text: symbol(c.change.Kind) + " " + verb(c.change.Kind),
				Route: clean(route.id), Caller: clean(caller.id),
				Before: clean(long(c.before)) + by(c.beforeBy), After: clean(long(c.after)) + by(c.afterBy),
			}
			for _, id := range c.change.Causes {
				if cause, ok := ids[id]; ok {
					listed.Causes = append(listed.Causes, cause)
				}
			}
			p.Changes = append(p.Changes, listed)
		}
	}
	p.ChangesCaption = fmt.Sprintf("%d cells, each with its reason in full", total)
	if total > maxListed {
		p.ChangesCaption = fmt.Sprintf("The first %d of %d cells, each with its reason in full; the matrices mark all of them", maxListed, total)
	}
}

func cellID(side string, i, j int) string { return fmt.Sprintf("%s%d-%d", side, i, j) }

// class is the class of a kind in the style.
func class(k review.Kind) string {
	switch k {
	case review.Widening, review.Breaking:
		return string(k)
	default:
		return string(review.Neutral)
	}
}

func outcome(d *access.Decision) string {
	if d != nil && d.Allowed {
		return "yes"
	}
	return "no"
}
