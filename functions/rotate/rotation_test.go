package rotate

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestYearsOfRotations(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world){
		"as documented":                      func(*world) {},
		"the first version is only pending":  func(w *world) { w.firstIsBoth = false },
		"the pending label stays":            func(w *world) { w.keepPending = true },
		"replication takes half a minute":    func(w *world) { w.lag = 30 * time.Second },
		"neither, and replication is slow":   func(w *world) { w.firstIsBoth, w.keepPending, w.lag = false, true, 100*time.Second },
		"the shortest lifetime and interval": func(w *world) { w.config.Lifetime, w.config.Interval, w.config.Overlap = 33*day, day, day/2 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			change(w)
			for n := range 10 {
				w.rotate(arn)
				if n >= 2 {
					w.requireTwo(arn)
				}
				w.now = w.now.Add(w.config.Interval)
				w.requireSound(arn)
			}
			value, ok := w.vaults[arn].value(Current)
			require.True(t, ok)
			require.Equal(t, clientID, value.ClientID)
			require.Equal(t, tenantID, value.TenantID)
			require.Equal(t, authority, value.Authority)
			require.Equal(t, "api://orders/.default", value.Scope)
		})
	}
}

// failure is what befalls one call to a cloud.
type failure struct {
	name  string
	after bool
	fail  func() error
}

func failures() []failure {
	die := func() error { panic(died{}) }
	busy := func() error { return &TemporaryError{Err: errors.New("503")} }
	return []failure{
		{"it dies before", false, die},
		{"it dies after", true, die},
		{"the service is busy", false, busy},
		{"the answer is lost", true, busy},
		{"it is refused", false, func() error { return errors.New("refused") }},
		{"it fails after", true, func() error { return errors.New("failed") }},
	}
}

// at makes the n-th call from now on fail, and says whether there was one.
func (w *world) at(n int, f failure) (happened *bool) {
	happened = new(bool)
	seen := 0
	w.interfere = func(_ string, after bool) error {
		if !after {
			seen++
		}
		if seen == n && after == f.after && !*happened {
			*happened = true
			return f.fail()
		}
		return nil
	}
	return happened
}

// TestEveryCallFails lets each call of each rotation fail in each way, for
// two years, and Secrets Manager try again.
func TestEveryCallFails(t *testing.T) {
	t.Parallel()
	for _, f := range failures() {
		for _, sameVersion := range []bool{true, false} {
			for _, lag := range []time.Duration{0, 40 * time.Second} {
				t.Run(fmt.Sprintf("%s, same version %t, lag %s", f.name, sameVersion, lag), func(t *testing.T) {
					t.Parallel()
					points := 0
					for n := 1; ; n++ {
						w := newWorld(t)
						w.lag = lag
						any := false
						for range 8 {
							happened := w.at(n, f)
							id := w.begin(arn)
							for try := 0; w.attempt(arn, id) != nil; try++ {
								require.Less(t, try, 3, "%s", w.log.String())
								w.interfere = nil
								w.now = w.now.Add(5 * time.Minute)
								if !sameVersion {
									id = w.begin(arn) // another, where that is allowed
								}
							}
							any = any || *happened
							w.requireTidy(arn)
							w.interfere = nil
							w.now = w.now.Add(w.config.Interval)
							w.requireSound(arn)
						}
						for range 2 {
							w.rotate(arn)
							w.now = w.now.Add(w.config.Interval)
						}
						w.requireTwo(arn)
						if !any {
							break
						}
						points = n
					}
					t.Logf("%d points of failure", points)
					require.Greater(t, points, 15) // as many calls as a rotation takes
				})
			}
		}
	}
}

// TestRotationsInARow rotates several times within minutes, as after a leak:
// nobody who read the secret before is cut off.
func TestRotationsInARow(t *testing.T) {
	t.Parallel()
	for before := range 5 {
		for row := 2; row <= 5; row++ {
			w := newWorld(t)
			for range before {
				w.rotate(arn)
				w.now = w.now.Add(w.config.Interval)
			}
			for range row {
				w.rotate(arn)
				w.now = w.now.Add(3 * time.Minute)
				w.requireSound(arn)
			}
			w.now = w.now.Add(w.config.Overlap - 30*time.Minute)
			w.requireSound(arn) // still
			w.rotate(arn)
			w.requireSound(arn)
			w.now = w.now.Add(w.config.Interval)
			w.rotate(arn)
			w.now = w.now.Add(w.config.Interval)
			w.rotate(arn)
			w.requireTwo(arn)
		}
	}
}

