package render

import (
	"slices"
	"strings"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/review"
)

// summary is what a review comes to, in the order in which people ask.
type summary struct {
	Gains       []entry `json:"gains"`
	Loses       []entry `json:"loses"`
	Opens       []entry `json:"opens"`
	Unreachable []entry `json:"unreachable"`
}

// entry is one thing that happens to some routes and callers, for one reason.
type entry struct {
	// Words are the entry as one sentence.
	Words   string   `json:"words"`
	Routes  []string `json:"routes"`
	Callers []string `json:"callers"`
	// Causes are the ids of the findings that explain it, Because what they say
	// was changed, and Tokens what that means for tokens already issued.
	Causes  []string `json:"causes"`
	Because []string `json:"because"`
	Tokens  []string `json:"tokens"`

	subject []string // what the sentence is about: the routes, or the callers
	says    string   // and what it says of it
}

// wrongTokens are always in the matrix, and mostly change together.
var wrongTokens = []access.CallerKind{
	access.CallerGraphToken, access.CallerOtherTenant, access.CallerV1Token, access.CallerIDToken, access.CallerExpired,
}

// made are the callers whose tokens Entra does not issue: who else can call
// decides whether a route is reachable.
var made = append([]access.CallerKind{access.CallerUserWithRoles, access.CallerWrongRole}, wrongTokens...)

// summarizer holds what is looked up for a summary.
type summarizer struct {
	review   review.Review
	callers  map[string]access.Caller
	findings map[string]review.Finding
	instead  map[string]string // what takes the requests of a route that is gone
}

// summarize groups the changed cells of a review.
func summarize(r review.Review) summary {
	s := summarizer{review: r, callers: map[string]access.Caller{}, findings: map[string]review.Finding{}, instead: map[string]string{}}
	for _, mx := range []access.Matrix{r.Before, r.After} {
		for _, c := range mx.Callers {
			s.callers[c.ID] = c
		}
	}
	for _, f := range r.Findings {
		s.findings[f.ID] = f
	}
	for _, c := range r.Cells {
		if _, kept := r.After.Cells[c.Route]; !kept && c.Instead != "" {
			s.instead[c.Route] = c.Instead
		}
	}
	return summary{
		Gains:       s.changed(review.Widening),
		Loses:       s.changed(review.Breaking),
		Opens:       s.opens(),
		Unreachable: append(s.deadRoutes(), s.deadClients()...),
	}
}

// changed are the cells of a kind: per route by cause, and routes with the same
// callers and causes together.
func (s summarizer) changed(kind review.Kind) []entry {
	var perRoute groups
	for _, c := range s.review.Cells {
		if c.Kind == kind {
			g := perRoute.of(c.Route, strings.Join(c.Causes, "\x00"))
			g.routes, g.causes = []string{c.Route}, c.Causes
			g.callers = append(g.callers, c.Caller)
		}
	}
	var merged groups
	for _, g := range perRoute.list {
		m := merged.of(strings.Join(g.callers, "\x00"), strings.Join(g.causes, "\x00"))
		m.routes = append(m.routes, g.routes...)
		m.callers, m.causes = g.callers, g.causes
	}
	entries := make([]entry, 0, len(merged.list))
	for _, g := range merged.list {
		entries = append(entries, s.entry(*g, g.routes, s.who(g.callers, kind == review.Widening)))
	}
	return entries
}

// opens are the routes that somebody may call now whom nobody chose.
func (s summarizer) opens() []entry {
	var open groups
	for _, c := range s.review.Cells {
		if c.Kind != review.Widening || c.After == nil {
			continue
		}
		who := ""
		switch s.callers[c.Caller].Kind {
		case access.CallerAnonymous:
			who = everyone
		case access.CallerUnassignedUser:
			who = "every user of the tenant, assigned or not"
		case access.CallerOtherClient:
			who = "users of any client of the tenant"
		}
		if d, ok := s.review.After.At(s.now(c.Route), "anonymous"); who == "" || ok && d.Allowed && who != everyone {
			continue // everyone is more than the others
		}
		if c.After.Uncertain {
			who += ", as far as Microsoft documents it"
		}
		g := open.of(who, strings.Join(c.Causes, "\x00"))
		g.says, g.causes = who, c.Causes
		g.routes = append(g.routes, c.Route)
		g.callers = []string{c.Caller}
	}
	entries := make([]entry, 0, len(open.list))
	for _, g := range open.list {
		entries = append(entries, s.entry(*g, g.routes, g.says))
	}
	return entries
}

