package access_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestWordsAreThoseThatReviewersRead(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]access.Model{"words-assignment-required.json": orders(), "words-assignment-not-required.json": optional()} {
		got, err := json.MarshalIndent(m.Matrix().Words(), "", "  ")
		require.NoError(t, err)
		golden(t, name, append(got, '\n'))
	}
}

// observed is what a cloud would answer that does exactly what was predicted.
func observed(mx access.Matrix) map[string]map[string]access.Observation {
	all := map[string]map[string]access.Observation{}
	for route, row := range mx.Cells {
		all[route] = map[string]access.Observation{}
		for caller, d := range row {
			o := access.Observation{Outcome: d.Outcome(), Status: d.Status}
			if d.Allowed {
				o.Status = 200
			}
			all[route][caller] = o
		}
	}
	return all
}

func TestTableIsPrinted(t *testing.T) {
	t.Parallel()
	mx := orders().Matrix()
	var predicted bytes.Buffer
	require.NoError(t, access.Table{Matrix: mx}.Write(&predicted, 120))
	golden(t, "table.txt", predicted.Bytes())

	seen := observed(mx)
	seen["POST /orders"]["spa:user"] = access.Observation{Outcome: access.OutcomeAllowed, Status: 200}
	seen["GET /me"]["cli:user"] = access.Observation{Outcome: access.OutcomeFailed, Detail: "connection refused"}
	seen["GET /me"]["other-client"] = access.Observation{Outcome: access.OutcomeNoToken, Detail: "AADSTS90094"}
	delete(seen["GET /old"], "v1-token")
	var beside bytes.Buffer
	require.NoError(t, access.Table{Matrix: mx, Observed: seen}.Write(&beside, 120))
	golden(t, "table-observed.txt", beside.Bytes())
}

func TestTableStaysWithinItsWidth(t *testing.T) {
	t.Parallel()
	mx := orders().Matrix()
	for _, width := range []int{60, 80, 100, 200, 400} {
		var b bytes.Buffer
		require.NoError(t, access.Table{Matrix: mx, Observed: observed(mx)}.Write(&b, width))
		grid, _, _ := strings.Cut(b.String(), "\nCallers\n")
		for line := range strings.Lines(grid) {
			require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimRight(line, "\n")), width, line)
		}
		for _, c := range mx.Callers {
			require.Contains(t, grid, c.ID)
		}
	}
}

func TestTableIsOneBlockWithoutAWidth(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, access.Table{Matrix: orders().Matrix()}.Write(&b, 0))
	require.Equal(t, 1, strings.Count(b.String(), "ROUTE"))
}

func TestTableIsOneBlockForEachCallerWhereNothingFits(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	mx := orders().Matrix()
	require.NoError(t, access.Table{Matrix: mx}.Write(&b, 1))
	require.Equal(t, len(mx.Callers), strings.Count(b.String(), "ROUTE"))
}

func TestTableReportsThatItCannotBeWritten(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, access.Table{Matrix: orders().Matrix()}.Write(fullDisk{}, 80), errFull)
}

var errFull = errors.New("disk full")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestObservationAgreesWithDecision(t *testing.T) {
	t.Parallel()
	allowed := access.Decision{Allowed: true, By: "Orders.Read"}
	forbidden := access.Decision{Status: 403}
	noToken := access.Decision{}
	for name, tt := range map[string]struct {
		decision access.Decision
		observed access.Observation
		want     bool
	}{
		"allowed, and 200":                      {allowed, access.Observation{Outcome: access.OutcomeAllowed, Status: 200}, true},
		"allowed, and 404 of the backend":       {allowed, access.Observation{Outcome: access.OutcomeAllowed, Status: 404}, true},
		"allowed, but 403":                      {allowed, access.Observation{Outcome: access.OutcomeRefused, Status: 403}, false},
		"allowed, but throttled":                {allowed, access.Observation{Outcome: access.OutcomeFailed, Status: 429}, false},
		"allowed, but no token":                 {allowed, access.Observation{Outcome: access.OutcomeNoToken}, false},
		"403, and 403":                          {forbidden, access.Observation{Outcome: access.OutcomeRefused, Status: 403}, true},
		"403, but 401":                          {forbidden, access.Observation{Outcome: access.OutcomeRefused, Status: 401}, false},
		"403, but allowed":                      {forbidden, access.Observation{Outcome: access.OutcomeAllowed, Status: 200}, false},
		"403, but no token":                     {forbidden, access.Observation{Outcome: access.OutcomeNoToken}, false},
		"no token, and none":                    {noToken, access.Observation{Outcome: access.OutcomeNoToken}, true},
		"no token, but 403":                     {noToken, access.Observation{Outcome: access.OutcomeRefused, Status: 403}, false},
		"no token, but allowed":                 {noToken, access.Observation{Outcome: access.OutcomeAllowed, Status: 200}, false},
		"perhaps allowed, and no token":         {access.Decision{Allowed: true, Uncertain: true}, access.Observation{Outcome: access.OutcomeNoToken}, true},
		"perhaps allowed, and allowed":          {access.Decision{Allowed: true, Uncertain: true}, access.Observation{Outcome: access.OutcomeAllowed}, true},
		"perhaps allowed, but a network error":  {access.Decision{Allowed: true, Uncertain: true}, access.Observation{Outcome: access.OutcomeFailed}, false},
		"perhaps only no token, but allowed":    {access.Decision{Uncertain: true}, access.Observation{Outcome: access.OutcomeAllowed}, false},
		"perhaps only no token, and refused":    {access.Decision{Uncertain: true}, access.Observation{Outcome: access.OutcomeRefused, Status: 403}, true},
		"nothing known, so it does not agree":   {allowed, access.Observation{}, false},
		"nothing known of a refusal, likewise":  {forbidden, access.Observation{}, false},
		"nothing known of no token, neither is": {noToken, access.Observation{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, tt.decision.Agrees(tt.observed))
		})
	}
}

func TestDifferencesAreTheCellsThatDiffer(t *testing.T) {
	t.Parallel()
	mx := orders().Matrix()
	require.Empty(t, access.Table{Matrix: mx}.Differences(), "nothing was tried")
	seen := observed(mx)
	require.Empty(t, access.Table{Matrix: mx, Observed: seen}.Differences())

	opened := access.Observation{Outcome: access.OutcomeAllowed, Status: 200}
	seen["POST /orders"]["anonymous"] = opened
	delete(seen["GET /orders/{id}"], "spa:user")
	require.Equal(t, []access.Difference{
		{Route: "GET /orders/{id}", Caller: "spa:user", Predicted: mx.Cells["GET /orders/{id}"]["spa:user"]},
		{Route: "POST /orders", Caller: "anonymous", Predicted: mx.Cells["POST /orders"]["anonymous"], Observed: &opened},
	}, access.Table{Matrix: mx, Observed: seen}.Differences())

	require.Len(t, access.Table{Matrix: mx, Observed: map[string]map[string]access.Observation{}}.Differences(),
		len(mx.Routes)*len(mx.Callers), "tried, and nothing seen")
}
