package rotate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// namePrefix is what the names of the rotator's credentials begin with. The id
// of the version follows. Credentials with other names are not the rotator's,
// and stay.
const namePrefix = "entragate rotation "

// The bounds of a version's id.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
const minVersion, maxVersion = 32, 64

// CredentialName is the name, in Entra, of the credential that a version holds.
func CredentialName(version string) string { return namePrefix + version }

// VersionOf is the version that a credential of a name was made for, if it is the
// rotator's.
func VersionOf(name string) (version string, ours bool) {
	version, ours = strings.CutPrefix(name, namePrefix)
	return version, ours && len(version) >= minVersion && len(version) <= maxVersion
}

// create adds a credential to the application, and stores it as the value of the
// pending version.
//
// Entra makes the secret and tells it once, so both cannot be one act. An earlier
// try may have left:
//   - nothing: it is done now.
//   - a credential whose value was not stored, since the function died or
//     addPassword's answer was lost: nobody knows its secret. Found by its name,
//     it is removed, and another is added.
//   - such a credential that Microsoft Graph does not show yet: another is added,
//     and finishSecret, or that of the next rotation, removes the first.
//   - a stored value, although the answer to that was lost: it is kept.
//   - a stored value of a try that still ran: putting another is refused. This
//     try fails, the next finds the value, and finishSecret removes what this one
//     added.
func (i *invocation) create(ctx context.Context) error {
	value, err := i.value(ctx, i.secret.ARN, i.event.Token, Pending)
	if err == nil {
		i.log.InfoContext(ctx, "the version has a value already", slog.String("keyId", value.KeyID))
		return nil
	}
	if !errors.Is(err, ErrNoValue) {
		return fmt.Errorf("read version %s: %w", i.event.Token, err)
	}
	if _, err := i.graph(ctx); err != nil {
		return err
	}
	// Each try begins with a look at what the one before may have left.
	added, err := result(ctx, i, "add a credential", func() (NewPassword, error) { return i.add(ctx) })
	if err != nil {
		return fmt.Errorf("add a credential to %s: %w", i.client.ID, err)
	}
	i.log.InfoContext(ctx, "credential added", slog.String("keyId", added.KeyID), slog.Time("expiresAt", added.End))
	return i.store(ctx, added)
}

func (i *invocation) add(ctx context.Context) (NewPassword, error) {
	app, err := i.find(ctx)
	if err != nil {
		return NewPassword{}, err
	}
	for _, p := range app.Passwords {
		if p.Name != CredentialName(i.event.Token) {
			continue
		}
		if err := i.remove(ctx, app, p.KeyID, "its value was never stored"); err != nil {
			return NewPassword{}, err
		}
	}
	added, err := i.apps.AddPassword(ctx, app.ObjectID, CredentialName(i.event.Token), app.Now.Add(i.config.Lifetime))
	i.secrets.add(added.Text)
	return added, err
}

// store puts a new credential into the pending version. The same value may be
// put again.
func (i *invocation) store(ctx context.Context, added NewPassword) error {
	value, err := Value{
		ClientID: i.client.ID, TenantID: i.client.TenantID, Authority: i.client.Authority, Scope: i.client.Scope,
		ClientSecret: added.Text, KeyID: added.KeyID, ExpiresAt: added.End,
	}.Encode()
	if err != nil {
		return err
	}
	i.secrets.add(value)
	err = i.retry(ctx, "store the credential", func() error {
		return i.clouds.Secrets.Put(ctx, i.secret.ARN, i.event.Token, value)
	})
	if err != nil {
		return fmt.Errorf("store the credential %s: %w", added.KeyID, err)
	}
	return nil
}

// replicated is when a credential that Microsoft Graph does not show is gone
// rather than new (a guess: replication takes minutes).
const replicated = time.Hour

// set waits until Microsoft Graph shows the pending credential. It changes
// nothing, so it may be repeated, with one exception: when the pending version
// can never become a good current one, it is given up, since Secrets Manager
// would try the same version for ever.
//   - Its credential is gone: somebody removed it.
//   - Too little is left of it: rotation failed for so long.
//
// Giving up removes the credential first and the label then. When it dies in
// between, the repetition finds the credential gone, and gives up again.
func (i *invocation) set(ctx context.Context) error {
	value, err := i.value(ctx, i.secret.ARN, i.event.Token, Pending)
	if err != nil {
		return fmt.Errorf("read version %s: %w", i.event.Token, err)
	}
	var gone error
	app, err := result(ctx, i, "see the credential", func() (Application, error) {
		app, err := i.find(ctx)
		if err != nil {
			return app, err
		}
		if _, ok := app.password(value.KeyID); ok {
			return app, nil
		}
		missing := fmt.Errorf("the application %s does not have the credential %s", i.client.ID, value.KeyID)
		if made := value.ExpiresAt.Add(-i.config.Lifetime); app.Now.After(made.Add(replicated)) {
			gone = missing
			return app, nil
		}
		return app, &TemporaryError{Err: missing}
	})
	if err != nil {
		return err
	}
	if gone != nil {
		return i.giveUp(ctx, app, value, gone)
	}
	if left := value.ExpiresAt.Sub(app.Now); left < i.config.Interval+spare {
		return i.giveUp(ctx, app, value, fmt.Errorf("the credential %s lasts until %s, want at least %s from now",
			value.KeyID, value.ExpiresAt.Format(time.RFC3339), inDays(i.config.Interval+spare)))
	}
	i.log.InfoContext(ctx, "the application has the credential", slog.String("keyId", value.KeyID))
	return nil
}

