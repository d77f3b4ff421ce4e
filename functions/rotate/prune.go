package rotate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// prune removes those of the rotator's credentials that nobody needs: superseded
// for longer than the overlap, expired, or left over by a try that died. Those of
// the labelled versions stay, and so does what is not the rotator's.
func (i *invocation) prune(ctx context.Context, current Value) error {
	app, err := i.find(ctx)
	if err != nil {
		return err
	}
	// What was current before this step, and became so, as the second label moved.
	secret, err := i.describe(ctx, i.secret.ARN)
	if err != nil {
		return fmt.Errorf("describe %s: %w", i.secret.ARN, err)
	}
	now := ledger{
		now: app.Now, overlap: i.config.Overlap, version: i.event.Token, current: current.KeyID,
		lastRotated: i.secret.LastRotated, keep: map[string]bool{current.KeyID: true},
	}
	for _, stage := range []Stage{Previous, Pending} {
		version := secret.labelled(stage)
		if version == "" {
			continue
		}
		value, err := i.value(ctx, secret.ARN, version, "")
		switch {
		case errors.Is(err, ErrNoValue), errors.Is(err, errNotOurs): // holds no credential of the rotator's
			continue
		case err != nil:
			return fmt.Errorf("read the version that is %s: %w", stage, err)
		}
		now.keep[value.KeyID] = true
		if stage == Previous {
			now.previous = value.KeyID
		}
	}
	for _, p := range app.Passwords {
		version, ours := VersionOf(p.Name)
		if !ours {
			continue
		}
		entry := entry{Password: p, version: version, stored: now.keep[p.KeyID]}
		if !entry.stored {
			// Versions without a label can be read as long as there are no more than
			// a hundred newer ones.
			// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
			value, err := i.value(ctx, secret.ARN, version, "")
			if err != nil && !errors.Is(err, ErrNoValue) && !errors.Is(err, errNotOurs) {
				return fmt.Errorf("read version %s: %w", version, err)
			}
			entry.stored = err == nil && value.KeyID == p.KeyID
		}
		now.entries = append(now.entries, entry)
	}
	removals := now.removals()
	for _, removal := range removals {
		if err := i.remove(ctx, app, removal.keyID, removal.why); err != nil {
			return err
		}
	}
	i.log.InfoContext(ctx, "pruned", slog.Int("removed", len(removals)), slog.Int("kept", len(now.entries)-len(removals)))
	return nil
}

// ledger is what is known of the rotator's credentials when a version has become
// current.
type ledger struct {
	now     time.Time // Microsoft Graph's
	overlap time.Duration
	// version is the one that became current, and current its credential.
	version, current string
	// previous is the credential that was current before, or "".
	previous string
	// keep are the credentials of labelled versions.
	keep map[string]bool
	// lastRotated is when the rotation before ended well; zero if none did.
	lastRotated time.Time
	entries     []entry
}

// entry is one of the rotator's credentials.
type entry struct {
	Password
	version string
	// stored says that the version holds it, so that it may have been current.
	// Otherwise nobody ever knew its secret.
	stored bool
}

// removal says which credential is to be removed.
type removal struct{ keyID, why string }

// orphanAge is when a credential whose value is not stored was left over, and is
// not that of a try that still runs, which takes 15 minutes at most.
const orphanAge = day

// removals are what may be removed, the oldest first.
func (l ledger) removals() []removal {
	entries := slices.SortedFunc(slices.Values(l.entries), func(a, b entry) int { return a.Start.Compare(b.Start) })
	var found []removal
	for _, e := range entries {
		if l.keep[e.KeyID] {
			continue
		}
		superseded, known := l.superseded(e)
		switch {
		case !e.End.After(l.now):
			found = append(found, removal{e.KeyID, "it is expired"})
		case !e.stored && (e.version == l.version || l.now.Sub(e.Start) > orphanAge):
			found = append(found, removal{e.KeyID, "its value was never stored"})
		case e.stored && known && l.now.Sub(superseded) > l.overlap:
			found = append(found, removal{e.KeyID, "it was superseded before " + superseded.UTC().Format(time.RFC3339)})
		}
	}
	return found
}

// superseded is a time by which a credential without a label had been superseded
// for certain. When exactly is written nowhere, and the start of the next
// credential is too early: it became current only once it was tested, which may
// have taken days. It is the earliest of:
//   - the start of the current one: the one before it was current then.
//   - for what is older than the previous one: when the rotation ended that made
//     that one current.
//   - the start of the second newer one that was stored: a rotation begins when
//     the one before has ended.
func (l ledger) superseded(e entry) (at time.Time, known bool) {
	by := func(t time.Time) {
		if !known || t.Before(at) {
			at, known = t, true
		}
	}
	current, ok := l.start(l.current)
	if !ok || !e.Start.Before(current) {
		return at, false
	}
	by(current)
	if previous, ok := l.start(l.previous); ok && e.Start.Before(previous) && !l.lastRotated.Before(previous) {
		by(l.lastRotated)
	}
	var newer []time.Time
	for _, other := range l.entries {
		if other.stored && other.Start.After(e.Start) {
			newer = append(newer, other.Start)
		}
	}
	if slices.SortFunc(newer, time.Time.Compare); len(newer) >= 2 {
		by(newer[1])
	}
	return at, known
}

// start is when a credential of the rotator's begins.
func (l ledger) start(keyID string) (time.Time, bool) {
	at := slices.IndexFunc(l.entries, func(e entry) bool { return e.KeyID == keyID })
	if at < 0 {
		return time.Time{}, false
	}
	return l.entries[at].Start, true
}
