package drift

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// want is a finding that a change leads to. Texts are parts of its own.
type want struct {
	what    What
	effect  Effect
	subject string
	got     string
	access  string
}

// change is what someone does in a console, and what is found then.
type change struct {
	does func(*testing.T, *stack)
	want []want
	// cells are "route, caller: words" of cells that must be among those that
	// differ; texts are parts of them. None: no cell differs.
	cells []string
}

func TestWhatIsChangedOutsideIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, group := range []map[string]change{changedGateway, changedEntra, changedGrants, changedClients} {
		for name, tc := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				d := w.deploy(t)
				tc.does(t, d)
				report, err := d.Find(t.Context())
				require.NoError(t, err)
				require.Empty(t, report.Unread)
				requireFound(t, tc.want, report.Findings)
				requireCells(t, tc.cells, report.Cells)
				require.False(t, report.Clean())
			})
		}
	}
}

// requireFound requires that what is wanted was found, with words about access
// and a fix, and nothing else.
func requireFound(t *testing.T, wants []want, findings []Finding) {
	t.Helper()
	left := findings
	for _, w := range wants {
		found := -1
		for i, f := range left {
			if f.What == w.what && f.Effect == w.effect && strings.Contains(f.Subject, w.subject) &&
				strings.Contains(f.Got, w.got) && strings.Contains(f.Access, w.access) && f.Access != "" && f.Fix != "" {
				found = i
				break
			}
		}
		require.NotEqual(t, -1, found, "want %+v\namong%s", w, describe(left))
		left = append(left[:found:found], left[found+1:]...)
	}
	require.Empty(t, left, "more than what was changed: %s", describe(left))
}

func describe(all []Finding) string {
	var b strings.Builder
	for _, f := range all {
		fmt.Fprintf(&b, "\n  %s, %s: %s | %s | %s | %s", f.Effect, f.What, f.Subject, f.Got, f.Access, f.Fix)
	}
	return b.String()
}

func requireCells(t *testing.T, wants []string, cells []Cell) {
	t.Helper()
	if len(wants) == 0 {
		require.Empty(t, cells)
	}
	var lines []string
	for _, c := range cells {
		lines = append(lines, fmt.Sprintf("%s, %s: %s", c.Route, c.Caller, c.Got))
	}
	for _, w := range wants {
		parts := strings.Split(w, "…")
		found := false
		for _, line := range lines {
			all := true
			for _, part := range parts {
				all = all && strings.Contains(line, part)
			}
			found = found || all
		}
		require.True(t, found, "want %q among\n%s", w, strings.Join(lines, "\n"))
	}
}

func TestAHealthyStackHasNotDrifted(t *testing.T) {
	t.Parallel()
	d := newWorld(t).deploy(t)
	report, err := d.Find(t.Context())
	require.NoError(t, err)
	require.Empty(t, describe(report.Findings))
	require.Empty(t, report.Cells)
	require.Empty(t, report.Unread)
	require.True(t, report.Clean())
	var text strings.Builder
	require.NoError(t, report.Write(&text))
	require.Equal(t, "no drift: what is deployed is what is declared\n", text.String())
}
