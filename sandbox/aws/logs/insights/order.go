package insights

import (
	"encoding/binary"
	"slices"
)

// sort orders rows by one or more keys. Rows that are equal stay as they were,
// which is newest first.
func (p *parser) sort() step {
	type key struct {
		eval expr
		sign int
	}
	var keys []key
	for {
		k := key{p.expression().eval, 1}
		if p.keyword("desc") {
			k.sign = -1
		} else {
			p.keyword("asc")
		}
		keys = append(keys, k)
		if !p.take(",") {
			break
		}
	}
	type ranked struct {
		row   *row
		ranks []rank
	}
	return step{all: func(rows []*row) []*row {
		all := make([]ranked, len(rows))
		ranks := make([]rank, len(rows)*len(keys))
		for i, r := range rows {
			all[i] = ranked{r, ranks[i*len(keys) : (i+1)*len(keys)]}
			for j, k := range keys {
				all[i].ranks[j] = rankOf(k.eval(r))
			}
		}
		slices.SortStableFunc(all, func(a, b ranked) int {
			for i, k := range keys {
				if c := a.ranks[i].compare(b.ranks[i]) * k.sign; c != 0 {
					return c
				}
			}
			return 0
		})
		for i := range all {
			rows[i] = all[i].row
		}
		return rows
	}}
}

// dedup keeps the first row of each combination of values. A row that lacks one
// of them is kept.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Dedup.html
func (p *parser) dedup() step {
	fields := p.names("dedup", "define what is computed with fields")
	return step{all: func(rows []*row) []*row {
		seen := map[string]bool{}
		return slices.DeleteFunc(rows, func(r *row) bool {
			var key []byte
			for _, field := range fields {
				v := field.eval(r)
				if v.kind == absent {
					return false
				}
				s := v.String()
				key = binary.AppendUvarint(key, uint64(len(s)))
				key = append(key, s...)
			}
			if seen[string(key)] {
				return true
			}
			seen[string(key)] = true
			return false
		})
	}}
}
