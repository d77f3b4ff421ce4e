package rotate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

const (
	// minLeft is how long a current credential lasts at least when all is well.
	minLeft = 45 * day
	// late is how late a rotation may be. Secrets Manager chooses the hour within
	// a day.
	// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
	late = 2 * day
)

// leastLeft is [minLeft], or what a shorter lifetime leaves when a rotation is as
// late as it may be.
func (c Config) leastLeft() time.Duration {
	return min(minLeft, c.Lifetime-c.Interval-late)
}

// check looks at the current credentials of secrets. The error, which the alarm
// on the function's errors is for, names all that is wrong with any of them.
// Nothing is changed.
func (i *invocation) check(ctx context.Context, arns []string) error {
	var problems []error
	log := i.log
	for _, arn := range arns {
		i.log = log.With(slog.String("check", arn))
		value, err := i.checkOne(ctx, arn)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", arn, err))
			continue
		}
		i.log.InfoContext(ctx, "checked", slog.String("keyId", value.KeyID), slog.Time("expiresAt", value.ExpiresAt))
	}
	i.log = log
	return errors.Join(problems...)
}

func (i *invocation) checkOne(ctx context.Context, arn string) (Value, error) {
	if err := i.open(ctx, arn); err != nil {
		return Value{}, err
	}
	value, err := i.value(ctx, arn, "", Current)
	if errors.Is(err, ErrNoValue) {
		return value, errors.New("no version is current: the first rotation has not succeeded")
	}
	if err != nil {
		return value, fmt.Errorf("read the current version: %w", err)
	}
	app, err := i.find(ctx)
	if err != nil {
		return value, err
	}
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if !i.secret.RotationEnabled {
		add("rotation is not enabled, want it enabled")
	}
	if next := i.secret.NextRotation; !next.IsZero() && app.Now.After(next.Add(late)) {
		add("rotation is overdue: got none since %s, want one by then", next.UTC().Format(time.RFC3339))
	}
	password, ok := app.password(value.KeyID)
	if !ok {
		add("the application %s does not have the current credential, %s", i.client.ID, value.KeyID)
		return value, errors.Join(problems...)
	}
	if age := app.Now.Sub(password.Start); age > i.config.Interval+late {
		add("rotation is overdue: the current credential %s is of %s, want one at most %s old",
			value.KeyID, password.Start.UTC().Format(time.RFC3339), inDays(i.config.Interval))
	}
	if left := password.End.Sub(app.Now); left < i.config.leastLeft() {
		add("the current credential %s ends on %s, want at least %s from now",
			value.KeyID, password.End.UTC().Format(time.RFC3339), inDays(i.config.leastLeft()))
	}
	return value, errors.Join(problems...)
}