// giveUp ends the rotation to the pending version, so that the next makes
// another. What is current, which a first version is by itself, stays.
func (i *invocation) giveUp(ctx context.Context, app Application, value Value, why error) error {
	if i.secret.labelled(Current) != i.event.Token {
		if err := i.remove(ctx, app, value.KeyID, "its version is given up"); err != nil {
			return err
		}
	}
	if err := i.move(ctx, Pending, ""); err != nil {
		return err
	}
	return fmt.Errorf("version %s is given up, and the next rotation makes another: %w", i.event.Token, why)
}

// test signs in with the pending credential. It changes nothing, so it may be
// repeated. A credential that is not known everywhere yet is tried again.
//
// Secrets Manager also runs this step alone, on a pending version without a
// value, when rotation is set up without an immediate rotation. Then what a
// rotation needs is looked at: the application, and the current credential if
// there is one. A version without a value gets no further: finishSecret refuses
// it.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
func (i *invocation) test(ctx context.Context) error {
	value, err := i.value(ctx, i.secret.ARN, i.event.Token, Pending)
	if errors.Is(err, ErrNoValue) {
		if _, err := i.find(ctx); err != nil {
			return err
		}
		value, err = i.value(ctx, i.secret.ARN, "", Current)
		if errors.Is(err, ErrNoValue) {
			i.log.InfoContext(ctx, "there is no credential to test")
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("read version %s: %w", i.event.Token, err)
	}
	if value.ClientID != i.client.ID || value.Authority != i.client.Authority {
		return fmt.Errorf("the value is for %s at %s, want %s at %s, as the tags say",
			value.ClientID, value.Authority, i.client.ID, i.client.Authority)
	}
	err = i.retry(ctx, "sign in with the credential", func() error { return i.clouds.SignIn.Test(ctx, value) })
	if err != nil {
		return fmt.Errorf("sign in with the credential %s: %w", value.KeyID, err)
	}
	i.log.InfoContext(ctx, "the credential works", slog.String("keyId", value.KeyID))
	return nil
}

// finish makes the pending version current, and then removes what is superseded.
//
// An earlier try may have left:
//   - nothing: it is done now.
//   - AWSCURRENT moved and AWSPENDING still there, or either answer lost: each
//     label is moved only if it is not where it belongs.
//   - both moved, and some credentials removed: the others are removed now. That
//     one is gone already is no error. If Secrets Manager does not repeat the
//     step, since the version is current, the next rotation removes them.
func (i *invocation) finish(ctx context.Context) error {
	value, err := i.value(ctx, i.secret.ARN, i.event.Token, "")
	if err != nil {
		return fmt.Errorf("read version %s: %w", i.event.Token, err)
	}
	if err := i.move(ctx, Current, i.event.Token); err != nil {
		return err
	}
	if err := i.move(ctx, Pending, ""); err != nil {
		return err
	}
	i.log.InfoContext(ctx, "the version is current", slog.String("keyId", value.KeyID), slog.Time("expiresAt", value.ExpiresAt))
	return i.prune(ctx, value)
}

// move gives a label to a version, or takes [Pending] from this one. Each try
// looks where the label is: that of an earlier one may have moved it, and
// Secrets Manager takes a pending label off by itself when its version becomes
// current.
func (i *invocation) move(ctx context.Context, stage Stage, to string) error {
	err := i.retry(ctx, "move the label "+string(stage), func() error {
		secret, err := i.clouds.Secrets.Describe(ctx, i.secret.ARN)
		if err != nil {
			return err
		}
		i.secret.Versions = secret.Versions // all else is as it was before this step
		from := secret.labelled(stage)
		if from == to || (to == "" && from != i.event.Token) {
			return nil
		}
		return i.clouds.Secrets.MoveStage(ctx, i.secret.ARN, stage, to, from)
	})
	if err != nil {
		return fmt.Errorf("move the label %s: %w", stage, err)
	}
	return nil
}
