package requests

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/stretchr/testify/require"
)

// follow follows, and does one step after another between the looks. It returns
// what was told after each look.
func (w *world) follow(t *testing.T, q Query, steps ...func()) [][]string {
	t.Helper()
	told := [][]string{{}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	looks := 0
	w.Wait = func(ctx context.Context, d time.Duration) error {
		require.Equal(t, w.Poll, d)
		if looks == len(steps) {
			cancel()
			return ctx.Err()
		}
		w.pass(d)
		steps[looks]()
		looks++
		told = append(told, []string{})
		return nil
	}
	require.NoError(t, w.Follow(ctx, q, func(r Request) {
		last := len(told) - 1
		told[last] = append(told[last], ids([]Request{r})...)
	}))
	return told
}

func TestFollowRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	never := func(Request) { t.Error("told of a request") }
	require.ErrorContains(t, w.Follow(t.Context(), Query{Limit: -1}, never), "limit: got -1")
	w.Group = "/aws/vendedlogs/apis/nonesuch"
	require.ErrorContains(t, w.Follow(t.Context(), Query{}, never), "it does not exist")
}

func TestNewRequestsAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log(t, 2*time.Minute, allowed("old"))
	w.log(t, time.Minute, allowed("last"))
	nothing := func() {}
	require.Equal(t, [][]string{{"last"}, {}, {"new"}, {"late", "newest"}, {}, {"later"}, {}, {}}, w.follow(t, Query{Limit: 1},
		nothing,
		func() { w.log(t, 0, allowed("new")) },
		func() {
			w.log(t, 0, allowed("newest"))
			w.log(t, 4*time.Minute, allowed("late"))
		},
		nothing,
		func() {
			w.pass(24 * time.Hour) // the machine slept
			w.log(t, 24*time.Hour, allowed("later"))
		},
		func() { w.log(t, time.Hour, allowed("too late")) },
		nothing,
	))
}

func TestAllThatIsThereIsToldFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log(t, time.Second, allowed("r2"))
	w.log(t, 59*time.Minute, allowed("r1"))
	require.Equal(t, [][]string{{"r1", "r2"}, {}}, w.follow(t, Query{}, func() {}))
}

func TestOnlyWhatIsAskedForIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, [][]string{{}, {"expired", "unreadable: no line"}}, w.follow(t, Query{Route: "/"}, func() {
		w.log(t, 3*time.Second, refused("expired", "401", "expired"))
		w.put(t, group, w.now(), "no line")
	}))
	require.Equal(t, [][]string{{"unreadable: no line"}, {}}, w.follow(t, Query{Caller: "*"}, func() { w.log(t, 0, allowed("ok")) }),
		"nobody knows whose it was")
	require.Equal(t, [][]string{{"expired"}, {}}, w.follow(t, Query{Denied: true}, func() { w.log(t, 0, allowed("ok")) }))
}

func TestARefusalByRoleIsToldWithWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log(t, time.Second, byRole(refused("role", "403", "")))
	w.logFunction(t, time.Second, map[string]string{"msg": "refused", "requestId": "role", "reason": "missing-role"})
	ctx, cancel := context.WithCancel(t.Context())
	var told []Request
	require.NoError(t, w.Follow(ctx, Query{}, func(r Request) {
		told = append(told, r)
		cancel()
	}))
	require.Len(t, told, 1)
	require.Equal(t, "missing-role", told[0].FunctionReason)
}

// failingOnce fails from the second call on.
type failingOnce struct {
	cloudwatchlogs.FilterLogEventsAPIClient
	calls int
}

var errNo = errors.New("access denied")

func (f *failingOnce) FilterLogEvents(
	ctx context.Context, in *cloudwatchlogs.FilterLogEventsInput, options ...func(*cloudwatchlogs.Options),
) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	if f.calls++; f.calls > 1 {
		return nil, errNo
	}
	return f.FilterLogEventsAPIClient.FilterLogEvents(ctx, in, options...)
}

func TestAFailureEndsFollowing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Logs = &failingOnce{FilterLogEventsAPIClient: w.Logs}
	w.Poll = 0 // the real clock has not to wait
	w.Wait = nil
	require.ErrorIs(t, w.Follow(t.Context(), Query{}, func(Request) {}), errNo)
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Poll = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	w.log(t, time.Second, allowed("r1"))
	require.NoError(t, w.Follow(ctx, Query{}, func(Request) { cancel() }))
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	t.Parallel()
	seen := seenEvents{}
	for i := range 100 {
		e := event{id: fmt.Sprint(i), at: int64(i)}
		require.True(t, seen.add(e, 10))
		require.Equal(t, i < 10, seen.add(e, 10), "what is not asked for again is not remembered")
	}
	require.Len(t, seen, 90)
	require.Equal(t, int64(20), seen.forget(20, 1000))
	require.Len(t, seen, 80)
	from := seen.forget(20, 50)
	require.LessOrEqual(t, len(seen), 50)
	for i := range 100 {
		_, known := seen[fmt.Sprint(i)]
		require.Equal(t, int64(i) >= from, known, "all from the time that is asked for next are known")
	}
}
