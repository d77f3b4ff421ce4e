package review

import (
	"slices"

	"github.com/entragate/entragate/access"
)

// others are the scopes or roles that a client holds and the route does not ask
// for, or with the name "" those that users may consent to.
type others struct {
	before, after level
	edit          *edit // nil if nothing changes
}

// level is the most that there is of something.
type level int

const (
	none    level = iota
	retiree       // held, and in no new token
	live
)

// level is how much there is with the chosen edits.
func (o *others) level(on choice) level {
	switch {
	case o == nil:
		return none
	case o.edit != nil && on(o.edit):
		return o.after
	default:
		return o.before
	}
}

// holds is the most that a client holds that the route does not ask for.
func (t *trial) holds(c access.Client, side func(pair[catalogued]) *catalogued) level {
	most := none
	for i, list := range [][]string{c.Scopes, c.Roles} {
		for _, value := range list {
			if t.values[value] {
				continue
			}
			known := side(t.d.scopes[value])
			if i == 1 {
				known = side(t.d.roles[value])
			}
			if known != nil && !known.retired {
				return live
			}
			most = retiree
		}
	}
	return most
}

// open gathers what is left of the scopes that users may consent to.
func (t *trial) open() {
	o := &others{}
	t.others[""] = o
	var changes []*edit
	for _, value := range t.d.openOrder {
		if t.values[value] {
			continue
		}
		p := t.d.scopes[value]
		if p.before.isOpen() {
			o.before = live
		}
		if p.after.isOpen() {
			o.after = live
		}
		changes = append(changes, t.d.valueEdits[value]...)
	}
	if o.before != o.after {
		t.bundle(o, changes)
	}
}

func (c *catalogued) isOpen() bool {
	return c != nil && !c.retired && c.consent == access.ConsentUser
}

// bundle makes one edit of all that change the rest.
func (t *trial) bundle(o *others, changes []*edit) {
	o.edit = &edit{}
	for _, minor := range []bool{false, true} {
		for _, e := range changes {
			if e.minor == minor && e.value != "" && !t.values[e.value] {
				for _, f := range e.findings {
					if !slices.Contains(o.edit.findings, f) {
						o.edit.findings = append(o.edit.findings, f)
					}
				}
			}
		}
		if len(o.edit.findings) > 0 {
			break
		}
	}
	t.edits = append(t.edits, o.edit)
}
