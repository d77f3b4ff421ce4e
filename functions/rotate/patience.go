package rotate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Waiter waits, or returns the context's error as soon as it ends.
type Waiter func(ctx context.Context, d time.Duration) error

func waitRealTime(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

const (
	firstPause = time.Second
	maxPause   = 15 * time.Second
	// patience is how long one call is tried again. That a new credential is
	// known everywhere takes up to a minute or two (a guess).
	patience = 2 * time.Minute
	// lastMoments is what is left of the function's time for the last try, and
	// to say what went wrong.
	lastMoments = 5 * time.Second
)

// retry calls f until it returns something other than a [TemporaryError], or
// time is up.
func (i *invocation) retry(ctx context.Context, what string, f func() error) error {
	var waited time.Duration
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := f()
		var temporary *TemporaryError
		if err == nil || !errors.As(err, &temporary) {
			return err
		}
		next := max(pause, temporary.After)
		if waited+next > patience {
			return outOfPatience(err, waited, "")
		}
		if deadline, ok := ctx.Deadline(); ok && i.now().Add(next).After(deadline.Add(-lastMoments)) {
			return outOfPatience(err, waited, ", and the function's time is up")
		}
		i.log.InfoContext(ctx, "waiting", slog.String("to", what),
			slog.String("for", next.String()), slog.String("because", i.secrets.clean(err).Error()))
		if waitErr := i.wait(ctx, next); waitErr != nil {
			return errors.Join(err, waitErr)
		}
		waited += next
	}
}

// outOfPatience does not wrap the error: if it still were a [TemporaryError], a
// retry around this one would go on.
func outOfPatience(err error, waited time.Duration, more string) error {
	return errors.New(err.Error() + " (still so after " + waited.String() + more + ")")
}

// result calls f as retry does, for what it returns.
func result[T any](ctx context.Context, i *invocation, what string, f func() (T, error)) (T, error) {
	var got T
	err := i.retry(ctx, what, func() error {
		var err error
		got, err = f()
		return err
	})
	return got, err
}

// describe describes a secret.
func (i *invocation) describe(ctx context.Context, arn string) (Secret, error) {
	return result(ctx, i, "describe the secret", func() (Secret, error) { return i.clouds.Secrets.Describe(ctx, arn) })
}

// value reads a value, whose secret is then known.
func (i *invocation) value(ctx context.Context, arn, version string, stage Stage) (Value, error) {
	raw, err := result(ctx, i, "read the secret", func() (Hidden, error) { return i.clouds.Secrets.Value(ctx, arn, version, stage) })
	if err != nil {
		return Value{}, err
	}
	value, err := ParseValue(raw)
	i.secrets.add(raw)
	i.secrets.add(value.ClientSecret)
	return value, err
}

// graph is Microsoft Graph, with the rotator's own secret read at its first use.
func (i *invocation) graph(ctx context.Context) (Applications, error) {
	if i.apps != nil {
		return i.apps, nil
	}
	var own *Value
	if arn := i.config.SecretARN; arn != "" {
		value, err := i.value(ctx, arn, "", Current)
		if err == nil && value.ClientID != i.config.ClientID {
			err = fmt.Errorf("clientId: got %q, want the rotator's, %s", value.ClientID, i.config.ClientID)
		}
		if err != nil {
			return nil, fmt.Errorf("the rotator's own secret %s: %w", arn, err)
		}
		own = &value
	}
	i.apps = i.clouds.OpenGraph(own)
	return i.apps, nil
}

// find reads the client's application. One that was just registered may not be
// replicated yet.
func (i *invocation) find(ctx context.Context) (Application, error) {
	apps, err := i.graph(ctx)
	if err != nil {
		return Application{}, err
	}
	return result(ctx, i, "find the application", func() (Application, error) { return apps.Find(ctx, i.client.ID) })
}

// remove removes a credential.
func (i *invocation) remove(ctx context.Context, app Application, keyID, why string) error {
	err := i.retry(ctx, "remove the credential", func() error { return i.apps.RemovePassword(ctx, app.ObjectID, keyID) })
	if err != nil {
		return fmt.Errorf("remove the credential %s: %w", keyID, err)
	}
	i.log.InfoContext(ctx, "credential removed", slog.String("keyId", keyID), slog.String("because", why))
	return nil
}
