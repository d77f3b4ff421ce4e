package rotate

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// run runs steps of one version.
func (w *world) run(id string, steps ...string) error {
	w.Helper()
	for _, step := range steps {
		if err := w.invoke(w.Context(), Event{Step: step, SecretID: arn, Token: id}); err != nil {
			return err
		}
	}
	return nil
}

func TestEventsAreRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*world)
		event  string
		want   string
	}{
		"nothing":            {nil, `{}`, `step: got ""`},
		"an unknown step":    {nil, `{"Step":"create_secret","SecretId":"` + arn + `"}`, `step: got "create_secret", want createSecret`},
		"a step and a check": {nil, `{"Step":"createSecret","check":["` + arn + `"]}`, "got a step and a check"},
		"an unknown secret":  {nil, `{"Step":"createSecret","SecretId":"` + ownARN + `","ClientRequestToken":"T"}`, "describe " + ownARN + ": ResourceNotFoundException"},
		"rotation is off":    {func(w *world) { w.vaults[arn].enabled = false }, "", "rotation is not enabled"},
		"an unknown version": {func(w *world) { delete(w.vaults[arn].versions, "T") }, "", `ClientRequestToken: got "T"`},
		"another is pending": {func(w *world) { w.vaults[arn].versions["T"].stages = []Stage{Previous} }, "", "version T is neither AWSPENDING nor AWSCURRENT"},
		"no client":          {func(w *world) { delete(w.vaults[arn].tags, ClientIDTag) }, "", `tag entragate:clientId: got ""`},
		"no scope":           {func(w *world) { delete(w.vaults[arn].tags, ScopeTag) }, "", "tag entragate:scope: got none"},
		"another tenant":     {func(w *world) { w.vaults[arn].tags[TenantIDTag] = clientID }, "", "tag entragate:tenantId: got \"" + clientID + `", want the rotator's tenant, ` + tenantID},
		"another authority":  {func(w *world) { w.vaults[arn].tags[AuthorityTag] = "https://evil.example.com/" + tenantID }, "", "tag entragate:authority: got"},
		"all tags at once":   {func(w *world) { w.vaults[arn].tags = nil }, "", "clientId|tenantId|authority|scope"},
		"no application":     {func(w *world) { w.noApp = true }, "", "404 Request_ResourceNotFound (still so after 2m0s)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.vaults[arn].versions["T"] = &version{stages: []Stage{Pending}}
			if tt.change != nil {
				tt.change(w)
			}
			var event Event
			if tt.event == "" {
				tt.event = `{"Step":"createSecret","SecretId":"` + arn + `","ClientRequestToken":"T","RotationToken":"r"}`
			}
			require.NoError(t, json.Unmarshal([]byte(tt.event), &event))
			err := w.invoke(t.Context(), event)
			for want := range strings.SplitSeq(tt.want, "|") {
				require.ErrorContains(t, err, want)
			}
			require.NotContains(t, w.calls, "AddPassword")
			require.LessOrEqual(t, w.waited, patience)
			require.Contains(t, w.log.String(), `"level":"ERROR"`)
		})
	}
}

func TestStepsOfACurrentVersionAreDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.begin(arn)
	require.NoError(t, w.attempt(arn, id))
	w.calls = nil
	require.NoError(t, w.run(id, StepCreate, StepSet, StepTest))
	require.Equal(t, []string{"Describe", "Describe", "Describe"}, w.calls)
	require.NoError(t, w.run(id, StepFinish))
	require.NotContains(t, w.calls, "MoveStage")
	require.NotContains(t, w.calls, "RemovePassword")
}

func TestARepetitionRemovesWhatTheCrashLeft(t *testing.T) {
	t.Parallel()
	for name, lag := range map[string]time.Duration{"at once": 0, "when it is replicated": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.lag = lag
			id := w.begin(arn)
			w.interfere = func(call string, after bool) error {
				if call == "AddPassword" && after {
					panic(died{})
				}
				return nil
			}
			require.ErrorContains(t, w.run(id, StepCreate), "died")
			w.interfere = nil
			orphan := w.credentials[clientID][1].KeyID
			require.NoError(t, w.run(id, StepCreate))
			require.Equal(t, lag > 0, w.has(clientID, orphan), "one that is not seen cannot be removed yet")
			require.NoError(t, w.run(id, StepSet, StepTest, StepFinish))
			require.False(t, w.has(clientID, orphan))
		})
	}
}

// TestLostAnswersAreNoFailures: whatever was done is found to be done, within the
// same step.
func TestLostAnswersAreNoFailures(t *testing.T) {
	t.Parallel()
	for _, lost := range []string{"Describe", "Value", "Find", "AddPassword", "Put", "Test", "MoveStage", "RemovePassword"} {
		t.Run(lost, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for range 3 {
				once := false
				w.interfere = func(call string, after bool) error {
					if call == lost && after && !once {
						once = true
						return &TemporaryError{Err: errors.New("connection reset")}
					}
					return nil
				}
				w.rotate(arn)
				require.True(t, once || lost == "RemovePassword")
				w.now = w.now.Add(w.config.Interval)
			}
			w.requireTwo(arn)
		})
	}
}

