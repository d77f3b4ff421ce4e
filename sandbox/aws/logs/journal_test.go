package logs

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// texts are the messages of a journal, in order.
func texts(j *journal) (messages []string) {
	for _, e := range j.after(head, 1<<20) {
		messages = append(messages, e.Message)
	}
	return messages
}

// TestOnlyTheLatestEventsAreKept holds that both the memory and the file forget
// the oldest.
func TestOnlyTheLatestEventsAreKept(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		capacity capacity
		text     string
		kept     int
	}{
		"by number":                 {capacity{100, 1 << 20}, "", 100},
		"by bytes":                  {capacity{1 << 20, 100 << 10}, strings.Repeat("x", 996), 102},
		"of bytes that JSON escape": {capacity{1 << 20, 100 << 10}, strings.Repeat("\x01", 996), 102},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "events")
			j, err := openJournal(path, test.capacity)
			require.NoError(t, err)
			for i := range 1050 {
				require.NoError(t, j.add([]event{{At: int64(i), Message: fmt.Sprintf("%04d", i) + test.text}}, false))
				require.LessOrEqual(t, j.lines, 10*test.kept, "the file is rewritten")
			}
			messages := texts(j)
			require.Len(t, messages, test.kept)
			require.True(t, strings.HasPrefix(messages[len(messages)-1], "1049"))
			require.NoError(t, j.close())

			again, err := openJournal(path, test.capacity)
			require.NoError(t, err)
			require.Equal(t, messages, texts(again))
			require.Equal(t, j.last, again.last, "ids go on")
			require.NoError(t, again.close())
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, test.kept, strings.Count(string(raw), "\n"), "opening drops what is not kept")
		})
	}
}

// TestEventsStandInOrderHoweverTheyCome compares a timeline with sorting.
func TestEventsStandInOrderHoweverTheyCome(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var line timeline
		var all []event
		for range 30 {
			batch := make([]event, random.IntN(6))
			for i := range batch {
				batch[i] = event{ID: uint64(len(all) + 1), At: random.Int64N(20), Message: "x"}
				all = append(all, batch[i])
			}
			line.add(batch)
			line.trim(60, 1<<20)
		}
		slices.SortFunc(all, func(a, b event) int { return a.position().compare(b.position()) })
		want := all[max(0, len(all)-60):]
		require.Equal(t, want, line.events)
		require.Equal(t, int64(len(want)), line.bytes)
		for i, e := range want {
			require.Equal(t, want[i+1:], append([]event{}, line.after(e.position(), 1000)...))
			before := line.before(e.position(), 1000)
			slices.Reverse(before)
			require.Equal(t, want[:i], append([]event{}, before...))
		}
		require.Equal(t, want[:2], line.after(head, 2))
		require.Equal(t, want[len(want)-1:], line.before(tail, 1))
	}
}

func TestPositionsAreReadBack(t *testing.T) {
	t.Parallel()
	for _, p := range []position{head, tail, {}, {1, 2}, {-5, 7}} {
		back, ok := parsePosition(p.String())
		require.True(t, ok, p)
		require.Equal(t, p, back)
	}
	for _, text := range []string{"", "-", "1", "1-", "-1", "a-1", "1-a", "1-2-3", "9223372036854775808-1", "1-18446744073709551616"} {
		_, ok := parsePosition(text)
		require.False(t, ok, text)
	}
}
