package rotate

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Clouds are what the rotator works with.
type Clouds struct {
	Secrets Secrets
	SignIn  SignIn
	// OpenGraph makes a client of Microsoft Graph, which signs in by itself. It is
	// called once an invocation at most, and no invocation uses that of another.
	// The value is that of the rotator's own secret, or nil if it has none.
	OpenGraph func(own *Value) Applications
}

// Secrets is the part of Secrets Manager that the rotator needs.
type Secrets interface {
	// Describe returns a secret without its values.
	Describe(ctx context.Context, arn string) (Secret, error)
	// Value returns a value by version, by staging label, or by both, which then
	// must agree. The error is [ErrNoValue] when there is no such version or it
	// has no value.
	Value(ctx context.Context, arn, version string, stage Stage) (Hidden, error)
	// Put gives a version its value and the label [Pending]. Doing so again with
	// the same value is no error; with another it is.
	Put(ctx context.Context, arn, version string, value Hidden) error
	// MoveStage takes a label from one version and gives it to another; either
	// may be "".
	MoveStage(ctx context.Context, arn string, stage Stage, to, from string) error
}

// ErrNoValue says that a version of a secret has no value.
var ErrNoValue = errors.New("there is no such value")

// Stage is a staging label.
type Stage string

// The labels of Secrets Manager.
const (
	Current  Stage = "AWSCURRENT"
	Pending  Stage = "AWSPENDING"
	Previous Stage = "AWSPREVIOUS"
)

// Secret is a secret without its values.
type Secret struct {
	ARN             string
	RotationEnabled bool
	Tags            map[string]string
	// Versions are the labels of each version that has any.
	Versions map[string][]Stage
	// LastRotated is when a rotation last ended well, and NextRotation when one
	// has to at the latest; zero if that is not known.
	LastRotated, NextRotation time.Time
}

// labelled is the version with a label, or "".
func (s Secret) labelled(stage Stage) string {
	for version, stages := range s.Versions {
		if slices.Contains(stages, stage) {
			return version
		}
	}
	return ""
}

// Applications is the part of Microsoft Graph that the rotator needs.
type Applications interface {
	// Find returns an application by its client id.
	Find(ctx context.Context, clientID string) (Application, error)
	// AddPassword makes a credential. When it fails, there may be one all the
	// same.
	AddPassword(ctx context.Context, objectID, name string, end time.Time) (NewPassword, error)
	// RemovePassword removes a credential. That it is gone already is no error.
	RemovePassword(ctx context.Context, objectID, keyID string) error
}

// Application is an application with its client secrets.
type Application struct {
	ObjectID  string
	Passwords []Password
	// Now is when this was said, by Microsoft Graph's clock.
	Now time.Time
}

// password finds a credential by its key id.
func (a Application) password(keyID string) (Password, bool) {
	at := slices.IndexFunc(a.Passwords, func(p Password) bool { return p.KeyID == keyID })
	if at < 0 {
		return Password{}, false
	}
	return a.Passwords[at], true
}

// Password is a client secret without its value.
type Password struct {
	KeyID, Name string
	Start, End  time.Time
}

// NewPassword is a client secret that was just made.
type NewPassword struct {
	KeyID string
	End   time.Time
	Text  Hidden
}

// SignIn is the token endpoint.
type SignIn interface {
	// Test signs in with a value's credential.
	Test(ctx context.Context, value Value) error
}

// TemporaryError says that trying again later may succeed: a call was throttled,
// the service failed, or what was made is not replicated yet.
type TemporaryError struct {
	Err error
	// After is how long to wait at least; zero if the service did not say.
	After time.Duration
}

func (e *TemporaryError) Error() string { return e.Err.Error() }

// Unwrap returns what went wrong.
func (e *TemporaryError) Unwrap() error { return e.Err }
