package rotate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

const (
	tenantID  = "11111111-1111-4111-8111-111111111111"
	clientID  = "22222222-2222-4222-8222-222222222222"
	rotatorID = "33333333-3333-4333-8333-333333333333"
	authority = "https://login.microsoftonline.com/" + tenantID
	arn       = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders-AbCdEf"
	ownARN    = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rotator-AbCdEf"
)

func goodConfig() Config {
	return Config{
		GraphURL: "https://graph.microsoft.com", Lifetime: 211 * day, Interval: 90 * day, Overlap: 31 * day,
		ClientID: rotatorID, Authority: authority,
	}
}

// version is a version of a secret.
type version struct {
	value  string // "" when it has none
	stages []Stage
}

// vault is a secret, by the rules of Secrets Manager.
type vault struct {
	tags                map[string]string
	enabled             bool
	versions            map[string]*version
	lastRotated, nextAt time.Time
	demoted             map[string]time.Time // when a key id ceased to be current
	rotations           int                  // that ended well
}

func newVault(client string) *vault {
	return &vault{
		enabled: true, versions: map[string]*version{}, demoted: map[string]time.Time{},
		tags: map[string]string{ClientIDTag: client, TenantIDTag: tenantID, AuthorityTag: authority, ScopeTag: "api://orders/.default"},
	}
}

func (v *vault) labelled(stage Stage) string {
	for id, version := range v.versions {
		if slices.Contains(version.stages, stage) {
			return id
		}
	}
	return ""
}

func (v *vault) take(stage Stage) {
	for _, version := range v.versions {
		version.stages = slices.DeleteFunc(version.stages, func(s Stage) bool { return s == stage })
	}
}

func (v *vault) give(stage Stage, id string) {
	v.take(stage)
	v.versions[id].stages = append(v.versions[id].stages, stage)
}

// value is what the version with a label holds.
func (v *vault) value(stage Stage) (Value, bool) {
	version := v.versions[v.labelled(stage)]
	if version == nil {
		return Value{}, false
	}
	value, err := ParseValue(Hidden(version.value))
	return value, err == nil
}

// credential is a client secret of the directory.
type credential struct {
	Password
	text string
}

// died is the end of the function's process.
type died struct{}

// world is both clouds, and what is expected of them.
type world struct {
	*testing.T
	config      Config
	clouds      Clouds // what the function works with: the world itself, unless changed
	now         time.Time
	lag         time.Duration // of replication
	firstIsBoth bool          // the first version with a value becomes current by that
	keepPending bool          // the pending label stays when its version becomes current
	vaults      map[string]*vault
	credentials map[string][]credential // by client id
	noApp       bool
	// interfere is asked before and after each call to a cloud, and fails it.
	interfere func(call string, after bool) error
	calls     []string
	log       bytes.Buffer
	errors    strings.Builder
	issued    []string        // all secrets ever made
	stored    map[string]bool // key ids that were ever put
	waited    time.Duration
	late      func() // happens while the function waits
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		T: t, config: goodConfig(), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), firstIsBoth: true,
		vaults: map[string]*vault{arn: newVault(clientID)}, credentials: map[string][]credential{},
		stored: map[string]bool{},
	}
	w.credentials[clientID] = []credential{{Password: Password{KeyID: "foreign", Name: "made by hand", Start: w.now.Add(-700 * day), End: w.now.Add(-day)}}}
	w.clouds = Clouds{Secrets: w, SignIn: w, OpenGraph: func(*Value) Applications { return w }}
	t.Cleanup(w.searchForSecrets)
	return w
}

// searchForSecrets looks for every secret in all that was said.
func (w *world) searchForSecrets() {
	for _, secret := range w.issued {
		require.NotContains(w.T, w.log.String(), secret)
		require.NotContains(w.T, w.errors.String(), secret)
	}
}

