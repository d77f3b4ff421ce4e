package render

import (
	"fmt"
	"slices"
	"strings"
)

// part is a part of a comment. Rows may be left out, the rest may not.
type part struct {
	what       string // the rows, in words
	head, foot string
	rows       []string
}

func (p part) size() int {
	n := len(p.head) + len(p.foot)
	for _, row := range p.rows {
		n += len(row)
	}
	return n
}

// noteSize is kept free for the note on what was cut.
const noteSize = 1000

// fit joins the parts in at most limit bytes. If they are longer, every part gets
// the same space, and what a short one leaves goes to the longer ones. The note on
// what was cut comes after the first part, the verdict.
func fit(parts []part, limit int) string {
	sizes := make([]int, len(parts))
	total := 0
	for i, p := range parts {
		sizes[i] = p.size()
		total += sizes[i]
	}
	share := total
	if total > limit {
		share = fairShare(sizes, limit-noteSize)
	}
	texts := make([]string, len(parts))
	var cut []string
	for i, p := range parts {
		var left int
		texts[i], left = p.within(share)
		if left > 0 {
			cut = append(cut, fmt.Sprintf("%d of %d %s", left, len(p.rows), p.what))
		}
	}
	if len(cut) > 0 {
		texts[0] += "\n> **Cut** to fit a comment; left out are " + escape(strings.Join(cut, "; ")) +
			". `entragate review` prints all of it.\n"
	}
	return strings.Join(texts, "")
}

// fairShare returns the most that each may have so that all have at most limit.
func fairShare(sizes []int, limit int) int {
	sorted := slices.Sorted(slices.Values(sizes))
	for i, size := range sorted {
		if share := limit / (len(sorted) - i); size >= share {
			return share
		}
		limit -= size
	}
	return limit
}

// within returns the part with as many rows as fit, and how many do not.
func (p part) within(share int) (text string, left int) {
	var b strings.Builder
	b.WriteString(p.head)
	for _, row := range p.rows {
		if b.Len()+len(row)+len(p.foot) > share {
			left++
			continue
		}
		b.WriteString(row)
	}
	b.WriteString(p.foot)
	return b.String(), left
}
