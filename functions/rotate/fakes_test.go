package rotate

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// call stands around each call to a cloud.
func call[T any](w *world, name string, do func() (T, error)) (T, error) {
	w.calls = append(w.calls, name)
	var none T
	if w.interfere != nil {
		if err := w.interfere(name, false); err != nil {
			return none, err
		}
	}
	got, err := do()
	if w.interfere != nil {
		if err := w.interfere(name, true); err != nil {
			return none, err
		}
	}
	return got, err
}

func (w *world) Describe(_ context.Context, arn string) (Secret, error) {
	return call(w, "Describe", func() (Secret, error) {
		v := w.vaults[arn]
		if v == nil {
			return Secret{}, errors.New("ResourceNotFoundException: Secrets Manager can't find the specified secret.")
		}
		s := Secret{
			ARN: arn, RotationEnabled: v.enabled, Tags: v.tags, Versions: map[string][]Stage{},
			LastRotated: v.lastRotated, NextRotation: v.nextAt,
		}
		for id, version := range v.versions {
			if len(version.stages) > 0 {
				s.Versions[id] = slices.Clone(version.stages)
			}
		}
		return s, nil
	})
}

func (w *world) Value(_ context.Context, arn, id string, stage Stage) (Hidden, error) {
	return call(w, "Value", func() (Hidden, error) {
		v := w.vaults[arn]
		if id == "" {
			id = v.labelled(stage)
		}
		version := v.versions[id]
		if version == nil || version.value == "" {
			return "", ErrNoValue
		}
		if stage != "" && !slices.Contains(version.stages, stage) {
			return "", errors.New("InvalidRequestException: You provided a VersionStage that is not associated to the provided VersionId.")
		}
		return Hidden(version.value), nil
	})
}

func (w *world) Put(_ context.Context, arn, id string, value Hidden) error {
	_, err := call(w, "Put", func() (any, error) {
		v := w.vaults[arn]
		if old := v.versions[id]; old != nil && old.value != "" {
			if old.value == string(value) {
				return nil, nil
			}
			return nil, errors.New("ResourceExistsException: You can't use ClientRequestToken " + id + " because that value is already in use.")
		}
		first := !slices.ContainsFunc(slices.Collect(maps.Values(v.versions)), func(o *version) bool { return o.value != "" })
		if v.versions[id] == nil {
			v.versions[id] = &version{}
		}
		v.versions[id].value = string(value)
		v.give(Pending, id)
		parsed, err := ParseValue(value)
		require.NoError(w.T, err)
		w.stored[parsed.KeyID] = true
		if first && w.firstIsBoth {
			v.give(Current, id)
		}
		return nil, nil
	})
	return err
}

func (w *world) MoveStage(_ context.Context, arn string, stage Stage, to, from string) error {
	_, err := call(w, "MoveStage", func() (any, error) {
		v := w.vaults[arn]
		if at := v.labelled(stage); at != from {
			return nil, fmt.Errorf("InvalidParameterException: staging label %s is attached to %q, not to %q", stage, at, from)
		}
		if stage == Current {
			if old, ok := v.value(Current); ok {
				v.demoted[old.KeyID] = w.now
			}
			if from != "" {
				v.give(Previous, from)
			}
			if !w.keepPending && v.labelled(Pending) == to {
				v.take(Pending)
			}
		}
		v.take(stage)
		if to != "" {
			v.give(stage, to)
		}
		return nil, nil
	})
	return err
}

func (w *world) Find(_ context.Context, client string) (Application, error) {
	return call(w, "Find", func() (Application, error) {
		if w.noApp {
			return Application{}, &TemporaryError{Err: errors.New("Microsoft Graph answered 404 Request_ResourceNotFound")}
		}
		app := Application{ObjectID: client, Now: w.now}
		for _, c := range w.credentials[client] {
			if w.now.Sub(c.Start) >= w.lag {
				app.Passwords = append(app.Passwords, c.Password)
			}
		}
		return app, nil
	})
}

func (w *world) AddPassword(_ context.Context, objectID, name string, end time.Time) (NewPassword, error) {
	return call(w, "AddPassword", func() (NewPassword, error) {
		c := credential{Password: Password{KeyID: uuid.NewString(), Name: name, Start: w.now, End: end}, text: rand.Text() + "~" + rand.Text()}
		w.credentials[objectID] = append(w.credentials[objectID], c)
		w.issued = append(w.issued, c.text)
		return NewPassword{KeyID: c.KeyID, End: end, Text: Hidden(c.text)}, nil
	})
}

func (w *world) RemovePassword(_ context.Context, objectID, keyID string) error {
	_, err := call(w, "RemovePassword", func() (any, error) {
		w.credentials[objectID] = slices.DeleteFunc(w.credentials[objectID], func(c credential) bool { return c.KeyID == keyID })
		return nil, nil
	})
	return err
}

func (w *world) Test(_ context.Context, v Value) error {
	_, err := call(w, "Test", func() (any, error) {
		for _, c := range w.credentials[v.ClientID] {
			if c.text == string(v.ClientSecret) && w.now.Sub(c.Start) >= w.lag {
				if w.now.After(c.End) {
					return nil, errors.New("AADSTS7000222: expired")
				}
				return nil, nil
			}
		}
		return nil, &TemporaryError{Err: errors.New("AADSTS7000215: Invalid client secret provided.")}
	})
	return err
}
