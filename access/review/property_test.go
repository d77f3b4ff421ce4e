package review_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/review"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func compare(before, after access.Model) review.Review {
	return review.Compare(&review.Deployment{Model: before}, review.Deployment{Model: after}, nil, review.Options{Now: now})
}

// TestEveryCellHasACause compares random models: each cell that differs is there
// once, of the right kind, and explained by findings that are there; and each
// finding that widens or breaks has a cell of its kind or says why it has none.
func TestEveryCellHasACause(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	widening, breaking := 0, 0
	for range 500 {
		before := randomModel(r)
		after := mutated(r, before)
		if r.IntN(3) == 0 {
			after = randomModel(r)
		}
		got := compare(before, after)
		check(t, before, after, got)
		for _, cell := range got.Cells {
			switch cell.Kind {
			case review.Widening:
				widening++
			case review.Breaking:
				breaking++
			}
		}
	}
	require.Greater(t, widening, 300)
	require.Greater(t, breaking, 300)
}

func check(t *testing.T, before, after access.Model, got review.Review) {
	t.Helper()
	defer func() {
		if t.Failed() {
			raw, err := json.Marshal(map[string]any{"before": before, "after": after})
			t.Logf("%s %v", raw, err)
		}
	}()
	findings := map[string]review.Finding{}
	for _, f := range got.Findings {
		_, twice := findings[f.ID]
		require.False(t, twice, f.ID)
		findings[f.ID] = f
		require.NotEmpty(t, f.Words, f.ID)
		require.NotEmpty(t, f.Cause, f.ID)
		require.NotEmpty(t, f.Tokens, f.ID)
	}
	kinds := map[string]map[review.Kind]bool{}
	seen := map[[2]string]review.CellChange{}
	for _, cell := range got.Cells {
		key := [2]string{cell.Route, cell.Caller}
		_, twice := seen[key]
		require.False(t, twice, "%v", key)
		seen[key] = cell
		require.NotEmpty(t, cell.Causes, "%+v", cell)
		if d := []*access.Decision{cell.Before, cell.After}; cell.Kind != review.Neutral {
			require.Equal(t, cell.Kind == review.Widening, d[1] != nil && d[1].Allowed, "%+v", cell)
			require.Equal(t, cell.Kind == review.Breaking, d[0] != nil && d[0].Allowed, "%+v", cell)
		}
		right := cell.Kind == review.Neutral
		for _, id := range cell.Causes {
			_, known := findings[id]
			require.True(t, known, id)
			if kinds[id] == nil {
				kinds[id] = map[review.Kind]bool{}
			}
			kinds[id][cell.Kind] = true
			right = right || findings[id].Kind == cell.Kind
		}
		require.True(t, right, "no cause of the kind of %+v", cell)
	}
	for id, f := range findings {
		for _, cause := range f.Because {
			require.Contains(t, findings, cause)
		}
		if f.Kind != review.Neutral {
			explained := kinds[id][f.Kind] || f.Unseen != "" || len(f.Because) > 0
			require.True(t, explained, "%+v", f)
			require.False(t, kinds[id][f.Kind] && f.Unseen != "", "%+v is seen", f)
		}
	}
	everyDifference(t, before.Matrix(), after.Matrix(), seen)
}

// everyDifference goes through both matrices by itself.
func everyDifference(t *testing.T, before, after access.Matrix, seen map[[2]string]review.CellChange) {
	t.Helper()
	for _, route := range after.Routes {
		if before.Cells[route] == nil {
			continue
		}
		for _, caller := range after.Callers {
			was, had := before.At(route, caller.ID)
			is, _ := after.At(route, caller.ID)
			made := caller.Kind == access.CallerUserWithRoles || caller.Kind == access.CallerWrongRole
			if !had && made {
				continue // the column comes with the first role, and says nothing new
			}
			cell, listed := seen[[2]string{route, caller.ID}]
			differs := was.Allowed != is.Allowed || was.Status != is.Status || was.Reason != is.Reason || was.By != is.By || was.Uncertain != is.Uncertain
			if !had {
				differs = is.Allowed && is.Reason != access.ReasonPublic
			}
			require.Equal(t, differs, listed, "%s calls %s: %+v", caller.ID, route, cell)
		}
	}
}

// TestNothingChanges compares models with themselves.
func TestNothingChanges(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		m := randomModel(r)
		got := compare(m, m)
		require.Empty(t, got.Cells)
		require.Empty(t, got.Findings)
		require.Equal(t, review.ExitOK, got.Verdict.Exit)
		require.Equal(t, "Nothing changes: nobody gains or loses access.", got.Verdict.Words)
		_, planned := review.Plan(&review.Deployment{Model: m}, review.Deployment{Model: m})
		require.False(t, planned)
	}
}

// TestAnotherOrderBreaksNothing shuffles models.
func TestAnotherOrderBreaksNothing(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	for range 300 {
		before := randomModel(r)
		after := before
		after.Scopes, after.Roles = shuffled(r, before.Scopes), shuffled(r, before.Roles)
		after.Clients, after.Routes = shuffled(r, before.Clients), shuffled(r, before.Routes)
		for i := range after.Routes {
			after.Routes[i].Scopes = shuffled(r, after.Routes[i].Scopes)
		}
		got := compare(before, after)
		check(t, before, after, got)
		for _, f := range got.Findings {
			require.Equal(t, review.Neutral, f.Kind, f.ID)
		}
		require.Equal(t, review.ExitOK, got.Verdict.Exit)
	}
}

func shuffled[T any](r *rand.Rand, list []T) []T {
	out := slices.Clone(list)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// TestComparingIsDeterministic compares twice.
func TestComparingIsDeterministic(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 10))
	for range 200 {
		before, after := randomModel(r), randomModel(r)
		require.Equal(t, compare(before, after), compare(before, after))
	}
}

// TestFirstDeployment: everything is new, and public routes are findings of their
// own.
func TestFirstDeployment(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, 12))
	for range 300 {
		m := randomModel(r)
		got := review.Compare(nil, review.Deployment{Model: m}, nil, review.Options{Now: now})
		check(t, access.Model{}, m, got)
		require.Equal(t, review.ExitWidening, got.Verdict.Exit)
		require.Empty(t, got.Before.Routes)
		for _, cell := range got.Cells {
			require.Equal(t, review.Widening, cell.Kind)
		}
	}
}
