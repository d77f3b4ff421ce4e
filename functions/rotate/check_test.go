package rotate

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rotations int
		change    func(*world)
		want      []string // none means that all is well
	}{
		"just rotated":                {1, func(*world) {}, nil},
		"rotated two years":           {8, func(*world) {}, nil},
		"the day before the next":     {1, func(w *world) { w.now = w.now.Add(89 * day) }, nil},
		"late by a day":               {1, func(w *world) { w.now = w.now.Add(91 * day) }, nil},
		"late by three days":          {1, func(w *world) { w.now = w.now.Add(93 * day) }, []string{"overdue: got none since 2026-05-30", "overdue: the current credential"}},
		"late, says Secrets Manager":  {1, func(w *world) { w.vaults[arn].nextAt = w.now.Add(-3 * day) }, []string{"overdue: got none since"}},
		"44 days left":                {1, func(w *world) { w.now = w.now.Add(167 * day) }, []string{"ends on", "want at least 45 days from now", "overdue"}},
		"the lifetime is short":       {1, func(w *world) { w.config.Lifetime, w.config.Interval, w.config.Overlap = 33*day, day, day }, nil},
		"no rotation yet":             {0, func(*world) {}, []string{"no version is current"}},
		"rotation is off":             {1, func(w *world) { w.vaults[arn].enabled = false }, []string{"rotation is not enabled"}},
		"somebody removed it":         {1, func(w *world) { w.credentials[clientID] = nil }, []string{"does not have the current credential"}},
		"somebody removed it, late":   {1, func(w *world) { w.credentials[clientID], w.now = nil, w.now.Add(99*day) }, []string{"does not have the current credential", "overdue"}},
		"somebody put something else": {1, func(w *world) { w.vaults[arn].versions[w.vaults[arn].labelled(Current)].value = "{}" }, []string{"the value is not JSON with"}},
		"the application is gone":     {1, func(w *world) { w.noApp = true }, []string{"404"}},
		"no tags":                     {1, func(w *world) { w.vaults[arn].tags = nil }, []string{"tag entragate:clientId"}},
		"the secret is gone":          {1, func(w *world) { delete(w.vaults, arn) }, []string{"ResourceNotFoundException"}},
		"Secrets Manager is down":     {1, func(w *world) { w.interfere = func(string, bool) error { return errors.New("down") } }, []string{"down"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for n := range tt.rotations {
				if n > 0 {
					w.now = w.now.Add(w.config.Interval)
				}
				w.rotate(arn)
			}
			before := len(w.credentials[clientID])
			tt.change(w)
			w.calls = nil
			err := w.invoke(t.Context(), Event{Check: []string{arn}})
			for _, call := range []string{"Put", "MoveStage", "AddPassword", "RemovePassword"} {
				require.NotContains(t, w.calls, call, "a check changes nothing")
			}
			if tt.want == nil {
				require.NoError(t, err)
				require.Len(t, w.credentials[clientID], before)
				require.Contains(t, w.log.String(), `"msg":"checked","check":"`+arn)
				return
			}
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
			require.ErrorContains(t, err, arn)
		})
	}
}

func TestCheckNamesEverySecretThatIsNotWell(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.vaults[ownARN] = newVault(rotatorID)
	const third = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:third-AbCdEf"
	w.rotate(arn)
	err := w.invoke(t.Context(), Event{Check: []string{ownARN, arn, third}})
	require.ErrorContains(t, err, ownARN+": no version is current")
	require.ErrorContains(t, err, third+": describe")
	require.NotContains(t, err.Error(), arn)
}

func TestLeastLeft(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ lifetime, interval, want time.Duration }{
		{211, 90, 45},
		{100, 34, 45},
		{77, 30, 45},
		{60, 14, 44},
		{33, 1, 30},
	} {
		got := Config{Lifetime: tt.lifetime * day, Interval: tt.interval * day}.leastLeft()
		require.Equal(t, tt.want*day, got, "%d, %d", tt.lifetime, tt.interval)
	}
}
