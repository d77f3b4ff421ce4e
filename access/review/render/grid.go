package render

import (
	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/review"
)

// grid is both matrices as one: every route and caller of either.
type grid struct {
	routes  []line
	callers []line
	cells   [][]cell // by route, then caller
}

// line is a row or column of a grid.
type line struct {
	id, title string
	changed   bool
}

// cell is one of a grid. The decisions are nil where there is none, the change
// is where nothing differs.
type cell struct {
	before, after *access.Decision
	// beforeBy and afterBy are the wider route that decides, where one does.
	beforeBy, afterBy string
	change            *review.CellChange
}

// was and is are the cell on either side, in short.
func (c cell) was() string { return short(c.before) + by(c.beforeBy) }
func (c cell) is() string  { return short(c.after) + by(c.afterBy) }

func by(wider string) string {
	if wider == "" {
		return ""
	}
	return " by " + clean(wider)
}

func newGrid(r review.Review) grid {
	changes := make(map[[2]string]*review.CellChange, len(r.Cells))
	for i := range r.Cells {
		c := &r.Cells[i]
		changes[[2]string{c.Route, c.Caller}] = c
	}
	var g grid
	seen := map[string]bool{}
	for _, mx := range []access.Matrix{r.After, r.Before} {
		for _, route := range mx.Routes {
			if !seen[route] {
				seen[route] = true
				g.routes = append(g.routes, line{id: route})
			}
		}
	}
	clear(seen)
	for _, mx := range []access.Matrix{r.After, r.Before} {
		for _, c := range mx.Callers {
			if !seen[c.ID] {
				seen[c.ID] = true
				g.callers = append(g.callers, line{id: c.ID, title: c.Title})
			}
		}
	}
	g.cells = make([][]cell, len(g.routes))
	for i := range g.routes {
		g.cells[i] = make([]cell, len(g.callers))
		for j := range g.callers {
			route, caller := g.routes[i].id, g.callers[j].id
			g.cells[i][j] = newCell(r, route, caller, changes[[2]string{route, caller}])
			if g.cells[i][j].change != nil {
				g.routes[i].changed, g.callers[j].changed = true, true
			}
		}
	}
	return g
}

func newCell(r review.Review, route, caller string, change *review.CellChange) cell {
	if change == nil {
		return cell{before: at(r.Before, route, caller), after: at(r.After, route, caller)}
	}
	c := cell{before: change.Before, after: change.After, change: change}
	if _, there := r.Before.Cells[route]; !there {
		c.beforeBy = change.Instead
	} else if _, there := r.After.Cells[route]; !there {
		c.afterBy = change.Instead
	}
	return c
}

func at(mx access.Matrix, route, caller string) *access.Decision {
	if d, ok := mx.At(route, caller); ok {
		return &d
	}
	return nil
}