// deadRoutes are those that somebody could call and nobody can any more.
func (s summarizer) deadRoutes() []entry {
	var dead groups
	for _, route := range s.review.Before.Routes {
		if !s.reachable(s.review.Before, route) || s.reachable(s.review.After, s.now(route)) {
			continue
		}
		callers, causes := s.lost(func(c review.CellChange) (bool, string) { return c.Route == route, c.Caller })
		says := "nobody can call it any more"
		if _, kept := s.review.After.Cells[route]; !kept {
			says = "the route is gone"
			if wider := s.instead[route]; wider != "" {
				says += ", and nobody can call " + wider + ", which takes its requests"
			}
		}
		g := dead.of(says, strings.Join(callers, "\x00")+"\x00\x00"+strings.Join(causes, "\x00"))
		g.says, g.callers, g.causes = says, callers, causes
		g.routes = append(g.routes, route)
	}
	entries := make([]entry, 0, len(dead.list))
	for _, g := range dead.list {
		entries = append(entries, s.entry(*g, g.routes, g.says))
	}
	return entries
}

// deadClients are those that could call a route that is not public and can call
// none any more.
func (s summarizer) deadClients() []entry {
	var entries []entry
	for _, c := range s.review.Before.Callers {
		if c.Kind != access.CallerUser && c.Kind != access.CallerDaemon {
			continue
		}
		if !admitted(s.review.Before, c.ID) || admitted(s.review.After, c.ID) {
			continue
		}
		routes, causes := s.lost(func(change review.CellChange) (bool, string) { return change.Caller == c.ID, change.Route })
		g := group{routes: routes, callers: []string{c.ID}, causes: causes}
		entries = append(entries, s.entry(g, g.callers, "can call nothing any more that needs a token"))
	}
	return entries
}

// now is the route that takes the requests of a route after the change.
func (s summarizer) now(route string) string {
	if wider := s.instead[route]; wider != "" {
		return wider
	}
	return route
}

// lost returns what of those breaking cells that it is asked about, and why.
func (s summarizer) lost(of func(review.CellChange) (bool, string)) (names, causes []string) {
	for _, c := range s.review.Cells {
		if ok, name := of(c); ok && c.Kind == review.Breaking {
			names = append(names, name)
			causes = appendNew(causes, c.Causes...)
		}
	}
	return names, causes
}

func (s summarizer) reachable(mx access.Matrix, route string) bool {
	for caller, d := range mx.Cells[route] {
		if d.Allowed && !slices.Contains(made, s.callers[caller].Kind) {
			return true
		}
	}
	return false
}

func admitted(mx access.Matrix, caller string) bool {
	for _, row := range mx.Cells {
		if d := row[caller]; d.Allowed && d.Reason != access.ReasonPublic {
			return true
		}
	}
	return false
}

const everyone = "everyone, even without a token"

// who words the callers: all that gain with those who have no token are everyone,
// and those whom the matrix makes up go without saying beside real ones.
func (s summarizer) who(callers []string, gain bool) string {
	var real, wrong []string
	for _, id := range callers {
		switch kind := s.callers[id].Kind; {
		case kind == access.CallerAnonymous && gain:
			return everyone
		case slices.Contains(wrongTokens, kind):
			wrong = append(wrong, id)
		case !slices.Contains(made, kind):
			real = append(real, id)
		}
	}
	switch {
	case len(wrong) == len(wrongTokens):
		wrong = []string{"callers with any wrong token"}
	case len(real)+len(wrong) == 0:
		real = callers
	}
	return strings.Join(append(real, wrong...), ", ")
}

func (s summarizer) entry(g group, subject []string, says string) entry {
	e := entry{
		Words: strings.Join(subject, ", ") + ": " + says, Routes: orEmpty(g.routes), Callers: orEmpty(g.callers),
		Causes: orEmpty(g.causes), Because: []string{}, Tokens: []string{}, subject: subject, says: says,
	}
	for _, id := range g.causes {
		f := s.findings[id]
		because := f.Cause
		if because == "" {
			because = f.Words
		}
		if because != "" && f.Setting != "" {
			because += " (" + f.Setting + ")"
		}
		e.Because = appendNew(e.Because, because)
		e.Tokens = appendNew(e.Tokens, f.Tokens)
	}
	return e
}

// group is some cells that are told of together.
type group struct {
	routes, callers, causes []string
	says                    string
}

// groups keeps groups in the order in which they came.
type groups struct {
	list  []*group
	index map[[2]string]*group
}

// of returns the group with the key, a new one if there is none.
func (g *groups) of(a, b string) *group {
	if g.index == nil {
		g.index = map[[2]string]*group{}
	}
	key := [2]string{a, b}
	found, ok := g.index[key]
	if !ok {
		found = &group{}
		g.index[key] = found
		g.list = append(g.list, found)
	}
	return found
}

// appendNew appends the values that are neither empty nor there.
func appendNew(list []string, values ...string) []string {
	for _, v := range values {
		if v != "" && !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}

// orEmpty makes JSON write [] for a list that is nil.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
