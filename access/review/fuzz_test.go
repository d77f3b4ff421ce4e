package review_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/review"
)

// FuzzCompare: what is deployed comes from a state file, so it may be anything.
func FuzzCompare(f *testing.F) {
	add := func(before, after any) {
		b, err := json.Marshal(before)
		require.NoError(f, err)
		a, err := json.Marshal(after)
		require.NoError(f, err)
		f.Add(b, a)
	}
	other := deployed()
	other.Model = renamed(other.Model, "Orders.Read", "Orders.View")
	add(deployed(), other)
	add(review.Deployment{}, deployed())
	add(deployed(), review.Deployment{})
	add(review.Deployment{Model: access.Model{Routes: []access.Route{{Key: "a"}, {Key: "a", Public: "x"}}}}, deployed())
	f.Fuzz(func(t *testing.T, rawBefore, rawAfter []byte) {
		var before, after review.Deployment
		if json.Unmarshal(rawBefore, &before) != nil || json.Unmarshal(rawAfter, &after) != nil {
			return
		}
		got := review.Compare(&before, after, nil, review.Options{Now: now})
		for _, cell := range got.Cells {
			require.NotEmpty(t, cell.Causes)
		}
		require.NotEmpty(t, got.Verdict.Words)
		review.Compare(nil, after, nil, review.Options{Now: now})
	})
}
