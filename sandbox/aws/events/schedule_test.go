package events

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhenSchedulesAreDue(t *testing.T) {
	t.Parallel()
	const form = "2006-01-02 15:04"
	now := time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC) // a Sunday
	for text, want := range map[string][2]string{        // the next two times
		"rate(1 minute)":               {"2026-03-01 12:01", "2026-03-01 12:02"},
		"rate(36 hours)":               {"2026-03-03 00:00", "2026-03-04 12:00"},
		"rate(90 days)":                {"2026-05-30 12:00", "2026-08-28 12:00"},
		"cron(0 12 * * ? *)":           {"2026-03-02 12:00", "2026-03-03 12:00"},
		"cron(15 10 ? * MON-FRI *)":    {"2026-03-02 10:15", "2026-03-03 10:15"},
		"cron(0/15 * ? * 1,7 *)":       {"2026-03-01 12:15", "2026-03-01 12:30"},
		"cron(0 0 L * ? *)":            {"2026-03-31 00:00", "2026-04-30 00:00"},
		"cron(0 0 15W * ? *)":          {"2026-03-16 00:00", "2026-04-15 00:00"},
		"cron(0 0 1W AUG ? *)":         {"2026-08-03 00:00", "2027-08-02 00:00"},
		"cron(0 0 31W 5 ? *)":          {"2026-05-29 00:00", "2027-05-31 00:00"},
		"cron(0 0 ? * L *)":            {"2026-03-07 00:00", "2026-03-14 00:00"},
		"cron(0 0 ? * 6L *)":           {"2026-03-27 00:00", "2026-04-24 00:00"},
		"cron(0 0 ? * TUE#5 *)":        {"2026-03-31 00:00", "2026-06-30 00:00"},
		"cron(0 0 29 2 ? *)":           {"2028-02-29 00:00", "2032-02-29 00:00"},
		"cron(30 6,18 1-3 */4 ? 2027)": {"2027-01-01 06:30", "2027-01-01 18:30"},
		"cron(0 0 1 1 ? 2199)":         {"2199-01-01 00:00", "0001-01-01 00:00"},
		"cron(0 0 31 2 ? *)":           {"0001-01-01 00:00", "0001-01-01 00:00"},
		"cron(0 0 1 1 ? 2025)":         {"0001-01-01 00:00", "0001-01-01 00:00"},
	} {
		s, err := parseSchedule(text)
		require.NoError(t, err, text)
		first := s.next(now, now)
		require.Equal(t, want[0], first.Format(form), text)
		if first.IsZero() {
			continue
		}
		require.Equal(t, want[1], s.next(now, first).Format(form), text)
		require.Equal(t, first, s.last(now, first), text)
		require.Equal(t, first, s.last(now, first.Add(time.Second)), text)
	}
}

func TestSchedulesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "rate()", "rate(0 minutes)", "rate(1 minutes)", "rate(2 minute)", "rate(-1 days)", "rate(1 second)", "rate(1.5 days)", "rate(1 day) ", "rate(999999999 days)", "at(2026-01-01T00:00:00)",
		"cron()", "cron(0 12 * * ?)", "cron(0 12 * * ? * *)", "cron(0 12 * * * *)", "cron(0 12 ? * ? *)", "cron(60 12 * * ? *)", "cron(0 24 * * ? *)", "cron(0 0 0 * ? *)", "cron(0 0 32 * ? *)",
		"cron(0 0 * 13 ? *)", "cron(0 0 * JANUARY ? *)", "cron(0 0 ? * 0 *)", "cron(0 0 ? * 8 *)", "cron(0 0 ? * MON#6 *)", "cron(0 0 ? * #1 *)", "cron(0 0 * * ? 1969)", "cron(0 0 * * ? 2200)",
		"cron(*/0 0 * * ? *)", "cron(5-1 0 * * ? *)", "cron(, 0 * * ? *)", "cron(0  0 * * ? *)", "cron(a 0 * * ? *)", "cron(+1 0 * * ? *)", "cron(0 0 W * ? *)", "cron(0 0 32W * ? *)", "cron(0 0 ? * 8L *)",
	} {
		_, err := parseSchedule(text)
		require.Error(t, err, text)
	}
}

// FuzzSchedule looks for schedules that go back, or whose times are not theirs.
func FuzzSchedule(f *testing.F) {
	for _, text := range []string{"rate(5 minutes)", "cron(0/15 8-18 ? * MON-FRI *)", "cron(0 0 LW * ? *)", "cron(1,2 3 15W 2 ? 2024-2030)", "cron(0 0 ? * 3#2 */5)"} {
		f.Add(text, int64(1772366400))
	}
	f.Fuzz(func(t *testing.T, text string, seconds int64) {
		s, err := parseSchedule(text)
		if err != nil {
			return
		}
		now := time.Unix(seconds%4_000_000_000, 0).UTC()
		next := s.next(now, now)
		if next.IsZero() {
			return
		}
		require.True(t, next.After(now))
		require.Equal(t, next, s.last(now, next))
		if before := s.last(now, next.Add(-1)); !before.IsZero() {
			require.False(t, before.After(now))
			require.Equal(t, next, s.next(now, before))
		}
	})
}

// FuzzPattern looks for event patterns that break the check.
func FuzzPattern(f *testing.F) {
	f.Add(`{"source":["aws.s3",{"prefix":"x"},1,null],"detail":{"$or":[{"a":[{"exists":true}]}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if checkPattern(text) == "" {
			require.LessOrEqual(t, len(text), maxPattern)
		}
	})
}
