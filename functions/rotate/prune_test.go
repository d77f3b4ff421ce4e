package rotate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestRemovals decides about credentials by their age in days. The one under test
// is "it"; the current one is new, and the previous one 90 days old.
func TestRemovals(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	type it struct {
		age, left float64 // in days
		orphan    bool
		version   string
	}
	for name, tt := range map[string]struct {
		it          it
		others      []float64 // ages of stored ones
		lastRotated float64   // days ago; 0 means never
		change      func(*ledger)
		want        string // "" means that it stays
	}{
		"superseded 90 days ago":                     {it{age: 180, left: 31}, nil, 90, nil, "superseded before 2025-12-01T12:00:00Z"},
		"superseded 32 days ago":                     {it{age: 180, left: 31}, nil, 32, nil, "superseded"},
		"superseded 30 days ago":                     {it{age: 180, left: 31}, nil, 30, nil, ""},
		"superseded for exactly the overlap":         {it{age: 180, left: 31}, nil, 31, nil, ""},
		"superseded who knows when":                  {it{age: 180, left: 31}, nil, 0, nil, ""},
		"the last rotation was before the previous":  {it{age: 180, left: 31}, nil, 100, nil, ""},
		"the last rotation was this one":             {it{age: 180, left: 31}, nil, -1, nil, ""},
		"two newer ones before the previous":         {it{age: 180, left: 31}, []float64{170, 160}, 0, nil, "superseded before"},
		"one newer one before the previous":          {it{age: 180, left: 31}, []float64{170}, 0, nil, "superseded before"},
		"two newer ones within the overlap":          {it{age: 180, left: 31}, []float64{20, 10}, 0, func(l *ledger) { l.previous = "" }, ""},
		"newer than the previous, as in a roll back": {it{age: 60, left: 100}, nil, 60, nil, ""},
		"newer than the current":                     {it{age: -1, left: 100}, nil, 90, nil, ""},
		"there is no previous one":                   {it{age: 180, left: 31}, nil, 90, func(l *ledger) { l.previous = "" }, ""},
		"the current one is not seen":                {it{age: 180, left: 31}, nil, 90, func(l *ledger) { l.current = "unseen" }, ""},
		"it is the pending one":                      {it{age: 180, left: 31}, nil, 90, func(l *ledger) { l.keep["it"] = true }, ""},
		"expired":                                    {it{age: 211, left: 0}, nil, 0, nil, "expired"},
		"expired, but labelled":                      {it{age: 211, left: -1}, nil, 90, func(l *ledger) { l.keep["it"] = true }, ""},
		"never stored, two days old":                 {it{age: 2, left: 200, orphan: true}, nil, 90, nil, "never stored"},
		"never stored, an hour old":                  {it{age: 0.04, left: 200, orphan: true}, nil, 90, nil, ""},
		"never stored, an hour old, of this version": {it{age: 0.04, left: 200, orphan: true, version: "T"}, nil, 90, nil, "never stored"},
		"never stored, old, within the overlap":      {it{age: 20, left: 200, orphan: true}, nil, 5, nil, "never stored"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ago := func(days float64) time.Time { return now.Add(-time.Duration(days * float64(day))) }
			l := ledger{
				now: now, overlap: 31 * day, version: "T", current: "current", previous: "previous",
				keep: map[string]bool{"current": true, "previous": true},
			}
			if tt.lastRotated != 0 {
				l.lastRotated = ago(tt.lastRotated)
			}
			add := func(keyID, version string, age, left float64, stored bool) {
				l.entries = append(l.entries, entry{Password{KeyID: keyID, Start: ago(age), End: ago(-left)}, version, stored})
			}
			add("current", "T", 0, 211, true)
			for _, age := range tt.others {
				add("other", "o", age, 1, true)
				l.keep["other"] = true
			}
			add("it", tt.it.version, tt.it.age, tt.it.left, !tt.it.orphan)
			add("previous", "p", 90, 121, true)
			if tt.change != nil {
				tt.change(&l)
			}
			removals := l.removals()
			if tt.want == "" {
				require.Empty(t, removals)
				return
			}
			require.Len(t, removals, 1)
			require.Equal(t, "it", removals[0].keyID)
			require.Contains(t, removals[0].why, tt.want)
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	const version = "44444444-4444-4444-8444-444444444444"
	for name, want := range map[string]bool{
		namePrefix + version:                     true,
		version:                                  false,
		"Entragate rotation " + version:          false,
		namePrefix:                               false,
		namePrefix + "by hand":                   false,
		namePrefix + version + version + version: false,
		"":                                       false,
	} {
		got, ours := VersionOf(name)
		require.Equal(t, want, ours, name)
		if want {
			require.Equal(t, version, got)
		}
	}
}