// TestTwoTriesAtOnce stores the value of one; the other fails, and what it added
// is removed.
func TestTwoTriesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.begin(arn)
	w.lag = 10 * time.Second // neither sees what the other added
	once := false
	w.interfere = func(call string, after bool) error {
		if call == "AddPassword" && after && !once {
			once = true
			require.NoError(t, w.run(id, StepCreate))
		}
		return nil
	}
	require.ErrorContains(t, w.run(id, StepCreate), "store the credential "+w.credentials[clientID][1].KeyID+": ResourceExistsException")
	require.Len(t, w.credentials[clientID], 1+2)
	require.NoError(t, w.attempt(arn, id))
	require.Len(t, w.credentials[clientID], 1+1)
}

func TestAPendingVersionIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		after  time.Duration
		remove bool
		want   string
	}{
		"its credential was removed": {2 * time.Hour, true, "does not have the credential"},
		"it failed for months":       {95 * day, false, "want at least 121 days from now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.rotate(arn)
			id := w.begin(arn)
			require.NoError(t, w.run(id, StepCreate))
			value, ok := w.vaults[arn].value(Pending)
			require.True(t, ok)
			if tt.remove {
				require.NoError(t, w.RemovePassword(t.Context(), clientID, value.KeyID))
			}
			w.now = w.now.Add(tt.after)
			require.NoError(t, w.run(id, StepCreate), "what is stored is stored")
			for _, call := range []string{"RemovePassword", "MoveStage"} { // dies after each
				w.interfere = func(name string, after bool) error {
					if name == call && after {
						panic(died{})
					}
					return nil
				}
				require.ErrorContains(t, w.run(id, StepSet), "died")
			}
			w.interfere = nil
			require.ErrorContains(t, w.run(id, StepSet), "want the id of a version")
			require.False(t, w.has(clientID, value.KeyID))

			w.vaults[arn].give(Pending, id)
			require.ErrorContains(t, w.run(id, StepSet), "version "+id+" is given up, and the next rotation makes another: ")
			require.Empty(t, w.vaults[arn].labelled(Pending))
			next := w.begin(arn)
			require.NotEqual(t, id, next)
			require.NoError(t, w.attempt(arn, next))
			w.requireTidy(arn)
		})
	}
}

// TestACurrentVersionIsNotGivenUp: what is current keeps its credential, since it
// may still be in use.
func TestACurrentVersionIsNotGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.begin(arn)
	require.NoError(t, w.run(id, StepCreate))
	require.Equal(t, id, w.vaults[arn].labelled(Current), "the first is current by itself")
	w.now = w.now.Add(95 * day)
	require.ErrorContains(t, w.run(id, StepSet), "is given up")
	require.Equal(t, id, w.vaults[arn].labelled(Current))
	w.requireSound(arn)
	w.rotate(arn)
}

// TestRotationIsSetUpWithoutRotating: Secrets Manager runs the test alone, on a
// version without a value.
func TestRotationIsSetUpWithoutRotating(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.begin(arn)
	require.NoError(t, w.run(id, StepTest))
	require.Contains(t, w.calls, "Find")
	require.NotContains(t, w.calls, "Test", "there is none yet")
	require.ErrorContains(t, w.run(id, StepFinish), "there is no such value")
	require.ErrorContains(t, w.run(id, StepSet), "there is no such value")
	require.Empty(t, w.vaults[arn].labelled(Current))

	w.noApp = true
	require.ErrorContains(t, w.run(id, StepTest), "404")
	w.noApp = false

	require.NoError(t, w.attempt(arn, id))
	id = w.begin(arn)
	w.calls = nil
	require.NoError(t, w.run(id, StepTest))
	require.Contains(t, w.calls, "Test")
	w.credentials[clientID] = w.credentials[clientID][:1]
	require.ErrorContains(t, w.run(id, StepTest), "AADSTS7000215")
}

func TestAValueOfAnotherClientIsNotTested(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.begin(arn)
	require.NoError(t, w.run(id, StepCreate))
	w.calls = nil
	w.vaults[arn].tags[ClientIDTag] = rotatorID
	require.ErrorContains(t, w.run(id, StepTest), "the value is for "+clientID+" at "+authority+", want "+rotatorID)
	require.NotContains(t, w.calls, "Test")
}

func TestWhatOthersPutIsNoObstacle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	byHand := uuid.NewString()
	w.vaults[arn].versions[byHand] = &version{value: `{"password":"hunter2-hunter2"}`, stages: []Stage{Current}}
	w.issued = append(w.issued, "hunter2-hunter2")
	for range 4 {
		w.rotate(arn)
		w.now = w.now.Add(w.config.Interval)
	}
	w.requireTwo(arn)
}

// TestTheLogSaysWhatWasDone by ids.
func TestTheLogSaysWhatWasDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		w.rotate(arn)
		w.now = w.now.Add(w.config.Interval)
	}
	var said []string
	for line := range strings.Lines(w.log.String()) {
		var entry map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &entry))
		require.Equal(t, arn, entry["secret"])
		require.Equal(t, clientID, entry["clientId"])
		require.Contains(t, entry, "step")
		require.Contains(t, entry, "version")
		said = append(said, entry["msg"].(string))
		if slices.Contains([]string{"credential added", "credential removed", "the version is current", "the credential works"}, entry["msg"].(string)) {
			require.NotEmpty(t, entry["keyId"], line)
		}
	}
	require.Equal(t, []string{
		"credential added", "step done", "the application has the credential", "step done", "the credential works", "step done",
		"the version is current", "credential removed", "pruned", "step done",
	}, said[len(said)-10:])
}