// TestALateRotationCountsFromWhenItWasDone: the credential that became current
// days after it was made superseded the one before only then.
func TestALateRotationCountsFromWhenItWasDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		w.rotate(arn)
		w.now = w.now.Add(80 * day)
	}
	id := w.begin(arn)
	w.interfere = func(call string, _ bool) error {
		if call == "Test" {
			return errors.New("the sign-in service refuses")
		}
		return nil
	}
	require.Error(t, w.attempt(arn, id))
	w.now = w.now.Add(12 * day)
	w.interfere = nil
	require.NoError(t, w.attempt(arn, id))
	w.now = w.now.Add(30 * day) // 42 after the credential was made
	w.rotate(arn)
	w.now = w.now.Add(5 * time.Minute)
	w.rotate(arn)
	require.Len(t, w.credentials[clientID], 1+4)
	w.now = w.now.Add(60 * day)
	w.rotate(arn)
	w.requireTwo(arn)
}

// TestRandomSchedules rotates at random times, with random failures and tries.
func TestRandomSchedules(t *testing.T) {
	t.Parallel()
	kinds := failures()
	for seed := range uint64(150) {
		random := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(t)
		w.firstIsBoth, w.keepPending = random.IntN(2) == 0, random.IntN(2) == 0
		for rotation := 0; rotation < 12; {
			w.lag = time.Duration(random.IntN(90)) * time.Second
			chance := random.IntN(30)
			w.interfere = func(_ string, after bool) error {
				if f := kinds[random.IntN(len(kinds))]; f.after == after && random.IntN(100) < chance {
					return f.fail()
				}
				return nil
			}
			id := w.begin(arn)
			for try := 0; ; try++ {
				if try == 5 {
					w.interfere = nil
				}
				require.Less(t, try, 8, "seed %d: %s", seed, w.log.String())
				if w.attempt(arn, id) == nil {
					break
				}
				w.now = w.now.Add(time.Duration(random.IntN(5*60)) * time.Minute)
				if random.IntN(2) == 0 {
					id = w.begin(arn)
				}
			}
			rotation++
			w.requireTidy(arn)
			w.interfere = nil
			pause := time.Duration(random.IntN(95*24)) * time.Hour
			if random.IntN(3) == 0 {
				pause = time.Duration(random.IntN(60)) * time.Minute
			}
			w.now = w.now.Add(pause)
			w.requireSound(arn)
		}
		for range 3 {
			w.rotate(arn)
			w.now = w.now.Add(w.config.Interval)
		}
		w.requireTwo(arn)
	}
}

// TestTheRotatorRotatesItsOwnSecret signs in with its own current secret, which
// who deploys has put there.
func TestTheRotatorRotatesItsOwnSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.SecretARN = ownARN
	w.vaults[ownARN] = newVault(rotatorID)
	require.ErrorContains(t, w.attempt(ownARN, w.begin(ownARN)), "the rotator's own secret "+ownARN)
	require.Empty(t, w.credentials[rotatorID])

	first := "44444444-4444-4444-8444-444444444444"
	added, err := w.AddPassword(t.Context(), rotatorID, namePrefix+first, w.now.Add(w.config.Lifetime))
	require.NoError(t, err)
	raw, err := Value{ClientID: rotatorID, TenantID: tenantID, Authority: authority, Scope: "x", ClientSecret: added.Text, KeyID: added.KeyID, ExpiresAt: added.End}.Encode()
	require.NoError(t, err)
	w.vaults[ownARN].take(Pending)
	require.NoError(t, w.Put(t.Context(), ownARN, first, raw))
	for n := range 5 {
		w.now = w.now.Add(w.config.Interval)
		w.rotate(ownARN)
		w.rotate(arn)
		if n >= 2 {
			w.requireTwo(ownARN)
			w.requireTwo(arn)
		}
	}
	require.False(t, w.has(rotatorID, added.KeyID), "the first one is removed in its turn")
}
