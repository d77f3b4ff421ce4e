package rotate

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestANewCredentialIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		step string
		lag  time.Duration
		want string
	}{
		"set, a minute":      {StepSet, time.Minute, ""},
		"set, ten minutes":   {StepSet, 10 * time.Minute, "does not have the credential"},
		"test, a minute":     {StepTest, time.Minute, ""},
		"test, ten minutes":  {StepTest, 10 * time.Minute, "AADSTS7000215"},
		"create, no waiting": {StepCreate, 10 * time.Minute, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.lag = tt.lag
			id := w.begin(arn)
			require.NoError(t, w.run(id, StepCreate))
			require.Zero(t, w.waited)
			err := w.run(id, tt.step)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, err, "still so after")
			require.LessOrEqual(t, w.waited, patience)
			require.Greater(t, w.waited, patience-maxPause)
			require.Equal(t, id, w.vaults[arn].labelled(Pending), "the next try goes on with it")
			w.now = w.now.Add(10 * time.Minute)
			require.NoError(t, w.attempt(arn, id))
		})
	}
}

// until is a context with a deadline by the world's clock.
type until struct {
	context.Context
	at time.Time
}

func (u until) Deadline() (time.Time, bool) { return u.at, true }

func TestWaitingEndsBeforeTheFunctionDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.lag = time.Hour
	id := w.begin(arn)
	require.NoError(t, w.run(id, StepCreate))
	end := w.now.Add(30 * time.Second)
	err := w.invoke(until{t.Context(), end}, Event{Step: StepTest, SecretID: arn, Token: id})
	require.ErrorContains(t, err, "the function's time is up")
	require.False(t, w.now.After(end.Add(-lastMoments)))
	require.NotZero(t, w.waited)
}

func TestWaitingTakesAsLongAsTheServiceSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tries := 0
	w.interfere = func(call string, after bool) error {
		if call != "Find" || after {
			return nil
		}
		if tries++; tries == 1 {
			return &TemporaryError{Err: errors.New("Microsoft Graph answered 429"), After: 40 * time.Second}
		}
		return nil
	}
	require.NoError(t, w.run(w.begin(arn), StepCreate))
	require.Equal(t, 40*time.Second, w.waited)
	require.Contains(t, w.log.String(), `"msg":"waiting"`)
	require.Contains(t, w.log.String(), `"for":"40s","because":"Microsoft Graph answered 429"`)
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, waitRealTime(ctx, time.Nanosecond))
	cancel()
	require.ErrorIs(t, waitRealTime(ctx, time.Hour), context.Canceled)
}
