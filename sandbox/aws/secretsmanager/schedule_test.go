package secretsmanager

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhenASecretIsRotatedNext(t *testing.T) {
	t.Parallel()
	last, now := "2026-01-01T10:30:00Z", "2026-02-27T12:00:00Z" // a Friday
	for expression, want := range map[string]string{
		"rate(4 hours)":               "2026-01-01T14:30:00Z",
		"rate(1 day)":                 "2026-01-02T10:30:00Z",
		"rate(90 days)":               "2026-04-01T10:30:00Z",
		"cron(0 13 * * ? *)":          "2026-02-27T13:00:00Z",
		"cron(0 12 * * ? *)":          "2026-02-28T12:00:00Z",
		"cron(0 4/12 * * ? *)":        "2026-02-27T16:00:00Z",
		"cron(0 8,20 * * ? *)":        "2026-02-27T20:00:00Z",
		"cron(0 0 1 1/3 ? *)":         "2026-04-01T00:00:00Z",
		"cron(0 0 1 jan,JUL ? *)":     "2026-07-01T00:00:00Z",
		"cron(0 16 L * ? *)":          "2026-02-28T16:00:00Z",
		"cron(0 16 10-12 * ? *)":      "2026-03-10T16:00:00Z",
		"cron(0 16 29 2 ? *)":         "2028-02-29T16:00:00Z",
		"cron(0 16 ? * MON-WED *)":    "2026-03-02T16:00:00Z",
		"cron(0 16 ? * 6 *)":          "2026-02-27T16:00:00Z",
		"cron(0 16 ? * SUN#1 *)":      "2026-03-01T16:00:00Z",
		"cron(0 16 ? * 3#5 *)":        "2026-03-31T16:00:00Z",
		"cron(0 16 ? 1,4,7,10 3L *)":  "2026-04-28T16:00:00Z",
		"cron(0 0/6 */10 * ? *)":      "2026-03-01T00:00:00Z",
		"cron(0 9 ? DEC,JAN 2,FRI *)": "2026-12-04T09:00:00Z",
	} {
		t.Run(expression, func(t *testing.T) {
			t.Parallel()
			before, err := time.Parse(time.RFC3339, last)
			require.NoError(t, err)
			at, err := time.Parse(time.RFC3339, now)
			require.NoError(t, err)
			rules := Rules{ScheduleExpression: expression}
			_, err = rules.parse()
			require.NoError(t, err)
			require.Equal(t, want, rules.next(before, at).Format(time.RFC3339))
		})
	}
}

func TestRulesAreDescribedInDays(t *testing.T) {
	t.Parallel()
	require.Equal(t, 10, *Rules{ScheduleExpression: "rate(10 days)"}.described().AutomaticallyAfterDays)
	require.Nil(t, Rules{ScheduleExpression: "rate(12 hours)"}.described().AutomaticallyAfterDays)
	require.Nil(t, Rules{ScheduleExpression: "cron(0 0 1 * ? *)"}.described().AutomaticallyAfterDays)
}