// invoke runs the function once, in a process of its own.
func (w *world) invoke(ctx context.Context, event Event) (err error) {
	w.Helper()
	defer func() {
		switch r := recover(); r.(type) {
		case nil:
		case died:
			err = errors.New("the process died")
		default:
			panic(r)
		}
		if err != nil {
			fmt.Fprintf(&w.errors, "%v %+v %#v\n", err, err, err)
		}
	}()
	rotator, err := New(w.config, w.clouds, Options{
		Now: func() time.Time { return w.now }, Log: slog.New(slog.NewJSONHandler(&w.log, nil)),
		Wait: func(_ context.Context, d time.Duration) error {
			w.now, w.waited = w.now.Add(d), w.waited+d
			if w.late != nil {
				w.late()
			}
			return nil
		},
	})
	require.NoError(w.T, err)
	return rotator.Handle(ctx, event)
}

// begin makes a pending version, or returns the one of a rotation that is not
// complete.
func (w *world) begin(arn string) string {
	v := w.vaults[arn]
	if at := v.labelled(Pending); at != "" && at != v.labelled(Current) {
		return at
	}
	id := uuid.NewString()
	v.versions[id] = &version{}
	v.give(Pending, id)
	return id
}

// attempt is one try of a rotation to a version.
func (w *world) attempt(arn, id string) error {
	w.Helper()
	for _, step := range []string{StepCreate, StepSet, StepTest, StepFinish} {
		err := w.invoke(w.Context(), Event{Step: step, SecretID: arn, Token: id})
		w.requireSound(arn)
		if err != nil {
			return err
		}
	}
	w.vaults[arn].lastRotated = w.now
	w.vaults[arn].nextAt = w.now.Add(w.config.Interval)
	w.vaults[arn].rotations++
	return nil
}

// rotate rotates, which must succeed at once.
func (w *world) rotate(arn string) {
	w.Helper()
	require.NoError(w.T, w.attempt(arn, w.begin(arn)), "%s", w.log.String())
	w.requireTidy(arn)
}

func (w *world) has(client, keyID string) bool {
	return slices.ContainsFunc(w.credentials[client], func(c credential) bool { return c.KeyID == keyID })
}

// requireSound requires what holds at any time.
func (w *world) requireSound(arn string) {
	w.Helper()
	v := w.vaults[arn]
	client := v.tags[ClientIDTag]
	valid := 0
	for _, stage := range []Stage{Current, Previous} {
		value, ok := v.value(stage)
		if !ok {
			continue
		}
		require.True(w.T, w.has(client, value.KeyID), "the credential of %s is removed", stage)
		if value.ExpiresAt.After(w.now) {
			valid++
		} else {
			require.NotEqual(w.T, Current, stage, "the current credential is expired")
		}
	}
	if v.rotations >= 2 {
		require.Equal(w.T, 2, valid, "valid credentials")
	}
	for keyID, at := range v.demoted {
		if w.now.Sub(at) <= w.config.Overlap {
			require.True(w.T, w.has(client, keyID), "a credential that was current within the overlap is removed: %s", at)
		}
	}
	if client == clientID {
		require.True(w.T, w.has(client, "foreign"), "a credential that is not the rotator's is removed")
	}
}

// requireTidy requires what holds after a rotation.
func (w *world) requireTidy(arn string) {
	w.Helper()
	for _, c := range w.credentials[w.vaults[arn].tags[ClientIDTag]] {
		if c.KeyID == "foreign" {
			continue
		}
		require.True(w.T, c.End.After(w.now), "an expired credential is left")
		require.True(w.T, w.stored[c.KeyID] || w.now.Sub(c.Start) <= orphanAge, "an orphan is left")
	}
}

// requireTwo requires that the rotator's credentials are the current and the
// previous one, and both work.
func (w *world) requireTwo(arn string) {
	w.Helper()
	v := w.vaults[arn]
	var want, got []string
	for _, stage := range []Stage{Current, Previous} {
		value, ok := v.value(stage)
		require.True(w.T, ok)
		require.NoError(w.T, w.Test(w.Context(), value))
		want = append(want, value.KeyID)
	}
	for _, c := range w.credentials[v.tags[ClientIDTag]] {
		if c.KeyID != "foreign" {
			got = append(got, c.KeyID)
		}
	}
	require.ElementsMatch(w.T, want, got)
}
