package guard

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheLongestIntervalOfASchedule(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]float64{
		"rate(10 days)":                  10,
		"rate(1 day)":                    1,
		"rate(12 hours)":                 0.5,
		"cron(0 8 ? * SUN *)":            31,
		"cron(0 8 1 * ? *)":              31,
		"cron(0 8 1 JAN ? *)":            365,
		"cron(0 8 1 1,4,7,10 ? *)":       92,
		"cron(0 8 1 1/3 ? *)":            92,
		"cron(0 8 1 */2 ? *)":            62, // July and August
		"cron(0 8 1 feb-APR,6,8-12 ? *)": 62,
		"cron(0 8 1 3,3,9 ? *)":          184,
	} {
		days, err := longestInterval(expression)
		require.NoError(t, err, expression)
		require.InDelta(t, want, days, 1e-9, expression)
	}
}

func TestSchedulesAreRefused(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		"":                           "want rate(n days)",
		"90 days":                    "want rate(n days)",
		"rate(ten days)":             "want rate(n days)",
		"rate(9999999 days)":         "want rate(n days)",
		"rate(5 minutes)":            "want rate(n days)",
		"rate(10 days) ":             "want rate(n days)",
		"cron(0 8 1 * ?)":            "with six fields",
		"cron(0 8 1 * ? * *)":        "with six fields",
		"cron(0 8 1 * ? *":           "with six fields",
		"0 8 1 * ? *":                "with six fields",
		"cron(0 8 1 13 ? *)":         `got month "13", want 1 to 12 or JAN to DEC`,
		"cron(0 8 1 0 ? *)":          `got month "0"`,
		"cron(0 8 1 JANUARY ? *)":    `got month "JANUARY"`,
		"cron(0 8 1 1,,2 ? *)":       `got month ""`,
		"cron(0 8 1 4-2 ? *)":        "a range that ends before it begins",
		"cron(0 8 1 */0 ? *)":        `got step "0", want 1 to 12`,
		"cron(0 8 1 1/x ? *)":        `got step "x"`,
		"cron(0 8 1 1-13 ? *)":       `got month "13"`,
		"cron(0 8 1 1-2-3 ? *)":      `got month "2-3"`,
		"cron(0 8 1 */999999 ? *)":   `got step "999999"`,
		"cron(0 8 1 1/2/3 ? *)":      `got step "2/3"`,
		"cron(0 8 1 99999999999 ? )": "with six fields",
	} {
		_, err := longestInterval(expression)
		require.ErrorContains(t, err, want, expression)
	}
}

func FuzzLongestInterval(f *testing.F) {
	for _, seed := range []string{"rate(10 days)", "cron(0 8 1 1/3,JAN-FEB ? *)", "cron(", "rate(0 hours)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		days, err := longestInterval(expression)
		if err != nil {
			require.Zero(t, days)
			return
		}
		require.GreaterOrEqual(t, days, 0.0)
		if expression[0] == 'c' {
			require.GreaterOrEqual(t, days, 31.0)
			require.LessOrEqual(t, days, 365.0)
		}
	})
}

func FuzzIssuer(f *testing.F) {
	for _, seed := range []string{"https://login.microsoftonline.com/common/v2.0", "https://sts.windows.net/", "http://", "https://a:x/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, issuer string) {
		if issuerProblem(issuer) == "" {
			require.Regexp(t, `^(?i)https:`, issuer)
		}
	})
}
