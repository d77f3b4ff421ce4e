package doctor

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// problems are the findings that are no good news.
func problems(r Report) []Finding {
	var found []Finding
	for _, f := range r.Findings {
		if f.Severity != SeverityOK {
			found = append(found, f)
		}
	}
	return found
}

func TestAHealthyStackHasNoFinding(t *testing.T) {
	t.Parallel()
	d := newWorld(t).deploy(t)
	d.wire.used = map[string]bool{} // by making it
	report := d.Examine(t.Context())
	require.Empty(t, problems(report))
	require.True(t, report.Healthy(true))
	require.Equal(t, len(report.Findings), report.Passed)
	for _, c := range checks {
		require.True(t, strings.Contains(asJSON(t, report.Findings), `"check":"`+c.name+`"`), c.name)
	}

	// The table names what it takes, and nothing else.
	listed := map[string]bool{"": true}
	for _, p := range Permissions {
		listed[p.Name] = true
	}
	require.Equal(t, listed, d.wire.used)
}
